//! All accounts of the chain, as the model expects them.

use std::collections::{BTreeMap, BTreeSet};

use bytemuck::{bytes_of, Pod, Zeroable};
use portcullis::{
    policy::Snapshot,
    record::Log,
    state::{
        Attestation, GateMaxima, PendingSlot, Release as ReleaseAccount, Terms as TermsAccount,
    },
};
use portcullis_client::pda;
use solana_account::ReadableAccount;
use solana_sdk::{pubkey::Pubkey, signer::Signer};
use solana_sdk_ids::sysvar::slot_hashes;
use solana_sha256_hasher::hashv;

use super::{send::Digests, *};
use crate::{
    elf, Council as CouncilAccount, Gate as GateAccount, Proposal as ProposalAccount, World,
    BUILDER,
};

/// The accounts there must be, with their bytes and who of `start::payers` paid for them.
type Known = BTreeMap<Pubkey, (usize, usize)>;
/// Bytes of a hash in the making.
const HASHING_SPACE: usize = 116;

/// A difference, in words.
pub type Check = Result<(), String>;

fn same<T: Pod + std::fmt::Debug>(what: String, expected: &T, found: &T) -> Check {
    if bytes_of(expected) == bytes_of(found) {
        return Ok(());
    }
    let (expected, found) = (format!("{expected:#?}"), format!("{found:#?}"));
    let differences: Vec<String> = expected
        .lines()
        .zip(found.lines())
        .filter(|(a, b)| a != b)
        .map(|(a, b)| format!("  model {} chain {}", a.trim(), b.trim()))
        .collect();
    Err(format!("{what}:\n{}", differences.join("\n")))
}

pub(super) fn equal<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, found: T) -> Check {
    if expected == found {
        return Ok(());
    }
    Err(format!("{what}: model {expected:?}, chain {found:?}"))
}

fn bits(people: &BTreeSet<Id>, members: &[crate::Member]) -> u64 {
    people
        .iter()
        .filter_map(|id| members.iter().position(|m| m.key == start::key(*id)))
        .fold(0, |bits, position| bits | 1 << position)
}

pub(super) fn holder(holder: Holder) -> Option<Pubkey> {
    match holder {
        Holder::Person(id) => Some(start::key(id)),
        Holder::Gate(program) => Some(start::authority(program)),
        Holder::Nobody => None,
    }
}

/// What is compared is the whole of each account; the heads of the log chains `drive` folds.
pub struct Compared<'a> {
    pub model: &'a Model,
    pub world: &'a World,
    /// Of the proposals so far; that of a new one is noted.
    pub digests: &'a mut Digests,
}

