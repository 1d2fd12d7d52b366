//! A naive interpreter of a small expression tree: no spans, no budget, no sharing, plain recursion.
//!
//! It states once more, in the shortest way, what operators and macros mean; random trees must give the same in it
//! and in the real evaluator.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "types without a rule have one answer"
)]

use std::collections::BTreeMap;

/// An expression as a tree.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    Var(&'static str),
    Not(Box<Self>),
    Negate(Box<Self>),
    Binary(&'static str, Box<Self>, Box<Self>),
    If(Box<Self>, Box<Self>, Box<Self>),
    Member(Box<Self>, String),
    Has(Box<Self>, String),
    Index(Box<Self>, Box<Self>),
    Macro(&'static str, Box<Self>, &'static str, Box<Self>),
    Bind(&'static str, Box<Self>, Box<Self>),
    Size(Box<Self>),
}

/// A value of the reference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

/// Some error; which one is not compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Failed;

type Result<T> = std::result::Result<T, Failed>;

impl Tree {
    /// The tree as text of the language, with every operand in parentheses.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => format!("({value})"),
            Self::Uint(value) => format!("{value}u"),
            Self::Double(value) => format!("({value:?})"),
            Self::Text(value) => format!("{value:?}"),
            Self::List(items) => format!(
                "[{}]",
                items.iter().map(Self::text).collect::<Vec<_>>().join(", ")
            ),
            Self::Map(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{key:?}: {}", value.text()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            Self::Var(name) => (*name).to_owned(),
            Self::Not(inner) => format!("!({})", inner.text()),
            Self::Negate(inner) => format!("-({})", inner.text()),
            Self::Binary(op, a, b) => format!("({}) {op} ({})", a.text(), b.text()),
            Self::If(test, yes, no) => {
                format!("({}) ? ({}) : ({})", test.text(), yes.text(), no.text())
            }
            Self::Member(inner, name) => format!("({}).{name}", inner.text()),
            Self::Has(inner, name) => format!("has(({}).{name})", inner.text()),
            Self::Index(inner, index) => format!("({})[{}]", inner.text(), index.text()),
            Self::Macro(name, range, var, body) => {
                format!("({}).{name}({var}, {})", range.text(), body.text())
            }
            Self::Bind(var, init, body) => {
                format!("cel.bind({var}, {}, {})", init.text(), body.text())
            }
            Self::Size(inner) => format!("size({})", inner.text()),
        }
    }

    /// What the tree means.
    pub(crate) fn eval(&self, vars: &BTreeMap<&'static str, Plain>) -> Result<Plain> {
        Ok(match self {
            Self::Null => Plain::Null,
            Self::Bool(value) => Plain::Bool(*value),
            Self::Int(value) => Plain::Int(*value),
            Self::Uint(value) => Plain::Uint(*value),
            Self::Double(value) => Plain::Double(*value),
            Self::Text(value) => Plain::Text(value.clone()),
            Self::List(items) => Plain::List(
                items
                    .iter()
                    .map(|item| item.eval(vars))
                    .collect::<Result<_>>()?,
            ),
            Self::Map(entries) => {
                let mut map = BTreeMap::new();
                for (key, value) in entries {
                    if map.insert(key.clone(), value.eval(vars)?).is_some() {
                        return Err(Failed);
                    }
                }
                Plain::Map(map)
            }
            Self::Var(name) => vars.get(name).cloned().ok_or(Failed)?,
            Self::Not(inner) => Plain::Bool(!inner.eval(vars)?.truth()?),
            Self::Negate(inner) => match inner.eval(vars)? {
                Plain::Int(value) => Plain::Int(value.checked_neg().ok_or(Failed)?),
                Plain::Double(value) => Plain::Double(-value),
                _ => return Err(Failed),
            },
            Self::Binary(op @ ("&&" | "||"), a, b) => {
                let decides = *op == "||";
                let side = |tree: &Self| tree.eval(vars).and_then(|value| value.truth());
                match (side(a), side(b)) {
                    (Ok(value), _) | (_, Ok(value)) if value == decides => Plain::Bool(decides),
                    (Ok(_), Ok(_)) => Plain::Bool(!decides),
                    _ => return Err(Failed),
                }
            }
            Self::Binary(op, a, b) => binary(op, a.eval(vars)?, b.eval(vars)?)?,
            Self::If(test, yes, no) => {
                if test.eval(vars)?.truth()? {
                    yes.eval(vars)?
                } else {
                    no.eval(vars)?
                }
            }
            Self::Member(inner, name) => match inner.eval(vars)? {
                Plain::Map(map) => map.get(name).cloned().ok_or(Failed)?,
                _ => return Err(Failed),
            },
            Self::Has(inner, name) => match inner.eval(vars)? {
                Plain::Map(map) => Plain::Bool(map.contains_key(name)),
                _ => return Err(Failed),
            },
            Self::Index(inner, index) => match (inner.eval(vars)?, index.eval(vars)?) {
                (Plain::List(list), index) => list.get(index.place()?).cloned().ok_or(Failed)?,
                (Plain::Map(map), Plain::Text(key)) => map.get(&key).cloned().ok_or(Failed)?,
                _ => return Err(Failed),
            },
            Self::Macro(name, range, var, body) => {
                let items = match range.eval(vars)? {
                    Plain::List(list) => list,
                    Plain::Map(map) => map.into_keys().map(Plain::Text).collect(),
                    _ => return Err(Failed),
                };
                let with = |item: &Plain| {
                    let mut vars = vars.clone();
                    vars.insert(var, item.clone());
                    body.eval(&vars)
                };
                comprehension(name, &items, with)?
            }
            Self::Bind(var, init, body) => {
                let mut inner = vars.clone();
                // What failed is an error where it is used, and nowhere else.
                match init.eval(vars) {
                    Ok(value) => inner.insert(var, value),
                    Err(Failed) => inner.remove(var),
                };
                body.eval(&inner)?
            }
            Self::Size(inner) => Plain::Int(match inner.eval(vars)? {
                Plain::Text(text) => text.chars().count() as i64,
                Plain::List(list) => list.len() as i64,
                Plain::Map(map) => map.len() as i64,
                _ => return Err(Failed),
            }),
        })
    }
}

