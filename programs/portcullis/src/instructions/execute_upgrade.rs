//! Executes an upgrade that is ready: the buffer is hashed once more, then the loader replaces the program's bytes.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    change::Change,
    error::{require, PortcullisError},
    loader::{self, LoaderV3, BUFFER_HEADER},
    state::{Gate, Proposal},
    transitions, zero_copy,
};

#[derive(Accounts)]
pub struct ExecuteUpgrade<'info> {
    /// Its EXECUTE role is checked in `transitions::execute_upgrade`, unless the policy lets anyone execute.
    pub executor: Signer<'info>,

    pub subject: Subject<'info>,

    /// CHECK: owner, discriminator; its address is in the proposal's change (handler), and it is of the same council
    /// (`transitions`). Only where the proposal names a predecessor.
    #[cfg(not(feature = "idl-build"))]
    pub predecessor_gate: Option<UncheckedAccount<'info>>,

    /// The same for the IDL, which lists the account types that instructions name.
    #[cfg(feature = "idl-build")]
    pub predecessor_gate: Option<AccountLoader<'info, Gate>>,

    /// CHECK: its address is in the gate (`validate`).
    #[account(mut)]
    pub program: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (`validate`); owner, kind, size and authority by `loader::Upgrade::check`.
    #[account(mut)]
    pub programdata: UncheckedAccount<'info>,

    /// CHECK: its address is in the proposal (`validate`); owner, kind and authority by `loader::Upgrade::check`, its bytes by
    /// `loader::verify_content`.
    #[account(mut)]
    pub buffer: UncheckedAccount<'info>,

    /// CHECK: its address is in the proposal (`validate`), where `propose_upgrade` has checked it. That it is still System's is not
    /// required: whoever has its key could otherwise block the upgrade by assigning it to a program.
    #[account(mut)]
    pub spill: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (`validate`).
    pub authority: UncheckedAccount<'info>,

    /// CHECK: the loader checks its address.
    pub rent: UncheckedAccount<'info>,

    /// CHECK: the loader checks its address.
    pub clock: UncheckedAccount<'info>,

    /// Address.
    pub loader_program: Program<'info, LoaderV3>,
}

impl ExecuteUpgrade<'_> {
    /// The accounts that gate and proposal name.
    fn validate(&self, gate: &Gate, proposal: &Proposal) -> Result<()> {
        require!(
            *self.program.key == gate.program,
            PortcullisError::ProgramMismatch
        );
        require!(
            *self.programdata.key == gate.programdata,
            PortcullisError::ProgramdataMismatch
        );
        require!(
            *self.authority.key == gate.authority,
            PortcullisError::GateAuthorityMismatch
        );
        require!(
            *self.buffer.key == proposal.terms.buffer,
            PortcullisError::BufferMismatch
        );
        require!(
            *self.spill.key == proposal.terms.spill,
            PortcullisError::SpillMismatch
        );
        Ok(())
    }
}

pub fn execute_upgrade(ctx: Context<ExecuteUpgrade>) -> Result<()> {
    let accounts = &ctx.accounts;
    let upgrade = loader::Upgrade {
        programdata: &accounts.programdata,
        program: &accounts.program,
        buffer: &accounts.buffer,
        spill: &accounts.spill,
        rent: &accounts.rent,
        clock: &accounts.clock,
        authority: &accounts.authority,
    };
    let executor = accounts.executor.key();
    let named = match accounts.subject.change()? {
        Some(Change::Upgrade(predecessor)) => Some(predecessor),
        _ => None,
    };
    require!(
        named.map(|named| named.gate) == accounts.predecessor_gate.as_ref().map(Key::key),
        PortcullisError::PredecessorMismatch
    );
    let signer = accounts
        .subject
        .apply_to_gate(|parent, proposal, key, now| {
            let gate = parent.gate_mut()?;
            accounts.validate(gate, proposal)?;
            let predecessor = match (&named, &accounts.predecessor_gate) {
                (Some(named), Some(gate)) => Some((named, zero_copy::read::<Gate>(gate.as_ref())?)),
                _ => None,
            };
            let predecessor = predecessor.as_ref().map(|(named, gate)| (*named, &**gate));
            let event =
                transitions::execute_upgrade(parent, proposal, key, executor, predecessor, now)?;
            upgrade.check(now.slot)?;
            // What one transaction cannot hash was hashed in steps, and nobody but the gate could sign for it since.
            let commitment = proposal.terms.commitment();
            if commitment.is_hashed_at_once() {
                loader::verify_content(upgrade.buffer, BUFFER_HEADER, &commitment)?;
            } else {
                let len = upgrade.buffer.data_len().saturating_sub(BUFFER_HEADER);
                require!(
                    len == commitment.len as usize,
                    PortcullisError::BufferNotExact
                );
            }
            Ok(event)
        })?;
    upgrade.invoke(&signer)
}
