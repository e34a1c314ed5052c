//! A Ledger and the crate that talks to it, as far as a message goes: written from their rules, so that a change of the message
//! which a device would refuse, or sign without showing, fails a test here.
//!
//! Host: `LedgerWallet::sign_offchain_message` and `write` in solana-remote-wallet 4.2.2, `src/ledger.rs`.
//! Device: the Solana app, LedgerHQ/app-solana. Up to 1.7: `src/handle_sign_offchain_message.c` and `src/globals.h` with
//! `OFFCHAIN_MESSAGE_HEADER_LENGTH 20`. From 1.8 on: the same files, `src/apdu.c`, `libsol/parser.c`
//! (`parse_offchain_message_header`), `libsol/string_utils.c` and `src/ui/sign_message_nbgl.c`, as of 1.17.0-dev2. The layout is that of
//! docs.anza.xyz/proposals/off-chain-message-signing.

use solana_sdk::{hash::Hash, pubkey::Pubkey};
use solana_sha256_hasher::hash;

/// `MAX_LEN_LEDGER` and `HEADER_LEN` of solana-offchain-message 3.0, which the host adds up: the full header is not in its sum.
const HOST_LIMIT: usize = 1_212 + 3;
/// A whole message in the apps before their buffer grew to 15 kB (`PACKET_DATA_SIZE`, `MAX_OFFCHAIN_MESSAGE_LENGTH`).
const DEVICE_LIMIT: usize = 1_232;
/// Data of one command.
const CHUNK: usize = 255;

const CLA: u8 = 0xe0;
const SIGN_OFFCHAIN_MESSAGE: u8 = 0x07;
const CONFIRM: u8 = 1;
const EXTEND: u8 = 1;
const MORE: u8 = 2;
const HARDENED: u32 = 0x8000_0000;

pub const NOT_SUPPORTED: u16 = 0x6808;
pub const INVALID_MESSAGE: u16 = 0x6a80;
pub const INVALID_HEADER: u16 = 0x6a81;
pub const INVALID_FORMAT: u16 = 0x6a82;
pub const INVALID_SIZE: u16 = 0x6a83;

/// `m/44'/501'`, which `usb://ledger` means; `?key=0/0` appends two more.
pub const PATH: [u32; 2] = [44 | HARDENED, 501 | HARDENED];

