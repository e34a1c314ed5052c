//! Hashes large buffers and programs on chain, in as many transactions as it takes. Steps must arrive in their order, so some
//! are sent ahead at a time; whatever got lost, or was done by somebody else meanwhile, shows in the hash in the making.

use std::time::{Duration, Instant};

use portcullis::instructions::HashStepArgs;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Signature};
use solana_signer::Signer;

use crate::{
    error::ClientError,
    instruction::ProposalKeys,
    proposal::ProposalView,
    rpc::Client,
    transaction::{build_message, sign, with_budget, SendOptions, MAX_COMPUTE_UNITS, POLL},
};

/// Bytes of a step: at 61.3 compute units a byte (docs/compute-units.md), with 40,000 for all else, as many as one transaction
/// hashes; whole blocks of 64.
pub const STEP_BYTES: u32 = (MAX_COMPUTE_UNITS - 40_000) / 62 / 64 * 64;
/// Steps that are sent ahead.
const AHEAD: usize = 12;
/// Without progress for so long, the steps are sent anew.
const PATIENCE: Duration = Duration::from_secs(15);
/// Rounds in a row that may pass without progress.
const IDLE_ROUNDS: u32 = 5;

/// The steps from `hashed` on that hash `len` bytes.
pub fn hash_steps(hashed: u32, len: u32) -> impl Iterator<Item = HashStepArgs> {
    (hashed..len)
        .step_by(STEP_BYTES as usize)
        .map(move |offset| HashStepArgs {
            offset,
            len: STEP_BYTES.min(len.saturating_sub(offset)),
        })
}

/// How many transactions hash so many bytes.
pub fn hash_transactions(len: u32) -> u32 {
    len.div_ceil(STEP_BYTES)
}

/// What is hashed.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// The buffer of a draft.
    Buffer { keys: ProposalKeys, buffer: Pubkey },
    /// A program that is being adopted.
    Program { council: Pubkey, program: Pubkey },
}

impl Target {
    /// The buffer of a proposal.
    pub fn buffer_of(view: &ProposalView) -> Self {
        Self::Buffer {
            keys: view.keys(),
            buffer: view.proposal.terms.buffer,
        }
    }

    /// The proposal or the gate.
    pub fn address(&self, client: &Client) -> Pubkey {
        let builder = client.builder();
        match self {
            Self::Buffer { keys, .. } => builder.proposal(keys),
            Self::Program { program, .. } => builder.gate(program),
        }
    }

    /// One step. `rent_payer`: who paid for the first.
    pub fn instruction(
        &self,
        client: &Client,
        payer: Pubkey,
        rent_payer: Pubkey,
        step: HashStepArgs,
    ) -> Instruction {
        let builder = client.builder();
        match self {
            Self::Buffer { keys, buffer } => {
                builder.hash_buffer(keys, *buffer, payer, rent_payer, step)
            }
            Self::Program { council, program } => {
                builder.hash_program(*council, *program, payer, rent_payer, step)
            }
        }
    }
}

/// How far a hash has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashProgress {
    /// Bytes.
    pub hashed: u32,
    /// Bytes.
    pub total: u32,
}

impl Client {
    /// Hashes `len` bytes on chain; goes on where others stopped. Done once the buffer is verified or the gate active.
    ///
    /// # Errors
    /// `Refused` where the program takes no step (such as `HashMismatch` at the end), and those of sending.
    pub async fn hash_in_steps(
        &self,
        target: &Target,
        len: u32,
        payer: &dyn Signer,
        compute_unit_price_micro_lamports: Option<u64>,
        on_progress: &(dyn Fn(HashProgress) + Sync),
    ) -> Result<u32, ClientError> {
        let options = SendOptions {
            compute_unit_price_micro_lamports,
            ..SendOptions::with_compute_units(MAX_COMPUTE_UNITS)
        };
        let mut sent = 0;
        let mut idle = 0;
        let mut last = None;
        loop {
            let Some((hashed, rent_payer)) = self.hash_state(target, payer.pubkey()).await? else {
                on_progress(HashProgress {
                    hashed: len,
                    total: len,
                });
                return Ok(sent);
            };
            on_progress(HashProgress { hashed, total: len });
            let stalled = last.is_some_and(|last| hashed <= last);
            idle = if stalled { idle + 1_u32 } else { 0 };
            last = Some(hashed);
            let steps: Vec<HashStepArgs> = hash_steps(hashed, len).take(AHEAD).collect();
            let Some(first) = steps.first().filter(|_| idle <= IDLE_ROUNDS) else {
                return Err(ClientError::HashStalled { hashed, total: len });
            };
            // The last step of all, which compares the hash, is never among those that go unseen.
            let ahead = match steps.split_last() {
                Some((last, before)) if last.offset.saturating_add(last.len) >= len => before,
                _ => &steps,
            };
            // One alone is simulated and confirmed, so that a refusal is seen.
            if hashed == 0 || stalled || ahead.is_empty() {
                let instruction = target.instruction(self, payer.pubkey(), rent_payer, *first);
                self.send(&[instruction], payer, &[], &options).await?;
                sent += 1;
                continue;
            }
            let expected = ahead
                .last()
                .map_or(hashed, |step| step.offset.saturating_add(step.len));
            sent += self
                .send_ahead(target, payer, rent_payer, ahead, &options)
                .await?;
            self.wait_for(target, payer.pubkey(), hashed, expected)
                .await?;
        }
    }

