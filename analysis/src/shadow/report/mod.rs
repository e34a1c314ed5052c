//! What a run found, in a form whose bytes are the same whenever the same bundle meets the same programs.

mod gather;
mod text;
mod units;

pub(crate) use gather::{CallUnits, Gathered, Judged};
pub use text::render;
pub(crate) use text::{change, columns, deviations, outcomes, percent, state, told, variations};
pub use units::{Distribution, Histogram};

use serde::Serialize;

use crate::idl::Idl;

pub use super::checks::InvariantRow;
use super::{bundle::PreState, compare::Kind, fidelity::Deviations, Knowledge};

/// What the file says that it is.
pub const KIND: &str = "portcullis-shadow-report";
/// Rises when a key changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub kind: &'static str,
    pub schema_version: u32,
    pub program: String,
    pub bundle: BundleFacts,
    pub old: Content,
    pub new: Content,
    /// The proposal whose execution was rehearsed before.
    pub as_upgraded: Option<Rehearsed>,
    pub known: Known,
    pub fidelity: Fidelity,
    pub summary: Summary,
    /// In the order of their file.
    pub invariants: Vec<InvariantRow>,
    pub instructions: Vec<InstructionRow>,
    /// The worst first.
    pub causes: Vec<Cause>,
    /// Causes beyond those that are listed.
    pub causes_left_out: u64,
    pub compute_units: ComputeUnits,
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which transactions.
#[derive(Clone, Debug, Serialize)]
pub struct BundleFacts {
    /// Of the file.
    pub sha256: String,
    pub genesis_hash: String,
    pub pre_state: PreState,
    pub transactions: u64,
    pub first_slot: Option<u64>,
    pub last_slot: Option<u64>,
    /// Unix seconds.
    pub first_time: Option<i64>,
    pub last_time: Option<i64>,
}

/// An ELF, by its hash without trailing zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Content {
    pub sha256: String,
    pub len_bytes: u64,
}

/// A proposal that was executed on the forked state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rehearsed {
    pub proposal: String,
    /// The time that the execution saw, in Unix seconds.
    pub executed_at: i64,
    pub compute_units: u64,
}

/// What was known of the program, by the SHA-256 of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// The deployed program's IDL, given or found in the bundle.
    pub idl: Option<String>,
    /// The proposed program's, where it is another.
    pub new_idl: Option<String>,
    pub invariants: Option<String>,
}

impl Known {
    pub(crate) fn of(knowledge: &Knowledge) -> Self {
        let idl = |idl: &Option<Idl>| idl.as_ref().map(|idl| hex(&idl.sha256));
        let invariants = knowledge.invariants.as_ref();
        Self {
            idl: idl(&knowledge.idl),
            new_idl: idl(&knowledge.new_idl),
            invariants: invariants.map(|invariants| hex(&invariants.sha256())),
        }
    }
}

/// How far the replay of the deployed program is what the cluster recorded.
#[derive(Clone, Debug, Serialize)]
pub struct Fidelity {
    pub transactions: u64,
    pub reproduced: u64,
    /// The second of the first: 1 is all.
    pub share: f64,
    pub required_share: f64,
    /// By what was not reproduced.
    pub deviations: Deviations,
    /// The first of those that were not.
    pub examples: Vec<String>,
}

/// Of the transactions that were judged: those that were reproduced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub judged: u64,
    /// Nothing differs but compute units.
    pub same: u64,
    pub broken_invariants: u64,
    pub new_failures: u64,
    pub new_successes: u64,
    /// Other accounts, lamports or return data.
    pub other_effects: u64,
    pub other_errors: u64,
    pub logs_only: u64,
    /// Variations of transactions; nobody sent them.
    pub probes: u64,
    /// Of these, those that only the deployed program refuses.
    pub accepted_probes: u64,
    /// Of these, those that have another effect though the transaction itself has the same.
    pub differing_probes: u64,
}

impl Summary {
    /// Transactions that fail, or break an invariant, only under the proposed program.
    pub fn failures(&self) -> u64 {
        self.broken_invariants.saturating_add(self.new_failures)
    }

    /// Those with another effect of any kind, failures included.
    pub fn effects(&self) -> u64 {
        self.failures()
            .saturating_add(self.new_successes)
            .saturating_add(self.other_effects)
    }

