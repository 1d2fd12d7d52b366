//! The world of one seed: a clock, a queue of what comes, processes with a dispatcher each, workers with an executor
//! each, and a person.
//!
//! Nothing happens at once with anything else, nothing reads a clock, no set is without an order: one seed is one
//! schedule. What may happen to a process: it dies between two steps or in the middle of one; it stands still and
//! is taken for dead. What a store has taken is durable, whatever becomes of who asked.

mod processes;
mod seats;

use crate::disk::{Journal, Written};
use crate::faults::Fault;
use crate::logs::Logs;
use crate::plans::{self, Drawn};
use crate::random::Random;
use crate::site::FakeSite;
use crate::trace::Trace;
use crate::watch::Watch;
use crate::weather::{Stroke, Weather};
use crate::wire::Wire;
use engine::event::Answer;
use engine::rows::{RunState, TaskState};
use model::ids::{AttemptId, RunId, WorkerId};
use model::reason::{CancelCause, CancelMode, Gate};
use model::time::Timestamp;
use processes::Process;
use seats::{Seat, Word};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use store::{Command, MemoryBlobs, MemoryStore, Store};
use worker::site::tree_key;

/// So long after the last fault everything has to have ended.
const BOUND_MS: u64 = 600_000;
/// So long the world goes on when everything has ended: nothing may change then.
const AFTERMATH_MS: u64 = 40_000;
/// More events than any honest world has.
const EVENTS_MAX: u64 = 2_000_000;

/// What became of a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The digest of everything that happened.
    pub digest: u64,
    /// How many things happened.
    pub steps: u64,
    /// The first rule that was broken.
    pub broken: Option<String>,
    /// How often something worth knowing happened.
    pub seen: BTreeMap<&'static str, u64>,
    /// What happened, if that was wanted.
    pub lines: Vec<String>,
}

/// Something that comes.
#[derive(Debug)]
enum Coming {
    /// Something arrives at a process.
    Arrives(usize, Box<server::Input>),
    /// A process goes on.
    Step(usize),
    /// What a process had to say leaves it, its disk being done.
    Leaves(usize, Vec<server::Output>),
    /// Something arrives at a worker, in one of its lives.
    Word(usize, u32, Word),
    /// A worker goes on.
    Wake(usize, u32),
    /// Something bad, or somebody acts.
    Stroke(Stroke),
    /// A run is to be created.
    Create(usize),
    /// Somebody looks after what a process left.
    TakeOver(usize),
    /// A worker whose process is gone finds another one.
    Home { seat: usize, from: usize, to: usize },
    /// A worker begins its next life.
    Start(usize),
    /// The person looks at the board.
    Person,
    /// Nothing bad happens from now on.
    Calm,
}

/// A run of this world.
struct Planned {
    id: RunId,
    drawn: Drawn,
    cancel_sent: bool,
}

pub(crate) struct World {
    seed: u64,
    now: Timestamp,
    queue: BTreeMap<(Timestamp, u64), Coming>,
    order: u64,
    random: Random,
    weather: Weather,
    is_calm: bool,
    truth: MemoryStore,
    store: Arc<dyn Store>,
    wire: Box<dyn Wire>,
    blobs: MemoryBlobs,
    logs: Logs,
    journal: Journal,
    /// Owners that are taken for alive.
    alive: Arc<Mutex<BTreeSet<u64>>>,
    site: FakeSite,
    processes: Vec<Process>,
    seats: Vec<Seat>,
    /// The seat and life of every name that a worker ever had.
    names: BTreeMap<WorkerId, (usize, u32)>,
    runs: Vec<Planned>,
    watch: Watch,
    trace: Trace,
}

/// Lives through a seed.
pub(crate) fn live(seed: u64, fault: Option<Fault>, keeps_lines: bool) -> Outcome {
    let mut world = World::new(seed, fault, keeps_lines);
    let lived = catch_unwind(AssertUnwindSafe(|| world.go_on()));
    if let Err(panic) = lived {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let text = text.unwrap_or_default();
        world.watch.say(format!("something panicked: {text}"));
    }
    let World { watch, trace, .. } = world;
    Outcome {
        seed,
        digest: trace.digest(),
        steps: trace.steps,
        broken: watch.broken().map(str::to_owned),
        seen: watch.seen,
        lines: trace.into_lines(),
    }
}

