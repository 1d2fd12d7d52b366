//! The end of a world: whether everything has ended, and as it should.

use super::Watch;
use engine::rows::{Ended, RunState, TaskKind, TaskRow, TaskState};
use model::ids::RunId;
use std::collections::BTreeMap;

impl Watch {
    /// Whether every run that was created has ended.
    #[must_use]
    pub fn all_ended(&self) -> bool {
        let mut runs = self.runs.values();
        runs.all(|known| matches!(known.rows.run.state, RunState::Ended(_)) && known.fence > 0)
    }

    /// What has not ended, for people.
    #[must_use]
    pub fn unended(&self) -> String {
        let mut parts = Vec::new();
        for known in self.runs.values() {
            let run = &known.rows.run;
            if matches!(run.state, RunState::Ended(_)) {
                continue;
            }
            parts.push(format!("run {} is {}", run.id, run.state));
            let tasks = known.rows.tasks.iter().filter(|row| row.ended().is_none());
            parts.extend(tasks.map(|row| format!("`{}` is {}", row.key, row.state)));
        }
        parts.join("; ")
    }

    /// What is wrong with the ends of the tasks of a run that nothing disturbed.
    pub fn ends(
        &mut self,
        run: RunId,
        all_good: bool,
        expected: Option<&BTreeMap<String, &'static str>>,
    ) {
        let rows = &self.runs[&run].rows;
        let leaves = rows.tasks.iter().filter(|row| row.kind == TaskKind::Leaf);
        let bad = leaves.clone().find(|row| {
            matches!(
                row.state,
                TaskState::Ended(Ended::Failed(_) | Ended::Canceled(_))
            )
        });
        let mut broken = None;
        if let Some(row) = bad.filter(|_| all_good) {
            broken = Some(format!(
                "`{}` is {} although nothing fails",
                row.key, row.state
            ));
        }
        for (key, wanted) in expected.into_iter().flatten() {
            let row = rows.tasks.iter().find(|row| *row.key == **key);
            let found = row.and_then(TaskRow::outcome);
            if found != Some(wanted) {
                broken = Some(format!("`{key}` has {found:?} and should have {wanted}"));
            }
        }
        if let Some(text) = broken {
            self.say(format!("run {run}: {text}"));
        }
    }
}
