//! Random plans with everything in them, random events with nonsense among them.
//!
//! Whatever happens, in whatever order, doubled, late or out of place: the machine does not panic, a rebuilt one
//! would do the same, no invariant breaks (all three are the driver's checks), and when everybody does their part
//! from then on, the run ends and nothing is left to do.
//!
//! `PROPTEST_CASES=100000 cargo test -p engine random` looks longer.

use engine::event::{Answer, Command, Content, Event, Found, Report, Told};
use engine::rows::{AttemptEnd, AttemptResult, Effect, EffectKey, TaskState};
use model::digest::Digest;
use model::ids::{AttemptNo, TaskNo, Token, WorkerId};
use model::plan::{Fragment, Plan, StatusOf, ValueType};
use model::reason::{CancelCause, CancelMode, FailureKind, Gate};
use model::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed; // foreign: the name of the library
use serde_json::json;
use testkit::{Driver, TaskBuilder, found, plan};

/// One property of a task.
#[derive(Debug, Clone, Copy)]
enum Trait {
    When(&'static str),
    Ancestors,
    WholeScope,
    Manual,
    ManualOptional,
    Delayed,
    Approval,
    Matrix,
    KeepGoing,
    MaxParallel,
    ComputedMatrix,
    Call,
    Nothing,
    Generates,
    Retry,
    Timeout,
    BadTimeout,
    Tolerate,
    NotCritical,
    Idempotent,
    Group,
    Path,
    OtherPath,
    Urgent,
    Inputs,
}

use Trait::{
    Ancestors, Approval, BadTimeout, Call, ComputedMatrix, Delayed, Generates, Group, Idempotent,
    Inputs, KeepGoing, Manual, ManualOptional, Matrix, MaxParallel, NotCritical, Nothing,
    OtherPath, Path, Retry, Timeout, Tolerate, Urgent, When, WholeScope,
};

const TRAITS: &[Trait] = &[
    When("always()"),
    When("failed()"),
    When("canceled()"),
    When("1 == 2"),
    When("nothing.here"),
    When("matrix.n != 2"),
    Ancestors,
    WholeScope,
    Manual,
    ManualOptional,
    ManualOptional,
    Delayed,
    Approval,
    Matrix,
    Matrix,
    KeepGoing,
    MaxParallel,
    MaxParallel,
    ComputedMatrix,
    Call,
    Call,
    Nothing,
    Generates,
    Retry,
    Timeout,
    BadTimeout,
    Tolerate,
    NotCritical,
    Idempotent,
    Group,
    Path,
    OtherPath,
    Urgent,
    Inputs,
    Inputs,
];

/// A random task: what it is like, what it needs of those before it, whether it is `finally`.
#[derive(Debug, Clone)]
struct Spec {
    traits: Vec<Trait>,
    needs: Vec<(usize, u8)>,
    finally: bool,
}

#[derive(Debug, Clone)]
struct Plans {
    root: Vec<Spec>,
    inner: Vec<Spec>,
    /// Also what generated tasks are.
    leaf: Vec<Spec>,
    group: bool,
    timeout: bool,
}

fn make(mut t: TaskBuilder, spec: &Spec, before: &[Spec], callee: Option<&str>) -> TaskBuilder {
    for (need, kind) in &spec.needs {
        let Some(of) = before.get(*need) else {
            continue;
        };
        // `finally` may look at the ordinary part, not the reverse.
        if of.finally && !spec.finally {
            continue;
        }
        let need = format!("t{need}");
        t = match kind {
            0 => t.after([need.as_str()]),
            1 => t.optional([need.as_str()]),
            _ => t.needs([need.as_str()]),
        };
    }
    t = t.output_default("v", ValueType::String, json!("default"));
    let has =
        |wanted: &[fn(&Trait) -> bool]| wanted.iter().any(|wanted| spec.traits.iter().any(wanted));
    let matrix = has(&[|t| matches!(t, Matrix)]);
    let computed = !matrix && has(&[|t| matches!(t, ComputedMatrix)]);
    if matrix {
        t = t.matrix([("n", json!([1, 2, 3]))]);
    }
    if computed {
        t = t.matrix_from("n", "succeeded() ? [1, 2] : []");
    }
    for each in &spec.traits {
        t = match each {
            When(condition) => t.when(condition),
            Ancestors => t.status_of(StatusOf::Ancestors),
            WholeScope => t.status_of(StatusOf::Scope),
            Manual => t.manual(),
            ManualOptional => t.manual_optional(),
            Delayed => t.delayed_ms(3_000),
            Approval => t.approval_within_ms("go?", 20_000),
            KeepGoing if matrix || computed => t.keep_going(),
            MaxParallel if matrix || computed => t.max_parallel(1),
            Call => match callee {
                Some(callee) => t.call(callee, []),
                None => t,
            },
            Nothing if callee.is_none() => t.nothing(),
            Generates => t.generates("f"),
            Retry => t.retry(1),
            Timeout => t.timeout_ms(7_000),
            BadTimeout => t.timeout_by("'soon'"),
            Tolerate => t.tolerate(),
            NotCritical => t.not_critical(),
            Idempotent => t.idempotent(),
            Group => t.concurrency("g"),
            Path => t.artifact("x", "out"),
            // Inside of the other one.
            OtherPath => t.artifact("y", "./out/in"),
            Urgent => t.priority(3),
            Inputs => t.inputs(["src"]),
            Matrix | ComputedMatrix | KeepGoing | MaxParallel | Nothing => t,
        };
    }
    t
}

impl Plans {
    fn plan(&self) -> Plan {
        let mut builder = plan("random").finally_timeout_ms(60_000);
        if self.group {
            builder = builder.concurrency("main");
        }
        if self.timeout {
            builder = builder.timeout_ms(25_000);
        }
        for (at, spec) in self.root.iter().enumerate() {
            let fill = |t| make(t, spec, &self.root[..at], Some("inner"));
            builder = if spec.finally {
                builder.finally(&format!("t{at}"), fill)
            } else {
                builder.task(&format!("t{at}"), fill)
            };
        }
        for (name, specs, callee) in [
            ("inner", &self.inner, Some("leaf")),
            ("leaf", &self.leaf, None),
        ] {
            builder = builder.scope(name, |mut scope| {
                for (at, spec) in specs.iter().enumerate() {
                    let fill = |t| make(t, spec, &specs[..at], callee);
                    scope = if spec.finally {
                        scope.finally(&format!("t{at}"), fill)
                    } else {
                        scope.task(&format!("t{at}"), fill)
                    };
                }
                scope
            });
        }
        builder.build()
    }

