//! Runs a bundle under both programs.
//!
//! Three threads work on different transactions: one reads and decodes, one runs the deployed program, and the caller's runs
//! the proposed one on what the deployed program left, compares and counts.

use std::{
    collections::BTreeSet,
    sync::mpsc::{sync_channel, SyncSender},
    thread,
};

use portcullis_client::account::{Commitment, PROGRAMDATA_HEADER};
use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::bpf_loader_upgradeable;

use super::{
    deployed::{count, Deployed, Played},
    judge::Judge,
    side::{Prepared, Side},
    succession::Succession,
    Vm,
};
use crate::{
    idl::chain,
    shadow::{
        bundle::{Header, Reader, StoredAccount},
        calls,
        fidelity::Deviations,
        knowledge::Knowledge,
        probes::{self, Constants, Prober},
        report::{self, BundleFacts, Content, Fidelity, Known, Rehearsed, Report},
        ShadowError,
    },
};

/// The most signatures that are named of transactions that were not reproduced.
const MAX_EXAMPLES: usize = 5;
/// Transactions that go from one thread to the next at once: a wake-up takes as long as several executions.
const BATCH: usize = 64;
/// And bytes of accounts, of all but the last of them: a hostile bundle must not fill the memory.
const BATCH_BYTES: usize = 1 << 20;
/// Batches that wait between two threads.
const QUEUE: usize = 2;

/// What to compare, and how strictly.
#[derive(Debug)]
pub struct Options {
    /// The proposed program.
    pub new_elf: Vec<u8>,
    /// Runs in place of the program that the bundle holds.
    pub old_elf: Option<Vec<u8>>,
    /// The share of transactions that must be reproduced: 1 is all.
    pub required_fidelity: f64,
    /// Also try variations of what succeeded.
    pub probes: bool,
    /// What else is known of the program.
    pub knowledge: Knowledge,
}

/// Both sides, with the accounts that are there from the start.
pub(crate) struct Replay {
    header: Header,
    old: Side,
    pub new: Side,
    state_bytes: u64,
    state_limit: u64,
}

/// Transactions in their order; behind an error comes nothing.
pub(super) type Batch<T> = Vec<Result<T, ShadowError>>;

/// Replays a bundle. The report says what was found, and whether it is enough to judge by.
///
/// # Errors
/// A bundle that is not usable, a program that does not load.
pub fn run(mut reader: Reader, options: Options) -> Result<Report, ShadowError> {
    let replay = Replay::load(&mut reader, &options)?;
    replay.finish(reader, options, None)
}

/// The hash and length of an ELF.
fn content(elf: &[u8]) -> Content {
    let found = Commitment::of(elf);
    found.map_or_else(Content::default, |commitment| Content {
        sha256: report::hex(&commitment.sha256),
        len_bytes: u64::from(commitment.len),
    })
}

impl Replay {
    /// Reads the accounts that are there from the start, and loads the programs.
    pub fn load(reader: &mut Reader, options: &Options) -> Result<Self, ShadowError> {
        let header = reader.header().clone();
        let program = header.program;
        let new_elf = options.new_elf.clone();
        let limit = reader.limits().accounts;
        let mut replay = Self {
            old: Side::new(
                Vm::new("deployed", program, Vec::new()),
                header.pre_state,
                limit,
            ),
            new: Side::new(
                Vm::new("proposed", program, new_elf),
                header.pre_state,
                limit,
            ),
            state_bytes: 0,
            state_limit: reader.limits().state_bytes,
            header,
        };
        // Programs come last: they are compiled when they are written, from programdata that must be there.
        let mut loaders = Vec::new();
        while let Some(account) = reader.account()? {
            let accounts = std::slice::from_ref(&account);
            let (bytes, limit) = (&mut replay.state_bytes, replay.state_limit);
            count(&replay.old.vm, accounts, bytes, limit)?;
            if account.executable || account.owner == bpf_loader_upgradeable::ID {
                loaders.push(account);
            } else {
                replay.put(&[account])?;
            }
        }
        let deployed = deployed(&program, &loaders)?;
        if content(deployed).sha256 != replay.header.deployed_sha256 {
            return Err(ShadowError::Program {
                which: "deployed",
                reason: "the bundle's header gives another hash than its accounts".into(),
            });
        }
        let old = options.old_elf.as_deref().unwrap_or(deployed);
        replay.old.vm.set_elf(old.to_vec());
        replay.put(&loaders)?;
        replay.put(&[probes::stranger()])?;
        Ok(replay)
    }

