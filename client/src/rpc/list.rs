//! Lists of accounts, decoded.

use core::mem::offset_of;

use anchor_lang::Discriminator;
use portcullis::{
    lifecycle::Now,
    state::{Attestation, Council, Gate, Proposal, Terms},
};
use solana_account::Account;
use solana_rpc_client_api::{
    config::{
        RpcAccountInfoConfig, RpcProgramAccountsConfig, UiAccountEncoding, UiDataSliceConfig,
    },
    filter::{Memcmp, RpcFilterType},
    request::RpcRequest,
};
use solana_sdk::pubkey::Pubkey;

use super::Client;
use crate::{
    account::{decode_owned, Decoded, Keyed, StoredAttestation, StoredProposal},
    error::ClientError,
    proposal::ProposalView,
};

impl Client {
    /// The attestations of a proposal, by attester.
    pub async fn list_attestations(
        &self,
        proposal: &Pubkey,
    ) -> Result<Vec<Keyed<StoredAttestation>>, ClientError> {
        let filter = field(offset_of!(Attestation, proposal), proposal);
        let mut attestations: Vec<Keyed<StoredAttestation>> = self.list(vec![filter]).await?;
        attestations.sort_by_key(|stored| stored.account.attestation.attester);
        Ok(attestations)
    }

    /// All councils of this instance.
    pub async fn list_councils(&self) -> Result<Vec<Keyed<Council>>, ClientError> {
        self.list(Vec::new()).await
    }

    /// The gates of a council, or all gates of this instance.
    pub async fn list_gates(
        &self,
        council: Option<&Pubkey>,
    ) -> Result<Vec<Keyed<Gate>>, ClientError> {
        let filters = council.map(|council| field(offset_of!(Gate, council), council));
        self.list(filters.into_iter().collect()).await
    }

    /// The proposals of a gate, or about a council itself, whose accounts are not closed, by index.
    pub async fn list_proposals(
        &self,
        parent: &Pubkey,
    ) -> Result<Vec<Keyed<StoredProposal>>, ClientError> {
        let offset = offset_of!(Proposal, terms) + offset_of!(Terms, parent);
        let mut proposals: Vec<Keyed<StoredProposal>> =
            self.list(vec![field(offset, parent)]).await?;
        proposals.sort_by_key(|stored| stored.account.proposal.terms.index);
        Ok(proposals)
    }

    /// The proposals of all gates and councils whose accounts are not closed.
    pub async fn list_all_proposals(&self) -> Result<Vec<Keyed<StoredProposal>>, ClientError> {
        self.list(Vec::new()).await
    }

    /// The proposals of a gate, beside it and its council, all as of `now`, by index.
    ///
    /// # Errors
    /// Those of [`ProposalView::new`].
    pub async fn list_views_of_gate(
        &self,
        gate: &Keyed<Gate>,
        council: &Keyed<Council>,
        now: Now,
    ) -> Result<Vec<ProposalView>, ClientError> {
        self.list_views(&gate.address, Some(*gate), council, now)
            .await
    }

    /// The proposals about a council itself, as of `now`, by index.
    ///
    /// # Errors
    /// Those of [`ProposalView::new`].
    pub async fn list_views_of_council(
        &self,
        council: &Keyed<Council>,
        now: Now,
    ) -> Result<Vec<ProposalView>, ClientError> {
        self.list_views(&council.address, None, council, now).await
    }

    async fn list_views(
        &self,
        parent: &Pubkey,
        gate: Option<Keyed<Gate>>,
        council: &Keyed<Council>,
        now: Now,
    ) -> Result<Vec<ProposalView>, ClientError> {
        let list = self.list_proposals(parent).await?;
        list.into_iter()
            .map(|stored| {
                ProposalView::new(
                    &self.portcullis,
                    stored.address,
                    stored.account,
                    gate,
                    *council,
                    now,
                )
            })
            .collect()
    }

    async fn list<T: Decoded>(
        &self,
        mut filters: Vec<RpcFilterType>,
    ) -> Result<Vec<Keyed<T>>, ClientError> {
        filters.push(memcmp(0, T::HEAD));
        let mut list = self
            .program_accounts(&self.portcullis, filters, None)
            .await?
            .into_iter()
            .map(|(address, account, _)| {
                Ok(Keyed {
                    address,
                    account: decode_owned(&self.portcullis, &address, &account)?,
                })
            })
            .collect::<Result<Vec<Keyed<T>>, ClientError>>()?;
        list.sort_by_key(|entry| entry.address);
        Ok(list)
    }

    /// A program's accounts that pass the filters, with the length of their data; of the data itself only `slice`.
    pub(crate) async fn program_accounts(
        &self,
        program: &Pubkey,
        filters: Vec<RpcFilterType>,
        slice: Option<UiDataSliceConfig>,
    ) -> Result<Vec<(Pubkey, Account, usize)>, ClientError> {
        let accounts = self
            .rpc
            .get_program_ui_accounts_with_config(
                program,
                RpcProgramAccountsConfig {
                    filters: Some(filters),
                    account_config: RpcAccountInfoConfig {
                        encoding: Some(UiAccountEncoding::Base64),
                        data_slice: slice,
                        commitment: Some(self.rpc.commitment()),
                        min_context_slot: None,
                    },
                    with_context: None,
                    sort_results: None,
                },
            )
            .await?;
        accounts
            .into_iter()
            .map(|(address, encoded)| {
                let account = encoded.to_account().ok_or_else(|| ClientError::BadAnswer {
                    request: RpcRequest::GetProgramAccounts.as_str().into(),
                    reason: format!("the data of {address} is not base64"),
                })?;
                let space = encoded
                    .space
                    .and_then(|space| usize::try_from(space).ok())
                    .unwrap_or(account.data.len());
                Ok((address, account, space))
            })
            .collect()
    }
}

/// A filter on bytes of the data.
pub(crate) fn memcmp(offset: usize, bytes: &[u8]) -> RpcFilterType {
    RpcFilterType::Memcmp(Memcmp::new_base58_encoded(offset, bytes))
}

/// A filter on a key in the body of one of Portcullis's accounts.
fn field(offset: usize, key: &Pubkey) -> RpcFilterType {
    memcmp(Gate::DISCRIMINATOR.len() + offset, key.as_ref())
}
