//! A worker on a bench: a site without a disk, work from a real plan, and what the worker says in reply.

#![expect(clippy::unwrap_used, reason = "tests")]

use api::protocol::{Chunk, Reply, ReplyBody, Request, RequestBody};
use engine::rows::{ArtifactRef, AttemptEnd, AttemptResult};
use engine::steps::{ListedFile, Listing, Planned, Written};
use engine::work::Work;
use exec::{ExecEvent, Exit, OutputState, StepRef};
use model::digest::Digest;
use model::ids::{AttemptId, Token, WorkerId};
use model::plan::{Plan, Resources};
use model::time::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use worker::listing::CutShort;
use worker::site::{Collected, Prepared, Wanted, tree_key};
use worker::{Input, Look, LookRef, Options, Output, Site, Trouble, Worker};

/// Places are made at once unless `slow`; every step writes the masks that were put here; there are no files.
#[derive(Default)]
pub(crate) struct FakeSite {
    pub(crate) slow: bool,
    pub(crate) masks: Mutex<Vec<String>>,
    /// Places that were removed.
    pub(crate) cleaned: AtomicU32,
}

pub(crate) fn place(id: AttemptId) -> Prepared {
    Prepared {
        id,
        dir: PathBuf::from("/nowhere"),
        source: PathBuf::from("/nowhere"),
        worktree: false,
        workspaces: BTreeMap::new(),
        held: Vec::new(),
        remarks: Vec::new(),
        stale: None,
    }
}

impl Site for FakeSite {
    fn prepare(&self, work: &Work, _: &CutShort) -> Result<Prepared, Trouble> {
        Ok(place(work.id))
    }

    fn is_light(&self, _: &Work) -> bool {
        !self.slow
    }

    fn command(
        &self,
        at: &Prepared,
        _: &Work,
        planned: &Planned,
    ) -> Result<exec::Command, Trouble> {
        Ok(exec::Command {
            tree: tree_key(at.id),
            program: "true".into(),
            args: Vec::new(),
            env: planned
                .env
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            cwd: at.dir.clone(),
            is_last: planned.is_last,
            keep_stderr_apart: false,
            limits: exec::Limits::default(),
        })
    }

    fn written(&self, _: &Prepared, _: u32) -> Result<Written, Trouble> {
        Ok(Written {
            masks: self.masks.lock().unwrap().clone(),
            ..Written::default()
        })
    }

    fn has_summary(&self, _: &Prepared, _: u32) -> bool {
        false
    }

    fn collect(&self, _: &Prepared, _: &Wanted) -> Result<Collected, Trouble> {
        Ok(Collected::default())
    }

    fn restore(&self, _: &Prepared, _: &[ArtifactRef]) -> Result<Vec<String>, Trouble> {
        Ok(Vec::new())
    }

    fn clean(&self, _: &Prepared) {
        self.cleaned.fetch_add(1, Ordering::Relaxed);
    }

    fn listing(&self, _: &Prepared, _: &CutShort) -> Option<Arc<dyn Listing>> {
        Some(Arc::new(NoFiles))
    }

    fn free_ports(&self, _: AttemptId, count: usize) -> Result<Vec<u16>, Trouble> {
        Ok((20_000..).take(count).collect())
    }
}

#[derive(Debug)]
struct NoFiles;

impl Listing for NoFiles {
    fn matching(&self, _: &[&str]) -> Result<Vec<ListedFile>, String> {
        Ok(Vec::new())
    }

    fn digest(&self, file: &ListedFile) -> Result<Digest, String> {
        Err(format!("there is no `{}`", file.path))
    }
}

/// The leased work of all tasks of a plan that may start at once.
pub(crate) fn work(plan: Plan) -> Vec<Work> {
    let mut driver = testkit::Driver::start(plan);
    driver.lease_as("w", 100);
    let granted = driver.granted.iter();
    granted
        .map(|granted| driver.machine.work(granted.task))
        .collect()
}

