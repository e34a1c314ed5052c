//! A localnet, a folder with keys and programs, and the binary.

// What not every test file needs.
#[allow(dead_code)]
mod governance;
#[allow(dead_code)]
mod lanes;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use portcullis::{
    policy::Policy,
    state::{Member, ROLE_EXECUTE, ROLE_PROPOSE, ROLE_VOTE},
    transitions::CreateCouncilArgs,
};
use portcullis_client::{
    deploy::extend_program,
    transaction::{build_message, sign},
    Client, SendOptions,
};
use portcullis_localnet::{
    portcullis_program, samples, Localnet, LocalnetConfig, ProgramConfig, TimeControl,
};
use solana_sdk::{
    pubkey::Pubkey,
    signer::{keypair::Keypair, Signer},
};
use tempfile::TempDir;

/// The rules that all councils here have.
pub const COUNCIL_RULES: [&str; 6] = ["council", "create", "--threshold", "2", "--timelock", "10m"];
const FUNDS: u64 = 1_000_000_000_000;
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

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn key(name: &str) -> Keypair {
    let mut seed = [7; 32];
    let bytes = name.as_bytes();
    seed[..bytes.len()].copy_from_slice(bytes);
    Keypair::new_from_array(seed)
}

/// Addresses of nobody.
pub fn strangers(count: u8) -> Vec<String> {
    (0..count)
        .map(|number| key(&format!("stranger {number}")).pubkey().to_string())
        .collect()
}

pub struct Net {
    localnet: Localnet,
    folder: TempDir,
    pub council: String,
    pub program: String,
    pub other_program: String,
    pub alice: String,
    pub bob: String,
    members: Vec<String>,
}

impl Net {
    /// With SPL Token 3.5.0 deployed as `program` and `other_program`.
    pub fn start() -> Self {
        Self::with_deployed("old.so")
    }

    pub fn with_deployed(deployed: &str) -> Self {
        Self::with(deployed, None)
    }

    /// Portcullis itself can be upgraded by a plain key.
    pub fn with_upgradeable_portcullis() -> Self {
        Self::with("old.so", Some(key("stranger").pubkey()))
    }

    fn with(deployed: &str, portcullis_authority: Option<Pubkey>) -> Self {
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
        fs::write(at("release.json"), b"{\"commit\":\"7f3a\"}").unwrap();
        for name in KEYS {
            let numbers = serde_json::to_string(&key(name).to_bytes().to_vec()).unwrap();
            fs::write(at(&format!("{name}.json")), numbers).unwrap();
        }
        let program = |name: &str| ProgramConfig {
            program_id: key(name).pubkey(),
            elf: fs::read(at(deployed)).unwrap(),
            upgrade_authority: Some(key("authority").pubkey()),
        };
        let localnet = Localnet::start(LocalnetConfig {
            slot_time_ms: 50,
            funded_accounts: ["alice", "bob", "carol", "guard"]
                .map(|name| (key(name).pubkey(), FUNDS))
                .to_vec(),
            programs: vec![
                portcullis_program(portcullis::ID, portcullis_authority),
                program("program"),
                program("other-program"),
            ],
            ..LocalnetConfig::default()
        })
        .unwrap();
        let (council, _) =
            portcullis::state::find_council(&portcullis::ID, &key("create").pubkey());
        let address = |name: &str| key(name).pubkey().to_string();
        Self {
            localnet,
            council: council.to_string(),
            program: address("program"),
            other_program: address("other-program"),
            alice: address("alice"),
            bob: address("bob"),
            members: vec![
                format!("{}:propose,vote,execute", address("alice")),
                format!("{}:vote", address("bob")),
                format!("{}:vote", address("carol")),
                format!("{}:guard", address("guard")),
            ],
            folder,
        }
    }

    /// With a council, and `program` behind a gate.
    pub fn adopted() -> Self {
        let net = Self::start();
        net.ok(&net.council_create());
        net.ok(&net.gate_adopt());
        net
    }

    pub fn council_create(&self) -> Vec<&str> {
        let mut args = COUNCIL_RULES.to_vec();
        for member in &self.members {
            args.extend(["--member", member]);
        }
        args.extend(["--create-key", "create.json", "-k", "alice.json", "--yes"]);
        args
    }

