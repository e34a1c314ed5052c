//! What others know about a program: its IDL, and what must always hold.

use litesvm::LiteSVM;
use solana_sdk::{
    account::{Account, AccountSharedData},
    pubkey::Pubkey,
};

/// An account, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// Its type's name.
    pub kind: String,
    /// Names and values, in the order of the bytes.
    pub fields: Vec<(String, String)>,
}

/// Something that must hold and does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The invariant's name.
    pub name: String,
    /// What was required, and what was found.
    pub reason: String,
}

/// A transaction's moment: the state before it, or after it under one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    AfterOld,
    AfterNew,
}

/// All accounts at one moment.
pub struct State<'a> {
    pub(crate) svm: &'a LiteSVM,
    /// What the transaction wrote.
    pub(crate) written: &'a [(Pubkey, AccountSharedData)],
}

impl State<'_> {
    /// An account.
    pub fn account(&self, address: &Pubkey) -> Option<Account> {
        let written = self.written.iter().find(|(key, _)| key == address);
        match written {
            Some((_, account)) => Some(account.clone().into()),
            None => self.svm.get_account(address),
        }
    }

    /// Every account with its address. Those without lamports are gone.
    pub fn accounts(&self) -> impl Iterator<Item = (&Pubkey, &AccountSharedData)> {
        let is_written = |address: &Pubkey| self.written.iter().any(|(key, _)| key == address);
        let kept = self.svm.accounts_db().inner.iter();
        let kept = kept.filter(move |(address, _)| !is_written(address));
        kept.chain(self.written.iter().map(|(key, account)| (key, account)))
    }
}

/// Called during a run.
pub trait Hooks {
    /// An instruction's name, from its data.
    fn instruction(&self, _data: &[u8]) -> Option<String> {
        None
    }

    /// What a custom error means.
    fn error(&self, _code: u32) -> Option<String> {
        None
    }

    /// An account, decoded.
    fn describe(&self, _address: &Pubkey, _account: &Account) -> Option<Described> {
        None
    }

    /// Whether [`check`](Self::check) does anything, which costs time.
    fn checks(&self) -> bool {
        false
    }

    /// What does not hold at this moment.
    fn check(&mut self, _moment: Moment, _state: &State) -> Vec<Violation> {
        Vec::new()
    }
}

/// Nothing is known about the program.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {}
