//! Texts. Positions count characters, not bytes.

use std::sync::Arc;

use super::{Context, Fault, Function, Outcome, Style, fail};
use crate::value::{List, Text, Value};

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "contains",
        style: Style::Member,
        signatures: &["(string, string) -> bool"],
        run: contains,
    },
    Function {
        name: "startsWith",
        style: Style::Member,
        signatures: &["(string, string) -> bool"],
        run: starts_with,
    },
    Function {
        name: "endsWith",
        style: Style::Member,
        signatures: &["(string, string) -> bool"],
        run: ends_with,
    },
    Function {
        name: "charAt",
        style: Style::Member,
        signatures: &["(string, int) -> string"],
        run: char_at,
    },
    Function {
        name: "indexOf",
        style: Style::Member,
        signatures: &["(string, string) -> int", "(string, string, int) -> int"],
        run: index_of,
    },
    Function {
        name: "lastIndexOf",
        style: Style::Member,
        signatures: &["(string, string) -> int", "(string, string, int) -> int"],
        run: last_index_of,
    },
    Function {
        name: "join",
        style: Style::Member,
        signatures: &[
            "(list<string>) -> string",
            "(list<string>, string) -> string",
        ],
        run: join,
    },
    Function {
        name: "lowerAscii",
        style: Style::Member,
        signatures: &["(string) -> string"],
        run: lower_ascii,
    },
    Function {
        name: "upperAscii",
        style: Style::Member,
        signatures: &["(string) -> string"],
        run: upper_ascii,
    },
    Function {
        name: "replace",
        style: Style::Member,
        signatures: &[
            "(string, string, string) -> string",
            "(string, string, string, int) -> string",
        ],
        run: replace,
    },
    Function {
        name: "split",
        style: Style::Member,
        signatures: &[
            "(string, string) -> list<string>",
            "(string, string, int) -> list<string>",
        ],
        run: split,
    },
    Function {
        name: "substring",
        style: Style::Member,
        signatures: &["(string, int) -> string", "(string, int, int) -> string"],
        run: substring,
    },
    Function {
        name: "trim",
        style: Style::Member,
        signatures: &["(string) -> string"],
        run: trim,
    },
    Function {
        name: "reverse",
        style: Style::Member,
        signatures: &["(string) -> string", "(list<A>) -> list<A>"],
        run: reverse,
    },
    Function {
        name: "strings.quote",
        style: Style::Global,
        signatures: &["(string) -> string"],
        run: quote,
    },
];

fn contains(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text), Value::String(part)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_bytes(text.len() + part.len())?;
    Ok(Value::Bool(text.contains(&**part)))
}

fn starts_with(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text), Value::String(part)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_bytes(part.len())?;
    Ok(Value::Bool(text.starts_with(&**part)))
}

fn ends_with(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text), Value::String(part)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_bytes(part.len())?;
    Ok(Value::Bool(text.ends_with(&**part)))
}

fn char_at(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text), Value::Int(at)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_bytes(text.len())?;
    let start = byte_offset(text, *at)?;
    let found = text[start..].chars().next();
    Ok(Value::String(Text::new(
        found.map(String::from).unwrap_or_default(),
        text.is_tainted(),
    )))
}

fn index_of(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (text, part, from) = match args {
        [Value::String(text), Value::String(part)] => (text, part, 0),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, *from),
        _ => return Err(Fault::NoOverload),
    };
    cx.charge_bytes((text.len() + part.len()) * 3)?;
    let start = byte_offset(text, from)?;
    Ok(position(
        text,
        text[start..].find(&**part).map(|at| start + at),
    ))
}

fn last_index_of(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (text, part, from) = match args {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, Some(*from)),
        _ => return Err(Fault::NoOverload),
    };
    cx.charge_bytes((text.len() + part.len()) * 3)?;
    let mut end = text.len();
    if let Some(from) = from {
        end = end.min(byte_offset(text, from)? + part.len());
        // A match that begins at `from` ends at a character boundary.
        while !text.is_char_boundary(end) {
            end -= 1;
        }
    }
    Ok(position(text, text[..end].rfind(&**part)))
}

/// A byte position as a character position, -1 for none.
fn position(text: &str, at: Option<usize>) -> Value {
    Value::Int(at.map_or(-1, |at| {
        i64::try_from(text[..at].chars().count()).unwrap_or(i64::MAX)
    }))
}

/// The byte where character `at` begins; the end of the text is a position too.
fn byte_offset(text: &str, at: i64) -> Result<usize, Fault> {
    let out_of_range = || fail(format!("index out of range: {at}"));
    let Ok(index) = usize::try_from(at) else {
        return out_of_range();
    };
    if index > text.len() {
        return out_of_range();
    }
    if text.is_ascii() {
        return Ok(index);
    }
    let mut starts = text
        .char_indices()
        .map(|(start, _)| start)
        .chain(std::iter::once(text.len()));
    starts.nth(index).map_or_else(out_of_range, Ok)
}

