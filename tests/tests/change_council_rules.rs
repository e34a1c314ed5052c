//! Changes of members that cannot be: refused by name when they are proposed, and again when they would execute.

use portcullis::{change::Change, policy::FLAG_NONCE_VOTES};
use portcullis_tests::{elf, governance::*, lanes, *};

fn voter_member(number: usize) -> Member {
    member(voter(number).pubkey(), ROLE_VOTE)
}

#[test]
fn impossible_changes_of_members_are_refused_by_name() {
    use PortcullisError::*;
    let mut world = World::new();
    let joins = |roles| member(stranger(0).pubkey(), roles);
    let guard = guardian(0).pubkey();
    let cases: Vec<(PortcullisError, Change)> = vec![
        (CouncilChangeEmpty, council_change(&[], &[])),
        (
            CouncilChangeEmpty,
            council_change(&[voter(1).pubkey()], &[voter_member(1)]),
        ),
        (NotAMember, council_change(&[stranger(0).pubkey()], &[])),
        (
            NotAMember,
            council_change(&[voter(2).pubkey(), voter(2).pubkey()], &[]),
        ),
        (MemberTwice, council_change(&[], &[voter_member(1)])),
        (
            MemberTwice,
            council_change(&[], &[joins(ROLE_VOTE), joins(ROLE_GUARD)]),
        ),
        (MemberWithoutRole, council_change(&[], &[joins(0)])),
        (
            MemberWithoutRole,
            council_change(&[], &[member(Pubkey::default(), ROLE_VOTE)]),
        ),
        (UnknownRole, council_change(&[], &[joins(32)])),
        (
            WeightWithoutVote,
            council_change(
                &[],
                &[Member {
                    weight: 1,
                    ..joins(ROLE_GUARD)
                }],
            ),
        ),
        (
            AttestsWithoutRole,
            council_change(
                &[],
                &[Member {
                    attests: 1,
                    ..joins(ROLE_GUARD)
                }],
            ),
        ),
        (
            ThresholdUnreachable,
            council_change(&[voter(1).pubkey(), voter(2).pubkey()], &[]),
        ),
        (VetoUnreachable, council_change(&[guard], &[])),
        (
            NoProposer,
            council_change(
                &[voter(0).pubkey()],
                &[member(voter(0).pubkey(), ROLE_VOTE | ROLE_EXECUTE)],
            ),
        ),
        (
            NoExecutor,
            council_change(
                &[voter(0).pubkey()],
                &[member(voter(0).pubkey(), ROLE_VOTE | ROLE_PROPOSE)],
            ),
        ),
    ];
    for (reason, change) in cases {
        eprintln!("{reason:?}: {change:?}");
        world.refuse_change(reason, change, true);
    }
    // Those that just can be: the fewest voters, and a guardian for a guardian.
    world.own_change(council_change(&[voter(2).pubkey()], &[]));
    world.own_change(council_change(
        &[guard],
        &[member(guardian(1).pubkey(), ROLE_GUARD)],
    ));
}

/// A council of `count` voters beside the default one.
fn crowd(count: usize) -> (World, Vec<Member>) {
    let key = keypair("crowd");
    let mut world = World::new();
    let others = sorted(
        (0..count - 4)
            .map(|number| member(address(&format!("crowd {number}")), ROLE_VOTE))
            .collect(),
    );
    let members = sorted([default_members(), others.clone()].concat());
    let (first, rest) = members.split_at(20.min(count));
    let setup = Setup {
        members: first.to_vec(),
        ..Setup::default()
    };
    world
        .send(&[create_instruction(&key, &setup)], &[&key])
        .unwrap();
    for chunk in rest.chunks(20) {
        let add = BUILDER.add_members(key.pubkey(), chunk.to_vec());
        world.send(&[add], &[&key]).unwrap();
    }
    world
        .send(&[BUILDER.seal_council(key.pubkey())], &[&key])
        .unwrap();
    world.council = pda::council(&portcullis::ID, &key.pubkey());
    (world, others)
}

