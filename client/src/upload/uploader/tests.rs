use solana_keypair::Keypair;

use super::*;
use crate::transaction::sign;

pub(in crate::upload) fn uploader_for<'a>(
    client: &'a Client,
    artifact: &'a [u8],
    keys: (&'a Keypair, &'a Keypair),
    options: &'a UploadOptions,
) -> Uploader<'a> {
    Uploader {
        client,
        wanted: Cow::Borrowed(artifact),
        buffer: Pubkey::new_unique(),
        seed: None,
        authority: keys.0,
        payer: keys.1,
        options,
        price: Cell::new(options.compute_unit_price_micro_lamports),
    }
}

fn client() -> Client {
    Client::new("http://127.0.0.1:1", portcullis::ID)
}

#[test]
fn a_chunk_fills_the_transaction_to_the_last_byte() {
    let client = client();
    let artifact = vec![7; 5_000];
    let (authority, payer) = (Keypair::new(), Keypair::new());
    for price in [None, Some(1)] {
        for keys in [(&authority, &payer), (&payer, &payer)] {
            let options = UploadOptions {
                compute_unit_price_micro_lamports: price,
                ..UploadOptions::default()
            };
            let engine = uploader_for(&client, &artifact, keys, &options);
            let len = engine.chunk_len().unwrap();
            let size = |len| {
                let message = engine.write_message(0..len, Hash::default()).unwrap();
                sign(message, &[keys.0, keys.1]).map(|tx| transaction_size(&tx))
            };
            assert_eq!(size(len).unwrap(), MAX_TRANSACTION_BYTES);
            assert!(matches!(
                size(len + 1),
                Err(ClientError::TransactionTooLarge { .. })
            ));
        }
    }
}

#[test]
fn a_buffer_that_is_used_again_must_have_room_and_is_zeros_behind_the_artifact() {
    let client = client();
    let keys = (Keypair::new(), Keypair::new());
    let options = UploadOptions::default();
    let mut engine = uploader_for(&client, &[1, 2, 3], (&keys.0, &keys.1), &options);
    assert!(matches!(
        engine.fill(2),
        Err(ClientError::BufferTooSmall {
            required: 3,
            found: 2,
            ..
        })
    ));
    engine.fill(5).unwrap();
    let found = Buffer {
        authority: None,
        elf: vec![1, 2, 9, 9, 0],
    };
    assert_eq!(
        engine.missing(Some(&found)).unwrap(),
        [Chunk { start: 2, end: 4 }]
    );
    engine.fill(5).unwrap();
    assert_eq!(*engine.wanted, [1, 2, 3, 0, 0]);
}

#[test]
fn another_s_buffer_is_refused() {
    let client = client();
    let keys = (Keypair::new(), Keypair::new());
    let member = Pubkey::new_unique();
    let options = UploadOptions {
        authority: Some(member),
        ..UploadOptions::default()
    };
    let artifact = [1, 2, 3];
    let engine = uploader_for(&client, &artifact, (&keys.0, &keys.1), &options);
    let buffer = |authority, elf: &[u8]| Buffer {
        authority,
        elf: elf.to_vec(),
    };
    let own = buffer(Some(keys.0.pubkey()), &[0; 3]);
    assert!(!engine.is_handed_over(&own).unwrap());
    assert!(engine
        .is_handed_over(&buffer(Some(member), &artifact))
        .unwrap());
    for foreign in [
        buffer(Some(member), &[0; 3]),
        buffer(Some(Pubkey::new_unique()), &artifact),
        buffer(None, &artifact),
    ] {
        assert!(matches!(
            engine.is_handed_over(&foreign),
            Err(ClientError::BufferAuthority { .. })
        ));
    }
}
