//! Single accounts, decoded.

use core::mem::offset_of;

use anchor_lang::Discriminator;
use portcullis::{
    lifecycle::Now,
    state::{Council, Gate, Hashing},
};
use solana_account::Account;
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::{clock::Clock, pubkey::Pubkey};
use solana_sdk_ids::sysvar;

use super::Client;
use crate::{
    account::{
        decode_owned, decode_program, decode_programdata, Decoded, Keyed, Programdata,
        StoredAttestation, StoredProposal,
    },
    error::ClientError,
    pda,
    proposal::ProposalView,
};

impl Client {
    async fn fetch<T: Decoded>(&self, address: &Pubkey) -> Result<Keyed<T>, ClientError> {
        let account = self.require(address, T::NAME).await?;
        Ok(Keyed {
            address: *address,
            account: decode_owned(&self.portcullis, address, &account)?,
        })
    }

    /// The council at an address.
    pub async fn fetch_council(&self, address: &Pubkey) -> Result<Keyed<Council>, ClientError> {
        self.fetch(address).await
    }

    /// The gate of a program.
    pub async fn fetch_gate(&self, program: &Pubkey) -> Result<Keyed<Gate>, ClientError> {
        let gate = self.fetch(&pda::gate(&self.portcullis, program)).await?;
        self.require_signer(&gate)?;
        Ok(gate)
    }

    /// The gate of a program, if it has one.
    pub async fn find_gate(&self, program: &Pubkey) -> Result<Option<Keyed<Gate>>, ClientError> {
        let gate = self.find(&pda::gate(&self.portcullis, program)).await?;
        gate.iter().try_for_each(|gate| self.require_signer(gate))?;
        Ok(gate)
    }

    /// A gate's signer follows from its program: a server must not choose who passes for it.
    pub(super) fn require_signer(&self, gate: &Keyed<Gate>) -> Result<(), ClientError> {
        if gate.account.authority == pda::authority(&self.portcullis, &gate.account.program) {
            return Ok(());
        }
        Err(ClientError::Unrelated {
            address: gate.address,
            reason: "its signer is not the one that follows from its program",
        })
    }

    /// The council at an address, if there is one.
    pub async fn find_council(
        &self,
        address: &Pubkey,
    ) -> Result<Option<Keyed<Council>>, ClientError> {
        self.find(address).await
    }

    /// The gate at an address.
    pub async fn fetch_gate_at(&self, address: &Pubkey) -> Result<Keyed<Gate>, ClientError> {
        let gate = self.fetch(address).await?;
        self.require_signer(&gate)?;
        Ok(gate)
    }

    /// The proposal at an address, alone. To show or sign it use [`fetch_proposal_view`](Self::fetch_proposal_view).
    pub async fn fetch_proposal(
        &self,
        address: &Pubkey,
    ) -> Result<Keyed<StoredProposal>, ClientError> {
        self.fetch(address).await
    }

    /// A proposal beside its gate, council and the clock, all of one slot.
    ///
    /// # Errors
    /// `NotFound`, and those of [`ProposalView::new`].
    pub async fn fetch_proposal_view(&self, address: &Pubkey) -> Result<ProposalView, ClientError> {
        let stored = self.fetch_proposal(address).await?.account;
        let parent = stored.proposal.terms.parent;
        let account = self
            .require(&parent, "a proposal's gate or council")
            .await?;
        let gate = account.data.starts_with(Gate::DISCRIMINATOR);
        let council = if gate {
            decode_owned::<Gate>(&self.portcullis, &parent, &account)?.council
        } else {
            parent
        };
        // Which accounts are meant changes only when the gate moves, so they can now be read together.
        let accounts = self
            .get_accounts(&[*address, parent, council, sysvar::clock::ID])
            .await?;
        let [proposal, parent_account, council_account, clock] = accounts.as_slice() else {
            return Err(ClientError::bad_answer(
                RpcRequest::GetMultipleAccounts,
                "accounts are missing",
            ));
        };
        let gate = match gate {
            true => Some(Keyed {
                address: parent,
                account: self.decode_found(&parent, parent_account)?,
            }),
            false => None,
        };
        ProposalView::new(
            &self.portcullis,
            *address,
            self.decode_found(address, proposal)?,
            gate,
            Keyed {
                address: council,
                account: self.decode_found(&council, council_account)?,
            },
            decode_clock(clock.as_ref())?,
        )
    }

    fn decode_found<T: Decoded>(
        &self,
        address: &Pubkey,
        account: &Option<Account>,
    ) -> Result<T, ClientError> {
        let account = account.as_ref().ok_or(ClientError::NotFound {
            address: *address,
            expected: T::NAME,
        })?;
        decode_owned(&self.portcullis, address, account)
    }

    /// The proposal of a program's gate with this index, as [`fetch_proposal_view`](Self::fetch_proposal_view).
    pub async fn fetch_proposal_of(
        &self,
        program: &Pubkey,
        index: u32,
    ) -> Result<ProposalView, ClientError> {
        let gate = pda::gate(&self.portcullis, program);
        self.fetch_proposal_view(&pda::proposal(&self.portcullis, &gate, index))
            .await
    }

