//! What durable commits cost, beside the least that they could cost on the same disk.
//!
//! The floor is a loop on one thread that writes the same values with the same statements and the
//! same settings, without checks and without anybody to answer, one commit of each client to a
//! transaction.

use crate::board::{Commit, NewRun, Store as _};
use crate::error::StoreError;
use crate::owner::Owner;
use crate::sqlite::{SqliteStore, bare_loop};
use engine::rows::{
    AttemptEnd, AttemptResult, AttemptRow, Changes, Ended, EventRow, LeaseRow, RunHead, RunRow,
    RunState, StepResult, StepStatus, TaskKind, TaskRow, TaskState, Transition, Usage,
};
use model::digest::Digest;
use model::ids::{AttemptNo, DefNo, RunId, TaskNo, Token, WorkerId};
use model::source::Source;
use model::time::Timestamp;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// One client: a run, and the changes that it commits one after the other.
#[derive(Debug, Clone)]
pub struct Client {
    /// The run.
    pub head: RunHead,
    /// The rows that it is created with, at version 1.
    pub first: Changes,
    /// Its changes, at versions 2, 3, ….
    pub then: Vec<Changes>,
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Commits per second of the bare loop.
    pub floor_per_s: f64,
    /// Commits per second of the store.
    pub ours_per_s: f64,
    /// Time from a commit's call to its acknowledgement.
    pub acknowledged: Percentiles,
    /// Time of a write of two pages to a growing file and its sync, alone on the same disk.
    pub sync: Percentiles,
    /// The same beside the clients at work, in a round of its own.
    pub sync_beside: Percentiles,
}

/// The middle and the slow end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of them were faster.
    pub p50: Duration,
    /// 99 of 100 were faster.
    pub p99: Duration,
}

/// Measures `clients` that commit at once, in the folder `dir`, where boards and
/// files of the measurement are left.
///
/// # Errors
/// When a board cannot be written, or refuses a commit.
pub fn commits(dir: &Path, clients: &[Client]) -> Result<Measured, StoreError> {
    let total: usize = clients.iter().map(|client| client.then.len()).sum();
    let per_second = |took: Duration| total as f64 / took.as_secs_f64();
    let failed = |source| StoreError::Io {
        board: dir.to_owned(),
        source: Arc::new(source),
    };
    let mut left = SYNCS;
    let sync = syncs(&dir.join("sync"), &mut || {
        left -= 1;
        left > 0
    });
    let sync = sync.map_err(failed)?;
    let floor = bare_loop(&dir.join("floor.sqlite"), clients)?;
    let (ours, acknowledged) = store(&dir.join("store.sqlite"), clients)?;
    let sync_beside = beside(dir, clients)?.map_err(failed)?;
    Ok(Measured {
        floor_per_s: per_second(floor),
        ours_per_s: per_second(ours),
        acknowledged,
        sync,
        sync_beside,
    })
}

fn store(path: &Path, clients: &[Client]) -> Result<(Duration, Percentiles), StoreError> {
    let store = SqliteStore::open(path)?;
    let owner = nobody();
    let mut tokens = Vec::new();
    for client in clients {
        tokens.push(store.run_create(&NewRun {
            head: &client.head,
            changes: &client.first,
            owner: &owner,
        })?);
    }
    let begin = Instant::now();
    let commit_all = |client: &Client, owner| {
        let mut times = Vec::with_capacity(client.then.len());
        for changes in &client.then {
            let called = Instant::now();
            let commit = Commit {
                run: client.head.id,
                expected_version: changes.run.version - 1,
                owner,
                changes,
            };
            for result in store.run_commit(&[commit]) {
                result.map_err(|refused| StoreError::Io {
                    board: path.to_owned(),
                    source: Arc::new(refused),
                })?;
            }
            times.push(called.elapsed());
        }
        Ok(times)
    };
    let results: Vec<Result<Vec<Duration>, StoreError>> = std::thread::scope(|scope| {
        let commit_all = &commit_all;
        let threads: Vec<_> = clients
            .iter()
            .zip(&tokens)
            .map(|(client, token)| scope.spawn(move || commit_all(client, token)))
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .map(|times| times.expect("clients do not panic"))
            .collect()
    });
    let took = begin.elapsed();
    let times: Vec<Vec<Duration>> = results.into_iter().collect::<Result<_, _>>()?;
    Ok((took, Percentiles::of(times.concat())))
}

/// Syncs while a second round of the clients goes on.
fn beside(dir: &Path, clients: &[Client]) -> Result<std::io::Result<Percentiles>, StoreError> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = &over;
        let sampler = scope.spawn(move || {
            syncs(&dir.join("sync-beside"), &mut || {
                std::thread::sleep(BETWEEN_SYNCS);
                !over.load(Ordering::Relaxed)
            })
        });
        let round = store(&dir.join("beside.sqlite"), clients);
        over.store(true, Ordering::Relaxed);
        let times = sampler.join().expect("the sampler does not panic");
        round.map(|_| times)
    })
}

/// Syncs alone on the disk.
const SYNCS: usize = 500;
/// Pause of the sampler beside the clients: it shall see their load, and not be much of it.
const BETWEEN_SYNCS: Duration = Duration::from_millis(3);

