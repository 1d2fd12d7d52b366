//! Lists.

use super::{Context, Fault, Function, Outcome, Style, fail};
use crate::error::Error;
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "lists.range",
        style: Style::Global,
        signatures: &["(int) -> list<int>"],
        run: range,
    },
    Function {
        name: "slice",
        style: Style::Member,
        signatures: &["(list<A>, int, int) -> list<A>"],
        run: slice,
    },
    Function {
        name: "flatten",
        style: Style::Member,
        signatures: &[
            "(list<list<A>>) -> list<A>",
            "(list<dyn>) -> list<dyn>",
            "(list<dyn>, int) -> list<dyn>",
        ],
        run: flatten,
    },
    Function {
        name: "distinct",
        style: Style::Member,
        signatures: &["(list<A>) -> list<A>"],
        run: distinct,
    },
    Function {
        name: "sort",
        style: Style::Member,
        signatures: &["(list<A>) -> list<A>"],
        run: sort,
    },
    Function {
        name: "first",
        style: Style::Member,
        signatures: &["(list<A>) -> optional<A>"],
        run: first,
    },
    Function {
        name: "last",
        style: Style::Member,
        signatures: &["(list<A>) -> optional<A>"],
        run: last,
    },
];

const MAX_RANGE: i64 = 1_000_000;

fn range(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::Int(end)] = args else {
        return Err(Fault::NoOverload);
    };
    let Ok(items) = usize::try_from(*end) else {
        return fail(format!("range of {end} elements: the number is negative"));
    };
    if *end > MAX_RANGE {
        return Err(Error::limit(format!(
            "range of {end} elements is longer than {MAX_RANGE}"
        ))
        .into());
    }
    cx.charge_items(items)?;
    Ok(Value::list((0..*end).map(Value::Int).collect()))
}

fn slice(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::List(list), Value::Int(start), Value::Int(end)] = args else {
        return Err(Fault::NoOverload);
    };
    let (Ok(from), Ok(to)) = (usize::try_from(*start), usize::try_from(*end)) else {
        return fail(format!(
            "slice from {start} to {end}: negative indexes are not supported"
        ));
    };
    let Some(items) = list.get(from..to) else {
        return fail(format!(
            "slice from {start} to {end} of a list of {}",
            list.len()
        ));
    };
    cx.charge_items(items.len())?;
    Ok(Value::list(items.to_vec()))
}

fn flatten(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (list, depth) = match args {
        [Value::List(list)] => (list, 1),
        [Value::List(list), Value::Int(depth)] => (list, *depth),
        _ => return Err(Fault::NoOverload),
    };
    let Ok(depth) = usize::try_from(depth) else {
        return fail("flatten level must be non-negative");
    };
    let mut flat = Vec::new();
    flatten_into(cx, &mut flat, list, depth)?;
    Ok(Value::list(flat))
}

fn flatten_into(
    cx: &mut Context<'_>,
    flat: &mut Vec<Value>,
    list: &[Value],
    depth: usize,
) -> Result<(), Fault> {
    cx.charge_items(list.len())?;
    for item in list {
        match item {
            Value::List(inner) if depth > 0 => flatten_into(cx, flat, inner, depth - 1)?,
            _ => flat.push(item.clone()),
        }
    }
    Ok(())
}

fn distinct(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::List(list)] = args else {
        return Err(Fault::NoOverload);
    };
    let mut kept: Vec<Value> = Vec::new();
    for item in list.iter() {
        cx.budget
            .charge(1 + kept.len() as u64 * u64::from(item.weight()) / 4)?;
        if !kept.iter().any(|other| other.equals(item)) {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn sort(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::List(list)] = args else {
        return Err(Fault::NoOverload);
    };
    let keyed = list
        .iter()
        .map(|item| (item.clone(), item.clone()))
        .collect();
    Ok(Value::list(sort_by_key(cx, keyed)?))
}

/// The values in order of their keys; keys must be of one type that has an order.
pub(crate) fn sort_by_key(
    cx: &mut Context<'_>,
    mut keyed: Vec<(Value, Value)>,
) -> Result<Vec<Value>, Fault> {
    if let Some(((first, _), rest)) = keyed.split_first() {
        if first.compare(first).is_err() {
            return Err(Fault::NoOverload);
        }
        if let Some((other, _)) = rest
            .iter()
            .find(|(key, _)| key.type_of() != first.type_of())
        {
            return fail(format!(
                "list to sort has elements of types `{}` and `{}`",
                first.type_name(),
                other.type_name()
            ));
        }
    }
    let comparisons = keyed.len() as u64 * u64::from(keyed.len().max(1).ilog2() + 1);
    let heaviest = keyed.iter().map(|(key, _)| key.weight()).max().unwrap_or(1);
    cx.budget
        .charge(comparisons.saturating_mul(u64::from(heaviest)))?;
    keyed.sort_by(|(a, _), (b, _)| {
        a.compare(b)
            .ok()
            .flatten()
            .unwrap_or_else(|| nan_last(a, b))
    });
    Ok(keyed.into_iter().map(|(_, value)| value).collect())
}

/// Keeps the order total when NaN is among the keys.
fn nan_last(a: &Value, b: &Value) -> std::cmp::Ordering {
    let is_nan = |value: &Value| matches!(value, Value::Double(number) if number.is_nan());
    is_nan(a).cmp(&is_nan(b))
}

fn first(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::List(list)] = args else {
        return Err(Fault::NoOverload);
    };
    Ok(list
        .first()
        .cloned()
        .map_or(Value::Optional(None), Value::some))
}

fn last(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::List(list)] = args else {
        return Err(Fault::NoOverload);
    };
    Ok(list
        .last()
        .cloned()
        .map_or(Value::Optional(None), Value::some))
}
