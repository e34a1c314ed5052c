//! A localnet, a folder with keys and programs, and the binary.
//!
//! Commands are written as in a shell. `$alice` is the address of that key, `$council` that of the council; so is each of [`KEYS`].

mod airgap;
mod chain;
mod chaos;
mod crowd;
mod gateway;
mod hook;
mod proxy;
mod schema;
mod server;
mod setup;
mod snapshot;
mod watching;
mod wire;

pub use chaos::{Chance, Chaos};
pub use gateway::Gateway;
pub use hook::{hmac, Hook};
pub use proxy::Fault;
pub use schema::check as check_json;
pub use setup::{adopt, council_create, strangers, PLAIN};

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use portcullis_localnet::{portcullis_program, samples, Localnet, LocalnetConfig, ProgramConfig};
use serde_json::Value;
use solana_sdk::{
    pubkey::Pubkey,
    signer::{keypair::Keypair, Signer},
};
use tempfile::TempDir;

/// A program of sBPF v3, as none of LiteSVM's samples is.
const FORWARDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/programs/forwarder.so"
);
const FUNDS: u64 = 1_000_000_000_000;
const SLOT_TIME_MS: u64 = 50;
const KEYS: [&str; 9] = [
    "alice",
    "bob",
    "carol",
    "guard",
    "stranger",
    "authority",
    "create",
    "program",
    "other-program",
];

fn key(name: &str) -> Keypair {
    let mut seed = [7; 32];
    let bytes = name.as_bytes();
    seed[..bytes.len()].copy_from_slice(bytes);
    Keypair::new_from_array(seed)
}

/// A key as its file holds it.
fn numbers(key: &Keypair) -> String {
    serde_json::to_string(&key.to_bytes().to_vec()).unwrap()
}

/// The address of one of the fixed keys.
pub fn address(name: &str) -> String {
    key(name).pubkey().to_string()
}

/// What a command says that asks no cluster.
pub fn bare(line: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let output = command
        .env_clear()
        .args(line.split_whitespace())
        .output()
        .unwrap();
    Net::stdout(line, output)
}

fn portcullis(authority: Option<Pubkey>) -> ProgramConfig {
    portcullis_program(portcullis::ID, authority)
}

pub struct Net {
    localnet: Localnet,
    folder: TempDir,
    council: String,
}

impl Net {
    /// With SPL Token 3.5.0 deployed as `$program` and `$other-program`.
    pub fn start() -> Self {
        Self::with_deployed("old.so")
    }

    pub fn with_deployed(deployed: &str) -> Self {
        Self::with(deployed, portcullis(None), SLOT_TIME_MS)
    }

    /// With slots of so many milliseconds; a cluster's have 400.
    pub fn with_slots_of(milliseconds: u64) -> Self {
        Self::with("old.so", portcullis(None), milliseconds)
    }

    /// Portcullis itself can be upgraded by a plain key.
    pub fn with_upgradeable_portcullis() -> Self {
        let authority = Some(key("stranger").pubkey());
        Self::with("old.so", portcullis(authority), SLOT_TIME_MS)
    }

    /// Portcullis's address holds a smaller program, which alice can upgrade.
    pub fn with_another_program_in_its_place() -> Self {
        let other = ProgramConfig {
            elf: fs::read(FORWARDER).unwrap(),
            ..portcullis(Some(key("alice").pubkey()))
        };
        Self::with("old.so", other, SLOT_TIME_MS)
    }

    fn with(deployed: &str, portcullis: ProgramConfig, slot_time_ms: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old.so"), samples::spl_token().unwrap()).unwrap();
        fs::write(at("new.so"), samples::p_token().unwrap()).unwrap();
        if deployed == "large.so" {
            // Too long for one transaction's hash. The loader does not look behind the sections.
            let mut large = samples::spl_token().unwrap();
            large.resize(2_700_000, 1);
            fs::write(at("large.so"), large).unwrap();
        }
        fs::write(at("memo.so"), samples::memo().unwrap()).unwrap();
        fs::copy(FORWARDER, at("v3.so")).unwrap();
        fs::write(at("release.json"), b"{\"commit\":\"7f3a\"}").unwrap();
        for name in KEYS {
            fs::write(at(&format!("{name}.json")), numbers(&key(name))).unwrap();
        }
        let program = |name: &str| ProgramConfig {
            program_id: key(name).pubkey(),
            elf: fs::read(at(deployed)).unwrap(),
            upgrade_authority: Some(key("authority").pubkey()),
        };
        let localnet = Localnet::start(LocalnetConfig {
            slot_time_ms,
            funded_accounts: ["alice", "bob", "carol", "guard"]
                .map(|name| (key(name).pubkey(), FUNDS))
                .to_vec(),
            programs: vec![portcullis, program("program"), program("other-program")],
            ..LocalnetConfig::default()
        })
        .unwrap();
        let (council, _) =
            portcullis::state::find_council(&portcullis::ID, &key("create").pubkey());
        Self {
            localnet,
            council: council.to_string(),
            folder,
        }
    }

    /// A program of so many bytes. The loader does not look behind the sections.
    pub fn write_build(&self, name: &str, len: usize, seed: u64) -> Vec<u8> {
        let mut build = samples::spl_token().unwrap();
        let mut chance = Chance::new(seed);
        build.resize_with(len, || chance.below(255) as u8 + 1);
        self.write(name, &build);
        build
    }

