//! The start rule of one task, evaluated in every past that is possible.

use super::outlook::{Fate, Outlook};
use super::words::{self, Missing};
use super::{Decision, Fates, Inputs, Values};
use crate::names::{self, Past};
use crate::texts::Texts;
use expr::value::Key;
use expr::{Error, Program, Scope, Value};
use model::Json;
use model::plan::{EdgeKind, Expression, Plan, SkipSpread, StatusOf, TaskDef};
use std::cell::Cell as Cellular;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is said about a task.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub decision: Decision,
    pub reason: Arc<str>,
}

impl Judged {
    pub(super) fn skip(reason: impl Into<Arc<str>>) -> Self {
        Self {
            decision: Decision::Skip,
            reason: reason.into(),
        }
    }

    pub(super) fn unknown(reason: impl Into<Arc<str>>) -> Self {
        Self {
            decision: Decision::Unknown,
            reason: reason.into(),
        }
    }
}

/// What a start rule says.
pub(super) struct Verdict {
    pub decision: Decision,
    pub reason: Reason,
}

/// Why.
pub(super) struct Reason {
    pub sentence: String,
    /// Whether a condition was asked, so that the sentence says more than that the needs have succeeded.
    pub condition: bool,
}

/// The names that the plan gives to every expression. `run` has no value before there is a run.
pub(super) fn roots(plan: &Plan) -> BTreeMap<String, Value> {
    let object = |map: &model::JsonMap| Json::Object(map.clone().into_iter().collect());
    let own = [
        ("params", object(&plan.params)),
        ("signal", object(&plan.signal)),
    ];
    let own = own.into_iter().map(|(name, json)| (name.to_owned(), json));
    let given = plan.names.clone().into_iter();
    own.chain(given)
        .map(|(name, json)| {
            let value = names::named(&name, &json, &plan.tainted);
            (name, value)
        })
        .collect()
}

/// Whether the condition of `task` reads the name `root`.
pub(super) fn reads(texts: &mut Texts, task: &TaskDef, root: &str) -> bool {
    let condition = task.start.condition.as_ref();
    let program = condition.and_then(|condition| texts.program(condition).ok());
    program.is_some_and(|program| {
        let mut references = program.references().into_iter();
        references.any(|reference| reference.path.first().is_some_and(|name| name == root))
    })
}

/// The names that have a value before the run.
pub(super) struct Names<'a> {
    roots: &'a BTreeMap<String, Value>,
    inputs: Option<&'a Inputs>,
    /// The cell as one value; `None` while it is unknown.
    matrix: Option<Value>,
    /// `tasks`, when all that is read of it is known.
    tasks: Option<Value>,
    hides_inputs: bool,
    past: Cellular<Past>,
}

impl<'a> Names<'a> {
    pub(super) fn new(
        roots: &'a BTreeMap<String, Value>,
        inputs: Option<&'a Inputs>,
        matrix: Option<&Values>,
    ) -> Self {
        let matrix = match matrix {
            None | Some(Values::None) => Some(Value::map([])),
            Some(Values::Cell(cell)) => Some(Value::from_json(&cell.to_object())),
            Some(Values::Unknown) => None,
        };
        Self {
            roots,
            inputs,
            matrix,
            tasks: None,
            hides_inputs: false,
            past: Cellular::default(),
        }
    }

    /// The value at a path, as far as it exists.
    pub(super) fn at(&self, path: &[String]) -> Option<Value> {
        let mut value = self.lookup(path.first()?)?;
        for name in &path[1..] {
            value = value.member(name)?.clone();
        }
        Some(value)
    }
}

