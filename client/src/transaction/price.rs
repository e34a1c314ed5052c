//! What others have paid lately to be executed first.

use solana_sdk::pubkey::Pubkey;

use crate::{error::ClientError, rpc::Client};

/// How many accounts one request may name (`MAX_TX_ACCOUNT_LOCKS`, Agave 4.2).
const MAX_ACCOUNTS: usize = 128;

impl Client {
    /// The price in micro-lamports for each compute unit that would have been enough in three of four recent blocks that wrote
    /// these accounts. Zero where nobody paid.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn recent_compute_unit_price(&self, accounts: &[Pubkey]) -> Result<u64, ClientError> {
        let accounts = accounts.get(..MAX_ACCOUNTS).unwrap_or(accounts);
        let recent = self.rpc.get_recent_prioritization_fees(accounts).await?;
        let prices = recent.iter().map(|block| block.prioritization_fee);
        Ok(third_quartile(prices.collect()))
    }
}

fn third_quartile(mut prices: Vec<u64>) -> u64 {
    prices.sort_unstable();
    let place = prices.len().saturating_mul(3) / 4;
    prices.get(place).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::third_quartile;

    #[test]
    fn three_of_four_blocks_are_outbid_or_equalled() {
        for (prices, price) in [
            (vec![], 0),
            (vec![5], 5),
            (vec![0, 0, 0, 9], 9),
            (vec![9, 0, 0, 0, 0], 0),
            (vec![4, 3, 2, 1, 0], 3),
        ] {
            assert_eq!(third_quartile(prices), price);
        }
    }
}
