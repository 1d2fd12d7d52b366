//! What can never happen: tasks behind one that never runs, and outputs that no step writes.
//!
//! Both are warnings. A script may write an output through a program that is not seen here, so a
//! step that starts something by a path is believed.

use crate::codes;
use crate::diagnostics::Report;
use crate::read::{Draft, File};
use model::plan::{Body, Edge, EdgeKind, Phase, Step, StepBody, Text};

/// Warns of both.
pub(super) fn check(report: &mut Report<'_>, file: &File, edges: &[Vec<Edge>]) {
    unreachable(report, file, edges);
    for task in &file.tasks {
        if report.is_full() {
            return;
        }
        unmentioned(report, task);
    }
}

/// Tasks that need one whose condition is never true, directly or not.
fn unreachable(report: &mut Report<'_>, file: &File, edges: &[Vec<Edge>]) {
    let own = |task: &Draft| task.never || task.members == 0;
    if !file.tasks.iter().any(own) {
        return;
    }
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    for (task, needs) in edges.iter().enumerate() {
        for edge in needs.iter().filter(|edge| edge.kind != EdgeKind::Optional) {
            behind[edge.task.index()].push(task);
        }
    }
    let mut never: Vec<bool> = file.tasks.iter().map(own).collect();
    let mut open: Vec<usize> = (0..never.len()).filter(|task| never[*task]).collect();
    while let Some(cause) = open.pop() {
        for task in std::mem::take(&mut behind[cause]) {
            let draft = &file.tasks[task];
            let follows = draft.def.phase == Phase::Main && !draft.asks_status;
            if never[task] || !follows {
                continue;
            }
            never[task] = true;
            open.push(task);
            let needed = &file.tasks[cause];
            report
                .warning(
                    &codes::UNREACHABLE,
                    draft.name_span,
                    format!(
                        "task `{}` never runs, because it needs `{}`, which never does",
                        draft.def.name, needed.def.name
                    ),
                )
                .label(needed.name_span, "this task never runs")
                .help("remove the need, or write `optional: true` beside it");
        }
    }
}

/// Outputs that a step has to write and none mentions.
fn unmentioned(report: &mut Report<'_>, task: &Draft) {
    let Body::Steps(body) = &task.def.body else {
        return;
    };
    if task.written.is_empty() || body.steps.is_empty() {
        return;
    }
    let scripts: Option<Vec<&str>> = body.steps.iter().map(script).collect();
    // A program without a shell may write anything.
    let Some(scripts) = scripts else { return };
    let writes = scripts
        .iter()
        .any(|script| script.contains("FORMIC_OUTPUT"));
    let starts_a_file = scripts.iter().any(|script| script.contains('/'));
    if starts_a_file && !writes {
        return;
    }
    let letters: usize = scripts.iter().map(|script| BEGINNING + script.len()).sum();
    if letters.saturating_mul(task.written.len()) > LOOKED_THROUGH {
        return;
    }
    for (name, span) in &task.written {
        if scripts.iter().any(|script| mentions(script, name)) {
            continue;
        }
        report
            .warning(
                &codes::OUTPUT_UNMENTIONED,
                *span,
                format!("no step of task `{}` mentions its output `{name}`", task.def.name),
            )
            .help(format!(
                "write it in a step: `echo \"{name}=VALUE\" >> \"$FORMIC_OUTPUT\"`, or give it a `default`"
            ));
    }
}

/// Letters of the scripts of a task that are looked through for its outputs, those of one script once for each output; a task
/// with more is believed.
const LOOKED_THROUGH: usize = 20_000_000;
/// What it costs to begin with a script, in letters.
const BEGINNING: usize = 20;

/// The script of a step, if it has one.
fn script(step: &Step) -> Option<&str> {
    match &step.body {
        StepBody::Script { text, .. } => Some(match text {
            Text::Literal(text) => text,
            Text::Template(template) => &template.text,
        }),
        StepBody::Command { .. } | StepBody::Group { .. } => None,
    }
}

/// Whether `name` stands in `script` as a word.
fn mentions(script: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    script.match_indices(name).any(|(at, _)| {
        let before = script[..at].chars().next_back().is_some_and(part);
        let after = script[at + name.len()..].chars().next().is_some_and(part);
        !before && !after
    })
}
