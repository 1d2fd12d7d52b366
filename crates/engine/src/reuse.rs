//! Which results may stand for running a task again.
//!
//! A task asks for it by naming its `inputs`: its author says that nothing but these files, the definition and what it
//! reads of other tasks decides what it does. Some tasks contradict that by what they are, and are always run:
//! - with secrets: a key must not be a way to guess one, and a name alone would not notice a new value;
//! - with shared folders or caches: what is in them is in no key;
//! - that generate tasks: these are a part of the result, and are judged with it.
//!
//! Services are part of the definition and begin anew with each attempt, so tasks with services may be reused.

use crate::rows::Reused;
use crate::steps;
use model::plan::{ArtifactWhen, Body, IfMissing, TaskDef};

/// Whether results of the task are kept to be found again, and may be taken from other runs.
#[must_use]
pub fn applies(def: &TaskDef) -> bool {
    def.inputs.is_some()
        && matches!(def.body, Body::Steps(_))
        && def.secrets.is_empty()
        && def.workspaces.is_empty()
        && def.caches.is_empty()
        && def.generates.is_none()
}

/// Whether a result gives what the definition declares, and nothing else.
pub(crate) fn fits(def: &TaskDef, result: &Reused) -> bool {
    let typed = result.outputs.iter().all(|(name, output)| {
        let declared = def.outputs.get(name);
        declared.is_some_and(|declared| steps::is_typed(name, declared, &output.value))
    });
    let mut names = def.outputs.keys();
    let whole = names.all(|name| result.outputs.contains_key(name));
    let is_declared = |name: &str| def.artifacts_out.iter().any(|each| each.name == name);
    let known = result.artifacts.iter().all(|each| is_declared(&each.name));
    let mut due = def.artifacts_out.iter().filter(|artifact| {
        artifact.when != ArtifactWhen::Failure && artifact.if_missing == IfMissing::Fail
    });
    let given = |name: &str| result.artifacts.iter().any(|each| each.name == name);
    typed && whole && known && due.all(|artifact| given(&artifact.name))
}
