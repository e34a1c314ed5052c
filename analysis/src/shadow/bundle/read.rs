//! Reads bundles, which may be anybody's: every size has a limit.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use flate2::read::MultiGzDecoder;
use portcullis_client::elf::MAX_ACCOUNT_LEN;
use solana_sha256_hasher::Hasher;

use super::format::{End, Header, Line, Recorded, StoredAccount, KIND, SCHEMA_VERSION};
use crate::shadow::ShadowError;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The most that is read of a bundle.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one line: an account of 10 MiB is 14 million bytes of base64, and a transaction may load 64 MiB.
    pub line_bytes: u64,
    /// Of all lines, decompressed.
    pub total_bytes: u64,
    /// Accounts that are there from the start.
    pub accounts: u64,
    pub transactions: u64,
    /// Of all accounts together, as they are at any one time.
    pub state_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: 96 << 20,
            total_bytes: 16 << 30,
            accounts: 1_000_000,
            transactions: 1_000_000,
            state_bytes: 256 << 20,
        }
    }
}

/// A bundle, read line by line.
pub struct Reader {
    from: Box<dyn BufRead + Send>,
    hasher: Arc<Mutex<Hasher>>,
    limits: Limits,
    header: Header,
    /// The last line that was read, and its number.
    buffer: Vec<u8>,
    line: u64,
    bytes: u64,
    counted: End,
    /// A line that was read ahead.
    next: Option<Line>,
    ended: bool,
}

