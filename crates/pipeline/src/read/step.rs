//! Steps, and what decides about their failures.

use super::text::Implied;
use super::{Purpose, Reader, flag, shell};
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
            .time(node, "timeout", 1, limits::TIMEOUT_MS)
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
        if let Some(command) = node.child("command") {
            let items = command.items()?;
            let argv = items.iter().enumerate().map(|(place, item)| {
                let purpose = match place {
                    0 => Purpose::Program,
                    _ if is_started(items, place) => Purpose::Program,
                    _ if is_code(items, place) => Purpose::Script,
                    _ => Purpose::Value,
                };
                self.text(item, Phase::Start, purpose)
            });
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

/// Programs that run a text which is given to them as an argument.
const INTERPRETERS: &[&str] = &[
    "sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "pwsh", "python", "perl", "ruby", "node",
    "php", "lua",
];

/// Programs whose first argument is code.
const PROGRAMMED: &[&str] = &["awk", "gawk", "mawk", "nawk"];

/// Programs that start the one that their first argument names.
const STARTERS: &[&str] = &[
    "doas", "env", "nice", "nohup", "setsid", "stdbuf", "sudo", "time", "xargs",
];

/// The text of an item.
fn word(item: &Node<'_>) -> Option<String> {
    item.scalar().map(|scalar| scalar.text.to_string())
}

/// Whether an item is the first argument of one of `programs`: between them stand flags only.
fn is_first_of(programs: &[&str], items: &[Node<'_>], place: usize) -> bool {
    let mut before = items[..place].iter().rev().filter_map(word);
    let program = before.find(|word| !word.starts_with('-'));
    program.is_some_and(|word| programs.contains(&word.rsplit('/').next().unwrap_or(&word)))
}

/// Whether an item names a program that another one starts. A text before the expression makes it something else, such as
/// `A=${{ … }}` behind `env`.
fn is_started(items: &[Node<'_>], place: usize) -> bool {
    let begins = word(&items[place]).is_some_and(|word| word.trim_start().starts_with("${{"));
    begins && is_first_of(STARTERS, items, place)
}

/// Whether an item of a command is code: what stands behind `-c` or `-e` of one that runs a text.
fn is_code(items: &[Node<'_>], place: usize) -> bool {
    let Some(before) = place.checked_sub(1) else {
        return false;
    };
    if is_first_of(PROGRAMMED, items, place) {
        return !word(&items[place]).is_some_and(|word| word.starts_with('-'));
    }
    let runs_text = items[..place].iter().filter_map(word).any(|word| {
        let name = word.rsplit('/').next().unwrap_or(&word);
        // `python3.11` is `python`.
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        INTERPRETERS.contains(&name)
    });
    let is_flag = word(&items[before]).is_some_and(|flag| {
        let short = flag.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        short.is_some_and(|letters| letters.ends_with(['c', 'e', 'r']))
            || matches!(
                flag.as_str(),
                "--eval" | "--command" | "-Command" | "--print"
            )
    });
    runs_text && is_flag
}
