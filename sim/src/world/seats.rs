//! Places where workers live, one after the other: they step, die, stand still, do not hear.

use super::{Coming, World};
use crate::executor::{Due, FakeExecutor, Told};
use crate::random::Random;
use api::protocol::{Reply, RequestBody};
use exec::ExecEvent;
use model::ids::{AttemptId, WorkerId};
use model::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use worker::site::{Collected, Prepared, Trouble};
use worker::{Input, LookRef, Looked, Options, Output, Site, Worker};

/// Time between the wish that a command ends and its kill.
const GRACE_MS: u64 = 1_000;

/// A place for a worker.
pub(super) struct Seat {
    worker: Option<Worker>,
    /// The name that it used last.
    id: WorkerId,
    pub(super) executor: FakeExecutor,
    life: u32,
    pub(super) home: usize,
    pub(super) cut_until: Timestamp,
    pub(super) deaf_until: Timestamp,
    stalls_until: Timestamp,
    held: Vec<Word>,
    /// What the executor told while the worker stood still.
    held_events: Vec<ExecEvent>,
    wake_at: Option<Timestamp>,
    leaving: bool,
}

/// Something that a worker hears.
#[derive(Debug)]
pub(super) enum Word {
    Reply(Box<Reply>),
    Nudge,
    Due(Due),
    Prepared(AttemptId, Result<Prepared, Trouble>),
    Looked(LookRef, Box<Looked>),
    Collected(AttemptId, Result<Collected, Trouble>),
    Restored(AttemptId, Result<Vec<String>, Trouble>),
    Interrupt,
}

impl Seat {
    pub(super) fn empty(home: usize) -> Self {
        Self {
            worker: None,
            id: WorkerId(String::new()),
            executor: FakeExecutor::new(Random::new(0)),
            life: 0,
            home,
            cut_until: Timestamp(0),
            deaf_until: Timestamp(0),
            stalls_until: Timestamp(0),
            held: Vec::new(),
            held_events: Vec::new(),
            wake_at: None,
            leaving: false,
        }
    }
}

impl World {
    pub(super) fn start_worker(&mut self, place: usize) {
        let (slots, life) = (self.weather.slots, self.seats[place].life + 1);
        let id = WorkerId(format!("w{place}-{life}"));
        self.note(format_args!("worker {id} starts"));
        let options = Options {
            id: id.clone(),
            slots,
            capacity: None,
            labels: None,
            grace_ms: GRACE_MS,
        };
        let site: Arc<dyn Site> = Arc::new(self.site.clone());
        let random = Random::stream(self.seed, 1_000 + place as u64 * 1_000 + u64::from(life));
        let home = self.seats[place].home;
        let newest = self.newest().filter(|_| !self.is_alive(home));
        let moody = self.weather.moody && !self.is_calm;
        let seat = &mut self.seats[place];
        seat.worker = Some(Worker::new(options, site, self.now));
        seat.executor = FakeExecutor::new(random);
        seat.executor.fails = moody;
        seat.life = life;
        seat.id = id.clone();
        seat.held.clear();
        seat.held_events.clear();
        seat.wake_at = None;
        seat.stalls_until = self.now;
        seat.leaving = false;
        seat.home = newest.unwrap_or(seat.home);
        self.names.insert(id, (place, life));
        self.tell(place, Input::Tick);
    }

    /// Sends something to whoever has the name, if it is heard.
    pub(super) fn send_to_worker(&mut self, from: usize, worker: &WorkerId, word: Word) {
        let Some((place, life)) = self.names.get(worker).copied() else {
            return;
        };
        let seat = &self.seats[place];
        let lost = seat.cut_until > self.now || seat.deaf_until > self.now || seat.home != from;
        let mut arrivals = self.mail(lost);
        if self.is_calm && lost {
            arrivals.clear();
        }
        let Some(last) = arrivals.pop() else { return };
        for after_ms in arrivals {
            let copy = match &word {
                Word::Reply(reply) => Word::Reply(reply.clone()),
                Word::Nudge => Word::Nudge,
                Word::Due(_)
                | Word::Prepared(..)
                | Word::Looked(..)
                | Word::Collected(..)
                | Word::Restored(..)
                | Word::Interrupt => continue,
            };
            self.later(after_ms, Coming::Word(place, life, copy));
        }
        self.later(last, Coming::Word(place, life, word));
    }

    pub(super) fn word(&mut self, place: usize, life: u32, word: Word) {
        let seat = &mut self.seats[place];
        if seat.life != life || seat.worker.is_none() {
            return;
        }
        // Commands go on when their worker stands still, but nobody hears of it.
        if let Word::Due(due) = word {
            return self.due(place, due);
        }
        if seat.stalls_until > self.now {
            seat.held.push(word);
            return;
        }
        self.hear(place, word);
    }

