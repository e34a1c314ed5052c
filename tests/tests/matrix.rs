//! Every account of every instruction, replaced by everything else: refused, and nothing changes. What succeeds nevertheless is
//! listed here with its reason, and must succeed.

use std::collections::BTreeSet;

use portcullis_tests::{
    matrix::{accounts, cases, idl, instructions, outcome, pairs, Case},
    scenes,
};

/// Pairs of accounts that are replaced in each scene; `PORTCULLIS_PAIRS` is another number.
const PAIRS: usize = 200;

/// A right exception: scenes, an account, what may be in its place, why.
type Allowed = (
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
    &'static str,
);

const ALLOWED: &[Allowed] = &[
    (
        &[
            "create_council",
            "adopt_program",
            "propose_upgrade",
            "repropose_upgrade",
            "propose_change (of a gate)",
            "propose_change (of the council)",
            "attest",
            "relay_attestation",
            "hash_buffer (a later step)",
            "hash_program",
        ],
        "payer",
        &["a stranger", "a voter", "a guardian"],
        "whoever signs may pay",
    ),
    (
        &[
            "adopt_program",
            "propose_upgrade",
            "repropose_upgrade",
            "propose_change (of a gate)",
            "propose_change (of the council)",
        ],
        "payer",
        &["the same as proposer"],
        "the proposer may pay",
    ),
    (
        &["adopt_program"],
        "payer",
        &["the same as upgrade_authority"],
        "the former upgrade authority may pay",
    ),
    (
        &["attest", "relay_attestation"],
        "payer",
        &["the same as attester"],
        "the attester may pay",
    ),
    (
        &["hash_buffer (a later step)", "hash_program"],
        "payer",
        &["the same as rent_payer"],
        "who paid for the first step may send the next",
    ),
    (
        &["hash_buffer (the first step)"],
        "payer",
        &["is not writable"],
        "it is the rent payer too, which is writable",
    ),
    (
        &["hash_buffer (the first step)"],
        "rent_payer",
        &["is not writable"],
        "it is the payer too, which is writable",
    ),
    (
        &["propose_upgrade"],
        "buffer",
        &["a copy of it"],
        "another buffer of the proposer with the same content",
    ),
    (
        &["propose_upgrade"],
        "spill",
        &[
            "the same as proposer",
            "the same as payer",
            "another gate's authority",
            "nothing",
            "a wallet",
            "a stranger",
            "a voter",
            "a guardian",
        ],
        "any account of System; the digest covers which",
    ),
    (
        &["adopt_program"],
        "council",
        &["another council"],
        "the proposer is its member too, and the upgrade authority signs for it",
    ),
    (
        &["veto", "veto (about the council)", "trigger"],
        "member",
        &["a guardian"],
        "another guardian has the same right",
    ),
    (
        &["cancel"],
        "proposal",
        &["another proposal of the gate"],
        "the proposer made that one too",
    ),
    (
        &["cancel (about the council)"],
        "proposal",
        &["a proposal about the council"],
        "the proposer made that one too",
    ),
    (
        &["execute_upgrade (of a standby)"],
        "executor",
        &["a stranger", "a voter", "a guardian"],
        "the guardians have decided, so anyone may send it",
    ),
    (
        &["close_buffer"],
        "buffer",
        &["with another discriminator", "full of zeros"],
        "the loader closes what is not initialized too; only the loader could make it so",
    ),
    (
        &["hash_program"],
        "programdata",
        &[
            "owned by another program",
            "with another discriminator",
            "full of zeros",
        ],
        "its address is right, and the last step compares the hash",
    ),
    (
        &["close_hashing"],
        "target",
        &["owned by another program"],
        "so is a proposal that is closed",
    ),
];

/// Two that are right together: the instruction on another subject, which may be done as well.
const ANOTHER_SUBJECT: &[(&str, [&str; 2], &str)] = &[
    (
        "cancel",
        ["another gate of the council", "another gate's proposal"],
        "the proposer made that one too",
    ),
    (
        "close_hashing",
        ["another proposal of the gate", "another proposal's hashing"],
        "that buffer is verified, and the same payer gets the rent back",
    ),
];

fn is_another_subject(title: &str, [first, second]: &[Case; 2]) -> bool {
    let whats = BTreeSet::from([first.what.as_str(), second.what.as_str()]);
    ANOTHER_SUBJECT
        .iter()
        .any(|(name, pair, _)| title == *name && whats == BTreeSet::from(*pair))
}

fn is_allowed(title: &str, case: &Case) -> bool {
    ALLOWED.iter().any(|(titles, account, whats, _)| {
        titles.contains(&title) && case.account == *account && whats.contains(&case.what.as_str())
    })
}

#[test]
fn every_instruction_has_a_scene_in_which_it_succeeds() {
    let idl = idl();
    let mut found = BTreeSet::new();
    for make in scenes::all() {
        let scene = make();
        let mut world = scene.world.clone();
        if let Err(error) = scene.send(&mut world, &scene.instruction) {
            panic!("{}: {error:#?}", scene.title());
        }
        found.insert(scene.name);
    }
    assert_eq!(found, instructions(&idl));
}

/// Goes through every fourth scene, so that the parts run beside each other.
fn run(part: usize) {
    let idl = idl();
    let count = std::env::var("PORTCULLIS_PAIRS").map_or(PAIRS, |count| count.parse().unwrap());
    let (mut refused, mut allowed, mut both) = (0, 0, 0);
    let mut wrong = Vec::new();
    for make in scenes::all().into_iter().skip(part).step_by(4) {
        let scene = make();
        let title = scene.title();
        let expected = accounts(&idl, scene.name);
        let mut world = scene.world.clone();
        for mut case in cases(&scene, &expected) {
            let changed = case.forged.as_mut().unwrap_or(&mut world);
            let name = format!("{title}, {}: {}", case.account, case.what);
            match outcome(&scene, changed, &case.instruction) {
                Err(error) => wrong.push(format!("{name}: {error}")),
                Ok(done) if done != is_allowed(&title, &case) => {
                    let said = if done { "succeeded" } else { "was refused" };
                    wrong.push(format!("{name} {said}"));
                    world = scene.world.clone();
                }
                Ok(true) => {
                    allowed += 1;
                    world = scene.world.clone();
                }
                Ok(false) => refused += 1,
            }
        }
        for pair in pairs(&scene, &expected, count) {
            let [first, second] = &pair;
            let name = format!(
                "{title}, {}: {}; {}: {}",
                first.account, first.what, second.account, second.what
            );
            match outcome(&scene, &mut world, &second.instruction) {
                Err(error) => wrong.push(format!("{name}: {error}")),
                Ok(false) => both += 1,
                Ok(true) => {
                    world = scene.world.clone();
                    let right = is_allowed(&title, first) && is_allowed(&title, second);
                    if !right && !is_another_subject(&title, &pair) {
                        wrong.push(format!("{name} succeeded"));
                    }
                }
            }
        }
    }
    println!("part {part}: {refused} substitutions and {both} pairs refused, {allowed} allowed");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn g11_no_account_can_be_another_in_the_first_part() {
    run(0);
}

#[test]
fn g11_no_account_can_be_another_in_the_second_part() {
    run(1);
}

#[test]
fn g11_no_account_can_be_another_in_the_third_part() {
    run(2);
}

#[test]
fn g11_no_account_can_be_another_in_the_fourth_part() {
    run(3);
}
