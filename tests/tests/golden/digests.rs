//! What voters sign, and what a proposal keeps of a statement.

use std::collections::BTreeSet;

use portcullis::digest::digest;

use super::*;

#[test]
fn g13_the_digest_with_each_change_and_without() {
    let terms = some_terms();
    let of = |change: &[u8]| hex(&digest(&portcullis::ID, &key(0x50), &terms, change));
    let mut text = format!("terms\n{}", hex(bytemuck::bytes_of(&terms)));
    text += &format!("no change\n{}", of(&[]));
    for (name, change) in every_change() {
        text += &format!("{name}\n{}", of(&change.to_bytes().unwrap()));
    }
    insta::assert_snapshot!("digests", text);
}

#[test]
fn g3_every_byte_of_program_council_terms_and_change_is_in_the_digest() {
    let (terms, council) = (some_terms(), key(0x50));
    let change = every_change()[0].1.to_bytes().unwrap();
    let mut seen = BTreeSet::new();
    let mut add = |digest: [u8; 32]| assert!(seen.insert(digest), "two digests are the same");
    add(digest(&portcullis::ID, &council, &terms, &change));
    for position in 0..32 {
        let mut other = council.to_bytes();
        other[position] ^= 1;
        add(digest(&portcullis::ID, &other.into(), &terms, &change));
        let mut other = portcullis::ID.to_bytes();
        other[position] ^= 1;
        add(digest(&other.into(), &council, &terms, &change));
    }
    for position in 0..size_of::<Terms>() {
        let mut other = terms;
        bytemuck::bytes_of_mut(&mut other)[position] ^= 1;
        add(digest(&portcullis::ID, &council, &other, &change));
    }
    for position in 0..change.len() {
        let mut other = change.clone();
        other[position] ^= 1;
        add(digest(&portcullis::ID, &council, &terms, &other));
        add(digest(
            &portcullis::ID,
            &council,
            &terms,
            &change[..position],
        ));
    }
}

#[test]
fn g13_the_commitment_to_a_statement() {
    insta::assert_snapshot!("statement", hex(&some_statement(7).commitment()));
}
