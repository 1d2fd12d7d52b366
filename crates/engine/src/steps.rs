//! The steps of one attempt: which comes next, in which environment, and what they come to.
//!
//! The second pure machine, with the same manner as the first: the worker tells what happened, this tells
//! what to do. No IO; files and processes are the worker's.
//!
//! Rules
//! - A step runs if its `when` is true; without one, if nothing failed before it (`succeeded()`).
//! - A failed step whose failure is tolerated has `outcome` failed and `conclusion` succeeded.
//! - A stop ends the running step; behind it only steps run whose `when` is true all the same.
//! - Post steps of steps that were started run last, in reverse order, also after failure and stop.
//! - What a step writes to its environment and path files holds for the steps behind it.

mod asks;
mod command;
mod files;
mod frame;
mod given;
mod key;
mod names;
mod outputs;
mod services;

pub use command::{Planned, Run};
pub use files::{FileKind, ListedFile, Listing, glob, hash};
pub use outputs::{Written, typed};
pub(crate) use outputs::{computed, fit, holds_text, input, is_typed};
pub use services::{PlannedService, Ready};

use crate::overtime;
use crate::rows::{AttemptResult, Exit, StepResult, StepStatus};
use crate::texts::Texts;
use crate::work::Work;
use command::Look;
use frame::{Failure, Frame, StepEnd, Turn};
use model::plan::{Body, Late, Steps};
use model::reason::FailureKind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The steps of one attempt.
#[derive(Debug, Clone)]
pub struct StepMachine {
    work: Arc<Work>,
    texts: Texts,
    /// The task's steps, then the groups that are open, innermost last.
    frames: Vec<Frame>,
    posts: Vec<Turn>,
    running: Option<Turn>,
    results: Vec<StepResult>,
    /// What steps wrote for the task, by name; the newest counts.
    written: BTreeMap<String, String>,
    /// Variables of the worker's that the pipeline's stand over: where services listen.
    given: Vec<(String, String)>,
    /// Variables that steps set for those behind them.
    env: Vec<(String, String)>,
    /// Folders that steps put before `PATH`, the newest first.
    path: Vec<String>,
    /// Where the workspaces are; only those that are there.
    workspaces: BTreeMap<String, String>,
    /// The files of the source, for `hash` and `glob`.
    listing: Option<Arc<dyn Listing>>,
    stop: Option<Stop>,
    /// Whether a step was skipped after a stop.
    left_out: bool,
    started: bool,
    tainted: bool,
    begun: u32,
}

/// Why the steps are cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Somebody wants so: a cancel, or the time limit of the task.
    Asked,
    /// The worker has to go; the task is begun again elsewhere.
    Interrupted,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Run this command, then call [`StepMachine::ended`].
    Run(Box<Planned>),
    /// Nothing more: what the steps came to.
    Done(AttemptResult),
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandEnd {
    /// It ran and ended.
    Exited(Exit),
    /// It ran longer than it may and was stopped.
    TimedOut(Option<Exit>),
    /// It was stopped because the attempt was.
    Stopped(Option<Exit>),
    /// It never ran, because of what the pipeline says.
    Refused(String),
    /// The platform failed, before it ran or while it did.
    Lost(String),
    /// It used more memory than the task asked for.
    OutOfMemory {
        /// How it ended.
        exit: Exit,
        /// The limit.
        limit_bytes: u64,
    },
}

impl StepMachine {
    /// The steps of `work`, none begun. `workspaces` are the folders of its workspaces by name.
    #[must_use]
    pub fn new(work: Arc<Work>, workspaces: BTreeMap<String, String>) -> Self {
        let steps = match &work.task.body {
            Body::Steps(Steps { steps, .. }) => steps.clone(),
            Body::Call(_) | Body::Nothing => Vec::new(),
        };
        Self {
            frames: vec![Frame::root(steps)],
            texts: Texts::of(&work.files),
            work,
            posts: Vec::new(),
            running: None,
            results: Vec::new(),
            written: BTreeMap::new(),
            given: Vec::new(),
            env: Vec::new(),
            path: Vec::new(),
            workspaces,
            listing: None,
            stop: None,
            left_out: false,
            started: false,
            tainted: false,
            begun: 0,
        }
    }

    /// The same, with files that expressions may look at.
    #[must_use]
    pub fn with_listing(mut self, listing: Option<Arc<dyn Listing>>) -> Self {
        self.listing = listing;
        self
    }

    /// The same attempt with the same files, none of its steps begun.
    #[must_use]
    pub fn anew(&self) -> Self {
        let steps = Self::new(Arc::clone(&self.work), self.workspaces.clone());
        steps.with_listing(self.listing.clone())
    }

    /// What became of the steps so far.
    #[must_use]
    pub fn results(&self) -> &[StepResult] {
        &self.results
    }

    /// Cuts the steps short. The caller stops what runs.
    pub fn stop(&mut self, stop: Stop) {
        self.stop.get_or_insert(stop);
    }

    /// Something that the steps cannot go on without has failed: behind it only those run that are wanted after a
    /// failure. The caller ends what runs.
    pub fn fail(&mut self, kind: FailureKind, exit_code: Option<i32>, message: &str) {
        for frame in &mut self.frames {
            frame.failure = Some(Failure {
                kind,
                exit_code,
                message: message.to_owned(),
            });
        }
    }

