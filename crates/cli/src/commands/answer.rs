//! `formic approve` and `formic reject`.

use crate::act::{self, Sent};
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
use engine::event::Answer;
use engine::rows::{RunState, TaskRow, TaskState};
use model::ids::RunId;
use model::reason::Gate;
use store::{Command, Store as _};

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
    let (run, key) = match args.words.as_slice() {
        [run, task] => (references::run(&board, Some(run))?, task.as_str()),
        [task, ..] => (references::run(&board, None)?, task.as_str()),
        [] => unreachable!("the command line has at least one word"),
    };
    let found = board.summary(run)?;
    if let RunState::Ended(_) = found.row.state {
        return Err(
            Fault::usage(format!("run `{run}` has ended, so nothing waits in it"))
                .help(format!("`formic show {}` says how", short(run)))
                .into(),
        );
    }
    let tasks = board.store.run_tasks(run)?;
    let meant = references::leaves(&tasks, references::task(&tasks, key, run)?.no);
    let waiting: Vec<(&TaskRow, Command)> = meant
        .into_iter()
        .filter_map(|task| Some((task, command(task, answer)?)))
        .collect();
    if waiting.is_empty() {
        return Err(nothing_waits(&tasks, key, run, answer).into());
    }
    let mut last = Sent::ToOwner;
    for (task, command) in &waiting {
        last = act::send(&board, run, command)?;
        let done = match answer {
            Answer::Approve => "approved",
            Answer::Reject => "rejected",
        };
        ui.say(format!("{done} `{}` of run {run}", task.key));
    }
    if last == Sent::Done {
        ui.say(format!(
            "nobody works on the run: `formic resume {}` goes on",
            short(run)
        ));
    }
    if ui.wish.json {
        let keys = waiting.iter().map(|(task, _)| task.key.to_string());
        let approved = answer == Answer::Approve;
        ui.document(&AnswerDocument::new(
            run.to_string(),
            keys.collect(),
            approved,
        ));
    }
    Ok(Exit::Success)
}

/// The command that answers a task, if it waits for one.
fn command(task: &TaskRow, answer: Answer) -> Option<Command> {
    let by = edge::person();
    match (task.state, answer) {
        (TaskState::Blocked(Gate::Approval), answer) => Some(Command::Answer {
            task: task.no,
            answer,
            by,
        }),
        (TaskState::Blocked(Gate::Manual), Answer::Approve) => {
            Some(Command::StartManual { task: task.no, by })
        }
        (TaskState::Blocked(Gate::Manual), Answer::Reject)
        | (
            TaskState::Queued(_) | TaskState::Running | TaskState::Open | TaskState::Ended(_),
            Answer::Approve | Answer::Reject,
        ) => None,
    }
}

fn nothing_waits(tasks: &[TaskRow], key: &str, run: RunId, answer: Answer) -> Fault {
    let fault = Fault::usage(format!(
        "task `{}` of run `{run}` does not wait for an answer",
        text::plain(key)
    ));
    let others: Vec<String> = tasks
        .iter()
        .filter(|task| command(task, answer).is_some())
        .map(|task| format!("`{}`", task.key))
        .collect();
    if others.is_empty() {
        return fault.help(format!("`formic show {}` says what it does", short(run)));
    }
    fault.help(format!("these do: {}", others.join(", ")))
}
