//! Reports and the output before them.

use crate::board::{Board, Process, granted, run, tasks, wish};
use api::protocol::{Append, Chunk, ReplyBody, RequestBody, Stream};
use engine::fit::Room;
use engine::rows::{AttemptEnd, AttemptResult};
use engine::work::Work;
use model::ids::Token;
use model::plan::Resources;
use server::{Output, TakeIn};
use store::{BlobStore, Store};

fn append(work: &Work, offset: u64, text: &str) -> RequestBody {
    RequestBody::Append(Append {
        id: work.id,
        token: work.token,
        offset,
        chunks: vec![Chunk {
            step: 0,
            stream: Stream::Stdout,
            at: model::time::Timestamp(1),
            bytes: text.as_bytes().to_vec(),
        }],
    })
}

#[test]
fn a_report_brings_the_next_lease_in_the_same_change() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a", "b"]));
    let work = process.lease(1).remove(0);
    let version = |board: &Board| {
        let rows = board.store.run_load(run(1)).expect("readable");
        rows.expect("there").attempts.len()
    };
    let report = process.report(&work, AttemptResult::Succeeded, Some(wish(1)));
    let replies = process.ask(&report);
    assert_eq!(granted(&replies)[0].key, "b");
    assert_eq!((replies.len(), version(&board)), (1, 2));
}

#[test]
fn a_report_under_an_old_token_is_refused_and_changes_nothing() {
    let mut process = Board::default().process(1);
    process.create(1, tasks(&["a"]));
    let mut work = process.lease(1).remove(0);
    work.token = Token(work.token.0 + 1);
    let ReplyBody::Reported { refused, .. } = process.succeed(&work).remove(0).body else {
        panic!("a report is answered as one");
    };
    assert!(refused.is_some());
    assert_eq!(process.state(1), "running");
}

#[test]
fn a_report_that_comes_again_ends_nothing_twice() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    let work = process.lease(1).remove(0);
    let report = process.report(&work, AttemptResult::Succeeded, None);
    let first = process.ask(&report);
    let events = |board: &Board| {
        board
            .store
            .run_events(run(1), 0, 100)
            .expect("readable")
            .len()
    };
    let before = events(&board);
    assert_eq!(process.ask(&report), first);
    assert_eq!(events(&board), before);
}

#[test]
fn output_that_comes_again_is_kept_once() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    let work = process.lease(1).remove(0);
    for (offset, text, kept) in [(0, "hello ", 6), (0, "hello ", 6), (3, "lo world", 11)] {
        let body = append(&work, offset, text);
        let request = process.request(body);
        let reply = process.ask(&request).remove(0);
        assert_eq!(reply.body, ReplyBody::Appended { kept });
    }
    let frames = board.logs.frames(work.id);
    let text: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.bytes.to_vec())
        .collect();
    assert_eq!(text, b"hello world");
}

#[test]
fn output_behind_a_gap_is_not_kept() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    let work = process.lease(1).remove(0);
    let body = append(&work, 100, "late");
    let request = process.request(body);
    assert_eq!(
        process.ask(&request)[0].body,
        ReplyBody::Appended { kept: 0 }
    );
    assert!(board.logs.frames(work.id).is_empty());
}

#[test]
fn output_of_an_attempt_that_is_not_the_workers_is_passed_over() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    let work = process.lease(1).remove(0);
    process.succeed(&work);
    let body = append(&work, 0, "late");
    let request = process.request(body);
    assert_eq!(
        process.ask(&request)[0].body,
        ReplyBody::Appended { kept: 4 }
    );
    assert!(board.logs.frames(work.id).is_empty());
}

#[test]
fn the_end_of_a_run_teaches_how_long_its_tasks_take_once() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    let work = process.lease(1).remove(0);
    process.now = process.now.plus_ms(400);
    process.succeed(&work);
    let durations = board.store.durations("test").expect("readable");
    assert_eq!(
        durations.into_iter().collect::<Vec<_>>(),
        [("a".to_owned(), 400)]
    );
}

#[test]
fn generated_tasks_see_the_params_of_their_pipeline_and_inherit_what_their_maker_does() {
    let board = Board::default();
    let plan = testkit::plan("p")
        .param("to", serde_json::json!("prod"))
        .task("make", |task| {
            let task = task.run("true").generates("more.yaml");
            task.inherit("SSH_AUTH_SOCK")
        })
        .build();
    let mut process = board.process(1);
    process.create(1, plan);
    let more = "tasks:\n  x:\n    when: params.to == 'prod'\n    run: echo ${{ params.to }}\n";
    generate(&board, &mut process, more);
    let work = process.lease(1).remove(0);
    assert_eq!(work.key, "make/x");
    assert_eq!(work.task.env_policy.inherit, ["SSH_AUTH_SOCK"]);
    assert_eq!(work.names["params"], serde_json::json!({ "to": "prod" }));
}

