//! Hashing in steps what one transaction cannot hash: buffers, and programs that are being adopted.

use portcullis::error::PortcullisError::*;

use super::{act::outcome, vote::ended, *};
use crate::steps::STEP;

/// The longest ELF that one transaction hashes.
const AT_ONCE: usize = 2_600_000;
/// Bytes of a block of SHA-256.
const BLOCK: u32 = 64;

/// What is hashed: the buffer of a proposal, or the program of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Proposal(Id),
    Gate(Id),
}

/// A hash in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashing {
    pub life: u32,
    /// Whose bytes.
    pub build: Id,
    pub done: u32,
    /// Who paid for it, of `start::payers`.
    pub payer: usize,
}

/// A step of a hash. `payer` signs, `refund` is named as the one who gets the rent back.
#[derive(Clone, Copy, Debug)]
pub struct HashStep {
    pub target: Target,
    pub payer: usize,
    pub refund: usize,
    pub offset: u32,
    pub len: u32,
}

pub fn in_steps(build: Id) -> bool {
    start::commitment(build).len as usize > AT_ONCE
}

/// What a buffer of these bytes may be proposed as.
pub fn is_exact(found: Id, claimed: Id) -> bool {
    !in_steps(found) || start::commitment(found).len == start::commitment(claimed).len
}

impl Model {
    /// The life that a hash belongs to, what the bytes are said to be, and what they are. `None`: nothing is to be hashed any
    /// more, so that any step is good.
    fn hashed(&self, target: Target) -> Result<Option<(u32, Id, Id)>, Vec<Reason>> {
        match target {
            Target::Proposal(id) => {
                let mut reasons = self.there(id)?;
                let proposal = &self.proposals[id];
                let (What::Upgrade { build, .. }, Some(buffer)) = (&proposal.what, proposal.buffer)
                else {
                    return Err(vec![NotOfAGate.into(), NotABuffer.into()]);
                };
                if proposal.custody == Custody::Verified {
                    return Ok(None);
                }
                if let Phase::Ended(end) = self.phase(id) {
                    reasons.push(ended(end).into());
                }
                match self.buffers[buffer].content {
                    Some((_, found)) if proposal.is_held() && reasons.is_empty() => {
                        Ok(Some((proposal.life, *build, found)))
                    }
                    _ => {
                        // Not the gate's any more, or another's that stands at the same address.
                        if !proposal.is_held() {
                            reasons.extend([BufferNotHeld, NotABuffer].map(Reason::Rule));
                        }
                        Err(reasons)
                    }
                }
            }
            Target::Gate(program) => match &self.gates[program] {
                None => Err(vec![Reason::Account]),
                Some(gate) => match gate.state {
                    GateState::Active => Ok(None),
                    GateState::Exited => Err(vec![GateNotAdopting.into()]),
                    GateState::Adopting => {
                        let found = self.programs[program].build;
                        Ok(Some((gate.life, gate.current().build, found)))
                    }
                },
            },
        }
    }

    /// The hash in the making as it would go on in this life.
    fn progress(&self, target: Target, life: u32, build: Id, payer: usize) -> Hashing {
        let new = Hashing {
            life,
            build,
            done: 0,
            payer,
        };
        match self.hashings.get(&target) {
            Some(begun) if begun.life == life => *begun,
            // Of a former life: begun anew, by who paid for it then.
            Some(begun) => Hashing {
                payer: begun.payer,
                ..new
            },
            None => new,
        }
    }

    pub(super) fn hash_step(&mut self, step: &HashStep) -> Outcome {
        let Some((life, claimed, found)) = self.hashed(step.target)? else {
            return Ok(());
        };
        let mut reasons: Vec<Reason> = vec![];
        if !in_steps(claimed) {
            reasons.push(HashedAtOnce.into());
        }
        let len = start::commitment(claimed).len;
        let mut hashing = self.progress(step.target, life, found, step.payer);
        if step.offset > hashing.done {
            reasons.push(HashGap.into());
        }
        let end = step.offset.saturating_add(step.len).min(len);
        let last = end == len;
        if end > hashing.done {
            if step.refund != hashing.payer {
                reasons.push(RentPayerMismatch.into());
            }
            let there = end as usize <= start::build(found).len();
            if !there || (!last && !(end - hashing.done).is_multiple_of(BLOCK)) {
                reasons.push(LengthOutOfRange.into());
            }
            if last && found != claimed {
                reasons.extend(start::OTHER_BYTES.map(Reason::Rule));
            }
        }
        outcome(reasons)?;
        if end > hashing.done && last {
            self.hashings.remove(&step.target);
            self.complete(step.target);
        } else {
            hashing.done = hashing.done.max(end);
            self.hashings.insert(step.target, hashing);
        }
        Ok(())
    }

