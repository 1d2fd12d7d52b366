//! Tasks.

use super::params::output_names;
use super::text::Implied;
use super::{Common, Draft, Need, Purpose, Reader, flag, integer, names, priority, shell};
use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::Span;
use crate::expression::{self, Reference};
use crate::scalar;
use crate::yaml::{Entry, Node};
use model::limits;
use model::plan::{
    Activation, Approval, ArtifactWhen, Body, Cache, Expression, Late, Phase as Part, Resources,
    Retry, Secret, StartRule, StatusOf, Step, Steps, TaskDef, Text,
};
use std::collections::BTreeSet;

impl Reader<'_, '_> {
    /// The tasks of `tasks` and of `finally`, behind `before` others.
    pub(super) fn tasks(&mut self, tree: &Node<'_>, common: &Common, before: usize) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (key, part) in [("tasks", Part::Main), ("finally", Part::Finally)] {
            let entries = tree.child(key).and_then(Node::entries).unwrap_or_default();
            for entry in entries {
                if self.report.is_full() {
                    break;
                }
                self.task = Some(before + drafts.len());
                drafts.push(self.task(entry, part, common));
            }
        }
        self.task = None;
        drafts
    }

    /// The task of a file that is a reusable task.
    pub(super) fn only_task(&mut self, entry: &Entry<'_>, name: &str, common: &Common) -> Draft {
        self.task = Some(0);
        let mut draft = self.task(entry, Part::Main, common);
        self.task = None;
        name.clone_into(&mut draft.def.name);
        draft
    }

    fn task(&mut self, entry: &Entry<'_>, part: Part, common: &Common) -> Draft {
        let node = &entry.value;
        let mut draft = Draft {
            def: TaskDef::new(&*entry.key, Body::Nothing),
            name_span: entry.key_span,
            needs: needs(node.child("needs")),
            taken: Vec::new(),
            given: Vec::new(),
            steps: Vec::new(),
            cell: None,
            members: 1,
            call: None,
            never: false,
            asks_status: false,
            written: written(node.child("outputs")),
        };
        draft.def.at = Some(self.report.plan_place(entry.key_span.start));
        draft.def.phase = part;
        draft.def.outputs = node
            .child("outputs")
            .map(|outputs| self.outputs(outputs))
            .unwrap_or_default();
        self.body_of_task(node, &mut draft, common);
        self.start(node, &mut draft, part);
        self.data(node, &mut draft, common);
        self.placement(node, &mut draft.def);
        if let Some(artifacts) = node.child("artifacts") {
            self.artifacts(artifacts, &mut draft);
        }
        draft
    }

    fn body_of_task(&mut self, node: &Node<'_>, draft: &mut Draft, common: &Common) {
        if node.child("uses").is_some() {
            draft.call = self.call(node);
            return;
        }
        let apart = flag(node, "keep_streams_apart").unwrap_or(false);
        let mut steps = match (node.child("run"), node.child("steps").and_then(Node::items)) {
            (Some(run), _) => {
                self.step = Some(0);
                let text = self.text(run, Phase::Start, Purpose::Script);
                self.step = None;
                text.map(|text| vec![Step::script("run", text)])
                    .unwrap_or_default()
            }
            (None, Some(items)) => {
                if items.len() > limits::STEPS_PER_TASK {
                    let message = format!(
                        "the task has {} steps; at most {} are allowed",
                        items.len(),
                        limits::STEPS_PER_TASK
                    );
                    self.report
                        .error(&codes::LIMIT, items[limits::STEPS_PER_TASK].span, message)
                        .help("put several commands into one `run`, or the rest into a task that needs this one");
                }
                self.steps(items)
            }
            (None, None) => {
                self.refuse_unwritten(node, draft);
                return;
            }
        };
        for step in &mut steps {
            step.keep_streams_apart |= apart;
        }
        let own_dir = self.path(node, "working_dir", Phase::Start);
        self.check_step_dirs(node, own_dir.as_ref().or(common.working_dir.as_ref()));
        draft.steps = steps
            .iter()
            .map(|step| (step.name.clone(), output_names(&step.outputs)))
            .collect();
        self.check_step_times(node, &steps);
        draft.def.body = Body::Steps(Steps {
            steps,
            shell: node
                .child("shell")
                .and_then(shell::read)
                .or_else(|| common.shell.clone()),
            working_dir: own_dir.or_else(|| common.working_dir.clone()),
            ..Steps::default()
        });
    }

    /// Without steps nobody can write an output, and nothing else is done that steps do.
    fn refuse_unwritten(&mut self, node: &Node<'_>, draft: &Draft) {
        const OF_STEPS: [&str; 7] = [
            "outputs",
            "artifacts",
            "generates",
            "services",
            "reports",
            "cache",
            "inputs",
        ];
        if ["uses", "image"]
            .iter()
            .any(|key| node.child(key).is_some())
        {
            return;
        }
        let name = &draft.def.name;
        for key in OF_STEPS {
            let Some(entry) = node.entry(key).filter(|entry| !entry.value.asks_nothing()) else {
                continue;
            };
            let message = match key {
                "outputs" => format!("task `{name}` has outputs but no steps that write them"),
                _ => format!("`{key}` does nothing in task `{name}`, which has no steps"),
            };
            self.report
                .error(&codes::OUTPUT_UNWRITTEN, entry.key_span, message)
                .help(format!("add `run` or `steps`, or remove `{key}`"));
        }
    }

    /// The folders of steps count from that of their task.
    fn check_step_dirs(&mut self, node: &Node<'_>, task: Option<&Text>) {
        let outer = match task.map(Text::literal) {
            None => "",
            Some(Some(outer)) => outer,
            Some(None) => return,
        };
        let items = node.child("steps").and_then(Node::items);
        for item in items.unwrap_or_default() {
            if let Some(dir) = item.child("working_dir") {
                self.refuse_leading_out(dir, outer);
            }
        }
    }

    /// A step may not have more time than its task, since it would never get it.
    fn check_step_times(&mut self, node: &Node<'_>, steps: &[Step]) {
        let limit = node
            .child("timeout")
            .and_then(Node::text)
            .and_then(scalar::duration_ms);
        let Some(limit) = limit else { return };
        let items = node
            .child("steps")
            .and_then(Node::items)
            .unwrap_or_default();
        for (item, step) in items.iter().zip(steps) {
            let own = step.timeout_ms.as_ref().and_then(Late::known);
            let Some(value) = item
                .child("timeout")
                .filter(|_| own.is_some_and(|own| *own > limit))
            else {
                continue;
            };
            self.report
                .warning(
                    &codes::STEP_TIMEOUT,
                    value.span,
                    "the step may take longer than its whole task",
                )
                .help("give the task more time, or the step less");
        }
    }

    /// Needs, conditions, gates, retries: what decides if and when it runs.
    fn start(&mut self, node: &Node<'_>, draft: &mut Draft, part: Part) {
        let implied = match part {
            Part::Main => Implied::Needs,
            Part::Finally => Implied::Nothing(Phase::Ready),
        };
        let condition = node
            .child("when")
            .and_then(|when| self.condition(when, implied));
        let said = node.child("when").zip(self.uses.last());
        if let Some((_, condition)) = said.filter(|_| condition.is_some()) {
            draft.never = condition.programs.iter().any(expression::is_never_true);
            let mut calls = condition.calls.iter();
            draft.asks_status = calls.any(Reference::calls_status);
        }
        draft.def.start = match part {
            Part::Main => StartRule {
                condition,
                status_of: StatusOf::Needs,
            },
            Part::Finally => StartRule {
                condition: Some(condition.unwrap_or_else(|| Expression::cel("always()"))),
                status_of: StatusOf::Scope,
            },
        };
        if let Some(entry) = node.entry("matrix") {
            match self.matrix(&entry.value, entry.key_span) {
                Some(read) => {
                    draft.cell = Some(read.names);
                    draft.members = read.members.unwrap_or(1);
                    draft.def.matrix = Some(read.matrix);
                }
                None => draft.cell = Some(None),
            }
        }
        draft.def.activation = self.activation(node.child("start"));
        draft.def.approval = node
            .child("approval")
            .and_then(|approval| self.approval(approval));
        draft.def.timeout_ms = self
            .time(node, ("task", "timeout"), 1..=limits::TIMEOUT_MS)
            .map(Late::Known);
        draft.def.retry = node
            .child("retry")
            .map(|retry| self.retry(retry))
            .unwrap_or_default();
        draft.def.tolerance = self.tolerance(node.child("allow_failure"));
        draft.def.critical = flag(node, "critical").unwrap_or(true);
        draft.def.idempotent = flag(node, "idempotent").unwrap_or(false);
        draft.def.concurrency = node
            .child("concurrency")
            .and_then(|concurrency| self.concurrency(concurrency, Phase::Ready));
        draft.def.priority = priority(node);
    }

    fn activation(&mut self, node: Option<&Node<'_>>) -> Activation {
        let Some(node) = node else {
            return Activation::Automatic;
        };
        let blocking = flag(node, "blocking").unwrap_or(true);
        if node.text() == Some("manual") || flag(node, "manual") == Some(true) {
            return Activation::Manual { blocking };
        }
        match self.time(node, ("start", "after"), 0..=limits::TIMEOUT_MS) {
            Some(delay_ms) => Activation::Delayed {
                delay_ms: Late::Known(delay_ms),
            },
            None => Activation::Automatic,
        }
    }

    fn approval(&mut self, node: &Node<'_>) -> Option<Approval> {
        if node.scalar().is_some() {
            return self
                .text(node, Phase::Ready, Purpose::Value)
                .map(Approval::new);
        }
        let mut approval = Approval::new(self.field(node, "prompt", Phase::Ready)?);
        if let Some(deadline_ms) = self.time(node, ("approval", "deadline"), 1..=limits::TIMEOUT_MS)
        {
            approval.deadline_ms = deadline_ms;
        }
        Some(approval)
    }

    fn retry(&mut self, node: &Node<'_>) -> Retry {
        let mut retry = Retry::default();
        if let Some(scalar) = node.scalar() {
            retry.max = scalar::integer(scalar)
                .and_then(|max| u32::try_from(max).ok())
                .unwrap_or(0);
            return retry;
        }
        retry.max = integer(node, "max")
            .and_then(|max| u32::try_from(max).ok())
            .unwrap_or(0);
        let backoff_ms = self.time(node, ("retry", "backoff"), 0..=limits::BACKOFF_MS);
        retry.backoff_ms = backoff_ms.unwrap_or(retry.backoff_ms);
        let factor = node
            .child("factor")
            .and_then(Node::scalar)
            .and_then(scalar::factor_milli);
        if let Some(percent) = factor.and_then(|milli| u32::try_from(milli.div_ceil(10)).ok()) {
            retry.factor_percent = percent;
        }
        // The longest pause is not shorter than the first that was asked for.
        let bounds_ms = backoff_ms.unwrap_or(0)..=limits::BACKOFF_MS;
        if let Some(most_ms) = self.time(node, ("retry", "max_backoff"), bounds_ms) {
            retry.max_backoff_ms = most_ms;
        }
        retry.max_backoff_ms = retry.max_backoff_ms.max(retry.backoff_ms);
        retry.when = node
            .child("when")
            .and_then(|when| self.expression(when, Phase::End, Purpose::Verdict));
        retry
    }

    /// What it reads and writes.
    fn data(&mut self, node: &Node<'_>, draft: &mut Draft, common: &Common) {
        let def = &mut draft.def;
        def.label = self.field(node, "label", Phase::Ready);
        let (env, own) = node
            .child("env")
            .map(|env| self.env(env))
            .unwrap_or_default();
        def.env = env;
        def.env_policy.inherit = common
            .inherit
            .iter()
            .chain(&own)
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        def.generates = self.path(node, "generates", Phase::Start);
        def.inputs = node
            .child("inputs")
            .map(|inputs| self.file_patterns(inputs, Phase::Start));
        for entry in node
            .child("reports")
            .and_then(Node::entries)
            .unwrap_or_default()
        {
            let paths = self.file_patterns(&entry.value, Phase::Start);
            def.reports.insert(entry.key.to_string(), paths);
        }
        for item in node
            .child("cache")
            .and_then(Node::items)
            .unwrap_or_default()
        {
            def.caches.extend(self.cache(item));
        }
        def.services = node
            .child("services")
            .map(|services| self.services(services, &draft.steps))
            .unwrap_or_default();
        // Those of a call are mapped, see `call`.
        if draft.call.is_none() {
            draft.def.secrets = secrets(node.child("secrets"));
        }
    }

    fn cache(&mut self, node: &Node<'_>) -> Option<Cache> {
        let restore_keys = node
            .child("restore_keys")
            .map(|keys| self.texts(keys, Phase::Start));
        let key = self.field(node, "key", Phase::Start)?;
        if let Some((literal, value)) = key.literal().zip(node.child("key")) {
            self.report
                .warning(
                    &codes::CONSTANT_KEY,
                    value.span,
                    format!("the key `{literal}` never changes, so the cache is never renewed"),
                )
                .help(format!(
                    "put what it depends on into it: `\"{literal}-${{{{ hash('FILE') }}}}\"`"
                ));
        }
        Some(Cache {
            key,
            restore_keys: restore_keys.unwrap_or_default(),
            paths: node
                .child("paths")
                .map(|paths| self.file_patterns(paths, Phase::Start))?,
            read_only: flag(node, "read_only").unwrap_or(false),
            write_only: false,
            when: ArtifactWhen::default(),
        })
    }

    fn placement(&mut self, node: &Node<'_>, def: &mut TaskDef) {
        def.placement.role = self.field(node, "role", Phase::Ready);
        def.placement.labels = node
            .child("labels")
            .map(|labels| self.texts(labels, Phase::Ready))
            .unwrap_or_default();
        def.placement.executor = node
            .child("executor")
            .and_then(Node::text)
            .map(str::to_owned);
        def.placement.container = node
            .child("container")
            .and_then(|container| self.container(container));
        def.image = node
            .child("image")
            .and_then(|image| self.image_build(image));
        def.resources = node.child("resources").map(resources).unwrap_or_default();
    }
}

