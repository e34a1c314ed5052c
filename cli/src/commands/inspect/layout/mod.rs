//! `inspect --idl`: tells what a new IDL breaks; tries it on accounts that exist.

mod accounts;
mod page;

use std::path::PathBuf;

use clap::Args;
use portcullis_analysis::layout::{compare, evidence, Change, Report, Rule, Verdict};
use solana_sdk::pubkey::Pubkey;

use crate::{
    context::Context,
    error::CliError,
    idl::{self, Found},
    profile::Named,
};

/// On which accounts the new layout is tried, and what is taken for safe. `requires` alone would let them pass beside a
/// subject, which excludes what they require.
#[derive(Args, Debug)]
pub struct Options {
    /// With --idl: decode so many accounts of each type with both layouts, of OLD's program or --program
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "idl",
        conflicts_with_all = ["accounts", "subject"]
    )]
    sample: Option<usize>,
    /// With --idl: decode the accounts in this folder instead: what `solana account --output json` writes, or data alone in
    /// .bin files
    #[arg(
        long,
        value_name = "FOLDER",
        requires = "idl",
        conflicts_with = "subject"
    )]
    accounts: Option<PathBuf>,
    /// With --idl: take this change for safe, everywhere or at one path; may be given several times
    #[arg(
        long,
        value_name = "RULE[=PATH]",
        requires = "idl",
        conflicts_with = "subject",
        value_parser = parse_allowed
    )]
    allow: Vec<Allowed>,
}

/// A change that the user takes for safe.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    rule: Rule,
    path: Option<String>,
}

impl Allowed {
    fn covers(&self, change: &Change) -> bool {
        let here = self.path.as_ref().is_none_or(|path| *path == change.path);
        self.rule == change.rule && here
    }
}

fn parse_allowed(text: &str) -> Result<Allowed, String> {
    let (rule, path) = match text.split_once('=') {
        Some((rule, path)) => (rule, Some(path.to_string())),
        None => (text, None),
    };
    let rule = Rule::ALL.iter().find(|known| known.id() == rule).copied();
    let rule = rule.ok_or("there is no such rule; docs/layout.md lists them all")?;
    Ok(Allowed { rule, path })
}

/// What was found, for the page and for JSON.
struct Outcome {
    old: Found,
    new: Found,
    report: Report,
    /// None: no accounts were asked for.
    evidence: Option<Vec<evidence::TypeEvidence>>,
    allow: Vec<Allowed>,
}

impl Outcome {
    fn is_allowed(&self, change: &Change) -> bool {
        change.verdict == Verdict::Breaking && self.allow.iter().any(|one| one.covers(change))
    }

    /// Those that nobody allows.
    fn breaking(&self) -> usize {
        let breaking = self.report.breaking();
        breaking.filter(|change| !self.is_allowed(change)).count()
    }

    /// What to do about them.
    fn hint(&self) -> &'static str {
        let mut open = self
            .report
            .breaking()
            .filter(|change| !self.is_allowed(change));
        let grown = open.any(|change| change.rule == Rule::AccountGrown);
        let partial =
            |tried: &[evidence::TypeEvidence]| tried.iter().any(|one| one.read < one.total);
        match &self.evidence {
            None if grown => {
                "--sample NUMBER tries existing accounts, which may have room; --allow RULE=PATH takes a change for safe"
            }
            Some(tried) if grown && partial(tried) => {
                "a larger --sample tries all accounts; --allow RULE=PATH takes a change for safe"
            }
            _ => "change the new program, migrate what exists, or take a change for safe with --allow RULE=PATH",
        }
    }
}

impl Options {
    /// Compares two IDLs, each a file, or a program's id or name; accounts are those of `program`, if OLD does not say.
    ///
    /// # Errors
    /// `layout_breaking`; an IDL or accounts that cannot be read.
    pub async fn run(
        self,
        ctx: &Context,
        (old, new): (&str, &str),
        program: Option<&Named>,
    ) -> Result<(), CliError> {
        let Self {
            sample,
            accounts,
            allow,
        } = self;
        let (old, new) = (idl::load(ctx, old).await?, idl::load(ctx, new).await?);
        let mut report = compare(&old.idl, &new.idl);
        let tried = match (sample, &accounts) {
            (Some(count), _) => {
                let owner = owner(ctx, &old, program)?;
                Some(accounts::live(ctx, &old.idl, &owner, count).await?)
            }
            (None, Some(folder)) => Some(accounts::dumped(folder)?),
            (None, None) => None,
        };
        let evidence = tried.map(|tried| {
            let sample = evidence::Sample {
                accounts: &tried.accounts,
                totals: tried.totals,
            };
            evidence::check(&old.idl, &new.idl, &sample, &mut report)
        });
        let outcome = Outcome {
            old,
            new,
            report,
            evidence,
            allow,
        };
        let (text, data) = (page::text(&outcome), page::json(&outcome));
        let message = match outcome.breaking() {
            0 => {
                ctx.out.result(&text, data);
                return Ok(());
            }
            1 => "the new layout breaks what exists: 1 breaking change".to_string(),
            count => format!("the new layout breaks what exists: {count} breaking changes"),
        };
        ctx.out.text_only(&text);
        // The layout is not the one that accounts and callers expect.
        let error = CliError::mismatch("layout_breaking", message);
        Err(error.hint(outcome.hint()).data(data))
    }
}

/// The program whose accounts are read. Of another one there would be none that breaks.
fn owner(ctx: &Context, old: &Found, program: Option<&Named>) -> Result<Pubkey, CliError> {
    let given = program.map(|program| ctx.program(program)).transpose()?;
    match (given, old.program.or(old.idl.program())) {
        (Some(given), Some(told)) if given != told => Err(CliError::usage(
            "another_program",
            format!("the accounts must be those of the old IDL's program {told}, --program or PORTCULLIS_PROGRAM names {given}"),
        )
        .hint("leave out --program and unset PORTCULLIS_PROGRAM, or give the IDL of that program")),
        (given, told) => given.or(told).ok_or_else(|| {
            CliError::usage(
                "no_program",
                "a program must be named whose accounts are read, and the old IDL names none",
            )
            .hint("give it with --program PROGRAM_ID")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_allowed_everywhere_or_at_a_path() {
        let everywhere = parse_allowed("account-grown").unwrap();
        let here = parse_allowed("account-grown=Vault").unwrap();
        assert_eq!(
            (everywhere.path, here.path),
            (None, Some("Vault".to_string()))
        );
        let error = parse_allowed("account-shrunk").unwrap_err();
        assert!(error.contains("docs/layout.md"), "{error}");
    }
}
