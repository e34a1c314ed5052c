//! Who pays, who gets, who acts, and what the council can do.

use super::*;

#[test]
fn the_spill_account_is_the_system_s_and_apart() {
    let with = |address: Pubkey, owner: Pubkey, executable: bool| {
        let mut facts = before_proposing();
        facts.spill = Some(AccountFacts {
            address,
            account: Ok(Some(Account {
                owner,
                executable,
                ..Account::default()
            })),
        });
        errors(&facts)
    };
    let system = system_program::ID;
    assert_eq!(with(key(60), system, false), [""; 0]);
    assert_eq!(with(key(60), key(61), false), ["spill_not_the_system_s"]);
    assert_eq!(with(key(60), system, true), ["spill_executable"]);
    for reserved in [
        solana_sdk_ids::sysvar::ID,
        solana_sdk_ids::native_loader::ID,
    ] {
        assert_eq!(with(key(60), reserved, false), ["spill_not_writable"]);
    }
    for other in [
        key(BUFFER),
        gate().account.authority,
        gate().address,
        key(10),
    ] {
        assert_eq!(with(other, system, false), ["spill_not_distinct"]);
    }
    let mut facts = before_executing();
    facts.spill.as_mut().unwrap().account = Ok(Some(Account {
        owner: key(61),
        ..Account::default()
    }));
    // It gets the lamports all the same.
    assert_eq!(
        (errors(&facts), warnings(&facts)),
        (vec![], vec!["spill_not_the_system_s"])
    );
    facts.spill.as_mut().unwrap().account = Err("no".to_string());
    assert_eq!(errors(&facts), ["could_not_check"]);
}

#[test]
fn a_payer_needs_every_lamport_of_the_next_step() {
    let pays = |lamports: u64, costs: &[(u64, bool)], gains: u64| {
        let mut facts = before_proposing();
        let costs = costs.iter().map(|(lamports, more_follows)| Cost {
            what: "for it",
            lamports: *lamports,
            more_follows: *more_follows,
        });
        facts.payer = Some(PayerFacts {
            address: key(ALICE),
            lamports: Ok(lamports),
            costs: Ok(costs.collect()),
            gains,
        });
        errors(&facts)
    };
    let one = [(5_000, false)];
    assert_eq!(pays(4_999, &one, 0), ["payer_too_poor"]);
    assert_eq!(pays(5_000, &one, 0), [""; 0]);
    assert_eq!(pays(5_001, &one, 0), ["payer_left_below_rent"]);
    assert_eq!(
        pays(5_000 + RENT.empty - 1, &one, 0),
        ["payer_left_below_rent"]
    );
    assert_eq!(pays(5_000 + RENT.empty, &one, 0), [""; 0]);
    // What comes back with the last transaction counts.
    assert_eq!(pays(5_001, &one, RENT.empty), [""; 0]);
    // Between two transactions an empty account's rent must stay.
    let two = [(70_000, true), (5_000, false)];
    assert_eq!(pays(75_000, &two, 0), ["payer_too_poor"]);
    assert_eq!(pays(75_000 + RENT.empty - 1, &two, 0), ["payer_too_poor"]);
    assert_eq!(pays(75_000 + RENT.empty, &two, 0), [""; 0]);
    let large = [(70_000, true), (RENT.empty, false)];
    assert_eq!(pays(70_000 + RENT.empty, &large, 0), [""; 0]);
    let mut facts = before_proposing();
    facts.payer.as_mut().unwrap().lamports = Err("no".to_string());
    assert_eq!(errors(&facts), ["could_not_check"]);
    let mut facts = before_proposing();
    facts.payer.as_mut().unwrap().costs = Err("no".to_string());
    assert_eq!(errors(&facts), ["could_not_check"]);
}

