//! One pass over what is missing: many transactions at a time, sent again until they are confirmed or their blockhash has expired.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use futures::{stream, StreamExt};
use solana_sdk::{hash::Hash, signature::Signature};
use solana_sdk_ids::bpf_loader_upgradeable;
use solana_transaction::versioned::VersionedTransaction;

use super::{
    diff::{len_of, Chunk},
    step::{may_pass, STILL},
    uploader::Uploader,
    UploadProgress,
};
use crate::{
    error::ClientError,
    transaction::{sign, signature, unchecked, unsettled, PATIENCE, POLL, RESEND},
};

/// How many signatures one status request may name (`MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS`, rpc-client-api 4.2); no more
/// writes than that are under way at a time.
const WINDOW: usize = 256;
/// A blockhash is used for so long for what is signed newly.
const FRESH: Duration = Duration::from_secs(10);

/// A write under way.
struct Open {
    chunk: Chunk,
    transaction: VersionedTransaction,
    last_valid_block_height: u64,
    begun: Instant,
    /// Since when no error of sending is known.
    sent: Option<Instant>,
}

/// One pass over chunks.
pub(super) struct Pass<'a, 'p> {
    engine: &'a Uploader<'a>,
    progress: &'p dyn Fn(UploadProgress),
    pending: VecDeque<Chunk>,
    open: Vec<Open>,
    /// Neither confirmed nor able to land any more.
    pub(super) lost: Vec<Chunk>,
    pub(super) confirmed: usize,
    /// The block height when it was last seen.
    height: u64,
    blockhash: Option<(Hash, u64, Instant)>,
    /// The last error that the servers gave.
    pub(super) reason: Option<ClientError>,
}

impl<'a, 'p> Pass<'a, 'p> {
    /// Nothing is under way yet.
    pub(super) fn new(
        engine: &'a Uploader<'a>,
        progress: &'p dyn Fn(UploadProgress),
        chunks: Vec<Chunk>,
    ) -> Self {
        Self {
            engine,
            progress,
            pending: chunks.into(),
            open: Vec::new(),
            lost: Vec::new(),
            confirmed: 0,
            height: 0,
            blockhash: None,
            reason: None,
        }
    }

    /// Ends when each chunk is confirmed or lost.
    ///
    /// # Errors
    /// What will not get better: a write that the loader refuses, servers that stay silent.
    pub(super) async fn run(&mut self) -> Result<(), ClientError> {
        let begun = Instant::now();
        let (mut moved, mut heard, mut still) = (begun, begun, STILL);
        // When a write was seen to be there.
        let mut got_on = begun;
        loop {
            self.report();
            if self.pending.is_empty() && self.open.is_empty() {
                return Ok(());
            }
            if got_on.elapsed() >= PATIENCE && self.open.is_empty() {
                // Servers answer, and give no blockhash that is of use.
                self.lost.extend(self.pending.drain(..));
                return Ok(());
            }
            let height = self.height;
            match self.look().await {
                Ok(confirmed) => {
                    heard = Instant::now();
                    if confirmed > 0 {
                        (moved, got_on, still) = (heard, heard, STILL);
                    }
                    self.drop_expired(height);
                }
                Err(error) if !may_pass(&error) => return Err(error),
                Err(error) if heard.elapsed() >= PATIENCE => return Err(error),
                Err(error) => self.reason = Some(error),
            }
            if moved.elapsed() >= still {
                moved = Instant::now();
                match self.look_at_account().await? {
                    true => (got_on, still) = (moved, STILL),
                    false => still = still.saturating_mul(2),
                }
            }
            self.sign_more().await?;
            self.send_due().await;
            tokio::time::sleep(POLL).await;
        }
    }

    fn report(&self) {
        let pending: usize = self.pending.iter().map(ExactSizeIterator::len).sum();
        let open: usize = self.open.iter().map(|open| open.chunk.len()).sum();
        let missing = pending
            .saturating_add(open)
            .saturating_add(len_of(&self.lost));
        self.engine.report(missing, self.progress);
    }

