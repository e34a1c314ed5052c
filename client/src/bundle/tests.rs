use anchor_lang::Discriminator;
use portcullis::{
    change::{Change, PolicyChange},
    constants::LAYOUT_VERSION,
    state::{Attestation, Proposal},
};

use super::*;
use crate::{pda, proposal::tests::Related};

const NOW: Now = Now {
    timestamp: 1_700_000_000,
    slot: 9,
};

fn account(data: Vec<u8>) -> Account {
    Account {
        owner: portcullis::ID,
        data,
        ..Account::default()
    }
}

fn bytes<T: Discriminator + bytemuck::Pod>(value: &T) -> Vec<u8> {
    [T::DISCRIMINATOR, bytemuck::bytes_of(value)].concat()
}

fn attestation(proposal: Pubkey) -> BundledAccount {
    let attestation = Attestation {
        version: LAYOUT_VERSION,
        proposal,
        ..bytemuck::Zeroable::zeroed()
    };
    let address = pda::attestation(&portcullis::ID, &proposal, &attestation.attester);
    let data = [bytes(&attestation), b"ipfs://a".to_vec()].concat();
    BundledAccount::new(AccountKind::Attestation, &address, &account(data))
}

fn bundle_of(mut related: Related) -> Bundle {
    related.stored.proposal.terms.version = LAYOUT_VERSION;
    related.council.account.version = LAYOUT_VERSION;
    let related = related.seal();
    let proposal = [
        bytes(&related.stored.proposal),
        related.stored.change.clone(),
    ]
    .concat();
    let mut accounts = vec![
        BundledAccount::new(AccountKind::Proposal, &related.address, &account(proposal)),
        BundledAccount::new(
            AccountKind::Council,
            &related.council.address,
            &account(bytes(&related.council.account)),
        ),
    ];
    if let Some(gate) = &related.gate {
        let data = account(bytes(&gate.account));
        accounts.push(BundledAccount::new(AccountKind::Gate, &gate.address, &data));
    }
    accounts.push(attestation(related.address));
    Bundle {
        schema_version: SCHEMA,
        kind: KIND.to_string(),
        written_by: "a test".to_string(),
        cluster: "localhost".to_string(),
        genesis_hash: "1".repeat(32),
        portcullis: portcullis::ID.to_string(),
        chain_time: ChainTime {
            unix_seconds: NOW.timestamp,
            slot: NOW.slot,
        },
        proposal: related.address.to_string(),
        accounts,
        statement: Some(BundledStatement::new("ipfs://b".to_string(), b"text")),
    }
}

/// About a gate, with details behind the terms.
fn bundle() -> Bundle {
    let change = Change::Policy(PolicyChange {
        policy: Default::default(),
        delay_floor_seconds: 7,
    });
    bundle_of(Related::to_gate(Some(&change)))
}

fn open(bundle: &Bundle) -> Result<Opened, ClientError> {
    bundle.open(&portcullis::ID, NOW)
}

fn refused(bundle: &Bundle) -> String {
    open(bundle).unwrap_err().to_string()
}

#[test]
fn what_was_written_is_read_and_opened() {
    for bundle in [bundle(), bundle_of(Related::to_gate(None))] {
        let read = Bundle::parse(&bundle.to_text()).unwrap();
        assert_eq!(read, bundle);
        let opened = open(&read).unwrap();
        assert_eq!(opened.view.address.to_string(), bundle.proposal);
        assert_eq!(opened.view.now, NOW);
        assert_eq!(opened.attestations[0].account.uri, "ipfs://a");
        assert_eq!(read.statement.unwrap().content().unwrap(), b"text");
    }
    // About the council itself.
    let change = Change::Policy(PolicyChange {
        policy: Default::default(),
        delay_floor_seconds: 7,
    });
    assert!(open(&bundle_of(Related::to_council(Some(&change)))).is_ok());
}

#[test]
fn a_file_that_is_none_is_refused() {
    let text = bundle().to_text();
    let refused = |text: &str| Bundle::parse(text).unwrap_err().to_string();
    let cut = "this bundle cannot be used: it ends too early, as a truncated file does";
    for len in [0, 1, 100, text.len() / 2, text.len() - 3] {
        assert_eq!(refused(&text[..len]), cut, "{len}");
    }
    assert_eq!(
        refused("Portcullis"),
        "this bundle cannot be used: it must be JSON, and is not"
    );
    assert_eq!(
        refused("{}"),
        "this bundle cannot be used: its kind must be portcullis-offline-bundle, it is not given"
    );
    assert_eq!(
        refused(&text.replace("offline-bundle", "votes")),
        "this bundle cannot be used: its kind must be portcullis-offline-bundle, it is portcullis-votes"
    );
    // Its words do not pass for another line.
    assert_eq!(
        refused("{\"kind\": \"a\\nb\"}"),
        "this bundle cannot be used: its kind must be portcullis-offline-bundle, it is a\u{fffd}b"
    );
    assert_eq!(
        refused(&text.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1)),
        "this bundle cannot be used: its schema_version must be 1, it is 2"
    );
    assert_eq!(
        refused(&text.replace("\"genesis_hash\"", "\"genesis\"")),
        "this bundle cannot be used: unknown field `genesis`, expected one of `schema_version`, `kind`, `written_by`, \
         `cluster`, `genesis_hash`, `portcullis`, `chain_time`, `proposal`, `accounts`, `statement`"
    );
    assert_eq!(
        refused(&text.replace("\"kind\": \"gate\"", "\"kind\": \"door\"")),
        "this bundle cannot be used: unknown variant `door`, expected one of `proposal`, `gate`, `council`, `attestation`"
    );
}

