//! Reads what the checks judge. What one request cannot get is told in its fact; only without gate, council and clock there is
//! nothing to judge.

use futures::join;
use portcullis::{
    lifecycle::{Lane, Status},
    state::Gate,
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

use super::{costs::gains, facts::*, features::Features};
use crate::{
    account::{
        decode_program, decode_programdata, Keyed, Programdata, ProposalView, StoredAttestation,
        PROGRAMDATA_HEADER,
    },
    deploy::extension_bytes,
    error::ClientError,
    pda,
    rpc::Client,
    transaction::{execution_compute_units, SendOptions},
};

/// Samples of about a minute each.
const SAMPLES: usize = 5;

/// What is asked about.
#[derive(Clone, Debug)]
pub struct Question {
    pub target: Target,
    /// Of what is to be proposed; a proposal has its own.
    pub lane: Lane,
    pub artifact: Option<ArtifactFacts>,
    /// That is to be proposed; a proposal has its own.
    pub buffer: Option<Pubkey>,
    /// Of what is to be proposed; a proposal has its own.
    pub spill: Option<Pubkey>,
    pub actor: Option<Pubkey>,
    pub payer: Option<Pubkey>,
    pub compute_unit_price_micro_lamports: Option<u64>,
    /// Unix seconds.
    pub machine_time: i64,
    /// Other instances of Portcullis, whose gates are to be recognized.
    pub instances: Vec<Pubkey>,
}

/// A program before its upgrade is proposed, or a proposal.
#[derive(Clone, Debug)]
pub enum Target {
    Program(Box<Keyed<Gate>>),
    Proposal(Box<ProposalView>),
}

fn fact<T>(found: Result<T, ClientError>) -> Fact<T> {
    found.map_err(|error| error.to_string())
}

impl Client {
    /// Reads everything that [`diagnose`](super::diagnose) judges.
    ///
    /// # Errors
    /// Where the council or the clock cannot be read.
    pub async fn facts(&self, question: Question) -> Result<Facts, ClientError> {
        let (gate, council, proposal) = match question.target {
            Target::Program(gate) => {
                let council = self.fetch_council(&gate.account.council).await?;
                (Some(*gate), council, None)
            }
            Target::Proposal(view) => {
                let council = Keyed {
                    address: view.council_address,
                    account: view.council,
                };
                (view.gate, council, Some(view))
            }
        };
        let view = proposal.as_deref();
        let upgrade = view.is_none_or(ProposalView::is_upgrade);
        let (buffer, spill, lane) = match view {
            Some(view) if upgrade => (
                Some(view.proposal.terms.buffer),
                Some(view.proposal.terms.spill),
                view.lane,
            ),
            Some(view) => (None, None, view.lane),
            None => (
                question.buffer,
                question.spill.or(question.payer),
                question.lane,
            ),
        };
        let wanted: Vec<Pubkey> = buffer.into_iter().chain(spill).collect();
        let (now, slot_rate, gates, guardianship, features, accounts, attestations) = join!(
            self.now(),
            self.slot_rate(),
            self.list_gates(Some(&council.address)),
            self.guardianship(&question.instances),
            self.features(),
            self.get_accounts(&wanted),
            self.attestations_of(view),
        );
        let now = match view {
            Some(view) => view.now,
            None => now?,
        };
        let accounts = fact(accounts);
        let account = |address: Option<Pubkey>| {
            let address = address?;
            let place = wanted.iter().position(|wanted| *wanted == address)?;
            Some(AccountFacts {
                address,
                account: accounts
                    .clone()
                    .map(|list| list.get(place).cloned().flatten()),
            })
        };
        let program = match gate {
            None => None,
            Some(gate) => Some(ProgramFacts {
                programdata: fact(self.programdata_of(&gate.account.program).await),
                gate,
                rent: Err("the program was not read".to_string()),
            }),
        };
        let mut facts = Facts {
            now,
            machine_time: question.machine_time,
            slot_rate: fact(slot_rate),
            council_gates: fact(gates),
            guardianship: fact(guardianship),
            features: fact(features),
            program,
            council,
            lane,
            attestations: fact(attestations),
            artifact: question.artifact,
            buffer: account(buffer),
            spill: account(spill),
            actor: question.actor,
            payer: None,
            simulation: None,
            proposal,
        };
        self.add_rent(&mut facts).await;
        let options = SendOptions {
            compute_unit_price_micro_lamports: question.compute_unit_price_micro_lamports,
            ..SendOptions::default()
        };
        if let (Some(actor), Some(payer)) = (question.actor, question.payer) {
            let lamports = self.get_account(&payer).await;
            facts.payer = Some(PayerFacts {
                address: payer,
                lamports: fact(lamports.map(|account| account.map_or(0, |a| a.lamports))),
                costs: fact(self.costs(&facts, actor, payer, &options).await),
                gains: gains(&facts, &payer),
            });
            facts.simulation = self.try_execution(&facts, actor, payer, &options).await;
        }
        Ok(facts)
    }

    async fn slot_rate(&self) -> Result<Option<SlotRate>, ClientError> {
        let samples = self
            .rpc
            .get_recent_performance_samples(Some(SAMPLES))
            .await?;
        let mut rate = SlotRate {
            slots: 0,
            seconds: 0,
        };
        for sample in samples {
            rate.slots = rate.slots.saturating_add(sample.num_slots);
            let seconds = u64::from(sample.sample_period_secs);
            rate.seconds = rate.seconds.saturating_add(seconds);
        }
        Ok((rate.seconds > 0).then_some(rate))
    }

    /// The features that decide what may be deployed, as the server shows them; `None` where it shows none at all.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub async fn features(&self) -> Result<Option<Features>, ClientError> {
        let accounts = self.get_accounts(&Features::addresses()).await?;
        Ok(Features::decode(&accounts))
    }

    async fn attestations_of(
        &self,
        view: Option<&ProposalView>,
    ) -> Result<Vec<Keyed<StoredAttestation>>, ClientError> {
        match view {
            Some(view) if view.proposal.terms.snapshot.attestations != [0; 8] => {
                self.list_attestations(&view.address).await
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn programdata_of(&self, program: &Pubkey) -> Result<(Programdata, u64), ClientError> {
        let address = pda::programdata(program);
        let accounts = self.get_accounts(&[*program, address]).await?;
        let missing = |address: Pubkey, expected| ClientError::NotFound { address, expected };
        let mut accounts = accounts.into_iter();
        let account = accounts.next().flatten();
        let account =
            account.ok_or_else(|| missing(*program, "an upgradeable program (loader v3)"))?;
        decode_program(program, &account)?;
        let account = accounts
            .next()
            .flatten()
            .ok_or_else(|| missing(address, "the programdata of an upgradeable program"))?;
        let programdata = decode_programdata(&address, &account)?;
        Ok((programdata, account.lamports))
    }

    pub(super) async fn minimum_balance(&self, space: usize) -> Result<u64, ClientError> {
        Ok(self
            .rpc
            .get_minimum_balance_for_rent_exemption(space)
            .await?)
    }

    async fn add_rent(&self, facts: &mut Facts) {
        let needed = facts.needed_room();
        let Some(program) = &mut facts.program else {
            return;
        };
        let Ok((programdata, _)) = &program.programdata else {
            return;
        };
        let capacity = programdata.elf.len();
        let extension = extension_of(program, needed).unwrap_or_default();
        let space = PROGRAMDATA_HEADER.saturating_add(capacity);
        let grown = space.saturating_add(extension as usize);
        let (now, then, empty) = join!(
            self.minimum_balance(space),
            self.minimum_balance(grown),
            self.minimum_balance(0),
        );
        let rent = || -> Result<Rent, ClientError> {
            Ok(Rent {
                now: now?,
                then: then?,
                empty: empty?,
            })
        };
        program.rent = fact(rent());
    }

    /// The execution of a proposal.
    pub(super) fn execution(&self, view: &ProposalView, executor: Pubkey) -> Vec<Instruction> {
        let terms = &view.proposal.terms;
        let (builder, keys) = (self.builder(), view.keys());
        vec![match view.is_upgrade() {
            true => builder.execute_upgrade(
                &keys,
                terms.buffer,
                terms.spill,
                executor,
                view.predecessor().map(|predecessor| predecessor.gate),
            ),
            false => builder.execute_change(&keys, executor),
        }]
    }

    /// Lets the server try an upgrade that is ready; none where it could only fail for a reason that is known.
    async fn try_execution(
        &self,
        facts: &Facts,
        executor: Pubkey,
        payer: Pubkey,
        options: &SendOptions,
    ) -> Option<Fact<Option<SimulatedRefusal>>> {
        let view = facts.proposal.as_deref()?;
        let program = facts.program.as_ref()?;
        let ready = match view.status {
            Status::Ready => true,
            Status::Armed => view.proposal.is_triggered(view.now),
            _ => false,
        };
        if !ready || !view.is_upgrade() || extension_of(program, facts.needed_room()).is_some() {
            return None;
        }
        let options = SendOptions {
            compute_unit_limit: Some(execution_compute_units(view.proposal.terms.len)),
            ..options.clone()
        };
        let instructions = self.execution(view, executor);
        let simulated = self.simulate(&instructions, &payer, &options).await;
        Some(fact(simulated.map(|simulation| {
            match (simulation.refusal, simulation.error) {
                (Some(refusal), _) => Some(SimulatedRefusal {
                    rule: refusal.name.clone(),
                    message: refusal.to_string(),
                }),
                (None, Some(error)) => Some(SimulatedRefusal {
                    rule: "TransactionFailed".to_string(),
                    message: error.to_string(),
                }),
                (None, None) => None,
            }
        })))
    }
}

/// Bytes that the program's account lacks.
pub(super) fn extension_of(program: &ProgramFacts, needed: Option<usize>) -> Option<u32> {
    let (programdata, _) = program.programdata.as_ref().ok()?;
    let capacity = programdata.elf.len();
    extension_bytes(&program.gate.account.program, capacity, needed?).ok()?
}
