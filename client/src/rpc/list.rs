//! Lists of accounts, decoded.

use core::mem::offset_of;

use portcullis::{
    lifecycle::Now,
    state::{Attestation, Council, Gate, Proposal, Terms},
};
use serde_json::json;
use solana_account::Account;
use solana_rpc_client_api::{
    config::{
        RpcAccountInfoConfig, RpcProgramAccountsConfig, UiAccountEncoding, UiDataSliceConfig,
    },
    filter::{Memcmp, RpcFilterType},
    request::RpcRequest,
    response::RpcKeyedAccount,
};
use solana_sdk::pubkey::Pubkey;

use super::Client;
use crate::{
    account::{require_address, require_owner, Decoded, Keyed, StoredAttestation, StoredProposal},
    error::ClientError,
    proposal::ProposalView,
};

impl Client {
    /// The attestations of a proposal, by attester.
    pub async fn list_attestations(
        &self,
        proposal: &Pubkey,
    ) -> Result<Vec<Keyed<StoredAttestation>>, ClientError> {
        let filter = Some((offset_of!(Attestation, proposal), proposal));
        let mut attestations: Vec<Keyed<StoredAttestation>> = self.list(filter).await?;
        attestations.sort_by_key(|stored| stored.account.attestation.attester);
        Ok(attestations)
    }

    /// All councils of this instance.
    pub async fn list_councils(&self) -> Result<Vec<Keyed<Council>>, ClientError> {
        self.list(None).await
    }

    /// The gates of a council, or all gates of this instance.
    pub async fn list_gates(
        &self,
        council: Option<&Pubkey>,
    ) -> Result<Vec<Keyed<Gate>>, ClientError> {
        let filter = council.map(|council| (offset_of!(Gate, council), council));
        self.list(filter).await
    }

