//! Accounts as they stand on chain: Portcullis's own, and loader v3's. Nothing is fetched here.
//!
//! Whoever answers the request for an account could lie about it. The owner, the discriminator and the layout version are
//! checked at each decoding, and a proposal's digest is computed from its terms, never taken from its account.

use anchor_lang::{AccountDeserialize, Discriminator};
use bytemuck::Pod;
use portcullis::{
    constants::LAYOUT_VERSION,
    lifecycle::{Action, Facts, Lane, Now, Status},
    state::{Council, Gate, Proposal, ROLE_VOTE},
    transitions::VoteArgs,
};
use solana_account::Account;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::bpf_loader_upgradeable;

use crate::{error::ClientError, instruction::ProposalKeys, pda};

pub use portcullis::digest::{digest, Commitment, Statement};

/// Bytes before the ELF in a buffer account.
pub const BUFFER_HEADER: usize = UpgradeableLoaderState::size_of_buffer_metadata();
/// Bytes before the ELF in a programdata account.
pub const PROGRAMDATA_HEADER: usize = UpgradeableLoaderState::size_of_programdata_metadata();

/// The hash commitment to an ELF; trailing zeros do not count. `None` where nothing but zeros is there.
pub fn commitment(elf: &[u8]) -> Option<Commitment> {
    Commitment::of(elf)
}

/// A decoded account and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Keyed<T> {
    pub address: Pubkey,
    pub account: T,
}

/// An account of Portcullis that can be decoded from its bytes.
pub trait PortcullisAccount: Pod + Discriminator {
    /// What it is called in errors.
    const NAME: &'static str;
    /// The layout version that it carries.
    fn version(&self) -> u8;

    /// Bytes of the fixed part, the discriminator included.
    fn space() -> usize {
        Self::DISCRIMINATOR.len() + core::mem::size_of::<Self>()
    }
}

impl PortcullisAccount for Council {
    const NAME: &'static str = "a Portcullis council";
    fn version(&self) -> u8 {
        self.version
    }
}

impl PortcullisAccount for Gate {
    const NAME: &'static str = "a Portcullis gate";
    fn version(&self) -> u8 {
        self.version
    }
}

impl PortcullisAccount for Proposal {
    const NAME: &'static str = "a Portcullis proposal";
    fn version(&self) -> u8 {
        self.terms.version
    }
}

/// Decodes a council, gate or proposal from an account's data.
///
/// # Errors
/// `Decode` where the discriminator is another one or the data is too short, `UnknownVersion`.
pub fn decode<T: PortcullisAccount>(address: &Pubkey, data: &[u8]) -> Result<T, ClientError> {
    let wrong = |reason: String| ClientError::Decode {
        address: *address,
        expected: T::NAME,
        reason,
    };
    let head = T::DISCRIMINATOR.len();
    match data.get(..head) {
        None => {
            return Err(wrong(format!(
                "it has {} bytes where {} are required",
                data.len(),
                T::space()
            )))
        }
        Some(found) if found != T::DISCRIMINATOR => {
            return Err(wrong(
                "its discriminator is that of another kind of account".into(),
            ))
        }
        Some(_) => {}
    }
    // Bytes behind the fixed part belong to later actions; they are not this version's to judge.
    let body = data.get(head..T::space()).ok_or_else(|| {
        wrong(format!(
            "it has {} bytes where {} are required",
            data.len(),
            T::space()
        ))
    })?;
    let value: T = bytemuck::pod_read_unaligned(body);
    if value.version() != LAYOUT_VERSION {
        return Err(ClientError::UnknownVersion {
            address: *address,
            expected: T::NAME,
            required: LAYOUT_VERSION,
            found: value.version(),
        });
    }
    Ok(value)
}

/// Decodes a council, gate or proposal of the instance `portcullis`.
///
/// # Errors
/// `WrongOwner`, and those of [`decode`].
pub fn decode_owned<T: PortcullisAccount>(
    portcullis: &Pubkey,
    address: &Pubkey,
    account: &Account,
) -> Result<T, ClientError> {
    require_owner(address, account, portcullis, T::NAME)?;
    decode(address, &account.data)
}

/// Requires an account's owner.
///
/// # Errors
/// `WrongOwner`.
pub fn require_owner(
    address: &Pubkey,
    account: &Account,
    owner: &Pubkey,
    expected: &'static str,
) -> Result<(), ClientError> {
    if account.owner == *owner {
        return Ok(());
    }
    Err(ClientError::WrongOwner {
        address: *address,
        expected,
        required: *owner,
        found: account.owner,
    })
}

