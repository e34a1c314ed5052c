//! Steps that propose.

use portcullis::{change::PolicyChange, state::ROLE_PROPOSE};

use super::{
    act::Proposing,
    changes::vary,
    steps::{pick, Flaw, Step, DAY},
    *,
};

impl Model {
    fn proposing(&self, parent: Parent, what: What, step: &Step) -> Proposing {
        let council = self.council_of(parent);
        let (life, base) = match parent {
            Parent::Gate(program) => {
                let gate = self.gate(program);
                (gate.life, (gate.release_index(), gate.current().build))
            }
            Parent::Council(_) => (0, (0, 0)),
        };
        let flaw = step.flaw;
        Proposing {
            by: self.someone(council, ROLE_PROPOSE, step.d, flaw),
            what,
            lane: Lane::Standard,
            base,
            epoch: self.councils[council].epoch + u32::from(flaw == Flaw::Epoch),
            life: life + u32::from(flaw == Flaw::Life),
            not_before: match (flaw, step.d % 3) {
                (Flaw::NotBefore, 0) => -1,
                (Flaw::NotBefore, 1) => self.now + 90 * DAY,
                (Flaw::NotBefore, _) => self.now + 90 * DAY + 1,
                (Flaw::Later, _) => self.now + DAY + i64::from(step.d),
                _ => 0,
            },
        }
    }

    /// The terms of an upgrade of a program that has a gate.
    pub(super) fn upgrade(&self, program: Id, step: &Step) -> Proposing {
        let gate = self.gate(program);
        let lane = match step.b % 8 {
            0..=3 => Lane::Standard,
            4 => Lane::Emergency,
            5 => Lane::SafeMode,
            _ => Lane::Rollback,
        };
        let mut build = self.uploaded(step.c);
        if program == start::LARGE_PROGRAM && step.d % 4 < 3 {
            build = start::LARGE[usize::from(step.c) % 2];
        }
        // What governs stays able to.
        if program == start::OWN_PROGRAM {
            build = start::OWN[usize::from(step.c) % 3];
        }
        if lane == Lane::Rollback && step.flaw != Flaw::Bytes {
            let known: Vec<Id> = gate.remembered().iter().map(|r| r.build).collect();
            let known: Vec<Id> = known
                .into_iter()
                .filter(|known| start::is_uploaded(*known) && *known != gate.current().build)
                .collect();
            build = pick(&known, step.c).unwrap_or(build);
        }
        let others: Vec<Id> = (0..self.programs.len())
            .filter(|id| {
                let other = self.gates[*id].as_ref();
                let fits = |other: &Gate| *id != program && other.council == gate.council;
                other.is_some_and(|other| fits(other) || step.d % 8 == 4)
            })
            .collect();
        let waits = step.flaw == Flaw::Predecessor || step.d % 16 == 5;
        let predecessor = match pick(&others, step.c) {
            Some(gate) if waits => {
                let of_gate = |id: &Id| self.proposals[*id].parent == Parent::Gate(gate);
                let candidates: Vec<Id> = (0..self.proposals.len()).filter(of_gate).collect();
                let ran = self.gate(gate).remembered().iter().filter_map(|r| r.by);
                let ran: Vec<Id> = ran.collect();
                let by = match step.c % 8 {
                    7 => None,
                    6 => pick(&candidates, step.c / 8),
                    _ => pick(&ran, step.c / 8).or(pick(&candidates, step.c / 8)),
                };
                let soak = match step.c % 32 {
                    3 => 90 * 86_400 + 1,
                    number => [0, 3_600, 86_400][usize::from(number) % 3],
                };
                Some(Predecessor { gate, by, soak })
            }
            _ => None,
        };
        let what = What::Upgrade { build, predecessor };
        let mut terms = self.proposing(Parent::Gate(program), what, step);
        terms.lane = lane;
        if lane.is_standby() && step.d % 2 == 1 || step.flaw == Flaw::Base {
            // The release that what is pending will bring, if that is how it goes.
            terms.base = (gate.release_index() + 1, self.uploaded(step.d / 2));
            if let Some(pending) = gate.pending[STANDARD] {
                if let What::Upgrade { build, .. } = self.proposals[pending].what {
                    terms.base.1 = build;
                }
            }
        }
        terms
    }