impl World {
    fn new(seed: u64, fault: Option<Fault>, keeps_lines: bool) -> Self {
        let weather = Weather::draw(&mut Random::stream(seed, 1));
        let mut plans = Random::stream(seed, 2);
        let mut runs: Vec<Planned> = (0..weather.runs)
            .map(|number| Planned {
                id: RunId::from_random(number as u64 + 1),
                drawn: plans::draw(&mut plans, weather.company),
                cancel_sent: false,
            })
            .collect();
        // The same again: what the first one gave may stand for what the second one would do.
        if let [first, second] = &mut runs[..]
            && plans.chance(600)
        {
            second.drawn = first.drawn.clone();
        }
        let truth = MemoryStore::new();
        let store = fault.map_or_else(
            || Arc::new(truth.clone()) as Arc<dyn Store>,
            |fault| fault.store(truth.clone()),
        );
        let logs = Logs::default();
        let blobs = MemoryBlobs::new();
        let mut world = Self {
            seed,
            now: Timestamp(0),
            queue: BTreeMap::new(),
            order: 0,
            random: Random::stream(seed, 3),
            is_calm: false,
            truth,
            store,
            wire: Fault::wire(fault),
            site: FakeSite::new(blobs.clone()),
            blobs,
            watch: Watch::new(logs.clone()),
            logs,
            journal: Journal::default(),
            alive: Arc::default(),
            processes: Vec::new(),
            seats: Vec::new(),
            names: BTreeMap::new(),
            runs,
            trace: Trace::new(keeps_lines),
            weather,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.site.files().fails = self.weather.moody;
        if self.weather.quiet {
            self.watch.quiet();
        }
        let first = self.process();
        for seat in 0..self.weather.seats {
            self.seats.push(Seat::empty(first));
            let after_ms = self.random.below(300);
            self.later(after_ms, Coming::Start(seat));
        }
        self.later(0, Coming::Create(0));
        if self.runs.len() > 1 {
            if self.random.chance(500) {
                self.process();
            }
            let after_ms = self.random.below(3_000);
            self.later(after_ms, Coming::Create(1));
        }
        for (at_ms, stroke) in self.weather.strokes.clone() {
            self.later(at_ms, Coming::Stroke(stroke));
        }
        self.later(self.weather.calm_ms, Coming::Calm);
        self.later(500, Coming::Person);
    }

    fn go_on(&mut self) {
        let mut events = 0;
        let mut ended_at = None;
        while self.watch.broken().is_none() {
            let Some(((at, _), coming)) = self.queue.pop_first() else {
                break;
            };
            self.now = at;
            self.handle(coming);
            self.look_at_journal();
            events += 1;
            if self.is_calm && self.watch.all_ended() {
                let ended_at = *ended_at.get_or_insert(self.now);
                if self.now > ended_at.plus_ms(AFTERMATH_MS) {
                    break;
                }
            }
            let bound = Timestamp(0).plus_ms(self.weather.calm_ms + BOUND_MS);
            if self.now > bound || events > EVENTS_MAX {
                let text = self.watch.unended();
                self.watch.say(format!("not everything ends: {text}"));
            }
        }
        if self.watch.broken().is_none() {
            self.look_at_the_end();
        }
        if let Some(broken) = self.watch.broken() {
            let broken = broken.to_owned();
            self.trace.note(self.now, format_args!("BROKEN {broken}"));
        }
    }

    fn handle(&mut self, coming: Coming) {
        match coming {
            Coming::Arrives(process, input) => self.arrives(process, *input),
            Coming::Step(process) => self.step(process),
            Coming::Leaves(process, outputs) => self.leaves(process, outputs),
            Coming::Word(seat, life, word) => self.word(seat, life, word),
            Coming::Wake(seat, life) => self.wake(seat, life),
            Coming::Stroke(stroke) => self.stroke(stroke),
            Coming::Create(run) => self.create(run),
            Coming::TakeOver(process) => self.take_over(process),
            Coming::Home { seat, from, to } => {
                if self.seats[seat].home == from {
                    self.seats[seat].home = to;
                }
            }
            Coming::Start(seat) => self.start_worker(seat),
            Coming::Person => self.person(),
            Coming::Calm => self.calm(),
        }
    }

    fn later(&mut self, after_ms: u64, coming: Coming) {
        self.at(self.now.plus_ms(after_ms), coming);
    }

    fn at(&mut self, at: Timestamp, coming: Coming) {
        self.order += 1;
        self.queue.insert((at, self.order), coming);
    }

    fn note(&mut self, what: fmt::Arguments<'_>) {
        self.trace.note(self.now, what);
    }

    /// When the copies of a message arrive, none if it is lost. `lost`: it is in any case.
    fn mail(&mut self, lost: bool) -> Vec<u64> {
        if self.is_calm {
            return vec![self.random.range(1, 5)];
        }
        if lost || self.random.chance(self.weather.loss_permille) {
            self.watch.count("messages lost");
            return Vec::new();
        }
        let copies = if self.random.chance(self.weather.double_permille) {
            2
        } else {
            1
        };
        (0..copies)
            .map(|_| {
                if self.random.chance(self.weather.late_permille) {
                    self.random.range(100, 20_000)
                } else {
                    self.random.range(1, 15)
                }
            })
            .collect()
    }

    fn look_at_journal(&mut self) {
        for written in self.journal.take() {
            let Written {
                run, fence, rows, ..
            } = &written;
            let text = format_args!(
                "board: run {run} version {} of owner {fence}: {}",
                rows.run.version, rows.run.state
            );
            self.trace.note(self.now, text);
            for event in &written.events {
                self.trace
                    .note(self.now, format_args!("  {:?}", event.what));
                self.watch.event(&event.what);
            }
            let seats = &self.seats;
            let lives = |id: AttemptId| {
                let mut executors = seats.iter().map(|seat| &seat.executor);
                executors.any(|executor| executor.lives(id, &tree_key(id)))
            };
            self.watch.written(written, self.now, &lives);
            let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
            self.watch.groups(&|owner| alive.contains(&owner));
        }
    }

    fn calm(&mut self) {
        self.note(format_args!("calm"));
        self.is_calm = true;
        self.watch.calm(self.now);
        self.site.files().fails = false;
        for seat in &mut self.seats {
            seat.executor.fails = false;
            seat.cut_until = Timestamp(0);
            seat.deaf_until = Timestamp(0);
        }
    }

    fn stroke(&mut self, stroke: Stroke) {
        self.note(format_args!("stroke: {stroke:?}"));
        match stroke {
            Stroke::ProcessDies { touches } => self.strike_process(touches),
            Stroke::ProcessStalls(pause_ms) => self.stall_process(pause_ms),
            Stroke::WorkerDies(seat) => self.worker_dies(seat),
            Stroke::WorkerStalls(seat, pause_ms) => self.worker_stalls(seat, pause_ms),
            Stroke::CutOff(seat, pause_ms) => {
                self.seats[seat].cut_until = self.now.plus_ms(pause_ms);
            }
            Stroke::Deaf(seat, pause_ms) => {
                self.seats[seat].deaf_until = self.now.plus_ms(pause_ms);
            }
            Stroke::SpawnerDies(seat) => self.spawner_dies(seat),
            Stroke::WorkerLeaves(seat) => self.worker_leaves(seat),
            Stroke::Cancel {
                run,
                mode,
                by_board,
            } => self.cancel(run, mode, by_board),
            Stroke::Rival => self.rival(),
        }
    }

    fn cancel(&mut self, run: usize, mode: CancelMode, by_board: bool) {
        let id = self.runs[run].id;
        let command = Command::Cancel {
            mode,
            cause: CancelCause::Person,
            by: "person".to_owned(),
        };
        if !by_board {
            let owner = self
                .watch
                .owner(id)
                .and_then(|owner| usize::try_from(owner).ok());
            if let Some(owner) = owner {
                let input = server::Input::Command(id, command);
                self.later(1, Coming::Arrives(owner, Box::new(input)));
            }
            return;
        }
        // A run that has ended or was not created cannot be canceled.
        if let Ok(seq) = self.store.inbox_append(id, &command) {
            self.watch.count("cancels through the board");
            self.watch.cancel_asked(id, seq, mode);
        }
    }

    /// Answers what waits for a person, late; cancels in calm weather what does not end by itself.
    fn person(&mut self) {
        let wait_ms = self.random.range(400, 2_500);
        self.later(wait_ms, Coming::Person);
        let living: BTreeSet<AttemptId> = self
            .seats
            .iter()
            .flat_map(|seat| seat.executor.living())
            .map(|(id, _)| id)
            .collect();
        self.watch.look_around(self.now, &living);
        for place in 0..self.runs.len() {
            let owner = self.watch.living_owner(self.runs[place].id);
            let owner = owner.and_then(|owner| usize::try_from(owner).ok());
            if let Some(owner) = owner.filter(|owner| self.is_alive(*owner)) {
                self.must_have_seat(owner);
            }
        }
        for place in 0..self.runs.len() {
            let (run, all_good) = (self.runs[place].id, self.runs[place].drawn.all_good);
            let Some(rows) = self.watch.rows(run) else {
                continue;
            };
            if let RunState::Ended(_) = rows.run.state {
                continue;
            }
            let started_at = rows.run.started_at;
            let mut commands = Vec::new();
            for row in &rows.tasks {
                let TaskState::Blocked(gate) = row.state else {
                    continue;
                };
                if !self.is_calm && !self.random.chance(400) {
                    continue;
                }
                let (task, by) = (row.no, "person".to_owned());
                let rejects = !all_good && self.random.chance(200);
                commands.push(match gate {
                    Gate::Approval if rejects => Command::Answer {
                        task,
                        answer: Answer::Reject,
                        by,
                    },
                    Gate::Approval => Command::Answer {
                        task,
                        answer: Answer::Approve,
                        by,
                    },
                    Gate::Manual => Command::StartManual { task, by },
                });
            }
            for command in commands {
                self.watch.count("answers");
                self.note(format_args!("person: {run} {command:?}"));
                // The run may have ended meanwhile.
                drop(self.store.inbox_append(run, &command));
            }
            let waited = started_at.is_some_and(|at| self.now.since_ms(at) > 15_000);
            let settled = self.now.0 > i64::try_from(self.weather.calm_ms).unwrap_or(0) + 20_000;
            let planned = &mut self.runs[place];
            if planned.drawn.needs_cancel
                && !planned.cancel_sent
                && self.is_calm
                && waited
                && settled
            {
                planned.cancel_sent = true;
                self.note(format_args!("person: cancels {run}"));
                self.cancel(place, CancelMode::Finally, true);
            }
        }
    }

    fn look_at_the_end(&mut self) {
        for (seat, place) in self.seats.iter().enumerate() {
            if !place.executor.is_idle() {
                self.watch
                    .say(format!("processes of seat {seat} live on at the end"));
            }
        }
        for planned in &self.runs {
            if self.watch.was_disturbed(planned.id) {
                continue;
            }
            self.watch.count("runs with a known end");
            let Drawn {
                all_good, expected, ..
            } = &planned.drawn;
            self.watch.ends(planned.id, *all_good, expected.as_ref());
        }
    }

    fn is_alive(&self, process: usize) -> bool {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.contains(&(process as u64))
    }

    fn set_alive(&self, process: usize, lives: bool) {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        if lives {
            alive.insert(process as u64);
        } else {
            alive.remove(&(process as u64));
        }
    }
}
