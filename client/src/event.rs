//! The program's events as values that can be shown: a name and fields in JSON, beside the exact bytes.

use anchor_lang::Discriminator;
use borsh::BorshDeserialize;
use portcullis::{
    change::{Change, CouncilChange, PolicyChange, Predecessor},
    digest::{Commitment, Statement},
    events::*,
    policy::Policy,
    state::Member,
};
use serde_json::{json, Map, Value};
use solana_sdk::pubkey::Pubkey;

use crate::error::hex;

/// An event of the log chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `UpgradeProposed`, `ApprovalCast`, …
    pub name: &'static str,
    /// The fields by their names in the program. Keys are base58, hashes hexadecimal, times Unix seconds.
    pub fields: Value,
    /// Discriminator and Borsh, as logged and folded into the chain.
    pub bytes: Vec<u8>,
}

impl Event {
    /// The event as the program's own type, if it is one of that kind.
    pub fn decode<T: BorshDeserialize + Discriminator>(&self) -> Option<T> {
        let body = self.bytes.strip_prefix(T::DISCRIMINATOR)?;
        T::try_from_slice(body).ok()
    }
}

/// A field as JSON.
trait Json {
    fn json(&self) -> Value;
}

macro_rules! plain {
    ($($type:ty),+) => {
        $(impl Json for $type {
            fn json(&self) -> Value {
                json!(self)
            }
        })+
    };
}
plain!(bool, u8, u16, u32, u64, i64);

impl Json for Pubkey {
    fn json(&self) -> Value {
        json!(self.to_string())
    }
}

impl Json for [u8; 32] {
    fn json(&self) -> Value {
        json!(hex(self))
    }
}

impl Json for [u8; portcullis::constants::ATTESTATION_KINDS] {
    fn json(&self) -> Value {
        json!(self)
    }
}

impl<T: Json> Json for Vec<T> {
    fn json(&self) -> Value {
        self.iter().map(Json::json).collect()
    }
}

impl<T: Json> Json for Option<T> {
    fn json(&self) -> Value {
        self.as_ref().map_or(Value::Null, Json::json)
    }
}

impl Json for String {
    fn json(&self) -> Value {
        json!(self)
    }
}

impl Json for Change {
    fn json(&self) -> Value {
        match self {
            Change::Upgrade(predecessor) => json!({ "upgrade": predecessor.json() }),
            Change::Council(change) => json!({ "change_council": change.json() }),
            Change::Policy(change) => json!({ "change_policy": change.json() }),
            Change::TransferAuthority { to, checked } => {
                json!({ "transfer_authority": { "to": to.json(), "checked": checked } })
            }
            Change::MoveGate { council, epoch } => {
                json!({ "move_gate": { "council": council.json(), "epoch": epoch } })
            }
            Change::Finalize => json!({ "finalize": {} }),
            Change::RevokeRelease { sha256 } => {
                json!({ "revoke_release": { "sha256": sha256.json() } })
            }
        }
    }
}

/// Makes a struct's JSON of its fields; the pattern fails to compile where one is forgotten.
macro_rules! fields {
    ($($type:ident { $($field:ident),+ $(,)? })+) => {
        $(impl Json for $type {
            fn json(&self) -> Value {
                let Self { $($field),+ } = self;
                let mut map = Map::new();
                $(map.insert(stringify!($field).into(), $field.json());)+
                Value::Object(map)
            }
        })+
    };
}

macro_rules! events {
    ($($type:ident { $($field:ident),+ $(,)? })+) => {
        fields!($($type { $($field),+ })+);

        $(impl From<$type> for Event {
            fn from(event: $type) -> Self {
                Self {
                    name: stringify!($type),
                    fields: event.json(),
                    bytes: anchor_lang::Event::data(&event),
                }
            }
        })+

        /// The names of all events.
        pub const NAMES: &[&str] = &[$(stringify!($type)),+];

        /// Decodes an event from its bytes, as a `Program data:` line holds them in base64. `None` where it is none that this
        /// version knows.
        pub fn decode_event(bytes: &[u8]) -> Option<Event> {
            $(if let Some(body) = bytes.strip_prefix($type::DISCRIMINATOR) {
                return $type::try_from_slice(body).ok().map(Event::from);
            })+
            None
        }
    };
}

