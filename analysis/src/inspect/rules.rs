//! The rules that findings name. Ids are stable: pipelines and policies rely on them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To know.
    Info,
    /// To look at once.
    Low,
    /// To be explained before anyone approves.
    Medium,
    /// Not without a reason that everybody knows.
    High,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "info" => Ok(Self::Info),
            "low" => Ok(Self::Low),
            "medium" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            _ => Err(format!(
                "`{text}` is no severity: give info, low, medium or high"
            )),
        }
    }
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: &'static str,
    pub name: &'static str,
    /// Unless the finding says otherwise.
    pub severity: Severity,
    /// Why it matters.
    pub explanation: &'static str,
}

macro_rules! rules {
    ($($constant:ident $id:literal $name:literal $severity:ident $explanation:literal)*) => {
        $(
            #[doc = $explanation]
            pub const $constant: Rule = Rule {
                id: $id,
                name: $name,
                severity: Severity::$severity,
                explanation: $explanation,
            };
        )*
        /// Every rule, by id.
        pub static RULES: &[Rule] = &[$($constant),*];
    };
}

rules! {
    LOADER_REFUSES "PI001" "loader-refuses" High
        "The loader would not take this ELF: an upgrade to it fails."
    OLD_SBPF_VERSION "PI002" "old-sbpf-version" Low
        "ELFs below sBPF version 3 can no longer be deployed, nor a program with one be finalized, once SIMD-0500 is active."
    UNKNOWN_SYSCALL "PI003" "unknown-syscall" Medium
        "It makes a system call that this version does not know: nobody can say here what it does."
    NO_SECURITY_TXT "PI004" "no-security-txt" Info
        "It does not say whom to tell about a flaw."
    PROGRAMDATA_TOO_SMALL "PI005" "programdata-too-small" Low
        "The program's account is too small: it must be extended before the upgrade can be executed."
    TOO_LARGE "PI006" "larger-than-policy" High
        "It is larger than the policy allows."
    SYSCALL_NOT_ALLOWED "PI007" "syscall-not-allowed" High
        "It makes a system call that is not on the policy's list."
    PROGRAM_NOT_ALLOWED "PI008" "program-not-allowed" High
        "It holds the address of a program that is not on the policy's list."
    LOADER_RULES_UNKNOWN "PI009" "loader-rules-unknown" Medium
        "The cluster did not show which of its features are active: whether its loader takes the ELF is not known."
    SYSCALL_NOT_OFFERED "PI010" "syscall-not-offered" High
        "It makes a system call that the cluster does not offer: the loader takes it, and it fails where it gets there."
    CPI_ADDED "PI101" "cpi-added" High
        "It can call other programs and sign for its own addresses, in a way that it could not before."
    SYSCALL_ADDED "PI102" "syscall-added" Medium
        "It makes a system call that it did not make before."
    SYSCALL_REMOVED "PI103" "syscall-removed" Info
        "It no longer makes a system call."
    PROGRAM_ADDED "PI104" "program-added" Medium
        "It holds the address of a program that it did not hold before, and may call it."
    PROGRAM_REMOVED "PI105" "program-removed" Low
        "It no longer holds the address of a program: a check that named it may be gone."
    ADDRESS_ADDED "PI106" "address-added" Low
        "It holds 32 bytes that look like an address and were not there before; they may be a hash or a table as well."
    ADDRESS_REMOVED "PI107" "address-removed" Low
        "It no longer holds 32 bytes that looked like an address: a check that named it may be gone."
    CALLER_CHANGED "PI108" "caller-changed" Medium
        "A function that calls other programs is new or was changed: what it signs for may be different."
    CODE_CHANGED "PI109" "code-changed" Info
        "Functions were added, removed or changed."
    ENTRY_CHANGED "PI110" "entry-changed" Low
        "The function that runs first was changed: how instructions are told apart may be different."
    SBPF_VERSION_CHANGED "PI111" "sbpf-version-changed" Info
        "The sBPF version is another, so every instruction may be; a lower one is not what a newer toolchain makes."
    SECURITY_TXT_CHANGED "PI112" "security-txt-changed" Low
        "It says otherwise whom to tell about a flaw, or nothing any more."
    ERRORS_REMOVED "PI113" "error-messages-removed" Low
        "Messages of errors are gone: so may be the checks that gave them."
    ERRORS_ADDED "PI114" "error-messages-added" Info
        "There are new messages of errors."
    SIZE_CHANGED "PI115" "size-changed" Info
        "Its size is another."
    DATA_CHANGED "PI116" "constants-changed" Low
        "Constants were changed though the code that points to them was not: a limit, a key or a table may be different."
    ADDRESS_REPLACED "PI117" "address-replaced" Medium
        "Bytes that looked like an address are gone and others are there: whoever had a right by his key may no longer be the one."
    CHECK_REMOVED "PI118" "check-message-removed" Medium
        "What a check of signers, owners or rights says is gone: so may be the check."
    FUNCTION_EMPTIED "PI119" "function-emptied" High
        "A function that did something before now only returns: if it was a check, everything passes it."
    LITTLE_CHANGED "PI120" "little-changed" Low
        "Only a few instructions of a function are others: a limit, a fee, a key or a condition may be different."
    OWN_ADDRESS_REMOVED "PI121" "own-address-removed" Medium
        "It no longer holds the address of the program that it is for: one built for another address may refuse every instruction."
    ERROR_CODE_REMOVED "PI122" "error-code-removed" Medium
        "The number of an error of Anchor's checks, or of the program's own, stands in fewer places: so may be the check."
    CONDITIONS_REMOVED "PI123" "conditions-removed" Low
        "A function decides in fewer places than before: a check may be gone, or the compiler has joined two."
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_names_are_unique() {
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
        for one in RULES {
            assert_eq!(rule(one.id), Some(one));
            assert_eq!(RULES.iter().filter(|rule| rule.name == one.name).count(), 1);
        }
    }

    #[test]
    fn severities_are_ordered_and_read_as_shown() {
        assert!(Severity::Info < Severity::Low && Severity::Medium < Severity::High);
        for severity in [
            Severity::Info,
            Severity::Low,
            Severity::Medium,
            Severity::High,
        ] {
            assert_eq!(severity.to_string().parse(), Ok(severity));
        }
        assert!("High".parse::<Severity>().is_err());
    }
}
