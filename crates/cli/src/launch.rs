//! Drives one run from this process, narrates it, and says how it ended.

use crate::board::{Board, may_be_deleted};
use crate::capacity::{self, Fit};
use crate::company;
use crate::drive::{self, Blocked, End};
use crate::edge;
use crate::exit::{self, Exit};
use crate::fault::Fault;
use crate::group;
use crate::progress::{self, Narrator};
use crate::prompt::Prompter;
use crate::references::short;
use crate::source::Place;
use crate::summary;
use crate::told;
use crate::ui::Ui;
use anyhow::Result;
use api::protocol::Chunk;
use api::run::{Life, RunDocument, run_status};
use engine::machine::Machine;
use engine::repeat;
use engine::rows::{Changes, Effect, EventRow, RunHead, RunState, TaskState, Transition};
use model::digest::Digest;
use model::ids::{AttemptId, RunId};
use model::plan::Plan;
use model::reason::QueueReason;
use model::source::Source;
use server::Fatal;
use server::local::{LocalError, Start, Watcher};
use std::path::PathBuf;
use std::sync::Arc;
use store::{BlobError, ClaimError, LogError, SqliteStore, Store as _, StoreError};

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
    /// What it runs on, with the project's folder.
    pub source: Source,
    /// Where that is.
    pub place: Place,
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

/// Makes sure that this machine could run `plan` with the labels of `options`.
///
/// # Errors
/// When a task asks for more than there is.
pub(crate) fn must_fit(plan: &Plan, options: &Options) -> Result<()> {
    capacity::fit(plan, options.labels.as_deref())?;
    Ok(())
}

/// Creates a run and drives it to its end.
///
/// # Errors
/// When the board or the executor fails.
pub(crate) fn create(board: &Board, new: New, options: &Options, ui: &Ui) -> Result<Exit> {
    let run = new.run;
    let head = new.head(board)?;
    let fit = capacity::fit(&new.plan, options.labels.as_deref())?;
    let narrator = Narrator::new(run, introduction(&head, &fit), options.events, ui);
    let start = Start::New {
        head: Box::new(head),
        plan: Box::new(new.plan),
    };
    let worker = Worker::new(fit, new.place, options);
    drive_to_end(board, start, worker, narrator, ui)
}

/// Takes over a run that nobody owns and drives it to its end, at `place`.
///
/// # Errors
/// When somebody owns it, or the board or the executor fails.
pub(crate) fn take_over(
    board: &Board,
    run: RunId,
    place: Place,
    options: &Options,
    ui: &Ui,
) -> Result<Exit> {
    let head = board.summary(run)?.head;
    let fit = capacity::fit(&board.plan_so_far(run)?, options.labels.as_deref())?;
    let by = edge::person();
    let mut narrator = Narrator::new(run, introduction(&head, &fit), options.events, ui);
    let worker = Worker::new(fit, place, options);
    narrator.goes_on(&interrupted(board, run)?);
    drive_to_end(board, Start::TakeOver { run, by }, worker, narrator, ui)
}

/// The keys of the tasks that are begun again.
fn interrupted(board: &Board, run: RunId) -> Result<Vec<String>> {
    let attempts = board.store.run_attempts(run, None)?;
    let tasks = board.store.run_tasks(run)?;
    let again = repeat::interrupted(&tasks, &attempts);
    Ok(again.iter().map(|task| task.key.to_string()).collect())
}

/// What is said first, once the run is on the board and this process owns it.
fn introduction(head: &RunHead, fit: &Fit) -> Vec<String> {
    let source = crate::summary::source(&head.source);
    let pipeline = crate::text::plain(&head.pipeline);
    let first = format!("pipeline {pipeline} · {source} · run {}", head.id);
    let notes = fit.notes.iter().map(|note| format!("note: {note}"));
    std::iter::once(first).chain(notes).collect()
}

