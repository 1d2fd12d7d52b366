//! Scalars against the kinds that take them, and values of the wrong form.

use super::{Owner, foreign, value};
use crate::codes::{self, Code};
use crate::definitions::Kind;
use crate::diagnostics::{Report, Span};
use crate::nearest::{listed, nearest};
use crate::scalar as read;
use crate::yaml::{Node, Scalar, Style, Value};

/// Letters of a value that help repeats.
const SHOWN: usize = 60;

/// Why a scalar does not fit a kind.
struct Fault {
    code: &'static Code,
    message: String,
    help: Option<String>,
}

/// Checks a scalar against a kind that is not a choice.
pub(super) fn scalar(
    report: &mut Report<'_>,
    kind: &Kind,
    scalar: &Scalar<'_>,
    node: &Node<'_>,
    owner: &Owner<'_>,
) {
    if scalar.is_null() {
        if !matches!(kind, Kind::Nothing) {
            no_value(report, kind, owner);
        }
        return;
    }
    if !takes_scalars(kind) {
        wrong_shape(report, kind, node, owner);
        return;
    }
    if let Some(fault) = fault(kind, scalar, node, owner) {
        let is_later = std::ptr::eq(fault.code, &raw const codes::NOT_YET);
        report
            .error(fault.code, node.span, fault.message)
            .help_if(fault.help.or_else(|| owner.shown()));
        if is_later {
            report.unsupported(owner.name, owner.key_span, None);
        }
    }
}

/// Refuses expressions in the texts of a value that is taken as it is.
pub(super) fn constant(report: &mut Report<'_>, node: &Node<'_>, owner: &Owner<'_>) {
    match &node.value {
        Value::Scalar(scalar) => {
            if let Some(fault) = fault(&Kind::Constant, scalar, node, owner) {
                report
                    .error(fault.code, node.span, fault.message)
                    .help_if(fault.help);
            }
        }
        Value::Sequence(items) => {
            for item in items {
                constant(report, item, owner);
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                constant(report, &entry.value, owner);
            }
        }
    }
}

/// Checks a value against a choice: the form of the value decides which alternative is meant.
pub(super) fn one_of(
    report: &mut Report<'_>,
    whole: &Kind,
    kinds: &'static [Kind],
    node: &Node<'_>,
    owner: &Owner<'_>,
) {
    let meant = match &node.value {
        Value::Scalar(scalar) if scalar.is_null() => {
            if !kinds
                .iter()
                .any(|kind| matches!(kind, Kind::Nothing | Kind::Any | Kind::Constant))
            {
                no_value(report, whole, owner);
            }
            return;
        }
        Value::Scalar(text) => {
            let mut candidates = kinds.iter().filter(|kind| takes_scalars(kind)).peekable();
            if candidates.peek().is_none() {
                wrong_shape(report, whole, node, owner);
                return;
            }
            let mut faults: Vec<Fault> = Vec::new();
            for kind in candidates {
                match fault(kind, text, node, owner) {
                    None => return,
                    Some(fault) => faults.push(fault),
                }
            }
            // A number out of its range is meant as that number.
            let out_of_range = |fault: &Fault| std::ptr::eq(fault.code, &codes::OUT_OF_RANGE);
            let meant = faults.iter().position(out_of_range);
            let first = faults.swap_remove(meant.unwrap_or(0));
            let message = if faults.is_empty() || meant.is_some() {
                first.message
            } else {
                expected(&whole.describe(), node, owner)
            };
            report
                .error(first.code, node.span, message)
                .help_if(first.help.or_else(|| owner.shown()));
            return;
        }
        Value::Sequence(_) => kinds
            .iter()
            .find(|kind| matches!(kind, Kind::List { .. } | Kind::Any | Kind::Constant)),
        Value::Mapping(_) => kinds.iter().find(|kind| {
            matches!(
                kind,
                Kind::Object(_) | Kind::Map { .. } | Kind::Any | Kind::Constant
            )
        }),
    };
    match meant {
        Some(kind) => value(report, kind, node, owner),
        None => wrong_shape(report, whole, node, owner),
    }
}

