//! One LiteSVM with Portcullis, a council and a program behind a gate.

use std::{collections::HashMap, sync::OnceLock};

use anchor_lang::prelude::Clock;
use bytemuck::Pod;
use litesvm::LiteSVM;
use portcullis::{
    digest::Commitment,
    lifecycle::{Lane, Now, Status},
    policy::Policy,
    state::{Council, Gate, Member, Proposal},
    transitions::{AdoptArgs, CreateCouncilArgs, UpgradeArgs, VoteArgs},
};
use portcullis_client::{
    instruction::{Builder, ProposalKeys},
    pda,
};
use solana_account::{Account, AccountSharedData};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_sdk::{
    instruction::Instruction, message::Message, pubkey::Pubkey, signature::Keypair, signer::Signer,
    transaction::Transaction,
};

use crate::{
    elf,
    keys::*,
    refusal::{assert_refused, Outcome},
    Refusal,
};

/// Seconds of a day.
pub const DAY: i64 = 86_400;
/// The clock at the beginning of every test.
pub const START: Now = Now {
    timestamp: 1_800_000_000,
    slot: 500_000_000,
};
/// Builds the instructions.
pub const BUILDER: Builder = Builder {
    portcullis: portcullis::ID,
};

/// Lamports of a transaction that only `payer()` signs.
pub const FEE: u64 = 5_000;

/// The default policy of the gate.
pub fn policy() -> Policy {
    Policy {
        threshold: 2,
        timelock_seconds: 86_400,
        voting_period_seconds: 3 * 86_400,
        execution_window_seconds: 2 * 86_400,
        veto_threshold: 1,
        ..Policy::default()
    }
}

/// The default policy of the council: strict enough for most gates.
pub fn council_policy() -> Policy {
    Policy {
        timelock_seconds: 10 * 86_400,
        ..policy()
    }
}

/// What a world begins with.
#[derive(Clone)]
pub struct Setup {
    pub members: Vec<Member>,
    pub council_policy: Policy,
    pub delay_floor_seconds: u32,
    pub policy: Policy,
    /// The bytes of the program that is adopted, and zeros behind them.
    pub deployed: Vec<u8>,
}

impl Default for Setup {
    fn default() -> Self {
        let mut deployed = elf::spl_token().to_vec();
        deployed.resize(deployed.len() + 1_000, 0);
        Self {
            members: default_members(),
            council_policy: council_policy(),
            delay_floor_seconds: 3_600,
            policy: policy(),
            deployed,
        }
    }
}

impl Setup {
    /// A world with these, adopted.
    pub fn build(&self) -> World {
        let mut world = World::bare();
        world.create_council(self).unwrap();
        world.install(&address("program"), &self.deployed);
        world.adopt(self).unwrap();
        world
    }
}

/// LiteSVM, and the addresses of what it holds.
#[derive(Clone)]
pub struct World {
    pub svm: LiteSVM,
    pub council: Pubkey,
    /// The adopted program.
    pub program: Pubkey,
    /// What Portcullis has called so far: program and data.
    pub calls: Vec<(Pubkey, Vec<u8>)>,
    buffers: u64,
}

/// A proposal and what its instructions name.
#[derive(Clone, Copy, Debug)]
pub struct Proposed {
    pub keys: ProposalKeys,
    pub address: Pubkey,
    pub buffer: Pubkey,
    pub spill: Pubkey,
}

/// All accounts at a moment.
pub type Before = HashMap<Pubkey, AccountSharedData>;

impl World {
    /// Portcullis and people with lamports; no council.
    pub fn bare() -> Self {
        static BARE: OnceLock<World> = OnceLock::new();
        BARE.get_or_init(|| {
            let mut svm = LiteSVM::new();
            svm.set_sysvar(&Clock {
                slot: START.slot,
                unix_timestamp: START.timestamp,
                ..Clock::default()
            });
            svm.add_program(portcullis::ID, elf::portcullis()).unwrap();
            for key in everyone() {
                svm.airdrop(&key, 1_000_000_000_000).unwrap();
            }
            World {
                svm,
                council: pda::council(&portcullis::ID, &create_key().pubkey()),
                program: address("program"),
                calls: vec![],
                buffers: 0,
            }
        })
        .clone()
    }

