//! Writes a buffer's bytes, in passes: what the account itself holds decides whether anything is missing.

use super::{
    diff::{len_of, Chunk},
    pass::Pass,
    step::{may_pass, pause_after, IDLE_ROUNDS},
    uploader::Uploader,
    UploadProgress,
};
use crate::{account::Buffer, error::ClientError, transaction::POLL};

/// How often the account is read again before that is written anew which is said to be confirmed: a server may be behind.
const READINGS: u32 = 3;

impl Uploader<'_> {
    /// Writes what is missing in the buffer as it was found, until reading it shows that nothing is. Returns how many writes
    /// were confirmed.
    pub(super) async fn write_all(
        &self,
        found: Option<&Buffer>,
        progress: &dyn Fn(UploadProgress),
    ) -> Result<usize, ClientError> {
        let mut missing = self.missing(found)?;
        let (mut writes, mut idle) = (0_usize, 0_u32);
        while !missing.is_empty() {
            let before = len_of(&missing);
            let mut pass = Pass::new(self, progress, missing.clone());
            pass.run().await?;
            writes = writes.saturating_add(pass.confirmed);
            let readings = if pass.lost.is_empty() { READINGS } else { 0 };
            match self.read_back(readings).await {
                Ok(found) => missing = found,
                Err(error) if may_pass(&error) => pass.reason = Some(error),
                Err(error) => return Err(error),
            }
            idle = match len_of(&missing) < before {
                true => 0,
                false => idle.saturating_add(1),
            };
            if let Some(offset) = missing.first().map(|chunk| chunk.start) {
                if idle > IDLE_ROUNDS {
                    let buffer = self.buffer;
                    return Err(pass
                        .reason
                        .unwrap_or(ClientError::BufferContent { buffer, offset }));
                }
                if idle > 0 {
                    tokio::time::sleep(pause_after(idle)).await;
                }
            }
        }
        self.report(0, progress);
        Ok(writes)
    }

    /// What is missing in the buffer; where anything is, it is read again so often before that is believed.
    async fn read_back(&self, again: u32) -> Result<Vec<Chunk>, ClientError> {
        let mut reading = 0;
        loop {
            let found = self.fetch().await?;
            // A buffer that was created must be there.
            if found.is_none() && reading >= READINGS {
                return Err(ClientError::NotFound {
                    address: self.buffer,
                    expected: "the uploaded buffer",
                });
            }
            let missing = self.missing(found.as_ref())?;
            if missing.is_empty() || (found.is_some() && reading >= again) {
                return Ok(missing);
            }
            tokio::time::sleep(POLL.saturating_mul(1 << reading)).await;
            reading += 1;
        }
    }

    pub(super) fn report(&self, missing: usize, progress: &dyn Fn(UploadProgress)) {
        let total = self.wanted.len();
        progress(UploadProgress {
            written: total.saturating_sub(missing),
            total,
        });
    }
}
