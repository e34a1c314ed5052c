//! The Borsh bytes of what stands behind a proposal's fixed part. They are read as strictly as they are written.

use anchor_lang::AnchorSerialize;
use portcullis::lifecycle::Action;

use super::*;

#[test]
fn g13_the_bytes_of_every_change() {
    let mut text = String::new();
    for (number, (name, change)) in every_change().into_iter().enumerate() {
        // The variants are numbered as the actions are.
        let bytes = change.to_bytes().unwrap();
        assert_eq!(usize::from(bytes[0]), number);
        assert_eq!(change.action() as usize, number);
        assert_eq!(Change::from_bytes(&bytes), Ok(Some(change)));
        text += &format!("{name}\n{}", hex(&bytes));
    }
    assert!(Action::try_from(every_change().len() as u8).is_err());
    assert_eq!(Change::from_bytes(&[]), Ok(None));
    insta::assert_snapshot!("changes", text);
}

#[test]
fn no_other_bytes_are_a_change() {
    let overflow = Err(PortcullisError::Overflow);
    for (_, change) in every_change() {
        let bytes = change.to_bytes().unwrap();
        for len in 1..bytes.len() {
            assert_eq!(Change::from_bytes(&bytes[..len]), overflow);
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Change::from_bytes(&longer), overflow);
    }
    for variant in every_change().len() as u8..=u8::MAX {
        assert_eq!(Change::from_bytes(&[variant]), overflow);
    }
    // A flag is zero or one, so that no two contents are the same change.
    let mut transfer = every_change()[3].1.to_bytes().unwrap();
    *transfer.last_mut().unwrap() = 2;
    assert_eq!(Change::from_bytes(&transfer), overflow);
}

#[test]
fn a_policys_account_bytes_are_its_borsh_bytes() {
    let mut borsh = vec![];
    some_policy().serialize(&mut borsh).unwrap();
    assert_eq!(borsh, bytemuck::bytes_of(&some_policy()));
    let mut borsh = vec![];
    some_member(1).serialize(&mut borsh).unwrap();
    assert_eq!(borsh, bytemuck::bytes_of(&some_member(1)));
}
