//! Invariants: what must hold of a program's accounts, whatever its code does. Written in `invariants.toml` (docs/invariants.md),
//! checked against any [`AccountSource`]: a live cluster's accounts, or those before and after a transaction of a shadow run.

mod conditions;
mod expression;
pub mod file;
mod read;
mod source;
#[cfg(test)]
mod tests;
pub(crate) mod token;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use solana_sdk::pubkey::Pubkey;

use self::{
    expression::Expression,
    file::{File, Limits},
    read::{Read, Target},
};
pub use self::{
    expression::{ExpressionError, Place, MAX_SOURCE},
    source::{AccountSource, Found, Selection, Snapshot},
};
use crate::idl::{Idl, Value};

/// IDLs by the programs' names in the file.
pub type Idls = BTreeMap<String, Idl>;

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvariantsError {
    /// The file itself.
    #[error("{reason}")]
    File { reason: String },
    /// An account of an invariant.
    #[error("invariant `{invariant}`, account `{account}`: {reason}")]
    Account {
        invariant: String,
        account: String,
        reason: String,
    },
    /// An expression.
    #[error("invariant `{invariant}`: {error}")]
    Expression {
        invariant: String,
        error: ExpressionError,
    },
}

/// Whether an invariant holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    /// With what was compared.
    Violated(String),
    /// It cannot be said: an account is missing, does not decode, the expression fails. Never a pass.
    Failed(String),
}

/// What became of an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    pub verdict: Verdict,
}

/// What must be read for all invariants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Required {
    pub addresses: BTreeSet<Pubkey>,
    pub selections: BTreeSet<Selection>,
}

#[derive(Debug)]
struct Invariant {
    name: String,
    description: String,
    expression: Expression,
    /// The name and the read of each of the expression's variables.
    variables: Vec<(String, usize)>,
}

/// The invariants of a file, checked and parsed: evaluating them parses nothing again.
#[derive(Debug)]
pub struct Invariants {
    sha256: [u8; 32],
    list: Vec<Invariant>,
    reads: Vec<Read>,
    idls: Idls,
    limits: Limits,
}

impl Invariants {
    /// From a file's text and the IDLs that it needs ([`File::needs_idl`]).
    ///
    /// # Errors
    /// What is wrong in the file, with the invariant and the place.
    pub fn parse(text: &str, idls: Idls) -> Result<Self, InvariantsError> {
        Self::new(&File::parse(text)?, idls)
    }