    fn hear(&mut self, place: usize, word: Word) {
        let input = match word {
            Word::Reply(reply) => {
                self.note(format_args!("worker {place} hears {}", reply_name(&reply)));
                Input::Reply(*reply)
            }
            Word::Nudge => Input::Nudge,
            Word::Prepared(id, result) => Input::Prepared(id, result),
            Word::Looked(reference, looked) => Input::Looked(reference, Ok(looked)),
            Word::Collected(id, result) => Input::Collected(id, result),
            Word::Restored(id, result) => Input::Restored(id, result),
            Word::Interrupt => Input::Interrupt,
            Word::Due(due) => return self.due(place, due),
        };
        self.tell(place, input);
    }

    pub(super) fn wake(&mut self, place: usize, life: u32) {
        let now = self.now;
        let seat = &mut self.seats[place];
        if seat.life != life || seat.worker.is_none() || seat.wake_at != Some(now) {
            return;
        }
        seat.wake_at = None;
        if seat.stalls_until > now {
            return;
        }
        let (words, events) = (
            std::mem::take(&mut seat.held),
            std::mem::take(&mut seat.held_events),
        );
        for event in events {
            self.exec_event(place, event);
        }
        for word in words {
            self.word(place, life, word);
        }
        self.tell(place, Input::Tick);
    }

    /// Something happened to a command by itself.
    fn due(&mut self, place: usize, due: Due) {
        if let Due::Begin(id) = &due {
            self.begins(place, *id);
        }
        let mut told = Told::default();
        let site = self.site.clone();
        self.seats[place]
            .executor
            .due(due, &mut site.files(), &mut told);
        self.told(place, told);
    }

    fn begins(&mut self, place: usize, id: exec::StepRef) {
        let seat = &self.seats[place];
        let Some((attempt, worker, script)) = seat.executor.script(id) else {
            return;
        };
        let (script, worker) = (script.clone(), worker.clone());
        let elsewhere: Vec<(AttemptId, WorkerId)> = self
            .seats
            .iter()
            .flat_map(|seat| seat.executor.living())
            .collect();
        self.watch.count("commands");
        self.note(format_args!("{attempt} runs at {worker}: {script}"));
        self.watch
            .command_begins(attempt, &worker, &script, &elsewhere);
    }

    /// Passes on what an executor told.
    fn told(&mut self, place: usize, told: Told) {
        let life = self.seats[place].life;
        for (after_ms, due) in told.later {
            self.later(after_ms, Coming::Word(place, life, Word::Due(due)));
        }
        // What one event brings about at the executor must not overtake the next event.
        let mut events: VecDeque<ExecEvent> = told.events.into();
        while let Some(event) = events.pop_front() {
            self.exec_event(place, event);
        }
    }

    fn exec_event(&mut self, place: usize, event: ExecEvent) {
        let seat = &mut self.seats[place];
        if seat.stalls_until > self.now {
            seat.held_events.push(event);
            return;
        }
        if let ExecEvent::Output { id, bytes, .. } = &event
            && let Some(attempt) = seat.executor.attempt(*id)
        {
            self.watch.printed(attempt, bytes);
        }
        self.tell(place, Input::Exec(event));
    }

    /// Lets a worker step, and does what it wants.
    fn tell(&mut self, place: usize, input: Input) {
        self.site.files().weather = self.random.bits();
        let now = self.now;
        let seat = &mut self.seats[place];
        let Some(worker) = &mut seat.worker else {
            return;
        };
        let outputs = worker.step(now, input);
        let mut told = Told::default();
        for output in outputs {
            self.perform(place, output, &mut told);
        }
        self.told(place, told);
        let life = self.seats[place].life;
        let seat = &mut self.seats[place];
        let Some(worker) = &seat.worker else { return };
        if seat.leaving && worker.is_idle() {
            return self.worker_dies(place);
        }
        if let Some(at) = worker.next_wake() {
            let at = at.max(now.plus_ms(1));
            if seat
                .wake_at
                .is_none_or(|ordered| at < ordered || ordered <= now)
            {
                seat.wake_at = Some(at);
                self.at(at, Coming::Wake(place, life));
            }
        }
    }

    fn perform(&mut self, place: usize, output: Output, told: &mut Told) {
        let life = self.seats[place].life;
        let site = self.site.clone();
        let worker = self.seats[place].id.clone();
        let executor = &mut self.seats[place].executor;
        match output {
            Output::Send(request) => self.send(place, request),
            Output::Start(id, command) => {
                let command = (id, &*command);
                executor.start(&worker, command, &site.files(), told);
            }
            Output::Terminate(id) => executor.terminate(id, told),
            Output::Kill(id) => executor.kill(id, told),
            Output::Finish(tree) => executor.finish(&tree, told),
            Output::Taken(id, size_bytes) => executor.output_taken(id, size_bytes, told),
            Output::Prepare(work, cut_short) => {
                let after_ms = self.random.range(1, 400);
                let word = Word::Prepared(work.id, site.prepare(&work, &cut_short));
                self.later(after_ms, Coming::Word(place, life, word));
            }
            Output::Look(reference, look) => {
                let after_ms = self.random.range(1, 400);
                let word = Word::Looked(reference, Box::new(look.make()));
                self.later(after_ms, Coming::Word(place, life, word));
            }
            Output::Collect(id, at, wanted) => {
                let after_ms = self.random.range(1, 400);
                let word = Word::Collected(id, site.collect(&at, &wanted));
                self.later(after_ms, Coming::Word(place, life, word));
            }
            Output::Restore(id, at, artifacts) => {
                let after_ms = self.random.range(1, 400);
                let word = Word::Restored(id, site.restore(&at, &artifacts));
                self.later(after_ms, Coming::Word(place, life, word));
            }
            Output::Clean(at) => site.clean(&at),
            Output::Show(id, _, chunks) => {
                for chunk in chunks {
                    if chunk.stream == api::protocol::Stream::System {
                        self.watch.remarked(id, chunk.bytes.len());
                    }
                }
            }
            Output::Broken(why) => {
                self.note(format_args!("worker {place} is broken: {why}"));
                self.seats[place].leaving = true;
            }
        }
    }

