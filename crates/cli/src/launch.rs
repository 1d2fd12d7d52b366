//! Drives one run from this process, narrates it, and says how it ended.

use crate::board::Board;
use crate::capacity::{self, Fit};
use crate::drive::{self, Blocked, End};
use crate::edge;
use crate::exit::{self, Exit};
use crate::fault::Fault;
use crate::group;
use crate::progress::{self, Narrator};
use crate::prompt::Prompter;
use crate::references::short;
use crate::ui::Ui;
use anyhow::Result;
use api::protocol::Chunk;
use api::run::{Life, RunDocument, run_status};
use engine::machine::Machine;
use engine::rows::{
    AttemptResult, AttemptRow, Changes, Effect, EventRow, RunHead, RunState, TaskKind, TaskRow,
    TaskState, Transition,
};
use model::digest::Digest;
use model::ids::{AttemptId, RunId, TaskNo};
use model::plan::Plan;
use model::reason::QueueReason;
use model::source::Source;
use server::Fatal;
use server::local::{LocalError, Start, Watcher};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use store::{SqliteStore, Store as _};

/// Options of every command that drives a run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Tasks that run at once; as many as there are CPUs when absent
    #[arg(short = 'j', long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1024))]
    slots: Option<u32>,
    /// Take only tasks that ask for no other roles and labels than these
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    labels: Option<Vec<String>>,
    /// Print one JSON line for each event, and the run's document as the last one
    #[arg(long)]
    pub(crate) events: bool,
}

/// The id of a run that does not exist yet.
///
/// # Errors
/// When there is no randomness.
pub(crate) fn fresh() -> Result<RunId> {
    Ok(RunId::from_random(edge::random()?))
}

/// A run that does not exist yet.
pub(crate) struct New {
    /// Its id.
    pub run: RunId,
    /// What it does.
    pub plan: Plan,
    /// What it runs on.
    pub source: Source,
    /// The run that it repeats.
    pub parent: Option<engine::rows::Parent>,
    /// Whether every task gets a worktree of its own.
    pub clean: bool,
}

impl New {
    /// Its head.
    ///
    /// # Errors
    /// When the board cannot be read.
    fn head(&self, board: &Board) -> Result<RunHead> {
        Ok(RunHead {
            id: self.run,
            pipeline: self.plan.name.clone(),
            // The dispatcher sets it to the address under which it keeps the plan.
            plan: Digest::of(b""),
            created_at: edge::now(),
            source: self.source.clone(),
            by: edge::person(),
            parent: self.parent.clone(),
            clean: self.clean,
            expected_ms: board.store.durations(&self.plan.name)?,
        })
    }
}

/// Creates a run and drives it to its end.
///
/// # Errors
/// When the board or the executor fails.
pub(crate) fn create(board: &Board, new: New, options: &Options, ui: &Ui) -> Result<Exit> {
    let run = new.run;
    let head = new.head(board)?;
    let fit = capacity::fit(&new.plan, options.labels.as_deref())?;
    introduce(&head, ui);
    let start = Start::New {
        head: Box::new(head),
        plan: Box::new(new.plan),
    };
    let narrator = Narrator::new(run, options.events, ui);
    let worker = Worker::new(fit, None, options, ui);
    drive_to_end(board, start, worker, narrator, ui)
}

/// Takes over a run that nobody owns and drives it to its end, in `source` if that is not where it was.
///
/// # Errors
/// When somebody owns it, or the board or the executor fails.
pub(crate) fn take_over(
    board: &Board,
    run: RunId,
    source: Option<PathBuf>,
    options: &Options,
    ui: &Ui,
) -> Result<Exit> {
    let head = board.summary(run)?.head;
    let fit = capacity::fit(&board.plan(&head)?, options.labels.as_deref())?;
    introduce(&head, ui);
    let by = edge::person();
    let worker = Worker::new(fit, source, options, ui);
    let mut narrator = Narrator::new(run, options.events, ui);
    narrator.goes_on(&interrupted(board, run)?);
    drive_to_end(board, Start::TakeOver { run, by }, worker, narrator, ui)
}