    /// Whether the proposed program does anything with other effects.
    pub fn has_effects(&self) -> bool {
        self.effects() > 0 || self.accepted_probes > 0 || self.differing_probes > 0
    }

    /// All that differ in more than compute units.
    pub fn differing(&self) -> u64 {
        self.judged.saturating_sub(self.same)
    }
}

/// The calls of one instruction of the program, in transactions that were judged.
#[derive(Clone, Debug, Serialize)]
pub struct InstructionRow {
    pub name: String,
    /// Transactions that call it.
    pub transactions: u64,
    /// Of these, those that failed under the deployed program.
    pub failed: u64,
    /// Of these, those that differ in more than compute units, by what is worst.
    pub new_failures: u64,
    pub new_successes: u64,
    pub other_differences: u64,
    /// Of a call, where the logs tell it.
    pub old: Option<Distribution>,
    pub new: Option<Distribution>,
}

/// Differences of one kind with one title.
#[derive(Clone, Debug, Serialize)]
pub struct Cause {
    pub kind: Kind,
    pub title: String,
    /// Or variations of them.
    pub transactions: u64,
    pub examples: Vec<Example>,
}

/// A report in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `good`, `warn` or `bad`.
    pub class: &'static str,
    pub text: String,
}

/// A transaction that differs.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    pub signature: String,
    pub slot: u64,
    /// The program's calls with their arguments, as its IDL reads them; none without an IDL.
    pub calls: Vec<String>,
    pub lines: Vec<String>,
}

/// Of transactions that succeed under both programs.
#[derive(Clone, Debug, Serialize)]
pub struct ComputeUnits {
    pub transactions: u64,
    pub cheaper: u64,
    pub dearer: u64,
    pub old: Option<Distribution>,
    pub new: Option<Distribution>,
    pub histogram: Option<Histogram>,
}

impl Report {
    /// The report's bytes, whose SHA-256 an attestation carries.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Names, texts and finite numbers always serialize.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// SHA-256 of [`to_bytes`](Self::to_bytes).
    pub fn sha256(&self) -> [u8; 32] {
        solana_sha256_hasher::hash(&self.to_bytes()).to_bytes()
    }

    /// The whole in a sentence.
    pub fn verdict(&self) -> Verdict {
        let summary = &self.summary;
        let transactions = |count: u64, one: &str, several: &str| match count {
            1 => format!("1 transaction {one}"),
            count => format!("{count} transactions {several}"),
        };
        let (class, text) = if !self.is_faithful() {
            (
                "bad",
                "too few transactions were reproduced to judge by them".into(),
            )
        } else if summary.broken_invariants > 0 {
            let broken = transactions(summary.broken_invariants, "breaks", "break");
            (
                "bad",
                format!("{broken} an invariant only under the proposed program"),
            )
        } else if summary.new_failures > 0 {
            let fails = transactions(summary.new_failures, "fails", "fail");
            ("bad", format!("{fails} only under the proposed program"))
        } else if summary.effects() > 0 {
            let other = transactions(summary.effects(), "has", "have");
            (
                "bad",
                format!("{other} another effect under the proposed program"),
            )
        } else if summary.accepted_probes > 0 {
            let count = summary.accepted_probes;
            (
                "bad",
                format!(
                    "of {} variations the proposed program accepts {count} that are refused now",
                    summary.probes
                ),
            )
        } else if summary.differing_probes > 0 {
            let count = summary.differing_probes;
            (
                "bad",
                format!(
                    "of {} variations {count} have another effect under the proposed program",
                    summary.probes
                ),
            )
        } else if summary.differing() > 0 {
            let differs = transactions(summary.differing(), "differs", "differ");
            (
                "warn",
                format!("all effects are the same; {differs} in errors or logs"),
            )
        } else {
            let dearest = text::dearest(&self.instructions).map(|text| format!(": {text}"));
            (
                "good",
                format!(
                    "nothing differs but compute units{}",
                    dearest.unwrap_or_default()
                ),
            )
        };
        Verdict { class, text }
    }

    /// Whether enough transactions were reproduced to judge by them.
    pub fn is_faithful(&self) -> bool {
        self.fidelity.share >= self.fidelity.required_share
    }
}