    fn fragment(&self) -> Fragment {
        let mut builder = plan("generated");
        for (at, spec) in self.leaf.iter().enumerate() {
            let fill = |t| make(t, spec, &self.leaf[..at], None);
            builder = builder.task(&format!("t{at}"), fill);
        }
        builder.fragment()
    }
}

fn specs(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Spec>> {
    let one = (
        vec(proptest::sample::select(TRAITS), 0..4),
        vec((0_usize..6, 0_u8..5), 0..3),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(traits, needs, finally)| Spec {
            traits,
            needs,
            finally,
        });
    vec(one, count)
}

fn plans() -> impl Strategy<Value = Plans> {
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.2));
    (specs(0..6), specs(0..4), specs(0..3), flags).prop_map(
        |(root, inner, leaf, (group, timeout))| Plans {
            root,
            inner,
            leaf,
            group,
            timeout,
        },
    )
}

/// Something that happens; numbers pick among what there is, or beside it.
#[derive(Debug, Clone)]
enum Move {
    Lease(u8, u32),
    Report(u8, u8),
    Again(u8),
    Keyed(u8, u8),
    KeyedAgain(u8),
    Forged(u8, u8, u8),
    Started(u8),
    Renew(u8),
    Gone(u8),
    Pass(u64),
    Tick,
    Cancel(u8),
    Answer(u8, bool),
    StartManual(u8),
    Admit(u8),
    AdmitRun,
    Generate(u8, u8),
    Done(u8),
    TakeOver,
    Crash,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let pick = any::<u8>;
    let one = prop_oneof![
        12 => (0_u8..3, 0_u32..4).prop_map(|(worker, max)| Move::Lease(worker, max)),
        12 => (pick(), 0_u8..10).prop_map(|(which, how)| Move::Report(which, how)),
        2 => pick().prop_map(Move::Again),
        6 => (pick(), 0_u8..5).prop_map(|(which, how)| Move::Keyed(which, how)),
        1 => pick().prop_map(Move::KeyedAgain),
        1 => (pick(), pick(), 0_u8..3).prop_map(|(task, token, attempt)| Move::Forged(task, token, attempt)),
        1 => pick().prop_map(Move::Started),
        1 => (0_u8..4).prop_map(Move::Renew),
        1 => (0_u8..4).prop_map(Move::Gone),
        5 => (0_u64..9_000).prop_map(Move::Pass),
        1 => Just(Move::Tick),
        1 => (0_u8..3).prop_map(Move::Cancel),
        3 => (pick(), prop::bool::weighted(0.8)).prop_map(|(task, yes)| Move::Answer(task, yes)),
        3 => pick().prop_map(Move::StartManual),
        3 => pick().prop_map(Move::Admit),
        2 => Just(Move::AdmitRun),
        4 => (pick(), 0_u8..4).prop_map(|(task, how)| Move::Generate(task, how)),
        1 => pick().prop_map(Move::Done),
        1 => Just(Move::TakeOver),
        1 => Just(Move::Crash),
    ];
    vec(one, 0..60)
}