    pub fn gate_adopt(&self) -> Vec<&str> {
        vec![
            "gate",
            "adopt",
            &self.program,
            "--council",
            &self.council,
            "--threshold",
            "2",
            "--timelock",
            "10m",
            "--upgrade-authority",
            "authority.json",
            "-k",
            "alice.json",
            "--yes",
        ]
    }

    /// Proposes alice's buffer.
    pub fn propose<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let buffer: &'a str = Box::leak(self.buffer().into_boxed_str());
        let mut args = vec![
            "propose",
            "upgrade",
            buffer,
            "--program",
            &self.program,
            "--artifact",
            "new.so",
            "--statement",
            "release.json",
            "--statement-uri",
            "https://example.com/1",
            "-k",
            "alice.json",
        ];
        args.extend(more);
        args
    }

    pub fn url(&self) -> &str {
        self.localnet.rpc_url()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, args: &[&str], with_url: bool) -> Output {
        self.command(args, with_url).output().unwrap()
    }

    fn command(&self, args: &[&str], with_url: bool) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("TZ", "UTC")
            .args(args);
        if with_url {
            command.args(["-u", self.url()]);
        }
        command
    }

    /// Runs what must work; gives stdout.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args, true);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let mut args = args.to_vec();
        args.extend(["--output", "json"]);
        serde_json::from_str(&self.ok(&args)).unwrap()
    }

    /// The digest of a proposal of `program`.
    pub fn digest(&self, index: &str) -> String {
        self.digest_of(&format!("{}/{index}", self.program))
    }

    pub fn digest_of(&self, name: &str) -> String {
        self.json(&["status", name])["data"]["digest"]
            .as_str()
            .unwrap()
            .to_string()
    }

    pub fn buffer(&self) -> String {
        self.buffer_of("alice.json")
    }

    /// The only buffer of a key.
    pub fn buffer_of(&self, key: &str) -> String {
        let list = self.json(&["buffer", "list", "-k", key]);
        list["data"]["buffers"][0]["buffer"]
            .as_str()
            .unwrap()
            .to_string()
    }

    /// The buffer that the first proposal of `program` holds.
    pub fn held_buffer(&self) -> String {
        let name = format!("{}/0", self.program);
        self.json(&["status", &name])["data"]["buffer"]
            .as_str()
            .unwrap()
            .to_string()
    }

    /// The first transaction of a creation that takes several, and no more.
    pub fn begin_council(&self, members: &[String]) {
        let mut members: Vec<Member> = members
            .iter()
            .map(|key| Member {
                key: key.parse().unwrap(),
                weight: 1,
                roles: ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE,
                attests: 0,
            })
            .collect();
        members.sort_by_key(|member| member.key);
        members.truncate(10);
        let policy = Policy {
            threshold: 2,
            timelock_seconds: 600,
            voting_period_seconds: 3 * 86_400,
            execution_window_seconds: 2 * 86_400,
            ..Policy::default()
        };
        let client = Client::new(self.url(), portcullis::ID);
        let (alice, create) = (key("alice"), key("create"));
        let instruction = client.builder().create_council(
            create.pubkey(),
            alice.pubkey(),
            CreateCouncilArgs {
                policy,
                delay_floor_seconds: 0,
                members,
            },
        );
        runtime()
            .block_on(client.send(&[instruction], &alice, &[&create], &SendOptions::default()))
            .unwrap();
    }

    /// Extends `program`, as anyone may, in a slot that stays open.
    pub fn extend_in_a_held_slot(&self) {
        let client = Client::new(self.url(), portcullis::ID);
        let (carol, program) = (key("carol"), key("program").pubkey());
        runtime().block_on(async {
            TimeControl::new(self.url()).hold().await.unwrap();
            let room = client
                .fetch_programdata(&program)
                .await
                .unwrap()
                .account
                .elf
                .len();
            let extend = extend_program(&program, &carol.pubkey(), room, room + 1)
                .unwrap()
                .unwrap();
            let blockhash = client.rpc.get_latest_blockhash().await.unwrap();
            let message = build_message(&[extend], &carol.pubkey(), &[], blockhash).unwrap();
            let transaction = sign(message, &[&carol]).unwrap();
            client.rpc.send_transaction(&transaction).await.unwrap();
        });
    }

    /// Runs a command; lets the held clock go on once stderr shows `words`. Gives the exit code, and stderr.
    pub fn run_and_resume_clock_after(&self, words: &str, args: &[&str]) -> (i32, String) {
        let mut child = self
            .command(args, true)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut seen = String::new();
        let mut resumed = false;
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            seen.push_str(&line.unwrap());
            seen.push('\n');
            if !resumed && seen.contains(words) {
                resumed = true;
                runtime()
                    .block_on(TimeControl::new(self.url()).resume())
                    .unwrap();
            }
        }
        assert!(resumed, "{seen}");
        (child.wait().unwrap().code().unwrap(), seen)
    }

    /// Moves the chain's clock by so many seconds.
    pub fn travel(&self, seconds: i64) {
        let time = TimeControl::new(self.url());
        runtime()
            .block_on(async {
                let now = time.now().await?;
                time.advance_to(now.unix_timestamp + seconds).await
            })
            .unwrap();
    }

    pub fn snapshot(&self, name: &str, args: &[&str]) {
        self.compare(name, args, self.run(args, true), true);
    }

    pub fn snapshot_stdout(&self, name: &str, args: &[&str]) {
        self.compare(name, args, self.run(args, true), false);
    }

    pub fn snapshot_without_url(&self, name: &str, args: &[&str]) {
        self.compare(name, args, self.run(args, false), true);
    }

    fn compare(&self, name: &str, args: &[&str], output: Output, with_stderr: bool) {
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let mut text = format!(
            "exit code {}\n--- stdout\n{stdout}",
            output.status.code().unwrap()
        );
        if with_stderr {
            text.push_str(&format!("--- stderr\n{stderr}"));
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path("../snapshots");
        settings.set_omit_expression(true);
        settings.set_description(format!("portcullis {}", shortened(args)));
        for (pattern, replacement) in self.filters() {
            settings.add_filter(&pattern, replacement);
        }
        settings.bind(|| insta::assert_snapshot!(name, text));
    }

    /// What differs between runs. Hashes of files and addresses of fixed keys do not.
    fn filters(&self) -> Vec<(String, String)> {
        let hash = |name: &str| {
            let bytes = self.read(name);
            let commitment = portcullis::digest::Commitment::of(&bytes).unwrap();
            commitment
                .sha256
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let mut filters = vec![
            (hash("old.so"), "[SHA256 OF OLD.SO]".to_string()),
            (hash("new.so"), "[SHA256 OF NEW.SO]".to_string()),
            (self.url().replace('.', "\\."), "[URL]".to_string()),
        ];
        for name in KEYS {
            filters.push((
                key(name).pubkey().to_string(),
                format!("[{}]", name.to_uppercase()),
            ));
        }
        filters.push((self.council.clone(), "[COUNCIL]".to_string()));
        filters.push((
            Pubkey::to_string(&portcullis::ID),
            "[PORTCULLIS]".to_string(),
        ));
        let duration = r"\d+(?:days?|h|m|s)(?: \d+(?:h|m|s))*";
        for (pattern, replacement) in [
            (r"\b[0-9a-f]{64}\b", "[HASH]"),
            (r"--digest says [0-9a-f]{16,64}", "--digest says [HASH]"),
            (r"\b[1-9A-HJ-NP-Za-km-z]{86,88}\b", "[SIGNATURE]"),
            (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:Z| UTC)", "[TIME]"),
            (r#""unix_seconds": \d+"#, r#""unix_seconds": 0"#),
            (
                r#""(chain_slot|slot|timestamp|eta|valid_until|voting_ends_at|expires_at|compute_units)": \d+"#,
                r#""$1": 0"#,
            ),
            (r"\d+ compute units", "[UNITS] compute units"),
            // Columns are as wide as what stands in them before it is replaced here.
            (r"(\S)  +", "$1  "),
        ] {
            filters.push((pattern.to_string(), replacement.to_string()));
        }
        filters.push((
            format!(r"\b(in|ready in) {duration}"),
            "$1 [DURATION]".to_string(),
        ));
        filters.push((format!(r"{duration} ago"), "[DURATION] ago".to_string()));
        filters
    }
}

/// The command for the snapshot's head, without what differs between runs.
fn shortened(args: &[&str]) -> String {
    let words: Vec<&str> = args
        .iter()
        .map(|word| {
            let digest = word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            if digest || word.len() > 40 {
                "…"
            } else {
                word
            }
        })
        .collect();
    words.join(" ")
}
