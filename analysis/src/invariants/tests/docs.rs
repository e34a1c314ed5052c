//! The examples of docs/invariants.md.

use super::*;

/// The examples of docs/invariants.md, in their order.
fn example(number: usize) -> String {
    let page = include_str!("../../../../docs/invariants.md");
    let blocks = page.split("```toml\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    let block = blocks.nth(number).unwrap().to_string();
    block.replace(
        "LendZxHiaH8Zd1xPPXkGGVn6JQEoEGUq8ZjSCP6wKXo",
        &LENDING.to_string(),
    )
}

#[test]
fn deposits_are_covered_as_in_the_docs() {
    let invariants = Invariants::parse(&example(0), idls()).unwrap();
    let required = invariants.required_accounts();
    assert_eq!(required.addresses.len(), 1);
    let vault = *required.addresses.first().unwrap();
    let selection = required.selections.first().unwrap();
    assert_eq!(selection.program, LENDING);
    let with = |held: u64, deposits: &[u64]| {
        let mut accounts = vec![(vault, token_account(1, vault, held))];
        for amount in deposits {
            accounts.push((Pubkey::new_unique(), deposit(1, *amount, true)));
        }
        let outcome = invariants.evaluate(&snapshot(accounts)).remove(0);
        assert_eq!(outcome.name, "user deposits are covered");
        outcome.verdict
    };
    assert_eq!(with(30, &[10, 20]), Verdict::Holds);
    // A sum beyond 64 bits.
    match with(u64::MAX, &[u64::MAX, 1]) {
        Verdict::Violated(why) => assert!(
            why.starts_with("18446744073709551616 <= 18446744073709551615 is false"),
            "{why}"
        ),
        other => panic!("{other:?}"),
    }
    assert!(matches!(with(29, &[10, 20]), Verdict::Violated(_)));
    assert!(matches!(with(29, &[]), Verdict::Failed(_)));
}

#[test]
fn loans_are_within_bounds_as_in_the_docs() {
    let invariants = Invariants::parse(&example(1), idls()).unwrap();
    let with = |loans: &[Account]| {
        let accounts = loans
            .iter()
            .map(|loan| (Pubkey::new_unique(), loan.clone()));
        invariants.evaluate(&snapshot(accounts)).remove(0).verdict
    };
    let violated = |verdict| matches!(verdict, Verdict::Violated(_));
    let most = u128::MAX;
    assert_eq!(with(&[loan(150, 100, 0), loan(0, 0, 0)]), Verdict::Holds);
    assert!(violated(with(&[loan(149, 100, 0)])));
    assert!(violated(with(&[loan(1_001, 100, 0)])));
    // Closed ones do not count; products of 128 bits do not overflow.
    assert_eq!(with(&[loan(1, 100, 1), loan(150, 100, 0)]), Verdict::Holds);
    assert!(violated(with(&[loan(most, most, 0)])));
    assert_eq!(with(&[loan(most, most / 2, 0)]), Verdict::Holds);
}
