//! A hash, short enough to be read aloud.
//!
//! `X8V6-7YSK-CH8F-F97J-93P9-YN8Q`: 24 digits of Crockford's base 32 (no I, L, O and U, so that no two sound or look alike), the
//! first 120 bits of SHA-256 applied 65,536 times, first to `portcullis:fingerprint:v1` and the program's hash, then to its own
//! result. The repetition makes each guess 2^16 times dearer: two builds with one fingerprint, which somebody makes who prepares
//! both, take about 2^76 hashes; a second build with the fingerprint of a given one takes 2^136. It is for ears: where both can be
//! seen, the full hashes decide.

use solana_sha256_hasher::{hash, hashv};

const DOMAIN: &[u8] = b"portcullis:fingerprint:v1";
const ROUNDS: u32 = 1 << 16;
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS: usize = 6;
const GROUP: usize = 4;

/// The fingerprint of a program's SHA-256.
pub fn fingerprint(sha256: &[u8; 32]) -> String {
    let mut stretched = hashv(&[DOMAIN, sha256]);
    for _ in 1..ROUNDS {
        stretched = hash(stretched.as_ref());
    }
    digits(&stretched.to_bytes())
}

/// The first digits of some bytes, in groups.
fn digits(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(GROUPS * (GROUP + 1));
    let (mut left, mut bits) = (bytes.iter(), 0_u32);
    let mut buffer = 0_u32;
    for place in 0..GROUPS * GROUP {
        if place > 0 && place % GROUP == 0 {
            text.push('-');
        }
        while bits < 5 {
            // 120 bits are taken, 256 are there.
            buffer = (buffer << 8) | u32::from(left.next().copied().unwrap_or_default());
            bits += 8;
        }
        bits -= 5;
        let digit = (buffer >> bits) & 31;
        buffer &= (1 << bits) - 1;
        text.push(char::from(DIGITS[digit as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_the_leading_bits() {
        assert_eq!(digits(&[0; 32]), "0000-0000-0000-0000-0000-0000");
        assert_eq!(digits(&[255; 32]), "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        // 00000 00001 00010 00011 ...: each digit once.
        let counted = [
            0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf, 0x84, 0x65, 0x3a, 0x56,
            0xd7,
        ];
        let mut bytes = [0; 32];
        bytes[..counted.len()].copy_from_slice(&counted);
        assert_eq!(digits(&bytes), "0123-4567-89AB-CDEF-GHJK-MNPQ");
    }

    #[test]
    fn a_fingerprint_follows_from_the_hash_alone() {
        // Computed with Python's hashlib.
        for (sha256, expected) in [
            ([0; 32], "X8V6-7YSK-CH8F-F97J-93P9-YN8Q"),
            ([0x7f; 32], "8Z5H-89XZ-GKTK-S1NR-F4Q3-J65F"),
        ] {
            assert_eq!(fingerprint(&sha256), expected);
        }
        let mut bit = [0; 32];
        bit[31] = 1;
        assert_ne!(fingerprint(&bit), fingerprint(&[0; 32]));
    }
}
