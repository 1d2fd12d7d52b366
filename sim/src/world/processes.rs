//! Processes with a dispatcher: they step, die, stand still, and are followed by others.

use super::seats::Seat;
use super::{Coming, World};
use crate::disk::Disk;
use crate::layer::Over;
use engine::machine::Machine;
use engine::rows::{RunHead, RunState};
use model::digest::Digest;
use model::ids::RunId;
use model::source::Source;
use model::time::Timestamp;
use server::{Dispatcher, Fatal, Input, Output, Parts};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use store::{BlobStore, ClaimError, LogSink, Owner, Store, StoreError};

/// A process. Its place in the list is the nonce of its owner.
pub(super) struct Process {
    dispatcher: Option<Dispatcher>,
    disk: Disk,
    mailbox: Vec<Input>,
    busy_until: Timestamp,
    stalls_until: Timestamp,
    /// The one step that was ordered last; others do not count.
    step_at: Option<Timestamp>,
}

impl World {
    /// Starts a process; its place.
    pub(super) fn process(&mut self) -> usize {
        let place = self.processes.len();
        let disk = Disk::new(
            Arc::clone(&self.store),
            self.truth.clone(),
            self.journal.clone(),
        );
        let nonce = place as u64;
        let (logs, alive) = (self.logs.clone(), Arc::clone(&self.alive));
        let dispatcher = Dispatcher::new(Parts {
            store: Arc::new(Over(disk.clone())),
            blobs: Arc::new(self.blobs.clone()) as Arc<dyn BlobStore>,
            logs: Box::new(move |worker| Box::new(logs.of(nonce, worker)) as Box<dyn LogSink>),
            owner: owner(nonce, self.now),
            alive: Box::new(move |owner, _| {
                let alive = alive.lock().unwrap_or_else(PoisonError::into_inner);
                alive.contains(&owner.nonce)
            }),
            time_of_day: Box::new(|now| now),
            take_in: None,
        });
        self.processes.push(Process {
            dispatcher: Some(dispatcher),
            disk,
            mailbox: Vec::new(),
            busy_until: self.now,
            stalls_until: self.now,
            step_at: None,
        });
        self.set_alive(place, true);
        self.note(format_args!("process {place} starts"));
        place
    }

    /// The process that new things go to: the newest that is taken for alive.
    pub(super) fn newest(&self) -> Option<usize> {
        let mut places = (0..self.processes.len()).rev();
        places.find(|place| self.is_alive(*place) && self.processes[*place].dispatcher.is_some())
    }

    pub(super) fn arrives(&mut self, place: usize, input: Input) {
        let process = &mut self.processes[place];
        if process.dispatcher.is_none() {
            return;
        }
        process.mailbox.push(input);
        let at = self.now.max(process.busy_until).max(process.stalls_until);
        self.order_step(place, at);
    }

    fn order_step(&mut self, place: usize, at: Timestamp) {
        let process = &mut self.processes[place];
        if process.step_at.is_none_or(|ordered| at < ordered) {
            process.step_at = Some(at);
            self.at(at, Coming::Step(place));
        }
    }

    pub(super) fn step(&mut self, place: usize) {
        let process = &mut self.processes[place];
        if process.step_at != Some(self.now) {
            return;
        }
        process.step_at = None;
        let free_at = process.busy_until.max(process.stalls_until);
        if free_at > self.now {
            return self.order_step(place, free_at);
        }
        let Some(mut dispatcher) = process.dispatcher.take() else {
            return;
        };
        let inputs = std::mem::take(&mut process.mailbox);
        if !inputs.is_empty() {
            let count = inputs.len();
            self.note(format_args!("process {place} takes {count}"));
        }
        let entropy = self.random.bits();
        let result = dispatcher.step(self.now, entropy, inputs);
        self.stepped(place, dispatcher, result);
    }

