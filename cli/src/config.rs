//! Where cluster and keypair come from: the command line, else Solana's own configuration file.

use std::path::Path;

use solana_cli_config::{Config, CONFIG_FILE};

use crate::error::CliError;

/// What reads use when nobody has chosen a cluster. Writes then refuse.
const DEFAULT_READ_URL: &str = "https://api.mainnet-beta.solana.com";

/// The cluster that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The RPC servers' URLs. They may hold credentials, so they are never printed: see [`Cluster::shown`].
    pub urls: Vec<String>,
    /// Whether the user chose it, by `-u` or in the configuration file.
    pub chosen: bool,
}

impl Cluster {
    /// The cluster that these URLs or monikers name.
    ///
    /// # Errors
    /// `unknown_cluster` for what is neither a moniker nor a URL.
    pub fn parse<T: AsRef<str>>(urls_or_monikers: &[T]) -> Result<Self, CliError> {
        let urls = urls_or_monikers.iter().map(|text| url_of(text.as_ref()));
        Ok(Self {
            urls: urls.collect::<Result<_, _>>()?,
            chosen: true,
        })
    }

    /// The name to show: monikers, or the URLs without what may be a secret.
    pub fn shown(&self) -> String {
        let names = self.urls.iter().map(|url| match url.as_str() {
            DEFAULT_READ_URL => "mainnet-beta".to_string(),
            "https://api.testnet.solana.com" => "testnet".to_string(),
            "https://api.devnet.solana.com" => "devnet".to_string(),
            url => redacted(url),
        });
        names.collect::<Vec<_>>().join(", ")
    }

    /// Whether it is this machine's, whose clock may be moved by hand.
    pub fn is_local(&self) -> bool {
        self.urls.iter().all(|url| {
            let url = redacted(url);
            ["http://localhost", "http://127.0.0.1", "http://[::1]"]
                .iter()
                .filter_map(|local| url.strip_prefix(local))
                .any(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        })
    }
}

fn url_of(url_or_moniker: &str) -> Result<String, CliError> {
    let url = match url_or_moniker {
        "m" | "mainnet-beta" | "mainnet" => DEFAULT_READ_URL,
        "t" | "testnet" => "https://api.testnet.solana.com",
        "d" | "devnet" => "https://api.devnet.solana.com",
        "l" | "localhost" => "http://localhost:8899",
        url => url,
    };
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .and_then(|rest| rest.split(['/', '?']).next());
    if host.is_none_or(str::is_empty) {
        // What lacks its scheme is a URL nevertheless, with what a URL may hold.
        let found = match url.contains("://") {
            true => redacted(url),
            false => redacted(&format!("://{url}")).replacen("://", "", 1),
        };
        return Err(CliError::usage(
            "unknown_cluster",
            format!(
                "a cluster must be mainnet-beta, testnet, devnet, localhost or a URL, found `{found}`"
            ),
        )
        .hint("give one of them with -u, for instance -u devnet or -u https://rpc.example.com"));
    }
    Ok(url.to_string())
}

/// The WebSocket of an RPC server by Solana's rule: `ws` for `http`, `wss` for `https`, and the next port where one is given.
/// `None` where there is no next port.
pub fn websocket_of(url: &str) -> Option<String> {
    let port = reqwest::Url::parse(url).ok()?.port();
    // The library would panic.
    (port != Some(u16::MAX)).then(|| Config::compute_websocket_url(url))
}

/// Requires a WebSocket's URL.
///
/// # Errors
/// `invalid_websocket`.
pub fn require_websocket(url: &str) -> Result<String, CliError> {
    let parsed = reqwest::Url::parse(url).ok();
    if parsed.is_some_and(|url| ["ws", "wss"].contains(&url.scheme()) && url.has_host()) {
        return Ok(url.to_string());
    }
    Err(CliError::usage(
        "invalid_websocket",
        format!(
            "a WebSocket must be a ws or wss URL, found `{}`",
            redacted(url)
        ),
    )
    .hint("give it with --ws, for instance --ws wss://rpc.example.com"))
}

/// Scheme, host and port of a URL. Providers put keys into user info, path and query.
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "(hidden)".to_string();
    };
    let (authority, tail) = match rest.find(['/', '?', '#']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    let hidden = if tail.trim_matches('/').is_empty() {
        ""
    } else {
        "/..."
    };
    format!("{scheme}://{host}{hidden}")
}

/// Solana's configuration, where the user has one.
pub struct Settings {
    file: Option<Config>,
}

