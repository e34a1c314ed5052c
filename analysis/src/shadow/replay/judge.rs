//! Compares the two executions of each transaction, and counts.

use std::collections::{BTreeMap, BTreeSet};

use litesvm::LiteSVM;
use solana_sdk::{
    account::{AccountSharedData, ReadableAccount},
    message::VersionedMessage,
    pubkey::Pubkey,
    transaction::TransactionError,
};

use super::{side::Prepared, Execution, Vm};
use crate::shadow::{
    calls::{calls, logged},
    checks::Checks,
    compare::{Difference, Pair},
    knowledge::Knowledge,
    probes::{Change, Probe, STRANGER},
    report::{self, CallUnits, Example, Gathered, InvariantRow, Judged},
    ShadowError,
};

/// The most names of instructions that are learned, and characters of one.
const MAX_NAMES: usize = 256;
const MAX_NAME: usize = 64;

/// Runs the proposed program, and compares.
pub(super) struct Judge<'a> {
    program: Pubkey,
    /// The program's address as logs show it.
    address: String,
    knowledge: &'a Knowledge,
    checks: Option<Checks<'a>>,
    /// Bytes that tell instructions apart.
    discriminator: usize,
    /// Names of instructions, as logs told them.
    names: BTreeMap<Vec<u8>, String>,
    /// Instructions in transactions with other effects.
    differing: BTreeSet<Vec<u8>>,
    gathered: Gathered,
}

impl<'a> Judge<'a> {
    pub fn new(program: Pubkey, discriminator: usize, knowledge: &'a Knowledge) -> Self {
        Self {
            program,
            address: program.to_string(),
            knowledge,
            checks: knowledge.invariants.as_ref().map(Checks::new),
            discriminator,
            names: BTreeMap::new(),
            differing: BTreeSet::new(),
            gathered: Gathered::default(),
        }
    }

    /// What was found, with what became of each invariant.
    pub fn finish(self) -> (Gathered, Vec<InvariantRow>) {
        let rows = self.checks.map(Checks::finish);
        (self.gathered, rows.unwrap_or_default())
    }

    /// Judges one transaction. `vm` has the proposed program, and the state before the transaction, which is the same on both
    /// sides. `own` is what the proposed program does from its own state, and that state before it. Gives whether the effects are
    /// the same.
    pub fn transaction(
        &mut self,
        vm: &Vm,
        prepared: &Prepared,
        old: &Execution,
        own: Option<(&LiteSVM, &Execution)>,
    ) -> Result<bool, ShadowError> {
        let recorded = &prepared.recorded;
        let new =
            &vm.execute(&prepared.transaction)
                .map_err(|reason| ShadowError::Transaction {
                    signature: recorded.signature.clone(),
                    reason,
                })?;
        let checks = self.checks.as_mut();
        let violations = checks.map(|checks| checks.transaction(&vm.svm, old, new, own));
        let violations = violations.unwrap_or_default();
        let (named, units) = self.name_calls(prepared.message(), &prepared.keys, old, new);
        let before = |address: &Pubkey| -> Option<AccountSharedData> {
            vm.svm.accounts_db().get_account(address)
        };
        let gathered = &self.gathered;
        let pair = Pair {
            keeps: &|kind, title| gathered.keeps(kind, title),
            program: &self.program,
            old,
            new,
            calls: &named,
            before: &before,
            knowledge: self.knowledge,
            violations: &violations,
        };
        let differences = pair.differences();
        let kept = |one: &Difference| self.gathered.keeps(one.kind, &one.title);
        let told = match differences.iter().any(kept) {
            true => self.tell_calls(prepared, old, new),
            false => Vec::new(),
        };
        let same = !differences.iter().any(|one| one.kind.is_effect());
        if !same {
            let (message, keys) = (prepared.message(), &prepared.keys);
            for call in calls(&self.program, message, keys, &old.inner) {
                let start = self.start(call.data).to_vec();
                if self.differing.len() < MAX_NAMES {
                    self.differing.insert(start);
                }
            }
        }
        let both_succeed = old.error.is_none() && new.error.is_none();
        self.gathered.add(Judged {
            signature: &recorded.signature,
            slot: recorded.slot,
            differences,
            failed: old.error.is_some(),
            compute_units: both_succeed.then_some((old.compute_units, new.compute_units)),
            calls: units,
            told,
        });
        Ok(same)
    }

