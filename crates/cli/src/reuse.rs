//! Which finished results a new run takes over from an earlier one: a pure choice over rows and plan.

use engine::rows::{AttemptRow, Ended, Reused, RunHead, TaskKind, TaskRow, tells_of_itself};
use model::ids::{DefNo, TaskNo};
use model::plan::{Phase, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// The rows of the earlier run.
pub(crate) struct Earlier<'a> {
    /// Its head.
    pub head: &'a RunHead,
    /// Its plan, with everything that was generated.
    pub plan: &'a Plan,
    /// Its tasks.
    pub tasks: &'a [TaskRow],
    /// Its attempts, or the newest of each task.
    pub attempts: &'a [AttemptRow],
}

impl Earlier<'_> {
    /// What a retry takes over: results that stand, of tasks that come after nothing that is run again. `from`
    /// is run again whatever it came to. Empty when nothing has to be run again.
    pub(crate) fn for_retry(&self, from: &[TaskNo]) -> Option<BTreeMap<String, Reused>> {
        let failed = self.tasks.iter();
        let failed = failed.filter(|task| must_run_again(task) || self.failed_by_itself(task));
        let seeds: BTreeSet<TaskNo> = failed
            .map(|task| task.no)
            .chain(from.iter().copied())
            .collect();
        if seeds.is_empty() {
            return None;
        }
        let again = self.with_everything_behind(seeds);
        let kept = |task: &TaskRow| {
            !again.contains(&task.no)
                && matches!(task.ended(), Some(Ended::Succeeded | Ended::Failed(_)))
        };
        Some(self.results(kept))
    }

    /// Whether a matrix or call failed although nothing in it did.
    fn failed_by_itself(&self, task: &TaskRow) -> bool {
        let failed = matches!(task.ended(), Some(Ended::Failed(_))) && !task.tolerated;
        failed && tells_of_itself(task, self.tasks)
    }

    /// What a replay takes over: everything but `only`.
    pub(crate) fn for_replay(&self, only: &[TaskNo]) -> BTreeMap<String, Reused> {
        self.results(|task| !only.contains(&task.no))
    }

    fn results(&self, kept: impl Fn(&TaskRow) -> bool) -> BTreeMap<String, Reused> {
        let ends = self.attempts.iter().filter_map(|attempt| {
            let generated = attempt.end.as_ref()?.generated?;
            Some((attempt.task, generated))
        });
        let generated: BTreeMap<TaskNo, _> = ends.collect();
        let earlier = self.head.parent.as_ref().map(|parent| &parent.reused);
        let result = |task: &TaskRow| {
            let key = task.key.to_string();
            let taken_over = || earlier?.get(&key)?.generated;
            let reused = Reused {
                run: task.reused_from.unwrap_or(self.head.id),
                ended: task.ended()?,
                tolerated: task.tolerated,
                outputs: task.outputs.as_deref().cloned().unwrap_or_default(),
                artifacts: task.artifacts.clone(),
                generated: generated.get(&task.no).copied().or_else(taken_over),
            };
            Some((key, reused))
        };
        let leaves = self.tasks.iter().filter(|task| task.kind == TaskKind::Leaf);
        leaves
            .filter(|task| kept(task))
            .filter_map(result)
            .collect()
    }

    /// The tasks in `seeds`, and all that come after them: those that need them, those inside and around them,
    /// and the `finally` tasks of their scopes.
    fn with_everything_behind(&self, seeds: BTreeSet<TaskNo>) -> BTreeSet<TaskNo> {
        let dependents = self.dependents();
        let mut children: BTreeMap<TaskNo, Vec<TaskNo>> = BTreeMap::new();
        let mut by_place: BTreeMap<(Option<TaskNo>, DefNo), TaskNo> = BTreeMap::new();
        for task in self.tasks {
            if let Some(parent) = task.parent {
                children.entry(parent).or_default().push(task.no);
            }
            if !self.is_member(task) {
                by_place.insert((task.parent, task.def), task.no);
            }
        }
        let mut again = BTreeSet::new();
        // `whole` says that everything inside goes too, not only what is behind.
        let mut open: Vec<(TaskNo, bool)> = seeds.into_iter().map(|no| (no, true)).collect();
        let mut around = BTreeSet::new();
        while let Some((no, whole)) = open.pop() {
            let is_new = if whole {
                again.insert(no)
            } else {
                around.insert(no)
            };
            if !is_new {
                continue;
            }
            let task = &self.tasks[no.index()];
            if whole {
                let inside = children.get(&no).into_iter().flatten();
                open.extend(inside.map(|child| (*child, true)));
            }
            if self.is_member(task) {
                open.extend(task.parent.map(|matrix| (matrix, false)));
                continue;
            }
            let behind = dependents.get(&task.def).into_iter().flatten();
            let behind = behind.filter_map(|def| by_place.get(&(task.parent, *def)));
            open.extend(behind.map(|no| (*no, true)));
            open.extend(task.parent.map(|opener| (opener, false)));
        }
        again
    }

    /// Whether a task is one cell of a matrix.
    fn is_member(&self, task: &TaskRow) -> bool {
        let parent = task.parent.map(|parent| &self.tasks[parent.index()]);
        parent.is_some_and(|parent| parent.kind == TaskKind::Matrix)
    }

    /// The definitions that come after each definition.
    fn dependents(&self) -> BTreeMap<DefNo, Vec<DefNo>> {
        let mut dependents: BTreeMap<DefNo, Vec<DefNo>> = BTreeMap::new();
        for scope in &self.plan.scopes {
            let is_finally = |def: &DefNo| self.plan.task(*def).phase == Phase::Finally;
            let (last, main): (Vec<DefNo>, Vec<DefNo>) =
                scope.tasks.iter().partition(|def| is_finally(def));
            for def in &main {
                dependents.entry(*def).or_default().extend(&last);
            }
            for def in &scope.tasks {
                for edge in &self.plan.task(*def).needs {
                    dependents.entry(edge.task).or_default().push(*def);
                }
            }
        }
        dependents
    }
}

