//! The worker's machine: its slots, its attempts, its conversation with the board.
//!
//! Invariants
//! - A request is repeated until it is answered, also one that is not needed any more: work may have been granted
//!   in the answer. Work granted twice is begun once.
//! - Output is told to the board, and the board has it, before the end of the attempt is reported.
//! - What the board does not answer for a whole lease is not the worker's any more: it is killed.

mod attempt;
mod ending;
mod output;
mod services;

use crate::site::{Collected, Prepared, Site, Trouble, Wanted};
use api::protocol::{LEASE_MS, RENEW_MS, Reply, ReplyBody, Request, RequestBody, VERSION, Wish};
use attempt::{Attempt, Phase};
use engine::rows::{AttemptEnd, AttemptResult};
use engine::steps::Stop;
use engine::work::Work;
use exec::{ExecEvent, StepRef, TreeKey};
use model::ids::{AttemptId, Token, WorkerId};
use model::plan::Resources;
use model::reason::FailureKind;
use model::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// After this time without an answer a request is sent again.
const RESEND_MS: u64 = 2_000;
/// A command that runs this long is told to the board as started; shorter ones are told by their end.
const TELL_STARTED_MS: u64 = 100;
/// Leases remembered after their end, so that a late copy of the answer that gave them begins nothing. More than a
/// worker gets while a message is under way.
const KNOWN_LEASES: usize = 1_024;
/// How often output goes to the board while a command runs.
const FLUSH_MS: u64 = 100;

/// What a worker is.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its name, unique on the board.
    pub id: WorkerId,
    /// Tasks at once.
    pub slots: u32,
    /// What it has; `None`: it does not count.
    pub capacity: Option<Resources>,
    /// Its roles and labels; `None`: it takes all.
    pub labels: Option<Vec<String>>,
    /// Time between the wish that a command ends and its kill.
    pub grace_ms: u64,
}

/// Something that came in.
#[derive(Debug)]
pub enum Input {
    /// The board answered.
    Reply(Reply),
    /// The executor tells.
    Exec(ExecEvent),
    /// A place is made.
    Prepared(AttemptId, Result<Prepared, Trouble>),
    /// What an attempt gives is collected.
    Collected(AttemptId, Result<Collected, Trouble>),
    /// The board has something to say: renew soon.
    Nudge,
    /// Stop everything and leave it to be begun again; ask for no more.
    Interrupt,
    /// Kill everything that runs.
    Kill,
    /// Time passed.
    Tick,
}

/// Something to do.
#[derive(Debug)]
pub enum Output {
    /// Ask the board.
    Send(Request),
    /// Make the place of an attempt; answer with [`Input::Prepared`].
    Prepare(Arc<Work>),
    /// Start a command.
    Start(StepRef, Box<exec::Command>),
    /// Ask a command to end.
    Terminate(StepRef),
    /// End a command.
    Kill(StepRef),
    /// End all processes of an attempt.
    Finish(TreeKey),
    /// Output was dealt with.
    Taken(StepRef, usize),
    /// Collect what an attempt gives; answer with [`Input::Collected`].
    Collect(AttemptId, Box<Prepared>, Box<Wanted>),
    /// Remove the place of an attempt.
    Clean(Box<Prepared>),
    /// Output of an attempt, for those who watch.
    Show(AttemptId, Arc<Work>, Vec<api::protocol::Chunk>),
    /// The executor is gone: this worker can do nothing more.
    Broken(String),
}

/// See the module.
pub struct Worker {
    options: Options,
    site: Arc<dyn Site>,
    attempts: BTreeMap<AttemptId, Attempt>,
    /// Work that came when no slot was free.
    backlog: VecDeque<Work>,
    /// The newest leases that were taken in, whatever became of them.
    known: VecDeque<(AttemptId, Token)>,
    /// Its name without the number of its life.
    name: String,
    /// How often it has lost everything: from then on it is another worker to the board.
    life: u32,
    /// Answers to requests up to this number were said to the worker of an earlier life.
    void_until: u64,
    /// Commands that may still print, with their attempt and the number of their step.
    commands: BTreeMap<StepRef, (AttemptId, u32)>,
    pending: BTreeMap<u64, Pending>,
    number: u64,
    command: u64,
    /// The number of the wish that the board may still answer, and for how many tasks it is.
    wish: Option<(u64, u32)>,
    renew_at: Timestamp,
    heard_at: Timestamp,
    stepped_at: Timestamp,
    leaving: bool,
    broken: bool,
    out: Vec<Output>,
}