/// One task of one step that prints nothing.
pub(crate) fn one() -> Work {
    work(
        testkit::plan("p")
            .task("a", |task| task.run("true"))
            .build(),
    )
    .remove(0)
}

pub(crate) struct Bench {
    pub(crate) worker: Worker,
    pub(crate) now: Timestamp,
    /// What the worker said since the last look, without requests.
    pub(crate) said: Vec<Output>,
    /// Its requests since the last look, in order.
    pub(crate) asked: Vec<Request>,
}

impl Bench {
    pub(crate) fn new(slots: u32) -> Self {
        Self::with(slots, None, FakeSite::default())
    }

    /// As [`Self::new`], and places take time to make.
    pub(crate) fn slow(slots: u32) -> Self {
        let site = FakeSite {
            slow: true,
            ..FakeSite::default()
        };
        Self::with(slots, None, site)
    }

    /// The board has the newest report, and no more work.
    pub(crate) fn hears_report(&mut self) {
        let number = self.newest(|body| matches!(body, RequestBody::Report { .. }));
        let (refused, next) = (None, Vec::new());
        self.reply(number, ReplyBody::Reported { refused, next });
    }

    /// The only command begins, succeeds, and nothing of it lives.
    pub(crate) fn runs_through(&mut self, work: &Work) {
        let id = self.started()[0];
        self.begins(id);
        self.succeeds(id);
        self.tree_gone(work, 0);
    }

    pub(crate) fn with(slots: u32, capacity: Option<Resources>, site: FakeSite) -> Self {
        let options = Options {
            id: WorkerId("w".to_owned()),
            slots,
            capacity,
            labels: None,
            grace_ms: 1_000,
        };
        let now = Timestamp(1_000_000);
        let mut bench = Self {
            worker: Worker::new(options, Arc::new(site), now),
            now,
            said: Vec::new(),
            asked: Vec::new(),
        };
        bench.tell(Input::Tick);
        bench
    }

    /// Tells it something and gives everything that it says to that, in order. Requests are kept too.
    pub(crate) fn tell_and_see(&mut self, input: Input) -> Vec<Output> {
        let said = self.worker.step(self.now, input);
        for output in &said {
            if let Output::Send(request) = output {
                self.asked.push(request.clone());
            }
        }
        said
    }