    /// The proposals of a gate, or about a council itself, whose accounts are not closed, by index.
    pub async fn list_proposals(
        &self,
        parent: &Pubkey,
    ) -> Result<Vec<Keyed<StoredProposal>>, ClientError> {
        let offset = offset_of!(Proposal, terms) + offset_of!(Terms, parent);
        let mut proposals: Vec<Keyed<StoredProposal>> = self.list(Some((offset, parent))).await?;
        proposals.sort_by_key(|stored| stored.account.proposal.terms.index);
        Ok(proposals)
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

    /// The accounts of one kind; with a filter those that hold this key at this offset of their body.
    async fn list<T: Decoded>(
        &self,
        filter: Option<(usize, &Pubkey)>,
    ) -> Result<Vec<Keyed<T>>, ClientError> {
        let filters: Vec<(usize, &[u8])> = filter
            .into_iter()
            .map(|(offset, key)| (offset, key.as_ref()))
            .collect();
        let mut list = Vec::new();
        for entry in self.body_filtered(&filters).await? {
            let entry = entry?;
            self.require_place(&entry)?;
            list.push(entry);
        }
        list.sort_by_key(|entry: &Keyed<T>| entry.address);
        Ok(list)
    }

    /// The accounts of one kind that hold these bytes at these offsets of their bodies, each decoded when it is asked for. Whether
    /// they stand at the addresses that follow from what they hold is left to [`require_place`](Self::require_place), which
    /// takes longer than all else.
    pub(super) async fn body_filtered<T: Decoded>(
        &self,
        filters: &[(usize, &[u8])],
    ) -> Result<impl Iterator<Item = Result<Keyed<T>, ClientError>>, ClientError> {
        let mut all = vec![(0, T::HEAD)];
        all.extend(
            filters
                .iter()
                .map(|(offset, bytes)| (T::HEAD.len().saturating_add(*offset), *bytes)),
        );
        let portcullis = self.portcullis;
        let accounts = self.program_accounts(&portcullis, &all, None).await?;
        Ok(accounts.map(move |found| {
            let (address, account, _) = found?;
            require_owner(&address, &account, &portcullis, T::NAME)?;
            let account = T::from_data(&address, &account.data)?;
            Ok(Keyed { address, account })
        }))
    }

    /// Requires that an account stands at the address that follows from what it holds.
    pub(super) fn require_place<T: Decoded>(&self, entry: &Keyed<T>) -> Result<(), ClientError> {
        require_address(&self.portcullis, &entry.address, &entry.account)
    }

    /// A program's accounts that hold these bytes at these offsets, with the length of their data; of the data itself only
    /// `slice`, which begins at the start and reaches over all that is filtered. Each is decoded when it is asked for.
    pub(crate) async fn program_accounts(
        &self,
        program: &Pubkey,
        filters: &[(usize, &[u8])],
        slice: Option<UiDataSliceConfig>,
    ) -> Result<impl Iterator<Item = Result<(Pubkey, Account, usize), ClientError>>, ClientError>
    {
        let memcmp = |(offset, bytes): &(usize, &[u8])| {
            RpcFilterType::Memcmp(Memcmp::new_base58_encoded(*offset, bytes))
        };
        let config = RpcProgramAccountsConfig {
            filters: Some(filters.iter().map(memcmp).collect()),
            account_config: RpcAccountInfoConfig {
                encoding: Some(UiAccountEncoding::Base64),
                data_slice: slice,
                commitment: Some(self.rpc.commitment()),
                min_context_slot: None,
            },
            with_context: None,
            sort_results: None,
        };
        // The library's own request for it holds the whole answer twice.
        let accounts: Vec<RpcKeyedAccount> = self
            .rpc
            .send(
                RpcRequest::GetProgramAccounts,
                json!([program.to_string(), config]),
            )
            .await?;
        let filters: Vec<(usize, Vec<u8>)> = filters
            .iter()
            .map(|(offset, bytes)| (*offset, bytes.to_vec()))
            .collect();
        Ok(accounts
            .into_iter()
            .map(move |found| decode_listed(found, &filters)))
    }
}

/// An account of a list, with the length of its data.
fn decode_listed(
    found: RpcKeyedAccount,
    filters: &[(usize, Vec<u8>)],
) -> Result<(Pubkey, Account, usize), ClientError> {
    let bad = |reason: String| ClientError::bad_answer(RpcRequest::GetProgramAccounts, reason);
    let address: Pubkey = found
        .pubkey
        .parse()
        .map_err(|_| bad("an address is malformed".into()))?;
    let account = found
        .account
        .to_account()
        .ok_or_else(|| bad(format!("the data of {address} is not base64")))?;
    let passes = |(offset, bytes): &(usize, Vec<u8>)| {
        let found = account.data.get(*offset..);
        found.is_some_and(|found| found.starts_with(bytes))
    };
    if !filters.iter().all(passes) {
        return Err(bad(format!(
            "{address} was not asked for, use another RPC server"
        )));
    }
    let space = found
        .account
        .space
        .and_then(|space| usize::try_from(space).ok())
        .unwrap_or(account.data.len());
    Ok((address, account, space))
}

#[cfg(test)]
mod tests {
    use anchor_lang::Discriminator;
    use bytemuck::Zeroable;
    use portcullis::constants::LAYOUT_VERSION;

    use super::*;
    use crate::{pda, rpc::mock};

    #[tokio::test]
    async fn an_account_that_was_not_asked_for_is_refused() {
        let gate = Gate {
            version: LAYOUT_VERSION,
            council: Pubkey::new_unique(),
            program: Pubkey::new_unique(),
            ..Gate::zeroed()
        };
        let address = pda::gate(&portcullis::ID, &gate.program);
        let data = [Gate::DISCRIMINATOR, bytemuck::bytes_of(&gate)].concat();
        let answer = mock::listed(&[(address, portcullis::ID, &data)]);
        let client = mock::client(
            [&answer, &answer, &answer].map(|a| (RpcRequest::GetProgramAccounts, a.clone())),
        );
        assert_eq!(client.list_gates(None).await.unwrap()[0].address, address);
        let of_council = client.list_gates(Some(&gate.council)).await.unwrap();
        assert_eq!(of_council.len(), 1);
        let error = client.list_gates(Some(&address)).await.unwrap_err();
        assert!(
            matches!(&error, ClientError::BadAnswer { reason, .. } if reason.contains("not asked for")),
            "{error}"
        );
    }
}
