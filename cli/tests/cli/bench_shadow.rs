//! `make bench-shadow`: the same transactions replayed and compared under two programs, executed once by LiteSVM alone, and
//! simulated by the localnet; says how many a second, and how much memory a replay takes.

use std::{
    env, fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use portcullis_analysis::shadow::{self, Knowledge, Limits, Options, Reader};
use portcullis_localnet::samples;
use solana_sdk::signer::Signer;

use crate::{
    market::{Market, Traffic, PROGRAM},
    recording::{unsigned, Chain},
};

const TRANSACTIONS: usize = 10_000;
const ROUNDS: usize = 5;
/// The localnet takes its time.
const SIMULATED: usize = 1_000;

fn rate(transactions: usize, time: Duration) -> f64 {
    transactions as f64 / time.as_secs_f64()
}

/// What this process has used of the processors: other processes do not count.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|text| text.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

#[test]
#[ignore = "needs a quiet machine: make bench-shadow"]
fn a_replay_of_two_programs_takes_at_most_twice_as_long_an_execution_as_litesvm_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.gz");
    let old = samples::spl_token().unwrap();
    let new = samples::p_token().unwrap();
    let mut traffic = Traffic::new(PROGRAM, 1);
    let payer = traffic.payer.pubkey();
    let steps: Vec<_> = (0..TRANSACTIONS).map(|_| traffic.step()).collect();
    let mut chain = Chain::new(PROGRAM, &old, payer);
    let mut recorder = chain.to_file(&path);
    for step in &steps {
        chain.run(&mut recorder, &step.instructions);
    }
    recorder.finish().unwrap();

    // In turn, and the best of each: whatever else the machine does takes from both.
    let (mut bare, mut bare_cpu) = (Duration::MAX, Duration::MAX);
    let (mut time, mut shadow_cpu) = (Duration::MAX, Duration::MAX);
    let (mut varied, mut variations) = (Duration::MAX, 0);
    for _ in 0..ROUNDS {
        // LiteSVM alone: the same transactions, one after the other, with either program.
        let (mut both, mut both_cpu) = (Duration::ZERO, Duration::ZERO);
        for elf in [&old, &new] {
            let mut chain = Chain::new(PROGRAM, elf, payer);
            let transactions: Vec<_> = (steps.iter().zip(0..))
                .map(|(step, number)| unsigned(&payer, &step.instructions, number))
                .collect();
            let (begun, used) = (Instant::now(), cpu());
            for transaction in transactions {
                let _ = chain.svm.send_transaction(transaction);
            }
            both += begun.elapsed();
            both_cpu += cpu() - used;
        }
        bare = bare.min(both);
        bare_cpu = bare_cpu.min(both_cpu);
        // Without variations the same is executed.
        for probes in [false, true] {
            let options = Options {
                new_elf: new.clone(),
                old_elf: None,
                required_fidelity: 1.0,
                probes,
                knowledge: Knowledge::default(),
            };
            let (begun, used) = (Instant::now(), cpu());
            let reader = Reader::open(&path, Limits::default()).unwrap();
            let report = shadow::run(reader, options).unwrap();
            let took = begun.elapsed();
            assert_eq!(report.fidelity.reproduced, TRANSACTIONS as u64);
            if probes {
                varied = varied.min(took);
                variations = usize::try_from(report.summary.probes).unwrap();
            } else {
                time = time.min(took);
                shadow_cpu = shadow_cpu.min(cpu() - used);
            }
        }
    }
    let bare_rate = rate(2 * TRANSACTIONS, bare);
    let shadow_rate = rate(2 * TRANSACTIONS, time);
    let varied_rate = rate(2 * (TRANSACTIONS + variations), varied);

    // The binary, for its memory.
    fs::write(folder.path().join("new.so"), &new).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .current_dir(folder.path())
        .args("shadow run bundle.gz --new new.so --fail-on new-failures".split(' '))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak_kb = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
        let peak = status.unwrap_or_default();
        let peak = peak.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
        peak_kb = peak_kb.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(child.wait().unwrap().success());

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut market = Market::start(1);
    let (simulated, with_state) = runtime.block_on(async {
        let (mut simulated, mut with_state) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..SIMULATED {
            let transaction = market.next().await;
            let state = market.state_before(&transaction).await;
            // A transaction of the past needs its accounts again.
            let begun = Instant::now();
            market.set(&state).await;
            let set = begun.elapsed();
            market.simulate(&transaction).await;
            let both = begun.elapsed();
            simulated += both - set;
            with_state += both;
            market.send(&transaction).await;
        }
        (simulated, with_state)
    });
    let simulated_rate = rate(SIMULATED, simulated);
    let with_state_rate = rate(SIMULATED, with_state);

    println!("{TRANSACTIONS} transactions of a token program, executions a second:\n");
    println!("| | executions | a second | of LiteSVM alone | a second of a processor |");
    println!("|---|---|---|---|---|");
    let row = |name: &str, executions: usize, a_second: f64, cpu: Option<Duration>| {
        let cpu = cpu.map_or("-".into(), |cpu| format!("{:.0}", rate(executions, cpu)));
        let share = a_second / bare_rate;
        println!("| {name} | {executions} | {a_second:.0} | {share:.2} | {cpu} |");
    };
    let twice = 2 * TRANSACTIONS;
    row(
        "LiteSVM alone, either program",
        twice,
        bare_rate,
        Some(bare_cpu),
    );
    row(
        "shadow run, compared and reported",
        twice,
        shadow_rate,
        Some(shadow_cpu),
    );
    row(
        "the same with variations",
        2 * (TRANSACTIONS + variations),
        varied_rate,
        None,
    );
    row(
        "simulateTransaction at the localnet, one program",
        SIMULATED,
        simulated_rate,
        None,
    );
    row(
        "the same, with the accounts of its moment set before",
        SIMULATED,
        with_state_rate,
        None,
    );
    println!(
        "\nshadow run: {:.1} s for {TRANSACTIONS} transactions ({:.1} s with {variations} variations), {:.1} times simulateTransaction's rate, {:.0} times with \
         accounts; peak memory of the binary {} MB",
        time.as_secs_f64(),
        varied.as_secs_f64(),
        shadow_rate / simulated_rate,
        shadow_rate / with_state_rate,
        peak_kb / 1_000
    );
    assert!(
        shadow_rate * 2.0 >= bare_rate,
        "{shadow_rate} of {bare_rate}"
    );
    assert!(
        varied_rate * 2.0 >= bare_rate,
        "{varied_rate} of {bare_rate}"
    );
    assert!(shadow_rate >= 20.0 * simulated_rate, "{simulated_rate}");
    assert!((1..1_000_000).contains(&peak_kb), "{peak_kb}");
}
