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
mod files;
mod frame;
mod names;
mod outputs;
mod services;

pub use files::{FileKind, ListedFile, Listing, glob, hash};
pub(crate) use outputs::input;
pub use outputs::{Written, typed};
pub use services::{PlannedService, Ready};

use crate::rows::{AttemptResult, Exit, OutputValue, Outputs, StepResult, StepStatus};
use crate::texts::{self, Texts};
use crate::work::Work;
use expr::Value;
use frame::{Failure, Frame, Turn};
use model::plan::{Body, Output, Shell, Steps, Text};
use model::reason::FailureKind;
use names::StepNames;
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

/// A command with everything computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Number of the step among those begun, from 0; names its files and its log lines.
    pub index: u32,
    /// Its name, see [`StepResult::name`].
    pub name: String,
    /// What to run.
    pub run: Run,
    /// Variables over those of the worker, in order: later ones win.
    pub env: Vec<(String, String)>,
    /// Folders before `PATH`.
    pub path: Vec<String>,
    /// Folder relative to the source.
    pub working_dir: Option<String>,
    /// Time limit.
    pub timeout_ms: Option<u64>,
    /// Keep standard error apart.
    pub keep_streams_apart: bool,
    /// Whether nothing can follow it, so that its processes may be cleared away at its end.
    pub is_last: bool,
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// A file with this text, by this shell or the default one.
    Script {
        /// The text.
        text: String,
        /// The shell, with its `argv` computed.
        shell: Option<Shell>,
        /// What the script finds in `$1`, `$2`, ….
        args: Vec<String>,
    },
    /// A program.
    Command(Vec<String>),
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

/// What looking at a step gave.
enum Look {
    Skip,
    Opened,
    Run(Box<Planned>),
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

    /// What became of the steps so far.
    #[must_use]
    pub fn results(&self) -> &[StepResult] {
        &self.results
    }

