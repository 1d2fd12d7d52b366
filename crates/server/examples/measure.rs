//! What `cargo xtask bench` cannot see from outside the program: how long single transitions take.
//!
//! - `measure run FILE SLOTS DIR` goes through the pipeline as `formic run` does and prints, as one JSON
//!   object, the time from a lease that is durable to the end that is durable.
//! - `measure transitions CLIENTS COMMITS DIR` lets clients call a machine's `handle` and commit what it
//!   changed, beside a bare loop that writes the same rows.
//!
//! Boards are made in `DIR`, which should be on the disk to measure.

#![expect(clippy::print_stdout, reason = "a program")]

use engine::event::{Ask, Event, Report};
use engine::machine::{Machine, NewRun};
use engine::rows::{AttemptEnd, AttemptResult, Changes, Exit, RunHead, StepResult, StepStatus};
use model::digest::Digest;
use model::ids::{AttemptId, AttemptNo, RunId, TaskNo, WorkerId};
use model::plan::Plan;
use model::source::Source;
use model::time::Timestamp;
use pipeline::SourceFile;
use serde_json::json;
use server::local::{Blocked, Local, Place, Settings, Start, Watcher};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use store::bench::Client;
use store::owner::{Proc, process};
use store::{Commit, DiskBlobs, LogStore, OwnerToken, SqliteStore, Store};
use worker::local::now;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    exec::spawner::run_if_asked();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let document = match args[..] {
        ["run", file, slots, dir] => run(Path::new(file), slots.parse()?, Path::new(dir))?,
        ["transitions", clients, commits, dir] => {
            transitions(clients.parse()?, commits.parse()?, Path::new(dir))?
        }
        _ => {
            return Err("say `run FILE SLOTS DIR` or `transitions CLIENTS COMMITS DIR`".into());
        }
    };
    println!("{document}");
    Ok(())
}

fn run(file: &Path, slots: u32, dir: &Path) -> Outcome<serde_json::Value> {
    let plan = plan(file, std::fs::read(file)?)?;
    std::fs::create_dir_all(dir)?;
    let dir = std::fs::canonicalize(dir)?;
    let place = Place {
        store: Arc::new(SqliteStore::open(&dir.join("board.sqlite"))?),
        blobs: Arc::new(DiskBlobs::open(&dir.join("blobs"))?),
        logs: LogStore::open(&dir.join("logs"))?,
        owner: process::this_process(server::local::random()?, Timestamp(0))?,
        alive: Box::new(|owner, now| owner.is_alive(now, &Proc)),
        dir: dir.clone(),
    };
    let settings = Settings {
        slots,
        capacity: None,
        take_in: None,
        labels: None,
        grace_ms: model::limits::GRACE_MS,
        environment: std::env::vars_os().collect(),
        source: None,
        exec: exec::Options::new("measure"),
    };
    let source = Source {
        dir: dir.to_string_lossy().into_owned(),
        ..Source::default()
    };
    let head = Box::new(head(server::local::random()?, source));
    let mut clock = Clock::default();
    let plan = Box::new(plan);
    let begin = Instant::now();
    let end = Local::new().run(place, Start::New { head, plan }, settings, &mut clock)?;
    if end != server::local::End::Ended || clock.failed > 0 {
        return Err(format!("the run ended as {end:?}, {} tasks failed", clock.failed).into());
    }
    Ok(json!({
        "tasks": clock.took.len(),
        "seconds": begin.elapsed().as_secs_f64(),
        "lease_to_end_us": percentiles(clock.took),
    }))
}

/// Notes when leases and ends became durable.
#[derive(Default)]
struct Clock {
    leased: BTreeMap<(TaskNo, AttemptNo), Instant>,
    took: Vec<Duration>,
    failed: usize,
}

