//! REFs: how a proposal is named on the command line.

use std::{fmt, str::FromStr};

use crate::profile::Named;

/// A proposal as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `12`: of the program given with `--program`, or of the only gate.
    Index(u32),
    /// `PROGRAM_ID/12`, or `COUNCIL/3` with the council's address; or with their names.
    Of(Named, u32),
    /// `council/3`: about the council given with `--council`, or the only one, itself.
    OfCouncil(u32),
    /// The address of its account; where other things can be meant, the name of one.
    Subject(Named),
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
                Ok(Self::Of(subject.parse()?, index(number)?))
            }
            None if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 10 => {
                index(text).map(Self::Index)
            }
            None => text.parse().map(Self::Subject).map_err(|_: String| {
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
            Self::Subject(subject) => write!(f, "{subject}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "9YJvXBYcd5uzK7Qn6BKt2UfR4iZS6vRk5a9poB7RnyNq";

    #[test]
    fn every_form_is_read_and_shown_alike() {
        let key = Named::from_str(KEY).unwrap();
        let name = Named::Name("lending".to_string());
        for (text, reference) in [
            ("12".to_string(), Reference::Index(12)),
            (format!("{KEY}/12"), Reference::Of(key.clone(), 12)),
            ("council/3".to_string(), Reference::OfCouncil(3)),
            ("lending/12".to_string(), Reference::Of(name.clone(), 12)),
            (KEY.to_string(), Reference::Subject(key)),
            ("lending".to_string(), Reference::Subject(name)),
        ] {
            assert_eq!(text.parse(), Ok(reference.clone()));
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn all_else_is_refused_with_what_is_possible() {
        let refused = |text: &str| text.parse::<Reference>().unwrap_err();
        assert!(refused("lend ing/12").contains("neither an address"));
        assert!(refused("council/x").contains("not a proposal's number"));
        assert!(refused("4294967296").contains("not a proposal's number"));
        assert!(refused("-1").contains("names no proposal"));
        assert!(refused("").contains("not a proposal's number"));
        assert!(refused(&format!("{KEY}/")).contains("not a proposal's number"));
        assert!(refused("lend ing").contains("PROGRAM_ID/12"));
    }
}