    /// The step whose command runs.
    #[must_use]
    pub fn running(&self) -> Option<&str> {
        self.running.as_ref().map(|turn| turn.name.as_str())
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
            let Some(turn) = self.take_turn() else {
                return Next::Done(self.result());
            };
            match self.look(&turn) {
                Ok(Look::Opened) => {}
                Ok(Look::Skip) => self.conclude(&turn, StepStatus::Skipped, None, None, 0),
                Ok(Look::Run(planned)) => {
                    self.begun += 1;
                    self.running = Some(turn);
                    return Next::Run(planned);
                }
                Err(message) => {
                    let message = format!("step `{}`: {message}", turn.name);
                    let failure = Failure {
                        kind: FailureKind::User,
                        exit_code: None,
                        message,
                    };
                    self.conclude(&turn, StepStatus::Failed, None, Some(failure), 0);
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
        let (mut status, exit, mut failure) = self.judge(&turn.name, end);
        if let Err(message) = self.take_in(&turn, written)
            && status == StepStatus::Succeeded
        {
            status = StepStatus::Failed;
            let message = format!("step `{}`: {message}", turn.name);
            failure = Some(Failure {
                kind: FailureKind::User,
                exit_code: None,
                message,
            });
        }
        self.conclude(&turn, status, exit, failure, duration_ms);
    }

    fn judge(&self, name: &str, end: CommandEnd) -> (StepStatus, Option<Exit>, Option<Failure>) {
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
        match end {
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
                let message = format!("step `{name}` took longer than its `timeout`");
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
        }
    }

    /// The values of the task's declared outputs, from what steps wrote and from templates.
    ///
    /// # Errors
    /// When a value does not fit its declared type, cannot be computed, or was never written and has no default.
    pub fn outputs(&mut self) -> Result<Outputs, String> {
        let work = Arc::clone(&self.work);
        let mut outputs = Outputs::new();
        for (name, declared) in &work.task.outputs {
            let value = self.output(name, declared)?;
            if value.is_none() && outputs::has_to_be_written(declared) {
                return Err(self.unwritten(name));
            }
            outputs.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(outputs)
    }

    /// Those of the declared outputs that have a value although the task failed.
    #[must_use]
    pub fn outputs_of_failed(&mut self) -> Outputs {
        let work = Arc::clone(&self.work);
        let mut outputs = Outputs::new();
        for (name, declared) in &work.task.outputs {
            if let Ok(Some(value)) = self.output(name, declared) {
                outputs.insert(name.clone(), value);
            }
        }
        outputs
    }

    fn output(&mut self, name: &str, declared: &Output) -> Result<Option<OutputValue>, String> {
        let value = match (&declared.from, self.written.get(name)) {
            (Some(from), _) => {
                let value = match self.text(from) {
                    Err(_) if declared.default.is_some() => return Ok(None),
                    value => value?,
                };
                self.tainted |= value.is_tainted();
                outputs::fit(name, &declared.value_type, texts::json(&value)?)?
            }
            (None, Some(text)) => typed(name, &declared.value_type, text)?,
            (None, None) => return Ok(None),
        };
        let tainted = self.tainted && outputs::holds_text(&declared.value_type);
        Ok(Some(OutputValue { value, tainted }))
    }

    /// What was written under names that nobody declared may be it with a slip of the pen.
    fn unwritten(&self, name: &str) -> String {
        let message = outputs::unwritten(name);
        match self.undeclared().join("`, `") {
            others if others.is_empty() => message,
            others => format!("{message}; written was `{others}`"),
        }
    }

    /// Names that steps wrote although the task declares no output of that name.
    #[must_use]
    pub fn undeclared(&self) -> Vec<&str> {
        let declared = &self.work.task.outputs;
        let names = self.written.keys().map(String::as_str);
        names.filter(|name| !declared.contains_key(*name)).collect()
    }

    /// A text of the task, computed as its last step would read it.
    ///
    /// # Errors
    /// When it cannot be computed.
    pub fn task_text(&mut self, text: &Text) -> Result<String, String> {
        let value = self.text(text)?;
        names::in_text(&value)
    }

    fn text(&mut self, text: &Text) -> Result<Value, String> {
        let mut texts = std::mem::take(&mut self.texts);
        let env = self.base_env(&mut texts);
        let value = env.and_then(|env| texts.text(text, &StepNames::of_task(self, &env)));
        self.texts = texts;
        value
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

    /// Looks at a step: its condition, then its command with everything computed, or its group.
    fn look(&mut self, turn: &Turn) -> Result<Look, String> {
        let mut texts = std::mem::take(&mut self.texts);
        let look = self.look_with(turn, &mut texts);
        self.texts = texts;
        look
    }

    fn look_with(&mut self, turn: &Turn, texts: &mut Texts) -> Result<Look, String> {
        // What is skipped in any case computes nothing: after a stop that may be a look at many files.
        if self.never_wanted(turn) {
            return Ok(Look::Skip);
        }
        let base = self.base_env(texts)?;
        let env = self.turn_env(turn, base, texts)?;
        if !self.wanted(turn, &env, texts)? {
            return Ok(Look::Skip);
        }
        let run = match &turn.body {
            model::plan::StepBody::Script { text, shell, args } => {
                let shell = shell.clone().or_else(|| self.task_steps()?.shell.clone());
                Run::Script {
                    text: self.turn_string(turn, text, &env, texts)?,
                    shell: shell
                        .map(|shell| self.turn_shell(turn, shell, &env, texts))
                        .transpose()?,
                    args: self.turn_words(turn, args, &env, texts)?,
                }
            }
            model::plan::StepBody::Command { argv } => {
                Run::Command(self.turn_words(turn, argv, &env, texts)?)
            }
            model::plan::StepBody::Group { inputs, steps } => {
                let mut values = BTreeMap::new();
                for (name, text) in inputs {
                    values.insert(name.clone(), self.turn_value(turn, text, &env, texts)?);
                }
                self.remember_post(turn);
                self.frames
                    .push(Frame::group(turn.clone(), steps.clone(), values));
                return Ok(Look::Opened);
            }
        };
        let task_dir = self
            .task_steps()
            .and_then(|steps| steps.working_dir.clone());
        let mut working_dir = None;
        for dir in [task_dir, turn.working_dir.clone()].into_iter().flatten() {
            let dir = self.turn_string(turn, &dir, &env, texts)?;
            working_dir =
                Some(working_dir.map_or_else(|| dir.clone(), |outer: String| join(&outer, &dir)));
        }
        let timeout_ms = match &turn.timeout_ms {
            None => None,
            Some(late) => Some(self.turn_ms(turn, late, &env, texts)?),
        };
        self.remember_post(turn);
        let follows = self.frames.iter().any(Frame::has_more) || !self.posts.is_empty();
        let env = env
            .iter()
            .map(|(name, value)| Ok((name.clone(), names::in_text(value)?)))
            .collect::<Result<_, String>>()?;
        Ok(Look::Run(Box::new(Planned {
            index: self.begun,
            name: turn.name.clone(),
            run,
            env,
            path: self.path.clone(),
            working_dir,
            timeout_ms,
            keep_streams_apart: turn.keep_streams_apart,
            is_last: !follows,
        })))
    }

    fn task_steps(&self) -> Option<&Steps> {
        match &self.work.task.body {
            Body::Steps(steps) => Some(steps),
            Body::Call(_) | Body::Nothing => None,
        }
    }

    fn remember_post(&mut self, turn: &Turn) {
        let inputs = self.frames[turn.depth].inputs.clone();
        self.posts.extend(turn.post_turn(inputs));
    }

    /// Keeps what a step wrote: values by its declaration, variables and folders for the steps behind.
    ///
    /// # Errors
    /// When a value does not fit the type that the step declares, or is missing; the others are kept.
    fn take_in(&mut self, turn: &Turn, written: Written) -> Result<(), String> {
        let (mut values, mut fits) = (BTreeMap::new(), Ok(()));
        for (name, text) in &written.outputs {
            let value = match turn.outputs.get(name) {
                None => Ok(Value::from(text.as_str())),
                Some(declared) => {
                    typed(name, &declared.value_type, text).map(|json| Value::from_json(&json))
                }
            };
            match value {
                Ok(value) => drop(values.insert(name.clone(), value)),
                Err(message) => fits = Err(message),
            }
        }
        for (name, declared) in &turn.outputs {
            if values.contains_key(name) {
                continue;
            }
            if let Some(default) = &declared.default {
                values.insert(name.clone(), Value::from_json(default));
            } else if outputs::has_to_be_written(declared) && fits.is_ok() {
                fits = Err(outputs::unwritten(name));
            }
        }
        let depth = turn.depth.min(self.frames.len() - 1);
        let facts = self.frames[depth]
            .facts
            .entry(turn.step.clone())
            .or_default();
        facts.outputs = values;
        self.written.extend(written.outputs);
        for (name, value) in written.env {
            self.env.retain(|(known, _)| *known != name);
            self.env.push((name, value));
        }
        for folder in written.path {
            self.path.retain(|known| *known != folder);
            self.path.insert(0, folder);
        }
        fits
    }

    /// What the whole attempt came to.
    fn result(&self) -> AttemptResult {
        match (self.stop, &self.frames[0].failure) {
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

fn join(outer: &str, inner: &str) -> String {
    if inner.starts_with('/') {
        inner.to_owned()
    } else {
        format!("{outer}/{inner}")
    }
}
