//! `portcullis.toml`: names for clusters, councils and programs, so that a release on several clusters is written once.
//!
//! The file is looked for in the working folder and those above it, as Cargo's is. It is part of a repository, so it holds no
//! secrets: a URL with a key stands in the environment, and is named here as `$VARIABLE`.

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::Deserialize;
use solana_sdk::pubkey::Pubkey;

use crate::{config::Cluster, error::CliError};

const FILE_NAME: &str = "portcullis.toml";
/// Shorter than any address in base58, so that a name is never taken for one.
const MAX_NAME_LEN: usize = 31;

/// An address, or a name that the profile has for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Address(Pubkey),
    Name(String),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_name(text) {
            return Ok(Self::Name(text.to_string()));
        }
        Pubkey::from_str(text).map(Self::Address).map_err(|_| {
            format!("`{text}` is neither an address (32 bytes in base58) nor a name of {FILE_NAME}")
        })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Letters, digits, `-` and `_`; neither a number, which is a proposal's, nor `council`, which stands in REFs.
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() <= MAX_NAME_LEN
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(allowed)
        && text != "council"
}

/// What `portcullis.toml` holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    envs: BTreeMap<String, Env>,
    #[serde(default)]
    councils: BTreeMap<String, Addresses>,
    #[serde(default)]
    programs: BTreeMap<String, Program>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Env {
    url: Urls,
    portcullis: Option<Address>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a URL, or a list of URLs")]
enum Urls {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    id: Addresses,
    council: Option<String>,
    artifact: Option<PathBuf>,
}

/// The same everywhere, or one for each env.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "an address, or a table of one address for each env"
)]
enum Addresses {
    Everywhere(Address),
    Each(BTreeMap<String, Address>),
}

/// An address in base58.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Address(Pubkey);

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Pubkey::from_str(&text)
            .map(Self)
            .map_err(|_| format!("`{text}` must be an address (32 bytes in base58)"))
    }
}

/// The names of a project.
#[derive(Debug)]
pub struct Profile {
    path: PathBuf,
    file: File,
}