#[test]
fn authority_goes_from_the_program_to_the_one_who_acts() {
    let mut facts = before_proposing();
    programdata(&mut facts).upgrade_authority = Some(key(BOB));
    assert_eq!(errors(&facts), ["authority_not_the_gate"]);
    programdata(&mut facts).upgrade_authority = None;
    let finding = diagnose(&facts).into_iter().next().unwrap();
    assert_eq!(finding.code, "program_final");
    for (state, code) in [
        (GateState::Exited, "gate_exited"),
        (GateState::Adopting, "gate_adopting"),
    ] {
        let facts = with_gate(before_proposing(), |gate| gate.state = state as u8);
        assert!(errors(&facts).contains(&code));
    }
    for facts in [before_proposing(), before_executing()] {
        let mut guard = facts.clone();
        guard.actor = Some(key(4));
        guard.buffer = None;
        assert_eq!(errors(&guard), ["role_missing"]);
        let mut nobody = facts;
        (nobody.actor, nobody.payer) = (None, None);
        assert_eq!(of(&nobody, Severity::Note), ["signer_unknown"]);
    }
}

#[test]
fn a_council_reaches_its_threshold_or_not() {
    let three = with_gate(before_proposing(), |gate| gate.policy.threshold = 3);
    assert_eq!(errors(&three), [""; 0]);
    let four = with_gate(before_proposing(), |gate| gate.policy.threshold = 4);
    assert_eq!(errors(&four), ["council_unreachable"]);
    let finding = find(&four, "council_unreachable");
    assert_eq!(finding.required, Some(Measure::number(4, "weight")));
    assert_eq!(finding.found, Some(Measure::number(3, "weight")));
    // What an open proposal keeps is not what the gate asks for by now.
    let kept = executing(|proposal| proposal.terms.snapshot.threshold = 4);
    assert_eq!(errors(&kept), ["council_unreachable"]);

    let mut facts = before_proposing();
    facts.council_gates = Err("no".to_string());
    assert_eq!(errors(&facts), ["could_not_check"]);
    let mut facts = before_proposing();
    facts.council.account.config_epoch = 0;
    assert!(errors(&facts).contains(&"council_not_sealed"));
    let mut facts = before_proposing();
    facts.lane = Lane::Emergency;
    assert_eq!(errors(&facts), ["lane_closed"]);
    let weak = with_gate(before_proposing(), |gate| gate.policy.threshold = 1);
    assert!(of(&weak, Severity::Note).contains(&"council_weak"));
}

#[test]
fn attestations_are_counted_and_outlast_the_execution() {
    let two = |facts| with_gate(facts, |gate| gate.policy.attestations[0] = 2);
    let found = errors(&two(before_proposing()));
    assert_eq!(found, ["council_unreachable", "attesters_missing"]);
    let one = with_gate(before_proposing(), |gate| gate.policy.attestations[0] = 1);
    assert_eq!(of(&one, Severity::Note), ["attestations_needed"]);

    let given = |count: u8, expires_at: i64| {
        let mut facts = executing(|proposal| {
            proposal.terms.snapshot.attestations[0] = 1;
            proposal.attestations[0] = count;
        });
        let attestation = Attestation {
            attester: key(ATTESTER),
            expires_at,
            ..Attestation::zeroed()
        };
        facts.attestations = Ok(vec![Keyed {
            address: key(50),
            account: StoredAttestation {
                attestation,
                uri: String::new(),
            },
        }]);
        facts
    };
    let end = NOW.timestamp - 100 + 86_400;
    assert_eq!(told(&given(1, end)), []);
    assert_eq!(warnings(&given(1, end - 1)), ["attestation_expires"]);
    assert_eq!(
        warnings(&given(1, NOW.timestamp + 1)),
        ["attestation_expires"]
    );
    assert_eq!(errors(&given(1, NOW.timestamp)), ["attestation_expires"]);
    let missing = given(0, end);
    assert_eq!(errors(&missing), ["attestation_missing"]);
    assert!(find(&missing, "attestation_missing").not_yet);
    let mut unread = given(1, end);
    unread.attestations = Err("no".to_string());
    assert_eq!(errors(&unread), ["could_not_check"]);
}
