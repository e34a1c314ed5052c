//! SHA-256 (FIPS 180-4) that can stop between blocks and go on in a later transaction. Pure.
//!
//! The `sol_sha256` syscall keeps no state between calls, so what one transaction cannot hash is hashed here, by instructions
//! that cost one compute unit each. sBPF has ten registers, no rotation and, for the compiler, no 32-bit arithmetic: this
//! code takes 61 compute units a byte in the committed build, the `sha2` crate's 105. What it does about that:
//! - A word is held twice in a `u64`, so that a shift in either direction is a rotation. Sums are right in their low half only;
//!   a `Slot` makes a doubled word of them.
//! - Words of the state live in slots, so that the registers suffice. A volatile access is not optimised away, and keeps its
//!   place among the others: else the compiler hoists loads, and spills what is in the registers instead.
//! - Shifts that follow each other differ in kind: LLVM splits two of the same kind, for more parallel, but more instructions.
//!
//! All of that is about cost only; the compiler is free to ignore it.

use core::cell::Cell;

use anchor_lang::prelude::*;

use crate::error::PortcullisError;

/// Bytes of a block.
pub const BLOCK: usize = 64;
/// Where in the last block the length is.
const LENGTH_AT: usize = BLOCK - 8;

/// The hash of nothing yet (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The constants `K` (FIPS 180-4, 4.2.2).
#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

// `Slot` knows which half of a word comes first.
const _: () = assert!(cfg!(target_endian = "little"));

/// A hash in the making. Plain bytes, to be kept in an account between transactions.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
pub struct Sha256State {
    h: [u32; 8],
    hashed: u32,
}

impl Default for Sha256State {
    fn default() -> Self {
        Self::new()
    }
}

impl Sha256State {
    pub const fn new() -> Self {
        Self {
            h: INITIAL,
            hashed: 0,
        }
    }

    /// Bytes hashed so far, a multiple of [`BLOCK`].
    pub fn hashed(&self) -> u32 {
        self.hashed
    }

    /// Hashes whole blocks, for 61 compute units a byte and 700 a call.
    ///
    /// # Errors
    /// `LengthOutOfRange` unless `bytes` are whole blocks, `Overflow` from 4 GiB in all. Nothing is changed then.
    pub fn update(&mut self, bytes: &[u8]) -> core::result::Result<(), PortcullisError> {
        let (blocks, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(PortcullisError::LengthOutOfRange);
        }
        self.hashed = self.hashed_with(bytes)?;
        compress(&mut self.h, blocks);
        Ok(())
    }

    /// The SHA-256 of all that was hashed and `tail`, which is less than a block.
    ///
    /// # Errors
    /// `LengthOutOfRange` if `tail` is a block or longer, `Overflow` from 4 GiB in all.
    pub fn finish(&self, tail: &[u8]) -> core::result::Result<[u8; 32], PortcullisError> {
        if tail.len() >= BLOCK {
            return Err(PortcullisError::LengthOutOfRange);
        }
        let bits = u64::from(self.hashed_with(tail)?).wrapping_mul(8);

        // The tail, a bit of one, zeros, and at the end of the last block the length in bits (FIPS 180-4, 5.1.1).
        let mut last = [[0; BLOCK]; 2];
        for (to, from) in last
            .as_flattened_mut()
            .iter_mut()
            .zip(tail.iter().chain(&[0x80]))
        {
            *to = *from;
        }
        let one_block = tail.len() < LENGTH_AT;
        let [first, second] = &mut last;
        let end = if one_block { first } else { second };
        for (to, from) in end.iter_mut().skip(LENGTH_AT).zip(bits.to_be_bytes()) {
            *to = from;
        }

        let mut h = self.h;
        compress(&mut h, if one_block { &last[..1] } else { &last });
        let mut sha256 = [0; 32];
        for (bytes, word) in sha256.as_chunks_mut().0.iter_mut().zip(h) {
            *bytes = word.to_be_bytes();
        }
        Ok(sha256)
    }