impl Settings {
    /// Reads the file named on the command line, or the usual one if it exists.
    ///
    /// # Errors
    /// A file that was named and is missing, or one that cannot be read.
    pub fn load(named: Option<&Path>) -> Result<Self, CliError> {
        let path = match (named, CONFIG_FILE.as_deref()) {
            (Some(path), _) => path,
            (None, Some(usual)) if Path::new(usual).exists() => Path::new(usual),
            (None, _) => return Ok(Self { file: None }),
        };
        let shown = path.display();
        let config = Config::load(&path.to_string_lossy()).map_err(|error| {
            CliError::usage(
                "config_unreadable",
                format!("failed to read the configuration file {shown}: {error}"),
            )
            .hint("correct it with `solana config set`, or name another with --config")
        })?;
        Ok(Self { file: Some(config) })
    }

    /// The cluster: from the command line, from the file, or the public one for reads only.
    ///
    /// # Errors
    /// `unknown_cluster`.
    pub fn cluster(&self, arguments: &[String]) -> Result<Cluster, CliError> {
        if !arguments.is_empty() {
            return Cluster::parse(arguments);
        }
        let configured = self
            .file
            .as_ref()
            .map(|config| config.json_rpc_url.as_str());
        match configured.filter(|url| !url.is_empty()) {
            Some(url) => Cluster::parse(&[url]),
            None => Ok(Cluster {
                urls: vec![DEFAULT_READ_URL.to_string()],
                chosen: false,
            }),
        }
    }

    /// The WebSocket of the cluster in the file, where it names one.
    pub fn websocket_url(&self) -> Option<&str> {
        let config = self.file.as_ref()?;
        Some(config.websocket_url.as_str()).filter(|url| !url.is_empty())
    }

    /// Where the default signer's key is.
    pub fn keypair_path(&self) -> Option<&str> {
        let config = self.file.as_ref()?;
        Some(config.keypair_path.as_str()).filter(|path| !path.is_empty())
    }

    /// The commitment level, by name.
    pub fn commitment(&self) -> Option<&str> {
        let config = self.file.as_ref()?;
        Some(config.commitment.as_str()).filter(|level| !level.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        let local = |url: &str| Cluster::parse(&[url, "l"]).unwrap().is_local();
        assert!(local("l") && local("http://127.0.0.1") && local("http://[::1]:8899/x"));
        assert!(!local("http://localhost.example.com") && !local("http://127.0.0.10:1"));
    }

    #[test]
    fn monikers_and_urls_are_clusters() {
        assert_eq!(
            Cluster::parse(&["devnet", "l", "http://10.0.0.1:1"])
                .unwrap()
                .urls,
            [
                "https://api.devnet.solana.com",
                "http://localhost:8899",
                "http://10.0.0.1:1"
            ]
        );
        for wrong in ["foonet", "", "https://", "ftp://host", "localhost:8899"] {
            assert_eq!(
                Cluster::parse(&["devnet", wrong]).unwrap_err().code,
                "unknown_cluster",
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_websocket_follows_from_the_rpc_url_by_solana_s_rule() {
        for (url, websocket) in [
            (
                "https://api.devnet.solana.com",
                Some("wss://api.devnet.solana.com/"),
            ),
            ("http://localhost:8899", Some("ws://localhost:8900/")),
            (
                "https://rpc.example.com/?key=x",
                Some("wss://rpc.example.com/?key=x"),
            ),
            ("http://10.0.0.1:65535", None),
        ] {
            assert_eq!(websocket_of(url).as_deref(), websocket, "{url}");
        }
    }

    #[test]
    fn what_is_no_websocket_is_refused_without_showing_its_key() {
        assert!(require_websocket("wss://rpc.example.com/secret").is_ok());
        for wrong in ["https://rpc.example.com/secret", "rpc.example.com/secret"] {
            let error = require_websocket(wrong).unwrap_err();
            assert_eq!(error.code, "invalid_websocket");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn keys_in_urls_are_never_shown() {
        assert_eq!(
            redacted("https://rpc.example.com/?api-key=secret"),
            "https://rpc.example.com/..."
        );
        assert_eq!(
            redacted("https://user:secret@rpc.example.com:90/x"),
            "https://rpc.example.com:90/..."
        );
        assert_eq!(redacted("http://127.0.0.1:8899/"), "http://127.0.0.1:8899");
        assert_eq!(
            Cluster::parse(&["m", "https://rpc.example.com/secret"])
                .unwrap()
                .shown(),
            "mainnet-beta, https://rpc.example.com/..."
        );
        for wrong in [
            "rpc.example.com/?api-key=secret",
            "user:secret@rpc.example.com",
            "ws://rpc.example.com/secret",
        ] {
            let error = Cluster::parse(&[wrong]).unwrap_err().to_string();
            assert!(
                error.contains("rpc.example.com") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn without_file_and_argument_only_reads_have_a_cluster() {
        let settings = Settings { file: None };
        assert!(!settings.cluster(&[]).unwrap().chosen);
        assert!(settings.cluster(&["devnet".to_string()]).unwrap().chosen);
    }
}
