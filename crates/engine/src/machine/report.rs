//! Ends of attempts: published, tried again, or failed.

use super::Machine;
use super::due::DeadlineReason;
use crate::event::{Rejected, Report};
use crate::overtime;
use crate::retry::{self, Verdict};
use crate::rows::{
    AttemptEnd, AttemptResult, AttemptRow, EffectKey, Ended, FragmentRef, OutputValue, Outputs,
    StopCause, TaskState, Transition,
};
use model::digest::Digest;
use model::ids::{AttemptNo, TaskNo, Token, WorkerId};
use model::limits;
use model::plan::Fragment;
use model::reason::{FailureKind, QueueReason};
use model::time::Timestamp;

/// What a failed attempt says of itself.
struct Trouble {
    kind: FailureKind,
    exit_code: Option<i32>,
    message: String,
    jitter_permille: u16,
}

/// A worker says that a result stands for running, and none was found.
fn nothing_found() -> AttemptResult {
    AttemptResult::Failed {
        kind: FailureKind::InfraBeforeStart,
        exit_code: None,
        message: "its worker reused a result that was not found".to_owned(),
    }
}

impl Machine {
    /// Takes the report of the attempt that is leased; any other is refused.
    pub(super) fn report(&mut self, report: Report, now: Timestamp) -> Result<(), Rejected> {
        let no = report.task;
        self.must_hold(&report.worker, (no, report.attempt, report.token))?;
        let live = &self.live[&no];
        let (stop, keyed, limit_ms) = (live.stop, live.keyed.clone(), live.limit_ms());
        let (key, found) = keyed.map_or((None, None), |keyed| (Some(keyed.key), keyed.found));
        let (jitter_permille, moved) = (report.jitter_permille, report.end.moved);
        let mut outcome = report.end.result.clone();
        if outcome == AttemptResult::Reused && found.is_none() {
            outcome = nothing_found();
        }
        let (outputs, artifacts, generated) = self.close_attempt(no, report.end, now);
        match (outcome, stop) {
            (AttemptResult::Succeeded, stop) => {
                if stop.is_some() {
                    // It was faster than the stop, and so the note about that is not true.
                    self.touch(no).note = None;
                }
                self.publish(no, outputs, artifacts, generated, now);
                self.publish_key(no, key.filter(|_| !moved));
            }
            (AttemptResult::Reused, stop) => {
                if stop.is_some() {
                    self.touch(no).note = None;
                }
                let found = found.expect("else it has failed");
                self.reuse(no, found, now);
            }
            (
                AttemptResult::Stopped | AttemptResult::Interrupted | AttemptResult::Failed { .. },
                Some(StopCause::Cancel(cause)),
            ) => {
                self.keep(no, outputs, artifacts);
                self.end(no, Ended::Canceled(cause), now);
            }
            (
                AttemptResult::Stopped | AttemptResult::Failed { .. } | AttemptResult::Interrupted,
                Some(StopCause::Timeout),
            ) => {
                let message = overtime::sentence("it", limit_ms);
                let kind = FailureKind::Timeout;
                self.keep(no, outputs, artifacts);
                self.failed(
                    no,
                    Trouble {
                        kind,
                        exit_code: None,
                        message,
                        jitter_permille,
                    },
                    now,
                );
            }
            (
                AttemptResult::Failed {
                    kind,
                    exit_code,
                    message,
                },
                None,
            ) => {
                self.keep(no, outputs, artifacts);
                self.failed(
                    no,
                    Trouble {
                        kind,
                        exit_code,
                        message,
                        jitter_permille,
                    },
                    now,
                );
            }
            (AttemptResult::Stopped | AttemptResult::Interrupted, None) => {
                self.interrupted(no, report.by_person, jitter_permille, now);
            }
        }
        Ok(())
    }

    /// Whether the attempt is leased to the worker under the token.
    pub(super) fn must_hold(
        &self,
        worker: &WorkerId,
        (task, attempt, token): (TaskNo, AttemptNo, Token),
    ) -> Result<(), Rejected> {
        let live = self.live.get(&task);
        let holds = live.is_some_and(|live| {
            live.attempt == attempt && live.token == token && live.worker == *worker
        });
        if holds {
            return Ok(());
        }
        Err(Rejected::Fenced {
            task,
            attempt,
            token,
        })
    }

