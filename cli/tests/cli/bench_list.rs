//! `make bench-list`: 10,000 proposals of 500 gates, listed by status with the binary. Says how long it takes, how often it asks, how
//! many bytes it gets and how much memory it takes.

use std::{
    env, fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use portcullis_client::STATUSES;

use crate::net::Net;

const GATES: u32 = 500;
const PROPOSALS: u32 = 10_000;
const ROUNDS: usize = 3;
/// What the list must stay below.
const LIMIT: Duration = Duration::from_secs(2);

/// The peak of a process's memory in KiB, as long as it lives (Linux).
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Wall time, peak memory in KiB, lines on stdout.
fn run(net: &Net, line: &str) -> (Duration, u64, usize) {
    let begun = Instant::now();
    let mut child = net.command(line).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
        text.lines().count()
    });
    let mut peak = 0;
    let status = loop {
        peak = peak_memory(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        thread::sleep(Duration::from_millis(1));
    };
    let time = begun.elapsed();
    assert!(status.success(), "{line}");
    (time, peak, reader.join().unwrap())
}

#[test]
#[ignore = "needs a quiet machine: make bench-list"]
fn ten_thousand_proposals_are_listed_in_two_seconds() {
    let number = |name: &str, usual: u32| env::var(name).map_or(usual, |n| n.parse().unwrap());
    let gates = number("PORTCULLIS_GATES", GATES);
    let proposals = number("PORTCULLIS_PROPOSALS", PROPOSALS);
    let net = Net::start();
    let begun = Instant::now();
    let crowd = net.crowd(gates, proposals);
    println!(
        "{gates} gates and {} proposals written in {:.0} s\n",
        crowd.statuses.len(),
        begun.elapsed().as_secs_f64()
    );
    println!("| list | time (s) | requests | bytes | peak memory (MiB) | lines |");
    println!("|---|---|---|---|---|---|");
    let mut lines: Vec<String> = vec![String::new(), "--output json".into()];
    lines.extend(STATUSES.map(|status| format!("--status {}", status.name())));
    lines.push("--status queued --limit 20".into());
    lines.push("--needs-vote $alice".into());
    let mut slowest = Duration::ZERO;
    for line in lines {
        let gateway = net.gateway();
        let (_, _, count) = run(&net, &format!("list {line} -u {}", gateway.url));
        let mut best = (Duration::MAX, 0);
        for _ in 0..ROUNDS {
            let (time, peak, _) = run(&net, &format!("list {line} -u {}", net.url()));
            best = (best.0.min(time), best.1.max(peak));
        }
        // All fields of all proposals, 25 MB of text, are nothing that anybody waits for.
        if !line.contains("json") {
            slowest = slowest.max(best.0);
        }
        println!(
            "| {} | {:.2} | {} | {} | {:.0} | {count} |",
            if line.is_empty() { "all" } else { &line },
            best.0.as_secs_f64(),
            gateway.requests(),
            gateway.bytes(),
            best.1 as f64 / 1024.0,
        );
    }
    if let Ok(seconds) = env::var("PORTCULLIS_HOLD").map(|text| text.parse().unwrap()) {
        println!("\nheld at {}", net.url());
        thread::sleep(Duration::from_secs(seconds));
    }
    assert!(slowest < LIMIT, "{slowest:?}");
}
