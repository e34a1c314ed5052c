//! Random sequences of steps, run on the ELF and on the reference model side by side.
//!
//! `PORTCULLIS_SEQUENCES` is their number, `PORTCULLIS_SEED` the seed of their choice: the same seed and number are the same
//! sequences.

use portcullis_tests::model::{
    act::Proposing,
    drive::{Run, Tally},
    invariants::INVARIANTS,
    steps::{step, Step},
    Action, End, Holder, Id, Lane, Model, What,
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
        println!("{name:>22} {accepted:>9} {refused:>9}");
    }
    println!("statuses that proposals came to");
    for (kind, statuses) in &tally.statuses {
        let statuses: Vec<_> = statuses.iter().map(|(s, n)| format!("{s} {n}")).collect();
        println!("{kind:>22} {}", statuses.join(", "));
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
        assert_eq!(actions.len(), 39, "every action comes up");
    }
}

/// An upgrade that is executed: the model before, the action, the model after, and the proposal.
fn executed() -> (Model, Action, Model, Id) {
    let mut run = Run::default();
    let (program, build) = (0, 1);
    let terms = Proposing {
        by: 0,
        what: What::Upgrade {
            build,
            predecessor: None,
        },
        lane: Lane::Standard,
        base: (1, 0),
        epoch: 1,
        life: 1,
        not_before: 0,
    };
    let write = Action::Write {
        buffer: 0,
        build,
        holder: terms.by,
    };
    let propose = Action::ProposeUpgrade {
        program,
        buffer: 0,
        terms,
    };
    run.act(&write).unwrap();
    run.act(&propose).unwrap();
    loop {
        let (before, action) = (run.model.clone(), run.model.next(0, 0).unwrap());
        run.act(&action).unwrap();
        if matches!(action, Action::Execute { .. }) {
            return (before, action, run.model, 0);
        }
    }
}

/// What breaks a guarantee, in the models before and after the execution of the proposal.
type Breach = fn(&mut Model, &mut Model, Id);

#[test]
fn each_invariant_refuses_what_breaks_it() {
    let breaches: [Breach; 16] = [
        |before, _, _| before.buffers[0].content = Some((Holder::Gate(0), 2)),
        |_, after, _| after.buffers[0].content = Some((Holder::Gate(0), 1)),
        |before, _, id| before.proposals[id].base = Some((2, 0)),
        |_, after, id| {
            after.proposals[id].approvals.insert(2);
        },
        |before, _, _| before.now -= 1,
        |before, _, id| before.now = before.proposals[id].expires().unwrap(),
        |_, after, id| after.proposals[id].end = Some((End::Vetoed, after.now)),
        |before, _, _| before.councils[0].epoch += 1,
        |_, after, _| after.gate_mut(0).policy.threshold -= 1,
        |before, _, id| before.proposals[id].end = Some((End::Cancelled, before.now)),
        |_, after, _| after.programs[1].build = 1,
        |_, after, id| after.proposals[id].terms.window = u32::MAX,
        |_, after, _| after.gate_mut(0).events += 1,
        |_, after, id| {
            after.proposals[id].lane = Lane::Emergency;
            after.proposals[id].what = What::Finalize;
        },
        |before, _, id| before.proposals[id].lane = Lane::SafeMode,
        |_, after, _| after.programs[0].authority = Holder::Person(0),
    ];
    let (before, action, after, id) = executed();
    for ((name, holds), breach) in INVARIANTS.iter().zip(breaches) {
        assert!(holds(&before, &action, &after), "{name}");
        let (mut before, mut after) = (before.clone(), after.clone());
        breach(&mut before, &mut after, id);
        assert!(!holds(&before, &action, &after), "{name} is not seen");
    }
}
