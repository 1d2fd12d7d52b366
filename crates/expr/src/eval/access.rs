//! Reaching variables, members and elements.

use super::{Evaluated, Evaluator, at, bounded};
use crate::ast::{DottedName, Expr, Node, SelectMode};
use crate::error::{Error, quoted};
use crate::value::{Key, TypeName, Value};

impl Evaluator<'_> {
    /// The variable a name stands for.
    pub(super) fn variable(&mut self, node: &Node, absolute: bool) -> Evaluated {
        match self.lookup(node, absolute) {
            Some(found) => found,
            None => self.fallback(node, self.spine.len()),
        }
    }

    pub(super) fn lookup(&self, node: &Node, absolute: bool) -> Option<Evaluated> {
        self.lookup_text(self.ast.name_of(node), absolute)
            .map(|value| bounded(node, value))
    }

    fn lookup_text(&self, name: &str, absolute: bool) -> Option<Value> {
        if absolute {
            self.scope.lookup_absolute(name)
        } else {
            self.scope.lookup(name)
        }
    }

    /// The longest dotted name that is a variable; the members it covers leave the spine above `base`.
    pub(super) fn dotted(&mut self, node: &Node, absolute: bool, base: usize) -> Evaluated {
        let DottedName { path, mut ends } = self.ast.dotted_name(node, &self.spine[base..]);
        self.cx.budget.charge(ends.len() as u64)?;
        while let Some(end) = ends.pop() {
            if let Some(value) = self.lookup_text(&path[..end], absolute) {
                self.spine.truncate(self.spine.len() - ends.len());
                return bounded(node, value);
            }
        }
        self.fallback(node, base)
    }

    /// What a name that is no variable may still be: a type, or the first part of a host function's name.
    pub(super) fn fallback(&mut self, node: &Node, base: usize) -> Evaluated {
        let name = self.ast.name_of(node);
        if let Some(value) = self.type_or_function(name, base) {
            return value;
        }
        Err(at(
            node,
            Box::new(Error::eval(format!("unknown name `{}`", quoted(name)))),
        ))
    }

    fn type_or_function(&mut self, name: &str, base: usize) -> Option<Evaluated> {
        if let Some(kind) = TypeName::from_name(name) {
            return Some(Ok(Value::Type(kind)));
        }
        let mut path = name.to_owned();
        for at_index in (base..self.spine.len()).rev() {
            let member = self.ast.node(self.spine[at_index]);
            if path.len() > MAX_PATH_BYTES {
                return None;
            }
            path.push('.');
            path.push_str(self.ast.name_of(member));
            match member.expr {
                Expr::Select {
                    mode: SelectMode::Member,
                    ..
                } => {
                    if let Some(kind) = TypeName::from_name(&path) {
                        self.spine.truncate(at_index);
                        return Some(Ok(Value::Type(kind)));
                    }
                }
                Expr::Method {
                    function: None,
                    args,
                    ..
                } => {
                    let stack = self.stack.len();
                    let result = self
                        .push_args(args)
                        .map(|()| self.scope.call(&path, &self.stack[stack..]));
                    self.stack.truncate(stack);
                    let value = match result {
                        Ok(None) => return None,
                        Ok(Some(Ok(value))) => bounded(member, value),
                        Ok(Some(Err(error))) => Err(at(member, Box::new(error))),
                        Err(error) => Err(error),
                    };
                    self.spine.truncate(at_index);
                    return Some(value);
                }
                _ => return None,
            }
        }
        None
    }
}

const MAX_PATH_BYTES: usize = 256;

