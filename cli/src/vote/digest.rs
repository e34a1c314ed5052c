//! `--digest`: what a voter has reviewed.

use std::str::FromStr;

use portcullis_client::account::ProposalView;

use crate::{client_error::hash, error::CliError, view};

/// A digest, or its beginning: enough that nobody can find another proposal that begins alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestArg(String);

const MIN_DIGEST_DIGITS: usize = 32;

impl FromStr for DigestArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.to_ascii_lowercase();
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hexadecimal && (MIN_DIGEST_DIGITS..=64).contains(&digits.len()) {
            return Ok(Self(digits));
        }
        Err(format!(
            "a digest must be {MIN_DIGEST_DIGITS} to 64 hexadecimal digits, found {} characters",
            text.chars().count()
        ))
    }
}

impl DigestArg {
    /// Requires that this is the proposal's.
    ///
    /// # Errors
    /// `digest_mismatch`.
    pub fn require(&self, view: &ProposalView) -> Result<(), CliError> {
        let digest = hash(&view.digest);
        if digest.starts_with(&self.0) {
            return Ok(());
        }
        let name = view::name(view);
        Err(CliError::mismatch(
            "digest_mismatch",
            format!(
                "proposal {name} has the digest {digest}, --digest says {}",
                self.0
            ),
        )
        .hint(format!(
            "this is not the proposal that you reviewed; look at it again: portcullis review {name}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_32_to_64_hexadecimal_digits() {
        let parse = |text: &str| text.parse::<DigestArg>();
        assert!(parse(&"a".repeat(31))
            .unwrap_err()
            .contains("found 31 characters"));
        assert_eq!(parse(&"A".repeat(32)), Ok(DigestArg("a".repeat(32))));
        assert!(parse(&"a".repeat(64)).is_ok());
        assert!(parse(&"a".repeat(65)).is_err());
        assert!(parse(&"z0".repeat(16)).is_err());
    }
}
