//! REFs: how a proposal is named on the command line.

use std::{fmt, str::FromStr};

use solana_sdk::pubkey::Pubkey;

/// A proposal as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `12`: of the program given with `--program`, or of the only gate.
    Index(u32),
    /// `PROGRAM_ID/12`, or `COUNCIL/3` with the council's address.
    Of(Pubkey, u32),
    /// `council/3`: about the council given with `--council`, or the only one, itself.
    OfCouncil(u32),
    /// The address of its account.
    Address(Pubkey),
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let index = |text: &str| {
            text.parse::<u32>()
                .map_err(|_| format!("`{text}` is not a proposal's number"))
        };
        match text.split_once('/') {
            Some(("council", number)) => Ok(Self::OfCouncil(index(number)?)),
            Some((subject, number)) => {
                let subject = Pubkey::from_str(subject).map_err(|_| {
                    format!("`{subject}` is not a program id; names for programs are not known yet")
                })?;
                Ok(Self::Of(subject, index(number)?))
            }
            None if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 10 => {
                index(text).map(Self::Index)
            }
            None => Pubkey::from_str(text).map(Self::Address).map_err(|_| {
                format!(
                    "`{text}` names no proposal: give its number (12), PROGRAM_ID/12, council/3, or its address"
                )
            }),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Of(subject, index) => write!(f, "{subject}/{index}"),
            Self::OfCouncil(index) => write!(f, "council/{index}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "9YJvXBYcd5uzK7Qn6BKt2UfR4iZS6vRk5a9poB7RnyNq";

    #[test]
    fn every_form_is_read_and_shown_alike() {
        let key = Pubkey::from_str(KEY).unwrap();
        for (text, reference) in [
            ("12".to_string(), Reference::Index(12)),
            (format!("{KEY}/12"), Reference::Of(key, 12)),
            ("council/3".to_string(), Reference::OfCouncil(3)),
            (KEY.to_string(), Reference::Address(key)),
        ] {
            assert_eq!(text.parse(), Ok(reference.clone()));
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn all_else_is_refused_with_what_is_possible() {
        let refused = |text: &str| text.parse::<Reference>().unwrap_err();
        assert!(refused("lending/12").contains("names for programs are not known yet"));
        assert!(refused("council/x").contains("not a proposal's number"));
        assert!(refused("4294967296").contains("not a proposal's number"));
        assert!(refused("-1").contains("names no proposal"));
        assert!(refused("").contains("not a proposal's number"));
        assert!(refused(&format!("{KEY}/")).contains("not a proposal's number"));
        assert!(refused("lending").contains("PROGRAM_ID/12"));
    }
}