    fn hashed_with(&self, bytes: &[u8]) -> core::result::Result<u32, PortcullisError> {
        u32::try_from(bytes.len())
            .ok()
            .and_then(|len| self.hashed.checked_add(len))
            .ok_or(PortcullisError::Overflow)
    }
}

/// A word in memory, twice.
struct Slot(Cell<u64>);

impl Slot {
    const fn zero() -> Self {
        Self(Cell::new(0))
    }

    /// Stores the low half of `word`, twice.
    #[inline(always)]
    fn set(&self, word: u64) {
        let slot = self.0.as_ptr();
        // SAFETY: `slot` is eight bytes, aligned, and they are in a cell. Its second half is four of them, aligned.
        unsafe {
            slot.write_volatile(word);
            slot.cast::<u32>().add(1).write_volatile(word as u32);
        }
    }

    /// The word, twice.
    #[inline(always)]
    fn get(&self) -> u64 {
        // SAFETY: aligned, initialised, and in a cell.
        unsafe { self.0.as_ptr().read_volatile() }
    }

    /// The word, with zeros above it.
    #[inline(always)]
    fn get_once(&self) -> u64 {
        // SAFETY: the first half of an aligned and initialised `u64` in a cell.
        u64::from(unsafe { self.0.as_ptr().cast::<u32>().read_volatile() })
    }

    /// The low half of `word`, twice.
    #[inline(always)]
    fn double(&self, word: u64) -> u64 {
        self.set(word);
        self.get()
    }
}

/// What a round takes in: a word of the message schedule, and its constant.
struct Input {
    w: Slot,
    k: u64,
}

impl Input {
    const fn zero() -> Self {
        Self {
            w: Slot::zero(),
            k: 0,
        }
    }
}

/// What a round leaves to the next in registers: doubled words of the state, and `a ^ b` of the round before.
struct Registers {
    a: u64,
    b: u64,
    bc: u64,
    e: u64,
    h: u64,
}

// The four functions are right in the low half of their result (FIPS 180-4, 4.1.2). They take a doubled word; the last two take
// the word with zeros above it too, because its low bits are shifted out.

/// `rotr 2 ^ rotr 13 ^ rotr 22`
#[inline(always)]
fn big_sigma_0(x: u64) -> u64 {
    ((((x >> 20) ^ x) << 11) ^ x) >> 13
}

/// `rotr 6 ^ rotr 11 ^ rotr 25`
#[inline(always)]
fn big_sigma_1(x: u64) -> u64 {
    ((((x >> 19) ^ x) << 5) ^ x) >> 11
}

/// `rotr 7 ^ rotr 18 ^ shr 3`
#[inline(always)]
fn small_sigma_0(x: u64, once: u64) -> u64 {
    (((((x << 11) ^ x) as i64 >> 15) as u64) ^ once) >> 3
}

/// `rotr 17 ^ rotr 19 ^ shr 10`
#[inline(always)]
fn small_sigma_1(x: u64, once: u64) -> u64 {
    (((((x << 2) ^ x) as i64 >> 9) as u64) ^ once) >> 10
}

/// One of the 64 rounds. `a` and `e` are the slots for the new words of that name, the others hold the old ones.
#[inline(always)]
fn round(r: &mut Registers, input: &Input, a: &Slot, d: &Slot, e: &Slot, f: &Slot, g: &Slot) {
    let mut t1 = r.h.wrapping_add(input.w.get()).wrapping_add(input.k);
    t1 = t1.wrapping_add(big_sigma_1(r.e));
    let g = g.get();
    t1 = t1.wrapping_add(g ^ (r.e & (f.get() ^ g)));
    let ab = r.a ^ r.b;
    let majority = (ab & r.bc) ^ r.b;
    let t2 = big_sigma_0(r.a).wrapping_add(majority);
    // `a` first: then `t1` is not needed after `e`, and its register takes the sum.
    *r = Registers {
        a: a.double(t1.wrapping_add(t2)),
        b: r.a,
        bc: ab,
        e: e.double(t1.wrapping_add(d.get())),
        h: g,
    };
}

