//! Signed-message votes: the text byte for byte, both envelopes, and every known way to point the ed25519 program's offsets
//! at something else than what the text's signer signed.

mod content;
mod device;
mod ledger;
mod signature;
mod text;
mod transaction;

use portcullis::{
    lifecycle::Lane,
    message::{Claim, Effect, Envelope, Subject, Verb, Vote},
};
use solana_sdk::{
    pubkey,
    pubkey::Pubkey,
    signature::{Keypair, Signer},
};

const PROGRAM: Pubkey = pubkey!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const COUNCIL: Pubkey = Pubkey::new_from_array([0x22; 32]);
const OTHER: Pubkey = Pubkey::new_from_array([0x33; 32]);
/// 2026-11-21 10:00:00 UTC.
const VALID_UNTIL: i64 = 1_795_255_200;

/// SHA-256 of the words `code`, `digest` and `statement`.
const CODE: &str = "5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b";
const DIGEST: &str = "0bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f284";
const STATEMENT: &str = "b111c6e1d318f203063e5c16bab43c108326af0aa2f7b65760c95547a43dbe52";

/// An approval of an upgrade in the standard lane.
const VOTE: Vote<'static> = Vote {
    verb: Verb::Approve,
    lane: Lane::Standard,
    effect: UPGRADE,
    subject: Subject::Program(&PROGRAM),
    digest: &bytes(DIGEST),
    valid_until: VALID_UNTIL,
};
const UPGRADE: Effect<'static> = Effect::Upgrade {
    sha256: &bytes(CODE),
};
const CLAIM: Claim<'static> = Claim {
    kind: 0,
    statement: &bytes(STATEMENT),
    uri: "",
    expires_at: VALID_UNTIL + 30 * 86_400,
};

const fn bytes(hex: &str) -> [u8; 32] {
    const fn value(digit: u8) -> u8 {
        if digit < b'a' {
            digit - b'0'
        } else {
            digit - b'a' + 10
        }
    }
    let mut bytes = [0; 32];
    let mut index = 0;
    while index < 32 {
        let (high, low) = (hex.as_bytes()[2 * index], hex.as_bytes()[2 * index + 1]);
        bytes[index] = value(high) << 4 | value(low);
        index += 1;
    }
    bytes
}

/// The member of the vectors.
fn member() -> Keypair {
    Keypair::new_from_array([7; 32])
}

/// What the member signs.
fn wrapped(envelope: Envelope, vote: &Vote) -> Vec<u8> {
    envelope
        .wrap(&portcullis::ID, &member().pubkey(), &vote.text().unwrap())
        .unwrap()
}

/// Votes of every verb, lane, effect and subject, and their texts.
fn vectors() -> Vec<(Vote<'static>, String)> {
    let (program, council) = (Subject::Program(&PROGRAM), Subject::Council(&COUNCIL));
    let transfer = |checked| Effect::TransferAuthority {
        to: &OTHER,
        checked,
    };
    let (standard, emergency) = (Lane::Standard, Lane::Emergency);
    let build = Verb::Attest(CLAIM);
    let custom = Verb::Attest(Claim {
        kind: 7,
        uri: "https://example.org/audit.pdf",
        ..CLAIM
    });
    let revoke = Effect::RevokeRelease {
        sha256: &const { bytes(CODE) },
    };
    let code = format!("code sha256 {CODE}");
    let until = "attested until 2026-12-21 10:00:00 UTC";
    [
        (
            (Verb::Approve, standard, UPGRADE, program),
            format!("APPROVE standard upgrade of program {PROGRAM}, {code}"),
        ),
        (
            (Verb::Reject, emergency, UPGRADE, program),
            format!("REJECT EMERGENCY upgrade of program {PROGRAM}, {code}"),
        ),
        (
            (Verb::Veto, standard, Effect::ChangeCouncil, council),
            format!("VETO standard member change of council {COUNCIL}"),
        ),
        (
            (Verb::Trigger, Lane::Rollback, UPGRADE, program),
            format!("TRIGGER standby rollback upgrade of program {PROGRAM}, {code}"),
        ),
        (
            (Verb::Trigger, Lane::SafeMode, UPGRADE, program),
            format!("TRIGGER standby safe mode upgrade of program {PROGRAM}, {code}"),
        ),
        (
            (build, standard, UPGRADE, program),
            format!(
                "ATTEST build for standard upgrade of program {PROGRAM}, {code}, \
                 statement sha256 {STATEMENT}, {until}"
            ),
        ),
        (
            (custom, emergency, UPGRADE, program),
            format!(
                "ATTEST custom2 for EMERGENCY upgrade of program {PROGRAM}, {code}, \
                 statement sha256 {STATEMENT}, at https://example.org/audit.pdf, {until}"
            ),
        ),
        (
            (Verb::Approve, standard, Effect::ChangePolicy, program),
            format!("APPROVE standard policy change of program {PROGRAM}"),
        ),
        (
            (Verb::Approve, standard, Effect::ChangePolicy, council),
            format!("APPROVE standard policy change of council {COUNCIL}"),
        ),
        (
            (Verb::Approve, standard, transfer(true), program),
            format!("APPROVE standard authority transfer of program {PROGRAM}, to {OTHER}"),
        ),
        (
            (Verb::Approve, standard, transfer(false), program),
            format!(
                "APPROVE standard authority transfer of program {PROGRAM}, to {OTHER} \
                 without its signature"
            ),
        ),
        (
            (
                Verb::Approve,
                standard,
                Effect::MoveGate { council: &OTHER },
                program,
            ),
            format!("APPROVE standard gate move of program {PROGRAM}, to council {OTHER}"),
        ),
        (
            (Verb::Approve, standard, Effect::Finalize, program),
            format!("APPROVE standard finalization of program {PROGRAM}"),
        ),
        (
            (Verb::Approve, standard, revoke, program),
            format!("APPROVE standard release revocation of program {PROGRAM}, {code}"),
        ),
    ]
    .map(|((verb, lane, effect, subject), words)| {
        let vote = Vote {
            verb,
            lane,
            effect,
            subject,
            ..VOTE
        };
        let tail = format!("digest {DIGEST}, valid until 2026-11-21 10:00:00 UTC");
        (vote, format!("Portcullis: {words}, {tail}"))
    })
    .to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