    pub fn council(&self) -> &str {
        &self.council
    }

    pub fn url(&self) -> &str {
        self.localnet.rpc_url()
    }

    pub fn ws_url(&self) -> &str {
        self.localnet.ws_url()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    /// A key of nobody, in a file.
    pub fn write_new_key(&self, name: &str) {
        self.write(name, numbers(&Keypair::new()).as_bytes());
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Names instead of addresses, as `$alice`.
    fn expand(&self, word: &str) -> String {
        let word = word.replace("$council", &self.council);
        KEYS.iter().fold(word, |word, name| {
            word.replace(&format!("${name}"), &address(name))
        })
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("TZ", "UTC")
            .args(line.split_whitespace().map(|word| self.expand(word)));
        command
    }

    fn run(&self, line: &str) -> Output {
        let mut command = self.command(line);
        let output = command.args(["-u", self.url()]).output().unwrap();
        if line.contains("--output json") {
            schema::check(&output.stdout);
        }
        output
    }

    /// Runs a command against another server; what it says names the localnet itself.
    fn run_at(&self, url: &str, line: &str) -> Output {
        let mut command = self.command(line);
        let mut output = command.args(["-u", url]).output().unwrap();
        for text in [&mut output.stdout, &mut output.stderr] {
            let said = String::from_utf8(text.clone()).unwrap();
            *text = said.replace(url, self.url()).into_bytes();
        }
        output
    }

    /// Runs what must work; gives stdout.
    pub fn ok(&self, line: &str) -> String {
        // As JSON, so that what scripts read is checked wherever a command is run.
        let json = match line.contains("--output") {
            true => line.to_string(),
            false => format!("{line} --output json"),
        };
        Self::stdout(line, self.run(&json))
    }

    /// Runs what must work and names its cluster itself; gives stdout.
    pub fn named(&self, line: &str) -> String {
        let output = self.command(line).output().unwrap();
        if line.contains("--output json") {
            schema::check(&output.stdout);
        }
        Self::stdout(line, output)
    }

    fn stdout(line: &str, output: Output) -> String {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The data of what must work.
    pub fn json(&self, line: &str) -> Value {
        let stdout = self.ok(line);
        let mut envelope: Value = serde_json::from_str(&stdout).unwrap();
        envelope["data"].take()
    }

    /// The chain's time, Unix seconds, as the status of a proposal shows it.
    pub fn time_of(&self, name: &str) -> i64 {
        let status = self.json(&format!("status {name}"));
        status["chain_time"]["unix_seconds"].as_i64().unwrap()
    }

    /// A string in the data of what must work.
    pub fn field(&self, line: &str, name: &str) -> String {
        self.json(line)[name].as_str().unwrap().to_string()
    }

    pub fn digest_of(&self, name: &str) -> String {
        self.field(&format!("status {name}"), "digest")
    }

    pub fn status_of(&self, name: &str) -> String {
        self.field(&format!("status {name}"), "status")
    }

    /// The only buffer of a key.
    pub fn buffer_of(&self, name: &str) -> String {
        let list = self.json(&format!("buffer list -k {name}.json"));
        list["buffers"][0]["buffer"].as_str().unwrap().to_string()
    }

    /// Uploads a file as alice; gives the buffer.
    pub fn upload(&self, file: &str) -> String {
        let upload = format!("buffer upload {file} -k alice.json --yes");
        self.field(&upload, "buffer")
    }

    /// Proposes as alice; gives the REF.
    pub fn proposed(&self, line: &str) -> String {
        self.field(&format!("{line} -k alice.json --yes"), "ref")
    }

    /// Uploads a file and proposes it for `$program`; gives the REF.
    pub fn upgrade(&self, file: &str) -> String {
        let buffer = self.upload(file);
        self.proposed(&format!("propose upgrade {buffer} --program $program"))
    }

    /// Proposes an upgrade of `$program` as `$program/0`, and as `$program/1` the rollback that guards it; passes both and executes the
    /// upgrade, which arms the rollback.
    pub fn armed_rollback(&self) {
        let buffer = self.upload("new.so");
        self.proposed(&format!(
            "propose upgrade {buffer} --program $program --with-rollback"
        ));
        self.approve("$program/0");
        self.pass("$program/1");
        self.execute("$program/0");
        assert_eq!(self.status_of("$program/1"), "armed");
    }

    /// Approves a proposal as alice and bob.
    pub fn approve(&self, name: &str) {
        for voter in ["alice", "bob"] {
            self.vote("approve", name, voter);
        }
    }

    /// Votes on a proposal with a key.
    pub fn vote(&self, verb: &str, name: &str, key: &str) {
        let digest = self.digest_of(name);
        self.ok(&format!(
            "{verb} {name} -k {key}.json --yes --digest {digest}"
        ));
    }

    /// Approves a proposal as alice and bob, and waits for the longest timelock here.
    pub fn pass(&self, name: &str) {
        self.approve(name);
        self.travel(20 * 60 + 1);
    }

    pub fn execute(&self, name: &str) {
        self.ok(&format!("execute {name} -k alice.json --yes"));
    }
}
