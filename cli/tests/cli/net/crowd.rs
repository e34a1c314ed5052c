//! A chain with many councils, gates and proposals of every status, written as accounts: the program would need days for it.

use std::{collections::BTreeMap, sync::Mutex, thread};

use bytemuck::Zeroable;
use portcullis::{
    change::Change,
    constants::LAYOUT_VERSION,
    digest::Commitment,
    lifecycle::{Action, Custody, Ending, Lane},
    policy::{Policy, Snapshot},
    state::{
        find_authority, find_council, find_gate, find_proposal, Council, Gate, GateState, Member,
        Proposal, Release, Terms, ROLE_EXECUTE, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE,
    },
};
use portcullis_client::{
    account::{digest, Decoded, StoredProposal},
    pda, Client, STATUSES,
};
use portcullis_localnet::{set_account, TimeControl};
use solana_sdk::{account::Account, pubkey::Pubkey, signer::Signer};

use super::{chain::plain_policy, key, Chance, Net};

const TIMELOCK: u32 = 600;
const DAY: i64 = 86_400;
/// Gates of one council.
const GATES_OF_A_COUNCIL: u32 = 25;
/// At the same time.
const WRITERS: usize = 4;

/// What was written, with the status that each proposal must have.
pub struct Crowd {
    pub councils: Vec<Pubkey>,
    pub programs: Vec<Pubkey>,
    /// By address.
    pub statuses: BTreeMap<Pubkey, &'static str>,
}

struct Town {
    now: i64,
    chance: Chance,
    accounts: Vec<(Pubkey, Vec<u8>)>,
    crowd: Crowd,
}

impl Net {
    /// Writes so many gates and proposals, some of them about councils themselves.
    pub fn crowd(&self, gates: u32, proposals: u32) -> Crowd {
        // The timelock counts slots as well.
        self.travel(i64::from(TIMELOCK) * 2);
        let runtime = super::chain::runtime();
        let now = runtime
            .block_on(TimeControl::new(self.url()).now())
            .unwrap();
        let mut town = Town {
            now: now.unix_timestamp,
            chance: Chance::new(1),
            accounts: Vec::new(),
            crowd: Crowd {
                councils: Vec::new(),
                programs: Vec::new(),
                statuses: BTreeMap::new(),
            },
        };
        town.build(gates, proposals);
        self.write_accounts(town.accounts);
        town.crowd
    }

    fn write_accounts(&self, accounts: Vec<(Pubkey, Vec<u8>)>) {
        let left = Mutex::new(accounts);
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    let client = Client::new(self.url(), portcullis::ID);
                    let runtime = super::chain::runtime();
                    loop {
                        let next = left.lock().unwrap().pop();
                        let Some((address, data)) = next else { return };
                        let account = Account {
                            lamports: 10_000_000,
                            data,
                            owner: portcullis::ID,
                            ..Account::default()
                        };
                        runtime
                            .block_on(set_account(&client.rpc, &address, &account))
                            .unwrap();
                    }
                });
            }
        });
    }
}

fn bytes_of<T: Decoded + bytemuck::Pod>(account: &T) -> Vec<u8> {
    [T::HEAD, bytemuck::bytes_of(account)].concat()
}

impl Town {
    fn build(&mut self, gates: u32, proposals: u32) {
        let mut parents = Vec::new();
        for number in 0..gates {
            if number % GATES_OF_A_COUNCIL == 0 {
                let council = self.council();
                parents.push((council, None));
            }
            let council = *self.crowd.councils.last().unwrap();
            let gate = self.gate(council);
            parents.push((council, Some(gate)));
        }
        let mut indices: BTreeMap<Pubkey, u32> = BTreeMap::new();
        for number in 0..proposals {
            // A prime, so that each parent gets every status.
            let (council, gate) = parents[number as usize * 7919 % parents.len()];
            let parent = gate.map_or(council, |(address, _)| address);
            let index = indices.entry(parent).or_default();
            let status = STATUSES[number as usize % STATUSES.len()].name();
            self.proposal(council, gate, *index, status);
            *index += 1;
        }
    }

    fn key(&mut self) -> Pubkey {
        Pubkey::new_from_array([(); 32].map(|()| self.chance.below(256) as u8))
    }

    fn council(&mut self) -> Pubkey {
        let create_key = self.key();
        let (address, bump) = find_council(&portcullis::ID, &create_key);
        let voter = ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE;
        let people = [
            ("alice", voter),
            ("bob", voter),
            ("carol", voter),
            ("guard", ROLE_GUARD),
        ];
        let mut members = people.map(|(name, roles)| Member {
            key: key(name).pubkey(),
            weight: u16::from(roles & ROLE_VOTE != 0),
            roles,
            attests: 0,
        });
        members.sort_by_key(|member| member.key);
        let mut council = Council {
            version: LAYOUT_VERSION,
            bump,
            member_count: 4,
            config_epoch: 1,
            create_key,
            policy: policy(),
            ..Council::zeroed()
        };
        council.members[..4].copy_from_slice(&members);
        self.accounts.push((address, bytes_of(&council)));
        self.crowd.councils.push(address);
        address
    }

