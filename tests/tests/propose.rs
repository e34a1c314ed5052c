//! Proposals: what they keep, what the proposer must have seen, and which terms are taken.

use portcullis::{digest::digest, events::UpgradeProposed};
use portcullis_tests::{elf, proposals::prepared, record, *};
use solana_sdk_ids::sysvar;
use solana_sha256_hasher::hashv;

#[test]
fn a_proposal_says_what_it_was_made_with() {
    let (mut world, proposed, mut args) = prepared();
    let statement = Statement {
        sha256: [7; 32],
        uri: "https://example.org/release.json".into(),
    };
    args.statement = Some(statement.clone());
    args.not_before = START.timestamp + 5 * DAY;
    let hash = world.account(&sysvar::slot_hashes::ID).data[16..48].to_vec();
    let meta = world.propose_with(&proposed, args.clone()).unwrap();
    let (gate, proposal) = (world.gate(), world.proposal(&proposed));
    let terms = proposal.terms;
    assert_eq!(terms.parent, world.gate_key());
    assert_eq!(terms.buffer, proposed.buffer);
    assert_eq!(terms.spill, proposed.spill);
    assert_eq!(terms.proposer, voter(0).pubkey());
    assert_eq!(terms.rent_payer, payer().pubkey());
    let committed = hashv(&[
        b"portcullis:statement:v1",
        &[7; 32],
        statement.uri.as_bytes(),
    ]);
    assert_eq!(terms.statement, committed.to_bytes());
    assert_eq!(terms.sha256, args.commitment.sha256);
    assert_eq!(terms.len, args.commitment.len);
    assert_eq!(terms.base_sha256, gate.release.sha256);
    assert_eq!(terms.base_len, gate.release.len);
    assert_eq!(terms.base_index, 1);
    assert_eq!(terms.slot_hash.as_slice(), hash);
    assert_ne!(terms.slot_hash, [0; 32]);
    assert_eq!(terms.created_slot, START.slot);
    assert_eq!(terms.voting_ends_at, START.timestamp + 3 * DAY);
    assert_eq!(terms.not_before, args.not_before);
    assert_eq!((terms.index, terms.epoch, terms.life), (0, 1, 1));
    assert_eq!((terms.action, terms.lane), (0, 0));
    assert_eq!((terms.version, terms.reserved), (1, 0));
    assert_eq!(gate.proposal_count, 1);
    assert_eq!(proposal.custody, Custody::Held as u8);
    assert_eq!(proposal.ending, Ending::Open as u8);
    assert_eq!((proposal.eta, proposal.ended_at), (0, 0));
    let derived = portcullis::state::find_proposal(&portcullis::ID, &world.gate_key(), terms.index);
    assert_eq!((proposed.address, proposal.bump), derived);
    assert_eq!(world.status(&proposed), Status::Draft);

    // The digest by the rule in words: domain, Portcullis, council, and the terms' bytes, which begin the account.
    let bytes = world.account(&proposed.address).data;
    let words = hashv(&[
        b"portcullis:proposal:v1",
        portcullis::ID.as_ref(),
        world.council.as_ref(),
        &bytes[8..8 + size_of::<Terms>()],
    ]);
    assert_eq!(proposal.digest, words.to_bytes());
    assert_eq!(
        proposal.digest,
        digest(&portcullis::ID, &world.council, &terms, &[])
    );

    let event: UpgradeProposed = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!(event.proposer, voter(0).pubkey());
    assert_eq!(event.rent_payer, payer().pubkey());
    assert_eq!(
        (event.buffer, event.spill),
        (proposed.buffer, proposed.spill)
    );
    assert_eq!((event.commitment, event.base_index), (args.commitment, 1));
    assert_eq!(event.statement, Some(statement));
    assert_eq!((event.lane, event.epoch, event.life), (0, 1, 1));
    assert_eq!(event.not_before, args.not_before);
    assert_eq!(event.voting_ends_at, terms.voting_ends_at);
    assert_eq!((event.slot, event.timestamp), (START.slot, START.timestamp));
}

