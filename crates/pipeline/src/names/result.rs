//! Results of other tasks and of earlier steps.

use super::Names;
use super::words::OUTCOMES;
use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::Report;
use crate::expression::Reference;
use crate::nearest::{any_of, listed, nearest};
use crate::read::{Draft, Purpose, Use};
use model::plan::Phase as Part;
use std::collections::BTreeSet;

const OF_TASK: [&str; 3] = ["outputs", "outcome", "conclusion"];
const OF_STEP: [&str; 4] = ["outputs", "outcome", "conclusion", "exit_code"];

/// `tasks.NAME.…`
pub(super) fn task(report: &mut Report<'_>, names: &Names<'_>, each: &Use, reference: &Reference) {
    let own = each.task.map(|task| &names.file.tasks[task]);
    if own.is_none() && !each.is_given() {
        report
            .error(
                &codes::NAME_TOO_EARLY,
                reference.span,
                "results of tasks are read in tasks only",
            )
            .help("move this into the task that needs the result");
        return;
    }
    let Some(name) = reference.path.get(1) else {
        return;
    };
    let Some(wanted) = names.task(name) else {
        unknown_task(report, names, name, reference);
        return;
    };
    if let Some(own) = own
        && !may_read(report, own, wanted, reference)
    {
        return;
    }
    let is_unknown = wanted
        .call
        .as_ref()
        .is_some_and(|call| call.callee.is_none());
    if is_unknown {
        return;
    }
    if reads_declared(reference, |output| wanted.def.outputs.contains_key(output)) {
        return;
    }
    members(report, reference, &OF_TASK, || Outputs {
        owner: format!("task `{name}`"),
        names: wanted.def.outputs.keys().map(String::as_str).collect(),
    });
}

/// Whether `own` may read the result of `wanted`: it is another task, and needed.
fn may_read(report: &mut Report<'_>, own: &Draft, wanted: &Draft, reference: &Reference) -> bool {
    let name = &wanted.def.name;
    if wanted.def.name == own.def.name {
        report
            .error(
                &codes::NAME_TOO_EARLY,
                reference.span,
                "a task cannot read its own result",
            )
            .help("read `steps.NAME.outputs` of an earlier step");
        return false;
    }
    let after_main = own.def.phase == Part::Finally && wanted.def.phase == Part::Main;
    if !after_main && !own.needs.iter().any(|need| need.task == *name) {
        let mut all: Vec<&str> = own.needs.iter().map(|need| need.task.as_str()).collect();
        all.push(name);
        report
            .error(
                &codes::NOT_NEEDED,
                reference.span,
                format!("task `{}` reads `{name}` without needing it", own.def.name),
            )
            .help(format!("add `needs: [{}]`", all.join(", ")));
        return false;
    }
    true
}

fn unknown_task(report: &mut Report<'_>, names: &Names<'_>, name: &str, reference: &Reference) {
    let with_dash = names.task_names().find(|each| {
        each.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('-'))
    });
    let help = match (with_dash, nearest(name, names.task_names())) {
        (Some(dashed), _) => {
            format!("a `-` in an expression is a minus; write `tasks[\"{dashed}\"]`")
        }
        (None, Some(near)) => {
            let outputs = names.task(near).map(|task| &task.def.outputs);
            let declares = |output: &str| outputs.is_some_and(|all| all.contains_key(output));
            let missing = missing_output(reference, &declares);
            format!("did you mean `tasks.{near}`?{missing}")
        }
        (None, None) => format!("the tasks are {}", listed(names.task_names())),
    };
    report
        .error(
            &codes::UNKNOWN_NAME,
            reference.span,
            format!("there is no task `{name}`"),
        )
        .help(help);
}

/// `steps.NAME.…`
pub(super) fn step(report: &mut Report<'_>, names: &Names<'_>, each: &Use, reference: &Reference) {
    let Some(own) = each.task.map(|task| &names.file.tasks[task]) else {
        report
            .error(
                &codes::NAME_TOO_EARLY,
                reference.span,
                "`steps` exists only inside a task",
            )
            .help("use `params` or `signal`");
        return;
    };
    let Some(name) = reference.path.get(1) else {
        return;
    };
    // A post step and what is read at the end see every step of the task.
    let before = each
        .step
        .filter(|_| each.phase < Phase::End)
        .unwrap_or(own.steps.len());
    let Some(index) = own.steps.iter().position(|(step, _)| step == name) else {
        unknown_step(report, own, before, name, reference);
        return;
    };
    if index > before || (index == before && each.purpose == Purpose::Condition) {
        report
            .error(
                &codes::UNKNOWN_STEP,
                reference.span,
                format!("step `{name}` runs later"),
            )
            .help("move it up, or read its result further down");
        return;
    }
    let outputs = &own.steps[index].1;
    if reads_declared(reference, |output| gives(own, outputs, output)) {
        return;
    }
    members(report, reference, &OF_STEP, || {
        let names = outputs.iter().chain(own.def.outputs.keys());
        let names: BTreeSet<&str> = names.map(String::as_str).collect();
        Outputs {
            owner: format!("step `{name}`"),
            names: names.into_iter().collect(),
        }
    });
}

