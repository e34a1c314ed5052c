//! Uploads over a bad network, interrupted ones, and those into an old buffer.

use std::{
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::net::{address, Chance, Chaos, Net};

const MEGABYTE: usize = 1 << 20;

/// An upload by alice through a server, from any folder.
fn upload(net: &Net, url: &str, more: &str) -> Command {
    let at = |name: &str| net.path().join(name).display().to_string();
    let mut command = net.command(&format!(
        "buffer upload {} -k {} --yes --output json -u {url} {more}",
        at("build.so"),
        at("alice.json")
    ));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn data(output: &Output) -> Value {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let mut envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
    envelope["data"].take()
}

/// Alice's lamports, once nothing that is under way changes them any more.
fn settled_balance(net: &Net) -> u64 {
    let mut before = net.balance("alice");
    loop {
        thread::sleep(Duration::from_millis(500));
        let now = net.balance("alice");
        if now == before {
            return now;
        }
        before = now;
    }
}

/// The buffer holds the build, and what alice had is what she has, the buffer's rent and her fees.
fn require_all_accounted_for(net: &Net, before: u64, build: &[u8], buffer: &str) {
    assert!(net.bytes_of(buffer) == build);
    let after = settled_balance(net);
    let rent = net.lamports(&buffer.parse().unwrap());
    assert_eq!(before, after + rent + net.fees_of("alice"));
}

#[test]
fn a_megabyte_is_uploaded_over_a_bad_network() {
    let net = Net::start();
    let build = net.write_build("build.so", MEGABYTE, 1);
    let before = net.balance("alice");
    let chaos = net.chaos(4);
    let begun = Instant::now();
    let output = upload(&net, &chaos.url, "--authority $bob")
        .output()
        .unwrap();
    let uploaded = data(&output);
    println!("{:?}, {:?}", begun.elapsed(), chaos.seen);
    assert!(chaos.seen.all(), "{:?}", chaos.seen);
    let buffer = uploaded["buffer"].as_str().unwrap();
    require_all_accounted_for(&net, before, &build, buffer);
    // It was handed over, once.
    let listed = net.json("buffer list --authority $bob");
    assert_eq!(listed["buffers"][0]["buffer"], *buffer);
    assert_eq!(uploaded["authority"], address("bob"));
}

/// Kills an upload after so long, unless it has ended by then. Whether it had.
fn interrupt(net: &Net, chaos: &Chaos, folder: &std::path::Path, after: Duration) -> bool {
    let mut child = upload(net, &chaos.url, "")
        .current_dir(folder)
        .spawn()
        .unwrap();
    thread::sleep(after);
    let ended = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    if ended {
        data(&output);
    }
    ended
}

/// Bytes of a build that alice's buffer holds; none where she has none yet.
fn written_of(net: &Net, build: &[u8]) -> usize {
    let list = net.json("buffer list -k alice.json");
    let Some(buffer) = list["buffers"][0]["buffer"].as_str() else {
        return 0;
    };
    let found = net.bytes_of(buffer);
    found.iter().zip(build).filter(|(a, b)| a == b).count()
}

#[test]
fn an_upload_goes_on_wherever_it_was_killed() {
    const KILLS: usize = 20;
    let net = Net::start();
    let build = net.write_build("build.so", MEGABYTE, 1);
    let folders = [net.path().to_path_buf(), std::env::temp_dir()];
    let before = net.balance("alice");
    let mut chaos = net.chaos(5);
    let mut chance = Chance::new(6);
    let begun = Instant::now();
    let (mut kills, mut amid, mut uploads, mut written) = (0, 0, 0_u64, 0);
    // The last kill leaves something to go on from.
    while kills < KILLS || written == 0 {
        let folder = &folders[kills % 2];
        let after = Duration::from_millis(200 + chance.below(2_800));
        if interrupt(&net, &chaos, folder, after) {
            uploads += 1;
            let buffer = net.buffer_of("alice");
            assert!(net.bytes_of(&buffer) == build);
            net.ok(&format!("buffer close {buffer} -k alice.json --yes"));
            written = 0;
            // No server gives a blockhash of before the close for long: with it, a second creation would be the first one again.
            chaos = net.chaos(5 + uploads);
        } else {
            kills += 1;
            let now = written_of(&net, &build);
            assert!(now >= written, "{now} bytes after {written}");
            amid += usize::from(now > written);
            written = now;
        }
    }
    let output = upload(&net, &chaos.url, "").output().unwrap();
    let uploaded = data(&output);
    println!(
        "{:?}, {amid} amid writes, {uploads} complete, {:?}",
        begun.elapsed(),
        chaos.seen
    );
    assert!(amid >= 3, "{amid}");
    assert_eq!(uploaded["resumed"], true);
    let buffer = uploaded["buffer"].as_str().unwrap();
    require_all_accounted_for(&net, before, &build, buffer);
}

/// In 25 places of a megabyte.
pub fn change_a_twentieth(build: &mut [u8], seed: u64) {
    let mut chance = Chance::new(seed);
    for place in 0..25 {
        let at = 200_000 + place * 33_000 + chance.below(10_000) as usize;
        for byte in &mut build[at..at + MEGABYTE / 20 / 25] {
            *byte = byte.wrapping_add(1).max(1);
        }
    }
}

#[test]
fn an_old_buffer_takes_only_what_differs() {
    let net = Net::start();
    let mut build = net.write_build("build.so", MEGABYTE, 1);
    let first = data(&upload(&net, net.url(), "").output().unwrap());
    let buffer = first["buffer"].as_str().unwrap();
    let rent = net.lamports(&buffer.parse().unwrap());

    change_a_twentieth(&mut build, 7);
    net.write("build.so", &build);
    let before = net.balance("alice");
    let reuse = format!("--reuse {buffer}");
    let second = data(&upload(&net, net.url(), &reuse).output().unwrap());
    assert_eq!(second["buffer"], *buffer);
    let writes = |upload: &Value| upload["writes"].as_u64().unwrap();
    println!("{} writes, then {}", writes(&first), writes(&second));
    assert!(writes(&first) >= 10 * writes(&second));
    assert!(net.bytes_of(buffer) == build);
    // One signature each, and no rent.
    assert_eq!(before - net.balance("alice"), 5_000 * writes(&second));
    assert_eq!(net.lamports(&buffer.parse().unwrap()), rent);

    // The same again has nothing to do. The first build gets a buffer of its own again.
    let third = data(&upload(&net, net.url(), &reuse).output().unwrap());
    assert_eq!(writes(&third), 0);
    net.write_build("build.so", MEGABYTE, 1);
    let fourth = data(&upload(&net, net.url(), "").output().unwrap());
    assert_ne!(fourth["buffer"], *buffer);
    assert!(net.bytes_of(buffer) == build);
}

#[test]
fn an_old_buffer_must_be_the_uploader_s_and_large_enough() {
    let net = Net::start();
    let small = net.upload("memo.so");
    let large = net.upload("old.so");
    let fails = |line: &str, code: i32, said: &str| {
        let output = net.run_checked(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    };
    let reuse = |buffer: &str, who: &str| {
        format!("buffer upload new.so --reuse {buffer} -k {who}.json --yes")
    };
    fails(
        &reuse(&small, "alice"),
        3,
        &format!(
            "buffer {small} must have room for {} bytes, it has room for {}: upload into a new buffer",
            net.read("new.so").len(),
            net.read("memo.so").len()
        ),
    );
    fails(
        &reuse(&large, "bob"),
        3,
        &format!(
            "buffer {large} must have the authority {}, it has {}",
            address("bob"),
            address("alice")
        ),
    );
    fails(
        &reuse("$stranger", "alice"),
        5,
        "was expected to be the buffer to use again, but there is no such account",
    );
    // Behind a shorter build the buffer is zeros, which do not count for its hash.
    let taken = net.json(&reuse(&large, "alice"));
    assert_eq!(taken["buffer"], *large);
    let mut wanted = net.read("new.so");
    wanted.resize(net.read("old.so").len(), 0);
    assert_eq!(net.bytes_of(&large), wanted);
}

#[test]
fn a_build_that_looks_like_another_unfinished_gets_a_buffer_of_its_own() {
    const LEN: usize = 200_000;
    let net = Net::start();
    let build = net.write_build("build.so", LEN, 1);
    let first = data(&upload(&net, net.url(), "").output().unwrap());
    let buffer = first["buffer"].as_str().unwrap();
    let refused = |reuse: &str| {
        let before = net.balance("alice");
        let held = net.bytes_of(buffer);
        let output = upload(&net, net.url(), reuse).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(envelope["error"]["code"], "reuse_ambiguous");
        assert_eq!(net.balance("alice"), before);
        assert!(net.bytes_of(buffer) == held);
    };
    let reuse = format!("--reuse {buffer}");
    let mut holed = build.clone();
    holed[LEN - 300..LEN - 200].fill(0);
    net.write("build.so", &holed);
    refused(&reuse);
    // Shorter, and so zeros behind its end.
    net.write("build.so", &build[..LEN - 1]);
    refused(&reuse);

    // One byte that is another makes it a build of its own, which the first one's upload leaves alone.
    holed[LEN - 1] ^= 0x80;
    net.write("build.so", &holed);
    data(&upload(&net, net.url(), &reuse).output().unwrap());
    net.write("build.so", &build);
    let again = data(&upload(&net, net.url(), "").output().unwrap());
    assert_ne!(again["buffer"], *buffer);
    assert!(net.bytes_of(buffer) == holed);
}

#[test]
fn another_server_takes_over_and_no_key_is_shown() {
    let net = Net::start();
    net.write("build.so", &net.read("memo.so"));
    let dead = "http://127.0.0.1:1/?api-key=secret";
    let urls = format!("{dead},{}/?api-key=secret", net.url());
    let both = upload(&net, &urls, "-vv").output().unwrap();
    let buffer = data(&both)["buffer"].as_str().unwrap().to_string();
    assert_eq!(net.bytes_of(&buffer), net.read("memo.so"));
    let stderr = String::from_utf8_lossy(&both.stderr);
    assert!(
        stderr.contains(&format!("http://127.0.0.1:1/..., {}/...", net.url())),
        "{stderr}"
    );
    // Each may be given by itself, and hold a comma.
    let live = format!("-u {}/?api-key=secret%2C1", net.url());
    let again = upload(&net, dead, &live).output().unwrap();
    assert_eq!(data(&again)["buffer"], *buffer);
    let none = upload(&net, dead, "-vv").output().unwrap();
    assert_eq!(none.status.code(), Some(6));
    for output in [both, again, none] {
        for text in [output.stdout, output.stderr] {
            let text = String::from_utf8(text).unwrap();
            assert!(!text.contains("secret"), "{text}");
        }
    }
}

#[test]
fn a_price_by_itself_is_what_others_paid_within_its_bound() {
    let net = Net::start();
    let upload = |file: &str, price: &str| {
        let before = net.fees_of("alice");
        let line =
            format!("buffer upload {file} -k alice.json --yes --with-compute-unit-price {price}");
        let output = net.command(&line).args(["-u", net.url()]).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        (net.fees_of("alice") - before, stderr)
    };
    let (fees, stderr) = upload("memo.so", "1000000");
    // A creation of 20,000 compute units, writes of 3,000.
    assert_eq!(fees, 5_000 + 20_000 + 3 * (5_000 + 3_000));
    assert!(!stderr.contains("priority fee"), "{stderr}");
    let (fees, stderr) = upload("v3.so", "auto:500000");
    let said =
        "priority fee: 500000 micro-lamports for each compute unit, the bound; others paid 1000000";
    assert!(stderr.contains(said), "{stderr}");
    let writes = (net.read("v3.so").len() as u64).div_ceil(1_000);
    assert!(fees > writes * 1_500 + 10_000, "{fees}");
}
