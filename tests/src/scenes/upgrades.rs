//! Scenes of councils, adoption, upgrades, votes and cleaning up.

use portcullis::{
    change::{Change, Predecessor},
    instructions::{MessageVote, RelayVoteArgs},
    lifecycle::Lane,
    message::{self, Claim, Effect, Envelope, Subject, Verb, Vote},
    state::ROLE_VOTE,
    transitions::{CreateCouncilArgs, VoteArgs},
};
use portcullis_client::instruction::ProposalKeys;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};
use solana_sdk_ids::ed25519_program;

use super::{
    people::{setup, THIRD_CREATE_KEY},
    submit,
    town::PARTS,
    Make, Scene, Town,
};
use crate::{
    elf,
    keys::*,
    world::{Proposed, BUILDER, DAY},
};

pub const SCENES: &[Make] = &[
    || {
        let create_key = keypair(THIRD_CREATE_KEY).pubkey();
        let create = BUILDER.create_council(create_key, stranger(0).pubkey(), council_args());
        Scene::new("create_council", "", Town::new(), create)
    },
    || {
        let town = unsealed();
        let members = vec![member(Pubkey::new_from_array([0xff; 32]), ROLE_VOTE)];
        let add = BUILDER.add_members(keypair(THIRD_CREATE_KEY).pubkey(), members);
        Scene::new("add_members", "", town, add)
    },
    || {
        let seal = BUILDER.seal_council(keypair(THIRD_CREATE_KEY).pubkey());
        Scene::new("seal_council", "", unsealed(), seal)
    },
    || {
        let mut town = Town::new();
        let (_, adopt) = town.adoption(elf::spl_token());
        Scene::new("adopt_program", "", town, adopt)
    },
    || {
        let mut town = Town::new();
        let world = &mut town.world;
        let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
        let (proposed, args) = (world.next(buffer), world.upgrade_args(elf::p_token()));
        let (proposer, payer) = (voter(0).pubkey(), stranger(0).pubkey());
        let spill = proposed.spill;
        let propose = BUILDER.propose_upgrade(&proposed.keys, buffer, spill, proposer, payer, args);
        Scene::new("propose_upgrade", "", town, propose)
    },
    || {
        let mut town = Town::new();
        let proposed = town.voting();
        town.world.cancel(&proposed, voter(0)).unwrap();
        let next = town.world.gate().proposal_count;
        let keys = ProposalKeys {
            index: next,
            ..proposed.keys
        };
        let args = town.world.upgrade_args(elf::p_token());
        let (former, proposer) = (proposed.keys.index, voter(0).pubkey());
        let repropose =
            BUILDER.repropose_upgrade(&keys, former, proposer, stranger(0).pubkey(), args);
        Scene::new("repropose_upgrade", "", town, repropose)
    },
    || {
        let mut town = Town::new();
        let proposed = town.draft(elf::p_token());
        let verify = BUILDER.verify_buffer(&proposed.keys, proposed.buffer);
        Scene::new("verify_buffer", "", town, verify)
    },
    || {
        voted("approve", |keys, args| {
            BUILDER.approve(keys, voter(1).pubkey(), args)
        })
    },
    || {
        voted("reject", |keys, args| {
            BUILDER.reject(keys, voter(1).pubkey(), args)
        })
    },
    || {
        voted("veto", |keys, args| {
            BUILDER.veto(keys, guardian(0).pubkey(), args)
        })
    },
    || {
        let mut town = Town::new();
        let keys = town.voting().keys;
        town.approve(&keys, voter(1));
        let retract = BUILDER.retract(&keys, voter(1).pubkey(), town.vote(&keys));
        Scene::new("retract", "", town, retract)
    },
    || {
        let mut town = Town::new();
        let keys = town.voting().keys;
        let cancel = BUILDER.cancel(&keys, voter(0).pubkey());
        Scene::new("cancel", "", town, cancel)
    },
    || {
        let mut town = Town::new();
        let (first, second) = (town.voting(), town.voting());
        for keys in [&first.keys, &second.keys] {
            town.approve(keys, voter(0));
            town.approve(keys, voter(1));
        }
        town.world.veto(&first, guardian(0)).unwrap();
        Scene::new("queue", "", town, BUILDER.queue(&second.keys))
    },
    || {
        let mut town = Town::new();
        let proposed = town.voting();
        town.ripen(&proposed.keys);
        let execute = execution(&proposed, None);
        Scene::new("execute_upgrade", "", town, execute)
    },
    || {
        let (town, proposed, gate) = followed();
        let execute = execution(&proposed, Some(gate));
        Scene::new("execute_upgrade", "with a predecessor", town, execute)
    },
    || {
        let (mut town, proposed) = armed();
        let trigger = BUILDER.trigger(
            &proposed.keys,
            guardian(0).pubkey(),
            town.vote(&proposed.keys),
        );
        town.world.send(&[trigger], &[guardian(0)]).unwrap();
        let execute = execution(&proposed, None);
        Scene::new("execute_upgrade", "of a standby", town, execute)
    },
    || {
        let (town, proposed) = armed();
        let args = town.vote(&proposed.keys);
        let trigger = BUILDER.trigger(&proposed.keys, guardian(0).pubkey(), args);
        Scene::new("trigger", "", town, trigger)
    },
    || {
        let mut town = Town::new();
        let keys = town.voting().keys;
        relayed(town, "an approval", &keys, MessageVote::Approve, voter(1))
    },
    || {
        let mut town = Town::new();
        let keys = town.voting().keys;
        relayed(town, "a veto", &keys, MessageVote::Veto, guardian(0))
    },
    || {
        let (town, proposed) = armed();
        relayed(
            town,
            "a trigger",
            &proposed.keys,
            MessageVote::Trigger,
            guardian(0),
        )
    },
    || {
        let mut town = Town::new();
        let keys = town.voting().keys;
        let args = town.attest_args(&keys);
        let attest = BUILDER.attest(&keys, attester().pubkey(), stranger(0).pubkey(), args);
        Scene::new("attest", "", town, attest)
    },
    || {
        let mut town = Town::new();
        let keys = town.voting().keys;
        let args = town.attest_args(&keys);
        let claim = Claim {
            kind: args.kind,
            statement: &args.statement.sha256,
            uri: &args.statement.uri,
            expires_at: args.expires_at,
        };
        let before = signed(&town, &keys, Verb::Attest(claim), &args.vote, attester());
        let (attester, payer) = (attester().pubkey(), stranger(0).pubkey());
        let relay = BUILDER.relay_attestation(&keys, attester, payer, args);
        Scene {
            before: Some(before),
            ..Scene::new("relay_attestation", "", town, relay)
        }
    },
    || {
        let (town, keys) = attested();
        let (attester, payer) = (attester().pubkey(), stranger(0).pubkey());
        let revoke = BUILDER.revoke_attestation(&keys, attester, payer, town.vote(&keys));
        Scene::new("revoke_attestation", "", town, revoke)
    },
    || {
        let (mut town, keys) = attested();
        let proposal = town.proposal(&keys);
        for instruction in [
            BUILDER.cancel(&keys, voter(0).pubkey()),
            BUILDER.return_buffer(&keys, proposal.terms.buffer, voter(0).pubkey()),
            BUILDER.close_proposal(&keys, stranger(0).pubkey()),
        ] {
            submit(&mut town.world, vec![instruction]).unwrap();
        }
        let close = BUILDER.close_attestation(&keys, attester().pubkey(), stranger(0).pubkey());
        Scene::new("close_attestation", "", town, close)
    },
    || {
        let (town, proposed) = cancelled();
        let back = BUILDER.return_buffer(&proposed.keys, proposed.buffer, voter(0).pubkey());
        Scene::new("return_buffer", "", town, back)
    },
    || {
        let (mut town, proposed) = cancelled();
        town.world.pass(30 * DAY);
        let close = BUILDER.close_buffer(&proposed.keys, proposed.buffer, proposed.spill);
        Scene::new("close_buffer", "", town, close)
    },
    || {
        let (mut town, proposed) = cancelled();
        town.world.return_buffer(&proposed).unwrap();
        let close = BUILDER.close_proposal(&proposed.keys, stranger(0).pubkey());
        Scene::new("close_proposal", "", town, close)
    },
];

