//! The proposed program going on from its own state, transaction after transaction: what it spoils little by little shows only
//! there.

use std::collections::BTreeSet;

use solana_sdk::pubkey::Pubkey;

use super::{
    side::{Prepared, Side},
    Execution, Vm,
};
use crate::shadow::ShadowError;

/// A third machine, in which the proposed program's effects stay.
pub(super) struct Succession {
    side: Side,
    /// Accounts that are not as the deployed program left them: what the bundle says of them is not taken over.
    diverged: BTreeSet<Pubkey>,
}

impl Succession {
    /// Begins where the proposed program's side does.
    pub fn new(side: Side) -> Self {
        Self {
            side,
            diverged: BTreeSet::new(),
        }
    }

    pub fn vm(&self) -> &Vm {
        &self.side.vm
    }

    /// Brings the state before a transaction about, and runs it. What cannot be run from there changes nothing.
    pub fn play(&mut self, prepared: &Prepared) -> Result<Execution, ShadowError> {
        self.side.meet(prepared, &self.diverged)?;
        let done = self.side.vm.execute(&prepared.transaction);
        Ok(done.unwrap_or_default())
    }

    /// Keeps what it did, and notes where the deployed program did something else.
    pub fn leave(
        &mut self,
        prepared: &Prepared,
        old: &Execution,
        own: &Execution,
    ) -> Result<(), ShadowError> {
        self.side.leave(prepared, own)?;
        for (address, _) in old.written.iter().chain(&own.written) {
            let find = |done: &Execution| {
                let written = done.written.iter().find(|(key, _)| key == address);
                written.map(|(_, account)| account.clone())
            };
            match find(old) == find(own) {
                true => self.diverged.remove(address),
                false => self.diverged.insert(*address),
            };
        }
        Ok(())
    }
}