    fn put(&mut self, accounts: &[StoredAccount]) -> Result<(), ShadowError> {
        self.old.vm.put(accounts)?;
        self.new.vm.put(accounts)
    }

    /// Plays all transactions, and reports.
    pub fn finish(
        self,
        mut reader: Reader,
        options: Options,
        as_upgraded: Option<Rehearsed>,
    ) -> Result<Report, ShadowError> {
        let program = self.header.program;
        let elfs = [self.old.vm.elf(), self.new.vm.elf()].map(<[u8]>::to_vec);
        let mut knowledge = options.knowledge;
        if knowledge.idl.is_none() {
            // One that cannot be used is no reason not to compare.
            let found = chain::find_idl(&program, |address| self.old.vm.account(address));
            knowledge.idl = found.ok().flatten().map(|stored| stored.idl);
        }
        let discriminator = calls::discriminator(&elfs[0]);
        let mut judge = Judge::new(program, discriminator, &knowledge);
        let mut found = Found::new(&self.header);
        let (to_old, from_reader) = sync_channel::<Batch<Prepared>>(QUEUE);
        let (to_new, from_old) = sync_channel::<Batch<Played>>(QUEUE);
        let limit = reader.limits().accounts;
        let mut new = Side::new(self.new.vm, self.header.pre_state, limit);
        let invariants = knowledge.invariants.as_ref();
        let mut own = invariants.map(|_| Succession::new(new.clone()));
        let mut deployed = Deployed {
            side: self.old,
            prober: (options.probes).then(|| {
                let constants = Constants::only_in(&elfs[1], &elfs[0]);
                Prober::new(program, discriminator, constants)
            }),
            state_bytes: self.state_bytes,
            state_limit: self.state_limit,
        };
        let reader = thread::scope(|scope| -> Result<Reader, ShadowError> {
            let reading = scope.spawn(move || {
                read(&mut reader, &to_old);
                reader
            });
            scope.spawn(move || deployed.play_all(&from_reader, &to_new));
            for played in from_old.into_iter().flatten() {
                let played = played?;
                found.note(&played);
                let prepared = &played.prepared;
                new.meet(prepared, &BTreeSet::new())?;
                let Some(old) = &played.old else { continue };
                let done = own.as_mut().map(|own| own.play(prepared)).transpose()?;
                let succession = own.as_mut().zip(done.as_ref());
                if played.deviations.is_none() {
                    let own = succession.as_ref();
                    let own = own.map(|(own, done)| (&own.vm().svm, *done));
                    let same = judge.transaction(&new.vm, prepared, old, own)?;
                    for (probe, old) in &played.varied {
                        judge.probe(&mut new.vm, prepared, probe, old, same)?;
                    }
                }
                if let Some((own, done)) = succession {
                    own.leave(prepared, old, done)?;
                }
                new.leave(prepared, old)?;
            }
            // It reads nothing that panics on what it reads.
            reading.join().map_err(|_| ShadowError::Truncated)
        })?;
        if found.facts.transactions == 0 {
            return Err(ShadowError::Empty);
        }
        found.facts.sha256 = report::hex(&reader.sha256());
        let (gathered, invariants) = judge.finish();
        let summary = gathered.summary();
        let (instructions, causes, causes_left_out, compute_units) = gathered.finish();
        let [old, new] = elfs.map(|elf| content(&elf));
        Ok(Report {
            kind: report::KIND,
            schema_version: report::SCHEMA_VERSION,
            program: program.to_string(),
            fidelity: found.fidelity(options.required_fidelity),
            bundle: found.facts,
            old,
            new,
            as_upgraded,
            known: Known::of(&knowledge),
            summary,
            invariants,
            instructions,
            causes,
            causes_left_out,
            compute_units,
        })
    }
}

