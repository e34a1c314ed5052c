//! A source file, its mutants, and the file with all of them behind switches.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

/// Added to a mutant's number where it is passed, so that its presence in the ELF can be seen.
const FIRST: u32 = 0x5eed_0000;

/// Where a replacing text has its switch.
pub const ON: &str = "$on";

/// One way to break the program.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Its number.
    pub id: u32,
    /// `FILE FUNCTION: KIND: CODE`, without line numbers, so that it stays the same while other code changes.
    pub name: String,
    /// Below `src`.
    pub file: String,
    pub line: usize,
    /// The bytes of the file that it changes.
    pub span: Range<usize>,
    /// The function around it.
    pub function: String,
    /// That function's word `const`, which must go: a switch is read at run time.
    pub constness: Option<Range<usize>>,
    pub change: Change,
}

impl Mutant {
    /// As it is passed.
    pub fn number(&self) -> u32 {
        FIRST + self.id
    }

    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

#[derive(Clone, Debug)]
pub enum Change {
    /// Behind a switch.
    Switch(Switch),
    /// This text instead; in it, [`ON`] is the switch.
    Text(String),
}

#[derive(Clone, Debug)]
pub enum Switch {
    /// A condition always holds.
    Always,
    /// A condition never holds.
    Never,
    /// Another operator between two operands: the function of `SWITCHES`, and the operator's place.
    Operator(&'static str, Range<usize>),
    /// A statement is left out.
    Skip,
    /// A `Result<()>` is `Ok`.
    Allow,
    /// A role is none.
    NoRole,
    /// `min` is `max`, or the reverse: the place from the dot to behind the parenthesis.
    Extreme(&'static str, Range<usize>),
    /// A function returns this at once.
    Return(&'static str),
}

/// For the program with all mutants: which one is on stands in the ELF, behind a mark.
pub const BY_NUMBER: &str = r#"
#[doc(hidden)]
pub mod switch {
    #[used]
    static ACTIVE: [u8; 20] = *b"portcullis-mut:\0\0\0\0\0";
    #[inline(never)]
    pub fn on(id: u32) -> bool {
        let a: [u8; 20] = unsafe { core::ptr::read_volatile(&ACTIVE) };
        id == u32::from_le_bytes([a[16], a[17], a[18], a[19]])
    }
}
"#;

/// For the program on the host: which one is on stands in a variable.
pub const BY_VARIABLE: &str = r#"
#[doc(hidden)]
pub mod switch {
    pub fn on(id: u32) -> bool {
        static ACTIVE: std::sync::OnceLock<Option<u32>> = std::sync::OnceLock::new();
        let active = || std::env::var("PORTCULLIS_MUTANT").ok()?.parse().ok();
        *ACTIVE.get_or_init(active) == Some(id)
    }
}
"#;

/// For the program with one mutant: it is on.
pub const ALWAYS_ON: &str = r#"
#[doc(hidden)]
pub mod switch {
    #[inline(always)]
    pub fn on(_: u32) -> bool { true }
}
"#;

/// What the mutants call; added to the program.
pub const SWITCHES: &str = r#"
#[doc(hidden)]
pub mod mutants {
    pub use crate::switch::on;
    pub fn lt<A: PartialOrd + ?Sized>(id: u32, a: &A, b: &A) -> bool { if on(id) { a <= b } else { a < b } }
    pub fn le<A: PartialOrd + ?Sized>(id: u32, a: &A, b: &A) -> bool { if on(id) { a < b } else { a <= b } }
    pub fn gt<A: PartialOrd + ?Sized>(id: u32, a: &A, b: &A) -> bool { if on(id) { a >= b } else { a > b } }
    pub fn ge<A: PartialOrd + ?Sized>(id: u32, a: &A, b: &A) -> bool { if on(id) { a > b } else { a >= b } }
    pub fn eq<A: PartialEq + ?Sized>(id: u32, a: &A, b: &A) -> bool { if on(id) { a != b } else { a == b } }
    pub fn ne<A: PartialEq + ?Sized>(id: u32, a: &A, b: &A) -> bool { if on(id) { a == b } else { a != b } }
    pub fn add<A: core::ops::Add + core::ops::Sub<Output = <A as core::ops::Add>::Output>>(id: u32, a: A, b: A) -> <A as core::ops::Add>::Output { if on(id) { a - b } else { a + b } }
    pub fn sub<A: core::ops::Add + core::ops::Sub<Output = <A as core::ops::Add>::Output>>(id: u32, a: A, b: A) -> <A as core::ops::Add>::Output { if on(id) { a + b } else { a - b } }
    pub fn min<A: Ord>(id: u32, a: A, b: A) -> A { if on(id) { a.max(b) } else { a.min(b) } }
    pub fn max<A: Ord>(id: u32, a: A, b: A) -> A { if on(id) { a.min(b) } else { a.max(b) } }
}
"#;

struct Edit {
    at: usize,
    /// Closing edits come before opening ones at the same place, inner before outer; opening ones outer before inner.
    order: (u8, i64),
    remove: usize,
    text: String,
}

/// The text with these mutants behind switches; none of them adds a line. And where each byte of it was in the original.
pub fn instrument(text: &str, mutants: &[&Mutant]) -> (String, Vec<usize>) {
    let mut edits = Vec::new();
    for (number, mutant) in mutants.iter().enumerate() {
        let order = number as i64;
        let id = mutant.number();
        let on = format!("crate::mutants::on({id})");
        let switch = match &mutant.change {
            Change::Switch(switch) => switch,
            Change::Text(new) => {
                edits.push(Edit {
                    at: mutant.span.start,
                    order: (3, 0),
                    remove: mutant.span.len(),
                    text: new.replace(ON, &on),
                });
                continue;
            }
        };
        let mut wrap = |open: String, close: &str| {
            edits.push(Edit {
                at: mutant.span.start,
                order: (2, order),
                remove: 0,
                text: open,
            });
            edits.push(Edit {
                at: mutant.span.end,
                order: (1, -order),
                remove: 0,
                text: close.to_owned(),
            });
        };
        match switch {
            Switch::Always => wrap(format!("({on} || ("), "))"),
            Switch::Never => wrap(format!("(!{on} && ("), "))"),
            Switch::Skip => wrap(format!("if !{on} {{ "), " }"),
            Switch::Allow => wrap(format!("if {on} {{ Ok(()) }} else {{ "), " }"),
            Switch::NoRole => wrap(format!("(if {on} {{ 0 }} else {{ "), " })"),
            Switch::Return(value) => wrap(format!("{{ if {on} {{ return {value}; }} "), " }"),
            Switch::Operator(function, operator) => {
                let by_value = matches!(*function, "add" | "sub");
                let (open, between) = if by_value {
                    ("(", "), (")
                } else {
                    ("&(", "), &(")
                };
                wrap(format!("crate::mutants::{function}({id}, {open}"), "))");
                edits.push(Edit {
                    at: operator.start,
                    order: (3, 0),
                    remove: operator.len(),
                    text: between.to_owned(),
                });
            }
            Switch::Extreme(function, call) => {
                wrap(format!("crate::mutants::{function}({id}, "), "");
                edits.push(Edit {
                    at: call.start,
                    order: (3, 0),
                    remove: call.len(),
                    text: ", ".to_owned(),
                });
            }
        }
    }
    let constant: HashSet<_> = mutants.iter().filter_map(|m| m.constness.clone()).collect();
    edits.extend(constant.into_iter().map(|word| Edit {
        at: word.start,
        order: (3, 0),
        remove: word.len(),
        text: String::new(),
    }));
    edits.sort_by_key(|edit| (edit.at, edit.order));
    let (mut out, mut origin, mut done) = (String::new(), Vec::new(), 0);
    for edit in edits {
        out.push_str(&text[done..edit.at]);
        origin.extend(done..edit.at);
        origin.extend(std::iter::repeat_n(edit.at, edit.text.len()));
        out.push_str(&edit.text);
        done = edit.at + edit.remove;
    }
    out.push_str(&text[done..]);
    origin.extend(done..=text.len());
    (out, origin)
}

/// Names each mutant; those that would be named alike are counted.
pub fn name(mutants: &mut [Mutant]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for mutant in mutants {
        let count = seen.entry(mutant.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            mutant.name = format!("{} #{count}", mutant.name);
        }
    }
}
