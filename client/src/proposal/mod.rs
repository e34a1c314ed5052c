//! A proposal as it can be shown and signed: beside its gate and council, with a digest that was computed here.

#[cfg(test)]
pub(crate) mod tests;

use portcullis::{
    change::{Change, Predecessor},
    lifecycle::{Action, Custody, Facts, Lane, Now, Status},
    message,
    policy::Policy,
    state::{Council, Gate, PendingSlot, Proposal, ROLE_GUARD, ROLE_VOTE},
    transitions::{attestation_must_outlast, VoteArgs},
};
use solana_sdk::pubkey::Pubkey;

use crate::{
    account::{
        decode_change, digest, unknown_kind, Commitment, Keyed, PortcullisAccount, StoredProposal,
    },
    error::ClientError,
    instruction::ProposalKeys,
    pda,
};

/// A proposal beside its gate and council, all read at one slot, with a digest that was computed here.
#[derive(Clone, Debug)]
pub struct ProposalView {
    pub address: Pubkey,
    pub council_address: Pubkey,
    pub council: Council,
    /// The gate that it is about; none where it is about the council itself.
    pub gate: Option<Keyed<Gate>>,
    pub proposal: Proposal,
    pub action: Action,
    pub lane: Lane,
    /// The action's fields; none for an upgrade without a predecessor.
    pub change: Option<Change>,
    /// The digest of the terms and the change, computed here; equal to the stored one. Where the gate has begun another life
    /// since, the stored one: the council that it covers may be another. Such a proposal is dead and takes no vote.
    pub digest: [u8; 32],
    /// Bytes of the account.
    pub space: usize,
    /// The cluster's clock when the accounts were read.
    pub now: Now,
    pub facts: Facts,
    /// The status at `now`.
    pub status: Status,
}

impl ProposalView {
    /// Puts a proposal beside its gate and council, and proves that they belong together. No gate: the proposal is about the
    /// council itself.
    ///
    /// # Errors
    /// `DigestMismatch` where the stored digest is not that of the terms; `Unrelated` where gate, council and proposal do
    /// not name each other or do not stand at the addresses that follow from them. Either means that the RPC server does
    /// not show what the chain holds. `Decode` for what this version does not know.
    pub fn new(
        portcullis: &Pubkey,
        address: Pubkey,
        stored: StoredProposal,
        gate: Option<Keyed<Gate>>,
        council: Keyed<Council>,
        now: Now,
    ) -> Result<Self, ClientError> {
        let unrelated = |reason: &'static str| ClientError::Unrelated { address, reason };
        if council.account.address(portcullis) != council.address {
            return Err(unrelated("the council is not at its address"));
        }
        if let Some(gate) = &gate {
            if gate.account.address(portcullis) != gate.address
                || pda::authority(portcullis, &gate.account.program) != gate.account.authority
            {
                return Err(unrelated(
                    "the gate is not at the address of its program's gate",
                ));
            }
        }
        if stored.proposal.address(portcullis) != address {
            return Err(unrelated("the proposal is not at the address of its index"));
        }
        Self::of_checked(portcullis, address, stored, gate, council, now)
    }

    /// [`new`](Self::new) of accounts that are known to stand at the addresses that follow from what they hold.
    pub(crate) fn of_checked(
        portcullis: &Pubkey,
        address: Pubkey,
        stored: StoredProposal,
        gate: Option<Keyed<Gate>>,
        council: Keyed<Council>,
        now: Now,
    ) -> Result<Self, ClientError> {
        let unrelated = |reason: &'static str| ClientError::Unrelated { address, reason };
        let space = stored.space();
        let proposal = stored.proposal;
        let terms = &proposal.terms;
        let parent = match &gate {
            Some(gate) if gate.account.council != council.address => {
                return Err(unrelated("the gate names another council"));
            }
            Some(gate) => gate.address,
            None => council.address,
        };
        if terms.parent != parent {
            return Err(unrelated("the proposal names another gate or council"));
        }
        let unknown = |_| unknown_kind(&address);
        let action = terms.action().map_err(unknown)?;
        let lane = terms.lane().map_err(unknown)?;
        let change = decode_change(&address, &stored.change)?;
        let computed = digest(portcullis, &council.address, terms, &stored.change);
        let of_this_life = gate
            .as_ref()
            .is_none_or(|gate| gate.account.life == terms.life);
        if of_this_life && computed != proposal.digest {
            return Err(ClientError::DigestMismatch {
                proposal: address,
                stored: proposal.digest,
                computed,
            });
        }
        if !is_known(action, lane, change.as_ref(), gate.is_some()) {
            return Err(unknown_kind(&address));
        }
        let facts = proposal
            .facts(&council.account, gate.as_ref().map(|gate| &gate.account))
            .map_err(unknown)?;
        Ok(Self {
            address,
            council_address: council.address,
            council: council.account,
            gate,
            proposal,
            action,
            lane,
            change,
            digest: proposal.digest,
            space,
            now,
            facts,
            status: facts.status(now),
        })
    }

    /// What the instruction builder needs to name this proposal.
    pub fn keys(&self) -> ProposalKeys {
        ProposalKeys {
            council: self.council_address,
            program: self.program(),
            index: self.proposal.terms.index,
        }
    }

