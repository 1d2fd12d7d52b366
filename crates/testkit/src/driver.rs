//! A run driven by hand: simulated clock, fake workers, and a distrustful look at every event.
//!
//! Before each event the driver rebuilds a second machine from the rows that the changes so far have written,
//! the way a board would. It must equal the live one: in its rows, in its next deadline, and in what it answers to
//! the event. After each event [`engine::check`] looks for broken invariants. So every test of the machine is also
//! a test that a crash at any moment loses nothing.
//!
//! Time moves only by [`Driver::pass_ms`]. Workers answer heartbeats as long as they are not
//! [silenced](Driver::silence).

mod keys;
mod looks;
mod time;
mod work;

pub use keys::{earlier, found, key_of};

use engine::check;
use engine::event::{Answer, Command, Event, Rejected};
use engine::machine::{Machine, NewRun};
use engine::rows::{Changes, EffectKey, EventRow, Granted, KeyRow, RunHead, Snapshot};
use model::digest::Digest;
use model::ids::{RunId, TaskNo, WorkerId};
use model::plan::{Fragment, Plan};
use model::reason::{CancelCause, CancelMode};
use model::source::Source;
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// How long a fake worker need not be heard of.
pub const LEASE_MS: u64 = 15_000;

/// The worker of the methods that name none.
pub const WORKER: &str = "w";

/// A run and its surroundings.
#[derive(Debug)]
pub struct Driver {
    /// The live machine.
    pub machine: Machine,
    /// The time.
    pub now: Timestamp,
    /// What a board would hold.
    pub rows: Snapshot,
    /// Every event row that was written.
    pub events: Vec<EventRow>,
    /// Every key that was published.
    pub keys: Vec<KeyRow>,
    /// Everything that was leased, in order.
    pub granted: Vec<Granted>,
    plan: Plan,
    fragments: Vec<Fragment>,
    silent: BTreeSet<WorkerId>,
    checks: bool,
}

/// The head of a run that a person just started.
#[must_use]
pub fn head() -> RunHead {
    RunHead {
        id: RunId::from_random(1),
        pipeline: "test".to_owned(),
        plan: Digest::of(b"plan"),
        created_at: Timestamp(0),
        source: Source::default(),
        by: "tester".to_owned(),
        parent: None,
        clean: false,
        expected_ms: BTreeMap::new(),
    }
}

impl Driver {
    /// Creates a run of `plan` at time 0.
    #[must_use]
    pub fn start(plan: Plan) -> Self {
        Self::start_with(plan, |_| {})
    }

    /// Creates a run with a head of its own.
    #[must_use]
    pub fn start_with(plan: Plan, change: impl FnOnce(&mut RunHead)) -> Self {
        let mut driver = Self::create(plan, change);
        driver.checks = true;
        driver.verify();
        driver
    }

    /// Creates a run that is driven without the checks, whose cost is proportional to the run: for large ones.
    #[must_use]
    pub fn start_unchecked(plan: Plan) -> Self {
        Self::create(plan, |_| {})
    }

    fn create(plan: Plan, change: impl FnOnce(&mut RunHead)) -> Self {
        let mut head = head();
        change(&mut head);
        let now = Timestamp(0);
        let NewRun { machine, changes } = Machine::create(head.clone(), plan.clone(), now);
        Self {
            machine,
            now,
            rows: Snapshot::created(head, &changes),
            events: changes.events,
            keys: changes.keys,
            granted: Vec::new(),
            plan,
            fragments: Vec::new(),
            silent: BTreeSet::new(),
            checks: false,
        }
    }

    // Events.

    /// Hands in an event.
    ///
    /// # Errors
    /// When the machine rejects it.
    ///
    /// # Panics
    /// When a rebuilt machine would answer otherwise, or an invariant is broken.
    pub fn handle(&mut self, event: Event) -> Result<Changes, Rejected> {
        let twin = self.checks.then(|| self.twin());
        let fragment = if let Event::Generated {
            fragment: Ok((_, fragment)),
            ..
        } = &event
        {
            Some(fragment.clone())
        } else {
            None
        };
        let (name, now) = (format!("{event:?}"), self.now);
        let twins = twin.map(|mut twin| (twin.handle(event.clone(), now), twin));
        let answer = self.machine.handle(event, now);
        if let Some((twins, _)) = &twins {
            assert_eq!(
                &answer, twins,
                "the live machine (left) and the rebuilt one answer differently to {name}"
            );
        }
        match &answer {
            Ok(changes) => {
                let broken = check::step(&self.rows, changes);
                assert!(broken.is_empty(), "after {name}: {broken:#?}");
                if self.checks {
                    self.must_be_sorted(changes);
                }
                self.rows.apply(changes);
                if self.machine.fragments().len() > self.fragments.len() {
                    self.fragments.extend(fragment);
                }
                self.events.extend(changes.events.iter().cloned());
                self.keys.extend(&changes.keys);
                self.granted.extend(changes.granted.iter().cloned());
            }
            Err(_) => {
                let rows = self.living_rows();
                assert_eq!(self.machine.snapshot(), rows, "{name} was rejected");
            }
        }
        if self.checks {
            self.verify();
        }
        answer
    }