impl Watcher for Clock {
    fn changed(&mut self, changes: &Changes, _machine: &Machine) {
        let now = Instant::now();
        for granted in &changes.granted {
            self.leased.insert((granted.task, granted.attempt), now);
        }
        for row in &changes.attempts {
            let Some(end) = &row.end else { continue };
            if let Some(since) = self.leased.remove(&(row.task, row.attempt)) {
                self.took.push(now - since);
            }
            self.failed += usize::from(end.result != AttemptResult::Succeeded);
        }
    }

    fn output(&mut self, _id: AttemptId, _key: &str, _chunks: &[api::protocol::Chunk]) {}

    fn blocked(&mut self, _machine: &Machine) -> Blocked {
        Blocked::Leave
    }

    fn interrupted(&mut self, _machine: &Machine) {}

    fn broken(&mut self, _cause: &str) {}
}

fn transitions(clients: usize, commits: u32, dir: &Path) -> Outcome<serde_json::Value> {
    std::fs::create_dir_all(dir)?;
    let cells: Vec<String> = (0..=commits).map(|cell| cell.to_string()).collect();
    let text = format!(
        "name: bench\ntasks: {{ t: {{ matrix: {{ n: [{}] }}, run: 'true' }} }}\n",
        cells.join(", ")
    );
    let plan = plan(Path::new("bench.yaml"), text.into_bytes())?;
    let made = (0..clients as u64).map(|number| Actor::new(number, plan.clone()));
    let made: Vec<(Actor, Changes)> = made.collect();
    // The rows for the bare loop are those that the machines make.
    let rows = made.iter().map(|(actor, first)| Client {
        head: actor.machine.head().clone(),
        first: first.clone(),
        then: Actor::new(actor.number, plan.clone()).0.all(commits),
    });
    let rows: Vec<Client> = rows.collect();
    let bare = store::bench::commits(dir, &rows)?;
    drop(rows);
    let (seconds, acknowledged) = ours(&dir.join("handle.sqlite"), made, commits)?;
    let total = clients as f64 * f64::from(commits);
    let us = |at: Duration| u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
    Ok(json!({
        "clients": clients,
        "floor_per_s": bare.floor_per_s,
        "store_per_s": bare.ours_per_s,
        "per_s": total / seconds,
        "acknowledged_us": percentiles(acknowledged),
        "sync_us": { "p50": us(bare.sync.p50), "p99": us(bare.sync.p99) },
        "sync_beside_us": { "p50": us(bare.sync_beside.p50), "p99": us(bare.sync_beside.p99) },
    }))
}

/// All clients at once: each lets its machine handle a report and the next lease, and commits.
fn ours(path: &Path, made: Vec<(Actor, Changes)>, commits: u32) -> Outcome<(f64, Vec<Duration>)> {
    let store = SqliteStore::open(path)?;
    let owner = process::this_process(0, Timestamp::NEVER)?;
    let mut actors = Vec::new();
    for (actor, first) in made {
        let token = store.run_create(&store::NewRun {
            head: actor.machine.head(),
            changes: &first,
            owner: &owner,
        })?;
        actors.push((actor, token));
    }
    let start = Barrier::new(actors.len() + 1);
    let (took, times) = std::thread::scope(|scope| {
        let (store, start) = (&store, &start);
        let threads: Vec<_> = actors
            .into_iter()
            .map(|(mut actor, token)| {
                scope.spawn(move || {
                    start.wait();
                    actor.go(store, &token, commits)
                })
            })
            .collect();
        start.wait();
        let begin = Instant::now();
        let times = threads.into_iter().map(|thread| thread.join());
        let times: Vec<_> = times
            .map(|times| times.expect("clients do not panic"))
            .collect();
        (begin.elapsed(), times)
    });
    let times: Vec<Vec<Duration>> = times.into_iter().collect::<Result<_, _>>()?;
    Ok((took.as_secs_f64(), times.concat()))
}