    /// Tries a variation with the proposed program. `old` is what the deployed one does with it; where it succeeds there, the
    /// effects are compared if those of the transaction itself are the `same`: else they are known to differ.
    pub fn probe(
        &mut self,
        vm: &mut Vm,
        prepared: &Prepared,
        probe: &Probe,
        old: &Execution,
        same: bool,
    ) -> Result<(), ShadowError> {
        let Some(new) = vm.probe(probe)? else {
            return Ok(());
        };
        let before = |address: &Pubkey| -> Option<AccountSharedData> {
            let copied = probe.accounts.iter();
            let mut copied = copied.filter(|account| account.address == *address);
            match copied.next() {
                Some(account) => Some(account.clone().into_account().into()),
                None => vm.svm.accounts_db().get_account(address),
            }
        };
        let message = &probe.transaction.message;
        let none = Vec::new();
        let of_program = calls(&self.program, message, message.static_account_keys(), &none);
        let named: Vec<(usize, String)> = (of_program.iter())
            .map(|call| (call.top, self.name(call.data)))
            .collect();
        let pair = Pair {
            keeps: &|_, _| true,
            program: &self.program,
            old,
            new: &new,
            calls: &named,
            before: &before,
            knowledge: self.knowledge,
            violations: &[],
        };
        let earlier = probe.earlier.as_deref();
        let known = earlier.is_some_and(|data| self.differing.contains(self.start(data)));
        let found = match (&old.error, probe.change) {
            (Some(_), Change::Start(_)) if !takes(&new, &before) => None,
            (Some(error), _) => {
                let (name, variation) = self.refused(probe, error);
                pair.accepted(&variation, &name)
            }
            (None, _) if same && !known => pair.varied(&self.told(probe)),
            (None, _) => None,
        };
        let recorded = &prepared.recorded;
        let example = Example {
            signature: recorded.signature.clone(),
            slot: recorded.slot,
            calls: self.knowledge.call(&probe.data).into_iter().collect(),
            lines: Vec::new(),
        };
        self.gathered.add_probe(found, example);
        Ok(())
    }

    /// What the proposed program meets in a variation.
    fn told(&self, probe: &Probe) -> String {
        let earlier = probe.earlier.as_ref().map(|data| self.name(data));
        let name = |place| self.knowledge.account(&probe.data, place);
        probe.change.told(name, earlier)
    }

    /// Which instruction the deployed program refuses in a variation, and what of it.
    fn refused(&self, probe: &Probe, error: &TransactionError) -> (String, String) {
        if let (Some(earlier), TransactionError::InstructionError(at, _)) = (&probe.earlier, error)
        {
            if usize::from(*at) == probe.place {
                return (self.name(earlier), "a call again, later".into());
            }
        }
        (self.name(&probe.data), self.told(probe))
    }

    /// By what an instruction is told apart.
    fn start<'d>(&self, data: &'d [u8]) -> &'d [u8] {
        data.get(..self.discriminator).unwrap_or(data)
    }

    /// An instruction's name, as the IDL or a log told it before.
    fn name(&self, data: &[u8]) -> String {
        let start = self.start(data);
        match (self.knowledge.instruction(data), self.names.get(start)) {
            (Some(name), _) => name.to_string(),
            (None, Some(name)) => name.clone(),
            (None, None) => format!("instruction {}", report::hex(start)),
        }
    }

    /// The program's calls with their arguments, where its IDL is known.
    fn tell_calls(&self, prepared: &Prepared, old: &Execution, new: &Execution) -> Vec<String> {
        const MAX: usize = 4;
        let (message, keys) = (prepared.message(), &prepared.keys);
        let [old, new] = [old, new].map(|done| calls(&self.program, message, keys, &done.inner));
        let longer = if new.len() > old.len() { new } else { old };
        let told = longer.iter().map(|call| self.knowledge.call(call.data));
        told.flatten().take(MAX).collect()
    }

    /// The program's calls by name, and what each used.
    fn name_calls(
        &mut self,
        message: &VersionedMessage,
        keys: &[Pubkey],
        old: &Execution,
        new: &Execution,
    ) -> (Vec<(usize, String)>, Vec<CallUnits>) {
        let program = &self.program;
        let [of_old, of_new] = [old, new].map(|done| calls(program, message, keys, &done.inner));
        // The one that came further has them all.
        let found = if of_new.len() > of_old.len() {
            of_new
        } else {
            of_old
        };
        let [old, new] = [old, new].map(|done| logged(&self.address, &done.logs));
        let mut named = Vec::with_capacity(found.len());
        let mut units = Vec::with_capacity(found.len());
        for (place, call) in found.iter().enumerate() {
            let (old, new) = (old.get(place), new.get(place));
            let told = [old, new]
                .into_iter()
                .flatten()
                .find_map(|logged| logged.name);
            let start = self.start(call.data);
            let name = match (self.knowledge.instruction(call.data), told) {
                (Some(name), _) => name.to_string(),
                (None, Some(told)) => {
                    let told: String = told.chars().take(MAX_NAME).collect();
                    if self.names.len() < MAX_NAMES {
                        self.names.insert(start.to_vec(), told.clone());
                    }
                    told
                }
                (None, None) => self.name(call.data),
            };
            named.push((call.top, name.clone()));
            units.push(CallUnits {
                name,
                old: old.and_then(|logged| logged.compute_units),
                new: new.and_then(|logged| logged.compute_units),
            });
        }
        (named, units)
    }
}

/// Whether anything is written or taken that is not the stranger's, who pays.
fn takes(done: &Execution, before: &dyn Fn(&Pubkey) -> Option<AccountSharedData>) -> bool {
    let mut others = done.written.iter().filter(|(key, _)| *key != STRANGER);
    others.any(|(address, after)| {
        before(address).is_some_and(|before| {
            before.lamports() > after.lamports()
                || before.data() != after.data()
                || before.owner() != after.owner()
        })
    })
}
