//! What examples show of a difference, a line each.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

use super::{
    calls::without_units,
    knowledge::{Knowledge, Under},
};

/// The most lines that are kept of one example.
const MAX_LINES: usize = 24;
/// The most characters of a line.
const MAX_LINE: usize = 240;

/// Where bytes differ, as far as both go, in steps of eight bytes: numbers are seldom shorter.
pub(crate) fn ranges(old: &[u8], new: &[u8]) -> Vec<(usize, usize)> {
    const STEP: usize = 8;
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    let chunks = old.chunks(STEP).zip(new.chunks(STEP)).enumerate();
    for (place, (a, b)) in chunks.filter(|(_, (a, b))| a != b) {
        let start = place.saturating_mul(STEP);
        let end = start.saturating_add(a.len().min(b.len()));
        match ranges.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => ranges.push((start, end)),
        }
    }
    ranges
}

/// Bytes in hexadecimal, so far as a line has room.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    const MAX: usize = 32;
    let mut text = String::new();
    for byte in bytes.iter().take(MAX) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    match bytes.len() {
        0 => "nothing".into(),
        len if len > MAX => format!("{text}… ({len} bytes)"),
        _ => text,
    }
}

/// The lines that only one of the logs has.
pub(crate) fn logs_diff(known: &Knowledge, old: &[String], new: &[String]) -> Vec<String> {
    let text = |under: Under, logs: &[String]| -> Vec<String> {
        let lines = logs.iter().map(|line| match known.log_line(under, line) {
            Some(event) => event,
            None => without_units(line).into_owned(),
        });
        lines.collect()
    };
    let (old, new) = (text(Under::Deployed, old), text(Under::Proposed, new));
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&old, &new);
    let lines = diff
        .iter_all_changes()
        .filter_map(|change| match change.tag() {
            ChangeTag::Delete => Some(format!("- {}", change.value())),
            ChangeTag::Insert => Some(format!("+ {}", change.value())),
            ChangeTag::Equal => None,
        });
    bounded(lines.collect())
}

/// No more lines than an example keeps, and none too long.
pub(crate) fn bounded(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    for line in &mut lines {
        if line.chars().count() > MAX_LINE {
            *line = line.chars().take(MAX_LINE).chain(['…']).collect();
        }
    }
    if more > 0 {
        lines.push(format!("… and {more} lines more"));
    }
    lines
}
