//! The lifecycle as a table, in the pure function and on the chain, and as properties over all times.

use anchor_lang::Discriminator;
use portcullis::{
    lifecycle::{check, Action, Custody, Ending, Facts, Lane, Now, Status, Step},
    state::Attestation,
};
use portcullis_client::STATUSES;
use portcullis_tests::{
    calls::{Call, STEPS},
    elf, lanes,
    PortcullisError::*,
    *,
};
use proptest::prelude::*;

/// What each step says in each live status, in the order of `STEPS`.
fn table(status: Status) -> [Option<PortcullisError>; 13] {
    let yes = None;
    let live = Some(ProposalStillLive);
    let ended = |error: PortcullisError| {
        let mut row = [Some(error); 13];
        row[11..].fill(None);
        row
    };
    let unverified = Some(BufferNotVerified);
    let verified = Some(BufferAlreadyVerified);
    let queued = Some(AlreadyQueued);
    let unqueued = Some(NotQueued);
    let early = Some(TimelockNotElapsed);
    let unarmed = Some(NotAStandby);
    #[rustfmt::skip]
    let row = match status {
        Status::Draft => [
            yes, unverified, unverified, unverified, yes, yes, unverified,
            unverified, unverified, unverified, unverified, live, live,
        ],
        Status::Voting => [
            verified, yes, yes, yes, yes, yes, yes, yes, yes, unqueued, unqueued, live, live,
        ],
        Status::Queued => [
            verified, yes, yes, yes, yes, queued, queued, yes, yes, early, early, live, live,
        ],
        Status::Ready => [
            verified, yes, yes, yes, yes, queued, queued, yes, yes, unarmed, yes, live, live,
        ],
        Status::Armed => [
            verified, yes, yes, yes, yes, queued, queued, yes, yes, yes, yes, live, live,
        ],
        Status::Executed => ended(ProposalExecuted),
        Status::Rejected => ended(ProposalRejected),
        Status::Vetoed => ended(ProposalVetoed),
        Status::Cancelled => ended(ProposalCancelled),
        Status::Expired => ended(ProposalExpired),
        Status::Stale => ended(ProposalStale),
    };
    row
}

#[test]
fn g10_the_whole_machine_is_this_table() {
    for status in STATUSES {
        for (step, expected) in STEPS.iter().zip(table(status)) {
            assert_eq!(check(status, *step).err(), expected, "{status:?} {step:?}");
        }
    }
}

#[test]
fn statuses_have_names_and_endings() {
    let expected = [
        ("draft", false, Ending::Open),
        ("voting", false, Ending::Open),
        ("queued", false, Ending::Open),
        ("ready", false, Ending::Open),
        ("armed", false, Ending::Open),
        ("executed", true, Ending::Executed),
        ("rejected", true, Ending::Rejected),
        ("vetoed", true, Ending::Vetoed),
        ("cancelled", true, Ending::Cancelled),
        ("expired", true, Ending::Expired),
        ("stale", true, Ending::Stale),
    ];
    for (status, (name, ended, ending)) in STATUSES.iter().zip(expected) {
        assert_eq!(status.name(), name);
        assert_eq!(status.is_ended(), ended);
        assert_eq!(status.ending(), ending);
    }
}

#[test]
fn stored_bytes_mean_what_they_meant() {
    for byte in 0..=u8::MAX {
        assert_eq!(
            Lane::try_from(byte).map(|v| v as u8).ok(),
            (byte < 4).then_some(byte)
        );
        assert_eq!(
            Action::try_from(byte).map(|v| v as u8).ok(),
            (byte < 7).then_some(byte)
        );
        assert_eq!(
            Ending::try_from(byte).map(|v| v as u8).ok(),
            (byte < 7).then_some(byte)
        );
        assert_eq!(
            Custody::try_from(byte).map(|v| v as u8).ok(),
            (byte < 7).then_some(byte)
        );
    }
    assert_eq!(Lane::try_from(4), Err(Overflow));
    let held = [false, true, true, false, false, false, false];
    for (byte, held) in held.into_iter().enumerate() {
        assert_eq!(Custody::try_from(byte as u8).unwrap().is_held(), held);
    }
}

type Reach = fn(&mut World) -> Proposed;