fn council_args() -> CreateCouncilArgs {
    let setup = setup();
    CreateCouncilArgs {
        policy: setup.council_policy,
        delay_floor_seconds: setup.delay_floor_seconds,
        members: setup.members,
    }
}

/// A third council, not sealed.
fn unsealed() -> Town {
    let mut town = Town::new();
    let key = keypair(THIRD_CREATE_KEY);
    let create = BUILDER.create_council(key.pubkey(), payer().pubkey(), council_args());
    town.world.send(&[create], &[&key]).unwrap();
    town
}

/// A vote on an upgrade in `Voting`.
fn voted(name: &'static str, vote: impl FnOnce(&ProposalKeys, VoteArgs) -> Instruction) -> Scene {
    let mut town = Town::new();
    let keys = town.voting().keys;
    let instruction = vote(&keys, town.vote(&keys));
    Scene::new(name, "", town, instruction)
}

fn execution(proposed: &Proposed, predecessor_gate: Option<Pubkey>) -> Instruction {
    BUILDER.execute_upgrade(
        &proposed.keys,
        proposed.buffer,
        proposed.spill,
        voter(2).pubkey(),
        predecessor_gate,
    )
}

fn cancelled() -> (Town, Proposed) {
    let mut town = Town::new();
    let proposed = town.draft(elf::p_token());
    town.world.cancel(&proposed, voter(0)).unwrap();
    (town, proposed)
}

