//! `"…".format([…])`: clauses `%s %d %f %e %b %o %x %X` with an optional precision, and `%%`.

use super::{Context, Fault, Function, Outcome, Style, fail};
use crate::value::{Text, Value};

pub(super) const TABLE: &[Function] = &[Function {
    name: "format",
    style: Style::Member,
    signatures: &["(string, list<dyn>) -> string"],
    run: format,
}];

const MAX_PRECISION: usize = 1000;

fn format(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(pattern), Value::List(values)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_string(pattern.len())?;
    let mut out = String::with_capacity(pattern.len());
    let mut tainted = pattern.is_tainted();
    let mut rest = &**pattern;
    let mut next = 0;
    while let Some(percent) = rest.find('%') {
        out.push_str(&rest[..percent]);
        rest = &rest[percent + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (precision, clause, after) = clause(rest)?;
        rest = after;
        let Some(value) = values.get(next) else {
            return fail(format!(
                "format needs value {next}, the list has {}: index out of range",
                values.len()
            ));
        };
        next += 1;
        tainted |= value.is_tainted();
        cx.charge_items(value.weight() as usize)?;
        cx.charge_items(digits(clause, precision, value))?;
        write_clause(&mut out, clause, precision, value)?;
        cx.charge_string(out.len())?;
    }
    out.push_str(rest);
    cx.charge_string(out.len())?;
    Ok(Value::String(Text::new(out, tainted)))
}

/// Steps for digits of a double that go beyond those that it is read back from: each costs as much as all before it.
fn digits(clause: char, precision: Option<usize>, value: &Value) -> usize {
    let (Value::Double(number), 'f' | 'e') = (value, clause) else {
        return 0;
    };
    // From the bits, and not by a logarithm: a step is the same on every machine.
    let exponent = (number.to_bits() >> 52 & 0x7ff) as usize;
    let far = exponent.abs_diff(1023) * 3 / 10;
    (far + precision.unwrap_or(6)) / 2
}

/// Splits `.3f…` into precision, letter and the rest.
fn clause(text: &str) -> Result<(Option<usize>, char, &str), Fault> {
    let (precision, text) = match text.strip_prefix('.') {
        None => (None, text),
        Some(text) => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            match text[..digits].parse::<usize>() {
                Ok(precision) if precision <= MAX_PRECISION => (Some(precision), &text[digits..]),
                Ok(_) | Err(_) => {
                    return fail(format!("format precision must be 0 to {MAX_PRECISION}"));
                }
            }
        }
    };
    let Some(letter) = text.chars().next() else {
        return fail("format ends inside a clause");
    };
    Ok((precision, letter, &text[letter.len_utf8()..]))
}

fn write_clause(
    out: &mut String,
    clause: char,
    precision: Option<usize>,
    value: &Value,
) -> Result<(), Fault> {
    match clause {
        's' => write_plain(out, value),
        'd' => decimal(out, value),
        'f' => {
            let number = number(value, "fixed-point clause `%f` takes numbers")?;
            out.push_str(&finite(number, |number| {
                format!("{number:.*}", precision.unwrap_or(6))
            }));
            Ok(())
        }
        'e' => {
            let number = number(value, "scientific clause `%e` takes numbers")?;
            out.push_str(&finite(number, |number| {
                scientific(number, precision.unwrap_or(6))
            }));
            Ok(())
        }
        'b' => {
            let text = match value {
                Value::Bool(value) => u8::from(*value).to_string(),
                _ => signed(
                    value,
                    |number| format!("{number:b}"),
                    "binary clause `%b` takes integers and bools",
                )?,
            };
            out.push_str(&text);
            Ok(())
        }
        'o' => {
            out.push_str(&signed(
                value,
                |number| format!("{number:o}"),
                "octal clause `%o` takes integers",
            )?);
            Ok(())
        }
        'x' | 'X' => {
            let text = hex(value)?;
            out.push_str(&if clause == 'X' {
                text.to_ascii_uppercase()
            } else {
                text
            });
            Ok(())
        }
        other => fail(format!("unknown format clause `%{}`", other.escape_debug())),
    }
}

fn decimal(out: &mut String, value: &Value) -> Result<(), Fault> {
    match value {
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Uint(number) => out.push_str(&number.to_string()),
        Value::Double(number) => out.push_str(&finite(*number, |number| number.to_string())),
        other => {
            return fail(format!(
                "decimal clause `%d` takes numbers, found `{}`",
                other.type_name()
            ));
        }
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "integers are shown as the nearest double"
)]
fn number(value: &Value, what: &str) -> Result<f64, Fault> {
    match value {
        Value::Double(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::Uint(number) => Ok(*number as f64),
        other => fail(format!("{what}, found `{}`", other.type_name())),
    }
}

/// The words for NaN and the infinities, otherwise what `show` gives.
fn finite(number: f64, show: impl Fn(f64) -> String) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned()
    } else {
        show(number)
    }
}

fn scientific(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// An integer in another base with its sign in front.
fn signed(value: &Value, show: impl Fn(u64) -> String, what: &str) -> Result<String, Fault> {
    match value {
        Value::Int(number) if *number < 0 => Ok(format!("-{}", show(number.unsigned_abs()))),
        Value::Int(number) => Ok(show(number.unsigned_abs())),
        Value::Uint(number) => Ok(show(*number)),
        other => fail(format!("{what}, found `{}`", other.type_name())),
    }
}

fn hex(value: &Value) -> Result<String, Fault> {
    let bytes: &[u8] = match value {
        Value::String(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        _ => {
            return signed(
                value,
                |number| format!("{number:x}"),
                "hexadecimal clause `%x` takes integers, strings and bytes",
            );
        }
    };
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Bytes as text; a run of invalid bytes becomes one replacement character.
fn push_bytes(out: &mut String, bytes: &[u8]) {
    let mut after_invalid = false;
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            out.push_str(chunk.valid());
            after_invalid = false;
        }
        if !chunk.invalid().is_empty() && !after_invalid {
            out.push(char::REPLACEMENT_CHARACTER);
            after_invalid = true;
        }
    }
}

fn write_plain(out: &mut String, value: &Value) -> Result<(), Fault> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Uint(number) => out.push_str(&number.to_string()),
        Value::Double(number) => out.push_str(&finite(*number, |number| number.to_string())),
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) => push_bytes(out, bytes),
        Value::Timestamp(time) => out.push_str(&time.to_string()),
        Value::Duration(time) => out.push_str(&time.to_string()),
        Value::Network(network) => out.push_str(&network.to_string()),
        Value::Type(kind) => out.push_str(kind.name()),
        Value::List(list) => {
            out.push('[');
            for (at, item) in list.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_plain(out, item)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            let mut entries: Vec<(String, &Value)> = map
                .iter()
                .map(|(key, value)| (key.to_string(), value))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                out.push_str(&key);
                out.push_str(": ");
                write_plain(out, value)?;
            }
            out.push('}');
        }
        Value::Optional(_) => return fail("string clause `%s` takes no `optional`"),
    }
    Ok(())
}