    /// What to do next. Not to be called while a command runs.
    pub fn advance(&mut self) -> Next {
        loop {
            let Some(mut turn) = self.take_turn() else {
                return Next::Done(self.result());
            };
            match self.look(&mut turn) {
                Ok(Look::Opened) => {}
                Ok(Look::Skip) => {
                    self.left_out |= self.stop.is_some();
                    let end = StepEnd::without_command(StepStatus::Skipped, None);
                    self.conclude(&turn, end);
                }
                Ok(Look::Run(planned)) => {
                    self.begun += 1;
                    // Computed by now; the message about one that took too long names it.
                    turn.timeout_ms = planned.timeout_ms.map(Late::Known);
                    self.running = Some(turn);
                    return Next::Run(planned);
                }
                Err(message) => {
                    let message = format!("step `{}`: {message}", turn.title());
                    let failure = Failure {
                        kind: FailureKind::User,
                        exit_code: None,
                        message,
                    };
                    let end = StepEnd::without_command(StepStatus::Failed, Some(failure));
                    self.conclude(&turn, end);
                }
            }
        }
    }

    /// The command of the last [`Next::Run`] has begun to run.
    pub fn began(&mut self) {
        self.started = true;
    }

    /// The command of the last [`Next::Run`] ended, and wrote this.
    ///
    /// # Panics
    /// When no command runs.
    pub fn ended(&mut self, end: CommandEnd, duration_ms: u64, written: Written) {
        let turn = self.running.take().expect("a command runs");
        let mut end = self.judge(&turn, end, duration_ms);
        if let Err(message) = self.take_in(&turn, written)
            && end.status == StepStatus::Succeeded
        {
            end.status = StepStatus::Failed;
            let message = format!("step `{}`: {message}", turn.title());
            end.failure = Some(Failure {
                kind: FailureKind::User,
                exit_code: None,
                message,
            });
        }
        self.conclude(&turn, end);
    }

    fn judge(&self, turn: &Turn, end: CommandEnd, duration_ms: u64) -> StepEnd {
        let name = turn.title();
        let failed = |kind, exit_code, message: String| {
            Some(Failure {
                kind,
                exit_code,
                message,
            })
        };
        let infra = if self.started {
            FailureKind::InfraAfterStart
        } else {
            FailureKind::InfraBeforeStart
        };
        let (status, exit, failure) = match end {
            CommandEnd::Exited(Exit::Code(0)) => (StepStatus::Succeeded, Some(Exit::Code(0)), None),
            CommandEnd::Exited(exit @ Exit::Code(code)) => {
                let message = format!("step `{name}` exited with code {code}");
                (
                    StepStatus::Failed,
                    Some(exit),
                    failed(FailureKind::User, Some(code), message),
                )
            }
            CommandEnd::Exited(exit @ Exit::Signal(signal)) => {
                let message = format!("step `{name}` was ended by signal {signal}");
                let code = Some(128 + signal);
                (
                    StepStatus::Failed,
                    Some(exit),
                    failed(FailureKind::User, code, message),
                )
            }
            CommandEnd::TimedOut(exit) => {
                let limit_ms = turn.timeout_ms.as_ref().and_then(Late::known).copied();
                let message = overtime::sentence(&format!("step `{name}`"), limit_ms);
                (
                    StepStatus::Failed,
                    exit,
                    failed(FailureKind::Timeout, None, message),
                )
            }
            CommandEnd::OutOfMemory { exit, limit_bytes } => {
                let message = format!(
                    "step `{name}` used more memory than `resources.memory` allows ({limit_bytes} bytes)"
                );
                (
                    StepStatus::Failed,
                    Some(exit),
                    failed(FailureKind::User, Some(137), message),
                )
            }
            CommandEnd::Stopped(exit) => (StepStatus::Canceled, exit, None),
            CommandEnd::Refused(message) => (
                StepStatus::Failed,
                None,
                failed(FailureKind::User, None, message),
            ),
            CommandEnd::Lost(message) => (StepStatus::Failed, None, failed(infra, None, message)),
        };
        StepEnd {
            status,
            exit,
            failure,
            duration_ms,
        }
    }

    /// The next step to look at: of the innermost group that has one, then post steps backwards.
    fn take_turn(&mut self) -> Option<Turn> {
        loop {
            let depth = self.frames.len() - 1;
            if let Some(turn) = self.frames[depth].take(depth) {
                return Some(turn);
            }
            if depth == 0 {
                return self.posts.pop();
            }
            let frame = self.frames.pop().expect("there are two or more");
            self.conclude_group(frame);
        }
    }

    /// What the whole attempt came to.
    fn result(&self) -> AttemptResult {
        let is_whole = !self.left_out && !self.frames[0].canceled;
        match (self.stop, &self.frames[0].failure) {
            // The last command ended well all the same: begun again, it would be done twice.
            (Some(Stop::Interrupted), None) if is_whole => AttemptResult::Succeeded,
            (Some(Stop::Interrupted), _) => AttemptResult::Interrupted,
            (Some(Stop::Asked), _) => AttemptResult::Stopped,
            (
                None,
                Some(Failure {
                    kind,
                    exit_code,
                    message,
                }),
            ) => AttemptResult::Failed {
                kind: *kind,
                exit_code: *exit_code,
                message: message.clone(),
            },
            // Not asked for, but what was cut short did not succeed.
            (None, None) if self.frames[0].canceled => AttemptResult::Stopped,
            (None, None) => AttemptResult::Succeeded,
        }
    }
}
