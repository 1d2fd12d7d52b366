//! What a task asks of its worker: room, a place, an environment, and processes beside its steps.

use super::late::Text;
use super::{Named, is_default};
use crate::Json;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where something runs, when not directly on the worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The image.
    pub image: Option<Text>,
    /// Environment in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Named<Text>,
    /// Further options, as the source names them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Json>,
}

/// An image that a task makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBuild {
    /// The folder that it is made of, relative to the source.
    pub context: Text,
    /// The file with its instructions, relative to the context; `Dockerfile` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<Text>,
    /// The part of that file to make, when not its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Text>,
    /// Values that the instructions read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Named<Text>,
    /// Labels of the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Named<Text>,
    /// References that it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Text>,
    /// Platforms such as `linux/arm64`; the worker's own when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// Whether it is sent to the registries of its references.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub push: bool,
}

/// What a task sees of the worker's own environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvPolicy {
    /// Variables to pass besides the documented list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherit: Vec<String>,
}

/// What a worker must have free to take a task. Ordered by field, to be looked up by.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resources {
    /// Thousandths of a CPU.
    #[serde(default)]
    pub cpu_milli: u32,
    /// Memory; also the limit where the executor can set one.
    #[serde(default)]
    pub memory_bytes: u64,
    /// Anything else that is counted, by name (`gpu`, `licence`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<String, u32>,
}

/// Which worker may take a task, and how it runs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The role that the worker must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Text>,
    /// Labels that it must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Text>,
    /// The executor by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// The container that the steps run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
}

/// A process that runs beside the steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its name; also the prefix of its port's variable.
    pub name: String,
    /// The command that starts it, without a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Text>,
    /// The container it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// A command that succeeds once it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Text>,
    /// The port that it listens on. Without a `ready`, steps wait until it takes connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// How long it may take until it is ready; [`crate::limits::SERVICE_START_MS`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Environment of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Named<Text>,
}

/// Which port a service listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Port {
    /// One that is free on the worker.
    Free,
    /// This one.
    Fixed(u16),
}

impl Placement {
    /// The role and labels that a worker must have.
    pub fn asked(&self) -> impl Iterator<Item = &Text> {
        self.role.iter().chain(&self.labels)
    }
}

impl Resources {
    /// Whether the task asks for nothing in particular.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        is_default(self)
    }

    /// Whether as much is here as a task asks for.
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        let counted = &mut wanted.counted.iter();
        self.cpu_milli >= wanted.cpu_milli
            && self.memory_bytes >= wanted.memory_bytes
            && counted.all(|(name, count)| self.counted.get(name).unwrap_or(&0) >= count)
    }

    /// Takes away what a task asks for, as far as it is here.
    pub fn take(&mut self, wanted: &Self) {
        self.cpu_milli = self.cpu_milli.saturating_sub(wanted.cpu_milli);
        self.memory_bytes = self.memory_bytes.saturating_sub(wanted.memory_bytes);
        for (name, count) in &wanted.counted {
            if let Some(have) = self.counted.get_mut(name) {
                *have = have.saturating_sub(*count);
            }
        }
    }
}

impl Service {
    /// The beginning of the variables that tell where `name` listens: `db-1` gives `DB_1`.
    #[must_use]
    pub fn variable(name: &str) -> String {
        let upper = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        };
        name.chars().map(upper).collect()
    }
}
