//! Councils: who may build them, which members and policies they take, and that nothing works before the seal.

use portcullis::events::{CouncilCreated, CouncilSealed, MembersAdded};
use portcullis_tests::{
    calls::{readonly, substitute, unsigned},
    record, rules, *,
};

fn args(members: Vec<Member>) -> CreateCouncilArgs {
    CreateCouncilArgs {
        policy: council_policy(),
        delay_floor_seconds: 3_600,
        members,
    }
}

fn create(world: &mut World, args: CreateCouncilArgs) -> Outcome {
    let key = create_key().pubkey();
    world.send(
        &[BUILDER.create_council(key, payer().pubkey(), args)],
        &[create_key()],
    )
}

fn add(world: &mut World, members: Vec<Member>) -> Outcome {
    let key = create_key().pubkey();
    world.send(&[BUILDER.add_members(key, members)], &[create_key()])
}

fn seal(world: &mut World) -> Outcome {
    let key = create_key().pubkey();
    world.send(&[BUILDER.seal_council(key)], &[create_key()])
}

fn many(count: usize) -> Vec<Member> {
    let member = |number| {
        member(
            address(&format!("member {number}")),
            ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE | ROLE_GUARD,
        )
    };
    sorted((0..count).map(member).collect())
}

#[test]
fn a_council_is_created_filled_and_sealed() {
    let mut world = World::bare();
    let (first, rest) = {
        let mut members = default_members();
        let rest = members.split_off(1);
        (members, rest)
    };
    let meta = create(&mut world, args(first.clone())).unwrap();
    let event: CouncilCreated = record::event(&meta);
    assert_eq!(event.council, world.council);
    assert_eq!(event.create_key, create_key().pubkey());
    assert_eq!(event.policy, council_policy());
    assert_eq!(event.delay_floor_seconds, 3_600);
    assert_eq!(event.members, first);
    assert_eq!((event.slot, event.timestamp), (START.slot, START.timestamp));
    assert_eq!(world.council().config_epoch, 0);

    let meta = add(&mut world, rest.clone()).unwrap();
    let event: MembersAdded = record::event(&meta);
    assert_eq!((event.council, event.members), (world.council, rest));

    let meta = seal(&mut world).unwrap();
    let event: CouncilSealed = record::event(&meta);
    assert_eq!(event.council, world.council);
    assert_eq!((event.config_epoch, event.member_count), (1, 4));

    let council = world.council();
    assert_eq!(council.members(), default_members());
    assert_eq!(council.config_epoch, 1);
    assert_eq!(council.version, 1);
    assert_eq!(council.create_key, create_key().pubkey());
    assert_eq!(council.policy, council_policy());
    assert_eq!(council.delay_floor_seconds, 3_600);
    assert_eq!((council.gate_count, council.proposal_count), (0, 0));
    assert_eq!(council.log.sequence, 3);
    let derived = portcullis::state::find_council(&portcullis::ID, &create_key().pubkey());
    assert_eq!((world.council, council.bump), derived);
}

#[test]
fn the_create_key_signs_each_step() {
    let mut world = World::bare();
    let key = create_key().pubkey();
    let instruction = BUILDER.create_council(key, payer().pubkey(), args(default_members()));
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&instruction, &key)], &[])
    });
    create(&mut world, args(vec![])).unwrap();
    for instruction in [
        BUILDER.add_members(key, default_members()),
        BUILDER.seal_council(key),
    ] {
        world.refuse(ErrorCode::AccountNotSigner, |w| {
            w.send(&[unsigned(&instruction, &key)], &[])
        });
        let other = substitute(&instruction, &key, &stranger(0).pubkey());
        world.refuse(PortcullisError::CreateKeyMismatch, |w| {
            w.send(&[other], &[stranger(0)])
        });
        let council = world.council;
        world.refuse(ErrorCode::ConstraintMut, |w| {
            w.send(&[readonly(&instruction, &council)], &[create_key()])
        });
    }
    add(&mut world, default_members()).unwrap();
    seal(&mut world).unwrap();
}

#[test]
fn the_payer_of_a_council_signs() {
    let mut world = World::bare();
    let key = create_key().pubkey();
    let by = stranger(0).pubkey();
    let instruction = BUILDER.create_council(key, by, args(default_members()));
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&instruction, &by)], &[create_key()])
    });
    world.refuse(ErrorCode::ConstraintMut, |w| {
        w.send(&[readonly(&instruction, &by)], &[create_key(), stranger(0)])
    });
    let before = world.lamports(&by);
    world
        .send(&[instruction], &[create_key(), stranger(0)])
        .unwrap();
    let rent = world.account(&world.council).lamports;
    assert_eq!(before - world.lamports(&by), rent);
}

