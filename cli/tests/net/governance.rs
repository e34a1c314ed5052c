//! What the tests of executions, triggers, messages and attestations need.

use portcullis::{policy::Policy, transitions::AdoptArgs};
use portcullis_client::{
    hashing::{hash_steps, Target},
    message,
    transaction::MAX_COMPUTE_UNITS,
    Client, SendOptions,
};
use solana_sdk::signer::Signer;

use super::{key, runtime, Net};

impl Net {
    /// With all lanes; the guardian attests builds, of which each upgrade needs one. `trigger`: guardians that trigger a standby.
    pub fn with_attester() -> Self {
        let net = Self::start();
        let guard = format!("{}:guard,attest=build", net.address("guard"));
        let rules = [
            "--threshold",
            "2",
            "--timelock",
            "20m",
            "--trigger-threshold",
            "1",
            "--standby-validity",
            "10d",
            "--message-validity",
            "1h",
            "--attestations",
            "build=1",
        ];
        let mut create = vec!["council", "create", "--create-key", "create.json"];
        for member in net.members[..3].iter().chain([&guard]) {
            create.extend(["--member", member]);
        }
        create.extend(rules);
        create.extend(["-k", "alice.json", "--yes"]);
        net.ok(&create);
        let mut adopt = vec!["gate", "adopt", &net.program, "--council", &net.council];
        adopt.extend(rules);
        adopt.extend(["--upgrade-authority", "authority.json"]);
        adopt.extend(["-k", "alice.json", "--yes"]);
        net.ok(&adopt);
        net
    }

    /// Another council, of alice alone.
    pub fn second_council(&self) -> String {
        let member = format!("{}:propose,vote,execute,guard:3", self.alice);
        self.ok(&[
            "council",
            "create",
            "--create-key",
            "stranger.json",
            "--member",
            &member,
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
            "-k",
            "alice.json",
            "--yes",
        ]);
        let create_key = key("stranger").pubkey();
        let (council, _) = portcullis::state::find_council(&portcullis::ID, &create_key);
        council.to_string()
    }

    /// Proposes as alice; gives the REF.
    pub fn proposed(&self, args: &[&str]) -> String {
        let args = [args, &["-k", "alice.json", "--yes"]].concat();
        let made = self.json(&args);
        made["data"]["ref"].as_str().unwrap().to_string()
    }

    /// Approves as alice and bob, and waits for the timelock.
    pub fn pass(&self, name: &str, seconds: i64) {
        self.approve(name);
        self.travel(seconds);
    }

    pub fn status_of(&self, name: &str) -> String {
        let found = self.json(&["status", name]);
        found["data"]["status"].as_str().unwrap().to_string()
    }

    /// Bob's approval as a message, signed by another tool: the signature alone.
    pub fn signature_of(&self, name: &str, signer: &str, valid_until: i64) -> String {
        let client = Client::new(self.url(), portcullis::ID);
        let address = self.json(&["status", name])["data"]["address"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let view = runtime()
            .block_on(client.fetch_proposal_view(&address))
            .unwrap();
        let text = message::text(&view, &message::Ballot::Approve, valid_until).unwrap();
        let signer = key(signer);
        let envelope = portcullis::message::Envelope::Short;
        let bytes = message::wrapped(&portcullis::ID, &signer.pubkey(), &text, envelope).unwrap();
        signer.sign_message(&bytes).to_string()
    }

    /// The first transaction of an adoption of a large program, and so many steps of its hash.
    pub fn begin_adoption(&self, steps: usize) {
        let client = Client::new(self.url(), portcullis::ID);
        let (alice, authority) = (key("alice"), key("authority"));
        let (council, program) = (self.council.parse().unwrap(), key("program").pubkey());
        let policy = Policy {
            threshold: 2,
            timelock_seconds: 600,
            voting_period_seconds: 3 * 86_400,
            execution_window_seconds: 2 * 86_400,
            veto_threshold: 1,
            ..Policy::default()
        };
        runtime().block_on(async {
            let found = client.fetch_programdata(&program).await.unwrap();
            let deployed = found.account.commitment().unwrap();
            let adopt = client.builder().adopt_program(
                council,
                program,
                authority.pubkey(),
                alice.pubkey(),
                alice.pubkey(),
                AdoptArgs {
                    epoch: 1,
                    policy,
                    deployed,
                },
            );
            let options = SendOptions::with_compute_units(MAX_COMPUTE_UNITS);
            client
                .send(&[adopt], &alice, &[&authority], &options)
                .await
                .unwrap();
            let target = Target::Program { council, program };
            for step in hash_steps(0, deployed.len).take(steps) {
                let hash = target.instruction(&client, alice.pubkey(), alice.pubkey(), step);
                client.send(&[hash], &alice, &[], &options).await.unwrap();
            }
        });
    }
}
