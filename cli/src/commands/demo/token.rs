//! A mint and two accounts under the demo's token program. SPL Token's own builders insist on its usual address, so the
//! instructions are put together here from its packed data.

use portcullis_client::{Client, ClientError, SendOptions};
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
    signature::{Keypair, Signature},
    signer::Signer,
};
use solana_system_interface::instruction::create_account;
use spl_token_interface::instruction::TokenInstruction;

/// Bytes of a mint and of a token account (spl-token-interface 3, `Pack::LEN`).
const MINT_LEN: u64 = 82;
const ACCOUNT_LEN: u64 = 165;
/// Where the amount stands in a token account (behind mint and owner).
const AMOUNT_OFFSET: usize = 64;

/// Tokens under `program`.
pub struct Tokens<'a> {
    client: &'a Client,
    program: Pubkey,
    owner: &'a Keypair,
    from: Keypair,
    to: Keypair,
}

impl<'a> Tokens<'a> {
    /// Makes a mint and two accounts of `owner`, who pays, and mints `amount` into the first.
    ///
    /// # Errors
    /// Where a transaction fails.
    pub async fn create(
        client: &'a Client,
        program: Pubkey,
        owner: &'a Keypair,
        amount: u64,
    ) -> Result<Self, ClientError> {
        let (mint, from, to) = (Keypair::new(), Keypair::new(), Keypair::new());
        let mut instructions = Vec::new();
        for (account, len) in [(&mint, MINT_LEN), (&from, ACCOUNT_LEN), (&to, ACCOUNT_LEN)] {
            let len_usize = usize::try_from(len).unwrap_or(usize::MAX);
            let rent = client
                .rpc
                .get_minimum_balance_for_rent_exemption(len_usize)
                .await?;
            instructions.push(create_account(
                &owner.pubkey(),
                &account.pubkey(),
                rent,
                len,
                &program,
            ));
        }
        let call = |data: TokenInstruction, accounts: Vec<AccountMeta>| Instruction {
            program_id: program,
            accounts,
            data: data.pack(),
        };
        instructions.push(call(
            TokenInstruction::InitializeMint2 {
                decimals: 0,
                mint_authority: owner.pubkey().to_bytes().into(),
                freeze_authority: None.into(),
            },
            vec![AccountMeta::new(mint.pubkey(), false)],
        ));
        for account in [&from, &to] {
            instructions.push(call(
                TokenInstruction::InitializeAccount3 {
                    owner: owner.pubkey().to_bytes().into(),
                },
                vec![
                    AccountMeta::new(account.pubkey(), false),
                    AccountMeta::new_readonly(mint.pubkey(), false),
                ],
            ));
        }
        instructions.push(call(
            TokenInstruction::MintTo { amount },
            vec![
                AccountMeta::new(mint.pubkey(), false),
                AccountMeta::new(from.pubkey(), false),
                AccountMeta::new_readonly(owner.pubkey(), true),
            ],
        ));
        client
            .send(
                &instructions,
                owner,
                &[&mint, &from, &to],
                &SendOptions::default(),
            )
            .await?;
        Ok(Self {
            client,
            program,
            owner,
            from,
            to,
        })
    }

    /// Moves tokens from the first account to the second; gives the compute units that the transaction took.
    ///
    /// # Errors
    /// Where the transaction fails or its record is not there.
    pub async fn transfer(&self, amount: u64) -> Result<u64, ClientError> {
        let instruction = Instruction {
            program_id: self.program,
            accounts: vec![
                AccountMeta::new(self.from.pubkey(), false),
                AccountMeta::new(self.to.pubkey(), false),
                AccountMeta::new_readonly(self.owner.pubkey(), true),
            ],
            data: TokenInstruction::Transfer { amount }.pack(),
        };
        let signature: Signature = self
            .client
            .send(&[instruction], self.owner, &[], &SendOptions::default())
            .await?;
        let summary = self.client.transaction_summary(&signature).await?;
        Ok(summary.compute_units.unwrap_or_default())
    }

    /// The two accounts' balances.
    ///
    /// # Errors
    /// Where an account is not there or no token account.
    pub async fn balances(&self) -> Result<(u64, u64), ClientError> {
        let mut amounts = Vec::new();
        for key in [self.from.pubkey(), self.to.pubkey()] {
            let amount = self
                .client
                .get_account(&key)
                .await?
                .and_then(|account| {
                    let bytes = account.data.get(AMOUNT_OFFSET..AMOUNT_OFFSET + 8)?;
                    Some(u64::from_le_bytes(bytes.try_into().ok()?))
                })
                .ok_or(ClientError::NotFound {
                    address: key,
                    expected: "a token account",
                })?;
            amounts.push(amount);
        }
        Ok((
            amounts.first().copied().unwrap_or_default(),
            amounts.get(1).copied().unwrap_or_default(),
        ))
    }
}