    /// The attestation of a proposal by one attester, if there is one.
    pub async fn fetch_attestation(
        &self,
        proposal: &Pubkey,
        attester: &Pubkey,
    ) -> Result<Option<Keyed<StoredAttestation>>, ClientError> {
        let address = pda::attestation(&self.portcullis, proposal, attester);
        self.find(&address).await
    }

    /// How far the hash of a large buffer or program has come; `target` is the proposal or the gate. None: not begun, or
    /// complete.
    pub async fn fetch_hashing(
        &self,
        target: &Pubkey,
    ) -> Result<Option<Keyed<Hashing>>, ClientError> {
        self.find(&pda::hashing(&self.portcullis, target)).await
    }

    async fn find<T: Decoded>(&self, address: &Pubkey) -> Result<Option<Keyed<T>>, ClientError> {
        match self.fetch(address).await {
            Ok(found) => Ok(Some(found)),
            // Lamports that a stranger sent to the address do not make it an account of ours.
            Err(ClientError::NotFound { .. } | ClientError::WrongOwner { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The cluster's clock, as programs see it.
    pub async fn now(&self) -> Result<Now, ClientError> {
        decode_clock(self.get_account(&sysvar::clock::ID).await?.as_ref())
    }

    /// Accounts in the order asked, and the clock beside the last of them.
    pub(crate) async fn accounts_and_clock(
        &self,
        addresses: &[Pubkey],
    ) -> Result<(Vec<Option<Account>>, Now), ClientError> {
        let mut accounts = self
            .get_accounts(&[addresses, &[sysvar::clock::ID]].concat())
            .await?;
        let clock = accounts.pop().flatten();
        Ok((accounts, decode_clock(clock.as_ref())?))
    }

    /// A loader-v3 program's programdata, and its address.
    ///
    /// # Errors
    /// `NotFound`, `WrongOwner` for a program of another loader, `Decode`.
    pub async fn fetch_programdata(
        &self,
        program: &Pubkey,
    ) -> Result<Keyed<Programdata>, ClientError> {
        let account = self
            .require(program, "an upgradeable program (loader v3)")
            .await?;
        let address = decode_program(program, &account)?;
        let account = self
            .require(&address, "the programdata of an upgradeable program")
            .await?;
        Ok(Keyed {
            address,
            account: decode_programdata(&address, &account)?,
        })
    }
}

pub(super) fn decode_clock(account: Option<&Account>) -> Result<Now, ClientError> {
    const EXPECTED: &str = "the Clock sysvar";
    let address = sysvar::clock::ID;
    let account = account.ok_or(ClientError::NotFound {
        address,
        expected: EXPECTED,
    })?;
    // The sysvar's bytes are its fields in order, each eight bytes, which is also the struct's layout (solana-clock 3).
    let word = |offset: usize| -> Option<[u8; 8]> {
        account
            .data
            .get(offset..offset.checked_add(8)?)?
            .try_into()
            .ok()
    };
    let fields = word(offset_of!(Clock, unix_timestamp)).zip(word(offset_of!(Clock, slot)));
    let (timestamp, slot) = fields.ok_or_else(|| ClientError::Decode {
        address,
        expected: EXPECTED,
        reason: format!("it has only {} bytes", account.data.len()),
    })?;
    Ok(Now {
        timestamp: i64::from_le_bytes(timestamp),
        slot: u64::from_le_bytes(slot),
    })
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;
    use portcullis::constants::LAYOUT_VERSION;
    use solana_sdk_ids::system_program;

    use super::*;
    use crate::rpc::mock;

    #[tokio::test]
    async fn lamports_of_a_stranger_make_neither_a_gate_nor_a_council() {
        let request = RpcRequest::GetMultipleAccounts;
        let gift = mock::found(&[Some((system_program::ID, &[]))]);
        let foreign = mock::found(&[Some((portcullis::ID, &[0; 8]))]);
        let client = mock::client([&gift, &gift, &foreign].map(|a| (request, a.clone())));
        let address = Pubkey::new_unique();
        assert!(client.find_gate(&address).await.unwrap().is_none());
        assert!(client.find_council(&address).await.unwrap().is_none());
        let error = client.find_gate(&address).await.unwrap_err();
        assert!(matches!(error, ClientError::Decode { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_gate_with_another_signer_than_its_program_s_is_refused() {
        let program = Pubkey::new_unique();
        let signer = pda::authority(&portcullis::ID, &program);
        for (authority, passes) in [(signer, true), (Pubkey::new_unique(), false)] {
            let gate = Gate {
                version: LAYOUT_VERSION,
                program,
                authority,
                ..Gate::zeroed()
            };
            let data = [Gate::DISCRIMINATOR, bytemuck::bytes_of(&gate)].concat();
            let answer = mock::found(&[Some((portcullis::ID, &data))]);
            let request = RpcRequest::GetMultipleAccounts;
            let client = mock::client([(); 3].map(|()| (request, answer.clone())));
            let found = [
                client.find_gate(&program).await.map(drop),
                client.fetch_gate(&program).await.map(drop),
                client
                    .fetch_gate_at(&pda::gate(&portcullis::ID, &program))
                    .await
                    .map(drop),
            ];
            for found in found {
                match found {
                    Ok(()) => assert!(passes),
                    Err(ClientError::Unrelated { reason, .. }) => assert!(
                        !passes
                            && reason == "its signer is not the one that follows from its program"
                    ),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}
