//! Votes: by whom, for what, how long they are valid, and what they add up to.

use portcullis::events::{ApprovalCast, ProposalCancelled, VoteRetracted};
use portcullis_tests::{record, *};

type Vote = fn(&ProposalKeys, Pubkey, VoteArgs) -> Instruction;

/// The four votes, who may cast them here, and what must come before.
fn votes() -> [(Vote, &'static Keypair); 4] {
    [
        (
            |keys, member, args| BUILDER.approve(keys, member, args),
            voter(1),
        ),
        (
            |keys, member, args| BUILDER.reject(keys, member, args),
            voter(1),
        ),
        (
            |keys, member, args| BUILDER.retract(keys, member, args),
            voter(0),
        ),
        (
            |keys, member, args| BUILDER.veto(keys, member, args),
            guardian(0),
        ),
    ]
}

/// A proposal that the first voter has approved.
fn voted() -> (World, Proposed) {
    let mut world = World::new();
    let proposed = world.voting();
    world.approve(&proposed, voter(0)).unwrap();
    (world, proposed)
}

fn cast(
    world: &mut World,
    proposed: &Proposed,
    vote: Vote,
    member: &Keypair,
    args: VoteArgs,
) -> Outcome {
    world.send(&[vote(&proposed.keys, member.pubkey(), args)], &[member])
}

#[test]
fn g4_only_members_with_the_role_vote() {
    let (mut world, proposed) = voted();
    let args = world.vote_args(&proposed);
    let veto = votes()[3].0;
    for (vote, _) in votes() {
        world.refuse(PortcullisError::NotAMember, |w| {
            cast(w, &proposed, vote, stranger(0), args)
        });
        world.refuse(PortcullisError::NotAMember, |w| {
            cast(w, &proposed, vote, payer(), args)
        });
    }
    for (vote, _) in &votes()[..3] {
        world.refuse(PortcullisError::RoleMissing, |w| {
            cast(w, &proposed, *vote, guardian(0), args)
        });
    }
    for number in 0..3 {
        world.refuse(PortcullisError::RoleMissing, |w| {
            cast(w, &proposed, veto, voter(number), args)
        });
    }
}

#[test]
fn g4_a_vote_names_the_proposals_digest() {
    let (mut world, proposed) = voted();
    let other = world.voting();
    let right = world.vote_args(&proposed);
    let mut flipped = right.digest;
    flipped[31] ^= 1;
    let foreign = world.proposal(&other).digest;
    for (vote, member) in votes() {
        for digest in [flipped, [0; 32], foreign] {
            let args = VoteArgs { digest, ..right };
            world.refuse(PortcullisError::DigestMismatch, |w| {
                cast(w, &proposed, vote, member, args)
            });
        }
        let mut world = world.clone();
        cast(&mut world, &proposed, vote, member, right).unwrap();
    }
}

#[test]
fn g4_a_vote_is_valid_for_a_day_at_most_and_not_after_its_time() {
    let (mut world, proposed) = voted();
    let now = world.now().timestamp;
    let digest = world.proposal(&proposed).digest;
    for (vote, member) in votes() {
        let with = |valid_until| VoteArgs {
            digest,
            valid_until,
        };
        for past in [now, now - 1, 0, i64::MIN] {
            world.refuse(PortcullisError::VoteExpired, |w| {
                cast(w, &proposed, vote, member, with(past))
            });
        }
        for far in [now + DAY + 1, i64::MAX] {
            world.refuse(PortcullisError::VoteValidTooLong, |w| {
                cast(w, &proposed, vote, member, with(far))
            });
        }
        for right in [now + 1, now + DAY] {
            let mut world = world.clone();
            cast(&mut world, &proposed, vote, member, with(right)).unwrap();
        }
    }
}

#[test]
fn g6_an_approval_is_not_valid_beyond_the_voting_deadline() {
    let (mut world, proposed) = voted();
    let deadline = world.proposal(&proposed).terms.voting_ends_at;
    world.warp_to(deadline - 10);
    let digest = world.proposal(&proposed).digest;
    let with = |valid_until| VoteArgs {
        digest,
        valid_until,
    };
    world.refuse(PortcullisError::VoteValidTooLong, |w| {
        w.approve_with(&proposed, voter(1), with(deadline + 1))
    });
    world
        .approve_with(&proposed, voter(1), with(deadline))
        .unwrap();
}

#[test]
fn g6_voting_closes_at_its_deadline() {
    let (mut world, proposed) = voted();
    let deadline = world.proposal(&proposed).terms.voting_ends_at;
    world.warp_to(deadline - 1);
    let mut in_time = world.clone();
    in_time.approve(&proposed, voter(1)).unwrap();
    assert_eq!(in_time.proposal(&proposed).eta, deadline - 1 + DAY);
    world.warp_to(deadline);
    for (vote, member) in votes() {
        let args = world.vote_args(&proposed);
        world.refuse(PortcullisError::ProposalExpired, |w| {
            cast(w, &proposed, vote, member, args)
        });
    }

    // It is queued, so it lives on; but approvals are over, while the votes that stop it are not.
    let mut world = in_time;
    world.warp_to(deadline);
    let args = world.vote_args(&proposed);
    world.refuse(PortcullisError::VotingClosed, |w| {
        w.approve_with(&proposed, voter(2), args)
    });
    for (vote, member) in [votes()[2], votes()[3]] {
        let mut world = world.clone();
        cast(&mut world, &proposed, vote, member, args).unwrap();
    }
    cast(&mut world, &proposed, votes()[1].0, voter(2), args).unwrap();
}

#[test]
fn g4_nobody_votes_twice_or_both_ways() {
    let (mut world, proposed) = voted();
    world.refuse(PortcullisError::AlreadyVoted, |w| {
        w.approve(&proposed, voter(0))
    });
    world.refuse(PortcullisError::OppositeVote, |w| {
        w.reject(&proposed, voter(0))
    });
    world.reject(&proposed, voter(1)).unwrap();
    world.refuse(PortcullisError::AlreadyVoted, |w| {
        w.reject(&proposed, voter(1))
    });
    world.refuse(PortcullisError::OppositeVote, |w| {
        w.approve(&proposed, voter(1))
    });
    world.refuse(PortcullisError::NothingToRetract, |w| {
        w.retract(&proposed, voter(2))
    });
    // Switching takes a retraction.
    world.retract(&proposed, voter(1)).unwrap();
    world.refuse(PortcullisError::NothingToRetract, |w| {
        w.retract(&proposed, voter(1))
    });
    world.approve(&proposed, voter(1)).unwrap();
    assert_eq!(world.status(&proposed), Status::Queued);
}

#[test]
fn g4_weights_add_up_and_go_away() {
    let mut setup = Setup::default();
    for member in &mut setup.members {
        if member.key == voter(0).pubkey() {
            member.weight = 5;
        } else if member.key == voter(1).pubkey() {
            member.weight = 3;
        } else if member.key == voter(2).pubkey() {
            member.weight = 300;
        }
    }
    setup.council_policy.threshold = 9;
    setup.policy.threshold = 9;
    let mut world = setup.build();
    let proposed = world.voting();
    let weight = |world: &World| world.proposal(&proposed).approval_weight;
    world.approve(&proposed, voter(0)).unwrap();
    world.approve(&proposed, voter(1)).unwrap();
    assert_eq!(
        (weight(&world), world.status(&proposed)),
        (8, Status::Voting)
    );
    world.retract(&proposed, voter(0)).unwrap();
    assert_eq!(weight(&world), 3);
    let meta = world.approve(&proposed, voter(2)).unwrap();
    let event: ApprovalCast = record::event(&meta);
    assert_eq!(event.approval_weight, 303);
    assert_eq!(
        (weight(&world), world.status(&proposed)),
        (303, Status::Queued)
    );
    // The threshold holds without the lighter vote, so `eta` stays.
    let eta = world.proposal(&proposed).eta;
    world.pass(60);
    world.retract(&proposed, voter(1)).unwrap();
    assert_eq!((weight(&world), world.proposal(&proposed).eta), (300, eta));
    let proposal = world.proposal(&proposed);
    let bit = world
        .council()
        .member_with(&voter(2).pubkey(), ROLE_VOTE)
        .unwrap()
        .0;
    assert_eq!((proposal.approvals, proposal.rejections), (1 << bit, 0));
}

#[test]
fn g5_the_approval_that_meets_the_threshold_fixes_eta() {
    let (mut world, proposed) = voted();
    assert_eq!(world.proposal(&proposed).eta, 0);
    assert_eq!(world.gate().pending[0], PendingSlot::default());
    world.warp_to(START.timestamp + 1_000);
    let meta = world.approve(&proposed, voter(1)).unwrap();
    let eta = START.timestamp + 1_000 + DAY;
    let proposal = world.proposal(&proposed);
    assert_eq!(
        (proposal.eta, proposal.queued_slot),
        (eta, START.slot + 1_000)
    );
    assert_eq!(proposal.expires_at(), eta + 2 * DAY);
    let event: ApprovalCast = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!(
        (event.voter, event.digest),
        (voter(1).pubkey(), proposal.digest)
    );
    assert_eq!(event.valid_until, START.timestamp + 1_000 + 3_600);
    assert_eq!((event.approval_weight, event.eta), (2, eta));
    assert_eq!(
        (event.slot, event.timestamp),
        (START.slot + 1_000, START.timestamp + 1_000)
    );
    assert_eq!(
        world.gate().pending[0],
        PendingSlot {
            proposal: proposed.address,
            sha256: proposal.terms.sha256,
            eta,
            expires_at: eta + 2 * DAY,
            epoch: 1,
            life: 1,
            base_index: 1,
            action: 0,
            reserved: [0; 3],
        }
    );
    assert_eq!(world.gate().pending[1..], [PendingSlot::default(); 3]);

    // One more approval does not move it.
    world.pass(500);
    world.approve(&proposed, voter(2)).unwrap();
    let later = world.proposal(&proposed);
    assert_eq!((later.eta, later.queued_slot), (eta, START.slot + 1_000));
    assert_eq!(later.approval_weight, 3);
}

#[test]
fn g5_eta_is_cleared_with_the_threshold_and_starts_anew() {
    let (mut world, proposed) = voted();
    world.approve(&proposed, voter(1)).unwrap();
    world.warp_to(START.timestamp + DAY - 1);
    let meta = world.retract(&proposed, voter(0)).unwrap();
    let event: VoteRetracted = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!(event.voter, voter(0).pubkey());
    assert_eq!(event.digest, world.proposal(&proposed).digest);
    assert_eq!((event.approval_weight, event.eta), (1, 0));
    assert_eq!(event.timestamp, START.timestamp + DAY - 1);
    let proposal = world.proposal(&proposed);
    assert_eq!((proposal.eta, proposal.queued_slot), (0, 0));
    assert_eq!(world.gate().pending[0], PendingSlot::default());
    assert_eq!(world.status(&proposed), Status::Voting);
    world.warp_to(START.timestamp + DAY);
    world.refuse(PortcullisError::NotQueued, |w| w.execute(&proposed));

    world.approve(&proposed, voter(2)).unwrap();
    let eta = START.timestamp + 2 * DAY;
    assert_eq!(world.proposal(&proposed).eta, eta);
    assert_eq!(world.gate().pending[0].eta, eta);
    world.executes_from(&proposed, eta);
}

#[test]
fn a_proposer_cancels_until_the_proposal_is_queued() {
    for state in [World::draft as fn(&mut World) -> Proposed, World::voting] {
        let mut world = World::new();
        let proposed = state(&mut world);
        world.pass(5);
        for who in [voter(1), guardian(0), stranger(0), payer()] {
            world.refuse(PortcullisError::NotTheProposer, |w| {
                w.cancel(&proposed, who)
            });
        }
        let meta = world.cancel(&proposed, voter(0)).unwrap();
        let event: ProposalCancelled = record::event(&meta);
        assert_eq!((event.parent, event.index), (world.gate_key(), 0));
        assert_eq!(event.proposer, voter(0).pubkey());
        let proposal = world.proposal(&proposed);
        assert_eq!(proposal.ending, Ending::Cancelled as u8);
        assert_eq!(proposal.ended_at, START.timestamp + 5);
        world.refuse(PortcullisError::ProposalCancelled, |w| {
            w.cancel(&proposed, voter(0))
        });
    }
    for state in [World::queued as fn(&mut World) -> Proposed, World::ready] {
        let mut world = World::new();
        let proposed = state(&mut world);
        world.refuse(PortcullisError::AlreadyQueued, |w| {
            w.cancel(&proposed, voter(0))
        });
    }
}

#[test]
fn g11_proposers_who_only_propose_can_do_nothing_else() {
    let mut setup = Setup::default();
    setup
        .members
        .push(member(stranger(1).pubkey(), ROLE_PROPOSE));
    setup.members.push(member(attester().pubkey(), ROLE_ATTEST));
    setup.members = sorted(setup.members);
    let mut world = setup.build();
    let proposed = world.ready();
    for who in [stranger(1), attester()] {
        world.refuse(PortcullisError::RoleMissing, |w| w.approve(&proposed, who));
        world.refuse(PortcullisError::RoleMissing, |w| w.reject(&proposed, who));
        world.refuse(PortcullisError::RoleMissing, |w| w.retract(&proposed, who));
        world.refuse(PortcullisError::RoleMissing, |w| w.veto(&proposed, who));
        world.refuse(PortcullisError::RoleMissing, |w| {
            w.execute_by(&proposed, who)
        });
    }
}
