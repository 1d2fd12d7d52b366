//! Services beside the steps of an attempt, with time moved by hand.

use crate::bench::{Bench, work};
use api::protocol::{ReplyBody, RequestBody};
use engine::rows::{AttemptResult, StepStatus};
use engine::work::Work;
use exec::{Exit, OutputState, StepRef};
use model::reason::FailureKind;
use worker::{Input, Output};

/// A task of one step with one service.
fn served() -> Work {
    let task = testkit::plan("p").task("a", |task| task.run("true").service("db", "db", "ready"));
    work(task.build()).remove(0)
}

/// The service is ready; its command, its probe's and that of the step.
fn ready(bench: &mut Bench) -> [StepRef; 3] {
    bench.give(vec![served()]);
    let db = bench.started()[0];
    bench.begins(db);
    let probe = bench.started()[1];
    bench.begins(probe);
    bench.succeeds(probe);
    [db, probe, bench.started()[2]]
}

fn asked_to_end(bench: &Bench) -> Vec<StepRef> {
    let mut asked = Vec::new();
    for output in &bench.said {
        if let Output::Terminate(id) = output {
            asked.push(*id);
        }
    }
    asked
}

fn trees_ended(bench: &Bench) -> usize {
    let said = bench.said.iter();
    said.filter(|output| matches!(output, Output::Finish(_)))
        .count()
}

fn failure(bench: &Bench) -> (FailureKind, String) {
    let result = bench.results().remove(0);
    let AttemptResult::Failed { kind, message, .. } = result else {
        panic!("it is {result:?}");
    };
    (kind, message)
}

#[test]
fn a_step_begins_when_the_probe_succeeds_and_not_before() {
    let mut bench = Bench::new(1);
    bench.give(vec![served()]);
    let db = bench.started()[0];
    assert_eq!(bench.started().len(), 1);
    bench.begins(db);
    let probe = bench.started()[1];
    bench.exits(probe, Exit::Code(1), OutputState::Ended);
    assert_eq!(bench.started().len(), 2);
    bench.pass_ms(25);
    let probe = bench.started()[2];
    bench.succeeds(probe);
    assert_eq!(bench.started().len(), 4);
}

#[test]
fn pauses_between_probes_grow_and_the_worker_wakes_for_them() {
    let mut bench = Bench::new(1);
    bench.give(vec![served()]);
    bench.begins(bench.started()[0]);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let probe = *bench.started().last().unwrap();
        bench.exits(probe, Exit::Code(1), OutputState::Ended);
        let count = bench.started().len();
        let before = bench.now;
        while bench.started().len() == count {
            let wake = bench.worker.next_wake().unwrap();
            bench.pass_ms(wake.since_ms(bench.now));
        }
        pauses.push(bench.now.since_ms(before));
    }
    assert_eq!(pauses, [25, 50, 100, 200, 400, 500, 500]);
}

#[test]
fn a_service_is_asked_first_and_its_tree_ended_when_it_has_gone() {
    let mut bench = Bench::new(1);
    let [db, _, step] = ready(&mut bench);
    bench.begins(step);
    bench.succeeds(step);
    assert_eq!((asked_to_end(&bench), trees_ended(&bench)), (vec![db], 0));
    bench.exits(db, Exit::Signal(15), OutputState::Ended);
    assert_eq!(trees_ended(&bench), 1);
    bench.tree_gone(&served(), 0);
    assert_eq!(bench.results(), [AttemptResult::Succeeded]);
    let (_, _, end) = bench.reports().remove(0);
    let steps: Vec<_> = end
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.status))
        .collect();
    assert_eq!(
        steps,
        [
            ("service db", StepStatus::Succeeded),
            ("run", StepStatus::Succeeded)
        ]
    );
}

#[test]
fn a_service_that_does_not_heed_is_killed_with_its_tree_after_the_grace() {
    let mut bench = Bench::new(1);
    let [_, _, step] = ready(&mut bench);
    bench.succeeds(step);
    bench.pass_ms(999);
    assert_eq!(trees_ended(&bench), 0);
    bench.pass_ms(1);
    assert_eq!(trees_ended(&bench), 1);
    bench.pass_ms(1_000);
    assert_eq!(trees_ended(&bench), 1);
}

#[test]
fn a_kill_does_not_wait_for_the_grace() {
    let mut bench = Bench::new(1);
    let [_, _, step] = ready(&mut bench);
    bench.succeeds(step);
    bench.tell(Input::Kill);
    assert_eq!(trees_ended(&bench), 1);
}

