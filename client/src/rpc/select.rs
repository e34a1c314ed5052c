//! Accounts of any program.

use solana_account::Account;
use solana_rpc_client_api::{
    config::{
        RpcAccountInfoConfig, RpcProgramAccountsConfig, UiAccountEncoding, UiDataSliceConfig,
    },
    filter::{Memcmp, RpcFilterType},
    request::RpcRequest,
};
use solana_sdk::pubkey::Pubkey;

use super::Client;
use crate::error::ClientError;

impl Client {
    /// A program's accounts that have `len` bytes of data, if that is given, and hold these bytes at these offsets; of their data
    /// only the first `head` bytes, if that is given, which reach over all that is filtered. Servers take no more than four
    /// filters, the length counted.
    ///
    /// # Errors
    /// Those of the server; `BadAnswer` for an account that was not asked for.
    pub async fn select_accounts(
        &self,
        program: &Pubkey,
        len: Option<usize>,
        filters: &[(usize, &[u8])],
        head: Option<usize>,
    ) -> Result<Vec<(Pubkey, Account)>, ClientError> {
        let sized = len.map(|len| RpcFilterType::DataSize(len as u64));
        let held = filters.iter().map(|(offset, bytes)| {
            RpcFilterType::Memcmp(Memcmp::new_base58_encoded(*offset, bytes))
        });
        let config = RpcProgramAccountsConfig {
            filters: Some(sized.into_iter().chain(held).collect()),
            account_config: RpcAccountInfoConfig {
                encoding: Some(UiAccountEncoding::Base64),
                data_slice: head.map(|length| UiDataSliceConfig { offset: 0, length }),
                commitment: Some(self.rpc.commitment()),
                min_context_slot: None,
            },
            with_context: None,
            sort_results: None,
        };
        let listed = self
            .rpc
            .get_program_ui_accounts_with_config(program, config)
            .await?;
        let listed = listed.into_iter().map(|(address, encoded)| {
            let bad =
                |reason: String| ClientError::bad_answer(RpcRequest::GetProgramAccounts, reason);
            let account = encoded
                .to_account()
                .ok_or_else(|| bad(format!("the data of {address} is not base64")))?;
            let holds = |(offset, bytes): &(usize, &[u8])| {
                let found = account.data.get(*offset..);
                found.is_some_and(|found| found.starts_with(bytes))
            };
            let sized = head.is_some() || len.is_none_or(|len| account.data.len() == len);
            if account.owner != *program || !sized || !filters.iter().all(holds) {
                return Err(bad(format!(
                    "{address} was not asked for, use another RPC server"
                )));
            }
            Ok((address, account))
        });
        listed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::mock;

    #[tokio::test]
    async fn only_what_was_asked_for_is_taken() {
        let (program, address) = (Pubkey::new_unique(), Pubkey::new_unique());
        let answer = mock::listed(&[(address, program, &[1, 2, 3])]);
        let client =
            mock::client([(); 5].map(|()| (RpcRequest::GetProgramAccounts, answer.clone())));
        let found = client
            .select_accounts(&program, Some(3), &[(1, &[2])], None)
            .await
            .unwrap();
        assert_eq!(
            (found[0].0, found[0].1.data.as_slice()),
            (address, [1, 2, 3].as_slice())
        );
        let none: &[u8] = &[];
        for (owner, len, filter) in [
            (address, Some(3), (0, none)),
            (program, Some(4), (0, none)),
            (program, None, (1, [3].as_slice())),
            (program, None, (3, [3].as_slice())),
        ] {
            let error = client
                .select_accounts(&owner, len, &[filter], None)
                .await
                .unwrap_err();
            assert!(
                matches!(&error, ClientError::BadAnswer { reason, .. } if reason.contains("not asked for")),
                "{error}"
            );
        }
    }
}
