//! Sizes, where every field of every account stands, addresses and limits.

use std::mem::offset_of;

use portcullis::{
    constants::LAYOUT_VERSION,
    policy::Snapshot,
    state::{
        find_attestation, find_authority, find_council, find_gate, find_hashing, find_proposal,
        Attestation, GateMaxima, Hashing,
    },
};

use super::*;

/// Lines of a name and the place of each field, the discriminator counted.
macro_rules! offsets {
    ($from:literal, $account:ident { $($field:ident),+ $(,)? }) => {
        [$(format!(
            "{}.{} {}\n",
            stringify!($account),
            stringify!($field),
            $from + offset_of!($account, $field),
        )),+]
        .concat()
    };
}

#[test]
#[rustfmt::skip]
fn sizes_and_offsets_that_other_programs_read() {
    let sizes = [
        ("Council", Council::SPACE),
        ("Gate", Gate::SPACE),
        ("Proposal without its change", Proposal::SPACE),
        ("Attestation without its URI", Attestation::SPACE),
        ("Hashing", Hashing::SPACE),
        ("Terms", size_of::<Terms>()),
        ("Snapshot", size_of::<Snapshot>()),
        ("PendingSlot", size_of::<PendingSlot>()),
        ("Release", size_of::<Release>()),
        ("Member", size_of::<Member>()),
        ("Policy", size_of::<Policy>()),
    ];
    let sizes = sizes.map(|(name, size)| format!("{name} {size}\n"));
    let text = [
        sizes.concat(),
        offsets!(8, Council {
            version, bump, member_count, config_epoch, create_key, policy, delay_floor_seconds, proposal_count,
            gate_count, gate_maxima, pending, log, members,
        }),
        offsets!(8, Gate {
            version, bump, authority_bump, state, life, council, program, programdata, authority, former_authority,
            policy, proposal_count, release, earlier, pending, last_upgrade_at, last_emergency_at, log,
        }),
        offsets!(8, Proposal {
            terms, digest, eta, queued_slot, ended_at, approvals, rejections, vetoes, triggers, triggered_at,
            retracted, attestations, approval_weight, bump, ending, custody,
        }),
        // The terms are the first field of a proposal.
        offsets!(8, Terms {
            parent, buffer, spill, proposer, rent_payer, statement, sha256, base_sha256, slot_hash, snapshot, len,
            base_len, base_index, index, epoch, life, action, lane, version, created_slot, voting_ends_at, not_before,
        }),
        offsets!(8, Attestation {
            proposal, attester, rent_payer, statement_sha256, expires_at, kind, version, bump,
        }),
        offsets!(8, Hashing { target, life, version, bump, rent_payer, state }),
        // Within the account that holds them.
        offsets!(0, Policy {
            threshold, timelock_seconds, voting_period_seconds, execution_window_seconds, min_interval_seconds,
            message_validity_seconds, emergency_threshold, emergency_timelock_seconds, emergency_min_interval_seconds,
            standby_validity_seconds, attestations, veto_threshold, emergency_veto_threshold, trigger_threshold, flags,
        }),
        offsets!(0, Snapshot {
            threshold, timelock_seconds, voting_period_seconds, execution_window_seconds, min_interval_seconds,
            message_validity_seconds, attestations, veto_threshold, trigger_threshold, flags,
        }),
        offsets!(0, GateMaxima {
            threshold, emergency_threshold, timelock_seconds, attestations, veto_threshold, emergency_veto_threshold,
            trigger_threshold, easiest_veto, refuses_nonce,
        }),
        offsets!(0, Member { key, weight, roles, attests }),
        offsets!(0, Release { sha256, proposal_digest, slot, timestamp, index, len, life, revoked }),
        offsets!(0, PendingSlot { proposal, sha256, eta, expires_at, epoch, life, base_index, action }),
    ];
    assert_eq!(offset_of!(Proposal, terms), 0);
    insta::assert_snapshot!("offsets", text.concat());
}

