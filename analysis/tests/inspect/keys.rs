//! Another key in a program: whoever had a right by his own no longer has it.

use portcullis_analysis::{
    elf::{Elf, Operand},
    inspect::{Finding, Inspection, Policy, Severity, Subject},
};
use portcullis_localnet::samples;
use solana_sdk::pubkey::Pubkey;

use crate::{common::PORTCULLIS, compared, find, of, only, place, rules};

/// Some address.
fn key(number: u8) -> Pubkey {
    Pubkey::new_from_array(solana_sha256_hasher::hash(&[number]).to_bytes())
}

/// The address of Portcullis among the constants, which its code points to, is another.
fn with_key(key: &Pubkey) -> Vec<u8> {
    let own: Pubkey = portcullis_client::portcullis::ID;
    let mut bytes = PORTCULLIS.to_vec();
    while let Some(at) = find(&bytes, own.as_ref()) {
        bytes[at..at + 32].copy_from_slice(key.as_ref());
    }
    bytes
}

#[test]
fn another_key_among_the_constants_is_a_replaced_one() {
    let (old, new) = (with_key(&key(1)), with_key(&key(2)));
    let inspection = compared(&old, &new);
    let message = format!("{} before, {} now", key(1), key(2));
    assert_eq!(
        only(&inspection, "PI117"),
        (Severity::Medium, message.as_str())
    );
    assert_eq!(
        rules(&inspection.findings)[..3],
        ["PI117", "PI106", "PI107"]
    );
    assert_eq!(of(&compared(&old, &old), "PI117"), Vec::<&Finding>::new());
}

/// Three addresses where code points to and nothing else for their length, the last of them this one.
fn with_list(last: &Pubkey) -> Vec<u8> {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let instructions = elf.code.instructions.iter();
    let mut pointers: Vec<u64> = instructions
        .filter_map(|one| match one.operand {
            Operand::Data(address) => Some(address),
            _ => None,
        })
        .collect();
    pointers.sort_unstable();
    pointers.dedup();
    let room = |pair: &&[u64]| pair[0].is_multiple_of(8) && pair[1] - pair[0] >= 96;
    let start = pointers.windows(2).find(room).unwrap()[0];
    let data = elf.sections.iter().find(|one| one.name == "read-only data");
    let at = (data.unwrap().offset + start) as usize;
    let mut bytes = PORTCULLIS.to_vec();
    for (index, key) in [key(1), key(2), *last].iter().enumerate() {
        let at = at + index * 32;
        bytes[at..at + 32].copy_from_slice(key.as_ref());
    }
    bytes
}

#[test]
fn another_key_at_the_end_of_a_list_is_found() {
    let inspection = compared(&with_list(&key(3)), &with_list(&key(4)));
    let (severity, message) = only(&inspection, "PI117");
    assert_eq!(severity, Severity::Medium);
    let change = format!(
        " the same code and other constants: {} → {}",
        key(3),
        key(4)
    );
    assert!(message.ends_with(&change), "{message}");
    assert!(of(&inspection, "PI106").is_empty());
}

/// The words of an address in the code are those of another.
fn with_words(mut bytes: Vec<u8>, old: &Pubkey, new: &Pubkey) -> Vec<u8> {
    let elf = Elf::read(&bytes).unwrap();
    let mut changed = 0;
    for one in &elf.code.instructions {
        let Operand::Wide(value) = one.operand else {
            continue;
        };
        let words = old
            .as_ref()
            .chunks_exact(8)
            .zip(new.as_ref().chunks_exact(8));
        for (_, new) in words.filter(|(old, _)| *old == value.to_le_bytes()) {
            let at = place(&elf, &bytes, one.pc);
            bytes[at + 4..at + 8].copy_from_slice(&new[..4]);
            bytes[at + 12..at + 16].copy_from_slice(&new[4..]);
            changed += 1;
        }
    }
    assert!(changed >= 4);
    bytes
}

/// SPL Token compares with wrapped SOL's address in four words of its code.
const NATIVE: Pubkey = Pubkey::from_str_const("So11111111111111111111111111111111111111112");

#[test]
fn another_key_in_the_words_of_the_code_is_a_replaced_one() {
    let with = |key: &Pubkey| with_words(samples::spl_token().unwrap(), &NATIVE, key);
    let inspection = compared(&with(&key(1)), &with(&key(2)));
    let message = format!("{} before, {} now", key(1), key(2));
    assert_eq!(
        only(&inspection, "PI117"),
        (Severity::Medium, message.as_str())
    );
    assert!(!of(&inspection, "PI120").is_empty());
}

#[test]
fn a_program_that_forgets_its_own_address_is_told() {
    let own = portcullis_client::portcullis::ID;
    let subject = |bytes: Vec<u8>| Subject {
        room: Some((own.to_string(), bytes.len())),
        bytes,
    };
    let old = subject(PORTCULLIS.to_vec());
    // In the words of its code it is still there.
    let half = subject(with_key(&key(1)));
    let inspection = Inspection::new(&half, Some(&old), &Policy::default()).unwrap();
    assert!(of(&inspection, "PI121").is_empty());
    let new = subject(with_words(half.bytes, &own, &key(1)));
    let inspection = Inspection::new(&new, Some(&old), &Policy::default()).unwrap();
    let message = format!("it no longer holds {own}");
    assert_eq!(
        only(&inspection, "PI121"),
        (Severity::Medium, message.as_str())
    );
    let back = Inspection::new(&old, Some(&new), &Policy::default()).unwrap();
    assert!(of(&back, "PI121").is_empty());
}