    fn complete(&mut self, target: Target) {
        match target {
            Target::Proposal(id) => {
                self.proposals[id].custody = Custody::Verified;
                self.record(id);
            }
            Target::Gate(program) => {
                let gate = self.gate_mut(program);
                gate.state = GateState::Active;
                gate.events += 1;
                let council = gate.council;
                self.councils[council].events += 1;
            }
        }
    }

    pub(super) fn close_hashing(&mut self, target: Target, refund: usize) -> Outcome {
        let Some(hashing) = self.hashings.get(&target) else {
            return Err(vec![Reason::Account]);
        };
        let mut reasons = vec![];
        if hashing.payer != refund {
            reasons.push(RentPayerMismatch.into());
        }
        let needed = match target {
            // An end that only follows from the time is written down first, with the buffer's return.
            Target::Proposal(id) => {
                let proposal = &self.proposals[id];
                !proposal.closed && proposal.end.is_none() && proposal.custody == Custody::Held
            }
            Target::Gate(program) => {
                let gate = self.gate(program);
                gate.state == GateState::Adopting && gate.life == hashing.life
            }
        };
        if needed {
            reasons.push(HashingInUse.into());
        }
        outcome(reasons)?;
        self.hashings.remove(&target);
        Ok(())
    }

    /// Most of a hash at once: what `hash_steps.rs` sends step by step. None where there is not so much left.
    pub fn far(&self, target: Target) -> Option<u32> {
        let (life, claimed, found) = self.hashed(target).ok()??;
        let hashing = self.hashings.get(&target)?;
        let len = start::commitment(claimed).len;
        let far = len / STEP * STEP - STEP;
        let possible = in_steps(claimed)
            && hashing.life == life
            && hashing.done < far
            && far as usize <= start::build(found).len();
        possible.then_some(far)
    }

    pub(super) fn advance(&mut self, target: Target) -> Outcome {
        let far = self.far(target).ok_or(vec![Reason::Account])?;
        if let Some(hashing) = self.hashings.get_mut(&target) {
            hashing.done = far;
        }
        Ok(())
    }

    /// The step that leads on.
    pub fn next_hash(&self, target: Target, number: u8) -> Action {
        let payer = usize::from(number) % start::PAYERS;
        let hashing = self.hashings.get(&target);
        if self.far(target).is_some() {
            return Action::Advance(target);
        }
        let life = match target {
            Target::Proposal(id) => self.proposals[id].life,
            Target::Gate(program) => self.gates[program].as_ref().map_or(0, |gate| gate.life),
        };
        let done = hashing.map_or(0, |h| if h.life == life { h.done } else { 0 });
        // Some of it may be done already.
        let offset = done - done.min(u32::from(number % 3) * BLOCK);
        Action::Hash(HashStep {
            target,
            payer,
            refund: hashing.map_or(payer, |h| h.payer),
            offset,
            len: done + STEP - offset,
        })
    }

    /// The former authority takes the program back before it is hashed.
    pub(super) fn abandon(&mut self, program: Id, by: Id) -> Outcome {
        let Some(gate) = &self.gates[program] else {
            return Err(vec![Reason::Account]);
        };
        let mut reasons = vec![];
        if gate.state != GateState::Adopting {
            reasons.push(GateNotAdopting.into());
        }
        if gate.former_authority != by {
            reasons.push(UpgradeAuthorityMismatch.into());
        }
        outcome(reasons)?;
        self.leave(program, Holder::Person(by));
        let gate = self.gate_mut(program);
        gate.events += 1;
        // What was only claimed has never run here; its number stays used.
        if let Some(claimed) = gate.releases.last_mut() {
            *claimed = Release {
                build: NOTHING,
                by: None,
                slot: 0,
                at: 0,
                life: 0,
                revoked: false,
            };
        }
        Ok(())
    }
}