    /// The program that it is about; none where it is about the council itself.
    pub fn program(&self) -> Option<Pubkey> {
        self.gate.as_ref().map(|gate| gate.account.program)
    }

    /// The rules as they are now, of the gate or of the council itself.
    pub fn policy(&self) -> &Policy {
        match &self.gate {
            Some(gate) => &gate.account.policy,
            None => &self.council.policy,
        }
    }

    /// Whether it deploys a build.
    pub fn is_upgrade(&self) -> bool {
        self.action == Action::Upgrade
    }

    /// Whether the gate holds its buffer.
    pub fn holds_buffer(&self) -> bool {
        self.proposal.custody().is_ok_and(Custody::is_held)
    }

    /// What the voters commit to. Of another action than an upgrade, zeros.
    pub fn commitment(&self) -> Commitment {
        self.proposal.terms.commitment()
    }

    /// The release that must have run for a while before it executes.
    pub fn predecessor(&self) -> Option<&Predecessor> {
        match &self.change {
            Some(Change::Upgrade(predecessor)) => Some(predecessor),
            _ => None,
        }
    }

    /// The arguments of a vote on exactly this proposal.
    pub fn vote_args(&self, valid_until: i64) -> VoteArgs {
        VoteArgs {
            digest: self.digest,
            valid_until,
        }
    }

    /// A vote on exactly this proposal, as its signer reads it.
    pub fn message<'a>(&'a self, verb: message::Verb<'a>, valid_until: i64) -> message::Vote<'a> {
        message::Vote {
            verb,
            lane: self.lane,
            effect: message::Effect::of(&self.proposal.terms.sha256, self.change.as_ref()),
            subject: match &self.gate {
                Some(gate) => message::Subject::Program(&gate.account.program),
                None => message::Subject::Council(&self.council_address),
            },
            digest: &self.digest,
            valid_until,
        }
    }

    /// The longest time for which a signed message is valid, in seconds. Zero: such votes do not count.
    pub fn message_validity_seconds(&self) -> u32 {
        let snapshot = self.proposal.terms.snapshot.message_validity_seconds;
        snapshot.min(self.policy().message_validity_seconds)
    }

    /// The time that an attestation must outlast, Unix seconds.
    pub fn attestation_must_outlast(&self) -> i64 {
        // Durations are at most 90 days, so no time of this century overflows.
        attestation_must_outlast(&self.proposal).unwrap_or(i64::MAX)
    }

    /// The place that the proposal has taken among what is pending.
    pub fn slot(&self) -> Option<&PendingSlot> {
        let slots = match &self.gate {
            Some(gate) => gate.account.pending.as_slice(),
            None => core::slice::from_ref(&self.council.pending),
        };
        slots.iter().find(|slot| slot.proposal == self.address)
    }

    /// Whether the bitmaps count the council's members as they are now: after a change, position i is somebody else.
    pub fn is_of_this_council(&self) -> bool {
        let terms = &self.proposal.terms;
        let life = self.gate.as_ref().map_or(0, |gate| gate.account.life);
        terms.epoch == self.council.config_epoch && terms.life == life
    }

    /// Whether the bit of a member is set in one of the proposal's bitmaps. `false` for a stranger, and where the members
    /// are no longer those of the proposal.
    pub fn has_cast(&self, bitmap: u64, member: &Pubkey) -> bool {
        self.is_of_this_council()
            && self
                .council
                .member_with(member, 0)
                .is_ok_and(|(position, _)| (bitmap >> position) & 1 == 1)
    }

    /// Whether the proposal waits for this member: for its approval or rejection, or, of a standby that others have begun to
    /// trigger, for its trigger.
    pub fn needs_vote_of(&self, member: &Pubkey) -> bool {
        let proposal = &self.proposal;
        match self.status {
            Status::Voting => {
                let cast = proposal.approvals | proposal.rejections;
                self.council.member_with(member, ROLE_VOTE).is_ok() && !self.has_cast(cast, member)
            }
            Status::Armed => {
                self.counted_triggers() > 0
                    && !proposal.is_triggered(self.now)
                    && self.council.member_with(member, ROLE_GUARD).is_ok()
                    && !self.has_cast(proposal.triggers, member)
            }
            _ => false,
        }
    }

    /// Trigger votes that have not lapsed.
    pub fn counted_triggers(&self) -> u32 {
        counted_triggers(&self.proposal, self.now)
    }
}

/// Trigger votes of a proposal that have not lapsed.
pub fn counted_triggers(proposal: &Proposal, now: Now) -> u32 {
    match proposal.triggers == 0 || proposal.triggers_lapsed(now) {
        true => 0,
        false => proposal.triggers.count_ones(),
    }
}

/// Whether the program makes such proposals.
fn is_known(action: Action, lane: Lane, change: Option<&Change>, of_gate: bool) -> bool {
    let fields_fit = match change {
        Some(change) => change.action() == action,
        None => action == Action::Upgrade,
    };
    let parent_fits = match action {
        Action::ChangePolicy => true,
        Action::ChangeCouncil => !of_gate,
        _ => of_gate,
    };
    fields_fit && parent_fits && (action == Action::Upgrade || lane == Lane::Standard)
}