fn ended(how: u8) -> AttemptEnd {
    let failed = |kind, exit_code| AttemptResult::Failed {
        kind,
        exit_code,
        message: "trouble".to_owned(),
    };
    let mut end = AttemptEnd::bare(match how {
        0..=2 => AttemptResult::Succeeded,
        3 => failed(FailureKind::User, Some(1)),
        4 => failed(FailureKind::InfraBeforeStart, None),
        5 => failed(FailureKind::InfraAfterStart, None),
        6 => AttemptResult::Stopped,
        7 | 8 => AttemptResult::Reused,
        _ => AttemptResult::Interrupted,
    });
    if how == 0 {
        end.generated = Some(Digest::of(b"f"));
    }
    end
}

fn what_was_found(how: u8) -> Option<Found> {
    let mut found = found(json!({"v": "found"}), []);
    match how {
        0 => return None,
        1 => found.content = Content::Gone,
        2 => found.result.outputs.clear(),
        _ => {}
    }
    Some(found)
}

/// A run with its past, from which late and doubled messages are taken.
struct World {
    run: Driver,
    fragment: Fragment,
    reports: Vec<Report>,
    keys: Vec<Told>,
}

impl World {
    fn task(&self, pick: u8) -> TaskNo {
        // One beside the last, too.
        let count = self.run.machine.tasks().len();
        TaskNo(u32::from(pick) % (u32::try_from(count).expect("small") + 1))
    }

    /// Hands in an event that may not fit.
    fn throw(&mut self, event: Event) {
        // The driver checks that a rejected event changes nothing.
        drop(self.run.handle(event));
    }

