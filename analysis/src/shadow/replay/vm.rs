//! LiteSVM with one version of the program, and the accounts around it.

use std::{
    collections::BTreeMap,
    panic::{catch_unwind, AssertUnwindSafe},
};

use litesvm::LiteSVM;
use portcullis_client::{account::PROGRAMDATA_HEADER, pda};
use solana_sdk::{
    account::{Account, AccountSharedData, ReadableAccount},
    inner_instruction::InnerInstructionsList,
    pubkey::Pubkey,
    transaction::{TransactionError, VersionedTransaction},
};
use solana_sdk_ids::{
    bpf_loader, bpf_loader_deprecated, bpf_loader_upgradeable, native_loader, sysvar,
};

use crate::shadow::{bundle::StoredAccount, probes::Probe, ShadowError};

/// The first byte of a programdata account (`UpgradeableLoaderState::ProgramData`).
const PROGRAMDATA_TAG: u8 = 3;

/// What a transaction did. The accounts are only those that it wrote; a failed one wrote none and paid its fee.
#[derive(Clone, Debug, Default)]
pub(crate) struct Execution {
    pub error: Option<TransactionError>,
    pub logs: Vec<String>,
    pub return_data: (Pubkey, Vec<u8>),
    pub compute_units: u64,
    pub fee: u64,
    pub inner: InnerInstructionsList,
    pub written: Vec<(Pubkey, AccountSharedData)>,
}

/// One side of a run. Executing changes nothing: what a transaction wrote is put by the caller, if it shall stay.
#[derive(Clone)]
pub(crate) struct Vm {
    pub svm: LiteSVM,
    program: Pubkey,
    programdata: Pubkey,
    /// Runs in place of what is recorded at the program's address.
    elf: Vec<u8>,
    /// Programs by their programdata, to load them again when that changes.
    programs: BTreeMap<Pubkey, Pubkey>,
    which: &'static str,
}

impl Vm {
    /// An empty machine with mainnet's features. `which` names it in errors.
    pub fn new(which: &'static str, program: Pubkey, elf: Vec<u8>) -> Self {
        let svm = LiteSVM::default()
            .with_mainnet_features()
            .with_builtins()
            .with_sysvars()
            .with_feature_accounts()
            .with_precompiles()
            .with_sigverify(false)
            .with_blockhash_check(false)
            .with_transaction_history(0);
        Self {
            svm,
            program,
            programdata: pda::programdata(&program),
            elf,
            programs: BTreeMap::new(),
            which,
        }
    }

    /// Lets another ELF run from now on.
    pub fn set_elf(&mut self, elf: Vec<u8>) {
        self.elf = elf;
    }

    /// The ELF that runs, with what follows it in its account.
    pub fn elf(&self) -> &[u8] {
        &self.elf
    }

    /// Writes accounts as they are, in place of what is there. Compiles those programs of which anything changed.
    ///
    /// # Errors
    /// Accounts that no cluster has: sysvars and programs with owners that are not theirs, programs that do not load.
    pub fn put(&mut self, accounts: &[StoredAccount]) -> Result<(), ShadowError> {
        let mut programs = Vec::new();
        for account in accounts {
            if self.is_builtin(account) || account.executable {
                continue;
            }
            if is_programdata(account) {
                programs.extend(self.programs.get(&account.address));
            }
            self.write(account.clone())?;
        }
        for account in accounts.iter().filter(|account| account.executable) {
            if !self.is_builtin(account) {
                self.write_program(account.clone())?;
            }
        }
        for program in programs {
            if accounts.iter().any(|account| account.address == program) {
                continue;
            }
            if let Some(account) = self.svm.get_account(&program) {
                self.write_program(StoredAccount::new(program, Some(&account)))?;
            }
        }
        Ok(())
    }

    /// The machine has its own of these.
    fn is_builtin(&self, account: &StoredAccount) -> bool {
        let address = &account.address;
        let has = self.svm.accounts_db().get_account_ref(address);
        account.owner == native_loader::ID
            || *address == sysvar::instructions::ID
            || has.is_some_and(|has| *has.owner() == native_loader::ID)
    }

    fn write(&mut self, stored: StoredAccount) -> Result<(), ShadowError> {
        let address = stored.address;
        let is_sysvar = |key: &Pubkey| {
            self.svm
                .accounts_db()
                .get_account_ref(key)
                .is_some_and(|account| *account.owner() == sysvar::ID)
        };
        if is_sysvar(&address) && (stored.owner != sysvar::ID || stored.lamports == 0) {
            return Err(refused(
                address,
                "a sysvar must belong to the sysvars' owner",
            ));
        }
        if address == sysvar::rent::ID && !is_rent(&stored.data) {
            return Err(refused(address, "no cluster has such a rent"));
        }
        let cached = self.svm.accounts_db().get_account_ref(&address);
        if cached.is_some_and(|account| account.executable()) {
            return Err(refused(address, "a program does not cease to be one"));
        }
        let mut account = stored.into_account();
        if address == self.programdata {
            account.data = self.with_elf(&account.data);
        }
        self.svm
            .set_account(address, account)
            .map_err(|error| refused(address, error))
    }

