//! What the simulator has found in the talk of workers and dispatchers, each as a few messages.
#![expect(clippy::unwrap_used, reason = "tests")]

use api::protocol::{LEASE_MS, Reply, ReplyBody, Request, RequestBody, VERSION, Wish};
use engine::work::Work;
use exec::{ExecEvent, Exit, OutputState, StepRef, Usage};
use model::ids::{RunId, TaskNo, WorkerId};
use model::time::Timestamp;
use server::{Dispatcher, Parts};
use sim::site::FakeSite;
use std::sync::Arc;
use store::{BlobStore, LogSink, MemoryBlobs, MemoryLogs, MemoryStore, Owner};
use testkit::{Driver, plan};
use worker::site::tree_key;
use worker::{Input, Options, Output, Worker};

struct Talk {
    worker: Worker,
    now: Timestamp,
}

impl Talk {
    fn begin() -> Self {
        let options = Options {
            id: WorkerId("w".into()),
            slots: 1,
            capacity: None,
            labels: None,
            grace_ms: 1_000,
        };
        let site = Arc::new(FakeSite::new(MemoryBlobs::new()));
        let now = Timestamp(0);
        Self {
            worker: Worker::new(options, site, now),
            now,
        }
    }

    fn step(&mut self, input: Input) -> Vec<Output> {
        self.now = self.now.plus_ms(1);
        self.worker.step(self.now, input)
    }

    fn answer(&mut self, number: u64, body: ReplyBody) -> Vec<Output> {
        let stop = Vec::new();
        self.step(Input::Reply(Reply { number, body, stop }))
    }

    /// Leases the work, runs it, and gives the request that reports its end.
    fn run_to_report(&mut self, work: &Work) -> Request {
        let wish = requests(self.step(Input::Tick)).remove(0);
        let outputs = self.answer(wish.number, ReplyBody::Leased(vec![work.clone()]));
        assert!(starts(&outputs));
        let id = StepRef(1);
        self.step(Input::Exec(ExecEvent::Started { id, pid: 1 }));
        self.step(Input::Exec(ExecEvent::Exited {
            id,
            exit: Exit::Code(0),
            usage: Usage::default(),
            oom_killed: false,
            output: OutputState::Ended,
        }));
        let outputs = self.step(Input::Exec(ExecEvent::TreeGone {
            tree: tree_key(work.id),
            killed: 0,
            usage: Usage::default(),
        }));
        let mut sent = requests(outputs).into_iter();
        sent.find(|request| matches!(request.body, RequestBody::Report { .. }))
            .unwrap()
    }
}

fn work() -> Work {
    let mut driver = Driver::start(plan("p").task("a", |task| task.run("ms=1")).build());
    driver.lease();
    driver.machine.work(TaskNo(0))
}

fn requests(outputs: Vec<Output>) -> Vec<Request> {
    let mut sent = Vec::new();
    for output in outputs {
        if let Output::Send(request) = output {
            sent.push(request);
        }
    }
    sent
}

fn starts(outputs: &[Output]) -> bool {
    outputs
        .iter()
        .any(|output| matches!(output, Output::Start(..)))
}

#[test]
fn a_late_copy_of_an_answer_does_not_begin_an_ended_attempt_again() {
    let (mut talk, work) = (Talk::begin(), work());
    let report = talk.run_to_report(&work);
    talk.answer(
        report.number,
        ReplyBody::Reported {
            refused: None,
            next: Vec::new(),
        },
    );
    let outputs = talk.answer(1, ReplyBody::Leased(vec![work]));
    assert!(!starts(&outputs), "{outputs:?}");
}

#[test]
fn a_worker_that_has_lost_everything_goes_on_under_another_name() {
    let (mut talk, work) = (Talk::begin(), work());
    talk.run_to_report(&work);
    talk.now = talk.now.plus_ms(LEASE_MS);
    let sent = requests(talk.step(Input::Tick));
    let names: Vec<&str> = sent
        .iter()
        .map(|request| request.worker.0.as_str())
        .collect();
    assert_eq!(names, ["w.1"], "the old name's lease has to run out");
    let outputs = talk.answer(1, ReplyBody::Leased(vec![work]));
    assert!(!starts(&outputs), "that was said to the old name");
}

