//! The language's `==` and `<`.
//!
//! Values of different types are unequal, except numbers, which are compared by what they say. Order is defined
//! within numbers, strings, bytes, truth values, timestamps and durations; there is none elsewhere and none for NaN.

use std::cmp::Ordering;

use super::Value;

impl Value {
    /// The language's `==`.
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Network(a), Self::Network(b)) => a.equals(*b),
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b))
            }
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b.iter())
                        .all(|(a, b)| a.0 == b.0 && a.1.equals(b.1))
            }
            (Self::Optional(a), Self::Optional(b)) => match (a, b) {
                (Some(a), Some(b)) => a.equals(b),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            },
            (
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
            ) => numeric(self, other) == Some(Ordering::Equal),
            _ => false,
        }
    }

    /// The language's order; `Err` when these types have none, `Ok(None)` for NaN.
    pub fn compare(&self, other: &Self) -> Result<Option<Ordering>, NoOrder> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Ok(Some(a.cmp(b))),
            (Self::String(a), Self::String(b)) => Ok(Some(a.cmp(b))),
            (Self::Bool(a), Self::Bool(b)) => Ok(Some(a.cmp(b))),
            (Self::Bytes(a), Self::Bytes(b)) => Ok(Some(a.cmp(b))),
            (Self::Timestamp(a), Self::Timestamp(b)) => Ok(Some(a.cmp(b))),
            (Self::Duration(a), Self::Duration(b)) => Ok(Some(a.cmp(b))),
            (
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
                Self::Int(_) | Self::Uint(_) | Self::Double(_),
            ) => Ok(numeric(self, other)),
            _ => Err(NoOrder),
        }
    }
}

/// The types have no order between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoOrder;

/// Order of two numbers; an integer meets a double as the nearest double, as CEL has it.
#[expect(
    clippy::cast_precision_loss,
    reason = "the language compares integers with doubles as doubles"
)]
fn numeric(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Double(b)) => (*a as f64).partial_cmp(b),
        (Value::Double(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Uint(a), Value::Double(b)) => (*a as f64).partial_cmp(b),
        (Value::Double(a), Value::Uint(b)) => a.partial_cmp(&(*b as f64)),
        _ => None,
    }
}
