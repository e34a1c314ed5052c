//! What all instructions on a proposal share.

use bytemuck::Zeroable;
use portcullis::{
    error::PortcullisError,
    state::{find_proposal, Council, Gate, Parent, Proposal},
    transitions::{self, VoteArgs},
};
use solana_sdk::pubkey::Pubkey;

use super::{call::Call, Entry, Replay, ReplayError, UNKNOWN};
use crate::event::Event;

/// The accounts that every instruction on a proposal changes, as copies: after an error nothing is kept.
pub(super) struct Work {
    pub council_key: Pubkey,
    pub gate_key: Pubkey,
    pub key: Pubkey,
    pub council: Council,
    /// None where the proposal is about the council itself.
    pub gate: Option<Gate>,
    pub proposal: Proposal,
}

impl Work {
    /// The address of what the proposal is about.
    fn parent_key(&self) -> Pubkey {
        match self.gate {
            Some(_) => self.gate_key,
            None => self.council_key,
        }
    }

    /// What the proposal is about, beside the proposal itself.
    fn split(&mut self) -> (Parent<'_>, &mut Proposal) {
        let parent = match &mut self.gate {
            Some(gate) => Parent::Gate {
                council: &self.council,
                gate,
            },
            None => Parent::Council(&mut self.council),
        };
        (parent, &mut self.proposal)
    }

    /// Applies a transition, which also gets the address of what the proposal is about.
    pub(super) fn apply<E: Into<Event>>(
        &mut self,
        call: &Call,
        transition: impl FnOnce(&mut Parent, &mut Proposal, Pubkey) -> Result<E, PortcullisError>,
    ) -> Result<Entry, ReplayError> {
        let parent_key = self.parent_key();
        let (mut parent, proposal) = self.split();
        let event = transition(&mut parent, proposal, parent_key)
            .map_err(|refusal| call.refused(refusal))?;
        call.fold(parent.log(), parent_key, event.into())
    }
}

impl Replay {
    /// Copies of a council, a gate and a proposal. Where the program's own id stands in the gate's place, there is none.
    pub(super) fn work(&self, call: &Call, keys: [Pubkey; 3]) -> Result<Work, ReplayError> {
        let mut work = self.work_on_new(call, keys)?;
        work.proposal = call.found(&self.proposals, &work.key)?;
        Ok(work)
    }

    /// The same with a proposal that is being made.
    pub(super) fn work_on_new(
        &self,
        call: &Call,
        [council_key, gate_key, key]: [Pubkey; 3],
    ) -> Result<Work, ReplayError> {
        let council = call.found(&self.councils, &council_key)?;
        let gate = match gate_key == self.portcullis {
            true => None,
            false => Some(call.found(&self.gates, &gate_key)?),
        };
        let mut work = Work {
            council_key,
            gate_key,
            key,
            council,
            gate,
            proposal: Proposal::zeroed(),
        };
        let parent_key = work.parent_key();
        let (parent, proposal) = work.split();
        proposal.bump = find_proposal(&self.portcullis, &parent_key, parent.proposal_count()).1;
        Ok(work)
    }

    pub(super) fn keep(&mut self, work: Work) {
        self.councils.insert(work.council_key, work.council);
        if let Some(gate) = work.gate {
            self.gates.insert(work.gate_key, gate);
        }
        self.proposals.insert(work.key, work.proposal);
    }

    /// Applies a transition to council, gate and proposal, whose addresses come first.
    pub(super) fn step<E: Into<Event>>(
        &mut self,
        call: &Call,
        transition: impl FnOnce(&mut Parent, &mut Proposal, Pubkey) -> Result<E, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let keys = call.accounts()?;
        let [_, _, key] = keys;
        let mut work = self.work(call, keys)?;
        let entry = work.apply(call, |parent, proposal, _| {
            transition(parent, proposal, key)
        })?;
        self.keep(work);
        Ok(vec![entry])
    }

    /// [`step`](Self::step) where the signer's address comes before the three.
    pub(super) fn signed_step<E: Into<Event>>(
        &mut self,
        call: &Call,
        transition: impl FnOnce(
            &mut Parent,
            &mut Proposal,
            Pubkey,
            Pubkey,
        ) -> Result<E, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [signer] = call.accounts()?;
        self.step(&call.behind(1), |parent, proposal, key| {
            transition(parent, proposal, key, signer)
        })
    }

    /// [`signed_step`](Self::signed_step) for a vote, which also tells the digest where it is not known yet.
    pub(super) fn vote<E: Into<Event>>(
        &mut self,
        call: &Call,
        args: &VoteArgs,
        transition: impl FnOnce(
            &mut Parent,
            &mut Proposal,
            Pubkey,
            Pubkey,
        ) -> Result<E, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        self.signed_step(call, |parent, proposal, key, member| {
            learn_digest(proposal, args);
            transition(parent, proposal, key, member)
        })
    }

    pub(super) fn close_proposal(&mut self, call: &Call) -> Result<Vec<Entry>, ReplayError> {
        let [_, _, key] = call.accounts()?;
        let entries = self.step(call, |parent, proposal, key| {
            transitions::close_proposal(parent, proposal, key, call.now)
        })?;
        self.proposals.remove(&key);
        self.changes.remove(&key);
        Ok(entries)
    }
}

/// Takes the digest from what names it, where it is not known yet.
pub(super) fn learn_digest(proposal: &mut Proposal, args: &VoteArgs) {
    if proposal.digest == UNKNOWN {
        proposal.digest = args.digest;
    }
}
