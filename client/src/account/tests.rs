use bytemuck::Zeroable;
use portcullis::constants::MAX_URI_LEN;
use solana_sdk_ids::bpf_loader_upgradeable;

use super::*;

fn bytes<T: PortcullisAccount>(value: &T) -> Vec<u8> {
    [T::DISCRIMINATOR, bytemuck::bytes_of(value)].concat()
}

fn gate() -> Gate {
    Gate {
        version: LAYOUT_VERSION,
        ..Gate::zeroed()
    }
}

fn account(owner: Pubkey, data: Vec<u8>) -> Account {
    Account {
        lamports: 1,
        data,
        owner,
        ..Account::default()
    }
}

#[test]
fn a_gate_is_decoded_and_bytes_behind_it_are_allowed() {
    let address = Pubkey::new_unique();
    let mut data = bytes(&gate());
    assert!(decode::<Gate>(&address, &data).is_ok());
    data.push(1);
    assert!(decode::<Gate>(&address, &data).is_ok());
}

#[test]
fn what_is_no_gate_is_refused_by_cause() {
    let address = Pubkey::new_unique();
    let data = bytes(&gate());
    for len in [0, 7, 8, data.len() - 1] {
        assert!(matches!(
            decode::<Gate>(&address, &data[..len]),
            Err(ClientError::Decode { .. })
        ));
    }
    let error = decode::<Council>(&address, &data).unwrap_err().to_string();
    assert!(error.contains("discriminator"), "{error}");
    assert!(
        error.ends_with("; check the address, the cluster, and that this client is the newest"),
        "{error}"
    );
    let newer = Gate {
        version: LAYOUT_VERSION + 1,
        ..gate()
    };
    assert!(matches!(
        decode::<Gate>(&address, &bytes(&newer)),
        Err(ClientError::UnknownVersion { found: 2, .. })
    ));
    let foreign = account(Pubkey::new_unique(), data);
    assert!(matches!(
        decode_owned::<Gate>(&portcullis::ID, &address, &foreign),
        Err(ClientError::WrongOwner { .. })
    ));
}

#[test]
fn what_belongs_to_another_address_is_refused() {
    let id = portcullis::ID;
    let [a, b, other] = [(); 3].map(|()| Pubkey::new_unique());
    fn decode<T: Decoded>(address: &Pubkey, data: &[u8]) -> Result<T, ClientError> {
        decode_owned(
            &portcullis::ID,
            address,
            &account(portcullis::ID, data.to_vec()),
        )
    }
    /// As it stands at its own address and at another.
    fn judge<T: Decoded>(home: Pubkey, other: &Pubkey, data: &[u8]) {
        assert!(decode::<T>(&home, data).is_ok(), "{}", T::NAME);
        let elsewhere = decode::<T>(other, data).map(drop);
        assert!(
            matches!(elsewhere, Err(ClientError::Unrelated { .. })),
            "{}",
            T::NAME
        );
    }
    let council = Council {
        create_key: a,
        version: LAYOUT_VERSION,
        ..Council::zeroed()
    };
    judge::<Council>(crate::pda::council(&id, &a), &other, &bytes(&council));
    let gate = Gate {
        program: a,
        ..gate()
    };
    judge::<Gate>(crate::pda::gate(&id, &a), &other, &bytes(&gate));
    let mut proposal = Proposal::zeroed();
    proposal.terms.version = LAYOUT_VERSION;
    proposal.terms.parent = a;
    proposal.terms.index = 7;
    let home = crate::pda::proposal(&id, &a, 7);
    judge::<StoredProposal>(home, &other, &bytes(&proposal));
    let hashing = Hashing {
        target: a,
        version: LAYOUT_VERSION,
        ..Hashing::zeroed()
    };
    judge::<Hashing>(crate::pda::hashing(&id, &a), &other, &bytes(&hashing));
    let attestation = Attestation {
        proposal: a,
        attester: b,
        version: LAYOUT_VERSION,
        ..Attestation::zeroed()
    };
    let home = crate::pda::attestation(&id, &a, &b);
    judge::<StoredAttestation>(home, &other, &bytes(&attestation));
}

#[test]
fn the_uri_of_an_attestation_keeps_the_program_s_rules() {
    let address = Pubkey::new_unique();
    let attestation = Attestation {
        version: LAYOUT_VERSION,
        ..Attestation::zeroed()
    };
    let stored = |uri: &[u8]| {
        let data = [bytes(&attestation).as_slice(), uri].concat();
        StoredAttestation::from_data(&address, &data)
    };
    assert_eq!(stored(b"").unwrap().uri, "");
    assert_eq!(stored(b"https://a/b").unwrap().uri, "https://a/b");
    let long = [b'a'; MAX_URI_LEN + 1];
    for uri in [&b"\x1b[2J"[..], b"a b", b"\xff", "ä".as_bytes(), &long] {
        let error = stored(uri).unwrap_err();
        assert!(matches!(error, ClientError::Decode { .. }), "{error}");
    }
}

#[test]
fn loader_accounts_of_another_kind_are_named() {
    let address = Pubkey::new_unique();
    let loader = bpf_loader_upgradeable::ID;
    let naming = |programdata: Pubkey| {
        let tag = 2_u32.to_le_bytes();
        account(loader, [tag.as_slice(), programdata.as_ref()].concat())
    };
    let programdata = crate::pda::programdata(&address);
    let program = naming(programdata);
    assert_eq!(decode_program(&address, &program).unwrap(), programdata);
    let error = decode_program(&address, &naming(address)).unwrap_err();
    assert!(matches!(error, ClientError::Unrelated { .. }), "{error}");
    let error = decode_buffer(&address, &program).unwrap_err().to_string();
    assert!(
        error.contains(": it is a program of loader v3; check the address"),
        "{error}"
    );
    let v2 = account(solana_sdk_ids::bpf_loader::ID, Vec::new());
    assert!(matches!(
        decode_program(&address, &v2),
        Err(ClientError::WrongOwner { .. })
    ));
    for data in [vec![], vec![9, 0, 0, 0]] {
        assert!(matches!(
            decode_programdata(&address, &account(loader, data)),
            Err(ClientError::Decode { .. })
        ));
    }
}
