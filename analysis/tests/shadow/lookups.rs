//! Transactions of version 0, whose lookup tables may be gone by the time that they are replayed.

use portcullis_analysis::shadow::{
    self,
    bundle::{Address, Loaded, Outcome},
    record::Moment,
    Knowledge, Options,
};
use solana_sdk::{
    account::Account,
    hash::Hash,
    instruction::{AccountMeta, Instruction},
    message::{v0, AddressLookupTableAccount, VersionedMessage},
    pubkey::Pubkey,
    signature::Signature,
    transaction::VersionedTransaction,
};

use crate::{
    recording::{open, Chain},
    vault::deposits::{elf, PROGRAM},
};

const TABLES: Pubkey = Pubkey::from_str_const("AddressLookupTab1e1111111111111111111111111");

/// A table with addresses that was extended in a slot, and is deactivated or not.
fn table(addresses: &[Pubkey], deactivated: bool, extended: u64) -> Account {
    let mut data = vec![0; 56];
    data[0] = 1;
    let slot = if deactivated { 5 } else { u64::MAX };
    data[4..12].copy_from_slice(&slot.to_le_bytes());
    data[12..20].copy_from_slice(&extended.to_le_bytes());
    for address in addresses {
        data.extend(address.as_ref());
    }
    Account {
        lamports: 10_000_000,
        data,
        owner: TABLES,
        ..Account::default()
    }
}

/// Initializes a vault through a lookup table, and replays it with another state of the table; how many were reproduced.
fn replayed(now: Option<Account>, right: bool) -> Result<u64, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    let [payer, boss, vault, other, at] = [1, 2, 3, 4, 5].map(|n| Pubkey::new_from_array([n; 32]));
    let mut chain = Chain::new(PROGRAM, &elf(""), payer);
    let owned = Account {
        lamports: 10_000_000,
        data: vec![0; 56],
        owner: PROGRAM,
        ..Account::default()
    };
    chain.svm.set_account(vault, owned.clone()).unwrap();
    let addresses = [other, vault];
    chain
        .svm
        .set_account(at, table(&addresses, false, 0))
        .unwrap();
    let accounts = vec![
        AccountMeta::new(vault, false),
        AccountMeta::new_readonly(boss, true),
    ];
    let data = [&[0], 125_u64.to_le_bytes().as_slice()].concat();
    let call = Instruction::new_with_bytes(PROGRAM, &data, accounts);
    let lookup = AddressLookupTableAccount {
        key: at,
        addresses: addresses.to_vec(),
    };
    let message = v0::Message::try_compile(&payer, &[call], &[lookup], Hash::default()).unwrap();
    assert_eq!(message.address_table_lookups[0].writable_indexes, [1]);
    let transaction = VersionedTransaction {
        signatures: vec![Signature::from([7; 64]), Signature::default()],
        message: VersionedMessage::V0(message),
    };
    let mut recorder = chain.to_file(&path);
    let read: Vec<(Pubkey, Option<Account>)> = [payer, boss, vault]
        .map(|key| (key, chain.svm.get_account(&key)))
        .to_vec();
    recorder.before(read.iter().map(|(key, account)| (*key, account.as_ref())));
    recorder.before([(at, now.as_ref())]);
    let done = chain.svm.send_transaction(transaction.clone()).unwrap();
    let outcome = Outcome {
        logs: Some(done.logs),
        ..Outcome::failed(None)
    };
    let moment = Moment {
        signature: "s".into(),
        slot: 400_000_001,
        block_time: Some(1),
    };
    let writable = if right {
        vec![Address(vault)]
    } else {
        Vec::new()
    };
    let loaded = Loaded {
        writable,
        readonly: Vec::new(),
    };
    recorder
        .after(moment, &transaction, Some(loaded), outcome)
        .unwrap();
    recorder.finish().unwrap();
    let options = Options {
        new_elf: elf(""),
        old_elf: None,
        required_fidelity: 1.0,
        probes: true,
        knowledge: Knowledge::default(),
    };
    let report = shadow::run(open(&path), options).map_err(|error| error.to_string())?;
    Ok(report.fidelity.reproduced)
}

#[test]
fn a_table_is_what_it_was_whatever_became_of_it() {
    let vault = Pubkey::new_from_array([3; 32]);
    let strange = [Pubkey::default(); 2];
    for now in [
        Some(table(&[Pubkey::default(), vault], false, 0)),
        // Closed, deactivated, extended later, too short, with other addresses.
        None,
        Some(table(&[Pubkey::default(), vault], true, 0)),
        Some(table(&[Pubkey::default(), vault], false, 500_000_000)),
        Some(table(&strange[..1], false, 0)),
        Some(table(&strange, false, 0)),
    ] {
        assert_eq!(replayed(now, true), Ok(1));
    }
}

#[test]
fn a_record_without_what_was_looked_up_is_refused() {
    let error = replayed(None, false).unwrap_err();
    assert!(
        error.contains("it looks up 1 and 0 addresses, and 0 and 0 are recorded"),
        "{error}"
    );
}
