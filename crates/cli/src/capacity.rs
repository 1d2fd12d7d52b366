//! What this machine has for tasks, and the words for a plan that does not fit it.

use crate::fault::Fault;
use crate::text;
use anyhow::Result;
use engine::fit::{self, Never, Note, Room};
use model::plan::{Plan, Resources, TaskDef};
use server::TakeIn;

/// What the worker has, and what has to be said about it.
pub(crate) struct Fit {
    /// What tasks may take together.
    pub capacity: Resources,
    /// Sentences for people.
    pub notes: Vec<String>,
}

/// Holds what the tasks of `plan` ask for against this machine and the labels that it was given.
///
/// # Errors
/// When a task could never start here.
pub(crate) fn fit(plan: &Plan, labels: Option<&[String]>) -> Result<Fit> {
    Ok(fit_on(server::machine::resources(), plan, labels)?)
}

fn fit_on(machine: Resources, plan: &Plan, labels: Option<&[String]>) -> Result<Fit, Fault> {
    match fit::fit(machine, labels, plan) {
        Ok(fit) => Ok(Fit {
            notes: fit.notes.iter().map(sentence).collect(),
            capacity: fit.capacity,
        }),
        Err(never) => Err(refused(&never, &plan.file, labels)),
    }
}

/// Judges tasks that were generated as [`fit()`] judges those of the plan, on a worker that has `capacity`.
pub(crate) fn take_in(capacity: Resources, labels: Option<Vec<String>>) -> TakeIn {
    let mut room = Room { capacity, labels };
    Box::new(move |file, tasks| match room.take_in(tasks) {
        Ok(_) => Ok(room.capacity.clone()),
        Err(never) => Err(refused(&never, file, room.labels.as_deref()).to_string()),
    })
}

fn refused(never: &Never<'_>, file: &str, labels: Option<&[String]>) -> Fault {
    match never {
        Never::Memory { task, has_bytes } => {
            let wants = text::size(task.resources.memory_bytes);
            let wants = format!("asks for {wants} of memory");
            let has = format!("this machine has {}", text::size(*has_bytes));
            told(file, task, &wants, &has).help("ask for less, or run it on a larger machine")
        }
        Never::Label { task, missing } => {
            let given = labels.unwrap_or_default();
            let wants = format!("wants a worker with `{missing}`");
            let has = format!("`--labels` gives {}", given.join(", "));
            let all = text::quoted(&format!("{},{missing}", given.join(",")));
            told(file, task, &wants, &has).help(format!("add it: `--labels {all}`"))
        }
    }
}

fn sentence(note: &Note<'_>) -> String {
    match note {
        Note::RunsAlone { task, has_milli } => format!(
            "task `{}` asks for {} CPUs, this machine has {}: it runs alone",
            task.name,
            f64::from(task.resources.cpu_milli) / 1e3,
            f64::from(*has_milli) / 1e3
        ),
        Note::LateLabel { task } => format!(
            "task `{}` has a role or label that is known when it is ready; if `--labels` does not give it, the task waits",
            task.name
        ),
        Note::TakesAll { names } => format!(
            "this machine takes every role and label ({}); `--labels` restricts it",
            names.join(", ")
        ),
    }
}

fn told(file: &str, task: &TaskDef, wants: &str, has: &str) -> Fault {
    let line = task
        .at
        .map_or_else(String::new, |at| format!(":{}", at.line));
    let name = &task.name;
    Fault::usage(format!("task `{name}` ({file}{line}) {wants}; {has}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::{Request, SourceFile};

    fn plan(task: &str) -> Plan {
        let text = format!("name: ci\ntasks:\n  a: {{ {task}, run: 'true' }}\n");
        let compiled = pipeline::compile(&SourceFile::new("ci.yaml", text), &Request::default());
        assert_eq!(compiled.diagnostics, []);
        compiled.plan.unwrap()
    }

    fn machine() -> Resources {
        Resources {
            cpu_milli: 2000,
            memory_bytes: 4 << 30,
            counted: std::collections::BTreeMap::new(),
        }
    }

    fn judged(task: &str, labels: Option<&[String]>) -> Result<Vec<String>, String> {
        let fit = fit_on(machine(), &plan(task), labels);
        fit.map(|fit| fit.notes).map_err(|fault| fault.to_string())
    }

    #[test]
    fn more_memory_than_there_is_is_refused_before_anything_starts() {
        let expected = "task `a` (ci.yaml:3) asks for 8.0 GiB of memory; this machine has 4.0 GiB";
        assert_eq!(
            judged("resources: { memory: 8GiB }", None),
            Err(expected.to_owned())
        );
    }

    #[test]
    fn a_task_that_wants_more_cpus_runs_alone() {
        let expected = "task `a` asks for 3.5 CPUs, this machine has 2: it runs alone";
        assert_eq!(
            judged("resources: { cpu: 3500m }", None),
            Ok(vec![expected.to_owned()])
        );
    }

    #[test]
    fn every_label_is_taken_unless_labels_are_named() {
        let expected = "this machine takes every role and label (gpu); `--labels` restricts it";
        assert_eq!(judged("labels: [gpu]", None), Ok(vec![expected.to_owned()]));
        let (gpu, big) = (["gpu".to_owned()], ["big".to_owned()]);
        assert_eq!(judged("labels: [gpu]", Some(&gpu)), Ok(Vec::new()));
        let expected = "task `a` (ci.yaml:3) wants a worker with `gpu`; `--labels` gives big";
        assert_eq!(
            judged("labels: [gpu]", Some(&big)),
            Err(expected.to_owned())
        );
    }

    #[test]
    fn a_label_that_is_known_later_is_told_before_it_is_waited_for() {
        let big = ["big".to_owned()];
        let expected = "task `a` has a role or label that is known when it is ready; if `--labels` does not give it, the task waits";
        let task = "labels: [\"${{ run.id }}\"]";
        assert_eq!(judged(task, Some(&big)), Ok(vec![expected.to_owned()]));
    }
}
