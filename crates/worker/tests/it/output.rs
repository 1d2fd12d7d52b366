//! What commands print, on its way to the board.

use crate::bench::{Bench, FakeSite, work};
use engine::rows::AttemptResult;
use exec::{ExecEvent, Exit, OutputState};
use model::limits;
use model::plan::{Plan, Text};
use model::reason::FailureKind;
use std::sync::Mutex;
use worker::{Input, Output};

fn two_steps() -> Plan {
    testkit::plan("p")
        .task("a", |task| {
            task.step("first", |step| step.run("server &"))
                .step("second", |step| step.run("client"))
        })
        .build()
}

#[test]
fn what_a_step_left_behind_prints_into_its_own_part_of_the_log() {
    let mut bench = Bench::new(1);
    bench.give(work(two_steps()));
    let first = bench.started()[0];
    bench.prints(first, "one;");
    bench.exits(first, Exit::Code(0), OutputState::Open);
    let second = bench.started()[1];
    bench.prints(second, "two;");
    bench.prints(first, "late;");
    bench.tell(Input::Exec(ExecEvent::OutputEnd { id: first }));
    bench.succeeds(second);
    bench.tree_gone(&work(two_steps())[0], 0);
    let chunks = bench.appends().into_iter().flat_map(|(_, chunks)| chunks);
    let texts: Vec<(u32, String)> = chunks
        .map(|chunk| {
            (
                chunk.step,
                String::from_utf8_lossy(&chunk.bytes).into_owned(),
            )
        })
        .collect();
    let expected = [(0, "one;"), (1, "two;"), (0, "late;")];
    assert_eq!(texts, expected.map(|(step, text)| (step, text.to_owned())));
}

#[test]
fn the_end_is_reported_when_the_board_has_the_output() {
    let mut bench = Bench::new(1);
    bench.give(work(two_steps()));
    let first = bench.started()[0];
    bench.prints(first, "x");
    bench.exits(first, Exit::Code(1), OutputState::Ended);
    bench.tree_gone(&work(two_steps())[0], 0);
    assert!(bench.reports().is_empty());
    bench.keep();
    assert_eq!(bench.reports().len(), 1);
}

#[test]
fn a_text_that_a_step_hides_is_in_no_log_behind_it() {
    let site = FakeSite {
        masks: Mutex::new(vec!["hunter2".to_owned()]),
        ..FakeSite::default()
    };
    let mut bench = Bench::with(1, None, site);
    bench.give(work(two_steps()));
    bench.succeeds(bench.started()[0]);
    let second = bench.started()[1];
    bench.prints(second, "say hun");
    bench.prints(second, "ter2 now");
    bench.succeeds(second);
    bench.tree_gone(&work(two_steps())[0], 0);
    assert_eq!(bench.log(), "say *** now");
}

#[test]
fn a_label_is_cut_behind_what_is_hidden_in_it() {
    let long = format!("{}hunter2 and more", "x".repeat(limits::LABEL_CHARS - 4));
    let shown = format!("{}*** ", "x".repeat(limits::LABEL_CHARS - 4));
    let computed = Text::template(format!("${{{{ '{long}' }}}}"));
    for label in [Text::Literal(long), computed] {
        let plan = testkit::plan("p")
            .task("a", |task| {
                task.step("first", |step| step.run("true").label(label))
            })
            .build();
        let site = FakeSite {
            masks: Mutex::new(vec!["hunter2".to_owned()]),
            ..FakeSite::default()
        };
        let mut bench = Bench::with(1, None, site);
        bench.give(work(plan.clone()));
        bench.exits(bench.started()[0], Exit::Code(1), OutputState::Ended);
        bench.tree_gone(&work(plan)[0], 0);
        let (_, _, end) = bench.reports().remove(0);
        assert_eq!(end.steps[0].label.as_ref(), Some(&shown));
        let AttemptResult::Failed { message, .. } = end.result else {
            panic!("{:?}", end.result);
        };
        assert_eq!(message, format!("step `{shown}` exited with code 1"));
    }
}

#[test]
fn output_that_may_become_a_hidden_text_keeps_neither_worker_nor_command_waiting() {
    let site = FakeSite {
        masks: Mutex::new(vec!["a long text that is hidden".to_owned()]),
        ..FakeSite::default()
    };
    let mut bench = Bench::with(1, None, site);
    bench.give(work(two_steps()));
    bench.succeeds(bench.started()[0]);
    let second = bench.started()[1];
    bench.prints(second, "short");
    bench.pass_ms(100);
    let wake = bench.worker.next_wake();
    assert!(wake.is_none_or(|wake| wake > bench.now), "{wake:?}");
    let taken = |output: &Output| matches!(output, Output::Taken(_, 5));
    assert!(bench.said.iter().any(taken), "the command may print on");
}

#[test]
fn a_log_over_its_bound_fails_the_task_and_nothing_behind_is_kept() {
    let mut bench = Bench::new(1);
    bench.worker = bench.worker.with_log_bytes(10);
    bench.give(work(two_steps()));
    let first = bench.started()[0];
    bench.prints(first, "12345678");
    bench.prints(first, "90123");
    bench.prints(first, "4");
    assert!(
        bench
            .said
            .iter()
            .any(|output| matches!(output, Output::Terminate(id) if *id == first))
    );
    bench.exits(first, Exit::Code(0), OutputState::Ended);
    bench.tree_gone(&work(two_steps())[0], 0);
    bench.keep();
    let message = "its log is larger than the 10 bytes that are kept of one attempt; write what is large into an artifact";
    assert_eq!(
        bench.results(),
        [AttemptResult::Failed {
            kind: FailureKind::User,
            exit_code: None,
            message: message.to_owned()
        }]
    );
}

#[test]
fn more_texts_to_hide_than_are_allowed_fail_the_task() {
    let site = FakeSite {
        masks: Mutex::new((0..=limits::MASKS).map(|n| format!("secret {n}")).collect()),
        ..FakeSite::default()
    };
    let mut bench = Bench::with(1, None, site);
    bench.give(work(two_steps()));
    let first = bench.started()[0];
    bench.succeeds(first);
    bench.tree_gone(&work(two_steps())[0], 0);
    bench.keep();
    let [AttemptResult::Failed { kind, message, .. }] = &bench.results()[..] else {
        panic!("{:?}", bench.results());
    };
    assert_eq!(*kind, FailureKind::User);
    assert!(
        message.contains("at most 1000 of at most 262144 bytes"),
        "{message}"
    );
}
