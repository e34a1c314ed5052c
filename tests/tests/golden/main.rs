//! What others build on: bytes, sizes, offsets, discriminators and error codes. A change here breaks them, so it must be meant.

mod accounts;
mod changes;
mod codes;
mod digests;
mod events;
mod layout;

use anchor_lang::Discriminator;
use bytemuck::Pod;
use portcullis::{
    change::{Change, CouncilChange, PolicyChange, Predecessor},
    policy::Snapshot,
    record::Log,
};
use portcullis_tests::*;

/// Lines of 64 hex digits.
fn hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(32).map(|line| {
        line.iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
            + "\n"
    });
    lines.collect()
}

fn account<T: Pod + Discriminator>(state: &T) -> String {
    hex(&[T::DISCRIMINATOR, bytemuck::bytes_of(state)].concat())
}

fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

fn some_policy() -> Policy {
    Policy {
        threshold: 0x0101,
        timelock_seconds: 0x0202,
        voting_period_seconds: 0x0303,
        execution_window_seconds: 0x0404,
        min_interval_seconds: 0x0505,
        message_validity_seconds: 0x0606,
        emergency_threshold: 0x0707,
        emergency_timelock_seconds: 0x0808,
        emergency_min_interval_seconds: 0x0909,
        standby_validity_seconds: 0x0a0a,
        attestations: [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17],
        veto_threshold: 0x18,
        emergency_veto_threshold: 0x19,
        trigger_threshold: 0x1a,
        flags: 0x03,
    }
}

fn some_member(byte: u8) -> Member {
    Member {
        key: key(byte),
        weight: 0x1234,
        roles: 0x1f,
        attests: 0x81,
    }
}

fn some_release(byte: u8) -> Release {
    Release {
        sha256: [byte; 32],
        proposal_digest: [byte + 1; 32],
        slot: 0x0101_0202,
        timestamp: 0x0303_0404,
        index: 0x0505,
        len: 0x0606,
        life: 0x0707,
        revoked: 1,
        reserved: [0; 3],
    }
}

fn some_slot(byte: u8) -> PendingSlot {
    PendingSlot {
        proposal: key(byte),
        sha256: [byte + 1; 32],
        eta: 0x0101_0202,
        expires_at: 0x0303_0404,
        epoch: 0x0505,
        life: 0x0606,
        base_index: 0x0707,
        action: 6,
        reserved: [0; 3],
    }
}

fn some_log() -> Log {
    Log {
        head: [0xee; 32],
        sequence: 0x1122_3344,
    }
}

fn some_commitment(byte: u8) -> Commitment {
    Commitment {
        sha256: [byte; 32],
        len: 0x0102_0304,
    }
}

fn some_statement(byte: u8) -> Statement {
    Statement {
        sha256: [byte; 32],
        uri: "https://example.org".into(),
    }
}

fn some_predecessor() -> Predecessor {
    Predecessor {
        gate: key(0x60),
        digest: [0x61; 32],
        soak_seconds: 0x6262,
    }
}

fn some_council_change() -> CouncilChange {
    CouncilChange {
        remove: vec![key(0x63), key(0x64)],
        add: vec![some_member(0x65)],
    }
}

/// A change of every kind, in the order of the actions.
fn every_change() -> [(&'static str, Change); 7] {
    [
        ("upgrade", Change::Upgrade(some_predecessor())),
        ("members", Change::Council(some_council_change())),
        (
            "policy",
            Change::Policy(PolicyChange {
                policy: some_policy(),
                delay_floor_seconds: 0x6666,
            }),
        ),
        (
            "transfer",
            Change::TransferAuthority {
                to: key(0x67),
                checked: true,
            },
        ),
        (
            "move",
            Change::MoveGate {
                council: key(0x68),
                epoch: 0x6969,
            },
        ),
        ("finalization", Change::Finalize),
        ("revocation", Change::RevokeRelease { sha256: [0x6a; 32] }),
    ]
}

fn some_terms() -> Terms {
    Terms {
        parent: key(0x20),
        buffer: key(0x21),
        spill: key(0x22),
        proposer: key(0x23),
        rent_payer: key(0x24),
        statement: [0x25; 32],
        sha256: [0x26; 32],
        base_sha256: [0x27; 32],
        slot_hash: [0x28; 32],
        snapshot: Snapshot {
            threshold: 0x0b01,
            timelock_seconds: 0x0b02,
            voting_period_seconds: 0x0b03,
            execution_window_seconds: 0x0b04,
            min_interval_seconds: 0x0b05,
            message_validity_seconds: 0x0b06,
            attestations: [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17],
            veto_threshold: 0x18,
            trigger_threshold: 0x19,
            flags: 0x03,
            reserved: 0,
        },
        created_slot: 0x0101,
        voting_ends_at: 0x0202,
        not_before: 0x0303,
        len: 0x0404,
        base_len: 0x0505,
        base_index: 0x0606,
        index: 0x0707,
        epoch: 0x0808,
        life: 0x0909,
        action: 1,
        lane: 2,
        version: 4,
        reserved: 0,
    }
}
