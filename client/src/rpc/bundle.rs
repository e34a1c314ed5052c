//! What a machine without a network needs of a proposal, as it is in one slot.

use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::sysvar;

use super::{fetch::decode_clock, Client};
use crate::{
    bundle::{AccountKind, Bundle, BundledAccount, BundledStatement, ChainTime, KIND, SCHEMA},
    error::ClientError,
};

impl Client {
    /// A proposal with all that is needed to vote on it without a network. `cluster` and `written_by` are for its readers.
    ///
    /// # Errors
    /// `NotFound`, and those of [`Bundle::open`]: nothing is handed on that would not be taken.
    pub async fn fetch_bundle(
        &self,
        proposal: &Pubkey,
        cluster: String,
        written_by: String,
        statement: Option<BundledStatement>,
    ) -> Result<Bundle, ClientError> {
        let view = self.fetch_proposal_view(proposal).await?;
        let attestations = self.list_attestations(proposal).await?;
        let gate = view.gate.map(|gate| (AccountKind::Gate, gate.address));
        let kinds: Vec<(AccountKind, Pubkey)> = [
            (AccountKind::Proposal, *proposal),
            (AccountKind::Council, view.council_address),
        ]
        .into_iter()
        .chain(gate)
        .chain(
            attestations
                .iter()
                .map(|found| (AccountKind::Attestation, found.address)),
        )
        .collect();
        let addresses: Vec<Pubkey> = [sysvar::clock::ID]
            .into_iter()
            .chain(kinds.iter().map(|(_, address)| *address))
            .collect();
        // At most 64 members attest, so this is one request, and all is of one slot.
        let mut found = self.get_accounts(&addresses).await?.into_iter();
        let now = decode_clock(found.next().flatten().as_ref())?;
        let mut accounts = Vec::with_capacity(kinds.len());
        for ((kind, address), account) in kinds.iter().zip(found) {
            match account {
                Some(account) => accounts.push(BundledAccount::new(*kind, address, &account)),
                // Taken back since it was listed.
                None if *kind == AccountKind::Attestation => {}
                None => {
                    return Err(ClientError::NotFound {
                        address: *address,
                        expected: "an account of a proposal",
                    })
                }
            }
        }
        let bundle = Bundle {
            schema_version: SCHEMA,
            kind: KIND.to_string(),
            written_by,
            cluster,
            genesis_hash: self.rpc.get_genesis_hash().await?.to_string(),
            portcullis: self.portcullis.to_string(),
            chain_time: ChainTime {
                unix_seconds: now.timestamp,
                slot: now.slot,
            },
            proposal: proposal.to_string(),
            accounts,
            statement,
        };
        bundle.open(&self.portcullis, now)?;
        Ok(bundle)
    }
}
