//! Leases: who gets what in which order, who may report, and what becomes of the lost.

use engine::event::{Event, Rejected};
use engine::rows::{AttemptEnd, AttemptResult, Transition};
use model::ids::{AttemptNo, TaskNo, Token, WorkerId};
use model::plan::{Resources, Text};
use serde_json::json;
use testkit::{Driver, plan};

fn success() -> AttemptEnd {
    AttemptEnd::bare(AttemptResult::Succeeded)
}

#[test]
fn the_longest_path_starts_first() {
    let plan = plan("p")
        .task("short", |t| t)
        .task("long", |t| t)
        .task("behind", |t| t.needs(["long"]))
        .task("slow", |t| t)
        .build();
    let mut run = Driver::start_with(plan, |head| {
        head.expected_ms = [("slow".to_owned(), 60_000)].into();
    });
    assert_eq!(run.lease_as("w", 1), ["slow"]);
    assert_eq!(run.lease(), ["long", "short"]);
}

#[test]
fn the_path_behind_a_call_counts_for_the_tasks_inside() {
    let plan = plan("p")
        .task("plain", |t| t)
        .task("call", |t| t.call("inner", []))
        .task("behind", |t| t.needs(["call"]))
        .scope("inner", |s| {
            s.task("x", |t| t).task("y", |t| t.needs(["x"]))
        })
        .build();
    let mut run = Driver::start_with(plan, |head| {
        head.expected_ms = [("plain".to_owned(), 2_500)].into();
    });
    assert_eq!(run.lease(), ["call/x", "plain"]);
}

#[test]
fn priority_comes_before_length() {
    let mut run = Driver::start(
        plan("p")
            .task("long", |t| t)
            .task("behind", |t| t.needs(["long"]))
            .task("urgent", |t| t.priority(1))
            .build(),
    );
    assert_eq!(run.lease(), ["urgent", "long"]);
}

#[test]
fn a_worker_gets_no_more_than_it_asks_for_and_has_free() {
    let mut run = Driver::start(
        plan("p")
            .task("big", |t| t.cpu_milli(3_000).priority(2))
            .task("small", |t| t.cpu_milli(1_000))
            .task("gpu", |t| t.resource("gpu", 1).priority(1))
            .build(),
    );
    let mut ask = run.ask("w", 5);
    ask.free = Some(Resources {
        cpu_milli: 3_500,
        memory_bytes: 0,
        counted: [("gpu".to_owned(), 1)].into(),
    });
    assert_eq!(run.lease_by(ask), ["big", "gpu"]);
    assert_eq!(run.lease_as("w", 0), Vec::<String>::new());
    assert_eq!(run.lease_as("v", 1), ["small"]);
}

#[test]
fn a_worker_gets_only_what_its_labels_allow() {
    let mut run = Driver::start(
        plan("p")
            .task("arm", |t| t.label("arm"))
            .task("any", |t| t)
            .build(),
    );
    let mut ask = run.ask("w", 5);
    ask.labels = Some(vec!["x86".to_owned()]);
    assert_eq!(run.lease_by(ask), ["any"]);
    let mut ask = run.ask("v", 5);
    ask.labels = Some(vec!["arm".to_owned(), "big".to_owned()]);
    assert_eq!(run.lease_by(ask), ["arm"]);
}

#[test]
fn every_lease_has_a_larger_token() {
    let mut run = Driver::start(plan("p").task("a", |t| t.retry(2)).task("b", |t| t).build());
    run.lease();
    run.fail("a", 1);
    run.pass_ms(1_000);
    run.lease();
    let tokens: Vec<u64> = run.granted.iter().map(|granted| granted.token.0).collect();
    assert_eq!(tokens, [1, 2, 3]);
}

