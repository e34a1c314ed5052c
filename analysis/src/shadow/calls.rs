//! The calls of a program within a transaction, and what its logs say about them.

use std::borrow::Cow;

use solana_sdk::{
    inner_instruction::InnerInstructionsList, message::VersionedMessage, pubkey::Pubkey,
};

/// A call of a program, as the logs show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Logged<'a> {
    /// What it logged as its instruction, as Anchor and SPL Token do.
    pub name: Option<&'a str>,
    pub compute_units: Option<u64>,
}

/// A call of a program: at the top level, or from another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call<'a> {
    /// The instruction of the transaction that it is part of.
    pub top: usize,
    pub data: &'a [u8],
}

/// What Anchor puts into every program: its instructions begin with eight bytes, others' with one.
const ANCHOR: &[u8] = b"AnchorError";

/// Bytes by which the instructions of a program are told apart.
pub(crate) fn discriminator(elf: &[u8]) -> usize {
    let mut windows = elf.windows(ANCHOR.len());
    match windows.any(|window| window == ANCHOR) {
        true => 8,
        false => 1,
    }
}

/// The calls of `program` in their order. `keys` are the message's accounts with those looked up.
pub(crate) fn calls<'a>(
    program: &Pubkey,
    message: &'a VersionedMessage,
    keys: &[Pubkey],
    inner: &'a InnerInstructionsList,
) -> Vec<Call<'a>> {
    let is_meant = |index: u8| keys.get(usize::from(index)) == Some(program);
    let mut calls = Vec::new();
    for (top, instruction) in message.instructions().iter().enumerate() {
        if is_meant(instruction.program_id_index) {
            let data = instruction.data.as_slice();
            calls.push(Call { top, data });
        }
        for inner in inner.get(top).into_iter().flatten() {
            if is_meant(inner.instruction.program_id_index) {
                let data = inner.instruction.data.as_slice();
                calls.push(Call { top, data });
            }
        }
    }
    calls
}

/// The calls of `program` (its address as text) that the logs show, in their order.
pub(crate) fn logged<'a>(program: &str, logs: &'a [String]) -> Vec<Logged<'a>> {
    let mut calls: Vec<Logged> = Vec::new();
    // The calls under way: for those of the program their place in the list.
    let mut stack: Vec<Option<usize>> = Vec::new();
    for line in logs {
        let Some(rest) = line.strip_prefix("Program ") else {
            continue;
        };
        if let Some(name) = rest.strip_prefix("log: Instruction: ") {
            if let Some(Some(call)) = stack
                .last()
                .map(|place| place.and_then(|at| calls.get_mut(at)))
            {
                call.name.get_or_insert(name);
            }
            continue;
        }
        let Some((id, what)) = event(rest) else {
            continue;
        };
        if what.starts_with("invoke [") {
            let meant = id == program;
            stack.push(meant.then_some(calls.len()));
            if meant {
                calls.push(Logged::default());
            }
        } else if let Some(units) = consumed(what) {
            if let Some(Some(call)) = stack
                .last()
                .map(|place| place.and_then(|at| calls.get_mut(at)))
            {
                if id == program {
                    call.compute_units = Some(units);
                }
            }
        } else if what == "success" || what.starts_with("failed: ") {
            stack.pop();
        }
    }
    calls
}

/// The program in which a transaction failed: the first that the logs say so of, since it takes its callers with it.
pub(crate) fn failing(logs: &[String]) -> Option<&str> {
    let lines = logs.iter().filter_map(|line| line.strip_prefix("Program "));
    let mut failed = lines.filter_map(event);
    failed.find_map(|(id, what)| what.starts_with("failed: ").then_some(id))
}

/// The program and what the runtime says of it; not what a program says itself (`log: …`, `data: …`, `return: …`).
fn event(rest: &str) -> Option<(&str, &str)> {
    rest.split_once(' ').filter(|(id, _)| !id.ends_with(':'))
}

/// The N of `consumed N of M compute units`.
fn consumed(what: &str) -> Option<u64> {
    let rest = what.strip_prefix("consumed ")?;
    let (units, rest) = rest.split_once(" of ")?;
    rest.strip_suffix(" compute units")?;
    units.parse().ok()
}

/// A line of the logs without what depends on the compute units that were used before it.
pub(crate) fn without_units(line: &str) -> Cow<'_, str> {
    let Some(rest) = line.strip_prefix("Program ") else {
        return Cow::Borrowed(line);
    };
    if rest.starts_with("consumption: ") {
        return Cow::Borrowed("Program consumption");
    }
    match event(rest) {
        Some((id, what)) if consumed(what).is_some() => {
            Cow::Owned(format!("Program {id} consumed"))
        }
        _ => Cow::Borrowed(line),
    }
}

/// Whether two logs are the same but for compute units. Where either was cut for its length, as far as both go.
pub(crate) fn same_logs(one: &[String], other: &[String]) -> bool {
    const CUT: &str = "Log truncated";
    for (a, b) in one.iter().zip(other) {
        if a == CUT || b == CUT {
            return true;
        }
        if a != b && without_units(a) != without_units(b) {
            return false;
        }
    }
    one.len() == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(|line| line.trim().to_string()).collect()
    }

    #[test]
    fn calls_are_found_at_any_depth_with_their_names_and_units() {
        let logs = lines(
            "Program Outer invoke [1]
             Program log: Instruction: Swap
             Program Mine invoke [2]
             Program log: Instruction: Transfer
             Program log: Instruction: NotAName
             Program log: success
             Program Mine consumed 12 of 190 compute units
             Program Mine success
             Program Outer consumed 50 of 200 compute units
             Program Outer success
             Program Mine invoke [1]
             Program Mine consumed 7 of 150 compute units
             Program Mine failed: custom program error: 0x1",
        );
        assert_eq!(
            logged("Mine", &logs),
            [
                Logged {
                    name: Some("Transfer"),
                    compute_units: Some(12)
                },
                Logged {
                    name: None,
                    compute_units: Some(7)
                },
            ]
        );
    }

    #[test]
    fn a_failure_is_that_of_the_innermost_program() {
        let logs = lines(
            "Program Outer invoke [1]
             Program log: failed: nothing
             Program Inner invoke [2]
             Program Inner failed: custom program error: 0x1
             Program Outer failed: custom program error: 0x1",
        );
        assert_eq!(failing(&logs), Some("Inner"));
        assert_eq!(failing(&logs[..3]), None);
    }

    #[test]
    fn logs_are_compared_without_units_and_only_as_far_as_both_go() {
        let same = |a: &str, b: &str| same_logs(&lines(a), &lines(b));
        assert!(same(
            "Program A consumed 1 of 9 compute units",
            "Program A consumed 2 of 8 compute units"
        ));
        assert!(!same(
            "Program A consumed 1 of 9 compute units",
            "Program B consumed 1 of 9 compute units"
        ));
        assert!(!same(
            "Program log: consumed 1 of 9 compute units",
            "Program log: consumed 2 of 9 compute units"
        ));
        assert!(same("one\nLog truncated", "one\ntwo\nthree"));
        assert!(!same("one", "one\ntwo"));
    }
}