    /// Ends the leased attempt; gives back what it brought for its task.
    pub(super) fn close_attempt(
        &mut self,
        no: TaskNo,
        mut end: AttemptEnd,
        now: Timestamp,
    ) -> (Outputs, Vec<crate::rows::ArtifactRef>, Option<Digest>) {
        let brought = (
            std::mem::take(&mut end.outputs),
            std::mem::take(&mut end.artifacts),
            end.generated,
        );
        let mut attempt = self.live.remove(&no).expect("checked by the caller");
        attempt.ended_at = Some(now);
        attempt.keyed = None;
        end.moved = false;
        attempt.end = Some(Box::new(end));
        if let Some(at) = attempt.deadline_at {
            self.index
                .deadlines
                .remove(&(at, DeadlineReason::Attempt, no));
        }
        self.effect_done(&EffectKey::stop(no, attempt.attempt));
        self.run.counts.running -= 1;
        self.draft.attempts.insert((no, attempt.attempt), attempt);
        self.vacate(no);
        brought
    }

    /// Keeps what an attempt gave although it did not succeed: the tasks behind may go on with it.
    fn keep(&mut self, no: TaskNo, outputs: Outputs, artifacts: Vec<crate::rows::ArtifactRef>) {
        if self.publishes() {
            let row = self.touch(no);
            row.outputs = (!outputs.is_empty()).then(|| Box::new(outputs));
            row.artifacts = artifacts;
        }
    }

    /// The one place where results become visible.
    fn publish(
        &mut self,
        no: TaskNo,
        mut outputs: Outputs,
        artifacts: Vec<crate::rows::ArtifactRef>,
        generated: Option<Digest>,
        now: Timestamp,
    ) {
        if !self.publishes() {
            return self.end(no, Ended::Succeeded, now);
        }
        let declared = self.plan.task(self.row(no).def).outputs.clone();
        for (name, output) in declared {
            if let Some(default) = output.default {
                let value = OutputValue {
                    value: default,
                    tainted: false,
                };
                outputs.entry(name).or_insert(value);
            }
        }
        let row = self.touch(no);
        row.outputs = (!outputs.is_empty()).then(|| Box::new(outputs));
        row.artifacts = artifacts;
        match generated {
            // Its tasks would begin after the cancel.
            Some(_) if self.must_not_start_again(no) => self.end_by_cancel(no, now),
            Some(content) => self.compile(no, content, now),
            None => self.end(no, Ended::Succeeded, now),
        }
    }

    fn failed(&mut self, no: TaskNo, trouble: Trouble, now: Timestamp) {
        let Trouble {
            kind,
            exit_code,
            message,
            jitter_permille,
        } = trouble;
        let def = self.plan.task(self.row(no).def);
        let (rule, idempotent) = (def.retry.clone(), def.idempotent);
        let wanted = match &rule.when {
            None => None,
            Some(condition) => match self.after_failure(no, condition, kind, exit_code) {
                Ok(wanted) => Some(wanted),
                Err(error) => {
                    self.touch(no).note = Some(format!("{message}; {error}").into());
                    return self.fail(no, kind, exit_code, now);
                }
            },
        };
        let row = self.row(no);
        let (retries, free_retries) = (row.retries, row.free_retries);
        let failure = retry::Failure {
            kind,
            retries,
            free_retries,
            idempotent,
            wanted,
            jitter_permille,
        };
        let verdict = if self.must_not_start_again(no) {
            Verdict::No
        } else {
            retry::decide(&rule, failure)
        };
        let pause_ms = match verdict {
            Verdict::No => {
                self.touch(no).note = (!message.is_empty()).then(|| message.into());
                return self.fail(no, kind, exit_code, now);
            }
            Verdict::Paid { pause_ms } => {
                self.touch(no).retries += 1;
                pause_ms
            }
            Verdict::Free { pause_ms } => {
                self.touch(no).free_retries += 1;
                pause_ms
            }
        };
        // Only the last attempt gives something to others.
        let row = self.touch(no);
        row.outputs = None;
        row.artifacts = Vec::new();
        let attempt = AttemptNo(row.attempts);
        self.log(Transition::AttemptEnded { task: no, attempt }, now);
        self.put(no, TaskState::Queued(QueueReason::Backoff), now);
        self.set_timer(no, Some(now.plus_ms(pause_ms)));
    }

    /// An attempt came back unfinished though nobody wanted the task to stop: free of charge, but not for ever
    /// unless a person did it each time.
    fn interrupted(&mut self, no: TaskNo, by_person: bool, jitter_permille: u16, now: Timestamp) {
        if by_person {
            return self.again(no, now);
        }
        let earlier = self.row(no).free_retries;
        if earlier < limits::FREE_RETRIES {
            self.touch(no).free_retries += 1;
            return self.again(no, now);
        }
        let times = earlier + 1;
        self.failed(
            no,
            Trouble {
                kind: FailureKind::InfraAfterStart,
                exit_code: None,
                message: format!("its workers were told to go {times} times before it ended"),
                jitter_permille,
            },
            now,
        );
    }

