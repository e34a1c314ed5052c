//! The people. Their keys are the same in every run, so that a failure can be repeated and golden bytes stay.

use std::sync::OnceLock;

use portcullis::state::{Member, ROLE_ATTEST, ROLE_EXECUTE, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE};
use solana_sdk::{pubkey::Pubkey, signature::Keypair, signer::Signer};
use solana_sha256_hasher::hashv;

/// A keypair that follows from its name.
pub fn keypair(name: &str) -> Keypair {
    Keypair::new_from_array(hashv(&[b"portcullis:test:", name.as_bytes()]).to_bytes())
}

/// An address that follows from its name.
pub fn address(name: &str) -> Pubkey {
    keypair(name).pubkey()
}

struct People {
    voters: Vec<Keypair>,
    guardians: Vec<Keypair>,
    attester: Keypair,
    strangers: Vec<Keypair>,
    payer: Keypair,
    create_key: Keypair,
    upgrade_authority: Keypair,
}

fn people() -> &'static People {
    static PEOPLE: OnceLock<People> = OnceLock::new();
    PEOPLE.get_or_init(|| {
        let some = |role: &str, count: usize| {
            (0..count)
                .map(|number| keypair(&format!("{role} {number}")))
                .collect::<Vec<_>>()
        };
        People {
            voters: some("voter", 3),
            guardians: some("guardian", 2),
            attester: keypair("attester"),
            strangers: some("stranger", 2),
            payer: keypair("payer"),
            create_key: keypair("create key"),
            upgrade_authority: keypair("upgrade authority"),
        }
    })
}

/// The voters; the first also proposes and executes.
pub fn voter(number: usize) -> &'static Keypair {
    &people().voters[number]
}

/// The guardians; the default council has the first only.
pub fn guardian(number: usize) -> &'static Keypair {
    &people().guardians[number]
}

/// A member that attests builds; in no council by default.
pub fn attester() -> &'static Keypair {
    &people().attester
}

/// People who are members of nothing.
pub fn stranger(number: usize) -> &'static Keypair {
    &people().strangers[number]
}

/// Pays every fee, and rent where a test says nothing else. No member.
pub fn payer() -> &'static Keypair {
    &people().payer
}

/// Created the default council.
pub fn create_key() -> &'static Keypair {
    &people().create_key
}

/// Held the adopted program's upgrade authority.
pub fn upgrade_authority() -> &'static Keypair {
    &people().upgrade_authority
}

/// Everyone who needs lamports.
pub fn everyone() -> Vec<Pubkey> {
    let people = people();
    people
        .voters
        .iter()
        .chain(&people.guardians)
        .chain(&people.strangers)
        .chain([
            &people.attester,
            &people.payer,
            &people.create_key,
            &people.upgrade_authority,
        ])
        .map(Signer::pubkey)
        .collect()
}

/// A member with these roles; weight one where it votes.
pub fn member(key: Pubkey, roles: u8) -> Member {
    Member {
        key,
        weight: u16::from(roles & ROLE_VOTE != 0),
        roles,
        attests: u8::from(roles & ROLE_ATTEST != 0),
    }
}

/// Members in the order that the program wants.
pub fn sorted(mut members: Vec<Member>) -> Vec<Member> {
    members.sort_by_key(|member| member.key);
    members
}

/// The default council: 2 of 3, the first voter proposes and executes, one guardian.
pub fn default_members() -> Vec<Member> {
    sorted(vec![
        member(voter(0).pubkey(), ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE),
        member(voter(1).pubkey(), ROLE_VOTE),
        member(voter(2).pubkey(), ROLE_VOTE),
        member(guardian(0).pubkey(), ROLE_GUARD),
    ])
}