impl Scope for Names<'_> {
    fn lookup(&self, name: &str) -> Option<Value> {
        match name {
            "tasks" => self.tasks.clone(),
            "matrix" => self.matrix.clone(),
            // What a scope was called with, under both its names.
            "inputs" | "params" if self.inputs.is_some() => self
                .inputs
                .filter(|_| !self.hides_inputs)
                .map(|inputs| inputs.known.clone()),
            other => self.roots.get(other).cloned(),
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, Error>> {
        let past = self.past.get();
        let answer = match name {
            "succeeded" => past.good(),
            "failed" => past.failed,
            "canceled" => past.canceled,
            "always" => true,
            _ => return None,
        };
        if !args.is_empty() {
            return Some(Err(Error::eval(format!("`{name}()` takes no argument"))));
        }
        Some(Ok(Value::from(answer)))
    }
}

/// What a program reads that has no value before the run.
pub(super) fn missing(program: &Program, names: &Names<'_>, fates: &Fates<'_>) -> Vec<Missing> {
    let mut found: Vec<Missing> = Vec::new();
    for reference in program.references() {
        let path = reference.path;
        let root = path.first().map_or("", String::as_str);
        let until = match root {
            "tasks" if names.tasks.is_some() => continue,
            "tasks" => match path.get(1) {
                Some(task) if fates.named(task) != Some(Fate::Skip) => {
                    words::Until::Ended(task.clone())
                }
                Some(_) => continue,
                None => words::Until::Running,
            },
            "matrix" if names.matrix.is_none() => words::Until::Matrix,
            "inputs" | "params" => match (names.inputs, path.get(1)) {
                (Some(inputs), Some(name)) if inputs.unknown.contains(name) => {
                    words::Until::Running
                }
                (Some(inputs), None) if !inputs.unknown.is_empty() => words::Until::Running,
                (Some(_) | None, _) => continue,
            },
            "run" | "attempt" | "failure" => words::Until::Running,
            _ => continue,
        };
        let new = Missing {
            path: path.join("."),
            until,
        };
        if !found.contains(&new) {
            found.push(new);
        }
    }
    found
}

/// One rule and everything that it looks at.
pub(super) struct Rule<'a> {
    pub plan: &'a Plan,
    pub task: &'a TaskDef,
    pub when: Option<&'a str>,
    /// The id of the call that it is a part of.
    pub call: Option<&'a str>,
    pub outlook: Outlook,
    pub fates: &'a Fates<'a>,
    pub names: Names<'a>,
}

/// What a condition says in several pasts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    True,
    False,
    /// It reads what is known only later.
    Later,
    /// It cannot be evaluated.
    Faulty(String),
    /// It depends on what the needs come to.
    Depends,
}

