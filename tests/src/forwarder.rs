//! The program in `tests/programs/forwarder`, whose addresses are members: it forwards a call and signs it as one of them.

use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

use crate::{keys::address, World};

/// As committed; `make program` rebuilds it.
static ELF: &[u8] = include_bytes!("../programs/forwarder.so");

/// Where it is installed.
pub fn program() -> Pubkey {
    address("forwarder")
}

/// Installs it.
pub fn install(world: &mut World) {
    world.svm.add_program(program(), ELF).unwrap();
}

fn find(name: &str) -> (Pubkey, u8) {
    Pubkey::find_program_address(&[b"member", name.as_bytes()], &program())
}

/// Its address of this name.
pub fn member_key(name: &str) -> Pubkey {
    find(name).0
}

/// The call, forwarded and signed by the address of this name.
pub fn forward(name: &str, call: &Instruction) -> Instruction {
    forward_with(name, call, true)
}

/// The same, signed only where `sign` says so.
pub fn forward_with(name: &str, call: &Instruction, sign: bool) -> Instruction {
    let (member, bump) = find(name);
    // Borsh: name, bump, sign, data.
    let bytes = |bytes: &[u8]| {
        let len = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        [&len, bytes].concat()
    };
    let data = [
        bytes(name.as_bytes()),
        vec![bump, u8::from(sign)],
        bytes(&call.data),
    ]
    .concat();
    let mut accounts = vec![AccountMeta::new_readonly(call.program_id, false)];
    accounts.extend(call.accounts.iter().map(|meta| AccountMeta {
        // No address of a program can sign a transaction.
        is_signer: meta.is_signer && meta.pubkey != member,
        ..meta.clone()
    }));
    Instruction {
        program_id: program(),
        accounts,
        data,
    }
}