#[test]
fn each_account_must_be_there_once_and_of_this_instance() {
    let whole = bundle();
    for kind in [AccountKind::Proposal, AccountKind::Council] {
        let mut lacking = whole.clone();
        lacking.accounts.retain(|account| account.kind != kind);
        assert_eq!(
            refused(&lacking),
            format!("this bundle cannot be used: one account of the kind {kind:?} is required, there is none")
        );
    }
    for place in 0..3 {
        let mut twice = whole.clone();
        let kind = twice.accounts[place].kind;
        twice.accounts.push(twice.accounts[place].clone());
        assert_eq!(
            refused(&twice),
            format!("this bundle cannot be used: one account of the kind {kind:?} is required, there are several")
        );
    }
    // Without its gate a proposal would be about the council.
    let mut lacking = whole.clone();
    lacking
        .accounts
        .retain(|account| account.kind != AccountKind::Gate);
    assert!(refused(&lacking).ends_with("the proposal names another gate or council"));
    let other = Pubkey::new_unique();
    assert_eq!(
        whole.open(&other, NOW).unwrap_err().to_string(),
        format!(
            "this bundle cannot be used: it is for the instance {} of Portcullis, and {other} is meant",
            portcullis::ID
        )
    );
    for (place, account) in whole.accounts.iter().enumerate() {
        let mut foreign = whole.clone();
        foreign.accounts[place].owner = other.to_string();
        assert_eq!(
            refused(&foreign),
            format!(
                "this bundle does not show what a chain holds: the owner of account {} must be {}, it is {other}",
                account.address,
                portcullis::ID
            )
        );
        let mut moved = whole.clone();
        moved.accounts[place].address = other.to_string();
        assert!(refused(&moved).ends_with("what it holds belongs to another address"));
        let mut malformed = whole.clone();
        malformed.accounts[place].data_base64.push('!');
        assert_eq!(
            refused(&malformed),
            format!(
                "this bundle cannot be used: account {} must be base64, and is not",
                account.address
            )
        );
    }
}

#[test]
fn accounts_of_other_proposals_are_refused() {
    let (one, other) = (bundle(), bundle());
    for (place, reason) in [
        (
            0,
            format!(
                "it must hold the account of proposal {}, it holds that of {}",
                one.proposal, other.proposal
            ),
        ),
        (1, "the gate names another council".to_string()),
        (2, "the gate names another council".to_string()),
        (
            3,
            format!(
                "attestation {} is about another proposal",
                other.accounts[3].address
            ),
        ),
    ] {
        let mut mixed = one.clone();
        mixed.accounts[place] = other.accounts[place].clone();
        let found = refused(&mixed);
        assert!(found.ends_with(&reason), "{found}");
    }
    // Under its own name too.
    let mut mixed = one.clone();
    mixed.accounts[0] = other.accounts[0].clone();
    mixed.proposal = other.proposal;
    assert!(refused(&mixed).ends_with("the proposal names another gate or council"));
}

/// The digest beside the terms would be believed, were the life not compared.
#[test]
fn a_gate_of_another_life_is_refused() {
    let mut related = Related::to_gate(None);
    if let Some(gate) = &mut related.gate {
        gate.account.life = 1;
    }
    assert_eq!(
        refused(&bundle_of(related)),
        "this bundle does not show what a chain holds: the gate has begun another life since the proposal was made, so \
         that it takes no vote and its digest cannot be computed"
    );
}

#[test]
fn no_altered_byte_of_what_is_voted_for_passes() {
    let whole = bundle();
    let data = STANDARD.decode(&whole.accounts[0].data_base64).unwrap();
    let head = Proposal::DISCRIMINATOR.len();
    let offset = |field: usize| head + field;
    let terms = offset(core::mem::offset_of!(Proposal, terms));
    let digest = offset(core::mem::offset_of!(Proposal, digest));
    let covered = (0..head)
        .chain(terms..terms + size_of::<portcullis::state::Terms>())
        .chain(digest..digest + 32)
        .chain(head + size_of::<Proposal>()..data.len());
    let digest = open(&whole).unwrap().view.digest;
    for place in covered {
        for bit in [1, 128] {
            let mut data = data.clone();
            data[place] ^= bit;
            let mut altered = whole.clone();
            altered.accounts[0].data_base64 = STANDARD.encode(&data);
            // Some bytes of the account are for the program alone, and not voted for: where one passes, the digest is the same
            // and was computed from the terms.
            if let Ok(opened) = open(&altered) {
                let computed = crate::account::digest(
                    &portcullis::ID,
                    &opened.view.council_address,
                    &opened.view.proposal.terms,
                    &data[head + size_of::<Proposal>()..],
                );
                assert_eq!((opened.view.digest, computed), (digest, digest), "{place}");
            }
        }
    }
    // Fewer or more bytes.
    for (place, account) in whole.accounts.iter().enumerate().take(3) {
        let data = STANDARD.decode(&account.data_base64).unwrap();
        let longer = [data.as_slice(), &[0]].concat();
        for data in [&data[..data.len() - 1], &data[..4], &longer, &[]] {
            let mut altered = whole.clone();
            altered.accounts[place].data_base64 = STANDARD.encode(data);
            assert!(open(&altered).is_err(), "{place}, {} bytes", data.len());
        }
    }
}
