//! Arithmetic, comparison and membership.
//!
//! Arithmetic never wraps: overflow and division by zero are errors, except in doubles, which follow IEEE 754.

use std::cmp::Ordering;

use crate::ast::{Binary, Unary};
use crate::error::Error;
use crate::functions::{Context, Fault, Outcome, fail};
use crate::time::TimeError;
use crate::value::{Bytes, Key, Text, Value};

pub(super) fn unary(op: Unary, value: &Value) -> Outcome {
    match (op, value) {
        (Unary::Not, Value::Bool(value)) => Ok(Value::Bool(!value)),
        (Unary::Negate, Value::Int(value)) => int(value.checked_neg()),
        (Unary::Negate, Value::Double(value)) => Ok(Value::Double(-value)),
        (Unary::Negate, Value::Duration(value)) => time(value.negate().map(Value::Duration)),
        (Unary::Not | Unary::Negate, _) => Err(Fault::NoOverload),
    }
}

pub(super) fn binary(cx: &mut Context<'_>, op: Binary, left: &Value, right: &Value) -> Outcome {
    match op {
        Binary::Add => add(cx, left, right),
        Binary::Subtract => subtract(left, right),
        Binary::Multiply | Binary::Divide | Binary::Remainder => multiply(op, left, right),
        Binary::Equal => equal(cx, left, right).map(Value::Bool),
        Binary::NotEqual => equal(cx, left, right).map(|equal| Value::Bool(!equal)),
        Binary::Less => order(cx, left, right, Ordering::is_lt),
        Binary::LessEqual => order(cx, left, right, Ordering::is_le),
        Binary::Greater => order(cx, left, right, Ordering::is_gt),
        Binary::GreaterEqual => order(cx, left, right, Ordering::is_ge),
        Binary::In => contains(cx, left, right),
        Binary::And | Binary::Or => Err(Fault::NoOverload),
    }
}

fn add(cx: &mut Context<'_>, left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_add(*b)),
        (Value::Uint(a), Value::Uint(b)) => uint(a.checked_add(*b)),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::String(a), Value::String(b)) => {
            cx.charge_string(a.len() + b.len())?;
            let mut joined = String::with_capacity(a.len() + b.len());
            joined.push_str(a);
            joined.push_str(b);
            Ok(Value::String(Text::new(
                joined,
                a.is_tainted() || b.is_tainted(),
            )))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            cx.charge_string(a.len() + b.len())?;
            Ok(Value::Bytes(Bytes::new(
                [&**a, &**b].concat(),
                a.is_tainted() || b.is_tainted(),
            )))
        }
        (Value::List(a), Value::List(b)) => {
            cx.charge_items(a.len() + b.len())?;
            Ok(Value::list(a.iter().chain(b.iter()).cloned().collect()))
        }
        (Value::Timestamp(a), Value::Duration(b)) => time(a.plus(*b).map(Value::Timestamp)),
        (Value::Duration(a), Value::Timestamp(b)) => time(b.plus(*a).map(Value::Timestamp)),
        (Value::Duration(a), Value::Duration(b)) => time(a.plus(*b).map(Value::Duration)),
        _ => Err(Fault::NoOverload),
    }
}

fn subtract(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_sub(*b)),
        (Value::Uint(a), Value::Uint(b)) => uint(a.checked_sub(*b)),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a - b)),
        (Value::Timestamp(a), Value::Duration(b)) => time(a.minus(*b).map(Value::Timestamp)),
        (Value::Timestamp(a), Value::Timestamp(b)) => time(a.since(*b).map(Value::Duration)),
        (Value::Duration(a), Value::Duration(b)) => time(a.minus(*b).map(Value::Duration)),
        _ => Err(Fault::NoOverload),
    }
}

fn multiply(op: Binary, left: &Value, right: &Value) -> Outcome {
    match (op, left, right) {
        (Binary::Multiply, Value::Int(a), Value::Int(b)) => int(a.checked_mul(*b)),
        (Binary::Multiply, Value::Uint(a), Value::Uint(b)) => uint(a.checked_mul(*b)),
        (Binary::Multiply, Value::Double(a), Value::Double(b)) => Ok(Value::Double(a * b)),
        (Binary::Divide, Value::Double(a), Value::Double(b)) => Ok(Value::Double(a / b)),
        (Binary::Divide, Value::Int(_), Value::Int(0))
        | (Binary::Divide, Value::Uint(_), Value::Uint(0)) => fail("divide by zero"),
        (Binary::Remainder, Value::Int(_), Value::Int(0))
        | (Binary::Remainder, Value::Uint(_), Value::Uint(0)) => fail("modulus by zero"),
        (Binary::Divide, Value::Int(a), Value::Int(b)) => int(a.checked_div(*b)),
        (Binary::Divide, Value::Uint(a), Value::Uint(b)) => uint(a.checked_div(*b)),
        (Binary::Remainder, Value::Int(a), Value::Int(b)) => int(a.checked_rem(*b)),
        (Binary::Remainder, Value::Uint(a), Value::Uint(b)) => uint(a.checked_rem(*b)),
        _ => Err(Fault::NoOverload),
    }
}

/// The language's `==`, paid for by the smaller side.
pub(super) fn equal(cx: &mut Context<'_>, left: &Value, right: &Value) -> Result<bool, Fault> {
    cx.budget
        .charge(u64::from(left.weight().min(right.weight())) - 1)?;
    Ok(left.equals(right))
}

fn order(cx: &mut Context<'_>, left: &Value, right: &Value, test: fn(Ordering) -> bool) -> Outcome {
    cx.budget
        .charge(u64::from(left.weight().min(right.weight())) - 1)?;
    match left.compare(right) {
        Ok(order) => Ok(Value::Bool(order.is_some_and(test))),
        Err(_) => Err(Fault::NoOverload),
    }
}

fn contains(cx: &mut Context<'_>, item: &Value, container: &Value) -> Outcome {
    match container {
        Value::List(list) => {
            let each = u64::from(item.weight());
            cx.budget
                .charge(u64::from(container.weight()).min(each * list.len() as u64) / 2)?;
            Ok(Value::Bool(list.iter().any(|other| item.equals(other))))
        }
        Value::Map(map) => {
            cx.charge_key(item)?;
            Ok(Value::Bool(match item {
                Value::String(text) => map.get_str(text).is_some(),
                _ => Key::from_value(item).is_some_and(|key| map.get(&key).is_some()),
            }))
        }
        _ => Err(Fault::NoOverload),
    }
}

fn int(value: Option<i64>) -> Outcome {
    value.map_or_else(|| fail("integer overflow"), |value| Ok(Value::Int(value)))
}

fn uint(value: Option<u64>) -> Outcome {
    value.map_or_else(
        || fail("unsigned integer overflow"),
        |value| Ok(Value::Uint(value)),
    )
}

fn time(value: Result<Value, TimeError>) -> Outcome {
    value.map_err(|error| Error::eval(format!("time is {error}")).into())
}