/// `value.name`, `value.?name` or `has(value.name)`. What is asked for as an optional is absent from values that have
/// nothing in them at all; a list has, but by number.
pub(super) fn select(value: Value, name: &str, mode: SelectMode) -> Evaluated {
    match &value {
        Value::Map(map) => {
            let found = map.get_str(name);
            match mode {
                SelectMode::Has => Ok(Value::Bool(found.is_some())),
                SelectMode::Optional => Ok(optional(found)),
                SelectMode::Member => found.cloned().ok_or_else(|| no_key(name)),
            }
        }
        Value::Optional(inner) => {
            let found = match inner {
                None => None,
                Some(inner) => match &**inner {
                    Value::Map(map) => map.get_str(name),
                    other @ Value::List(_) => return Err(no_members(other, name)),
                    other if mode == SelectMode::Has => return Err(no_members(other, name)),
                    _ => None,
                },
            };
            Ok(if mode == SelectMode::Has {
                Value::Bool(found.is_some())
            } else {
                optional(found)
            })
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Network(_)
        | Value::Type(_) => match mode {
            SelectMode::Optional => Ok(Value::Optional(None)),
            SelectMode::Member | SelectMode::Has => Err(no_members(&value, name)),
        },
        Value::List(_) => Err(no_members(&value, name)),
    }
}

/// `value[index]` or `value[?index]`, the latter absent from values that have no elements at all.
pub(super) fn index(value: Value, index: &Value, optional_index: bool) -> Evaluated {
    match &value {
        Value::Optional(None) => Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) if has_elements(inner) => Ok(optional(element(inner, index)?)),
        Value::Optional(Some(_)) => Ok(Value::Optional(None)),
        _ if optional_index && !has_elements(&value) => Ok(Value::Optional(None)),
        _ => {
            let found = element(&value, index)?;
            if optional_index {
                Ok(optional(found))
            } else {
                found.cloned().ok_or_else(|| no_element(&value, index))
            }
        }
    }
}

fn has_elements(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

fn element<'a>(value: &'a Value, index: &Value) -> Result<Option<&'a Value>, Box<Error>> {
    match value {
        Value::List(list) => match Key::from_value(index) {
            Some(Key::Int(at)) => Ok(usize::try_from(at).ok().and_then(|at| list.get(at))),
            Some(Key::Uint(at)) => Ok(usize::try_from(at).ok().and_then(|at| list.get(at))),
            Some(Key::Bool(_) | Key::String(_)) | None => {
                let found = index.type_name();
                Err(Box::new(Error::eval(format!(
                    "list index must be a whole number, found `{found}`"
                ))))
            }
        },
        Value::Map(map) => match index {
            Value::String(text) => Ok(map.get_str(text)),
            Value::Double(_) => Ok(Key::from_value(index).and_then(|key| map.get(&key))),
            _ => match Key::from_value(index) {
                Some(key) => Ok(map.get(&key)),
                None => {
                    let found = index.type_name();
                    Err(Box::new(Error::eval(format!(
                        "no such key: a map has no keys of type `{found}`"
                    ))))
                }
            },
        },
        other => Err(Box::new(Error::eval(format!(
            "no such overload: `{}` has no elements",
            other.type_name()
        )))),
    }
}

fn optional(found: Option<&Value>) -> Value {
    found.cloned().map_or(Value::Optional(None), Value::some)
}

#[cold]
fn no_key(name: &str) -> Box<Error> {
    let name = quoted(name);
    Box::new(
        Error::eval(format!("no such key: `{name}`"))
            .with_help(format!("use `.?{name}` or `has(…)` where it may be absent")),
    )
}

#[cold]
fn no_element(value: &Value, index: &Value) -> Box<Error> {
    Box::new(match value {
        Value::List(list) => Error::eval(format!(
            "index {index:?} is out of range for a list of {}",
            list.len()
        )),
        _ => {
            let key = index.as_str().map_or_else(
                || format!("{index:?}"),
                |text| format!("{:?}", quoted(text)),
            );
            Error::eval(format!("no such key: {key}"))
                .with_help("use `[?key]` where it may be absent")
        }
    })
}

#[cold]
fn no_members(value: &Value, name: &str) -> Box<Error> {
    Box::new(Error::eval(format!(
        "`{}` has no members, so no `{}`",
        value.type_name(),
        quoted(name)
    )))
}
