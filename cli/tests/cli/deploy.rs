//! `migrations/deploy.ts`, compiled and run by node against a localnet, with Anchor's client and the committed IDL.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use portcullis_localnet::PORTCULLIS_ELF;

use crate::net::{address, council_create, Net};

fn migrations() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations"))
}

/// The script, compiled; its types are checked strictly.
fn script() -> &'static PathBuf {
    static SCRIPT: OnceLock<PathBuf> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let tsc = migrations().join("node_modules/typescript/bin/tsc");
        assert!(
            tsc.exists(),
            "its packages are missing: scripts/setup-node.sh installs them, as `make test` does"
        );
        let output = Command::new("node")
            .arg(tsc)
            .arg("-p")
            .arg(migrations())
            .output();
        let output = output.expect("node is there: scripts/setup-node.sh installs it");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        migrations().join("build/deploy.js")
    })
}

fn deploy(net: &Net, options: &str) -> Command {
    let mut command = Command::new("node");
    command
        .arg(script())
        .args(["--url", net.url()])
        .args(options.split_whitespace())
        .current_dir(net.path())
        .env("HOME", net.path());
    command
}

/// Its exit code, stdout, stderr.
fn run(net: &Net, options: &str) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = deploy(net, options).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn ok(net: &Net, options: &str) -> (String, String) {
    let (code, stdout, stderr) = run(net, options);
    assert_eq!(code, 0, "{options}: {stderr}");
    (stdout, stderr)
}

/// What fails says why, and changes nothing.
fn refused(net: &Net, options: &str, expected: i32, said: &str) {
    let before = net.chain();
    let (code, stdout, stderr) = run(net, options);
    assert_eq!(
        (code, stdout.as_str()),
        (expected, ""),
        "{options}: {stderr}"
    );
    let error = format!("error: {said}\nhint: ");
    assert!(stderr.starts_with(&error), "{options}: {stderr}");
    assert!(net.chain() == before, "{options} changed the chain");
}

/// A build that is larger than the committed one. The loader does not look behind the sections.
fn write_larger(net: &Net) {
    net.write("larger.so", &[PORTCULLIS_ELF, &[1; 20_000]].concat());
}

#[test]
fn portcullis_is_upgraded_at_its_own_address_and_answers_anchor_s_client() {
    let net = Net::with_another_program_in_its_place();
    let id = portcullis::ID.to_string();
    let options = format!("-k alice.json --program-id {id}");
    let bob = format!("-k bob.json --program-id {id}");
    let foreign = format!(
        "the upgrade authority of {id} is {}, not {}",
        address("alice"),
        address("bob")
    );
    refused(&net, &bob, 3, &foreign);

    let (said, _) = ok(&net, &options);
    assert!(
        said.contains(
            "did       extended and upgraded\nholds     0 councils, 0 gates\nanswers   to calls"
        ),
        "{said}"
    );
    // Whoever it is, there is nothing to do any more.
    let (before, paid) = (net.chain(), net.balance("alice"));
    for options in [&options, &bob] {
        let (said, _) = ok(&net, options);
        assert!(said.contains("did       nothing\n"), "{said}");
    }
    assert!(net.chain() == before && net.balance("alice") == paid);

    // As `anchor migrate` calls it.
    let migrate = "require('./deploy.js')(require('@anchor-lang/core').AnchorProvider.env())";
    let mut anchor = Command::new("node");
    anchor
        .args(["-e", migrate])
        .current_dir(script().parent().unwrap())
        .env("ANCHOR_PROVIDER_URL", net.url())
        .env("ANCHOR_WALLET", net.path().join("alice.json"))
        .env("PORTCULLIS_PROGRAM_KEYPAIR", &id);
    let said = anchor.output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("did       nothing\n"), "{said}");

    // The IDL describes what the program writes.
    net.ok(&council_create());
    let (said, _) = ok(&net, &options);
    assert!(said.contains("holds     1 councils, 0 gates\n"), "{said}");
    write_larger(&net);
    refused(&net, &format!("{bob} --elf larger.so"), 3, &foreign);
    let (said, _) = ok(&net, &format!("{options} --elf larger.so"));
    assert!(
        said.contains("did       extended and upgraded\nholds     1 councils"),
        "{said}"
    );
}

#[test]
fn a_deployment_that_is_killed_goes_on() {
    let net = Net::start();
    net.write_new_key("instance.json");
    let options = "-k alice.json --program-id instance.json";
    let mut child = deploy(&net, options)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.ends_with(": 0 of 324 chunks are there"), "{first}");
    assert_eq!(lines.next().unwrap().unwrap(), "written 32 of 324");
    child.kill().unwrap();
    child.wait().unwrap();

    let (said, told) = ok(&net, options);
    let there: u32 = told
        .lines()
        .next()
        .unwrap()
        .split(' ')
        .nth(2)
        .unwrap()
        .parse()
        .unwrap();
    assert!((32..324).contains(&there), "{told}");
    assert!(said.contains("did       deployed\n"), "{said}");
    // It was built for another address, and says so.
    assert!(
        told.contains("warning: it runs, but refuses every call"),
        "{told}"
    );
    let (said, _) = ok(&net, options);
    assert!(said.contains("did       nothing\n"), "{said}");
    write_larger(&net);
    let (said, _) = ok(&net, &format!("{options} --elf larger.so"));
    assert!(said.contains("did       extended and upgraded\n"), "{said}");
    // All lamports are in the program's two accounts, none in a buffer.
    let list = net.json("buffer list -k alice.json");
    assert_eq!(list["buffers"].as_array().unwrap().len(), 0, "{list}");
}

#[test]
fn what_cannot_be_deployed_is_explained() {
    let net = Net::start();
    write_larger(&net);
    let id = portcullis::ID.to_string();
    let on = |program: &str, more: &str| format!("-k alice.json --program-id {program} {more}");
    refused(
        &net,
        &on(&id, "--elf larger.so"),
        3,
        &format!("{id} is final: nobody can upgrade it"),
    );
    let alice = address("alice");
    let neither = format!("{alice} must be a program of loader v3 or nothing, and is neither");
    refused(&net, &on(&alice, ""), 3, &neither);
    let nobody = address("create");
    refused(
        &net,
        &on(&nobody, ""),
        2,
        &format!("there is no program at {nobody}"),
    );
    net.write("text.so", b"this is no program");
    refused(
        &net,
        &on(&id, "--elf text.so"),
        2,
        "text.so must be an ELF, and is none",
    );
    net.write("text.json", b"no numbers");
    let keypair = "the program keypair text.json must be a JSON array of 64 numbers, and is not";
    refused(&net, &on("text.json", ""), 2, keypair);
    refused(
        &net,
        &on(&id, "--nonsense"),
        2,
        "Unknown option '--nonsense'",
    );
    // A server's URL may hold a key.
    let silent = on(&id, "--url http://127.0.0.1:1/?key=secret");
    refused(&net, &silent, 6, "the RPC server did not answer properly");
}

#[test]
fn the_lock_file_names_no_server() {
    let lock = fs::read_to_string(migrations().join("package-lock.json")).unwrap();
    assert!(!lock.contains("\"resolved\""));
}