/// Whether a result does not stand. A tolerated failure does, and so does what was left out on purpose.
fn must_run_again(task: &TaskRow) -> bool {
    if task.kind != TaskKind::Leaf {
        return false;
    }
    match task.ended() {
        Some(Ended::Succeeded) => false,
        Some(Ended::Failed(_)) => !task.tolerated,
        // What was skipped for somebody's failure is behind that one and goes with it.
        Some(Ended::Skipped(_)) => false,
        Some(Ended::Canceled(_)) | None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::machine::Machine;
    use engine::rows::TaskState;
    use model::digest::Digest;
    use model::ids::RunId;
    use model::reason::FailureKind;
    use model::source::Source;
    use model::time::Timestamp;
    use pipeline::{Request, SourceFile};

    /// The rows of a pipeline in which everything succeeded.
    fn rows(text: &str) -> (RunHead, Plan, Vec<TaskRow>) {
        let compiled = pipeline::compile(&SourceFile::new("ci.yaml", text), &Request::default());
        let plan = compiled.plan.unwrap();
        let head = RunHead {
            id: RunId::from_random(7),
            pipeline: plan.name.clone(),
            plan: Digest::of(b""),
            created_at: Timestamp(0),
            source: Source::default(),
            by: "ada".into(),
            parent: None,
            clean: false,
            expected_ms: BTreeMap::new(),
        };
        let created = Machine::create(head.clone(), plan.clone(), Timestamp(0));
        let mut tasks = created.machine.tasks().to_vec();
        for task in &mut tasks {
            task.state = TaskState::Ended(Ended::Succeeded);
        }
        (head, plan, tasks)
    }

    fn kept(text: &str, failed: &[&str], from: &[&str]) -> Option<Vec<String>> {
        let (head, plan, mut tasks) = rows(text);
        for task in &mut tasks {
            if failed.contains(&&*task.key) {
                task.state = TaskState::Ended(Ended::Failed(FailureKind::User));
            }
        }
        let from: Vec<TaskNo> = tasks
            .iter()
            .filter(|task| from.contains(&&*task.key))
            .map(|task| task.no)
            .collect();
        let earlier = Earlier {
            head: &head,
            plan: &plan,
            tasks: &tasks,
            attempts: &[],
        };
        earlier
            .for_retry(&from)
            .map(|reused| reused.into_keys().collect())
    }

    const CHAIN: &str = "tasks:\n  a: {run: x}\n  b: {needs: [a], run: x}\n  c: {needs: [b], run: x}\n  d: {run: x}\nfinally:\n  e: {run: x}\n";
    const MATRIX: &str =
        "tasks:\n  t: {matrix: {n: [1, 2]}, run: x}\n  u: {needs: [t], run: x}\n  v: {run: x}\n";

    #[test]
    fn what_failed_and_everything_behind_it_is_run_again() {
        assert_eq!(kept(CHAIN, &["b"], &[]).unwrap(), ["a", "d"]);
    }

    #[test]
    fn from_a_task_on_means_also_what_succeeded() {
        assert_eq!(kept(CHAIN, &[], &["c"]).unwrap(), ["a", "b", "d"]);
    }

    #[test]
    fn of_a_matrix_only_the_failed_member_is_run_again() {
        assert_eq!(kept(MATRIX, &["t[2]"], &[]).unwrap(), ["t[1]", "v"]);
    }

    #[test]
    fn where_nothing_failed_there_is_nothing_to_retry() {
        assert_eq!(kept(CHAIN, &[], &[]), None);
    }

    #[test]
    fn a_replay_takes_over_everything_else() {
        let (head, plan, tasks) = rows(CHAIN);
        let earlier = Earlier {
            head: &head,
            plan: &plan,
            tasks: &tasks,
            attempts: &[],
        };
        let reused = earlier.for_replay(&[TaskNo(1)]);
        let keys: Vec<&String> = reused.keys().collect();
        assert_eq!(keys, ["a", "c", "d", "e"]);
    }
}