#[test]
fn a_report_that_is_not_of_the_leased_attempt_is_refused() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    let good = run.report_of("a", success());
    let mut wrong = vec![good.clone(); 4];
    wrong[0].token = Token(0);
    wrong[1].worker = WorkerId("other".to_owned());
    wrong[2].attempt = AttemptNo(2);
    wrong[3].task = TaskNo(7);
    for report in wrong {
        let rejected = run.handle(Event::Report(report));
        assert!(matches!(rejected, Err(Rejected::Fenced { .. })));
    }
    run.accept(Event::Report(good));
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_report_that_comes_twice_counts_once() {
    let mut run = Driver::start(plan("p").task("a", |t| t).task("b", |t| t).build());
    run.lease();
    let report = run.report_of("a", success());
    run.accept(Event::Report(report.clone()));
    let error = run.handle(Event::Report(report)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "attempt 1 of task 0 is no longer leased under token 1"
    );
}

#[test]
fn a_silent_worker_loses_its_attempts_and_its_late_report_is_refused() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.idempotent())
            .task("b", |t| t)
            .build(),
    );
    run.lease();
    let late = run.report_of("a", success());
    run.silence("w");
    run.pass_ms(14_999);
    assert_eq!(run.state("a"), "running");
    run.pass_ms(1);
    assert_eq!(
        run.states(["a", "b"]),
        ["queued (backoff)", "failed (infra_after_start)"]
    );
    assert_eq!(run.note("b"), "worker `w` was not heard of any more");
    run.pass_ms(1_000);
    assert_eq!(run.lease_as("v", 1), ["a"]);
    assert!(run.handle(Event::Report(late)).is_err());
    run.succeed("a");
    assert_eq!(run.row("a").attempts, 2);
}

#[test]
fn a_worker_that_is_heard_of_keeps_its_attempts() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    run.pass_ms(3_600_000);
    assert_eq!(run.state("a"), "running");
}

#[test]
fn a_heartbeat_that_moves_the_lease_by_little_writes_nothing() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    let renew = |run: &Driver, more_ms: u64| Event::Renew {
        worker: WorkerId("w".to_owned()),
        until: run.now.plus_ms(15_000 + more_ms),
        started: Vec::new(),
    };
    assert!(run.accept(renew(&run, 1_999)).is_empty());
    assert!(!run.accept(renew(&run, 2_000)).is_empty());
}

#[test]
fn only_the_worker_of_an_attempt_says_that_it_started() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    let until = run.now;
    let started = vec![(TaskNo(0), AttemptNo(1), Token(1))];
    run.accept(Event::Renew {
        worker: WorkerId("other".to_owned()),
        until,
        started,
    });
    assert!(!run.machine.live_attempt(TaskNo(0)).unwrap().started);
    run.started("a");
    assert!(run.machine.live_attempt(TaskNo(0)).unwrap().started);
    assert!(run.started("a").is_empty());
    let starts = run.count_events(|what| matches!(what, Transition::Started { .. }));
    assert_eq!(starts, 1);
}

#[test]
fn the_words_of_an_unknown_worker_change_nothing() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    assert!(run.worker_gone("stranger").is_empty());
    let renew = Event::Renew {
        worker: WorkerId("stranger".to_owned()),
        until: run.now.plus_ms(1_000_000),
        started: vec![(TaskNo(9), AttemptNo(1), Token(1))],
    };
    assert!(run.accept(renew).is_empty());
}

#[test]
fn a_takeover_begins_every_interrupted_attempt_again_idempotent_or_not() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t)
            .task("c", |t| t)
            .build(),
    );
    run.lease_as("w", 1);
    run.lease_as("v", 1);
    let late = run.report_of("a", success());
    run.crash();
    run.take_over();
    assert_eq!(run.states(["a", "b", "c"]), ["queued (slots)"; 3]);
    assert!(run.rows.leases.is_empty());
    assert!(run.handle(Event::Report(late)).is_err());
    assert_eq!(run.lease(), ["a", "b", "c"]);
    assert_eq!(run.row("a").attempts, 2);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn an_attempt_that_was_being_stopped_is_canceled_by_a_takeover() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    run.cancel(model::reason::CancelMode::Finally);
    run.take_over();
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn taking_over_twice_is_like_once() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    run.take_over();
    let changes = run.take_over();
    assert_eq!((changes.tasks.len(), changes.events.len()), (0, 1));
}

