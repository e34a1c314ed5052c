//! A program with one bug after the other: each is caught.

use crate::recording::open;
use portcullis_analysis::{
    idl::Idl,
    invariants::Invariants,
    layout,
    shadow::{self, report::Cause, Knowledge, Options, Report},
};

pub mod deposits;

use deposits::{elf, record, record_honest, reordered_idl, IDL, INVARIANTS};

/// Records what depositors do with the vault, and replays it with another one.
fn replayed(new: &str) -> Report {
    replayed_with(new, Knowledge::default())
}

fn replayed_with(new: &str, knowledge: Knowledge) -> Report {
    varied(new, knowledge, false)
}

fn varied(new: &str, knowledge: Knowledge, probes: bool) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    let transactions = record(&path);
    let options = Options {
        new_elf: elf(new),
        old_elf: None,
        required_fidelity: 1.0,
        probes,
        knowledge,
    };
    let report = shadow::run(open(&path), options).unwrap();
    assert_eq!(report.fidelity.reproduced, transactions);
    report
}

fn titles(report: &Report) -> Vec<(u64, &str)> {
    let shown = |cause: &'_ Cause| cause.transactions;
    let causes = report.causes.iter();
    causes
        .map(|cause| (shown(cause), cause.title.as_str()))
        .collect()
}

#[test]
fn a_program_compared_with_itself_differs_in_nothing() {
    let report = replayed("");
    assert_eq!(titles(&report), []);
    assert_eq!(report.summary.same, report.summary.judged);
    assert_eq!(report.compute_units.old, report.compute_units.new);
    assert_eq!(report.verdict().class, "good");
}

/// The bug is found, and all that it causes.
fn caught(bug: &str, expected: &[(u64, &str)]) {
    let report = replayed(&format!("-{bug}"));
    let found = titles(&report);
    assert_eq!(found, expected, "{bug}: {found:#?}");
    assert!(report.summary.effects() > 0, "{bug}");
    assert_eq!(report.verdict().class, "bad", "{bug}");
}

#[test]
fn a_fee_that_is_not_charged_is_caught() {
    caught(
        "fee-not-charged",
        &[
            (
                25,
                "bytes 32..40 of an account of the program with 48 bytes differ after Pay",
            ),
            (
                25,
                "bytes 48..56 of an account of the program with 56 bytes differ after Pay",
            ),
        ],
    );
}

#[test]
fn a_debit_of_the_wrong_account_is_caught() {
    caught(
        "wrong-account-debited",
        &[(
            25,
            "bytes 32..40 of an account of the program with 48 bytes differ after Pay",
        )],
    );
}

#[test]
fn a_signer_that_is_not_checked_is_caught() {
    caught(
        "signer-not-checked",
        &[(
            5,
            "succeeds where it failed: MissingRequiredSignature in Pay",
        )],
    );
}

#[test]
fn an_owner_that_is_not_checked_is_caught() {
    caught(
        "owner-not-checked",
        &[(5, "succeeds where it failed: IllegalOwner in Pay")],
    );
}

#[test]
fn fields_in_another_order_are_caught() {
    caught(
        "fields-reordered",
        &[
            (25, "newly fails: Custom(6001) in Pay"),
            (25, "newly fails: Custom(6001) in Withdraw"),
            (
                4,
                "bytes 32..48 of an account of the program with 48 bytes differ after Credit",
            ),
        ],
    );
}

#[test]
fn rounding_the_wrong_way_is_caught() {
    caught(
        "rounds-against-the-vault",
        &[
            (
                24,
                "bytes 32..40 of an account of the program with 48 bytes differ after Pay",
            ),
            (
                24,
                "bytes 48..56 of an account of the program with 56 bytes differ after Pay",
            ),
        ],
    );
}

#[test]
fn a_pause_that_is_ignored_is_caught() {
    caught(
        "pause-ignored",
        &[(5, "succeeds where it failed: Custom(6000) in Pay")],
    );
}

#[test]
fn a_balance_that_is_not_checked_is_caught() {
    caught(
        "balance-not-checked",
        &[(5, "succeeds where it failed: Custom(6001) in Pay")],
    );
}

fn idl() -> Idl {
    Idl::parse(IDL.as_bytes()).unwrap()
}

fn invariants() -> Invariants {
    Invariants::parse(INVARIANTS, [("vault".to_string(), idl())].into()).unwrap()
}