fields! {
    Commitment { sha256, len }
    Statement { sha256, uri }
    Predecessor { gate, digest, soak_seconds }
    CouncilChange { remove, add }
    PolicyChange { policy, delay_floor_seconds }
    Member { key, weight, roles, attests }
    Policy {
        threshold, timelock_seconds, voting_period_seconds, execution_window_seconds, min_interval_seconds,
        message_validity_seconds, emergency_threshold, emergency_timelock_seconds, emergency_min_interval_seconds,
        standby_validity_seconds, attestations, veto_threshold, emergency_veto_threshold, trigger_threshold, flags,
    }
}

events! {
    CouncilCreated { council, create_key, policy, delay_floor_seconds, members, slot, timestamp }
    MembersAdded { council, members, slot, timestamp }
    CouncilSealed { council, config_epoch, member_count, slot, timestamp }
    ProgramAdopted {
        gate, council, program, former_authority, proposer, life, epoch, release_index, deployed, hashed, policy, slot,
        timestamp,
    }
    UpgradeProposed {
        parent, index, proposer, rent_payer, buffer, spill, commitment, base_index, base, statement, predecessor,
        lane, epoch, life, not_before, voting_ends_at, slot, timestamp,
    }
    BufferVerified { parent, index, sha256, slot, timestamp }
    ApprovalCast { parent, index, voter, digest, valid_until, approval_weight, eta, slot, timestamp }
    RejectionCast { parent, index, voter, digest, rejected, slot, timestamp }
    VoteRetracted { parent, index, voter, digest, approval_weight, eta, slot, timestamp }
    VetoCast { parent, index, guardian, digest, vetoed, slot, timestamp }
    ProposalCancelled { parent, index, proposer, slot, timestamp }
    ProposalQueued { parent, index, eta, expires_at, slot, timestamp }
    UpgradeExecuted { parent, index, executor, program, digest, lane, release_index, former, deployed, slot, timestamp }
    BufferReturned { parent, index, buffer, depositor, ending, slot, timestamp }
    BufferClosed { parent, index, buffer, spill, ending, slot, timestamp }
    ProposalClosed { parent, index, rent_payer, ending, slot, timestamp }
    AdoptionCompleted { gate, life, deployed, slot, timestamp }
    AdoptionAbandoned { gate, former_authority, life, slot, timestamp }
    UpgradeReproposed { former_index, former_ending, custody, proposed }
    ChangeProposed {
        parent, index, proposer, rent_payer, change, base_index, statement, epoch, life, not_before, voting_ends_at, slot,
        timestamp,
    }
    AttestationGiven { parent, index, attester, digest, kind, statement, expires_at, eta, slot, timestamp }
    AttestationRevoked { parent, index, attester, digest, kind, eta, slot, timestamp }
    TriggerCast { parent, index, guardian, digest, triggered, lapses_at, slot, timestamp }
    CouncilChanged { parent, index, executor, digest, config_epoch, change, slot, timestamp }
    PolicyChanged { parent, index, executor, digest, former, policy, delay_floor_seconds, slot, timestamp }
    AuthorityTransferred { parent, index, executor, digest, program, to, checked, life, slot, timestamp }
    GateMoved { parent, index, executor, digest, former, council, epoch, proposer, life, slot, timestamp }
    ProgramFinalized { parent, index, executor, digest, program, release, life, slot, timestamp }
    ReleaseRevoked { parent, index, executor, digest, sha256, slot, timestamp }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_its_bytes() {
        let event = Event::from(UpgradeProposed {
            parent: Pubkey::new_unique(),
            index: 3,
            proposer: Pubkey::new_unique(),
            rent_payer: Pubkey::new_unique(),
            buffer: Pubkey::new_unique(),
            spill: Pubkey::new_unique(),
            commitment: Commitment::of(b"elf").unwrap(),
            base_index: 1,
            base: Commitment::of(b"base").unwrap(),
            predecessor: None,
            statement: Some(Statement {
                sha256: [7; 32],
                uri: "https://example.org".into(),
            }),
            lane: 0,
            epoch: 1,
            life: 1,
            not_before: 0,
            voting_ends_at: 5,
            slot: 6,
            timestamp: -7,
        });
        assert_eq!(decode_event(&event.bytes), Some(event.clone()));
        assert_eq!(event.fields["statement"]["uri"], "https://example.org");
        assert_eq!(event.fields["timestamp"], -7);
        assert_eq!(event.decode::<UpgradeProposed>().unwrap().index, 3);
        assert!(event.decode::<ProposalClosed>().is_none());
        assert_eq!(decode_event(&event.bytes[..20]), None);
    }
}