    /// Asks for all that is under way at once, and for the block height. Returns how many writes are confirmed.
    async fn look(&mut self) -> Result<usize, ClientError> {
        let client = self.engine.client;
        let signatures: Vec<Signature> = self.open.iter().map(Open::signature).collect();
        let statuses = async {
            match signatures.is_empty() {
                true => Ok(Vec::new()),
                false => {
                    let answer = client.rpc.get_signature_statuses(&signatures).await;
                    answer.map(|answer| answer.value)
                }
            }
        };
        let (height, statuses) = futures::join!(client.rpc.get_block_height(), statuses);
        match height {
            Ok(height) => self.height = height,
            Err(error) => self.reason = Some(error.into()),
        }
        let statuses = statuses?;
        let mut statuses = statuses.into_iter();
        let before = self.open.len();
        let mut failed = None;
        self.open.retain(|open| match statuses.next().flatten() {
            Some(status) if client.is_settled(&status) => {
                if let Some(error) = status.err {
                    failed = Some((open.signature(), error));
                }
                false
            }
            _ => true,
        });
        if let Some((signature, error)) = failed {
            let programs = [bpf_loader_upgradeable::ID];
            return Err(client.failure(&signature, error, &programs).await);
        }
        let confirmed = before.saturating_sub(self.open.len());
        self.confirmed = self.confirmed.saturating_add(confirmed);
        Ok(confirmed)
    }