/// The programdata account of a loader-v3 program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programdata {
    /// The slot of the last deploy, upgrade or extension.
    pub slot: u64,
    /// `None`: the program is final.
    pub upgrade_authority: Option<Pubkey>,
    /// All bytes behind the header: the ELF, and zeros to the account's end.
    pub elf: Vec<u8>,
}

/// A buffer account of loader v3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// `None`: nobody can change it any more.
    pub authority: Option<Pubkey>,
    /// All bytes behind the header.
    pub elf: Vec<u8>,
}

fn loader_state(
    address: &Pubkey,
    account: &Account,
    expected: &'static str,
) -> Result<UpgradeableLoaderState, ClientError> {
    require_owner(address, account, &bpf_loader_upgradeable::ID, expected)?;
    UpgradeableLoaderState::try_deserialize_unchecked(&mut account.data.as_slice()).map_err(|_| {
        ClientError::Decode {
            address: *address,
            expected,
            reason: "loader v3 knows no account with these bytes".into(),
        }
    })
}

fn other_state(
    address: &Pubkey,
    expected: &'static str,
    found: UpgradeableLoaderState,
) -> ClientError {
    let found = match found {
        UpgradeableLoaderState::Uninitialized => "an uninitialized account",
        UpgradeableLoaderState::Buffer { .. } => "a buffer",
        UpgradeableLoaderState::Program { .. } => "a program",
        UpgradeableLoaderState::ProgramData { .. } => "a programdata account",
    };
    ClientError::Decode {
        address: *address,
        expected,
        reason: format!("it is {found} of loader v3"),
    }
}

const PROGRAM: &str = "an upgradeable program (loader v3)";
const PROGRAMDATA: &str = "the programdata of an upgradeable program (loader v3)";
const BUFFER: &str = "a buffer (loader v3)";

/// The programdata address that a program account names.
///
/// # Errors
/// `WrongOwner` for a program of another loader, `Decode`.
pub fn decode_program(address: &Pubkey, account: &Account) -> Result<Pubkey, ClientError> {
    match loader_state(address, account, PROGRAM)? {
        UpgradeableLoaderState::Program {
            programdata_address,
        } => Ok(programdata_address),
        other => Err(other_state(address, PROGRAM, other)),
    }
}

/// A programdata account.
///
/// # Errors
/// `WrongOwner`, `Decode`.
pub fn decode_programdata(address: &Pubkey, account: &Account) -> Result<Programdata, ClientError> {
    match loader_state(address, account, PROGRAMDATA)? {
        UpgradeableLoaderState::ProgramData {
            slot,
            upgrade_authority_address,
        } => Ok(Programdata {
            slot,
            upgrade_authority: upgrade_authority_address,
            elf: account
                .data
                .get(PROGRAMDATA_HEADER..)
                .unwrap_or_default()
                .to_vec(),
        }),
        other => Err(other_state(address, PROGRAMDATA, other)),
    }
}

/// A buffer account.
///
/// # Errors
/// `WrongOwner`, `Decode`.
pub fn decode_buffer(address: &Pubkey, account: &Account) -> Result<Buffer, ClientError> {
    match loader_state(address, account, BUFFER)? {
        UpgradeableLoaderState::Buffer { authority_address } => Ok(Buffer {
            authority: authority_address,
            elf: account
                .data
                .get(BUFFER_HEADER..)
                .unwrap_or_default()
                .to_vec(),
        }),
        other => Err(other_state(address, BUFFER, other)),
    }
}

impl Programdata {
    /// The hash commitment to the deployed ELF. `None` where nothing but zeros is there.
    pub fn commitment(&self) -> Option<Commitment> {
        Commitment::of(&self.elf)
    }
}

impl Buffer {
    /// The hash commitment to the buffer's ELF. `None` where nothing but zeros is there.
    pub fn commitment(&self) -> Option<Commitment> {
        Commitment::of(&self.elf)
    }
}

/// A proposal beside its gate and council, all read at one slot, with a digest that was computed here.
#[derive(Clone, Debug)]
pub struct ProposalView {
    pub address: Pubkey,
    pub council_address: Pubkey,
    pub council: Council,
    pub gate_address: Pubkey,
    pub gate: Gate,
    pub proposal: Proposal,
    /// The digest of the terms, computed here; equal to the stored one.
    pub digest: [u8; 32],
    /// The cluster's clock when the accounts were read.
    pub now: Now,
    pub facts: Facts,
    /// The status at `now`.
    pub status: Status,
}

