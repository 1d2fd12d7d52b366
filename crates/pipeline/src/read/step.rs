//! Steps, and what decides about their failures.

use super::text::Implied;
use super::{Purpose, Reader, command, flag, shell};
use crate::definitions::Phase;
use crate::diagnostics::Span;
use crate::scalar;
use crate::yaml::Node;
use model::limits;
use model::plan::{Late, Post, Step, StepBody, Tolerance};

impl Reader<'_, '_> {
    /// `steps:`.
    pub(super) fn steps(&mut self, items: &[Node<'_>]) -> Vec<Step> {
        let mut steps = Vec::with_capacity(items.len());
        let mut named: Vec<(String, Span)> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            self.step = Some(index);
            let name = item.child("name").filter(|name| name.text().is_some());
            let text = name.and_then(Node::text);
            let text = text.map_or_else(|| format!("step{}", index + 1), str::to_owned);
            named.push((text.clone(), name.unwrap_or(item).span));
            steps.extend(self.step(item, text));
        }
        self.step = None;
        self.refuse_doubles(
            "step",
            named.iter().map(|(name, span)| (name.as_str(), *span)),
        );
        steps
    }

    fn step(&mut self, node: &Node<'_>, name: String) -> Option<Step> {
        let body = self.body(node)?;
        let mut step = Step::script(name, "");
        step.body = body;
        step.label = self.field(node, "label", Phase::Start);
        step.when = node
            .child("when")
            .and_then(|when| self.condition(when, Implied::Steps));
        step.env = node
            .child("env")
            .map(|env| self.env(env).0)
            .unwrap_or_default();
        step.working_dir = self.field(node, "working_dir", Phase::Start);
        step.timeout_ms = self
            .time(node, ("step", "timeout"), 1..=limits::TIMEOUT_MS)
            .map(Late::Known);
        step.tolerance = self.tolerance(node.child("continue_on_error"));
        step.outputs = node
            .child("outputs")
            .map(|outputs| self.outputs(outputs))
            .unwrap_or_default();
        step.post = node
            .child("post")
            .and_then(|post| self.post(post))
            .map(Box::new);
        step.container = node
            .child("container")
            .and_then(|container| self.container(container));
        step.keep_streams_apart = flag(node, "keep_streams_apart").unwrap_or(false);
        Some(step)
    }

    /// `run` with its `shell`, or `command`.
    fn body(&mut self, node: &Node<'_>) -> Option<StepBody> {
        if let Some(words) = node.child("command") {
            let items = words.items()?;
            let purposes = command::purposes(items);
            let argv = items.iter().zip(purposes);
            let argv = argv.map(|(item, purpose)| self.text(item, Phase::Start, purpose));
            return Some(StepBody::Command {
                argv: argv.collect::<Option<_>>()?,
            });
        }
        Some(StepBody::Script {
            text: self.text(node.child("run")?, Phase::Start, Purpose::Script)?,
            shell: node.child("shell").and_then(shell::read),
            args: Vec::new(),
        })
    }

    fn post(&mut self, node: &Node<'_>) -> Option<Post> {
        if node.scalar().is_some() {
            return Some(Post {
                when: None,
                body: StepBody::Script {
                    text: self.text(node, Phase::Start, Purpose::Script)?,
                    shell: None,
                    args: Vec::new(),
                },
                env: Vec::new(),
            });
        }
        Some(Post {
            when: node
                .child("when")
                .and_then(|when| self.condition(when, Implied::Nothing(Phase::Start))),
            body: self.body(node)?,
            env: node
                .child("env")
                .map(|env| self.env(env).0)
                .unwrap_or_default(),
        })
    }

    /// `allow_failure` or `continue_on_error`.
    pub(super) fn tolerance(&mut self, node: Option<&Node<'_>>) -> Tolerance {
        let Some(node) = node else {
            return Tolerance::Never;
        };
        if let Some(scalar) = node.scalar() {
            return match scalar::boolean(scalar) {
                Some(true) => Tolerance::Always,
                Some(false) | None => Tolerance::Never,
            };
        }
        if let Some(when) = node.child("when") {
            let when = self.expression(when, Phase::End, Purpose::Verdict);
            return when.map_or(Tolerance::Never, Tolerance::When);
        }
        let codes = node
            .child("exit_codes")
            .and_then(Node::items)
            .unwrap_or_default();
        let codes = codes
            .iter()
            .filter_map(Node::scalar)
            .filter_map(scalar::integer)
            .filter_map(|code| i32::try_from(code).ok());
        Tolerance::ExitCodes(codes.collect())
    }
}