    fn write_program(&mut self, stored: StoredAccount) -> Result<(), ShadowError> {
        let address = stored.address;
        let loaders = [
            bpf_loader_upgradeable::ID,
            bpf_loader::ID,
            bpf_loader_deprecated::ID,
        ];
        if !loaders.contains(&stored.owner) || stored.lamports == 0 {
            return Err(refused(
                address,
                "it is executable, and belongs to no loader that is known (1, 2 and 3 are)",
            ));
        }
        let mut account = stored.into_account();
        if account.owner == bpf_loader_upgradeable::ID {
            self.programs.insert(pda::programdata(&address), address);
        } else if address == self.program {
            account.data = self.elf.clone();
        }
        let loaded = self.svm.set_account(address, account);
        loaded.map_err(|error| match address == self.program {
            true => ShadowError::Program {
                which: self.which,
                reason: error.to_string(),
            },
            false => refused(address, error),
        })
    }

    /// A programdata account's bytes with this machine's ELF, and no shorter than they were.
    fn with_elf(&self, recorded: &[u8]) -> Vec<u8> {
        let mut data = recorded.to_vec();
        data.truncate(PROGRAMDATA_HEADER);
        data.resize(PROGRAMDATA_HEADER, 0);
        data.extend(&self.elf);
        data.resize(data.len().max(recorded.len()), 0);
        data
    }

    /// Takes over what a transaction wrote.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn keep(&mut self, written: &[(Pubkey, AccountSharedData)]) -> Result<(), ShadowError> {
        let differs = |(address, account): &&(Pubkey, AccountSharedData)| {
            self.svm.accounts_db().get_account_ref(address) != Some(account)
        };
        let changed: Vec<_> = written.iter().filter(differs).collect();
        let loads = |account: &AccountSharedData| {
            account.executable() || *account.owner() == bpf_loader_upgradeable::ID
        };
        if changed.iter().any(|(_, account)| loads(account)) {
            let stored: Vec<StoredAccount> = (changed.iter())
                .map(|(address, account)| {
                    StoredAccount::new(*address, Some(&account.clone().into()))
                })
                .collect();
            return self.put(&stored);
        }
        for (address, account) in changed {
            self.svm
                .set_account(*address, account.clone().into())
                .map_err(|error| refused(*address, error))?;
        }
        Ok(())
    }

    /// Takes a failed transaction's fee from who pays it.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn charge(&mut self, payer: &Pubkey, fee: u64) -> Result<(), ShadowError> {
        let Some(mut account) = self.svm.get_account(payer) else {
            return Ok(());
        };
        account.lamports = account.lamports.saturating_sub(fee);
        self.svm
            .set_account(*payer, account)
            .map_err(|error| refused(*payer, error))
    }

    /// An account's lamports.
    pub fn lamports(&self, address: &Pubkey) -> u64 {
        self.svm.get_balance(address).unwrap_or_default()
    }

    /// The bytes that an account has.
    pub fn data_len(&self, address: &Pubkey) -> usize {
        let account = self.svm.accounts_db().get_account_ref(address);
        account.map_or(0, |account| account.data().len())
    }

    /// The account, decoded by nobody.
    pub fn account(&self, address: &Pubkey) -> Option<Account> {
        self.svm.get_account(address)
    }

    /// Runs a variation of a transaction with the accounts that it needs, and leaves everything as it was. `None`: it cannot be run.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn probe(&mut self, probe: &Probe) -> Result<Option<Execution>, ShadowError> {
        let accounts = probe.accounts.iter();
        let before: Vec<StoredAccount> = accounts
            .map(|one| StoredAccount::new(one.address, self.account(&one.address).as_ref()))
            .collect();
        self.put(&probe.accounts)?;
        let clock = self.delay(probe.change.delay());
        let done = self.execute(&probe.transaction);
        if let Some(clock) = clock {
            self.svm.set_sysvar(&clock);
        }
        self.put(&before)?;
        Ok(done.ok())
    }

    /// Runs a transaction, and leaves everything as it was.
    ///
    /// # Errors
    /// What made the machine give up. A bundle may hold what no cluster does, and LiteSVM trusts its accounts.
    pub fn execute(&self, transaction: &VersionedTransaction) -> Result<Execution, String> {
        let transaction = transaction.clone();
        catch_unwind(AssertUnwindSafe(|| {
            let (error, meta, written) = match self.svm.simulate_transaction(transaction) {
                Ok(info) => (None, info.meta, info.post_accounts),
                Err(failed) => (Some(failed.err), failed.meta, Vec::new()),
            };
            Execution {
                error,
                logs: meta.logs,
                return_data: (meta.return_data.program_id, meta.return_data.data),
                compute_units: meta.compute_units_consumed,
                fee: meta.fee,
                inner: meta.inner_instructions,
                written,
            }
        }))
        .map_err(|_| "the virtual machine gave up on the accounts".to_string())
    }
}

fn is_programdata(account: &StoredAccount) -> bool {
    account.owner == bpf_loader_upgradeable::ID && account.data.first() == Some(&PROGRAMDATA_TAG)
}

/// Whether the Rent sysvar (lamports for a byte and year, years) can be computed with.
fn is_rent(data: &[u8]) -> bool {
    let word = |at: usize| -> Option<[u8; 8]> { data.get(at..at.checked_add(8)?)?.try_into().ok() };
    word(0).zip(word(8)).is_some_and(|(lamports, years)| {
        u64::from_le_bytes(lamports) <= 1_000_000
            && (0.0..=10.0).contains(&f64::from_le_bytes(years))
    })
}

fn refused(address: Pubkey, reason: impl ToString) -> ShadowError {
    ShadowError::Account {
        address,
        reason: reason.to_string(),
    }
}
