//! Where a user reads and agrees before anything is signed. No server is asked for it.

use std::{
    io::{self, IsTerminal},
    rc::Rc,
};

use dialoguer::Confirm;
use solana_sdk::{pubkey::Pubkey, signer::Signer};

use crate::{args::WriteArgs, context::Context, error::CliError, output::Fields};

/// Where a user reads and agrees before anything is signed.
pub struct Desk<'a> {
    pub(crate) ctx: &'a Context,
    pub(crate) args: WriteArgs,
    /// As it is shown; none: the one of the command line.
    pub(super) cluster: Option<String>,
    pub signer: Rc<dyn Signer>,
    pub(super) payer: Pubkey,
}

impl<'a> Desk<'a> {
    /// For a machine without a network: what it signs, others send and pay. `cluster` is shown.
    ///
    /// # Errors
    /// Where the signer's key cannot be used.
    pub fn offline(ctx: &'a Context, args: WriteArgs, cluster: String) -> Result<Self, CliError> {
        let (signer, _) = super::apart::actors(ctx, &args)?;
        let payer = signer.pubkey();
        Ok(Self {
            ctx,
            args,
            cluster: Some(cluster),
            signer,
            payer,
        })
    }

    /// The address that acts.
    pub fn key(&self) -> Pubkey {
        self.signer.pubkey()
    }

    /// Whether the signer or this payer asks for each signature, as a device does.
    pub(super) fn asks_each_time(&self, payer: &dyn Signer) -> bool {
        self.signer.is_interactive() || payer.is_interactive()
    }

    /// Whether nothing is signed.
    pub fn signs_nothing(&self) -> bool {
        self.args.dry_run || self.args.export
    }

    /// Shows on stderr what is about to happen, and where.
    ///
    /// # Errors
    /// Where the cluster is unknown.
    pub fn show(&self, title: &str, details: Fields) -> Result<(), CliError> {
        let cluster = match &self.cluster {
            Some(cluster) => cluster.clone(),
            None => self.ctx.cluster()?.shown(),
        };
        let mut fields = Fields::new()
            .row("cluster", cluster)
            .row("portcullis", self.ctx.portcullis())
            .row("signer", self.key());
        if self.payer != self.key() {
            fields.push("fee payer", self.payer);
        }
        fields.extend(details);
        self.ctx.out.note(&format!("{title}\n{}", fields.render(2)));
        Ok(())
    }

    /// Asks, unless `--yes` was given.
    ///
    /// # Errors
    /// `aborted` without a yes.
    pub fn confirm(&self, question: &str) -> Result<(), CliError> {
        if self.args.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(CliError::aborted(
                "this needs a confirmation, and there is no terminal to ask on",
            )
            .hint("look at what is shown above, then run it again with --yes"));
        }
        let agreed = Confirm::new()
            .with_prompt(question)
            .default(false)
            .interact()
            .map_err(|error| {
                CliError::aborted(format!("the question was not answered: {error}"))
            })?;
        if agreed {
            Ok(())
        } else {
            Err(CliError::aborted("not confirmed; nothing was sent"))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use solana_sdk::{
        signature::{Keypair, Signature},
        signer::SignerError,
    };

    use super::*;
    use crate::{
        args::{Cli, Command},
        output::{Format, Output},
        write::Writer,
    };

    struct Device(Keypair);

    impl Signer for Device {
        fn try_pubkey(&self) -> Result<Pubkey, SignerError> {
            self.0.try_pubkey()
        }

        fn try_sign_message(&self, message: &[u8]) -> Result<Signature, SignerError> {
            self.0.try_sign_message(message)
        }

        fn is_interactive(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_device_is_not_asked_a_thousand_times() {
        let cli = Cli::try_parse_from(["portcullis", "cancel", "0", "-u", "l"]).unwrap();
        let Command::Cancel(_) = &cli.command else {
            panic!("not cancel");
        };
        let ctx = Context::new(cli.global, Rc::new(Output::new(Format::Text, "test"))).unwrap();
        let file = || -> Rc<dyn Signer> { Rc::new(Keypair::new()) };
        let device = || -> Rc<dyn Signer> { Rc::new(Device(Keypair::new())) };
        for (signer, payer, free) in [
            (file(), file(), true),
            (device(), file(), false),
            (file(), device(), false),
        ] {
            let desk = Desk {
                ctx: &ctx,
                args: WriteArgs::default(),
                cluster: None,
                payer: payer.pubkey(),
                signer,
            };
            let client = ctx.client().unwrap();
            let writer = Writer {
                desk,
                client,
                payer,
            };
            assert_eq!(writer.signs_freely(), free);
            let refused = writer.refuse_device("an upload takes many transactions", "use a file");
            assert_eq!(refused.is_ok(), free);
            if let Err(error) = refused {
                assert_eq!(error.code, "interactive_signer");
                assert_eq!(
                    error.message,
                    "an upload takes many transactions, and a device asks for each"
                );
            }
        }
    }
}
