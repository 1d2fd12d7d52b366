//! What workers ask, and what they are answered.

use super::{Answer, AnswerKind, Dispatcher, Fatal, LEASE_MS, Output, Parked, Worker, answers};
use api::protocol::{Append, Reply, ReplyBody, Request, RequestBody, Stream, VERSION, Wish};
use engine::event::{Event, Rejected, Report};
use engine::rows::{AttemptEnd, Changes};
use engine::work::Work;
use model::ids::{AttemptId, RunId, Token, WorkerId};
use model::time::Timestamp;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use store::Frame;

/// What a commit has made durable, for the answers that follow from it.
pub(super) struct Written<'a> {
    pub(super) changes: &'a BTreeMap<RunId, (u64, Changes)>,
    pub(super) lost: &'a BTreeMap<RunId, String>,
    /// Leases that an answer carries already.
    pub(super) carried: BTreeSet<(RunId, Token)>,
}

/// The report of a worker, in one piece.
struct Reported {
    id: AttemptId,
    token: Token,
    end: AttemptEnd,
    missing_log_bytes: u64,
    then: Option<Wish>,
}

impl Dispatcher {
    pub(super) fn request(
        &mut self,
        request: Request,
        now: Timestamp,
        entropy: u64,
        out: &mut Vec<Output>,
    ) -> Result<(), Fatal> {
        let Request {
            worker,
            number,
            body,
            version,
        } = request;
        if version > VERSION {
            let why =
                format!("the worker speaks version {version} of the protocol, the board {VERSION}");
            let reply = Reply {
                number,
                body: ReplyBody::Unavailable { why },
                stop: Vec::new(),
            };
            out.push(Output::Reply(worker, reply));
            return Ok(());
        }
        if !self.workers.contains_key(&worker) {
            let log = (self.parts.logs)(&worker);
            let known = Worker {
                log,
                wish: None,
                answered: BTreeMap::new(),
                heard_at: now,
                slots: 0,
            };
            self.workers.insert(worker.clone(), known);
        }
        let known = self.workers.get_mut(&worker).expect("inserted above");
        known.heard_at = now;
        known.slots = known.slots.max(slots_of(&body));
        if let Some(reply) = known.answered.get(&number) {
            let reply = reply.clone();
            out.push(Output::Reply(worker, reply));
            return Ok(());
        }
        // The same request twice in one batch is answered once; the worker takes that for both.
        if self
            .batch
            .answers
            .iter()
            .any(|answer| answer.worker == worker && answer.number == number)
        {
            return Ok(());
        }
        let kind = match body {
            RequestBody::Lease(wish) => {
                let parked = Parked {
                    number,
                    wish,
                    heard_at: now,
                };
                let Some(superseded) = self.park(&worker, parked) else {
                    return Ok(());
                };
                // Answered without work, so that the worker need not repeat it.
                self.batch.answers.push(Answer {
                    worker,
                    number: superseded,
                    kind: AnswerKind::Leased,
                });
                return Ok(());
            }
            RequestBody::Renew { holds } => self.renew(&worker, &holds, now),
            RequestBody::Append(append) => self.append(&worker, append)?,
            RequestBody::Key { id, token, key } => self.key(&worker, (id, token), key, now)?,
            RequestBody::Report {
                id,
                token,
                end,
                missing_log_bytes,
                then,
            } => {
                let reported = Reported {
                    id,
                    token,
                    end: *end,
                    missing_log_bytes,
                    then,
                };
                self.report(&worker, reported, now, entropy)
            }
        };
        self.batch.answers.push(Answer {
            worker,
            number,
            kind,
        });
        Ok(())
    }

    /// Lets a wish wait in the place of an earlier one; the number of the one that does not count any more.
    fn park(&mut self, worker: &WorkerId, parked: Parked) -> Option<u64> {
        let known = self.workers.get_mut(worker)?;
        match &known.wish {
            Some(newer) if newer.number > parked.number => Some(parked.number),
            Some(older) if older.number < parked.number => {
                let superseded = older.number;
                known.wish = Some(parked);
                Some(superseded)
            }
            Some(_) | None => {
                known.wish = Some(parked);
                None
            }
        }
    }

