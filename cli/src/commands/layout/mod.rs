//! Tells what a new IDL breaks; tries it on accounts that exist.

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

/// Which IDLs, and which accounts.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis layout old.json target/idl/lending.json\n  \
    portcullis layout PROGRAM_ID target/idl/lending.json --sample 1000 -u mainnet-beta\n  \
    portcullis layout old.json new.json --accounts dumps/ --allow account-grown=Vault\n\n\
    IDLs are those of Anchor. With a program's id or name in place of a file, its IDL is fetched: from the program-metadata\n\
    program, else from Anchor's IDL account. Accounts that cannot be read are no reason to pass: what only they can settle\n\
    (account-grown) stays breaking until all have been tried.")]
pub struct Layout {
    /// The IDL of the program that runs: a file, or the program's id or name
    #[arg(value_name = "OLD")]
    old: String,
    /// The IDL of the proposed program
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    options: Options,
}

/// On which accounts the new layout is tried, and what is taken for safe.
#[derive(Args, Debug)]
pub struct Options {
    /// Decode so many of the program's accounts of each type with both layouts
    #[arg(long, value_name = "NUMBER", conflicts_with = "accounts")]
    sample: Option<usize>,
    /// The program whose accounts are read [default: that of OLD]
    #[arg(long, value_name = "PROGRAM_ID", requires = "sample")]
    program: Option<Named>,
    /// Decode the accounts in this folder instead: what `solana account --output json` writes, or data alone in .bin files
    #[arg(long, value_name = "FOLDER")]
    accounts: Option<PathBuf>,
    /// Take this change for safe, everywhere or at one path; may be given several times
    #[arg(long, value_name = "RULE[=PATH]", value_parser = parse_allowed)]
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

impl Layout {
    /// Runs it.
    ///
    /// # Errors
    /// `layout_breaking`; an IDL or accounts that cannot be read.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { old, new, options } = self;
        options.run(ctx, &old, &new).await
    }
}

impl Options {
    /// Compares two IDLs, each a file, or a program's id or name.
    ///
    /// # Errors
    /// As [`Layout::run`].
    pub async fn run(self, ctx: &Context, old: &str, new: &str) -> Result<(), CliError> {
        let Self {
            sample,
            program,
            accounts,
            allow,
        } = self;
        let (old, new) = (idl::load(ctx, old).await?, idl::load(ctx, new).await?);
        let mut report = compare(&old.idl, &new.idl);
        let owner = match &program {
            Some(program) => Some(ctx.program(program)?),
            None => old.program.or(old.idl.program()),
        };
        let tried = match (sample, &accounts) {
            (Some(count), _) => {
                Some(accounts::live(ctx, &old.idl, &required(owner)?, count).await?)
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

fn required(owner: Option<Pubkey>) -> Result<Pubkey, CliError> {
    owner.ok_or_else(|| {
        CliError::usage(
            "no_program",
            "a program must be named whose accounts are read, and the old IDL names none",
        )
        .hint("give it with --program PROGRAM_ID")
    })
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
