//! What a history is rebuilt from: accounts, and the transactions that made them, in one order.

use std::collections::{BTreeMap, BTreeSet};

use anchor_lang::Discriminator;
use futures::{stream, StreamExt, TryStreamExt};
use portcullis::state::{Council, Gate};
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::{pubkey::Pubkey, signature::Signature};

use crate::{
    account::decode_owned, concerns::concerns, error::ClientError, history::ExecutedTransaction,
    rpc::Client,
};

/// Transactions that are fetched at the same time.
const CONCURRENCY: usize = 8;

/// Merges lists of signatures, each oldest first, into one order that agrees with all of them. A signature in several lists
/// has one place; between those, what concerns different accounts is independent of each other.
fn merge(lists: &[Vec<(u64, Signature)>]) -> Option<Vec<Signature>> {
    let mut left: BTreeMap<Signature, usize> = BTreeMap::new();
    for (_, signature) in lists.iter().flatten() {
        *left.entry(*signature).or_default() += 1;
    }
    let mut places = vec![0_usize; lists.len()];
    let head = |places: &[usize], list: usize| {
        let place = places.get(list)?;
        lists.get(list)?.get(*place).copied()
    };
    let mut merged = Vec::with_capacity(left.len());
    while merged.len() < left.len() {
        let mut heads: BTreeMap<(u64, Signature), Vec<usize>> = BTreeMap::new();
        for list in 0..lists.len() {
            if let Some(first) = head(&places, list) {
                heads.entry(first).or_default().push(list);
            }
        }
        // The oldest that is next in every list that has it.
        let ((_, signature), next) = heads
            .into_iter()
            .find(|((_, signature), next)| left.get(signature) == Some(&next.len()))?;
        merged.push(signature);
        for list in next {
            if let Some(place) = places.get_mut(list) {
                *place += 1;
            }
        }
    }
    Some(merged)
}

/// What has been read for a history.
#[derive(Default)]
pub(crate) struct Sources {
    pub councils: BTreeMap<Pubkey, Council>,
    pub gates: BTreeMap<Pubkey, Gate>,
    /// By council or gate, oldest first.
    signatures: BTreeMap<Pubkey, Vec<(u64, Signature)>>,
    pub transactions: BTreeMap<Signature, Option<ExecutedTransaction>>,
}

impl Sources {
    /// The newest transaction that names an account.
    pub(crate) fn newest(&self, account: &Pubkey) -> Option<Signature> {
        let (_, newest) = self.signatures.get(account)?.last()?;
        Some(*newest)
    }

    /// All transactions in one order.
    ///
    /// # Errors
    /// `BadAnswer` where the lists contradict each other.
    pub(crate) fn order(&self) -> Result<Vec<Signature>, ClientError> {
        let lists: Vec<Vec<(u64, Signature)>> = self.signatures.values().cloned().collect();
        merge(&lists).ok_or_else(|| {
            ClientError::bad_answer(
                RpcRequest::GetSignaturesForAddress,
                "the order of transactions differs between accounts",
            )
        })
    }
}

impl Client {
    /// A council, its gates, and whatever their transactions lead to. Each account is read before its transactions, so that
    /// none is ahead of its history.
    pub(crate) async fn sources(&self, council: &Pubkey) -> Result<Sources, ClientError> {
        let mut sources = Sources::default();
        let gates = self.list_gates(Some(council)).await?;
        let mut unread: BTreeSet<Pubkey> = gates.iter().map(|gate| gate.address).collect();
        unread.insert(*council);
        while let Some(address) = unread.pop_first() {
            match self.get_account(&address).await? {
                Some(account) if account.data.starts_with(Gate::DISCRIMINATOR) => {
                    let gate = decode_owned(&self.portcullis, &address, &account)?;
                    sources.gates.insert(address, gate);
                }
                Some(account) => {
                    let council = decode_owned(&self.portcullis, &address, &account)?;
                    sources.councils.insert(address, council);
                }
                // Both exist for ever; without an account its verdict is `Missing`.
                None => {}
            }
            let signatures = self.signatures_of(&address, None).await?;
            let missing: Vec<Signature> = signatures
                .iter()
                .map(|(_, signature)| *signature)
                .filter(|signature| !sources.transactions.contains_key(signature))
                .collect();
            sources.signatures.insert(address, signatures);
            let fetched = self.executed_transactions(missing).await?;
            sources.transactions.extend(fetched);
            // Any of the transactions may belong to an account that became known only now.
            let known = |key: &Pubkey| sources.signatures.contains_key(key);
            let instructions = sources.transactions.values().flatten();
            for instruction in instructions.flat_map(|transaction| &transaction.instructions) {
                let named = concerns(&self.portcullis, &instruction.data, &instruction.accounts);
                if named.iter().any(known) {
                    unread.extend(named.into_iter().filter(|key| !known(key)));
                }
            }
        }
        Ok(sources)
    }

    /// Transactions, in the order asked; `None` where one failed.
    pub(crate) async fn executed_transactions(
        &self,
        signatures: Vec<Signature>,
    ) -> Result<Vec<(Signature, Option<ExecutedTransaction>)>, ClientError> {
        stream::iter(signatures)
            .map(|signature| async move {
                Ok((signature, self.executed_transaction(signature).await?))
            })
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u64, u8)]) -> Vec<(u64, Signature)> {
        entries
            .iter()
            .map(|(slot, byte)| (*slot, Signature::from([*byte; 64])))
            .collect()
    }

    fn merged(lists: &[&[(u64, u8)]]) -> Option<Vec<u8>> {
        let lists: Vec<_> = lists.iter().map(|entries| list(entries)).collect();
        let order = merge(&lists)?;
        Some(
            order
                .iter()
                .map(|signature| signature.as_ref()[0])
                .collect(),
        )
    }

    #[test]
    fn lists_are_merged_by_slot_and_keep_their_order_within_one() {
        assert_eq!(merged(&[]), Some(vec![]));
        assert_eq!(merged(&[&[(1, 9), (3, 1)], &[(2, 5)]]), Some(vec![9, 5, 1]));
        // In slot 1, list one says 9 before 5, list two 5 before 2.
        assert_eq!(
            merged(&[&[(1, 9), (1, 5)], &[(1, 5), (1, 2)]]),
            Some(vec![9, 5, 2])
        );
    }

    #[test]
    fn lists_that_contradict_each_other_are_noticed() {
        assert_eq!(merged(&[&[(1, 1), (1, 2)], &[(1, 2), (1, 1)]]), None);
    }
}
