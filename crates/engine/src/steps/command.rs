//! What a step runs, with everything computed: its condition first, then its command or its group.

use super::StepMachine;
use super::frame::{Frame, Turn};
use super::names::{self, Env, StepNames};
use crate::texts::Texts;
use model::plan::{Body, Shell, StepBody, Steps, Text};
use std::collections::BTreeMap;

/// A command with everything computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Number of the step among those begun, from 0; names its files and its log lines.
    pub index: u32,
    /// Its name, see [`crate::rows::StepResult::name`].
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

/// What looking at a step gave.
pub(super) enum Look {
    Skip,
    Opened,
    Run(Box<Planned>),
}

impl StepMachine {
    /// Looks at a step: its condition, then its command with everything computed, or its group.
    pub(super) fn look(&mut self, turn: &mut Turn) -> Result<Look, String> {
        let mut texts = std::mem::take(&mut self.texts);
        let look = self.look_with(turn, &mut texts);
        self.texts = texts;
        look
    }

    fn look_with(&mut self, turn: &mut Turn, texts: &mut Texts) -> Result<Look, String> {
        // What is skipped in any case computes nothing: after a stop that may be a look at many files.
        if self.never_wanted(turn) {
            return Ok(Look::Skip);
        }
        let base = self.base_env(texts)?;
        let env = self.turn_env(turn, base, texts)?;
        self.work_out_label(turn, &env, texts);
        if !self.wanted(turn, &env, texts)? {
            return Ok(Look::Skip);
        }
        let run = match &turn.body {
            StepBody::Script { text, shell, args } => {
                let shell = shell.clone().or_else(|| self.task_steps()?.shell.clone());
                Run::Script {
                    text: self.turn_string(turn, ("run", text), &env, texts)?,
                    shell: shell
                        .map(|shell| self.turn_shell(turn, shell, &env, texts))
                        .transpose()?,
                    args: self.turn_words(turn, ("args", args), &env, texts)?,
                }
            }
            StepBody::Command { argv } => {
                Run::Command(self.turn_words(turn, ("command", argv), &env, texts)?)
            }
            StepBody::Group { inputs, steps } => {
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
            let dir = self.turn_string(turn, ("working_dir", &dir), &env, texts)?;
            working_dir =
                Some(working_dir.map_or_else(|| dir.clone(), |outer: String| join(&outer, &dir)));
        }
        let timeout_ms = match &turn.timeout_ms {
            None => None,
            Some(late) => Some(self.turn_ms(turn, late, &env, texts)?),
        };
        self.remember_post(turn);
        let follows = self.frames.iter().any(Frame::has_more) || !self.posts.is_empty();
        let env = names::in_texts(&env)?;
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

    /// A label is decoration: one that cannot be worked out is left out, and nothing fails for it. It reaches no output,
    /// so text from outside in it taints none. It stays whole: who shows it cuts it, behind what it hides in it.
    fn work_out_label(&self, turn: &mut Turn, env: &Env, texts: &mut Texts) {
        let Some(text @ Text::Template(_)) = &turn.label else {
            return;
        };
        let value = texts.text(text, &StepNames::of_turn(self, turn, env)).ok();
        let label = value.and_then(|value| names::in_text("label", &value).ok());
        let label = label.filter(|label| !label.trim().is_empty());
        turn.label = label.map(Text::Literal);
    }

    pub(super) fn task_steps(&self) -> Option<&Steps> {
        match &self.work.task.body {
            Body::Steps(steps) => Some(steps),
            Body::Call(_) | Body::Nothing => None,
        }
    }

    fn remember_post(&mut self, turn: &Turn) {
        let inputs = self.frames[turn.depth].inputs.clone();
        self.posts.extend(turn.post_turn(inputs));
    }
}

fn join(outer: &str, inner: &str) -> String {
    if inner.starts_with('/') {
        inner.to_owned()
    } else {
        format!("{outer}/{inner}")
    }
}