#[test]
fn g9_a_proposal_keeps_the_policy_of_its_creation() {
    let setup = Setup {
        policy: Policy {
            min_interval_seconds: 11,
            message_validity_seconds: 12,
            flags: FLAG_NONCE_VOTES,
            ..policy()
        },
        ..Setup::default()
    };
    let mut world = setup.build();
    let proposed = world.draft();
    let snapshot = world.proposal(&proposed).terms.snapshot;
    assert_eq!(snapshot.threshold, 2);
    assert_eq!(snapshot.timelock_seconds, 86_400);
    assert_eq!(snapshot.voting_period_seconds, 3 * 86_400);
    assert_eq!(snapshot.execution_window_seconds, 2 * 86_400);
    assert_eq!(snapshot.min_interval_seconds, 11);
    assert_eq!(snapshot.message_validity_seconds, 12);
    assert_eq!(snapshot.veto_threshold, 1);
    assert_eq!(snapshot.flags, FLAG_NONCE_VOTES);
    assert_eq!(snapshot.attestations, [0; 8]);
    assert_eq!(snapshot.trigger_threshold, 0);

    // A later policy, stricter or laxer, touches nothing of it.
    world.edit_gate(|gate| {
        gate.policy.threshold = 1;
        gate.policy.timelock_seconds = 600;
        gate.policy.execution_window_seconds = 600;
        gate.policy.veto_threshold = 0;
    });
    world.verify(&proposed).unwrap();
    world.approve(&proposed, voter(0)).unwrap();
    assert_eq!(world.status(&proposed), Status::Voting);
    world.approve(&proposed, voter(1)).unwrap();
    let proposal = world.proposal(&proposed);
    assert_eq!(proposal.eta, START.timestamp + DAY);
    assert_eq!(proposal.expires_at(), START.timestamp + 3 * DAY);
    let slot = world.gate().pending[0];
    assert_eq!(
        (slot.eta, slot.expires_at),
        (proposal.eta, proposal.expires_at())
    );
    world.veto(&proposed, guardian(0)).unwrap();
    assert_eq!(world.status(&proposed), Status::Vetoed);
}

#[test]
fn g8_a_proposer_has_seen_the_current_epoch_and_life() {
    let (mut world, proposed, args) = prepared();
    for wrong in [0, 2] {
        let epoch = UpgradeArgs {
            epoch: wrong,
            ..args.clone()
        };
        world.refuse(PortcullisError::EpochMismatch, |w| {
            w.propose_with(&proposed, epoch)
        });
        let life = UpgradeArgs {
            life: wrong,
            ..args.clone()
        };
        world.refuse(PortcullisError::LifeMismatch, |w| {
            w.propose_with(&proposed, life)
        });
    }
    world.propose_with(&proposed, args).unwrap();
}

#[test]
fn g3_a_proposer_has_seen_the_current_release() {
    let (mut world, proposed, args) = prepared();
    for wrong in [0, 2] {
        let wrong = UpgradeArgs {
            base_index: wrong,
            ..args.clone()
        };
        world.refuse(PortcullisError::BaseMismatch, |w| {
            w.propose_with(&proposed, wrong)
        });
    }
    let mut wrong = args.clone();
    wrong.base.sha256[0] ^= 1;
    world.refuse(PortcullisError::BaseMismatch, |w| {
        w.propose_with(&proposed, wrong)
    });
    let mut wrong = args.clone();
    wrong.base.len += 1;
    world.refuse(PortcullisError::BaseMismatch, |w| {
        w.propose_with(&proposed, wrong)
    });
    world.propose_with(&proposed, args).unwrap();
}

#[test]
fn the_committed_length_is_above_zero_and_fits_an_account() {
    let (mut world, proposed, args) = prepared();
    let with = |len| {
        let mut args = args.clone();
        args.commitment.len = len;
        args
    };
    world.refuse(PortcullisError::LengthOutOfRange, |w| {
        w.propose_with(&proposed, with(0))
    });
    for len in [10_485_716, u32::MAX] {
        world.refuse(PortcullisError::ElfTooLarge, |w| {
            w.propose_with(&proposed, with(len))
        });
    }
    world.propose_with(&proposed, with(10_485_715)).unwrap();
}

