//! A result that is reused is what running the task would have given.

use super::plan::instance_of;
use super::{Known, Watch};
use crate::script::Script;
use engine::rows::{Snapshot, TaskRow};
use model::plan::{Body, StepBody, Text};
use model::time::Timestamp;

impl Watch {
    /// Somebody changes the source.
    pub fn source_changes(&mut self, now: Timestamp) {
        self.source = (self.source.0 + 1, now);
    }

    /// Looks at the tasks that ended with the result of another run.
    pub(super) fn reuse_steps(&mut self, known: &Known, rows: &Snapshot) {
        for (before, after) in known.rows.tasks.iter().zip(&rows.tasks) {
            if before.reused_from.is_some() || after.reused_from.is_none() {
                continue;
            }
            let mut attempts = rows.attempts.iter();
            let leased_at = attempts.rfind(|row| row.task == after.no);
            let leased_at = leased_at.map_or(Timestamp(0), |row| row.leased_at);
            let (source, changed_at) = self.source;
            // Whoever asked before the change may have the result of the source before.
            let earlier = (leased_at <= changed_at).then(|| source.saturating_sub(1));
            let sources = [Some(source), earlier].into_iter().flatten();
            let given = after
                .outputs
                .as_deref()
                .and_then(|outputs| outputs.get("v"));
            let given = given.and_then(|value| value.value.as_str());
            let script = script(known, rows, after);
            let mut wanted =
                sources.map(|source| script.as_ref().map(|script| script.made(source)));
            let gives = script
                .as_ref()
                .is_some_and(|script| !script.sets.is_empty());
            if gives && wanted.all(|wanted| wanted.as_deref() != given) {
                self.say(format!(
                    "`{}` was reused and gives {given:?}, which running it would not",
                    after.key
                ));
            }
        }
    }
}

/// What the last step of a task would do.
fn script(known: &Known, rows: &Snapshot, task: &TaskRow) -> Option<Script> {
    let def = known.plan.tasks.get(task.def.index())?;
    let Body::Steps(steps) = &def.body else {
        return None;
    };
    let StepBody::Script { text, .. } = &steps.steps.last()?.body else {
        return None;
    };
    let mut text = match text {
        Text::Literal(text) => text.clone(),
        Text::Template(template) => template.text.clone(),
    };
    let instance = instance_of(rows, task);
    let near = rows.tasks.iter();
    for giver in near.filter(|row| instance_of(rows, row) == instance) {
        let value = giver
            .outputs
            .as_deref()
            .and_then(|outputs| outputs.get("v"));
        if let Some(value) = value.and_then(|value| value.value.as_str()) {
            let name = &known.plan.tasks.get(giver.def.index())?.name;
            text = text.replace(&format!("${{{{ tasks.{name}.outputs.v }}}}"), value);
        }
    }
    Some(Script::read(&text))
}
