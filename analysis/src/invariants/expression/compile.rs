//! From the parser's tree to one whose names are resolved.

use std::sync::Arc;

use cel::{
    common::ast::{operators, CallExpr, ComprehensionExpr, Expr, LiteralValue, SourceInfo},
    IdedExpr,
};

use super::{
    functions::Function, place, Binary, ExpressionError, Kind, Loop, LoopKind, Node, MAX_DEPTH,
};
use crate::idl::{Number, Value};

pub struct Compiler<'a> {
    source: &'a str,
    places: &'a SourceInfo,
    /// What is in scope, by slot.
    names: Vec<String>,
    slots: usize,
}

impl<'a> Compiler<'a> {
    pub fn new(source: &'a str, places: &'a SourceInfo, variables: &[&str]) -> Self {
        let names: Vec<String> = variables.iter().map(ToString::to_string).collect();
        Self {
            source,
            places,
            slots: names.len(),
            names,
        }
    }

    pub fn slots(&self) -> usize {
        self.slots
    }

    fn fail<T>(&self, tree: &IdedExpr, reason: impl Into<String>) -> Result<T, ExpressionError> {
        Err(ExpressionError {
            place: place(self.source, self.at(tree)),
            reason: reason.into(),
        })
    }

    fn at(&self, tree: &IdedExpr) -> usize {
        let place = self.places.offset_for(tree.id);
        place.map_or(0, |(start, _)| start as usize)
    }

    pub fn node(&mut self, tree: &IdedExpr, depth: usize) -> Result<Node, ExpressionError> {
        if depth > MAX_DEPTH {
            return self.fail(
                tree,
                format!("an expression may be nested {MAX_DEPTH} deep, split it into several invariants"),
            );
        }
        let depth = depth + 1;
        let kind = match &tree.expr {
            Expr::Literal(literal) => Kind::Literal(self.literal(tree, literal)?),
            Expr::Ident(name) => {
                let slot = self.names.iter().rposition(|known| known == name);
                match slot {
                    Some(slot) => Kind::Slot(slot),
                    None => {
                        let known = self.names.join(", ");
                        return self
                            .fail(tree, format!("there is no account `{name}`, only {known}"));
                    }
                }
            }
            Expr::Select(select) => {
                let operand = Box::new(self.node(&select.operand, depth)?);
                let field = Arc::from(select.field.as_str());
                match select.test {
                    true => Kind::Has(operand, field),
                    false => Kind::Field(operand, field),
                }
            }
            Expr::List(list) => {
                if !list.optional_indices.is_empty() {
                    return self.fail(tree, "optional items are not supported");
                }
                Kind::List(self.nodes(&list.elements, depth)?)
            }
            Expr::Call(call) => self.call(tree, call, depth)?,
            Expr::Comprehension(comprehension) => self.comprehension(tree, comprehension, depth)?,
            Expr::Map(_) | Expr::Struct(_) => {
                return self.fail(tree, "maps and structs cannot be written here")
            }
            Expr::Unspecified => return self.fail(tree, "something is missing"),
        };
        Ok(Node {
            at: self.at(tree),
            kind,
        })
    }

    fn nodes(&mut self, trees: &[IdedExpr], depth: usize) -> Result<Vec<Node>, ExpressionError> {
        trees.iter().map(|tree| self.node(tree, depth)).collect()
    }

    fn literal(&self, tree: &IdedExpr, literal: &LiteralValue) -> Result<Value, ExpressionError> {
        Ok(match literal {
            LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
            LiteralValue::Int(value) => Value::Number((*value.inner()).into()),
            LiteralValue::UInt(value) => Value::Number((*value.inner()).into()),
            LiteralValue::String(text) => Value::text(text.inner()),
            LiteralValue::Bytes(bytes) => Value::Bytes(Arc::from(bytes.inner())),
            LiteralValue::Null => Value::Null,
            LiteralValue::Double(value) => match self.decimal(tree, *value.inner()) {
                Some(number) => Value::Number(number),
                None => {
                    return self.fail(
                        tree,
                        "this decimal cannot be kept exactly, write dec(\"...\")",
                    )
                }
            },
        })
    }

    /// A decimal as it is written: the parser has rounded it to 64 bits.
    fn decimal(&self, tree: &IdedExpr, rounded: f64) -> Option<Number> {
        let rest: String = self.source.chars().skip(self.at(tree)).collect();
        let unsigned = rest.trim_start_matches('-');
        let mut end = 0;
        let mut before = ' ';
        for letter in unsigned.chars() {
            let sign = "+-".contains(letter) && "eE".contains(before);
            if !(letter.is_ascii_digit() || ".eE".contains(letter) || sign) {
                break;
            }
            end += letter.len_utf8();
            before = letter;
        }
        let text = unsigned.get(..end)?;
        // That this is the text that the parser has read is not taken for granted.
        if text.parse::<f64>().ok()? != rounded.abs() {
            return None;
        }
        let number = text.parse::<Number>().ok()?.into_decimal().ok()?;
        match rounded.is_sign_negative() {
            true => number.neg().ok(),
            false => Some(number),
        }
    }

    fn pair(
        &mut self,
        tree: &IdedExpr,
        trees: &[IdedExpr],
        depth: usize,
    ) -> Result<Box<[Node; 2]>, ExpressionError> {
        let nodes = <[Node; 2]>::try_from(self.nodes(trees, depth)?);
        match nodes {
            Ok(nodes) => Ok(Box::new(nodes)),
            Err(_) => self.fail(tree, "two operands are needed"),
        }
    }

