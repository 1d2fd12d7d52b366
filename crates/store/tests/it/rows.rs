//! Rows for tests: plain ones by hand, and any that a run could have, from a seed.

#![expect(clippy::unwrap_used, reason = "tests")]

mod dice;

pub(crate) use dice::Dice;
use engine::event::Answer;
use engine::rows::{
    AttemptEnd, AttemptRow, Changes, Counts, RunHead, RunResult, RunRow, RunState, TaskKind,
    TaskRow,
};
use model::digest::Digest;
use model::ids::{AttemptNo, DefNo, RunId, TaskNo, Token, WorkerId};
use model::reason::{CancelCause, CancelMode};
use model::source::Source;
use model::time::Timestamp;
use std::collections::BTreeMap;
use store::{Command, Commit, NewRun, Owner, OwnerToken, Store};

pub(crate) fn id(number: u64) -> RunId {
    RunId::from_random(number)
}

pub(crate) fn head(run: RunId) -> RunHead {
    RunHead {
        id: run,
        pipeline: "ci".into(),
        plan: Digest::of(b"plan"),
        created_at: Timestamp(1_000),
        source: Source::default(),
        by: "ada".into(),
        parent: None,
        clean: false,
        expected_ms: BTreeMap::new(),
    }
}

pub(crate) fn row(run: RunId, version: u64) -> RunRow {
    RunRow {
        id: run,
        version,
        state: RunState::Running,
        token: Token(0),
        events: 0,
        counts: Counts::default(),
        started_at: None,
        ended_at: None,
        cancel: None,
        finally_at: None,
        inbox: 0,
    }
}

pub(crate) fn change(run: RunRow) -> Changes {
    Changes {
        run,
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

pub(crate) fn ended(run: RunId, version: u64) -> Changes {
    change(RunRow {
        state: RunState::Ended(RunResult::Succeeded),
        ended_at: Some(Timestamp(2_000)),
        ..row(run, version)
    })
}

pub(crate) fn owner(pid: u32) -> Owner {
    Owner {
        host: "anthill".into(),
        boot_id: "boot".into(),
        pid_ns: 1,
        pid,
        start_ticks: 5,
        nonce: 9,
        until: Timestamp(10_000),
    }
}

/// Creates a run with version 1 and nothing else, owned by process 1.
pub(crate) fn create(store: &dyn Store, run: RunId) -> OwnerToken {
    create_with(store, &head(run), &change(row(run, 1)))
}

pub(crate) fn create_with(store: &dyn Store, head: &RunHead, changes: &Changes) -> OwnerToken {
    let owner = &owner(1);
    let new = NewRun {
        head,
        changes,
        owner,
    };
    store.run_create(&new).unwrap()
}

/// Writes the change that makes `version` out of the one before.
pub(crate) fn commit(
    store: &dyn Store,
    owner: &OwnerToken,
    changes: &Changes,
) -> Result<(), store::CommitError> {
    let commit = Commit {
        run: owner.run,
        expected_version: changes.run.version - 1,
        owner,
        changes,
    };
    let mut results = store.run_commit(&[commit]);
    assert_eq!(results.len(), 1);
    results.remove(0)
}

pub(crate) fn attempt(task: u32, number: u32, end: Option<AttemptEnd>) -> AttemptRow {
    AttemptRow {
        task: TaskNo(task),
        attempt: AttemptNo(number),
        token: Token(number.into()),
        worker: WorkerId("w".into()),
        leased_at: Timestamp(5),
        started: true,
        stop: None,
        keyed: None,
        deadline_at: None,
        ended_at: end.as_ref().map(|_| Timestamp(6)),
        end: end.map(Box::new),
    }
}

pub(crate) fn task(number: u32) -> TaskRow {
    let key = format!("task{number}");
    TaskRow::new(TaskNo(number), DefNo(0), TaskKind::Leaf, key)
}

pub(crate) fn cancel() -> Command {
    Command::Cancel {
        mode: CancelMode::Drain,
        cause: CancelCause::Person,
        by: "ada".into(),
    }
}

pub(crate) fn approve(task: u32) -> Command {
    Command::Answer {
        task: TaskNo(task),
        answer: Answer::Approve,
        by: "bob".into(),
    }
}
