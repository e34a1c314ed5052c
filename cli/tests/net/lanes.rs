//! A council and a gate with all lanes on.

use super::{key, Net};
use solana_sdk::signer::Signer;

/// The rules of the council and of its gate.
const RULES: [&str; 16] = [
    "--threshold",
    "2",
    "--timelock",
    "20m",
    "--emergency-threshold",
    "3",
    "--emergency-timelock",
    "10m",
    "--trigger-threshold",
    "1",
    "--standby-validity",
    "10d",
    "--message-validity",
    "1h",
    "--attestations",
    "none",
];

impl Net {
    /// With a council, and `program` behind a gate, whose policies have every lane.
    pub fn with_lanes() -> Self {
        let net = Self::start();
        let mut create = vec!["council", "create", "--create-key", "create.json"];
        for member in &net.members {
            create.extend(["--member", member]);
        }
        create.extend(RULES);
        create.extend(["-k", "alice.json", "--yes"]);
        net.ok(&create);
        net.ok(&net.adopt(&net.program));
        net
    }

    /// Creates another council of the same members, without its guardian or with it; gives its address.
    pub fn other_council(&self, create_key: &str, guarded: bool) -> String {
        let mut create = vec!["council", "create", "--create-key", create_key];
        for member in self
            .members
            .iter()
            .filter(|member| guarded || !member.ends_with("guard"))
        {
            create.extend(["--member", member]);
        }
        if guarded {
            create.extend(RULES);
        } else {
            create.extend(["--threshold", "2", "--timelock", "20m"]);
        }
        create.extend(["-k", "alice.json", "--yes"]);
        let made = self.json(&create);
        made["data"]["council"].as_str().unwrap().to_string()
    }

    fn adopt<'a>(&'a self, program: &'a str) -> Vec<&'a str> {
        let mut adopt = vec!["gate", "adopt", program, "--council", &self.council];
        adopt.extend(RULES);
        adopt.extend(["--upgrade-authority", "authority.json"]);
        adopt.extend(["-k", "alice.json", "--yes"]);
        adopt
    }

    /// Puts `other_program` behind a gate of the same council.
    pub fn adopt_other(&self) -> Vec<&str> {
        self.adopt(&self.other_program)
    }

    /// The address of one of the fixed keys.
    pub fn address(&self, name: &str) -> String {
        key(name).pubkey().to_string()
    }

    /// Uploads a file as alice; gives the buffer.
    pub fn upload(&self, file: &str) -> String {
        let made = self.json(&["buffer", "upload", file, "-k", "alice.json", "--yes"]);
        made["data"]["buffer"].as_str().unwrap().to_string()
    }

    /// Approves a proposal as alice and bob.
    pub fn approve(&self, name: &str) {
        let digest = self.digest_of(name);
        for voter in ["alice.json", "bob.json"] {
            self.ok(&["approve", name, "-k", voter, "--yes", "--digest", &digest]);
        }
    }
}
