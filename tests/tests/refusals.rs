//! What an explorer shows of a refusal: the lines of the log, in the form of Anchor's. And a copy of Portcullis elsewhere.

use portcullis_tests::{
    calls::{substitute, unsigned, Call},
    elf, *,
};

/// The lines that the program logs before its first refusal.
fn lines(outcome: Outcome) -> Vec<String> {
    let failed = outcome.unwrap_err();
    let logs = failed.meta.logs.iter();
    logs.filter_map(|line| line.strip_prefix("Program log: "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_refusal_says_its_name_its_number_and_its_message() {
    let mut world = World::new();
    let proposed = world.voting();
    let outcome = world.approve(&proposed, stranger(0));
    let expected = format!(
        "AnchorError occurred. Error Code: NotAMember. Error Number: {}. Error Message: {}.",
        u32::from(PortcullisError::NotAMember),
        PortcullisError::NotAMember,
    );
    assert_eq!(lines(outcome), [expected]);
}

#[test]
fn a_refused_account_is_named() {
    let (mut world, proposed) = Call::Approve.possible();
    let (approve, _) = Call::Approve.instruction(&world, &proposed);
    let member = approve.accounts[0].pubkey;
    let outcome = world.send(&[unsigned(&approve, &member)], &[]);
    assert_eq!(
        lines(outcome),
        ["AnchorError caused by account: member. Error Code: AccountNotSigner. Error Number: 3010. Error Message: The given \
          account did not sign."]
    );
}

#[test]
fn a_refused_address_stands_beside_the_required_one() {
    let mut world = World::new();
    let proposed = world.prepared(elf::p_token());
    let (key, args) = (voter(0).pubkey(), world.upgrade_args(elf::p_token()));
    let propose = BUILDER.propose_upgrade(
        &proposed.keys,
        proposed.buffer,
        proposed.spill,
        key,
        key,
        args,
    );
    let (system, other) = (solana_sdk_ids::system_program::ID, portcullis::ID);
    let outcome = world.send(&[substitute(&propose, &system, &other)], &[voter(0)]);
    assert_eq!(
        lines(outcome),
        [
            "AnchorError caused by account: system_program. Error Code: InvalidProgramId. Error Number: 3008. Error Message: \
             Program ID was not as expected.",
            "Left:",
            &other.to_string(),
            "Right:",
            &system.to_string(),
        ]
    );
}

#[test]
fn g11_a_copy_of_the_program_at_another_address_does_nothing() {
    let (mut world, proposed) = Call::Approve.possible();
    let (mut approve, signers) = Call::Approve.instruction(&world, &proposed);
    let copy = address("a copy");
    world.svm.add_program(copy, elf::portcullis()).unwrap();
    world.pass(1);
    approve.program_id = copy;
    world.refuse(ErrorCode::DeclaredProgramIdMismatch, |w| {
        w.send(&[approve], &signers)
    });
}