#[test]
fn eight_members_leave_and_eight_join_in_one_change_and_no_more() {
    let (mut world, others) = crowd(40);
    let leave: Vec<Pubkey> = others.iter().take(9).map(|member| member.key).collect();
    let join: Vec<Member> = (0..9)
        .map(|number| member(address(&format!("new {number}")), ROLE_VOTE))
        .collect();
    for change in [
        council_change(&leave, &[]),
        council_change(&[], &join),
        council_change(&leave[..8], &join),
    ] {
        world.refuse_change(PortcullisError::CouncilChangeTooLarge, change, true);
    }
    let proposed = world.own_change(council_change(&leave[..8], &join[..8]));
    world.ready_change(&proposed);
    world.execute_change(&proposed).unwrap();
    let council = world.council();
    assert_eq!((council.member_count, council.config_epoch), (40, 2));
    let keys: Vec<Pubkey> = council.members().iter().map(|m| m.key).collect();
    assert!(keys.is_sorted());
    assert!(leave[..8].iter().all(|key| !keys.contains(key)));
    assert!(join[..8].iter().all(|member| keys.contains(&member.key)));
}

#[test]
fn a_council_has_at_most_64_members() {
    let (mut world, others) = crowd(64);
    let joins = member(stranger(0).pubkey(), ROLE_VOTE);
    world.refuse_change(
        PortcullisError::TooManyMembers,
        council_change(&[], &[joins]),
        true,
    );
    let proposed = world.own_change(council_change(&[others[0].key], &[joins]));
    world.ready_change(&proposed);
    world.execute_change(&proposed).unwrap();
    assert_eq!(world.council().member_count, 64);
}

#[test]
fn g11_only_proposers_who_saw_the_council_as_it_is_propose() {
    let mut world = World::new();
    let change = || council_change(&[voter(2).pubkey()], &[]);
    let proposed = world.next_of_council();
    let args = world.change_args(&proposed, change());
    for (who, reason) in [
        (voter(1), PortcullisError::RoleMissing),
        (guardian(0), PortcullisError::RoleMissing),
        (stranger(0), PortcullisError::NotAMember),
    ] {
        let args = args.clone();
        world.refuse(reason, |w| w.propose_change_by(&proposed, args, who));
    }
    for epoch in [0, 2] {
        let args = portcullis::transitions::ChangeArgs {
            epoch,
            ..args.clone()
        };
        world.refuse(PortcullisError::EpochMismatch, |w| {
            w.propose_change_with(&proposed, args)
        });
    }
    let with_life = portcullis::transitions::ChangeArgs { life: 1, ..args };
    world.refuse(PortcullisError::LifeMismatch, |w| {
        w.propose_change_with(&proposed, with_life)
    });
    // Not the gate's to decide, and the gate's actions are not the council's.
    world.refuse_change(PortcullisError::NotOfTheCouncil, change(), false);
    for change in [
        transfer_to(stranger(0).pubkey(), true),
        Change::Finalize,
        Change::RevokeRelease { sha256: [1; 32] },
        Change::MoveGate {
            council: stranger(0).pubkey(),
            epoch: 1,
        },
    ] {
        world.refuse_change(PortcullisError::NotOfAGate, change, true);
    }
}

#[test]
fn an_unsealed_council_proposes_nothing() {
    let mut world = World::bare();
    let setup = Setup::default();
    let create = create_instruction(create_key(), &setup);
    world.send(&[create], &[create_key()]).unwrap();
    let change = council_change(&[voter(2).pubkey()], &[]);
    world.refuse_change(PortcullisError::CouncilNotSealed, change, true);
}

/// The default council with an auditor and a second guardian; the gate's policy is raised above the council's own by a vote.
fn demanding(raise: fn(&mut Policy)) -> World {
    let mut setup = Setup::default();
    let mut attests = member(attester().pubkey(), ROLE_ATTEST);
    attests.attests = 0b11;
    setup.members = sorted(
        [
            setup.members,
            vec![attests, member(guardian(1).pubkey(), ROLE_GUARD)],
        ]
        .concat(),
    );
    let mut world = setup.build();
    let mut policy = world.gate().policy;
    raise(&mut policy);
    let proposed = world.gate_change(policy_change(policy, 0));
    world.ready_change(&proposed);
    world.execute_change(&proposed).unwrap();
    world
}

/// A change of the default policy.
type Demand = fn(&mut Policy);

/// What gates demand beyond the council, and the member without whom it cannot be met.
fn demands() -> Vec<(Demand, Pubkey)> {
    vec![
        (
            |p| {
                p.emergency_threshold = 3;
                p.emergency_timelock_seconds = 3_600;
                p.emergency_min_interval_seconds = 1;
            },
            voter(2).pubkey(),
        ),
        (
            |p| {
                p.emergency_threshold = 2;
                p.emergency_timelock_seconds = 3_600;
                p.emergency_min_interval_seconds = 1;
                p.emergency_veto_threshold = 2;
            },
            guardian(1).pubkey(),
        ),
        (
            |p| {
                p.trigger_threshold = 2;
                p.standby_validity_seconds = 600;
            },
            guardian(0).pubkey(),
        ),
        (|p| p.attestations[1] = 1, attester().pubkey()),
    ]
}

