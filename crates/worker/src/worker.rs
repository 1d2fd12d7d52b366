//! The worker's machine: its slots, its attempts, its conversation with the board.
//!
//! Invariants
//! - A request is repeated until it is answered, also one that is not needed any more: work may have been granted
//!   in the answer. Work granted twice is begun once.
//! - Output is told to the board, and the board has it, before the end of the attempt is reported.
//! - What the board does not answer for a whole lease is not the worker's any more: it is killed.

mod attempt;
mod ending;
mod given;
mod keying;
mod looking;
mod output;
mod running;
mod services;
mod slots;
mod stopping;
mod talk;

pub use looking::{Look, LookRef, Looked};

use crate::listing::CutShort;
use crate::site::{Collected, Prepared, Site, Trouble, Wanted};
use api::protocol::{LEASE_MS, RENEW_MS, Reply, Request};
use attempt::{Attempt, Phase};
use engine::rows::ArtifactRef;
use engine::work::Work;
use exec::{ExecEvent, StepRef, TreeKey};
use model::ids::{AttemptId, Token, WorkerId};
use model::limits;
use model::plan::Resources;
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
/// Time that all post steps together have after a stop.
const AFTER_STOP_MS: u64 = 60_000;

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
    /// A step machine has decided with the files of its source at hand.
    Looked(LookRef, Result<Box<Looked>, Trouble>),
    /// What an attempt gives is collected.
    Collected(AttemptId, Result<Collected, Trouble>),
    /// The files of a reused result are in place, with remarks for the log.
    Restored(AttemptId, Result<Vec<String>, Trouble>),
    /// The board has something to say: renew soon.
    Nudge,
    /// This is what there is for tasks from now on.
    Capacity(Resources),
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
    /// Make the place of an attempt, unless nobody waits for it any more; answer with [`Input::Prepared`].
    Prepare(Arc<Work>, CutShort),
    /// Have a step machine decide with the files of its source at hand, which may take as long as a slow disk wants;
    /// answer with [`Input::Looked`].
    Look(LookRef, Box<Look>),
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
    /// Put the artifacts of a reused result where the steps would have left them; answer with [`Input::Restored`].
    Restore(AttemptId, Box<Prepared>, Vec<ArtifactRef>),
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
    /// Most that is kept of the log of one attempt.
    log_bytes: u64,
    number: u64,
    command: u64,
    looks: u64,
    /// The number of the wish that the board may still answer, and for how many tasks it is.
    wish: Option<(u64, u32)>,
    renew_at: Timestamp,
    heard_at: Timestamp,
    stepped_at: Timestamp,
    leaving: bool,
    broken: bool,
    out: Vec<Output>,
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
            log_bytes: limits::LOG_BYTES_PER_ATTEMPT,
            number: 0,
            command: 0,
            looks: 0,
            wish: None,
            renew_at: now.plus_ms(RENEW_MS),
            heard_at: now,
            stepped_at: now,
            leaving: false,
            broken: false,
            out: Vec::new(),
        }
    }

    /// The same, with another bound of the log of one attempt than [`limits::LOG_BYTES_PER_ATTEMPT`].
    #[must_use]
    pub fn with_log_bytes(mut self, log_bytes: u64) -> Self {
        self.log_bytes = log_bytes;
        self
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
            Input::Looked(reference, result) => self.looked(reference, result, now),
            Input::Collected(id, result) => self.collected(id, result, now),
            Input::Restored(id, result) => self.restored(id, result, now),
            Input::Nudge => self.renew(now),
            Input::Capacity(capacity) => {
                self.options.capacity = Some(capacity);
                // A wish on its way says what was free before: the next one takes its place.
                self.wish = None;
            }
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
