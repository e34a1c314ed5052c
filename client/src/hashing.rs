//! Hashes large buffers and programs on chain, in as many transactions as it takes. Steps must arrive in their order, so some
//! are sent ahead at a time; whatever got lost, or was done by somebody else meanwhile, shows in the hash in the making.

use std::time::{Duration, Instant};

use portcullis::instructions::HashStepArgs;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_signer::Signer;

use crate::{
    error::ClientError,
    instruction::ProposalKeys,
    proposal::ProposalView,
    rpc::Client,
    transaction::{
        build_message, is_processed, is_unanswered, sign, with_budget, SendOptions,
        MAX_COMPUTE_UNITS, POLL,
    },
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

    /// One step. `rent_payer`: who paid for the first. A step that does not reach the end must end at a whole block of 64 bytes,
    /// or it is refused as `LengthOutOfRange`.
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
                match self.send(&[instruction], payer, &[], &options).await {
                    Ok(_) => sent += 1,
                    Err(error) => {
                        // Somebody else may have been faster: their step counts, and ours is refused.
                        let state = self.hash_state(target, payer.pubkey()).await;
                        if !state.is_ok_and(|state| state.is_none_or(|(now, _)| now > hashed)) {
                            return Err(error);
                        }
                        tracing::debug!(%error, hashed, "the hash went on without this step");
                    }
                }
                continue;
            }
            let taken = self
                .send_ahead(target, payer, rent_payer, ahead, &options)
                .await?;
            sent += taken.len() as u32;
            let expected = taken
                .last()
                .map_or(hashed, |step| step.offset.saturating_add(step.len));
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

    /// Sends steps in their order without waiting for any of them, until the servers take no more. Gives those that they took.
    async fn send_ahead<'a>(
        &self,
        target: &Target,
        payer: &dyn Signer,
        rent_payer: Pubkey,
        steps: &'a [HashStepArgs],
        options: &SendOptions,
    ) -> Result<&'a [HashStepArgs], ClientError> {
        let blockhash = self.rpc.get_latest_blockhash().await?;
        for (number, step) in steps.iter().enumerate() {
            let instruction = target.instruction(self, payer.pubkey(), rent_payer, *step);
            let message = build_message(
                &with_budget(&[instruction], options),
                &payer.pubkey(),
                &[],
                blockhash,
            )?;
            let transaction = sign(message, &[payer])?;
            match self.submit(&transaction).await {
                Ok(_) => {}
                Err(error) if is_processed(&error) => {}
                // Those before it are under way. The next round goes on from what arrived.
                Err(error) if error.is_transient() || is_unanswered(&error) => {
                    tracing::debug!(%error, offset = step.offset, "a step was not taken");
                    return Ok(steps.get(..number).unwrap_or_default());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(steps)
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
    use serde_json::{json, Value};
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

    /// A program that is being adopted, and a server that shows these states of its hash one after the other: bytes hashed, or
    /// none once the gate is active.
    fn shown(states: &[Option<usize>], more: &[(RpcRequest, Value)]) -> (Client, Target) {
        let portcullis = portcullis::ID;
        let program = Pubkey::new_unique();
        let gate = |state: GateState| {
            let gate = Gate {
                version: LAYOUT_VERSION,
                program,
                authority: crate::pda::authority(&portcullis, &program),
                state: state as u8,
                ..Gate::zeroed()
            };
            [Gate::DISCRIMINATOR, bytemuck::bytes_of(&gate)].concat()
        };
        let mut answers = more.to_vec();
        let mut show = |account: Option<Vec<u8>>| {
            let account = account.as_ref().map(|data| (portcullis, &data[..]));
            let answer = mock::found(&[account]);
            answers.push((RpcRequest::GetMultipleAccounts, answer));
        };
        for state in states {
            let Some(hashed) = *state else {
                show(Some(gate(GateState::Active)));
                continue;
            };
            show(Some(gate(GateState::Adopting)));
            let mut hashing = Hashing {
                target: crate::pda::gate(&portcullis, &program),
                version: LAYOUT_VERSION,
                ..Hashing::zeroed()
            };
            hashing.state.update(&vec![0; hashed]).unwrap();
            let hashing = [Hashing::DISCRIMINATOR, bytemuck::bytes_of(&hashing)].concat();
            show((hashed > 0).then_some(hashing));
        }
        let council = Pubkey::default();
        (mock::client(answers), Target::Program { council, program })
    }

    async fn hash(client: &Client, target: &Target, len: u32) -> Result<u32, ClientError> {
        client
            .hash_in_steps(target, len, &Keypair::new(), None, &|_| {})
            .await
    }

    #[tokio::test]
    async fn a_hash_that_never_completes_is_given_up() {
        let (client, target) = shown(&[Some(64)], &[]);
        assert!(matches!(
            hash(&client, &target, 64).await,
            Err(ClientError::HashStalled {
                hashed: 64,
                total: 64
            })
        ));
    }

    #[tokio::test]
    async fn a_step_that_somebody_else_did_first_is_no_failure() {
        // The server takes no transaction.
        for (hashed, len) in [(0, 3 * STEP_BYTES), (64, 128)] {
            let (client, target) = shown(&[Some(hashed), None, None], &[]);
            assert_eq!(hash(&client, &target, len).await.unwrap(), 0);
            let (client, target) = shown(&[Some(hashed), Some(hashed)], &[]);
            assert!(matches!(
                hash(&client, &target, len).await,
                Err(ClientError::BadAnswer { .. })
            ));
        }
    }

    #[tokio::test]
    async fn steps_sent_ahead_that_a_server_does_not_take_are_sent_anew() {
        let blockhash = json!({
            "context": { "slot": 1 },
            "value": { "blockhash": Pubkey::default().to_string(), "lastValidBlockHeight": 100 },
        });
        let more = [(RpcRequest::GetLatestBlockhash, blockhash)];
        let (client, target) = shown(&[Some(64), Some(64), None], &more);
        let len = 64 + 3 * STEP_BYTES;
        assert_eq!(hash(&client, &target, len).await.unwrap(), 0);
    }
}