    fn renew(
        &mut self,
        worker: &WorkerId,
        holds: &[(AttemptId, Token, bool)],
        now: Timestamp,
    ) -> AnswerKind {
        let until = now.plus_ms(LEASE_MS);
        let runs: Vec<RunId> = self.runs.keys().copied().collect();
        for run in runs {
            let of_run = holds
                .iter()
                .filter(|(id, _, started)| id.run == run && *started);
            let started = of_run
                .map(|(id, token, _)| (id.task, id.attempt, *token))
                .collect();
            self.handle(
                run,
                Event::Renew {
                    worker: worker.clone(),
                    until,
                    started,
                },
                now,
            );
        }
        let lost = holds
            .iter()
            .filter(|(id, token, _)| !self.holds(worker, *id, *token));
        AnswerKind::Renewed {
            lost: lost.map(|(id, token, _)| (*id, *token)).collect(),
        }
    }

    /// Whether an attempt is leased to the worker under the token.
    pub(super) fn holds(&self, worker: &WorkerId, id: AttemptId, token: Token) -> bool {
        let machine = self.runs.get(&id.run).map(|owned| &owned.machine);
        machine
            .and_then(|machine| machine.live_attempt(id.task))
            .is_some_and(|live| {
                live.attempt == id.attempt && live.token == token && live.worker == *worker
            })
    }

    /// Keeps output, but for the bytes that are kept already.
    fn append(&mut self, worker: &WorkerId, append: Append) -> Result<AnswerKind, Fatal> {
        let sizes = append.chunks.iter().map(|chunk| chunk.bytes.len() as u64);
        let sent = sizes.fold(append.offset, u64::saturating_add);
        if !self.holds(worker, append.id, append.token) {
            // Nobody will read it; the worker learns that it lost the attempt when it renews.
            return Ok(AnswerKind::Appended { kept: sent });
        }
        let log = &mut self
            .workers
            .get_mut(worker)
            .expect("registered by the caller")
            .log;
        let kept = log.written_bytes(append.id);
        let mut at = append.offset;
        let mut frames = Vec::with_capacity(append.chunks.len());
        for chunk in &append.chunks {
            let end = at.saturating_add(chunk.bytes.len() as u64);
            let known = usize::try_from(kept.saturating_sub(at)).unwrap_or(usize::MAX);
            if end > kept && at <= kept {
                frames.push(Frame {
                    attempt: append.id,
                    stream: stream(chunk.stream),
                    step: chunk.step,
                    at: chunk.at,
                    bytes: Cow::Borrowed(&chunk.bytes[known.min(chunk.bytes.len())..]),
                });
            } else if at > kept && frames.is_empty() {
                // A gap: what came before was lost on the way and is sent again first.
                return Ok(AnswerKind::Appended { kept });
            } else if end > kept {
                frames.push(Frame {
                    attempt: append.id,
                    stream: stream(chunk.stream),
                    step: chunk.step,
                    at: chunk.at,
                    bytes: Cow::Borrowed(&chunk.bytes),
                });
            }
            at = end;
        }
        log.append(&frames)?;
        Ok(AnswerKind::Appended {
            kept: log.written_bytes(append.id),
        })
    }

    fn report(
        &mut self,
        worker: &WorkerId,
        reported: Reported,
        now: Timestamp,
        entropy: u64,
    ) -> AnswerKind {
        let Reported {
            id,
            token,
            mut end,
            missing_log_bytes,
            then,
        } = reported;
        if self.holds(worker, id, token) {
            let log = &mut self
                .workers
                .get_mut(worker)
                .expect("registered by the caller")
                .log;
            end.log = log.finish(id, missing_log_bytes);
            self.batch.logs.insert(worker.clone());
            self.batch.blobs |=
                !end.artifacts.is_empty() || end.generated.is_some() || end.summary.is_some();
        }
        let report = Report {
            worker: worker.clone(),
            task: id.task,
            attempt: id.attempt,
            token,
            end,
            jitter_permille: u16::try_from(entropy % 1000).unwrap_or(0),
            by_person: self.draining,
        };
        let refused = if self.runs.contains_key(&id.run) {
            self.handle(id.run, Event::Report(report), now)
        } else {
            Some(fenced((id, token)))
        };
        if let Some(wish) = then {
            self.lease(worker, wish, now);
        }
        AnswerKind::Reported {
            report: (id, token),
            refused,
        }
    }