    /// Another attempt at once, because the one before was taken away and did not fail.
    pub(super) fn again(&mut self, no: TaskNo, now: Timestamp) {
        if self.must_not_start_again(no) {
            return self.end_by_cancel(no, now);
        }
        let attempt = AttemptNo(self.row(no).attempts);
        self.log(Transition::AttemptEnded { task: no, attempt }, now);
        self.enqueue(no, now);
    }

    /// The attempts of a worker that is gone are lost. Whether their commands began is never sure, as the word about
    /// that may be lost too, so they count as begun. They are spread over the pause, as nobody drew anything for them.
    pub(super) fn worker_gone(&mut self, worker: &WorkerId, now: Timestamp) {
        self.forget_worker(worker);
        let lost: Vec<AttemptRow> = self
            .live
            .values()
            .filter(|live| live.worker == *worker)
            .cloned()
            .collect();
        for attempt in lost {
            let no = attempt.task;
            let kind = FailureKind::InfraAfterStart;
            let message = format!("worker `{worker}` was not heard of any more");
            let result = AttemptResult::Failed {
                kind,
                exit_code: None,
                message: message.clone(),
            };
            let (stop, limit_ms) = (attempt.stop, attempt.limit_ms());
            self.close_attempt(no, AttemptEnd::bare(result), now);
            let (kind, message) = match stop {
                Some(StopCause::Cancel(cause)) => {
                    self.end(no, Ended::Canceled(cause), now);
                    continue;
                }
                Some(StopCause::Timeout) => {
                    (FailureKind::Timeout, overtime::sentence("it", limit_ms))
                }
                None => (kind, message),
            };
            let trouble = Trouble {
                kind,
                exit_code: None,
                message,
                jitter_permille: self.spread(no),
            };
            self.failed(no, trouble, now);
        }
    }

    /// Jitter for a task: by its number over the run's id, which was drawn, so that it is the same when asked again.
    fn spread(&self, no: TaskNo) -> u16 {
        let run = self.head.id.as_str().bytes();
        let all = run.chain(no.0.to_be_bytes());
        // FNV-1a.
        let hash = all.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        u16::try_from((hash >> 16) % 1000).unwrap_or(0)
    }

    /// Takes in the tasks that a task generated.
    pub(super) fn generated(
        &mut self,
        no: TaskNo,
        fragment: Result<(Digest, Fragment), String>,
        now: Timestamp,
    ) -> Result<(), Rejected> {
        let waits = TaskState::Queued(QueueReason::Generating);
        self.must_wait(no, |row| row.state == waits)?;
        self.effect_done(&EffectKey::compile(no));
        let fits = fragment.and_then(|(digest, fragment)| {
            self.has_room(fragment.tasks.len())?;
            let depth = self.index.instances[&self.instance_of(no)].depth as usize + 1;
            if depth > limits::SCOPE_DEPTH {
                return Err(format!(
                    "tasks that generate tasks are nested deeper than {}",
                    limits::SCOPE_DEPTH
                ));
            }
            if fragment.tasks.len() > limits::GENERATED_TASKS {
                let (found, most) = (fragment.tasks.len(), limits::GENERATED_TASKS);
                return Err(format!(
                    "it generated {found} tasks; at most {most} are allowed"
                ));
            }
            Ok((digest, fragment))
        });
        let (digest, fragment) = match fits {
            Ok(fits) => fits,
            Err(message) => {
                self.fail_with(no, message, now);
                return Ok(());
            }
        };
        let tasks = u32::try_from(fragment.tasks.len()).expect("bounded above");
        let scope = self.plan.append(fragment);
        crate::order::index_from(
            &self.plan,
            scope,
            &self.head.expected_ms,
            &mut self.index.defs,
        );
        let row = FragmentRef {
            task: no,
            digest,
            scope,
        };
        self.draft.fragments.push(row.clone());
        self.fragments.push(row);
        self.log(Transition::Generated { task: no, tasks }, now);
        if tasks == 0 {
            self.end(no, Ended::Succeeded, now);
            return Ok(());
        }
        self.put(no, TaskState::Open, now);
        if self.effects.contains_key(&EffectKey::enter(Some(no))) {
            self.index
                .held
                .insert(no, std::collections::BTreeSet::new());
        }
        self.instantiate(scope, Some(no), now);
        self.begin_scope(Some(no), now);
        Ok(())
    }
}
