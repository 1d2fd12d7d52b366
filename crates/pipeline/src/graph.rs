//! Tasks as a graph: needs that exist, no circles, artifacts that someone gives, paths that collide.

mod idle;
mod paths;

use crate::codes;
use crate::diagnostics::{Report, Span};
use crate::names::Names;
use crate::nearest::{listed, nearest};
use crate::read::{Draft, File, Need};
use model::ids::DefNo;
use model::limits;
use model::plan::{Edge, IMAGE_ARTIFACT, Phase, Text, ValueType};
use std::collections::{BTreeMap, BTreeSet};

/// The edges of every task, in order, after reporting what is wrong with them.
pub(crate) fn check(report: &mut Report<'_>, names: &Names<'_>) -> Vec<Vec<Edge>> {
    let edges: Vec<Vec<Edge>> = names
        .file
        .tasks
        .iter()
        .map(|task| needs(report, names, task))
        .collect();
    refuse_cycles(report, names.file, &edges);
    for task in &names.file.tasks {
        taken(report, names, task);
        artifact_outputs(report, task);
    }
    paths::check(report, names.file, &edges);
    idle::check(report, names.file, &edges);
    edges
}

fn needs(report: &mut Report<'_>, names: &Names<'_>, task: &Draft) -> Vec<Edge> {
    let mut edges = Vec::new();
    if task.needs.len() > limits::NEEDS_PER_TASK {
        let message = format!(
            "the task needs {} tasks; at most {} are allowed",
            task.needs.len(),
            limits::NEEDS_PER_TASK
        );
        report
            .error(
                &codes::LIMIT,
                task.needs[limits::NEEDS_PER_TASK].span,
                message,
            )
            .help("let one task need some of them, and need that one here");
    }
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for need in &task.needs {
        if report.is_full() {
            break;
        }
        if let Some(first) = seen.insert(&need.task, need.span) {
            report
                .error(
                    &codes::DOUBLE_NEED,
                    need.span,
                    format!("`{}` is needed twice", need.task),
                )
                .label(first, "the first is here")
                .help("keep one of them");
            continue;
        }
        edges.extend(edge(report, names, task, need));
    }
    edges
}

fn edge(report: &mut Report<'_>, names: &Names<'_>, task: &Draft, need: &Need) -> Option<Edge> {
    let own = task.def.name.as_str();
    if need.task == own {
        report
            .error(
                &codes::NEEDS_ITSELF,
                need.span,
                format!("task `{own}` needs itself"),
            )
            .help("remove it from `needs`");
        return None;
    }
    let Some(target) = names.task(&need.task) else {
        let others = || names.task_names().filter(|name| *name != own);
        report
            .error(
                &codes::UNKNOWN_TASK,
                need.span,
                format!("task `{own}` needs `{}`, which does not exist", need.task),
            )
            .help(match nearest(&need.task, others()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if others().next().is_none() => format!(
                    "there is no other task; add one named `{}`, or remove it from `needs`",
                    need.task
                ),
                None => format!(
                    "the other tasks are {}; add one named `{}`, or remove it from `needs`",
                    listed(others()),
                    need.task
                ),
            });
        return None;
    };
    match (task.def.phase, target.def.phase) {
        (Phase::Main, Phase::Finally) => {
            report
                .error(
                    &codes::NEEDS_FINALLY,
                    need.span,
                    format!(
                        "`{}` is part of `finally`, which starts when all tasks have ended",
                        need.task
                    ),
                )
                .label(target.name_span, "it is here")
                .help("move it to `tasks`, or remove it from `needs`");
            return None;
        }
        (Phase::Finally, Phase::Main) => {
            report
                .error(
                    &codes::NEEDS_FINALLY,
                    need.span,
                    format!(
                        "`{}` has ended before any task of `finally` starts",
                        need.task
                    ),
                )
                .help(format!(
                    "remove it from `needs`; `tasks.{}.outcome` can be read without",
                    need.task
                ));
            return None;
        }
        (Phase::Main, Phase::Main) | (Phase::Finally, Phase::Finally) => {}
    }
    let number = names.index(&need.task)?;
    let number = DefNo(u32::try_from(number).ok()?);
    Some(if need.optional {
        Edge::optional(number)
    } else {
        Edge::data(number)
    })
}

