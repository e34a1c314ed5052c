//! Invariants before and after each transaction, under either program.

use std::collections::BTreeSet;

use litesvm::LiteSVM;
use serde::Serialize;
use solana_sdk::{
    account::{AccountSharedData, ReadableAccount},
    pubkey::Pubkey,
};

use super::replay::Execution;
use crate::invariants::{AccountSource, Found, Invariants, Selection, Verdict};

/// Something that holds under the deployed program, and not under the proposed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The invariant's name.
    pub name: String,
    /// What was required, and what was found.
    pub reason: String,
}

/// What became of an invariant in the transactions that were judged.
#[derive(Clone, Debug, Serialize)]
pub struct InvariantRow {
    pub name: String,
    pub description: String,
    pub expression: String,
    /// Transactions after which it was checked: the first, and those that wrote what it reads.
    pub checked: u64,
    /// Of these, those after which it holds under the deployed program: only in these the proposed one can be judged.
    pub holds: u64,
    /// Those before which it did not hold, or could not be computed.
    pub not_before: u64,
    /// Those in which the deployed program breaks it.
    pub broken_by_deployed: u64,
    /// Those in which only the proposed program breaks it.
    pub broken_by_proposed: u64,
    /// Those in which the proposed program breaks it when it goes on from its own state, and not at once.
    pub broken_in_succession: u64,
    /// Why it did not hold under the deployed program, where it did not first.
    pub reason: Option<String>,
}

impl InvariantRow {
    /// In a word or two.
    pub fn verdict(&self) -> &'static str {
        let broken = self
            .broken_by_proposed
            .saturating_add(self.broken_in_succession);
        match (broken, self.holds) {
            (1.., _) => "BROKEN",
            (0, 0) => "not judged",
            (0, holds) if holds < self.checked => "partly judged",
            _ => "holds",
        }
    }
}

/// All accounts at one moment: what a transaction wrote, and what was there before.
struct State<'a> {
    svm: &'a LiteSVM,
    written: &'a [(Pubkey, AccountSharedData)],
}

fn found(account: &AccountSharedData) -> Option<Found<'_>> {
    (account.lamports() > 0).then(|| Found {
        owner: *account.owner(),
        lamports: account.lamports(),
        data: account.data().into(),
    })
}

impl AccountSource for State<'_> {
    fn get(&self, address: &Pubkey) -> Result<Option<Found<'_>>, String> {
        let written = self.written.iter().find(|(key, _)| key == address);
        Ok(match written {
            Some((_, account)) => found(account),
            None => (self.svm.accounts_db())
                .get_account_ref(address)
                .and_then(found),
        })
    }

    fn select(&self, selection: &Selection) -> Result<Vec<(Pubkey, Found<'_>)>, String> {
        let is_written = |address: &Pubkey| self.written.iter().any(|(key, _)| key == address);
        let kept = self.svm.accounts_db().inner.iter();
        let kept = kept.filter(|(_, account)| selection.fits(account.owner(), account.data()));
        let kept = kept.filter(|(address, _)| !is_written(address));
        let written = self.written.iter().map(|(key, account)| (key, account));
        let written = written.filter(|(_, one)| selection.fits(one.owner(), one.data()));
        Ok(kept
            .chain(written)
            .filter_map(|(address, account)| Some((*address, found(account)?)))
            .collect())
    }
}

/// The invariants of a run.
pub(crate) struct Checks<'a> {
    invariants: &'a Invariants,
    rows: Vec<InvariantRow>,
    /// Those that do not hold any more where the proposed program goes on from its own state.
    spoilt: BTreeSet<usize>,
    begun: bool,
}

fn count(number: &mut u64) {
    *number = number.saturating_add(1);
}