    /// Nothing was confirmed for a while: drops what the account holds nevertheless, and what was signed with a blockhash that
    /// the chain does not know. Whether that was anything.
    async fn look_at_account(&mut self) -> Result<bool, ClientError> {
        let engine = self.engine;
        let found = match engine.fetch().await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(false),
            Err(error) if may_pass(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        let before = self.open.len();
        self.open.retain(|open| {
            let wanted = engine.wanted.get(open.chunk.clone());
            found.elf.get(open.chunk.clone()) != wanted
        });
        let written = before.saturating_sub(self.open.len());
        self.confirmed = self.confirmed.saturating_add(written);
        let unknown = match self.blockhash {
            Some((hash, ..)) if written == 0 => {
                let level = engine.client.rpc.commitment();
                let valid = engine.client.rpc.is_blockhash_valid(&hash, level).await;
                valid.is_ok_and(|valid| !valid)
            }
            _ => false,
        };
        if unknown {
            self.blockhash = None;
            self.lost.extend(self.open.drain(..).map(|open| open.chunk));
        }
        Ok(written > 0 || unknown)
    }

    /// Writing the same bytes twice does no harm, but costs a fee: only what cannot land any more is written anew. The height is
    /// one that was seen before the statuses were asked for.
    fn drop_expired(&mut self, height: u64) {
        let (lost, reason) = (&mut self.lost, &mut self.reason);
        self.open.retain(|open| {
            let last = open.last_valid_block_height;
            let given_up = open.begun.elapsed() >= PATIENCE;
            if given_up {
                *reason = Some(unsettled(&open.signature(), height, last, PATIENCE));
            }
            let gone = given_up || height > last;
            if gone {
                lost.push(open.chunk.clone());
            }
            !gone
        });
    }

    /// Signs as many of the pending chunks as may be under way.
    async fn sign_more(&mut self) -> Result<(), ClientError> {
        let (height, renewed) = (self.height, self.blockhash.is_some());
        let room = WINDOW.saturating_sub(self.open.len());
        if room == 0 || self.pending.is_empty() {
            return Ok(());
        }
        self.blockhash = self
            .blockhash
            .filter(|(_, last, taken)| height < *last && taken.elapsed() < FRESH);
        let (blockhash, last_valid_block_height) = match self.blockhash {
            Some((blockhash, last, _)) => (blockhash, last),
            None => match self.engine.blockhash().await {
                // From a server that is behind: nothing would land with it.
                Ok((_, last)) if last <= height => return Ok(()),
                Ok((blockhash, last)) => {
                    self.blockhash = Some((blockhash, last, Instant::now()));
                    if renewed {
                        self.engine.follow_price().await;
                    }
                    (blockhash, last)
                }
                Err(error) if may_pass(&error) => {
                    self.reason = Some(error);
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
        };
        let signers = [self.engine.payer, self.engine.authority];
        for _ in 0..room {
            let Some(chunk) = self.pending.pop_front() else {
                break;
            };
            let message = self.engine.write_message(chunk.clone(), blockhash)?;
            self.open.push(Open {
                chunk,
                transaction: sign(message, &signers)?,
                last_valid_block_height,
                begun: Instant::now(),
                sent: None,
            });
        }
        Ok(())
    }

    /// Sends what is new, what was not confirmed for a while, and what could not be sent.
    async fn send_due(&mut self) {
        let rpc = &self.engine.client.rpc;
        let concurrency = self.engine.options.concurrency.max(1);
        let due = self
            .open
            .iter_mut()
            .filter(|open| open.sent.is_none_or(|sent| sent.elapsed() >= RESEND));
        let errors = stream::iter(due)
            .map(|open| async move {
                let sent = rpc
                    .send_transaction_with_config(&open.transaction, unchecked())
                    .await;
                open.sent = sent.is_ok().then(Instant::now);
                sent.err()
            })
            .buffer_unordered(concurrency)
            .filter_map(|error| async move { error })
            .collect::<Vec<_>>()
            .await;
        if let Some(error) = errors.into_iter().next_back() {
            self.reason = Some(error.into());
        }
    }
}

impl Open {
    fn signature(&self) -> Signature {
        signature(&self.transaction)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use solana_compute_budget_interface::ComputeBudgetInstruction;
    use solana_keypair::Keypair;
    use solana_rpc_client_api::request::RpcRequest;

    use super::*;
    use crate::{
        rpc::mock,
        upload::{uploader::tests::uploader_for, UploadOptions},
    };

    #[tokio::test]
    async fn the_price_follows_the_others_with_each_new_blockhash_up_to_its_ceiling() {
        let blockhash = |last: u64| {
            let answer = json!({
                "context": { "slot": 1 },
                "value": { "blockhash": Hash::default().to_string(), "lastValidBlockHeight": last },
            });
            (RpcRequest::GetLatestBlockhash, answer)
        };
        let paid = |price: u64| {
            let answer = json!([{ "slot": 1, "prioritizationFee": price }]);
            (RpcRequest::GetRecentPrioritizationFees, answer)
        };
        let answers = [
            blockhash(100),
            blockhash(200),
            blockhash(300),
            blockhash(400),
            paid(70),
            paid(5_000),
        ];
        let keys = (Keypair::new(), Keypair::new());
        for (price, ceiling, prices) in [
            (Some(9), Some(1_000), [9, 70, 1_000, 1_000].map(Some)),
            (Some(9), None, [Some(9); 4]),
            (None, Some(1_000), [None; 4]),
        ] {
            let client = mock::client(answers.clone());
            let options = UploadOptions {
                compute_unit_price_micro_lamports: price,
                compute_unit_price_ceiling_micro_lamports: ceiling,
                ..UploadOptions::default()
            };
            let engine = uploader_for(&client, &[7; 8], (&keys.0, &keys.1), &options);
            let mut pass = Pass::new(&engine, &|_| {}, Vec::new());
            for (height, price) in [0, 100, 200, 300].into_iter().zip(prices) {
                // Two with the same blockhash; at the last height that it is valid at, it is renewed.
                pass.height = height;
                for _ in 0..2 {
                    pass.pending.push_back(0..8);
                    pass.sign_more().await.unwrap();
                    let open = pass.open.last().unwrap();
                    assert_eq!(open.last_valid_block_height, height + 100);
                    assert_eq!(engine.price.get(), price, "{height}");
                    let wanted = price.map(ComputeBudgetInstruction::set_compute_unit_price);
                    let instructions = open.transaction.message.instructions();
                    let mut data = instructions.iter().map(|found| &found.data);
                    assert!(wanted.is_none_or(|wanted| data.any(|found| *found == wanted.data)));
                }
            }
        }
    }
}
