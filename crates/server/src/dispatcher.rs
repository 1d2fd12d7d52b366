//! One process's share of the board: the runs that it owns and the workers that ask it for work.
//!
//! A step handles everything that has come in, writes what changed in one transaction, and only then
//! answers and performs effects. So many transitions share one disk sync, and nothing is told that is not
//! durable.
//!
//! Invariants
//! - No answer leaves before its change is committed.
//! - A run whose commit is refused is dropped from memory: the board is right, the copy is not.
//! - What a worker asked twice is answered twice the same and done once.

mod adopt;
mod effects;
mod groups;
mod keys;
mod leasing;
mod requests;
mod watch;

use api::protocol::{LEASE_MS, RENEW_MS, Reply, Request, Wish};
use engine::event::{Event, Rejected};
use engine::machine::{Corrupt, Machine};
use engine::rows::Changes;
use model::ids::{RunId, WorkerId};
use model::limits::PLAN_BYTES;
use model::plan::{Resources, TaskDef};
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use store::{
    BlobError, BlobStore, ClaimError, Command, Commit, CommitError, LogError, LogSink, Owner,
    OwnerToken, Store, StoreError,
};

/// How often the board is asked whether others wrote to it. A fifth of the time in which a cancel from
/// elsewhere has to be noticed (250 ms), with room for a slow disk.
const POLL_MS: u64 = 50;

/// Opens the log of a worker.
pub type OpenLog = Box<dyn Fn(&WorkerId) -> Box<dyn LogSink> + Send>;
/// Whether an owner lives, as far as can be known.
pub type Alive = Box<dyn Fn(&Owner, Timestamp) -> bool + Send>;

/// The time of day, given the time as the process lives it: processes of other machines compare with their own clocks,
/// and only the time of day goes on while a machine is asleep.
pub type TimeOfDay = Box<dyn Fn(Timestamp) -> Timestamp + Send>;

/// Makes room for tasks that were generated into the file with this name: what the worker has for tasks from then on, or
/// why one of them could never start.
pub type TakeIn = Box<dyn FnMut(&str, &[TaskDef]) -> Result<Resources, String> + Send>;

/// What a dispatcher works with.
pub struct Parts {
    /// The board.
    pub store: Arc<dyn Store>,
    /// Large content.
    pub blobs: Arc<dyn BlobStore>,
    /// Opens the log of a worker.
    pub logs: OpenLog,
    /// This process as an owner; its `until` is set anew with each renewal.
    pub owner: Owner,
    /// Whether an owner lives, as far as can be known.
    pub alive: Alive,
    /// The time of day.
    pub time_of_day: TimeOfDay,
    /// Makes room for generated tasks where one worker takes all of a run; `None`: they wait for a worker that fits.
    pub take_in: Option<TakeIn>,
}

/// Something that came in.
#[derive(Debug, Clone)]
pub enum Input {
    /// A worker asks.
    Request(Request),
    /// A worker of this process is gone for certain.
    WorkerGone(WorkerId),
    /// Somebody in this process wants something of a run.
    Command(RunId, Command),
    /// No task is leased from now on.
    Drain,
}

/// Something that goes out.
#[derive(Debug, Clone)]
pub enum Output {
    /// An answer.
    Reply(WorkerId, Reply),
    /// The worker should renew soon: there is something to stop.
    Nudge(WorkerId),
    /// The one worker has this much for tasks from now on.
    Capacity(Resources),
    /// This is durable by now.
    Changed(RunId, Box<Changes>),
    /// The run is not this process's any more.
    Lost(RunId, String),
}

