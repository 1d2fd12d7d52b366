//! What this machine has for tasks, and whether a plan can run on it at all.
//!
//! One worker takes every task of a local run, so a task that it can never take would wait for ever. Memory and
//! labels are therefore checked before anything starts. CPUs are shared by time: a task that asks for more of them
//! than there are runs alone. Of other counted things nothing is known here, so one task at a time has its wish.

use crate::fault::Fault;
use crate::text;
use anyhow::Result;
use model::plan::{Plan, Resources, TaskDef, Text};
use std::collections::BTreeSet;
use std::fs;

/// What the worker has, and what has to be said about it.
pub(crate) struct Fit {
    /// What tasks may take together.
    pub capacity: Resources,
    /// Sentences for people.
    pub notes: Vec<String>,
}

/// Compares what the tasks of `plan` ask for with this machine and the labels that it was given.
///
/// # Errors
/// When a task could never start here.
pub(crate) fn fit(plan: &Plan, labels: Option<&[String]>) -> Result<Fit> {
    fit_on(of_machine(), plan, labels)
}

fn fit_on(machine: Resources, plan: &Plan, labels: Option<&[String]>) -> Result<Fit> {
    let mut fit = Fit {
        capacity: machine,
        notes: Vec::new(),
    };
    let mut placed = BTreeSet::new();
    let defs = plan.scopes.iter().flat_map(|scope| &scope.tasks);
    for task in defs.map(|def| plan.task(*def)) {
        let wanted = &task.resources;
        if wanted.memory_bytes > fit.capacity.memory_bytes {
            let (wants, has) = (wanted.memory_bytes, fit.capacity.memory_bytes);
            let what = format!("asks for {} of memory", text::size(wants));
            return Err(never(
                plan,
                task,
                &what,
                &format!("this machine has {}", text::size(has)),
            )
            .help("ask for less, or run it on a larger machine")
            .into());
        }
        if wanted.cpu_milli > fit.capacity.cpu_milli {
            fit.notes.push(format!(
                "task `{}` asks for {} CPUs, this machine has {}: it runs alone",
                task.name,
                f64::from(wanted.cpu_milli) / 1e3,
                f64::from(fit.capacity.cpu_milli) / 1e3
            ));
            fit.capacity.cpu_milli = wanted.cpu_milli;
        }
        for (name, count) in &wanted.counted {
            let has = fit.capacity.counted.entry(name.clone()).or_default();
            *has = (*has).max(*count);
        }
        let names = placement(task);
        if let Some(labels) = labels
            && let Some(missing) = names
                .iter()
                .find(|name| !labels.iter().any(|label| label == *name))
        {
            let given = format!("`--labels` gives {}", labels.join(", "));
            return Err(never(
                plan,
                task,
                &format!("wants a worker with `{missing}`"),
                &given,
            )
            .help(format!("add it: `--labels {},{missing}`", labels.join(",")))
            .into());
        }
        placed.extend(names);
        if labels.is_some() && task.placement.asked().any(|text| text.literal().is_none()) {
            fit.notes.push(format!(
                "task `{}` has a role or label that is known when it is ready; if `--labels` does not give it, the task waits",
                task.name
            ));
        }
    }
    if labels.is_none() && !placed.is_empty() {
        let names: Vec<&str> = placed.iter().map(|name| name.as_str()).collect();
        let names = names.join(", ");
        fit.notes.push(format!(
            "this machine takes every role and label ({names}); `--labels` restricts it"
        ));
    }
    Ok(fit)
}

/// The role and labels of a task, as far as the plan knows them.
fn placement(task: &TaskDef) -> Vec<String> {
    task.placement
        .asked()
        .filter_map(Text::literal)
        .map(str::to_owned)
        .collect()
}

fn never(plan: &Plan, task: &TaskDef, wants: &str, has: &str) -> Fault {
    let line = task
        .at
        .map_or_else(String::new, |at| format!(":{}", at.line));
    let (name, file) = (&task.name, &plan.file);
    Fault::usage(format!("task `{name}` ({file}{line}) {wants}; {has}"))
}

fn of_machine() -> Resources {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cpus = u32::try_from(cpus).unwrap_or(u32::MAX);
    Resources {
        cpu_milli: cpus.saturating_mul(1000),
        memory_bytes: memory_bytes(),
        counted: std::collections::BTreeMap::new(),
    }
}

/// The memory of the machine, or what its control group may take if that is less.
fn memory_bytes() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total(&text))
        .unwrap_or(u64::MAX);
    let bounds = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let bounds = bounds.into_iter().filter_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        text.trim().parse::<u64>().ok()
    });
    bounds.fold(machine, u64::min)
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
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

    fn told(task: &str, labels: Option<&[String]>) -> Result<Vec<String>, String> {
        let fit = fit_on(machine(), &plan(task), labels);
        fit.map(|fit| fit.notes).map_err(|error| error.to_string())
    }

    #[test]
    fn the_kernel_counts_memory_in_kib() {
        let text = "MemTotal:       16384 kB\nMemFree:  1 kB\n";
        assert_eq!(total(text), Some(16 * 1024 * 1024));
    }

    #[test]
    fn more_memory_than_there_is_is_refused_before_anything_starts() {
        let expected = "task `a` (ci.yaml:3) asks for 8.0 GiB of memory; this machine has 4.0 GiB";
        assert_eq!(
            told("resources: { memory: 8GiB }", None),
            Err(expected.to_owned())
        );
    }

    #[test]
    fn a_task_that_wants_more_cpus_runs_alone() {
        let expected = "task `a` asks for 3.5 CPUs, this machine has 2: it runs alone";
        assert_eq!(
            told("resources: { cpu: 3500m }", None),
            Ok(vec![expected.to_owned()])
        );
    }

    #[test]
    fn every_label_is_taken_unless_labels_are_named() {
        let expected = "this machine takes every role and label (gpu); `--labels` restricts it";
        assert_eq!(told("labels: [gpu]", None), Ok(vec![expected.to_owned()]));
        let (gpu, big) = (["gpu".to_owned()], ["big".to_owned()]);
        assert_eq!(told("labels: [gpu]", Some(&gpu)), Ok(Vec::new()));
        let expected = "task `a` (ci.yaml:3) wants a worker with `gpu`; `--labels` gives big";
        assert_eq!(told("labels: [gpu]", Some(&big)), Err(expected.to_owned()));
    }

    #[test]
    fn a_label_that_is_known_later_is_told_before_it_is_waited_for() {
        let big = ["big".to_owned()];
        let expected = "task `a` has a role or label that is known when it is ready; if `--labels` does not give it, the task waits";
        let task = "labels: [\"${{ run.id }}\"]";
        assert_eq!(told(task, Some(&big)), Ok(vec![expected.to_owned()]));
    }
}
