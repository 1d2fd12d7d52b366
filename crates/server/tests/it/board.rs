//! A board in memory that several dispatchers share, as processes share a file.

use api::protocol::{Reply, ReplyBody, Request, RequestBody, VERSION, Wish};
use engine::rows::{AttemptEnd, AttemptResult, RunHead};
use engine::work::Work;
use model::ids::{RunId, WorkerId};
use model::plan::Plan;
use model::time::Timestamp;
use server::{Dispatcher, Input, Output, Parts, TakeIn};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use store::{BlobStore, LogSink, MemoryBlobs, MemoryLogs, MemoryStore, Owner, Store};

#[derive(Clone, Default)]
pub(crate) struct Board {
    pub(crate) store: MemoryStore,
    pub(crate) blobs: MemoryBlobs,
    pub(crate) logs: MemoryLogs,
    dead: Arc<Mutex<BTreeSet<u64>>>,
    looks: Arc<AtomicU64>,
    /// By how much the time of day is ahead of the clocks of processes.
    ahead_ms: Arc<AtomicU64>,
}

impl Board {
    /// A process; its `number` is its nonce.
    pub(crate) fn process(&self, number: u64) -> Process {
        self.process_with(number, None)
    }

    /// The same with a worker whose room is known.
    pub(crate) fn process_with(&self, number: u64, take_in: Option<TakeIn>) -> Process {
        let (logs, dead) = (self.logs.clone(), Arc::clone(&self.dead));
        let (looks, ahead_ms) = (Arc::clone(&self.looks), Arc::clone(&self.ahead_ms));
        let parts = Parts {
            store: Arc::new(self.store.clone()) as Arc<dyn Store>,
            blobs: Arc::new(self.blobs.clone()) as Arc<dyn BlobStore>,
            logs: Box::new(move |_| Box::new(logs.clone()) as Box<dyn LogSink>),
            owner: Self::owner(number),
            alive: Box::new(move |owner, _| {
                looks.fetch_add(1, Ordering::Relaxed);
                !dead
                    .lock()
                    .expect("no test panics in it")
                    .contains(&owner.nonce)
            }),
            time_of_day: Box::new(move |now| now.plus_ms(ahead_ms.load(Ordering::Relaxed))),
            take_in,
        };
        Process {
            dispatcher: Dispatcher::new(parts),
            now: Timestamp(1_000_000),
            number: 0,
            said: Vec::new(),
        }
    }

    /// A process as an owner of runs.
    pub(crate) fn owner(number: u64) -> Owner {
        Owner {
            host: "here".to_owned(),
            boot_id: "boot".to_owned(),
            pid_ns: 1,
            pid: 1,
            start_ticks: 1,
            nonce: number,
            until: Timestamp(0),
        }
    }

    /// Whether a process lives, as the kernel would say.
    pub(crate) fn is_alive(&self, owner: &Owner) -> bool {
        let dead = self.dead.lock().expect("no test panics in it");
        !dead.contains(&owner.nonce)
    }

    /// How often somebody looked whether an owner lives. The store asks anew with each command, once for each owner
    /// whom it meets.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// The machine was asleep: the clocks of processes stood still meanwhile.
    pub(crate) fn sleeps_ms(&self, ms: u64) {
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The process is dead, as the kernel would say.
    pub(crate) fn dies(&self, number: u64) {
        self.dead
            .lock()
            .expect("no test panics in it")
            .insert(number);
    }
}

pub(crate) struct Process {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) now: Timestamp,
    number: u64,
    /// What was said since the last look.
    pub(crate) said: Vec<Output>,
}

/// The `number`th run of a test.
pub(crate) fn run(number: u64) -> RunId {
    RunId::from_random(number)
}

impl Process {
    pub(crate) fn create(&mut self, number: u64, plan: Plan) {
        let head = RunHead {
            id: run(number),
            ..testkit::head()
        };
        let said = self.dispatcher.create(head, plan, self.now);
        self.said.extend(said.expect("a board in memory takes all"));
    }

    pub(crate) fn take_over(&mut self, number: u64) {
        let said = self.dispatcher.take_over(run(number), "tester", self.now);
        self.said.extend(said.expect("nobody owns it"));
    }

    pub(crate) fn tell(&mut self, inputs: Vec<Input>) {
        let said = self.dispatcher.step(self.now, 7, inputs);
        self.said.extend(said.expect("a board in memory takes all"));
    }

    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.tell(Vec::new());
    }

    pub(crate) fn request(&mut self, body: RequestBody) -> Request {
        self.number += 1;
        Request {
            version: VERSION,
            worker: WorkerId("w".to_owned()),
            number: self.number,
            body,
        }
    }

    /// Sends a request; its answers.
    pub(crate) fn ask(&mut self, request: &Request) -> Vec<Reply> {
        self.said.clear();
        self.tell(vec![Input::Request(request.clone())]);
        self.replies()
    }

    pub(crate) fn replies(&self) -> Vec<Reply> {
        let mut replies = Vec::new();
        for output in &self.said {
            if let Output::Reply(_, reply) = output {
                replies.push(reply.clone());
            }
        }
        replies
    }

    /// Asks for work and gets some.
    pub(crate) fn lease(&mut self, max: u32) -> Vec<Work> {
        let request = self.wish(max);
        granted(&self.ask(&request))
    }

    pub(crate) fn wish(&mut self, max: u32) -> Request {
        self.request(RequestBody::Lease(wish(max)))
    }

    pub(crate) fn report(
        &mut self,
        work: &Work,
        result: AttemptResult,
        then: Option<Wish>,
    ) -> Request {
        self.request(RequestBody::Report {
            id: work.id,
            token: work.token,
            end: Box::new(AttemptEnd::bare(result)),
            missing_log_bytes: 0,
            then,
        })
    }

    pub(crate) fn succeed(&mut self, work: &Work) -> Vec<Reply> {
        let request = self.report(work, AttemptResult::Succeeded, None);
        self.ask(&request)
    }

    pub(crate) fn state(&self, number: u64) -> String {
        let machine = self.dispatcher.machine(run(number)).expect("it is owned");
        machine.run().state.to_string()
    }
}

pub(crate) fn wish(max: u32) -> Wish {
    Wish {
        max,
        free: None,
        labels: None,
    }
}

/// The work that answers carry.
pub(crate) fn granted(replies: &[Reply]) -> Vec<Work> {
    let mut work = Vec::new();
    for reply in replies {
        if let ReplyBody::Leased(fresh) | ReplyBody::Reported { next: fresh, .. } = &reply.body {
            work.extend(fresh.iter().cloned());
        }
    }
    work
}

/// Tasks of these names that need nothing.
pub(crate) fn tasks(names: &[&str]) -> Plan {
    let mut plan = testkit::plan("p");
    for name in names {
        plan = plan.task(name, |task| task.run("true"));
    }
    plan.build()
}
