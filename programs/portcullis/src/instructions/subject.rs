//! What every instruction on a proposal is about: the proposal, its gate, and the gate's council.

use anchor_lang::{prelude::*, Event};

use super::now;
use crate::{
    error::PortcullisError,
    lifecycle::Now,
    loader,
    record::emit,
    state::{Council, Gate, Proposal},
};

/// None of the three addresses is derived again: only Portcullis makes accounts with its owner and their discriminators, and
/// only at derived addresses, so owner, discriminator and back-reference are proof enough. `apply` compares the latter: a
/// constraint would load each account once more.
#[derive(Accounts)]
pub struct Subject<'info> {
    /// Owner, discriminator; it is the gate's (`apply`).
    pub council: AccountLoader<'info, Council>,

    /// Owner, discriminator; its council is the one given (`apply`).
    #[account(mut)]
    pub gate: AccountLoader<'info, Gate>,

    /// Owner, discriminator; its parent is the gate given (`apply`).
    #[account(mut)]
    pub proposal: AccountLoader<'info, Proposal>,
}

impl Subject<'_> {
    /// Checks that the three belong together, applies a transition, then emits and records its event. Returns the signer
    /// of the gate, for instructions that go on to call the loader.
    pub(crate) fn apply<E: Event>(
        &self,
        transition: impl FnOnce(&Council, &mut Gate, &mut Proposal, Pubkey, Now) -> Result<E>,
    ) -> Result<loader::Signer> {
        let council = self.council.load()?;
        let mut gate = self.gate.load_mut()?;
        let mut proposal = self.proposal.load_mut()?;
        require!(
            gate.council == *self.council.as_ref().key,
            PortcullisError::GateOfAnotherCouncil
        );
        require!(
            proposal.terms.parent == *self.gate.as_ref().key,
            PortcullisError::ProposalOfAnotherGate
        );
        let event = transition(
            &council,
            &mut gate,
            &mut proposal,
            self.proposal.key(),
            now()?,
        )?;
        emit(&mut gate.log, &self.gate.key(), &event)?;
        Ok(loader::Signer::new(gate.program, gate.authority_bump))
    }
}