/// The tasks that were begun and neither ended nor failed.
fn interrupted(board: &Board, run: RunId) -> Result<Vec<String>> {
    let mut newest: BTreeMap<TaskNo, AttemptRow> = BTreeMap::new();
    for attempt in board.store.run_attempts(run, None)? {
        newest.insert(attempt.task, attempt);
    }
    let stopped = |task: &TaskRow| {
        let end = newest.get(&task.no).map(|attempt| attempt.end.as_ref());
        match end {
            Some(Some(end)) => end.result == AttemptResult::Interrupted,
            Some(None) => true,
            None => false,
        }
    };
    let tasks = board.store.run_tasks(run)?;
    let living = tasks.iter().filter(|task| task.ended().is_none());
    let open = living.filter(|task| task.kind == TaskKind::Leaf && stopped(task));
    Ok(open.map(|task| task.key.to_string()).collect())
}

fn introduce(head: &RunHead, ui: &Ui) {
    let source = crate::summary::source(&head.source);
    let pipeline = crate::text::plain(&head.pipeline);
    ui.say(format!("pipeline {pipeline} · {source} · run {}", head.id));
}

/// What this process does for a run.
struct Worker {
    driving: drive::Options,
    events: bool,
}

impl Worker {
    fn new(fit: Fit, source: Option<PathBuf>, options: &Options, ui: &Ui) -> Self {
        for note in &fit.notes {
            ui.say(format!("note: {note}"));
        }
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let slots = options
            .slots
            .unwrap_or_else(|| u32::try_from(cpus).unwrap_or(1));
        Self {
            driving: drive::Options {
                slots,
                labels: options.labels.clone(),
                capacity: Some(fit.capacity),
                by: edge::person(),
                source,
            },
            events: options.events,
        }
    }
}

fn drive_to_end(
    board: &Board,
    start: Start,
    worker: Worker,
    narrator: Narrator<'_>,
    ui: &Ui,
) -> Result<Exit> {
    let Worker { driving, events } = worker;
    let run = narrator.run();
    let mut watcher = Eyes {
        narrator,
        store: Arc::clone(&board.store),
        prompter: Prompter::new(run, Arc::clone(&board.store)),
        blocked: 0,
        ui,
    };
    let driven = drive::drive(board, start, driving, &mut watcher, drop)
        .map_err(|error| left(error, run, board))?;
    let found = board.summary(run)?;
    let tasks = board.store.run_tasks(run)?;
    // Everybody may look at a run that was left; this process does not work on it any more.
    let status = run_status(&found.row, &tasks, Life::Abandoned);
    for asks in crate::summary::questions(status, &tasks) {
        ui.say(asks);
    }
    watcher.narrator.finish(status, &found, &tasks, driven.end);
    if ui.wish.json || events {
        let attempts = board.store.run_attempts(run, None)?;
        let life = Life::Abandoned;
        ui.document(&RunDocument::of(
            &found.head,
            &found.row,
            &tasks,
            &attempts,
            life,
        ));
    }
    if driven.end == End::Ended {
        crate::source::forget(run, board);
        // The run is over either way; what was not removed is removed by the next one.
        if let Err(error) = board.sweep() {
            ui.warn(format!("old runs cannot be removed: {error:#}"));
        }
    }
    let interrupted = driven.signal == Some(SIGINT);
    Ok(match (driven.end, driven.signal) {
        (End::Ended, _) => exit::of_ended(&found.row, &tasks, interrupted),
        (End::Blocked, _) => Exit::Pending,
        (End::Interrupted, Some(signal)) => Exit::after_signal(signal),
        (End::Interrupted | End::Lost | End::Broken, _) => Exit::Infrastructure,
    })
}

