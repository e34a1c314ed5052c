//! Account substitution: for an instruction that succeeds, all the ways in which one of its accounts can be another.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::Value;
use solana_sdk::{
    instruction::{AccountMeta, Instruction, InstructionError},
    pubkey::Pubkey,
    transaction::TransactionError,
};
use solana_sdk_ids::bpf_loader_upgradeable;

use crate::{keys::address, refusal::Outcome, scenes::Scene, world::World};

/// An account of an instruction, as the IDL has it.
#[derive(Clone, Debug)]
pub struct IdlAccount {
    pub name: String,
    pub signer: bool,
    pub writable: bool,
    pub optional: bool,
}

/// The committed IDL, or the one that `PORTCULLIS_IDL` names.
pub fn idl() -> Value {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../artifacts/portcullis.json");
    let path = std::env::var_os("PORTCULLIS_IDL").map_or(PathBuf::from(committed), PathBuf::from);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The names of the instructions in the IDL.
pub fn instructions(idl: &Value) -> BTreeSet<&str> {
    let instructions = idl["instructions"].as_array().unwrap();
    instructions
        .iter()
        .map(|instruction| instruction["name"].as_str().unwrap())
        .collect()
}

/// The accounts of an instruction in order; those of a group stand in its place.
pub fn accounts(idl: &Value, name: &str) -> Vec<IdlAccount> {
    fn flatten(accounts: &Value, found: &mut Vec<IdlAccount>) {
        for account in accounts.as_array().unwrap() {
            if account["accounts"].is_array() {
                flatten(&account["accounts"], found);
                continue;
            }
            let flag = |name: &str| account[name].as_bool().unwrap_or(false);
            found.push(IdlAccount {
                name: account["name"].as_str().unwrap().to_string(),
                signer: flag("signer"),
                writable: flag("writable"),
                optional: flag("optional"),
            });
        }
    }
    let instructions = idl["instructions"].as_array().unwrap();
    let instruction = instructions.iter().find(|i| i["name"] == name);
    let mut found = Vec::new();
    flatten(&instruction.unwrap()["accounts"], &mut found);
    found
}

/// One way in which an account is not what it should be.
pub struct Case {
    /// The account's name in the IDL.
    pub account: String,
    /// What is wrong with it.
    pub what: String,
    pub instruction: Instruction,
    /// What has been done to the world; nothing where only the instruction is another.
    pub forged: Option<World>,
}

/// All cases of a scene.
///
/// # Panics
/// Where the scene's instruction has not the accounts that the IDL says.
pub fn cases(scene: &Scene, expected: &[IdlAccount]) -> Vec<Case> {
    let metas = &scene.instruction.accounts;
    assert_eq!(metas.len(), expected.len(), "{}", scene.title());
    let mut cases = Vec::new();
    for (position, (meta, account)) in metas.iter().zip(expected).enumerate() {
        let title = format!("{}: {}", scene.title(), account.name);
        assert!(meta.is_signer || !account.signer, "{title} signs");
        let none = account.optional && meta.pubkey == portcullis::ID;
        assert!(
            meta.is_writable || !account.writable || none,
            "{title} is writable"
        );
        let mut add = |what: String, instruction, forged| {
            let account = account.name.clone();
            cases.push(Case {
                account,
                what,
                instruction,
                forged,
            });
        };
        for (what, key) in substitutes(scene, expected, position) {
            add(what, with(scene, position, |meta| meta.pubkey = key), None);
        }
        if meta.is_signer {
            let unsigned = with(scene, position, |meta| meta.is_signer = false);
            add("does not sign".into(), unsigned, None);
        }
        if meta.is_writable {
            let readonly = with(scene, position, |meta| meta.is_writable = false);
            add("is not writable".into(), readonly, None);
        }
        for (what, key, forged) in forgeries(scene, &meta.pubkey) {
            let other = with(scene, position, |meta| meta.pubkey = key);
            add(what.into(), other, Some(forged));
        }
    }
    // The last is missing, and everything.
    for left in [metas.len() - 1, 0] {
        let mut instruction = scene.instruction.clone();
        instruction.accounts.truncate(left);
        cases.push(Case {
            account: "all".into(),
            what: format!("only {left} accounts"),
            instruction,
            forged: None,
        });
    }
    cases
}

/// Two accounts at once that are not what they should be: a sample, the same in every run.
pub fn pairs(scene: &Scene, expected: &[IdlAccount], count: usize) -> Vec<[Case; 2]> {
    let positions = expected.len();
    if positions < 2 {
        return vec![];
    }
    let choices: Vec<_> = (0..positions)
        .map(|position| substitutes(scene, expected, position))
        .collect();
    // A linear congruential generator (Knuth, MMIX); its high bits are the good ones.
    let mut state = scene
        .title()
        .bytes()
        .fold(1u64, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte));
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut found = Vec::new();
    for _ in 0..count {
        let first = next(positions);
        let second = (first + 1 + next(positions - 1)) % positions;
        let mut instruction = scene.instruction.clone();
        let cases = [first, second].map(|position| {
            let (what, key) = choices[position][next(choices[position].len())].clone();
            instruction.accounts[position].pubkey = key;
            Case {
                account: expected[position].name.clone(),
                what,
                instruction: instruction.clone(),
                forged: None,
            }
        });
        found.push(cases);
    }
    found
}

