//! Random steps: numbers, which become an action when it is their turn, so that a sequence stays meaningful when it shrinks.

use portcullis::state::{Member, ROLE_ATTEST, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE};
use proptest::prelude::*;

use super::{changes::vary, *};

pub const DAY: i64 = 86_400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// What a proposal needs next.
    Push,
    /// The same, until it has ended.
    Rush,
    /// The same, until it is approved.
    Gather,
    /// A new proposal, and all that it needs until it has ended.
    CarryOut,
    /// A new proposal, and all that it needs until it is approved.
    CarryOver,
    Wait,
    ProposeUpgrade,
    ProposeChange,
    Repropose,
    Vote,
    Attest,
    RevokeAttestation,
    Cancel,
    Queue,
    Verify,
    Execute,
    CleanUp,
    Write,
    Extend,
    Adopt,
    Abandon,
    Hash,
    /// Two of one lane at once: the second waits until the first is stopped.
    Contest,
    /// A release, and the rollback that takes it back.
    RollBack,
    /// A release, and one of another program that waits for it.
    Follow,
    /// Voters reject until that ends a proposal.
    Oppose,
    AddMembers,
    Seal,
}

/// What is wrong with a step, where it has such a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    Person,
    Digest,
    Lapsed,
    TooLong,
    AsLongAsCanBe,
    BeyondDeadline,
    Epoch,
    Life,
    Base,
    NotBefore,
    Later,
    Bytes,
    Signer,
    Parent,
    Predecessor,
    Clock,
    Buffer,
}

/// A step; `a` to `d` choose among what there is.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub verb: Verb,
    pub flaw: Flaw,
    pub a: u8,
    pub b: u8,
    pub c: u8,
    pub d: u8,
}

/// Any step, the productive ones more often.
pub fn step() -> impl Strategy<Value = Step> {
    use Flaw::*;
    let verb = prop_oneof![
        24 => Just(Verb::Push),
        6 => Just(Verb::Rush),
        6 => Just(Verb::Gather),
        10 => Just(Verb::CarryOut),
        8 => Just(Verb::CarryOver),
        8 => Just(Verb::Wait),
        10 => Just(Verb::ProposeUpgrade),
        8 => Just(Verb::ProposeChange),
        3 => Just(Verb::Repropose),
        12 => Just(Verb::Vote),
        3 => Just(Verb::Attest),
        3 => Just(Verb::RevokeAttestation),
        3 => Just(Verb::Cancel),
        2 => Just(Verb::Queue),
        2 => Just(Verb::Verify),
        5 => Just(Verb::Execute),
        8 => Just(Verb::CleanUp),
        2 => Just(Verb::Write),
        2 => Just(Verb::Extend),
        5 => Just(Verb::Adopt),
        1 => Just(Verb::Abandon),
        5 => Just(Verb::Hash),
        3 => Just(Verb::Contest),
        4 => Just(Verb::RollBack),
        3 => Just(Verb::Follow),
        2 => Just(Verb::Oppose),
        2 => Just(Verb::AddMembers),
        1 => Just(Verb::Seal),
    ];
    let flaw = prop_oneof![
        30 => Just(None),
        17 => prop::sample::select(vec![
            Person, Digest, Lapsed, TooLong, AsLongAsCanBe, BeyondDeadline, Epoch, Life, Base,
            NotBefore, Later, Bytes, Signer, Parent, Predecessor, Clock, Buffer,
        ]),
    ];
    (verb, flaw, any::<[u8; 4]>()).prop_map(|(verb, flaw, [a, b, c, d])| Step {
        verb,
        flaw,
        a,
        b,
        c,
        d,
    })
}

/// One of these by number; none of none.
pub fn pick<T: Copy>(from: &[T], number: u8) -> Option<T> {
    (!from.is_empty()).then(|| from[usize::from(number) % from.len()])
}

impl Model {
    /// What the step comes to; nothing where there is nothing to do it to.
    pub fn resolve(&self, step: &Step) -> Vec<Action> {
        self.actions(step).unwrap_or_default()
    }

