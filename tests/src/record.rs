//! Events out of logs, and the log chain computed anew, by the rule in words and not by the program's code.

use anchor_lang::{AnchorDeserialize, Discriminator};
use base64::{prelude::BASE64_STANDARD, Engine};
use litesvm::types::TransactionMetadata;
use portcullis::record::Log;
use solana_sdk::pubkey::Pubkey;
use solana_sha256_hasher::hashv;

/// The bytes of the events in a transaction's logs, in order.
pub fn events(meta: &TransactionMetadata) -> Vec<Vec<u8>> {
    meta.logs
        .iter()
        .filter_map(|line| line.strip_prefix("Program data: "))
        .map(|data| BASE64_STANDARD.decode(data).unwrap())
        .collect()
}

/// The only event of a transaction, which must be an `E` to the last byte.
#[track_caller]
pub fn event<E: AnchorDeserialize + Discriminator>(meta: &TransactionMetadata) -> E {
    let events = events(meta);
    let [bytes] = events.as_slice() else {
        panic!("one event expected, found {}", events.len());
    };
    decode(bytes).expect("another event")
}

/// Decodes an event; `None` where the bytes are another's.
pub fn decode<E: AnchorDeserialize + Discriminator>(bytes: &[u8]) -> Option<E> {
    let mut rest = bytes.strip_prefix(E::DISCRIMINATOR)?;
    let event = E::deserialize(&mut rest).ok()?;
    rest.is_empty().then_some(event)
}

/// Folds an event as DESIGN.md words it: `sha256(domain ‖ account ‖ sequence ‖ previous ‖ event)`.
pub fn fold(log: &mut Log, account: &Pubkey, event: &[u8]) {
    log.head = hashv(&[
        b"portcullis:log:v1",
        account.as_ref(),
        &log.sequence.to_le_bytes(),
        &log.head,
        event,
    ])
    .to_bytes();
    log.sequence += 1;
}
