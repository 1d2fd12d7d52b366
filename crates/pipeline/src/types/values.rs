//! Values that fit no type of the expression language and still cannot be: axes that are no list, patterns of files that
//! are none.

use super::place;
use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::Report;
use crate::expression::{self, Outlook};
use crate::names::{self, Names};
use crate::pattern;
use crate::quoting::quoted;
use crate::read::{self, Purpose, Slot, Use};
use crate::scalar;
use crate::yaml::offsets::Places;
use expr::Program;
use expr::check::Type;
use expr::template::NUL_IN_TEXT;
use model::plan::ValueType;

/// Reports an axis whose expression gives one value and no list, and a matrix that is made of one.
pub(super) fn axis(
    report: &mut Report<'_>,
    names: &Names<'_>,
    each: &Use,
    program: &Program,
    found: &Type,
) {
    let what = match &each.slot {
        Slot::Axis(name) => format!("axis `{name}`"),
        Slot::Matrix => "the matrix".to_owned(),
        Slot::Other | Slot::Env(_) | Slot::With(_) | Slot::Output(_) => return,
    };
    let is_axis = matches!(each.slot, Slot::Axis(_));
    let Some(kind) = lone_value(names, each, program, found, is_axis) else {
        return;
    };
    let (wanted, help) = if is_axis {
        let text = program.text();
        let one = if expression::lone_name(program).is_some() {
            quoted(&format!("[{text}]"))
        } else {
            format!("[{text}]")
        };
        let help =
            format!("for one value write `{one}`; a param that holds several has `type: list`");
        ("a list", help)
    } else {
        // The axis is called as what it is made of.
        let axis = expression::lone_name(program).and_then(|mut path| path.pop());
        let axis = axis.filter(|axis| scalar::is_name(axis));
        let help = match axis {
            Some(axis) => format!(
                "name the axis: `matrix: {{ {axis}: {} }}`; a param that holds several has `type: list`",
                quoted(&format!("[{}]", program.text()))
            ),
            None => "write `{ NAME: [value, value] }`, or an expression that gives such a mapping"
                .to_owned(),
        };
        ("a mapping of lists, or a list of mappings", help)
    };
    let message = format!("{what} is {kind}; expected {wanted}");
    report
        .error(&codes::MATRIX, each.node.span, message)
        .help(help);
}

/// What an expression gives, when that is surely no list, nor a mapping where one is taken.
fn lone_value(
    names: &Names<'_>,
    each: &Use,
    program: &Program,
    found: &Type,
    is_axis: bool,
) -> Option<String> {
    match found {
        Type::Bool | Type::Int | Type::Uint | Type::Double | Type::String => Some(in_words(found)),
        Type::Map(..) | Type::Object(_) => is_axis.then(|| in_words(found)),
        // A number may be whole or not, so its type is open.
        Type::Dyn => {
            let path = expression::lone_name(program)?;
            let is_number = names::type_at(names, each, &path) == Some(&ValueType::Number);
            is_number.then(|| in_words(&Type::Double))
        }
        Type::Null
        | Type::Bytes
        | Type::Timestamp
        | Type::Duration
        | Type::List(_)
        | Type::Optional(_)
        | Type::Nullable(_)
        | Type::Type(_)
        | Type::Opaque(..)
        | Type::Param(_)
        | Type::Var(_) => None,
    }
}

/// A type in the words of a file.
pub(super) fn in_words(found: &Type) -> String {
    let simple = match found {
        Type::List(_) => "a list",
        Type::Map(..) | Type::Object(_) => "a mapping",
        Type::String => "a text",
        Type::Bool => "`true` or `false`",
        Type::Int | Type::Uint | Type::Double => "a number",
        Type::Dyn
        | Type::Null
        | Type::Bytes
        | Type::Timestamp
        | Type::Duration
        | Type::Optional(_)
        | Type::Nullable(_)
        | Type::Type(_)
        | Type::Opaque(..)
        | Type::Param(_)
        | Type::Var(_) => return format!("of type `{found}`"),
    };
    simple.to_owned()
}

/// How to mend an expression that fails whatever the run is.
const SURE: &str = "it reads nothing that could change that: write other values, or what it is to look at, such as a param";

/// Reports an expression whose value is the same in every run and cannot be used, or that has none.
pub(super) fn constant(
    report: &mut Report<'_>,
    places: &mut Option<Places>,
    each: &Use,
    program: &Program,
) {
    let (span, why, help) = match expression::outlook(program) {
        Outlook::Fails(fault) => (
            fault.span,
            fault.message,
            fault.help.unwrap_or_else(|| SURE.to_owned()),
        ),
        Outlook::HoldsNul if goes_to_program(each) => {
            let help = "a script can make the character itself, as in `printf '\\0'`";
            (
                Some(expression::span(program)),
                NUL_IN_TEXT.to_owned(),
                help.to_owned(),
            )
        }
        Outlook::HoldsNul | Outlook::Open => return,
    };
    let span = span.map_or(each.node.span, |span| place(places, report, each, span));
    report
        .error(
            &codes::FAILS,
            span,
            format!("this fails in every run: {why}"),
        )
        .help(help);
}

/// Whether a text becomes a script, an argument, a variable or a path.
fn goes_to_program(each: &Use) -> bool {
    let is_text = match each.purpose {
        Purpose::Script | Purpose::Program | Purpose::Value => true,
        Purpose::Condition | Purpose::Verdict => false,
    };
    let is_given = match each.slot {
        Slot::Other | Slot::Env(_) => true,
        Slot::Axis(_) | Slot::Matrix | Slot::With(_) | Slot::Output(_) => false,
    };
    is_text && is_given && each.phase >= Phase::Start
}

/// Reports patterns that are no regular expressions, as long as `left` of the file may be looked at: each is compiled.
pub(super) fn regexes(
    report: &mut Report<'_>,
    places: &mut Option<Places>,
    each: &Use,
    program: &Program,
    left: &mut usize,
) {
    for (pattern, span) in expression::regexes(program) {
        let Some(less) = left.checked_sub(1) else {
            return;
        };
        *left = less;
        if let Some(message) = expression::regex_fault(&pattern) {
            let span = place(places, report, each, span);
            report.error(&codes::TYPE, span, message).help(
                "the syntax is that of RE2: groups, classes and repetitions, without look-around and back-references",
            );
        }
    }
}

/// Reports patterns of `hash` and `glob` that cannot be used, and calls without any.
pub(super) fn patterns(
    report: &mut Report<'_>,
    places: &mut Option<Places>,
    each: &Use,
    program: &Program,
) {
    for call in expression::file_calls(program) {
        let name = &call.name;
        if call.args == 0 {
            let span = place(places, report, each, call.span);
            let message = format!("`{name}` takes patterns of files, found none");
            report
                .error(&codes::TYPE, span, message)
                .help(format!("name them: `{name}('Cargo.lock', 'src/**')`"));
        }
        for (text, span) in &call.literals {
            if let Some(fault) = pattern::fault(text) {
                let span = place(places, report, each, *span);
                read::refuse_pattern(report, span, text, &fault);
            }
        }
    }
}
