//! What an upload changes beside the buffer's bytes: it creates the buffer, and hands it over.

use std::{pin::pin, time::Duration};

use futures::future::{select, Either};
use solana_loader_v3_interface::instruction::UpgradeableLoaderInstruction;
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};
use solana_sdk_ids::bpf_loader_upgradeable;
use solana_system_interface::instruction as system;

use super::{set_buffer_authority, uploader::Uploader};
use crate::{
    account::BUFFER_HEADER,
    error::ClientError,
    transaction::{is_unanswered, RESEND},
};

/// Enough for a creation or a hand-over.
pub(super) const STEP_COMPUTE_UNITS: u32 = 20_000;
/// Without a confirmation for so long, the account is read: confirmations can be lost. Longer after each reading in vain.
pub(super) const STILL: Duration = Duration::from_secs(4);
/// Rounds in a row that may pass without anything getting done.
pub(super) const IDLE_ROUNDS: u32 = 5;

/// The pause after so many rounds without progress.
pub(super) fn pause_after(idle: u32) -> Duration {
    RESEND.saturating_mul(1_u32.checked_shl(idle).unwrap_or(u32::MAX))
}

/// Whether an error is one of the network, which may get better. To look at the account first, then to repeat, does no harm here.
pub(super) fn may_pass(error: &ClientError) -> bool {
    error.is_transient()
        || is_unanswered(error)
        || matches!(error, ClientError::NotConfirmed { .. })
}

/// What changes the buffer beside its bytes.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Create,
    HandOver(&'a Pubkey),
}

impl Uploader<'_> {
    /// Sends a step until it is done. Neither an answer nor a confirmation that is lost stops it: the account shows whether it is.
    pub(super) async fn take(&self, step: Step<'_>) -> Result<(), ClientError> {
        let mut failures = 0;
        loop {
            let instructions = match step {
                Step::Create => {
                    let (rent, lamports) = self.rent().await?;
                    self.create(rent, lamports)
                }
                Step::HandOver(to) => {
                    let from = self.authority.pubkey();
                    vec![set_buffer_authority(&self.buffer, &from, to)]
                }
            };
            let options = self.send_options(STEP_COMPUTE_UNITS);
            let signers = [self.authority];
            let sent = self
                .client
                .send(&instructions, self.payer, &signers, &options);
            let error = match select(pin!(sent), pin!(self.seen(step))).await {
                Either::Left((Ok(_), _)) | Either::Right(_) => return Ok(()),
                Either::Left((Err(error), _)) => error,
            };
            tracing::debug!(%error, failures, "a step of an upload failed");
            match self.is_done(step).await {
                Ok(true) => return Ok(()),
                Err(error) if !may_pass(&error) => return Err(error),
                _ => {}
            }
            if failures >= IDLE_ROUNDS || !may_pass(&error) {
                return Err(error);
            }
            tokio::time::sleep(pause_after(failures)).await;
            failures = failures.saturating_add(1);
        }
    }

    /// Waits until the account shows that a step is done.
    async fn seen(&self, step: Step<'_>) {
        let mut still = STILL;
        loop {
            tokio::time::sleep(still).await;
            if self.is_done(step).await.is_ok_and(|done| done) {
                return;
            }
            still = still.saturating_mul(2);
        }
    }

    async fn is_done(&self, step: Step<'_>) -> Result<bool, ClientError> {
        match (step, self.fetch().await?) {
            (Step::Create, found) => Ok(found.is_some()),
            (Step::HandOver(_), None) => Ok(false),
            (Step::HandOver(to), Some(found)) => {
                Ok(found.authority == Some(*to) || self.is_handed_over(&found)?)
            }
        }
    }

    /// The instructions that create the buffer, whether or not its address already holds lamports.
    fn create(&self, rent: u64, found_lamports: u64) -> Vec<Instruction> {
        let (payer, authority) = (self.payer.pubkey(), self.authority.pubkey());
        // Without a seed the buffer was there at the beginning, so it is not created.
        let seed = self.seed.as_deref().unwrap_or_default();
        let space = BUFFER_HEADER.saturating_add(self.wanted.len()) as u64;
        let owner = bpf_loader_upgradeable::ID;
        let mut instructions = if found_lamports == 0 {
            vec![system::create_account_with_seed(
                &payer,
                &self.buffer,
                &authority,
                seed,
                rent,
                space,
                &owner,
            )]
        } else {
            vec![
                system::transfer(&payer, &self.buffer, rent.saturating_sub(found_lamports)),
                system::allocate_with_seed(&self.buffer, &authority, seed, space, &owner),
            ]
        };
        instructions.push(initialize_buffer(&self.buffer, &authority));
        instructions
    }
}

/// The instruction that sets a new buffer's authority; must stand in the transaction that creates the account.
fn initialize_buffer(buffer: &Pubkey, authority: &Pubkey) -> Instruction {
    Instruction::new_with_bincode(
        bpf_loader_upgradeable::ID,
        &UpgradeableLoaderInstruction::InitializeBuffer,
        vec![
            AccountMeta::new(*buffer, false),
            AccountMeta::new_readonly(*authority, false),
        ],
    )
}