#[test]
fn a_council_stands_at_its_create_keys_address_only() {
    let mut world = World::bare();
    let key = create_key().pubkey();
    let instruction = BUILDER.create_council(key, payer().pubkey(), args(default_members()));
    let elsewhere = substitute(&instruction, &world.council, &address("elsewhere"));
    world.refuse(ErrorCode::ConstraintSeeds, |w| {
        w.send(&[elsewhere], &[create_key()])
    });
    let system = solana_sdk_ids::system_program::ID;
    let other = substitute(&instruction, &system, &portcullis::ID);
    world.refuse(ErrorCode::InvalidProgramId, |w| {
        w.send(&[other], &[create_key()])
    });
    create(&mut world, args(default_members())).unwrap();
    // System: the account is in use.
    world.refuse(InstructionError::Custom(0), |w| {
        create(w, args(default_members()))
    });
}

#[test]
fn a_foreign_account_is_not_a_council() {
    let mut world = World::bare();
    create(&mut world, args(default_members())).unwrap();
    let key = world.council;
    let real = world.account(&key);
    world.forge(&key, |account| account.owner = address("some program"));
    world.refuse(ErrorCode::AccountOwnedByWrongProgram, seal);
    world.put(&key, real);
    world.forge(&key, |account| account.data[0] ^= 1);
    world.refuse(ErrorCode::AccountDiscriminatorMismatch, seal);
}

#[test]
fn members_are_given_in_strictly_ascending_order() {
    let mut world = World::bare();
    let members = default_members();
    let mut reversed = members.clone();
    reversed.reverse();
    world.refuse(PortcullisError::MembersNotSorted, |w| {
        create(w, args(reversed))
    });
    let twice = vec![members[0], members[0]];
    world.refuse(PortcullisError::MembersNotSorted, |w| {
        create(w, args(twice))
    });

    create(&mut world, args(members[1..2].to_vec())).unwrap();
    for wrong in [members[0], members[1]] {
        world.refuse(PortcullisError::MembersNotSorted, |w| add(w, vec![wrong]));
    }
    add(&mut world, members[2..].to_vec()).unwrap();
}

#[test]
fn a_council_takes_64_members_and_not_65() {
    let mut world = World::bare();
    let members = many(65);
    create(&mut world, args(members[..16].to_vec())).unwrap();
    for batch in members[16..64].chunks(16) {
        add(&mut world, batch.to_vec()).unwrap();
    }
    world.refuse(PortcullisError::TooManyMembers, |w| {
        add(w, vec![members[64]])
    });
    seal(&mut world).unwrap();
    let council = world.council();
    assert_eq!(council.members(), &members[..64]);
    assert_eq!(council.powers().weight, 64);
    assert_eq!(council.powers().guardians, 64);
    // The last member's bit is the last of the bitmap.
    assert_eq!(council.weight_of(1 << 63), 1);
    assert_eq!(
        council.member_with(&members[63].key, ROLE_VOTE).unwrap().0,
        63
    );
}

#[test]
fn a_member_makes_sense() {
    use PortcullisError::*;
    let key = address("someone");
    let cases = [
        (
            UnknownRole,
            Member {
                roles: 32 | ROLE_VOTE,
                ..member(key, ROLE_VOTE)
            },
        ),
        (MemberWithoutRole, member(key, 0)),
        (MemberWithoutRole, member(Pubkey::default(), ROLE_GUARD)),
        (
            WeightWithoutVote,
            Member {
                weight: 0,
                ..member(key, ROLE_VOTE)
            },
        ),
        (
            WeightWithoutVote,
            Member {
                weight: 1,
                ..member(key, ROLE_GUARD)
            },
        ),
        (
            AttestsWithoutRole,
            Member {
                attests: 0,
                ..member(key, ROLE_ATTEST)
            },
        ),
        (
            AttestsWithoutRole,
            Member {
                attests: 1,
                ..member(key, ROLE_VOTE)
            },
        ),
    ];
    for (reason, wrong) in cases {
        let mut world = World::bare();
        world.refuse(reason, |w| create(w, args(vec![wrong])));
        create(&mut world, args(vec![])).unwrap();
        world.refuse(reason, |w| add(w, vec![wrong]));
    }
    let mut world = World::bare();
    let all = Member {
        weight: u16::MAX,
        attests: 255,
        ..member(key, 31)
    };
    create(&mut world, args(vec![all])).unwrap();
    assert_eq!(world.council().powers().attesters, [1; 8]);
}

