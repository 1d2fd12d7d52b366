//! Numbers: `math.*`.

use super::{Context, Fault, Function, Outcome, Style, fail};
use crate::value::Value;
use std::cmp::Ordering;

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "math.greatest",
        style: Style::Global,
        signatures: EXTREME,
        run: greatest,
    },
    Function {
        name: "math.least",
        style: Style::Global,
        signatures: EXTREME,
        run: least,
    },
    Function {
        name: "math.ceil",
        style: Style::Global,
        signatures: DOUBLE,
        run: |_, args| double(args, f64::ceil),
    },
    Function {
        name: "math.floor",
        style: Style::Global,
        signatures: DOUBLE,
        run: |_, args| double(args, f64::floor),
    },
    Function {
        name: "math.round",
        style: Style::Global,
        signatures: DOUBLE,
        run: |_, args| double(args, f64::round),
    },
    Function {
        name: "math.trunc",
        style: Style::Global,
        signatures: DOUBLE,
        run: |_, args| double(args, f64::trunc),
    },
    Function {
        name: "math.sqrt",
        style: Style::Global,
        signatures: &["(double) -> double", "(int) -> double", "(uint) -> double"],
        run: sqrt,
    },
    Function {
        name: "math.isNaN",
        style: Style::Global,
        signatures: TEST,
        run: |_, args| test(args, f64::is_nan),
    },
    Function {
        name: "math.isInf",
        style: Style::Global,
        signatures: TEST,
        run: |_, args| test(args, f64::is_infinite),
    },
    Function {
        name: "math.isFinite",
        style: Style::Global,
        signatures: TEST,
        run: |_, args| test(args, f64::is_finite),
    },
    Function {
        name: "math.abs",
        style: Style::Global,
        signatures: SAME,
        run: abs,
    },
    Function {
        name: "math.sign",
        style: Style::Global,
        signatures: SAME,
        run: sign,
    },
    Function {
        name: "math.bitAnd",
        style: Style::Global,
        signatures: BITS,
        run: |_, args| bits(args, |a, b| a & b, |a, b| a & b),
    },
    Function {
        name: "math.bitOr",
        style: Style::Global,
        signatures: BITS,
        run: |_, args| bits(args, |a, b| a | b, |a, b| a | b),
    },
    Function {
        name: "math.bitXor",
        style: Style::Global,
        signatures: BITS,
        run: |_, args| bits(args, |a, b| a ^ b, |a, b| a ^ b),
    },
    Function {
        name: "math.bitNot",
        style: Style::Global,
        signatures: &["(int) -> int", "(uint) -> uint"],
        run: bit_not,
    },
    Function {
        name: "math.bitShiftLeft",
        style: Style::Global,
        signatures: SHIFT,
        run: shift_left,
    },
    Function {
        name: "math.bitShiftRight",
        style: Style::Global,
        signatures: SHIFT,
        run: shift_right,
    },
];

/// `number` and `...` are read by the checker itself.
const EXTREME: &[&str] = &["(number...) -> number"];
const DOUBLE: &[&str] = &["(double) -> double"];
const TEST: &[&str] = &["(double) -> bool"];
const SAME: &[&str] = &["(int) -> int", "(uint) -> uint", "(double) -> double"];
const BITS: &[&str] = &["(int, int) -> int", "(uint, uint) -> uint"];
const SHIFT: &[&str] = &["(int, int) -> int", "(uint, int) -> uint"];

fn greatest(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    extreme(cx, args, Ordering::Greater)
}

fn least(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    extreme(cx, args, Ordering::Less)
}

fn extreme(cx: &mut Context<'_>, args: &[Value], wanted: Ordering) -> Outcome {
    let numbers: &[Value] = match args {
        [Value::List(list)] => list,
        _ => args,
    };
    cx.charge_items(numbers.len())?;
    let is_number =
        |value: &Value| matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_));
    if !numbers.iter().all(is_number) {
        return Err(Fault::NoOverload);
    }
    let mut numbers = numbers.iter();
    let Some(mut best) = numbers.next() else {
        return fail("needs at least one number");
    };
    for number in numbers {
        match number.compare(best) {
            Ok(Some(order)) if order == wanted => best = number,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return fail("NaN is neither greater nor less than other numbers"),
        }
    }
    Ok(best.clone())
}

fn double(args: &[Value], f: fn(f64) -> f64) -> Outcome {
    match args {
        [Value::Double(value)] => Ok(Value::Double(f(*value))),
        _ => Err(Fault::NoOverload),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a root is a double")]
fn sqrt(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(Value::Double(match args {
        [Value::Double(value)] => value.sqrt(),
        [Value::Int(value)] => (*value as f64).sqrt(),
        [Value::Uint(value)] => (*value as f64).sqrt(),
        _ => return Err(Fault::NoOverload),
    }))
}

fn test(args: &[Value], f: fn(f64) -> bool) -> Outcome {
    match args {
        [Value::Double(value)] => Ok(Value::Bool(f(*value))),
        _ => Err(Fault::NoOverload),
    }
}

fn abs(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(match args {
        [Value::Int(value)] => match value.checked_abs() {
            Some(value) => Value::Int(value),
            None => return fail("integer overflow"),
        },
        [Value::Uint(value)] => Value::Uint(*value),
        [Value::Double(value)] => Value::Double(value.abs()),
        _ => return Err(Fault::NoOverload),
    })
}

fn sign(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(match args {
        [Value::Int(value)] => Value::Int(value.signum()),
        [Value::Uint(value)] => Value::Uint((*value).min(1)),
        [Value::Double(value)] if *value == 0.0 => Value::Double(0.0),
        [Value::Double(value)] if value.is_nan() => Value::Double(*value),
        [Value::Double(value)] => Value::Double(value.signum()),
        _ => return Err(Fault::NoOverload),
    })
}

fn bits(args: &[Value], int: fn(i64, i64) -> i64, uint: fn(u64, u64) -> u64) -> Outcome {
    match args {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(int(*a, *b))),
        [Value::Uint(a), Value::Uint(b)] => Ok(Value::Uint(uint(*a, *b))),
        _ => Err(Fault::NoOverload),
    }
}

fn bit_not(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Int(value)] => Ok(Value::Int(!value)),
        [Value::Uint(value)] => Ok(Value::Uint(!value)),
        _ => Err(Fault::NoOverload),
    }
}

fn shift_left(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Int(value), Value::Int(by)] => Ok(Value::Int(
            shift(value.cast_unsigned(), *by, u64::checked_shl)?.cast_signed(),
        )),
        [Value::Uint(value), Value::Int(by)] => {
            Ok(Value::Uint(shift(*value, *by, u64::checked_shl)?))
        }
        _ => Err(Fault::NoOverload),
    }
}

fn shift_right(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Int(value), Value::Int(by)] => Ok(Value::Int(
            shift(value.cast_unsigned(), *by, u64::checked_shr)?.cast_signed(),
        )),
        [Value::Uint(value), Value::Int(by)] => {
            Ok(Value::Uint(shift(*value, *by, u64::checked_shr)?))
        }
        _ => Err(Fault::NoOverload),
    }
}

/// Shifts by 64 or more leave nothing.
fn shift(value: u64, by: i64, f: fn(u64, u32) -> Option<u64>) -> Result<u64, Fault> {
    if by < 0 {
        return fail(format!("shift by {by}: negative offset"));
    }
    Ok(u32::try_from(by)
        .ok()
        .and_then(|by| f(value, by))
        .unwrap_or(0))
}