fn unknown_step(
    report: &mut Report<'_>,
    own: &Draft,
    before: usize,
    name: &str,
    reference: &Reference,
) {
    let earlier: BTreeSet<&str> = own
        .steps
        .iter()
        .take(before)
        .map(|(step, _)| step.as_str())
        .collect();
    let dashed = earlier.iter().find(|each| {
        each.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('-'))
    });
    let help = match (dashed, nearest(name, earlier.iter().copied())) {
        (Some(dashed), _) => {
            format!("a `-` in an expression is a minus; write `steps[\"{dashed}\"]`")
        }
        (None, Some(near)) => {
            let step = own.steps.iter().find(|(step, _)| step == near);
            let declares =
                |output: &str| step.is_some_and(|(_, outputs)| gives(own, outputs, output));
            let missing = missing_output(reference, &declares);
            format!("did you mean `steps.{near}`?{missing}")
        }
        (None, None) if earlier.is_empty() => {
            "give the step that is meant a `name`, and put it before this one".to_owned()
        }
        (None, None) => format!("the steps before are {}", listed(earlier.iter().copied())),
    };
    report
        .error(
            &codes::UNKNOWN_STEP,
            reference.span,
            format!("no earlier step is called `{name}`"),
        )
        .help(help);
}

/// Whether a step of `own` that declares `outputs` gives one called `name`: any step may write those of its task.
fn gives(own: &Draft, outputs: &BTreeSet<String>, name: &str) -> bool {
    outputs.contains(name) || own.def.outputs.contains_key(name)
}

/// Whether the path is that of an output that exists, the usual case.
fn reads_declared(reference: &Reference, is_declared: impl Fn(&str) -> bool) -> bool {
    let of_outputs = reference
        .path
        .get(2)
        .is_some_and(|member| member == "outputs");
    of_outputs
        && reference
            .path
            .get(3)
            .is_some_and(|output| is_declared(output))
}

/// What is also wrong with a path once the name of its task or step is mended.
fn missing_output(reference: &Reference, is_declared: &dyn Fn(&str) -> bool) -> String {
    let output = reference.path.get(3);
    let output = output.filter(|_| reference.path[2] == "outputs");
    output
        .filter(|output| !is_declared(output))
        .map(|output| format!(" It declares no output `{output}` either: add `outputs: {{ {output}: string }}` to it"))
        .unwrap_or_default()
}

/// The outputs that a task or a step declares.
struct Outputs<'n> {
    owner: String,
    names: Vec<&'n str>,
}

/// Checks what follows the name of a task or a step.
fn members<'n>(
    report: &mut Report<'_>,
    reference: &Reference,
    known: &[&str],
    outputs: impl FnOnce() -> Outputs<'n>,
) {
    let Some(member) = reference.path.get(2) else {
        return;
    };
    let root = &reference.path[0];
    let name = &reference.path[1];
    if !known.contains(&member.as_str()) {
        let outputs = outputs();
        let help = if outputs.names.contains(&member.as_str()) {
            format!("write `{root}.{name}.outputs.{member}`")
        } else if matches!(member.as_str(), "result" | "status" | "state") {
            let words = any_of(OUTCOMES);
            format!("write `{root}.{name}.outcome`, which is {words}")
        } else {
            match nearest(member, known.iter().copied()) {
                Some(near) => format!("did you mean `{root}.{name}.{near}`?"),
                None => format!("it has {}", listed(known.iter().copied())),
            }
        };
        report
            .error(
                &codes::UNKNOWN_NAME,
                reference.span,
                format!("{} has no `{member}`", outputs.owner),
            )
            .help(help);
        return;
    }
    let Some(output) = reference.path.get(3).filter(|_| member == "outputs") else {
        return;
    };
    let outputs = outputs();
    if outputs.names.contains(&output.as_str()) {
        return;
    }
    let help = match nearest(output, outputs.names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if outputs.names.is_empty() => format!(
            "declare it: `outputs: {{ {output}: string }}` in {}",
            outputs.owner
        ),
        None => format!("its outputs are {}", listed(outputs.names.iter().copied())),
    };
    report
        .error(
            &codes::UNKNOWN_OUTPUT,
            reference.span,
            format!("{} declares no output `{output}`", outputs.owner),
        )
        .help(help);
}
