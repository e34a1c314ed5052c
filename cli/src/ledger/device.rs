//! The Ledgers that are connected.
//!
//! The wallet manager of solana-remote-wallet 4.2 is not used: it looks for a Trezor too and panics where there is no USB, and it
//! does not know the Solana app from 1.16 on of a Stax, Flex or Nano Gen5, whose configuration has grown (anza-xyz/agave, issue
//! 15099). Devices, keys and signatures are that crate's.

use std::cell::RefCell;

use hidapi::{DeviceInfo, HidApi};
use solana_derivation_path::DerivationPath;
use solana_remote_wallet::{
    ledger::{is_valid_ledger, LedgerWallet},
    remote_keypair::RemoteKeypair,
    remote_wallet::{is_valid_hid_device, RemoteWallet, RemoteWalletError, RemoteWalletType},
};
use solana_sdk::{
    pubkey::Pubkey,
    signature::Signature,
    signer::{Signer, SignerError},
};

use super::{remedy, stdout::ResultsAside, Place};

/// A device and its first key.
#[derive(Clone)]
struct Found {
    key: Pubkey,
    wallet: RemoteWalletType,
}

thread_local! {
    /// One connection to each for all keys of a command.
    static LEDGERS: RefCell<Vec<Found>> = const { RefCell::new(Vec::new()) };
}

/// A key on a Ledger that is connected.
pub(super) fn connected(source: &str, place: &Place<'_>) -> Result<Box<dyn Signer>, String> {
    let path = match place.key {
        Some(key) => DerivationPath::from_key_str(key).map_err(|error| error.to_string())?,
        None => DerivationPath::default(),
    };
    let mut ledgers = ledgers().map_err(|error| error.to_string())?;
    ledgers.retain(|found| place.device.is_none_or(|device| device == found.key));
    let wallet = match ledgers.as_slice() {
        [] => return Err(RemoteWalletError::NoDeviceFound.to_string()),
        [only] => only.wallet.clone(),
        several => {
            let keys: Vec<String> = several.iter().map(|found| found.key.to_string()).collect();
            return Err(format!(
                "several Ledgers are connected: {}",
                keys.join(", ")
            ));
        }
    };
    let key = RemoteKeypair::new(wallet, path, false, source.to_string());
    let key = key.map_err(|error| error.to_string())?;
    Ok(Box::new(OnDevice { key }))
}

fn ledgers() -> Result<Vec<Found>, RemoteWalletError> {
    let known = LEDGERS.with_borrow(Vec::clone);
    if !known.is_empty() {
        return Ok(known);
    }
    let usb = HidApi::new()?;
    let found: Vec<Found> = usb
        .device_list()
        .filter(|info| {
            is_valid_ledger(info.vendor_id(), info.product_id())
                && is_valid_hid_device(info.usage_page(), info.interface_number())
        })
        .map(|info| open(&usb, info))
        .collect::<Result<_, _>>()?;
    LEDGERS.with_borrow_mut(|ledgers| ledgers.clone_from(&found));
    Ok(found)
}

fn open(usb: &HidApi, info: &DeviceInfo) -> Result<Found, RemoteWalletError> {
    let mut ledger = LedgerWallet::new(usb.open_path(info.path())?);
    let key = match ledger.read_device(info) {
        Ok(read) => match read.error {
            Some(error) => return Err(error),
            None => read.pubkey,
        },
        Err(RemoteWalletError::Protocol("Version packet size mismatch")) => {
            // Only an app that is newer than the crate answers so; all that the version decides is the form of the commands.
            if let Ok(version) = "1.16.0".parse() {
                ledger.version = version;
            }
            ledger.get_pubkey(&DerivationPath::default(), false)?
        }
        Err(error) => return Err(error),
    };
    ledger.pretty_path = format!("usb://ledger/{key}");
    let wallet = RemoteWalletType::Ledger(ledger.into());
    Ok(Found { key, wallet })
}

/// Tells the user to look at the device whenever it is asked.
struct OnDevice {
    key: RemoteKeypair,
}

impl Signer for OnDevice {
    fn try_pubkey(&self) -> Result<Pubkey, SignerError> {
        self.key.try_pubkey()
    }

    fn try_sign_message(&self, message: &[u8]) -> Result<Signature, SignerError> {
        // What an off-chain message begins with, and no transaction.
        let off_chain = message.first() == Some(&0xff);
        eprintln!(
            "confirm on the device: {}",
            match off_chain {
                true => "the Ledger must show the text above, to its end",
                false => "the Ledger cannot show what this transaction does",
            }
        );
        let _aside = ResultsAside::begin();
        self.key.try_sign_message(message).map_err(|error| {
            let text = error.to_string();
            match remedy(&text, off_chain) {
                Some(remedy) => SignerError::Custom(format!("{text}: {remedy}")),
                None => error,
            }
        })
    }

    fn is_interactive(&self) -> bool {
        true
    }
}
