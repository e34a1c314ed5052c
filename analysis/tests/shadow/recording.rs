//! A chain of one program in LiteSVM, recorded as it goes.

use std::{collections::BTreeMap, fs::File, io::Write, path::Path};

use litesvm::LiteSVM;
use portcullis_analysis::shadow::{
    bundle::{Balances, Header, Outcome, ReturnData, Writer},
    record::{Moment, Recorder},
    Limits, Reader, ShadowError,
};
use solana_sdk::sysvar;
use solana_sdk::{
    account::Account,
    clock::Clock,
    instruction::Instruction,
    message::{Message, VersionedMessage},
    pubkey::Pubkey,
    signature::Signature,
    transaction::VersionedTransaction,
};

pub struct Chain {
    pub svm: LiteSVM,
    pub program: Pubkey,
    pub payer: Pubkey,
    pub slot: u64,
    /// Transactions by the code of their outcome.
    pub outcomes: BTreeMap<String, u64>,
}

/// A transaction without its signatures, which nobody checks.
pub fn unsigned(payer: &Pubkey, instructions: &[Instruction], number: u64) -> VersionedTransaction {
    let message = VersionedMessage::Legacy(Message::new(instructions, Some(payer)));
    let count = usize::from(message.header().num_required_signatures);
    let mut first = [1; 64];
    first[..8].copy_from_slice(&number.to_le_bytes());
    let mut signatures = vec![Signature::default(); count];
    signatures[0] = Signature::from(first);
    VersionedTransaction {
        signatures,
        message,
    }
}

impl Chain {
    pub fn new(program: Pubkey, elf: &[u8], payer: Pubkey) -> Self {
        let mut svm = LiteSVM::new()
            .with_sigverify(false)
            .with_blockhash_check(false)
            .with_transaction_history(0);
        svm.add_program(program, elf).unwrap();
        svm.set_account(
            payer,
            Account {
                lamports: 1_000_000_000_000_000,
                ..Account::default()
            },
        )
        .unwrap();
        Self {
            svm,
            program,
            payer,
            slot: 400_000_000,
            outcomes: BTreeMap::new(),
        }
    }

    fn start(&self) -> Vec<(Pubkey, Account)> {
        let addresses = [
            self.program,
            portcullis_client::pda::programdata(&self.program),
            sysvar::clock::ID,
            sysvar::rent::ID,
            sysvar::epoch_schedule::ID,
            sysvar::slot_hashes::ID,
        ];
        let found = addresses.map(|address| (address, self.svm.get_account(&address).unwrap()));
        found.to_vec()
    }

    pub fn recorder<W: Write>(
        &self,
        make: impl FnOnce(&Header) -> Result<Writer<W>, ShadowError>,
    ) -> Recorder<W> {
        Recorder::new(self.program, "genesis".into(), self.start(), make).unwrap()
    }

    pub fn to_file(&self, path: &Path) -> Recorder<impl Write> {
        self.recorder(|header| Writer::create(path, header))
    }

    /// Executes, and records.
    pub fn run<W: Write>(&mut self, recorder: &mut Recorder<W>, instructions: &[Instruction]) {
        self.slot += 1;
        let mut clock = self.svm.get_sysvar::<Clock>();
        clock.slot = self.slot;
        clock.unix_timestamp = 1_700_000_000 + (self.slot as i64) / 2;
        self.svm.set_sysvar(&clock);
        let transaction = unsigned(&self.payer, instructions, self.slot);
        let keys = transaction.message.static_account_keys().to_vec();
        let before: Vec<Option<Account>> =
            keys.iter().map(|key| self.svm.get_account(key)).collect();
        recorder.before(keys.iter().copied().zip(before.iter().map(Option::as_ref)));
        let done = self.svm.send_transaction(transaction.clone());
        let (error, meta) = match done {
            Ok(meta) => (None, meta),
            Err(failed) => (Some(failed.err), failed.meta),
        };
        let outcome = match &error {
            None => "ok".to_string(),
            Some(error) => format!("{error:?}"),
        };
        *self.outcomes.entry(outcome).or_default() += 1;
        let lamports = |account: Option<Account>| account.map_or(0, |account| account.lamports);
        let after = keys.iter().map(|key| lamports(self.svm.get_account(key)));
        let balances = Balances {
            after: after.collect(),
            before: before.into_iter().map(lamports).collect(),
        };
        let returned = meta.return_data;
        let outcome = Outcome {
            logs: Some(meta.logs),
            return_data: (!returned.data.is_empty()).then_some(ReturnData {
                program: returned.program_id,
                data: returned.data,
            }),
            compute_units: Some(meta.compute_units_consumed),
            balances: Some(balances),
            ..Outcome::failed(error.as_ref())
        };
        let moment = Moment {
            signature: transaction.signatures[0].to_string(),
            slot: self.slot,
            block_time: Some(clock.unix_timestamp),
        };
        recorder.after(moment, &transaction, None, outcome).unwrap();
    }
}

/// A bundle's reader, from a file.
#[allow(dead_code)] // The benchmark opens its own.
pub fn open(path: &Path) -> Reader {
    Reader::new(File::open(path).unwrap(), Limits::default()).unwrap()
}