    /// Bytes hashed so far and who paid for the first step; none where the hash is complete.
    async fn hash_state(
        &self,
        target: &Target,
        payer: Pubkey,
    ) -> Result<Option<(u32, Pubkey)>, ClientError> {
        let life = match target {
            Target::Buffer { .. } => {
                let view = self.fetch_proposal_view(&target.address(self)).await?;
                if view.facts.verified {
                    return Ok(None);
                }
                view.proposal.terms.life
            }
            Target::Program { .. } => {
                let gate = self.fetch_gate_at(&target.address(self)).await?.account;
                if gate.state() != Ok(portcullis::state::GateState::Adopting) {
                    return Ok(None);
                }
                gate.life
            }
        };
        let hashing = self.fetch_hashing(&target.address(self)).await?;
        Ok(Some(match hashing {
            None => (0, payer),
            // Of an earlier life: it begins again, in the same account.
            Some(hashing) if hashing.account.life != life => (0, hashing.account.rent_payer),
            Some(hashing) => (hashing.account.state.hashed(), hashing.account.rent_payer),
        }))
    }

    /// Sends steps in their order without waiting for any of them.
    async fn send_ahead(
        &self,
        target: &Target,
        payer: &dyn Signer,
        rent_payer: Pubkey,
        steps: &[HashStepArgs],
        options: &SendOptions,
    ) -> Result<u32, ClientError> {
        let blockhash = self.rpc.get_latest_blockhash().await?;
        let mut sent = 0;
        for step in steps {
            let instruction = target.instruction(self, payer.pubkey(), rent_payer, *step);
            let message = build_message(
                &with_budget(&[instruction], options),
                &payer.pubkey(),
                &[],
                blockhash,
            )?;
            let transaction = sign(message, &[payer])?;
            let _: Signature = self.submit(&transaction).await?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Waits until `expected` bytes are hashed, the hash is complete, or nothing moves for too long.
    async fn wait_for(
        &self,
        target: &Target,
        payer: Pubkey,
        mut hashed: u32,
        expected: u32,
    ) -> Result<(), ClientError> {
        let mut moved = Instant::now();
        loop {
            tokio::time::sleep(POLL).await;
            match self.hash_state(target, payer).await? {
                None => return Ok(()),
                Some((now, _)) if now >= expected => return Ok(()),
                Some((now, _)) if now > hashed => {
                    hashed = now;
                    moved = Instant::now();
                }
                Some(_) if moved.elapsed() >= PATIENCE => return Ok(()),
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use anchor_lang::Discriminator;
    use bytemuck::Zeroable;
    use portcullis::{
        constants::LAYOUT_VERSION,
        state::{Gate, GateState, Hashing},
    };
    use solana_keypair::Keypair;
    use solana_rpc_client_api::request::RpcRequest;

    use super::*;
    use crate::rpc::mock;

    #[test]
    fn steps_are_whole_blocks_without_gap_to_the_last_byte() {
        for (hashed, len) in [
            (0, 3_000_001),
            (STEP_BYTES, 3_000_001),
            (0, STEP_BYTES),
            (64, 65),
        ] {
            let steps: Vec<HashStepArgs> = hash_steps(hashed, len).collect();
            let mut at = hashed;
            for step in &steps {
                assert_eq!(step.offset, at);
                at += step.len;
                assert!(step.len % 64 == 0 || at == len);
                assert!(step.len <= STEP_BYTES && step.len > 0);
            }
            assert_eq!(at, len);
            assert_eq!(steps.len() as u32, hash_transactions(len - hashed));
        }
        assert_eq!(hash_steps(7, 7).count(), 0);
        assert_eq!(STEP_BYTES % 64, 0);
    }

    #[tokio::test]
    async fn a_hash_that_never_completes_is_given_up() {
        let portcullis = portcullis::ID;
        let program = Pubkey::new_unique();
        let gate = Gate {
            version: LAYOUT_VERSION,
            program,
            authority: crate::pda::authority(&portcullis, &program),
            state: GateState::Adopting as u8,
            ..Gate::zeroed()
        };
        let mut hashing = Hashing {
            target: crate::pda::gate(&portcullis, &gate.program),
            version: LAYOUT_VERSION,
            ..Hashing::zeroed()
        };
        hashing.state.update(&[0; 64]).unwrap();
        let answers = [
            [Gate::DISCRIMINATOR, bytemuck::bytes_of(&gate)].concat(),
            [Hashing::DISCRIMINATOR, bytemuck::bytes_of(&hashing)].concat(),
        ];
        let client = mock::client(answers.iter().map(|data| {
            let answer = mock::found(&[Some((portcullis, data))]);
            (RpcRequest::GetMultipleAccounts, answer)
        }));
        let target = Target::Program {
            council: gate.council,
            program: gate.program,
        };
        let payer = Keypair::new();
        let result = client.hash_in_steps(&target, 64, &payer, None, &|_| {});
        assert!(matches!(
            result.await,
            Err(ClientError::HashStalled {
                hashed: 64,
                total: 64
            })
        ));
    }
}
