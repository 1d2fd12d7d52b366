//! Values as JSON that keeps their types: `{"type": …, "value": …}`.
//!
//! This is the form of `formic eval`: integers as decimal strings, doubles as numbers or `"NaN"`, `"Infinity"`,
//! `"-Infinity"`, bytes as base64, lists of typed values, maps as pairs, optionals as a typed value or null.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use std::fmt::Display;

use super::{Bytes, Key, List, Map, TypeName, Value};
use crate::error::{self, Error};
use crate::network::Network;
use crate::time::{Duration, Timestamp};

/// The typed JSON of a value.
pub fn to_typed_json(value: &Value) -> Json {
    serde_json::to_value(Typed(value)).expect("a typed value has names of text and finite numbers")
}

/// The text of [`to_typed_json`], in one line.
pub fn to_typed_text(value: &Value) -> String {
    serde_json::to_string(&Typed(value))
        .expect("a typed value has names of text and finite numbers")
}

/// A value that is written with its type: straight to where it goes, as a long list would take longer to copy than to make.
struct Typed<'v>(&'v Value);

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(2))?;
        members.serialize_entry("type", self.0.type_name())?;
        members.serialize_key("value")?;
        match self.0 {
            Value::Null => members.serialize_value(&()),
            Value::Bool(value) => members.serialize_value(value),
            Value::Int(value) => members.serialize_value(&Text(value)),
            Value::Uint(value) => members.serialize_value(&Text(value)),
            Value::Double(value) if value.is_nan() => members.serialize_value("NaN"),
            Value::Double(f64::INFINITY) => members.serialize_value("Infinity"),
            Value::Double(f64::NEG_INFINITY) => members.serialize_value("-Infinity"),
            Value::Double(value) => members.serialize_value(value),
            Value::String(text) => members.serialize_value(&**text),
            Value::Bytes(bytes) => members.serialize_value(&STANDARD.encode(&**bytes)),
            Value::List(list) => members.serialize_value(&Items(list)),
            Value::Map(map) => members.serialize_value(&Pairs(map)),
            Value::Timestamp(value) => members.serialize_value(&Text(value)),
            Value::Duration(value) => members.serialize_value(&Text(value)),
            Value::Network(value) => members.serialize_value(&Text(value)),
            Value::Type(kind) => members.serialize_value(kind.name()),
            Value::Optional(inner) => members.serialize_value(&inner.as_deref().map(Typed)),
        }?;
        members.end()
    }
}

/// What is written as the text that it is shown as.
struct Text<'v, T>(&'v T);

impl<T: Display> Serialize for Text<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

struct Items<'v>(&'v List);

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Typed))
    }
}

struct Pairs<'v>(&'v Map);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = serializer.serialize_seq(None)?;
        for (key, value) in self.0.iter() {
            pairs.serialize_element(&(Typed(&key.to_value()), Typed(value)))?;
        }
        pairs.end()
    }
}

/// The value of JSON that is either plain or typed (an object with exactly `type` and `value`).
pub fn from_typed_json(json: &Json) -> Result<Value, Error> {
    let Json::Object(members) = json else {
        return Ok(Value::from_json(json));
    };
    match (members.len(), members.get("type"), members.get("value")) {
        (2, Some(Json::String(kind)), Some(value)) => typed(kind, value),
        _ => Ok(Value::from_json(json)),
    }
}

fn typed(kind: &str, json: &Json) -> Result<Value, Error> {
    let bad = || {
        Error::eval(format!(
            "`{}` is not the value of type `{kind}`",
            quoted(json)
        ))
    };
    let text = || json.as_str().ok_or_else(bad);
    let whole = || {
        json.as_str()
            .map(str::to_owned)
            .or_else(|| json.as_number().map(ToString::to_string))
            .ok_or_else(bad)
    };
    Ok(match kind {
        "null" | "null_type" if json.is_null() => Value::Null,
        "null" | "null_type" => return Err(bad()),
        "bool" => Value::Bool(json.as_bool().ok_or_else(bad)?),
        "int" => Value::Int(whole()?.parse().map_err(|_| bad())?),
        "uint" => Value::Uint(whole()?.parse().map_err(|_| bad())?),
        "double" => Value::Double(match json {
            Json::Number(number) => number.as_f64().ok_or_else(bad)?,
            Json::String(text) => text.parse().map_err(|_| bad())?,
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return Err(bad()),
        }),
        "string" => Value::string(text()?),
        "bytes" => Value::Bytes(Bytes::from(STANDARD.decode(text()?).map_err(|_| bad())?)),
        "list" => Value::list(
            json.as_array()
                .ok_or_else(bad)?
                .iter()
                .map(from_typed_json)
                .collect::<Result<_, _>>()?,
        ),
        "map" => map(json).ok_or_else(bad)??,
        "timestamp" | "google.protobuf.Timestamp" => {
            Value::Timestamp(Timestamp::parse(text()?).map_err(|_| bad())?)
        }
        "duration" | "google.protobuf.Duration" => {
            Value::Duration(Duration::parse(text()?).map_err(|_| bad())?)
        }
        "net.IP" => Value::Network(Network::ip(text()?).map_err(|_| bad())?),
        "net.CIDR" => Value::Network(Network::cidr(text()?).map_err(|_| bad())?),
        "type" => Value::Type(type_name(text()?).ok_or_else(bad)?),
        "optional" | "optional_type" if json.is_null() => Value::Optional(None),
        "optional" | "optional_type" => Value::some(from_typed_json(json)?),
        _ => return Err(Error::eval(format!("unknown type `{kind}`"))),
    })
}

/// As much of the JSON as tells which it is.
pub(crate) fn quoted(json: &Json) -> String {
    error::quoted(&json.to_string()).into_owned()
}

fn type_name(name: &str) -> Option<TypeName> {
    TypeName::from_name(name).or(match name {
        "null" => Some(TypeName::Null),
        "timestamp" => Some(TypeName::Timestamp),
        "duration" => Some(TypeName::Duration),
        "optional" => Some(TypeName::Optional),
        _ => None,
    })
}

fn map(json: &Json) -> Option<Result<Value, Error>> {
    let mut entries = Vec::new();
    for pair in json.as_array()? {
        let [key, value] = pair.as_array()?.as_slice() else {
            return None;
        };
        match (from_typed_json(key), from_typed_json(value)) {
            (Ok(Value::Double(_)), Ok(_)) => return None,
            (Ok(key), Ok(value)) => entries.push((Key::from_value(&key)?, value)),
            (Err(error), _) | (_, Err(error)) => return Some(Err(error)),
        }
    }
    match Map::new(entries) {
        Ok(map) => Some(Ok(Value::Map(map.into()))),
        Err(key) => Some(Err(Error::eval(format!("key `{key}` occurs twice")))),
    }
}