#[test]
fn a_worker_that_stood_still_for_a_lease_does_not_believe_what_was_said_meanwhile() {
    let (mut talk, work) = (Talk::begin(), work());
    let wish = requests(talk.step(Input::Tick)).remove(0);
    talk.now = talk.now.plus_ms(LEASE_MS);
    let outputs = talk.answer(wish.number, ReplyBody::Leased(vec![work]));
    assert!(!starts(&outputs), "{outputs:?}");
}

#[test]
fn the_report_of_a_dropped_attempt_is_repeated_because_its_answer_may_bring_work() {
    let (mut talk, work) = (Talk::begin(), work());
    let report = talk.run_to_report(&work);
    let renewal = requests(talk.step(Input::Nudge)).remove(0);
    let lost = vec![(work.id, work.token)];
    talk.answer(renewal.number, ReplyBody::Renewed { lost });
    talk.now = talk.now.plus_ms(3_000);
    let again = requests(talk.step(Input::Tick));
    assert!(again.contains(&report), "{again:?}");
}

/// A dispatcher, and what comes out of it.
struct Board {
    dispatcher: Dispatcher,
    now: Timestamp,
}

impl Board {
    fn begin() -> Self {
        let owner = Owner {
            host: String::new(),
            boot_id: String::new(),
            pid_ns: 0,
            pid: 0,
            start_ticks: 0,
            nonce: 0,
            until: Timestamp(0),
        };
        let dispatcher = Dispatcher::new(Parts {
            store: Arc::new(MemoryStore::new()),
            blobs: Arc::new(MemoryBlobs::new()) as Arc<dyn BlobStore>,
            logs: Box::new(|_| Box::new(MemoryLogs::new()) as Box<dyn LogSink>),
            owner,
            time_of_day: Box::new(|now| now),
            alive: Box::new(|_, _| true),
            take_in: None,
        });
        let now = Timestamp(0);
        Self { dispatcher, now }
    }

    fn create(&mut self) -> Vec<server::Output> {
        let head = testkit::head();
        let plan = plan("p").task("a", |task| task).build();
        self.dispatcher.create(head, plan, self.now).unwrap()
    }

    fn wish(&mut self, number: u64) -> Vec<server::Output> {
        let request = Request {
            version: VERSION,
            worker: WorkerId("w".into()),
            number,
            body: RequestBody::Lease(Wish {
                max: 1,
                free: None,
                labels: None,
            }),
        };
        let inputs = vec![server::Input::Request(request)];
        self.dispatcher.step(self.now, 0, inputs).unwrap()
    }
}

/// Numbers of the answers, with how many tasks each brings.
fn answers(outputs: &[server::Output]) -> Vec<(u64, usize)> {
    let mut answers = Vec::new();
    for output in outputs {
        if let server::Output::Reply(_, reply) = output
            && let ReplyBody::Leased(work) = &reply.body
        {
            answers.push((reply.number, work.len()));
        }
    }
    answers
}

#[test]
fn a_wish_in_the_place_of_an_earlier_one_answers_that_without_work() {
    let mut board = Board::begin();
    assert_eq!(answers(&board.wish(1)), []);
    assert_eq!(answers(&board.wish(2)), [(1, 0)]);
    assert_eq!(
        answers(&board.wish(1)),
        [(1, 0)],
        "a late copy is told the same"
    );
    assert_eq!(answers(&board.create()), [(2, 1)]);
}

#[test]
fn a_wish_that_comes_late_does_not_take_the_place_of_a_newer_one() {
    let mut board = Board::begin();
    assert_eq!(answers(&board.wish(2)), []);
    assert_eq!(answers(&board.wish(1)), [(1, 0)]);
    assert_eq!(answers(&board.create()), [(2, 1)]);
}

#[test]
fn the_wish_of_a_worker_that_was_not_heard_of_for_a_lease_is_not_met() {
    let mut board = Board::begin();
    board.wish(1);
    board.now = board.now.plus_ms(LEASE_MS);
    assert_eq!(answers(&board.create()), []);
    let run = RunId::from_random(1);
    let machine = board.dispatcher.machine(run).unwrap();
    assert_eq!(machine.live().count(), 0);
    assert_eq!(answers(&board.wish(1)), [(1, 1)], "until it is heard again");
}
