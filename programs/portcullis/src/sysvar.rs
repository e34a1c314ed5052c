//! The instructions sysvar, which shows a program the whole transaction.

/// Program and data of a top-level instruction. `sysvar` is the sysvar's data: a `u16` count, a `u16` offset of each
/// instruction, and at the offset a `u16` number of accounts, 33 bytes for each, the program, a `u16` length and the data
/// (solana-instructions-sysvar 3, `construct_instructions_data`). `None` where it is not laid out so.
pub fn instruction(sysvar: &[u8], index: u16) -> Option<(&[u8; 32], &[u8])> {
    // No sum of a few u16s, nor 33 of them, comes near usize::MAX.
    let start = u16_at(
        sysvar,
        usize::from(index).saturating_mul(2).saturating_add(2),
    )?;
    let accounts = usize::from(u16_at(sysvar, usize::from(start))?);
    let program = sysvar.get(
        usize::from(start)
            .saturating_add(accounts.saturating_mul(33))
            .saturating_add(2)..,
    )?;
    let (program, rest) = program.split_first_chunk()?;
    let (len, data) = rest.split_first_chunk()?;
    Some((program, data.get(..usize::from(u16::from_le_bytes(*len)))?))
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes
        .get(offset..)?
        .first_chunk()
        .map(|bytes| u16::from_le_bytes(*bytes))
}
