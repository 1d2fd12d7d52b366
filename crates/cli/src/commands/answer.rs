//! `formic approve` and `formic reject`.

use crate::act;
use crate::board::Board;
use crate::edge;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::Project;
use crate::references::{self, short};
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use api::command::AnswerDocument;
use api::run::Life;
use engine::event::Answer;
use engine::machine::Outcome;
use engine::rows::{RunState, TaskRow};
use model::ids::RunId;
use server::send::Sent;
use store::{Command, RunFilter, Store as _};

/// Which task is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run, as the beginning of its id or `@`, and the task; the newest run when it is absent
    #[arg(value_names = ["RUN", "TASK"], num_args = 1..=2, required = true)]
    words: Vec<String>,
}

/// Answers every task that is meant and waits for a person.
pub(crate) fn run(args: &Args, answer: Answer, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let board = Board::must_exist(&project, ui)?;
    let verb = match answer {
        Answer::Approve => "approve",
        Answer::Reject => "reject",
    };
    let (run, key) = match args.words.as_slice() {
        [run, task] => (references::own_run(&board, Some(run), verb)?, task.as_str()),
        [task, ..] => (references::run(&board, None)?, task.as_str()),
        [] => unreachable!("the command line has at least one word"),
    };
    let found = board.summary(run)?;
    if let RunState::Ended(_) = found.row.state {
        let fault = Fault::usage(format!("run `{run}` has ended, so nothing waits in it"))
            .help(format!("`formic show {}` says how", short(run)));
        return Err(elsewhere(&board, fault, key, answer, verb)?.into());
    }
    let tasks = board.store.run_tasks(run)?;
    let meant = engine::rows::leaves(&tasks, references::task(&tasks, key, run)?.no);
    let waiting: Vec<(&TaskRow, Command)> = meant
        .into_iter()
        .filter_map(|task| Some((task, Command::answering(task, answer, edge::person())?)))
        .collect();
    if waiting.is_empty() {
        return Err(nothing_waits(&tasks, key, run, answer).into());
    }
    let mut last = Sent::ToOwner;
    let mut late = Vec::new();
    for (place, (task, command)) in waiting.iter().enumerate() {
        // The answer before may have ended this one too, as the first failure of a matrix does.
        if place > 0 && !still_waits(&board, run, task, answer)? {
            continue;
        }
        last = act::send(&board, run, command)?;
        // Its owner ends it at the same moment, so an answer that is on the way would find nobody who waits.
        if last == Sent::Here(Outcome::Late) || too_late(task).is_some() {
            late.push(*task);
            continue;
        }
        let done = match answer {
            Answer::Approve => "approved",
            Answer::Reject => "rejected",
        };
        ui.say(format!("{done} `{}` of run {run}", task.key));
    }
    if let Some(task) = late.first() {
        return Err(came_too_late(&board, run, task)?.into());
    }
    match last {
        Sent::ToOwner | Sent::Here(Outcome::Late) => {}
        Sent::Here(Outcome::Done) => ui.say(format!(
            "nobody works on the run: `formic resume {}` goes on",
            short(run)
        )),
        Sent::Here(Outcome::Ended) => {
            let ended = board.summary(run)?.row.state;
            ui.say(format!(
                "that ended the run, which has {ended}: `formic show {}` says how",
                short(run)
            ));
        }
    }
    if ui.wish.json {
        let keys = waiting.iter().map(|(task, _)| task.key.to_string());
        let told = match answer {
            Answer::Approve => api::command::Answer::Approve,
            Answer::Reject => api::command::Answer::Reject,
        };
        let document = AnswerDocument::new(run.to_string(), keys.collect(), told);
        ui.document(&document);
    }
    Ok(Exit::Success)
}

/// The fault with the newest run in which a task of this name does wait.
fn elsewhere(board: &Board, fault: Fault, key: &str, answer: Answer, verb: &str) -> Result<Fault> {
    let living = RunFilter {
        living: true,
        ..RunFilter::default()
    };
    for found in board.runs(&living)? {
        let tasks = board.store.run_tasks(found.head.id)?;
        let waits = |task: &TaskRow| *task.key == *key && waits_for(task, answer);
        if tasks.iter().any(waits) {
            let (short, task) = (short(found.head.id), text::quoted(key));
            return Ok(fault.help(format!(
                "it waits in an earlier run: `formic {verb} {short} {task}`"
            )));
        }
    }
    Ok(fault)
}

fn still_waits(board: &Board, run: RunId, task: &TaskRow, answer: Answer) -> Result<bool> {
    let tasks = board.store.run_tasks(run)?;
    let row = tasks.get(task.no.index());
    Ok(row.is_some_and(|row| waits_for(row, answer)))
}

fn waits_for(task: &TaskRow, answer: Answer) -> bool {
    Command::answering(task, answer, String::new()).is_some()
}

/// For how long it has been too late for an answer.
fn too_late(task: &TaskRow) -> Option<u64> {
    let now = edge::now();
    let deadline = task.timer_at.filter(|at| *at <= now)?;
    Some(now.since_ms(deadline))
}

/// The fault that an answer came after its deadline, which is one of a gate.
fn came_too_late(board: &Board, run: RunId, task: &TaskRow) -> Result<Fault> {
    let since = text::duration(too_late(task).unwrap_or(0));
    let fault = Fault::new(
        Exit::Gate,
        format!(
            "the answer comes too late: the deadline of `{}` of run `{run}` passed {since} ago, and so the task has \
             failed",
            text::plain(&task.key)
        ),
    );
    let found = board.summary(run)?;
    let short = short(run);
    Ok(match (found.row.state, Board::life(&found)) {
        (RunState::Ended(_), _) => fault.help(format!(
            "`formic retry {short}` makes a new run, which asks again"
        )),
        (RunState::Queued(_) | RunState::Running, Life::Owned) => {
            fault.help(format!("`formic show {short}` says how the run goes on"))
        }
        (RunState::Queued(_) | RunState::Running, Life::Abandoned) => {
            fault.help(format!("`formic resume {short}` goes on with what is left"))
        }
    })
}

fn nothing_waits(tasks: &[TaskRow], key: &str, run: RunId, answer: Answer) -> Fault {
    let fault = Fault::usage(format!(
        "task `{}` of run `{run}` does not wait for an answer",
        text::plain(key)
    ));
    let others: Vec<String> = tasks
        .iter()
        .filter(|task| waits_for(task, answer))
        .map(|task| format!("`{}`", task.key))
        .collect();
    if others.is_empty() {
        return fault.help(format!("`formic show {}` says what it does", short(run)));
    }
    fault.help(format!("these do: {}", others.join(", ")))
}