impl Rule<'_> {
    pub(super) fn judge(&mut self, texts: &mut Texts) -> Verdict {
        let Some(condition) = &self.task.start.condition else {
            return self.without_condition();
        };
        let program = match texts.program(condition) {
            Ok(program) => program,
            Err(message) => return self.faulty(&message),
        };
        let missing = self.prepare(&program);
        match self.answer(texts, condition, !missing.is_empty(), Hope::Good) {
            Answer::True => self.said(Decision::Run, self.why_true(&program)),
            Answer::False => self.refused(texts, condition, &program, &missing),
            Answer::Depends => self.said(Decision::Unknown, self.needs_perhaps_skipped()),
            Answer::Later => self.said(Decision::Unknown, words::known_later(&missing)),
            Answer::Faulty(message) => self.faulty(&message),
        }
    }

    fn said(&self, decision: Decision, sentence: String) -> Verdict {
        Verdict {
            decision,
            reason: Reason {
                sentence,
                condition: self.when.is_some(),
            },
        }
    }

    fn without_condition(&self) -> Verdict {
        match self.outlook.skips() {
            [false] => self.said(Decision::Run, self.starts()),
            [true] => self.said(Decision::Skip, self.needs_skipped()),
            _ => self.said(Decision::Unknown, self.needs_perhaps_skipped()),
        }
    }

    fn faulty(&self, message: &str) -> Verdict {
        self.said(
            Decision::Unknown,
            format!("would fail before it starts: {message}"),
        )
    }

    /// Gives the names what is known of tasks, and says what is not known.
    fn prepare(&mut self, program: &Program) -> Vec<Missing> {
        let missing = missing(program, &self.names, self.fates);
        let lacks = |root: &str| {
            let mut paths = missing.iter().map(|missing| missing.path.split('.').next());
            paths.any(|first| first == Some(root))
        };
        self.names.hides_inputs = lacks("inputs") || lacks("params");
        if !lacks("tasks") {
            let references = program.references();
            let skipped = references.iter().filter_map(|reference| {
                let (root, task) = (reference.path.first()?, reference.path.get(1)?);
                (root == "tasks").then(|| (Key::from(task.as_str()), skipped_task()))
            });
            self.names.tasks = Some(Value::map(skipped.collect::<BTreeMap<_, _>>()));
        }
        missing
    }

    /// What the condition says in all pasts of one kind.
    fn answer(
        &self,
        texts: &mut Texts,
        condition: &Expression,
        has_missing: bool,
        hope: Hope,
    ) -> Answer {
        let mut answer = None;
        for past in self.pasts(hope) {
            self.names.past.set(past);
            let new = match texts.value(condition, &self.names) {
                Ok(value) => match value.as_bool() {
                    Some(true) => Answer::True,
                    Some(false) => Answer::False,
                    None => Answer::Faulty(format!(
                        "{} is of type {}; a condition must be true or false",
                        texts.named(condition),
                        value.type_name()
                    )),
                },
                Err(_) if has_missing => Answer::Later,
                Err(message) => Answer::Faulty(message),
            };
            answer = Some(match answer {
                None => new,
                Some(old) if old == new => old,
                Some(Answer::Later) => Answer::Later,
                Some(_) if new == Answer::Later => Answer::Later,
                Some(_) => Answer::Depends,
            });
        }
        // No past of this kind: nothing would start it.
        answer.unwrap_or(Answer::False)
    }

    fn pasts(&self, hope: Hope) -> Vec<Past> {
        let mut pasts = Vec::new();
        for skipped in self.outlook.skips() {
            let good = Past {
                skipped: *skipped,
                ..Past::default()
            };
            match hope {
                Hope::Good => pasts.push(good),
                Hope::Bad if self.outlook.may_fail => {
                    let (failed, canceled) = (true, true);
                    pasts.extend([
                        Past { failed, ..good },
                        Past { canceled, ..good },
                        Past {
                            failed,
                            canceled,
                            ..good
                        },
                    ]);
                }
                Hope::Bad => {}
            }
        }
        pasts
    }

    /// A condition that is false when all goes well: it may be one for failures.
    fn refused(
        &mut self,
        texts: &mut Texts,
        condition: &Expression,
        program: &Program,
        missing: &[Missing],
    ) -> Verdict {
        let text = self.when.unwrap_or(&condition.text);
        if asks_status(program)
            && self.answer(texts, condition, !missing.is_empty(), Hope::Bad) != Answer::False
        {
            let of = match self.task.start.status_of {
                StatusOf::Scope => "another task",
                StatusOf::Needs => "a task that it needs",
                StatusOf::Ancestors => "a task before it",
            };
            let sentence = format!("runs only if {of} fails or is canceled: {text}");
            return self.said(Decision::Unknown, sentence);
        }
        if self.outlook.skips() == [true] && asks_status(program) {
            let spread = std::mem::take(&mut self.outlook.skipped);
            let without = self.answer(texts, condition, !missing.is_empty(), Hope::Good);
            self.outlook.skipped = spread;
            if without != Answer::False {
                return self.said(Decision::Skip, self.needs_skipped());
            }
        }
        let facts = words::facts(program, &self.names);
        self.said(
            Decision::Skip,
            words::with_facts(&format!("{text} is false"), &facts),
        )
    }

    fn why_true(&self, program: &Program) -> String {
        let Some(when) = self.when else {
            return self.starts();
        };
        let facts = words::facts(program, &self.names);
        words::with_facts(&format!("{when} is true"), &facts)
    }

    /// When a task without a condition starts.
    fn starts(&self) -> String {
        if self.task.start.status_of == StatusOf::Scope {
            return match self.call {
                Some(call) => {
                    format!("starts when all tasks of {call} before `finally` have ended")
                }
                None => "starts when all tasks before `finally` have ended".to_owned(),
            };
        }
        if self.task.needs.is_empty() {
            return match self.call {
                Some(call) => format!("starts with {call}"),
                None => "starts at once".to_owned(),
            };
        }
        let needs = self.task.needs.iter();
        let names: Vec<&str> = needs
            .map(|edge| self.plan.task(edge.task).name.as_str())
            .collect();
        match self.task.start.condition {
            None => format!("starts when {} succeeded", words::have(&names)),
            Some(_) => format!("starts when {} ended", words::have(&names)),
        }
    }

    fn needs_skipped(&self) -> String {
        let names = self.needs_that(Fate::Skip);
        match names.as_slice() {
            [] => "a task before it is skipped".to_owned(),
            [one] => format!("needs {one}, which is skipped"),
            several => format!("needs {}, which are skipped", words::listed(several)),
        }
    }

    fn needs_perhaps_skipped(&self) -> String {
        let names = self.needs_that(Fate::Unknown);
        match names.as_slice() {
            [] => "a task before it may be skipped".to_owned(),
            several => format!("needs {}, which may be skipped", words::listed(several)),
        }
    }

    /// The names of the needs that come to `fate` and whose skip counts.
    fn needs_that(&self, fate: Fate) -> Vec<&str> {
        let counted = self.task.needs.iter().filter(|edge| {
            let spreads = edge.kind != EdgeKind::Optional && edge.on_skip == SkipSpread::Spread;
            spreads && self.fates.of(edge.task) == Some(fate)
        });
        counted
            .map(|edge| self.plan.task(edge.task).name.as_str())
            .collect()
    }
}

/// Which pasts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hope {
    /// Those without a failure.
    Good,
    /// Those with one.
    Bad,
}

fn asks_status(program: &Program) -> bool {
    let mut calls = program.calls().into_iter();
    calls.any(|call| matches!(call.name.as_str(), "succeeded" | "failed" | "canceled"))
}

/// What a skipped task gives to expressions.
fn skipped_task() -> Value {
    Value::map([
        (Key::from("outcome"), Value::from("skipped")),
        (Key::from("conclusion"), Value::from("skipped")),
        (Key::from("outputs"), Value::map([])),
    ])
}