/// Reports a list or mapping where something else is wanted, or a scalar where one of those is.
pub(super) fn wrong_shape(
    report: &mut Report<'_>,
    kind: &Kind,
    node: &Node<'_>,
    owner: &Owner<'_>,
) {
    let span = match &node.value {
        Value::Scalar(_) => node.span,
        Value::Sequence(_) | Value::Mapping(_) if owner.key_span == Span::default() => node.span,
        Value::Sequence(_) | Value::Mapping(_) => owner.key_span,
    };
    let template = matches!(&node.value, Value::Mapping(entries) if entries.len() == 1 && entries[0].value.is_null());
    let help = match (kind, &node.value) {
        (_, Value::Mapping(_)) if template => {
            Some("text that begins with `{`, such as a template, needs quotes".to_owned())
        }
        (Kind::Text { .. } | Kind::Plain, Value::Sequence(items)) if owner.name == "run" => {
            let lines: Vec<&str> = items.iter().filter_map(Node::text).take(3).collect();
            Some(format!(
                "write one text of several lines, as in\nrun: |\n  {}",
                lines.join("\n  ")
            ))
        }
        (Kind::List { .. }, Value::Scalar(scalar)) if owner.name == "command" => {
            in_words(&scalar.text)
                .map(|words| format!("write `{}: [{}]`", owner.name, words.join(", ")))
        }
        (Kind::List { .. }, Value::Scalar(scalar)) if owner.name != "steps" => Some(format!(
            "write `{}: [{}]`",
            owner.name,
            scalar.text.chars().take(40).collect::<String>()
        )),
        (Kind::List { .. }, Value::Mapping(_)) if owner.name == "steps" => {
            Some("begin each step with `- `".to_owned())
        }
        (Kind::OneOf(kinds), Value::Mapping(_))
            if kinds
                .iter()
                .any(|kind| matches!(kind, Kind::List { of: Kind::Any, .. })) =>
        {
            let shown = report.text().get(node.span.start..node.span.end);
            let shown = shown.filter(|text| {
                text.starts_with('{') && !text.contains('\n') && text.len() <= SHOWN
            });
            shown.map(|text| format!("for one value write `{}: [{text}]`", owner.name))
        }
        (_, _) => None,
    };
    report
        .error(
            &codes::WRONG_SHAPE,
            span,
            expected(&kind.describe(), node, owner),
        )
        .help_if(help.or_else(|| owner.shown()));
}

/// The program and its arguments of a line, as a list in YAML has them; `None` where a shell would do more than split it.
fn in_words(line: &str) -> Option<Vec<String>> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=+".contains(letter);
    let is_known = |letter: char| is_plain(letter) || " ,:@%".contains(letter);
    if line.len() > SHOWN || line.trim().is_empty() || !line.chars().all(is_known) {
        return None;
    }
    let word = |word: &str| {
        let is_text = word.starts_with(|letter: char| !letter.is_ascii_digit())
            && word.contains(|letter: char| letter.is_ascii_alphabetic())
            && !matches!(word, "true" | "false" | "null");
        if is_text && word.chars().all(is_plain) {
            word.to_owned()
        } else {
            format!("\"{word}\"")
        }
    };
    Some(line.split_whitespace().map(word).collect())
}

/// The name of a pipeline with another letter for `/`.
fn untitled(name: &str) -> Option<String> {
    let title = name.replace('/', "-");
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_. ".contains(letter);
    let begins = title.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let is_short = name.len() <= SHOWN && name != "@" && !title.contains(['"', '\\']);
    if !is_short || title.contains(char::is_control) {
        return None;
    }
    Some(if begins && title.chars().all(is_plain) {
        format!("write `name: {title}`")
    } else {
        format!("write `name: \"{title}\"`")
    })
}

/// Refuses a `command` without a program.
pub(super) fn program(report: &mut Report<'_>, items: &[Node<'_>], owner: &Owner<'_>) {
    let program = items.first();
    let is_empty = |item: &&Node<'_>| item.text().is_some_and(|text| text.trim().is_empty());
    if let Some(empty) = program.filter(is_empty) {
        report
            .error(
                &codes::EMPTY,
                empty.span,
                format!("the program of {} is empty", owner.describe()),
            )
            .help_if(owner.shown());
    }
}

fn no_value(report: &mut Report<'_>, kind: &Kind, owner: &Owner<'_>) {
    let help = if matches!(kind, Kind::Text { empty: true, .. }) {
        Some("write `\"\"` for empty text".to_owned())
    } else {
        owner.shown()
    };
    report
        .error(
            &codes::NO_VALUE,
            owner.key_span,
            format!(
                "{} has no value; expected {}",
                owner.describe(),
                kind.describe()
            ),
        )
        .help_if(help);
}

fn expected(wanted: &str, node: &Node<'_>, owner: &Owner<'_>) -> String {
    format!(
        "{}: expected {wanted}, found {}",
        owner.describe(),
        node.describe()
    )
}

