//! Values that may be absent. `optMap` and `optFlatMap` are macros of the parser.

use super::{Context, Fault, Function, Outcome, Style, fail};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "optional.of",
        style: Style::Global,
        signatures: &["(A) -> optional<A>"],
        run: of,
    },
    Function {
        name: "optional.none",
        style: Style::Global,
        signatures: &["() -> optional<A>"],
        run: none,
    },
    Function {
        name: "optional.ofNonZeroValue",
        style: Style::Global,
        signatures: &["(A) -> optional<A>"],
        run: of_non_zero,
    },
    Function {
        name: "optional.unwrap",
        style: Style::Global,
        signatures: &["(list<optional<A>>) -> list<A>"],
        run: unwrap,
    },
    Function {
        name: "unwrapOpt",
        style: Style::Member,
        signatures: &["(list<optional<A>>) -> list<A>"],
        run: unwrap,
    },
    Function {
        name: "hasValue",
        style: Style::Member,
        signatures: &["(optional<A>) -> bool"],
        run: has_value,
    },
    Function {
        name: "value",
        style: Style::Member,
        signatures: &["(optional<A>) -> A"],
        run: value,
    },
    Function {
        name: "or",
        style: Style::Member,
        signatures: &["(optional<A>, optional<A>) -> optional<A>"],
        run: or,
    },
    Function {
        name: "orValue",
        style: Style::Member,
        signatures: &["(optional<A>, A) -> A"],
        run: or_value,
    },
];

fn of(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [value] = args else {
        return Err(Fault::NoOverload);
    };
    Ok(Value::some(value.clone()))
}

fn none(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    if args.is_empty() {
        Ok(Value::Optional(None))
    } else {
        Err(Fault::NoOverload)
    }
}

fn of_non_zero(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [value] = args else {
        return Err(Fault::NoOverload);
    };
    let is_zero = match value {
        Value::Null | Value::Optional(None) => true,
        Value::Bool(value) => !value,
        Value::Int(number) => *number == 0,
        Value::Uint(number) => *number == 0,
        Value::Double(number) => *number == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Duration(time) => time.is_zero(),
        Value::Timestamp(time) => time.seconds() == 0 && time.nanos() == 0,
        Value::Network(_) | Value::Type(_) | Value::Optional(Some(_)) => false,
    };
    Ok(if is_zero {
        Value::Optional(None)
    } else {
        Value::some(value.clone())
    })
}

fn unwrap(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::List(list)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_items(list.len())?;
    let mut present = Vec::new();
    for item in list.iter() {
        let Value::Optional(inner) = item else {
            return Err(Fault::NoOverload);
        };
        present.extend(inner.as_ref().map(|inner| Value::clone(inner)));
    }
    Ok(Value::list(present))
}

fn has_value(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::Optional(inner)] = args else {
        return Err(Fault::NoOverload);
    };
    Ok(Value::Bool(inner.is_some()))
}

fn value(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Optional(Some(inner))] => Ok(Value::clone(inner)),
        [Value::Optional(None)] => fail("optional has no value (optional.none() dereference)"),
        _ => Err(Fault::NoOverload),
    }
}

fn or(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Optional(Some(_)), _] => Ok(args[0].clone()),
        [Value::Optional(None), other @ Value::Optional(_)] => Ok(other.clone()),
        _ => Err(Fault::NoOverload),
    }
}

fn or_value(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Optional(Some(inner)), _] => Ok(Value::clone(inner)),
        [Value::Optional(None), other] => Ok(other.clone()),
        _ => Err(Fault::NoOverload),
    }
}
