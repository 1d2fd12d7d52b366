//! The names that a step's expressions can read, its environment, and its condition.

use super::frame::{Facts, Failure, Frame, StepEnd, Turn};
use super::{StepMachine, Stop, files};
use crate::names;
use crate::rows::{Exit, StepResult, StepStatus};
use crate::texts::Texts;
use expr::template::NUL_IN_TEXT;
use expr::value::Key;
use expr::{Error, Scope, Value};
use model::plan::{Late, Shell, Text, Tolerance};
use model::reason::FailureKind;
use std::collections::BTreeMap;

/// Names of one step.
pub(super) struct StepNames<'a> {
    machine: &'a StepMachine,
    frame: &'a Frame,
    inputs: Option<Value>,
    env: &'a [(String, Value)],
    failure: Option<&'a Failure>,
}

impl<'a> StepNames<'a> {
    pub(super) fn of_task(machine: &'a StepMachine, env: &'a [(String, Value)]) -> Self {
        Self {
            machine,
            frame: &machine.frames[0],
            inputs: None,
            env,
            failure: None,
        }
    }

    pub(super) fn of_turn(
        machine: &'a StepMachine,
        turn: &Turn,
        env: &'a [(String, Value)],
    ) -> Self {
        let frame = &machine.frames[turn.depth.min(machine.frames.len() - 1)];
        let inputs = turn.inputs.as_ref().map(of_inputs);
        Self {
            machine,
            frame,
            inputs,
            env,
            failure: None,
        }
    }

    /// The names that the outputs of a group see: its steps and its inputs.
    fn of_group(machine: &'a StepMachine, frame: &'a Frame, env: &'a [(String, Value)]) -> Self {
        let inputs = frame.inputs.as_ref().map(of_inputs);
        Self {
            machine,
            frame,
            inputs,
            env,
            failure: None,
        }
    }

    fn tasks(&self) -> Value {
        let word = |word: &str| {
            if word.is_empty() {
                Value::Null
            } else {
                Value::from(word)
            }
        };
        let entry = |need: &crate::work::Need| {
            let outputs = need.outputs.iter();
            let outputs =
                outputs.map(|(name, output)| (Key::from(name.as_str()), names::of_output(output)));
            let members = [
                ("outcome", word(&need.outcome)),
                ("conclusion", word(&need.conclusion)),
                ("outputs", Value::map(outputs)),
            ];
            Value::map(members.map(|(name, value)| (Key::from(name), value)))
        };
        let needs = self.machine.work.needs.iter();
        Value::map(needs.map(|(name, need)| (Key::from(name.as_str()), entry(need))))
    }

    fn steps(&self) -> Value {
        let tainted = self.machine.tainted;
        let facts = self.frame.facts.iter();
        Value::map(facts.map(|(name, facts)| (Key::from(name.as_str()), of_facts(facts, tainted))))
    }

    fn workspaces(&self) -> Value {
        let wanted = self.machine.work.workspaces.iter().map(|binding| {
            let path = self.machine.workspaces.get(&binding.name);
            let members = [
                ("bound", Value::from(path.is_some())),
                ("path", Value::from(path.map_or("", String::as_str))),
            ];
            let members = members.map(|(name, value)| (Key::from(name), value));
            (Key::from(binding.name.as_str()), Value::map(members))
        });
        Value::map(wanted)
    }
}

