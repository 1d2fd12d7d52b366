//! Texts of a task that would certainly fail: all that they read is known, and they cannot be evaluated.
//!
//! Looked at are the texts that the machine computes when the task's turn comes (its person's question, its group, its
//! pause, its role and labels, the inputs of a call, which also have to be of their type), and those that its worker
//! computes on the way through the steps that have no condition (environment, scripts, commands, folders). What reads a
//! name that has no value yet is passed over, and so is what asks for files or for the status of steps.

use super::asked::{Asked, Questions};
use super::names::{self, Names};
use super::outlook::Fates;
use super::turn::STEPS;
use crate::texts::Texts;
use expr::Value;
use expr::template::NUL_IN_TEXT;
use expr::value::TypeName;
use model::plan::{
    Activation, Body, Expression, Late, Place, Plan, Scope, Step, StepBody, TaskDef, Text,
    Tolerance, ValueType,
};
use std::sync::Arc;

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
    /// What a call gives to its inputs, with their names and types; the texts are among those of `ready`.
    inputs: Vec<(&'a str, &'a ValueType, &'a Text)>,
    lengths: Vec<&'a Expression>,
    /// Of the scope, with the first step that gets it.
    env: Option<(usize, Arc<Env<'a>>)>,
    steps: Vec<(usize, &'a Expression)>,
}

/// The environment that all tasks of a scope get, as far as it has expressions.
#[derive(Debug, Default)]
pub(super) struct Env<'a> {
    texts: Vec<&'a Expression>,
    reads_matrix: bool,
}

impl<'a> Env<'a> {
    pub(super) fn of(scope: &'a Scope) -> Self {
        let texts = scope.env.iter().filter_map(|(_, text)| template(text));
        let texts: Vec<&Expression> = texts.collect();
        Self {
            reads_matrix: texts.iter().any(|text| reads_matrix(text)),
            texts,
        }
    }
}

impl<'a> Certain<'a> {
    /// Those of `task`, and what it gets of its scope.
    pub(super) fn of(plan: &'a Plan, task: &'a TaskDef, env_of_scope: &Arc<Env<'a>>) -> Self {
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
        let (first, steps) = of_steps(task);
        let env = first.filter(|_| !env_of_scope.texts.is_empty());
        Self {
            ready: texts.into_iter().filter_map(template).collect(),
            lengths: pause.into_iter().collect(),
            inputs: of_inputs(plan, task),
            env: env.map(|first| (first, Arc::clone(env_of_scope))),
            steps,
        }
    }

    /// Whether there is nothing to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
            && self.lengths.is_empty()
            && self.env.is_none()
            && self.steps.is_empty()
    }

    /// Whether something in it reads the matrix.
    pub(super) fn reads_matrix(&self) -> bool {
        let steps = self.steps.iter().map(|(_, expression)| expression);
        let mut own = self.ready.iter().chain(&self.lengths).chain(steps);
        let env = self.env.as_ref();
        env.is_some_and(|(_, env)| env.reads_matrix) || own.any(|text| reads_matrix(text))
    }

    /// The first of them that certainly fails, as far as there are steps to find out.
    pub(super) fn failing(
        &self,
        texts: &mut Texts,
        questions: &mut Questions,
        names: &Names<'_>,
        fates: &Fates<'_>,
    ) -> Option<Failing> {
        for length in &self.lengths {
            let asked = questions.of(texts, length).ok();
            let is_known = asked.is_some_and(|asked| is_known(texts, &asked, names, fates));
            if is_known && let Err(message) = texts.length_ms(length, names) {
                return Some(failing(Moment::Ready, message, length));
            }
        }
        let ready = self.ready.iter().map(|text| (Moment::Ready, *text));
        let env = self.env.iter().flat_map(|(first, env)| {
            let env = env.texts.iter();
            env.map(|text| (Moment::Step(*first), *text))
        });
        let steps = self.steps.iter();
        let steps = steps.map(|(step, text)| (Moment::Step(*step), *text));
        for (moment, text) in ready.chain(env).chain(steps) {
            let all = match questions.of_text(texts, text) {
                Ok(all) => all,
                Err(message) => return Some(failing(moment, message, text)),
            };
            for asked in all.iter() {
                if texts.steps() >= STEPS {
                    return None;
                }
                if !is_known(texts, asked, names, fates) {
                    continue;
                }
                let value = texts.part(&asked.program, text, names);
                if let Err(message) = value.and_then(|value| fits(moment, &value, text, texts)) {
                    return Some(failing(moment, message, text));
                }
            }
        }
        self.failing_input(texts, questions, names, fates)
    }

    /// The first known value that the input which gets it does not take.
    fn failing_input(
        &self,
        texts: &mut Texts,
        questions: &mut Questions,
        names: &Names<'_>,
        fates: &Fates<'_>,
    ) -> Option<Failing> {
        for (name, value_type, text) in &self.inputs {
            let Some(expression) = template(text) else {
                continue;
            };
            let all = questions.of_text(texts, expression).ok()?;
            if texts.steps() >= STEPS {
                return None;
            }
            if !all.iter().all(|asked| is_known(texts, asked, names, fates)) {
                continue;
            }
            if let Err(message) = texts.input((name, value_type), text, names) {
                return Some(failing(Moment::Ready, message, expression));
            }
        }
        None
    }
}