    fn step(&mut self, what: Move) {
        let by = "somebody".to_owned();
        let worker = |n: u8| WorkerId(format!("w{n}"));
        match what {
            Move::Lease(n, max) => {
                let ask = self.run.ask(&worker(n).0, max);
                self.throw(Event::Lease(ask));
            }
            Move::Report(which, how) => {
                let live: Vec<TaskNo> = self.run.machine.live().map(|live| live.task).collect();
                if let Some(no) = live.get(usize::from(which) % live.len().max(1)) {
                    let key = self.run.machine.row(*no).key.to_string();
                    let report = self.run.report_of(&key, ended(how));
                    self.reports.push(report.clone());
                    self.throw(Event::Report(report));
                }
            }
            Move::Keyed(which, how) => {
                let live: Vec<TaskNo> = self.run.machine.live().map(|live| live.task).collect();
                if let Some(no) = live.get(usize::from(which) % live.len().max(1)) {
                    let key = self.run.machine.row(*no).key.to_string();
                    let told = self.run.told(&key, what_was_found(how));
                    self.keys.push(told.clone());
                    self.throw(Event::Keyed(told));
                }
            }
            Move::KeyedAgain(which) => {
                let known = self.keys.len().max(1);
                if let Some(told) = self.keys.get(usize::from(which) % known).cloned() {
                    self.throw(Event::Keyed(told));
                }
            }
            Move::Again(which) => {
                let known = self.reports.len().max(1);
                if let Some(report) = self.reports.get(usize::from(which) % known).cloned() {
                    self.throw(Event::Report(report));
                }
            }
            Move::Forged(task, token, attempt) => {
                let report = Report {
                    worker: worker(0),
                    task: self.task(task),
                    attempt: AttemptNo(u32::from(attempt)),
                    token: Token(u64::from(token)),
                    end: ended(0),
                    jitter_permille: 5_000,
                    by_person: false,
                };
                self.throw_forged(report);
            }
            Move::Started(which) => {
                let live: Vec<_> = self.run.machine.live().cloned().collect();
                if let Some(live) = live.get(usize::from(which) % live.len().max(1)) {
                    let started = vec![(live.task, live.attempt, live.token)];
                    let until = self.run.now.plus_ms(10_000);
                    let worker = live.worker.clone();
                    self.throw(Event::Renew {
                        worker,
                        until,
                        started,
                    });
                }
            }
            Move::Renew(n) => {
                let until = self.run.now.plus_ms(12_000);
                self.throw(Event::Renew {
                    worker: worker(n),
                    until,
                    started: vec![(TaskNo(200), AttemptNo(1), Token(1))],
                });
            }
            Move::Gone(n) => self.throw(Event::WorkerGone { worker: worker(n) }),
            Move::Pass(ms) => {
                // Nobody sends heartbeats here, so leases run out.
                self.run.now = self.run.now.plus_ms(ms);
                self.throw(Event::Tick);
            }
            Move::Tick => self.throw(Event::Tick),
            Move::Cancel(mode) => {
                let mode = CancelMode::ALL[usize::from(mode) % 3];
                let cause = CancelCause::Person;
                self.throw(Event::Command(Command::Cancel { mode, cause, by }));
            }
            Move::Answer(task, yes) => {
                let task = self.task(task);
                let answer = if yes { Answer::Approve } else { Answer::Reject };
                self.throw(Event::Command(Command::Answer { task, answer, by }));
            }
            Move::StartManual(task) => {
                let task = self.task(task);
                self.throw(Event::Command(Command::StartManual { task, by }));
            }
            Move::Admit(task) => {
                let task = Some(self.task(task));
                self.throw(Event::Admitted { task });
            }
            Move::AdmitRun => self.throw(Event::Admitted { task: None }),
            Move::Generate(task, how) => {
                let task = self.task(task);
                let fragment = match how {
                    0 => Err("nonsense".to_owned()),
                    _ => Ok((Digest::of(b"f"), self.fragment.clone())),
                };
                self.throw(Event::Generated { task, fragment });
            }
            Move::Done(which) => {
                let keys: Vec<EffectKey> = self.run.machine.effects().keys().cloned().collect();
                let key = keys.get(usize::from(which) % keys.len().max(1)).cloned();
                let key = key.unwrap_or_else(|| EffectKey("nonsense".to_owned()));
                self.throw(Event::EffectDone { key });
            }
            Move::TakeOver => self.throw(Event::TakeOver { by }),
            Move::Crash => self.run.crash(),
        }
    }

