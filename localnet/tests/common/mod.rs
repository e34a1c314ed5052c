//! A localnet of its own for each test, with a funded payer.
#![allow(dead_code)]
use portcullis_localnet::{Localnet, LocalnetConfig, ProgramConfig, TimeControl};
use solana_commitment_config::CommitmentConfig;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::client_error::Error as ClientError;
use solana_sdk_ids::bpf_loader_upgradeable;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::{InstructionError, Transaction, TransactionError};

/// On every surfpool, in an account that holds nothing but the ELF (sBPF v0): the memo program, 2 kB.
pub const MEMO: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
/// Likewise the associated-token-account program, 105 kB.
pub const ASSOCIATED_TOKEN: Pubkey =
    Pubkey::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

pub struct Net {
    pub localnet: Localnet,
    pub rpc: RpcClient,
    pub time: TimeControl,
    pub payer: Keypair,
}

impl Net {
    pub fn start() -> Self {
        Self::start_with(Vec::new())
    }

    pub fn start_with(programs: Vec<ProgramConfig>) -> Self {
        let payer = Keypair::new();
        let localnet = Localnet::start(LocalnetConfig {
            funded_accounts: vec![(payer.pubkey(), 1_000_000_000_000)],
            programs,
            ..Default::default()
        })
        .unwrap();
        Self {
            rpc: RpcClient::new_with_commitment(
                localnet.rpc_url().to_string(),
                CommitmentConfig::confirmed(),
            ),
            time: TimeControl::new(localnet.rpc_url()),
            localnet,
            payer,
        }
    }

    pub async fn sign(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Transaction {
        let blockhash = self.rpc.get_latest_blockhash().await.unwrap();
        let signers: Vec<_> = [&self.payer]
            .into_iter()
            .chain(signers.iter().copied())
            .collect();
        Transaction::new_signed_with_payer(
            instructions,
            Some(&self.payer.pubkey()),
            &signers,
            blockhash,
        )
    }

    /// Sends without waiting for confirmation; returns once the transaction has run.
    pub async fn send(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Signature, ClientError> {
        let transaction = self.sign(instructions, signers).await;
        self.rpc.send_transaction(&transaction).await
    }

    /// Waits until the status of a transaction is known.
    pub async fn wait_for(&self, signature: &Signature) {
        let asked = [*signature];
        while self.rpc.get_signature_statuses(&asked).await.unwrap().value[0].is_none() {}
    }

    /// Sends, and closes the slot so that it is confirmed.
    pub async fn run(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Signature {
        let signature = self.send(instructions, signers).await.unwrap();
        self.time.next_slot().await.unwrap();
        signature
    }

    /// Deploys `elf` as a new program through the real loader: buffer, writes, `DeployWithMaxDataLen`.
    pub async fn deploy(&self, elf: &[u8]) -> Pubkey {
        let buffer = self.upload(elf).await;
        let program = Keypair::new();
        let rent = self
            .rpc
            .get_minimum_balance_for_rent_exemption(36)
            .await
            .unwrap();
        let deploy = solana_loader_v3_interface::instruction::deploy_with_max_program_len(
            &self.payer.pubkey(),
            &program.pubkey(),
            &buffer,
            &self.payer.pubkey(),
            rent,
            elf.len(),
        )
        .unwrap();
        self.run(&deploy, &[&program]).await;
        program.pubkey()
    }

    /// Writes `elf` into a new buffer whose authority is the payer.
    pub async fn upload(&self, elf: &[u8]) -> Pubkey {
        use solana_loader_v3_interface::{instruction, state::UpgradeableLoaderState};
        let buffer = Keypair::new();
        let size = UpgradeableLoaderState::size_of_buffer(elf.len());
        let rent = self
            .rpc
            .get_minimum_balance_for_rent_exemption(size)
            .await
            .unwrap();
        let authority = self.payer.pubkey();
        let create =
            instruction::create_buffer(&authority, &buffer.pubkey(), &authority, rent, elf.len())
                .unwrap();
        self.send(&create, &[&buffer]).await.unwrap();
        for (index, chunk) in elf.chunks(900).enumerate() {
            let write = instruction::write(
                &buffer.pubkey(),
                &authority,
                (index * 900) as u32,
                chunk.to_vec(),
            );
            self.send(&[write], &[]).await.unwrap();
        }
        self.time.next_slot().await.unwrap();
        buffer.pubkey()
    }

    /// The ELF of a program whose account is nothing else.
    pub async fn elf(&self, program: &Pubkey) -> Vec<u8> {
        self.rpc.get_account_data(program).await.unwrap()
    }
}

/// Calls a memo program: it logs `text`.
pub fn memo(program: Pubkey, text: &str) -> Instruction {
    Instruction::new_with_bytes(program, text.as_bytes(), vec![])
}

/// A loader-v3 program from an ELF that every surfpool has, with its authority.
pub fn program(elf: Vec<u8>, upgrade_authority: Option<Pubkey>) -> ProgramConfig {
    assert_eq!(&elf[..4], b"\x7fELF");
    ProgramConfig {
        program_id: Pubkey::new_unique(),
        elf,
        upgrade_authority,
    }
}

pub fn programdata(program: &Pubkey) -> Pubkey {
    Pubkey::find_program_address(&[program.as_ref()], &bpf_loader_upgradeable::ID).0
}

pub fn transfer(from: &Keypair, to: &Pubkey, lamports: u64) -> Instruction {
    solana_system_interface::instruction::transfer(&from.pubkey(), to, lamports)
}

/// A System transfer of more than there is: custom program error 1.
pub fn overdraft(from: &Keypair) -> Instruction {
    transfer(from, &Pubkey::new_unique(), u64::MAX / 2)
}

/// What comes of it.
pub fn overdrawn() -> TransactionError {
    TransactionError::InstructionError(0, InstructionError::Custom(1))
}
