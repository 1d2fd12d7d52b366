//! `formic logs`.

use crate::board::Board;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::log::{self, Selected};
use crate::project::Project;
use crate::references;
use crate::summary::has_ended;
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use api::run::Life;
use engine::rows::{AttemptRow, TaskKind, TaskRow};
use model::ids::{AttemptId, RunId, TaskNo};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use store::{LogReader, Store as _};

/// How often a followed run is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Print what tasks printed
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RUN, RUN/TASK or RUN/TASK/STEP; the newest run when absent
    #[arg(value_name = "RUN[/TASK[/STEP]]")]
    reference: Option<String>,
    /// The attempt, from 1; the newest one when absent
    #[arg(long, value_name = "NUMBER")]
    attempt: Option<u32>,
    /// Go on printing until the run has ended
    #[arg(short, long)]
    follow: bool,
}

/// Prints the logs of the selected attempts, in order of their tasks.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let board = Board::must_exist(&project, ui)?;
    let named = references::split(args.reference.as_deref());
    let run = references::run(&board, named.run)?;
    if args.follow && ui.wish.json {
        return Err(Fault::usage("`--follow` and `--json` exclude each other")
            .help("`formic run --events` follows a run for machines")
            .into());
    }
    let tasks = board.store.run_tasks(run)?;
    let (task, step) = match named.inside {
        Some(inside) => {
            let (task, step) = references::task_and_step(&tasks, inside, run)?;
            (Some(task.no), step)
        }
        None => (None, None),
    };
    if args.follow {
        return follow(&board, run, task, ui);
    }
    let chosen = chosen(&board, run, &tasks, task, args.attempt)?;
    let selected: Vec<Selected<'_>> = chosen
        .iter()
        .map(|(row, attempt)| Selected {
            run,
            task: row,
            attempt,
            step,
        })
        .collect();
    if let (Some(step), [one]) = (step, selected.as_slice()) {
        log::must_have_step(one, step)?;
    }
    if ui.wish.json {
        log::document(&board, run, &selected, ui)?;
    } else {
        log::print(&board, &selected, ui)?;
        for line in elsewhere(&tasks, task) {
            ui.say(line);
        }
    }
    Ok(Exit::Success)
}

/// The attempts to print, with their tasks.
fn chosen<'a>(
    board: &Board,
    run: RunId,
    tasks: &'a [TaskRow],
    task: Option<TaskNo>,
    attempt: Option<u32>,
) -> Result<Vec<(&'a TaskRow, AttemptRow)>> {
    let rows: Vec<&TaskRow> = match task {
        Some(task) => engine::rows::leaves(tasks, task),
        None => tasks
            .iter()
            .filter(|row| row.kind == TaskKind::Leaf)
            .collect(),
    };
    let only = match rows.as_slice() {
        [one] => Some(one.no),
        _ => None,
    };
    let mut attempts: BTreeMap<TaskNo, AttemptRow> = BTreeMap::new();
    for row in board.store.run_attempts(run, only)? {
        if attempt.is_none_or(|wanted| row.attempt.0 == wanted) {
            attempts.insert(row.task, row);
        }
    }
    let chosen: Vec<(&TaskRow, AttemptRow)> = rows
        .into_iter()
        .filter_map(|row| Some((row, attempts.remove(&row.no)?)))
        .collect();
    match (chosen.is_empty(), attempt) {
        (true, Some(number)) => {
            Err(Fault::nothing(format!("nothing selected has an attempt {number}")).into())
        }
        (true, None) if task.is_some() => Err(match reused(tasks, task).next() {
            Some((run, row)) => {
                let key = text::plain(&row.key);
                Fault::nothing(format!("`{key}` was reused, so it printed nothing here")).help(
                    format!("`formic logs {}` prints what it said", place(run, row)),
                )
            }
            None => Fault::nothing("the task has not been started, so it printed nothing"),
        }
        .into()),
        (true | false, _) => Ok(chosen),
    }
}

