//! A report for a terminal.

use std::fmt::Write;

use super::{Distribution, InstructionRow, InvariantRow, Report};
use crate::shadow::{bundle::PreState, compare::Kind};

/// The most causes that are printed.
const MAX_CAUSES: usize = 25;

/// The most lines of logs that are printed of a cause.
const MAX_LOG_LINES: usize = 4;
/// In per cent: how many more compute units of an instruction are worth a word.
const DEARER: u64 = 20;

/// The report as text. What it quotes from the chain is not made safe for a terminal: that is for who prints it.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = head(&mut text, report);
    let _ = invariants(&mut text, report);
    let _ = instructions(&mut text, report);
    let _ = causes(&mut text, report);
    let _ = units(&mut text, report);
    let _ = writeln!(text, "\n{}", report.verdict().text);
    text
}

fn head(text: &mut String, report: &Report) -> std::fmt::Result {
    let bundle = &report.bundle;
    writeln!(text, "program       {}", report.program)?;
    writeln!(
        text,
        "deployed      {} ({} bytes)",
        report.old.sha256, report.old.len_bytes
    )?;
    writeln!(
        text,
        "proposed      {} ({} bytes)",
        report.new.sha256, report.new.len_bytes
    )?;
    if let Some(rehearsed) = &report.as_upgraded {
        writeln!(
            text,
            "as upgraded   by {}, executed on the forked state with {} compute units",
            rehearsed.proposal, rehearsed.compute_units
        )?;
    }
    let slots = match (bundle.first_slot, bundle.last_slot) {
        (Some(first), Some(last)) => format!(" of the slots {first} to {last}"),
        _ => String::new(),
    };
    writeln!(text, "transactions  {}{slots}", bundle.transactions)?;
    writeln!(text, "state         {}", state(bundle.pre_state))?;
    let fidelity = &report.fidelity;
    writeln!(
        text,
        "fidelity      {} of {} reproduced ({}), {} required{}",
        fidelity.reproduced,
        fidelity.transactions,
        percent(fidelity.share),
        percent(fidelity.required_share),
        if report.is_faithful() {
            ""
        } else {
            ": TOO FEW to judge by"
        }
    )?;
    for (count, what) in deviations(report) {
        writeln!(text, "              {count} with {what}")?;
    }
    let summary = &report.summary;
    writeln!(text, "judged        {}", summary.judged)?;
    for (count, what) in outcomes(report) {
        writeln!(text, "              {count} {what}")?;
    }
    if summary.probes > 0 {
        writeln!(text, "variations    {}", variations(report))?;
    }
    Ok(())
}

/// Where the state before each transaction is from, in words.
pub(crate) fn state(pre_state: PreState) -> &'static str {
    match pre_state {
        PreState::Recorded => "recorded with each transaction",
        PreState::Snapshot => {
            "read once, later than the transactions; each goes on from what the deployed program left"
        }
    }
}

/// What was not reproduced, in words.
pub(crate) fn deviations(report: &Report) -> Vec<(u64, &'static str)> {
    let found = &report.fidelity.deviations;
    let all = [
        (found.error, "another outcome than recorded"),
        (found.logs, "other logs than recorded"),
        (found.return_data, "other return data than recorded"),
        (found.balances, "other changes of lamports than recorded"),
        (
            found.balances_before,
            "other lamports before them than recorded",
        ),
        (found.not_run, "accounts that cannot be run with"),
    ];
    all.into_iter().filter(|(count, _)| *count > 0).collect()
}

/// What became of the transactions that were judged, in words.
pub(crate) fn outcomes(report: &Report) -> Vec<(u64, &'static str)> {
    let found = &report.summary;
    let all = [
        (
            found.broken_invariants,
            "break an invariant only under the proposed program",
        ),
        (found.new_failures, "newly fail"),
        (found.new_successes, "succeed where they failed"),
        (
            found.other_effects,
            "leave other accounts, lamports or return data",
        ),
        (found.other_errors, "fail with another error"),
        (found.logs_only, "differ only in their logs"),
        (found.same, "are the same but for compute units"),
    ];
    all.into_iter().filter(|(count, _)| *count > 0).collect()
}

/// What became of variations, in words.
pub(crate) fn variations(report: &Report) -> String {
    format!(
        "{} tried; {} are accepted only by the proposed program, {} have another effect there",
        report.summary.probes, report.summary.accepted_probes, report.summary.differing_probes
    )
}

fn invariants(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.invariants.is_empty() {
        return Ok(());
    }
    writeln!(text, "\ninvariants")?;
    for row in &report.invariants {
        writeln!(text, "  {:<16} {}", row.verdict(), row.name)?;
        writeln!(text, "  {:<16} {}", "", told(row))?;
        if let Some(reason) = &row.reason {
            writeln!(text, "  {:<16} under the deployed program: {reason}", "")?;
        }
    }
    Ok(())
}

/// In how many transactions an invariant was checked, and what was found.
pub(crate) fn told(row: &InvariantRow) -> String {
    let mut told = format!(
        "checked after {} transactions, holds after {} of them under the deployed program",
        row.checked, row.holds
    );
    for (count, what) in [
        (row.not_before, "did not hold before"),
        (
            row.broken_by_deployed,
            "broken by the deployed program, too",
        ),
        (
            row.broken_by_proposed,
            "broken by the proposed program only",
        ),
        (
            row.broken_in_succession,
            "broken where the proposed program goes on from its own state",
        ),
    ] {
        if count > 0 {
            // Writing to a String cannot fail.
            let _ = write!(told, "; {count} {what}");
        }
    }
    told
}