fn needs(node: Option<&Node<'_>>) -> Vec<Need> {
    let Some(node) = node else {
        return Vec::new();
    };
    let items = node.items().unwrap_or(std::slice::from_ref(node));
    let read = |item: &Node<'_>| {
        let task = item.child("task").unwrap_or(item);
        Some(Need {
            task: task.text()?.to_owned(),
            span: task.span,
            optional: flag(item, "optional").unwrap_or(false),
        })
    };
    items.iter().filter_map(read).collect()
}

/// The outputs that have neither a default nor a source, so that a step has to write them.
fn written(outputs: Option<&Node<'_>>) -> Vec<(String, Span)> {
    let entries = outputs.and_then(Node::entries).unwrap_or_default().iter();
    let others = ["from", "default", "artifact"];
    let written = entries.filter(|entry| {
        let given = others.iter().any(|key| entry.value.child(key).is_some());
        let artifact = entry.value.child("type").unwrap_or(&entry.value).text() == Some("artifact");
        !given && !artifact
    });
    written
        .map(|entry| (entry.key.to_string(), entry.key_span))
        .collect()
}

fn secrets(node: Option<&Node<'_>>) -> Vec<Secret> {
    let Some(entries) = node.and_then(Node::entries) else {
        let plain = names(node).into_iter();
        return plain
            .map(|name| Secret {
                env: Some(name.clone()),
                name,
            })
            .collect();
    };
    let by_variable = entries.iter().filter_map(|entry| {
        Some(Secret {
            name: entry.value.text()?.to_owned(),
            env: Some(entry.key.to_string()),
        })
    });
    by_variable.collect()
}

fn resources(node: &Node<'_>) -> Resources {
    let cpu = node.child("cpu").and_then(Node::scalar);
    let memory = node.child("memory").and_then(Node::text);
    let counted = node
        .entries()
        .unwrap_or_default()
        .iter()
        .filter(|entry| !matches!(&*entry.key, "cpu" | "memory"));
    let counted = counted.filter_map(|entry| {
        let count = entry.value.scalar().and_then(scalar::integer)?;
        Some((entry.key.to_string(), u32::try_from(count).ok()?))
    });
    Resources {
        cpu_milli: cpu.and_then(scalar::cpu_milli).unwrap_or(0),
        memory_bytes: memory.and_then(scalar::size_bytes).unwrap_or(0),
        counted: counted.collect(),
    }
}