    fn gate(&mut self, council: Pubkey) -> (Pubkey, Gate) {
        let program = self.key();
        let (address, bump) = find_gate(&portcullis::ID, &program);
        let (authority, authority_bump) = find_authority(&portcullis::ID, &program);
        let gate = Gate {
            version: LAYOUT_VERSION,
            bump,
            authority_bump,
            state: GateState::Active as u8,
            life: 1,
            council,
            program,
            programdata: pda::programdata(&program),
            authority,
            policy: policy(),
            proposal_count: 1_000,
            release: Release {
                sha256: self.key().to_bytes(),
                index: 1,
                len: 100_000,
                life: 1,
                ..Release::default()
            },
            ..Gate::zeroed()
        };
        self.accounts.push((address, bytes_of(&gate)));
        self.crowd.programs.push(program);
        (address, gate)
    }

    fn proposal(
        &mut self,
        council: Pubkey,
        gate: Option<(Pubkey, Gate)>,
        index: u32,
        status: &'static str,
    ) {
        // Only a gate has standbys and buffers.
        let status = match (status, &gate) {
            ("armed" | "draft", None) => "voting",
            (status, _) => status,
        };
        let parent = gate.map_or(council, |(address, _)| address);
        let (address, bump) = find_proposal(&portcullis::ID, &parent, index);
        let commitment = Commitment {
            sha256: self.key().to_bytes(),
            len: 120_000,
        };
        let ended = matches!(status, "executed" | "rejected" | "vetoed" | "cancelled");
        let mut terms = Terms {
            parent,
            proposer: key("alice").pubkey(),
            rent_payer: key("alice").pubkey(),
            slot_hash: self.key().to_bytes(),
            snapshot: Snapshot {
                threshold: 2,
                timelock_seconds: TIMELOCK,
                voting_period_seconds: 3 * DAY as u32,
                execution_window_seconds: 2 * DAY as u32,
                veto_threshold: 1,
                trigger_threshold: 1,
                ..Snapshot::default()
            },
            index,
            epoch: u32::from(status != "stale"),
            version: LAYOUT_VERSION,
            voting_ends_at: match status {
                "expired" => self.now - DAY,
                _ => self.now + DAY,
            },
            lane: match status {
                "armed" => Lane::SafeMode as u8,
                _ => Lane::Standard as u8,
            },
            ..Terms::zeroed()
        };
        let mut change = Vec::new();
        let mut custody = Custody::None;
        if let Some((_, gate)) = &gate {
            terms.buffer = self.key();
            terms.spill = terms.proposer;
            terms.sha256 = commitment.sha256;
            terms.len = commitment.len;
            terms.base_sha256 = gate.release.sha256;
            terms.base_len = gate.release.len;
            terms.base_index = gate.release.index;
            terms.life = gate.life;
            terms.action = Action::Upgrade as u8;
            custody = match status {
                "draft" => Custody::Held,
                "executed" => Custody::Consumed,
                _ => Custody::Verified,
            };
        } else {
            terms.action = Action::ChangePolicy as u8;
            change = Change::Policy(portcullis::change::PolicyChange {
                policy: policy(),
                delay_floor_seconds: 0,
            })
            .to_bytes()
            .unwrap();
        }
        let eta = match status {
            "queued" => self.now + DAY,
            "ready" | "armed" | "executed" => self.now - 60,
            _ => 0,
        };
        let approvals = u32::from(eta != 0) * 2;
        let ending = match status {
            "executed" => Ending::Executed,
            "rejected" => Ending::Rejected,
            "vetoed" => Ending::Vetoed,
            "cancelled" => Ending::Cancelled,
            // Half of them were noticed on the chain.
            "expired" if index.is_multiple_of(2) => Ending::Expired,
            "stale" if index.is_multiple_of(2) => Ending::Stale,
            _ => Ending::Open,
        };
        let proposal = Proposal {
            terms,
            digest: digest(&portcullis::ID, &council, &terms, &change),
            eta,
            ended_at: if ended { self.now - 60 } else { 0 },
            approvals: (1 << approvals) - 1,
            approval_weight: approvals,
            bump,
            ending: ending as u8,
            custody: custody as u8,
            ..Proposal::zeroed()
        };
        let data = [
            StoredProposal::HEAD,
            bytemuck::bytes_of(&proposal),
            change.as_slice(),
        ]
        .concat();
        self.accounts.push((address, data));
        self.crowd.statuses.insert(address, status);
    }
}

fn policy() -> Policy {
    Policy {
        veto_threshold: 1,
        trigger_threshold: 1,
        ..plain_policy()
    }
}
