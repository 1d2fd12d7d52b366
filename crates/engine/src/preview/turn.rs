//! What becomes of a task when its turn comes: its rule, whom it then waits for, and what makes it fail.

use super::certain::Moment;
use super::judged::Judged;
use super::names::Names;
use super::outlook::Fates;
use super::waits::{says_more, with_waits};
use super::walk::{Place, Subject, Walk};
use super::{Decision, Fault, Values, rule, words};
use expr::Value;
use model::plan::{Body, Text};
use std::sync::Arc;

/// Members of one matrix whose own texts are looked at. Where there are more, the first tell what is wrong with all.
const MEMBERS_LOOKED_AT: usize = 2_000;

/// Steps of all expressions together. Ten thousand members with a condition of a hundred steps fit, and the dearest steps
/// take half a second.
pub(super) const STEPS: u64 = 5_000_000;

/// A task or a member of a matrix that is judged, in its place, with what became of those before it.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'t> {
    pub place: &'t Place<'t>,
    pub subject: &'t Subject<'t>,
    /// The values of the member; `None` for the task as a whole.
    pub matrix: Option<&'t Values>,
    pub fates: &'t Fates<'t>,
}

impl Walk<'_> {
    /// Whether so much was evaluated that nothing further is: a preview ends, however many members ask how much.
    pub(super) const fn is_spent(&self) -> bool {
        self.texts.steps() >= STEPS
    }

    /// What becomes of a task: what its start rule says, with what follows.
    pub(super) fn judge(&mut self, candidate: Candidate<'_>) -> Judged {
        let judged = self.rule(candidate);
        self.begun(candidate, judged)
    }

    /// What the start rule of a task says.
    pub(super) fn rule(&mut self, candidate: Candidate<'_>) -> Judged {
        let Candidate {
            place,
            subject,
            matrix,
            fates,
        } = candidate;
        if let Some(held) = &self.held {
            return Judged::held(Arc::clone(held));
        }
        if self.is_spent() && subject.task.start.condition.is_some() {
            return Judged::unknown(words::unasked());
        }
        let names = Names::new(&self.roots, place.inputs.as_ref(), matrix);
        let condition = subject.task.start.condition.as_ref();
        let asked = condition.map(|condition| self.questions.of(&mut self.texts, condition));
        let mut rule = rule::Rule {
            plan: self.plan,
            task: subject.task,
            when: subject.when.as_deref().filter(|_| says_more(subject.task)),
            call: place.prefix.strip_suffix('/'),
            outlook: subject.outlook,
            fates,
            names,
        };
        rule.judge(&mut self.texts, asked)
    }

    /// The same with what a task that may start then waits for, and what makes it fail.
    pub(super) fn begun(&mut self, candidate: Candidate<'_>, judged: Judged) -> Judged {
        let subject = candidate.subject;
        match judged.decision {
            Decision::Run => {}
            Decision::Unknown if judged.fault.is_none() => {
                let failing = self.with_failing_text(candidate, judged.clone());
                return match failing.fault {
                    Some(_) => judged.doomed(),
                    None => judged,
                };
            }
            Decision::Unknown | Decision::Skip | Decision::Reuse => return judged,
        }
        let prompt = subject.task.approval.as_ref().map(|approval| {
            let none = Values::None;
            let matrix = candidate.matrix.unwrap_or(&none);
            let prompt = self.text(candidate.place, &approval.prompt, matrix);
            let prompt = prompt.and_then(|prompt| expr::template::in_text(&prompt).ok());
            match (prompt, &approval.prompt) {
                (Some(prompt), _) => words::prompt(&prompt),
                (None, Text::Literal(text)) => words::prompt(text),
                (None, Text::Template(expression)) => words::prompt(&expression.text),
            }
        });
        let mut judged = with_waits(subject.task, judged, prompt.as_deref());
        if subject.task.generates.is_some() && judged.decision == Decision::Run {
            let reason = format!("{}; it generates further tasks", judged.reason);
            judged = judged.because(reason);
        }
        self.with_failing_text(candidate, judged)
    }

    /// The same, if a text of the task cannot be evaluated.
    fn with_failing_text(&mut self, candidate: Candidate<'_>, judged: Judged) -> Judged {
        let Candidate {
            place,
            subject,
            matrix,
            fates,
        } = candidate;
        let is_member = matches!(matrix, Some(Values::Cell(_)));
        let is_enough = self.is_spent() || (is_member && self.looked_at >= MEMBERS_LOOKED_AT);
        if subject.certain.is_empty() || is_enough {
            return judged;
        }
        self.looked_at += usize::from(is_member);
        let names = Names::new(&self.roots, place.inputs.as_ref(), matrix);
        let (texts, questions) = (&mut self.texts, &mut self.questions);
        let Some(failing) = subject.certain.failing(texts, questions, &names, fates) else {
            return judged;
        };
        match (failing.moment, &subject.task.body) {
            (Moment::Step(place), Body::Steps(steps)) => {
                let step = &steps.steps[place].name;
                let message = format!("would fail in its step `{step}`: {}", failing.message);
                let reason = format!("{}; {message}", judged.reason);
                let fault = Fault::of(subject.task, message, failing.at);
                judged.because(reason).failing(fault)
            }
            (Moment::Step(_) | Moment::Ready, _) => {
                Judged::faulty(subject.task, &failing.message, failing.at)
            }
        }
    }

    /// The value of a text, if everything that it reads is known, and there are steps for it.
    pub(super) fn text(
        &mut self,
        place: &Place<'_>,
        text: &Text,
        matrix: &Values,
    ) -> Option<Value> {
        if self.is_spent() {
            return None;
        }
        let names = Names::new(&self.roots, place.inputs.as_ref(), Some(matrix));
        self.texts.text(text, &names).ok()
    }
}
