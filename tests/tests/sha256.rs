//! The resumable SHA-256 gives the syscall's hash, wherever it stops and goes on.

use portcullis::sha256::{Sha256State, BLOCK};
use portcullis_tests::PortcullisError;
use proptest::{collection::vec, prelude::*};
use solana_sha256_hasher::hash;

/// Hashes in steps of so many blocks; between two of them the state is bytes in an account, at whatever address.
fn in_steps(data: &[u8], steps: impl IntoIterator<Item = usize>) -> [u8; 32] {
    let mut account = vec![0; 1 + size_of::<Sha256State>()];
    account[1..].copy_from_slice(bytemuck::bytes_of(&Sha256State::new()));
    let mut rest = data;
    for blocks in steps {
        let mut state: Sha256State = bytemuck::pod_read_unaligned(&account[1..]);
        assert_eq!(state.hashed() as usize, data.len() - rest.len());
        let step = (blocks * BLOCK).min(rest.len() - rest.len() % BLOCK);
        state.update(&rest[..step]).unwrap();
        rest = &rest[step..];
        account[1..].copy_from_slice(bytemuck::bytes_of(&state));
    }
    let mut state: Sha256State = bytemuck::pod_read_unaligned(&account[1..]);
    let (blocks, tail) = rest.split_at(rest.len() - rest.len() % BLOCK);
    state.update(blocks).unwrap();
    state.finish(tail).unwrap()
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_examples_of_nist_come_out() {
    // NIST, Cryptographic Standards and Guidelines, Example Values, SHA-256; the million from FIPS 180-2, B.3.
    let million = [b'a'; 1_000_000];
    let cases: [(&[u8], &str); 5] = [
        (
            b"",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
        (
            &million,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ),
    ];
    for (data, sha256) in cases {
        assert_eq!(hex(in_steps(data, [])), sha256);
        assert_eq!(hex(in_steps(data, [1, 0, 100, 7])), sha256);
    }
}

#[test]
fn every_length_of_the_last_block_is_padded_as_it_must() {
    let data: Vec<u8> = (1..=200).collect();
    for len in 0..=data.len() {
        let data = &data[..len];
        assert_eq!(in_steps(data, [1]), hash(data).to_bytes(), "{len}");
    }
}

#[test]
fn the_length_counts_all_of_it() {
    // Its bits need more than a `u32`.
    let before = u32::MAX - (BLOCK as u32 - 1) - BLOCK as u32;
    let mut bytes = bytemuck::bytes_of(&Sha256State::new()).to_vec();
    bytes[32..].copy_from_slice(&before.to_le_bytes());
    let mut state: Sha256State = bytemuck::pod_read_unaligned(&bytes);
    let short = state;
    state.update(&[7; BLOCK]).unwrap();
    assert_eq!(state.hashed(), before + BLOCK as u32);

    // A padding that was made by hand: as content of the state that has hashed less, it leads to the same words.
    let sha256 = state.finish(&[]).unwrap();
    let mut padding = [0; BLOCK];
    padding[0] = 0x80;
    padding[56..].copy_from_slice(&(u64::from(state.hashed()) * 8).to_be_bytes());
    let mut words = short;
    words.update(&[7; BLOCK]).unwrap();
    let mut words_bytes = bytemuck::bytes_of(&words).to_vec();
    words_bytes[32..].fill(0);
    let mut words: Sha256State = bytemuck::pod_read_unaligned(&words_bytes);
    words.update(&padding).unwrap();
    let by_hand: Vec<u8> = bytemuck::bytes_of(&words)[..32]
        .chunks(4)
        .flat_map(|word| word.iter().rev().copied())
        .collect();
    assert_eq!(sha256.as_slice(), by_hand);

    // One byte less than 4 GiB is the most.
    assert!(state.finish(&[0; BLOCK - 1]).is_ok());
    let full = state;
    assert_eq!(state.update(&[0; BLOCK]), Err(PortcullisError::Overflow));
    assert_eq!(state, full);
}

#[test]
fn parts_of_blocks_are_refused_and_change_nothing() {
    let mut state = Sha256State::new();
    state.update(&[1; 3 * BLOCK]).unwrap();
    let before = state;
    for len in [1, BLOCK - 1, BLOCK + 1, 2 * BLOCK - 1] {
        assert_eq!(
            state.update(&vec![2; len]),
            Err(PortcullisError::LengthOutOfRange)
        );
        assert_eq!(state, before);
    }
    for len in [BLOCK, BLOCK + 1, 2 * BLOCK] {
        assert_eq!(
            state.finish(&vec![2; len]),
            Err(PortcullisError::LengthOutOfRange)
        );
    }
    state.update(&[]).unwrap();
    assert_eq!(state, before);
}

#[test]
fn the_state_is_36_bytes_without_padding() {
    assert_eq!(size_of::<Sha256State>(), 36);
    assert_eq!(bytemuck::bytes_of(&Sha256State::new())[32..], [0; 4]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_is_sha_256_wherever_it_stops(data in vec(any::<u8>(), 0..3_000), steps in vec(0..12usize, 0..8)) {
        prop_assert_eq!(in_steps(&data, steps), hash(&data).to_bytes());
    }

    /// Words with few bits set, or few clear: carries and rotations that random words hardly have.
    #[test]
    fn it_is_sha_256_of_sparse_words(
        words in vec(prop_oneof![Just(0u32), Just(u32::MAX), (0..32u32).prop_map(|bit| 1 << bit), (0..32u32).prop_map(|bit| !(1 << bit))], 0..200),
        header in 0..64usize,
    ) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let data = &bytes[header.min(bytes.len())..];
        prop_assert_eq!(in_steps(data, [3, 1]), hash(data).to_bytes());
    }
}