impl Profile {
    /// Reads the file that was named, or the nearest one from `folder` upwards.
    ///
    /// # Errors
    /// `no_profile` where there is none, `profile_unreadable` with the line that is wrong.
    pub fn load(named: Option<&Path>, folder: &Path) -> Result<Self, CliError> {
        let path = match named {
            Some(path) => path.to_path_buf(),
            None => folder
                .ancestors()
                .map(|folder| folder.join(FILE_NAME))
                .find(|path| path.is_file())
                .ok_or_else(|| {
                    CliError::usage(
                        "no_profile",
                        format!("names need a {FILE_NAME}, and there is none here nor in a folder above"),
                    )
                    .hint("give addresses, or write the file: the README has an example")
                })?,
        };
        let text = fs::read_to_string(&path).map_err(|error| {
            let reason = match error.kind() {
                ErrorKind::NotFound => "there is no such file".to_string(),
                _ => error.to_string(),
            };
            unreadable(&path, &reason)
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, CliError> {
        let file: File = toml::from_str(text).map_err(|error| {
            // The error's own text would quote the line, which may hold what should not be there.
            let line = error.span().and_then(|span| text.get(..span.start));
            let line = line.map_or(1, |before| before.matches('\n').count().saturating_add(1));
            unreadable(&path, &format!("line {line}: {}", error.message().trim()))
        })?;
        let profile = Self { path, file };
        profile.check()?;
        Ok(profile)
    }

    /// Every name is usable, and those that refer to others do so.
    fn check(&self) -> Result<(), CliError> {
        let File {
            envs,
            councils,
            programs,
        } = &self.file;
        let names = envs.keys().chain(councils.keys()).chain(programs.keys());
        for name in names {
            if !is_name(name) {
                return Err(unreadable(
                    &self.path,
                    &format!(
                        "a name must begin with a letter and have at most {MAX_NAME_LEN} letters, digits, - or _, \
                         found `{name}`"
                    ),
                ));
            }
        }
        let programs_ids = programs.iter().map(|(name, program)| (name, &program.id));
        for (name, addresses) in councils.iter().chain(programs_ids) {
            let Addresses::Each(each) = addresses else {
                continue;
            };
            if let Some(env) = each.keys().find(|env| !envs.contains_key(*env)) {
                return Err(unreadable(
                    &self.path,
                    &format!("`{name}` has an address on `{env}`, which is none of the envs"),
                ));
            }
        }
        for (name, program) in programs {
            if let Some(council) = &program.council {
                if !councils.contains_key(council) {
                    return Err(unreadable(
                        &self.path,
                        &format!("the council `{council}` of `{name}` is none of the councils"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the envs.
    pub fn envs(&self) -> impl Iterator<Item = &str> {
        self.file.envs.keys().map(String::as_str)
    }

    /// The names of the programs.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.file.programs.keys().map(String::as_str)
    }

    /// The cluster of an env, and the instance of Portcullis there if it is not the usual one.
    ///
    /// # Errors
    /// `unknown_env`, `unknown_cluster`, a variable that is not set.
    pub fn env(&self, name: &str) -> Result<(Cluster, Option<Pubkey>), CliError> {
        let env = self
            .file
            .envs
            .get(name)
            .ok_or_else(|| self.unknown("env", name, self.envs().collect()))?;
        let urls = match &env.url {
            Urls::One(url) => std::slice::from_ref(url),
            Urls::Several(urls) => urls,
        };
        let urls: Result<Vec<String>, CliError> = urls.iter().map(|url| expand(url)).collect();
        let cluster = Cluster::parse(&urls?)?;
        Ok((cluster, env.portcullis.map(|address| address.0)))
    }

    /// The program id of a name on an env.
    ///
    /// # Errors
    /// `unknown_name`, `no_env` where it depends on the env.
    pub fn program(&self, name: &str, env: Option<&str>) -> Result<Pubkey, CliError> {
        let program = self.file.programs.get(name);
        let program = program.ok_or_else(|| self.unknown_program(name))?;
        self.on(name, &program.id, env)
    }

    /// The address of a council's name on an env.
    ///
    /// # Errors
    /// As [`program`](Self::program).
    pub fn council(&self, name: &str, env: Option<&str>) -> Result<Pubkey, CliError> {
        let councils = &self.file.councils;
        let addresses = councils.get(name).ok_or_else(|| {
            self.unknown(
                "council",
                name,
                councils.keys().map(String::as_str).collect(),
            )
        })?;
        self.on(name, addresses, env)
    }

    /// The council that governs a program, or is to.
    ///
    /// # Errors
    /// As [`program`](Self::program).
    pub fn council_of(&self, name: &str, env: Option<&str>) -> Result<Option<Pubkey>, CliError> {
        let program = self.file.programs.get(name);
        let council = program.and_then(|program| program.council.as_deref());
        council
            .map(|council| self.council(council, env))
            .transpose()
    }

    /// The error for a program that has no name here.
    pub fn unknown_program(&self, name: &str) -> CliError {
        self.unknown("program", name, self.programs().collect())
    }

    /// The envs that a program is on, each with its id there.
    pub fn ids(&self, name: &str) -> Vec<(&str, Pubkey)> {
        let Some(program) = self.file.programs.get(name) else {
            return Vec::new();
        };
        match &program.id {
            Addresses::Everywhere(address) => self.envs().map(|env| (env, address.0)).collect(),
            Addresses::Each(each) => each
                .iter()
                .map(|(env, address)| (env.as_str(), address.0))
                .collect(),
        }
    }

    /// Where a program's build is; relative to the file.
    pub fn artifact(&self, name: &str) -> Option<PathBuf> {
        let artifact = self.file.programs.get(name)?.artifact.as_ref()?;
        Some(self.path.parent()?.join(artifact))
    }

    fn on(&self, name: &str, addresses: &Addresses, env: Option<&str>) -> Result<Pubkey, CliError> {
        let each = match addresses {
            Addresses::Everywhere(address) => return Ok(address.0),
            Addresses::Each(each) => each,
        };
        let envs = each.keys().cloned().collect::<Vec<_>>().join(", ");
        let Some(env) = env else {
            return Err(CliError::usage(
                "no_env",
                format!("`{name}` has an address on each of {envs}, and none of them is chosen"),
            )
            .hint("choose one with --env"));
        };
        each.get(env).map(|address| address.0).ok_or_else(|| {
            CliError::usage(
                "unknown_name",
                format!("`{name}` has no address on `{env}`, only on {envs}"),
            )
            .hint(format!("add it to {}", self.path.display()))
        })
    }

    fn unknown(&self, what: &str, name: &str, known: Vec<&str>) -> CliError {
        let known = match known.as_slice() {
            [] => "none".to_string(),
            known => known.join(", "),
        };
        CliError::usage(
            &format!("unknown_{}", if what == "env" { "env" } else { "name" }),
            format!("{} has no {what} `{name}`", self.path.display()),
        )
        .hint(format!("it names {known}"))
    }
}

/// A URL, or the variable of the environment that holds it.
fn expand(url: &str) -> Result<String, CliError> {
    let Some(variable) = url.strip_prefix('$') else {
        return Ok(url.to_string());
    };
    env::var(variable).map_err(|_| {
        CliError::usage(
            "variable_not_set",
            format!("the URL stands in the environment variable {variable}, which is not set"),
        )
        .hint(format!("set {variable}, or give the URL with -u"))
    })
}

fn unreadable(path: &Path, reason: &str) -> CliError {
    CliError::usage(
        "profile_unreadable",
        format!("{} cannot be used: {reason}", path.display()),
    )
    .hint("correct it, or name another with --profile")
}

#[cfg(test)]
mod tests;