impl Scope for StepNames<'_> {
    fn lookup(&self, name: &str) -> Option<Value> {
        let work = &self.machine.work;
        match name {
            "tasks" => Some(self.tasks()),
            "steps" => Some(self.steps()),
            "env" => {
                let env = self.env.iter();
                Some(Value::map(env.map(|(name, value)| {
                    (Key::from(name.as_str()), value.clone())
                })))
            }
            "workspaces" => Some(self.workspaces()),
            "attempt" => Some(Value::from(i64::from(work.id.attempt.0))),
            "inputs" if self.inputs.is_some() => self.inputs.clone(),
            "matrix" if !work.names.contains_key(name) => Some(Value::map([])),
            "failure" => self.failure.map(|failure| {
                let code = failure
                    .exit_code
                    .map_or(Value::Null, |code| Value::from(i64::from(code)));
                let members = [
                    ("kind", Value::from(failure.kind.as_str())),
                    ("exit_code", code),
                ];
                Value::map(members.map(|(name, value)| (Key::from(name), value)))
            }),
            other => work
                .names
                .get(other)
                .map(|json| names::named(other, json, &work.tainted)),
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, Error>> {
        let failed = self.frame.failure.is_some();
        let canceled = self.frame.canceled || self.machine.stop.is_some();
        names::status(name, args, !failed && !canceled, failed, canceled)
            .or_else(|| files::call(self.machine.listing.as_deref(), name, args))
    }
}

fn of_inputs(inputs: &BTreeMap<String, Value>) -> Value {
    let members = inputs.iter();
    Value::map(members.map(|(name, value)| (Key::from(name.as_str()), value.clone())))
}

fn of_facts(facts: &Facts, tainted: bool) -> Value {
    let word = |status: Option<StepStatus>| match status {
        None => Value::Null,
        Some(StepStatus::Succeeded) => Value::from("succeeded"),
        Some(StepStatus::Failed) => Value::from("failed"),
        Some(StepStatus::Skipped) => Value::from("skipped"),
        Some(StepStatus::Canceled) => Value::from("canceled"),
    };
    let conclusion = match facts.outcome {
        Some(StepStatus::Failed) if facts.tolerated => Some(StepStatus::Succeeded),
        other => other,
    };
    let exit_code = match facts.exit {
        Some(Exit::Code(code)) => Value::from(i64::from(code)),
        Some(Exit::Signal(signal)) => Value::from(i64::from(128 + signal)),
        None => Value::Null,
    };
    let outputs = facts.outputs.iter().map(|(name, value)| {
        let value = value.clone();
        (
            Key::from(name.as_str()),
            if tainted { value.tainted() } else { value },
        )
    });
    let members = [
        ("outputs", Value::map(outputs)),
        ("outcome", word(facts.outcome)),
        ("conclusion", word(conclusion)),
        ("exit_code", exit_code),
    ];
    Value::map(members.map(|(name, value)| (Key::from(name), value)))
}

pub(super) type Env = Vec<(String, Value)>;

impl StepMachine {
    /// The environment of scopes, task and earlier steps.
    pub(super) fn base_env(&mut self, texts: &mut Texts) -> Result<Env, String> {
        let work = std::sync::Arc::clone(&self.work);
        let given = self.given.iter();
        let mut env: Env = given
            .map(|(name, text)| (name.clone(), Value::from(text.as_str())))
            .collect();
        for (name, text) in work.scope_env.iter().flatten().chain(&work.task.env) {
            let value = texts
                .text(text, &StepNames::of_task(self, &env))
                .map_err(|message| format!("`env.{name}`: {message}"))?;
            put(&mut env, name, value);
        }
        for (name, text) in &self.env {
            let value = Value::from(text.as_str());
            put(
                &mut env,
                name,
                if self.tainted { value.tainted() } else { value },
            );
        }
        self.tainted |= env.iter().any(|(_, value)| value.is_tainted());
        Ok(env)
    }

    /// The same, with the groups around the step and its own.
    pub(super) fn turn_env(
        &mut self,
        turn: &Turn,
        base: Env,
        texts: &mut Texts,
    ) -> Result<Env, String> {
        let mut env = base;
        let groups: Vec<_> = self.frames[..=turn.depth.min(self.frames.len() - 1)]
            .iter()
            .filter_map(|frame| frame.opener.as_ref())
            .map(|opener| opener.env.clone())
            .collect();
        for (name, text) in groups.iter().flatten().chain(&turn.env) {
            let value = texts
                .text(text, &StepNames::of_turn(self, turn, &env))
                .map_err(|message| format!("`env.{name}`: {message}"))?;
            self.tainted |= value.is_tainted();
            put(&mut env, name, value);
        }
        Ok(env)
    }

    /// Whether the step is skipped whatever its condition and its environment come to.
    pub(super) fn never_wanted(&self, turn: &Turn) -> bool {
        if turn.is_post {
            return false;
        }
        let frame = &self.frames[turn.depth.min(self.frames.len() - 1)];
        match (&turn.when, self.stop) {
            (None, Some(_)) | (Some(_), Some(Stop::Interrupted)) => true,
            (None, None) => frame.failure.is_some() || frame.canceled,
            (Some(_), Some(Stop::Asked) | None) => false,
        }
    }

    /// Whether the condition of a step holds that is not [`Self::never_wanted`].
    pub(super) fn wanted(&self, turn: &Turn, env: &Env, texts: &mut Texts) -> Result<bool, String> {
        let Some(condition) = &turn.when else {
            return Ok(true);
        };
        let names = StepNames::of_turn(self, turn, env);
        texts.is_true(condition, &names)
    }

    pub(super) fn turn_value(
        &mut self,
        turn: &Turn,
        text: &Text,
        env: &Env,
        texts: &mut Texts,
    ) -> Result<Value, String> {
        let value = texts.text(text, &StepNames::of_turn(self, turn, env))?;
        self.tainted |= value.is_tainted();
        Ok(value)
    }

    pub(super) fn turn_string(
        &mut self,
        turn: &Turn,
        (field, text): (&str, &Text),
        env: &Env,
        texts: &mut Texts,
    ) -> Result<String, String> {
        in_text(field, &self.turn_value(turn, text, env, texts)?)
    }

    pub(super) fn turn_ms(
        &self,
        turn: &Turn,
        late: &Late<u64>,
        env: &Env,
        texts: &mut Texts,
    ) -> Result<u64, String> {
        let expression = match late {
            Late::Known(ms) => return Ok(*ms),
            Late::Computed(expression) => expression,
        };
        texts.length_ms(expression, &StepNames::of_turn(self, turn, env))
    }

    /// Ends a step: records it, and passes a failure on unless it is tolerated.
    pub(super) fn conclude(&mut self, turn: &Turn, end: StepEnd) {
        let StepEnd {
            status,
            exit,
            failure,
            duration_ms,
        } = end;
        let (tolerated, failure) = match failure {
            None => (false, None),
            Some(failure) => match self.tolerates(turn, &failure) {
                Ok(true) => (true, None),
                Ok(false) => (false, Some(failure)),
                Err(message) => {
                    let message = format!("{}; {message}", failure.message);
                    (false, Some(Failure { message, ..failure }))
                }
            },
        };
        let name = turn.name.clone();
        self.results.push(StepResult {
            name,
            label: turn.known_label().map(str::to_owned),
            status,
            tolerated,
            exit,
            duration_ms,
        });
        let depth = turn.depth.min(self.frames.len() - 1);
        let frame = &mut self.frames[depth];
        frame.canceled |= status == StepStatus::Canceled;
        if frame.failure.is_none() {
            frame.failure = failure;
        }
        let facts = frame.facts.entry(turn.step.clone()).or_default();
        facts.outcome = Some(status);
        facts.tolerated = tolerated;
        facts.exit = exit;
    }

    /// Ends a group with what its steps came to.
    pub(super) fn conclude_group(&mut self, frame: Frame) {
        let opener = frame.opener.clone().expect("only groups are closed");
        let given = self.group_outputs(&frame, &opener);
        let (mut status, mut failure) = match (frame.failure, frame.canceled) {
            (Some(failure), _) => (StepStatus::Failed, Some(failure)),
            (None, true) => (StepStatus::Canceled, None),
            (None, false) => (StepStatus::Succeeded, None),
        };
        let mut values = BTreeMap::new();
        for (name, value) in given {
            match value {
                Ok(value) => drop(values.insert(name, value)),
                // What failed in it matters more than the value that is missing because of it.
                Err(_) if status != StepStatus::Succeeded => {}
                Err(message) => {
                    status = StepStatus::Failed;
                    failure = Some(Failure {
                        kind: FailureKind::User,
                        exit_code: None,
                        message: format!("step `{}`: {message}", opener.title()),
                    });
                }
            }
        }
        let depth = opener.depth.min(self.frames.len() - 1);
        let outer = &mut self.frames[depth].facts;
        outer.entry(opener.step.clone()).or_default().outputs = values;
        self.conclude(&opener, StepEnd::without_command(status, failure));
    }

    /// What a group gives: its declared outputs, computed over its steps; without any, what they gave.
    fn group_outputs(
        &mut self,
        frame: &Frame,
        opener: &Turn,
    ) -> Vec<(String, Result<Value, String>)> {
        let written = |name: &str| {
            let mut facts = frame.facts.values();
            facts.find_map(|facts| facts.outputs.get(name).cloned())
        };
        if opener.outputs.is_empty() {
            let names = frame.facts.values().flat_map(|facts| facts.outputs.keys());
            return names
                .filter_map(|name| Some((name.clone(), Ok(written(name)?))))
                .collect();
        }
        let mut texts = std::mem::take(&mut self.texts);
        let env = self
            .base_env(&mut texts)
            .and_then(|base| self.turn_env(opener, base, &mut texts));
        let mut given = Vec::new();
        for (name, declared) in &opener.outputs {
            let value = match (&declared.from, &env) {
                (Some(_), Err(message)) => Err(message.clone()),
                (Some(from), Ok(env)) => {
                    let value = texts.text(from, &StepNames::of_group(self, frame, env));
                    self.tainted |= value.as_ref().is_ok_and(Value::is_tainted);
                    value
                        .and_then(|value| crate::texts::json(&value))
                        .and_then(|json| super::outputs::fit(name, &declared.value_type, json))
                        .map(|json| Some(Value::from_json(&json)))
                }
                (None, _) => Ok(written(name)),
            };
            let default = declared.default.as_ref().map(Value::from_json);
            match value.map(|value| value.or_else(|| default.clone())) {
                Ok(None) => {}
                Ok(Some(value)) => given.push((name.clone(), Ok(value))),
                Err(message) => given.push((name.clone(), default.ok_or(message))),
            }
        }
        self.texts = texts;
        given
    }

    /// The words of a command: a lone expression that gives a list gives one for each of its values.
    pub(super) fn turn_words(
        &mut self,
        turn: &Turn,
        (field, words): (&str, &[Text]),
        env: &Env,
        texts: &mut Texts,
    ) -> Result<Vec<String>, String> {
        let mut argv = Vec::new();
        for (place, word) in words.iter().enumerate() {
            let value = self.turn_value(turn, word, env, texts)?;
            let values = value.as_list().unwrap_or(std::slice::from_ref(&value));
            for value in values {
                argv.push(in_text(&format!("{field}[{place}]"), value)?);
            }
        }
        Ok(argv)
    }

    /// A shell with its program and arguments computed.
    pub(super) fn turn_shell(
        &mut self,
        turn: &Turn,
        shell: Shell,
        env: &Env,
        texts: &mut Texts,
    ) -> Result<Shell, String> {
        let Some(computed) = &shell.computed else {
            return Ok(shell);
        };
        let value = texts.value(computed, &StepNames::of_turn(self, turn, env))?;
        let words = value.as_list().ok_or_else(|| {
            let (name, found) = (texts.named(computed), value.type_name());
            format!("{name} is of type {found}; a shell is a list of program and arguments")
        })?;
        self.tainted |= value.is_tainted();
        Ok(Shell {
            argv: words
                .iter()
                .map(|word| in_text("shell", word))
                .collect::<Result<_, _>>()?,
            computed: None,
            extension: shell.extension,
        })
    }

    fn tolerates(&mut self, turn: &Turn, failure: &Failure) -> Result<bool, String> {
        match &turn.tolerance {
            Tolerance::Never => Ok(false),
            Tolerance::Always => Ok(true),
            Tolerance::ExitCodes(codes) => {
                Ok(failure.exit_code.is_some_and(|code| codes.contains(&code)))
            }
            Tolerance::When(condition) => {
                let mut texts = std::mem::take(&mut self.texts);
                let mut names = StepNames::of_turn(self, turn, &[]);
                names.failure = Some(failure);
                let tolerated = texts.is_true(condition, &names);
                self.texts = texts;
                tolerated
            }
        }
    }
}

pub(super) fn put(env: &mut Env, name: &str, value: Value) {
    env.retain(|(known, _)| known != name);
    env.push((name.to_owned(), value));
}

/// The text of a value that is given to a program as `field`: a script, an argument, a folder.
pub(super) fn in_text(field: &str, value: &Value) -> Result<String, String> {
    let text = expr::template::in_text(value).map_err(|error| error.to_string())?;
    if text.contains('\0') {
        return Err(format!("`{field}`: {NUL_IN_TEXT}"));
    }
    Ok(text.to_string())
}

/// The text of each variable.
pub(super) fn in_texts(env: &[(String, Value)]) -> Result<Vec<(String, String)>, String> {
    let all = env.iter().map(|(name, value)| {
        let text = in_text(&format!("env.{name}"), value)?;
        Ok((name.clone(), text))
    });
    all.collect()
}