/// A client: a run's machine whose tasks end one after the other.
struct Actor {
    number: u64,
    machine: Machine,
    worker: WorkerId,
    at: Timestamp,
}

impl Actor {
    fn new(number: u64, plan: Plan) -> (Self, Changes) {
        let at = Timestamp(1_790_000_000_000);
        let head = head(number + 1, Source::default());
        let NewRun { machine, changes } = Machine::create(head, plan, at);
        let worker = WorkerId(format!("local-{number:x}"));
        let mut actor = Self {
            number,
            machine,
            worker,
            at,
        };
        let mut first = changes;
        first.merge(actor.lease());
        first.run.version = 1;
        (actor, first)
    }

    fn lease(&mut self) -> Changes {
        let ask = Ask {
            worker: self.worker.clone(),
            max: 1,
            until: self.at.plus_ms(30_000),
            free: None,
            labels: None,
        };
        let leased = self.machine.handle(Event::Lease(ask), self.at);
        leased.expect("the run goes on")
    }

    /// A task ends, the next one begins: what a report and its wish bring about.
    fn turn(&mut self) -> Changes {
        self.at = self.at.plus_ms(3);
        let live = self.machine.live().next().expect("one is always leased");
        let report = Report {
            worker: self.worker.clone(),
            task: live.task,
            attempt: live.attempt,
            token: live.token,
            end: end(),
            jitter_permille: 0,
            by_person: false,
        };
        let ended = self.machine.handle(Event::Report(report), self.at);
        let mut changes = ended.expect("it is leased under this token");
        changes.merge(self.lease());
        changes
    }

    fn all(mut self, commits: u32) -> Vec<Changes> {
        let turns = (0..u64::from(commits)).map(|turn| {
            let mut changes = self.turn();
            changes.run.version = turn + 2;
            changes
        });
        turns.collect()
    }

    fn go(
        &mut self,
        store: &SqliteStore,
        owner: &OwnerToken,
        commits: u32,
    ) -> Result<Vec<Duration>, store::CommitError> {
        let mut times = Vec::with_capacity(commits as usize);
        for turn in 0..u64::from(commits) {
            let mut changes = self.turn();
            changes.run.version = turn + 2;
            let called = Instant::now();
            let commit = Commit {
                run: self.machine.head().id,
                expected_version: turn + 1,
                owner,
                changes: &changes,
            };
            store
                .run_commit(&[commit])
                .into_iter()
                .collect::<Result<(), _>>()?;
            times.push(called.elapsed());
        }
        Ok(times)
    }
}

fn end() -> AttemptEnd {
    AttemptEnd {
        steps: vec![StepResult {
            name: "run".to_owned(),
            label: None,
            status: StepStatus::Succeeded,
            tolerated: false,
            exit: Some(Exit::Code(0)),
            duration_ms: 2,
        }],
        ..AttemptEnd::bare(AttemptResult::Succeeded)
    }
}

fn plan(name: &Path, text: Vec<u8>) -> Outcome<Plan> {
    let file = SourceFile::new(name.to_string_lossy(), text);
    let compiled = pipeline::compile(&file, &pipeline::Request::default());
    let told = |diagnostics: &[pipeline::Diagnostic]| format!("{diagnostics:?}");
    compiled
        .plan
        .ok_or_else(|| told(&compiled.diagnostics).into())
}

fn head(random: u64, source: Source) -> RunHead {
    RunHead {
        id: RunId::from_random(random),
        pipeline: "bench".to_owned(),
        plan: Digest::of(b""),
        created_at: now(),
        source,
        by: "bench".to_owned(),
        parent: None,
        clean: false,
        expected_ms: BTreeMap::new(),
    }
}

fn percentiles(mut times: Vec<Duration>) -> serde_json::Value {
    times.sort_unstable();
    let at = |percent: usize| {
        let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(place).map_or(0, |time| time.as_micros())
    };
    json!({ "p50": at(50), "p99": at(99) })
}