/// Hashes blocks (FIPS 180-4, 6.2.2).
#[inline(never)]
fn compress(hash: &mut [u32; 8], blocks: &[[u8; BLOCK]]) {
    let mut inputs = [const { Input::zero() }; 64];
    for (input, k) in inputs.iter_mut().zip(&K) {
        input.k = u64::from(*k);
    }
    // The last eight words `a` and the last four `e`: what is `a` now is `d` four rounds later, and so on.
    let (a, e) = ([const { Slot::zero() }; 8], [const { Slot::zero() }; 4]);
    let state = [&a[7], &a[6], &a[5], &a[4], &e[3], &e[2], &e[1], &e[0]];

    for block in blocks {
        for (input, word) in inputs.iter().zip(block.as_chunks().0) {
            input.w.set(u64::from(u32::from_be_bytes(*word)));
        }
        schedule(&inputs);

        for (slot, word) in state.iter().zip(hash.iter()) {
            slot.set(u64::from(*word));
        }
        let mut r = Registers {
            a: a[7].get(),
            b: a[6].get(),
            bc: a[6].get() ^ a[5].get(),
            e: e[3].get(),
            h: e[0].get(),
        };
        for input in inputs.as_chunks::<8>().0 {
            round(&mut r, &input[0], &a[0], &a[4], &e[0], &e[2], &e[1]);
            round(&mut r, &input[1], &a[1], &a[5], &e[1], &e[3], &e[2]);
            round(&mut r, &input[2], &a[2], &a[6], &e[2], &e[0], &e[3]);
            round(&mut r, &input[3], &a[3], &a[7], &e[3], &e[1], &e[0]);
            round(&mut r, &input[4], &a[4], &a[0], &e[0], &e[2], &e[1]);
            round(&mut r, &input[5], &a[5], &a[1], &e[1], &e[3], &e[2]);
            round(&mut r, &input[6], &a[6], &a[2], &e[2], &e[0], &e[3]);
            round(&mut r, &input[7], &a[7], &a[3], &e[3], &e[1], &e[0]);
        }
        for (slot, word) in state.iter().zip(hash.iter_mut()) {
            *word = word.wrapping_add(slot.get() as u32);
        }
    }
}

/// Makes 64 words of the first 16.
#[inline(always)]
fn schedule(inputs: &[Input; 64]) {
    /// Sigma 1 of the last two words, and the word 16 ago.
    struct Ahead {
        s1: u64,
        next_s1: u64,
        ago_16: u64,
    }
    #[inline(always)]
    fn step(ahead: &mut Ahead, ago_15: &Input, ago_7: &Input, new: &Input) {
        let (x, once) = (ago_15.w.get(), ago_15.w.get_once());
        new.w.set(
            ahead
                .ago_16
                .wrapping_add(ago_7.w.get())
                .wrapping_add(small_sigma_0(x, once))
                .wrapping_add(ahead.s1),
        );
        *ahead = Ahead {
            s1: ahead.next_s1,
            next_s1: small_sigma_1(new.w.get(), new.w.get_once()),
            ago_16: once,
        };
    }
    let mut ahead = Ahead {
        s1: small_sigma_1(inputs[14].w.get(), inputs[14].w.get_once()),
        next_s1: small_sigma_1(inputs[15].w.get(), inputs[15].w.get_once()),
        ago_16: inputs[0].w.get(),
    };
    for start in (0..48).step_by(8) {
        let Some(w) = inputs.get(start..).and_then(<[_]>::first_chunk::<24>) else {
            return;
        };
        step(&mut ahead, &w[1], &w[9], &w[16]);
        step(&mut ahead, &w[2], &w[10], &w[17]);
        step(&mut ahead, &w[3], &w[11], &w[18]);
        step(&mut ahead, &w[4], &w[12], &w[19]);
        step(&mut ahead, &w[5], &w[13], &w[20]);
        step(&mut ahead, &w[6], &w[14], &w[21]);
        step(&mut ahead, &w[7], &w[15], &w[22]);
        step(&mut ahead, &w[8], &w[16], &w[23]);
    }
}
