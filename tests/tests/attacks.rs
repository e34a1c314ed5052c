//! Attempts that an attacker's review came up with: each goes round a rule by a way that the rule did not look at.

use portcullis::lifecycle::Lane;
use portcullis_tests::{
    elf,
    governance::*,
    lanes::{self, predecessor},
    steps::SHORTEST,
    *,
};

/// Takes the program, whose upgrade authority is a stranger's, in with these bytes.
fn adopt(world: &mut World, deployed: Commitment) -> Outcome {
    let from = stranger(0);
    let args = AdoptArgs {
        epoch: world.council().config_epoch,
        policy: world.gate().policy,
        deployed,
    };
    let adopt = BUILDER.adopt_program(
        world.council,
        world.program,
        from.pubkey(),
        voter(0).pubkey(),
        payer().pubkey(),
        args,
    );
    world.send(&[adopt], &[from, voter(0)])
}

/// The program, deployed by the stranger, has this content.
fn deploy(world: &mut World, content: &[u8]) {
    let slot = world.now().slot - 1;
    let programdata = elf::programdata(slot, Some(stranger(0).pubkey()), content);
    world.put(&world.programdata(), programdata);
}

/// A large program is taken in on the adopter's word, which the hash then has to prove. What was only claimed never ran.
#[test]
fn g15_what_an_adopter_only_claimed_is_no_earlier_release() {
    let (small, never_ran) = (Setup::default().deployed, elf::large(SHORTEST, 0xcd));
    let claimed = Commitment::of(&never_ran).unwrap();
    let mut world = lanes::world();
    world.leave();
    let before = world.gate();
    deploy(&mut world, &elf::large(SHORTEST, 0xab));
    adopt(&mut world, claimed).unwrap();
    world.abandon(stranger(0)).unwrap();
    let gate = world.gate();
    assert_eq!(gate.release.index, before.release.index + 1);
    assert!(!gate.knows(&claimed.sha256));
    assert!(gate.knows(&before.release.sha256));

    // The index goes on, and no proposal can build on what is not known.
    deploy(&mut world, &small);
    adopt(&mut world, Commitment::of(&small).unwrap()).unwrap();
    assert_eq!(world.gate().release.index, before.release.index + 2);
    let proposed = world.prepared(&never_ran);
    let args = world.args_in(Lane::Rollback, &never_ran);
    world.refuse(PortcullisError::NotAnEarlierRelease, |w| {
        w.propose_with(&proposed, args)
    });
    world.refuse_change(
        PortcullisError::NotAnEarlierRelease,
        portcullis::change::Change::RevokeRelease {
            sha256: claimed.sha256,
        },
        false,
    );
}

/// A member with a program of its own adopts it under rules that it meets alone, and would then vote itself stricter ones.
#[test]
fn g12_a_gate_that_one_member_governs_does_not_make_the_council_hard_to_change() {
    let mut world = World::new();
    let easy = Policy {
        threshold: 1,
        timelock_seconds: 3_600,
        veto_threshold: 0,
        ..policy()
    };
    let rogue = address("a program of its own");
    let setup = Setup::default();
    world.install(&rogue, &setup.deployed);
    let args = AdoptArgs {
        policy: easy,
        ..world.adopt_args(&setup)
    };
    let instruction = world.adopt_instruction(rogue, args);
    world
        .send(&[instruction], &[upgrade_authority(), voter(0)])
        .unwrap();
    // All three voters in an emergency: nobody of them could leave the council any more.
    let strict = Policy {
        emergency_threshold: 3,
        emergency_timelock_seconds: 3_600,
        emergency_min_interval_seconds: 1,
        ..easy
    };
    world.at(rogue, |w| {
        w.refuse_change(
            PortcullisError::PolicyAboveCouncil,
            policy_change(strict, 0),
            false,
        );
    });
    // What the council demands of itself it may demand.
    let as_strict = Policy {
        threshold: 2,
        emergency_threshold: 2,
        ..strict
    };
    world.at(rogue, |w| {
        let change = w.gate_change(policy_change(as_strict, 0));
        w.ready_change(&change);
        w.execute_change(&change).unwrap();
    });
    // With the council's own threshold behind them the rules are the council's decision.
    let all = Policy {
        emergency_threshold: 3,
        ..as_strict
    };
    world.at(rogue, |w| {
        let change = w.gate_change(policy_change(all, 0));
        w.ready_change(&change);
        w.execute_change(&change).unwrap();
    });
}

