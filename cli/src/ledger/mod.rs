//! Keys on a Ledger, which shows what it signs and asks. Only with the cargo feature `ledger`: to build it takes libudev's headers.

#[cfg(feature = "ledger")]
mod device;
#[cfg(feature = "ledger")]
mod stdout;

use solana_sdk::{pubkey::Pubkey, signer::Signer};

use crate::error::CliError;

const FORMS: &str = "give usb://ledger, usb://ledger?key=ACCOUNT/CHANGE for another of its keys, or usb://ledger/KEY?key=… where \
                     several are connected";

/// Loads the key that a URL such as `usb://ledger?key=0/0` names. `what` says whose it is.
///
/// # Errors
/// `keypair_unusable`.
pub fn load(source: &str, what: &str) -> Result<Box<dyn Signer>, CliError> {
    let unusable = |reason: &str| {
        CliError::usage(
            "keypair_unusable",
            format!("the {what} {source} cannot be used: {reason}"),
        )
    };
    let place = Place::parse(source).map_err(|reason| unusable(reason).hint(FORMS))?;
    connected(source, &place).map_err(|reason| {
        let hint = remedy(&reason, false).unwrap_or(FORMS);
        unusable(&reason).hint(hint)
    })
}

/// Which key of which device.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    /// The device's first key, where several devices are connected.
    device: Option<Pubkey>,
    /// `ACCOUNT/CHANGE`.
    key: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// From a URL, as Solana's own tools read it.
    fn parse(source: &'a str) -> Result<Self, &'static str> {
        let rest = source.strip_prefix("usb://ledger");
        let rest = rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        let rest = rest.ok_or("of hardware wallets, only Ledger's are known")?;
        let (device, query) = rest.split_once('?').unwrap_or((rest, ""));
        let device = device.trim_matches('/');
        let device = match device {
            "" => None,
            device => Some(
                device
                    .parse()
                    .map_err(|_| "behind the / stands the device's first key in base58")?,
            ),
        };
        let key = match query {
            "" => None,
            query => Some(
                query
                    .strip_prefix("key=")
                    .ok_or("behind the ? stands key=ACCOUNT/CHANGE")?,
            ),
        };
        Ok(Self { device, key })
    }
}

#[cfg(not(feature = "ledger"))]
fn connected(_: &str, _: &Place<'_>) -> Result<Box<dyn Signer>, String> {
    Err(NOT_BUILT.to_string())
}

#[cfg(feature = "ledger")]
use device::connected;

const NOT_BUILT: &str = "this build talks to no hardware wallet";

/// What to do about an error of the device or of the crate that talks to it; the texts are those of solana-remote-wallet 4.2.
fn remedy(error: &str, off_chain: bool) -> Option<&'static str> {
    let remedies = [
        (NOT_BUILT, "build one that does: cargo build --locked --workspace --features portcullis-cli/ledger --bin portcullis (on Debian \
            it takes libudev-dev); or write the text with --sign-message FILE --unsigned and sign it elsewhere"),
        ("no device found", "connect the Ledger, unlock it and open its Solana app; on Linux it takes Ledger's udev rules"),
        ("Unknown error", "unlock the Ledger and open its Solana app"),
        ("Permission denied", "on Linux it takes Ledger's udev rules"),
        ("Solana app not open", "open the Solana app on the Ledger"),
        ("several Ledgers are connected", FORMS),
        ("operation rejected by the user", "it was refused on the device"),
        ("operation not supported", "a Ledger signs Portcullis's instructions only with blind signing allowed in its Solana app; it shows a \
            vote in clear that is signed as a message, with --sign-message"),
    ];
    let header = "the Solana app up to 1.7 takes --envelope short, from 1.8 on --envelope full with the device's own key";
    let of_header = off_chain && error.contains("invalid header");
    let known = remedies
        .iter()
        .find(|(text, _)| error.contains(text))
        .map(|(_, remedy)| *remedy);
    known.or(of_header.then_some(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_device_and_a_key() {
        let device = Pubkey::new_from_array([7; 32]);
        let of = |source: &str| {
            Place::parse(source).map(|place| (place.device, place.key.map(str::to_string)))
        };
        assert_eq!(of("usb://ledger"), Ok((None, None)));
        assert_eq!(of("usb://ledger/"), Ok((None, None)));
        assert_eq!(
            of("usb://ledger?key=0/0"),
            Ok((None, Some("0/0".to_string())))
        );
        assert_eq!(
            of(&format!("usb://ledger/{device}?key=1")),
            Ok((Some(device), Some("1".to_string())))
        );
        for other in ["usb://trezor", "usb://", "usb:ledger", "usb://ledgers"] {
            assert_eq!(
                of(other),
                Err("of hardware wallets, only Ledger's are known")
            );
        }
        assert!(of("usb://ledger/abc").is_err());
        assert!(of("usb://ledger?path=0").is_err());
    }

    /// No device is connected to a machine that runs tests.
    #[test]
    fn without_a_ledger_it_is_said_what_to_do() {
        for source in ["usb://ledger", "usb://ledger?key=0/0"] {
            let error = load(source, "fee payer").err().unwrap();
            let (reason, hint) = match cfg!(feature = "ledger") {
                true => ("no device found", "connect the Ledger, unlock it"),
                false => (NOT_BUILT, "build one that does"),
            };
            assert_eq!(error.code, "keypair_unusable");
            assert_eq!(
                error.message,
                format!("the fee payer {source} cannot be used: {reason}")
            );
            assert!(error.hint.unwrap().starts_with(hint));
        }
        let error = load("usb://trezor", "keypair").err().unwrap();
        assert_eq!(
            error.message,
            "the keypair usb://trezor cannot be used: of hardware wallets, only Ledger's are known"
        );
    }

    #[test]
    fn errors_of_the_device_have_a_remedy() {
        let has = |error: &str, off_chain, word: &str| {
            let remedy = remedy(error, off_chain);
            assert!(
                remedy.is_some_and(|remedy| remedy.contains(word)),
                "{error}: {remedy:?}"
            );
        };
        has(
            "several Ledgers are connected: a, b",
            false,
            "usb://ledger/KEY",
        );
        has("Ledger operation not supported", false, "blind signing");
        has(
            "Ledger received message with invalid header",
            true,
            "--envelope",
        );
        has(
            "Ledger operation rejected by the user",
            true,
            "refused on the device",
        );
        assert_eq!(
            remedy("Ledger received message with invalid header", false),
            None
        );
    }
}