/// What stands elsewhere in the town, and the instruction's other accounts; each key once.
fn substitutes(scene: &Scene, expected: &[IdlAccount], position: usize) -> Vec<(String, Pubkey)> {
    let metas = &scene.instruction.accounts;
    let duplicates = metas
        .iter()
        .zip(expected)
        .map(|(meta, account)| (format!("the same as {}", account.name), meta.pubkey));
    let others = scene
        .others
        .iter()
        .map(|(name, key)| (name.to_string(), *key));
    let mut seen = BTreeSet::from([metas[position].pubkey]);
    duplicates
        .chain(others)
        .filter(|(_, key)| seen.insert(*key))
        .collect()
}

/// What an attacker, or nobody, can make of an account: another owner, zeros instead of its content, a copy elsewhere.
fn forgeries(scene: &Scene, key: &Pubkey) -> Vec<(&'static str, Pubkey, World)> {
    let Some(account) = scene.world.svm.get_account(key) else {
        return vec![];
    };
    let ours = account.owner == portcullis::ID;
    // Programs, sysvars and wallets have no content that Portcullis reads, or none that could be forged.
    if !ours && (account.owner != bpf_loader_upgradeable::ID || account.executable) {
        return vec![];
    }
    let strange = address("some program");
    let forged = |key: &Pubkey, change: &dyn Fn(&mut solana_account::Account)| {
        let mut world = scene.world.clone();
        let mut account = account.clone();
        change(&mut account);
        world.put(key, account);
        world
    };
    let twin = address("twin");
    let mut found = vec![
        (
            "owned by another program",
            *key,
            forged(key, &|a| a.owner = strange),
        ),
        (
            "a copy that another program owns",
            twin,
            forged(&twin, &|a| a.owner = strange),
        ),
        (
            "with another discriminator",
            *key,
            forged(key, &|a| a.data[0] ^= 1),
        ),
        ("full of zeros", *key, forged(key, &|a| a.data.fill(0))),
        ("cut off", *key, forged(key, &|a| a.data.truncate(16))),
        ("empty", *key, forged(key, &|a| a.data.clear())),
    ];
    if !ours {
        // Anyone can make a loader account with any content.
        found.push(("a copy of it", twin, forged(&twin, &|_| ())));
    }
    found
}

fn with(scene: &Scene, position: usize, change: impl FnOnce(&mut AccountMeta)) -> Instruction {
    let mut instruction = scene.instruction.clone();
    change(&mut instruction.accounts[position]);
    instruction
}

/// What a case came to: refused with nothing changed, or done.
pub fn outcome(
    scene: &Scene,
    world: &mut World,
    instruction: &Instruction,
) -> Result<bool, String> {
    let before = world.before();
    let outcome = scene.send(world, instruction);
    verdict(&outcome)?;
    if outcome.is_ok() {
        return Ok(true);
    }
    if world.before() != before {
        return Err("was refused and changed an account".into());
    }
    Ok(false)
}

/// A refusal must be one that somebody wrote down: no panic, no running out of anything.
pub fn verdict(outcome: &Outcome) -> Result<(), String> {
    let Err(failed) = outcome else {
        return Ok(());
    };
    let TransactionError::InstructionError(_, error) = &failed.err else {
        return Err(format!("the transaction failed: {:?}", failed.err));
    };
    let logs = failed.meta.logs.join("\n");
    let broken = matches!(
        error,
        InstructionError::ProgramFailedToComplete | InstructionError::ComputationalBudgetExceeded
    ) || logs.contains("panicked");
    if broken {
        return Err(format!("{error:?}\n{logs}"));
    }
    Ok(())
}
