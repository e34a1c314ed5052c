//! Reads accounts of one instance of Portcullis from an RPC server.
//!
//! What is listed is filtered on the server; what it means (status, whose vote is missing) is decided by the caller from
//! decoded accounts. A server can leave things out of a list; it cannot make a proposal look like another one, see
//! [`ProposalView::new`].

use core::mem::offset_of;
use std::sync::Arc;

use anchor_lang::Discriminator;
use portcullis::{
    lifecycle::Now,
    state::{Attestation, Council, Gate, Hashing, Proposal, Terms},
};
use solana_account::Account;
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::{
    config::{
        RpcAccountInfoConfig, RpcProgramAccountsConfig, UiAccountEncoding, UiDataSliceConfig,
    },
    filter::{Memcmp, RpcFilterType},
    request::RpcRequest,
};
use solana_sdk::{clock::Clock, pubkey::Pubkey};
use solana_sdk_ids::{bpf_loader_upgradeable, sysvar};

use crate::{
    account::{
        decode_owned, decode_program, decode_programdata, Decoded, Keyed, Programdata,
        StoredAttestation, StoredProposal,
    },
    error::ClientError,
    instruction::Builder,
    pda,
    proposal::ProposalView,
};

/// How many accounts one request may name (`MAX_MULTIPLE_ACCOUNTS`, rpc-client-api 4.2).
const MAX_MULTIPLE_ACCOUNTS: usize = 100;

/// A connection to one cluster, for one instance of Portcullis. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub rpc: Arc<RpcClient>,
    /// The program id of the instance.
    pub portcullis: Pubkey,
}

/// Who holds a program's upgrade authority; asked about Portcullis itself, who could void all its guarantees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guardianship {
    /// Nobody: the program can never change.
    Finalized,
    /// Its own gate: it changes only as it lets other programs change.
    OwnGate { gate: Pubkey },
    /// The gate of another instance of Portcullis.
    OtherInstance { portcullis: Pubkey, gate: Pubkey },
    /// An address without a private key: some other program decides.
    ProgramAddress(Pubkey),
    /// Whoever has this key decides alone.
    PlainKey(Pubkey),
    /// Not a program of loader v3; this is its owner.
    NotLoaderV3 { owner: Pubkey },
}

impl Client {
    /// Connects to `url` at commitment `confirmed`. Sends nothing yet.
    pub fn new(url: impl Into<String>, portcullis: Pubkey) -> Self {
        Self::from_rpc(
            Arc::new(RpcClient::new_with_commitment(
                url.into(),
                CommitmentConfig::confirmed(),
            )),
            portcullis,
        )
    }

    /// Uses an existing connection.
    pub fn from_rpc(rpc: Arc<RpcClient>, portcullis: Pubkey) -> Self {
        Self { rpc, portcullis }
    }

    /// The instruction builder of this instance.
    pub fn builder(&self) -> Builder {
        Builder {
            portcullis: self.portcullis,
        }
    }

    /// An account, or `None`.
    pub async fn get_account(&self, address: &Pubkey) -> Result<Option<Account>, ClientError> {
        // The library's request for one account turns every failure into a text; that for several keeps its kind.
        Ok(self.get_accounts(&[*address]).await?.pop().flatten())
    }

    /// Accounts in the order asked, in as few requests as possible; all of one request are of the same slot.
    pub async fn get_accounts(
        &self,
        addresses: &[Pubkey],
    ) -> Result<Vec<Option<Account>>, ClientError> {
        let mut accounts = Vec::with_capacity(addresses.len());
        for chunk in addresses.chunks(MAX_MULTIPLE_ACCOUNTS) {
            let answer = self
                .rpc
                .get_multiple_accounts_with_commitment(chunk, self.rpc.commitment())
                .await?
                .value;
            if answer.len() != chunk.len() {
                return Err(ClientError::BadAnswer {
                    request: RpcRequest::GetMultipleAccounts.as_str().into(),
                    reason: format!("{} accounts where {} were asked", answer.len(), chunk.len()),
                });
            }
            accounts.extend(answer);
        }
        Ok(accounts)
    }

    async fn fetch<T: Decoded>(&self, address: &Pubkey) -> Result<Keyed<T>, ClientError> {
        let account = self.require(address, T::NAME).await?;
        Ok(Keyed {
            address: *address,
            account: decode_owned(&self.portcullis, address, &account)?,
        })
    }

    async fn require(
        &self,
        address: &Pubkey,
        expected: &'static str,
    ) -> Result<Account, ClientError> {
        self.get_account(address)
            .await?
            .ok_or(ClientError::NotFound {
                address: *address,
                expected,
            })
    }

    /// The council at an address.
    pub async fn fetch_council(&self, address: &Pubkey) -> Result<Keyed<Council>, ClientError> {
        self.fetch(address).await
    }

    /// The gate of a program.
    pub async fn fetch_gate(&self, program: &Pubkey) -> Result<Keyed<Gate>, ClientError> {
        self.fetch(&pda::gate(&self.portcullis, program)).await
    }

    /// The gate at an address.
    pub async fn fetch_gate_at(&self, address: &Pubkey) -> Result<Keyed<Gate>, ClientError> {
        self.fetch(address).await
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
            return Err(ClientError::BadAnswer {
                request: RpcRequest::GetMultipleAccounts.as_str().into(),
                reason: "accounts are missing".into(),
            });
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

    /// The proposal about a council itself with this index, as [`fetch_proposal_view`](Self::fetch_proposal_view).
    pub async fn fetch_proposal_of_council(
        &self,
        council: &Pubkey,
        index: u32,
    ) -> Result<ProposalView, ClientError> {
        self.fetch_proposal_view(&pda::proposal(&self.portcullis, council, index))
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

    /// Who holds Portcullis's own upgrade authority. `instances` are other instances of Portcullis whose gates are to be
    /// recognized.
    ///
    /// # Errors
    /// `NotFound` where Portcullis is not deployed on this cluster.
    pub async fn guardianship(&self, instances: &[Pubkey]) -> Result<Guardianship, ClientError> {
        self.upgrade_authority_of(&self.portcullis, instances).await
    }

    /// Who holds a program's upgrade authority. `instances` as in [`guardianship`](Self::guardianship); this client's own
    /// instance is always known.
    ///
    /// # Errors
    /// `NotFound`, `Decode`.
    pub async fn upgrade_authority_of(
        &self,
        program: &Pubkey,
        instances: &[Pubkey],
    ) -> Result<Guardianship, ClientError> {
        let account = self.require(program, "a program").await?;
        if account.owner != bpf_loader_upgradeable::ID {
            return Ok(Guardianship::NotLoaderV3 {
                owner: account.owner,
            });
        }
        let programdata = self.fetch_programdata(program).await?.account;
        let Some(authority) = programdata.upgrade_authority else {
            return Ok(Guardianship::Finalized);
        };
        for portcullis in [&self.portcullis].into_iter().chain(instances) {
            if authority == pda::authority(portcullis, program) {
                let gate = pda::gate(portcullis, program);
                return Ok(if portcullis == program {
                    Guardianship::OwnGate { gate }
                } else {
                    Guardianship::OtherInstance {
                        portcullis: *portcullis,
                        gate,
                    }
                });
            }
        }
        Ok(if authority.is_on_curve() {
            Guardianship::PlainKey(authority)
        } else {
            Guardianship::ProgramAddress(authority)
        })
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

fn decode_clock(account: Option<&Account>) -> Result<Now, ClientError> {
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
