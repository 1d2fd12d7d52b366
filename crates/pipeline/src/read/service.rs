//! Services: processes that run beside the steps of a task.
//!
//! Where a service listens is told by variables that are made of its name, so two names may not make the same one. Nor may
//! a step have the name of a service: the log of a task is asked for either by its name.

use super::{Purpose, Reader};
use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::Span;
use crate::scalar;
use crate::yaml::{Entry, Node};
use model::limits;
use model::plan::{Port, Service, Text};
use std::collections::BTreeMap;

impl Reader<'_, '_> {
    /// The services of a task, in the order in which they are started.
    pub(super) fn services<T>(&mut self, node: &Node<'_>, steps: &[(String, T)]) -> Vec<Service> {
        let entries = node.entries().unwrap_or_default();
        if let Some(entry) = entries.get(limits::SERVICES_PER_TASK) {
            let (found, most) = (entries.len(), limits::SERVICES_PER_TASK);
            let message = format!("the task has {found} services; at most {most} are allowed");
            self.report
                .error(&codes::LIMIT, entry.key_span, message)
                .help("give some of them to a task of their own");
            return Vec::new();
        }
        self.refuse_equal_variables(entries);
        for entry in entries {
            if steps.iter().any(|(step, _)| *step == entry.key) {
                let message = format!(
                    "a service and a step of the task are called `{}`",
                    entry.key
                );
                self.report
                    .error(&codes::DUPLICATE_NAME, entry.key_span, message)
                    .help("give the service another name; a task with `run` has one step, called `run`");
            }
        }
        entries.iter().map(|entry| self.service(entry)).collect()
    }

    fn service(&mut self, entry: &Entry<'_>) -> Service {
        let node = &entry.value;
        let env = node.child("env").map(|env| self.env(env).0);
        Service {
            name: entry.key.to_string(),
            run: self.script(node, "run"),
            container: node.child("image").and_then(|image| self.container(image)),
            ready: self.script(node, "ready"),
            port: node.child("port").and_then(port),
            timeout_ms: self.time(node, ("service", "timeout"), 1..=limits::TIMEOUT_MS),
            env: env.unwrap_or_default(),
        }
    }

    fn script(&mut self, node: &Node<'_>, key: &str) -> Option<Text> {
        self.text(node.child(key)?, Phase::Start, Purpose::Script)
    }

    fn refuse_equal_variables(&mut self, entries: &[Entry<'_>]) {
        let mut seen: BTreeMap<String, (&str, Span)> = BTreeMap::new();
        for entry in entries {
            let variable = Service::variable(&entry.key);
            let Some((name, span)) = seen.get(&variable) else {
                seen.insert(variable, (&entry.key, entry.key_span));
                continue;
            };
            let message = format!(
                "the services `{name}` and `{}` both tell their port in `{variable}_PORT`",
                entry.key
            );
            self.report
                .error(&codes::DUPLICATE_NAME, entry.key_span, message)
                .label(*span, "the first is here")
                .help("give one of them another name");
        }
    }
}

fn port(node: &Node<'_>) -> Option<Port> {
    if node.text() == Some("auto") {
        return Some(Port::Free);
    }
    let number = node.scalar().and_then(scalar::integer)?;
    u16::try_from(number).ok().map(Port::Fixed)
}
