//! The start rule of one task, evaluated in every past that is possible.

use super::judged::Judged;
use super::names::{self, Names};
use super::outlook::{Failed, Fate, Fates, Maybe, Outlook};
use super::words::{self, Missing};
use crate::names::Past;
use crate::texts::Texts;
use expr::value::Key;
use expr::{Program, Value};
use model::plan::{Expression, Plan, RunFunction, StatusOf, TaskDef};
use model::reason::SkipCause;
use std::collections::BTreeMap;

/// One rule and everything that it looks at.
pub(super) struct Rule<'a> {
    pub plan: &'a Plan,
    pub task: &'a TaskDef,
    /// The condition as it was written, if it says more than that the task always runs.
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
    /// So it does, and in some cases it cannot be evaluated.
    DependsOrFaulty,
}

impl Rule<'_> {
    pub(super) fn judge(&mut self, texts: &mut Texts) -> Judged {
        let Some(condition) = &self.task.start.condition else {
            return self.without_condition();
        };
        let program = match texts.program(condition) {
            Ok(program) => program,
            Err(message) => return self.faulty(&message, condition),
        };
        let missing = self.prepare(&program);
        match self.answer(texts, condition, &missing, &self.outlook.good()) {
            Answer::True => Judged::run(self.why_true(&program)),
            Answer::False => self.refused(texts, condition, &program, &missing),
            Answer::Depends => Judged::unknown(self.needs_perhaps_skipped()),
            Answer::DependsOrFaulty => Judged::unknown(self.needs_perhaps_skipped()).doomed(),
            Answer::Later => Judged::unknown(words::known_later(&missing)),
            Answer::Faulty(message) => self.faulty(&message, condition),
        }
    }

    fn without_condition(&self) -> Judged {
        match (self.outlook.failed, self.outlook.skipped) {
            (Failed::Yes, _) => Judged::skip(SkipCause::NeedFailed, self.needs_fail()),
            (Failed::Perhaps, Maybe::Yes) | (_, Maybe::Perhaps) => {
                Judged::unknown(self.needs_perhaps_skipped())
            }
            (Failed::Perhaps, Maybe::No) => Judged::unknown(self.needs_perhaps_fail()),
            (Failed::No | Failed::Unlucky, Maybe::Yes) => {
                Judged::skip(SkipCause::NeedSkipped, self.needs_skipped())
            }
            (Failed::No | Failed::Unlucky, Maybe::No) => Judged::run(self.starts()),
        }
    }

    fn faulty(&self, message: &str, condition: &Expression) -> Judged {
        Judged::faulty(self.task, message, condition.at)
    }

    /// Gives the names what is known of tasks, and says what is not known.
    fn prepare(&mut self, program: &Program) -> Vec<Missing> {
        let missing = names::missing(program, &self.names, self.fates);
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

    /// What the condition says in all of `pasts`; without any, nothing would start it.
    fn answer(
        &self,
        texts: &mut Texts,
        condition: &Expression,
        missing: &[Missing],
        pasts: &[Past],
    ) -> Answer {
        let mut answer = None;
        for past in pasts {
            self.names.past.set(*past);
            let new = match texts.is_true(condition, &self.names) {
                Ok(true) => Answer::True,
                Ok(false) => Answer::False,
                Err(_) if !missing.is_empty() => Answer::Later,
                Err(message) => Answer::Faulty(message),
            };
            answer = Some(match answer {
                None => new,
                Some(old) if old == new => old,
                Some(Answer::Later) => Answer::Later,
                Some(_) if new == Answer::Later => Answer::Later,
                Some(Answer::Faulty(_) | Answer::DependsOrFaulty) => Answer::DependsOrFaulty,
                Some(_) if matches!(new, Answer::Faulty(_)) => Answer::DependsOrFaulty,
                Some(_) => Answer::Depends,
            });
        }
        answer.unwrap_or(Answer::False)
    }

    /// A condition that is false when all goes well: it may be one for failures.
    fn refused(
        &mut self,
        texts: &mut Texts,
        condition: &Expression,
        program: &Program,
        missing: &[Missing],
    ) -> Judged {
        let text = condition.as_written();
        let asks_status = asks_status(program);
        if asks_status
            && self.answer(texts, condition, missing, &self.outlook.bad()) != Answer::False
        {
            let of = match self.task.start.status_of {
                StatusOf::Scope => "another task",
                StatusOf::Needs => "a task that it needs",
                StatusOf::Ancestors => "a task before it",
            };
            let sentence = format!("runs only if {of} fails or is canceled: {text}");
            return Judged::unknown(sentence);
        }
        let succeeded = [Past::default()];
        if asks_status && self.answer(texts, condition, missing, &succeeded) != Answer::False {
            return match self.outlook.failed {
                Failed::Yes => Judged::skip(SkipCause::NeedFailed, self.needs_fail()),
                // Whichever it is, the rule is false.
                Failed::Perhaps => Judged::unknown(self.needs_perhaps_fail()),
                Failed::No | Failed::Unlucky => {
                    Judged::skip(SkipCause::NeedSkipped, self.needs_skipped())
                }
            };
        }
        let facts = words::facts(program, &self.names);
        let sentence = words::with_facts(&format!("{text} is false"), &facts);
        Judged::skip(SkipCause::Condition, sentence)
    }

    fn why_true(&self, program: &Program) -> String {
        let Some(when) = self.when else {
            return self.starts();
        };
        let facts = words::facts(program, &self.names);
        words::with_facts(&format!("{when} is true"), &facts)
    }

    fn needs_skipped(&self) -> String {
        let names = self.needs_that(Fate::Skip);
        match names.as_slice() {
            [] => "a task before it is skipped".to_owned(),
            [one] => format!("needs {one}, which is skipped"),
            several => format!("needs {}, which are skipped", words::listed(several)),
        }
    }

    fn needs_fail(&self) -> String {
        let names = self.needs_that(Fate::Fail);
        match names.as_slice() {
            [] => "a task before it fails".to_owned(),
            [one] => format!("needs {one}, which fails"),
            several => format!("needs {}, which fail", words::listed(several)),
        }
    }

    fn needs_perhaps_fail(&self) -> String {
        let names = self.needs_that(Fate::Doomed);
        match names.as_slice() {
            [] => "a task before it may fail".to_owned(),
            several => format!("needs {}, which may fail", words::listed(several)),
        }
    }

    fn needs_perhaps_skipped(&self) -> String {
        let mut names = self.needs_that(Fate::Unknown);
        names.extend(self.needs_that(Fate::Doomed));
        match names.as_slice() {
            [] => "a task before it may be skipped".to_owned(),
            several => format!("needs {}, which may be skipped", words::listed(several)),
        }
    }
}

/// Whether its answer depends on how what came before has ended; `always()` is true whatever that was.
fn asks_status(program: &Program) -> bool {
    let mut calls = program.calls().into_iter();
    calls.any(|call| {
        RunFunction::from_name(&call.name)
            .is_some_and(|function| function.is_status() && function != RunFunction::Always)
    })
}

/// What a skipped task gives to expressions.
fn skipped_task() -> Value {
    Value::map([
        (Key::from("outcome"), Value::from("skipped")),
        (Key::from("conclusion"), Value::from("skipped")),
        (Key::from("outputs"), Value::map([])),
    ])
}