    fn send(&mut self, place: usize, request: api::protocol::Request) {
        let life = self.seats[place].life;
        if self.seats[place].id != request.worker {
            self.seats[place].id = request.worker.clone();
            self.names.insert(request.worker.clone(), (place, life));
        }
        if let RequestBody::Report { id, token, end, .. } = &request.body {
            self.watch.reported(*id, *token, &request.worker, end);
        }
        self.note(format_args!(
            "worker {place} says {} {}",
            request.number,
            request_name(&request.body)
        ));
        let (home, cut) = (
            self.seats[place].home,
            self.seats[place].cut_until > self.now,
        );
        for request in self.wire.request(request) {
            for after_ms in self.mail(cut) {
                let input = server::Input::Request(request.clone());
                self.later(after_ms, Coming::Arrives(home, Box::new(input)));
            }
        }
    }

    pub(super) fn worker_dies(&mut self, place: usize) {
        if self.seats[place].worker.take().is_none() {
            return;
        }
        let id = self.seats[place].id.clone();
        self.note(format_args!("worker {id} is dead"));
        self.watch.count("workers died");
        let seat = &mut self.seats[place];
        seat.executor = FakeExecutor::new(Random::new(0));
        seat.held.clear();
        seat.held_events.clear();
        let home = seat.home;
        if self.random.chance(300) {
            let after_ms = self.random.range(1, 500);
            let input = server::Input::WorkerGone(id);
            self.later(after_ms, Coming::Arrives(home, Box::new(input)));
        }
        let after_ms = self.random.range(100, 8_000);
        self.later(after_ms, Coming::Start(place));
    }

    pub(super) fn worker_stalls(&mut self, place: usize, pause_ms: u64) {
        let seat = &mut self.seats[place];
        seat.stalls_until = self.now.plus_ms(pause_ms);
        seat.wake_at = Some(seat.stalls_until);
        let (at, life) = (seat.stalls_until, seat.life);
        self.at(at, Coming::Wake(place, life));
    }

    pub(super) fn spawner_dies(&mut self, place: usize) {
        if self.seats[place].worker.is_none() || self.seats[place].stalls_until > self.now {
            return;
        }
        self.seats[place].executor = FakeExecutor::new(Random::new(0));
        let cause = "killed".to_owned();
        self.tell(place, Input::Exec(ExecEvent::SpawnerLost { cause }));
    }

    pub(super) fn worker_leaves(&mut self, place: usize) {
        let life = self.seats[place].life;
        self.seats[place].leaving = true;
        self.word(place, life, Word::Interrupt);
    }
}

fn reply_name(reply: &Reply) -> String {
    use api::protocol::ReplyBody;
    let stop = if reply.stop.is_empty() { "" } else { ", stop" };
    let number = reply.number;
    match &reply.body {
        ReplyBody::Leased(work) => {
            let work: Vec<String> = work.iter().map(|work| work.id.to_string()).collect();
            format!("{number} leased {work:?}{stop}")
        }
        ReplyBody::Renewed { lost } => format!("{number} renewed, {} lost{stop}", lost.len()),
        ReplyBody::Appended { kept } => format!("{number} appended {kept}{stop}"),
        ReplyBody::Keyed(answer) => format!("{number} keyed {answer:?}{stop}"),
        ReplyBody::Reported { refused, next } => {
            let next: Vec<String> = next.iter().map(|work| work.id.to_string()).collect();
            format!("{number} reported {refused:?}, next {next:?}{stop}")
        }
        ReplyBody::Unavailable { why } => format!("{number} unavailable: {why}"),
    }
}

fn request_name(body: &RequestBody) -> String {
    match body {
        RequestBody::Lease(wish) => format!("lease {}", wish.max),
        RequestBody::Renew { holds } => {
            let holds: Vec<String> = holds.iter().map(|(id, ..)| id.to_string()).collect();
            format!("renew {holds:?}")
        }
        RequestBody::Append(append) => format!("append {} at {}", append.id, append.offset),
        RequestBody::Key { id, key, .. } => format!("key {id} {key}"),
        RequestBody::Report { id, end, .. } => format!("report {id} {:?}", end.result),
    }
}