    /// A report under a token that was never, or not to this worker, given out.
    fn throw_forged(&mut self, report: Report) {
        let real = self
            .run
            .machine
            .live_attempt(report.task)
            .is_some_and(|live| live.token == report.token && live.attempt == report.attempt);
        if !real {
            assert!(self.run.handle(Event::Report(report)).is_err());
        }
    }

    /// Everybody does their part until the run has ended.
    fn drive_fairly(&mut self) {
        for _ in 0..3_000 {
            if self.run.machine.has_ended() {
                return;
            }
            self.run.lease();
            let live = self.run.machine.live().next().cloned();
            let effect = self.run.machine.effects().values().find(|effect| {
                matches!(effect, Effect::Compile { .. } | Effect::EnterGroup { .. })
            });
            if let Some(live) = live {
                let key = self.run.machine.row(live.task).key.to_string();
                let how = if live.stop.is_some() { 6 } else { 1 };
                self.run.end(&key, ended(how));
            } else if let Some(effect) = effect.cloned() {
                self.perform(&effect);
            } else if !self.ask_somebody() {
                self.run.pass_to_deadline();
            }
        }
        panic!("the run does not end: {:#?}", self.run.rows.tasks);
    }

    fn perform(&mut self, effect: &Effect) {
        match effect {
            Effect::Compile { task, .. } => {
                let fragment = Ok((Digest::of(b"f"), self.fragment.clone()));
                self.run.accept(Event::Generated {
                    task: *task,
                    fragment,
                });
            }
            Effect::EnterGroup { member, .. } => {
                self.run.accept(Event::Admitted { task: member.task });
            }
            Effect::StopAttempt { .. } | Effect::LeaveGroup { .. } => {}
        }
    }

    /// Somebody answers the first task that waits for a person.
    fn ask_somebody(&mut self) -> bool {
        let mut rows = self.run.machine.tasks().iter();
        let waiting = rows.find_map(|row| {
            let TaskState::Blocked(gate) = row.state else {
                return None;
            };
            Some((gate, row.key.to_string()))
        });
        match waiting {
            Some((Gate::Approval, key)) => {
                self.run.approve(&key);
            }
            Some((Gate::Manual, key)) => {
                self.run.start_manual(&key);
            }
            None => return false,
        }
        true
    }

    fn clean_up(&mut self) {
        let keys: Vec<EffectKey> = self.run.machine.effects().keys().cloned().collect();
        for key in keys {
            self.run.accept(Event::EffectDone { key });
        }
        assert!(self.run.effects().is_empty(), "work is left behind");
    }
}

fn config(share: u32) -> ProptestConfig {
    let by_environment = ProptestConfig::default();
    let rng_seed = match by_environment.rng_seed {
        RngSeed::Random => RngSeed::Fixed(11),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    ProptestConfig {
        cases: by_environment.cases / share,
        rng_seed,
        failure_persistence: None,
        ..by_environment
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn whatever_happens_the_run_stays_sound_and_ends(plans in plans(), moves in moves()) {
        let mut world = World {
            run: Driver::start(plans.plan()),
            fragment: plans.fragment(),
            reports: Vec::new(),
            keys: Vec::new(),
        };
        let mut after_the_end = 0;
        for what in moves {
            if world.run.machine.has_ended() {
                // A few late messages are enough.
                after_the_end += 1;
                if after_the_end > 5 {
                    break;
                }
            }
            world.step(what);
        }
        world.drive_fairly();
        let ended = world.run.rows.clone();
        for late in [Move::Again(0), Move::Tick, Move::TakeOver, Move::Cancel(0)] {
            world.step(late);
        }
        prop_assert_eq!(&world.run.rows, &ended);
        world.clean_up();
        prop_assert_eq!(&world.run.rows.tasks, &ended.tasks);
        prop_assert_eq!(world.run.machine.next_deadline(), None::<(Timestamp, _)>);
    }
}
