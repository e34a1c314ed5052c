//! Evaluation, with a bound on the work.

use std::sync::Arc;

use super::{
    place,
    values::{at, combine, found_field, missing},
    Expression, ExpressionError, Kind, Loop, LoopKind, Node,
};
use crate::idl::Value;

/// Steps of one evaluation, unless the file says otherwise: some seconds.
pub const DEFAULT_STEPS: u64 = 20_000_000;

/// What may still be done. A bound on steps, and not on time, so that the outcome is the same on every machine.
pub struct Work {
    left: u64,
    limit: u64,
}

impl From<u64> for Work {
    fn from(steps: u64) -> Self {
        Self {
            left: steps,
            limit: steps,
        }
    }
}

impl Work {
    /// Takes so many steps.
    ///
    /// # Errors
    /// When there are no more.
    pub fn spend(&mut self, steps: usize) -> Result<(), String> {
        match self.left.checked_sub(steps as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(format!("it takes more than {} steps", self.limit))
            }
        }
    }
}

struct Frame<'a> {
    source: &'a str,
    slots: Vec<Value>,
    work: Work,
}

impl Expression {
    /// Computes whether it holds, with the variables in the order in which they were given to `parse`; where it does not, also why.
    ///
    /// # Errors
    /// What cannot be computed, and a result that is no bool.
    pub fn evaluate(
        &self,
        variables: &[Value],
        steps: u64,
    ) -> Result<Result<(), String>, ExpressionError> {
        let mut slots = variables.to_vec();
        slots.resize(self.slots.max(slots.len()), Value::Null);
        let mut frame = Frame {
            source: &self.source,
            slots,
            work: steps.into(),
        };
        match frame.truth(&self.root)? {
            true => Ok(Ok(())),
            false => {
                // That it is false is known, whatever it takes to say why.
                frame.work = steps.into();
                let why = frame.why(&self.root);
                Ok(Err(why.unwrap_or_else(|_| "it is false".to_string())))
            }
        }
    }
}

