//! An upgrade that waits for another gate's release: executed there, long enough ago, neither revoked nor rolled back.

use portcullis::{
    change::{Change, Predecessor},
    digest::digest,
    lifecycle::Lane,
};
use portcullis_tests::{
    elf,
    lanes::{self, predecessor},
    *,
};

/// Seconds that the canary's release must have run.
const SOAK: i64 = 1_000;

fn canary() -> Pubkey {
    address("canary")
}

fn canary_gate() -> Pubkey {
    BUILDER.gate(&canary())
}

/// The program and a canary, both behind gates of one council.
fn world() -> World {
    let mut world = lanes::world();
    let setup = lanes::setup();
    world.install(&canary(), &setup.deployed);
    world.at(canary(), |w| w.adopt(&setup)).unwrap();
    world
}

/// An approved upgrade of the program to p-token that waits.
fn waiting(world: &mut World, lane: Lane, predecessor: Predecessor) -> Proposed {
    let mut args = world.args_in(lane, elf::p_token());
    args.predecessor = Some(predecessor);
    let proposed = world.approved_with(elf::p_token(), args);
    assert_eq!(world.status(&proposed), Status::Queued);
    proposed
}

/// The canary runs p-token, since when, and the upgrade of the program that waits for it has soaked and is ready.
fn soaked() -> (World, Proposed, i64) {
    let mut world = world();
    let first = world.at(canary(), |w| w.upgrade_to(elf::p_token()));
    let since = world.now().timestamp - 1;
    let named = predecessor(&world, &first, SOAK as u32);
    let proposed = waiting(&mut world, Lane::Standard, named);
    world.warp_to_eta(&proposed);
    (world, proposed, since)
}

fn execute(world: &mut World, proposed: &Proposed) -> Outcome {
    world.execute_after(proposed, Some(canary_gate()))
}

#[test]
fn g3_an_upgrade_waits_until_its_predecessor_has_run_long_enough() {
    for lane in [Lane::Standard, Lane::Emergency] {
        let mut world = world();
        let first = world.at(canary(), |w| w.queued_in(Lane::Standard, elf::p_token()));
        let named = predecessor(&world, &first, SOAK as u32);
        assert_eq!(named.gate, canary_gate());
        let second = waiting(&mut world, lane, named);
        let since = world.proposal(&first).eta;
        world.warp_to(since);
        assert_eq!(world.status(&second), Status::Ready);
        world.refuse(PortcullisError::PredecessorNotExecuted, |w| {
            execute(w, &second)
        });
        world.at(canary(), |w| w.execute(&first)).unwrap();
        world.refuse(PortcullisError::PredecessorSoaking, |w| execute(w, &second));
        world.warp_to(since + SOAK - 1);
        world.refuse(PortcullisError::PredecessorSoaking, |w| execute(w, &second));
        world.warp_to(since + SOAK);
        execute(&mut world, &second).unwrap();
        assert_eq!(world.gate().release.index, 2);
    }
}

#[test]
fn g3_a_predecessor_need_not_soak_but_must_run() {
    let mut world = world();
    let first = world.at(canary(), |w| w.queued_in(Lane::Standard, elf::p_token()));
    let named = predecessor(&world, &first, 0);
    let second = waiting(&mut world, Lane::Standard, named);
    world.warp_to_eta(&second);
    world.refuse(PortcullisError::PredecessorNotExecuted, |w| {
        execute(w, &second)
    });
    world.at(canary(), |w| w.execute(&first)).unwrap();
    execute(&mut world, &second).unwrap();
}

#[test]
fn g3_a_predecessor_that_was_stopped_blocks_what_follows() {
    let mut world = world();
    let first = world.at(canary(), |w| w.queued_in(Lane::Standard, elf::p_token()));
    let named = predecessor(&world, &first, 0);
    let second = waiting(&mut world, Lane::Standard, named);
    world.at(canary(), |w| w.veto(&first, guardian(0))).unwrap();
    // The same code by another proposal is not what was named.
    world.at(canary(), |w| w.upgrade_to(elf::p_token()));
    assert_eq!(world.status(&second), Status::Ready);
    world.refuse(PortcullisError::PredecessorNotExecuted, |w| {
        execute(w, &second)
    });
}

#[test]
fn g15_a_predecessor_that_was_revoked_or_rolled_back_blocks_what_follows() {
    let (world, proposed, _) = soaked();
    let mut fine = world.clone();
    execute(&mut fine, &proposed).unwrap();

    let mut revoked = world.clone();
    let sha256 = Commitment::of(elf::p_token()).unwrap().sha256;
    revoked.at(canary(), |w| {
        let change = w.gate_change(Change::RevokeRelease { sha256 });
        w.pass_change(&change);
    });
    assert_eq!(revoked.status(&proposed), Status::Ready);
    revoked.refuse(PortcullisError::PredecessorRevoked, |w| {
        execute(w, &proposed)
    });

    let mut rolled_back = world;
    rolled_back.at(canary(), |w| {
        let rollback = w.armed_in(Lane::Rollback, elf::spl_token());
        w.trigger_fully(&rollback);
        w.execute(&rollback).unwrap();
    });
    assert_eq!(rolled_back.status(&proposed), Status::Ready);
    rolled_back.refuse(PortcullisError::PredecessorRevoked, |w| {
        execute(w, &proposed)
    });
}