    fn call(
        &mut self,
        tree: &IdedExpr,
        call: &CallExpr,
        depth: usize,
    ) -> Result<Kind, ExpressionError> {
        let binary = match call.func_name.as_str() {
            operators::ADD => Binary::Add,
            operators::SUBSTRACT => Binary::Subtract,
            operators::MULTIPLY => Binary::Multiply,
            operators::DIVIDE => Binary::Divide,
            operators::MODULO => Binary::Remainder,
            operators::EQUALS => Binary::Equal,
            operators::NOT_EQUALS => Binary::NotEqual,
            operators::LESS => Binary::Less,
            operators::LESS_EQUALS => Binary::LessOrEqual,
            operators::GREATER => Binary::Greater,
            operators::GREATER_EQUALS => Binary::GreaterOrEqual,
            operators::IN => Binary::In,
            operators::LOGICAL_AND => return Ok(Kind::And(self.pair(tree, &call.args, depth)?)),
            operators::LOGICAL_OR => return Ok(Kind::Or(self.pair(tree, &call.args, depth)?)),
            operators::INDEX => return Ok(Kind::Index(self.pair(tree, &call.args, depth)?)),
            operators::LOGICAL_NOT | operators::NEGATE => {
                let Some(operand) = call.args.first() else {
                    return self.fail(tree, "an operand is needed");
                };
                let operand = Box::new(self.node(operand, depth)?);
                return Ok(match call.func_name.as_str() {
                    operators::NEGATE => Kind::Negative(operand),
                    _ => Kind::Not(operand),
                });
            }
            operators::CONDITIONAL => {
                let nodes = <[Node; 3]>::try_from(self.nodes(&call.args, depth)?);
                return match nodes {
                    Ok(nodes) => Ok(Kind::If(Box::new(nodes))),
                    Err(_) => self.fail(tree, "three operands are needed"),
                };
            }
            name => {
                let Some(function) = Function::named(name) else {
                    let known = Function::names().join(", ");
                    return self.fail(tree, format!("there is no function `{name}`, only {known}"));
                };
                // `x.size()` is `size(x)`.
                let target = call.target.iter().map(AsRef::as_ref);
                let all: Vec<IdedExpr> = target.chain(&call.args).cloned().collect();
                if !function.takes(all.len()) {
                    let found = all.len();
                    return self.fail(
                        tree,
                        format!("`{name}` takes {}, found {found}", function.arity()),
                    );
                }
                return Ok(Kind::Call(function, self.nodes(&all, depth)?));
            }
        };
        Ok(Kind::Binary(binary, self.pair(tree, &call.args, depth)?))
    }

    /// By the forms into which the parser's macros are expanded (`parser/macros.rs` of cel 0.15).
    fn comprehension(
        &mut self,
        tree: &IdedExpr,
        found: &ComprehensionExpr,
        depth: usize,
    ) -> Result<Kind, ExpressionError> {
        if found.iter_var2.is_some() {
            return self.fail(tree, "comprehensions take one variable");
        }
        let range = self.node(&found.iter_range, depth)?;
        let item = self.names.len();
        self.names.push(found.iter_var.clone());
        self.slots = self.slots.max(self.names.len());
        let kind = self.loop_kind(tree, found, depth);
        self.names.truncate(item);
        let kind = kind?;
        Ok(Kind::Loop(Box::new(Loop { range, item, kind })))
    }

    fn loop_kind(
        &mut self,
        tree: &IdedExpr,
        found: &ComprehensionExpr,
        depth: usize,
    ) -> Result<LoopKind, ExpressionError> {
        let accumulator =
            |tree: &IdedExpr| matches!(&tree.expr, Expr::Ident(name) if *name == found.accu_var);
        let Expr::Call(step) = &found.loop_step.expr else {
            return self.fail(tree, "this comprehension is not supported");
        };
        match (step.func_name.as_str(), step.args.as_slice()) {
            (operators::LOGICAL_AND, [first, body]) if accumulator(first) => {
                Ok(LoopKind::All(self.node(body, depth)?))
            }
            (operators::LOGICAL_OR, [first, body]) if accumulator(first) => {
                Ok(LoopKind::Exists(self.node(body, depth)?))
            }
            (operators::ADD, [first, appended]) if accumulator(first) => {
                let body = self.appended(tree, appended, depth)?;
                Ok(LoopKind::Map(None, body))
            }
            (operators::CONDITIONAL, [guard, then, otherwise]) if accumulator(otherwise) => {
                let guard = self.node(guard, depth)?;
                match &then.expr {
                    Expr::Call(add) => match (add.func_name.as_str(), add.args.as_slice()) {
                        (operators::ADD, [first, appended]) if accumulator(first) => {
                            if matches!(&appended.expr, Expr::Literal(_)) {
                                return Ok(LoopKind::ExistsOne(guard));
                            }
                            let body = self.appended(tree, appended, depth)?;
                            Ok(LoopKind::Map(Some(guard), body))
                        }
                        _ => self.fail(tree, "this comprehension is not supported"),
                    },
                    _ => self.fail(tree, "this comprehension is not supported"),
                }
            }
            _ => self.fail(tree, "this comprehension is not supported"),
        }
    }

    fn appended(
        &mut self,
        tree: &IdedExpr,
        appended: &IdedExpr,
        depth: usize,
    ) -> Result<Node, ExpressionError> {
        match &appended.expr {
            Expr::List(list) => match list.elements.as_slice() {
                [only] => self.node(only, depth),
                _ => self.fail(tree, "this comprehension is not supported"),
            },
            _ => self.fail(tree, "this comprehension is not supported"),
        }
    }
}