#[test]
fn a_sealed_council_takes_no_member_and_no_second_seal() {
    let mut world = World::bare();
    create(&mut world, args(default_members())).unwrap();
    seal(&mut world).unwrap();
    world.refuse(PortcullisError::CouncilSealed, seal);
    let last = member(Pubkey::new_from_array([255; 32]), ROLE_VOTE);
    world.refuse(PortcullisError::CouncilSealed, |w| add(w, vec![last]));
}

#[test]
fn an_unsealed_council_adopts_nothing() {
    let mut world = World::bare();
    create(&mut world, args(default_members())).unwrap();
    let setup = Setup::default();
    world.install(&address("program"), &setup.deployed);
    for epoch in [0, 1] {
        let args = AdoptArgs {
            epoch,
            ..world.adopt_args(&setup)
        };
        let instruction = world.adopt_instruction(world.program, args);
        world.refuse(PortcullisError::CouncilNotSealed, |w| {
            w.send(&[instruction], &[upgrade_authority(), voter(0)])
        });
    }
}

#[test]
fn the_delay_floor_has_a_maximum() {
    let mut world = World::bare();
    let with = |delay_floor_seconds| CreateCouncilArgs {
        delay_floor_seconds,
        ..args(default_members())
    };
    world.refuse(PortcullisError::DurationTooLong, |w| {
        create(w, with(90 * 86_400 + 1))
    });
    create(&mut world, with(90 * 86_400)).unwrap();
}

#[test]
fn an_impossible_policy_of_a_council_is_refused_by_name() {
    for (reason, name, change) in rules::violations() {
        let mut world = World::bare();
        let mut policy = policy();
        change(&mut policy);
        let args = CreateCouncilArgs {
            policy,
            ..args(default_members())
        };
        create(&mut world, args).unwrap();
        eprintln!("{reason:?}: {name}");
        world.refuse(reason, seal);
    }
}

#[test]
fn a_policy_at_a_limit_is_taken() {
    for (name, change) in rules::limits() {
        let mut world = World::bare();
        let mut policy = policy();
        change(&mut policy);
        let args = CreateCouncilArgs {
            policy,
            ..args(default_members())
        };
        create(&mut world, args).unwrap();
        eprintln!("{name}");
        seal(&mut world).unwrap();
    }
}

#[test]
fn no_delay_is_below_ten_minutes_even_without_a_floor() {
    let with = |timelock_seconds| CreateCouncilArgs {
        policy: Policy {
            timelock_seconds,
            ..policy()
        },
        delay_floor_seconds: 0,
        members: default_members(),
    };
    let mut world = World::bare();
    create(&mut world, with(599)).unwrap();
    world.refuse(PortcullisError::DelayBelowFloor, seal);
    let mut world = World::bare();
    create(&mut world, with(600)).unwrap();
    seal(&mut world).unwrap();
}

#[test]
fn somebody_must_be_able_to_propose_and_to_execute() {
    let with = |roles, flags| CreateCouncilArgs {
        policy: Policy {
            threshold: 1,
            veto_threshold: 0,
            flags,
            ..council_policy()
        },
        ..args(vec![member(voter(0).pubkey(), roles)])
    };
    let cases = [
        (
            ROLE_VOTE | ROLE_EXECUTE,
            0,
            Some(PortcullisError::NoProposer),
        ),
        (
            ROLE_VOTE | ROLE_PROPOSE,
            0,
            Some(PortcullisError::NoExecutor),
        ),
        (
            ROLE_VOTE | ROLE_PROPOSE,
            FLAG_NONCE_VOTES,
            Some(PortcullisError::NoExecutor),
        ),
        (ROLE_VOTE | ROLE_PROPOSE, FLAG_ANYONE_MAY_EXECUTE, None),
        (ROLE_VOTE | ROLE_PROPOSE | ROLE_EXECUTE, 0, None),
    ];
    for (roles, flags, refusal) in cases {
        let mut world = World::bare();
        create(&mut world, with(roles, flags)).unwrap();
        match refusal {
            Some(reason) => world.refuse(reason, seal),
            None => {
                seal(&mut world).unwrap();
            }
        }
    }
}

#[test]
fn attestations_need_attesters_of_their_kind() {
    let mut members = default_members();
    members.push(Member {
        attests: 1 << 3,
        ..member(attester().pubkey(), ROLE_ATTEST)
    });
    let with = |kind: usize, count| {
        let mut args = args(sorted(members.clone()));
        args.policy.attestations[kind] = count;
        args
    };
    for (kind, count, possible) in [(3, 1, true), (3, 2, false), (2, 1, false), (4, 1, false)] {
        let mut world = World::bare();
        create(&mut world, with(kind, count)).unwrap();
        if possible {
            seal(&mut world).unwrap();
        } else {
            world.refuse(PortcullisError::AttestationsUnreachable, seal);
        }
    }
}
