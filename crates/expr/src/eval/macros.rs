//! Comprehensions over lists and maps, and `optMap`.

use std::sync::Arc;

use super::{ERROR_STEPS, Evaluated, Evaluator, at, bounded, fail_at, key_of, no_overload};
use crate::ast::{Comprehension, ExprId, Macro, Node, Slot};
use crate::error::{Error, ErrorKind};
use crate::functions;
use crate::value::{Key, Map, Value};

/// What a comprehension has found so far.
#[derive(Default)]
struct Found {
    items: Vec<Value>,
    entries: Vec<(Key, Value)>,
    keyed: Vec<(Value, Value)>,
    hits: usize,
    error: Option<Box<Error>>,
}

/// Whether the remaining elements matter.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    Stop,
}

impl Evaluator<'_> {
    pub(super) fn comprehension(
        &mut self,
        node: &Node,
        comprehension: &Comprehension,
        range: Value,
    ) -> Evaluated {
        let mut found = Found::default();
        match &range {
            Value::List(list) => {
                for (index, item) in (0i64..).zip(list.iter()) {
                    self.bind(comprehension, || Value::Int(index), item, item)?;
                    if self.element(node, comprehension, item, &mut found)? == Next::Stop {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    let key = key.to_value();
                    self.bind(comprehension, || key.clone(), value, &key)?;
                    if self.element(node, comprehension, &key, &mut found)? == Next::Stop {
                        break;
                    }
                }
            }
            other => {
                let message = format!(
                    "`{}` needs a list or a map, found `{}`",
                    self.ast.text_of(node.focus),
                    other.type_name()
                );
                return Err(at(node, Box::new(Error::eval(message))));
            }
        }
        self.result(node, comprehension, found)
    }

    /// With two variables: index or key, and value; with one: the element of a list, the key of a map.
    fn bind(
        &mut self,
        comprehension: &Comprehension,
        place: impl FnOnce() -> Value,
        value: &Value,
        alone: &Value,
    ) -> Result<(), Box<Error>> {
        self.cx.budget.step()?;
        let first = comprehension.first.0 as usize;
        match comprehension.second {
            None => self.locals[first] = Ok(alone.clone()),
            Some(second) => {
                self.locals[first] = Ok(place());
                self.locals[second.0 as usize] = Ok(value.clone());
            }
        }
        Ok(())
    }

    fn element(
        &mut self,
        node: &Node,
        comprehension: &Comprehension,
        item: &Value,
        found: &mut Found,
    ) -> Result<Next, Box<Error>> {
        if let Some(filter) = comprehension.filter
            && !self.test(filter)?
        {
            return Ok(Next::Continue);
        }
        match comprehension.kind {
            Macro::All | Macro::Exists => {
                let decides = comprehension.kind == Macro::Exists;
                match self.eval(comprehension.body) {
                    Ok(Value::Bool(value)) if value == decides => {
                        found.hits += 1;
                        return Ok(Next::Stop);
                    }
                    Ok(Value::Bool(_)) => {}
                    Ok(other) => {
                        found.error.get_or_insert_with(|| {
                            at(node, no_overload(self.ast.text_of(node.focus), &[other]))
                        });
                    }
                    Err(error) if error.kind == ErrorKind::Limit => return Err(error),
                    Err(error) => {
                        self.cx.budget.charge(ERROR_STEPS)?;
                        found.error.get_or_insert(error);
                    }
                }
            }
            Macro::ExistsOne => found.hits += usize::from(self.test(comprehension.body)?),
            Macro::Filter => {
                if self.test(comprehension.body)? {
                    found.items.push(item.clone());
                }
            }
            Macro::Map => found.items.push(self.eval(comprehension.body)?),
            Macro::TransformMap => {
                let key = self.locals[comprehension.first.0 as usize].clone()?;
                let key = key_of(&key).map_err(|error| at(node, error))?;
                let value = self.eval(comprehension.body)?;
                found.entries.push((key, value));
            }
            Macro::TransformMapEntry => match self.eval(comprehension.body)? {
                Value::Map(map) => {
                    self.cx.budget.charge(map.len() as u64)?;
                    found
                        .entries
                        .extend(map.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                other => return Err(at(node, no_overload("transformMapEntry", &[other]))),
            },
            Macro::SortBy => {
                let key = self.eval(comprehension.body)?;
                found.keyed.push((key, item.clone()));
            }
        }
        Ok(Next::Continue)
    }

    fn result(&mut self, node: &Node, comprehension: &Comprehension, found: Found) -> Evaluated {
        match comprehension.kind {
            Macro::All | Macro::Exists => {
                let decides = comprehension.kind == Macro::Exists;
                match found.error {
                    _ if found.hits > 0 => Ok(Value::Bool(decides)),
                    Some(error) => Err(error),
                    None => Ok(Value::Bool(!decides)),
                }
            }
            Macro::ExistsOne => Ok(Value::Bool(found.hits == 1)),
            Macro::Map | Macro::Filter => bounded(node, Value::list(found.items)),
            Macro::TransformMap | Macro::TransformMapEntry => match Map::new(found.entries) {
                Ok(map) => bounded(node, Value::Map(Arc::new(map))),
                Err(key) => Err(at(
                    node,
                    Box::new(Error::eval(format!("repeated key {key:?} in map"))),
                )),
            },
            Macro::SortBy => match functions::sort_by_key(&mut self.cx, found.keyed) {
                Ok(items) => bounded(node, Value::list(items)),
                Err(fault) => Err(fail_at(node, "sortBy", fault, &[])),
            },
        }
    }

    /// `optMap` and `optFlatMap`.
    pub(super) fn optional_map(
        &mut self,
        node: &Node,
        target: Value,
        slot: Slot,
        body: ExprId,
        flat: bool,
    ) -> Evaluated {
        match target {
            Value::Optional(None) => Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => {
                self.locals[slot.0 as usize] = Ok(Value::clone(&inner));
                let value = self.eval(body)?;
                match (flat, &value) {
                    (true, Value::Optional(_)) => Ok(value),
                    (true, _) => Err(at(node, no_overload("optFlatMap", &[value]))),
                    (false, _) => bounded(node, Value::some(value)),
                }
            }
            other => Err(at(
                node,
                no_overload(self.ast.text_of(node.focus), &[other]),
            )),
        }
    }
}