impl Frame<'_> {
    fn fail<T>(&self, node: &Node, reason: impl Into<String>) -> Result<T, ExpressionError> {
        Err(ExpressionError {
            place: place(self.source, node.at),
            reason: reason.into(),
        })
    }

    fn told<T>(&self, node: &Node, result: Result<T, String>) -> Result<T, ExpressionError> {
        result.or_else(|reason| self.fail(node, reason))
    }

    fn truth(&mut self, node: &Node) -> Result<bool, ExpressionError> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            other => self.fail(
                node,
                format!(
                    "this must be true or false, found {}: {other}",
                    other.kind()
                ),
            ),
        }
    }

    fn value(&mut self, node: &Node) -> Result<Value, ExpressionError> {
        let spent = self.work.spend(1);
        self.told(node, spent)?;
        match &node.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Slot(slot) => Ok(self.slots.get(*slot).cloned().unwrap_or(Value::Null)),
            Kind::List(nodes) => {
                let items = nodes.iter().map(|item| self.value(item));
                let items: Result<Vec<Value>, ExpressionError> = items.collect();
                Ok(Value::List(Arc::new(items?)))
            }
            Kind::Field(operand, name) => {
                let value = self.value(operand)?;
                match found_field(&value, name) {
                    Ok(Some(field)) => Ok(field),
                    Ok(None) => self.fail(node, missing(&value, name)),
                    Err(reason) => self.fail(node, reason),
                }
            }
            Kind::Has(operand, name) => {
                let value = self.value(operand)?;
                let field = self.told(node, found_field(&value, name))?;
                Ok(Value::Bool(field.is_some()))
            }
            Kind::Index(nodes) => {
                let [operand, index] = nodes.as_ref();
                let (value, index) = (self.value(operand)?, self.value(index)?);
                let item = at(&value, &index);
                self.told(node, item)
            }
            Kind::Not(operand) => Ok(Value::Bool(!self.truth(operand)?)),
            Kind::Negative(operand) => match self.value(operand)? {
                Value::Number(number) => {
                    let negative = number.neg().map_err(|error| error.to_string());
                    self.told(node, negative).map(Value::Number)
                }
                other => self.fail(node, format!("`-` takes a number, found {}", other.kind())),
            },
            Kind::And(nodes) => {
                let [left, right] = nodes.as_ref();
                Ok(Value::Bool(self.truth(left)? && self.truth(right)?))
            }
            Kind::Or(nodes) => {
                let [left, right] = nodes.as_ref();
                Ok(Value::Bool(self.truth(left)? || self.truth(right)?))
            }
            Kind::If(nodes) => {
                let [condition, then, otherwise] = nodes.as_ref();
                match self.truth(condition)? {
                    true => self.value(then),
                    false => self.value(otherwise),
                }
            }
            Kind::Binary(binary, nodes) => {
                let [left, right] = nodes.as_ref();
                let (left, right) = (self.value(left)?, self.value(right)?);
                let result = combine(*binary, &left, &right, &mut self.work);
                self.told(node, result)
            }
            Kind::Call(function, nodes) => {
                let values = nodes.iter().map(|argument| self.value(argument));
                let values: Result<Vec<Value>, ExpressionError> = values.collect();
                let result = function.call(&values?, &mut self.work);
                self.told(node, result)
            }
            Kind::Loop(found) => self.run(node, found),
        }
    }

    fn range(&mut self, found: &Loop) -> Result<Arc<Vec<Value>>, ExpressionError> {
        match self.value(&found.range)? {
            Value::List(list) => Ok(list),
            other => self.fail(
                &found.range,
                format!("a list is needed here, found {}", other.kind()),
            ),
        }
    }

    fn bind(&mut self, slot: usize, value: &Value) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = value.clone();
        }
    }

    fn run(&mut self, node: &Node, found: &Loop) -> Result<Value, ExpressionError> {
        let list = self.range(found)?;
        let mut count = 0_usize;
        let mut collected = Vec::new();
        for value in list.iter() {
            let spent = self.work.spend(1);
            self.told(node, spent)?;
            self.bind(found.item, value);
            match &found.kind {
                LoopKind::All(body) => {
                    if !self.truth(body)? {
                        return Ok(Value::Bool(false));
                    }
                }
                LoopKind::Exists(body) => {
                    if self.truth(body)? {
                        return Ok(Value::Bool(true));
                    }
                }
                LoopKind::ExistsOne(body) => count += usize::from(self.truth(body)?),
                LoopKind::Map(guard, body) => {
                    let taken = match guard {
                        Some(guard) => self.truth(guard)?,
                        None => true,
                    };
                    if taken {
                        collected.push(self.value(body)?);
                    }
                }
            }
        }
        Ok(match &found.kind {
            LoopKind::All(_) => Value::Bool(true),
            LoopKind::Exists(_) => Value::Bool(false),
            LoopKind::ExistsOne(_) => Value::Bool(count == 1),
            LoopKind::Map(..) => Value::List(Arc::new(collected)),
        })
    }

    /// Why something is false: what was compared.
    fn why(&mut self, node: &Node) -> Result<String, ExpressionError> {
        match &node.kind {
            Kind::And(nodes) => {
                let [left, right] = nodes.as_ref();
                match self.truth(left)? {
                    true => self.why(right),
                    false => self.why(left),
                }
            }
            Kind::Or(nodes) => {
                let [left, right] = nodes.as_ref();
                let (left, right) = (self.why(left)?, self.why(right)?);
                Ok(format!("{left}, and {right}"))
            }
            Kind::Binary(binary, nodes) => {
                let [left, right] = nodes.as_ref();
                let (left, right) = (self.value(left)?, self.value(right)?);
                let place = place(self.source, node.at);
                Ok(format!(
                    "{left} {} {right} is false ({place})",
                    binary.sign()
                ))
            }
            Kind::Loop(found) => match &found.kind {
                LoopKind::All(body) => {
                    for (index, value) in self.range(found)?.iter().enumerate() {
                        self.bind(found.item, value);
                        if !self.truth(body)? {
                            let inner = self.why(body)?;
                            let which = match value {
                                Value::Record(record) => record
                                    .account
                                    .as_ref()
                                    .map(|origin| format!("account {}", origin.address)),
                                _ => None,
                            };
                            let which = which.unwrap_or_else(|| format!("item {index}"));
                            return Ok(format!("{which}: {inner}"));
                        }
                    }
                    Ok("it is false".to_string())
                }
                _ => Ok(format!("no item fits ({})", place(self.source, node.at))),
            },
            _ => Ok(format!("it is false ({})", place(self.source, node.at))),
        }
    }
}