/// How the chain comes to each status, in the order of `STATUSES`.
fn reach() -> Vec<(Status, Reach)> {
    vec![
        (Status::Draft, World::draft),
        (Status::Voting, World::voting),
        (Status::Queued, World::queued),
        (Status::Ready, World::ready),
        (Status::Armed, |world| {
            world.armed_in(Lane::SafeMode, elf::memo())
        }),
        (Status::Executed, |world| {
            let proposed = world.ready();
            world.execute(&proposed).unwrap();
            proposed
        }),
        (Status::Rejected, |world| {
            let proposed = world.voting();
            world.reject(&proposed, voter(1)).unwrap();
            world.reject(&proposed, voter(2)).unwrap();
            proposed
        }),
        (Status::Vetoed, |world| {
            let proposed = world.queued();
            world.veto(&proposed, guardian(0)).unwrap();
            proposed
        }),
        (Status::Cancelled, |world| {
            let proposed = world.voting();
            world.cancel(&proposed, voter(0)).unwrap();
            proposed
        }),
        (Status::Expired, |world| {
            let proposed = world.queued();
            world.pass(3 * DAY);
            proposed
        }),
        (Status::Stale, |world| {
            let proposed = world.queued();
            world.edit_council(|council| council.config_epoch += 1);
            proposed
        }),
    ]
}

/// What else stands against a step that the status allows, in the states of [`reach`]: the first two voters have approved from
/// `Queued` on, the reviewer has attested, and the buffer is where it was.
fn other_reason(status: Status, call: Call) -> Option<PortcullisError> {
    match (status, call) {
        (Status::Voting, Call::Retract) => Some(NothingToRetract),
        (Status::Voting, Call::Queue) => Some(ThresholdNotMet),
        (Status::Queued | Status::Ready | Status::Armed, Call::Approve) => Some(AlreadyVoted),
        (Status::Queued | Status::Ready | Status::Armed, Call::Reject) => Some(OppositeVote),
        (Status::Armed, Call::Execute) => Some(StandbyNotTriggered),
        (Status::Executed, Call::ReturnBuffer | Call::CloseBuffer) => Some(BufferReleased),
        (status, Call::CloseBuffer) if status.is_ended() => Some(BufferNotAbandoned),
        (Status::Executed, Call::CloseProposal) => None,
        (status, Call::CloseProposal) if status.is_ended() => Some(BufferStillHeld),
        _ => None,
    }
}

/// The reviewer's attestation by force, where there could be none: so nothing but the status stands against taking it back.
fn force_attestation(world: &mut World, proposed: &Proposed) {
    let attestation = Attestation {
        proposal: proposed.address,
        attester: lanes::reviewer().pubkey(),
        rent_payer: stranger(0).pubkey(),
        statement_sha256: [7; 32],
        expires_at: i64::MAX,
        kind: lanes::BUILD,
        version: 1,
        bump: 0,
        reserved: [0; 5],
    };
    let account = Account {
        lamports: 10_000_000,
        data: [Attestation::DISCRIMINATOR, bytemuck::bytes_of(&attestation)].concat(),
        owner: portcullis::ID,
        ..Account::default()
    };
    let key = BUILDER.attestation(&proposed.keys, &attestation.attester);
    world.put(&key, account);
    world.edit_proposal(proposed, |proposal| {
        proposal.attestations[usize::from(lanes::BUILD)] += 1;
    });
}