    /// From a file that was parsed before, and the IDLs that it needs.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn new(file: &File, idls: Idls) -> Result<Self, InvariantsError> {
        let mut reads: Vec<Read> = Vec::new();
        let mut list = Vec::with_capacity(file.invariants.len());
        let mut names = BTreeSet::new();
        for (name, idl) in &idls {
            let id = file.programs.get(name).map(|program| program.id.as_str());
            let found = idl.program().map(|found| found.to_string());
            if let (Some(id), Some(found)) = (id, found) {
                if id != found {
                    return Err(InvariantsError::File {
                        reason: format!("the IDL of `{name}` is of program {found}, not of {id}"),
                    });
                }
            }
        }
        for invariant in &file.invariants {
            if !names.insert(&invariant.name) {
                return Err(InvariantsError::File {
                    reason: format!("there are two invariants `{}`", invariant.name),
                });
            }
            let mut variables = Vec::with_capacity(invariant.accounts.len());
            for (name, account) in &invariant.accounts {
                let failed = |reason| InvariantsError::Account {
                    invariant: invariant.name.clone(),
                    account: name.clone(),
                    reason,
                };
                let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if !plain {
                    return Err(failed(
                        "a name must consist of letters, digits and _".to_string(),
                    ));
                }
                let read = Read::new(account, file, &idls).map_err(failed)?;
                let known = reads.iter().position(|other| *other == read);
                variables.push((name.clone(), known.unwrap_or(reads.len())));
                if known.is_none() {
                    reads.push(read);
                }
            }
            let known: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
            let parsed = Expression::parse(&invariant.expression, &known);
            let expression = parsed.map_err(|error| InvariantsError::Expression {
                invariant: invariant.name.clone(),
                error,
            })?;
            list.push(Invariant {
                name: invariant.name.clone(),
                description: invariant.description.clone(),
                expression,
                variables,
            });
        }
        Ok(Self {
            sha256: file.sha256,
            list,
            reads,
            idls,
            limits: file.limits,
        })
    }

    /// SHA-256 of the file's text.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none, which no file has.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Name, description and expression of each.
    pub fn described(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.list.iter().map(|invariant| {
            (
                invariant.name.as_str(),
                invariant.description.as_str(),
                invariant.expression.source(),
            )
        })
    }

    /// All that is read.
    pub fn required_accounts(&self) -> Required {
        let mut required = Required::default();
        for read in &self.reads {
            match &read.target {
                Target::One { address, .. } => {
                    required.addresses.insert(*address);
                }
                Target::All { selection, .. } => {
                    required.selections.insert(selection.clone());
                }
            }
        }
        required
    }

    /// The invariants, by their places, that can change when this account does: before or after, it may be owned by `owner`.
    pub fn affected_by(&self, address: &Pubkey, owner: &Pubkey) -> Vec<usize> {
        let touched = |read: &Read| match &read.target {
            Target::One { address: read, .. } => read == address,
            Target::All { selection, .. } => selection.program == *owner,
        };
        let touched: Vec<bool> = self.reads.iter().map(touched).collect();
        let of = |read: usize| touched.get(read).copied().unwrap_or(false);
        let list = self.list.iter().enumerate();
        list.filter(|(_, invariant)| invariant.variables.iter().any(|(_, read)| of(*read)))
            .map(|(place, _)| place)
            .collect()
    }

    /// Checks all, in their order. Each account is read and decoded once.
    pub fn evaluate(&self, source: &dyn AccountSource) -> Vec<Outcome> {
        let mut cache = HashMap::new();
        let all = self.list.iter();
        all.map(|invariant| self.outcome(invariant, source, &mut cache))
            .collect()
    }

    /// Checks some, by their places, such as those of [`affected_by`](Self::affected_by).
    pub fn evaluate_some(&self, places: &[usize], source: &dyn AccountSource) -> Vec<Outcome> {
        let mut cache = HashMap::new();
        let some = places.iter().filter_map(|place| self.list.get(*place));
        some.map(|invariant| self.outcome(invariant, source, &mut cache))
            .collect()
    }

    fn outcome(
        &self,
        invariant: &Invariant,
        source: &dyn AccountSource,
        cache: &mut HashMap<usize, Result<Value, String>>,
    ) -> Outcome {
        let verdict = match self.verdict(invariant, source, cache) {
            Ok(verdict) => verdict,
            Err(reason) => Verdict::Failed(reason),
        };
        Outcome {
            name: invariant.name.clone(),
            verdict,
        }
    }

    fn verdict(
        &self,
        invariant: &Invariant,
        source: &dyn AccountSource,
        cache: &mut HashMap<usize, Result<Value, String>>,
    ) -> Result<Verdict, String> {
        let mut values = Vec::with_capacity(invariant.variables.len());
        for (name, place) in &invariant.variables {
            let value = cache
                .entry(*place)
                .or_insert_with(|| match self.reads.get(*place) {
                    Some(read) => read.value(source, &self.idls, self.limits.accounts),
                    None => Err("it is not read".to_string()),
                });
            match value {
                Ok(value) => values.push(value.clone()),
                Err(reason) => return Err(format!("{name}: {reason}")),
            }
        }
        let result = invariant.expression.evaluate(&values, self.limits.steps);
        match result {
            Ok(Ok(())) => Ok(Verdict::Holds),
            Ok(Err(why)) => Ok(Verdict::Violated(why)),
            Err(error) => Err(error.to_string()),
        }
    }
}
