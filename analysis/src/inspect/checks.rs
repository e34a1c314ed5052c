//! What checks say when they refuse, and the numbers of their errors: where these are gone, so may be the check.

use std::collections::BTreeMap;

use serde::Serialize;
use solana_sbpf::ebpf;

use crate::elf::{is_error_message, Elf, Operand, Strings};

/// What messages of checks are about, in lower case.
const WORDS: &[&str] = &[
    "admin",
    "authori",
    "constraint",
    "did not sign",
    "discriminator",
    "forbidden",
    "frozen",
    "has one",
    "has_one",
    "immutable",
    "not allowed",
    "owned by",
    "owner",
    "paused",
    "permission",
    "privilege",
    "seeds",
    "signature",
    "signer",
    "slippage",
    "stale",
];
/// How names of errors begin, without a space: Anchor's, and what people call theirs.
const NAMES: &[&str] = &[
    "Account",
    "Constraint",
    "Incorrect",
    "Invalid",
    "Mismatch",
    "Missing",
    "Not",
    "Require",
    "Unauthorized",
    "Unexpected",
    "Wrong",
];
/// Texts that are looked for in what is there now, at most.
const MAX_SOUGHT: usize = 200;

/// Whether a text is what a check says: a message, or the name of an error.
fn is_check(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let about = WORDS.iter().any(|word| lower.contains(word));
    let name = NAMES.iter().any(|start| text.starts_with(start));
    about && (is_error_message(text) || (name && !text.contains([' ', '/', ':'])))
}

/// Of texts that were removed, what checks said and is not part of a longer text now.
pub(super) fn removed(texts: &[String], now: &Strings) -> Vec<String> {
    let checks = texts.iter().filter(|text| is_check(text));
    let there = |text: &&String| now.all.iter().any(|one| one.contains(text.as_str()));
    checks
        .take(MAX_SOUGHT)
        .filter(|text| !there(text))
        .cloned()
        .collect()
}

/// The errors with which Anchor's checks refuse (anchor-lang-error 1.2), and where a program's own begin.
const CODES: &[(u32, &str)] = &[
    (2000, "ConstraintMut"),
    (2001, "ConstraintHasOne"),
    (2002, "ConstraintSigner"),
    (2003, "ConstraintRaw"),
    (2004, "ConstraintOwner"),
    (2005, "ConstraintRentExempt"),
    (2006, "ConstraintSeeds"),
    (2007, "ConstraintExecutable"),
    (2009, "ConstraintAssociated"),
    (2011, "ConstraintClose"),
    (2012, "ConstraintAddress"),
    (2013, "ConstraintZero"),
    (2014, "ConstraintTokenMint"),
    (2015, "ConstraintTokenOwner"),
    (2016, "ConstraintMintMintAuthority"),
    (2017, "ConstraintMintFreezeAuthority"),
    (2021, "ConstraintTokenTokenProgram"),
    (2022, "ConstraintMintTokenProgram"),
    (2500, "RequireViolated"),
    (2501, "RequireEqViolated"),
    (2502, "RequireKeysEqViolated"),
    (2503, "RequireNeqViolated"),
    (2504, "RequireKeysNeqViolated"),
    (2505, "RequireGtViolated"),
    (2506, "RequireGteViolated"),
    (3000, "AccountDiscriminatorAlreadySet"),
    (3001, "AccountDiscriminatorNotFound"),
    (3002, "AccountDiscriminatorMismatch"),
    (3006, "AccountNotMutable"),
    (3007, "AccountOwnedByWrongProgram"),
    (3008, "InvalidProgramId"),
    (3010, "AccountNotSigner"),
    (3011, "AccountNotSystemOwned"),
    (3014, "AccountNotAssociatedTokenAccount"),
    (3015, "AccountSysvarMismatch"),
    (4100, "DeclaredProgramIdMismatch"),
];
/// A program's own errors begin with the first, in Anchor; few have so many.
const OWN_CODES: std::ops::Range<u32> = 6000..6500;

/// An error's number that stands in fewer places of the code than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeChange {
    pub code: u32,
    /// Of Anchor's own.
    pub name: Option<&'static str>,
    pub before: usize,
    pub after: usize,
}

/// The errors of Anchor and of programs made with it whose numbers stand in fewer places.
pub(super) fn codes_removed(old: &Elf, new: &Elf) -> Vec<CodeChange> {
    let now = codes(new);
    codes(old)
        .into_iter()
        .map(|(code, before)| CodeChange {
            code,
            name: name(code),
            before,
            after: now.get(&code).copied().unwrap_or_default(),
        })
        .filter(|change| change.after < change.before)
        .collect()
}

fn name(code: u32) -> Option<&'static str> {
    let found = CODES.iter().find(|(known, _)| *known == code);
    found.map(|(_, name)| *name)
}

/// In how many places of the code each number is put somewhere.
fn codes(elf: &Elf) -> BTreeMap<u32, usize> {
    let mut codes = BTreeMap::new();
    for one in &elf.code.instructions {
        let puts = matches!(
            one.opcode,
            ebpf::MOV32_IMM | ebpf::MOV64_IMM | ebpf::ST_W_IMM | ebpf::ST_DW_IMM | ebpf::ST_4B_IMM
        );
        let Ok(code) = u32::try_from(one.immediate) else {
            continue;
        };
        let known = name(code).is_some() || OWN_CODES.contains(&code);
        if puts && known && one.operand == Operand::None {
            *codes.entry(code).or_default() += 1;
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_checks_say_is_told_from_other_text() {
        for check in [
            "A signer constraint was violated",
            "Error: owner does not match",
            "Error: Account is frozen",
            "ConstraintSigner",
            "AccountNotSigner",
            "UnauthorizedAdmin",
            "The given account did not sign",
        ] {
            assert!(is_check(check), "{check}");
        }
        for other in [
            "Instruction: SetAuthority",
            "authority",
            "Error: insufficient funds",
            "src/error/signer.rs",
            "AccountInfo",
            "called `Option::unwrap()` on a `None` value",
        ] {
            assert!(!is_check(other), "{other}");
        }
    }
}
