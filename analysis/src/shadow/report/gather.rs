//! Adds up what transactions show; keeps a few examples of each cause, not the transactions.

use std::collections::BTreeMap;

use super::{Cause, ComputeUnits, Distribution, Example, Histogram, InstructionRow, Summary};
use crate::shadow::compare::{Difference, Kind};

/// The most causes that are told apart: a program that differs everywhere must not fill the memory.
const MAX_CAUSES: usize = 200;
const MAX_EXAMPLES: usize = 3;
/// The most instructions that are told apart.
const MAX_INSTRUCTIONS: usize = 256;
const OTHER: &str = "others";

/// One transaction that was judged.
pub(crate) struct Judged<'a> {
    pub signature: &'a str,
    pub slot: u64,
    pub differences: Vec<Difference>,
    pub failed: bool,
    /// Of the whole transaction, where both succeed.
    pub compute_units: Option<(u64, u64)>,
    pub calls: Vec<CallUnits>,
    /// The program's calls with their arguments, for those who read an example.
    pub told: Vec<String>,
}

/// A call of the program, with the compute units that the logs tell.
#[derive(Clone, Debug)]
pub(crate) struct CallUnits {
    pub name: String,
    pub old: Option<u64>,
    pub new: Option<u64>,
}

#[derive(Default)]
struct Row {
    transactions: u64,
    failed: u64,
    new_failures: u64,
    new_successes: u64,
    other_differences: u64,
    old: Vec<u64>,
    new: Vec<u64>,
}

/// What is known so far.
#[derive(Default)]
pub(crate) struct Gathered {
    summary: Summary,
    rows: BTreeMap<String, Row>,
    causes: BTreeMap<(Kind, String), Cause>,
    left_out: u64,
    old: Vec<u64>,
    new: Vec<u64>,
    cheaper: u64,
    dearer: u64,
}

fn count(number: &mut u64) {
    *number = number.saturating_add(1);
}

impl Gathered {
    /// Counts one more.
    pub fn add(&mut self, judged: Judged) {
        let worst = judged.differences.iter().map(|found| found.kind).min();
        count(&mut self.summary.judged);
        count(match worst {
            None => &mut self.summary.same,
            Some(Kind::Invariant) => &mut self.summary.broken_invariants,
            Some(Kind::NewFailure) => &mut self.summary.new_failures,
            Some(Kind::NewSuccess) => &mut self.summary.new_successes,
            Some(Kind::Error) => &mut self.summary.other_errors,
            Some(Kind::Logs) => &mut self.summary.logs_only,
            Some(_) => &mut self.summary.other_effects,
        });
        if let Some((old, new)) = judged.compute_units {
            self.old.push(old);
            self.new.push(new);
            match new.cmp(&old) {
                std::cmp::Ordering::Less => count(&mut self.cheaper),
                std::cmp::Ordering::Greater => count(&mut self.dearer),
                std::cmp::Ordering::Equal => {}
            }
        }
        self.add_calls(&judged, worst);
        // One transaction counts once for a cause, however many accounts show it.
        let mut seen: Vec<(Kind, String)> = Vec::new();
        for difference in judged.differences {
            let key = (difference.kind, difference.title);
            if seen.contains(&key) {
                continue;
            }
            seen.push(key.clone());
            self.add_cause(key, || Example {
                signature: judged.signature.to_string(),
                slot: judged.slot,
                calls: judged.told.clone(),
                lines: difference.lines,
            });
        }
    }

    /// Counts a variation, and how the programs differ in it.
    pub fn add_probe(&mut self, found: Option<Difference>, example: Example) {
        count(&mut self.summary.probes);
        if let Some(difference) = found {
            count(match difference.kind {
                Kind::Accepted => &mut self.summary.accepted_probes,
                _ => &mut self.summary.differing_probes,
            });
            let key = (difference.kind, difference.title);
            let lines = difference.lines;
            self.add_cause(key, || Example { lines, ..example });
        }
    }

    fn add_cause(&mut self, key: (Kind, String), example: impl FnOnce() -> Example) {
        if self.causes.len() >= MAX_CAUSES && !self.causes.contains_key(&key) {
            count(&mut self.left_out);
            return;
        }
        let cause = self.causes.entry(key).or_insert_with_key(|key| Cause {
            kind: key.0,
            title: key.1.clone(),
            transactions: 0,
            examples: Vec::new(),
        });
        count(&mut cause.transactions);
        if cause.examples.len() < MAX_EXAMPLES {
            cause.examples.push(example());
        }
    }

    fn add_calls(&mut self, judged: &Judged, worst: Option<Kind>) {
        let mut seen: Vec<&str> = Vec::new();
        for call in &judged.calls {
            let known = self.rows.contains_key(&call.name) || self.rows.len() < MAX_INSTRUCTIONS;
            let name = if known { call.name.as_str() } else { OTHER };
            let row = self.rows.entry(name.to_string()).or_default();
            row.old.extend(call.old);
            row.new.extend(call.new);
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            count(&mut row.transactions);
            if judged.failed {
                count(&mut row.failed);
            }
            match worst {
                None => {}
                Some(Kind::NewFailure | Kind::Invariant) => count(&mut row.new_failures),
                Some(Kind::NewSuccess) => count(&mut row.new_successes),
                Some(_) => count(&mut row.other_differences),
            }
        }
    }

    /// Whether one more example of a cause would be kept.
    pub fn keeps(&self, kind: Kind, title: &str) -> bool {
        let cause = self.causes.get(&(kind, title.to_string()));
        cause.is_none_or(|cause| cause.examples.len() < MAX_EXAMPLES)
    }

    /// How many were judged so far, and how.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// The instructions by name, the causes with the worst and most frequent first, causes left out, and compute units.
    pub fn finish(self) -> (Vec<InstructionRow>, Vec<Cause>, u64, ComputeUnits) {
        let rows = self.rows.into_iter().map(|(name, row)| InstructionRow {
            name,
            transactions: row.transactions,
            failed: row.failed,
            new_failures: row.new_failures,
            new_successes: row.new_successes,
            other_differences: row.other_differences,
            old: Distribution::of(&row.old),
            new: Distribution::of(&row.new),
        });
        let mut causes: Vec<Cause> = self.causes.into_values().collect();
        // Stable: what is equal stays in the order of titles.
        causes.sort_by_key(|cause| (cause.kind, u64::MAX - cause.transactions));
        let units = ComputeUnits {
            transactions: self.old.len() as u64,
            cheaper: self.cheaper,
            dearer: self.dearer,
            old: Distribution::of(&self.old),
            new: Distribution::of(&self.new),
            histogram: Histogram::of(&self.old, &self.new),
        };
        (rows.collect(), causes, self.left_out, units)
    }
}