    fn actions(&self, step: &Step) -> Option<Vec<Action>> {
        let Step {
            verb,
            flaw,
            a,
            b,
            c,
            d,
        } = *step;
        let proposal = || self.some_proposal(a);
        let council = |id: Id| self.council_of(self.proposals[id].parent);
        let one = |action| Some(vec![action]);
        match verb {
            Verb::Push | Verb::Rush | Verb::Gather => {
                // Where nothing is live, something is begun.
                match proposal().filter(|id| self.is_live(*id) || a % 4 == 0) {
                    Some(id) => one(self.next(id, b)?),
                    None => self.some_upgrade(step),
                }
            }
            Verb::CarryOut | Verb::CarryOver if c % 3 == 0 => one(self.possible_change(step)?),
            Verb::CarryOut | Verb::CarryOver | Verb::Contest => self.some_upgrade(step),
            // `drive` has the steps of these.
            Verb::RollBack | Verb::Follow | Verb::Oppose => None,
            Verb::Wait => one(self.wait(step)),
            Verb::ProposeUpgrade => self.some_upgrade(step),
            Verb::ProposeChange => one(self.some_change(step)?),
            Verb::Repropose => {
                let held = |id: &Id| self.proposals[*id].is_held() && !self.proposals[*id].closed;
                let held: Vec<Id> = (0..self.proposals.len()).filter(held).collect();
                let dead = |id: &Id| flaw == Flaw::Buffer || !self.is_live(*id);
                let held: Vec<Id> = held.into_iter().filter(dead).collect();
                let former = pick(&held, a)?;
                let (Parent::Gate(program), What::Upgrade { build, .. }) =
                    (self.proposals[former].parent, &self.proposals[former].what)
                else {
                    return None;
                };
                let mut terms = self.upgrade(program, step);
                if let (What::Upgrade { build: new, .. }, false) =
                    (&mut terms.what, flaw == Flaw::Bytes)
                {
                    *new = *build;
                }
                if flaw != Flaw::Person {
                    terms.by = self.proposals[former].proposer;
                }
                one(Action::Repropose { former, terms })
            }
            Verb::Vote => {
                let id = proposal()?;
                let (kind, role) = match b % 10 {
                    0..=2 => (VoteKind::Approve, ROLE_VOTE),
                    3..=4 => (VoteKind::Reject, ROLE_VOTE),
                    5..=6 => (VoteKind::Retract, ROLE_VOTE),
                    7 => (VoteKind::Veto, ROLE_GUARD),
                    _ => (VoteKind::Trigger, ROLE_GUARD),
                };
                let mut by = self.someone(council(id), role, c, flaw);
                let voted = &self.proposals[id];
                let voted: Vec<Id> = voted.approvals.union(&voted.rejections).copied().collect();
                if kind == VoteKind::Retract && flaw != Flaw::Person {
                    by = pick(&voted, c).unwrap_or(by);
                }
                let form = if kind == VoteKind::Retract { 0 } else { d };
                one(Action::Vote(kind, id, self.sign(id, by, flaw, form)))
            }
            Verb::Attest => {
                let id = proposal()?;
                let by = self.someone(council(id), ROLE_ATTEST, c, flaw);
                one(self.attestation(id, by, b % 3, flaw, d))
            }
            Verb::RevokeAttestation => {
                let attested =
                    |id: &Id| self.is_live(*id) && !self.proposals[*id].attested.is_empty();
                let attested: Vec<Id> = (0..self.proposals.len()).filter(attested).collect();
                let id = pick(&attested, a).or_else(proposal)?;
                let given: Vec<Id> = self.proposals[id].attested.keys().copied().collect();
                let anyone = usize::from(c) % start::people();
                let by = pick(&given, b).filter(|_| flaw != Flaw::Person);
                let by = by.unwrap_or(anyone);
                one(Action::RevokeAttestation(id, self.sign(id, by, flaw, 0)))
            }
            Verb::Cancel => {
                let id = proposal()?;
                let by = match flaw {
                    Flaw::Person => usize::from(c) % start::people(),
                    _ => self.proposals[id].proposer,
                };
                one(Action::Cancel(id, by))
            }
            Verb::Queue => {
                let waits = |id: &Id| {
                    let proposal = &self.proposals[*id];
                    self.is_live(*id) && proposal.eta.is_none() && proposal.is_approved()
                };
                let waiting: Vec<Id> = (0..self.proposals.len()).filter(waits).collect();
                let Some(id) = pick(&waiting, b) else {
                    return one(Action::Queue(proposal()?));
                };
                one(Action::Queue(id))
            }
            Verb::Verify => {
                let id = proposal()?;
                self.proposals[id].buffer?;
                one(Action::Verify(id))
            }
            Verb::Execute => one(self.execution_of(proposal()?, b, flaw)),
            Verb::CleanUp => {
                let id = proposal()?;
                let attested: Vec<(Id, Id)> = (0..self.proposals.len())
                    .flat_map(|id| self.proposals[id].attested.keys().map(move |by| (id, *by)))
                    .collect();
                match b % 4 {
                    0 if self.proposals[id].buffer.is_some() => one(Action::ReturnBuffer(id)),
                    1 => {
                        let held = |id: &Id| self.proposals[*id].is_held() && !self.is_live(*id);
                        let held: Vec<Id> = (0..self.proposals.len()).filter(held).collect();
                        let id = pick(&held, c)?;
                        let (proposal, abandoned) = (&self.proposals[id], 30 * DAY);
                        let ended = proposal.end.map_or(proposal.deadline(), |(_, at)| at);
                        let seconds = ended + abandoned - self.now - i64::from(d % 4 == 0);
                        let wait = Action::Wait {
                            seconds,
                            slots: seconds.max(0) as u64,
                        };
                        let wait = (seconds > 0 && d % 8 < 7).then_some(wait);
                        Some(wait.into_iter().chain([Action::CloseBuffer(id)]).collect())
                    }
                    2 => {
                        let (id, by) = pick(&attested, c)?;
                        one(Action::CloseAttestation(id, by))
                    }
                    _ => one(Action::CloseProposal(id)),
                }
            }
            Verb::Write => {
                let (buffer, build) = (self.empty_buffer(a), self.uploaded(b));
                let holder = usize::from(c) % start::people();
                one(Action::Write {
                    buffer,
                    build,
                    holder,
                })
            }
            Verb::Extend => one(Action::Extend {
                program: usize::from(a) % self.programs.len(),
            }),
            Verb::Hash => self.some_hash(step),
            Verb::Abandon => {
                let adopting = |id: &Id| {
                    let gate = self.gates[*id].as_ref();
                    gate.is_some_and(|g| g.state == GateState::Adopting || a.is_multiple_of(8))
                };
                let adopting: Vec<Id> = (0..self.gates.len()).filter(adopting).collect();
                let program = pick(&adopting, b)?;
                let by = match flaw {
                    Flaw::Person => usize::from(c) % start::people(),
                    _ => self.gate(program).former_authority,
                };
                one(Action::Abandon { program, by })
            }
            Verb::Adopt => {
                let out = |id: &Id| matches!(self.programs[*id].authority, Holder::Person(_));
                let out: Vec<Id> = (0..self.programs.len()).filter(out).collect();
                // Often the large one, while it is out.
                let large = out.contains(&start::LARGE_PROGRAM) && a % 4 == 3;
                let program = match large {
                    true => start::LARGE_PROGRAM,
                    false => pick(&out, a).unwrap_or(usize::from(a) % self.programs.len()),
                };
                let council = usize::from(b) % self.councils.len();
                let authority = match self.programs[program].authority {
                    Holder::Person(id) if flaw != Flaw::Signer => id,
                    _ => usize::from(c) % start::people(),
                };
                let policy = match c % 3 {
                    0 => vary(&start::gate_policy(), d, b),
                    _ => start::gate_policy(),
                };
                one(Action::Adopt {
                    program,
                    council,
                    proposer: self.someone(council, ROLE_PROPOSE, d, flaw),
                    authority,
                    epoch: self.councils[council].epoch + u32::from(flaw == Flaw::Epoch),
                    policy,
                    build: match flaw {
                        // Other bytes of the same length show at the last step only.
                        _ if program == start::LARGE_PROGRAM && b % 4 == 3 => {
                            start::LARGE[usize::from(d) / 4 % 2]
                        }
                        Flaw::Bytes => self.uploaded(d),
                        _ => self.programs[program].build,
                    },
                })
            }
            Verb::AddMembers => {
                // To the council that is not sealed yet, mostly.
                let council = 2 - usize::from(a.is_multiple_of(8));
                let found = &self.councils[council];
                let behind = |m: &Member| found.members.last().is_none_or(|l| l.key < m.key);
                let next = start::members(council).into_iter().filter(behind);
                let members = match c % 4 {
                    0 => found.change(3, d).add,
                    _ => next.take(usize::from(c % 4)).collect(),
                };
                let seal = (d % 2 == 0).then_some(Action::Seal { council });
                let add = Action::AddMembers { council, members };
                Some([add].into_iter().chain(seal).collect())
            }
            Verb::Seal => one(Action::Seal {
                council: 2 - usize::from(a) % 2,
            }),
        }
    }
}
