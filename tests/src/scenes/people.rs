//! Who has a key in the scenes. Each role is another's, so that an account stands in an instruction once.

use std::sync::OnceLock;

use portcullis::{
    policy::Policy,
    state::{Member, ROLE_ATTEST, ROLE_EXECUTE, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE},
};
use solana_sdk::{pubkey::Pubkey, signature::Keypair, signer::Signer};

use crate::{
    keys::*,
    world::{policy, Setup},
};

/// Name of the key that created the town's other council.
pub const OTHER_CREATE_KEY: &str = "another create key";
/// Name of a key that has created nothing yet.
pub const THIRD_CREATE_KEY: &str = "third create key";
/// Name of a key that may get an upgrade authority.
pub const NEW_AUTHORITY: &str = "new authority";

/// Members of both councils: the first voter proposes, the last executes.
pub fn members() -> Vec<Member> {
    sorted(vec![
        member(voter(0).pubkey(), ROLE_PROPOSE | ROLE_VOTE),
        member(voter(1).pubkey(), ROLE_VOTE),
        member(voter(2).pubkey(), ROLE_EXECUTE | ROLE_VOTE),
        member(guardian(0).pubkey(), ROLE_GUARD),
        member(guardian(1).pubkey(), ROLE_GUARD),
        member(attester().pubkey(), ROLE_ATTEST),
    ])
}

/// A policy with every lane and signed messages.
pub fn full_policy() -> Policy {
    Policy {
        message_validity_seconds: 3_600,
        emergency_threshold: 3,
        emergency_timelock_seconds: 3_600,
        emergency_min_interval_seconds: 86_400,
        standby_validity_seconds: 10 * 86_400,
        trigger_threshold: 1,
        ..policy()
    }
}

/// Both councils, and every gate.
pub fn setup() -> Setup {
    Setup {
        members: members(),
        council_policy: full_policy(),
        policy: full_policy(),
        ..Setup::default()
    }
}

/// The keypair of an address, if it belongs to somebody.
pub fn keypair_of(key: &Pubkey) -> Option<&'static Keypair> {
    static KEYPAIRS: OnceLock<Vec<Keypair>> = OnceLock::new();
    let named = KEYPAIRS.get_or_init(|| {
        [OTHER_CREATE_KEY, THIRD_CREATE_KEY, NEW_AUTHORITY]
            .map(keypair)
            .into()
    });
    let people = [
        voter(0),
        voter(1),
        voter(2),
        guardian(0),
        guardian(1),
        stranger(0),
        stranger(1),
        attester(),
        payer(),
        create_key(),
        upgrade_authority(),
    ];
    people
        .into_iter()
        .chain(named)
        .find(|keypair| keypair.pubkey() == *key)
}
