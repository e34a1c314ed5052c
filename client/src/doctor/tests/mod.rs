//! Each finding at its boundary: facts where all is well, and one that is changed.

mod bytes;
mod people;
mod timing;

use bytemuck::Zeroable;
use portcullis::{
    constants::LAYOUT_VERSION,
    digest::Commitment,
    lifecycle::{Action, Custody, Ending, Lane, Now, Status},
    policy::Policy,
    state::{
        Attestation, Council, Gate, GateState, Member, PendingSlot, Proposal, Release, Terms,
        ROLE_ATTEST, ROLE_EXECUTE, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE,
    },
};
use solana_account::Account;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};

use super::{proposal::SOON, *};
use crate::{
    account::{Keyed, Programdata, ProposalView, StoredAttestation, BUFFER_HEADER},
    elf::MAX_LOADER_ELF_LEN,
    pda, Guardianship,
};

const BUILD: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../artifacts/portcullis.so"
));
/// Lists every code.
const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/doctor.md"));
const NOW: Now = Now {
    timestamp: 1_800_000_000,
    slot: 5_000_000,
};
const RENT: Rent = Rent {
    now: 3_000_000,
    then: 3_000_000,
    empty: 890_880,
};

fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

/// Acts, votes and pays.
const ALICE: u8 = 1;
const BOB: u8 = 2;
const ATTESTER: u8 = 3;
const BUFFER: u8 = 20;

fn release(build: &[u8], index: u32) -> Release {
    let commitment = Commitment::of(build).unwrap();
    Release {
        sha256: commitment.sha256,
        len: commitment.len,
        index,
        life: 1,
        ..Release::zeroed()
    }
}

fn policy() -> Policy {
    Policy {
        threshold: 2,
        timelock_seconds: 86_400,
        voting_period_seconds: 86_400,
        execution_window_seconds: 86_400,
        veto_threshold: 1,
        ..Policy::zeroed()
    }
}

fn member(byte: u8, roles: u8, attests: u8) -> Member {
    Member {
        key: key(byte),
        weight: u16::from(roles & ROLE_VOTE != 0),
        roles,
        attests,
    }
}

fn council() -> Keyed<Council> {
    let all = ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE;
    let mut council = Council {
        create_key: key(30),
        config_epoch: 1,
        policy: policy(),
        gate_count: 1,
        ..Council::zeroed()
    };
    for member in [
        member(ALICE, all, 0),
        member(BOB, all, 0),
        member(ATTESTER, ROLE_ATTEST, 1),
        member(4, ROLE_GUARD, 0),
        member(5, all, 0),
    ] {
        council.members[usize::from(council.member_count)] = member;
        council.member_count += 1;
    }
    Keyed {
        address: pda::council(&portcullis::ID, &council.create_key),
        account: council,
    }
}

fn deployed() -> Vec<u8> {
    // Room for the build and a little more.
    let mut elf = vec![7; BUILD.len()];
    elf.resize(BUILD.len() + 100, 0);
    elf
}

fn gate() -> Keyed<Gate> {
    let program = key(10);
    let gate = Gate {
        version: LAYOUT_VERSION,
        state: GateState::Active as u8,
        life: 1,
        council: council().address,
        program,
        authority: pda::authority(&portcullis::ID, &program),
        policy: policy(),
        release: release(&deployed(), 3),
        ..Gate::zeroed()
    };
    Keyed {
        address: pda::gate(&portcullis::ID, &program),
        account: gate,
    }
}

/// Those of a cluster that offers every system call, and takes sBPF v0 to v3.
fn features() -> Vec<Pubkey> {
    Features::addresses()
        .into_iter()
        .filter(|address| *address != ONLY_V3 && !address.to_string().starts_with("TestFeature"))
        .collect()
}

/// A buffer of this authority with these bytes.
fn buffer(authority: Option<Pubkey>, elf: &[u8]) -> AccountFacts {
    let state = UpgradeableLoaderState::Buffer {
        authority_address: authority,
    };
    let space = BUFFER_HEADER + elf.len();
    let owner = bpf_loader_upgradeable::ID;
    let mut account = Account::new_data_with_space(1_000_000, &state, space, &owner).unwrap();
    account.data[BUFFER_HEADER..].copy_from_slice(elf);
    AccountFacts {
        address: key(BUFFER),
        account: Ok(Some(account)),
    }
}

/// All is well before an upgrade to `BUILD` is proposed by Alice.
fn before_proposing() -> Facts {
    let gate = gate();
    Facts {
        now: NOW,
        machine_time: NOW.timestamp,
        slot_rate: Ok(Some(SlotRate {
            slots: 150,
            seconds: 60,
        })),
        council: council(),
        council_gates: Ok(vec![gate]),
        guardianship: Ok(Guardianship::Finalized),
        features: Ok(Some(Features::with_active(features()))),
        program: Some(ProgramFacts {
            gate,
            programdata: Ok((
                Programdata {
                    slot: NOW.slot - 1,
                    upgrade_authority: Some(gate.account.authority),
                    elf: deployed(),
                },
                RENT.now,
            )),
            rent: Ok(RENT),
        }),
        proposal: None,
        lane: Lane::Standard,
        attestations: Ok(Vec::new()),
        artifact: Some(ArtifactFacts {
            name: "app.so".to_string(),
            bytes: BUILD.to_vec(),
        }),
        buffer: Some(buffer(Some(key(ALICE)), BUILD)),
        spill: Some(AccountFacts {
            address: key(ALICE),
            account: Ok(None),
        }),
        actor: Some(key(ALICE)),
        payer: Some(PayerFacts {
            address: key(ALICE),
            lamports: Ok(10_000_000),
            costs: Ok(vec![Cost {
                what: "for the fee",
                lamports: 5_000,
                more_follows: false,
            }]),
            gains: 0,
        }),
        simulation: None,
    }
}