impl<'a> Checks<'a> {
    pub fn new(invariants: &'a Invariants) -> Self {
        let rows = invariants.described();
        let rows = rows.map(|(name, description, expression)| InvariantRow {
            name: name.to_string(),
            description: description.to_string(),
            expression: expression.to_string(),
            checked: 0,
            holds: 0,
            not_before: 0,
            broken_by_deployed: 0,
            broken_by_proposed: 0,
            broken_in_succession: 0,
            reason: None,
        });
        Self {
            rows: rows.collect(),
            spoilt: BTreeSet::new(),
            invariants,
            begun: false,
        }
    }

    /// Checks what a transaction can have changed; gives what only the proposed program breaks. `svm` has the state before it;
    /// `own` the state that the proposed program made itself, and what it did there.
    pub fn transaction(
        &mut self,
        svm: &LiteSVM,
        old: &Execution,
        new: &Execution,
        own: Option<(&LiteSVM, &Execution)>,
    ) -> Vec<Violation> {
        let places: Vec<usize> = match self.begun {
            true => {
                let mut places = self.affected(svm, &[old, new]);
                if let Some((svm, own)) = own {
                    places.extend(self.affected(svm, &[own]));
                }
                places.into_iter().collect()
            }
            // Each is checked at least once.
            false => (0..self.rows.len()).collect(),
        };
        self.begun = true;
        if places.is_empty() {
            return Vec::new();
        }
        let at = |svm: &LiteSVM, written: &[(Pubkey, AccountSharedData)]| -> Vec<Verdict> {
            let outcomes = (self.invariants).evaluate_some(&places, &State { svm, written });
            outcomes.into_iter().map(|one| one.verdict).collect()
        };
        let before = at(svm, &[]);
        let after_old = at(svm, &old.written);
        let after_new = match old.written == new.written {
            true => after_old.clone(),
            false => at(svm, &new.written),
        };
        let after_own = own.map(|(svm, own)| at(svm, &own.written));
        let after_own = after_own.unwrap_or_else(|| after_new.clone());
        let mut broken = Vec::new();
        let programs = after_old.into_iter().zip(after_new).zip(after_own);
        for ((place, before), ((old, new), own)) in places.iter().zip(before).zip(programs) {
            let Some(row) = self.rows.get_mut(*place) else {
                continue;
            };
            count(&mut row.checked);
            if before != Verdict::Holds {
                count(&mut row.not_before);
            }
            match (old, new) {
                (Verdict::Holds, Verdict::Holds) => {
                    count(&mut row.holds);
                    match own {
                        Verdict::Holds => {
                            self.spoilt.remove(place);
                        }
                        Verdict::Violated(reason) | Verdict::Failed(reason) => {
                            if self.spoilt.insert(*place) {
                                count(&mut row.broken_in_succession);
                                broken.push(Violation {
                                    name: format!("{} (from its own state)", row.name),
                                    reason,
                                });
                            }
                        }
                    }
                }
                (Verdict::Holds, Verdict::Violated(reason) | Verdict::Failed(reason)) => {
                    count(&mut row.holds);
                    count(&mut row.broken_by_proposed);
                    self.spoilt.insert(*place);
                    broken.push(Violation {
                        name: row.name.clone(),
                        reason,
                    });
                }
                (Verdict::Violated(reason) | Verdict::Failed(reason), _) => {
                    if before == Verdict::Holds {
                        count(&mut row.broken_by_deployed);
                    }
                    row.reason.get_or_insert(reason);
                }
            }
        }
        broken
    }

    /// The invariants that read what was written.
    fn affected(&self, svm: &LiteSVM, done: &[&Execution]) -> BTreeSet<usize> {
        let mut places = BTreeSet::new();
        for (address, account) in done.iter().flat_map(|done| &done.written) {
            let before = svm.accounts_db().get_account_ref(address);
            if before == Some(account) {
                continue;
            }
            let owners = [Some(account), before].map(|one| one.map(ReadableAccount::owner));
            for owner in owners.into_iter().flatten() {
                places.extend(self.invariants.affected_by(address, owner));
            }
        }
        places
    }

    pub fn finish(self) -> Vec<InvariantRow> {
        self.rows
    }
}