/// The commands that the host sends for a message; none where it refuses to.
pub fn commands(path: &[u32], message: &[u8]) -> Option<Vec<Vec<u8>>> {
    if message.len() > HOST_LIMIT {
        return None;
    }
    let mut data = vec![1, path.len() as u8];
    data.extend(path.iter().flat_map(|index| index.to_be_bytes()));
    data.extend_from_slice(message);
    let count = data.chunks(CHUNK).count();
    let commands = data.chunks(CHUNK).enumerate().map(|(place, chunk)| {
        let extend = if place > 0 { EXTEND } else { 0 };
        let more = if place + 1 < count { MORE } else { 0 };
        let head = [
            CLA,
            SIGN_OFFCHAIN_MESSAGE,
            CONFIRM,
            extend | more,
            chunk.len() as u8,
        ];
        [&head, chunk].concat()
    });
    Some(commands.collect())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum App {
    /// 1.3 to 1.7: the header of twenty bytes.
    Old,
    /// 1.8 and later: the specified header.
    New,
}

/// A Ledger with the app open.
#[derive(Clone, Copy, Debug)]
pub struct Ledger {
    pub app: App,
    /// Of the path that is asked for.
    pub key: Pubkey,
    pub blind_signing: bool,
    pub expert: bool,
}

/// What a user sees, heading and content; or the status with which the device refuses.
pub type Screens = Result<Vec<(String, String)>, u16>;

struct Header {
    signers: Vec<Pubkey>,
    application: Option<Pubkey>,
    version: u8,
    format: u8,
    /// Bytes that it says follow.
    len: usize,
    /// Bytes before the text.
    size: usize,
}

impl Ledger {
    /// Takes the commands, and shows what the user is to approve.
    pub fn review(&self, commands: &[Vec<u8>]) -> Screens {
        let message = receive(commands)?;
        let header = match self.app {
            App::Old => old_header(&message),
            App::New => new_header(&message),
        };
        let header = header.ok_or(INVALID_HEADER)?;
        let text = &message[header.size..];
        if header.version != 0 || header.format > 1 || header.len == 0 || header.len != text.len() {
            return Err(INVALID_HEADER);
        }
        match self.app {
            App::Old if header.len > 1_212 => return Err(INVALID_HEADER),
            App::New if message.len() > DEVICE_LIMIT => return Err(INVALID_SIZE),
            App::New if !header.signers.contains(&self.key) => return Err(INVALID_HEADER),
            _ => {}
        }
        let is_ascii = text.iter().all(|byte| {
            let line_feed = self.app == App::New && *byte == b'\n';
            (0x20..=0x7e).contains(byte) || line_feed
        });
        if !is_ascii && (header.format == 0 || std::str::from_utf8(text).is_err()) {
            return Err(INVALID_FORMAT);
        }
        if !is_ascii && !self.blind_signing {
            return Err(NOT_SUPPORTED);
        }
        Ok(self.screens(&header, &message, is_ascii))
    }

    fn screens(&self, header: &Header, message: &[u8], is_ascii: bool) -> Vec<(String, String)> {
        let text = &message[header.size..];
        let hashed = match self.app {
            App::Old => message,
            App::New => text,
        };
        let hash = hash(hashed).to_string();
        let technical = [
            ("Version", header.version.to_string()),
            ("Format", header.format.to_string()),
            ("Size", header.len.to_string()),
            ("Hash", hash.clone()),
        ];
        let signer = ("Signer", self.key.to_string());
        let mut screens = Vec::new();
        if self.app == App::Old {
            screens.push(("Sign", "Off-Chain Message".to_string()));
        }
        if self.expert {
            if let Some(application) = header.application {
                screens.push(signer.clone());
                let shown = match application == Pubkey::default() {
                    true => "Domain not provided".to_string(),
                    false => application.to_string(),
                };
                screens.push(("Application", shown));
            }
            screens.extend(technical);
            if self.app == App::Old {
                screens.push(signer);
            }
        } else if !is_ascii {
            screens.push(("Hash", hash));
        }
        if is_ascii {
            screens.push(("Message", String::from_utf8_lossy(text).into_owned()));
        }
        let screens = screens.into_iter();
        screens
            .map(|(title, text)| (title.to_string(), text))
            .collect()
    }
}

/// The message from its commands, as `apdu_handle_message` joins them.
fn receive(commands: &[Vec<u8>]) -> Result<Vec<u8>, u16> {
    let mut message = Vec::new();
    for (place, command) in commands.iter().enumerate() {
        let (head, mut data) = command.split_at_checked(5).ok_or(INVALID_SIZE)?;
        assert_eq!(head[..2], [CLA, SIGN_OFFCHAIN_MESSAGE]);
        if usize::from(head[4]) != data.len() {
            return Err(INVALID_SIZE);
        }
        if head[2] != CONFIRM {
            return Err(NOT_SUPPORTED);
        }
        let (first, last) = (place == 0, place + 1 == commands.len());
        if (head[3] & EXTEND == 0) != first || (head[3] & MORE == 0) != last {
            return Err(INVALID_MESSAGE);
        }
        if first {
            let depth = usize::from(*data.get(1).ok_or(INVALID_SIZE)?);
            let path = data.get(2..2 + 4 * depth).ok_or(INVALID_SIZE)?;
            let begins = [PATH[0].to_be_bytes(), PATH[1].to_be_bytes()].concat();
            if data[0] != 1 || depth > 5 || !path.starts_with(&begins) {
                return Err(INVALID_MESSAGE);
            }
            data = &data[2 + 4 * depth..];
        }
        message.extend_from_slice(data);
    }
    Ok(message)
}

/// The reader goes on with what is left.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
}

fn old_header(message: &[u8]) -> Option<Header> {
    let mut reader = Reader(message);
    (reader.take()? == *b"\xffsolana offchain").then_some(())?;
    let [version, format] = reader.take()?;
    let len = usize::from(u16::from_le_bytes(reader.take()?));
    Some(Header {
        signers: Vec::new(),
        application: None,
        version,
        format,
        len,
        size: message.len() - reader.0.len(),
    })
}

fn new_header(message: &[u8]) -> Option<Header> {
    let mut reader = Reader(message);
    (reader.take()? == *b"\xffsolana offchain").then_some(())?;
    let [version] = reader.take()?;
    // Version 1 has neither application domain nor format; no vote is written in it.
    (version == 0).then_some(())?;
    let application = Pubkey::new_from_array(reader.take()?);
    let [format, count] = reader.take()?;
    let signers: Option<Vec<Pubkey>> = (0..count)
        .map(|_| Some(Pubkey::new_from_array(reader.take()?)))
        .collect();
    let len = usize::from(u16::from_le_bytes(reader.take()?));
    Some(Header {
        signers: signers?,
        application: Some(application),
        version,
        format,
        len,
        size: message.len() - reader.0.len(),
    })
}

/// The hash that an expert compares, of the text alone.
pub fn shown_hash(text: &[u8]) -> Hash {
    hash(text)
}
