//! Accounts, byte for byte.

use bytemuck::Zeroable;
use portcullis::state::{Attestation, GateMaxima, Hashing};

use super::*;

#[test]
fn g13_the_bytes_of_a_council() {
    let mut council = Council::zeroed();
    council.version = 1;
    council.bump = 0xfe;
    council.member_count = 2;
    council.config_epoch = 0x0101;
    council.create_key = key(0x20);
    council.policy = some_policy();
    council.delay_floor_seconds = 0x0202;
    council.proposal_count = 0x0303;
    council.gate_count = 0x0404;
    council.gate_maxima = GateMaxima {
        threshold: 0x0505,
        emergency_threshold: 0x0606,
        timelock_seconds: 0x0707,
        attestations: [1, 2, 3, 4, 5, 6, 7, 8],
        veto_threshold: 9,
        emergency_veto_threshold: 10,
        trigger_threshold: 11,
        easiest_veto: 12,
        refuses_nonce: 13,
        reserved: [0; 3],
    };
    council.pending = some_slot(0x30);
    council.log = some_log();
    council.members[0] = some_member(0x40);
    council.members[1] = some_member(0x41);
    council.members[63] = some_member(0x7f);
    insta::assert_snapshot!("council", account(&council));
}

#[test]
fn g13_the_bytes_of_a_gate() {
    let mut gate = Gate::zeroed();
    gate.version = 1;
    gate.bump = 0xfe;
    gate.authority_bump = 0xfd;
    gate.state = 2;
    gate.life = 0x0101;
    gate.council = key(0x20);
    gate.program = key(0x21);
    gate.programdata = key(0x22);
    gate.authority = key(0x23);
    gate.former_authority = key(0x24);
    gate.policy = some_policy();
    gate.proposal_count = 0x0202;
    gate.release = some_release(0x30);
    for (byte, release) in (0x40..).zip(&mut gate.earlier) {
        *release = some_release(byte);
    }
    for (byte, slot) in (0x50..).zip(&mut gate.pending) {
        *slot = some_slot(byte);
    }
    gate.last_upgrade_at = 0x0303;
    gate.last_emergency_at = 0x0404;
    gate.log = some_log();
    insta::assert_snapshot!("gate", account(&gate));
}

#[test]
fn g13_the_bytes_of_a_proposal() {
    let mut proposal = Proposal::zeroed();
    proposal.terms = some_terms();
    proposal.digest = [0x30; 32];
    proposal.eta = 0x1010;
    proposal.queued_slot = 0x1111;
    proposal.ended_at = 0x1212;
    proposal.approvals = 0x1313;
    proposal.rejections = 0x1414;
    proposal.vetoes = 0x1515;
    proposal.triggers = 0x1616;
    proposal.triggered_at = 0x1717;
    proposal.retracted = 0x1818;
    proposal.attestations = [1, 2, 3, 4, 5, 6, 7, 8];
    proposal.approval_weight = 0x1919;
    proposal.bump = 0xfe;
    proposal.ending = 5;
    proposal.custody = 6;
    insta::assert_snapshot!("proposal", account(&proposal));
}

#[test]
fn g13_the_bytes_of_an_attestation_and_of_a_hash_in_the_making() {
    let attestation = Attestation {
        proposal: key(1),
        attester: key(2),
        rent_payer: key(3),
        kind: 4,
        version: 1,
        bump: 0xfe,
        expires_at: 0x0505,
        statement_sha256: [6; 32],
        reserved: [0; 5],
    };
    insta::assert_snapshot!("attestation", account(&attestation));

    let mut hashing = Hashing::zeroed();
    hashing.target = key(1);
    hashing.life = 2;
    hashing.version = 1;
    hashing.bump = 0xfe;
    hashing.rent_payer = key(3);
    hashing.state.update(&[7; 64]).unwrap();
    insta::assert_snapshot!("hashing", account(&hashing));
}
