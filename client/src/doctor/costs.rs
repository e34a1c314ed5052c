//! What the next step costs its payer.

use portcullis::{digest::Commitment, state::Proposal, transitions::UpgradeArgs};
use solana_loader_v3_interface::instruction as loader;
use solana_sdk::{pubkey::Pubkey, signer::null_signer::NullSigner};

use super::{fetch::extension_of, Cost, Facts};
use crate::{
    account::PortcullisAccount,
    elf::Artifact,
    error::ClientError,
    instruction::ProposalKeys,
    rpc::Client,
    transaction::{
        execution_compute_units, fee, hash_compute_units, SendOptions, MAX_COMPUTE_UNITS,
        PROPOSE_COMPUTE_UNITS,
    },
    upload::UploadOptions,
};

/// Buffers that one uploader can have for one build.
const MAX_VARIANTS: u16 = 16;

impl Client {
    /// What the next step costs: before proposing the upload, where there is no buffer, and the proposal; else the execution.
    pub(super) async fn costs(
        &self,
        facts: &Facts,
        actor: Pubkey,
        payer: Pubkey,
        options: &SendOptions,
    ) -> Result<Vec<Cost>, ClientError> {
        match &facts.proposal {
            None => self.costs_of_proposing(facts, actor, payer, options).await,
            Some(view) => {
                let instructions = self.execution(view, actor);
                let units = match view.is_upgrade() {
                    true => Some(execution_compute_units(view.proposal.terms.len)),
                    false => None,
                };
                let options = SendOptions {
                    compute_unit_limit: units,
                    ..options.clone()
                };
                let mut costs = Vec::new();
                let program = facts.program.as_ref().filter(|_| view.is_upgrade());
                let extension = program.and_then(|p| extension_of(p, facts.needed_room()));
                if let (Some(program), Some(bytes)) = (program, extension) {
                    let id = program.gate.account.program;
                    let extend = loader::extend_program(&id, Some(&payer), bytes);
                    let rent = program.rent.clone().ok();
                    let rent = rent.map_or(0, |rent| rent.then.saturating_sub(rent.now));
                    let options = SendOptions {
                        compute_unit_limit: None,
                        ..options.clone()
                    };
                    costs.push(cost("of rent for the extension", rent));
                    costs.push(Cost {
                        more_follows: true,
                        ..cost("for the extension's fee", fee(&[extend], &payer, &options)?)
                    });
                }
                costs.push(cost(
                    "for the execution's fee",
                    fee(&instructions, &payer, &options)?,
                ));
                Ok(costs)
            }
        }
    }

    async fn costs_of_proposing(
        &self,
        facts: &Facts,
        actor: Pubkey,
        payer: Pubkey,
        options: &SendOptions,
    ) -> Result<Vec<Cost>, ClientError> {
        let mut costs = Vec::new();
        let Some(program) = &facts.program else {
            return Ok(costs);
        };
        let build = facts.artifact.as_ref().filter(|_| facts.buffer.is_none());
        if let Some(artifact) = build.and_then(|build| Artifact::new(build.bytes.clone()).ok()) {
            let lamports = self.upload_costs(&artifact, actor, payer, options).await?;
            costs.push(Cost {
                more_follows: lamports > 0,
                ..cost("for the upload, most of it rent", lamports)
            });
        }
        let keys = ProposalKeys::of_gate(
            facts.council.address,
            program.gate.account.program,
            program.gate.account.proposal_count,
        );
        // What it says does not change what it costs.
        let len = u32::try_from(facts.needed_room().unwrap_or_default()).unwrap_or(u32::MAX);
        let commitment = Commitment {
            len,
            ..Commitment::default()
        };
        let args = UpgradeArgs {
            lane: facts.lane,
            commitment,
            base_index: 0,
            base: Commitment::default(),
            epoch: 0,
            life: 0,
            statement: None,
            not_before: 0,
            predecessor: None,
        };
        let builder = self.builder();
        let buffer = facts.buffer.as_ref().map(|buffer| buffer.address);
        let buffer = buffer.unwrap_or_default();
        let spill = facts.spill.as_ref().map_or(payer, |spill| spill.address);
        let mut instructions =
            vec![builder.propose_upgrade(&keys, buffer, spill, actor, payer, args)];
        let mut units = PROPOSE_COMPUTE_UNITS;
        if commitment.is_hashed_at_once() {
            instructions.push(builder.verify_buffer(&keys, buffer));
            units = hash_compute_units(len).saturating_add(units);
        }
        let options = SendOptions {
            compute_unit_limit: Some(units.min(MAX_COMPUTE_UNITS)),
            ..options.clone()
        };
        let fee = fee(&instructions, &payer, &options)?;
        costs.push(cost("for the proposal's fee", fee));
        let rent = self.minimum_balance(Proposal::space()).await?;
        costs.push(cost("of rent for the proposal", rent));
        Ok(costs)
    }

    /// What an upload to the first place takes whose buffer is not in use.
    async fn upload_costs(
        &self,
        artifact: &Artifact,
        actor: Pubkey,
        payer: Pubkey,
        options: &SendOptions,
    ) -> Result<u64, ClientError> {
        let (uploader, payer) = (NullSigner::new(&actor), NullSigner::new(&payer));
        let mut variant = 0;
        loop {
            let options = UploadOptions {
                compute_unit_price_micro_lamports: options.compute_unit_price_micro_lamports,
                authority: Some(actor),
                variant,
                ..UploadOptions::default()
            };
            match self
                .upload_plan(artifact, &uploader, &payer, &options)
                .await
            {
                Ok(plan) => return Ok(plan.lamports),
                Err(ClientError::BufferAuthority { .. } | ClientError::BufferSize { .. })
                    if variant + 1 < MAX_VARIANTS =>
                {
                    variant += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn cost(what: &'static str, lamports: u64) -> Cost {
    Cost {
        what,
        lamports,
        more_follows: false,
    }
}

/// The buffer's lamports, where the payer is the spill account of an execution.
pub(super) fn gains(facts: &Facts, payer: &Pubkey) -> u64 {
    let spill = facts.spill.as_ref().map(|spill| spill.address);
    let buffer = facts
        .buffer
        .as_ref()
        .and_then(|buffer| buffer.account.as_ref().ok()?.as_ref());
    match buffer {
        Some(buffer) if facts.proposal.is_some() && spill == Some(*payer) => buffer.lamports,
        _ => 0,
    }
}
