//! Snapshots of what a command says, without what differs between runs; and that a failed command changes nothing.

use std::process::Output;

use solana_sdk::pubkey::Pubkey;

use super::{address, proxy::Proxy, Net, KEYS};

impl Net {
    /// Records commands under one heading.
    pub fn recorder<'a>(&'a self, heading: &'a str) -> impl Fn(&str, &str) + 'a {
        move |name, line| self.snapshot(&format!("{heading}__{name}"), line)
    }

    /// Records commands that name their cluster themselves.
    pub fn named_recorder<'a>(&'a self, heading: &'a str) -> impl Fn(&str, &str) + 'a {
        move |name, line| self.snapshot_without_url(&format!("{heading}__{name}"), line)
    }

    pub fn snapshot(&self, name: &str, line: &str) {
        let output = self.run_checked(line);
        self.compare(name, line, output, true);
    }

    pub fn snapshot_stdout(&self, name: &str, line: &str) {
        let output = self.run_checked(line);
        self.compare(name, line, output, false);
    }

    /// Of what stops half-way because of the server.
    pub fn snapshot_stopped_by(&self, proxy: &Proxy, name: &str, line: &str) {
        let output = proxy.run(self, line);
        assert!(!output.status.success(), "{line}");
        self.compare(name, line, output, true);
    }

    pub fn snapshot_without_url(&self, name: &str, line: &str) {
        let output = self.command(line).output().unwrap();
        self.compare(name, line, output, true);
    }

    /// What fails, and what only looks or signs, must leave the chain alone.
    pub fn run_checked(&self, line: &str) -> Output {
        let before = self.chain();
        let output = self.run(line);
        let looks = ["--dry-run", "--export", "--sign-message", "--sign-only"];
        let looks = line.split_whitespace().any(|word| looks.contains(&word));
        if looks || !output.status.success() {
            assert!(self.chain() == before, "{line} changed the chain");
        }
        output
    }

    /// Of a command that another server answered.
    pub fn snapshot_of(&self, name: &str, line: &str, output: Output) {
        self.compare(name, line, output, true);
    }

    pub(super) fn compare(&self, name: &str, line: &str, output: Output, with_stderr: bool) {
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let mut text = format!(
            "exit code {}\n--- stdout\n{stdout}",
            output.status.code().unwrap()
        );
        if with_stderr {
            text.push_str(&format!("--- stderr\n{stderr}"));
        }
        self.compare_text(name, &format!("portcullis {}", shortened(line)), &text);
    }

    pub fn compare_text(&self, name: &str, description: &str, text: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path("../snapshots");
        settings.set_omit_expression(true);
        settings.set_description(description);
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
            (hash("v3.so"), "[SHA256 OF V3.SO]".to_string()),
            (self.url().replace('.', "\\."), "[URL]".to_string()),
            (self.path().display().to_string(), "[FOLDER]".to_string()),
        ];
        for name in KEYS {
            filters.push((address(name), format!("[{}]", name.to_uppercase())));
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
            (r"\b[0-9a-f]{40}\b", "[COMMIT]"),
            (r"SOURCE_DATE_EPOCH=\d+", "SOURCE_DATE_EPOCH=[TIME]"),
            (r"\d+ compute units", "[UNITS] compute units"),
            (r"\bgenesis [1-9A-HJ-NP-Za-km-z]{32,44}", "genesis [HASH]"),
            (r"\bSURFNET\w+", "[BLOCKHASH]"),
            (r"Transaction Message: \S+", "Transaction Message: [BASE64]"),
            (
                r#""message_base64": "[^"]+""#,
                r#""message_base64": "[BASE64]""#,
            ),
            (
                r#"("unit": "(?:seconds|unix_seconds|slots)",\s*"value": )-?\d+"#,
                "${1}0",
            ),
            (r"(found +)\d+ seconds", "${1}0 seconds"),
            (r"\d+ slots in the last \d+ s", "[SLOTS] slots"),
            (r"\bslot \d+", "slot [SLOT]"),
            (r"/\d{10}\b", "/[SECONDS]"),
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
        filters.push((
            format!(r"{duration} (ahead|behind)"),
            "[DURATION] $1".to_string(),
        ));
        filters
    }
}

/// The command for the snapshot's head, without what differs between runs.
fn shortened(line: &str) -> String {
    let words: Vec<&str> = line
        .split_whitespace()
        .map(|word| {
            let digest = word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            let time = word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_digit());
            if digest || time || word.len() > 40 {
                "…"
            } else {
                word
            }
        })
        .collect();
    words.join(" ")
}
