//! Parts of timestamps and durations.

use super::{Fault, Function, Outcome, Style, fail};
use crate::time::{Civil, Duration, Timestamp};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "getFullYear",
        style: Style::Member,
        signatures: DATE,
        run: |_, args| date(args, |_, c| c.year),
    },
    Function {
        name: "getMonth",
        style: Style::Member,
        signatures: DATE,
        run: |_, args| date(args, |_, c| i64::from(c.month) - 1),
    },
    Function {
        name: "getDate",
        style: Style::Member,
        signatures: DATE,
        run: |_, args| date(args, |_, c| i64::from(c.day)),
    },
    Function {
        name: "getDayOfMonth",
        style: Style::Member,
        signatures: DATE,
        run: |_, args| date(args, |_, c| i64::from(c.day) - 1),
    },
    Function {
        name: "getDayOfWeek",
        style: Style::Member,
        signatures: DATE,
        run: |_, args| date(args, |_, c| c.weekday),
    },
    Function {
        name: "getDayOfYear",
        style: Style::Member,
        signatures: DATE,
        run: |_, args| date(args, |_, c| c.day_of_year),
    },
    Function {
        name: "getHours",
        style: Style::Member,
        signatures: TIME,
        run: |_, args| part(args, |_, c| c.hour, |duration| duration.seconds() / 3600),
    },
    Function {
        name: "getMinutes",
        style: Style::Member,
        signatures: TIME,
        run: |_, args| part(args, |_, c| c.minute, |duration| duration.seconds() / 60),
    },
    Function {
        name: "getSeconds",
        style: Style::Member,
        signatures: TIME,
        run: |_, args| part(args, |_, c| c.second, Duration::seconds),
    },
    Function {
        name: "getMilliseconds",
        style: Style::Member,
        signatures: TIME,
        run: |_, args| {
            part(
                args,
                |t, _| i64::from(t.nanos() / 1_000_000),
                |duration| i64::from(duration.nanos() / 1_000_000),
            )
        },
    },
];

const DATE: &[&str] = &["(timestamp) -> int", "(timestamp, string) -> int"];
const TIME: &[&str] = &[
    "(timestamp) -> int",
    "(timestamp, string) -> int",
    "(duration) -> int",
];

fn date(args: &[Value], get: fn(Timestamp, Civil) -> i64) -> Outcome {
    let (time, zone) = match args {
        [Value::Timestamp(time)] => (*time, None),
        [Value::Timestamp(time), Value::String(zone)] => (*time, Some(&**zone)),
        _ => return Err(Fault::NoOverload),
    };
    match time.civil(zone) {
        Ok(civil) => Ok(Value::Int(get(time, civil))),
        Err(error) => {
            let zone: String = zone.unwrap_or_default().chars().take(40).collect();
            fail(format!("no time zone `{}`, {error}", zone.escape_debug()))
        }
    }
}

fn part(
    args: &[Value],
    of_time: fn(Timestamp, Civil) -> i64,
    of_duration: fn(Duration) -> i64,
) -> Outcome {
    match args {
        [Value::Duration(duration)] => Ok(Value::Int(of_duration(*duration))),
        _ => date(args, of_time),
    }
}
