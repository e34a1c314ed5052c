//! A document's blocks of shell, what happens between them, and the code in its text.

use std::{fs, path::Path};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::script;

pub struct Block {
    /// The heading of second level above it.
    pub section: String,
    pub text: String,
    pub kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Run,
    NoRun,
    /// A comment that says what happens meanwhile.
    Meanwhile,
    /// What commands print.
    Shown,
}

pub struct Page {
    pub name: String,
    pub blocks: Vec<Block>,
    pub inline: Vec<String>,
    /// The section of each of these.
    sections: Vec<String>,
}

pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

pub fn file(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// A name such as `TimelockNotElapsed`.
pub fn is_rule(code: &str) -> bool {
    let upper = code.chars().filter(char::is_ascii_uppercase).count();
    code.chars().all(|c| c.is_ascii_alphanumeric())
        && code.starts_with(|c: char| c.is_ascii_uppercase())
        && upper >= 2
        && code.chars().any(|c| c.is_ascii_lowercase())
}

impl Page {
    pub fn read(name: &str) -> Self {
        Self::parse(name, &file(name))
    }

    pub fn parse(name: &str, text: &str) -> Self {
        let mut page = Self {
            name: name.to_string(),
            blocks: Vec::new(),
            inline: Vec::new(),
            sections: Vec::new(),
        };
        let mut section = String::new();
        let mut heading = false;
        let mut fence: Option<Kind> = None;
        let mut code = String::new();
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading {
                    level: HeadingLevel::H2,
                    ..
                }) => {
                    heading = true;
                    section.clear();
                }
                Event::End(TagEnd::Heading(_)) => heading = false,
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    code.clear();
                    fence = kind(&info);
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let Some(kind) = fence.take() {
                        page.push(&section, std::mem::take(&mut code), kind);
                    }
                }
                Event::Text(text) if heading => section.push_str(&text),
                Event::Text(text) => code.push_str(&text),
                Event::Code(text) => {
                    page.inline.push(text.to_string());
                    page.sections.push(section.clone());
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    let comment = html.trim().strip_prefix("<!-- test: ");
                    if let Some(command) = comment.and_then(|rest| rest.strip_suffix(" -->")) {
                        page.push(&section, command.to_string(), Kind::Meanwhile);
                    }
                }
                _ => {}
            }
        }
        let said = text.matches("<!-- test:").count();
        let seen = page
            .blocks
            .iter()
            .filter(|block| block.kind == Kind::Meanwhile);
        assert_eq!(seen.count(), said, "{name}: a comment was not understood");
        page
    }

    fn push(&mut self, section: &str, text: String, kind: Kind) {
        self.blocks.push(Block {
            section: section.to_string(),
            text,
            kind,
        });
    }

    pub fn runnable(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.kind == Kind::Run)
    }

    /// How many commands are run.
    pub fn commands(&self) -> usize {
        let commands = self
            .runnable()
            .map(|block| script::commands(&block.text).len());
        commands.sum()
    }

    pub fn not_run(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.kind == Kind::NoRun)
    }

    /// Lines that a reader is shown as printed, and that nothing printed. `…` stands for anything.
    pub fn never_said(&self, said: &str) -> Vec<&str> {
        let spaced = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let printed = said.lines().filter(|line| !line.starts_with("$ "));
        let said: Vec<String> = printed.map(spaced).collect();
        let shown = self.blocks.iter().filter(|block| block.kind == Kind::Shown);
        let lines = shown.flat_map(|block| block.text.lines());
        let lines = lines.filter(|line| !said.iter().any(|said| is_like(said, &spaced(line))));
        lines.collect()
    }

    /// The code in the text of one section.
    pub fn codes_of(&self, section: &str) -> Vec<&str> {
        let codes = self.inline.iter().zip(&self.sections);
        let codes = codes.filter(|(_, of)| *of == section);
        codes.map(|(code, _)| code.as_str()).collect()
    }
}

/// Whether the parts of a line that `…` does not stand for occur in that order.
fn is_like(said: &str, shown: &str) -> bool {
    let mut rest = Some(said);
    for part in shown.split('…') {
        rest = rest.and_then(|text| text.split_once(part.trim()).map(|(_, rest)| rest));
    }
    rest.is_some()
}

/// Whether a fence holds commands, and whether they are run. A misspelt mark is no mark.
fn kind(info: &str) -> Option<Kind> {
    match info {
        "sh no-run" => Some(Kind::NoRun),
        "text" => Some(Kind::Shown),
        info if info.starts_with("sh") || info.contains("bash") || info.contains("shell") => {
            assert_eq!(info, "sh", "fences of commands are `sh` or `sh no-run`");
            Some(Kind::Run)
        }
        _ => None,
    }
}