#[test]
fn a_stop_while_it_starts_ends_it_and_begins_no_step() {
    let mut bench = Bench::new(1);
    bench.give(vec![served()]);
    let db = bench.started()[0];
    bench.begins(db);
    bench.stop(&served());
    assert_eq!((asked_to_end(&bench), bench.killed()), (vec![db], 1));
    bench.exits(db, Exit::Signal(15), OutputState::Ended);
    bench.tree_gone(&served(), 0);
    assert_eq!(bench.results(), [AttemptResult::Stopped]);
    assert_eq!(bench.started().len(), 2);
}

#[test]
fn a_service_that_is_never_ready_is_given_up_after_its_time() {
    let mut bench = Bench::new(1);
    bench.give(vec![served()]);
    let db = bench.started()[0];
    bench.begins(db);
    for _ in 0..12 {
        bench.pass_ms(5_000);
        let number = bench.newest(|body| matches!(body, RequestBody::Renew { .. }));
        bench.reply(number, ReplyBody::Renewed { lost: Vec::new() });
    }
    bench.exits(db, Exit::Signal(15), OutputState::Ended);
    bench.tree_gone(&served(), 0);
    bench.keep();
    let (kind, message) = failure(&bench);
    assert_eq!(kind, FailureKind::User);
    assert_eq!(
        message,
        "service `db` was not ready within 1 min: its first `ready` command did not end; the service printed nothing"
    );
}

#[test]
fn what_the_last_probe_said_is_told_though_a_new_one_has_begun() {
    let mut bench = Bench::new(1);
    bench.give(vec![served()]);
    let db = bench.started()[0];
    bench.begins(db);
    let first = bench.started()[1];
    bench.prints(first, "refused\n");
    bench.exits(first, Exit::Code(2), OutputState::Ended);
    for _ in 0..12 {
        bench.pass_ms(5_000);
        let number = bench.newest(|body| matches!(body, RequestBody::Renew { .. }));
        bench.reply(number, ReplyBody::Renewed { lost: Vec::new() });
    }
    assert_eq!(bench.started().len(), 3, "the second does not end");
    bench.exits(db, Exit::Signal(15), OutputState::Ended);
    bench.tree_gone(&served(), 0);
    bench.keep();
    let (_, message) = failure(&bench);
    let said = "its `ready` command exited with code 2 the last time; it last printed `refused`";
    assert!(message.contains(said), "{message}");
}

#[test]
fn a_service_that_closes_its_output_is_still_watched() {
    let mut bench = Bench::new(1);
    let [db, _, step] = ready(&mut bench);
    bench.begins(step);
    bench.tell(Input::Exec(exec::ExecEvent::OutputEnd { id: db }));
    bench.exits(db, Exit::Code(4), OutputState::Open);
    assert_eq!(asked_to_end(&bench), [step]);
    bench.exits(step, Exit::Signal(15), OutputState::Ended);
    bench.tree_gone(&served(), 0);
    bench.keep();
    let (_, message) = failure(&bench);
    assert_eq!(
        message,
        "service `db` exited with code 4 while the steps needed it; it printed nothing"
    );
}

#[test]
fn a_service_that_the_platform_cannot_start_is_the_platforms_failure() {
    let mut bench = Bench::new(1);
    bench.give(vec![served()]);
    let id = bench.started()[0];
    bench.tell(Input::Exec(exec::ExecEvent::NotStarted {
        id,
        cause: exec::NotStarted {
            phase: exec::Phase::Fork,
            errno: 11,
            text: "no process can be made".to_owned(),
        },
    }));
    bench.tree_gone(&served(), 0);
    bench.keep();
    let (kind, message) = failure(&bench);
    assert_eq!(kind, FailureKind::InfraBeforeStart);
    assert_eq!(message, "service `db`: no process can be made");
}

#[test]
fn what_a_probe_prints_is_no_part_of_the_log() {
    let mut bench = Bench::new(1);
    bench.give(vec![served()]);
    let db = bench.started()[0];
    bench.begins(db);
    bench.prints(db, "from db\n");
    let probe = bench.started()[1];
    bench.prints(probe, "probing\n");
    bench.pass_ms(100);
    assert_eq!(bench.log(), "from db\n");
    assert!(
        bench
            .said
            .iter()
            .any(|output| matches!(output, Output::Taken(id, 8) if *id == probe))
    );
}