    /// The default council, and the default program behind its gate.
    pub fn new() -> Self {
        static ADOPTED: OnceLock<World> = OnceLock::new();
        ADOPTED.get_or_init(|| Setup::default().build()).clone()
    }

    // Transactions.

    /// Sends a transaction that `payer()` pays for. The compute limit is set by its last instruction, so that the first is
    /// the test's.
    pub fn send(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Outcome {
        self.svm.expire_blockhash();
        let mut all = instructions.to_vec();
        all.push(ComputeBudgetInstruction::set_compute_unit_limit(1_400_000));
        let message = Message::new(&all, Some(&payer().pubkey()));
        let mut transaction = Transaction::new_unsigned(message);
        let mut keypairs: Vec<&Keypair> = vec![payer()];
        for signer in signers {
            if !keypairs
                .iter()
                .any(|known| known.pubkey() == signer.pubkey())
            {
                keypairs.push(signer);
            }
        }
        transaction.sign(&keypairs, self.svm.latest_blockhash());
        let keys = transaction.message.account_keys.clone();
        let result = self.svm.send_transaction(transaction).map_err(Box::new);
        if let Ok(meta) = &result {
            for (instruction, inner) in all.iter().zip(&meta.inner_instructions) {
                if instruction.program_id == portcullis::ID {
                    self.calls.extend(inner.iter().map(|call| {
                        let program = keys[usize::from(call.instruction.program_id_index)];
                        (program, call.instruction.data.clone())
                    }));
                }
            }
        }
        result
    }

    /// All accounts but the one that pays the fees, and the blockhashes.
    pub fn before(&self) -> Before {
        self.svm
            .accounts_db()
            .inner
            .iter()
            .filter(|(key, _)| **key != payer().pubkey() && !is_moving_sysvar(key))
            .map(|(key, account)| (*key, account.clone()))
            .collect()
    }

    /// Requires that what `attempt` does is refused for exactly this reason, and that no account has changed.
    #[track_caller]
    pub fn refuse(
        &mut self,
        reason: impl Into<Refusal>,
        attempt: impl FnOnce(&mut World) -> Outcome,
    ) {
        let before = self.before();
        let result = attempt(self);
        assert_refused(result, &reason.into());
        let after = self.before();
        assert!(before == after, "a refused transaction changed an account");
    }

    // Time.

    /// The clock.
    pub fn now(&self) -> Now {
        let clock: Clock = self.svm.get_sysvar();
        Now {
            timestamp: clock.unix_timestamp,
            slot: clock.slot,
        }
    }

    /// Sets the time only.
    pub fn set_timestamp(&mut self, timestamp: i64) {
        let mut clock: Clock = self.svm.get_sysvar();
        clock.unix_timestamp = timestamp;
        self.svm.set_sysvar(&clock);
    }

    /// Sets the slot only.
    pub fn set_slot(&mut self, slot: u64) {
        self.svm.warp_to_slot(slot);
    }

    /// Sets the time, and moves the slot by as much, one a second.
    pub fn warp_to(&mut self, timestamp: i64) {
        let now = self.now();
        let passed = timestamp - now.timestamp;
        self.set_timestamp(timestamp);
        self.set_slot(now.slot.saturating_add_signed(passed));
    }

    /// Moves time and slot.
    pub fn pass(&mut self, seconds: i64) {
        self.warp_to(self.now().timestamp + seconds);
    }

    // Accounts.

    /// An account that must be there.
    #[track_caller]
    pub fn account(&self, key: &Pubkey) -> Account {
        self.svm.get_account(key).expect("no such account")
    }

    /// Its lamports; zero where there is none.
    pub fn lamports(&self, key: &Pubkey) -> u64 {
        self.svm.get_balance(key).unwrap_or(0)
    }

    /// Whether there is nothing at an address.
    pub fn is_gone(&self, key: &Pubkey) -> bool {
        self.svm
            .get_account(key)
            .is_none_or(|account| account.lamports == 0 && account.data.is_empty())
    }

    /// Puts an account there by force.
    pub fn put(&mut self, key: &Pubkey, account: Account) {
        self.svm.set_account(*key, account).unwrap();
    }

    /// Changes an account by force.
    pub fn forge(&mut self, key: &Pubkey, change: impl FnOnce(&mut Account)) {
        let mut account = self.account(key);
        change(&mut account);
        self.put(key, account);
    }

    /// Decodes an account of Portcullis; what stands behind the fixed part is left out.
    #[track_caller]
    pub fn read<T: Pod>(&self, key: &Pubkey) -> T {
        bytemuck::pod_read_unaligned(&self.account(key).data[8..8 + size_of::<T>()])
    }

    /// Changes an account of Portcullis by force.
    pub fn edit<T: Pod>(&mut self, key: &Pubkey, change: impl FnOnce(&mut T)) {
        let mut state: T = self.read(key);
        change(&mut state);
        self.forge(key, |account| {
            account.data[8..8 + size_of::<T>()].copy_from_slice(bytemuck::bytes_of(&state));
        });
    }

    pub fn gate_key(&self) -> Pubkey {
        BUILDER.gate(&self.program)
    }

    pub fn authority(&self) -> Pubkey {
        pda::authority(&portcullis::ID, &self.program)
    }

    pub fn programdata(&self) -> Pubkey {
        pda::programdata(&self.program)
    }

    pub fn gate(&self) -> Gate {
        self.read(&self.gate_key())
    }

    pub fn council(&self) -> Council {
        self.read(&self.council)
    }

    pub fn proposal(&self, proposed: &Proposed) -> Proposal {
        self.read(&proposed.address)
    }

    pub fn edit_gate(&mut self, change: impl FnOnce(&mut Gate)) {
        let key = self.gate_key();
        self.edit(&key, change);
    }

    pub fn edit_council(&mut self, change: impl FnOnce(&mut Council)) {
        let key = self.council;
        self.edit(&key, change);
    }

    pub fn edit_proposal(&mut self, proposed: &Proposed, change: impl FnOnce(&mut Proposal)) {
        self.edit(&proposed.address, change);
    }

    /// The status as the pure function gives it.
    pub fn status(&self, proposed: &Proposed) -> Status {
        let gate = proposed
            .keys
            .program
            .map(|program| self.read(&BUILDER.gate(&program)));
        self.proposal(proposed)
            .status(&self.council(), gate.as_ref(), self.now())
            .unwrap()
    }

    // Set-up.

    /// Creates and seals the council of `setup`.
    pub fn create_council(&mut self, setup: &Setup) -> Outcome {
        let args = CreateCouncilArgs {
            policy: setup.council_policy,
            delay_floor_seconds: setup.delay_floor_seconds,
            members: setup.members.clone(),
        };
        let key = create_key().pubkey();
        self.send(
            &[
                BUILDER.create_council(key, payer().pubkey(), args),
                BUILDER.seal_council(key),
            ],
            &[create_key()],
        )
    }

    /// Another council of the same members, sealed.
    pub fn other_council(&mut self) -> Pubkey {
        let key = keypair("another create key");
        let setup = Setup::default();
        let args = CreateCouncilArgs {
            policy: setup.council_policy,
            delay_floor_seconds: setup.delay_floor_seconds,
            members: setup.members,
        };
        self.send(
            &[
                BUILDER.create_council(key.pubkey(), payer().pubkey(), args),
                BUILDER.seal_council(key.pubkey()),
            ],
            &[&key],
        )
        .unwrap();
        pda::council(&portcullis::ID, &key.pubkey())
    }

    /// Installs a program of loader v3 whose upgrade authority is `upgrade_authority()`, deployed ten slots ago.
    pub fn install(&mut self, program: &Pubkey, content: &[u8]) {
        let slot = self.now().slot - 10;
        let programdata = pda::programdata(program);
        let authority = Some(upgrade_authority().pubkey());
        self.put(&programdata, elf::programdata(slot, authority, content));
        self.put(program, elf::program(programdata));
    }

    /// What an adopter signs.
    pub fn adopt_args(&self, setup: &Setup) -> AdoptArgs {
        AdoptArgs {
            epoch: 1,
            policy: setup.policy,
            deployed: Commitment::of(&setup.deployed).unwrap(),
        }
    }

    /// The adoption of a program.
    pub fn adopt_instruction(&self, program: Pubkey, args: AdoptArgs) -> Instruction {
        BUILDER.adopt_program(
            self.council,
            program,
            upgrade_authority().pubkey(),
            voter(0).pubkey(),
            payer().pubkey(),
            args,
        )
    }

    /// Adopts the program with the policy of `setup`.
    pub fn adopt(&mut self, setup: &Setup) -> Outcome {
        let instruction = self.adopt_instruction(self.program, self.adopt_args(setup));
        self.send(&[instruction], &[upgrade_authority(), voter(0)])
    }

    /// Installs and adopts another program of the same council.
    pub fn adopt_another(&mut self, name: &str) -> Pubkey {
        let setup = Setup::default();
        let program = address(name);
        self.install(&program, &setup.deployed);
        let instruction = self.adopt_instruction(program, self.adopt_args(&setup));
        self.send(&[instruction], &[upgrade_authority(), voter(0)])
            .unwrap();
        program
    }

    // Proposals.

    /// A new buffer with this content.
    pub fn buffer(&mut self, content: &[u8], authority: &Pubkey) -> Pubkey {
        self.buffers += 1;
        let key = address(&format!("buffer {}", self.buffers));
        self.put(&key, elf::buffer(Some(*authority), content));
        key
    }

    /// What a proposer signs for this ELF.
    pub fn upgrade_args(&self, content: &[u8]) -> UpgradeArgs {
        let (gate, council) = (self.gate(), self.council());
        UpgradeArgs {
            lane: Lane::Standard,
            predecessor: None,
            commitment: Commitment::of(content).unwrap(),
            base_index: gate.release.index,
            base: Commitment {
                sha256: gate.release.sha256,
                len: gate.release.len,
            },
            epoch: council.config_epoch,
            life: gate.life,
            statement: None,
            not_before: 0,
        }
    }

    /// The next proposal of the gate for a buffer; spill is the payer.
    pub fn next(&self, buffer: Pubkey) -> Proposed {
        let keys = ProposalKeys::of_gate(self.council, self.program, self.gate().proposal_count);
        Proposed {
            keys,
            address: BUILDER.proposal(&keys),
            buffer,
            spill: address("spill"),
        }
    }

    /// `propose_upgrade` by the first voter.
    pub fn propose_instruction(&self, proposed: &Proposed, args: UpgradeArgs) -> Instruction {
        BUILDER.propose_upgrade(
            &proposed.keys,
            proposed.buffer,
            proposed.spill,
            voter(0).pubkey(),
            payer().pubkey(),
            args,
        )
    }

    /// Proposes with these args.
    pub fn propose_with(&mut self, proposed: &Proposed, args: UpgradeArgs) -> Outcome {
        let instruction = self.propose_instruction(proposed, args);
        self.send(&[instruction], &[voter(0)])
    }

    /// Proposes an upgrade to this ELF; a draft.
    pub fn propose_elf(&mut self, content: &[u8]) -> Proposed {
        let buffer = self.buffer(content, &voter(0).pubkey());
        let proposed = self.next(buffer);
        let args = self.upgrade_args(content);
        self.propose_with(&proposed, args).unwrap();
        proposed
    }

    /// A draft of the upgrade to p-token.
    pub fn draft(&mut self) -> Proposed {
        self.propose_elf(elf::p_token())
    }

    /// A verified proposal.
    pub fn voting(&mut self) -> Proposed {
        let proposed = self.draft();
        self.verify(&proposed).unwrap();
        proposed
    }

    /// A proposal whose timelock runs.
    pub fn queued(&mut self) -> Proposed {
        let proposed = self.voting();
        self.approve(&proposed, voter(0)).unwrap();
        self.approve(&proposed, voter(1)).unwrap();
        assert_eq!(self.status(&proposed), Status::Queued);
        proposed
    }

    /// A proposal at its `eta`.
    pub fn ready(&mut self) -> Proposed {
        let proposed = self.queued();
        let eta = self.proposal(&proposed).eta;
        self.warp_to(eta);
        assert_eq!(self.status(&proposed), Status::Ready);
        proposed
    }

    pub fn verify(&mut self, proposed: &Proposed) -> Outcome {
        self.send(
            &[BUILDER.verify_buffer(&proposed.keys, proposed.buffer)],
            &[],
        )
    }

    /// The digest, and a validity that both rules allow.
    pub fn vote_args(&self, proposed: &Proposed) -> VoteArgs {
        let now = self.now().timestamp;
        let proposal = self.proposal(proposed);
        let closes = proposal.terms.voting_ends_at;
        VoteArgs {
            digest: proposal.digest,
            valid_until: if now < closes {
                closes.min(now + 3_600)
            } else {
                now + 3_600
            },
        }
    }

    pub fn approve(&mut self, proposed: &Proposed, member: &Keypair) -> Outcome {
        let args = self.vote_args(proposed);
        self.approve_with(proposed, member, args)
    }

    pub fn approve_with(
        &mut self,
        proposed: &Proposed,
        member: &Keypair,
        args: VoteArgs,
    ) -> Outcome {
        let instruction = BUILDER.approve(&proposed.keys, member.pubkey(), args);
        self.send(&[instruction], &[member])
    }

    pub fn reject(&mut self, proposed: &Proposed, member: &Keypair) -> Outcome {
        let args = self.vote_args(proposed);
        let instruction = BUILDER.reject(&proposed.keys, member.pubkey(), args);
        self.send(&[instruction], &[member])
    }

    pub fn retract(&mut self, proposed: &Proposed, member: &Keypair) -> Outcome {
        let args = self.vote_args(proposed);
        let instruction = BUILDER.retract(&proposed.keys, member.pubkey(), args);
        self.send(&[instruction], &[member])
    }

    pub fn veto(&mut self, proposed: &Proposed, member: &Keypair) -> Outcome {
        let args = self.vote_args(proposed);
        let instruction = BUILDER.veto(&proposed.keys, member.pubkey(), args);
        self.send(&[instruction], &[member])
    }

    pub fn cancel(&mut self, proposed: &Proposed, proposer: &Keypair) -> Outcome {
        let instruction = BUILDER.cancel(&proposed.keys, proposer.pubkey());
        self.send(&[instruction], &[proposer])
    }

    pub fn queue(&mut self, proposed: &Proposed) -> Outcome {
        self.send(&[BUILDER.queue(&proposed.keys)], &[])
    }

    pub fn execute(&mut self, proposed: &Proposed) -> Outcome {
        self.execute_by(proposed, voter(0))
    }

    pub fn execute_by(&mut self, proposed: &Proposed, executor: &Keypair) -> Outcome {
        let instruction = BUILDER.execute_upgrade(
            &proposed.keys,
            proposed.buffer,
            proposed.spill,
            executor.pubkey(),
            None,
        );
        self.send(&[instruction], &[executor])
    }

    pub fn return_buffer(&mut self, proposed: &Proposed) -> Outcome {
        let instruction = BUILDER.return_buffer(&proposed.keys, proposed.buffer, voter(0).pubkey());
        self.send(&[instruction], &[])
    }

    pub fn close_buffer(&mut self, proposed: &Proposed) -> Outcome {
        let instruction = BUILDER.close_buffer(&proposed.keys, proposed.buffer, proposed.spill);
        self.send(&[instruction], &[])
    }

    pub fn close_proposal(&mut self, proposed: &Proposed) -> Outcome {
        let instruction = BUILDER.close_proposal(&proposed.keys, payer().pubkey());
        self.send(&[instruction], &[])
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Sysvars that LiteSVM moves with each transaction of these tests.
fn is_moving_sysvar(key: &Pubkey) -> bool {
    *key == Pubkey::from_str_const("SysvarRecentB1ockHashes11111111111111111111")
}
