//! Expressions in CEL: parsed by the crate `cel`, computed here, with exact numbers, places in every error, and a bound on the work.
//!
//! What differs from CEL: every number is exact (see [`Number`]); comparing things of different kinds is an error, not `false`; an
//! error is never outweighed by what stands beside it (`error || true` is the error).

mod compile;
mod eval;
mod functions;
#[cfg(test)]
mod tests;
mod values;

use std::{fmt, sync::Arc};

use cel::parser::Parser;

use self::compile::Compiler;
pub use self::{eval::DEFAULT_STEPS, values::same};
use crate::idl::Value;

/// The longest expression, in bytes.
pub const MAX_SOURCE: usize = 4_096;
/// How deeply an expression may be nested.
const MAX_DEPTH: usize = 100;
/// The parser recurses several times for each level.
const PARSER_STACK: usize = 64 << 20;

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ExpressionError {
    pub place: Place,
    pub reason: String,
}

/// A place in an expression, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// An expression that can be evaluated.
#[derive(Debug)]
pub struct Expression {
    source: String,
    root: Node,
    /// Places for values: the variables, and those of the deepest comprehension.
    slots: usize,
}

#[derive(Debug)]
struct Node {
    /// Where it stands, in characters.
    at: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Literal(Value),
    Slot(usize),
    List(Vec<Node>),
    Field(Box<Node>, Arc<str>),
    Has(Box<Node>, Arc<str>),
    Index(Box<[Node; 2]>),
    Not(Box<Node>),
    Negative(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    If(Box<[Node; 3]>),
    Binary(Binary, Box<[Node; 2]>),
    Call(functions::Function, Vec<Node>),
    Loop(Box<Loop>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

/// A comprehension: `all`, `exists`, `exists_one`, `map`, `filter`.
#[derive(Debug)]
struct Loop {
    range: Node,
    /// Where the item is kept.
    item: usize,
    kind: LoopKind,
}

#[derive(Debug)]
enum LoopKind {
    All(Node),
    Exists(Node),
    ExistsOne(Node),
    /// With a condition, `filter` and the `map` of three arguments.
    Map(Option<Node>, Node),
}

impl Expression {
    /// Parses an expression over variables of these names.
    ///
    /// # Errors
    /// Where it is no CEL, too long, or names what there is not.
    pub fn parse(source: &str, variables: &[&str]) -> Result<Self, ExpressionError> {
        let start = Place { line: 1, column: 1 };
        let fail = |reason: String| ExpressionError {
            place: start,
            reason,
        };
        if source.len() > MAX_SOURCE {
            return Err(fail(format!(
                "an expression may have {MAX_SOURCE} bytes, found {}",
                source.len()
            )));
        }
        if source.trim().is_empty() {
            return Err(fail("an expression must not be empty".to_string()));
        }
        // In a thread of its own, so that neither its depth nor a defect of the parser ends the process.
        std::thread::scope(|scope| {
            let work = || parse(source, variables);
            let thread = std::thread::Builder::new()
                .stack_size(PARSER_STACK)
                .spawn_scoped(scope, work);
            let thread = thread.map_err(|error| fail(format!("no thread to parse it: {error}")))?;
            let parsed = thread.join();
            parsed.unwrap_or_else(|_| Err(fail("the CEL parser fails on this".to_string())))
        })
    }

    /// The text that was parsed.
    pub fn source(&self) -> &str {
        &self.source
    }
}

fn parse(source: &str, variables: &[&str]) -> Result<Expression, ExpressionError> {
    let parser = Parser::new().max_recursion_depth(96);
    let (tree, places) = parser.parse_with_source_info(source).map_err(|errors| {
        let first = errors.errors.into_iter().next();
        let (line, column, message) = first.map_or((1, 1, String::new()), |error| {
            (error.pos.0, error.pos.1, error.msg)
        });
        let natural = |number: isize| usize::try_from(number).unwrap_or(1).max(1);
        let mut reason: String = message.chars().take(200).collect();
        if reason.contains("int literal") {
            reason.push_str("; beyond 64 bits write int(\"...\")");
        }
        ExpressionError {
            place: Place {
                line: natural(line),
                column: natural(column),
            },
            reason,
        }
    })?;
    let mut compiler = Compiler::new(source, &places, variables);
    let root = compiler.node(&tree, 0)?;
    Ok(Expression {
        source: source.to_string(),
        slots: compiler.slots(),
        root,
    })
}

/// Line and column of a character.
fn place(source: &str, at: usize) -> Place {
    let before = source.chars().take(at);
    before.fold(Place { line: 1, column: 1 }, |place, letter| match letter {
        '\n' => Place {
            line: place.line + 1,
            column: 1,
        },
        _ => Place {
            column: place.column + 1,
            ..place
        },
    })
}