    /// Sends an answer that has become true.
    pub(super) fn answer(
        &mut self,
        answer: Answer,
        written: &mut Written<'_>,
        out: &mut Vec<Output>,
    ) {
        let Answer {
            worker,
            number,
            kind,
        } = answer;
        let body = match kind {
            AnswerKind::Leased => ReplyBody::Leased(self.work_for(&worker, written)),
            AnswerKind::Renewed { lost } => ReplyBody::Renewed { lost },
            AnswerKind::Appended { kept } => ReplyBody::Appended { kept },
            AnswerKind::Keyed { of, refused } => {
                let lost = written.lost.contains_key(&of.0.run);
                let refused = refused.or_else(|| lost.then(|| fenced(of)));
                ReplyBody::Keyed(self.key_answer(of, refused))
            }
            AnswerKind::Reported { report, refused } => {
                // The run is somebody else's by now, and so is the attempt.
                let lost = written.lost.contains_key(&report.0.run);
                let refused = refused.or_else(|| lost.then(|| fenced(report)));
                let next = self.work_for(&worker, written);
                ReplyBody::Reported { refused, next }
            }
        };
        let reply = Reply {
            number,
            body,
            stop: self.to_stop(&worker),
        };
        if let Some(known) = self.workers.get_mut(&worker) {
            known.answered.insert(number, reply.clone());
            while known.answered.len() > answers(known.slots) {
                known.answered.pop_first();
            }
        }
        out.push(Output::Reply(worker, reply));
    }

    /// The work that this batch granted to a worker and that no answer has carried yet.
    fn work_for(&self, worker: &WorkerId, written: &mut Written<'_>) -> Vec<Work> {
        let mut work = Vec::new();
        for (run, (_, changes)) in written.changes {
            let Some(owned) = self
                .runs
                .get(run)
                .filter(|_| !written.lost.contains_key(run))
            else {
                continue;
            };
            for granted in changes
                .granted
                .iter()
                .filter(|granted| granted.worker == *worker)
            {
                let current = owned.machine.live_attempt(granted.task);
                let stands = current.is_some_and(|live| live.token == granted.token);
                if stands && written.carried.insert((*run, granted.token)) {
                    work.push(owned.machine.work(granted.task));
                }
            }
        }
        work
    }

    /// What a worker has to stop.
    pub(super) fn to_stop(&self, worker: &WorkerId) -> Vec<(AttemptId, Token)> {
        let mut stop = Vec::new();
        for (run, owned) in &self.runs {
            for key_effect in owned.machine.effects() {
                let engine::rows::Effect::StopAttempt {
                    worker: of,
                    task,
                    attempt,
                    token,
                } = key_effect.1
                else {
                    continue;
                };
                if of == worker {
                    let id = AttemptId {
                        run: *run,
                        task: *task,
                        attempt: *attempt,
                    };
                    stop.push((id, *token));
                }
            }
        }
        stop
    }
}

/// How many slots a worker has at least that asks this.
fn slots_of(body: &RequestBody) -> usize {
    match body {
        RequestBody::Lease(wish) => wish.max as usize,
        RequestBody::Renew { holds } => holds.len(),
        RequestBody::Key { .. } | RequestBody::Append(_) | RequestBody::Report { .. } => 1,
    }
}

pub(super) fn fenced((id, token): (AttemptId, Token)) -> Rejected {
    Rejected::Fenced {
        task: id.task,
        attempt: id.attempt,
        token,
    }
}

fn stream(of: Stream) -> store::Stream {
    match of {
        Stream::Stdout => store::Stream::Stdout,
        Stream::Stderr => store::Stream::Stderr,
        Stream::System => store::Stream::System,
    }
}
