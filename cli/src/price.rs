//! What transactions pay to be executed first.

use std::str::FromStr;

use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

use crate::{context::Context, error::CliError};

/// No more than this is paid for each compute unit without the user's word: 0.0014 SOL for the largest transaction.
const CEILING: u64 = 1_000_000;

/// Micro-lamports for each compute unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputeUnitPrice {
    Fixed(u64),
    /// What others paid lately for the accounts that are written, within this bound.
    Auto {
        ceiling: u64,
    },
}

impl FromStr for ComputeUnitPrice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| {
            text.parse().map_err(|_| {
                format!("a price must be a number of micro-lamports, auto or auto:NUMBER, found `{text}`")
            })
        };
        Ok(match text.strip_prefix("auto") {
            Some("") => Self::Auto { ceiling: CEILING },
            Some(rest) => Self::Auto {
                ceiling: number(rest.strip_prefix(':').unwrap_or(text))?,
            },
            None => Self::Fixed(number(text)?),
        })
    }
}

impl Context {
    /// The price of this command's transactions: for `auto` the bound, until [`settle_price`](Self::settle_price) was called.
    pub fn compute_unit_price(&self) -> Option<u64> {
        Some(match self.global.compute_unit_price? {
            ComputeUnitPrice::Fixed(price) => price,
            ComputeUnitPrice::Auto { ceiling } => {
                self.settled_price.get().copied().unwrap_or(ceiling)
            }
        })
    }

    /// How far the price may follow the others' where a command takes long; none where it is fixed.
    pub fn compute_unit_price_ceiling(&self) -> Option<u64> {
        match self.global.compute_unit_price? {
            ComputeUnitPrice::Fixed(_) => None,
            ComputeUnitPrice::Auto { ceiling } => Some(ceiling),
        }
    }

    /// Finds the price for `auto`, by the accounts that the command's first transactions write. It stays the same to the end of
    /// the command, so that what was announced is what it costs; only an upload, which may take long, finds it anew.
    ///
    /// # Errors
    /// Those of the RPC server.
    pub async fn settle_price(&self, written: &[Pubkey]) -> Result<(), CliError> {
        let Some(ComputeUnitPrice::Auto { ceiling }) = self.global.compute_unit_price else {
            return Ok(());
        };
        if self.settled_price.get().is_some() {
            return Ok(());
        }
        let recent = self.client()?.recent_compute_unit_price(written).await?;
        let price = *self.settled_price.get_or_init(|| recent.min(ceiling));
        let bound = match recent > ceiling {
            true => format!(", the bound; others paid {recent}"),
            false => String::new(),
        };
        self.out.note(&format!(
            "priority fee: {price} micro-lamports for each compute unit{bound}"
        ));
        Ok(())
    }
}

/// The accounts that instructions write, each once.
pub fn written<'a>(instructions: impl IntoIterator<Item = &'a Instruction>) -> Vec<Pubkey> {
    let metas = instructions.into_iter().flat_map(|ix| &ix.accounts);
    let mut keys: Vec<Pubkey> = metas
        .filter(|meta| meta.is_writable)
        .map(|meta| meta.pubkey)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_number_or_auto() {
        for (text, price) in [
            ("0", Some(ComputeUnitPrice::Fixed(0))),
            ("1000", Some(ComputeUnitPrice::Fixed(1_000))),
            ("auto", Some(ComputeUnitPrice::Auto { ceiling: CEILING })),
            ("auto:7", Some(ComputeUnitPrice::Auto { ceiling: 7 })),
            ("auto:", None),
            ("auto7", None),
            ("automatic", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), price, "{text}");
        }
    }
}