impl Compared<'_> {
    /// All accounts.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&mut self) -> Check {
        let mut known = BTreeMap::new();
        for id in 0..self.model.councils.len() {
            known.insert(start::council(id), (CouncilAccount::SPACE, 0));
            self.council(id)?;
        }
        for id in 0..self.model.programs.len() {
            if self.model.gates[id].is_some() {
                known.insert(start::gate(id), (GateAccount::SPACE, 0));
                self.gate(id)?;
            }
            self.program(id)?;
        }
        for id in 0..self.model.proposals.len() {
            self.proposal(id, &mut known)?;
        }
        for id in 0..self.model.buffers.len() {
            self.buffer(id)?;
        }
        for (target, hashing) in &self.model.hashings {
            known.insert(
                self.hashing(*target, hashing)?,
                (HASHING_SPACE, hashing.payer),
            );
        }
        self.nothing_else(&known)?;
        self.lamports(&known)
    }

    fn council(&self, id: Id) -> Check {
        let council = &self.model.councils[id];
        let found: CouncilAccount = self.world.read(&start::council(id));
        let mut members = [crate::Member::default(); 64];
        members[..council.members.len()].copy_from_slice(&council.members);
        let strictest = &council.strictest;
        let expected = CouncilAccount {
            version: 1,
            bump: found.bump,
            member_count: council.members.len() as u8,
            reserved: 0,
            config_epoch: council.epoch,
            create_key: start::create_key(id).pubkey(),
            policy: council.policy,
            delay_floor_seconds: council.floor,
            proposal_count: council.proposals,
            gate_count: council.gates,
            gate_maxima: GateMaxima {
                threshold: strictest.threshold,
                emergency_threshold: strictest.emergency_threshold,
                timelock_seconds: strictest.timelock,
                attestations: strictest.attestations,
                veto_threshold: strictest.veto,
                emergency_veto_threshold: strictest.emergency_veto,
                trigger_threshold: strictest.trigger,
                easiest_veto: strictest.easiest_veto.unwrap_or(0),
                refuses_nonce: u8::from(strictest.refuses_nonce),
                reserved: [0; 3],
            },
            reserved_more: [0; 4],
            pending: self.slot(council.pending),
            log: Log {
                head: found.log.head,
                sequence: council.events,
            },
            members,
        };
        same(format!("council {id}"), &expected, &found)
    }

    fn slot(&self, pending: Option<Id>) -> PendingSlot {
        let Some(id) = pending else {
            return PendingSlot::default();
        };
        let proposal = &self.model.proposals[id];
        PendingSlot {
            proposal: self.model.address(id),
            sha256: sha256_of(&proposal.what),
            eta: proposal.eta.map_or(0, |(eta, _)| eta),
            expires_at: proposal.expires().unwrap_or(0),
            epoch: proposal.epoch,
            life: proposal.life,
            base_index: proposal.base.map_or(0, |(index, _)| index),
            action: action_of(&proposal.what),
            reserved: [0; 3],
        }
    }

    fn gate(&self, id: Id) -> Check {
        let gate = self.model.gate(id);
        let found: GateAccount = self.world.read(&start::gate(id));
        let release = |index: usize| {
            let release = &gate.releases[index - 1];
            if release.build == NOTHING {
                return ReleaseAccount {
                    index: index as u32,
                    ..ReleaseAccount::default()
                };
            }
            let commitment = start::commitment(release.build);
            ReleaseAccount {
                sha256: commitment.sha256,
                len: commitment.len,
                proposal_digest: release.by.map_or([0; 32], |by| self.digests[by]),
                slot: release.slot,
                timestamp: release.at,
                index: index as u32,
                life: release.life,
                revoked: u8::from(release.revoked),
                reserved: [0; 3],
            }
        };
        let last = gate.releases.len();
        let mut earlier = [ReleaseAccount::default(); 8];
        for index in last.saturating_sub(REMEMBERED - 1).max(1)..last {
            earlier[index % 8] = release(index);
        }
        let expected = GateAccount {
            version: 1,
            bump: found.bump,
            authority_bump: found.authority_bump,
            state: gate.state as u8,
            life: gate.life,
            council: start::council(gate.council),
            program: start::program(id),
            programdata: pda::programdata(&start::program(id)),
            authority: start::authority(id),
            former_authority: start::key(gate.former_authority),
            policy: gate.policy,
            proposal_count: gate.proposals,
            release: release(last),
            earlier,
            pending: gate.pending.map(|pending| self.slot(pending)),
            last_upgrade_at: gate.last_upgrade.unwrap_or(0),
            last_emergency_at: gate.last_emergency.unwrap_or(0),
            log: Log {
                head: found.log.head,
                sequence: gate.events,
            },
        };
        same(format!("gate {id}"), &expected, &found)
    }

    fn proposal(&mut self, id: Id, known: &mut Known) -> Check {
        let proposal = &self.model.proposals[id];
        let keys = self.model.keys(id);
        let address = self.model.address(id);
        for (attester, (kind, expires)) in &proposal.attested {
            let key = BUILDER.attestation(&keys, &start::key(*attester));
            let found = self.world.svm.get_account(&key);
            let Some(found) = found.filter(|found| !found.data.is_empty()) else {
                return Err(format!("attestation of {attester} on {id}: none on chain"));
            };
            known.insert(key, (found.data.len(), 0));
            let attestation: Attestation = self.world.read(&key);
            let expected = Attestation {
                proposal: address,
                attester: start::key(*attester),
                rent_payer: start::rent_payer().pubkey(),
                statement_sha256: [0; 32],
                expires_at: *expires,
                kind: *kind,
                version: 1,
                bump: attestation.bump,
                reserved: [0; 5],
            };
            same("attestation".to_string(), &expected, &attestation)?;
        }
        if proposal.closed {
            return Ok(());
        }
        let Some(account) = self.world.svm.get_account(&address) else {
            return Err(format!("proposal {id}: none on chain"));
        };
        if account.data.len() < ProposalAccount::SPACE {
            return Err(format!("proposal {id}: none on chain"));
        }
        known.insert(address, (account.data.len(), 0));
        let found: ProposalAccount =
            bytemuck::pod_read_unaligned(&account.data[8..ProposalAccount::SPACE]);
        if id == self.digests.len() {
            self.new_digest(proposal.parent, &account.data, &found)?;
            self.digests.push(found.digest);
        }
        let payload = send::change(&proposal.what, self.digests)
            .map_or(Ok(vec![]), |change| change.to_bytes())
            .map_err(|error| error.to_string())?;
        equal(
            "payload",
            &payload[..],
            &account.data[ProposalAccount::SPACE..],
        )?;
        let expected = self.expected(id, &found);
        same(format!("proposal {id}"), &expected, &found)
    }

    /// What voters sign, as `docs/spec.md` words it, over terms that are compared as all else is.
    fn new_digest(&self, parent: Parent, data: &[u8], found: &ProposalAccount) -> Check {
        // A count, then the newest slot and its hash.
        let hashes = self.world.account(&slot_hashes::ID).data;
        equal("slot hash", &hashes[16..48], &found.terms.slot_hash[..])?;
        let digest = hashv(&[
            b"portcullis:proposal:v1",
            portcullis::ID.as_ref(),
            start::council(self.model.council_of(parent)).as_ref(),
            &data[8..384],
            &data[504..],
        ]);
        equal("digest", digest.to_bytes(), found.digest)
    }

    fn expected(&self, id: Id, found: &ProposalAccount) -> ProposalAccount {
        let proposal = &self.model.proposals[id];
        let (rules, members) = (&proposal.terms, &proposal.members);
        let commitment = match &proposal.what {
            What::Upgrade { build, .. } => start::commitment(*build),
            _ => Default::default(),
        };
        let base = proposal.base.map(|(_, build)| start::commitment(build));
        let base = base.unwrap_or_default();
        ProposalAccount {
            terms: TermsAccount {
                parent: match proposal.parent {
                    Parent::Gate(program) => start::gate(program),
                    Parent::Council(council) => start::council(council),
                },
                buffer: proposal.buffer.map(start::buffer).unwrap_or_default(),
                spill: proposal.buffer.map(|_| start::spill()).unwrap_or_default(),
                proposer: start::key(proposal.proposer),
                rent_payer: start::rent_payer().pubkey(),
                statement: [0; 32],
                sha256: sha256_of(&proposal.what),
                base_sha256: base.sha256,
                slot_hash: found.terms.slot_hash,
                snapshot: Snapshot {
                    threshold: rules.threshold,
                    timelock_seconds: rules.timelock,
                    voting_period_seconds: rules.voting_period,
                    execution_window_seconds: rules.window,
                    min_interval_seconds: rules.interval,
                    message_validity_seconds: rules.message_validity,
                    attestations: rules.attestations,
                    veto_threshold: rules.veto,
                    trigger_threshold: rules.trigger,
                    flags: rules.flags,
                    reserved: 0,
                },
                len: commitment.len,
                base_len: base.len,
                base_index: proposal.base.map_or(0, |(index, _)| index),
                index: proposal.index,
                epoch: proposal.epoch,
                life: proposal.life,
                action: action_of(&proposal.what),
                lane: proposal.lane as u8,
                version: 1,
                reserved: 0,
                created_slot: proposal.created_slot,
                voting_ends_at: proposal.voting_ends,
                not_before: proposal.not_before,
            },
            digest: self.digests[id],
            eta: proposal.eta.map_or(0, |(eta, _)| eta),
            queued_slot: proposal.eta.map_or(0, |(_, slot)| slot),
            ended_at: proposal.end.map_or(0, |(_, at)| at),
            approvals: bits(&proposal.approvals, members),
            rejections: bits(&proposal.rejections, members),
            vetoes: bits(&proposal.vetoes, members),
            triggers: bits(&proposal.triggers, members),
            triggered_at: proposal.first_trigger,
            retracted: bits(&proposal.retracted, members),
            attestations: proposal.attestations(),
            approval_weight: proposal.weight,
            bump: found.bump,
            ending: proposal.end.map_or(0, |(end, _)| end as u8 + 1),
            custody: proposal.custody as u8,
            reserved: 0,
        }
    }

    /// Portcullis has made no account but those that the model knows.
    fn nothing_else(&self, known: &Known) -> Check {
        for (key, account) in &self.world.svm.accounts_db().inner {
            if *account.owner() == portcullis::ID {
                let len = known.get(key).map(|(len, _)| *len);
                equal(&format!("account {key}"), len, Some(account.data().len()))?;
            }
        }
        Ok(())
    }

    /// Each account has its rent, no more and no less; those who paid it and the spill account have all the rest.
    fn lamports(&self, known: &Known) -> Check {
        let mut left = [start::LAMPORTS; start::PAYERS];
        for (key, (len, payer)) in known {
            let rent = elf::rent(*len);
            equal(&format!("rent of {key}"), rent, self.world.lamports(key))?;
            left[*payer] -= rent;
        }
        let found: Vec<u64> = start::payers()
            .iter()
            .map(|payer| self.world.lamports(&payer.pubkey()))
            .collect();
        equal("rent payers", &left[..], &found[..])?;
        let spill = self.world.lamports(&start::spill());
        equal("spill", start::LAMPORTS + self.model.spilled, spill)?;
        // Held by nobody, owed to nobody.
        for program in 0..self.model.programs.len() {
            let held = self.world.lamports(&start::authority(program));
            equal("authority", 0, held)?;
        }
        Ok(())
    }
}

pub fn sha256_of(what: &What) -> [u8; 32] {
    match what {
        What::Upgrade { build, .. } | What::Revoke { build } => start::commitment(*build).sha256,
        _ => <[u8; 32]>::zeroed(),
    }
}

fn action_of(what: &What) -> u8 {
    match what {
        What::Upgrade { .. } => 0,
        What::Council(_) => 1,
        What::Policy(_) => 2,
        What::Transfer { .. } => 3,
        What::Move { .. } => 4,
        What::Finalize => 5,
        What::Revoke { .. } => 6,
    }
}