#[test]
fn not_before_lies_within_90_days() {
    let (mut world, proposed, args) = prepared();
    let with = |not_before| UpgradeArgs {
        not_before,
        ..args.clone()
    };
    let limit = START.timestamp + 90 * DAY;
    for wrong in [-1, i64::MIN, limit + 1, i64::MAX] {
        world.refuse(PortcullisError::NotBeforeOutOfRange, |w| {
            w.propose_with(&proposed, with(wrong))
        });
    }
    // At the limit, and in the past, it is taken.
    let mut other = world.clone();
    other.propose_with(&proposed, with(1)).unwrap();
    world.propose_with(&proposed, with(limit)).unwrap();
}

#[test]
fn the_uri_of_a_statement_has_a_limit() {
    let (mut world, proposed, args) = prepared();
    let with = |len| UpgradeArgs {
        statement: Some(Statement {
            sha256: [1; 32],
            uri: "u".repeat(len),
        }),
        ..args.clone()
    };
    world.refuse(PortcullisError::UriTooLong, |w| {
        w.propose_with(&proposed, with(201))
    });
    world.propose_with(&proposed, with(200)).unwrap();
}

#[test]
fn g4_the_uri_of_a_statement_cannot_hide_anything_from_voters_at_a_terminal() {
    let (mut world, proposed, args) = prepared();
    for uri in [
        "\u{1b}[8mhidden",
        "two words",
        "a\nb",
        "https://exämple.org",
        "\u{7f}",
    ] {
        let statement = Statement {
            sha256: [1; 32],
            uri: uri.into(),
        };
        let args = UpgradeArgs {
            statement: Some(statement),
            ..args.clone()
        };
        world.refuse(PortcullisError::UriNotPrintable, |w| {
            w.propose_with(&proposed, args)
        });
    }
}

#[test]
fn proposals_are_numbered_and_their_digests_differ() {
    let mut world = World::new();
    let first = world.draft();
    let second = world.draft();
    let (one, two) = (world.proposal(&first), world.proposal(&second));
    assert_eq!((one.terms.index, two.terms.index), (0, 1));
    assert_ne!(one.digest, two.digest);
    assert_eq!(world.gate().proposal_count, 2);
}

#[test]
fn g4_nobody_knows_a_digest_before_the_proposal() {
    let (world, proposed, args) = prepared();
    let digest = |mut world: World| {
        world.propose_with(&proposed, args.clone()).unwrap();
        world.proposal(&proposed).digest
    };
    // The same proposal after another block has another digest; only the newest entry counts.
    let hashes = sysvar::slot_hashes::ID;
    let mut other = world.clone();
    other.forge(&hashes, |account| account.data[47] ^= 1);
    assert_ne!(digest(world.clone()), digest(other));
    let mut other = world.clone();
    other.set_slot(START.slot + 1);
    assert_ne!(digest(world.clone()), digest(other));
    let mut other = world.clone();
    other.forge(&hashes, |account| account.data[48] ^= 1);
    assert_eq!(digest(world.clone()), digest(other));
}

#[test]
fn a_uri_that_claims_more_bytes_than_there_are_is_refused() {
    let mut world = World::new();
    let proposed = world.prepared(elf::p_token());
    let mut args = world.upgrade_args(elf::p_token());
    let uri = "https://example.org/release.json";
    args.statement = Some(Statement {
        sha256: [7; 32],
        uri: uri.into(),
    });
    let (key, spill) = (voter(0).pubkey(), proposed.spill);
    let valid = BUILDER.propose_upgrade(
        &proposed.keys,
        proposed.buffer,
        spill,
        key,
        key,
        args.clone(),
    );
    let at = valid
        .data
        .windows(uri.len())
        .position(|bytes| bytes == uri.as_bytes());
    let len = at.unwrap() - 4..at.unwrap();
    // More than there are; more than any instruction, which the program's memory would still hold; more than it holds.
    for claimed in [1_000, 20_000, u32::MAX] {
        let mut wrong = valid.clone();
        wrong.data[len.clone()].copy_from_slice(&claimed.to_le_bytes());
        world.refuse(ErrorCode::InstructionDidNotDeserialize, |w| {
            w.send(&[wrong], &[voter(0)])
        });
    }
    world.send(&[valid], &[voter(0)]).unwrap();
}
