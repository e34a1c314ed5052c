//! Finds program-derived addresses at a quarter of the price of `find_program_address`, which costs 1,500 compute units for each
//! bump that it tries.

use anchor_lang::prelude::*;

/// The address of Portcullis that `seeds` derive, and its bump: the same as of `Pubkey::find_program_address`, the highest
/// bump whose hash is no point of the curve.
pub fn find(seeds: [&[u8]; 3]) -> (Pubkey, u8) {
    #[cfg(target_os = "solana")]
    {
        use solana_sha256_hasher::hashv;

        // As `Pubkey::create_program_address` hashes (solana-address 2).
        const MARKER: &[u8] = b"ProgramDerivedAddress";
        let [first, second, third] = seeds;
        for bump in (0..=u8::MAX).rev() {
            let hash = hashv(&[first, second, third, &[bump], crate::ID.as_ref(), MARKER]);
            if !is_curve_point(hash.as_bytes()) {
                return (Pubkey::new_from_array(hash.to_bytes()), bump);
            }
        }
        // Chance: 1 in 2^256.
        (Pubkey::default(), 0)
    }
    #[cfg(not(target_os = "solana"))]
    Pubkey::find_program_address(&seeds, &crate::ID)
}

/// Whether the bytes are a point of Ed25519's curve: the runtime's own test of addresses (`curve25519_dalek`'s decompression).
#[cfg(target_os = "solana")]
fn is_curve_point(bytes: &[u8; 32]) -> bool {
    const CURVE25519_EDWARDS: u64 = 0;
    // SAFETY: the syscall reads 32 bytes, and for this curve writes nothing.
    let result = unsafe {
        solana_define_syscall::definitions::sol_curve_validate_point(
            CURVE25519_EDWARDS,
            bytes.as_ptr(),
            core::ptr::null_mut(),
        )
    };
    result == 0
}
