//! The life of small runs, event by event.

use super::*;
use crate::event::{Ask, Report};
use crate::rows::{AttemptEnd, AttemptResult, Ended, RunResult, TaskState};
use model::digest::Digest;
use model::ids::{DefNo, RunId};
use model::plan::{Body, Edge, Step, Steps, TaskDef, Text};
use model::source::Source;
use std::collections::BTreeSet;

fn head() -> RunHead {
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

fn chain(length: u32) -> Plan {
    let mut plan = Plan::new("chain");
    for place in 0..length {
        let steps = Steps {
            steps: vec![Step::script("run", "true")],
            ..Steps::default()
        };
        let mut task = TaskDef::new(format!("t{place}"), Body::Steps(steps));
        if place > 0 {
            task.needs.push(Edge::data(DefNo(place - 1)));
        }
        plan.scopes[0].tasks.push(DefNo(place));
        plan.tasks.push(task);
    }
    plan
}

fn ask(max: u32) -> Event {
    let worker = WorkerId("w".to_owned());
    Event::Lease(Ask {
        worker,
        max,
        until: Timestamp(15_000),
        free: None,
        labels: None,
    })
}

fn run_to_end(machine: &mut Machine, result: &AttemptResult) -> u32 {
    let mut leased = 0;
    loop {
        let changes = machine.handle(ask(4), Timestamp(1)).unwrap();
        if changes.granted.is_empty() {
            return leased;
        }
        for granted in changes.granted {
            leased += 1;
            let report = Report {
                worker: granted.worker,
                task: granted.task,
                attempt: granted.attempt,
                token: granted.token,
                end: AttemptEnd::bare(result.clone()),
                jitter_permille: 0,
                by_person: false,
            };
            machine.handle(Event::Report(report), Timestamp(2)).unwrap();
        }
        if machine.has_ended() {
            return leased;
        }
    }
}

#[test]
fn a_chain_runs_in_order_and_succeeds() {
    let NewRun { mut machine, .. } = Machine::create(head(), chain(3), Timestamp(0));
    assert_eq!(run_to_end(&mut machine, &AttemptResult::Succeeded), 3);
    assert_eq!(machine.run().state, RunState::Ended(RunResult::Succeeded));
}

#[test]
fn what_needs_a_failed_task_is_skipped_however_long_the_chain() {
    let NewRun { mut machine, .. } = Machine::create(head(), chain(50_000), Timestamp(0));
    let kind = model::reason::FailureKind::User;
    let failed = AttemptResult::Failed {
        kind,
        exit_code: Some(1),
        message: String::new(),
    };
    assert_eq!(run_to_end(&mut machine, &failed), 1);
    let skipped = TaskState::Ended(Ended::Skipped(model::reason::SkipCause::NeedFailed));
    assert_eq!(machine.row(TaskNo(1)).state, skipped);
    assert_eq!(machine.run().state, RunState::Ended(RunResult::Failed));
    assert_eq!(machine.run().counts.skipped, 49_999);
}

#[test]
fn what_the_index_holds_shrinks_with_what_waits() {
    let mut plan = chain(200);
    for (place, task) in plan.tasks.iter_mut().enumerate() {
        task.needs.clear();
        task.placement.labels = vec![Text::from(format!("kind{}", place / 2))];
    }
    let NewRun { mut machine, .. } = Machine::create(head(), plan, Timestamp(0));
    assert_eq!(machine.index.ready.len(), 100, "one queue for each kind");
    for left in (0..200).rev() {
        let changes = machine.handle(ask(1), Timestamp(1)).unwrap();
        let granted = &changes.granted[0];
        let report = Report {
            worker: granted.worker.clone(),
            task: granted.task,
            attempt: granted.attempt,
            token: granted.token,
            end: AttemptEnd::bare(AttemptResult::Succeeded),
            jitter_permille: 0,
            by_person: false,
        };
        machine.handle(Event::Report(report), Timestamp(2)).unwrap();
        let queues = machine.index.ready.values();
        assert!(queues.clone().all(|queue| !queue.is_empty()));
        assert_eq!(queues.map(BTreeSet::len).sum::<usize>(), left);
    }
    assert_eq!(machine.index.deadlines.len(), 0);
    assert_eq!(machine.index.moving, 0);
}
