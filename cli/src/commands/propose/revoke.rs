//! Proposes that no rollback goes to a release any more.

use std::str::FromStr;

use clap::Args;
use portcullis::{
    change::Change,
    error::PortcullisError,
    state::{Gate, Release},
};

use super::{
    change::{propose, Proposed},
    common::{CommonArgs, Place},
};
use crate::{
    client_error::{hash, rule},
    context::Context,
    error::CliError,
    output::Fields,
    preview::{Difference, Preview, Reach},
    profile::Named,
    view,
};

/// Which release.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis propose revoke 3 --program PROGRAM_ID\n  \
    portcullis propose revoke 7f3a9c… --program PROGRAM_ID")]
pub struct Revoke {
    /// The release: its number, or the SHA-256 of its code or the first 8 digits of it at least
    #[arg(value_name = "RELEASE")]
    release: ReleaseRef,
    /// The program
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Named,
    #[command(flatten)]
    common: CommonArgs,
}

/// A release as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseRef {
    Index(u32),
    /// The first digits of its SHA-256, in lower case.
    Hash(String),
}

/// The fewest digits of a hash that name a release.
const MIN_DIGITS: usize = 8;

impl FromStr for ReleaseRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.len() >= MIN_DIGITS && text.len() <= 64;
        if digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self::Hash(text.to_ascii_lowercase()));
        }
        text.parse().map(Self::Index).map_err(|_| {
            format!(
                "`{text}` must be a release's number, or {MIN_DIGITS} to 64 digits of its SHA-256"
            )
        })
    }
}

impl ReleaseRef {
    /// The release that is meant.
    ///
    /// # Errors
    /// `NotAnEarlierRelease` where the gate does not remember it.
    pub fn find(&self, gate: &Gate) -> Result<Release, CliError> {
        let found = gate.releases().find(|release| match self {
            Self::Index(index) => release.index == *index,
            Self::Hash(digits) => hash(&release.sha256).starts_with(digits),
        });
        found.copied().ok_or_else(|| {
            let known: Vec<String> = gate
                .releases()
                .map(|release| release.index.to_string())
                .collect();
            rule(PortcullisError::NotAnEarlierRelease).hint(format!(
                "the gate remembers the releases {}: portcullis gate show {}",
                known.join(", "),
                gate.program
            ))
        })
    }
}

impl Revoke {
    /// Runs it.
    ///
    /// # Errors
    /// `NotAnEarlierRelease`, and those of every proposal.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            release,
            program,
            common,
        } = self;
        let explained = common.read()?;
        let program = ctx.program(&program)?;
        let writer = ctx.writer(common.write)?;
        let place = Place::of_gate(ctx, &writer, &program).await?;
        let gate = place.gate()?;
        let release = release.find(&gate.account)?;
        let sha256 = release.sha256;
        if gate.account.is_revoked(&sha256) {
            ctx.out
                .warn(format!("release {} is revoked already", release.index));
        }
        if sha256 == gate.account.release.sha256 {
            ctx.out
                .warn("this is what runs: revoking it stops no execution of it");
        }
        let rows = vec![Difference {
            what: format!("release {}", release.index),
            before: Some(if release.revoked == 0 {
                "a rollback may go to it".to_string()
            } else {
                "revoked".to_string()
            }),
            after: Some("revoked, until an upgrade to the same code executes".to_string()),
        }];
        let reach = Reach::Revocation(gate, sha256);
        let preview = Preview::new(ctx, &place.council, rows, reach).await?;
        let details = Fields::new()
            .row("program", program)
            .row("release", view::content(&release.commitment()));
        propose(
            ctx,
            &writer,
            &place,
            Proposed {
                title: "to revoke a release",
                details,
                change: Change::RevokeRelease { sha256 },
                preview,
                explained,
            },
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;

    #[test]
    fn a_release_is_named_by_number_or_by_hash() {
        let mut gate = Gate::zeroed();
        gate.release.index = 2;
        gate.release.sha256 = [0xab; 32];
        gate.earlier[1].index = 1;
        gate.earlier[1].sha256 = [0x11; 32];
        let find = |text: &str| {
            let release: ReleaseRef = text.parse().unwrap();
            release.find(&gate).map(|release| release.index)
        };
        assert_eq!(find("1").unwrap(), 1);
        assert_eq!(find("ABABABAB").unwrap(), 2);
        assert_eq!(find("11111111").unwrap(), 1);
        let error = find("7").unwrap_err();
        assert_eq!(error.code, "NotAnEarlierRelease");
        assert!(error.hint.unwrap_or_default().contains("releases 2, 1"));
        assert!("abc".parse::<ReleaseRef>().is_err());
        assert!("-1".parse::<ReleaseRef>().is_err());
    }
}
