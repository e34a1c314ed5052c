//! Reads Borsh to the last byte: what is left over is refused like what does not decode. Borsh's own reader of a slice writes a
//! text for each error, which nobody sees here.

use std::io;

use anchor_lang::prelude::*;

/// The bytes as a `T`; `None` where they are no `T`, or more than one.
#[inline]
pub fn decode<T: AnchorDeserialize>(bytes: &[u8]) -> Option<T> {
    let mut reader = Reader { rest: bytes };
    match T::deserialize_reader(&mut reader) {
        Ok(value) if reader.rest.is_empty() => Some(value),
        _ => None,
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl io::Read for Reader<'_> {
    #[inline(always)]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(self.rest.len());
        self.read_exact(buffer.get_mut(..len).unwrap_or_default())?;
        Ok(len)
    }

    #[inline(always)]
    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Some((bytes, rest)) = self.rest.split_at_checked(buffer.len()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        buffer.copy_from_slice(bytes);
        self.rest = rest;
        Ok(())
    }
}

/// A byte that says which of several things follows is unknown. What Borsh's derive writes for an enum builds a text here, and so
/// draws `core::fmt` into the ELF.
#[inline(always)]
pub(crate) fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// As `bool`'s, with an error that is no text; for `#[borsh(deserialize_with)]`.
pub(crate) fn boolean<R: io::Read>(reader: &mut R) -> io::Result<bool> {
    match u8::deserialize_reader(reader)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(invalid()),
    }
}

/// As `Option`'s.
pub fn option<T: AnchorDeserialize, R: io::Read>(reader: &mut R) -> io::Result<Option<T>> {
    Ok(if boolean(reader)? {
        Some(T::deserialize_reader(reader)?)
    } else {
        None
    })
}
