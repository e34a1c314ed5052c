//! Keys and addresses without Solana's tools: `address`, the keypair files that `localnet` makes, its clock, and `--output value`.

use std::{
    fs,
    io::{BufReader, Read},
    os::unix::fs::PermissionsExt,
    process::{Child, Stdio},
};

use serde_json::{Deserializer, Value};

use crate::net::{address, Net};

/// A localnet that the binary runs.
struct Foreground {
    child: Child,
    /// What it says that it has.
    data: Value,
}

impl Drop for Foreground {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Foreground {
    fn start(net: &Net, options: &str) -> Self {
        let line = format!("localnet --rpc-port 0 --ws-port 0 {options} --output json");
        let mut command = net.command(&line);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut envelope = Deserializer::from_reader(stdout).into_iter::<Value>();
        let data = envelope.next().unwrap().unwrap()["data"].take();
        Self { child, data }
    }

    fn stop(mut self) -> String {
        self.child.kill().unwrap();
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        said
    }
}

#[test]
fn the_address_of_a_signer_is_printed_without_a_server() {
    let net = Net::start();
    let said = |line: &str| {
        let output = net.command(line).output().unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{line}"
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let alice = address("alice");
    for form in ["", "--output text", "--output value"] {
        assert_eq!(
            said(&format!("address -k alice.json {form}")),
            format!("{alice}\n")
        );
    }
    assert_eq!(said("address -k file:alice.json"), format!("{alice}\n"));
    let envelope: Value =
        serde_json::from_str(&said("address -k alice.json --output json")).unwrap();
    assert_eq!(envelope["data"]["address"], *alice);
    // From the configuration.
    net.write(
        "config.yml",
        b"json_rpc_url: http://127.0.0.1:1\nwebsocket_url: ''\nkeypair_path: bob.json\n",
    );
    assert_eq!(
        said("address --config config.yml"),
        format!("{}\n", address("bob"))
    );
    // From stdin, as another tool pipes it.
    let mut piped = net.command("address -k -");
    piped.stdin(fs::File::open(net.path().join("alice.json")).unwrap());
    let output = piped.output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{alice}\n")
    );
    net.snapshot_without_url("address__no_keypair", "address");
    net.snapshot_without_url("address__no_such_file", "address -k nowhere.json");
}

#[test]
fn a_localnet_makes_the_keypair_files_that_are_missing_and_no_others() {
    let net = Net::start();
    let options = "--fund new.json --fund alice.json --program app.json=old.so:new.json";
    let localnet = Foreground::start(&net, options);
    let made = |name: &str| {
        let mode = fs::metadata(net.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        net.field(&format!("address -k {name}"), "address")
    };
    let (new, app) = (made("new.json"), made("app.json"));
    assert_eq!(localnet.data["funded_addresses"][0], *new);
    assert_eq!(localnet.data["funded_addresses"][1], *address("alice"));
    assert_eq!(localnet.data["programs"][1], *app);
    let said = localnet.stop();
    assert!(said.contains(&format!("made new.json, the key of {new}: for tests only")));
    assert!(said.contains(&format!("made app.json, the key of {app}: for tests only")));
    assert!(!said.contains("made alice.json"), "{said}");

    // The second start finds them.
    let before = net.read("new.json");
    let localnet = Foreground::start(&net, options);
    assert_eq!(localnet.data["funded_addresses"][0], *new);
    assert_eq!(net.read("new.json"), before);
    assert!(!localnet.stop().contains("made "));

    // What does not look like a file's name is an address with a mistake in it.
    for (name, options) in [
        ("mistyped", "--fund $alicee"),
        ("no_folder", "--fund nowhere/key.json"),
        ("no_authority", "--program other.json=old.so:nobody.json"),
    ] {
        net.snapshot_without_url(&format!("localnet__{name}"), &format!("localnet {options}"));
    }
    assert!(!net.path().join("other.json").exists() && !net.path().join("nobody.json").exists());
}

#[test]
fn a_localnet_s_clock_is_put_forward_and_no_other() {
    let net = Net::adopted();
    let proposal = net.upgrade("new.so");
    let (before, slot) = net.chain_time();
    let moved = net.json("localnet travel 1d");
    let (after, slot_after) = net.chain_time();
    assert!(
        after >= before + 86_400 && after < before + 86_400 + 60,
        "{before} {after}"
    );
    assert!(slot_after > slot);
    let shown = moved["chain_time"]["unix_seconds"].as_i64().unwrap();
    assert!((before + 86_400..=after).contains(&shown));
    net.ok(&format!("status {proposal}"));
    for (name, line) in [
        ("devnet", "localnet travel 1d -u devnet"),
        ("no_cluster", "localnet travel 1d"),
        ("two_servers", "localnet travel 1d -u localhost,localhost"),
        ("nobody_there", "localnet travel 1d -u http://127.0.0.1:1"),
        ("with_ports", "localnet --rpc-port 0 travel 1d"),
    ] {
        net.snapshot_without_url(&format!("travel__{name}"), line);
    }
}

#[test]
fn a_value_is_printed_for_the_next_command() {
    let net = Net::with_lanes();
    net.adopt_other();
    let upload = "buffer upload new.so -k alice.json --output value";
    let buffer = net.ok(&format!("{upload} --yes")).trim().to_string();
    assert_eq!(buffer, net.buffer_of("alice"));
    let propose =
        format!("propose upgrade {buffer} --program $program -k alice.json --output value");
    // Nothing is made, so there is nothing that could be named.
    assert_eq!(net.ok(&format!("{propose} --dry-run")), "");
    let proposal = net.ok(&format!("{propose} --yes")).trim().to_string();
    assert_eq!(proposal, format!("{}/0", address("program")));
    let digest = net.ok(&format!(
        "review {proposal} --artifact new.so --output value"
    ));
    assert_eq!(digest.trim(), net.digest_of(&proposal));
    // A rollback beside it comes second. Where two proposals hold the same build, the buffer is another.
    let with_rollback = net.ok(&format!(
        "propose upgrade {} --program $other-program --with-rollback -k alice.json --output value --yes",
        net.upload("new.so")
    ));
    let other = address("other-program");
    assert_eq!(with_rollback, format!("{other}/0\n{other}/1\n"));
    // What is wrong with it prints no digest.
    let wrong = net.run_checked(&format!(
        "review {proposal} --artifact old.so --output value"
    ));
    assert_eq!(
        (wrong.status.code(), wrong.stdout.as_slice()),
        (Some(4), b"".as_slice())
    );
    net.snapshot(
        "value__none",
        &format!(
            "approve {proposal} -k alice.json --yes --digest {} --output value",
            digest.trim()
        ),
    );
    assert_eq!(net.status_of(&proposal), "voting");
}