    /// A step is done: what it has to say leaves when the disk is done with it.
    fn stepped(
        &mut self,
        place: usize,
        dispatcher: Dispatcher,
        result: Result<Vec<Output>, Fatal>,
    ) {
        let written = self.journal_runs();
        self.look_at_journal();
        match result {
            Ok(outputs) => {
                for run in &written {
                    let owner = self.watch.owner(*run) == Some(place as u64);
                    if let Some(machine) = dispatcher.machine(*run).filter(|_| owner) {
                        self.watch.machine(machine);
                    }
                }
                let slow = !written.is_empty() && !self.is_calm;
                let most_ms = if slow { self.weather.disk_ms } else { 1 };
                let disk_ms = self.random.below(most_ms + 1);
                let wakes_at = dispatcher.next_wake();
                let process = &mut self.processes[place];
                process.dispatcher = Some(dispatcher);
                process.busy_until = self.now.plus_ms(disk_ms);
                if !outputs.is_empty() {
                    self.later(disk_ms, Coming::Leaves(place, outputs));
                }
                if let Some(at) = wakes_at {
                    let tired_ms = self.random.range(20, 180);
                    let at = at.max(self.now.plus_ms(tired_ms));
                    self.order_step(place, at);
                }
            }
            Err(fatal) => {
                let died = died_of_its_disk(&fatal);
                self.note(format_args!("process {place} dies: {fatal}"));
                if !died {
                    let causes = causes(&fatal);
                    self.watch
                        .say(format!("process {place} cannot go on: {causes}"));
                }
                drop(dispatcher);
                self.process_dies(place);
            }
        }
    }

    /// Runs that somebody wrote to since the last look.
    fn journal_runs(&self) -> Vec<RunId> {
        self.journal.runs()
    }

    pub(super) fn leaves(&mut self, place: usize, outputs: Vec<Output>) {
        let process = &self.processes[place];
        if process.dispatcher.is_none() {
            return;
        }
        if process.stalls_until > self.now {
            let at = process.stalls_until;
            return self.at(at, Coming::Leaves(place, outputs));
        }
        for output in outputs {
            match output {
                Output::Reply(worker, reply) => {
                    for (worker, reply) in self.wire.reply(worker, reply) {
                        self.send_to_worker(place, &worker, super::Word::Reply(Box::new(reply)));
                    }
                }
                Output::Nudge(worker) => {
                    if self.wire.nudge() {
                        self.send_to_worker(place, &worker, super::Word::Nudge);
                    }
                }
                Output::Capacity(..) | Output::Changed(..) => {}
                Output::Lost(run, why) => {
                    if self.watch.owner(run) == Some(place as u64) {
                        self.watch
                            .say(format!("process {place} gave up its run {run}: {why}"));
                    }
                    self.watch.count("runs lost to others");
                    self.note(format_args!("process {place} lost {run}: {why}"));
                }
            }
        }
    }

    pub(super) fn strike_process(&mut self, touches: Option<u64>) {
        let Some(place) = self.random_process() else {
            return;
        };
        match touches {
            Some(touches) => self.processes[place].disk.die_after(touches),
            None => self.process_dies(place),
        }
    }

    fn random_process(&mut self) -> Option<usize> {
        let living = |place: &usize| self.processes[*place].dispatcher.is_some();
        let places: Vec<usize> = (0..self.processes.len()).filter(living).collect();
        (!places.is_empty()).then(|| *self.random.pick(&places))
    }

    fn process_dies(&mut self, place: usize) {
        self.note(format_args!("process {place} is dead"));
        self.watch.count("processes died");
        self.processes[place].dispatcher = None;
        self.processes[place].mailbox.clear();
        let known = self.is_alive(place);
        self.set_alive(place, false);
        if self.weather.embedded {
            for seat in 0..self.seats.len() {
                if self.seats[seat].home == place {
                    self.worker_dies(seat);
                }
            }
        }
        // Of one that was taken for dead before, somebody took over.
        if known {
            let after_ms = self.random.range(300, 5_000);
            self.later(after_ms, Coming::TakeOver(place));
        }
    }

    pub(super) fn stall_process(&mut self, pause_ms: u64) {
        let Some(place) = self.random_process() else {
            return;
        };
        self.processes[place].stalls_until = self.now.plus_ms(pause_ms);
        if pause_ms > 3_000 && self.is_alive(place) {
            self.watch.count("processes taken for dead");
            self.set_alive(place, false);
            let after_ms = self.random.range(1, pause_ms);
            self.later(after_ms, Coming::TakeOver(place));
        }
    }