/// Which invariants break: in how many transactions at once, and in how many only from the program's own state.
fn broken(bug: &str) -> Vec<(String, u64, u64)> {
    let report = replayed_with(
        bug,
        Knowledge {
            invariants: Some(invariants()),
            ..Knowledge::default()
        },
    );
    let rows = report.invariants.iter();
    assert!(
        rows.clone().all(|row| row.checked > 50),
        "{:#?}",
        report.invariants
    );
    let broken: Vec<(String, u64, u64)> = rows
        .filter(|row| row.verdict() == "BROKEN")
        .map(|row| {
            let (at_once, later) = (row.broken_by_proposed, row.broken_in_succession);
            (row.name.clone(), at_once, later)
        })
        .collect();
    assert_eq!(report.summary.broken_invariants > 0, !broken.is_empty());
    assert_eq!(
        report.summary.failures() > 0,
        !broken.is_empty() || bug == "-fields-reordered"
    );
    broken
}

#[test]
fn invariants_are_checked_before_and_after_each_transaction_under_both_programs() {
    assert_eq!(broken(""), []);
    let [covered, costs, average] = [
        "what was credited is all there is",
        "every payment costs",
        "payments cost two on average",
    ]
    .map(str::to_string);
    assert_eq!(broken("-balance-not-checked"), [(covered, 5, 0)]);
    assert_eq!(
        broken("-fee-not-charged"),
        [(costs.clone(), 1, 0), (average.clone(), 0, 1)]
    );
    assert_eq!(
        broken("-fields-reordered"),
        [(costs, 4, 0), (average.clone(), 4, 0)]
    );
    // Too little is lost in any one payment.
    assert_eq!(broken("-rounds-against-the-vault"), [(average, 0, 1)]);
}

/// What is told about the bugs in docs/shadow.md is what catches them.
#[test]
fn the_documents_name_what_catches_each_bug() {
    let mut table =
        String::from("| bug | shadow run | invariants | layout check |\n|---|---|---|---|\n");
    for (bug, what) in [
        ("fee-not-charged", "a fee is not charged"),
        ("wrong-account-debited", "the wrong account is debited"),
        ("signer-not-checked", "a signature is not asked for"),
        ("owner-not-checked", "an account's owner is not checked"),
        ("fields-reordered", "two fields of an account change places"),
        ("rounds-against-the-vault", "a fee is rounded the wrong way"),
        ("pause-ignored", "a pause is ignored"),
        ("balance-not-checked", "a balance may be overdrawn"),
        ("backdoor", "one key may do everything"),
        ("stops-at-a-date", "it stops at a date"),
        ("large-payments-free", "large payments are free"),
        ("drain", "a new instruction gives everything away"),
    ] {
        let knowledge = Knowledge {
            idl: Some(idl()),
            ..Knowledge::default()
        };
        let report = varied(&format!("-{bug}"), knowledge, true);
        let (count, title) = titles(&report)[0];
        let broken: Vec<String> = broken(&format!("-{bug}"))
            .iter()
            .map(|(name, _, later)| match later {
                0 => name.clone(),
                _ => format!("{name} (from its own state)"),
            })
            .collect();
        let new = match bug {
            "fields-reordered" => Idl::parse(reordered_idl().as_bytes()).unwrap(),
            _ => idl(),
        };
        let layout = layout::compare(&idl(), &new);
        let rules: Vec<&str> = layout.breaking().map(|change| change.rule.id()).collect();
        let cell = |texts: String| {
            if texts.is_empty() {
                "–".into()
            } else {
                texts
            }
        };
        table.push_str(&format!(
            "| {what} | {count} × {title} | {} | {} |\n",
            cell(broken.join("; ")),
            cell(rules.join(", "))
        ));
    }
    let document = include_str!("../../../../docs/shadow.md");
    assert!(
        document.contains(&table),
        "docs/shadow.md must hold\n{table}"
    );
}

