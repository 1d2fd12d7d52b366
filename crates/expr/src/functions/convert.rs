//! Conversions between types, `type`, `dyn` and `size`.

use super::{Context, Fault, Function, Outcome, Style, fail};
use crate::budget::MAX_STRING_BYTES;
use crate::error::Error;
use crate::time::{Duration, TimeError, Timestamp};
use crate::value::{Bytes, Text, Value};

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "size",
        style: Style::Both,
        signatures: &[
            "(string) -> int",
            "(bytes) -> int",
            "(list<A>) -> int",
            "(map<A, B>) -> int",
        ],
        run: size,
    },
    Function {
        name: "type",
        style: Style::Global,
        signatures: &["(A) -> type<A>"],
        run: type_of,
    },
    Function {
        name: "dyn",
        style: Style::Global,
        signatures: &["(A) -> dyn"],
        run: to_dyn,
    },
    Function {
        name: "int",
        style: Style::Global,
        signatures: &[
            "(int) -> int",
            "(uint) -> int",
            "(double) -> int",
            "(string) -> int",
            "(timestamp) -> int",
        ],
        run: int,
    },
    Function {
        name: "uint",
        style: Style::Global,
        signatures: &[
            "(uint) -> uint",
            "(int) -> uint",
            "(double) -> uint",
            "(string) -> uint",
        ],
        run: uint,
    },
    Function {
        name: "double",
        style: Style::Global,
        signatures: &[
            "(double) -> double",
            "(int) -> double",
            "(uint) -> double",
            "(string) -> double",
        ],
        run: double,
    },
    Function {
        name: "string",
        style: Style::Global,
        signatures: &[
            "(net.IP) -> string",
            "(net.CIDR) -> string",
            "(string) -> string",
            "(bool) -> string",
            "(int) -> string",
            "(uint) -> string",
            "(double) -> string",
            "(bytes) -> string",
            "(timestamp) -> string",
            "(duration) -> string",
        ],
        run: string,
    },
    Function {
        name: "bytes",
        style: Style::Global,
        signatures: &["(bytes) -> bytes", "(string) -> bytes"],
        run: bytes,
    },
    Function {
        name: "bool",
        style: Style::Global,
        signatures: &["(bool) -> bool", "(string) -> bool"],
        run: to_bool,
    },
    Function {
        name: "timestamp",
        style: Style::Global,
        signatures: &[
            "(timestamp) -> timestamp",
            "(string) -> timestamp",
            "(int) -> timestamp",
        ],
        run: timestamp,
    },
    Function {
        name: "duration",
        style: Style::Global,
        signatures: &["(duration) -> duration", "(string) -> duration"],
        run: duration,
    },
];

fn size(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let count = match args {
        [Value::String(text)] => {
            cx.charge_bytes(text.len())?;
            text.chars().count()
        }
        [Value::Bytes(bytes)] => bytes.len(),
        [Value::List(list)] => list.len(),
        [Value::Map(map)] => map.len(),
        _ => return Err(Fault::NoOverload),
    };
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn type_of(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [value] => Ok(Value::Type(value.type_of())),
        _ => Err(Fault::NoOverload),
    }
}

fn to_dyn(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [value] => Ok(value.clone()),
        _ => Err(Fault::NoOverload),
    }
}

const TWO_63: f64 = 9_223_372_036_854_775_808.0;

#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked before the cast"
)]
fn int(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(Value::Int(match args {
        [Value::Int(value)] => *value,
        [Value::Uint(value)] => {
            i64::try_from(*value).or_else(|_| fail(format!("{value} is out of range for `int`")))?
        }
        [Value::Double(value)] if *value > -TWO_63 && *value < TWO_63 => *value as i64,
        [Value::Double(value)] => return fail(format!("{value} is out of range for `int`")),
        [Value::String(text)] => {
            cx.charge_bytes(text.len())?;
            text.parse()
                .or_else(|_| fail(not_a(text, "whole number")))?
        }
        [Value::Timestamp(value)] => value.seconds(),
        _ => return Err(Fault::NoOverload),
    }))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before the cast"
)]
fn uint(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(Value::Uint(match args {
        [Value::Uint(value)] => *value,
        [Value::Int(value)] => u64::try_from(*value)
            .or_else(|_| fail(format!("{value} is out of range for `uint`")))?,
        [Value::Double(value)] if *value >= 0.0 && *value < 2.0 * TWO_63 => *value as u64,
        [Value::Double(value)] => return fail(format!("{value} is out of range for `uint`")),
        [Value::String(text)] => {
            cx.charge_bytes(text.len())?;
            match text.parse() {
                Ok(value) if !text.starts_with('+') => value,
                Ok(_) | Err(_) => return fail(not_a(text, "whole number of 0 or more")),
            }
        }
        _ => return Err(Fault::NoOverload),
    }))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the conversion gives the nearest double"
)]
fn double(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(Value::Double(match args {
        [Value::Double(value)] => *value,
        [Value::Int(value)] => *value as f64,
        [Value::Uint(value)] => *value as f64,
        [Value::String(text)] => {
            cx.charge_bytes(text.len())?;
            match text.parse::<f64>() {
                // The words for infinity end with a letter.
                Ok(value)
                    if value.is_infinite() && !text.ends_with(|c: char| c.is_alphabetic()) =>
                {
                    return fail(format!("`{}` is out of range for `double`", start_of(text)));
                }
                Ok(value) => value,
                Err(_) => return fail(not_a(text, "number")),
            }
        }
        _ => return Err(Fault::NoOverload),
    }))
}