/// Reads and decodes all transactions; ends early where nobody wants them any more.
fn read(reader: &mut Reader, to: &SyncSender<Batch<Prepared>>) {
    let mut failed = false;
    while !failed {
        let mut batch = Vec::with_capacity(BATCH);
        let mut bytes = 0_usize;
        while batch.len() < BATCH && bytes < BATCH_BYTES && !failed {
            let Some(read) = reader.transaction().transpose() else {
                break;
            };
            let prepared = read.and_then(Prepared::new);
            failed = prepared.is_err();
            if let Ok(prepared) = &prepared {
                let accounts = prepared.recorded.accounts.iter();
                bytes = accounts.fold(bytes, |sum, account| sum.saturating_add(account.data.len()));
            }
            batch.push(prepared);
        }
        if batch.is_empty() || to.send(batch).is_err() {
            break;
        }
    }
}

/// What is known of the transactions so far.
struct Found {
    facts: BundleFacts,
    reproduced: u64,
    deviations: Deviations,
    unlike: Vec<String>,
}

impl Found {
    fn new(header: &Header) -> Self {
        Self {
            facts: BundleFacts {
                sha256: String::new(),
                genesis_hash: header.genesis_hash.clone(),
                pre_state: header.pre_state,
                transactions: 0,
                first_slot: None,
                last_slot: None,
                first_time: None,
                last_time: None,
            },
            reproduced: 0,
            deviations: Deviations::default(),
            unlike: Vec::new(),
        }
    }

    fn note(&mut self, played: &Played) {
        let (facts, recorded) = (&mut self.facts, &played.prepared.recorded);
        facts.transactions = facts.transactions.saturating_add(1);
        facts.first_slot.get_or_insert(recorded.slot);
        facts.last_slot = Some(recorded.slot);
        facts.first_time = facts.first_time.or(recorded.block_time);
        facts.last_time = recorded.block_time.or(facts.last_time);
        if played.deviations.is_none() {
            self.reproduced = self.reproduced.saturating_add(1);
            return;
        }
        self.deviations.add(&played.deviations);
        if self.unlike.len() < MAX_EXAMPLES {
            self.unlike.push(recorded.signature.clone());
        }
    }

    fn fidelity(&mut self, required_share: f64) -> Fidelity {
        let transactions = self.facts.transactions;
        Fidelity {
            transactions,
            reproduced: self.reproduced,
            share: self.reproduced as f64 / transactions.max(1) as f64,
            required_share,
            deviations: self.deviations,
            examples: std::mem::take(&mut self.unlike),
        }
    }
}

/// The program's ELF, and what follows it, among the accounts of a bundle.
fn deployed<'a>(program: &Pubkey, accounts: &'a [StoredAccount]) -> Result<&'a [u8], ShadowError> {
    let find = |address: &Pubkey| accounts.iter().find(|account| account.address == *address);
    let missing = |reason: &str| ShadowError::Program {
        which: "deployed",
        reason: reason.into(),
    };
    let account = find(program).ok_or_else(|| missing("the bundle lacks the program's account"))?;
    if account.owner != bpf_loader_upgradeable::ID {
        return Ok(&account.data);
    }
    find(&portcullis_client::pda::programdata(program))
        .and_then(|account| account.data.get(PROGRAMDATA_HEADER..))
        .ok_or_else(|| missing("the bundle lacks the program's programdata"))
}