/// Trouble with the board in the middle of a run: what was told is kept, so a person can go on with it.
fn left(error: anyhow::Error, run: RunId, board: &Board) -> anyhow::Error {
    let of_disk = matches!(
        error.downcast_ref(),
        Some(LocalError::Board(
            Fatal::Store(_) | Fatal::Log(_) | Fatal::Blob(_)
        ))
    );
    let is_there = board.dir.join("board.sqlite").exists();
    let found = board.summary(run).ok();
    let goes_on = found.is_some_and(|found| !matches!(found.row.state, RunState::Ended(_)));
    if !(of_disk && is_there && goes_on) {
        return error;
    }
    let run = short(run);
    let message = format!("run `{run}` had to be left as it is");
    let help = format!("`formic resume {run}` goes on when this is mended");
    error.context(Fault::new(Exit::Infrastructure, message).help(help))
}

/// The number of the signal that Ctrl-C sends.
const SIGINT: i32 = 2;

/// Sees what happens, and asks the person who sits here.
struct Eyes<'a> {
    narrator: Narrator<'a>,
    store: Arc<SqliteStore>,
    prompter: Prompter,
    /// Tasks that waited for a person at the last look.
    blocked: u32,
    ui: &'a Ui,
}

impl Watcher for Eyes<'_> {
    fn changed(&mut self, changes: &Changes, machine: &Machine) {
        self.narrator.changed(changes, machine);
        if changes.events.iter().any(queues_in_group) {
            self.tell_waits(machine);
        }
        let blocked = machine.run().counts.blocked;
        let is_news = blocked != self.blocked || changes.events.iter().any(blocks);
        self.blocked = blocked;
        // Only then are all tasks looked at.
        if is_news && self.ui.is_interactive() {
            self.prompter.ask(&progress::questions(machine), self.ui);
        }
    }

    fn output(&mut self, id: AttemptId, key: &str, chunks: &[Chunk]) {
        for chunk in chunks {
            self.narrator.output(id.task, key, &chunk.bytes);
        }
    }

    fn blocked(&mut self, _: &Machine) -> Blocked {
        if self.ui.is_interactive() {
            Blocked::Wait
        } else {
            Blocked::Leave
        }
    }

    fn broken(&mut self, cause: &str) {
        self.ui
            .tell(format!("the process that starts commands is gone: {cause}"));
    }
}

impl Eyes<'_> {
    /// Says what the run waits for in groups, and who holds it.
    fn tell_waits(&mut self, machine: &Machine) {
        if !group::waits(machine.run().state, machine.tasks()) {
            return;
        }
        let effects = machine.effects().values();
        let waits = |effect: &&Effect| matches!(effect, Effect::EnterGroup { .. });
        let effects = effects.filter(waits).take(WAITS_TOLD);
        // A board that cannot be read ends the run by itself; here only a sentence is missing.
        let waits = group::of(effects, machine.tasks(), &*self.store).unwrap_or_default();
        for wait in &waits {
            self.narrator.waits(wait);
        }
    }
}

/// Of many tasks that wait for groups the first are told; `formic show` has all.
const WAITS_TOLD: usize = 10;

/// Whether the run, or a task, may have begun to wait for a place in a group.
fn queues_in_group(event: &EventRow) -> bool {
    match event.what {
        Transition::RunCreated | Transition::TakenOver { .. } => true,
        Transition::TaskMoved { state, .. } => {
            state == TaskState::Queued(QueueReason::ConcurrencyGroup)
        }
        Transition::RunAdmitted
        | Transition::CancelAsked { .. }
        | Transition::RunEnded(_)
        | Transition::Leased { .. }
        | Transition::Started { .. }
        | Transition::AttemptEnded { .. }
        | Transition::TaskEnded { .. }
        | Transition::Approved { .. }
        | Transition::Rejected { .. }
        | Transition::Generated { .. } => false,
    }
}

/// Whether a task began to wait for a person.
const fn blocks(event: &EventRow) -> bool {
    matches!(
        event.what,
        Transition::TaskMoved {
            state: TaskState::Blocked(_),
            ..
        }
    )
}