/// The process that a run goes on in, in words.
pub(crate) fn process(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

/// The fault that a run goes on in another process.
pub(crate) fn is_owned(run: RunId, pid: Option<u32>) -> Fault {
    Fault::usage(format!("run `{run}` goes on in {}", process(pid)))
        .help(format!("`formic logs -f {}` follows it", short(run)))
}

/// The fault that a run which is to be gone on with has ended.
pub(crate) fn has_ended(run: RunId) -> Fault {
    Fault::usage(format!(
        "run `{run}` has ended, and ended runs never change"
    ))
    .help(format!(
        "`formic retry {}` makes a new run of what did not succeed",
        short(run)
    ))
}

/// What this process does for a run.
struct Worker {
    driving: drive::Options,
    events: bool,
    /// Whether it works in a clean worktree because the tree has changed.
    has_changed: bool,
}

impl Worker {
    fn new(fit: Fit, place: Place, options: &Options) -> Self {
        let slots = options.slots.unwrap_or_else(server::machine::cpus);
        Self {
            driving: drive::Options {
                slots,
                labels: options.labels.clone(),
                take_in: Some(capacity::take_in(
                    fit.capacity.clone(),
                    options.labels.clone(),
                )),
                capacity: Some(fit.capacity),
                by: edge::person(),
                source: place.dir,
            },
            events: options.events,
            has_changed: place.has_changed,
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
    let Worker {
        driving,
        events,
        has_changed,
    } = worker;
    let run = narrator.run();
    let mut watcher = Eyes {
        narrator,
        store: Arc::clone(&board.store),
        prompter: Prompter::new(run, Arc::clone(&board.store)),
        blocked: 0,
        dir: driving.source.clone(),
        board,
        ui,
    };
    let driven = drive::drive(board, start, driving, &mut watcher, drop)
        .map_err(|error| left(error, run, board, ui))?;
    let found = board
        .summary(run)
        .map_err(|error| left(error, run, board, ui))?;
    let tasks = board.store.run_tasks(run)?;
    // Everybody may look at a run that was left; this process does not work on it any more.
    let status = run_status(&found.row, &tasks, Life::Abandoned);
    for asks in summary::questions(status, &tasks) {
        ui.say(asks);
    }
    let mut hints = summary::hints(&found.head, status, &tasks);
    if has_changed && status == "failed" {
        hints.insert(0, format!("formic retry --here {}", short(run)));
    }
    if let Some(option) = board.way() {
        // Each is a command of ours.
        for hint in &mut hints {
            *hint = hint.replacen("formic", &format!("formic {option}"), 1);
        }
    }
    watcher.narrator.finish(status, &found, &hints, driven.end);
    if ui.wish.json || events {
        let attempts = board.store.run_attempts(run, None)?;
        let life = Life::Abandoned;
        let document = RunDocument::of(&found.head, &found.row, &tasks, &attempts, life);
        ui.document(&document.telling(told::summaries(board, &tasks, &attempts)));
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

/// Trouble with the board in the middle of a run: what was told is kept, so a person can go on with it, unless the
/// board itself is gone.
fn left(error: anyhow::Error, run: RunId, board: &Board, ui: &Ui) -> anyhow::Error {
    if let Err(gone) = board.store.must_be_there() {
        // Whatever failed first: this is why.
        return anyhow::Error::from(gone).context(lost(run, board));
    }
    match error.downcast_ref() {
        Some(LocalError::Board(Fatal::Claim(ClaimError::Owned { owner, .. }))) => {
            return is_owned(run, Some(owner.pid)).into();
        }
        Some(LocalError::Board(Fatal::Claim(ClaimError::Store(StoreError::RunEnded(_))))) => {
            return has_ended(run).into();
        }
        Some(LocalError::Board(
            Fatal::Store(_) | Fatal::Log(_) | Fatal::Blob(_) | Fatal::Claim(ClaimError::Store(_)),
        )) => {}
        Some(_) | None => return error,
    }
    let is_full = is_full(&error);
    if is_full {
        board.make_room(ui);
    }
    let found = board.summary(run).ok();
    let goes_on = found.is_some_and(|found| !matches!(found.row.state, RunState::Ended(_)));
    let fault = if goes_on {
        let run = short(run);
        let message = format!("run `{run}` had to be left as it is");
        Fault::new(Exit::Infrastructure, message)
            .help(format!("`formic resume {run}` goes on when this is mended"))
    } else if is_full {
        Fault::new(Exit::Infrastructure, "the run could not be begun")
    } else {
        return error;
    };
    error.context(if is_full {
        may_be_deleted(fault, &board.dir)
    } else {
        fault
    })
}

/// Whether an error is that a disk is full.
fn is_full(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(StoreError::Full { .. }))
            || matches!(cause.downcast_ref(), Some(LogError::Full { .. }))
            || matches!(cause.downcast_ref(), Some(BlobError::Full { .. }))
    })
}

/// The fault that a run is lost with its board.
fn lost(run: RunId, board: &Board) -> Fault {
    let dir = board.dir.display();
    let message = format!("run `{run}` is lost: its board in `{dir}` is gone");
    let fault = Fault::new(Exit::Infrastructure, message);
    if !board.dir.ends_with(".formic/state") {
        return fault
            .help("something deleted it while the run went on; `formic run` makes a new one");
    }
    fault
        .help("a task of this run may have deleted it, as `git clean -fdx` and `rm -rf .formic` do")
        .help("`git clean -fdx -e .formic` keeps it; so does a board elsewhere, by `FORMIC_STATE`")
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
    /// Where the run works, when not where it was recorded.
    dir: Option<PathBuf>,
    board: &'a Board,
    ui: &'a Ui,
}

impl Watcher for Eyes<'_> {
    fn changed(&mut self, changes: &Changes, machine: &Machine) {
        self.narrator.changed(changes, machine);
        if changes.events.iter().any(begins) {
            self.tell_company(machine.head());
        }
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

    fn interrupted(&mut self, machine: &Machine) {
        self.narrator.interrupted(machine.live().count());
    }

    fn broken(&mut self, cause: &str) {
        self.ui
            .tell(format!("the process that starts commands is gone: {cause}"));
    }
}

impl Eyes<'_> {
    /// Says which other runs work in the same folder. This one is on the board by now: of two that begin at once, one
    /// sees the other.
    fn tell_company(&self, head: &RunHead) {
        let Some(folder) = company::shared(head, self.dir.as_deref(), self.board) else {
            return;
        };
        // A board that cannot be read ends the run by itself; here only a sentence is missing.
        if let Ok(Some(note)) = company::note(head.id, &folder, self.board) {
            self.ui.say(note);
        }
    }

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

/// Whether this process begins to work on the run.
const fn begins(event: &EventRow) -> bool {
    matches!(
        event.what,
        Transition::RunCreated | Transition::TakenOver { .. }
    )
}

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
        | Transition::Reused { .. }
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
