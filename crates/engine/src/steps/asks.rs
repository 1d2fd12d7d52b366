//! Whether expressions of a task ask for files, so that whoever has them can tell before it is asked.
//!
//! A look at the texts and not at their meaning: one that has the name of `hash` or `glob` in it and calls neither counts
//! too. What is missed here is asked all the same, at a moment when that may be inconvenient.

use super::StepMachine;
use crate::work::Work;
use model::plan::{
    ArtifactOut, Body, Expression, Late, Named, Output, RunFunction, Service, Shell, Step,
    StepBody, Text, Tolerance,
};

impl StepMachine {
    /// Whether `hash` or `glob` may be called on the way through the steps, or for what the task gives in the end.
    #[must_use]
    pub fn asks_for_files(&self) -> bool {
        of_work(&self.work)
    }
}

fn of_work(work: &Work) -> bool {
    let task = &work.task;
    let steps = match &task.body {
        Body::Steps(steps) => {
            of_steps(&steps.steps)
                || steps.shell.as_ref().is_some_and(of_shell)
                || steps.working_dir.as_ref().is_some_and(of_text)
        }
        Body::Call(_) | Body::Nothing => false,
    };
    steps
        || work.scope_env.iter().any(of_env)
        || of_env(&task.env)
        || task.services.iter().any(of_service)
        || of_outputs(task.outputs.values())
        || task.artifacts_out.iter().any(of_artifact)
        || task.generates.as_ref().is_some_and(of_text)
}

fn of_steps(steps: &[Step]) -> bool {
    steps.iter().any(|step| {
        let post = step.post.as_ref().is_some_and(|post| {
            post.when.as_ref().is_some_and(of_expression)
                || of_body(&post.body)
                || of_env(&post.env)
        });
        post || step.when.as_ref().is_some_and(of_expression)
            || of_body(&step.body)
            || of_env(&step.env)
            || step.working_dir.as_ref().is_some_and(of_text)
            || matches!(&step.timeout_ms, Some(Late::Computed(ms)) if of_expression(ms))
            || matches!(&step.tolerance, Tolerance::When(when) if of_expression(when))
            || of_outputs(step.outputs.values())
    })
}

fn of_body(body: &StepBody) -> bool {
    match body {
        StepBody::Script { text, shell, args } => {
            of_text(text) || shell.as_ref().is_some_and(of_shell) || args.iter().any(of_text)
        }
        StepBody::Command { argv } => argv.iter().any(of_text),
        StepBody::Group { inputs, steps } => inputs.values().any(of_text) || of_steps(steps),
    }
}

fn of_service(service: &Service) -> bool {
    let commands = [&service.run, &service.ready];
    commands.into_iter().flatten().any(of_text) || of_env(&service.env)
}

fn of_artifact(artifact: &ArtifactOut) -> bool {
    artifact.paths.iter().chain(&artifact.exclude).any(of_text)
}

fn of_outputs<'a>(mut outputs: impl Iterator<Item = &'a Output>) -> bool {
    outputs.any(|output| output.from.as_ref().is_some_and(of_text))
}

fn of_env(env: &Named<Text>) -> bool {
    env.iter().any(|(_, text)| of_text(text))
}

fn of_shell(shell: &Shell) -> bool {
    shell.computed.as_ref().is_some_and(of_expression)
}

fn of_text(text: &Text) -> bool {
    match text {
        Text::Literal(_) => false,
        Text::Template(expression) => of_expression(expression),
    }
}

fn of_expression(expression: &Expression) -> bool {
    RunFunction::FILES
        .iter()
        .any(|function| expression.text.contains(function.as_str()))
}
