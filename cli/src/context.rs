//! What every command works with: output, cluster, signers, the instance of Portcullis.

use std::{
    cell::OnceCell,
    env,
    path::{Path, PathBuf},
    rc::Rc,
    str::FromStr,
};

use portcullis_client::{instruction::Builder, rpc::ConnectOptions, Client};
use solana_commitment_config::CommitmentConfig;
use solana_sdk::{pubkey::Pubkey, signer::Signer};

use crate::{
    args::GlobalArgs,
    config::{require_websocket, websocket_of, Cluster, Settings},
    error::CliError,
    output::Output,
    profile::{Named, Profile},
    signer,
};

/// What every command works with. Nothing is read or connected to before a command asks for it.
pub struct Context {
    /// Where everything is printed.
    pub out: Rc<Output>,
    /// The options that every command takes.
    pub global: GlobalArgs,
    portcullis: Pubkey,
    settings: OnceCell<Settings>,
    profile: OnceCell<Profile>,
    cluster: OnceCell<Cluster>,
    client: OnceCell<Client>,
    signer: OnceCell<Rc<dyn Signer>>,
    fee_payer: OnceCell<Rc<dyn Signer>>,
    pub(crate) settled_price: OnceCell<u64>,
}

/// `OnceCell::get_or_try_init` is not stable.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, CliError>) -> Result<&T, CliError> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}

fn read_profile(global: &GlobalArgs) -> Result<Profile, CliError> {
    // Without a working folder there is none above it either.
    let folder = env::current_dir().unwrap_or_default();
    Profile::load(global.profile.as_deref(), &folder)
}

impl Context {
    /// A context for one command.
    ///
    /// # Errors
    /// An env that the profile does not name.
    pub fn new(global: GlobalArgs, out: Rc<Output>) -> Result<Self, CliError> {
        let profile = OnceCell::new();
        let cluster = OnceCell::new();
        let mut portcullis = global.portcullis;
        if let Some(env) = &global.env {
            let (named, instance) = once(&profile, || read_profile(&global))?.env(env)?;
            portcullis = portcullis.or(instance);
            // A server of the user's own serves the same cluster.
            if global.urls.is_empty() {
                once(&cluster, || Ok(named))?;
            }
        }
        Ok(Self {
            out,
            portcullis: portcullis.unwrap_or(portcullis::ID),
            global,
            settings: OnceCell::new(),
            profile,
            cluster,
            client: OnceCell::new(),
            signer: OnceCell::new(),
            fee_payer: OnceCell::new(),
            settled_price: OnceCell::new(),
        })
    }

