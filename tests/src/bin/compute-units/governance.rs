//! What standbys, attestations, signed messages, changes and large programs cost.

use portcullis::{
    change::{Change, CouncilChange, PolicyChange},
    constants::MAX_ELF_LEN,
    instructions::{HashStepArgs, MessageVote},
    lifecycle::Lane,
    policy::Policy,
    state::ROLE_VOTE,
};
use portcullis_client::{account::PROGRAMDATA_HEADER, hashing::STEP_BYTES};
use portcullis_tests::{
    keys::{address, guardian, keypair, member, payer, stranger, upgrade_authority, voter},
    steps::SHORTEST,
    world::{Proposed, Setup, World, BUILDER},
};
use solana_sdk::signer::Signer;

use crate::{beside_hash, padded, Bench, BUDGET_INSTRUCTION, LARGE, SMALL};

impl Bench {
    /// The lanes and votes beside the standard one. `world`: the program is adopted.
    pub fn lanes(&self, adopted: &World, note: &mut impl FnMut(&str, u64)) {
        let mut world = adopted.clone();
        let content = padded(SMALL, 2);
        let args = world.args_in(Lane::SafeMode, &content);
        let proposed = world.voting_with(&content, args);
        let less = |units: u64| units - BUDGET_INSTRUCTION;
        let args = world.attest_args(&proposed, 0);
        let relay = world.relayed_attestation(&proposed, guardian(0), args);
        let done = world.clone().send(&relay, &[]).expect("relays");
        note("relay_attestation ³", less(done.compute_units_consumed));
        let done = world.attest(&proposed, guardian(0), 0).expect("attests");
        note("attest", less(done.compute_units_consumed));
        let mut revoked = world.clone();
        let args = revoked.vote_args(&proposed);
        let done = revoked
            .revoke_with(&proposed, guardian(0), args)
            .expect("revokes");
        note("revoke_attestation", less(done.compute_units_consumed));
        let mut closed = world.clone();
        closed.cancel(&proposed, voter(0)).expect("cancels");
        closed.clean_up(&proposed);
        let close =
            BUILDER.close_attestation(&proposed.keys, guardian(0).pubkey(), stranger(0).pubkey());
        let done = closed.send(&[close], &[]).expect("closes");
        note("close_attestation", less(done.compute_units_consumed));
        let mut relayed = world.clone();
        let done = relayed
            .relay_vote(&proposed, MessageVote::Approve, voter(0))
            .expect("relays");
        note(
            "relay_vote, an approval ³",
            less(done.compute_units_consumed),
        );
        self.approve_all(&mut world, &proposed);
        let eta = world.proposal(&proposed).eta;
        world.warp_to(eta);
        let done = world.trigger(&proposed, guardian(0)).expect("triggers");
        note(
            "trigger, which is the quorum",
            less(done.compute_units_consumed),
        );
        let done = world.execute(&proposed).expect("executes");
        note(
            "execute_upgrade of a standby, 51 kB ²",
            beside_hash(done.compute_units_consumed, SMALL),
        );

        let mut world = adopted.clone();
        let args = world.args_in(Lane::Standard, &content);
        let proposed = world.voting_with(&content, args.clone());
        world.cancel(&proposed, voter(0)).expect("cancels");
        let next = world.next(proposed.buffer);
        let repropose = BUILDER.repropose_upgrade(
            &next.keys,
            proposed.keys.index,
            voter(0).pubkey(),
            payer().pubkey(),
            args,
        );
        let done = world.send(&[repropose], &[voter(0)]).expect("reproposes");
        note("repropose_upgrade", less(done.compute_units_consumed));
    }

    /// Proposals of other actions, and their execution.
    pub fn changes(&self, adopted: &World, note: &mut impl FnMut(&str, u64)) {
        let less = |units: u64| units - BUDGET_INSTRUCTION;
        let joins = Change::Council(CouncilChange {
            remove: vec![],
            add: vec![member(address("another voter"), ROLE_VOTE)],
        });
        // A council of 64 is full: there a voter leaves instead.
        let leaves = Change::Council(CouncilChange {
            remove: vec![self.voters.last().expect("voters").pubkey()],
            add: vec![],
        });
        let full = self.setup.members.len() == portcullis::constants::MAX_MEMBERS;
        let mut world = adopted.clone();
        let proposed = world.next_of_council();
        let args = world.change_args(&proposed, if full { leaves } else { joins });
        let done = world
            .propose_change_with(&proposed, args)
            .expect("proposes");
        note(
            "propose_change, of one member",
            less(done.compute_units_consumed),
        );
        self.ripen(&mut world, &proposed);
        let done = world.execute_change(&proposed).expect("executes");
        note(
            "execute_change, of one member",
            less(done.compute_units_consumed),
        );

        let policy = PolicyChange {
            policy: Policy {
                voting_period_seconds: 86_400,
                ..self.setup.policy
            },
            delay_floor_seconds: 0,
        };
        let (mut world, proposed) = self.ready(adopted, Change::Policy(policy));
        let done = world.execute_change(&proposed).expect("executes");
        note(
            "execute_change, of a policy",
            less(done.compute_units_consumed),
        );

        let to = keypair("new authority");
        let transfer = Change::TransferAuthority {
            to: to.pubkey(),
            checked: true,
        };
        let (mut world, proposed) = self.ready(adopted, transfer);
        let done = world.transfer(&proposed, &to).expect("transfers");
        note("transfer_authority", less(done.compute_units_consumed));

        let mut world = adopted.clone();
        let council = world.another_council("another", &self.setup);
        let (mut world, proposed) = self.ready(&world, Change::MoveGate { council, epoch: 1 });
        let done = world
            .move_gate(&proposed, council, voter(0))
            .expect("moves");
        note("move_gate", less(done.compute_units_consumed));

        // Only programs of sBPF v3 and later are finalized: the flags of the ELF's header.
        let (mut world, proposed) = self.ready(adopted, Change::Finalize);
        let programdata = world.programdata();
        world.forge(&programdata, |account| {
            account.data[PROGRAMDATA_HEADER + 48] = 3
        });
        let done = world.finalize(&proposed).expect("finalizes");
        note("finalize_program", less(done.compute_units_consumed));
    }