    /// A new process takes what one left.
    pub(super) fn take_over(&mut self, of: usize) {
        let place = self.process();
        if !self.is_calm && self.random.chance(150) {
            let touches = self.random.below(10);
            self.processes[place].disk.die_after(touches);
        }
        for seat in 0..self.seats.len() {
            if self.seats[seat].home == of {
                let after_ms = self.random.range(1, 6_000);
                let home = Coming::Home {
                    seat,
                    from: of,
                    to: place,
                };
                self.later(after_ms, home);
            }
        }
        let left: Vec<RunId> = self
            .runs
            .iter()
            .map(|planned| planned.id)
            .filter(|run| self.watch.owner(*run) == Some(of as u64))
            .filter(|run| {
                let rows = self.watch.rows(*run);
                rows.is_some_and(|rows| !matches!(rows.run.state, RunState::Ended(_)))
            })
            .collect();
        for run in left {
            let Some(mut dispatcher) = self.processes[place].dispatcher.take() else {
                // It died at the run before.
                let after_ms = self.random.range(300, 5_000);
                return self.later(after_ms, Coming::TakeOver(of));
            };
            self.note(format_args!("process {place} takes over {run}"));
            let result = dispatcher.take_over(run, "somebody", self.now);
            match result {
                Err(Fatal::Claim(ClaimError::Store(StoreError::RunEnded(_)))) => {
                    self.processes[place].dispatcher = Some(dispatcher);
                }
                result => {
                    let failed = result.is_err();
                    self.stepped(place, dispatcher, result);
                    if failed {
                        let after_ms = self.random.range(300, 5_000);
                        self.later(after_ms, Coming::TakeOver(of));
                    }
                }
            }
        }
    }

    /// A process with a run has a worker, as `formic run` has.
    pub(super) fn must_have_seat(&mut self, place: usize) {
        if self.seats.iter().all(|seat| seat.home != place) {
            self.seats.push(Seat::empty(place));
            self.later(5, Coming::Start(self.seats.len() - 1));
        }
    }

    pub(super) fn create(&mut self, run: usize) {
        let (id, plan) = (self.runs[run].id, self.runs[run].drawn.plan.clone());
        let exists = self.truth.run_fetch(id).expect("memory does not fail");
        if exists.is_some() {
            return;
        }
        let Some(place) = self.newest() else {
            return self.later(500, Coming::Create(run));
        };
        if self.processes[place].stalls_until > self.now {
            return self.later(500, Coming::Create(run));
        }
        if run > 0 && self.random.chance(300) {
            self.note(format_args!("the source changes"));
            self.site.files().source += 1;
            self.watch.source_changes(self.now);
        }
        let head = RunHead {
            id,
            pipeline: "sim".to_owned(),
            plan: Digest::of(b""),
            created_at: self.now,
            source: Source::default(),
            by: "person".to_owned(),
            parent: None,
            clean: self.random.chance(300),
            expected_ms: BTreeMap::new(),
        };
        self.note(format_args!("process {place} creates {id}"));
        self.must_have_seat(place);
        let mut rows = Machine::create(head.clone(), plan.clone(), self.now)
            .machine
            .snapshot();
        rows.run.version = 0;
        self.watch.expect(id, &plan, rows);
        let mut dispatcher = self.processes[place].dispatcher.take().expect("it lives");
        let result = dispatcher.create(head, plan, self.now);
        let failed = result.is_err();
        self.stepped(place, dispatcher, result);
        if failed {
            self.later(1_000, Coming::Create(run));
        }
    }

    /// Somebody tries to own a run whose owner lives.
    pub(super) fn rival(&mut self) {
        for planned in 0..self.runs.len() {
            let run = self.runs[planned].id;
            let Some(of) = self
                .watch
                .owner(run)
                .and_then(|of| usize::try_from(of).ok())
            else {
                continue;
            };
            if !self.is_alive(of) {
                continue;
            }
            let alive = Arc::clone(&self.alive);
            let lives = move |owner: &Owner| {
                let alive = alive.lock().unwrap_or_else(PoisonError::into_inner);
                alive.contains(&owner.nonce)
            };
            let rival = owner(u64::MAX, self.now);
            if self.store.owner_claim(run, &rival, &lives).is_ok() {
                self.watch.say(format!(
                    "run {run} was taken from process {of}, which lives"
                ));
            }
        }
    }
}

fn owner(nonce: u64, now: Timestamp) -> Owner {
    Owner {
        host: "sim".to_owned(),
        boot_id: "sim".to_owned(),
        pid_ns: 0,
        pid: 1,
        start_ticks: nonce,
        nonce,
        until: now,
    }
}

/// Whether this is the disk that was told to die.
fn died_of_its_disk(fatal: &Fatal) -> bool {
    match fatal {
        Fatal::Store(StoreError::Io { .. })
        | Fatal::Claim(ClaimError::Store(StoreError::Io { .. })) => true,
        Fatal::Store(_)
        | Fatal::Log(_)
        | Fatal::Blob(_)
        | Fatal::Damaged { .. }
        | Fatal::Corrupt { .. }
        | Fatal::PlanTooLarge { .. }
        | Fatal::Claim(_) => false,
    }
}

/// An error with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    texts.join(": ")
}
