//! What a project has approved in advance, and how it weighs findings: a file in TOML.

use std::{collections::BTreeSet, str::FromStr};

use serde::Deserialize;
use solana_sdk::pubkey::Pubkey;

use super::{
    finding::{Finding, Ignored},
    rules::{self, Severity},
};

/// The only version of the file's format.
const VERSION: u32 = 1;

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("it is not a policy: {0}")]
    NotAPolicy(String),
    #[error("its version must be {VERSION}, found {0}: this portcullis may be too old for it")]
    Version(u32),
    #[error("`{0}` is not the address of a program: give 32 bytes in base58")]
    NotAnAddress(String),
    #[error("there is no rule `{0}`: the rules are {rules}", rules = rule_ids())]
    NoSuchRule(String),
    #[error("rule {0} is named twice: give it one [[rule]]")]
    RuleTwice(String),
    #[error("rule {0} has no reason: say in `reason` why its severity is another")]
    NoReason(String),
}

fn rule_ids() -> String {
    let ids: Vec<&str> = rules::RULES.iter().map(|rule| rule.id).collect();
    ids.join(", ")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    max_len_bytes: Option<usize>,
    syscalls: Option<List>,
    programs: Option<List>,
    #[serde(default)]
    rule: Vec<RuleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    id: String,
    severity: Weight,
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Weight {
    Ignore,
    Info,
    Low,
    Medium,
    High,
}

/// A policy. The default one allows everything and changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Of the ELF without trailing zeros.
    pub max_len_bytes: Option<usize>,
    syscalls: Option<BTreeSet<String>>,
    programs: Option<BTreeSet<String>>,
    rules: Vec<(&'static str, Weight, String)>,
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text)
            .map_err(|error| PolicyError::NotAPolicy(error.to_string().trim().to_string()))?;
        if file.version != VERSION {
            return Err(PolicyError::Version(file.version));
        }
        let programs = file.programs.map(|list| {
            let programs = list.allow.into_iter();
            let address = |text: String| match Pubkey::from_str(&text) {
                Ok(address) => Ok(address.to_string()),
                Err(_) => Err(PolicyError::NotAnAddress(text)),
            };
            programs.map(address).collect::<Result<_, _>>()
        });
        let mut rules: Vec<(&'static str, Weight, String)> = Vec::new();
        for entry in file.rule {
            let Some(rule) = rules::rule(&entry.id) else {
                return Err(PolicyError::NoSuchRule(entry.id));
            };
            if rules.iter().any(|(id, _, _)| *id == rule.id) {
                return Err(PolicyError::RuleTwice(entry.id));
            }
            if entry.reason.trim().is_empty() {
                return Err(PolicyError::NoReason(entry.id));
            }
            rules.push((rule.id, entry.severity, entry.reason));
        }
        Ok(Self {
            max_len_bytes: file.max_len_bytes,
            syscalls: file.syscalls.map(|list| list.allow.into_iter().collect()),
            programs: programs.transpose()?,
            rules,
        })
    }
}

impl Policy {
    /// Whether its list has a system call; `None` where it has no such list.
    pub fn allows_syscall(&self, name: &str) -> Option<bool> {
        self.syscalls.as_ref().map(|list| list.contains(name))
    }

    /// Whether its list has a program; `None` where it has no such list.
    pub fn allows_program(&self, address: &str) -> Option<bool> {
        self.programs.as_ref().map(|list| list.contains(address))
    }

    /// Findings as it weighs them, the gravest first, and those that it takes out.
    pub(super) fn weigh(&self, findings: Vec<Finding>) -> (Vec<Finding>, Vec<Ignored>) {
        let (mut kept, mut ignored) = (Vec::new(), Vec::new());
        for mut finding in findings {
            let weight = self.rules.iter().find(|(id, _, _)| *id == finding.rule);
            if let Some((_, weight, reason)) = weight {
                finding.severity = match weight {
                    Weight::Ignore => {
                        let reason = reason.clone();
                        ignored.push(Ignored { finding, reason });
                        continue;
                    }
                    Weight::Info => Severity::Info,
                    Weight::Low => Severity::Low,
                    Weight::Medium => Severity::Medium,
                    Weight::High => Severity::High,
                };
            }
            kept.push(finding);
        }
        kept.sort_by_key(|one| (std::cmp::Reverse(one.severity), one.rule));
        (kept, ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";

    fn refused(text: &str) -> PolicyError {
        text.parse::<Policy>().unwrap_err()
    }

    #[test]
    fn lists_allow_what_they_name_and_nothing_else() {
        let policy: Policy = format!(
            "version = 1\nmax_len_bytes = 5\n[syscalls]\nallow = [\"sol_log_\"]\n[programs]\nallow = [\"{TOKEN}\"]\n"
        )
        .parse()
        .unwrap();
        assert_eq!(policy.max_len_bytes, Some(5));
        assert_eq!(policy.allows_syscall("sol_log_"), Some(true));
        assert_eq!(policy.allows_syscall("sol_sha256"), Some(false));
        assert_eq!(policy.allows_program(TOKEN), Some(true));
        assert_eq!(policy.allows_program("x"), Some(false));
        let none = Policy::default();
        assert_eq!(none.allows_syscall("sol_log_"), None);
        assert_eq!(none.allows_program(TOKEN), None);
        assert_eq!("version = 1".parse(), Ok(none));
    }

    #[test]
    fn what_a_policy_cannot_say_is_refused() {
        assert!(matches!(refused(""), PolicyError::NotAPolicy(text) if text.contains("version")));
        assert!(
            matches!(refused("version = 1\nmax_len = 4"), PolicyError::NotAPolicy(text) if text.contains("max_len"))
        );
        assert!(
            matches!(refused("version = 1\n[syscalls]\ndeny = []"), PolicyError::NotAPolicy(text) if text.contains("deny"))
        );
        assert_eq!(refused("version = 2"), PolicyError::Version(2));
        assert_eq!(
            refused("version = 1\n[programs]\nallow = [\"token\"]"),
            PolicyError::NotAnAddress("token".to_string())
        );
        let rule = |id: &str, reason: &str| {
            format!("[[rule]]\nid = \"{id}\"\nseverity = \"low\"\nreason = \"{reason}\"\n")
        };
        assert_eq!(
            refused(&format!("version = 1\n{}", rule("PI999", "x"))),
            PolicyError::NoSuchRule("PI999".to_string())
        );
        assert_eq!(
            refused(&format!("version = 1\n{}", rule("PI002", " "))),
            PolicyError::NoReason("PI002".to_string())
        );
        let one = rule("PI002", "x");
        assert_eq!(
            refused(&format!("version = 1\n{one}{one}")),
            PolicyError::RuleTwice("PI002".to_string())
        );
        assert!(
            matches!(refused("version = 1\n[[rule]]\nid = \"PI002\"\nseverity = \"none\"\nreason = \"x\""), PolicyError::NotAPolicy(text) if text.contains("severity"))
        );
    }
}
