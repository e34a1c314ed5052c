//! Columns: `name  value` lines, and rows under a header.

use std::io::{self, IsTerminal};

use comfy_table::{presets, ColumnConstraint, ContentArrangement, Table, Width};

/// Aligned `name  value` lines.
#[derive(Default)]
pub struct Fields {
    rows: Vec<(String, String)>,
}

impl Fields {
    /// No lines yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    #[must_use]
    pub fn row(mut self, name: &str, value: impl ToString) -> Self {
        self.push(name, value);
        self
    }

    /// Adds a line in place.
    pub fn push(&mut self, name: &str, value: impl ToString) {
        self.rows.push((name.to_string(), value.to_string()));
    }

    /// Adds the lines of another list.
    pub fn extend(&mut self, more: Self) {
        self.rows.extend(more.rows);
    }

    /// The names and values.
    pub fn into_rows(self) -> Vec<(String, String)> {
        self.rows
    }

    /// The lines, each indented by `indent` spaces.
    pub fn render(&self, indent: usize) -> String {
        let width = self.rows.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or_default();
        let lines: Vec<String> = self
            .rows
            .iter()
            .map(|(name, value)| {
                let line = format!("{:indent$}{name:width$}  {value}", "");
                line.trim_end().to_string()
            })
            .collect();
        lines.join("\n")
    }
}

/// Rows under a header: with lines on a terminal, in plain columns elsewhere.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let terminal = io::stdout().is_terminal();
    let width = terminal.then(|| Table::new().width().unwrap_or(u16::MAX));
    table_within(width, header, rows)
}

/// With lines, if no word need be broken for it: a broken address cannot be copied.
fn table_within(width: Option<u16>, header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.set_header(header.to_vec()).add_rows(rows);
    if let Some(width) = width {
        table
            .load_preset(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        let words = longest_words(&table);
        for (column, longest) in table.column_iter_mut().zip(words) {
            let padded = longest.saturating_add(column.padding_width());
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(padded)));
        }
        let text = table.trim_fmt();
        let fits = |line: &str| line.chars().count() <= usize::from(width);
        if text.lines().all(fits) {
            return text;
        }
        for column in table.column_iter_mut() {
            column.remove_constraint();
        }
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    // Without lines around it, the first column needs no padding.
    let text = table.load_preset(presets::NOTHING).trim_fmt();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}

/// The length of each column's longest word.
fn longest_words(table: &Table) -> Vec<u16> {
    let cells = |row: &comfy_table::Row| {
        let longest = |cell: &comfy_table::Cell| {
            let words = cell.content();
            let longest = words
                .split_whitespace()
                .map(|word| word.chars().count())
                .max();
            longest.map_or(0, |length| u16::try_from(length).unwrap_or(u16::MAX))
        };
        row.cell_iter().map(longest).collect::<Vec<_>>()
    };
    let mut longest = table.header().map(cells).unwrap_or_default();
    for row in table.row_iter() {
        for (found, length) in longest.iter_mut().zip(cells(row)) {
            *found = length.max(*found);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_breaks_no_address() {
        let address = "5DYQqg5XVS8zKwpyHo11sQ4bkRiXZYuWtrsKKuWQ9b66";
        let of = |width| {
            let row = vec!["some more words".to_string(), address.to_string()];
            table_within(width, &["what", "address"], vec![row])
        };
        let plain = format!("what             address\nsome more words  {address}");
        for (width, wrapped) in [(64, 1), (60, 2), (54, 3)] {
            let text = of(Some(width));
            assert!(text.starts_with('─') && text.contains(address), "{text}");
            assert_eq!(text.lines().count(), 4 + wrapped, "{text}");
        }
        assert_eq!(of(Some(50)), plain);
        assert_eq!(of(None), plain);
    }

    #[test]
    fn fields_are_aligned() {
        let fields = Fields::new()
            .row("program", "abc")
            .row("eta", "")
            .row("hash", 7);
        assert_eq!(fields.render(2), "  program  abc\n  eta\n  hash     7");
    }
}
