//! `--sign-only` and `--signer`: one transaction that several machines sign.

use std::{rc::Rc, str::FromStr};

use base64::{engine::general_purpose::STANDARD, Engine};
use clap::Args;
use portcullis_client::{
    transaction::{build_message, put_together, sign_partly, with_budget, VersionedMessage},
    ClientError, SendOptions,
};
use serde_json::{json, Value};
use solana_sdk::{
    hash::Hash,
    pubkey::Pubkey,
    signature::Signature,
    signer::{null_signer::NullSigner, Signer},
};

use super::{Step, Writer};
use crate::{args::WriteArgs, context::Context, error::CliError, price::ComputeUnitPrice, signer};

/// Signing on several machines, as Solana's own tools do it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Signing on several machines")]
pub struct ApartArgs {
    /// Sign with the keys that are here, print the signatures, send nothing; -k, --fee-payer and other signers may be plain
    /// addresses, whose signatures are then absent. The cluster is read, never written
    #[arg(long, requires = "blockhash", conflicts_with_all = ["dry_run", "export"])]
    pub sign_only: bool,
    /// The blockhash of the transaction: all must sign within the minute that it lives. There is no durable nonce here: gates
    /// refuse the votes in such transactions, so sign a vote at leisure with --sign-message
    #[arg(long, value_name = "HASH", conflicts_with_all = ["dry_run", "export"])]
    pub blockhash: Option<Hash>,
    /// A signature that --sign-only printed, once for each; -k, --fee-payer and other signers may be plain addresses then
    #[arg(
        long = "signer",
        value_name = "PUBKEY=SIGNATURE",
        requires = "blockhash",
        conflicts_with = "sign_only"
    )]
    pub presigned: Vec<Presigned>,
}

impl ApartArgs {
    /// Whether the transaction must be the same on several machines.
    pub fn is_used(&self) -> bool {
        self.blockhash.is_some()
    }

    fn takes_addresses(&self) -> bool {
        self.sign_only || !self.presigned.is_empty()
    }
}

/// A key and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presigned(pub Pubkey, pub Signature);

impl FromStr for Presigned {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(key, signature)| {
            let key = Pubkey::from_str(key).ok()?;
            Some(Self(key, Signature::from_str(signature).ok()?))
        });
        parts.ok_or_else(|| {
            "a signature must be PUBKEY=SIGNATURE in base58, as --sign-only prints it".to_string()
        })
    }
}

/// A signer, or its address where its signature is not made here.
///
/// # Errors
/// Those of [`signer::load`].
pub fn load(args: &WriteArgs, source: &str, what: &str) -> Result<Box<dyn Signer>, CliError> {
    match Pubkey::from_str(source) {
        Ok(address) if takes_addresses(args) => Ok(Box::new(NullSigner::new(&address))),
        _ => signer::load(source, what),
    }
}

fn takes_addresses(args: &WriteArgs) -> bool {
    args.export || args.apart.takes_addresses()
}

/// A signer that is shared.
type Shared = Rc<dyn Signer>;

/// Who acts and who pays, as addresses where these are enough.
///
/// # Errors
/// Where one of them is missing or cannot be read.
pub fn actors(ctx: &Context, args: &WriteArgs) -> Result<(Shared, Shared), CliError> {
    if !takes_addresses(args) {
        return Ok((Rc::clone(ctx.signer()?), Rc::clone(ctx.fee_payer()?)));
    }
    let actor = match &ctx.global.keypair {
        Some(source) => Rc::from(load(args, source, "keypair")?),
        None => Rc::clone(ctx.signer()?),
    };
    let payer = match &ctx.global.fee_payer {
        Some(source) => Rc::from(load(args, source, "fee payer")?),
        None => Rc::clone(&actor),
    };
    Ok((actor, payer))
}

/// Requires that nothing in the transaction follows from the moment at which a machine builds it.
///
/// # Errors
/// `price_not_fixed`.
pub fn require_fixed_price(ctx: &Context, args: &WriteArgs) -> Result<(), CliError> {
    let changes = matches!(
        ctx.global.compute_unit_price,
        Some(ComputeUnitPrice::Auto { .. })
    );
    if !args.apart.is_used() || !changes {
        return Ok(());
    }
    Err(CliError::usage(
        "price_not_fixed",
        "several machines must sign the same priority fee, and `auto` may be another on each",
    )
    .hint("give a number with --with-compute-unit-price"))
}

