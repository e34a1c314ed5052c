//! What is printed, and where: the result to stdout, all else to stderr.

mod table;

pub use self::table::{table, Fields};

use std::{
    cell::{Cell, RefCell},
    io::{self, BufWriter, IsTerminal, Write},
};

use clap::ValueEnum;
use owo_colors::{OwoColorize, Style};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{error::CliError, exit::ExitCode};

/// The version of the JSON envelope. Rises when a key changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object on stdout, also on errors; of `watch` one on each line.
    Json,
    /// Only what a next command needs, for `$(…)`: an address, a REF, a digest.
    Value,
    /// Comma-separated values with a header, one row an event; of `history` alone.
    Csv,
}

/// The key of a command's data that a next command needs.
fn value_key(command: &str) -> Option<&'static str> {
    match command {
        "address" => Some("address"),
        "council create" => Some("council"),
        "buffer upload" => Some("buffer"),
        "review" => Some("digest"),
        "repropose" => Some("ref"),
        command if command.starts_with("propose ") => Some("ref"),
        _ => None,
    }
}

/// Bytes of a long result that are written at once.
const BUFFER: usize = 1 << 16;

/// The envelope of everything that programs read. Its fields are in the order of their names, as everywhere in the JSON.
#[derive(Serialize)]
struct Envelope<'a, T: Serialize> {
    command: &'a str,
    data: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    schema_version: u32,
    success: bool,
    warnings: &'a [String],
}

/// Values that are made one after the other while they are printed.
pub struct Sequence<F>(pub F);

impl<T: Serialize, I: Iterator<Item = T>, F: Fn() -> I> Serialize for Sequence<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Prints results, notes and errors of one command.
pub struct Output {
    format: Format,
    command: String,
    warnings: RefCell<Vec<String>>,
    color_stderr: bool,
    /// Each JSON object is on a line of its own.
    lines: Cell<bool>,
}

impl Output {
    /// Output of `command`, such as `gate adopt`.
    pub fn new(format: Format, command: impl Into<String>) -> Self {
        Self {
            format,
            command: command.into(),
            warnings: RefCell::default(),
            color_stderr: color(&io::stderr()),
            lines: Cell::new(false),
        }
    }

    /// From now on each result is a line.
    pub fn begin_lines(&self) {
        self.lines.set(true);
    }

    /// Prints one of many results: a line for people, `data` on a line for programs. `false` where nobody reads it any more.
    pub fn line(&self, text: &str, data: &Value) -> bool {
        let mut stdout = io::stdout().lock();
        let written = match self.format {
            Format::Json => writeln!(stdout, "{data}"),
            _ => writeln!(stdout, "{text}"),
        };
        written.and_then(|()| stdout.flush()).is_ok()
    }

