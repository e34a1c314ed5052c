//! What every instruction on a proposal is about: the proposal, its gate or the council itself, and the council.

use std::cell::{Ref, RefMut};

use anchor_lang::{prelude::*, Event};

use super::now;
use crate::{
    change::Change,
    error::{require, PortcullisError},
    lifecycle::Now,
    loader,
    record::{encode, record},
    state::{Council, Gate, Parent, Proposal},
    zero_copy,
};

/// None of the addresses is derived again: only Portcullis makes accounts with its owner and their discriminators, and
/// only at derived addresses, so owner, discriminator and back-reference are proof enough. `open` checks all three.
#[derive(Accounts)]
pub struct Subject<'info> {
    /// CHECK: owner, discriminator; it is the gate's, or the proposal's parent (`open`). Writable where it is the parent.
    pub council: UncheckedAccount<'info>,

    /// CHECK: owner, discriminator; its council is the one given (`open`). None where the proposal is about the council itself.
    #[account(mut)]
    pub gate: Option<UncheckedAccount<'info>>,

    /// CHECK: owner, discriminator; its parent is the gate, or the council, given (`open`).
    #[cfg(not(feature = "idl-build"))]
    #[account(mut)]
    pub proposal: UncheckedAccount<'info>,

    /// The same for the IDL, which lists the account types that instructions name.
    #[cfg(feature = "idl-build")]
    #[account(mut)]
    pub proposal: AccountLoader<'info, Proposal>,
}

impl Subject<'_> {
    /// Checks that the accounts belong together, applies a transition, then emits and records its event. Returns the signer
    /// of the gate, if there is one, for instructions that go on to call the loader.
    ///
    /// # Errors
    /// `GateOfAnotherCouncil`, `ProposalOfAnotherGate`, or what the transition refuses.
    pub(crate) fn apply<E: Event>(
        &self,
        transition: impl FnOnce(&mut Parent, &mut Proposal, Pubkey, Now) -> Result<E>,
    ) -> Result<Option<loader::Signer>> {
        self.apply_encoded(|parent, proposal, key, now| {
            encode(&transition(parent, proposal, key, now)?)
        })
    }

    /// The same where the transition is one of several, each with an event of its own.
    ///
    /// # Errors
    /// Those of `apply`.
    pub(crate) fn apply_encoded(
        &self,
        transition: impl FnOnce(&mut Parent, &mut Proposal, Pubkey, Now) -> Result<Vec<u8>>,
    ) -> Result<Option<loader::Signer>> {
        let mut open = self.open()?;
        let now = open.now;
        let (mut parent, proposal) = open.split();
        let event = transition(&mut parent, proposal, self.proposal.key(), now)?;
        record(parent.log(), self.parent(), &event)?;
        Ok(parent
            .gate()
            .map(|gate| loader::Signer::new(gate.program, gate.authority_bump)))
    }

    /// The same for an instruction that only proposals about a gate have.
    ///
    /// # Errors
    /// Those of `apply`; `NotOfAGate`.
    pub(crate) fn apply_to_gate<E: Event>(
        &self,
        transition: impl FnOnce(&mut Parent, &mut Proposal, Pubkey, Now) -> Result<E>,
    ) -> Result<loader::Signer> {
        self.apply(transition)?
            .ok_or_else(|| PortcullisError::NotOfAGate.into())
    }

    /// Opens the accounts and compares their back-references; once for all instructions that vote, queue and clean up.
    #[inline(never)]
    pub(crate) fn open(&self) -> Result<Open<'_>> {
        let proposal = zero_copy::write(self.proposal.as_ref())?;
        let parent = match &self.gate {
            Some(gate) => {
                let gate = zero_copy::write(gate)?;
                let council = zero_copy::read(&self.council)?;
                self.check(Some(&gate), &proposal)?;
                OpenParent::Gate { council, gate }
            }
            None => {
                let council = zero_copy::write(&self.council)?;
                self.check(None, &proposal)?;
                OpenParent::Council(council)
            }
        };
        Ok(Open {
            parent,
            proposal,
            now: now()?,
        })
    }

    /// The same where the council is changed too.
    #[inline(never)]
    pub(crate) fn open_all(&self) -> Result<OpenAll<'_>> {
        let open = OpenAll {
            council: zero_copy::write(&self.council)?,
            gate: match &self.gate {
                Some(gate) => Some(zero_copy::write(gate)?),
                None => None,
            },
            proposal: zero_copy::write(self.proposal.as_ref())?,
            now: now()?,
        };
        self.check(open.gate.as_deref(), &open.proposal)?;
        Ok(open)
    }

    fn check(&self, gate: Option<&Gate>, proposal: &Proposal) -> Result<()> {
        if let Some(gate) = gate {
            check_council(gate, self.council.key)?;
        }
        check_parent(proposal, self.parent())
    }

    /// What the proposal is about: the gate, or without one the council.
    pub(crate) fn parent(&self) -> &Pubkey {
        match &self.gate {
            Some(gate) => gate.key,
            None => self.council.key,
        }
    }

    /// The change that stands behind the proposal's fixed part, if there is one.
    pub(crate) fn change(&self) -> Result<Option<Change>> {
        let info: &AccountInfo = self.proposal.as_ref();
        // Else the bytes would be anyone's.
        zero_copy::read::<Proposal>(info)?;
        let data = info.try_borrow_data()?;
        Ok(Change::from_bytes(
            data.get(Proposal::SPACE..).unwrap_or_default(),
        )?)
    }
}

enum OpenParent<'a> {
    Gate {
        council: Ref<'a, Council>,
        gate: RefMut<'a, Gate>,
    },
    Council(RefMut<'a, Council>),
}

pub(crate) struct Open<'a> {
    parent: OpenParent<'a>,
    proposal: RefMut<'a, Proposal>,
    pub now: Now,
}

impl Open<'_> {
    pub(crate) fn split(&mut self) -> (Parent<'_>, &mut Proposal) {
        let parent = match &mut self.parent {
            OpenParent::Gate { council, gate } => Parent::Gate { council, gate },
            OpenParent::Council(council) => Parent::Council(council),
        };
        (parent, &mut self.proposal)
    }
}

/// The gate's council is this one.
pub(crate) fn check_council(gate: &Gate, council: &Pubkey) -> Result<()> {
    require!(
        gate.council == *council,
        PortcullisError::GateOfAnotherCouncil
    );
    Ok(())
}

/// The proposal is about this gate or council.
pub(crate) fn check_parent(proposal: &Proposal, parent: &Pubkey) -> Result<()> {
    require!(
        proposal.terms.parent == *parent,
        PortcullisError::ProposalOfAnotherGate
    );
    Ok(())
}

/// All three, to be changed.
pub(crate) struct OpenAll<'a> {
    pub council: RefMut<'a, Council>,
    pub gate: Option<RefMut<'a, Gate>>,
    pub proposal: RefMut<'a, Proposal>,
    pub now: Now,
}