/// Whether what the text `whole` gets of an expression can be given to a program, when a step gives it to one.
fn fits(
    moment: Moment,
    value: &Value,
    whole: &Expression,
    texts: &mut Texts,
) -> Result<(), String> {
    texts.spend(u64::from(value.weight()));
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

/// What it takes to look at one expression, in steps.
const LOOK: u64 = 4;

/// Whether everything that is read and called is known before the run.
fn is_known(texts: &mut Texts, asked: &Asked, names: &Names<'_>, fates: &Fates<'_>) -> bool {
    texts.spend(LOOK + asked.paths.len() as u64);
    !asked.asks_run
        && names::missing(asked, names, fates).is_empty()
        && asked.paths.iter().all(|path| {
            let root = path.root();
            names.has(root) || TypeName::from_name(root).is_some()
        })
}

/// By the letters: who has the name in it for another reason is looked at once too often.
fn reads_matrix(expression: &Expression) -> bool {
    expression.text.contains("matrix")
}

fn template(text: &Text) -> Option<&Expression> {
    match text {
        Text::Template(expression) => Some(expression),
        Text::Literal(_) => None,
    }
}

/// What a call gives to inputs that are declared.
fn of_inputs<'a>(plan: &'a Plan, task: &'a TaskDef) -> Vec<(&'a str, &'a ValueType, &'a Text)> {
    let Body::Call(call) = &task.body else {
        return Vec::new();
    };
    let declared = &plan.scope(call.scope).inputs;
    let given = call.inputs.iter().filter_map(|(name, text)| {
        let input = declared.get(name)?;
        Some((name.as_str(), &input.value_type, text))
    });
    given.collect()
}

/// The first step that has no condition and whose failure counts, and what is computed on the way through all such.
fn of_steps(task: &TaskDef) -> (Option<usize>, Vec<(usize, &Expression)>) {
    let Body::Steps(steps) = &task.body else {
        return (None, Vec::new());
    };
    let counts = |step: &Step| step.when.is_none() && step.tolerance == Tolerance::Never;
    let counted = || {
        let all = steps.steps.iter().enumerate();
        all.filter(|(_, step)| counts(step))
    };
    let first = counted().next().map(|(first, _)| first);
    let mut found = Vec::new();
    if let Some(first) = first {
        let env = task.env.iter().map(|(_, text)| text);
        let texts = env.chain(&steps.working_dir);
        found.extend(texts.filter_map(|text| Some((first, template(text)?))));
    }
    for (place, step) in counted() {
        let mut texts: Vec<&Text> = step.env.iter().map(|(_, text)| text).collect();
        texts.extend(&step.working_dir);
        match &step.body {
            StepBody::Script { text, args, .. } => texts.extend([text].into_iter().chain(args)),
            StepBody::Command { argv } => texts.extend(argv),
            StepBody::Group { .. } => {}
        }
        let texts = texts.into_iter();
        found.extend(texts.filter_map(|text| Some((place, template(text)?))));
    }
    (first, found)
}