fn takes_scalars(kind: &Kind) -> bool {
    match kind {
        Kind::Any
        | Kind::Constant
        | Kind::Text { .. }
        | Kind::Plain
        | Kind::Title
        | Kind::Name
        | Kind::Expression(_)
        | Kind::Boolean
        | Kind::Integer { .. }
        | Kind::Factor
        | Kind::Duration
        | Kind::Size
        | Kind::Cpu
        | Kind::Word { .. } => true,
        Kind::OneOf(kinds) => kinds.iter().any(takes_scalars),
        Kind::Nothing | Kind::List { .. } | Kind::Map { .. } | Kind::Object(_) => false,
    }
}

/// Why `scalar`, which is not null, does not fit `kind`; `None` when it does.
fn fault(kind: &Kind, scalar: &Scalar<'_>, node: &Node<'_>, owner: &Owner<'_>) -> Option<Fault> {
    let text = &*scalar.text;
    let not = |code, help: Option<String>| {
        Some(Fault {
            code,
            message: expected(&kind.describe(), node, owner),
            help,
        })
    };
    let out_of = |range: &str| {
        Some(Fault {
            code: &codes::OUT_OF_RANGE,
            message: format!("{} is {text}; expected {range}", owner.describe()),
            help: None,
        })
    };
    match kind {
        Kind::Text { empty: true, .. } | Kind::Any => None,
        Kind::Text { empty: false, .. } | Kind::Plain | Kind::Title | Kind::Expression(_)
            if text.trim().is_empty() =>
        {
            Some(Fault {
                code: &codes::EMPTY,
                message: format!("{} is empty", owner.describe()),
                help: None,
            })
        }
        Kind::Plain | Kind::Title | Kind::Constant if text.contains("${{") => Some(Fault {
            code: &codes::NO_EXPRESSION_HERE,
            message: format!(
                "{} is taken as it is; `${{{{ }}}}` is not evaluated here",
                owner.describe()
            ),
            help: Some(if matches!(kind, Kind::Constant) {
                "write the value itself here; an expression can stand where it is read, as in the `env` of a task".to_owned()
            } else {
                "write the value itself".to_owned()
            }),
        }),
        Kind::Title if text.contains('/') || text.trim() == "@" => Some(Fault {
            code: &codes::NOT_TITLE,
            message: format!("the pipeline cannot be called `{}`", text.trim()),
            help: untitled(text.trim()),
        }),
        Kind::Text { .. } | Kind::Plain | Kind::Title | Kind::Constant | Kind::Expression(_) => {
            None
        }
        Kind::Name if read::is_name(text) => None,
        Kind::Name => Some(Fault {
            code: &codes::NOT_NAME,
            message: expected("a name", node, owner),
            help: Some(read::NAME_RULE.to_owned()),
        }),
        Kind::Boolean => match read::boolean(scalar) {
            Some(_) => None,
            None => not(&codes::NOT_BOOLEAN, boolean_help(scalar)),
        },
        Kind::Integer { min, max } => match read::integer(scalar) {
            Some(value) if (*min..=*max).contains(&value) => None,
            Some(_) => out_of(&format!("{min} to {max}")),
            None if is_whole(scalar) => out_of(&format!("{min} to {max}")),
            None => not(&codes::NOT_INTEGER, integer_help(scalar)),
        },
        Kind::Factor => match read::factor_milli(scalar) {
            Some(_) => None,
            None if is_amount(scalar, "") => out_of("1 to 100"),
            None => not(&codes::NOT_NUMBER, None),
        },
        Kind::Duration => match read::duration_ms(text) {
            Some(_) => None,
            None => not(&codes::NOT_DURATION, duration_help(text)),
        },
        Kind::Size => match read::size_bytes(text) {
            Some(_) => None,
            None if is_size(scalar) => out_of(
                "0B to 9999TiB, with at most six digits, or four before TiB and TB, and three decimals",
            ),
            None => not(&codes::NOT_SIZE, size_help(text)),
        },
        Kind::Cpu => match read::cpu_milli(scalar) {
            Some(_) => None,
            None if is_amount(scalar, "") || is_amount(scalar, "m") => out_of("0 to 10000 CPUs"),
            None => not(&codes::NOT_CPU, None),
        },
        Kind::Word { words, .. } if words.contains(&text) => None,
        Kind::Word { later, .. } if later.contains(&text) => Some(Fault {
            code: &codes::NOT_YET,
            message: format!(
                "`{text}` as {} is not supported by this version of Formic",
                owner.describe()
            ),
            help: Some(format!("this version takes {}", kind.describe())),
        }),
        Kind::Word {
            words, unfinished, ..
        } => {
            let mut lone = unfinished.iter();
            if let Some([word, example]) = lone.find(|[word, _]| *word == text) {
                return Some(Fault {
                    code: &codes::EMPTY,
                    message: format!("`{word}` of {} is empty", owner.describe()),
                    help: Some(format!("write it as in `{example}`")),
                });
            }
            let near = foreign::word(text, words).or_else(|| {
                let others = unfinished.iter().map(|[word, _]| *word);
                nearest(text, words.iter().copied().chain(others))
            });
            not(
                &codes::NOT_ONE_OF,
                near.map(|near| format!("did you mean `{near}`?")),
            )
        }
        Kind::OneOf(kinds) => {
            let mut faults = kinds
                .iter()
                .filter(|kind| takes_scalars(kind))
                .map(|kind| fault(kind, scalar, node, owner));
            if faults.any(|fault| fault.is_none()) {
                None
            } else {
                not(&codes::WRONG_SHAPE, None)
            }
        }
        Kind::Nothing | Kind::List { .. } | Kind::Map { .. } | Kind::Object(_) => {
            not(&codes::WRONG_SHAPE, None)
        }
    }
}