fn instructions(text: &mut String, report: &Report) -> std::fmt::Result {
    let rows = &report.instructions;
    if rows.is_empty() {
        return Ok(());
    }
    let width = rows
        .iter()
        .map(|row| row.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(11);
    writeln!(
        text,
        "\n{:width$}  {:>7} {:>7} {:>9} {:>9} {:>9}   compute units (median)",
        "instruction", "txs", "failed", "new fail", "new succ", "other"
    )?;
    for row in rows {
        let units = match (&row.old, &row.new) {
            (Some(old), Some(new)) => {
                format!(
                    "{} → {} ({})",
                    old.median,
                    new.median,
                    change(old.median, new.median)
                )
            }
            _ => "-".into(),
        };
        writeln!(
            text,
            "{:width$}  {:>7} {:>7} {:>9} {:>9} {:>9}   {units}",
            row.name,
            row.transactions,
            row.failed,
            row.new_failures,
            row.new_successes,
            row.other_differences
        )?;
    }
    Ok(())
}

fn causes(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.causes.is_empty() {
        return Ok(());
    }
    writeln!(text, "\ndifferences by cause")?;
    for cause in report.causes.iter().take(MAX_CAUSES) {
        writeln!(text, "{:>7} × {}", cause.transactions, cause.title)?;
        let Some(example) = cause.examples.first() else {
            continue;
        };
        let varied = if cause.kind.is_varied() {
            "a variation of"
        } else {
            "in"
        };
        writeln!(
            text,
            "          {varied} {} of slot {}",
            example.signature, example.slot
        )?;
        for call in &example.calls {
            writeln!(text, "          call {call}")?;
        }
        let lines = match cause.kind {
            Kind::Logs => MAX_LOG_LINES,
            _ => example.lines.len(),
        };
        for line in example.lines.iter().take(lines) {
            writeln!(text, "          {line}")?;
        }
    }
    let more = report.causes.len().saturating_sub(MAX_CAUSES) as u64;
    let more = more.saturating_add(report.causes_left_out);
    if more > 0 {
        writeln!(text, "          and {more} more")?;
    }
    Ok(())
}

fn units(text: &mut String, report: &Report) -> std::fmt::Result {
    let units = &report.compute_units;
    let (Some(old), Some(new)) = (&units.old, &units.new) else {
        return Ok(());
    };
    writeln!(
        text,
        "\ncompute units of the {} transactions that succeed under both: {} use less, {} more",
        units.transactions, units.cheaper, units.dearer
    )?;
    writeln!(
        text,
        "          {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "min", "p25", "median", "p75", "p90", "p99", "max"
    )?;
    for (name, of) in [("deployed", old), ("proposed", new)] {
        write!(text, "{name}  ")?;
        for value in columns(of) {
            write!(text, "{value:>9} ")?;
        }
        writeln!(text)?;
    }
    Ok(())
}

/// What a table shows of a distribution: the least, the quarter, and so on to the most.
pub(crate) fn columns(of: &Distribution) -> [u64; 7] {
    [of.min, of.p25, of.median, of.p75, of.p90, of.p99, of.max]
}

/// A share in per cent, never rounded to all.
pub(crate) fn percent(share: f64) -> String {
    let percent = (share * 1_000.0).floor() / 10.0;
    format!("{percent}%")
}

/// The instruction whose highest compute units rise most, if that is worth a word.
pub(crate) fn dearest(rows: &[InstructionRow]) -> Option<String> {
    let rises = rows.iter().filter_map(|row| {
        // Calls that fail soon cost little under both.
        let (old, new) = (row.old.as_ref()?.max, row.new.as_ref()?.max);
        let more = new.checked_sub(old)?.saturating_mul(100);
        let share = more.checked_div(old)?;
        let text = format!("{} uses up to {}", row.name, change(old, new));
        (share >= DEARER).then_some((share, text))
    });
    rises.max().map(|(_, text)| text)
}

/// How much more or less, in per cent.
pub(crate) fn change(old: u64, new: u64) -> String {
    if old == 0 {
        return "-".into();
    }
    format!("{:+.1}%", (new as f64 - old as f64) / old as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_that_costs_most_more_is_named() {
        let row = |name: &str, old: &[u64], new: &[u64]| InstructionRow {
            name: name.into(),
            transactions: 1,
            failed: 0,
            new_failures: 0,
            new_successes: 0,
            other_differences: 0,
            old: Distribution::of(old),
            new: Distribution::of(new),
        };
        let mut rows = vec![
            row("Pay", &[10, 100], &[90, 119]),
            row("Open", &[], &[7]),
            row("Close", &[100], &[50]),
        ];
        assert_eq!(dearest(&rows), None);
        rows.push(row("Credit", &[100], &[120]));
        rows.push(row("Withdraw", &[10, 100], &[10, 253]));
        assert_eq!(dearest(&rows).unwrap(), "Withdraw uses up to +153.0%");
    }
}