    pub(super) fn some_upgrade(&self, step: &Step) -> Option<Vec<Action>> {
        let active = |id: &Id| {
            self.gates[*id]
                .as_ref()
                .is_some_and(|gate| gate.state == GateState::Active || step.a.is_multiple_of(8))
        };
        let gates: Vec<Id> = (0..self.gates.len()).filter(active).collect();
        let program = pick(&gates, step.a / 8)?;
        let terms = self.upgrade(program, step);
        let What::Upgrade { build, .. } = terms.what else {
            return None;
        };
        if step.flaw == Flaw::Buffer {
            let buffer = usize::from(step.c) % self.buffers.len();
            return Some(vec![Action::ProposeUpgrade {
                program,
                buffer,
                terms,
            }]);
        }
        let written = match step.flaw {
            // Other bytes of the same length show at the last step only.
            _ if hash::in_steps(build) && step.d / 8 % 4 == 3 => {
                start::LARGE[usize::from(step.d) % 2]
            }
            Flaw::Bytes => self.uploaded(step.d),
            _ => build,
        };
        let buffer = self.empty_buffer(step.c);
        let write = Action::Write {
            buffer,
            build: written,
            holder: terms.by,
        };
        Some(vec![
            write,
            Action::ProposeUpgrade {
                program,
                buffer,
                terms,
            },
        ])
    }

    /// A step of a hash, or what goes with it.
    pub(super) fn some_hash(&self, step: &Step) -> Option<Vec<Action>> {
        let large = |id: &Id| {
            let proposal = &self.proposals[*id];
            let large =
                matches!(proposal.what, What::Upgrade { build, .. } if hash::in_steps(build));
            !proposal.closed && (large || proposal.buffer.is_some() && step.a.is_multiple_of(8))
        };
        let proposals = (0..self.proposals.len()).filter(large);
        let gates = (0..self.gates.len()).filter(|id| self.gates[*id].is_some());
        let begun = self.hashings.keys().copied();
        let targets: Vec<Target> = begun
            .chain(proposals.map(Target::Proposal))
            .chain(
                gates
                    .filter(|id| *id == start::LARGE_PROGRAM || step.a.is_multiple_of(8))
                    .map(Target::Gate),
            )
            .collect();
        // Mostly where something is left to do.
        let open =
            |target: &Target| self.hashings.contains_key(target) || self.is_unhashed(*target);
        let open: Vec<Target> = targets.iter().copied().filter(open).collect();
        let some = if step.a.is_multiple_of(4) || open.is_empty() {
            &targets
        } else {
            &open
        };
        if open.is_empty() && !step.a.is_multiple_of(4) {
            return self.large_upgrade(step);
        }
        let target = pick(some, step.b)?;
        let hashing = self.hashings.get(&target);
        let (done, payer) = hashing.map_or((0, 0), |h| (h.done, h.payer));
        let right = HashStep {
            target,
            payer: usize::from(step.d) % start::PAYERS,
            refund: payer,
            offset: done,
            len: 640,
        };
        let action = match step.c % 16 {
            0 => Action::Hash(HashStep {
                offset: done + 64,
                ..right
            }),
            1 => Action::Hash(HashStep { len: 63, ..right }),
            2 => Action::Hash(HashStep {
                offset: 0,
                len: 64,
                ..right
            }),
            3 => Action::Hash(HashStep { len: 0, ..right }),
            4 => Action::Hash(HashStep {
                refund: 1 - payer,
                ..right
            }),
            5 | 6 => Action::Hash(right),
            7 | 8 => Action::CloseHashing(target, payer),
            9 => Action::CloseHashing(target, 1 - payer),
            _ => self.next_hash(target, step.d),
        };
        Some(vec![action])
    }

    fn is_finalizable(&self, parent: Parent) -> bool {
        match parent {
            Parent::Gate(program) => start::is_finalizable(self.programs[program].build),
            Parent::Council(_) => false,
        }
    }

