//! Guardians cannot veto their own removal: it waits twice the timelock instead. Anything more than that they can veto.

use portcullis::change::Change;
use portcullis_tests::{governance::*, *};

/// Two voters who do nothing else, two guardians, a guardian that also votes, an attester.
fn setup() -> Setup {
    Setup {
        members: sorted(vec![
            member(voter(0).pubkey(), ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE),
            member(voter(1).pubkey(), ROLE_VOTE),
            member(voter(2).pubkey(), ROLE_VOTE | ROLE_GUARD),
            member(guardian(0).pubkey(), ROLE_GUARD),
            member(guardian(1).pubkey(), ROLE_GUARD),
            member(attester().pubkey(), ROLE_ATTEST),
        ]),
        ..Setup::default()
    }
}

const TIMELOCK: i64 = 10 * DAY;

fn guard(key: &Keypair) -> Member {
    member(key.pubkey(), ROLE_GUARD)
}

fn removals() -> Vec<(&'static str, Change)> {
    vec![
        ("one goes", council_change(&[guardian(0).pubkey()], &[])),
        (
            "two go",
            council_change(&[guardian(0).pubkey(), guardian(1).pubkey()], &[]),
        ),
        (
            "one is replaced",
            council_change(&[guardian(0).pubkey()], &[guard(stranger(0))]),
        ),
        (
            "two go, one comes",
            council_change(
                &[guardian(0).pubkey(), guardian(1).pubkey()],
                &[guard(stranger(0))],
            ),
        ),
        (
            "a voter guards no more",
            council_change(
                &[voter(2).pubkey()],
                &[member(voter(2).pubkey(), ROLE_VOTE)],
            ),
        ),
        (
            "a voter guards instead",
            council_change(
                &[guardian(0).pubkey(), voter(1).pubkey()],
                &[member(voter(1).pubkey(), ROLE_VOTE | ROLE_GUARD)],
            ),
        ),
    ]
}

/// Changes that do more, or something else.
fn others() -> Vec<(&'static str, Change)> {
    vec![
        ("a voter goes", council_change(&[voter(1).pubkey()], &[])),
        (
            "a guardian and a voter go",
            council_change(&[guardian(0).pubkey(), voter(1).pubkey()], &[]),
        ),
        (
            "a voter who guards goes",
            council_change(&[voter(2).pubkey()], &[]),
        ),
        (
            "a guardian is added",
            council_change(&[], &[guard(stranger(0))]),
        ),
        (
            "one goes, two come: they would be outnumbered",
            council_change(
                &[guardian(0).pubkey()],
                &[guard(stranger(0)), guard(stranger(1))],
            ),
        ),
        (
            "one goes, two voters guard too: the same",
            council_change(
                &[guardian(0).pubkey(), voter(0).pubkey(), voter(1).pubkey()],
                &[
                    member(
                        voter(0).pubkey(),
                        ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE | ROLE_GUARD,
                    ),
                    member(voter(1).pubkey(), ROLE_VOTE | ROLE_GUARD),
                ],
            ),
        ),
        (
            "a guardian goes, an attester comes",
            council_change(
                &[guardian(0).pubkey()],
                &[member(stranger(0).pubkey(), ROLE_ATTEST)],
            ),
        ),
        (
            "a guardian becomes a voter",
            council_change(
                &[guardian(0).pubkey()],
                &[member(guardian(0).pubkey(), ROLE_VOTE)],
            ),
        ),
        (
            "a guardian also votes",
            council_change(
                &[guardian(0).pubkey()],
                &[member(guardian(0).pubkey(), ROLE_VOTE | ROLE_GUARD)],
            ),
        ),
        (
            "a guardian goes, a voter weighs more",
            council_change(
                &[guardian(0).pubkey(), voter(1).pubkey()],
                &[Member {
                    weight: 2,
                    ..member(voter(1).pubkey(), ROLE_VOTE)
                }],
            ),
        ),
        (
            "a guardian goes, an attester attests another kind",
            council_change(
                &[guardian(0).pubkey(), attester().pubkey()],
                &[Member {
                    attests: 2,
                    ..member(attester().pubkey(), ROLE_ATTEST)
                }],
            ),
        ),
    ]
}

#[test]
fn g12_guardians_cannot_veto_their_own_removal_which_waits_twice_the_timelock() {
    for (name, change) in removals() {
        eprintln!("{name}");
        let mut world = setup().build();
        let start = world.now().timestamp;
        let proposed = world.own_change(change);
        for who in [guardian(0), guardian(1), voter(2)] {
            world.refuse(PortcullisError::VetoDisabled, |w| w.veto(&proposed, who));
        }
        world.approve(&proposed, voter(0)).unwrap();
        world.approve(&proposed, voter(1)).unwrap();
        let eta = start + 2 * TIMELOCK;
        assert_eq!(world.proposal(&proposed).eta, eta);
        world.warp_to(eta - 1);
        world.refuse(PortcullisError::TimelockNotElapsed, |w| {
            w.execute_change(&proposed)
        });
        // The slots count too: a clock that jumps does not swallow half of the time.
        let mut jumped = world.clone();
        jumped.set_timestamp(eta);
        jumped.refuse(PortcullisError::TimelockNotElapsed, |w| {
            w.execute_change(&proposed)
        });
        world.warp_to(eta);
        world.refuse(PortcullisError::VetoDisabled, |w| {
            w.veto(&proposed, guardian(0))
        });
        world.execute_change(&proposed).unwrap();
        let council = world.council();
        assert_eq!(council.config_epoch, 2);
        let unused = &council.members[council.members().len()..];
        assert!(unused.iter().all(|member| *member == Member::default()));
    }
}

#[test]
fn g7_guardians_veto_every_change_that_does_more_than_remove_guardians() {
    for (name, change) in others() {
        eprintln!("{name}");
        let mut world = setup().build();
        let start = world.now().timestamp;
        let proposed = world.own_change(change);
        world.approve(&proposed, voter(0)).unwrap();
        world.approve(&proposed, voter(1)).unwrap();
        let eta = start + TIMELOCK;
        assert_eq!(world.proposal(&proposed).eta, eta);
        let mut passed = world.clone();
        passed.warp_to(eta - 1);
        passed.refuse(PortcullisError::TimelockNotElapsed, |w| {
            w.execute_change(&proposed)
        });
        passed.warp_to(eta);
        passed.execute_change(&proposed).unwrap();
        world.veto(&proposed, guardian(0)).unwrap();
        assert_eq!(world.status(&proposed), Status::Vetoed);
    }
}

#[test]
fn g12_voters_can_still_stop_the_removal_of_guardians() {
    let mut world = setup().build();
    let proposed = world.own_change(council_change(&[guardian(0).pubkey()], &[]));
    world.reject(&proposed, voter(1)).unwrap();
    world.reject(&proposed, voter(2)).unwrap();
    assert_eq!(world.status(&proposed), Status::Rejected);
}

#[test]
fn g7_guardians_veto_a_policy_without_their_veto() {
    let mut world = World::new();
    let mut without = world.gate().policy;
    without.veto_threshold = 0;
    let proposed = world.gate_change(policy_change(without, 0));
    world.ready_change(&proposed);
    world.veto(&proposed, guardian(0)).unwrap();
    world.refuse(PortcullisError::ProposalVetoed, |w| {
        w.execute_change(&proposed)
    });
}
