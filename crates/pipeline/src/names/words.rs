//! Values that are one of a few words: comparing them with another text is a slip.

use super::{Names, foreign};
use crate::codes;
use crate::diagnostics::Report;
use crate::expression;
use crate::nearest::{any_of, nearest};
use crate::read::Use;
use crate::signal::Kind;
use crate::types::place;
use crate::yaml::offsets::Places;
use model::plan::{Body, ValueType};
use model::reason::FailureKind;

/// What `outcome` and `conclusion` of tasks and steps are.
pub(super) const OUTCOMES: [&str; 4] = ["succeeded", "failed", "skipped", "canceled"];

/// Reports every comparison of one text with a word that its value never is.
pub(super) fn check(report: &mut Report<'_>, names: &Names<'_>, each: &Use) {
    let mut places = None;
    for program in &each.programs {
        for comparison in expression::comparisons(program) {
            let Some(words) = words_of(names, each, &comparison.path) else {
                if is_number(names, each, &comparison.path) {
                    refuse_texts(report, &mut places, each, &comparison);
                }
                continue;
            };
            for (text, span) in &comparison.texts {
                if words.contains(&text.as_str()) {
                    continue;
                }
                if report.is_full() {
                    return;
                }
                let place = place(&mut places, report, each, *span);
                let shown: String = text.chars().take(40).collect();
                report
                    .error(
                        &codes::NEVER_THAT_WORD,
                        place,
                        format!("`{}` is never `{shown}`", comparison.path.join(".")),
                    )
                    .help(match near(text, &words) {
                        Some(near) => format!("did you mean `'{near}'`?"),
                        None => format!("it is {}", any_of(words.iter().copied())),
                    });
            }
        }
    }
}

/// Whether the value at `path` is a number whatever happens.
fn is_number(names: &Names<'_>, each: &Use, path: &[String]) -> bool {
    if let ([root, axis], Some(task)) = (path, each.task)
        && root == "matrix"
    {
        return names.file.tasks[task].axis_is_number(axis);
    }
    type_at(names, each, path) == Some(&ValueType::Number)
}

/// Reports every text that a number is compared with.
fn refuse_texts(
    report: &mut Report<'_>,
    places: &mut Option<Places>,
    each: &Use,
    comparison: &expression::Comparison,
) {
    let path = comparison.path.join(".");
    for (text, span) in &comparison.texts {
        if report.is_full() {
            return;
        }
        let place = place(places, report, each, *span);
        let help = if text.parse::<f64>().is_ok() {
            format!("write the number without quotes: `{text}`")
        } else {
            format!("compare it with a number, or as text: `string({path})`")
        };
        let message = format!("`{path}` is a number, which is never equal to a text");
        report.error(&codes::TYPE, place, message).help(help);
    }
}

/// The declared type of the value at `path`, if it has one.
pub(crate) fn type_at<'n>(names: &Names<'n>, each: &Use, path: &[String]) -> Option<&'n ValueType> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["params", name] if !names.open => Some(&names.params.get(name)?.value_type),
        ["tasks", task, "outputs", output] => {
            let task = names.task(task)?;
            // The outputs of a matrix are those of all its members.
            if task.def.matrix.is_some() || each.task.is_none() {
                return None;
            }
            Some(&task.def.outputs.get(*output)?.value_type)
        }
        ["steps", step, "outputs", output] => {
            let Body::Steps(body) = &names.file.tasks[each.task?].def.body else {
                return None;
            };
            // What only the task declares is text for the steps behind.
            let step = body.steps.iter().find(|own| own.name == *step)?;
            Some(&step.outputs.get(*output)?.value_type)
        }
        _ => None,
    }
}

fn near<'w>(text: &str, words: &[&'w str]) -> Option<&'w str> {
    let foreign = foreign::word(text).filter(|ours| words.contains(ours));
    foreign.or_else(|| nearest(text, words.iter().copied()))
}

/// The words that the value at `path` can be, if they are known.
fn words_of<'n>(names: &Names<'n>, each: &Use, whole: &[String]) -> Option<Vec<&'n str>> {
    let path: Vec<&str> = whole.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["tasks" | "steps", _, "outcome" | "conclusion"] => Some(OUTCOMES.to_vec()),
        ["failure", "kind"] => {
            let kinds = FailureKind::ALL.iter();
            Some(kinds.map(|kind| kind.as_str()).collect())
        }
        ["signal", "kind"] => Some(Kind::ALL.iter().map(|kind| kind.as_str()).collect()),
        _ => enumerated(type_at(names, each, whole)?),
    }
}

fn enumerated(value_type: &ValueType) -> Option<Vec<&str>> {
    match value_type {
        ValueType::Enum(words) => Some(words.iter().map(String::as_str).collect()),
        ValueType::String
        | ValueType::Number
        | ValueType::Boolean
        | ValueType::List
        | ValueType::Object
        | ValueType::Artifact => None,
    }
}