/// The same where the council raised its own threshold while the vote was under way.
#[test]
fn g12_a_gates_vote_is_measured_against_the_council_when_it_executes() {
    let setup = Setup {
        council_policy: Policy {
            threshold: 1,
            ..council_policy()
        },
        policy: Policy {
            threshold: 1,
            execution_window_seconds: 30 * 86_400,
            ..policy()
        },
        ..Setup::default()
    };
    let mut world = setup.build();
    let strict = Policy {
        emergency_threshold: 3,
        emergency_timelock_seconds: 3_600,
        emergency_min_interval_seconds: 1,
        ..setup.policy
    };
    let change = world.gate_change(policy_change(strict, 0));
    world.approve_fully(&change);
    let own = world.own_change(policy_change(council_policy(), 3_600));
    world.ready_change(&own);
    world.execute_change(&own).unwrap();
    assert_eq!(world.status(&change), Status::Ready);
    world.refuse(PortcullisError::PolicyAboveCouncil, |w| {
        w.execute_change(&change)
    });
}

/// Anyone may execute what the council decides about itself, but a gate wants its executors.
#[test]
fn g12_the_last_executor_of_a_gate_does_not_leave() {
    let setup = Setup {
        council_policy: Policy {
            flags: FLAG_ANYONE_MAY_EXECUTE,
            ..council_policy()
        },
        ..Setup::default()
    };
    let without = member(voter(0).pubkey(), ROLE_PROPOSE | ROLE_VOTE);
    let change = council_change(&[voter(0).pubkey()], &[without]);
    // Another takes over.
    let another = member(voter(1).pubkey(), ROLE_VOTE | ROLE_EXECUTE);
    let handed_over = council_change(&[voter(0).pubkey(), voter(1).pubkey()], &[without, another]);
    setup.build().own_change(handed_over);
    setup
        .build()
        .refuse_change(PortcullisError::GateCouldNotBeMet, change.clone(), true);
    // Where there is no gate, it may.
    let mut world = World::bare();
    world.create_council(&setup).unwrap();
    let proposed = world.own_change(change);
    world.ready_change(&proposed);
    world.execute_change(&proposed).unwrap();
}

/// The canary proves bad within minutes and is halted; the upgrade that waits for it must not take the time since for a soak.
#[test]
fn g3_a_predecessor_that_was_replaced_before_it_soaked_blocks_what_follows() {
    const SOAK: i64 = 1_000;
    let canary = address("canary");
    for ran in [SOAK - 1, SOAK] {
        let mut world = lanes::world();
        let setup = lanes::setup();
        world.install(&canary, &setup.deployed);
        world.at(canary, |w| w.adopt(&setup)).unwrap();
        let first = world.at(canary, |w| w.upgrade_to(elf::p_token()));
        let since = world.now().timestamp - 1;
        // As if the safe mode had been approved beforehand, on the release to come.
        let halt = world.at(canary, |w| w.queued_in(Lane::SafeMode, elf::memo()));
        world.edit_proposal(&halt, |proposal| {
            proposal.eta = since;
            proposal.queued_slot = 0;
        });
        world.warp_to(since + ran);
        world.at(canary, |w| {
            w.trigger_fully(&halt);
            w.execute(&halt).unwrap();
        });
        let mut args = world.upgrade_args(elf::p_token());
        args.predecessor = Some(predecessor(&world, &first, SOAK as u32));
        let waiting = world.approved_with(elf::p_token(), args);
        world.warp_to_eta(&waiting);
        let gate = Some(BUILDER.gate(&canary));
        if ran < SOAK {
            world.refuse(PortcullisError::PredecessorSoaking, |w| {
                w.execute_after(&waiting, gate)
            });
        } else {
            world.execute_after(&waiting, gate).unwrap();
        }
    }
}