/// Nobody tried what they may not: the variations do.
#[test]
fn a_check_that_is_gone_is_found_though_nobody_tried_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    let transactions = record_honest(&path);
    let replay = |bug: &str, probes: bool| {
        let options = Options {
            new_elf: elf(bug),
            old_elf: None,
            required_fidelity: 1.0,
            probes,
            knowledge: Knowledge {
                idl: Some(idl()),
                ..Knowledge::default()
            },
        };
        let report = shadow::run(open(&path), options).unwrap();
        assert_eq!(report.summary.same, transactions);
        report
    };
    let same = replay("", true);
    let (tried, accepted) = (same.summary.probes, same.summary.accepted_probes);
    assert!(tried > 30 && accepted == 0, "{:#?}", same.summary);
    assert_eq!(same.verdict().class, "good");
    for (bug, expected) in [
        (
            "-signer-not-checked",
            vec![
                "Withdraw accepts account 2 without its signature, which is refused now: MissingRequiredSignature",
                "credit accepts account 2 (authority) without its signature, which is refused now: MissingRequiredSignature",
                "pay accepts account 3 (owner) without its signature, which is refused now: MissingRequiredSignature",
            ],
        ),
        ("-owner-not-checked", vec!["credit accepts a copy of account 0 (vault) that belongs to another program, which is refused now: IllegalOwner"]),
        ("-backdoor", vec![
            "Withdraw accepts the signature of 29Cu9Us8DKNMXpaDik1qQBqKhMDz3UVaMZq4jMq65zdr, which only the proposed ELF holds, as account 2, which is refused now: Custom(6002)",
            "credit accepts the signature of 29Cu9Us8DKNMXpaDik1qQBqKhMDz3UVaMZq4jMq65zdr, which only the proposed ELF holds, as account 2 (authority), which is refused now: Custom(6002)",
            "pay accepts the signature of 29Cu9Us8DKNMXpaDik1qQBqKhMDz3UVaMZq4jMq65zdr, which only the proposed ELF holds, as account 3 (owner), which is refused now: Custom(6002)",
        ]),
        ("-stops-at-a-date", vec![
            "newly fails: Custom(6000) in Withdraw, with the clock 3653 days later",
            "newly fails: Custom(6000) in pay, with the clock 3653 days later",
        ]),
        ("-large-payments-free", vec![
            "fields taken of Vault differ after pay, with the number 1000000000 from byte 1 of its data and more in its accounts",
            "fields taken of Vault differ after pay, with the number 1099511627776 from byte 1 of its data and more in its accounts",
        ]),
        ("-drain", vec!["instruction 06 accepts anybody's call, which is refused now: InvalidInstructionData"]),
        ("-balance-not-checked", vec!["pay accepts the number 1099511627776 from byte 1 of its data, which is refused now: Insufficient (6001)"]),
    ] {
        assert!(!replay(bug, false).summary.has_effects(), "{bug}");
        let report = replay(bug, true);
        let found: Vec<&str> = titles(&report).iter().map(|(_, title)| *title).collect();
        assert_eq!(found, expected, "{bug}");
        assert!(report.summary.probes >= tried);
        assert_eq!(report.verdict().class, "bad");
    }
}

/// Nobody tried to withdraw while there was a pause.
#[test]
fn instructions_are_tried_right_after_others() {
    let report = varied("-pause-ignored", Knowledge::default(), true);
    assert_eq!(
        titles(&report),
        [
            (5, "succeeds where it failed: Custom(6000) in Pay"),
            (
                2,
                "Pay accepts a call again, later, which is refused now: Custom(6000)"
            ),
            (
                2,
                "Pay accepts a call right after Pause, which is refused now: Custom(6000)"
            ),
            (
                2,
                "Withdraw accepts a call again, later, which is refused now: Custom(6000)"
            ),
            (
                2,
                "Withdraw accepts a call right after Pause, which is refused now: Custom(6000)"
            ),
        ]
    );
}

#[test]
fn fields_arguments_and_errors_have_the_names_of_the_idl() {
    let known = || Knowledge {
        idl: Some(idl()),
        ..Knowledge::default()
    };
    let report = replayed_with("-balance-not-checked", known());
    assert_eq!(
        titles(&report),
        [(5, "succeeds where it failed: Insufficient (6001) in pay")]
    );
    let example = &report.causes[0].examples[0];
    assert_eq!(example.calls, ["pay {amount: 10000000}"]);

    let report = replayed_with("-fee-not-charged", known());
    assert_eq!(
        titles(&report),
        [
            (25, "fields balance of Position differ after pay"),
            (25, "fields taken of Vault differ after pay"),
        ]
    );
    let lines = &report.causes[0].examples[0].lines;
    assert_eq!(lines[1], "balance: old 99898, new 99900");
    assert!(report.known.idl.is_some() && report.known.new_idl.is_none());

    // The proposed program has its own IDL, and fields are compared by their names.
    let report = replayed_with(
        "-fields-reordered",
        Knowledge {
            new_idl: Some(Idl::parse(reordered_idl().as_bytes()).unwrap()),
            ..known()
        },
    );
    let found = titles(&report);
    assert!(
        found.contains(&(25, "newly fails: Insufficient (6001) in pay")),
        "{found:#?}"
    );
}
