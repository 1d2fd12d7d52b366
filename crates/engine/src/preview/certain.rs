//! Texts of a task that would certainly fail: all that they read is known, and they cannot be evaluated.
//!
//! Looked at are the texts that the machine computes when the task's turn comes (its person's question, its group, its pause,
//! its role and labels, the inputs of a call), and those that its worker computes on the way through the steps that have no
//! condition (environment, scripts, commands, folders). What reads a name that has no value yet is passed over, and so is
//! what asks for files or for the status of steps.

use super::names::{self, Names};
use super::outlook::Fates;
use crate::texts::{NUL_IN_TEXT, Texts};
use expr::value::TypeName;
use expr::{Program, Value};
use model::plan::{
    Activation, Body, Expression, Late, Place, Plan, RunFunction, Step, StepBody, TaskDef, Text,
    Tolerance,
};

/// A text that cannot be evaluated.
pub(super) struct Failing {
    pub moment: Moment,
    /// The expression, its place, and what is wrong with it.
    pub message: String,
    pub at: Option<Place>,
}

/// When a text is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before a worker has the task.
    Ready,
    /// On the way to this step.
    Step(usize),
}

/// The texts of a task with the moment of each, in the order in which they are computed. Literal ones say nothing.
pub(super) struct Certain<'a> {
    ready: Vec<&'a Expression>,
    lengths: Vec<&'a Expression>,
    steps: Vec<(usize, &'a Expression)>,
}

impl<'a> Certain<'a> {
    pub(super) fn of(plan: &'a Plan, task: &'a TaskDef) -> Self {
        let mut texts: Vec<&Text> = Vec::new();
        texts.extend(task.approval.iter().map(|approval| &approval.prompt));
        texts.extend(task.concurrency.iter().map(|group| &group.group));
        match &task.body {
            Body::Call(call) => texts.extend(call.inputs.values()),
            Body::Steps(_) => texts.extend(task.placement.asked()),
            Body::Nothing => {}
        }
        let pause = match &task.activation {
            Activation::Delayed {
                delay_ms: Late::Computed(pause),
            } => Some(pause),
            Activation::Delayed {
                delay_ms: Late::Known(_),
            }
            | Activation::Automatic
            | Activation::Manual { .. } => None,
        };
        Self {
            ready: texts.into_iter().filter_map(template).collect(),
            lengths: pause.into_iter().collect(),
            steps: of_steps(plan, task),
        }
    }

    /// Whether there is nothing to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.lengths.is_empty() && self.steps.is_empty()
    }

    /// Whether something in it reads the name `root`.
    pub(super) fn reads(&self, root: &str) -> bool {
        let steps = self.steps.iter().map(|(_, expression)| expression);
        let mut all = self.ready.iter().chain(&self.lengths).chain(steps);
        // By the letters: who has the name in it for another reason is looked at once too often.
        all.any(|expression| expression.text.contains(root))
    }

    /// The first of them that certainly fails.
    pub(super) fn failing(
        &self,
        texts: &mut Texts,
        names: &Names<'_>,
        fates: &Fates<'_>,
    ) -> Option<Failing> {
        for length in &self.lengths {
            let program = texts.program(length).ok();
            let is_known = program.is_some_and(|program| is_known(&program, names, fates));
            if is_known && let Err(message) = texts.length_ms(length, names) {
                return Some(failing(Moment::Ready, message, length));
            }
        }
        let ready = self.ready.iter().map(|text| (Moment::Ready, *text));
        let steps = self.steps.iter();
        let steps = steps.map(|(step, text)| (Moment::Step(*step), *text));
        for (moment, text) in ready.chain(steps) {
            let programs = match texts.template(text) {
                Ok(template) => template.programs().cloned().collect::<Vec<_>>(),
                Err(message) => return Some(failing(moment, message, text)),
            };
            for program in programs {
                if !is_known(&program, names, fates) {
                    continue;
                }
                let value = texts.part(&program, text, names);
                if let Err(message) = value.and_then(|value| fits(moment, &value, text, texts)) {
                    return Some(failing(moment, message, text));
                }
            }
        }
        None
    }
}

/// Whether what the text `whole` gets of an expression can be given to a program, when a step gives it to one.
fn fits(moment: Moment, value: &Value, whole: &Expression, texts: &Texts) -> Result<(), String> {
    let holds_nul = |value: &Value| value.as_str().is_some_and(|text| text.contains('\0'));
    let mut values = value
        .as_list()
        .unwrap_or(std::slice::from_ref(value))
        .iter();
    match moment {
        Moment::Step(_) if values.any(holds_nul) => {
            Err(format!("{}: {NUL_IN_TEXT}", texts.named(whole)))
        }
        Moment::Step(_) | Moment::Ready => Ok(()),
    }
}

fn failing(moment: Moment, message: String, text: &Expression) -> Failing {
    Failing {
        moment,
        message,
        at: text.at,
    }
}

/// Whether everything that `program` reads and calls is known before the run.
fn is_known(program: &Program, names: &Names<'_>, fates: &Fates<'_>) -> bool {
    let calls = program.calls();
    let mut roots = program.references().into_iter();
    names::missing(program, names, fates).is_empty()
        && !calls
            .iter()
            .any(|call| RunFunction::from_name(&call.name).is_some())
        && roots.all(|each| {
            each.path
                .first()
                .is_some_and(|root| names.has(root) || TypeName::from_name(root).is_some())
        })
}

fn template(text: &Text) -> Option<&Expression> {
    match text {
        Text::Template(expression) => Some(expression),
        Text::Literal(_) => None,
    }
}

/// What is computed on the way through the steps: of each that has no condition and whose failure counts.
fn of_steps<'a>(plan: &'a Plan, task: &'a TaskDef) -> Vec<(usize, &'a Expression)> {
    let Body::Steps(steps) = &task.body else {
        return Vec::new();
    };
    let counts = |step: &Step| step.when.is_none() && step.tolerance == Tolerance::Never;
    let counted = || {
        steps
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| counts(step))
    };
    let mut found = Vec::new();
    if let Some((first, _)) = counted().next() {
        let env = plan.scope(task.scope).env.iter().chain(&task.env);
        found.extend(env.filter_map(|(_, text)| Some((first, template(text)?))));
        let folder = steps.working_dir.iter();
        found.extend(folder.filter_map(|text| Some((first, template(text)?))));
    }
    for (place, step) in counted() {
        let mut texts: Vec<&Text> = step.env.iter().map(|(_, text)| text).collect();
        texts.extend(&step.working_dir);
        match &step.body {
            StepBody::Script { text, args, .. } => texts.extend([text].into_iter().chain(args)),
            StepBody::Command { argv } => texts.extend(argv),
            StepBody::Group { .. } => {}
        }
        found.extend(
            texts
                .into_iter()
                .filter_map(|text| Some((place, template(text)?))),
        );
    }
    found
}
