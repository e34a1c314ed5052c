//! What waits, what is pending, what is over.

use super::*;

/// Another proposal in one of the gate's places.
fn pending(expires_at: i64) -> PendingSlot {
    PendingSlot {
        proposal: key(70),
        eta: NOW.timestamp + 10,
        expires_at,
        epoch: 1,
        life: 1,
        base_index: 3,
        ..PendingSlot::default()
    }
}

#[test]
fn a_place_is_taken_until_what_is_in_it_expires() {
    let with = |place: usize, slot: PendingSlot| {
        with_gate(before_proposing(), |gate| gate.pending[place] = slot)
    };
    let live = pending(NOW.timestamp + 1);
    assert_eq!(warnings(&with(0, live)), ["slot_taken"]);
    assert_eq!(warnings(&with(0, pending(NOW.timestamp))), [""; 0]);
    let of_another_epoch = PendingSlot { epoch: 2, ..live };
    assert_eq!(warnings(&with(0, of_another_epoch)), [""; 0]);
    assert_eq!(warnings(&with(1, live)), ["competing_upgrade"]);
    assert_eq!(of(&with(2, live), Severity::Note), ["standby_armed"]);
    let next = PendingSlot {
        base_index: 4,
        ..live
    };
    assert_eq!(told(&with(2, next)), []);

    let approved = |slot: PendingSlot| {
        let facts = executing(|proposal| {
            proposal.eta = 0;
            proposal.terms.voting_ends_at = NOW.timestamp + 86_400;
        });
        with_gate(facts, |gate| gate.pending[0] = slot)
    };
    let waiting = approved(live);
    assert_eq!(errors(&waiting), ["slot_taken"]);
    assert!(find(&waiting, "slot_taken").not_yet);
    assert_eq!(errors(&approved(PendingSlot::default())), ["not_queued"]);

    let mut facts = before_proposing();
    facts.council.account.pending = PendingSlot {
        action: Action::ChangeCouncil as u8,
        life: 0,
        base_index: 0,
        ..live
    };
    assert_eq!(warnings(&facts), ["council_change_pending"]);
    facts.council.account.pending.expires_at = NOW.timestamp;
    assert_eq!(warnings(&facts), [""; 0]);
}

#[test]
fn a_proposal_is_ready_from_its_eta_to_its_expiry() {
    let eta = |eta: i64| executing(|proposal| proposal.eta = eta);
    let waiting = eta(NOW.timestamp + 1);
    assert_eq!(errors(&waiting), ["timelock_running"]);
    assert!(find(&waiting, "timelock_running").not_yet);
    assert_eq!(errors(&eta(NOW.timestamp)), [""; 0]);
    let slots = |queued: u64| executing(|proposal| proposal.queued_slot = queued);
    assert_eq!(errors(&slots(NOW.slot - 86_400)), [""; 0]);
    assert_eq!(errors(&slots(NOW.slot - 86_399)), ["timelock_running"]);
    let soon = i64::try_from(SOON).unwrap();
    let left = |seconds: i64| eta(NOW.timestamp - 86_400 + seconds);
    assert_eq!(warnings(&left(soon)), [""; 0]);
    assert_eq!(warnings(&left(soon - 1)), ["expires_soon"]);
    assert_eq!(errors(&left(0)), ["proposal_ended"]);
    let voting = |seconds: i64| {
        executing(|proposal| {
            (proposal.eta, proposal.approval_weight) = (0, 1);
            proposal.terms.voting_ends_at = NOW.timestamp + seconds;
        })
    };
    assert_eq!(errors(&voting(soon)), ["votes_missing"]);
    assert!(find(&voting(soon), "votes_missing").not_yet);
    assert_eq!(warnings(&voting(soon - 1)), ["voting_ends_soon"]);
}

#[test]
fn a_proposal_that_is_over_or_stale_says_why() {
    let draft = executing(|proposal| {
        proposal.eta = 0;
        proposal.custody = Custody::Held as u8;
        proposal.terms.voting_ends_at = NOW.timestamp + 86_400;
    });
    assert_eq!(errors(&draft), ["buffer_unverified"]);
    for (ending, status) in [
        (Ending::Executed, "executed"),
        (Ending::Vetoed, "vetoed"),
        (Ending::Cancelled, "cancelled"),
    ] {
        let ended = executing(|proposal| proposal.ending = ending as u8);
        assert_eq!(errors(&ended), ["proposal_ended"]);
        let found = find(&ended, "proposal_ended").found;
        assert_eq!(found, Some(Measure::name(status)));
    }
    let stale = [
        (
            executing(|proposal| proposal.terms.epoch = 2),
            "epoch_stale",
        ),
        (executing(|proposal| proposal.terms.life = 2), "life_stale"),
        (
            executing(|proposal| proposal.terms.base_index = 2),
            "base_stale",
        ),
    ];
    for (facts, code) in stale {
        assert_eq!(facts.proposal.as_ref().unwrap().status, Status::Stale);
        assert_eq!(errors(&facts), [code]);
    }
}

