//! What an upgrade does before it happens: what is in an ELF and what changed, whether accounts still decode, what real
//! transactions do under the proposed program. Prints nothing.

pub mod elf;
pub mod idl;
pub mod inspect;
pub mod invariants;
pub mod layout;
pub mod shadow;
