//! Runs steps on chain and in the model, side by side.

use std::collections::BTreeMap;

use litesvm::types::FailedTransactionMetadata;
use portcullis::{
    error::PortcullisError,
    state::{Attestation, ROLE_PROPOSE},
};
use portcullis_client::replay::Replay;
use solana_sdk::{
    instruction::{Instruction, InstructionError},
    transaction::TransactionError,
};

use super::{
    act::Proposing,
    compare::{Check, Compared},
    invariants::INVARIANTS,
    send::Digests,
    steps::{Flaw, Step, Verb, DAY},
    *,
};
use crate::{
    Council as CouncilAccount, Gate as GateAccount, Now, Proposal as ProposalAccount, World,
};

/// How often each action was accepted and refused.
pub type Tally = BTreeMap<String, (u64, u64)>;

/// A run.
pub struct Run {
    pub world: World,
    pub model: Model,
    pub digests: Digests,
    /// Every instruction of Portcullis that succeeded.
    pub history: Vec<(Instruction, Now)>,
    /// What was done, to be read.
    pub trace: Vec<String>,
    pub tally: Tally,
}

/// The end of the longest proposal there can be.
const AGES: i64 = 400 * DAY;

impl Default for Run {
    fn default() -> Self {
        let (world, model, history) = start::start();
        Self {
            world,
            model,
            digests: vec![],
            history,
            trace: vec![],
            tally: Tally::new(),
        }
    }
}

impl Run {
    /// All steps, then the ways out, then the replay of everything.
    ///
    /// # Errors
    /// The first difference between chain and model, or the invariant that does not hold.
    pub fn all(&mut self, steps: &[Step]) -> Check {
        for step in steps {
            self.step(step)?;
        }
        self.replay()?;
        self.leave_everything()?;
        self.replay()
    }