impl ProposalView {
    /// Puts a proposal beside its gate and council, and proves that they belong together.
    ///
    /// # Errors
    /// `DigestMismatch` where the stored digest is not that of the terms; `Unrelated` where gate, council and proposal do
    /// not name each other or do not stand at the addresses that follow from them. Either means that the RPC server does
    /// not show what the chain holds. `Decode` for a byte that this version does not know.
    pub fn new(
        portcullis: &Pubkey,
        address: Pubkey,
        proposal: Proposal,
        gate: Keyed<Gate>,
        council: Keyed<Council>,
        now: Now,
    ) -> Result<Self, ClientError> {
        let unrelated = |reason: &'static str| ClientError::Unrelated { address, reason };
        if proposal.terms.parent != gate.address {
            return Err(unrelated("the proposal names another gate"));
        }
        if gate.account.council != council.address {
            return Err(unrelated("the gate names another council"));
        }
        if pda::gate(portcullis, &gate.account.program) != gate.address
            || pda::authority(portcullis, &gate.account.program) != gate.account.authority
        {
            return Err(unrelated(
                "the gate is not at the address of its program's gate",
            ));
        }
        if pda::proposal(portcullis, &gate.address, proposal.terms.index) != address {
            return Err(unrelated("the proposal is not at the address of its index"));
        }
        let computed = digest(portcullis, &council.address, &proposal.terms);
        if computed != proposal.digest {
            return Err(ClientError::DigestMismatch {
                proposal: address,
                stored: proposal.digest,
                computed,
            });
        }
        let terms = &proposal.terms;
        if (terms.action, terms.lane) != (Action::Upgrade as u8, Lane::Standard as u8)
            || (terms.standby_use, terms.soak_seconds) != (0, 0)
        {
            return Err(ClientError::Decode {
                address,
                expected: Proposal::NAME,
                reason:
                    "it is of a kind that this version does not know: install the newest portcullis"
                        .into(),
            });
        }
        let facts = proposal
            .facts(&council.account, &gate.account)
            .map_err(|_| ClientError::Decode {
                address,
                expected: Proposal::NAME,
                reason: "its lane, ending or custody is none that this version knows".into(),
            })?;
        Ok(Self {
            address,
            council_address: council.address,
            council: council.account,
            gate_address: gate.address,
            gate: gate.account,
            proposal,
            digest: computed,
            now,
            facts,
            status: facts.status(now),
        })
    }

    /// What the instruction builder needs to name this proposal.
    pub fn keys(&self) -> ProposalKeys {
        ProposalKeys {
            council: self.council_address,
            program: self.gate.program,
            index: self.proposal.terms.index,
        }
    }

    /// What the voters commit to.
    pub fn commitment(&self) -> Commitment {
        Commitment {
            sha256: self.proposal.terms.sha256,
            len: self.proposal.terms.len,
        }
    }

    /// The arguments of a vote on exactly this proposal.
    pub fn vote_args(&self, valid_until: i64) -> VoteArgs {
        VoteArgs {
            digest: self.digest,
            valid_until,
        }
    }

    /// Whether the bit of a member is set in one of the proposal's bitmaps. `false` for a stranger.
    pub fn has_cast(&self, bitmap: u64, member: &Pubkey) -> bool {
        self.council
            .member_with(member, 0)
            .is_ok_and(|(position, _)| (bitmap >> position) & 1 == 1)
    }