#[test]
fn text_from_outside_that_a_used_file_gets_is_not_pasted_in_what_it_generates() {
    let paste = "tasks: { x: { run: 'echo ${{ params.s }}' } }\n";
    let again = "tasks: { again: { generates: more.yaml, run: x } }\n";
    // What the file is given, what its tasks generate one after the other, and whether the last is refused.
    for (given, generations, refused) in [
        ("${{ signal.branch }}", &[paste][..], true),
        ("${{ signal.branch }}", &[again, paste], true),
        ("${{ run.id }}", &[again, paste], false),
    ] {
        let board = Board::default();
        let plan = testkit::plan("p")
            .signal(serde_json::json!({ "branch": "x" }))
            .tainted("signal.branch")
            .task("use", |task| task.call("u", [("s", given)]))
            .scope("u", |scope| {
                let scope = scope.input("s", model::plan::ValueType::String);
                scope.task("make", |task| task.run("true").generates("more.yaml"))
            })
            .build();
        let mut process = board.process(1);
        process.create(1, plan);
        for more in generations {
            generate(&board, &mut process, more);
        }
        let rows = board.store.run_tasks(run(1)).expect("readable");
        let notes: Vec<&str> = rows.iter().filter_map(|row| row.note.as_deref()).collect();
        let is_told = |note: &&str| note.contains("`params.s` is text from outside");
        assert_eq!(notes.iter().any(is_told), refused, "{given}: {notes:?}");
    }
}

#[test]
fn generated_tasks_that_use_a_file_are_refused_with_what_to_do() {
    let board = Board::default();
    let plan = testkit::plan("p")
        .task("make", |task| task.run("true").generates("more.yaml"))
        .build();
    let mut process = board.process(1);
    process.create(1, plan);
    let more = "tasks: { scan: { uses: ./ci/scan.yaml } }\n";
    generate(&board, &mut process, more);
    let rows = board.store.run_tasks(run(1)).expect("readable");
    assert_eq!(
        rows[0].note.as_deref(),
        Some(
            "more.yaml:1:24: tasks that are generated cannot use files in this version of Formic (let a task of the \
             pipeline use the file, or write the steps here)"
        )
    );
}

/// What `make` of a run came to that generated `task`, where `room` is what the only worker has.
fn made(task: &str, room: Room) -> (Board, Process) {
    let board = Board::default();
    let plan = testkit::plan("p")
        .task("make", |task| task.run("true").generates("more.yaml"))
        .build();
    let mut room = room;
    let mut process = board.process_with(
        1,
        Some(Box::new(move |file, tasks| match room.take_in(tasks) {
            Ok(_) => Ok(room.capacity.clone()),
            Err(_) => Err(format!("`{file}` does not fit")),
        })),
    );
    process.create(1, plan);
    let more = format!("tasks: {{ x: {{ {task}, run: 'true' }} }}\n");
    generate(&board, &mut process, &more);
    (board, process)
}

fn room() -> Room {
    let capacity = Resources {
        cpu_milli: 2_000,
        memory_bytes: 1 << 30,
        ..Resources::default()
    };
    Room {
        capacity,
        labels: Some(vec!["big".to_owned()]),
    }
}

#[test]
fn a_generated_task_that_could_never_start_fails_what_generated_it() {
    for task in ["resources: { memory: 2GiB }", "labels: [gpu]"] {
        let (board, _) = made(task, room());
        let rows = board.store.run_tasks(run(1)).expect("readable");
        let notes: Vec<_> = rows.iter().map(|row| row.note.as_deref()).collect();
        assert_eq!(notes, [Some("`more.yaml` does not fit")], "{task}");
    }
}

#[test]
fn a_generated_task_that_asks_for_more_than_is_shared_makes_the_worker_grow_before_it_asks_again() {
    let (_, mut process) = made("resources: { cpu: 900, gpu: 1 }", room());
    let capacity = Resources {
        cpu_milli: 900_000,
        counted: [("gpu".to_owned(), 1)].into(),
        ..room().capacity
    };
    let told = process.said.first();
    assert!(
        matches!(told, Some(Output::Capacity(told)) if *told == capacity),
        "{told:?}"
    );
    let mut request = process.wish(1);
    if let RequestBody::Lease(wish) = &mut request.body {
        wish.free = Some(capacity);
    }
    assert_eq!(granted(&process.ask(&request)).len(), 1);
}

#[test]
fn a_wish_that_waits_comes_again_when_the_worker_has_grown() {
    let board = Board::default();
    let plan = testkit::plan("p")
        .task("make", |task| task.run("true").generates("more.yaml"))
        .build();
    let mut room = room();
    let take_in: TakeIn = Box::new(move |_, tasks| {
        let _notes = room.take_in(tasks).expect("it fits");
        Ok(room.capacity.clone())
    });
    let mut process = board.process_with(1, Some(take_in));
    process.create(1, plan);
    let work = process.lease(1).remove(0);
    let waits = process.wish(1);
    assert_eq!(process.ask(&waits), []);
    report_generated(
        &board,
        &mut process,
        &work,
        "tasks: { x: { resources: { gpu: 1 }, run: 'true' } }\n",
    );
    let answered: Vec<u64> = process.replies().iter().map(|reply| reply.number).collect();
    assert!(answered.contains(&waits.number), "{answered:?}");
    let rows = board.store.run_tasks(run(1)).expect("readable");
    assert_eq!(rows[1].note, None);
}

/// The next task succeeds and has written `more` into its file of tasks.
fn generate(board: &Board, process: &mut Process, more: &str) {
    let work = process.lease(1).remove(0);
    report_generated(board, process, &work, more);
}

fn report_generated(board: &Board, process: &mut Process, work: &Work, more: &str) {
    let mut end = AttemptEnd::bare(AttemptResult::Succeeded);
    end.generated = Some(board.blobs.put_bytes(more.as_bytes()).expect("in memory"));
    let report = process.request(RequestBody::Report {
        id: work.id,
        token: work.token,
        end: Box::new(end),
        missing_log_bytes: 0,
        then: None,
    });
    process.ask(&report);
}