#[test]
fn addresses_follow_from_their_seeds() {
    let id = portcullis::ID;
    let find = |seeds: &[&[u8]]| Pubkey::find_program_address(seeds, &id);
    let some = key(9);
    assert_eq!(find_council(&id, &some), find(&[b"council", some.as_ref()]));
    assert_eq!(find_gate(&id, &some), find(&[b"gate", some.as_ref()]));
    assert_eq!(
        find_authority(&id, &some),
        find(&[b"authority", some.as_ref()])
    );
    let index = [2, 1, 0, 0];
    let seeds: [&[u8]; 3] = [b"proposal", some.as_ref(), &index];
    assert_eq!(find_proposal(&id, &some, 0x0102), find(&seeds));
    let other = key(8);
    let seeds: [&[u8]; 3] = [b"attestation", some.as_ref(), other.as_ref()];
    assert_eq!(find_attestation(&id, &some, &other), find(&seeds));
    assert_eq!(find_hashing(&id, &some), find(&[b"hashing", some.as_ref()]));
}

#[test]
fn limits_are_what_the_documents_say() {
    use portcullis::constants::*;
    assert_eq!((MAX_MEMBERS, ATTESTATION_KINDS), (64, 8));
    assert_eq!((RELEASE_RING, PENDING_SLOTS), (8, 4));
    assert_eq!((MIN_TIMELOCK_SECONDS, MIN_WINDOW_SECONDS), (600, 600));
    assert_eq!(MAX_DURATION_SECONDS, 90 * 86_400);
    assert_eq!(MAX_VOTE_VALIDITY_SECONDS, 86_400);
    assert_eq!(ABANDONED_BUFFER_SECONDS, 30 * 86_400);
    assert_eq!(TRIGGER_LAPSE_SECONDS, 15 * 60);
    assert_eq!((MAX_HASHED_AT_ONCE, MAX_URI_LEN), (2_600_000, 200));
    assert_eq!(MAX_ELF_LEN, 10 * 1_024 * 1_024 - 45);
    assert_eq!(MAX_COUNCIL_CHANGES, 8);
    assert_eq!(LAYOUT_VERSION, 1);
}

/// Each version has its note, and the note of this one is true.
#[test]
fn the_notes_of_the_layouts_are_true() {
    let note = |version: u8| {
        let path = format!(
            "{}/../migrations/layout-{version}.md",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let notes: Vec<String> = (1..=LAYOUT_VERSION).map(note).collect();
    let newest = notes.last().unwrap();
    let rows = [
        (
            "Council",
            Council::SPACE,
            offset_of!(Council, version),
            Council::DISCRIMINATOR,
        ),
        (
            "Gate",
            Gate::SPACE,
            offset_of!(Gate, version),
            Gate::DISCRIMINATOR,
        ),
        (
            "Proposal",
            Proposal::SPACE,
            offset_of!(Proposal, terms) + offset_of!(Terms, version),
            Proposal::DISCRIMINATOR,
        ),
        (
            "Attestation",
            Attestation::SPACE,
            offset_of!(Attestation, version),
            Attestation::DISCRIMINATOR,
        ),
        (
            "Hashing",
            Hashing::SPACE,
            offset_of!(Hashing, version),
            Hashing::DISCRIMINATOR,
        ),
    ];
    for (name, space, version, discriminator) in rows {
        let row = newest
            .lines()
            .find(|line| line.starts_with(&format!("| {name} |")))
            .unwrap();
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let number = |cell: &str| -> usize {
            let digits = cell.split(' ').next().unwrap().replace(',', "");
            digits.parse().unwrap()
        };
        assert_eq!(number(cells[2]), space, "{name}");
        assert_eq!(number(cells[3]), 8 + version, "{name}");
        assert_eq!(
            cells[4],
            format!("`{}`", hex(discriminator).trim()),
            "{name}"
        );
    }
}