    pub(crate) fn tell(&mut self, input: Input) {
        for output in self.worker.step(self.now, input) {
            if let Output::Send(request) = output {
                self.asked.push(request);
            } else {
                self.said.push(output);
            }
        }
    }

    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.tell(Input::Tick);
    }

    /// Time passes, and the board answers every request meanwhile.
    pub(crate) fn keeps_alive_ms(&mut self, ms: u64) {
        for _ in 0..ms / 1_000 {
            self.pass_ms(1_000);
            let newest = self.asked.last().unwrap();
            if let RequestBody::Renew { .. } = newest.body {
                let (number, lost) = (newest.number, Vec::new());
                self.reply(number, ReplyBody::Renewed { lost });
            }
        }
    }

    pub(crate) fn reply(&mut self, number: u64, body: ReplyBody) {
        let stop = Vec::new();
        self.tell(Input::Reply(Reply { number, body, stop }));
    }

    /// Answers the newest wish.
    pub(crate) fn give(&mut self, work: Vec<Work>) -> u64 {
        let number = self.newest(|body| matches!(body, RequestBody::Lease(_)));
        self.reply(number, ReplyBody::Leased(work));
        number
    }

    pub(crate) fn newest(&self, fits: impl Fn(&RequestBody) -> bool) -> u64 {
        let mut newest = self.asked.iter().rev();
        newest
            .find(|request| fits(&request.body))
            .expect("it was asked")
            .number
    }

    pub(crate) fn stop(&mut self, work: &Work) {
        let reply = Reply {
            number: 0,
            body: ReplyBody::Renewed { lost: Vec::new() },
            stop: vec![(work.id, work.token)],
        };
        // Number 0 is never asked; the stop in an answer counts all the same.
        let number = self.asked.last().map_or(0, |request| request.number);
        self.tell(Input::Reply(Reply { number, ..reply }));
    }

    pub(crate) fn lose(&mut self, work: &Work) {
        self.tell(Input::Nudge);
        let number = self.newest(|body| matches!(body, RequestBody::Renew { .. }));
        let lost = vec![(work.id, work.token)];
        self.reply(number, ReplyBody::Renewed { lost });
    }

    /// The newest decision that it wants made aside.
    pub(crate) fn wants_look(&mut self) -> (LookRef, Box<Look>) {
        let is_look = |output: &Output| matches!(output, Output::Look(..));
        let place = self.said.iter().rposition(is_look);
        let Output::Look(reference, look) = self.said.remove(place.unwrap()) else {
            panic!("it is one");
        };
        (reference, look)
    }

    /// That decision is made.
    pub(crate) fn looks(&mut self) {
        let (reference, look) = self.wants_look();
        self.tell(Input::Looked(reference, Ok(Box::new(look.make()))));
    }

    /// The commands that were started since the last look.
    pub(crate) fn started(&self) -> Vec<StepRef> {
        let mut started = Vec::new();
        for output in &self.said {
            if let Output::Start(id, _) = output {
                started.push(*id);
            }
        }
        started
    }

    pub(crate) fn killed(&self) -> usize {
        self.said
            .iter()
            .filter(|output| matches!(output, Output::Kill(_)))
            .count()
    }

    pub(crate) fn begins(&mut self, id: StepRef) {
        self.tell(Input::Exec(ExecEvent::Started { id, pid: 1 }));
    }

    pub(crate) fn prints(&mut self, id: StepRef, text: &str) {
        self.tell(Input::Exec(ExecEvent::Output {
            id,
            stream: exec::Stream::Stdout,
            bytes: text.as_bytes().to_vec(),
        }));
    }

    pub(crate) fn exits(&mut self, id: StepRef, exit: Exit, output: OutputState) {
        if output == OutputState::Ended {
            self.tell(Input::Exec(ExecEvent::OutputEnd { id }));
        }
        self.tell(Input::Exec(ExecEvent::Exited {
            id,
            exit,
            usage: exec::Usage::default(),
            oom_killed: false,
            output,
        }));
    }

    pub(crate) fn succeeds(&mut self, id: StepRef) {
        self.exits(id, Exit::Code(0), OutputState::Ended);
    }

    pub(crate) fn tree_gone(&mut self, work: &Work, memory_peak_bytes: u64) {
        self.tell(Input::Exec(ExecEvent::TreeGone {
            tree: tree_key(work.id),
            killed: 0,
            usage: exec::Usage {
                memory_peak_bytes,
                ..exec::Usage::default()
            },
        }));
    }

    pub(crate) fn appends(&self) -> Vec<(u64, Vec<Chunk>)> {
        let mut appends = Vec::new();
        for request in &self.asked {
            if let RequestBody::Append(append) = &request.body {
                appends.push((request.number, append.chunks.clone()));
            }
        }
        appends
    }

    /// The text of everything that was told to the board.
    pub(crate) fn log(&self) -> String {
        let chunks = self.appends().into_iter().flat_map(|(_, chunks)| chunks);
        chunks
            .map(|chunk| String::from_utf8(chunk.bytes).unwrap())
            .collect()
    }

    /// Answers the newest append as kept.
    pub(crate) fn keep(&mut self) {
        let number = self.newest(|body| matches!(body, RequestBody::Append(_)));
        self.reply(number, ReplyBody::Appended { kept: u64::MAX });
    }

    pub(crate) fn reports(&self) -> Vec<(AttemptId, Token, AttemptEnd)> {
        let mut reports = Vec::new();
        for request in &self.asked {
            if let RequestBody::Report { id, token, end, .. } = &request.body {
                reports.push((*id, *token, (**end).clone()));
            }
        }
        reports
    }

    pub(crate) fn results(&self) -> Vec<AttemptResult> {
        self.reports()
            .into_iter()
            .map(|(_, _, end)| end.result)
            .collect()
    }
}
