//! Transactions with an ed25519 instruction, as the instructions sysvar shows them to the vote and as the runtime takes them.

use litesvm::LiteSVM;
use portcullis::{
    error::PortcullisError,
    message::{instruction_data, verify},
};
use solana_sdk::{instruction::Instruction, transaction::Transaction};
use solana_sdk_ids::ed25519_program;

use super::*;

/// The offsets of one signature, as the ed25519 program reads them.
#[derive(Clone, Copy)]
pub struct Offsets {
    pub signature: (u16, u16),
    pub key: (u16, u16),
    /// Offset, size and instruction.
    pub message: (u16, u16, u16),
}

pub const SELF: u16 = u16::MAX;

impl Offsets {
    pub fn usual(message_len: usize) -> Self {
        Self {
            signature: (48, SELF),
            key: (16, SELF),
            message: (112, message_len as u16, SELF),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        [
            self.signature.0,
            self.signature.1,
            self.key.0,
            self.key.1,
            self.message.0,
            self.message.1,
            self.message.2,
        ]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
    }
}

pub fn ed25519(data: Vec<u8>) -> Instruction {
    Instruction {
        program_id: ed25519_program::ID,
        accounts: vec![],
        data,
    }
}

/// The usual instruction: `signer` has signed the message.
pub fn signed(signer: &Keypair, message: &[u8]) -> Instruction {
    let signature = signer.sign_message(message);
    ed25519(instruction_data(&signer.pubkey(), signature.as_array(), message).unwrap())
}

/// The usual data under other offsets.
pub fn laid_out(offsets: &Offsets, signer: &Keypair, message: &[u8]) -> Instruction {
    let mut instruction = signed(signer, message);
    instruction.data[2..16].copy_from_slice(&offsets.bytes());
    instruction
}

/// The instruction that relays the vote.
pub fn relay() -> Instruction {
    Instruction {
        program_id: portcullis::ID,
        accounts: vec![],
        data: vec![1, 2, 3],
    }
}

/// The instructions sysvar's data (solana-instructions-sysvar 3, `construct_instructions_data`) while one of them runs.
pub fn sysvar(instructions: &[Instruction], current: usize) -> Vec<u8> {
    let mut data = (instructions.len() as u16).to_le_bytes().to_vec();
    data.resize(2 + 2 * instructions.len(), 0);
    for (index, instruction) in instructions.iter().enumerate() {
        let start = data.len() as u16;
        data[2 + 2 * index..4 + 2 * index].copy_from_slice(&start.to_le_bytes());
        data.extend((instruction.accounts.len() as u16).to_le_bytes());
        for account in &instruction.accounts {
            data.push(u8::from(account.is_signer) | u8::from(account.is_writable) << 1);
            data.extend(account.pubkey.to_bytes());
        }
        data.extend(instruction.program_id.to_bytes());
        data.extend((instruction.data.len() as u16).to_le_bytes());
        data.extend(&instruction.data);
    }
    data.extend((current as u16).to_le_bytes());
    data
}

/// Whether the real ed25519 program takes these instructions. Others than its own are left out of it.
pub fn runtime_takes(instructions: &[Instruction]) -> bool {
    let mut svm = LiteSVM::new();
    let payer = Keypair::new_from_array([1; 32]);
    svm.airdrop(&payer.pubkey(), 1_000_000_000).unwrap();
    let transaction = Transaction::new_signed_with_payer(
        instructions,
        Some(&payer.pubkey()),
        &[&payer],
        svm.latest_blockhash(),
    );
    svm.send_transaction(transaction).is_ok()
}

/// The vote of all that follows, in the full envelope.
pub fn bytes_to_sign() -> Vec<u8> {
    wrapped(Envelope::Full, &VOTE)
}

pub fn check(instructions: &[Instruction], current: usize) -> Result<(), PortcullisError> {
    verify(
        &sysvar(instructions, current),
        &portcullis::ID,
        &member().pubkey(),
        &VOTE,
    )
}

/// What `verify` says to this ed25519 instruction right before the vote's.
pub fn check_one(instruction: Instruction) -> Result<(), PortcullisError> {
    check(&[instruction, relay()], 1)
}

/// An attack that the ed25519 program itself lets pass.
#[track_caller]
pub fn refused(instruction: Instruction, error: PortcullisError) {
    assert!(runtime_takes(std::slice::from_ref(&instruction)));
    assert_eq!(check_one(instruction), Err(error));
}