    fn step(&mut self, step: &Step) -> Check {
        for action in self.model.resolve(step) {
            let mut proposal = self.model.subject(&action);
            let before = self.model.proposals.len();
            self.act(&action)?;
            if self.model.proposals.len() > before {
                proposal = Some(before);
            }
            match (step.verb, proposal) {
                (Verb::Rush | Verb::CarryOut, Some(id)) => self.rush(id, step.b, false)?,
                (Verb::Gather | Verb::CarryOver, Some(id)) => self.rush(id, step.b, true)?,
                _ => {}
            }
        }
        Ok(())
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
                action => self.act(&action)?,
            }
        }
        Ok(())
    }

    /// One action on both sides.
    ///
    /// # Errors
    /// What differs.
    pub fn act(&mut self, action: &Action) -> Check {
        let before = self.model.clone();
        let sent = before.instruction(action, &self.digests);
        let expected = self.model.act(action);
        let now = self.world.now();
        let verdict = match &expected {
            Ok(()) => "accepted".to_string(),
            Err(reasons) => format!("refused: {reasons:?}"),
        };
        self.trace.push(format!("{action:?} {verdict}"));
        let mut name = action.name();
        if let Action::Execute { proposal, .. } = action {
            let proposal = &before.proposals[*proposal];
            let what = format!("{:?}", proposal.what);
            let what = what.split([' ', '(']).next().unwrap_or_default();
            name = match proposal.what {
                What::Upgrade { .. } => format!("Execute {:?}", proposal.lane),
                _ => format!("Execute {what}"),
            };
        }
        let count = self.tally.entry(name).or_default();
        match expected {
            Ok(()) => count.0 += 1,
            Err(_) => count.1 += 1,
        }
        match sent {
            None => before.happen(action, &mut self.world),
            Some(sent) => {
                let instruction = sent.instruction;
                let result = match sent.form {
                    Form::Transaction => {
                        let all = [instruction.clone()];
                        self.world.send(&all, &sent.signers)
                    }
                    Form::Nonce => {
                        let all = [instruction.clone()];
                        self.world.send_durable(&all, &sent.signers)
                    }
                    Form::Message => {
                        let signature = before.signature(action, &self.digests);
                        let all = [signature.ok_or("no message")?, instruction.clone()];
                        self.world.send(&all, &sent.signers)
                    }
                };
                match (&expected, result) {
                    (Ok(()), Ok(_)) => self.history.push((instruction, now)),
                    (Err(reasons), Err(failed)) => check_reason(reasons, &failed)?,
                    (Ok(()), Err(failed)) => {
                        return Err(format!(
                            "the model accepts, the chain refuses: {:?}\n{}",
                            failed.err,
                            failed.meta.logs.join("\n")
                        ));
                    }
                    (Err(reasons), Ok(_)) => {
                        return Err(format!(
                            "the chain accepts what the model refuses: {reasons:?}"
                        ));
                    }
                }
            }
        }
        Compared {
            model: &self.model,
            world: &self.world,
            digests: &mut self.digests,
        }
        .check()?;
        if expected.is_ok() {
            for (name, holds) in INVARIANTS {
                if !holds(&before, action, &self.model) {
                    return Err(format!("{name} does not hold"));
                }
            }
        }
        Ok(())
    }

    /// Whatever has happened, once all that was open has run out, each gate's program gets out by one proposal, and then all
    /// buffers and all rent come back.
    fn leave_everything(&mut self) -> Check {
        self.act(&Action::Wait {
            seconds: AGES,
            slots: AGES as u64,
        })?;
        for program in 0..self.model.programs.len() {
            if self.model.gates[program]
                .as_ref()
                .is_some_and(|gate| gate.state == GateState::Active)
            {
                self.leave(program)?;
            }
        }
        for id in 0..self.model.proposals.len() {
            if self.model.is_live(id) {
                return Err(format!("proposal {id} is live for ever"));
            }
            if self.model.proposals[id].closed {
                continue;
            }
            if self.model.proposals[id].is_held() {
                self.accepted(&Action::ReturnBuffer(id))?;
            }
            self.accepted(&Action::CloseProposal(id))?;
        }
        for id in 0..self.model.proposals.len() {
            let given: Vec<Id> = self.model.proposals[id].attested.keys().copied().collect();
            for by in given {
                self.accepted(&Action::CloseAttestation(id, by))?;
            }
        }
        // What the rent payer has is compared with the accounts there are: councils and gates are left.
        for buffer in &self.model.buffers {
            if matches!(buffer.content, Some((Holder::Gate(_), _))) {
                return Err(format!("{buffer:?} is still held"));
            }
        }
        Ok(())
    }

    fn leave(&mut self, program: Id) -> Check {
        let gate = self.model.gate(program);
        let by = self
            .model
            .someone(gate.council, ROLE_PROPOSE, 0, Flaw::None);
        let terms = Proposing {
            by,
            what: What::Transfer {
                to: start::AUTHORITY,
                checked: true,
            },
            lane: Lane::Standard,
            base: (0, 0),
            epoch: self.model.councils[gate.council].epoch,
            life: gate.life,
            not_before: 0,
        };
        let parent = Parent::Gate(program);
        self.accepted(&Action::ProposeChange { parent, terms })?;
        let id = self.model.proposals.len() - 1;
        for _ in 0..start::people() + 3 {
            if !self.model.is_live(id) {
                break;
            }
            let next = self.model.next(id, 0);
            self.accepted(&next.ok_or("nothing leads out")?)?;
        }
        match self.model.gate(program).state {
            GateState::Exited => Ok(()),
            GateState::Active => Err(format!("no way out of gate {program}")),
        }
    }

    fn accepted(&mut self, action: &Action) -> Check {
        self.act(action)?;
        match self.trace.last() {
            Some(line) if line.ends_with("accepted") => Ok(()),
            line => Err(format!("must be possible: {line:?}")),
        }
    }

    /// Rebuilds all state from the instructions alone, logs ignored, heads of the log chains included.
    fn replay(&self) -> Check {
        let mut replay = Replay::new(portcullis::ID);
        for (instruction, now) in &self.history {
            let keys: Vec<_> = instruction.accounts.iter().map(|m| m.pubkey).collect();
            replay
                .feed(&instruction.data, &keys, *now)
                .map_err(|error| format!("replay: {error}"))?;
        }
        for id in 0..self.model.councils.len() {
            let (key, replayed) = (start::council(id), &replay.councils);
            let found: CouncilAccount = self.world.read(&key);
            if replayed
                .get(&key)
                .is_none_or(|council| bytemuck::bytes_of(council) != bytemuck::bytes_of(&found))
            {
                return Err(format!("replay: another council {id}"));
            }
        }
        for id in 0..self.model.programs.len() {
            let (key, replayed) = (start::gate(id), &replay.gates);
            if self.model.gates[id].is_none() {
                continue;
            }
            let found: GateAccount = self.world.read(&key);
            if replayed
                .get(&key)
                .is_none_or(|gate| bytemuck::bytes_of(gate) != bytemuck::bytes_of(&found))
            {
                return Err(format!("replay: another gate {id}"));
            }
        }
        for id in 0..self.model.proposals.len() {
            let key = self.model.address(id);
            if self.model.proposals[id].closed {
                continue;
            }
            let data = &self.world.account(&key).data[8..ProposalAccount::SPACE];
            if !replay.matches_proposal(&key, &bytemuck::pod_read_unaligned(data)) {
                return Err(format!("replay: another proposal {id}"));
            }
        }
        for (key, attestation) in &replay.attestations {
            let found: Attestation = self.world.read(key);
            if bytemuck::bytes_of(attestation) != bytemuck::bytes_of(&found) {
                return Err(format!("replay: another attestation {key}"));
            }
        }
        let open = self.model.proposals.iter().filter(|p| !p.closed).count();
        let attested: usize = self.model.proposals.iter().map(|p| p.attested.len()).sum();
        if replay.proposals.len() != open || replay.attestations.len() != attested {
            return Err("replay: other proposals or attestations".to_string());
        }
        Ok(())
    }
}

/// The reason is one of the model's.
fn check_reason(reasons: &[Reason], failed: &FailedTransactionMetadata) -> Check {
    let known = match &failed.err {
        TransactionError::InstructionError(_, InstructionError::Custom(code)) => {
            let rule = PortcullisError::ALL
                .iter()
                .find(|rule| u32::from(**rule) == *code);
            match rule {
                Some(rule) => reasons.contains(&Reason::Rule(*rule)),
                None => reasons.contains(&Reason::Account),
            }
        }
        TransactionError::InstructionError(..) => reasons.contains(&Reason::Account),
        _ => false,
    };
    if known {
        return Ok(());
    }
    Err(format!(
        "refused for {:?}, which is none of {reasons:?}\n{}",
        failed.err,
        failed.meta.logs.join("\n")
    ))
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
