//! The lifecycle as a table, in the pure function and on the chain, and as properties over all times.

use portcullis::lifecycle::{check, Action, Custody, Ending, Facts, Lane, Now, Status, Step};
use portcullis_tests::{calls::Call, PortcullisError::*, *};
use proptest::prelude::*;

const STATUSES: [Status; 11] = [
    Status::Draft,
    Status::Voting,
    Status::Queued,
    Status::Ready,
    Status::Armed,
    Status::Executed,
    Status::Rejected,
    Status::Vetoed,
    Status::Cancelled,
    Status::Expired,
    Status::Stale,
];

const STEPS: [Step; 10] = [
    Step::Verify,
    Step::Approve,
    Step::Reject,
    Step::Retract,
    Step::Veto,
    Step::Cancel,
    Step::Queue,
    Step::Execute,
    Step::ReleaseBuffer,
    Step::Close,
];

/// What each step says in each live status, in the order of `STEPS`.
fn table(status: Status) -> [Option<PortcullisError>; 10] {
    let live = Some(ProposalStillLive);
    let ended = |error: PortcullisError| {
        let e = Some(error);
        [e, e, e, e, e, e, e, e, None, None]
    };
    let unverified = Some(BufferNotVerified);
    let verified = Some(BufferAlreadyVerified);
    let queued = Some(AlreadyQueued);
    match status {
        Status::Draft => [
            None, unverified, unverified, unverified, None, None, unverified, unverified, live,
            live,
        ],
        Status::Voting => [
            verified,
            None,
            None,
            None,
            None,
            None,
            None,
            Some(NotQueued),
            live,
            live,
        ],
        Status::Queued => [
            verified,
            None,
            None,
            None,
            None,
            queued,
            queued,
            Some(TimelockNotElapsed),
            live,
            live,
        ],
        Status::Ready => [
            verified, None, None, None, None, queued, queued, None, live, live,
        ],
        Status::Armed => [
            verified,
            None,
            None,
            None,
            None,
            queued,
            queued,
            Some(RoleMissing),
            live,
            live,
        ],
        Status::Executed => ended(ProposalExecuted),
        Status::Rejected => ended(ProposalRejected),
        Status::Vetoed => ended(ProposalVetoed),
        Status::Cancelled => ended(ProposalCancelled),
        Status::Expired => ended(ProposalExpired),
        Status::Stale => ended(ProposalStale),
    }
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
            (byte < 3).then_some(byte)
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
            (byte < 6).then_some(byte)
        );
    }
    assert_eq!(Lane::try_from(3), Err(Overflow));
    let held = [false, true, true, false, false, false];
    for (byte, held) in held.into_iter().enumerate() {
        assert_eq!(Custody::try_from(byte as u8).unwrap().is_held(), held);
    }
}

type Reach = fn(&mut World) -> Proposed;

/// How the chain comes to each status that it can have.
fn reach() -> Vec<(Status, Reach)> {
    vec![
        (Status::Draft, World::draft),
        (Status::Voting, World::voting),
        (Status::Queued, World::queued),
        (Status::Ready, World::ready),
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
        (Call::Execute, Step::Execute),
        (Call::ReturnBuffer, Step::ReleaseBuffer),
        (Call::CloseBuffer, Step::ReleaseBuffer),
        (Call::CloseProposal, Step::Close),
    ];
    for (status, reach) in reach() {
        let mut world = World::new();
        let proposed = reach(&mut world);
        assert_eq!(world.status(&proposed), status);
        for (call, step) in calls {
            let Err(reason) = check(status, step) else {
                continue;
            };
            eprintln!("{status:?} {call:?}");
            let (instruction, signers) = call.instruction(&world, &proposed);
            world.refuse(reason, |w| w.send(&[instruction], &signers));
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
        Just(Lane::Standby)
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
        lane,
        ending,
        any::<bool>(),
        any::<bool>(),
        1..1_000i64,
        prop_oneof![Just(0i64), 1..1_000i64],
        1..1_000i64,
        0..1_000u64,
    )
        .prop_map(
            |(lane, ending, verified, current, voting_ends_at, eta, window, earliest_slot)| Facts {
                lane,
                ending,
                verified,
                current,
                voting_ends_at,
                eta,
                expires_at: eta + window,
                earliest_slot,
            },
        )
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
            prop_assert!(facts.lane != Lane::Standby);
        }
        // And the other way: nothing else stands against it.
        let due = facts.verified && facts.current && facts.ending == Ending::Open
            && facts.eta != 0 && timestamp >= facts.eta && timestamp < facts.expires_at
            && slot >= facts.earliest_slot && facts.lane != Lane::Standby;
        prop_assert_eq!(due, status == Status::Ready);
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