/// What work comes to that was granted to a worker without an executor.
fn cannot_start() -> AttemptResult {
    let message = "its worker cannot start commands any more".to_owned();
    attempt::failed(Trouble::Platform(message), FailureKind::InfraBeforeStart)
}

/// A request without an answer.
struct Pending {
    request: Request,
    sent_at: Timestamp,
}

impl Worker {
    /// A worker without work.
    #[must_use]
    pub fn new(options: Options, site: Arc<dyn Site>, now: Timestamp) -> Self {
        Self {
            name: options.id.0.clone(),
            life: 0,
            void_until: 0,
            options,
            site,
            attempts: BTreeMap::new(),
            backlog: VecDeque::new(),
            known: VecDeque::new(),
            commands: BTreeMap::new(),
            pending: BTreeMap::new(),
            number: 0,
            command: 0,
            wish: None,
            renew_at: now.plus_ms(RENEW_MS),
            heard_at: now,
            stepped_at: now,
            leaving: false,
            broken: false,
            out: Vec::new(),
        }
    }

    /// Whether it holds nothing and waits for nothing but work.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.attempts.is_empty() && self.backlog.is_empty()
    }

    /// The places of the attempts that it holds, to be removed when it is given up.
    pub fn places(&self) -> impl Iterator<Item = &Prepared> {
        self.attempts
            .values()
            .filter_map(|attempt| attempt.place.as_ref())
    }

    /// Takes in what happened; gives what to do.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        // Whoever stood still for a whole lease has missed that it is over: what is heard now was said before.
        if now >= self.stepped_at.plus_ms(LEASE_MS) && !self.pending.is_empty() {
            self.lose_everything(now);
        }
        self.stepped_at = now;
        match input {
            Input::Reply(reply) => self.reply(reply, now),
            Input::Exec(event) => self.exec_event(event, now),
            Input::Prepared(id, result) => self.prepared(id, result, now),
            Input::Collected(id, result) => self.collected(id, result, now),
            Input::Nudge => self.renew(now),
            Input::Interrupt => self.interrupt(now),
            Input::Kill => self.kill_all(now),
            Input::Tick => {}
        }
        self.fire_due(now);
        self.begin_backlog(now);
        self.ask(now);
        std::mem::take(&mut self.out)
    }

    /// When [`Worker::step`] has to be called with [`Input::Tick`] if nothing else comes.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let attempts = self.attempts.values().filter_map(Attempt::next_wake);
        let resend = self
            .pending
            .values()
            .map(|pending| pending.sent_at.plus_ms(self.patience(pending)));
        let renew = (!self.attempts.is_empty()).then_some(self.renew_at);
        attempts.chain(resend).chain(renew).min()
    }

    /// A wish waits until there is work; everything else is answered at once.
    fn patience(&self, pending: &Pending) -> u64 {
        match pending.request.body {
            RequestBody::Lease(_) => RENEW_MS,
            RequestBody::Renew { .. } | RequestBody::Append(_) | RequestBody::Report { .. } => {
                RESEND_MS
            }
        }
    }

    fn send(&mut self, body: RequestBody, now: Timestamp) -> u64 {
        self.number += 1;
        let number = self.number;
        let worker = self.options.id.clone();
        let request = Request {
            version: VERSION,
            worker,
            number,
            body,
        };
        self.pending.insert(
            number,
            Pending {
                request: request.clone(),
                sent_at: now,
            },
        );
        self.out.push(Output::Send(request));
        number
    }

    fn reply(&mut self, reply: Reply, now: Timestamp) {
        if reply.number <= self.void_until {
            return;
        }
        self.heard_at = now;
        for (id, token) in reply.stop {
            self.stop(id, token, now);
        }
        let Some(pending) = self.pending.remove(&reply.number) else {
            // Late or doubled, or of another process than the answer that came first: what is new in it counts.
            if let ReplyBody::Leased(work) | ReplyBody::Reported { next: work, .. } = reply.body {
                self.take(work, now);
            }
            return;
        };
        if self.wish.is_some_and(|(number, _)| number == reply.number) {
            self.wish = None;
        }
        match reply.body {
            ReplyBody::Leased(work) => self.take(work, now),
            ReplyBody::Renewed { lost } => {
                for (id, token) in lost {
                    self.lose(id, token, now);
                }
            }
            ReplyBody::Appended { kept } => self.appended(&pending.request, kept, now),
            ReplyBody::Reported { refused: _, next } => {
                self.reported(&pending.request);
                self.take(next, now);
            }
            ReplyBody::Unavailable { .. } => {
                // Asked again when its time has come.
                let number = pending.request.number;
                self.pending.insert(
                    number,
                    Pending {
                        sent_at: now,
                        ..pending
                    },
                );
            }
        }
    }

    fn take(&mut self, work: Vec<Work>, now: Timestamp) {
        for work in work {
            let lease = (work.id, work.token);
            if self.known.contains(&lease) {
                continue;
            }
            if self.known.len() == KNOWN_LEASES {
                self.known.pop_front();
            }
            self.known.push_back(lease);
            if self.broken {
                self.give_back(&work, cannot_start(), now);
            } else if self.leaving {
                self.give_back(&work, AttemptResult::Interrupted, now);
            } else {
                self.backlog.push_back(work);
            }
        }
    }

    /// Tells the board that work is not begun here.
    fn give_back(&mut self, work: &Work, result: AttemptResult, now: Timestamp) {
        let end = Box::new(AttemptEnd::bare(result));
        self.send(
            RequestBody::Report {
                id: work.id,
                token: work.token,
                end,
                missing_log_bytes: 0,
                then: None,
            },
            now,
        );
    }

    fn give_back_backlog(&mut self, result: &AttemptResult, now: Timestamp) {
        for work in std::mem::take(&mut self.backlog) {
            self.give_back(&work, result.clone(), now);
        }
    }

    /// Begins what there is a slot for. Two wishes that crossed their answers can bring more than was asked for.
    fn begin_backlog(&mut self, now: Timestamp) {
        while self.attempts.len() < self.options.slots as usize {
            let Some(work) = self.backlog.front() else {
                return;
            };
            let free = self.free_besides(self.attempts.values().map(|attempt| &*attempt.work));
            let fits = free.is_none_or(|free| free.covers(&work.task.resources));
            if !fits && !self.attempts.is_empty() {
                return;
            }
            let work = self.backlog.pop_front().expect("just looked at");
            self.begin(work, now);
        }
    }

    fn begin(&mut self, work: Work, now: Timestamp) {
        let (id, work) = (work.id, Arc::new(work));
        self.attempts
            .insert(id, Attempt::new(Arc::clone(&work), now));
        if self.site.is_light(&work) {
            let prepared = self.site.prepare(&work);
            self.prepared(id, prepared, now);
        } else {
            self.out.push(Output::Prepare(work));
        }
    }

    /// Asks for work if there are slots that no earlier wish speaks for.
    fn ask(&mut self, now: Timestamp) {
        if self.leaving || self.broken {
            return;
        }
        let free = self.free_slots();
        let asked = self.wish.map_or(0, |(_, max)| max);
        // The slot of an attempt that is being reported is asked for by its report.
        if free <= asked {
            return;
        }
        // An earlier wish is repeated until it is answered: perhaps it was met, and only the answer was lost.
        let wish = self.wish_for(free);
        let number = self.send(RequestBody::Lease(wish), now);
        self.wish = Some((number, free));
    }

    fn free_slots(&self) -> u32 {
        let taken = self.attempts.len() + self.backlog.len();
        self.options
            .slots
            .saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    fn wish_for(&self, max: u32) -> Wish {
        Wish {
            max,
            free: self.free_resources(None),
            labels: self.options.labels.clone(),
        }
    }

    /// What is free, as if the attempt `but` had ended.
    fn free_resources(&self, but: Option<AttemptId>) -> Option<Resources> {
        let held = self.attempts.iter().filter(|(id, _)| Some(**id) != but);
        let held = held.map(|(_, attempt)| &*attempt.work);
        self.free_besides(held.chain(&self.backlog))
    }

    fn free_besides<'a>(&self, held: impl Iterator<Item = &'a Work>) -> Option<Resources> {
        let mut free = self.options.capacity.clone()?;
        for work in held {
            free.take(&work.task.resources);
        }
        Some(free)
    }

    fn renew(&mut self, now: Timestamp) {
        self.renew_at = now.plus_ms(RENEW_MS);
        let under_way = self.pending.values().any(|pending| {
            matches!(pending.request.body, RequestBody::Renew { .. }) && pending.sent_at == now
        });
        if under_way {
            return;
        }
        let mut holds: Vec<(AttemptId, Token, bool)> = Vec::new();
        for attempt in self.attempts.values_mut().filter(|attempt| !attempt.lost) {
            attempt.told_started |= attempt.started_at.is_some();
            holds.push((
                attempt.work.id,
                attempt.work.token,
                attempt.started_at.is_some(),
            ));
        }
        holds.extend(self.backlog.iter().map(|work| (work.id, work.token, false)));
        self.send(RequestBody::Renew { holds }, now);
    }

    fn fire_due(&mut self, now: Timestamp) {
        let holds = self.attempts.values().any(|attempt| !attempt.lost);
        let waits = holds && !self.pending.is_empty();
        if waits && now >= self.heard_at.plus_ms(LEASE_MS) {
            self.lose_everything(now);
        }
        let due: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, pending)| now >= pending.sent_at.plus_ms(self.patience(pending)))
            .map(|(number, _)| *number)
            .collect();
        for number in due {
            let pending = self.pending.get_mut(&number).expect("just listed");
            pending.sent_at = now;
            self.out.push(Output::Send(pending.request.clone()));
        }
        let tell = self
            .attempts
            .values()
            .any(|attempt| attempt.must_tell_started(now));
        if !self.attempts.is_empty() && (now >= self.renew_at || tell) {
            self.renew(now);
        }
        let ids: Vec<AttemptId> = self.attempts.keys().copied().collect();
        for id in ids {
            self.fire_attempt(id, now);
        }
    }

    /// The board did not answer for a whole lease: others have the work by now, or will. What the board hears may
    /// be another matter, so the worker goes on under another name: nothing that it says from now on keeps alive
    /// what it does not hold.
    fn lose_everything(&mut self, now: Timestamp) {
        self.life += 1;
        self.options.id = WorkerId(format!("{}.{}", self.name, self.life));
        self.void_until = self.number;
        let held: Vec<(AttemptId, Token)> = self
            .attempts
            .values()
            .map(|attempt| (attempt.work.id, attempt.work.token))
            .collect();
        for (id, token) in held {
            self.lose(id, token, now);
        }
        self.backlog.clear();
        self.pending.clear();
        self.wish = None;
    }

    fn interrupt(&mut self, now: Timestamp) {
        self.leaving = true;
        self.give_back_backlog(&AttemptResult::Interrupted, now);
        let ids: Vec<AttemptId> = self.attempts.keys().copied().collect();
        for id in ids {
            self.stop_attempt(id, Stop::Interrupted, now);
        }
    }

    fn kill_all(&mut self, now: Timestamp) {
        self.give_back_backlog(&AttemptResult::Stopped, now);
        self.kill_attempts(Stop::Asked, now);
    }

    fn kill_attempts(&mut self, stop: Stop, now: Timestamp) {
        let running = self
            .attempts
            .iter()
            .filter(|(_, attempt)| matches!(attempt.phase, Phase::Preparing | Phase::Running));
        let ids: Vec<AttemptId> = running.map(|(id, _)| *id).collect();
        for id in ids {
            self.kill_attempt(id, stop, now);
        }
        let clearing: Vec<AttemptId> = self.attempts.keys().copied().collect();
        for id in clearing {
            self.kill_services(id);
        }
    }

    fn holds(&self, id: AttemptId, token: Token) -> bool {
        self.attempts
            .get(&id)
            .is_some_and(|attempt| attempt.work.token == token)
    }

    fn in_phase(&self, id: AttemptId, phase: Phase) -> bool {
        self.attempts
            .get(&id)
            .is_some_and(|attempt| attempt.phase == phase)
    }
}
