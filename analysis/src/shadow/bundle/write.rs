//! Writes bundles.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use flate2::{write::GzEncoder, Compression};

use super::format::{End, Header, Line, Recorded, StoredAccount};
use crate::shadow::ShadowError;

/// Writes a bundle line by line: the header, accounts, transactions, and [`finish`](Self::finish).
pub struct Writer<W: Write> {
    to: W,
    end: End,
}

/// A file, compressed or not.
pub enum Sink {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(to) => to.write(bytes),
            Self::Gzip(to) => to.write(bytes),
        }
    }

    /// Ends a compressed file; called once, at the end.
    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(to) => to.flush(),
            Self::Gzip(to) => {
                to.try_finish()?;
                to.get_mut().flush()
            }
        }
    }
}

impl Writer<Sink> {
    /// Begins a file, compressed if its name ends in `.gz`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<Self, ShadowError> {
        let file = BufWriter::new(File::create(path)?);
        let sink = match path.extension() {
            Some(extension) if extension == "gz" => {
                Sink::Gzip(Box::new(GzEncoder::new(file, Compression::default())))
            }
            _ => Sink::Plain(file),
        };
        Self::new(sink, header)
    }
}

impl<W: Write> Writer<W> {
    /// Begins a bundle.
    ///
    /// # Errors
    /// What the writer says.
    pub fn new(to: W, header: &Header) -> Result<Self, ShadowError> {
        let mut writer = Self {
            to,
            end: End::default(),
        };
        writer.line(&Line::Header(header.clone()))?;
        Ok(writer)
    }

    /// Adds an account that is there from the start. All of these come before the transactions.
    ///
    /// # Errors
    /// What the writer says.
    pub fn account(&mut self, account: StoredAccount) -> Result<(), ShadowError> {
        self.end.accounts = self.end.accounts.saturating_add(1);
        self.line(&Line::Account(account))
    }

    /// Adds a transaction, after all that came before it on the chain.
    ///
    /// # Errors
    /// What the writer says.
    pub fn transaction(&mut self, transaction: Recorded) -> Result<(), ShadowError> {
        self.end.transactions = self.end.transactions.saturating_add(1);
        self.line(&Line::Transaction(Box::new(transaction)))
    }

    /// How many transactions it has.
    pub fn transactions(&self) -> u64 {
        self.end.transactions
    }

    /// Writes the last line, without which a bundle counts as cut.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(mut self) -> Result<W, ShadowError> {
        let end = Line::End(self.end);
        self.line(&end)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn line(&mut self, line: &Line) -> Result<(), ShadowError> {
        serde_json::to_writer(&mut self.to, line).map_err(std::io::Error::from)?;
        self.to.write_all(b"\n")?;
        Ok(())
    }
}
