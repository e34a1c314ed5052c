//! Runs steps on chain and in the model, side by side.

use std::collections::BTreeMap;

use litesvm::types::FailedTransactionMetadata;
use portcullis::error::PortcullisError;
use solana_sdk::{
    instruction::{Instruction, InstructionError},
    transaction::TransactionError,
};

use super::{
    compare::{Check, Compared},
    invariants::INVARIANTS,
    record::padding,
    send::Digests,
    steps::Step,
    *,
};
use crate::{record as logged, Now, World};

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
                What::Upgrade {
                    predecessor: Some(_),
                    ..
                } => "Execute after another".to_string(),
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
                        self.check_logs(logs, &logged::events(&meta), padded)?;
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
