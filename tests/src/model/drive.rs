//! Runs steps on chain and in the model, side by side.

use std::collections::BTreeMap;

use litesvm::types::FailedTransactionMetadata;
use portcullis::{
    error::PortcullisError,
    record::Log,
    state::{Attestation, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE},
};
use portcullis_client::replay::Replay;
use solana_sdk::{
    instruction::{Instruction, InstructionError},
    pubkey::Pubkey,
    transaction::TransactionError,
};

use super::{
    act::Proposing,
    compare::{Check, Compared},
    invariants::INVARIANTS,
    send::Digests,
    steps::{pick, Flaw, Step, Verb, DAY},
    *,
};
use crate::{
    record, Council as CouncilAccount, Gate as GateAccount, Now, Proposal as ProposalAccount, World,
};

/// How often each action was accepted and refused, and how often a proposal of each kind came to each status.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub actions: BTreeMap<String, (u64, u64)>,
    pub statuses: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        for (name, (accepted, refused)) in &other.actions {
            let count = self.actions.entry(name.clone()).or_default();
            count.0 += accepted;
            count.1 += refused;
        }
        for (kind, statuses) in &other.statuses {
            for (status, count) in statuses {
                let sum = self.statuses.entry(kind.clone()).or_default();
                *sum.entry(status.clone()).or_default() += count;
            }
        }
    }
}

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
            tally: Tally::default(),
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
        match step.verb {
            Verb::Contest => return self.contest(step),
            Verb::RollBack => return self.roll_back(step),
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
            name = match proposal.what {
                What::Upgrade { .. } => format!("Execute {:?}", proposal.lane),
                _ => format!("Execute {}", first_word(&proposal.what)),
            };
        }
        let count = self.tally.actions.entry(name).or_default();
        match expected {
            Ok(()) => count.0 += 1,
            Err(_) => count.1 += 1,
        }
        match sent {
            None => {
                if let Action::Advance(target) = action {
                    let steps = before.advanced(*target, &mut self.world);
                    self.history
                        .extend(steps.into_iter().map(|step| (step, now)));
                }
                before.happen(action, &mut self.world);
            }
            Some(sent) => {
                let instruction = sent.instruction;
                let logs = self.logs();
                // Of what is not known to be long anyway, every third.
                let padded = sent.form == Form::Transaction
                    && self.trace.len().is_multiple_of(3)
                    && !matches!(action, Action::Hash(_) | Action::Verify(_));
                let result = match sent.form {
                    Form::Transaction => {
                        let mut all = if padded { padding() } else { vec![] };
                        all.push(instruction.clone());
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
                    (Ok(()), Ok(meta)) => {
                        self.history.push((instruction, now));
                        self.check_logs(logs, &record::events(&meta), padded)?;
                    }
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
            self.count_statuses(&before);
            for (name, holds) in INVARIANTS {
                if !holds(&before, action, &self.model) {
                    return Err(format!("{name} does not hold"));
                }
            }
        }
        Ok(())
    }

    /// The log chains of all councils and gates.
    fn logs(&self) -> Vec<(Pubkey, Log)> {
        let councils = (0..self.model.councils.len()).map(start::council);
        let councils = councils.map(|key| (key, self.world.read::<CouncilAccount>(&key).log));
        let gates = (0..self.model.programs.len()).map(|id| {
            let key = start::gate(id);
            let there = !self.world.is_gone(&key);
            let log = there.then(|| self.world.read::<GateAccount>(&key).log);
            (key, log.unwrap_or_default())
        });
        councils.chain(gates).collect()
    }

    /// What was logged is what has been folded into each chain that has grown; the replay does without what was dropped.
    fn check_logs(&self, before: Vec<(Pubkey, Log)>, events: &[Vec<u8>], padded: bool) -> Check {
        if padded {
            return match events {
                [] => Ok(()),
                _ => Err("the padding is too short".to_string()),
            };
        }
        for ((key, mut log), (_, after)) in before.into_iter().zip(self.logs()) {
            if log == after {
                continue;
            }
            let [event] = events else {
                return Err(format!("{} events of one transition", events.len()));
            };
            record::fold(&mut log, &key, event);
            if log != after {
                return Err(format!("another event in the chain of {key}"));
            }
        }
        Ok(())
    }

    /// Notes every proposal that has come to another status.
    fn count_statuses(&mut self, before: &Model) {
        for id in 0..self.model.proposals.len() {
            let phase = self.model.phase(id);
            if id < before.proposals.len() && before.phase(id) == phase {
                continue;
            }
            let proposal = &self.model.proposals[id];
            let kind = match &proposal.what {
                What::Upgrade { .. } => format!("{:?}", proposal.lane),
                what => first_word(what),
            };
            let status = match phase {
                Phase::Ended(end) => format!("{end:?}"),
                phase => format!("{phase:?}"),
            };
            let statuses = self.tally.statuses.entry(kind).or_default();
            *statuses.entry(status).or_default() += 1;
        }
    }

    /// Whatever has happened, once all that was open has run out, each gate's program gets out by one proposal, and then all
    /// buffers and all rent come back.
    fn leave_everything(&mut self) -> Check {
        self.act(&Action::Wait {
            seconds: AGES,
            slots: AGES as u64,
        })?;
        for program in 0..self.model.programs.len() {
            let Some(gate) = &self.model.gates[program] else {
                continue;
            };
            match gate.state {
                GateState::Active => self.leave(program)?,
                GateState::Adopting => {
                    let by = gate.former_authority;
                    self.accepted(&Action::Abandon { program, by })?;
                }
                GateState::Exited => {}
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
        let hashings: Vec<_> = self
            .model
            .hashings
            .iter()
            .map(|(t, h)| (*t, h.payer))
            .collect();
        for (target, payer) in hashings {
            self.accepted(&Action::CloseHashing(target, payer))?;
        }
        // What the rent payers have is compared with the accounts there are: councils and gates are left.
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
            _ => Err(format!("no way out of gate {program}")),
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

/// So many logs that all that come behind them are dropped.
fn padding() -> Vec<Instruction> {
    let memo = |len| Instruction {
        program_id: Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
        accounts: vec![],
        data: vec![b'a'; len],
    };
    // The limit is 10,000 bytes; short ones fill what long ones leave.
    [[memo(4_000), memo(4_000)].to_vec(), vec![memo(1); 12]].concat()
}

/// The name of what a proposal does.
fn first_word(what: &What) -> String {
    let text = format!("{what:?}");
    text.split([' ', '('])
        .next()
        .unwrap_or_default()
        .to_string()
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
