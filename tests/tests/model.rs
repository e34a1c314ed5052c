//! Random sequences of steps, run on the ELF and on the reference model side by side.
//!
//! `PORTCULLIS_SEQUENCES` is their number, `PORTCULLIS_SEED` the seed of their choice: the same seed and number are the same
//! sequences.

use portcullis_tests::model::{
    drive::{Run, Tally},
    steps::{step, Step},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

/// Steps of a sequence, at most.
const STEPS: usize = 40;
/// The sequences are chosen in so many parts, at the same time.
const PARTS: u64 = 4;

fn from_env(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number")),
        Err(_) => default,
    }
}

/// A part of the sequences. Panics with the shortest sequence found that fails.
fn sequences(seed: u64, part: u64, count: u64) -> Tally {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&part.to_le_bytes());
    let config = Config {
        cases: count as u32,
        failure_persistence: None,
        max_shrink_iters: 3_000,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tally = std::cell::RefCell::new(Tally::default());
    let sequence = prop::collection::vec(step(), 1..=STEPS);
    let result = runner.run(&sequence, |steps: Vec<Step>| {
        let mut run = Run::default();
        let result = run.all(&steps);
        tally.borrow_mut().add(&run.tally);
        result.map_err(TestCaseError::fail)
    });
    if let Err(TestError::Fail(reason, steps)) = result {
        let mut run = Run::default();
        let _ = run.all(&steps);
        panic!(
            "seed {seed}, part {part}:\n{}\n{reason}",
            run.trace.join("\n")
        );
    }
    result.unwrap();
    tally.into_inner()
}

#[test]
fn chain_and_model_agree() {
    let (count, seed) = (
        from_env("PORTCULLIS_SEQUENCES", 300),
        from_env("PORTCULLIS_SEED", 1),
    );
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..PARTS)
            .map(|part| scope.spawn(move || sequences(seed, part, count.div_ceil(PARTS))))
            .collect();
        for thread in threads {
            let part = thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            tally.add(&part);
        }
    });
    println!("{count} sequences from seed {seed}: accepted and refused");
    for (name, (accepted, refused)) in &tally.actions {
        println!("{name:>20} {accepted:>9} {refused:>9}");
    }
    println!("statuses that proposals came to");
    for (kind, statuses) in &tally.statuses {
        let statuses: Vec<_> = statuses.iter().map(|(s, n)| format!("{s} {n}")).collect();
        println!("{kind:>20} {}", statuses.join(", "));
    }
    // Else the steps have become such that they no longer test.
    if count >= 300 {
        let actions: Vec<_> = tally
            .actions
            .iter()
            .filter(|(n, _)| !n.contains(" by "))
            .collect();
        for (name, (accepted, refused)) in &actions {
            let free = ["Wait", "Extend", "Write", "Advance"].contains(&name.as_str());
            assert!(*accepted >= count / 100, "{name} is hardly ever accepted");
            let often = free || name.starts_with("Execute");
            assert!(often || *refused > 0, "{name} is never refused");
        }
        assert_eq!(actions.len(), 38, "every action comes up");
    }
}