    /// A draft that is to be hashed in steps.
    fn large_upgrade(&self, step: &Step) -> Option<Vec<Action>> {
        let active = |id: &Id| {
            let gate = self.gates[*id].as_ref();
            gate.is_some_and(|gate| gate.state == GateState::Active)
        };
        let gates: Vec<Id> = (0..self.gates.len()).filter(active).collect();
        let large = gates.iter().position(|id| *id == start::LARGE_PROGRAM)?;
        self.some_upgrade(&Step {
            a: 8 * large as u8 + 1,
            d: step.d / 4 * 4,
            ..*step
        })
    }

    fn is_unhashed(&self, target: Target) -> bool {
        match target {
            Target::Proposal(id) => self.phase(id) == Phase::Draft,
            Target::Gate(id) => {
                let gate = self.gates[id].as_ref();
                gate.is_some_and(|gate| gate.state == GateState::Adopting)
            }
        }
    }

    /// A change that is possible, where one is soon found.
    pub(super) fn possible_change(&self, step: &Step) -> Option<Action> {
        let changes = (0..8).filter_map(|number: u8| {
            self.some_change(&Step {
                b: step.b.wrapping_add(number),
                d: step.d.wrapping_add(number.wrapping_mul(37)),
                ..*step
            })
        });
        let mut changes: Vec<Action> = changes.collect();
        let possible = |action: &Action| self.clone().act(action).is_ok();
        let found = changes.iter().position(possible).unwrap_or(0);
        (found < changes.len()).then(|| changes.swap_remove(found))
    }

    pub(super) fn some_change(&self, step: &Step) -> Option<Action> {
        let gates: Vec<Id> = (0..self.gates.len())
            .filter(|id| self.gates[*id].is_some())
            .collect();
        let of_council = step.a.is_multiple_of(2);
        let parent = match of_council {
            true => Parent::Council([0, 0, 0, 1, 2][usize::from(step.a / 2) % 5]),
            false => Parent::Gate(pick(&gates, step.a / 2)?),
        };
        let council = &self.councils[self.council_of(parent)];
        let policy = match parent {
            Parent::Council(id) => self.councils[id].policy,
            Parent::Gate(program) => self.gate(program).policy,
        };
        let floor = match (parent, step.d % 8) {
            (Parent::Gate(_), 0) => 1,
            (Parent::Gate(_), _) => 0,
            (_, 0) => council.floor - 1,
            (_, 1) => 90 * 86_400 + 1,
            (_, 2) => council.floor + 600,
            _ => council.floor,
        };
        let policy_change = || {
            What::Policy(PolicyChange {
                policy: vary(&policy, step.c, step.d),
                delay_floor_seconds: floor,
            })
        };
        let wrong_parent = step.flaw == Flaw::Parent;
        let what = if of_council != wrong_parent {
            match step.b % 3 {
                0 => policy_change(),
                _ => What::Council(council.change(step.c, step.d)),
            }
        } else {
            let to = usize::from(step.c) % start::people();
            let other = usize::from(step.c) % self.councils.len();
            match step.b % 8 {
                0..=1 => policy_change(),
                2 => What::Transfer {
                    to,
                    checked: !step.d.is_multiple_of(3),
                },
                // Mostly what can be.
                3..=4 if self.is_finalizable(parent) || step.d.is_multiple_of(8) => What::Finalize,
                3..=5 => {
                    let known = gates.iter().flat_map(|id| self.gate(*id).remembered());
                    let known: Vec<Id> = known
                        .map(|release| release.build)
                        .filter(|build| *build != NOTHING)
                        .collect();
                    let build = pick(&known, step.c).filter(|_| !step.d.is_multiple_of(4));
                    What::Revoke {
                        build: build.unwrap_or(self.uploaded(step.c)),
                    }
                }
                _ => What::Move {
                    // Often to one that can take it.
                    council: match step.c % 4 {
                        0 => other,
                        _ => 1 - self.council_of(parent).min(1),
                    },
                    epoch: 0,
                },
            }
        };
        let mut terms = self.proposing(parent, what, step);
        if let What::Move { council, epoch } = &mut terms.what {
            *epoch = self.councils[*council].epoch + u32::from(step.flaw == Flaw::Base);
        }
        Some(Action::ProposeChange { parent, terms })
    }
}
