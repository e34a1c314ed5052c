//! The report tried on accounts that exist: each is decoded with both layouts.

use std::collections::BTreeMap;

use solana_sdk::pubkey::Pubkey;

use super::{fields::is_reserve_name, Change, Report, Rule, Verdict};
use crate::idl::{Described, Idl, Value};

/// Examples that are told of each kind.
const EXAMPLES: usize = 3;
/// Differences looked for in one account.
const MAX_DIFFERENCES: usize = 10;

/// What became of the accounts of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeEvidence {
    /// The type's old name.
    pub account: String,
    /// Accounts looked at.
    pub read: usize,
    /// Accounts that there are; more than `read` for a sample.
    pub total: usize,
    /// That already the old layout does not decode: nothing is said about them.
    pub unreadable: usize,
    /// That only the old layout decodes.
    pub lost: usize,
    /// That both decode, to different values.
    pub changed: usize,
    /// Of the latter two, the first few.
    pub examples: Vec<Example>,
}

/// An account that a change hurts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub address: Pubkey,
    /// Why it no longer decodes, or what it decodes to: `amount: 5, now 1280`.
    pub what: String,
}

/// Accounts of the old program, and how many there are of each discriminator.
pub struct Sample<'a> {
    /// Address and data.
    pub accounts: &'a [(Pubkey, Vec<u8>)],
    /// By the name of the type, where they were counted; else those that were read are all.
    pub totals: BTreeMap<String, usize>,
}

/// Decodes accounts with both IDLs; adds what was found to the report, and settles what depends on it (`account-grown`). Accounts of
/// no known type are left out.
pub fn check(old: &Idl, new: &Idl, sample: &Sample, report: &mut Report) -> Vec<TypeEvidence> {
    let mut found: BTreeMap<&str, (Option<&Described>, TypeEvidence)> = BTreeMap::new();
    for (was, is) in &report.pairs {
        let evidence = TypeEvidence {
            account: was.clone(),
            ..TypeEvidence::default()
        };
        found.insert(was, (new.account(is), evidence));
    }
    for (address, data) in sample.accounts {
        let Some(account) = old.account_of(data) else {
            continue;
        };
        let Some((other, evidence)) = found.get_mut(account.name.as_str()) else {
            continue;
        };
        evidence.read += 1;
        let Ok((was, used)) = old.decode(account, data) else {
            evidence.unreadable += 1;
            continue;
        };
        let what = match decode_new(new, *other, data) {
            Err(reason) => {
                evidence.lost += 1;
                reason
            }
            Ok((is, end)) => {
                let mut differences = Vec::new();
                differ("", &was, &is, &mut differences);
                if let Some(rest) = data
                    .get(used..end)
                    .filter(|rest| rest.iter().any(|b| *b != 0))
                {
                    differences.push(format!(
                        "behind the old layout are bytes that are not zero: {}",
                        Value::Bytes(rest.into())
                    ));
                }
                if differences.is_empty() {
                    continue;
                }
                evidence.changed += 1;
                differences.join("; ")
            }
        };
        if evidence.examples.len() < EXAMPLES {
            evidence.examples.push(Example {
                address: *address,
                what,
            });
        }
    }
    let found = found.into_values().map(|(_, evidence)| evidence);
    let mut list: Vec<TypeEvidence> = found.collect();
    for evidence in &mut list {
        let total = sample.totals.get(&evidence.account).copied();
        evidence.total = total.unwrap_or(0).max(evidence.read);
        settle(evidence, total.is_some(), report);
    }
    list
}

/// The value, and where it ends.
fn decode_new(new: &Idl, other: Option<&Described>, data: &[u8]) -> Result<(Value, usize), String> {
    let other = other.ok_or("its type is gone")?;
    new.decode(other, data).map_err(|error| error.to_string())
}

/// `counted_all`: that there is none is known.
fn settle(evidence: &TypeEvidence, counted_all: bool, report: &mut Report) {
    let name = &evidence.account;
    let counted = match evidence.read == evidence.total {
        true => format!("all {} accounts", evidence.read),
        false => format!("{} of {} accounts", evidence.read, evidence.total),
    };
    if evidence.lost > 0 {
        let reason = format!(
            "{} of {} no longer decode, {counted} tried",
            evidence.lost, evidence.read
        );
        let change = Change::new(Rule::AccountsLost, name);
        report.add(change.judged(Verdict::Breaking, reason));
    }
    if evidence.changed > 0 {
        let reason = format!(
            "{} of {} decode to other values, {counted} tried",
            evidence.changed, evidence.read
        );
        let change = Change::new(Rule::AccountsChanged, name);
        report.add(change.judged(Verdict::Breaking, reason));
    }
    let fine = evidence.lost == 0 && evidence.unreadable == 0;
    for change in &mut report.changes {
        if change.rule != Rule::AccountGrown || change.path != *name || !fine {
            continue;
        }
        if evidence.read == 0 && !counted_all {
            change.reason = "no account of this type was there to be tried".to_string();
        } else if evidence.read == evidence.total {
            change.verdict = Verdict::Safe;
            change.reason = match evidence.total {
                0 => "there is no account of this type".to_string(),
                _ => format!("{counted} have room for it"),
            };
        } else {
            change.reason = format!("{counted} have room for it; the others were not read");
        }
    }
}

/// Fields of the old value that the new one has too, with other values.
fn differ(path: &str, was: &Value, is: &Value, found: &mut Vec<String>) {
    if found.len() >= MAX_DIFFERENCES {
        return;
    }
    match (was, is) {
        (Value::Record(a), Value::Record(b)) => {
            for (name, value) in &a.fields {
                // What is gone is told by the rules.
                if let Some(other) = b.field(name) {
                    let path = match path {
                        "" => name.to_string(),
                        path => format!("{path}.{name}"),
                    };
                    differ(&path, value, other, found);
                }
            }
        }
        // A reserve of which some is used.
        (Value::List(a), Value::List(b)) if a.ends_with(b) && reserved(path) => {}
        (Value::List(a), Value::List(b)) => {
            if a.len() > b.len() {
                found.push(format!("{path}: {} items, now {}", a.len(), b.len()));
            }
            for (index, (value, other)) in a.iter().zip(b.iter()).enumerate() {
                differ(&format!("{path}[{index}]"), value, other, found);
            }
        }
        (Value::Variant(a), Value::Variant(b)) if a.name == b.name => {
            differ(&format!("{path}::{}", a.name), &a.fields, &b.fields, found);
        }
        // An address and its bytes are the same.
        (Value::Key(key), Value::Bytes(bytes)) | (Value::Bytes(bytes), Value::Key(key))
            if bytes.as_ref() == key.as_ref() => {}
        // More of the same, behind what was there.
        (Value::Bytes(a), Value::Bytes(b)) if b.starts_with(a) => {}
        (Value::Bytes(a), Value::Bytes(b)) if a.ends_with(b) && reserved(path) => {}
        (was, is) if was == is => {}
        (was, is) => found.push(format!("{path}: {was}, now {is}")),
    }
}

fn reserved(path: &str) -> bool {
    is_reserve_name(path.rsplit('.').next().unwrap_or(path), true)
}
