//! What a step comes to: one action, or several until something is reached.

use portcullis::state::{ROLE_GUARD, ROLE_VOTE};

use super::{
    compare::Check,
    drive::Run,
    steps::{pick, Flaw, Step, Verb},
    *,
};

impl Run {
    pub(super) fn step(&mut self, step: &Step) -> Check {
        match step.verb {
            Verb::Contest => return self.contest(step),
            Verb::RollBack => return self.roll_back(step),
            Verb::Follow => return self.follow(step),
            Verb::Oppose => return self.oppose(step),
            _ => {}
        }
        // How a proposal is carried out is not tied to its lane.
        let number = step.c ^ step.d.rotate_left(3);
        for action in self.model.resolve(step) {
            let mut proposal = self.model.subject(&action);
            let before = self.model.proposals.len();
            self.act(&action)?;
            if self.model.proposals.len() > before {
                proposal = Some(before);
            }
            if let Action::Adopt { program, .. } = action {
                self.adopting(program, &action, step)?;
            }
            match (step.verb, proposal) {
                (Verb::Rush | Verb::CarryOut, Some(id)) => self.rush(id, number, false)?,
                (Verb::Gather | Verb::CarryOver, Some(id)) => self.rush(id, number, true)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Goes on with the adoption of a large program, mostly to its end; now and then it is given up and begun again.
    fn adopting(&mut self, program: Id, adopt: &Action, step: &Step) -> Check {
        let adopts = |model: &Model| {
            let gate = model.gates[program].as_ref();
            gate.is_some_and(|gate| gate.state == GateState::Adopting)
        };
        if !adopts(&self.model) || step.d.is_multiple_of(4) {
            return Ok(());
        }
        if step.d % 4 == 1 {
            self.hash_program(program, step.c, usize::from(step.b % 4))?;
            if adopts(&self.model) {
                let by = self.model.gate(program).former_authority;
                let anyone = usize::from(step.b) % start::people();
                let close = Action::CloseHashing(Target::Gate(program), usize::from(step.c % 2));
                self.act(&close)?;
                self.act(&Action::Abandon {
                    program,
                    by: anyone,
                })?;
                self.act(&Action::Abandon { program, by })?;
                if step.b.is_multiple_of(3) {
                    self.act(&close)?;
                }
                self.act(adopt)?;
            }
        }
        self.hash_program(program, step.c, 5)
    }

    /// Hashes what is being adopted: so many steps, or until it is done.
    fn hash_program(&mut self, program: Id, number: u8, steps: usize) -> Check {
        for _ in 0..steps {
            let gate = self.model.gates[program].as_ref();
            if !gate.is_some_and(|gate| gate.state == GateState::Adopting) {
                break;
            }
            let action = self.model.next_hash(Target::Gate(program), number);
            self.act(&action)?;
        }
        Ok(())
    }

    /// An upgrade, then a rollback of the same program.
    fn roll_back(&mut self, step: &Step) -> Check {
        for lane in [0, 6] {
            self.step(&Step {
                verb: Verb::CarryOut,
                b: step.b / 8 * 8 + lane,
                c: step.c / 3 * 3 % 252 + 1,
                ..*step
            })?;
        }
        Ok(())
    }

    /// An upgrade, then one of the next program that names its release.
    fn follow(&mut self, step: &Step) -> Check {
        for (flaw, next) in [(Flaw::None, 0), (Flaw::Predecessor, 8)] {
            self.step(&Step {
                verb: Verb::CarryOut,
                flaw,
                a: (step.a / 8 % 16 * 8 + 1) + next,
                b: step.b / 8 * 8,
                c: step.c / 3 * 3 % 252 + 1,
                d: step.d,
            })?;
        }
        Ok(())
    }

    /// All voters say no, one after the other, those who said yes included.
    fn oppose(&mut self, step: &Step) -> Check {
        let voting = |id: &Id| self.model.phase(*id) == Phase::Voting;
        let voting: Vec<Id> = (0..self.model.proposals.len()).filter(voting).collect();
        let Some(id) = pick(&voting, step.a) else {
            return Ok(());
        };
        let council = self.model.council_of(self.model.proposals[id].parent);
        for by in 0..start::people() {
            let votes = self.model.role_missing(council, by, ROLE_VOTE).is_none();
            if !votes || !self.model.is_live(id) {
                continue;
            }
            let signing = |model: &Model, form| model.sign(id, by, Flaw::None, form);
            if self.model.proposals[id].approvals.contains(&by) {
                let retract = signing(&self.model, 0);
                self.act(&Action::Vote(VoteKind::Retract, id, retract))?;
            }
            let reject = signing(&self.model, step.b);
            self.act(&Action::Vote(VoteKind::Reject, id, reject))?;
        }
        Ok(())
    }

    /// Two proposals that want the same slot, both approved; the first is stopped, then the second is queued.
    fn contest(&mut self, step: &Step) -> Check {
        let mut rivals = vec![];
        for _ in 0..2 {
            for action in self.model.resolve(step) {
                let before = self.model.proposals.len();
                self.act(&action)?;
                if self.model.proposals.len() > before {
                    self.rush(before, 0, true)?;
                    rivals.push(before);
                }
            }
        }
        let [first, second] = rivals[..] else {
            return Ok(());
        };
        self.act(&Action::Queue(second))?;
        let guardians: Vec<Id> = (0..start::people()).collect();
        for by in guardians {
            let veto = self.model.sign(first, by, Flaw::None, step.b);
            let council = self.model.council_of(self.model.proposals[first].parent);
            let guards = self.model.role_missing(council, by, ROLE_GUARD).is_none();
            if guards && self.model.is_live(first) {
                self.act(&Action::Vote(VoteKind::Veto, first, veto))?;
            }
        }
        self.act(&Action::Queue(second))
    }

    /// Does what the proposal needs until it has ended or is approved, or for long enough.
    fn rush(&mut self, id: Id, number: u8, to_approval: bool) -> Check {
        let mut waited = false;
        for _ in 0..14 {
            let approved = to_approval && self.model.proposals[id].is_approved();
            if !self.model.is_live(id) || approved {
                break;
            }
            if !waited {
                if let Some(until) = self.model.limit(id, number) {
                    waited = true;
                    let (seconds, slots) = (until - self.model.now, until - self.model.now);
                    let slots = slots as u64;
                    self.act(&Action::Wait { seconds, slots })?;
                    continue;
                }
            }
            let Some(action) = self.model.next(id, number) else {
                break;
            };
            match action {
                // A second, and a slot, before its time it is tried.
                Action::Wait { seconds, slots } if seconds > 1 && number % 2 == 1 => {
                    let early = [(seconds - 1, slots), (1, 0)];
                    let late = [(seconds, slots - 1), (0, 1)];
                    for (seconds, slots) in if number % 4 == 1 { early } else { late } {
                        let execute = self.model.execution_of(id, number, Flaw::None);
                        self.act(&execute)?;
                        self.act(&Action::Wait { seconds, slots })?;
                        self.act(&execute)?;
                    }
                }
                action => {
                    self.act(&action)?;
                    // What is wrong with the bytes stays so.
                    let refused = !self
                        .trace
                        .last()
                        .is_some_and(|line| line.ends_with("accepted"));
                    if refused && matches!(action, Action::Hash(_) | Action::Verify(_)) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Model {
    /// The proposal that an action is about.
    fn subject(&self, action: &Action) -> Option<Id> {
        match action {
            Action::Verify(id)
            | Action::Vote(_, id, _)
            | Action::Queue(id)
            | Action::Execute { proposal: id, .. }
            | Action::Attest { proposal: id, .. } => Some(*id),
            _ => None,
        }
    }
}