    /// Whether people read the result, not a program.
    pub fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Whether progress may be drawn.
    pub fn shows_progress(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Prints the result: `text` for people, `data` within the envelope for programs.
    pub fn result(&self, text: &str, data: Value) {
        self.long_result(|| text.to_string(), &data);
    }

    /// [`result`](Self::result) where the one that is not asked for would be long to make.
    pub fn long_result(&self, text: impl FnOnce() -> String, data: &impl Serialize) {
        match self.format {
            Format::Json => self.envelope(true, data, None),
            Format::Value => {
                // Values made of strings and numbers always serialize.
                let data = serde_json::to_value(data).unwrap_or_default();
                match self.values(&data).as_slice() {
                    // A dry run or an export made nothing that could be named.
                    [] => self.note(text().trim_end()),
                    values => print_out(&values.join("\n")),
                }
            }
            Format::Text | Format::Csv => print_out(text().trim_end()),
        }
    }

    /// What a next command needs: one value, and that of the rollback where one was proposed beside it.
    fn values<'a>(&self, data: &'a Value) -> Vec<&'a str> {
        let Some(key) = value_key(&self.command) else {
            return Vec::new();
        };
        let values = [&data[key], &data["rollback"][key]];
        values.into_iter().filter_map(Value::as_str).collect()
    }

    /// Refuses a format that the command has not, before anything is done.
    ///
    /// # Errors
    /// `no_value`, `no_csv`.
    pub fn require_format(&self) -> Result<(), CliError> {
        let (code, lacking) = match self.format {
            Format::Value if value_key(&self.command).is_none() => {
                ("no_value", "no single value to print")
            }
            Format::Csv if self.command != "history" => ("no_csv", "no CSV"),
            _ => return Ok(()),
        };
        Err(
            CliError::usage(code, format!("`{}` has {lacking}", self.command))
                .hint("use --output json"),
        )
    }

    /// Whether the result is a table for other programs.
    pub fn is_csv(&self) -> bool {
        self.format == Format::Csv
    }

    /// Prints a table for other programs, row by row.
    pub fn csv(&self, header: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let mut writer = csv::Writer::from_writer(io::stdout().lock());
        // As in `print_out`, a closed pipe is no reason to fail.
        let _ = writer.write_record(header);
        for row in rows {
            let _ = writer.write_record(row);
        }
        let _ = writer.flush();
    }

    /// Prints what was found out before a failure, for people; programs find it in the failure's `data`.
    pub fn text_only(&self, text: &str) {
        if self.format == Format::Text {
            print_out(text.trim_end());
        }
    }

    /// Prints the failure and gives the exit code.
    pub fn failure(&self, error: &CliError) -> ExitCode {
        if let Format::Json = self.format {
            self.envelope(
                false,
                error.data.as_ref().unwrap_or(&Value::Null),
                Some(error.json()),
            );
        }
        let label = self.paint("error:", Style::new().red().bold());
        self.note(&format!("{label} {}", error.message));
        if let Some(hint) = &error.hint {
            let label = self.paint("hint:", Style::new().cyan().bold());
            self.note(&format!("{label} {hint}"));
        }
        error.exit
    }

    /// Prints only the envelope of a failure, whose text was printed by somebody else.
    pub fn envelope_only(&self, error: &CliError) {
        self.envelope(false, &Value::Null, Some(error.json()));
    }

    /// A line for people on stderr.
    pub fn note(&self, text: &str) {
        // Nobody is there to be told that stderr is closed.
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Something that the user must know; also in the envelope.
    pub fn warn(&self, text: impl Into<String>) {
        let text = text.into();
        let label = self.paint("warning:", Style::new().yellow().bold());
        self.note(&format!("{label} {text}"));
        self.warnings.borrow_mut().push(text);
    }

    /// A warning in a frame that cannot be overlooked; also in the envelope.
    pub fn alarm(&self, text: impl Into<String>) {
        let text = text.into();
        let rule = "!".repeat(78);
        let block = format!("{rule}\n!! WARNING: {text}\n{rule}");
        self.note(&self.paint(&block, Style::new().red().bold()));
        self.warnings.borrow_mut().push(text);
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if self.color_stderr {
            text.style(style).to_string()
        } else {
            text.to_string()
        }
    }

    fn envelope(&self, success: bool, data: &impl Serialize, error: Option<Value>) {
        let warnings = self.warnings.borrow();
        let envelope = Envelope {
            command: &self.command,
            data,
            error,
            schema_version: SCHEMA_VERSION,
            success,
            warnings: &warnings,
        };
        let mut stdout = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        // As in `print_out`, a closed pipe is no reason to fail.
        let _ = match self.lines.get() {
            true => serde_json::to_writer(&mut stdout, &envelope),
            false => serde_json::to_writer_pretty(&mut stdout, &envelope),
        };
        let _ = writeln!(stdout);
        let _ = stdout.flush();
    }
}

/// A closed pipe (`portcullis list | head`) is no reason to fail.
fn print_out(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{text}");
    let _ = stdout.flush();
}

fn color(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Text from others, with what a terminal would obey or that would change the order of letters written out instead.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                c.escape_unicode().to_string()
            }
            c if c.is_control() && c != '\n' => c.escape_default().to_string(),
            c => c.to_string(),
        })
        .collect()
}

/// [`printable`] text from others that must not begin a line of its own.
pub fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// Words that stdout shows in colour on a terminal: green where `good`, else red.
pub fn judged(text: &str, good: bool) -> String {
    if !color(&io::stdout()) {
        return text.to_string();
    }
    let style = if good {
        Style::new().green()
    } else {
        Style::new().red().bold()
    };
    text.style(style).to_string()
}

/// Words that stdout shows in yellow on a terminal.
pub fn cautioned(text: &str) -> String {
    match color(&io::stdout()) {
        true => text.style(Style::new().yellow().bold()).to_string(),
        false => text.to_string(),
    }
}

#[cfg(test)]
mod tests;