fn comprehension(
    name: &str,
    items: &[Plain],
    body: impl Fn(&Plain) -> Result<Plain>,
) -> Result<Plain> {
    match name {
        "map" => Ok(Plain::List(items.iter().map(body).collect::<Result<_>>()?)),
        "filter" => {
            let mut kept = Vec::new();
            for item in items {
                if body(item)?.truth()? {
                    kept.push(item.clone());
                }
            }
            Ok(Plain::List(kept))
        }
        "exists_one" => {
            let mut count = 0;
            for item in items {
                count += usize::from(body(item)?.truth()?);
            }
            Ok(Plain::Bool(count == 1))
        }
        _ => {
            let decides = name == "exists";
            let results: Vec<Result<bool>> = items
                .iter()
                .map(|item| body(item).and_then(|value| value.truth()))
                .collect();
            if results.contains(&Ok(decides)) {
                Ok(Plain::Bool(decides))
            } else if results.contains(&Err(Failed)) {
                Err(Failed)
            } else {
                Ok(Plain::Bool(!decides))
            }
        }
    }
}

fn binary(op: &str, a: Plain, b: Plain) -> Result<Plain> {
    use Plain::{Bool, Double, Int, List, Map, Text, Uint};
    Ok(match (op, a, b) {
        ("+", Int(a), Int(b)) => Int(a.checked_add(b).ok_or(Failed)?),
        ("-", Int(a), Int(b)) => Int(a.checked_sub(b).ok_or(Failed)?),
        ("*", Int(a), Int(b)) => Int(a.checked_mul(b).ok_or(Failed)?),
        ("/", Int(a), Int(b)) => Int(a.checked_div(b).ok_or(Failed)?),
        ("%", Int(a), Int(b)) => Int(a.checked_rem(b).ok_or(Failed)?),
        ("+", Uint(a), Uint(b)) => Uint(a.checked_add(b).ok_or(Failed)?),
        ("-", Uint(a), Uint(b)) => Uint(a.checked_sub(b).ok_or(Failed)?),
        ("*", Uint(a), Uint(b)) => Uint(a.checked_mul(b).ok_or(Failed)?),
        ("/", Uint(a), Uint(b)) => Uint(a.checked_div(b).ok_or(Failed)?),
        ("%", Uint(a), Uint(b)) => Uint(a.checked_rem(b).ok_or(Failed)?),
        ("+", Double(a), Double(b)) => Double(a + b),
        ("-", Double(a), Double(b)) => Double(a - b),
        ("*", Double(a), Double(b)) => Double(a * b),
        ("/", Double(a), Double(b)) => Double(a / b),
        ("+", Text(a), Text(b)) => Text(a + &b),
        ("+", List(a), List(b)) => List(a.into_iter().chain(b).collect()),
        ("==", a, b) => Bool(equal(&a, &b)),
        ("!=", a, b) => Bool(!equal(&a, &b)),
        ("in", a, List(list)) => Bool(list.iter().any(|item| equal(&a, item))),
        ("in", Text(key), Map(map)) => Bool(map.contains_key(&key)),
        ("in", _, Map(_)) => Bool(false),
        ("<", a, b) => Bool(less(&a, &b)?),
        (">", a, b) => Bool(less(&b, &a)?),
        ("<=", a, b) => Bool(!nan(&a) && !nan(&b) && !less(&b, &a)?),
        (">=", a, b) => Bool(!nan(&a) && !nan(&b) && !less(&a, &b)?),
        _ => return Err(Failed),
    })
}

fn nan(value: &Plain) -> bool {
    matches!(value, Plain::Double(value) if value.is_nan())
}

/// Numbers of small trees are far below the point where doubles lose whole numbers.
fn number(value: &Plain) -> Option<f64> {
    match value {
        Plain::Int(value) => Some(*value as f64),
        Plain::Uint(value) => Some(*value as f64),
        Plain::Double(value) => Some(*value),
        _ => None,
    }
}

fn equal(a: &Plain, b: &Plain) -> bool {
    match (a, b) {
        (Plain::Int(a), Plain::Int(b)) => a == b,
        (Plain::List(a), Plain::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Plain::Map(a), Plain::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
    }
}

fn less(a: &Plain, b: &Plain) -> Result<bool> {
    match (a, b) {
        (Plain::Int(a), Plain::Int(b)) => Ok(a < b),
        (Plain::Text(a), Plain::Text(b)) => Ok(a < b),
        (Plain::Bool(a), Plain::Bool(b)) => Ok(a < b),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => Ok(a < b),
            _ => Err(Failed),
        },
    }
}

impl Plain {
    fn truth(&self) -> Result<bool> {
        if let Self::Bool(value) = self {
            Ok(*value)
        } else {
            Err(Failed)
        }
    }

    /// A whole number as a place in a list.
    fn place(&self) -> Result<usize> {
        let place = number(self).ok_or(Failed)?;
        if place >= 0.0 && place.fract() == 0.0 && place < 1e9 {
            Ok(place as usize)
        } else {
            Err(Failed)
        }
    }
}
