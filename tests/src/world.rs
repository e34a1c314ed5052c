//! One LiteSVM with Portcullis, a council and a program behind a gate.

use std::{collections::HashMap, sync::OnceLock};

use anchor_lang::prelude::Clock;
use bytemuck::Pod;
use litesvm::LiteSVM;
use portcullis::{
    lifecycle::{Now, Status},
    policy::Policy,
    state::{Council, Gate, Member, Proposal},
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
    /// How many buffers were made; each gets an address of its own.
    pub(crate) buffers: u64,
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
