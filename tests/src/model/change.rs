//! What becomes of councils and gates: adoption, new members, new rules, and the ways out.

use portcullis::{
    change::CouncilChange,
    error::PortcullisError::{self, *},
    policy::Policy,
    state::{Member, ROLE_PROPOSE},
};
use solana_sdk::pubkey::Pubkey;

use super::{act::outcome, *};

impl Council {
    /// The members after a change, and what is wrong with the change.
    pub fn with(&self, change: &CouncilChange) -> (Vec<Member>, Vec<PortcullisError>) {
        let mut wrong = vec![];
        let mut members = self.members.clone();
        if change.add.len() > 8 || change.remove.len() > 8 {
            wrong.push(CouncilChangeTooLarge);
        }
        for key in &change.remove {
            let before = members.len();
            members.retain(|member| member.key != *key);
            if members.len() == before {
                wrong.push(NotAMember);
            }
        }
        for member in &change.add {
            let (votes, attests) = (member.roles & 2 != 0, member.roles & 16 != 0);
            let mut demand = |met: bool, rule| {
                if !met {
                    wrong.push(rule);
                }
            };
            demand(member.roles < 32, UnknownRole);
            demand(
                member.roles != 0 && member.key != Pubkey::default(),
                MemberWithoutRole,
            );
            demand(votes == (member.weight > 0), WeightWithoutVote);
            demand(attests == (member.attests != 0), AttestsWithoutRole);
            demand(members.iter().all(|m| m.key != member.key), MemberTwice);
            members.push(*member);
        }
        members.sort_by_key(|member| member.key);
        if members.len() > 64 {
            wrong.push(TooManyMembers);
        }
        if members == self.members {
            wrong.push(CouncilChangeEmpty);
        }
        (members, wrong)
    }

    fn lose_gate(&mut self) {
        self.gates -= 1;
        self.events += 1;
        if self.gates == 0 {
            self.strictest = Strictest::default();
        }
    }

    fn gain_gate(&mut self, policy: &Policy) {
        self.gates += 1;
        self.events += 1;
        self.strictest = self.strictest.with(policy);
    }
}

impl Model {
    pub(super) fn add_members(&mut self, council: Id, members: &[Member]) -> Outcome {
        let found = &mut self.councils[council];
        let (after, wrong) = found.with(&CouncilChange {
            remove: vec![],
            add: members.to_vec(),
        });
        let mut reasons: Vec<Reason> = wrong.into_iter().map(Reason::Rule).collect();
        // Nothing is added to nothing: only a change must change something.
        reasons.retain(|reason| *reason != CouncilChangeEmpty.into());
        let keys: Vec<Pubkey> = found.members.iter().chain(members).map(|m| m.key).collect();
        if !keys.is_sorted_by(|a, b| a < b) {
            reasons.push(MembersNotSorted.into());
        }
        if found.epoch > 0 {
            reasons.push(CouncilSealed.into());
        }
        outcome(reasons)?;
        found.members = after;
        found.events += 1;
        Ok(())
    }

    pub(super) fn adopt(
        &mut self,
        program: Id,
        (council, epoch): (Id, u32),
        proposer: Id,
        authority: Id,
        policy: Policy,
        build: Id,
    ) -> Outcome {
        let mut reasons: Vec<Reason> = vec![];
        let found = &self.councils[council];
        if found.epoch == 0 {
            reasons.push(CouncilNotSealed.into());
        }
        if found.epoch != epoch {
            reasons.push(EpochMismatch.into());
        }
        let missing = self.role_missing(council, proposer, ROLE_PROPOSE);
        reasons.extend(missing.map(Reason::Rule));
        reasons.extend(found.against_gate(&policy).into_iter().map(Reason::Rule));
        if self.gates[program]
            .as_ref()
            .is_some_and(|gate| gate.state != GateState::Exited)
        {
            reasons.push(GateNotExited.into());
        }
        if self.programs[program].authority != Holder::Person(authority) {
            reasons.push(UpgradeAuthorityMismatch.into());
        }
        // What takes steps to hash is hashed later; now only its end is looked at.
        let found = self.programs[program].build;
        let later = hash::in_steps(build);
        let ends_alike = start::commitment(found).len == start::commitment(build).len;
        if found != build && !(later && ends_alike) {
            reasons.extend(start::OTHER_BYTES.map(Reason::Rule));
        }
        outcome(reasons)?;

        self.programs[program].authority = Holder::Gate(program);
        self.councils[council].gain_gate(&policy);
        let (slot, at) = (self.slot, self.now);
        let gate = self.gates[program].get_or_insert_with(|| Gate {
            council,
            state: GateState::Exited,
            life: 0,
            former_authority: authority,
            policy,
            proposals: 0,
            releases: vec![],
            pending: [None; 4],
            last_upgrade: None,
            last_emergency: None,
            events: 0,
        });
        gate.council = council;
        gate.state = match later {
            true => GateState::Adopting,
            false => GateState::Active,
        };
        gate.life += 1;
        gate.former_authority = authority;
        gate.policy = policy;
        gate.events += 1;
        // What was revoked before the program left is still revoked.
        let revoked = gate.is_revoked(build);
        gate.releases.push(Release {
            build,
            by: None,
            slot,
            at,
            life: gate.life,
            revoked,
        });
        Ok(())
    }