/// Passes on what it reads, and hashes it.
struct Hashed<R> {
    from: R,
    hasher: Arc<Mutex<Hasher>>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        lock(&self.hasher).hash(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl Reader {
    /// Opens a file, and reads its header.
    ///
    /// # Errors
    /// A file that cannot be read, or is no bundle of this version.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, ShadowError> {
        Self::new(File::open(path)?, limits)
    }

    /// Reads a bundle from anywhere, compressed or not.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn new(from: impl Read + Send + 'static, limits: Limits) -> Result<Self, ShadowError> {
        let hasher = Arc::new(Mutex::new(Hasher::default()));
        let mut from = BufReader::new(Hashed {
            from,
            hasher: Arc::clone(&hasher),
        });
        let compressed = from.fill_buf()?.starts_with(&GZIP);
        let mut reader = Self {
            from: match compressed {
                true => Box::new(BufReader::new(MultiGzDecoder::new(from))),
                false => Box::new(from),
            },
            hasher,
            limits,
            header: Header {
                kind: String::new(),
                schema_version: 0,
                program: Default::default(),
                deployed_sha256: String::new(),
                genesis_hash: String::new(),
                pre_state: super::PreState::Snapshot,
            },
            buffer: Vec::new(),
            line: 0,
            bytes: 0,
            counted: End::default(),
            next: None,
            ended: false,
        };
        reader.read_header()?;
        Ok(reader)
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The limits that it is read with.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// SHA-256 of the file, once all of it is read.
    pub fn sha256(&self) -> [u8; 32] {
        lock(&self.hasher).clone().result().to_bytes()
    }

    /// The next account that is there from the start; `None`: the transactions follow.
    ///
    /// # Errors
    /// A line that is not usable.
    pub fn account(&mut self) -> Result<Option<StoredAccount>, ShadowError> {
        if self.next.is_some() || self.ended {
            return Ok(None);
        }
        match self.read_line()? {
            Line::Account(account) => {
                self.counted.accounts = self.counted.accounts.saturating_add(1);
                if self.counted.accounts > self.limits.accounts {
                    return Err(too_large("accounts", self.limits.accounts));
                }
                self.check(&account)?;
                Ok(Some(account))
            }
            other => {
                self.next = Some(other);
                Ok(None)
            }
        }
    }

    /// The next transaction, behind the accounts; `None`: that was the last one, and nothing is missing.
    ///
    /// # Errors
    /// A line that is not usable; `Truncated`.
    pub fn transaction(&mut self) -> Result<Option<Recorded>, ShadowError> {
        if self.ended {
            return Ok(None);
        }
        let line = match self.next.take() {
            Some(line) => line,
            None => self.read_line()?,
        };
        match line {
            Line::Transaction(transaction) => {
                self.counted.transactions = self.counted.transactions.saturating_add(1);
                if self.counted.transactions > self.limits.transactions {
                    return Err(too_large("transactions", self.limits.transactions));
                }
                for account in &transaction.accounts {
                    self.check(account)?;
                }
                Ok(Some(*transaction))
            }
            Line::End(end) => self.end(end).map(|()| None),
            Line::Header(_) => Err(self.malformed("a second header")),
            Line::Account(_) => Err(self.malformed("an account behind the transactions")),
        }
    }

    fn end(&mut self, end: End) -> Result<(), ShadowError> {
        if end != self.counted {
            return Err(self.malformed(format!(
                "it counts {} accounts and {} transactions, and there are {} and {}",
                end.accounts, end.transactions, self.counted.accounts, self.counted.transactions
            )));
        }
        self.ended = true;
        // The checksum of the compressed file stands behind the last line, and is checked when that is read.
        let mut rest = [0];
        let read = self.from.read(&mut rest);
        if read.map_err(|error| self.unread(error))? != 0 {
            return Err(self.malformed("something follows the last line"));
        }
        Ok(())
    }

    fn read_header(&mut self) -> Result<(), ShadowError> {
        let line = self.read_raw().map_err(|error| match error {
            ShadowError::Truncated => self.malformed("the file is empty"),
            other => other,
        })?;
        // Of a later version, nothing but these two is known.
        #[derive(serde::Deserialize)]
        struct Peek {
            header: Version,
        }
        #[derive(serde::Deserialize)]
        struct Version {
            kind: String,
            schema_version: u32,
        }
        match serde_json::from_slice::<Peek>(&line) {
            Ok(peek) if peek.header.kind == KIND => {
                let found = peek.header.schema_version;
                if found != SCHEMA_VERSION {
                    return Err(ShadowError::Version {
                        found,
                        required: SCHEMA_VERSION,
                    });
                }
            }
            _ => return Err(self.malformed(format!("it must be the header of a {KIND}"))),
        }
        match self.parse(&line)? {
            Line::Header(header) => self.header = header,
            _ => return Err(self.malformed("it must be the header")),
        }
        Ok(())
    }

    fn read_line(&mut self) -> Result<Line, ShadowError> {
        let line = self.read_raw()?;
        let parsed = self.parse(&line);
        self.buffer = line;
        parsed
    }

    /// The next line's bytes; the buffer is taken out, and may be given back.
    fn read_raw(&mut self) -> Result<Vec<u8>, ShadowError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let most = self.limits.line_bytes.saturating_add(1);
        let read = (&mut self.from)
            .take(most)
            .read_until(b'\n', &mut buffer)
            .map_err(|error| self.unread(error))?;
        self.line = self.line.saturating_add(1);
        self.bytes = self.bytes.saturating_add(read as u64);
        if self.bytes > self.limits.total_bytes {
            return Err(too_large("bytes", self.limits.total_bytes));
        }
        if buffer.last() == Some(&b'\n') {
            return Ok(buffer);
        }
        if buffer.len() as u64 >= most {
            return Err(too_large("bytes in a line", self.limits.line_bytes));
        }
        Err(ShadowError::Truncated)
    }

    fn parse(&self, line: &[u8]) -> Result<Line, ShadowError> {
        serde_json::from_slice(line).map_err(|error| self.malformed(error.to_string()))
    }

    fn check(&self, account: &StoredAccount) -> Result<(), ShadowError> {
        if account.data.len() > MAX_ACCOUNT_LEN {
            return Err(self.malformed(format!(
                "account {} has more than {MAX_ACCOUNT_LEN} bytes",
                account.address
            )));
        }
        Ok(())
    }

    /// What the decompression refuses is the bundle's fault, not the file's.
    fn unread(&self, error: io::Error) -> ShadowError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => ShadowError::Truncated,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                self.malformed(error.to_string())
            }
            _ => ShadowError::Io(error),
        }
    }

    fn malformed(&self, reason: impl Into<String>) -> ShadowError {
        ShadowError::Malformed {
            line: self.line,
            reason: reason.into(),
        }
    }
}

/// Nothing panics while it holds the lock.
fn lock(hasher: &Mutex<Hasher>) -> MutexGuard<'_, Hasher> {
    hasher.lock().unwrap_or_else(PoisonError::into_inner)
}

fn too_large(what: &'static str, limit: u64) -> ShadowError {
    ShadowError::TooLarge { what, limit }
}