/// Where those of the selected tasks printed whose results were made in other runs.
fn elsewhere(tasks: &[TaskRow], task: Option<TaskNo>) -> Vec<String> {
    let mut from: BTreeMap<RunId, Vec<&TaskRow>> = BTreeMap::new();
    for (run, row) in reused(tasks, task) {
        from.entry(run).or_default().push(row);
    }
    let lines = from.into_iter().map(|(run, rows)| match rows.as_slice() {
        [one] => format!(
            "`{}` was reused; `formic logs {}` prints what it said",
            text::plain(&one.key),
            place(run, one)
        ),
        rows => format!(
            "{} were reused; `formic logs {}` prints what they said",
            text::count(rows.len(), "task"),
            references::short(run)
        ),
    });
    lines.collect()
}

/// The selected tasks whose results were made in other runs, with these.
fn reused(tasks: &[TaskRow], task: Option<TaskNo>) -> impl Iterator<Item = (RunId, &TaskRow)> {
    let rows = match task {
        Some(task) => engine::rows::leaves(tasks, task),
        None => tasks.iter().collect(),
    };
    rows.into_iter()
        .filter(|row| row.kind == TaskKind::Leaf)
        .filter_map(|row| Some((row.reused_from?, row)))
}

/// How a task of another run is named.
fn place(run: RunId, row: &TaskRow) -> String {
    text::quoted(&format!("{}/{}", references::short(run), row.key))
}

/// Prints new output of living attempts until the run has ended or nobody works on it.
fn follow(board: &Board, run: RunId, task: Option<TaskNo>, ui: &Ui) -> Result<Exit> {
    let mut following = Following::default();
    loop {
        let found = board.summary(run)?;
        let over = has_ended(found.row.state) || Board::life(&found) == Life::Abandoned;
        following.look(board, run, task, found.row.version)?;
        following.print(board, ui)?;
        ui.flush();
        if over || ui.is_unread() {
            following.printer.end(&|line| ui.data(line));
            return Ok(Exit::Success);
        }
        std::thread::sleep(LOOK);
    }
}

/// The attempts whose output is still to come. What has ended and was printed is let go.
#[derive(Default)]
struct Following {
    /// The run's version at the last look at its rows.
    version: Option<u64>,
    tasks: Vec<TaskRow>,
    open: BTreeMap<AttemptId, (AttemptRow, Option<LogReader>)>,
    printed: BTreeSet<AttemptId>,
    printer: log::Printer,
}

impl Following {
    /// Takes in what the rows say, if they have changed.
    fn look(
        &mut self,
        board: &Board,
        run: RunId,
        task: Option<TaskNo>,
        version: u64,
    ) -> Result<()> {
        if self.version == Some(version) {
            return Ok(());
        }
        self.tasks = board.store.run_tasks(run)?;
        let wanted: Option<BTreeSet<TaskNo>> = task.map(|task| {
            let leaves = engine::rows::leaves(&self.tasks, task);
            leaves.iter().map(|row| row.no).collect()
        });
        for row in board.store.run_attempts(run, None)? {
            let (task, attempt) = (row.task, row.attempt);
            let id = AttemptId { run, task, attempt };
            let is_wanted = wanted.as_ref().is_none_or(|wanted| wanted.contains(&task));
            if is_wanted && !self.printed.contains(&id) {
                let reader = self.open.remove(&id).and_then(|(_, reader)| reader);
                self.open.insert(id, (row, reader));
            }
        }
        self.version = Some(version);
        Ok(())
    }

    /// Prints what has come, and lets go of attempts that have ended: all they printed was there before.
    fn print(&mut self, board: &Board, ui: &Ui) -> Result<()> {
        let mut ended = Vec::new();
        for (id, (row, reader)) in &mut self.open {
            if reader.is_none() {
                *reader = log::reader(board, id.run, row)?;
            }
            if let Some(reader) = reader {
                let key = &self.tasks[row.task.index()].key;
                while let Some(frame) = reader.next_frame()? {
                    self.printer.frame(key, &frame.bytes, &|line| ui.data(line));
                }
            }
            if row.end.is_some() {
                *reader = None;
                ended.push(*id);
            }
        }
        for id in ended {
            self.open.remove(&id);
            self.printed.insert(id);
        }
        Ok(())
    }
}
