//! Another multisig, which has voted: its vault is an address of a program, and signs by a call from it. That program is
//! `tests/programs/forwarder`.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{engine::general_purpose::STANDARD, Engine};
use portcullis_client::{transaction::MAX_COMPUTE_UNITS, Client, SendOptions};
use portcullis_localnet::samples;
use serde_json::Value;
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
    signer::{
        keypair::{read_keypair_file, Keypair},
        Signer,
    },
};

const NAME: &[u8] = b"vault";

/// Addresses of nobody, for the programs that only these documents know.
fn program(number: u8) -> Pubkey {
    Keypair::new_from_array([number; 32]).pubkey()
}

fn vault() -> (Pubkey, u8) {
    Pubkey::find_program_address(&[b"member", NAME], &program(101))
}

/// A program that one transaction cannot hash. The loader does not look behind the sections.
pub fn write_large(path: &Path) {
    let mut large = samples::memo().unwrap();
    large.resize(2_700_000, 1);
    fs::write(path, large).unwrap();
}

/// The names that a document with a vault takes for granted, and what the localnet has in addition to what it asks for.
pub fn environment(large: &Path) -> BTreeMap<&'static str, String> {
    let (vault, pool) = (vault().0, program(102));
    let forwarder = super::page::root().join("tests/programs/forwarder.so");
    let extra = format!(
        "--fund {vault} --program {}={}:{vault} --program {pool}={}:{vault} --program {}={}:deployer.json",
        program(101),
        forwarder.display(),
        forwarder.display(),
        program(103),
        large.display(),
    );
    BTreeMap::from([
        ("vault", vault.to_string()),
        ("pool", pool.to_string()),
        ("large", program(103).to_string()),
        ("LOCALNET_EXTRA", extra),
    ])
}

/// Sends the transactions of an export: keypair files beside it sign for members, the vault's program for the vault. Gives the
/// line that the script waits for.
pub fn send(url: &str, export: &Path) -> String {
    let envelope: Value = serde_json::from_slice(&fs::read(export).unwrap()).unwrap();
    let keys = keys_beside(export);
    let client = Client::new(url, portcullis::ID);
    let options = SendOptions::with_compute_units(MAX_COMPUTE_UNITS);
    let payer = read_keypair_file(export.with_file_name("alice.json")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for transaction in envelope["data"]["transactions"].as_array().unwrap() {
        let instructions: Vec<Instruction> = transaction["instructions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| forwarded(&instruction(value)))
            .collect();
        let signers: Vec<&dyn Signer> = instructions
            .iter()
            .flat_map(|instruction| &instruction.accounts)
            .filter(|meta| meta.is_signer)
            .map(|meta| &keys[&meta.pubkey] as &dyn Signer)
            .collect();
        let sent = runtime.block_on(client.send(&instructions, &payer, &signers, &options));
        if let Err(error) = sent {
            return format!("{error}\n").replace('\n', " ") + "\n";
        }
    }
    "sent\n".to_string()
}

fn keys_beside(export: &Path) -> BTreeMap<Pubkey, Keypair> {
    let files = fs::read_dir(export.parent().unwrap()).unwrap();
    files
        .filter_map(|file| read_keypair_file(file.unwrap().path()).ok())
        .map(|key| (key.pubkey(), key))
        .collect()
}

fn instruction(value: &Value) -> Instruction {
    let address = |value: &Value| value.as_str().unwrap().parse().unwrap();
    let accounts = value["accounts"].as_array().unwrap();
    Instruction {
        program_id: address(&value["program_id"]),
        accounts: accounts
            .iter()
            .map(|account| AccountMeta {
                pubkey: address(&account["address"]),
                is_signer: account["signer"].as_bool().unwrap(),
                is_writable: account["writable"].as_bool().unwrap(),
            })
            .collect(),
        data: STANDARD
            .decode(value["data_base64"].as_str().unwrap())
            .unwrap(),
    }
}

/// The call, made by the vault's program, which signs it as the vault; a call that the vault has no part in as it is.
fn forwarded(call: &Instruction) -> Instruction {
    let (vault, bump) = vault();
    if !call
        .accounts
        .iter()
        .any(|meta| meta.is_signer && meta.pubkey == vault)
    {
        return call.clone();
    }
    // Borsh: name, bump, whether to sign, data.
    let bytes = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat();
    let mut accounts = vec![AccountMeta::new_readonly(call.program_id, false)];
    accounts.extend(call.accounts.iter().map(|meta| AccountMeta {
        is_signer: meta.is_signer && meta.pubkey != vault,
        ..meta.clone()
    }));
    Instruction {
        program_id: program(101),
        accounts,
        data: [bytes(NAME), vec![bump, 1], bytes(&call.data)].concat(),
    }
}