/// Whether a scalar is a whole number, however large.
fn is_whole(scalar: &Scalar<'_>) -> bool {
    let digits = scalar.text.strip_prefix('-').unwrap_or(&scalar.text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    scalar.style == Style::Plain && is_number && !digits.is_empty() && !digits.starts_with('0')
}

/// Whether a scalar is a size, however large.
fn is_size(scalar: &Scalar<'_>) -> bool {
    let has = |unit: &str| is_amount(scalar, unit) || is_amount(scalar, &format!(" {unit}"));
    read::size_units().any(|(unit, _)| has(unit))
}

/// Whether a scalar is a decimal number, however large, with this unit.
fn is_amount(scalar: &Scalar<'_>, unit: &str) -> bool {
    let Some(amount) = scalar.text.strip_suffix(unit) else {
        return false;
    };
    let (whole, places) = amount.split_once('.').unwrap_or((amount, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(places)
}

fn boolean_help(scalar: &Scalar<'_>) -> Option<String> {
    let lower = scalar.text.to_ascii_lowercase();
    match &*lower {
        "true" | "false" if scalar.style != Style::Plain => {
            Some(format!("write `{lower}` without quotes"))
        }
        "yes" | "on" | "y" | "1" | "true" => Some("write `true`".to_owned()),
        "no" | "off" | "n" | "0" | "false" => Some("write `false`".to_owned()),
        _ => None,
    }
}

fn integer_help(scalar: &Scalar<'_>) -> Option<String> {
    let text = &*scalar.text;
    if scalar.style != Style::Plain && text.parse::<i64>().is_ok() {
        return Some(format!("write `{text}` without quotes"));
    }
    let plain = text.replace('_', "");
    let hex = plain
        .strip_prefix("0x")
        .map(|digits| i64::from_str_radix(digits, 16).ok());
    let octal = plain
        .strip_prefix("0o")
        .map(|digits| i64::from_str_radix(digits, 8).ok());
    let decimal = || plain.trim_start_matches('+').parse::<i64>().ok();
    let whole = || {
        plain
            .parse::<f64>()
            .ok()
            .filter(|value| value.fract() == 0.0 && value.abs() < 1e15)
    };
    let value = hex.or(octal).flatten().or_else(decimal);
    match (value, whole()) {
        (Some(value), _) => Some(format!("write `{value}`")),
        (None, Some(value)) => Some(format!("write `{value:.0}`")),
        (None, None) => None,
    }
}

fn duration_help(text: &str) -> Option<String> {
    if text.parse::<f64>().is_ok() {
        return Some(format!("add a unit: `{text}s` or `{text}m`"));
    }
    if text.contains(':') {
        return Some("write hours and minutes as `1h30m`".to_owned());
    }
    let known = "the units are `ms`, `s`, `m`, `h` and `d`, as in `1h30m`";
    Some(known.to_owned())
}

fn size_help(text: &str) -> Option<String> {
    if text.parse::<f64>().is_ok() {
        return Some(format!("add a unit: `{text}MiB` or `{text}GiB`"));
    }
    let letters = text
        .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
        .trim();
    let amount = &text[..text.len()
        - text
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
            .len()];
    let units = || read::SIZE_UNITS.iter().map(|(unit, _)| *unit);
    let unit = units().filter(|unit| read::is_binary(unit)).find(|unit| {
        letters
            .to_ascii_lowercase()
            .starts_with(&unit[..1].to_ascii_lowercase())
    });
    match unit {
        Some(unit) if !amount.is_empty() => Some(format!("write `{amount}{unit}`")),
        Some(_) | None => Some(format!("the units are {}", listed(units()))),
    }
}
