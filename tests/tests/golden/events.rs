//! Events, byte for byte.

use anchor_lang::Event;
use portcullis::events::*;

use super::*;

#[test]
fn g13_the_bytes_of_every_event() {
    let mut text = String::new();
    let (slot, timestamp) = (0x0101_0202, 0x0303_0404);
    let (parent, index, digest) = (key(0x20), 0x0505, [0x21; 32]);
    let mut add = |name: &str, bytes: Vec<u8>| text += &format!("{name}\n{}\n", hex(&bytes));
    macro_rules! event {
        ($event:ident { $($fields:tt)* }) => {
            add(
                stringify!($event),
                $event { $($fields)*, slot, timestamp }.data(),
            )
        };
    }
    event!(CouncilCreated {
        council: key(1),
        create_key: key(2),
        policy: some_policy(),
        delay_floor_seconds: 3,
        members: vec![some_member(4), some_member(5)]
    });
    event!(MembersAdded {
        council: key(1),
        members: vec![some_member(4)]
    });
    event!(CouncilSealed {
        council: key(1),
        config_epoch: 2,
        member_count: 3
    });
    event!(ProgramAdopted {
        gate: key(1),
        council: key(2),
        program: key(3),
        former_authority: key(4),
        proposer: key(5),
        life: 6,
        epoch: 7,
        release_index: 8,
        deployed: some_commitment(9),
        hashed: true,
        policy: some_policy()
    });
    let proposed = || UpgradeProposed {
        parent,
        index,
        proposer: key(1),
        rent_payer: key(2),
        buffer: key(3),
        spill: key(4),
        commitment: some_commitment(5),
        base_index: 6,
        base: some_commitment(6),
        statement: Some(some_statement(7)),
        predecessor: Some(some_predecessor()),
        lane: 8,
        epoch: 9,
        life: 10,
        not_before: 11,
        voting_ends_at: 12,
        slot,
        timestamp,
    };
    add("UpgradeProposed", proposed().data());
    let reproposed = UpgradeReproposed {
        former_index: 1,
        former_ending: 2,
        custody: 3,
        proposed: proposed(),
    };
    add("UpgradeReproposed", reproposed.data());
    event!(BufferVerified {
        parent,
        index,
        sha256: [1; 32]
    });
    event!(ApprovalCast {
        parent,
        index,
        voter: key(1),
        digest,
        valid_until: 2,
        approval_weight: 3,
        eta: 4
    });
    event!(RejectionCast {
        parent,
        index,
        voter: key(1),
        digest,
        rejected: true
    });
    event!(VoteRetracted {
        parent,
        index,
        voter: key(1),
        digest,
        approval_weight: 2,
        eta: 3
    });
    event!(VetoCast {
        parent,
        index,
        guardian: key(1),
        digest,
        vetoed: true
    });
    event!(ProposalCancelled {
        parent,
        index,
        proposer: key(1)
    });
    event!(ProposalQueued {
        parent,
        index,
        eta: 1,
        expires_at: 2
    });
    event!(UpgradeExecuted {
        parent,
        index,
        executor: key(1),
        program: key(2),
        digest,
        lane: 6,
        release_index: 3,
        former: some_commitment(4),
        deployed: some_commitment(5)
    });
    event!(BufferReturned {
        parent,
        index,
        buffer: key(1),
        depositor: key(2),
        ending: 3
    });
    event!(BufferClosed {
        parent,
        index,
        buffer: key(1),
        spill: key(2),
        ending: 3
    });
    event!(ProposalClosed {
        parent,
        index,
        rent_payer: key(1),
        ending: 2
    });
    event!(AdoptionCompleted {
        gate: key(1),
        life: 2,
        deployed: some_commitment(3)
    });
    event!(AdoptionAbandoned {
        gate: key(1),
        former_authority: key(2),
        life: 3
    });
    event!(ChangeProposed {
        parent,
        index,
        proposer: key(1),
        rent_payer: key(2),
        change: every_change()[1].1.clone(),
        base_index: 3,
        statement: Some(some_statement(7)),
        epoch: 4,
        life: 5,
        not_before: 6,
        voting_ends_at: 7
    });
    event!(AttestationGiven {
        parent,
        index,
        attester: key(1),
        digest,
        kind: 2,
        statement: some_statement(7),
        expires_at: 3,
        eta: 4
    });
    event!(AttestationRevoked {
        parent,
        index,
        attester: key(1),
        digest,
        kind: 2,
        eta: 3
    });
    event!(TriggerCast {
        parent,
        index,
        guardian: key(1),
        digest,
        triggered: true,
        lapses_at: 2
    });
    event!(CouncilChanged {
        parent,
        index,
        executor: key(1),
        digest,
        config_epoch: 2,
        change: CouncilChange {
            remove: vec![key(3)],
            add: vec![some_member(4)]
        }
    });
    event!(PolicyChanged {
        parent,
        index,
        executor: key(1),
        digest,
        former: some_policy(),
        policy: Policy::default(),
        delay_floor_seconds: 2
    });
    event!(AuthorityTransferred {
        parent,
        index,
        executor: key(1),
        digest,
        program: key(2),
        to: key(3),
        checked: true,
        life: 4
    });
    event!(GateMoved {
        parent,
        index,
        executor: key(1),
        digest,
        former: key(2),
        council: key(3),
        epoch: 4,
        proposer: key(5),
        life: 6
    });
    event!(ProgramFinalized {
        parent,
        index,
        executor: key(1),
        digest,
        program: key(2),
        release: some_commitment(3),
        life: 4
    });
    event!(ReleaseRevoked {
        parent,
        index,
        executor: key(1),
        digest,
        sha256: [2; 32]
    });
    // None is missing.
    for name in declared() {
        assert!(text.lines().any(|line| line == name), "{name}");
    }
    insta::assert_snapshot!("events", text);
}

/// The names of all events.
fn declared() -> Vec<&'static str> {
    let names: Vec<&str> = include_str!("../../../programs/portcullis/src/events.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub struct "))
        .map(|line| line.trim_end_matches(" {"))
        .collect();
    assert_eq!(names.len(), 29);
    names
}

#[test]
fn what_a_proposal_does_not_have_is_one_zero() {
    let proposed = UpgradeProposed {
        parent: key(1),
        index: 2,
        proposer: key(3),
        rent_payer: key(4),
        buffer: key(5),
        spill: key(6),
        commitment: some_commitment(7),
        base_index: 8,
        base: some_commitment(9),
        statement: None,
        predecessor: None,
        lane: 0,
        epoch: 10,
        life: 11,
        not_before: 12,
        voting_ends_at: 13,
        slot: 14,
        timestamp: 15,
    };
    insta::assert_snapshot!("plain_upgrade", hex(&proposed.data()));
}
