//! `--export`: what would be sent, for somebody else to sign: each instruction with its accounts and data, and the whole as an
//! unsigned message for the vault of another multisig.

use base64::{engine::general_purpose::STANDARD, Engine};
use portcullis_client::transaction::build_message;
use serde_json::{json, Value};
use solana_sdk::{
    hash::Hash,
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

use crate::{error::CliError, output::Fields, write::Step};

/// The steps for people and for programs. `actor` acts unless a program's address does, such as a vault.
///
/// # Errors
/// `invalid_transaction`; cannot happen with instructions made here.
pub fn render(steps: &[Step], actor: &Pubkey) -> Result<(String, Value), CliError> {
    let mut texts = vec!["export: nothing was signed or sent".to_string()];
    let mut transactions = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let (text, value) = transaction(step, actor)?;
        texts.push(format!(
            "transaction {} of {}: {}\n{text}",
            place.saturating_add(1),
            steps.len(),
            step.label
        ));
        transactions.push(value);
    }
    Ok((texts.join("\n\n"), json!(transactions)))
}

fn transaction(step: &Step, actor: &Pubkey) -> Result<(String, Value), CliError> {
    let mut texts = Vec::new();
    let mut instructions = Vec::new();
    for (place, instruction) in step.instructions.iter().enumerate() {
        let data = (
            bs58::encode(&instruction.data).into_string(),
            STANDARD.encode(&instruction.data),
        );
        let fields = Fields::new()
            .row("program", instruction.program_id)
            .row("data, base58", &data.0)
            .row("data, base64", &data.1);
        let accounts: Vec<String> = instruction.accounts.iter().map(account_text).collect();
        texts.push(format!(
            "  instruction {} of {}\n{}\n    accounts (s: signs, w: is written)\n{}",
            place.saturating_add(1),
            step.instructions.len(),
            fields.render(4),
            accounts.join("\n")
        ));
        instructions.push(json!({
            "program_id": instruction.program_id.to_string(),
            "accounts": instruction.accounts.iter().map(account_json).collect::<Vec<_>>(),
            "data_base58": data.0,
            "data_base64": data.1,
        }));
    }
    let payer = message_payer(&step.instructions, actor);
    // A vault's program puts the call into a transaction of its own, which has the blockhash.
    let message = build_message(&step.instructions, &payer, &[], Hash::default())?;
    let required = usize::from(message.header().num_required_signatures);
    let keys = message.static_account_keys();
    let signers: Vec<String> = keys.iter().take(required).map(Pubkey::to_string).collect();
    let bytes = message.serialize();
    let encoded = (bs58::encode(&bytes).into_string(), STANDARD.encode(&bytes));
    let mut fields = Fields::new()
        .row("payer", payer)
        .row("signers", signers.join(", "));
    if let Some(units) = step.compute_units {
        fields.push(
            "compute units",
            format!("{units} at most; the transaction that carries it asks for them"),
        );
    }
    fields.push("bytes", bytes.len());
    fields.push("base58", &encoded.0);
    fields.push("base64", &encoded.1);
    texts.push(format!(
        "  unsigned message (legacy, blockhash of zeros)\n{}",
        fields.render(4)
    ));
    let value = json!({
        "label": step.label,
        "compute_units": step.compute_units,
        "instructions": instructions,
        "message": {
            "payer": payer.to_string(),
            "signers": signers,
            "len_bytes": bytes.len(),
            "base58": encoded.0,
            "base64": encoded.1,
        },
    });
    Ok((texts.join("\n"), value))
}

/// The first signer that has no private key: the vault that the message is for. Else the one who acts.
fn message_payer(instructions: &[Instruction], actor: &Pubkey) -> Pubkey {
    instructions
        .iter()
        .flat_map(|instruction| &instruction.accounts)
        .find(|meta| meta.is_signer && !meta.pubkey.is_on_curve())
        .map_or(*actor, |meta| meta.pubkey)
}

fn account_text(meta: &AccountMeta) -> String {
    let flag = |set, letter| if set { letter } else { '-' };
    format!(
        "      {}{}  {}",
        flag(meta.is_signer, 's'),
        flag(meta.is_writable, 'w'),
        meta.pubkey
    )
}

fn account_json(meta: &AccountMeta) -> Value {
    json!({
        "address": meta.pubkey.to_string(),
        "signer": meta.is_signer,
        "writable": meta.is_writable,
    })
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn step(signers: &[Pubkey]) -> Step {
        let accounts = signers
            .iter()
            .map(|key| AccountMeta::new(*key, true))
            .collect();
        let instruction = Instruction {
            program_id: portcullis::ID,
            accounts,
            data: vec![1, 2, 3],
        };
        Step::new("do it", vec![instruction]).compute_units(7)
    }

    /// An address without a private key, as vaults have them.
    fn vault() -> Pubkey {
        Pubkey::find_program_address(&[b"vault"], &portcullis::ID).0
    }

    #[test]
    fn the_message_can_be_read_back_and_names_the_vault_first() {
        let member = Pubkey::from_str("9YJvXBYcd5uzK7Qn6BKt2UfR4iZS6vRk5a9poB7RnyNq").unwrap();
        let (text, value) = render(&[step(&[member, vault()])], &member).unwrap();
        let message = &value[0]["message"];
        assert_eq!(message["payer"], vault().to_string());
        assert_eq!(message["signers"][0], vault().to_string());
        assert_eq!(message["signers"][1], member.to_string());
        let bytes = STANDARD
            .decode(message["base64"].as_str().unwrap())
            .unwrap();
        assert_eq!(
            bs58::decode(message["base58"].as_str().unwrap())
                .into_vec()
                .unwrap(),
            bytes
        );
        // The header: two signers, of which none is read only.
        assert_eq!(&bytes[..2], [2, 0]);
        assert_eq!(value[0]["instructions"][0]["data_base64"], "AQID");
        assert_eq!(value[0]["instructions"][0]["data_base58"], "Ldp");
        assert!(text.contains(&format!("sw  {member}")), "{text}");
    }

    #[test]
    fn without_a_vault_the_one_who_acts_pays() {
        let member = Pubkey::from_str("9YJvXBYcd5uzK7Qn6BKt2UfR4iZS6vRk5a9poB7RnyNq").unwrap();
        let (_, value) = render(&[step(&[member])], &member).unwrap();
        assert_eq!(value[0]["message"]["payer"], member.to_string());
    }
}