    /// Whether the proposal waits for this member's approval or rejection.
    pub fn needs_vote_of(&self, member: &Pubkey) -> bool {
        let cast = self.proposal.approvals | self.proposal.rejections;
        self.status == Status::Voting
            && self.council.member_with(member, ROLE_VOTE).is_ok()
            && !self.has_cast(cast, member)
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;
    use portcullis::state::Terms;

    use super::*;

    fn bytes<T: PortcullisAccount>(value: &T) -> Vec<u8> {
        [T::DISCRIMINATOR, bytemuck::bytes_of(value)].concat()
    }

    fn gate() -> Gate {
        Gate {
            version: LAYOUT_VERSION,
            ..Gate::zeroed()
        }
    }

    fn account(owner: Pubkey, data: Vec<u8>) -> Account {
        Account {
            lamports: 1,
            data,
            owner,
            ..Account::default()
        }
    }

    #[test]
    fn a_gate_is_decoded_and_bytes_behind_it_are_allowed() {
        let address = Pubkey::new_unique();
        let mut data = bytes(&gate());
        assert!(decode::<Gate>(&address, &data).is_ok());
        data.push(1);
        assert!(decode::<Gate>(&address, &data).is_ok());
    }

    #[test]
    fn what_is_no_gate_is_refused_by_cause() {
        let address = Pubkey::new_unique();
        let data = bytes(&gate());
        for len in [0, 7, 8, data.len() - 1] {
            assert!(matches!(
                decode::<Gate>(&address, &data[..len]),
                Err(ClientError::Decode { .. })
            ));
        }
        let error = decode::<Council>(&address, &data).unwrap_err().to_string();
        assert!(error.contains("discriminator"), "{error}");
        let newer = Gate {
            version: LAYOUT_VERSION + 1,
            ..gate()
        };
        assert!(matches!(
            decode::<Gate>(&address, &bytes(&newer)),
            Err(ClientError::UnknownVersion { found: 2, .. })
        ));
        let foreign = account(Pubkey::new_unique(), data);
        assert!(matches!(
            decode_owned::<Gate>(&portcullis::ID, &address, &foreign),
            Err(ClientError::WrongOwner { .. })
        ));
    }

    #[test]
    fn loader_accounts_of_another_kind_are_named() {
        let address = Pubkey::new_unique();
        let loader = bpf_loader_upgradeable::ID;
        let mut program = 2_u32.to_le_bytes().to_vec();
        program.extend_from_slice(address.as_ref());
        let program = account(loader, program);
        assert_eq!(decode_program(&address, &program).unwrap(), address);
        let error = decode_buffer(&address, &program).unwrap_err().to_string();
        assert!(error.ends_with("it is a program of loader v3"), "{error}");
        let v2 = account(solana_sdk_ids::bpf_loader::ID, Vec::new());
        assert!(matches!(
            decode_program(&address, &v2),
            Err(ClientError::WrongOwner { .. })
        ));
        for data in [vec![], vec![9, 0, 0, 0]] {
            assert!(matches!(
                decode_programdata(&address, &account(loader, data)),
                Err(ClientError::Decode { .. })
            ));
        }
    }

    /// A proposal with its gate and council, all at the right addresses.
    fn related() -> (Pubkey, Proposal, Keyed<Gate>, Keyed<Council>) {
        let id = portcullis::ID;
        let (program, create_key) = (Pubkey::new_unique(), Pubkey::new_unique());
        let council = Keyed {
            address: pda::council(&id, &create_key),
            account: Council::zeroed(),
        };
        let gate = Keyed {
            address: pda::gate(&id, &program),
            account: Gate {
                council: council.address,
                program,
                authority: pda::authority(&id, &program),
                ..gate()
            },
        };
        let mut proposal = Proposal {
            terms: Terms {
                parent: gate.address,
                index: 7,
                ..Terms::zeroed()
            },
            ..Proposal::zeroed()
        };
        proposal.digest = digest(&id, &council.address, &proposal.terms);
        (
            pda::proposal(&id, &gate.address, 7),
            proposal,
            gate,
            council,
        )
    }

    const NOW: Now = Now {
        timestamp: 0,
        slot: 0,
    };

    #[test]
    fn a_proposal_with_another_digest_than_its_terms_is_a_lie() {
        let (address, mut proposal, gate, council) = related();
        let view =
            |proposal| ProposalView::new(&portcullis::ID, address, proposal, gate, council, NOW);
        assert_eq!(view(proposal).unwrap().digest, proposal.digest);
        proposal.terms.sha256[0] ^= 1;
        assert!(matches!(
            view(proposal),
            Err(ClientError::DigestMismatch { .. })
        ));
    }

    #[test]
    fn accounts_that_do_not_belong_together_are_refused() {
        let (address, proposal, gate, council) = related();
        let other = Pubkey::new_unique();
        let foreign_gate = Keyed {
            address: other,
            ..gate
        };
        let foreign_council = Keyed {
            address: other,
            ..council
        };
        let mut wrong_program = gate;
        wrong_program.account.program = other;
        for (address, gate, council) in [
            (other, gate, council),
            (address, foreign_gate, council),
            (address, gate, foreign_council),
            (address, wrong_program, council),
        ] {
            assert!(matches!(
                ProposalView::new(&portcullis::ID, address, proposal, gate, council, NOW),
                Err(ClientError::Unrelated { .. })
            ));
        }
    }
}