impl Writer<'_> {
    /// Requires that there is one transaction where it is signed on several machines.
    ///
    /// # Errors
    /// `several_transactions`.
    pub fn require_one_transaction(&self, steps: &[Step]) -> Result<(), CliError> {
        if !self.args().apart.is_used() || steps.len() == 1 {
            return Ok(());
        }
        let labels: Vec<&str> = steps.iter().map(|step| step.label.as_str()).collect();
        Err(CliError::usage(
            "several_transactions",
            format!(
                "one transaction can be signed on several machines at a time, this takes {}: {}",
                steps.len(),
                labels.join("; ")
            ),
        )
        .hint("name less at once; or let the keys sign on one machine, without --blockhash"))
    }

    /// Refuses to sign on several machines what takes many transactions.
    ///
    /// # Errors
    /// `not_signable_apart`.
    pub fn refuse_apart(&self, why: &str, hint: &str) -> Result<(), CliError> {
        if self.args().apart.is_used() {
            return Err(CliError::usage("not_signable_apart", why).hint(hint));
        }
        Ok(())
    }

    fn message(&self, step: &Step, blockhash: Hash) -> Result<VersionedMessage, CliError> {
        let options: SendOptions = self.options(step.compute_units);
        let instructions = with_budget(&step.instructions, &options);
        let payer = self.payer_key();
        Ok(build_message(
            &instructions,
            &payer,
            &options.lookup_tables,
            blockhash,
        )?)
    }

    /// Signs with the keys that are here, and prints what they signed in the form of Solana's own tools.
    pub(super) fn sign_only(
        &self,
        steps: &[Step],
        blockhash: Hash,
        signers: &[&dyn Signer],
        would: Value,
    ) -> Result<(), CliError> {
        self.require_one_transaction(steps)?;
        let Some(step) = steps.first() else {
            return Ok(());
        };
        self.confirm()?;
        let message = self.message(step, blockhash)?;
        let signed = sign_partly(&message, signers)?;
        let encoded = STANDARD.encode(message.serialize());
        let given: Vec<String> = signed
            .iter()
            .filter_map(|(key, signature)| Some(format!("{key}={}", signature.as_ref()?)))
            .collect();
        let absent: Vec<String> = signed
            .iter()
            .filter(|(_, signature)| signature.is_none())
            .map(|(key, _)| key.to_string())
            .collect();
        let mut text = format!("Blockhash: {blockhash}\nTransaction Message: {encoded}");
        for (heading, lines) in [
            ("Signers (Pubkey=Signature):", &given),
            ("Absent Signers (Pubkey):", &absent),
        ] {
            if !lines.is_empty() {
                text.push_str(&format!("\n{heading}\n {}", lines.join("\n ")));
            }
        }
        self.desk.ctx.out.result(
            &text,
            json!({
                "sign_only": true,
                "label": step.label,
                "blockhash": blockhash.to_string(),
                "message_base64": encoded,
                "signers": given,
                "absent": absent,
                "would": would,
            }),
        );
        let flags: Vec<String> = given
            .iter()
            .map(|pair| format!("--signer {pair}"))
            .collect();
        self.desk.ctx.out.note(&format!(
            "next, while the blockhash lives: the same command on the machine that sends, with {} instead of --sign-only",
            match flags.is_empty() {
                true => "--signer PUBKEY=SIGNATURE".to_string(),
                false => flags.join(" "),
            }
        ));
        Ok(())
    }

    /// Puts the signatures from elsewhere beside those of the keys that are here, and sends.
    pub(super) async fn send_apart(
        &self,
        step: &Step,
        blockhash: Hash,
        signers: &[&dyn Signer],
    ) -> Result<Signature, CliError> {
        let message = self.message(step, blockhash)?;
        let encoded = STANDARD.encode(message.serialize());
        let given: Vec<(Pubkey, Signature)> = self
            .args()
            .apart
            .presigned
            .iter()
            .map(|Presigned(key, signature)| (*key, *signature))
            .collect();
        let transaction = put_together(message, &given, signers).map_err(|error| {
            let foreign = matches!(error, ClientError::ForeignSignature { .. });
            let missing = matches!(error, ClientError::Signing { .. });
            let error = CliError::from(error);
            match (foreign, missing) {
                (true, _) => {
                    self.desk
                        .ctx
                        .out
                        .note(&format!("Transaction Message: {encoded}"));
                    error.data(json!({ "message_base64": encoded }))
                }
                (_, true) => error.hint(
                    "give its key here, or its signature with --signer PUBKEY=SIGNATURE; --sign-only makes it where the key is",
                ),
                _ => error,
            }
        })?;
        let sent = self.client.send_signed(&transaction).await;
        sent.map_err(|error| {
            let expired = matches!(error, ClientError::BlockhashExpired { .. });
            let error = CliError::from(error);
            match expired {
                true => error.hint(
                    "a blockhash lives about a minute, and only on its own cluster: sign anew with a newer one on every machine",
                ),
                false => error,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presigned_signature_is_a_key_and_a_signature() {
        let key = Pubkey::new_from_array([7; 32]);
        let signature = Signature::from([9; 64]);
        let text = format!("{key}={signature}");
        assert_eq!(text.parse(), Ok(Presigned(key, signature)));
        for wrong in [
            key.to_string(),
            format!("{key}="),
            format!("={signature}"),
            format!("{signature}={key}"),
        ] {
            assert!(wrong.parse::<Presigned>().is_err(), "{wrong}");
        }
    }
}