    /// What only large programs need.
    pub fn hashing(&self, adopted: &World, note: &mut impl FnMut(&str, u64)) {
        let less = |units: u64| units - BUDGET_INSTRUCTION;
        let block = |number: u32| HashStepArgs {
            offset: 64 * number,
            len: 64,
        };
        let content = portcullis_tests::elf::large(SHORTEST, 0xab);
        let mut world = adopted.clone();
        let proposed = world.propose_elf(&content);
        world.hash(&proposed, block(0)).expect("hashes");
        let done = world.hash(&proposed, block(1)).expect("hashes");
        note("hash_buffer, 64 bytes ⁴", less(done.compute_units_consumed));
        world.cancel(&proposed, voter(0)).expect("cancels");
        let done = world
            .close_hashing(&proposed.address, &payer().pubkey())
            .expect("closes");
        note("close_hashing", less(done.compute_units_consumed));

        let mut world = self.adopted(content);
        world.hash_program(block(0)).expect("hashes");
        let done = world.hash_program(block(1)).expect("hashes");
        note(
            "hash_program, 64 bytes ⁴",
            less(done.compute_units_consumed),
        );
        let done = world.abandon(upgrade_authority()).expect("abandons");
        note("abandon_adoption", less(done.compute_units_consumed));
    }

    fn ready(&self, adopted: &World, change: Change) -> (World, Proposed) {
        let mut world = adopted.clone();
        let proposed = world.next_of_gate();
        let args = world.change_args(&proposed, change);
        world
            .propose_change_with(&proposed, args)
            .expect("proposes");
        self.ripen(&mut world, &proposed);
        (world, proposed)
    }

    fn ripen(&self, world: &mut World, proposed: &Proposed) {
        self.approve_all(world, proposed);
        let eta = world.proposal(proposed).eta;
        world.warp_to(eta);
    }
}

/// How many transactions hash this many bytes in steps, and what the dearest costs.
pub fn steps(len: usize) -> (u32, u64) {
    let mut world = Setup::default().build();
    let content = portcullis_tests::elf::large(len, 0xab);
    let buffer = world.buffer(&content, &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = world.upgrade_args(&content);
    world.propose_with(&proposed, args).expect("proposes");
    let (mut count, mut most, mut offset) = (0, 0, 0);
    while (offset as usize) < len {
        let rest = len as u32 - offset;
        let step = HashStepArgs {
            offset,
            len: rest.min(STEP_BYTES),
        };
        let payer = payer().pubkey();
        let instruction = BUILDER.hash_buffer(&proposed.keys, buffer, payer, payer, step);
        let done = world.send(&[instruction], &[]).expect("hashes");
        most = most.max(done.compute_units_consumed - BUDGET_INSTRUCTION);
        count += 1;
        offset += step.len;
    }
    (count, most)
}

/// The table of large programs.
pub fn render_steps() -> String {
    use std::fmt::Write;
    let mut text = String::from(
        "## Large programs\n\nWhat one transaction cannot hash is hashed in steps beforehand, by anyone; the execution hashes \
         nothing then.\n\n| ELF, bytes | transactions to hash it | compute units of the dearest |\n|---:|---:|---:|\n",
    );
    for len in [
        SMALL,
        LARGE,
        portcullis::constants::MAX_HASHED_AT_ONCE as usize,
    ] {
        let hash = crate::HASH_BASE + len as u64 / 2;
        let _ = writeln!(
            text,
            "| {} | 1, with `verify_buffer` | {} beside the rest |",
            crate::grouped(len as u64),
            crate::grouped(hash)
        );
    }
    for len in [3_000_000, MAX_ELF_LEN as usize] {
        let (count, most) = steps(len);
        let _ = writeln!(
            text,
            "| {} | {count} | {} |",
            crate::grouped(len as u64),
            crate::grouped(most)
        );
    }
    text.push('\n');
    text
}