#[test]
fn g10_the_chain_refuses_what_the_table_refuses() {
    let calls = [
        (Call::Verify, Step::Verify),
        (Call::Approve, Step::Approve),
        (Call::Reject, Step::Reject),
        (Call::Retract, Step::Retract),
        (Call::Veto, Step::Veto),
        (Call::Cancel, Step::Cancel),
        (Call::Queue, Step::Queue),
        (Call::Attest, Step::Attest),
        (Call::RevokeAttestation, Step::RevokeAttestation),
        (Call::Trigger, Step::Trigger),
        (Call::Execute, Step::Execute),
        (Call::ReturnBuffer, Step::ReleaseBuffer),
        (Call::CloseBuffer, Step::ReleaseBuffer),
        (Call::CloseProposal, Step::Close),
    ];
    let states = reach();
    assert!(STATUSES.iter().eq(states.iter().map(|(status, _)| status)));
    for (status, reach) in states {
        let mut world = lanes::world();
        let proposed = reach(&mut world);
        force_attestation(&mut world, &proposed);
        assert_eq!(world.status(&proposed), status);
        for (call, step) in calls {
            let reason = check(status, step)
                .err()
                .or_else(|| other_reason(status, call));
            eprintln!("{status:?} {call:?} {reason:?}");
            let (instruction, signers) = call.instruction(&world, &proposed);
            match reason {
                Some(reason) => world.refuse(reason, |w| w.send(&[instruction], &signers)),
                None => {
                    let mut world = world.clone();
                    world.send(&[instruction], &signers).unwrap();
                }
            }
        }
        if status.is_ended() {
            // Neither time nor a change of the council or gate brings it back or turns it into another end.
            let ending = world.proposal(&proposed).ending;
            if ending != Ending::Open as u8 {
                world.pass(100 * DAY);
                world.edit_council(|council| council.config_epoch += 1);
                world.edit_gate(|gate| gate.life += 1);
                assert_eq!(world.status(&proposed), status);
            }
        }
    }
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let lane = prop_oneof![
        Just(Lane::Standard),
        Just(Lane::Emergency),
        Just(Lane::Rollback),
        Just(Lane::SafeMode)
    ];
    let ending = prop_oneof![
        6 => Just(Ending::Open),
        1 => Just(Ending::Executed),
        1 => Just(Ending::Rejected),
        1 => Just(Ending::Vetoed),
        1 => Just(Ending::Cancelled),
        1 => Just(Ending::Expired),
        1 => Just(Ending::Stale),
    ];
    (
        (lane, ending, any::<bool>(), any::<bool>(), any::<bool>()),
        1..1_000i64,
        prop_oneof![Just(0i64), 1..1_000i64],
        1..1_000i64,
        0..1_000u64,
    )
        .prop_map(|(stored, voting_ends_at, eta, window, earliest_slot)| {
            let (lane, ending, verified, current, based) = stored;
            Facts {
                lane,
                ending,
                verified,
                current,
                based,
                voting_ends_at,
                eta,
                expires_at: eta + window,
                earliest_slot,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn g5_g6_execution_lies_between_eta_and_expiry(
        facts in any_facts(),
        timestamp in 0..3_000i64,
        slot in 0..2_000u64,
    ) {
        let status = facts.status(Now { timestamp, slot });
        if check(status, Step::Execute).is_ok() {
            prop_assert!(facts.verified && facts.current && facts.ending == Ending::Open);
            prop_assert!(facts.eta != 0 && timestamp >= facts.eta && timestamp < facts.expires_at);
            prop_assert!(slot >= facts.earliest_slot);
            prop_assert!(facts.based);
        }
        // And the other way: nothing else stands against it.
        let due = facts.verified && facts.current && facts.ending == Ending::Open
            && facts.eta != 0 && timestamp >= facts.eta && timestamp < facts.expires_at
            && slot >= facts.earliest_slot && facts.based;
        prop_assert_eq!(due && !facts.lane.is_standby(), status == Status::Ready);
        prop_assert_eq!(due && facts.lane.is_standby(), status == Status::Armed);
    }

    #[test]
    fn g10_no_ended_status_ever_changes(
        facts in any_facts(),
        timestamp in 0..3_000i64,
        slot in 0..2_000u64,
        later in 0..3_000i64,
        slots in 0..2_000u64,
    ) {
        let status = facts.status(Now { timestamp, slot });
        let after = facts.status(Now { timestamp: timestamp + later, slot: slot + slots });
        match status {
            // A stale one that nobody wrote down may expire: both are ends.
            Status::Stale if facts.ending == Ending::Open => prop_assert!(after.is_ended()),
            status if status.is_ended() => prop_assert_eq!(after, status),
            _ => {}
        }
        // What is written down outlives everything else.
        if facts.ending != Ending::Open {
            prop_assert_eq!(status.ending(), facts.ending);
            let changed = Facts { current: !facts.current, verified: !facts.verified, eta: 0, ..facts };
            prop_assert_eq!(changed.status(Now { timestamp, slot }), status);
        }
        if facts.ending == Ending::Open && timestamp >= facts.deadline() {
            prop_assert_eq!(status, Status::Expired);
            let stale = Facts { current: false, ..facts };
            prop_assert_eq!(stale.status(Now { timestamp, slot }), Status::Expired);
        }
    }

    #[test]
    fn g8_nothing_stale_takes_a_vote(
        facts in any_facts(),
        timestamp in 0..3_000i64,
        slot in 0..2_000u64,
    ) {
        let facts = Facts { current: false, ..facts };
        let status = facts.status(Now { timestamp, slot });
        prop_assert!(status.is_ended());
        for step in STEPS {
            let cleans_up = matches!(step, Step::ReleaseBuffer | Step::Close);
            prop_assert_eq!(check(status, step).is_ok(), cleans_up);
        }
    }
}
