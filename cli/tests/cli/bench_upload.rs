//! `make bench-upload`: uploads programs of 1 MB with the binary and with `solana program write-buffer`, in turn and to one
//! localnet; says how long each takes and how many transactions the chain holds of it.

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use crate::{net::Net, uploads::change_a_twentieth};

const LEN: usize = 1 << 20;
const ROUNDS: u64 = 3;
/// Alice uploads with the binary, bob with Solana's, so that each one's transactions can be counted.
const TOOLS: [&str; 2] = ["alice", "bob"];

/// Wall time, and transactions on the chain.
#[derive(Clone, Copy)]
struct Upload(Duration, usize);

fn measure(net: &Net, who: &str, mut command: Command) -> Upload {
    let before = net.signatures_of(who).len();
    let begun = Instant::now();
    let output = command.output().unwrap();
    let time = begun.elapsed();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    Upload(time, net.signatures_of(who).len() - before)
}

/// An upload of a file into a new buffer, or over the buffer of this round.
fn command(net: &Net, solana: &str, who: &str, file: &str, over: Option<&str>) -> Command {
    let key = format!("{who}.json");
    if who == TOOLS[0] {
        let reuse = over.map_or(String::new(), |buffer| format!("--reuse {buffer}"));
        let line = format!(
            "buffer upload {file} -k {key} --yes -u {} {reuse}",
            net.url()
        );
        return net.command(&line);
    }
    let mut command = Command::new(solana);
    command.current_dir(net.path()).env("HOME", net.path());
    // It reads what is in a buffer that is there, too, and leaves chunks out that are equal.
    command.args([
        "program",
        "write-buffer",
        "--use-rpc",
        "--skip-feature-verify",
    ]);
    command.args([
        "--buffer",
        "buffer.json",
        "--keypair",
        &key,
        "--url",
        net.url(),
        file,
    ]);
    command
}

#[test]
#[ignore = "needs Solana's command line, and a quiet machine: make bench-upload"]
fn an_upload_takes_less_time_and_fewer_transactions_than_solana_s() {
    let solana = env::var("SOLANA").expect("SOLANA names the binary of Solana's command line");
    let net = Net::with_slots_of(400);
    let mut rows = Vec::new();
    for round in 0..ROUNDS {
        let mut build = net.write_build("build.so", LEN, round);
        change_a_twentieth(&mut build, round);
        net.write("changed.so", &build);
        net.write_new_key("buffer.json");
        // Whoever comes second finds the machine warm.
        let mut tools = [0, 1];
        tools.rotate_left(round as usize % 2);
        let mut row = [[Upload(Duration::ZERO, 0); 2]; 2];
        for tool in tools {
            let who = TOOLS[tool];
            let new = measure(&net, who, command(&net, &solana, who, "build.so", None));
            let list = net.json(&format!("buffer list --authority ${who}"));
            let buffers = list["buffers"].as_array().unwrap();
            assert_eq!(buffers.len(), 1);
            let buffer = buffers[0]["buffer"].as_str().unwrap().to_string();
            let changed = command(&net, &solana, who, "changed.so", Some(&buffer));
            let changed = measure(&net, who, changed);
            assert!(
                net.bytes_of(&buffer) == build,
                "{who}'s buffer holds other bytes"
            );
            net.ok(&format!("buffer close {buffer} -k {who}.json --yes"));
            row[tool] = [new, changed];
        }
        rows.push(row);
    }
    let shown = |Upload(time, count): Upload| format!("{:.1} s, {count}", time.as_secs_f64());
    println!("1 MB: wall time and transactions\n");
    println!("| | new buffer: portcullis | solana | 5 % changed: portcullis | solana |");
    println!("|---|---|---|---|---|");
    for (round, [ours, theirs]) in rows.iter().enumerate() {
        let cells = [ours[0], theirs[0], ours[1], theirs[1]].map(shown);
        println!("| {} | {} |", round + 1, cells.join(" | "));
    }
    let median = |tool: usize| {
        let mut times: Vec<f64> = rows
            .iter()
            .map(|row| row[tool][0].0.as_secs_f64())
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let share = median(0) / median(1);
    println!("\nmedian time of a new buffer: {share:.2} of solana's");
    assert!(share <= 0.8, "{share}");
    for row in rows {
        let [Upload(_, new), Upload(_, changed)] = row[0];
        assert!(new >= 10 * changed, "{changed} of {new} transactions");
    }
}