#[test]
fn g3_a_predecessor_counts_as_long_as_its_gate_remembers_it() {
    let (mut world, proposed, _) = soaked();
    // The canary goes on.
    world.at(canary(), |w| {
        w.edit_gate(|gate| {
            for byte in 0..8 {
                gate.push_release(Release {
                    sha256: [byte; 32],
                    proposal_digest: [byte; 32],
                    timestamp: START.timestamp + 9 * DAY,
                    len: 1,
                    ..Release::default()
                })
                .unwrap();
            }
        });
    });
    execute(&mut world.clone(), &proposed).unwrap();
    world.at(canary(), |w| {
        w.edit_gate(|gate| gate.push_release(Release::default()).unwrap());
    });
    world.refuse(PortcullisError::PredecessorNotExecuted, |w| {
        execute(w, &proposed)
    });
}

#[test]
fn g3_a_predecessor_is_of_the_same_council() {
    let (mut world, proposed, _) = soaked();
    let other = world.other_council();
    world.at(canary(), |w| w.edit_gate(|gate| gate.council = other));
    world.refuse(PortcullisError::PredecessorInvalid, |w| {
        execute(w, &proposed)
    });
}

#[test]
fn g16_a_predecessor_whose_gate_let_its_program_go_is_not_there() {
    let (mut world, proposed, _) = soaked();
    world.at(canary(), World::leave);
    assert_eq!(world.status(&proposed), Status::Ready);
    world.refuse(PortcullisError::PredecessorNotExecuted, |w| {
        execute(w, &proposed)
    });
    // Nor when the program has come back: nobody knows what ran there meanwhile.
    world.at(canary(), World::come_back);
    assert_eq!(world.status(&proposed), Status::Ready);
    world.refuse(PortcullisError::PredecessorNotExecuted, |w| {
        execute(w, &proposed)
    });
}

#[test]
fn g3_the_predecessors_gate_is_given_where_one_is_named_and_only_there() {
    let (mut world, proposed, _) = soaked();
    let third = {
        let program = world.adopt_another("a third program");
        BUILDER.gate(&program)
    };
    for wrong in [None, Some(world.gate_key()), Some(third)] {
        world.refuse(PortcullisError::PredecessorMismatch, |w| {
            w.execute_after(&proposed, wrong)
        });
    }
    world.veto(&proposed, guardian(0)).unwrap();
    let free = world.ready_in(Lane::Standard, elf::p_token());
    for superfluous in [canary_gate(), world.gate_key()] {
        world.refuse(PortcullisError::PredecessorMismatch, |w| {
            w.execute_after(&free, Some(superfluous))
        });
    }
    world.execute(&free).unwrap();
}

#[test]
fn g3_a_predecessor_that_is_no_gate_is_never_there() {
    for (gate, reason) in [
        (world().council, ErrorCode::AccountDiscriminatorMismatch),
        (address("nothing"), ErrorCode::AccountOwnedByWrongProgram),
    ] {
        let mut world = world();
        let named = Predecessor {
            gate,
            digest: [1; 32],
            soak_seconds: 0,
        };
        let proposed = waiting(&mut world, Lane::Standard, named);
        world.warp_to_eta(&proposed);
        world.refuse(reason, |w| w.execute_after(&proposed, Some(gate)));
    }
}

#[test]
fn g3_no_upgrade_waits_for_its_own_gate_or_too_long_and_no_standby_at_all() {
    let mut world = world();
    world.upgrade_to(elf::p_token());
    let proposed = world.prepared(elf::spl_token());
    let right = Predecessor {
        gate: canary_gate(),
        digest: [1; 32],
        soak_seconds: 90 * DAY as u32,
    };
    let own = Predecessor {
        gate: world.gate_key(),
        ..right
    };
    // Zeros stand for the release found at an adoption, which no proposal brought.
    let found = Predecessor {
        digest: [0; 32],
        ..right
    };
    let too_long = Predecessor {
        soak_seconds: right.soak_seconds + 1,
        ..right
    };
    for (lane, named, allowed) in [
        (Lane::Standard, right, true),
        (Lane::Emergency, right, true),
        (Lane::Rollback, right, false),
        (Lane::SafeMode, right, false),
        (Lane::Standard, own, false),
        (Lane::Emergency, own, false),
        (Lane::Standard, found, false),
        (Lane::Standard, too_long, false),
    ] {
        let mut args = world.args_in(lane, elf::spl_token());
        args.predecessor = Some(named);
        if allowed {
            let mut world = world.clone();
            world.propose_with(&proposed, args).unwrap();
        } else {
            world.refuse(PortcullisError::PredecessorInvalid, |w| {
                w.propose_with(&proposed, args)
            });
        }
    }
}

#[test]
fn g4_voters_sign_the_predecessor_too() {
    let mut world = world();
    let named = Predecessor {
        gate: canary_gate(),
        digest: [1; 32],
        soak_seconds: 5,
    };
    let proposed = waiting(&mut world, Lane::Standard, named);
    let proposal = world.proposal(&proposed);
    let behind = world.account(&proposed.address).data[Proposal::SPACE..].to_vec();
    assert_eq!(
        Change::from_bytes(&behind),
        Ok(Some(Change::Upgrade(named)))
    );
    let of = |change: &[u8]| digest(&portcullis::ID, &world.council, &proposal.terms, change);
    assert_eq!(proposal.digest, of(&behind));
    assert_ne!(proposal.digest, of(&[]));
    let later = Predecessor {
        soak_seconds: 6,
        ..named
    };
    let other = Change::Upgrade(later).to_bytes().unwrap();
    assert_ne!(proposal.digest, of(&other));
}