/// A proposal in `Voting` with an attestation.
fn attested() -> (Town, ProposalKeys) {
    let mut town = Town::new();
    let keys = town.voting().keys;
    let args = town.attest_args(&keys);
    let attest = BUILDER.attest(&keys, attester().pubkey(), stranger(0).pubkey(), args);
    town.world
        .send(&[attest], &[attester(), stranger(0)])
        .unwrap();
    (town, keys)
}

/// A standby that can be triggered.
fn armed() -> (Town, Proposed) {
    let mut town = Town::new();
    let world = &mut town.world;
    let buffer = world.buffer(elf::memo(), &voter(0).pubkey());
    let proposed = world.next(buffer);
    let mut args = world.upgrade_args(elf::memo());
    args.lane = Lane::SafeMode;
    world.propose_with(&proposed, args).unwrap();
    world.verify(&proposed).unwrap();
    town.ripen(&proposed.keys);
    (town, proposed)
}

/// A ready upgrade that waited for a release of another gate, and that gate.
fn followed() -> (Town, Proposed, Pubkey) {
    let mut town = Town::new();
    let home = town.world.program;
    town.world.program = address(PARTS[1]);
    let first = town.voting();
    town.ripen(&first.keys);
    town.world.execute_by(&first, voter(2)).unwrap();
    let gate = town.world.gate();
    let predecessor = Predecessor {
        gate: town.world.gate_key(),
        digest: gate.release.proposal_digest,
        soak_seconds: 60,
    };
    town.world.program = home;
    let world = &mut town.world;
    let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
    let proposed = world.next(buffer);
    let mut args = world.upgrade_args(elf::p_token());
    args.predecessor = Some(predecessor);
    world.propose_with(&proposed, args).unwrap();
    let verify = BUILDER.verify_buffer(&proposed.keys, buffer);
    world.send(&[verify], &[]).unwrap();
    town.ripen(&proposed.keys);
    (town, proposed, predecessor.gate)
}

/// The ed25519 program's instruction of a member's message about an upgrade of the world's program.
fn signed(
    town: &Town,
    keys: &ProposalKeys,
    verb: Verb,
    args: &VoteArgs,
    member: &Keypair,
) -> Instruction {
    let terms = town.proposal(keys).terms;
    let change: Option<Change> = None;
    let vote = Vote {
        verb,
        lane: terms.lane().unwrap(),
        effect: Effect::of(&terms.sha256, change.as_ref()),
        subject: Subject::Program(&town.world.program),
        digest: &args.digest,
        valid_until: args.valid_until,
    };
    let (text, key) = (vote.text().unwrap(), member.pubkey());
    let message = Envelope::Full.wrap(&portcullis::ID, &key, &text).unwrap();
    let signature = member.sign_message(&message);
    Instruction {
        program_id: ed25519_program::ID,
        accounts: vec![],
        data: message::instruction_data(&key, signature.as_array(), &message).unwrap(),
    }
}

/// A vote that a stranger relays.
fn relayed(
    town: Town,
    variant: &'static str,
    keys: &ProposalKeys,
    verb: MessageVote,
    member: &Keypair,
) -> Scene {
    let mut vote = town.vote(keys);
    // A trigger is valid for 15 minutes at most.
    vote.valid_until -= 3_000;
    let said = match verb {
        MessageVote::Approve => Verb::Approve,
        MessageVote::Reject => Verb::Reject,
        MessageVote::Veto => Verb::Veto,
        MessageVote::Trigger => Verb::Trigger,
    };
    let before = signed(&town, keys, said, &vote, member);
    let relay = BUILDER.relay_vote(keys, member.pubkey(), RelayVoteArgs { verb, vote });
    Scene {
        before: Some(before),
        ..Scene::new("relay_vote", variant, town, relay)
    }
}