    /// The same command on another env, with the servers that the profile names for it.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on_env(&self, env: &str) -> Result<Self, CliError> {
        let global = GlobalArgs {
            env: Some(env.to_string()),
            urls: Vec::new(),
            portcullis: None,
            ..self.global.clone()
        };
        Self::new(global, Rc::clone(&self.out))
    }

    /// The project's names.
    ///
    /// # Errors
    /// Where there are none, or their file cannot be read.
    pub fn profile(&self) -> Result<&Profile, CliError> {
        once(&self.profile, || read_profile(&self.global))
    }

    /// The program id that is meant.
    ///
    /// # Errors
    /// A name that the profile does not have on this env.
    pub fn program(&self, named: &Named) -> Result<Pubkey, CliError> {
        self.address(named, Profile::program)
    }

    /// The council that is meant.
    ///
    /// # Errors
    /// A name that the profile does not have on this env.
    pub fn council(&self, named: &Named) -> Result<Pubkey, CliError> {
        self.address(named, Profile::council)
    }

    fn address(
        &self,
        named: &Named,
        find: impl Fn(&Profile, &str, Option<&str>) -> Result<Pubkey, CliError>,
    ) -> Result<Pubkey, CliError> {
        let name = match named {
            Named::Address(address) => return Ok(*address),
            Named::Name(name) => name,
        };
        let profile = self.profile()?;
        let address = find(profile, name, self.global.env.as_deref())?;
        // The file may be somebody else's: what it says is shown.
        self.out.note(&format!(
            "{name} is {address}, says {}",
            profile.path().display()
        ));
        Ok(address)
    }

    /// The council that governs a program, by the profile.
    ///
    /// # Errors
    /// As [`council`](Self::council).
    pub fn council_of(&self, program: &str) -> Result<Option<Pubkey>, CliError> {
        let env = self.global.env.as_deref();
        self.profile()?.council_of(program, env)
    }

    /// The file of a build, which may be given by its program's name.
    ///
    /// # Errors
    /// A profile that cannot be read.
    pub fn build(&self, path: &Path) -> Result<PathBuf, CliError> {
        let name = match path.to_str().map(Named::from_str) {
            Some(Ok(Named::Name(name))) if !path.exists() => name,
            _ => return Ok(path.to_path_buf()),
        };
        match self.profile() {
            Ok(profile) => Ok(profile
                .artifact(&name)
                .unwrap_or_else(|| path.to_path_buf())),
            // Then it is a file that is not there.
            Err(error) if error.code == "no_profile" => Ok(path.to_path_buf()),
            Err(error) => Err(error),
        }
    }

    /// The program id of the instance of Portcullis that is meant.
    pub fn portcullis(&self) -> Pubkey {
        self.portcullis
    }

    /// Builds instructions for this instance.
    pub fn builder(&self) -> Builder {
        Builder {
            portcullis: self.portcullis(),
        }
    }

    /// Says on stderr what to type next; a cluster given on the command line is repeated, unless it may hold a secret.
    pub fn next(&self, text: &str) {
        self.out.note(&self.command(text));
    }

    /// A text with commands, which then go to the cluster given on the command line; a URL that may hold a secret is left out.
    pub fn command(&self, text: &str) -> String {
        let shown = self
            .global
            .urls
            .iter()
            .map(|url| match crate::config::redacted(url) {
                _ if !url.contains("://") => url.as_str(),
                redacted if redacted == *url => url.as_str(),
                _ => "URL",
            });
        let shown = shown.collect::<Vec<_>>().join(",");
        let mut options = String::new();
        if let Some(env) = &self.global.env {
            options.push_str(&format!("--env {env} "));
        }
        if !shown.is_empty() {
            options.push_str(&format!("-u {shown} "));
        }
        text.replace("portcullis ", &format!("portcullis {options}"))
    }

    fn settings(&self) -> Result<&Settings, CliError> {
        once(&self.settings, || {
            Settings::load(self.global.config.as_deref())
        })
    }

    /// The cluster that is meant.
    ///
    /// # Errors
    /// An unknown cluster, or a configuration file that cannot be read.
    pub fn cluster(&self) -> Result<&Cluster, CliError> {
        once(&self.cluster, || {
            self.settings()?.cluster(&self.global.urls)
        })
    }

    /// The URL of the cluster's WebSocket: the one given, that of the configuration file where it names the cluster too, or by
    /// Solana's rule. `None` where there can be none.
    ///
    /// # Errors
    /// `invalid_websocket`, and those of [`cluster`](Self::cluster).
    pub fn websocket(&self, given: Option<&str>) -> Result<Option<String>, CliError> {
        if let Some(given) = given {
            return require_websocket(given).map(Some);
        }
        let configured = match self.global.urls.is_empty() {
            true => self.settings()?.websocket_url(),
            false => None,
        };
        if let Some(configured) = configured {
            return require_websocket(configured).map(Some);
        }
        let urls = &self.cluster()?.urls;
        Ok(urls.first().and_then(|url| websocket_of(url)))
    }

    /// Requires that the user has chosen a cluster: nothing is written to one that was guessed.
    ///
    /// # Errors
    /// `no_cluster`.
    pub fn require_chosen_cluster(&self) -> Result<&Cluster, CliError> {
        let cluster = self.cluster()?;
        if cluster.chosen {
            return Ok(cluster);
        }
        Err(CliError::usage(
            "no_cluster",
            "a cluster must be chosen before anything is written, and none is",
        )
        .hint("give one with -u (for instance -u devnet), or set one with `solana config set --url URL`"))
    }

    /// The connection to the cluster.
    ///
    /// # Errors
    /// As [`cluster`](Self::cluster), and an unknown commitment level.
    pub fn client(&self) -> Result<&Client, CliError> {
        once(&self.client, || {
            let cluster = self.cluster()?;
            if !cluster.chosen {
                self.out.note(&format!(
                    "note: no cluster is chosen, reading from {}",
                    cluster.shown()
                ));
            }
            let level = match &self.global.commitment {
                Some(level) => level.as_str(),
                None => self.settings()?.commitment().unwrap_or("confirmed"),
            };
            let commitment = CommitmentConfig::from_str(level).map_err(|_| {
                CliError::usage(
                    "unknown_commitment",
                    format!(
                        "the commitment must be processed, confirmed or finalized, found `{level}`"
                    ),
                )
                .hint("give one with --commitment")
            })?;
            let options = ConnectOptions {
                commitment,
                patience: self.global.rpc_timeout,
                requests_per_second: self.global.rpc_rate,
            };
            let urls = cluster.urls.clone();
            Ok(Client::connect(urls, self.portcullis(), options))
        })
    }

    /// The signer: the member, proposer or authority that acts.
    ///
    /// # Errors
    /// Where its key cannot be used.
    pub fn signer(&self) -> Result<&Rc<dyn Signer>, CliError> {
        once(&self.signer, || {
            let source = match &self.global.keypair {
                Some(source) => source.as_str(),
                None => self.settings()?.keypair_path().ok_or_else(|| {
                    CliError::usage("no_keypair", "a signer is needed, and none is given")
                        .hint("give a keypair file with -k, or set one with `solana config set --keypair FILE`")
                })?,
            };
            Ok(Rc::from(signer::load(source, "keypair")?))
        })
    }

    /// Who pays fees and rent: the signer, unless another is given.
    ///
    /// # Errors
    /// Where its key cannot be used.
    pub fn fee_payer(&self) -> Result<&Rc<dyn Signer>, CliError> {
        let Some(source) = &self.global.fee_payer else {
            return self.signer();
        };
        once(&self.fee_payer, || {
            Ok(Rc::from(signer::load(source, "fee payer")?))
        })
    }
}
