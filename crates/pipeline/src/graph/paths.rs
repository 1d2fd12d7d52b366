//! Tasks that write into each other's paths wait for each other, which surprises unless they do anyway.
//!
//! Paths are compared as the run compares them: as folders and what is in them, patterns as they are written.

use super::leads_to;
use crate::codes;
use crate::diagnostics::Report;
use crate::read::{Draft, File};
use model::paths::{comparable, overlapping};
use model::plan::Edge;
use std::collections::BTreeMap;

/// Pairs of tasks with one path that are looked at; each may walk the whole graph.
const COMPARED_WRITERS: usize = 1_000;

/// Who writes a path, as it is written there.
type Writer<'f> = (usize, &'f str);

/// Warns of tasks without an order that write one path, or one into the folder of the other.
pub(super) fn check(report: &mut Report<'_>, file: &File, edges: &[Vec<Edge>]) {
    let mut writers: BTreeMap<Box<str>, Writer<'_>> = BTreeMap::new();
    let mut compared = 0;
    for (index, task) in file.tasks.iter().enumerate() {
        let mut told = false;
        for path in task.def.exclusive_paths() {
            if task.members > 1 && !told {
                told = true;
                members(report, task, path);
            }
            let folder = comparable(path);
            for (_, &(earlier, other)) in overlapping(&writers, &folder) {
                if earlier == index {
                    continue;
                }
                compared += 1;
                if compared > COMPARED_WRITERS {
                    return;
                }
                if !leads_to(edges, index, earlier) && !leads_to(edges, earlier, index) {
                    both(report, (&file.tasks[earlier], other), (task, path));
                }
            }
            writers.insert(folder, (index, path));
        }
    }
}

fn members(report: &mut Report<'_>, task: &Draft, path: &str) {
    let span = task.given.first().copied().unwrap_or(task.name_span);
    let name = &task.def.name;
    let message =
        format!("the members of `{name}` all write `{path}`, so they run one after the other");
    report
        .warning(&codes::SHARED_PATH, span, message)
        .help("put a value of the matrix into the path, such as `${{ matrix.NAME }}`");
}

fn both(report: &mut Report<'_>, (other, theirs): (&Draft, &str), (task, path): (&Draft, &str)) {
    let span = task.given.first().copied().unwrap_or(task.name_span);
    let (first, second) = (&other.def.name, &task.def.name);
    let what = if comparable(theirs) == comparable(path) {
        format!("`{first}` and `{second}` both write `{path}`")
    } else {
        format!("`{first}` writes `{theirs}` and `{second}` writes `{path}`, one in the other")
    };
    report
        .warning(
            &codes::SHARED_PATH,
            span,
            format!("{what}, so they never run at the same time"),
        )
        .label(other.name_span, "the other task is here")
        .help("give each a path of its own");
}