/// Reports one circle for each group of tasks that wait for each other.
fn refuse_cycles(report: &mut Report<'_>, file: &File, edges: &[Vec<Edge>]) {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![NEW; edges.len()];
    for start in 0..edges.len() {
        if state[start] != NEW {
            continue;
        }
        // The path from `start`, each with the number of its edges already followed.
        let mut path = vec![(start, 0)];
        state[start] = OPEN;
        while let Some((task, next)) = path.last_mut() {
            if report.is_full() {
                return;
            }
            let Some(edge) = edges[*task].get(*next) else {
                state[*task] = DONE;
                path.pop();
                continue;
            };
            *next += 1;
            let target = edge.task.index();
            match state[target] {
                NEW => {
                    state[target] = OPEN;
                    path.push((target, 0));
                }
                OPEN => {
                    let first = path
                        .iter()
                        .position(|(task, _)| *task == target)
                        .unwrap_or(0);
                    let circle: Vec<usize> = path[first..].iter().map(|(task, _)| *task).collect();
                    report_cycle(report, file, &circle);
                }
                _ => {}
            }
        }
    }
}

/// Needs of a circle that are shown.
const DRAWN: usize = 12;
/// Letters of a circle that is drawn in one line.
const LINE: usize = 100;

fn report_cycle(report: &mut Report<'_>, file: &File, circle: &[usize]) {
    // The circle is told from the task that stands first in the file.
    let first = circle
        .iter()
        .enumerate()
        .min_by_key(|(_, task)| **task)
        .map_or(0, |(at, _)| at);
    let turned: Vec<usize> = circle[first..]
        .iter()
        .chain(&circle[..first])
        .copied()
        .collect();
    let name = |task: usize| file.tasks[task].def.name.as_str();
    let mut drawn: Vec<&str> = turned.iter().take(DRAWN).map(|task| name(*task)).collect();
    if turned.len() > DRAWN {
        drawn.push("…");
    }
    drawn.push(name(turned[0]));
    let span_of = |task: usize, target: usize| {
        let need = file.tasks[task]
            .needs
            .iter()
            .find(|need| need.task == name(target));
        need.map_or(file.tasks[task].name_span, |need| need.span)
    };
    let next = |at: usize| turned[(at + 1) % turned.len()];
    let drawn = drawn.join(" -> ");
    let message = if drawn.chars().count() > LINE {
        format!("{} tasks need each other in a circle", turned.len())
    } else {
        format!("tasks need each other in a circle: {drawn}")
    };
    // Of a long circle its first needs and the one that closes it.
    let last = turned.len() - 1;
    let told = (0..turned.len()).filter(|at| *at == last || *at < DRAWN - 1);
    let edges = told.map(|at| {
        let (task, needed) = (turned[at], next(at));
        let words = format!("`{}` needs `{}`", name(task), name(needed));
        (span_of(task, needed), words)
    });
    let edges: Vec<(Span, String)> = edges.collect();
    let lines: BTreeSet<usize> = edges
        .iter()
        .map(|(span, _)| report.lines().line_of(span.start).start)
        .collect();
    let left_out = turned.len() - edges.len();
    let added = report.error(&codes::CYCLE, edges[0].0, message);
    let mut added = added.help("remove one of these needs");
    if lines.len() == edges.len() {
        for (span, words) in edges.into_iter().skip(1) {
            added = added.label(span, words);
        }
        if left_out > 0 {
            added.note(format!(
                "{left_out} more needs before the last one belong to the circle"
            ));
        }
        return;
    }
    // Marks on one line would hide each other, so every need has a line of its own below.
    let mut list: Vec<String> = edges.into_iter().map(|(_, words)| words).collect();
    if left_out > 0 {
        list.insert(list.len() - 1, format!("… {left_out} more"));
    }
    added.note(list.join("\n"));
}