    /// What stands against the execution of a change beside who executes it and when.
    pub(super) fn against_effect(&self, id: Id, with: Option<Id>) -> Vec<Reason> {
        let proposal = &self.proposals[id];
        let mut reasons = match &proposal.what {
            // What the release was worth when it was proposed, it is worth no more if the gate has forgotten it.
            What::Council(_) | What::Policy(_) | What::Revoke { .. } => {
                self.against_change(proposal.parent, &proposal.what, proposal.terms.threshold)
            }
            _ => vec![],
        };
        let Parent::Gate(program) = proposal.parent else {
            return reasons;
        };
        match &proposal.what {
            What::Transfer { to, checked } if *checked && with != Some(*to) => {
                reasons.push(NewAuthorityMustSign.into());
            }
            What::Move { council, epoch } => {
                let new = &self.councils[*council];
                if *council == self.gate(program).council {
                    // It is there already; the same account cannot be both councils.
                    reasons.push(Reason::Account);
                }
                if new.epoch == 0 {
                    reasons.push(CouncilNotSealed.into());
                }
                if new.epoch != *epoch {
                    reasons.push(EpochMismatch.into());
                }
                let accepts = with.unwrap_or(start::STRANGER);
                let missing = self.role_missing(*council, accepts, ROLE_PROPOSE);
                reasons.extend(missing.map(Reason::Rule));
                let broken = new.against_gate(&self.gate(program).policy);
                reasons.extend(broken.into_iter().map(Reason::Rule));
            }
            What::Finalize if !start::is_finalizable(self.programs[program].build) => {
                reasons.push(NotFinalizable.into());
            }
            _ => {}
        }
        reasons
    }

    /// What an executed change does.
    pub(super) fn take_effect(&mut self, id: Id) {
        let proposal = self.proposals[id].clone();
        match (proposal.what, proposal.parent) {
            (What::Council(change), Parent::Council(council)) => {
                let council = &mut self.councils[council];
                council.members = council.with(&change).0;
                council.epoch += 1;
            }
            (What::Policy(change), Parent::Council(council)) => {
                self.councils[council].policy = change.policy;
                self.councils[council].floor = change.delay_floor_seconds;
            }
            (What::Policy(change), Parent::Gate(program)) => {
                let council = self.gate(program).council;
                let council = &mut self.councils[council];
                council.strictest = council.strictest.with(&change.policy);
                council.events += 1;
                self.gate_mut(program).policy = change.policy;
            }
            (What::Revoke { build }, Parent::Gate(program)) => {
                self.gate_mut(program).mark(build, true);
            }
            (What::Transfer { to, .. }, Parent::Gate(program)) => {
                self.leave(program, Holder::Person(to));
            }
            (What::Finalize, Parent::Gate(program)) => self.leave(program, Holder::Nobody),
            (What::Move { council, .. }, Parent::Gate(program)) => {
                let (former, policy) = (self.gate(program).council, self.gate(program).policy);
                self.councils[former].lose_gate();
                self.councils[council].gain_gate(&policy);
                let gate = self.gate_mut(program);
                gate.council = council;
                gate.life += 1;
            }
            _ => unreachable!("proposals of a kind that cannot be made"),
        }
    }

    /// The gate lets its program go.
    pub(super) fn leave(&mut self, program: Id, to: Holder) {
        self.programs[program].authority = to;
        let council = self.gate(program).council;
        self.councils[council].lose_gate();
        let gate = self.gate_mut(program);
        gate.state = GateState::Exited;
        gate.life += 1;
    }
}