#[test]
fn standbys_wait_for_their_upgrade_and_for_guardians() {
    let standby = |base: u32, triggers: u64| {
        let mut facts = executing(|proposal| {
            proposal.terms.lane = Lane::Rollback as u8;
            proposal.terms.base_index = base;
            proposal.terms.snapshot.trigger_threshold = 1;
            proposal.triggers = triggers;
            proposal.triggered_at = NOW.timestamp - 1;
        });
        facts
            .program
            .as_mut()
            .unwrap()
            .gate
            .account
            .policy
            .trigger_threshold = 1;
        facts
    };
    let armed = standby(3, 0);
    assert_eq!(errors(&armed), ["not_triggered"]);
    assert_eq!(errors(&standby(3, 1)), [""; 0]);
    assert_eq!(errors(&standby(4, 0)), ["awaits_upgrade"]);
}

#[test]
fn the_interval_between_upgrades_ends_to_the_second() {
    let with = |facts: Facts, last: i64| {
        with_gate(facts, |gate| {
            gate.policy.min_interval_seconds = 1_000;
            gate.last_upgrade_at = last;
        })
    };
    let now = NOW.timestamp;
    assert_eq!(errors(&with(before_executing(), now - 1_000)), [""; 0]);
    let early = with(before_executing(), now - 999);
    assert_eq!(errors(&early), ["interval_running"]);
    assert!(find(&early, "interval_running").not_yet);
    assert_eq!(errors(&with(before_executing(), 0)), [""; 0]);
    let ahead = |last: i64| of(&with(before_proposing(), last), Severity::Note);
    assert_eq!(ahead(now + 86_400 - 1_000), [""; 0]);
    assert_eq!(ahead(now + 86_400 - 999), ["interval_delays"]);
}

#[test]
fn the_loader_refuses_an_upgrade_in_the_slot_of_another() {
    let mut facts = before_executing();
    programdata(&mut facts).slot = NOW.slot - 1;
    assert_eq!(warnings(&facts), [""; 0]);
    programdata(&mut facts).slot = NOW.slot;
    assert_eq!(warnings(&facts), ["deployed_this_slot"]);
}

#[test]
fn a_simulation_is_told_where_nothing_else_explains_it() {
    let mut facts = before_executing();
    facts.simulation = Some(Ok(Some(SimulatedRefusal {
        rule: "PredecessorSoaking".to_string(),
        message: "wait".to_string(),
    })));
    assert_eq!(errors(&facts), ["simulation_refused"]);
    facts.payer.as_mut().unwrap().lamports = Ok(0);
    assert_eq!(errors(&facts), ["payer_too_poor"]);
    let mut facts = before_executing();
    facts.simulation = Some(Err("no".to_string()));
    assert_eq!(
        (errors(&facts), warnings(&facts)),
        (vec![], vec!["could_not_check"])
    );
}

#[test]
fn clocks_may_differ_by_a_minute_and_slots_pass_once_a_second() {
    for (difference, drifts) in [
        (0, false),
        (60, false),
        (-60, false),
        (61, true),
        (-61, true),
    ] {
        let mut facts = before_proposing();
        facts.machine_time = NOW.timestamp - difference;
        assert_eq!(
            warnings(&facts).contains(&"clock_drift"),
            drifts,
            "{difference}"
        );
    }
    let rate = |slots: u64| {
        let mut facts = before_proposing();
        facts.slot_rate = Ok(Some(SlotRate { slots, seconds: 60 }));
        warnings(&facts)
    };
    assert_eq!(rate(60), [""; 0]);
    assert_eq!(rate(59), ["slots_slow"]);
    assert_eq!(rate(0), ["slots_slow"]);
    for unknown in [Ok(None), Err("no".to_string())] {
        let mut facts = before_proposing();
        facts.slot_rate = unknown;
        assert_eq!(of(&facts, Severity::Note), ["could_not_check"]);
    }
}

#[test]
fn who_may_change_portcullis_itself_is_judged() {
    let with = |guardianship: Fact<Guardianship>| {
        let mut facts = before_proposing();
        facts.guardianship = guardianship;
        told(&facts)
    };
    let (gate, portcullis) = (key(80), key(81));
    for good in [
        Guardianship::Finalized,
        Guardianship::OwnGate { gate },
        Guardianship::OtherInstance { portcullis, gate },
    ] {
        assert_eq!(with(Ok(good)), []);
    }
    for (bad, code) in [
        (Guardianship::PlainKey(gate), "portcullis_plain_key"),
        (
            Guardianship::ProgramAddress(gate),
            "portcullis_foreign_authority",
        ),
        (
            Guardianship::NotLoaderV3 { owner: gate },
            "portcullis_foreign_authority",
        ),
    ] {
        assert_eq!(with(Ok(bad)), [(Severity::Warning, code)]);
    }
    let unread = with(Err("no".to_string()));
    assert_eq!(unread, [(Severity::Error, "could_not_check")]);
}