#[test]
fn g12_members_who_could_not_meet_a_gate_are_refused_by_name() {
    for (raise, key) in demands() {
        let mut world = demanding(raise);
        let change = council_change(&[key], &[]);
        world.refuse_change(PortcullisError::GateCouldNotBeMet, change.clone(), true);
        // Without the gate's demand it can be.
        let mut world = demanding(|_| {});
        world.own_change(change);
    }
}

#[test]
fn g12_members_who_could_no_longer_meet_a_gate_are_refused_at_the_execution() {
    for (raise, key) in demands() {
        let mut world = demanding(|_| {});
        let change = world.own_change(council_change(&[key], &[]));
        world.approve_fully(&change);
        // While it waits, the gate's rules are raised.
        let mut policy = world.gate().policy;
        raise(&mut policy);
        let raised = world.gate_change(policy_change(policy, 0));
        world.ready_change(&raised);
        world.execute_change(&raised).unwrap();
        world.warp_to_eta(&change);
        assert_eq!(world.status(&change), Status::Ready);
        world.refuse(PortcullisError::GateCouldNotBeMet, |w| {
            w.execute_change(&change)
        });
    }
}

#[test]
fn g12_members_who_could_no_longer_meet_the_councils_own_policy_are_refused_at_the_execution() {
    let mut world = World::new();
    let stricter = Policy {
        threshold: 3,
        ..council_policy()
    };
    let policy = world.own_change(policy_change(stricter, 3_600));
    world.approve_fully(&policy);
    let eta = world.proposal(&policy).eta;
    world.warp_to(eta - DAY);
    let change = world.own_change(council_change(&[voter(2).pubkey()], &[]));
    world.approve_fully(&change);
    assert_eq!(world.status(&change), Status::Voting);
    world.warp_to(eta);
    world.execute_change(&policy).unwrap();
    world.queue(&change).unwrap();
    world.warp_to_eta(&change);
    world.refuse(PortcullisError::ThresholdUnreachable, |w| {
        w.execute_change(&change)
    });
}

#[test]
fn a_change_is_executed_by_its_own_instruction() {
    let mut world = lanes::world();
    let of_gate = world.gate_change(policy_change(
        Policy {
            flags: FLAG_NONCE_VOTES,
            ..world.gate().policy
        },
        0,
    ));
    world.approve_fully(&of_gate);
    world.warp_to_eta(&of_gate);
    let other = PortcullisError::AnotherAction;
    world.refuse(other, |w| w.transfer(&of_gate, stranger(0)));
    world.refuse(other, |w| w.finalize(&of_gate));
    // An upgrade's execution needs the buffer that the proposal names, and it names none.
    let buffer = world.buffer(elf::memo(), &world.authority());
    let upgrade = |buffer| {
        let spill = address("spill");
        BUILDER.execute_upgrade(&of_gate.keys, buffer, spill, voter(0).pubkey(), None)
    };
    world.refuse(PortcullisError::BufferMismatch, |w| {
        w.send(&[upgrade(buffer)], &[voter(0)])
    });
    world.refuse(ErrorCode::ConstraintMut, |w| {
        w.send(&[upgrade(Pubkey::default())], &[voter(0)])
    });
    let new = world.another_council("new council", &lanes::setup());
    world.refuse(other, |w| w.move_gate(&of_gate, new, voter(0)));
    // An upgrade is none of the changes.
    world.veto(&of_gate, guardian(0)).unwrap();
    let upgrade = world.ready();
    world.refuse(PortcullisError::NotAChange, |w| w.execute_change(&upgrade));
    world.refuse(PortcullisError::NotAChange, |w| {
        w.transfer(&upgrade, stranger(0))
    });
    world.refuse(PortcullisError::NotAChange, |w| w.finalize(&upgrade));
}

#[test]
fn a_change_with_bytes_behind_it_is_not_read() {
    let mut world = World::new();
    let joins = member(stranger(0).pubkey(), ROLE_VOTE);
    let proposed = world.own_change(council_change(&[], &[joins]));
    world.ready_change(&proposed);
    world.forge(&proposed.address, |account| account.data.push(0));
    world.refuse(PortcullisError::Overflow, |w| w.execute_change(&proposed));
}