/// The board cannot be used any more. What was not answered did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// Rows.
    #[error("the board cannot be written")]
    Store(#[from] StoreError),
    /// Logs.
    #[error("the log cannot be written")]
    Log(#[from] LogError),
    /// Blobs.
    #[error("content cannot be kept")]
    Blob(#[from] BlobError),
    /// A run that cannot be loaded.
    #[error("run `{run}` cannot be loaded: {why}")]
    Damaged {
        /// The run.
        run: RunId,
        /// What does not fit.
        why: String,
    },
    /// Rows of a run that contradict each other.
    #[error("run `{run}` cannot be loaded")]
    Corrupt {
        /// The run.
        run: RunId,
        /// What does not fit.
        source: Corrupt,
    },
    /// A plan that could not be read back.
    #[error(
        "the plan takes {found_bytes} bytes as JSON, and a plan may take {PLAN_BYTES}; split the pipeline"
    )]
    PlanTooLarge {
        /// What it takes.
        found_bytes: usize,
    },
    /// Somebody else has it.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

/// See the module.
pub struct Dispatcher {
    parts: Parts,
    runs: BTreeMap<RunId, Owned>,
    workers: BTreeMap<WorkerId, Worker>,
    draining: bool,
    /// The store's number of foreign writes at the last look.
    seen: u64,
    poll_at: Timestamp,
    renew_at: Timestamp,
    groups: groups::Groups,
    batch: Batch,
    /// Workers that should renew soon.
    nudges: BTreeSet<WorkerId>,
    /// Runs that have their place again: now their tasks may ask for theirs.
    let_in: BTreeSet<RunId>,
    /// What the one worker has for tasks, once that was said for generated ones.
    capacity: Option<Resources>,
    /// Whether it has to be told so.
    has_grown: bool,
}

/// A run in memory.
struct Owned {
    machine: Machine,
    token: OwnerToken,
    /// The group in which the run, taken over from a dead process, has no place yet: nothing of it is leased.
    held: Option<Held>,
}

/// A place in a group that a run had before its process died.
#[derive(Clone)]
struct Held {
    group: String,
    limit: u32,
    mode: model::plan::GroupMode,
}

/// What is known of a worker that asks.
struct Worker {
    log: Box<dyn LogSink>,
    /// A wish for work that could not be met yet.
    wish: Option<Parked>,
    /// The newest answers by number: a request that comes again gets the same.
    answered: BTreeMap<u64, Reply>,
    /// When it was heard last.
    heard_at: Timestamp,
    /// The most tasks that it asked for or held at once: it has at least so many slots.
    slots: usize,
}

/// A wish that waits.
struct Parked {
    /// The request's number.
    number: u64,
    wish: Wish,
    /// When it was heard last. A worker repeats it; one that does not is gone.
    heard_at: Timestamp,
}

/// Answers remembered for a worker with so many slots. It has fewer requests under way: one wish, one renewal, and one
/// key, one append and one report for each slot; twice that, because an answer may be late by as many.
const fn answers(slots: usize) -> usize {
    2 * (2 + 3 * slots)
}

/// After this silence a worker to which nothing is leased is forgotten, with its answers. Its lease ends after a
/// tenth of it; a request of it that is still on its way then is handled anew, and its token is refused.
const FORGET_MS: u64 = 10 * LEASE_MS;

/// What the step at hand has changed, and what follows from it once it is durable.
#[derive(Default)]
struct Batch {
    changes: BTreeMap<RunId, (u64, Changes)>,
    answers: Vec<Answer>,
    logs: BTreeSet<WorkerId>,
    blobs: bool,
    events: VecDeque<(RunId, Event)>,
}

/// An answer that waits for the commit.
struct Answer {
    worker: WorkerId,
    number: u64,
    kind: AnswerKind,
}

enum AnswerKind {
    Leased,
    Renewed {
        lost: Vec<(model::ids::AttemptId, model::ids::Token)>,
    },
    Appended {
        kept: u64,
    },
    Keyed {
        of: (model::ids::AttemptId, model::ids::Token),
        refused: Option<Rejected>,
    },
    Reported {
        report: (model::ids::AttemptId, model::ids::Token),
        refused: Option<Rejected>,
    },
}

impl Dispatcher {
    /// A dispatcher that owns no run yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            runs: BTreeMap::new(),
            workers: BTreeMap::new(),
            draining: false,
            seen: 0,
            poll_at: Timestamp(0),
            renew_at: Timestamp(0),
            groups: BTreeMap::new(),
            batch: Batch::default(),
            nudges: BTreeSet::new(),
            let_in: BTreeSet::new(),
            capacity: None,
            has_grown: false,
        }
    }

    /// Handles what came in and everything that is due. `entropy` is random; it spreads retries.
    ///
    /// # Errors
    /// When the board cannot be used; what was handled is then not durable and was not answered.
    pub fn step(
        &mut self,
        now: Timestamp,
        entropy: u64,
        inputs: Vec<Input>,
    ) -> Result<Vec<Output>, Fatal> {
        let mut out = Vec::new();
        for (place, input) in inputs.into_iter().enumerate() {
            self.take_in(
                now,
                entropy.rotate_left(u32::try_from(place % 64).unwrap_or(0)),
                input,
                &mut out,
            )?;
        }
        self.look_around(now)?;
        self.fire_due(now);
        loop {
            while let Some((run, event)) = self.batch.events.pop_front() {
                self.handle(run, event, now);
            }
            self.meet_wishes(now);
            let effects = self.commit(&mut out)?;
            self.perform(effects, now)?;
            self.enter_for_tasks(now)?;
            if self.batch.events.is_empty() {
                if std::mem::take(&mut self.has_grown) {
                    // Before the answers: whoever asks again says what is free by it.
                    let grown = self.capacity.clone().map(Output::Capacity);
                    out.splice(0..0, grown);
                }
                out.extend(
                    std::mem::take(&mut self.nudges)
                        .into_iter()
                        .map(Output::Nudge),
                );
                return Ok(out);
            }
        }
    }

    /// When [`Self::step`] has to be called even if nothing comes in.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let deadlines = self
            .runs
            .values()
            .filter_map(|run| run.machine.next_deadline());
        let own = (!self.runs.is_empty()).then_some(self.poll_at.min(self.renew_at));
        deadlines.map(|(at, _)| at).chain(own).min()
    }

    /// How many workers are remembered.
    #[must_use]
    pub fn known_workers(&self) -> usize {
        self.workers.len()
    }

    /// The run in memory.
    #[must_use]
    pub fn machine(&self, run: RunId) -> Option<&Machine> {
        self.runs.get(&run).map(|owned| &owned.machine)
    }

    fn take_in(
        &mut self,
        now: Timestamp,
        entropy: u64,
        input: Input,
        out: &mut Vec<Output>,
    ) -> Result<(), Fatal> {
        match input {
            Input::Request(request) => self.request(request, now, entropy, out)?,
            Input::WorkerGone(worker) => {
                for run in self.runs.keys() {
                    let event = Event::WorkerGone {
                        worker: worker.clone(),
                    };
                    self.batch.events.push_back((*run, event));
                }
                self.workers.remove(&worker);
            }
            Input::Command(run, command) => {
                self.batch.events.push_back((run, Event::Command(command)))
            }
            Input::Drain => self.draining = true,
        }
        Ok(())
    }

    /// Lets a machine handle an event and keeps what changed for the commit.
    fn handle(&mut self, run: RunId, event: Event, now: Timestamp) -> Option<Rejected> {
        let owned = self.runs.get_mut(&run)?;
        let before = owned.machine.run().version;
        match owned.machine.handle(event, now) {
            Err(rejected) => Some(rejected),
            Ok(changes) if changes.is_empty() => None,
            Ok(changes) => {
                self.keep(run, before, changes);
                None
            }
        }
    }

    fn keep(&mut self, run: RunId, before: u64, changes: Changes) {
        match self.batch.changes.get_mut(&run) {
            Some((_, earlier)) => earlier.merge(changes),
            None => {
                self.batch.changes.insert(run, (before, changes));
            }
        }
    }

    /// Writes the batch in one transaction; then answers. Returns the effects to perform.
    fn commit(
        &mut self,
        out: &mut Vec<Output>,
    ) -> Result<Vec<(RunId, engine::rows::EffectRow)>, Fatal> {
        let batch = std::mem::take(&mut self.batch);
        let Batch {
            changes,
            answers,
            logs,
            blobs,
            events,
        } = batch;
        self.batch.events = events;
        for worker in &logs {
            if let Some(worker) = self.workers.get_mut(worker) {
                worker.log.sync()?;
            }
        }
        if blobs {
            self.parts.blobs.sync()?;
        }
        let commits: Vec<Commit<'_>> = changes
            .iter()
            .filter_map(|(run, (expected_version, changes))| {
                let owner = &self.runs.get(run)?.token;
                Some(Commit {
                    run: *run,
                    expected_version: *expected_version,
                    owner,
                    changes,
                })
            })
            .collect();
        let mut lost: BTreeMap<RunId, String> = BTreeMap::new();
        if !commits.is_empty() {
            let written: Vec<RunId> = commits.iter().map(|commit| commit.run).collect();
            let results = self.parts.store.run_commit(&commits);
            for (run, result) in written.into_iter().zip(results) {
                match result {
                    Ok(()) => {}
                    Err(CommitError::Store(error)) => return Err(error.into()),
                    Err(refused) => {
                        lost.insert(run, refused.to_string());
                    }
                }
            }
        }
        let carried = BTreeSet::new();
        let mut written = requests::Written {
            changes: &changes,
            lost: &lost,
            carried,
        };
        for answer in answers {
            self.answer(answer, &mut written, out);
        }
        let mut effects = Vec::new();
        for (run, (_, changes)) in changes {
            if let Some(why) = lost.remove(&run) {
                self.runs.remove(&run);
                out.push(Output::Lost(run, why));
                continue;
            }
            effects.extend(changes.effects.iter().map(|row| (run, row.clone())));
            let ended = matches!(changes.run.state, engine::rows::RunState::Ended(_));
            if ended && !changes.only_acknowledges() {
                self.record_durations(run)?;
            }
            out.push(Output::Changed(run, Box::new(changes)));
        }
        Ok(effects)
    }
}
