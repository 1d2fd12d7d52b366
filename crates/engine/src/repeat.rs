//! What of an earlier run is run again, by `resume`, `retry` and `replay`: a choice over its rows and its plan.
//!
//! A retry takes over every result that stands and that comes after nothing which is run again; a replay takes over
//! everything but one task; a resume begins again what was begun. Whether the files of a result are there still, and where
//! the source is, has to be looked up elsewhere.

use crate::rows::{
    AttemptResult, AttemptRow, Ended, ParentKind, Reused, RunHead, TaskKind, TaskRow, leaves,
    tells_of_itself,
};
use model::ids::{DefNo, RunId, TaskNo};
use model::plan::{Phase, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// Why nothing is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRepeated {
    /// A retry of a replay, which published nothing.
    #[error("run `{run}` is a replay, of which nothing is kept to go on from")]
    Replay {
        /// The run.
        run: RunId,
        /// The run that it repeats a task of.
        parent: RunId,
    },
    /// A retry of a run in which nothing failed.
    #[error("nothing of run `{0}` has to be run again")]
    NothingToDo(RunId),
    /// A replay of a task that no worker runs.
    #[error("task `{key}` of run `{run}` consists of nothing")]
    Empty {
        /// The run.
        run: RunId,
        /// The task's key.
        key: String,
    },
    /// A replay, by a replay, of a task that it took over: what it repeated was not kept, and the task may need it.
    #[error("run `{run}` is itself a replay, and not of `{key}`")]
    ReplayOfOther {
        /// The run.
        run: RunId,
        /// The run that it repeats a task of.
        parent: RunId,
        /// The task's key.
        key: String,
    },
}

/// The tasks that were begun and neither ended nor failed, as the process that had them left them: another one begins
/// them again. `attempts` are all of the run, or the newest of each task, older ones first.
#[must_use]
pub fn interrupted<'a>(tasks: &'a [TaskRow], attempts: &[AttemptRow]) -> Vec<&'a TaskRow> {
    let newest: BTreeMap<TaskNo, &AttemptRow> = attempts
        .iter()
        .map(|attempt| (attempt.task, attempt))
        .collect();
    let stopped = |task: &TaskRow| {
        newest.get(&task.no).is_some_and(|attempt| {
            let end = attempt.end.as_ref();
            end.is_none_or(|end| end.result == AttemptResult::Interrupted)
        })
    };
    let living = tasks.iter().filter(|task| task.ended().is_none());
    living
        .filter(|task| task.kind == TaskKind::Leaf && stopped(task))
        .collect()
}

/// An ended run that is to be repeated.
#[derive(Debug, Clone, Copy)]
pub struct Earlier<'a> {
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
    /// is run again whatever it came to.
    ///
    /// # Errors
    /// When the run is a replay, or nothing has to be run again.
    pub fn for_retry(&self, from: Option<TaskNo>) -> Result<BTreeMap<String, Reused>, NotRepeated> {
        if let Some(parent) = self.repeats() {
            return Err(NotRepeated::Replay {
                run: self.head.id,
                parent,
            });
        }
        let failed = self.tasks.iter();
        let failed = failed.filter(|task| must_run_again(task) || self.failed_by_itself(task));
        let mut seeds: BTreeSet<TaskNo> = failed.map(|task| task.no).collect();
        if let Some(from) = from {
            let inside = leaves(self.tasks, from);
            // A task that stands for none of its own, such as an empty matrix, is meant itself.
            let own = inside.is_empty().then_some(from);
            seeds.extend(inside.into_iter().map(|task| task.no).chain(own));
        }
        if seeds.is_empty() {
            return Err(NotRepeated::NothingToDo(self.head.id));
        }
        let again = self.with_everything_behind(seeds);
        let kept = |task: &TaskRow| {
            !again.contains(&task.no)
                && matches!(task.ended(), Some(Ended::Succeeded | Ended::Failed(_)))
        };
        Ok(self.results(kept))
    }

    /// What a replay of `task` takes over: everything else.
    ///
    /// # Errors
    /// When there is nothing in it to run, or the run is itself a replay and not of this task.
    pub fn for_replay(&self, task: TaskNo) -> Result<BTreeMap<String, Reused>, NotRepeated> {
        let row = &self.tasks[task.index()];
        let only: BTreeSet<TaskNo> = leaves(self.tasks, task).iter().map(|row| row.no).collect();
        if only.is_empty() {
            return Err(NotRepeated::Empty {
                run: self.head.id,
                key: row.key.to_string(),
            });
        }
        let was_taken_over = row.kind == TaskKind::Leaf && row.reused_from.is_some();
        if let Some(parent) = self.repeats().filter(|_| was_taken_over) {
            return Err(NotRepeated::ReplayOfOther {
                run: self.head.id,
                parent,
                key: row.key.to_string(),
            });
        }
        Ok(self.results(|task| !only.contains(&task.no)))
    }

    /// The run of which this one repeats a task.
    fn repeats(&self) -> Option<RunId> {
        let parent = self.head.parent.as_ref();
        let replayed = parent.filter(|parent| parent.kind == ParentKind::Replay);
        replayed.map(|parent| parent.run)
    }

    /// Whether a matrix or call failed although nothing in it did.
    fn failed_by_itself(&self, task: &TaskRow) -> bool {
        let failed = matches!(task.ended(), Some(Ended::Failed(_))) && !task.tolerated;
        failed && tells_of_itself(task, self.tasks)
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