fn string(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [value] = args else {
        return Err(Fault::NoOverload);
    };
    match value {
        Value::Bytes(bytes) => cx.charge_string(bytes.len())?,
        Value::Double(_) => cx.charge_items(4)?,
        _ => {}
    }
    match to_text(value) {
        Some(Ok(text)) => Ok(Value::String(text)),
        Some(Err(error)) => Err(error.into()),
        None => Err(Fault::NoOverload),
    }
}

/// What `string(value)` gives; `None` for types that have no text form.
pub(crate) fn to_text(value: &Value) -> Option<Result<Text, Error>> {
    Some(Ok(match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string().into(),
        Value::Int(value) => value.to_string().into(),
        Value::Uint(value) => value.to_string().into(),
        Value::Double(value) => double_text(*value).into(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Text::new(text, bytes.is_tainted()),
            Err(_) => return Some(Err(Error::eval("bytes are not valid UTF-8"))),
        },
        Value::Timestamp(value) => value.to_string().into(),
        Value::Duration(value) => value.to_string().into(),
        Value::Network(value) => value.to_string().into(),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Type(_) | Value::Optional(_) => {
            return None;
        }
    }))
}

/// The shortest text that reads back as the same number, with an exponent where plain digits would be long.
pub(crate) fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (1e-4..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

fn bytes(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Bytes(bytes)] => Ok(Value::Bytes(bytes.clone())),
        [Value::String(text)] => {
            cx.charge_bytes(text.len())?;
            Ok(Value::Bytes(Bytes::new(text.as_bytes(), text.is_tainted())))
        }
        _ => Err(Fault::NoOverload),
    }
}

fn to_bool(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Bool(value)] => Ok(Value::Bool(*value)),
        [Value::String(text)] => match &**text {
            "1" | "t" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => fail(not_a(text, "truth value")),
        },
        _ => Err(Fault::NoOverload),
    }
}

fn timestamp(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Timestamp(value)] => Ok(Value::Timestamp(*value)),
        [Value::Int(seconds)] => time(
            Timestamp::new(*seconds, 0).map(Value::Timestamp),
            "timestamp",
        ),
        [Value::String(text)] => {
            cx.charge_bytes(text.len())?;
            time(Timestamp::parse(text).map(Value::Timestamp), "timestamp")
        }
        _ => Err(Fault::NoOverload),
    }
}

fn duration(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Duration(value)] => Ok(Value::Duration(*value)),
        [Value::String(text)] if text.len() > MAX_STRING_BYTES => Err(Fault::NoOverload),
        [Value::String(text)] => {
            cx.charge_bytes(text.len())?;
            time(Duration::parse(text).map(Value::Duration), "duration")
        }
        _ => Err(Fault::NoOverload),
    }
}

/// A time or an error that says which kind of time went wrong.
pub(super) fn time(result: Result<Value, TimeError>, what: &str) -> Outcome {
    result.or_else(|error| fail(format!("{what} is {}", describe(error))))
}

fn describe(error: TimeError) -> String {
    match error {
        TimeError::Range => "out of range".to_owned(),
        TimeError::Form(_) | TimeError::Zone => format!("not readable, {error}"),
    }
}

/// Message for a text that cannot be converted.
fn not_a(text: &str, wanted: &str) -> String {
    format!("`{}` is not a {wanted}", start_of(text))
}

/// As much of a text as is shown: it may come from outside.
fn start_of(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    start.escape_debug().to_string()
}