    /// Hands in an event that fits.
    ///
    /// # Panics
    /// When the machine rejects it.
    pub fn accept(&mut self, event: Event) -> Changes {
        let name = format!("{event:?}");
        match self.handle(event) {
            Ok(changes) => changes,
            Err(rejected) => panic!("{name} was rejected: {rejected}"),
        }
    }

    /// A person wants the run to stop.
    pub fn cancel(&mut self, mode: CancelMode) -> Changes {
        self.accept(Event::Command(Command::Cancel {
            mode,
            cause: CancelCause::Person,
            by: "somebody".to_owned(),
        }))
    }

    /// A newer member of its group takes the place of a task.
    pub fn supersede(&mut self, key: &str) -> Changes {
        let (task, by) = (self.no(key), "a newer one".to_owned());
        let cause = CancelCause::Superseded;
        self.accept(Event::Command(Command::CancelTask { task, cause, by }))
    }

    /// A person answers an approval.
    ///
    /// # Errors
    /// When the task waits for none.
    pub fn answer(&mut self, key: &str, answer: Answer) -> Result<Changes, Rejected> {
        let (task, by) = (self.no(key), "somebody".to_owned());
        self.handle(Event::Command(Command::Answer { task, answer, by }))
    }

    /// A person consents.
    pub fn approve(&mut self, key: &str) -> Changes {
        self.answer(key, Answer::Approve)
            .unwrap_or_else(|rejected| panic!("{rejected}"))
    }

    /// A person refuses.
    pub fn reject(&mut self, key: &str) -> Changes {
        self.answer(key, Answer::Reject)
            .unwrap_or_else(|rejected| panic!("{rejected}"))
    }

    /// A person starts a manual task.
    pub fn start_manual(&mut self, key: &str) -> Changes {
        let (task, by) = (self.no(key), "somebody".to_owned());
        self.accept(Event::Command(Command::StartManual { task, by }))
    }

    /// A concurrency group has room for a task.
    pub fn admit(&mut self, key: &str) -> Changes {
        let task = Some(self.no(key));
        self.accept(Event::Admitted { task })
    }

    /// The concurrency group of the run has room.
    pub fn admit_run(&mut self) -> Changes {
        self.accept(Event::Admitted { task: None })
    }

    /// What a task wrote was compiled into these tasks.
    pub fn generate(&mut self, key: &str, fragment: Fragment) -> Changes {
        let task = self.no(key);
        let fragment = Ok((Digest::of(key.as_bytes()), fragment));
        self.accept(Event::Generated { task, fragment })
    }

    /// Another process takes the run over.
    pub fn take_over(&mut self) -> Changes {
        let by = "successor".to_owned();
        self.accept(Event::TakeOver { by })
    }

    /// An effect was done for good.
    pub fn effect_done(&mut self, key: &str) -> Changes {
        let key = EffectKey(key.to_owned());
        self.accept(Event::EffectDone { key })
    }

    /// The machine that another process builds from the rows.
    ///
    /// # Panics
    /// When the rows do not fit each other.
    #[must_use]
    pub fn twin(&self) -> Machine {
        let (plan, fragments) = (self.plan.clone(), self.fragments.clone());
        let twin = Machine::rebuild(plan, fragments, self.rows.clone());
        twin.unwrap_or_else(|corrupt| panic!("{corrupt}"))
    }

    /// Goes on with a machine rebuilt from the rows, as after a crash.
    pub fn crash(&mut self) {
        self.machine = self.twin();
    }

    /// The rows as a machine gives them out: only leased attempts.
    fn living_rows(&self) -> Snapshot {
        let mut rows = self.rows.clone();
        rows.attempts.retain(|attempt| attempt.end.is_none());
        rows
    }

    fn must_be_sorted(&self, changes: &Changes) {
        let numbers: Vec<TaskNo> = changes.tasks.iter().map(|row| row.no).collect();
        assert!(numbers.is_sorted(), "new tasks are written in order");
    }

    /// Compares the live machine with a rebuilt one, and checks the invariants.
    fn verify(&self) {
        let twin = self.twin();
        let rows = self.living_rows();
        assert_eq!(self.machine.snapshot(), rows, "the rows miss a change");
        assert_eq!(twin.snapshot(), rows, "a rebuilt machine has other rows");
        assert_eq!(
            self.machine.next_deadline(),
            twin.next_deadline(),
            "the live machine (left) and the rebuilt one wait for different times"
        );
        let broken = check::machine(&self.machine);
        assert!(broken.is_empty(), "broken: {broken:#?}");
    }
}