#[test]
fn the_reason_why_a_task_waits_does_not_flip_between_workers_that_lack_different_things() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.label("arm").cpu_milli(4_000))
            .build(),
    );
    let worker = |name: &str, label: &str, cpu_milli| {
        let mut ask = Driver::start(plan("q").build()).ask(name, 1);
        ask.labels = Some(vec![label.to_owned()]);
        ask.free = Some(Resources {
            cpu_milli,
            memory_bytes: 0,
            counted: [].into(),
        });
        ask
    };
    let (stranger, small) = (worker("v", "x86", 1_000), worker("w", "arm", 2_000));
    run.lease_by(stranger.clone());
    assert_eq!(run.state("a"), "queued (placement)");
    run.lease_by(small.clone());
    assert_eq!(run.state("a"), "queued (resources)");
    assert_eq!(run.note("a"), "needs 4 CPU, 2 free");
    let events = run.events.len();
    for ask in [stranger, small].into_iter().cycle().take(10) {
        run.lease_by(ask);
    }
    assert_eq!(run.events.len(), events);
    assert_eq!(run.lease(), ["a"]);
}

#[test]
fn a_label_that_is_computed_decides_who_gets_the_task() {
    let mut run = Driver::start(
        plan("p")
            .task("m", |t| {
                t.matrix([("os", json!(["linux", "mac"]))]).edit(|def| {
                    def.placement.role = Some(Text::template("${{ params.role }}"));
                    def.placement.labels = vec![Text::template("${{ matrix.os }}")];
                })
            })
            .param("role", json!(""))
            .build(),
    );
    let mut ask = run.ask("w", 5);
    ask.labels = Some(vec!["mac".to_owned()]);
    assert_eq!(run.lease_by(ask), ["m[mac]"]);
    assert_eq!(run.state("m[linux]"), "queued (placement)");
    run.crash();
    assert_eq!(run.lease_as("v", 5), ["m[linux]"]);
}

#[test]
fn a_label_that_cannot_be_computed_fails_its_task() {
    let run = Driver::start(
        plan("p")
            .task("a", |t| {
                t.edit(|def| def.placement.labels = vec![Text::template("${{ params.no }}")])
            })
            .build(),
    );
    assert_eq!(run.state("a"), "failed (user)");
    assert!(
        run.note("a")
            .starts_with("role or label: `${{ params.no }}`"),
        "{}",
        run.note("a")
    );
}

#[test]
fn a_folder_that_reads_the_attempt_is_computed_once_for_it() {
    let mut run = Driver::start(
        plan("p")
            .task("made", |t| t.artifact("x", "out"))
            .task("a", |t| {
                t.needs(["made"]).takes("made", "x").retry(1).edit(|def| {
                    let to = "${{ ['zero', 'one', 'two'][attempt] }}";
                    def.artifacts_in[0].to = Some(Text::template(to));
                })
            })
            .build(),
    );
    run.lease();
    run.succeed("made");
    for folder in ["one", "two"] {
        assert_eq!(run.lease(), ["a"]);
        run.crash();
        let work = run.machine.work(run.no("a"));
        assert_eq!(work.task.artifacts_in[0].to, Some(folder.into()));
        run.fail("a", 1);
        run.pass_ms(1_000);
    }
}

#[test]
fn a_folder_that_only_the_first_attempts_have_fails_the_next_one_and_nothing_else() {
    let mut run = Driver::start(
        plan("p")
            .task("made", |t| t.artifact("x", "out"))
            .task("a", |t| {
                t.needs(["made"]).takes("made", "x").retry(1).edit(|def| {
                    let to = "${{ ['zero', 'one'][attempt] }}";
                    def.artifacts_in[0].to = Some(Text::template(to));
                })
            })
            .build(),
    );
    run.lease();
    run.succeed("made");
    run.lease();
    run.fail("a", 1);
    run.pass_ms(1_000);
    assert_eq!(run.state("a"), "failed (user)");
    assert!(run.note("a").starts_with("`artifacts.in` of `x`: `to`: "));
}
