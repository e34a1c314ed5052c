//! A localnet with a token program, and what its users do.

use portcullis_analysis::{invariants::Required, shadow::record::Source};
use portcullis_client::Client;
use portcullis_localnet::{samples, set_account, Localnet, LocalnetConfig, ProgramConfig};
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::config::{
    RpcSendTransactionConfig, RpcSimulateTransactionAccountsConfig, RpcSimulateTransactionConfig,
};
use solana_sdk::{
    account::Account,
    hash::Hash,
    pubkey::Pubkey,
    signature::{Keypair, Signature},
    signer::Signer,
    transaction::{Transaction, VersionedTransaction},
};

#[path = "../../../analysis/tests/shadow/traffic.rs"]
mod traffic;

pub use traffic::Traffic;

/// p-token knows its own address: elsewhere it refuses mints and multisigs as another program's.
pub const PROGRAM: Pubkey = spl_token_interface::ID;

pub struct Market {
    localnet: Localnet,
    pub client: Client,
    traffic: Traffic,
    sent: u32,
}

impl Market {
    /// With SPL Token 3.5.0, and nothing else yet.
    pub fn start(seed: u64) -> Self {
        let traffic = Traffic::new(PROGRAM, seed);
        let localnet = Localnet::start(LocalnetConfig {
            slot_time_ms: 50,
            funded_accounts: vec![(traffic.payer.pubkey(), 1_000_000_000_000_000)],
            programs: vec![ProgramConfig {
                program_id: PROGRAM,
                elf: samples::spl_token().unwrap(),
                upgrade_authority: None,
            }],
            ..LocalnetConfig::default()
        })
        .unwrap();
        Self {
            client: Client::new(localnet.rpc_url(), portcullis::ID),
            localnet,
            traffic,
            sent: 0,
        }
    }

    pub fn url(&self) -> &str {
        self.localnet.rpc_url()
    }

    pub fn rpc(&self) -> &RpcClient {
        &self.client.rpc
    }

    pub fn source(&self) -> Source<'_> {
        Source {
            client: &self.client,
            program: PROGRAM,
            required: Required::default(),
        }
    }

    /// The next transaction, signed.
    pub async fn next(&mut self) -> VersionedTransaction {
        let step = self.traffic.step();
        self.sent += 1;
        let limit = 1_400_000 - self.sent;
        let budget = [vec![2], limit.to_le_bytes().to_vec()].concat();
        let budget = solana_sdk::instruction::Instruction::new_with_bytes(
            Pubkey::from_str_const("ComputeBudget111111111111111111111111111111"),
            &budget,
            Vec::new(),
        );
        let mut instructions = vec![budget];
        instructions.extend(step.instructions);
        let mut signers: Vec<&Keypair> = vec![&self.traffic.payer];
        for signer in &step.signers {
            if signers
                .iter()
                .all(|known| known.pubkey() != signer.pubkey())
            {
                signers.push(signer);
            }
        }
        let blockhash: Hash = self.rpc().get_latest_blockhash().await.unwrap();
        let payer = self.traffic.payer.pubkey();
        Transaction::new_signed_with_payer(&instructions, Some(&payer), &signers, blockhash).into()
    }

    /// Sends it; the localnet has run it then, well or not.
    pub async fn send(&self, transaction: &VersionedTransaction) -> Signature {
        let config = RpcSendTransactionConfig {
            skip_preflight: true,
            ..RpcSendTransactionConfig::default()
        };
        let sent = self.rpc().send_transaction_with_config(transaction, config);
        sent.await.unwrap()
    }

    /// With what a comparison needs to know of it.
    pub async fn simulate(&self, transaction: &VersionedTransaction) {
        let keys = transaction.message.static_account_keys();
        let config = RpcSimulateTransactionConfig {
            sig_verify: false,
            replace_recent_blockhash: true,
            accounts: Some(RpcSimulateTransactionAccountsConfig {
                encoding: None,
                addresses: keys.iter().map(ToString::to_string).collect(),
            }),
            ..RpcSimulateTransactionConfig::default()
        };
        let rpc = self.rpc();
        rpc.simulate_transaction_with_config(transaction, config)
            .await
            .unwrap();
    }

    /// What a transaction will meet, but for programs and sysvars.
    pub async fn state_before(&self, transaction: &VersionedTransaction) -> Vec<(Pubkey, Account)> {
        let keys = transaction.message.static_account_keys();
        let found = self.client.get_accounts(keys).await.unwrap();
        let found = keys.iter().copied().zip(found);
        let found = found.filter_map(|(key, account)| Some((key, account?)));
        found.filter(|(_, account)| !account.executable).collect()
    }

    /// Writes accounts as they are.
    pub async fn set(&self, accounts: &[(Pubkey, Account)]) {
        for (address, account) in accounts {
            set_account(self.rpc(), address, account).await.unwrap();
        }
    }
}
