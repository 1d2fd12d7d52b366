//! Steps in a few words.

use crate::plan::text;
use model::plan::{
    Container, Expression, Late, Output, Post, Shell, Step, StepBody, Tolerance, ValueType,
};

/// A step that is being written.
#[derive(Debug)]
#[must_use]
pub struct StepBuilder {
    step: Step,
}

impl StepBuilder {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            step: Step::script(name, "true"),
        }
    }

    pub(crate) fn finish(self) -> Step {
        self.step
    }

    /// Runs a script.
    pub fn run(mut self, script: &str) -> Self {
        self.step.body = script_body(script);
        self
    }

    /// Starts a program without a shell.
    pub fn command<const N: usize>(mut self, argv: [&str; N]) -> Self {
        let argv = argv.into_iter().map(text).collect();
        self.step.body = StepBody::Command { argv };
        self
    }

    /// Runs steps of their own with these inputs.
    pub fn group<const N: usize>(
        mut self,
        inputs: [(&str, &str); N],
        steps: impl IntoIterator<Item = Self>,
    ) -> Self {
        let inputs = inputs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), text(value)))
            .collect();
        let steps = steps.into_iter().map(Self::finish).collect();
        self.step.body = StepBody::Group { inputs, steps };
        self
    }

    /// Begins a step for [`Self::group`].
    pub fn inner(name: &str) -> Self {
        Self::new(name)
    }

    /// Runs only if this CEL expression is true.
    pub fn when(mut self, condition: &str) -> Self {
        self.step.when = Some(Expression::cel(condition));
        self
    }

    /// Its failure counts as success for the steps behind.
    pub fn continue_on_error(mut self) -> Self {
        self.step.tolerance = Tolerance::Always;
        self
    }

    /// Runs a script after all steps of the task, also after failure and cancel.
    pub fn post(self, script: &str) -> Self {
        self.post_when(script, None)
    }

    /// Runs a script after all steps of the task, if this CEL expression is then true.
    pub fn post_when(mut self, script: &str, condition: Option<&str>) -> Self {
        self.step.post = Some(Box::new(Post {
            when: condition.map(Expression::cel),
            body: script_body(script),
            env: Vec::new(),
        }));
        self
    }

    /// Sets a variable of the environment of what runs for it after all steps.
    ///
    /// # Panics
    /// When nothing does.
    pub fn post_env(mut self, name: &str, value: &str) -> Self {
        let post = self.step.post.as_mut().expect("the step has a post script");
        post.env.push((name.to_owned(), text(value)));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.step.env.push((name.to_owned(), text(value)));
        self
    }

    /// Called so by people.
    pub fn label(mut self, label: model::plan::Text) -> Self {
        self.step.label = Some(label);
        self
    }

    /// Runs in a folder below the task's.
    pub fn working_dir(mut self, folder: &str) -> Self {
        self.step.working_dir = Some(text(folder));
        self
    }

    /// Limits its time.
    pub fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.step.timeout_ms = Some(Late::Known(timeout_ms));
        self
    }

    /// Runs its script with this program; `{file}` stands for the script.
    ///
    /// # Panics
    /// When the step runs no script.
    pub fn shell<const N: usize>(mut self, argv: [&str; N]) -> Self {
        let StepBody::Script { shell, .. } = &mut self.step.body else {
            panic!("only scripts have a shell");
        };
        *shell = Some(Shell {
            argv: argv.into_iter().map(str::to_owned).collect(),
            computed: None,
            extension: String::new(),
        });
        self
    }

    /// Runs in a container of this image.
    pub fn container(mut self, image: &str) -> Self {
        self.step.container = Some(Container {
            image: Some(text(image)),
            ..Container::default()
        });
        self
    }

    /// Gives its script arguments; a lone expression that is a list gives one for each of its values.
    ///
    /// # Panics
    /// When the step runs no script.
    pub fn args<const N: usize>(mut self, words: [&str; N]) -> Self {
        let StepBody::Script { args, .. } = &mut self.step.body else {
            panic!("only scripts have arguments");
        };
        args.extend(words.map(text));
        self
    }

    /// Declares a value of a group by a template over its steps.
    pub fn output_from(mut self, name: &str, value_type: ValueType, from: &str) -> Self {
        let output = Output {
            value_type,
            from: Some(text(from)),
            default: None,
        };
        self.step.outputs.insert(name.to_owned(), output);
        self
    }

    /// Declares a value that it gives to later steps.
    pub fn output(mut self, name: &str, value_type: ValueType) -> Self {
        let (from, default) = (None, None);
        let output = Output {
            value_type,
            from,
            default,
        };
        self.step.outputs.insert(name.to_owned(), output);
        self
    }
}

fn script_body(script: &str) -> StepBody {
    StepBody::Script {
        text: text(script),
        shell: None,
        args: Vec::new(),
    }
}
