//! Hashes a large buffer, or a large program that is being adopted, step by step. Anyone may send the steps, in any number and
//! as often as they like: what is done already is not done again, and a step that would leave a gap is refused.

use anchor_lang::prelude::*;

use super::{subject::check_council, *};
use crate::{
    constants::{HASHING_SEED, LAYOUT_VERSION},
    digest::Commitment,
    error::{require, PortcullisError},
    lifecycle::{check, Custody, Step},
    loader::{self, BUFFER_HEADER, PROGRAMDATA_HEADER},
    record::{emit, emit_to_both},
    sha256::{Sha256State, BLOCK},
    state::{Council, Gate, GateState, Hashing},
    transitions, zero_copy,
};

/// One step of a hash.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashStepArgs {
    /// Where it begins: at what is hashed so far, or before.
    pub offset: u32,
    /// Bytes from there on. It ends at a multiple of 64, or with the ELF.
    pub len: u32,
}

/// The hash in the making.
#[derive(Accounts)]
pub struct HashInProgress<'info> {
    /// Pays the rent of the hashing where this step begins it.
    #[account(mut)]
    pub payer: Signer<'info>,

    /// CHECK: new at its seeds, or owner, discriminator and target (`step`): only this creates such an account.
    #[account(mut)]
    pub hashing: UncheckedAccount<'info>,

    /// CHECK: its address is in the hashing; gets the rent back when the hash is complete.
    #[account(mut)]
    pub rent_payer: UncheckedAccount<'info>,

    pub system_program: Program<'info, System>,
}

impl HashInProgress<'_> {
    /// Takes the step. `true`: the hash is complete, is the committed one, and the hashing is closed.
    fn step(
        &self,
        target: &Pubkey,
        life: u32,
        content: &AccountInfo,
        header: usize,
        commitment: &Commitment,
        args: &HashStepArgs,
    ) -> Result<bool> {
        require!(
            !commitment.is_hashed_at_once(),
            PortcullisError::HashedAtOnce
        );
        let mut hashing = if *self.hashing.owner == crate::ID {
            let hashing = zero_copy::write::<Hashing>(&self.hashing)?;
            require!(hashing.target == *target, PortcullisError::HashingMismatch);
            hashing
        } else {
            let seeds = [HASHING_SEED, target.as_ref(), &[]];
            let (mut hashing, bump) =
                zero_copy::create::<Hashing>(&self.payer, &self.hashing, seeds, &[])?;
            hashing.target = *target;
            hashing.rent_payer = *self.payer.key;
            hashing.version = LAYOUT_VERSION;
            hashing.bump = bump;
            hashing
        };
        if hashing.life != life {
            // Just created, for no life is zero, or begun in an earlier life of the gate.
            hashing.life = life;
            hashing.state = Sha256State::new();
        }
        let done = hashing.state.hashed();
        require!(args.offset <= done, PortcullisError::HashGap);
        // A part of it, or all, may be done already: then somebody else was faster.
        let end = args.offset.saturating_add(args.len).min(commitment.len);
        if end <= done {
            return Ok(false);
        }
        require!(
            hashing.rent_payer == *self.rent_payer.key,
            PortcullisError::RentPayerMismatch
        );
        let data = content.try_borrow_data()?;
        let elf = data
            .get(header..)
            .and_then(|bytes| bytes.get(done as usize..end as usize))
            .ok_or(PortcullisError::LengthOutOfRange)?;
        if end < commitment.len {
            hashing.state.update(elf)?;
            return Ok(false);
        }
        let (blocks, tail) = elf.split_at(elf.len() & !(BLOCK - 1));
        hashing.state.update(blocks)?;
        require!(
            hashing.state.finish(tail)? == commitment.sha256,
            PortcullisError::HashMismatch
        );
        drop(hashing);
        loader::verify_ends(content, header, commitment)?;
        zero_copy::close(&self.hashing, &self.rent_payer)?;
        Ok(true)
    }
}

#[derive(Accounts)]
pub struct HashBuffer<'info> {
    pub subject: Subject<'info>,

    /// CHECK: its address is in the proposal; in the gate's custody (both in the handler).
    pub buffer: UncheckedAccount<'info>,

    pub progress: HashInProgress<'info>,
}

/// Hashes a part of the buffer of a `Draft`; the last step opens the vote.
pub fn hash_buffer(ctx: Context<HashBuffer>, args: HashStepArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let (subject, buffer) = (&accounts.subject, &accounts.buffer);
    let mut open = subject.open()?;
    let now = open.now;
    let (mut parent, proposal) = open.split();
    let authority = parent.gate_mut()?.authority;
    require!(
        *buffer.key == proposal.terms.buffer,
        PortcullisError::BufferMismatch
    );
    if proposal.custody()? == Custody::Verified {
        // Somebody else was faster.
        return Ok(());
    }
    require!(
        loader::buffer_authority(buffer)? == Some(authority),
        PortcullisError::BufferNotHeld
    );
    check(
        proposal.status(parent.council(), parent.gate(), now)?,
        Step::Verify,
    )?;
    let complete = accounts.progress.step(
        &subject.proposal.key(),
        proposal.terms.life,
        buffer,
        BUFFER_HEADER,
        &proposal.terms.commitment(),
        &args,
    )?;
    if !complete {
        return Ok(());
    }
    let event = transitions::verify_buffer(&parent, proposal, now)?;
    emit(parent.log(), subject.parent(), &event)
}

#[derive(Accounts)]
pub struct HashProgram<'info> {
    /// CHECK: owner, discriminator; it is the gate's (handler).
    #[account(mut)]
    pub council: UncheckedAccount<'info>,

    /// CHECK: owner, discriminator; only `adopt_program` makes such an account.
    #[account(mut)]
    pub gate: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (handler), whose signer has been its upgrade authority since the adoption began.
    pub programdata: UncheckedAccount<'info>,

    pub progress: HashInProgress<'info>,
}

/// Hashes a part of a program that is being adopted; the last step opens the gate.
pub fn hash_program(ctx: Context<HashProgram>, args: HashStepArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let (council_key, gate_key) = (accounts.council.key(), accounts.gate.key());
    let mut council = zero_copy::write::<Council>(&accounts.council)?;
    let mut gate = zero_copy::write::<Gate>(&accounts.gate)?;
    check_council(&gate, &council_key)?;
    require!(
        *accounts.programdata.key == gate.programdata,
        PortcullisError::ProgramdataMismatch
    );
    if gate.state()? == GateState::Active {
        // Somebody else was faster.
        return Ok(());
    }
    require!(
        gate.state()? == GateState::Adopting,
        PortcullisError::GateNotAdopting
    );
    let commitment = gate.release.commitment();
    let complete = accounts.progress.step(
        &gate_key,
        gate.life,
        &accounts.programdata,
        PROGRAMDATA_HEADER,
        &commitment,
        &args,
    )?;
    if !complete {
        return Ok(());
    }
    let event = transitions::complete_adoption(&mut gate, gate_key, now()?)?;
    emit_to_both(
        (&mut gate.log, &gate_key),
        (&mut council.log, &council_key),
        &event,
    )
    .map(drop)
}