/// All is well before Alice executes that upgrade.
fn before_executing() -> Facts {
    let mut facts = before_proposing();
    let gate = gate();
    let commitment = Commitment::of(BUILD).unwrap();
    let release = gate.account.release;
    let snapshot = policy().snapshot(Lane::Standard, 0).unwrap();
    let proposal = Proposal {
        terms: Terms {
            parent: gate.address,
            buffer: key(BUFFER),
            spill: key(ALICE),
            proposer: key(ALICE),
            sha256: commitment.sha256,
            len: commitment.len,
            base_sha256: release.sha256,
            base_len: release.len,
            base_index: release.index,
            index: 7,
            epoch: 1,
            life: 1,
            snapshot,
            voting_ends_at: NOW.timestamp - 100_000,
            ..Terms::zeroed()
        },
        eta: NOW.timestamp - 100,
        queued_slot: NOW.slot - 90_000,
        approval_weight: 2,
        approvals: 0b11,
        custody: Custody::Verified as u8,
        ..Proposal::zeroed()
    };
    facts.buffer = Some(buffer(Some(gate.account.authority), BUILD));
    facts.proposal = Some(Box::new(view(proposal, gate)));
    facts.simulation = Some(Ok(None));
    facts
}

fn view(proposal: Proposal, gate: Keyed<Gate>) -> ProposalView {
    let council = council();
    let facts = proposal
        .facts(&council.account, Some(&gate.account))
        .unwrap();
    ProposalView {
        address: pda::proposal(&portcullis::ID, &gate.address, 7),
        council_address: council.address,
        council: council.account,
        gate: Some(gate),
        proposal,
        action: Action::Upgrade,
        lane: proposal.terms.lane().unwrap(),
        change: None,
        digest: [0; 32],
        space: 0,
        now: NOW,
        facts,
        status: facts.status(NOW),
    }
}

/// With a proposal that was changed.
fn executing(change: impl FnOnce(&mut Proposal)) -> Facts {
    let mut facts = before_executing();
    let mut proposal = facts.proposal.as_ref().unwrap().proposal;
    change(&mut proposal);
    let view = view(proposal, gate());
    facts.lane = view.lane;
    facts.proposal = Some(Box::new(view));
    facts
}

/// With a gate that was changed, for the analysis too.
fn with_gate(mut facts: Facts, change: impl FnOnce(&mut Gate)) -> Facts {
    let program = facts.program.as_mut().unwrap();
    change(&mut program.gate.account);
    facts.council_gates = Ok(vec![program.gate]);
    if let Some(before) = &facts.proposal {
        facts.proposal = Some(Box::new(view(before.proposal, program.gate)));
    }
    facts
}

fn programdata(facts: &mut Facts) -> &mut Programdata {
    let found = &mut facts.program.as_mut().unwrap().programdata;
    &mut found.as_mut().unwrap().0
}

/// The codes that are not "in order", with their severity.
fn told(facts: &Facts) -> Vec<(Severity, &'static str)> {
    let findings = diagnose(facts);
    for finding in &findings {
        let code = format!("`{}`", finding.code);
        assert!(PAGE.contains(&code), "docs/doctor.md lacks {code}");
    }
    findings
        .into_iter()
        .filter(|finding| finding.severity != Severity::Ok)
        .map(|finding| (finding.severity, finding.code))
        .collect()
}

fn errors(facts: &Facts) -> Vec<&'static str> {
    of(facts, Severity::Error)
}

fn warnings(facts: &Facts) -> Vec<&'static str> {
    of(facts, Severity::Warning)
}

fn of(facts: &Facts, severity: Severity) -> Vec<&'static str> {
    let these = told(facts)
        .into_iter()
        .filter(|(found, _)| *found == severity);
    these.map(|(_, code)| code).collect()
}

fn find(facts: &Facts, code: &str) -> Finding {
    let found = diagnose(facts).into_iter().find(|f| f.code == code);
    found.unwrap_or_else(|| panic!("{code} is not found: {:?}", told(facts)))
}

#[test]
fn where_all_is_well_nothing_is_told() {
    for facts in [before_proposing(), before_executing()] {
        assert_eq!(told(&facts), []);
        let topics: std::collections::BTreeSet<Topic> = diagnose(&facts)
            .into_iter()
            .map(|finding| finding.topic)
            .collect();
        // What is in order is said of every topic; a proposal only where there is one.
        let least = if facts.proposal.is_some() { 13 } else { 12 };
        assert_eq!(topics.len(), least, "{topics:?}");
    }
}

#[test]
fn errors_come_first_and_say_what_and_why_and_what_to_do() {
    let mut facts = before_proposing();
    facts.payer.as_mut().unwrap().lamports = Ok(0);
    facts.machine_time -= 1_000;
    facts.artifact.as_mut().unwrap().bytes[1_000] ^= 1;
    let findings = diagnose(&facts);
    assert!(findings.is_sorted_by_key(|finding| finding.severity));
    let counts = Counts::of(&findings);
    assert_eq!(
        counts.error + counts.warning + counts.note + counts.ok,
        findings.len()
    );
    for finding in findings {
        assert!(!finding.what.is_empty());
        assert!(finding.severity == Severity::Ok || !finding.why.is_empty());
        assert!(finding.severity == Severity::Ok || finding.mend.is_some());
    }
}

#[test]
fn spans_are_told_in_two_units() {
    for (seconds, text) in [
        (0, "0s"),
        (59, "59s"),
        (61, "1m 1s"),
        (3_600, "1h"),
        (90_061, "1d 1h"),
    ] {
        assert_eq!(span(seconds), text);
    }
}