fn syncs(path: &Path, goes_on: &mut dyn FnMut() -> bool) -> std::io::Result<Percentiles> {
    let mut file = File::create(path)?;
    let mut times = Vec::with_capacity(SYNCS);
    while goes_on() {
        let begin = Instant::now();
        file.write_all(&[7; 8192])?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    Ok(Percentiles::of(times))
}

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let place = times.len() * percent / 100;
            let last = times.len().saturating_sub(1);
            times.get(place.min(last)).copied().unwrap_or_default()
        };
        Self {
            p50: at(50),
            p99: at(99),
        }
    }
}

/// Clients whose changes look like those of a machine at work: each ends an attempt, starts the next
/// task, renews the lease and tells four events.
#[must_use]
pub fn sample(clients: usize, commits: usize) -> Vec<Client> {
    (0..clients as u64)
        .map(|number| sample_client(number, commits))
        .collect()
}

fn sample_client(number: u64, commits: usize) -> Client {
    let run = RunId::from_random(number);
    let head = RunHead {
        id: run,
        pipeline: "bench".into(),
        plan: Digest::of(b"bench"),
        created_at: Timestamp(0),
        source: Source::default(),
        by: "bench".into(),
        parent: None,
        clean: false,
        expected_ms: BTreeMap::new(),
    };
    let mut first = empty(run);
    first.tasks = (0..=commits).map(|no| sample_task(count(no))).collect();
    let then = (1..=commits)
        .map(|no| sample_changes(run, count(no)))
        .collect();
    Client { head, first, then }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a bench is small")
}

const WORKER: &str = "bench-4711-0";
const START_MS: i64 = 1_790_000_000_000;

fn sample_task(no: u32) -> TaskRow {
    let key = format!("test[linux,{no}]");
    TaskRow::new(TaskNo(no), DefNo(0), TaskKind::Leaf, key)
}

fn sample_changes(run: RunId, no: u32) -> Changes {
    let at = Timestamp(START_MS + i64::from(no));
    let worker = WorkerId(WORKER.into());
    let attempt = AttemptNo(1);
    let over = TaskNo(no - 1);
    let next = TaskNo(no);
    let mut changes = empty(run);
    changes.run.version = u64::from(no) + 1;
    changes.run.events = u64::from(no) * 4;
    changes.run.token = Token(no.into());
    changes.run.counts.succeeded = no;
    let begun = TaskRow {
        attempts: 1,
        ready_at: Some(at),
        started_at: Some(at),
        ..sample_task(no)
    };
    changes.tasks = vec![
        TaskRow {
            state: TaskState::Ended(Ended::Succeeded),
            ended_at: Some(at),
            no: over,
            ..begun.clone()
        },
        TaskRow {
            state: TaskState::Running,
            ..begun
        },
    ];
    let lease = AttemptRow {
        task: next,
        attempt,
        token: Token(no.into()),
        worker: worker.clone(),
        leased_at: at,
        started: false,
        stop: None,
        keyed: None,
        deadline_at: None,
        ended_at: None,
        end: None,
    };
    changes.attempts = vec![
        AttemptRow {
            task: over,
            started: true,
            ended_at: Some(at),
            end: Some(Box::new(sample_end())),
            ..lease.clone()
        },
        lease,
    ];
    changes.leases = vec![LeaseRow {
        worker,
        until: Timestamp(at.0 + 30_000),
    }];
    let told = [
        Transition::Started {
            task: over,
            attempt,
        },
        Transition::TaskEnded {
            task: over,
            ended: Ended::Succeeded,
        },
        Transition::TaskMoved {
            task: next,
            state: TaskState::Running,
        },
        Transition::Leased {
            task: next,
            attempt,
        },
    ];
    let first = u64::from(no - 1) * 4 + 1;
    changes.events = (first..)
        .zip(told)
        .map(|(seq, what)| EventRow { seq, at, what })
        .collect();
    changes
}

fn sample_end() -> AttemptEnd {
    AttemptEnd {
        steps: vec![StepResult {
            name: "run".into(),
            label: None,
            status: StepStatus::Succeeded,
            tolerated: false,
            exit: Some(engine::rows::Exit::Code(0)),
            duration_ms: 2,
        }],
        usage: Usage {
            cpu_us: 1_234,
            memory_peak_bytes: 3_500_000,
        },
        ..AttemptEnd::bare(AttemptResult::Succeeded)
    }
}

fn empty(run: RunId) -> Changes {
    Changes {
        run: RunRow {
            id: run,
            version: 1,
            state: RunState::Running,
            token: Token(0),
            events: 0,
            counts: engine::rows::Counts::default(),
            started_at: Some(Timestamp(START_MS)),
            ended_at: None,
            cancel: None,
            finally_at: None,
            inbox: 0,
        },
        tasks: Vec::new(),
        attempts: Vec::new(),
        fragments: Vec::new(),
        leases: Vec::new(),
        leases_gone: Vec::new(),
        events: Vec::new(),
        effects: Vec::new(),
        effects_done: Vec::new(),
        keys: Vec::new(),
        granted: Vec::new(),
    }
}

fn nobody() -> Owner {
    Owner {
        host: "bench".into(),
        boot_id: String::new(),
        pid_ns: 0,
        pid: 0,
        start_ticks: 0,
        nonce: 0,
        until: Timestamp::NEVER,
    }
}
