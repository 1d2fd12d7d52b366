//! How people name runs and tasks: `@`, a unique beginning of an id, `RUN/TASK`, `RUN/TASK/STEP`.

use crate::board::Board;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::text;
use anyhow::Result;
use engine::rows::TaskRow;
use expr::check::nearest;
use model::ids::RunId;
use store::{RunFilter, Store as _};

/// Candidates listed for a beginning that several runs share.
const CANDIDATES: usize = 10;
/// Characters of an id in lines for people. Four tell the runs of a board apart but for bad luck, and then
/// the ambiguity is said.
const SHORT: usize = 4;

/// The beginning of an id for lines.
pub(crate) fn short(run: RunId) -> String {
    run.as_str()[..SHORT].to_owned()
}

/// The run that `named` means; the newest one for `@` and for nothing.
///
/// # Errors
/// When there is none, or several.
pub(crate) fn run(board: &Board, named: Option<&str>) -> Result<RunId> {
    let Some(named) = named.filter(|named| *named != "@") else {
        return newest(board);
    };
    let prefix = RunId::prefix(named).map_err(|invalid| {
        Fault::usage(invalid.to_string()).help("`formic ls` shows the runs; `@` is the newest one")
    })?;
    let found = board.store.run_find(&prefix, CANDIDATES + 1)?;
    match found.as_slice() {
        [run] => Ok(*run),
        [] => Err(Fault::nothing(format!("no run begins with `{prefix}`"))
            .help("`formic ls` shows the runs that are kept")
            .into()),
        several => Err(ambiguous(&prefix, several).into()),
    }
}

/// The run that `named` means, to do `verb` with it: it has to be of this project.
///
/// # Errors
/// As [`run`], and when it is of another project.
pub(crate) fn own_run(board: &Board, named: Option<&str>, verb: &str) -> Result<RunId> {
    let run = run(board, named)?;
    let head = board.summary(run)?.head;
    match board.other_project(&head) {
        None => Ok(run),
        Some(dir) => {
            let (short, dir) = (short(run), dir.display().to_string());
            let place = text::quoted(&dir);
            Err(
                Fault::usage(format!("run `{run}` is of the project in `{dir}`"))
                    .help(format!(
                        "`formic -C {place} {verb} {short}` takes it up there"
                    ))
                    .into(),
            )
        }
    }
}

fn newest(board: &Board) -> Result<RunId> {
    let filter = RunFilter {
        limit: Some(1),
        ..RunFilter::default()
    };
    let newest = board.runs(&filter)?.pop();
    newest.map(|summary| summary.head.id).ok_or_else(|| {
        Fault::nothing("there are no runs yet")
            .help("`formic run` starts one")
            .into()
    })
}

fn ambiguous(prefix: &str, several: &[RunId]) -> Fault {
    let shown: Vec<&str> = several.iter().take(CANDIDATES).map(RunId::as_str).collect();
    let more = if several.len() > CANDIDATES {
        " and more"
    } else {
        ""
    };
    Fault::new(
        Exit::Usage,
        format!(
            "several runs begin with `{prefix}`: {}{more}",
            shown.join(", ")
        ),
    )
    .help("give more characters")
}

/// A run, and what of it is meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split<'a> {
    /// The run.
    pub run: Option<&'a str>,
    /// The task, perhaps with a step behind it.
    pub inside: Option<&'a str>,
}

/// Splits `RUN/TASK/STEP` behind the run.
pub(crate) fn split(reference: Option<&str>) -> Split<'_> {
    match reference.map(|text| {
        text.split_once('/')
            .map_or((text, None), |(a, b)| (a, Some(b)))
    }) {
        Some((run, inside)) => Split {
            run: Some(run),
            inside,
        },
        None => Split {
            run: None,
            inside: None,
        },
    }
}

/// The task row called `key`.
///
/// # Errors
/// When there is none; the nearest one is named.
pub(crate) fn task<'a>(tasks: &'a [TaskRow], key: &str, run: RunId) -> Result<&'a TaskRow> {
    tasks
        .iter()
        .find(|task| *task.key == *key)
        .ok_or_else(|| unknown_task(tasks, key, run).into())
}

/// A task, and a step of it if one is named: the longest beginning of `inside` that is a task's key.
///
/// # Errors
/// As [`task`].
pub(crate) fn task_and_step<'a, 'k>(
    tasks: &'a [TaskRow],
    inside: &'k str,
    run: RunId,
) -> Result<(&'a TaskRow, Option<&'k str>)> {
    let cuts = inside.rmatch_indices('/').map(|(at, _)| at);
    for cut in std::iter::once(inside.len()).chain(cuts) {
        if let Some(task) = tasks.iter().find(|task| *task.key == inside[..cut]) {
            return Ok((task, inside.get(cut + 1..)));
        }
    }
    Err(unknown_task(tasks, inside, run).into())
}

fn unknown_task(tasks: &[TaskRow], key: &str, run: RunId) -> Fault {
    let fault = Fault::nothing(format!("run `{run}` has no task `{}`", text::plain(key)));
    match nearest(key, tasks.iter().map(|task| &*task.key)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("`formic show {}` lists its tasks", short(run))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::rows::TaskKind;
    use model::ids::{DefNo, TaskNo};

    fn rows() -> Vec<TaskRow> {
        let leaf = |no, key| TaskRow::new(TaskNo(no), DefNo(0), TaskKind::Leaf, key);
        let mut rows = vec![
            TaskRow::new(TaskNo(0), DefNo(0), TaskKind::Matrix, "test"),
            leaf(1, "deploy/migrate"),
            leaf(2, "test[1]"),
            leaf(3, "test[\"a/b\"]"),
        ];
        rows[2].parent = Some(TaskNo(0));
        rows[3].parent = Some(TaskNo(0));
        rows
    }

    fn run_id() -> RunId {
        RunId::from_random(1)
    }

    #[test]
    fn a_step_stands_behind_the_longest_key() {
        let rows = rows();
        let found = |text| {
            let (task, step) = task_and_step(&rows, text, run_id()).unwrap();
            (task.no.0, step.map(str::to_owned))
        };
        assert_eq!(found("deploy/migrate"), (1, None));
        assert_eq!(found("deploy/migrate/sql"), (1, Some("sql".to_owned())));
        assert_eq!(found("test[\"a/b\"]/x"), (3, Some("x".to_owned())));
        assert_eq!(found("test[1]/in/ner"), (2, Some("in/ner".to_owned())));
    }

    #[test]
    fn an_unknown_task_is_told_with_the_nearest() {
        let error = task(&rows(), "tset[1]", run_id()).unwrap_err();
        let told = crate::fault::human(&error, str::to_owned);
        let expected =
            "error: run `000000000001` has no task `tset[1]`\nhelp: did you mean `test[1]`?\n";
        assert_eq!(told, expected);
    }
}
