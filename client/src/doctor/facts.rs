//! What the checks judge. Nothing is fetched here.

use portcullis::{
    digest::Commitment,
    lifecycle::{Lane, Now},
    policy::Snapshot,
    state::{Council, Gate},
};
use solana_account::Account;
use solana_sdk::pubkey::Pubkey;

use super::features::Features;
use crate::{
    account::{decode_buffer, Buffer, Keyed, Programdata, ProposalView, StoredAttestation},
    rpc::Guardianship,
};

/// Something that was read, or why it could not be.
pub type Fact<T> = Result<T, String>;

/// All that the checks judge, as read at about one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The cluster's clock.
    pub now: Now,
    /// This machine's, Unix seconds.
    pub machine_time: i64,
    /// None: the server has no samples.
    pub slot_rate: Fact<Option<SlotRate>>,
    pub council: Keyed<Council>,
    /// All gates of that council.
    pub council_gates: Fact<Vec<Keyed<Gate>>>,
    pub guardianship: Fact<Guardianship>,
    /// None: the cluster shows no feature accounts.
    pub features: Fact<Option<Features>>,
    /// None: the proposal is about the council itself.
    pub program: Option<ProgramFacts>,
    /// None: nothing is proposed yet.
    pub proposal: Option<Box<ProposalView>>,
    /// The lane of the proposal, or that is meant.
    pub lane: Lane,
    /// The attestations of the proposal.
    pub attestations: Fact<Vec<Keyed<StoredAttestation>>>,
    /// The user's own build.
    pub artifact: Option<ArtifactFacts>,
    /// The buffer of the proposal, or that is meant.
    pub buffer: Option<AccountFacts>,
    /// Who gets the buffer's lamports.
    pub spill: Option<AccountFacts>,
    /// Who takes the next step.
    pub actor: Option<Pubkey>,
    pub payer: Option<PayerFacts>,
    /// What a simulation of the execution says: none, that it would pass. None where it was not asked.
    pub simulation: Option<Fact<Option<SimulatedRefusal>>>,
}

/// A gate and its program.
#[derive(Clone, Debug)]
pub struct ProgramFacts {
    pub gate: Keyed<Gate>,
    /// Its programdata, and the lamports there.
    pub programdata: Fact<(Programdata, u64)>,
    /// Of its programdata account.
    pub rent: Fact<Rent>,
}

/// Least balances of accounts, in lamports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rent {
    /// Of the programdata account as it is.
    pub now: u64,
    /// Of the programdata account with room for the new build.
    pub then: u64,
    /// Of an account without data.
    pub empty: u64,
}

/// The user's own build.
#[derive(Clone, Debug)]
pub struct ArtifactFacts {
    /// The file, as the user named it.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// An account that need not exist.
#[derive(Clone, Debug)]
pub struct AccountFacts {
    pub address: Pubkey,
    pub account: Fact<Option<Account>>,
}

/// Who pays, and what for.
#[derive(Clone, Debug)]
pub struct PayerFacts {
    pub address: Pubkey,
    /// Zero: there is no account.
    pub lamports: Fact<u64>,
    /// What the next step costs, in the order in which it is paid.
    pub costs: Fact<Vec<Cost>>,
    /// What it gets back with the last transaction, in lamports.
    pub gains: u64,
}

/// A part of what a step costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub what: &'static str,
    pub lamports: u64,
    /// Another transaction follows: what is left until then must not be less than an empty account's rent.
    pub more_follows: bool,
}

/// How fast slots pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRate {
    pub slots: u64,
    pub seconds: u64,
}

/// What a simulation has found against the execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedRefusal {
    /// The violated rule, or the runtime's word.
    pub rule: String,
    pub message: String,
}

impl Facts {
    /// The name of the proposal, or of the program.
    pub fn name(&self) -> String {
        let subject = match &self.program {
            Some(program) => program.gate.account.program,
            None => self.council.address,
        };
        match &self.proposal {
            Some(view) => format!("{subject}/{}", view.proposal.terms.index),
            None => subject.to_string(),
        }
    }

    /// The program's id, for commands.
    pub(super) fn program_id(&self) -> String {
        let program = self.program.as_ref();
        program.map_or("PROGRAM_ID".to_string(), |program| {
            program.gate.account.program.to_string()
        })
    }

    /// The build's file, for commands.
    pub(super) fn file(&self) -> &str {
        self.artifact
            .as_ref()
            .map_or("FILE.so", |artifact| &artifact.name)
    }

    /// Whether it is about a proposal that has ended.
    pub(super) fn is_over(&self) -> bool {
        self.proposal
            .as_ref()
            .is_some_and(|view| view.status.is_ended())
    }

    /// Whether a build is deployed, or is to be.
    pub(super) fn is_upgrade(&self) -> bool {
        match &self.proposal {
            Some(view) => view.is_upgrade(),
            None => true,
        }
    }

    /// The rules that hold: those of the proposal, else those that a proposal would get. None: the lane is closed.
    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        match (&self.proposal, &self.program) {
            (Some(view), _) => Some(view.proposal.terms.snapshot),
            (None, Some(program)) => {
                let floor = self.council.account.delay_floor_seconds;
                program.gate.account.policy.snapshot(self.lane, floor).ok()
            }
            (None, None) => None,
        }
    }

    /// The buffer, where it is one.
    pub(super) fn decoded_buffer(&self) -> Option<Buffer> {
        let facts = self.buffer.as_ref()?;
        let account = facts.account.as_ref().ok()?.as_ref()?;
        decode_buffer(&facts.address, account).ok()
    }

    /// The bytes that the program must have room for.
    pub fn needed_room(&self) -> Option<usize> {
        match (self.decoded_buffer(), &self.artifact) {
            (Some(buffer), _) => Some(buffer.elf.len()),
            (None, Some(artifact)) => Some(artifact.bytes.len()),
            (None, None) => None,
        }
    }
}

impl ArtifactFacts {
    pub(super) fn commitment(&self) -> Option<Commitment> {
        Commitment::of(&self.bytes)
    }
}
