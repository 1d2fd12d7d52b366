//! Lists seen as sets: `sets.*`.

use super::{Context, Fault, Function, Outcome, Style};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "sets.contains",
        style: Style::Global,
        signatures: PAIR,
        run: contains,
    },
    Function {
        name: "sets.equivalent",
        style: Style::Global,
        signatures: PAIR,
        run: equivalent,
    },
    Function {
        name: "sets.intersects",
        style: Style::Global,
        signatures: PAIR,
        run: intersects,
    },
];

const PAIR: &[&str] = &["(list<A>, list<A>) -> bool"];

fn contains(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (a, b) = pair(cx, args)?;
    Ok(Value::Bool(has_all(a, b)))
}

fn equivalent(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (a, b) = pair(cx, args)?;
    Ok(Value::Bool(has_all(a, b) && has_all(b, a)))
}

fn intersects(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (a, b) = pair(cx, args)?;
    Ok(Value::Bool(a.iter().any(|item| has(b, item))))
}

fn pair<'a>(cx: &mut Context<'_>, args: &'a [Value]) -> Result<(&'a [Value], &'a [Value]), Fault> {
    let [a @ Value::List(first), b @ Value::List(second)] = args else {
        return Err(Fault::NoOverload);
    };
    let comparisons = u64::from(a.weight()).saturating_mul(second.len() as u64)
        + u64::from(b.weight()).saturating_mul(first.len() as u64);
    cx.budget.charge(comparisons / 4)?;
    Ok((first, second))
}

fn has_all(list: &[Value], wanted: &[Value]) -> bool {
    wanted.iter().all(|item| has(list, item))
}

fn has(list: &[Value], item: &Value) -> bool {
    list.iter().any(|own| own.equals(item))
}