fn join(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (list, separator) = match args {
        [Value::List(list)] => (list, None),
        [Value::List(list), Value::String(separator)] => (list, Some(separator)),
        _ => return Err(Fault::NoOverload),
    };
    cx.charge_items(list.len())?;
    let mut len = separator.map_or(0, |separator| {
        separator.len().saturating_mul(list.len().saturating_sub(1))
    });
    for item in list.iter() {
        let Value::String(text) = item else {
            return Err(Fault::NoOverload);
        };
        len = len.saturating_add(text.len());
    }
    cx.charge_string(len)?;
    let mut joined = String::with_capacity(len);
    for (at, item) in list.iter().enumerate() {
        if let (Some(separator), 1..) = (separator, at) {
            joined.push_str(separator);
        }
        joined.push_str(item.as_str().unwrap_or_default());
    }
    let tainted = list.is_tainted() || separator.is_some_and(Text::is_tainted);
    Ok(Value::String(Text::new(joined, tainted)))
}

fn lower_ascii(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_string(text.len())?;
    Ok(Value::String(Text::new(
        text.to_ascii_lowercase(),
        text.is_tainted(),
    )))
}

fn upper_ascii(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_string(text.len())?;
    Ok(Value::String(Text::new(
        text.to_ascii_uppercase(),
        text.is_tainted(),
    )))
}

fn replace(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (text, old, new, limit) = match args {
        [Value::String(text), Value::String(old), Value::String(new)] => (text, old, new, -1),
        [
            Value::String(text),
            Value::String(old),
            Value::String(new),
            Value::Int(limit),
        ] => (text, old, new, *limit),
        _ => return Err(Fault::NoOverload),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    cx.charge_bytes(text.len() + old.len())?;
    let hits = text.matches(&**old).take(limit).count();
    cx.charge_items(hits)?;
    let grown = hits.saturating_mul(new.len().saturating_sub(old.len()));
    cx.charge_string(text.len().saturating_add(grown))?;
    let tainted = text.is_tainted() || (hits > 0 && new.is_tainted());
    Ok(Value::String(Text::new(
        text.replacen(&**old, new, limit),
        tainted,
    )))
}

fn split(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (text, separator, limit) = match args {
        [Value::String(text), Value::String(separator)] => (text, separator, -1),
        [
            Value::String(text),
            Value::String(separator),
            Value::Int(limit),
        ] => (text, separator, *limit),
        _ => return Err(Fault::NoOverload),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    cx.charge_bytes(text.len() + separator.len())?;
    let tainted = text.is_tainted();
    let part = |part: &str| Value::String(Text::new(part, tainted));
    let parts: Vec<Value> = if limit == 0 {
        Vec::new()
    } else if separator.is_empty() {
        cx.charge_items(text.len().saturating_mul(2))?;
        let mut parts = Vec::new();
        let mut rest = &**text;
        while let Some(first) = rest.chars().next() {
            let end = if parts.len() + 1 == limit {
                rest.len()
            } else {
                first.len_utf8()
            };
            parts.push(part(&rest[..end]));
            rest = &rest[end..];
        }
        parts
    } else {
        let count = text.matches(&**separator).take(limit).count();
        cx.charge_items(2 * count + 1)?;
        text.splitn(limit, &**separator).map(part).collect()
    };
    Ok(Value::list(parts))
}

fn substring(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (text, start, end) = match args {
        [Value::String(text), Value::Int(start)] => (text, *start, None),
        [Value::String(text), Value::Int(start), Value::Int(end)] => (text, *start, Some(*end)),
        _ => return Err(Fault::NoOverload),
    };
    cx.charge_bytes(text.len() * 2)?;
    let from = byte_offset(text, start)?;
    let to = match end {
        None => text.len(),
        Some(end) if end < start => {
            return fail(format!(
                "substring from {start} to {end}: the end is before the start"
            ));
        }
        Some(end) => byte_offset(text, end)?,
    };
    Ok(Value::String(Text::new(&text[from..to], text.is_tainted())))
}

fn trim(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_bytes(text.len())?;
    Ok(Value::String(Text::new(text.trim(), text.is_tainted())))
}

fn reverse(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::String(text)] => {
            cx.charge_string(text.len())?;
            Ok(Value::String(Text::new(
                text.chars().rev().collect::<String>(),
                text.is_tainted(),
            )))
        }
        [Value::List(list)] => {
            cx.charge_items(list.len())?;
            Ok(Value::List(Arc::new(List::new(
                list.iter().rev().cloned().collect(),
            ))))
        }
        _ => Err(Fault::NoOverload),
    }
}

fn quote(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_string(text.len() * 2 + 2)?;
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    Ok(Value::String(Text::new(quoted, text.is_tainted())))
}