/// Artifacts that are taken: from a needed task that gives them.
fn taken(report: &mut Report<'_>, names: &Names<'_>, task: &Draft) {
    for (artifact, (from_span, name_span)) in task.def.artifacts_in.iter().zip(&task.taken) {
        if report.is_full() {
            return;
        }
        let Some(giver) = names.task(&artifact.from) else {
            let near = nearest(&artifact.from, names.task_names());
            report
                .error(
                    &codes::UNKNOWN_TASK,
                    *from_span,
                    format!("there is no task `{}`", artifact.from),
                )
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the tasks are {}", listed(names.task_names())),
                });
            continue;
        };
        if giver
            .call
            .as_ref()
            .is_some_and(|call| call.callee.is_none())
        {
            continue;
        }
        let after_main = task.def.phase == Phase::Finally && giver.def.phase == Phase::Main;
        if !after_main && !task.needs.iter().any(|need| need.task == artifact.from) {
            let mut all: Vec<&str> = task.needs.iter().map(|need| need.task.as_str()).collect();
            all.push(&artifact.from);
            report
                .error(
                    &codes::NOT_NEEDED,
                    *from_span,
                    format!(
                        "task `{}` takes an artifact of `{}` without needing it",
                        task.def.name, artifact.from
                    ),
                )
                .help(format!("add `needs: [{}]`", all.join(", ")));
        }
        let given = || {
            giver
                .def
                .artifacts_out
                .iter()
                .map(|each| each.name.as_str())
        };
        if given().any(|name| name == artifact.name) {
            continue;
        }
        let help = match nearest(&artifact.name, given()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if given().next().is_none() => {
                format!(
                    "add `artifacts: {{ out: {{ {}: PATTERN }} }}` to `{}`",
                    artifact.name, artifact.from
                )
            }
            None => format!("it gives {}", listed(given())),
        };
        report
            .error(
                &codes::UNKNOWN_ARTIFACT,
                *name_span,
                format!(
                    "task `{}` gives no artifact `{}`",
                    artifact.from, artifact.name
                ),
            )
            .help(help);
    }
}

/// An output of type `artifact` names an artifact of its own task.
fn artifact_outputs(report: &mut Report<'_>, task: &Draft) {
    for (name, output) in &task.def.outputs {
        if report.is_full() {
            return;
        }
        // Those of a call are artifacts of the tasks inside.
        if output.value_type != ValueType::Artifact || task.call.is_some() {
            continue;
        }
        let artifact = output.from.as_ref().and_then(Text::literal).unwrap_or(name);
        let image = task.def.image.iter().map(|_| IMAGE_ARTIFACT);
        let given = || {
            let files = task.def.artifacts_out.iter().map(|each| each.name.as_str());
            files.chain(image.clone())
        };
        if given().any(|each| each == artifact) {
            continue;
        }
        report
            .error(&codes::UNKNOWN_ARTIFACT, task.name_span, format!("output `{name}` of task `{}` is the artifact `{artifact}`, which the task does not give", task.def.name))
            .help(match nearest(artifact, given()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `artifacts: {{ out: {{ {artifact}: PATTERN }} }}`"),
            });
    }
}

/// Whether `from` waits for `to`, directly or not.
fn leads_to(edges: &[Vec<Edge>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; edges.len()];
    let mut open = vec![from];
    while let Some(task) = open.pop() {
        if task == to {
            return true;
        }
        if std::mem::replace(&mut seen[task], true) {
            continue;
        }
        open.extend(edges[task].iter().map(|edge| edge.task.index()));
    }
    false
}
