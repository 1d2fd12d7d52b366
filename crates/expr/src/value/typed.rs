//! Values as JSON that keeps their types: `{"type": …, "value": …}`.
//!
//! This is the form of `formic eval`: integers as decimal strings, doubles as numbers or `"NaN"`, `"Infinity"`,
//! `"-Infinity"`, bytes as base64, lists of typed values, maps as pairs, optionals as a typed value or null.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::{Bytes, Key, Map, TypeName, Value};
use crate::error::{Error, beginning};
use crate::network::Network;
use crate::time::{Duration, Timestamp};

/// The typed JSON of a value.
pub fn to_typed_json(value: &Value) -> Json {
    let plain = match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value.to_string()),
        Value::Uint(value) => json!(value.to_string()),
        Value::Double(value) => double_json(*value),
        Value::String(text) => json!(&**text),
        Value::Bytes(bytes) => json!(STANDARD.encode(&**bytes)),
        Value::List(list) => Json::Array(list.iter().map(to_typed_json).collect()),
        Value::Map(map) => Json::Array(
            map.iter()
                .map(|(key, value)| json!([to_typed_json(&key.to_value()), to_typed_json(value)]))
                .collect(),
        ),
        Value::Timestamp(value) => json!(value.to_string()),
        Value::Duration(value) => json!(value.to_string()),
        Value::Network(value) => json!(value.to_string()),
        Value::Type(kind) => json!(kind.name()),
        Value::Optional(inner) => inner
            .as_ref()
            .map_or(Json::Null, |inner| to_typed_json(inner)),
    };
    json!({ "type": value.type_name(), "value": plain })
}

fn double_json(value: f64) -> Json {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
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
    beginning(json.to_string(), 80)
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
