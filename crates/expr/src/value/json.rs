//! Values from and to plain JSON.
//!
//! Reading never fails: whole numbers become `int` (or `uint` above its range), others `double`. Writing follows
//! protobuf's JSON: bytes as base64, times in their text form, an absent optional as null; NaN and the infinities
//! have no JSON form and are errors.

use base64::Engine as _;
use serde_json::Value as Json;

use super::{Key, Value};
use crate::budget::MAX_VALUE_DEPTH;
use crate::error::Error;

impl Value {
    /// The value that the JSON stands for.
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => {
                if let Some(value) = number.as_i64() {
                    Self::Int(value)
                } else if let Some(value) = number.as_u64() {
                    Self::Uint(value)
                } else {
                    Self::Double(number.as_f64().unwrap_or(f64::NAN))
                }
            }
            Json::String(text) => Self::string(text.as_str()),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            Json::Object(members) => Self::map(
                members
                    .iter()
                    .map(|(name, value)| (Key::from(name.as_str()), Self::from_json(value))),
            ),
        }
    }

    /// The JSON for the value; an error names what has no JSON form.
    pub fn to_json(&self) -> Result<Json, Error> {
        if self.depth() > MAX_VALUE_DEPTH {
            return Err(Error::limit(format!(
                "value is nested deeper than {MAX_VALUE_DEPTH} levels"
            )));
        }
        self.json()
    }

    fn json(&self) -> Result<Json, Error> {
        Ok(match self {
            Self::Null | Self::Optional(None) => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => Json::from(*value),
            Self::Uint(value) => Json::from(*value),
            Self::Double(value) => match serde_json::Number::from_f64(*value) {
                Some(number) => Json::Number(number),
                None => return Err(Error::eval(format!("{value} has no JSON form"))),
            },
            Self::String(text) => Json::String(text.to_string()),
            Self::Bytes(bytes) => {
                Json::String(base64::engine::general_purpose::STANDARD.encode(&**bytes))
            }
            Self::List(list) => Json::Array(list.iter().map(Self::json).collect::<Result<_, _>>()?),
            Self::Map(map) => {
                let members = map
                    .iter()
                    .map(|(key, value)| Ok((key.to_string(), value.json()?)));
                Json::Object(members.collect::<Result<_, Error>>()?)
            }
            Self::Timestamp(value) => Json::String(value.to_string()),
            Self::Duration(value) => Json::String(value.to_string()),
            Self::Network(value) => Json::String(value.to_string()),
            Self::Type(kind) => Json::String(kind.name().to_owned()),
            Self::Optional(Some(inner)) => inner.json()?,
        })
    }
}
