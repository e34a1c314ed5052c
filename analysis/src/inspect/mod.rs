//! What is in an ELF, what differs from another, and what of it a reviewer should look at.

mod callers;
mod checks;
mod code_findings;
mod compare;
mod constants;
mod edits;
mod finding;
mod findings;
mod loader;
mod matching;
mod policy;
mod report;
mod rules;
mod sarif;

pub use checks::CodeChange;
pub use compare::{
    Aspect, Comparison, ConstantChange, ConstantKind, Emptied, FieldChange, FunctionChange,
    FunctionChanges, SectionChange, StringChanges,
};
pub use edits::Edit;
pub use finding::{Finding, Ignored};
pub use loader::{Loader, LoaderRules, RulesSource};
pub use policy::{Policy, PolicyError};
pub use report::{
    AddressKind, AddressReport, Capacity, ElfReport, EntryPoint, FunctionReport, SectionReport,
    StringsReport, SyscallUse, MAX_LISTED,
};
pub use rules::{rule, Rule, Severity, RULES};

use serde::Serialize;
use serde_json::Value;

use crate::elf::{Elf, ReadError};

/// The bytes to inspect, and what is known of them.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    pub bytes: Vec<u8>,
    /// The program that it is for, and how many bytes its programdata account holds behind the header.
    pub room: Option<(String, usize)>,
}

impl Subject {
    /// Bytes of a file, for no known program.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, room: None }
    }
}

/// Which of the two cannot be inspected, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    #[error("{0}")]
    Subject(ReadError),
    #[error("{0}")]
    Against(ReadError),
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// By which the loader's answer was found.
    pub rules: LoaderRules,
    pub subject: ElfReport,
    pub against: Option<ElfReport>,
    pub comparison: Option<Comparison>,
    /// The gravest first.
    pub findings: Vec<Finding>,
    pub ignored: Vec<Ignored>,
}

impl Inspection {
    /// Inspects an ELF for no certain cluster: [`LoaderRules::default`].
    ///
    /// # Errors
    /// Those of [`for_cluster`](Self::for_cluster).
    pub fn new(
        subject: &Subject,
        against: Option<&Subject>,
        policy: &Policy,
    ) -> Result<Self, InspectError> {
        Self::for_cluster(subject, against, policy, LoaderRules::default())
    }

    /// Inspects an ELF, and compares it with one that came before.
    ///
    /// # Errors
    /// Where one of them is no program.
    pub fn for_cluster(
        subject: &Subject,
        against: Option<&Subject>,
        policy: &Policy,
        rules: LoaderRules,
    ) -> Result<Self, InspectError> {
        let read = |subject: &Subject| {
            let elf = Elf::read(&subject.bytes)?;
            let report = ElfReport::new(&elf, subject, &rules);
            Ok((elf, report))
        };
        let (elf, subject) = read(subject).map_err(InspectError::Subject)?;
        let against = against
            .map(read)
            .transpose()
            .map_err(InspectError::Against)?;
        let comparison = against
            .as_ref()
            .map(|(old, before)| Comparison::new((old, before), (&elf, &subject)));
        let against = against.map(|(_, report)| report);
        let found = findings::find(
            &subject,
            &rules,
            against.as_ref().zip(comparison.as_ref()),
            policy,
        );
        let (findings, ignored) = policy.weigh(found);
        Ok(Self {
            rules,
            subject,
            against,
            comparison,
            findings,
            ignored,
        })
    }

    /// The severity of the gravest finding.
    pub fn highest(&self) -> Option<Severity> {
        self.findings.iter().map(|one| one.severity).max()
    }

    /// The findings as SARIF 2.1.0, which code hosts show beside a change. `uri` names what was inspected.
    pub fn sarif(&self, uri: &str) -> Value {
        sarif::log(self, uri)
    }
}
