//! The start rule of one task, evaluated in every past that is possible.

use super::asked::Asked;
use super::judged::Judged;
use super::names::{self, Names};
use super::outlook::{Failed, Fate, Fates, Maybe, Outlook};
use super::words::{self, Missing};
use crate::names::Past;
use crate::texts::Texts;
use expr::Value;
use expr::value::Key;
use model::plan::{Expression, Plan, StatusOf, TaskDef};
use model::reason::SkipCause;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// What the rule says; `asked` is what its condition asks, or what is wrong with it.
    pub(super) fn judge(
        &mut self,
        texts: &mut Texts,
        asked: Option<Result<Arc<Asked>, String>>,
    ) -> Judged {
        let (Some(condition), Some(asked)) = (&self.task.start.condition, asked) else {
            return self.without_condition();
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(message) => return self.faulty(&message, condition),
        };
        let asked = asked.as_ref();
        texts.spend(asked.paths.len() as u64);
        let missing = self.prepare(asked);
        match self.answer(texts, condition, &missing, &self.outlook.good()) {
            Answer::True => Judged::run(self.why_true(asked)),
            Answer::False => self.refused(texts, condition, asked, &missing),
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
    fn prepare<'p>(&mut self, asked: &'p Asked) -> Vec<Missing<'p>> {
        let missing = names::missing(asked, &self.names, self.fates);
        let lacks = |root: &str| missing.iter().any(|missing| missing.path.root() == root);
        self.names.hides_inputs = lacks("inputs") || lacks("params");
        if asked.reads("tasks") && !lacks("tasks") {
            let skipped = asked.paths.iter().filter_map(|path| {
                let task = path.names.get(1).filter(|_| path.root() == "tasks")?;
                Some((Key::from(task.as_str()), skipped_task()))
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
        missing: &[Missing<'_>],
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
        asked: &Asked,
        missing: &[Missing<'_>],
    ) -> Judged {
        let text = words::quoted(condition.as_written());
        let bad = self.outlook.bad();
        if asked.asks_status && self.answer(texts, condition, missing, &bad) != Answer::False {
            let of = match self.task.start.status_of {
                StatusOf::Scope => "another task",
                StatusOf::Needs => "a task that it needs",
                StatusOf::Ancestors => "a task before it",
            };
            let mut holds_after = |failed: bool| {
                let mut pasts = bad.clone();
                pasts.retain(|past| past.failed == failed);
                self.answer(texts, condition, missing, &pasts) != Answer::False
            };
            let happens = match (holds_after(true), holds_after(false)) {
                (true, false) => "fails",
                (false, true) => "is canceled",
                (true, true) | (false, false) => "fails or is canceled",
            };
            let sentence = format!("runs only if {of} {happens}: {text}");
            return Judged::unknown(sentence);
        }
        let succeeded = [Past::default()];
        if asked.asks_status && self.answer(texts, condition, missing, &succeeded) != Answer::False
        {
            return match self.outlook.failed {
                Failed::Yes => Judged::skip(SkipCause::NeedFailed, self.needs_fail()),
                // Whichever it is, the rule is false.
                Failed::Perhaps => Judged::unknown(self.needs_perhaps_fail()),
                Failed::No | Failed::Unlucky => {
                    Judged::skip(SkipCause::NeedSkipped, self.needs_skipped())
                }
            };
        }
        let sentence = words::with_facts(&format!("{text} is false"), asked, &self.names);
        Judged::skip(SkipCause::Condition, sentence)
    }

    fn why_true(&self, asked: &Asked) -> String {
        let Some(when) = self.when else {
            return self.starts();
        };
        let sentence = format!("{} is true", words::quoted(when));
        words::with_facts(&sentence, asked, &self.names)
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

/// What a skipped task gives to expressions.
fn skipped_task() -> Value {
    Value::map([
        (Key::from("outcome"), Value::from("skipped")),
        (Key::from("conclusion"), Value::from("skipped")),
        (Key::from("outputs"), Value::map([])),
    ])
}
