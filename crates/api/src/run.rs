//! The document of one run: what `run --json`, `show --json` and the last line of `--events` print.

use engine::rows::{
    AttemptRow, Ended, Exit, RunHead, RunResult, RunRow, RunState, StepStatus, TaskKind, TaskRow,
    TaskState, tells_of_itself,
};
use model::Json;
use model::ids::TaskNo;
use model::reason::Gate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.run/v1";

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// The run's id.
    pub run: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// `queued`, `running`, `blocked`, `interrupted`, `succeeded`, `failed`, `skipped` or `canceled`.
    pub status: String,
    /// Why, where there is more to say than the status.
    pub reason: Option<String>,
    /// The run that it repeats.
    pub parent: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// How long it took, or has taken so far.
    pub duration_ms: Option<u64>,
    /// Places in concurrency groups that it waits for.
    pub waits: Vec<WaitDocument>,
    /// Its tasks, in order of the plan. A matrix stands for its members, a call for its tasks.
    pub tasks: Vec<TaskDocument>,
}

/// A place in a concurrency group that a run, or one of its tasks, waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitDocument {
    /// The group's name.
    pub group: String,
    /// The task that waits; none for the run as a whole.
    pub task: Option<String>,
    /// How many places the group has.
    pub limit: u32,
    /// Who holds a place, then who entered the group before it: the first ten.
    pub ahead: Vec<MemberDocument>,
    /// How many these are in all.
    pub ahead_count: usize,
}

/// A member of a concurrency group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberDocument {
    /// The run.
    pub run: String,
    /// The task; none for the run as a whole.
    pub task: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDocument {
    /// Its id.
    pub id: String,
    /// As of a run.
    pub status: String,
    /// Why: a word of the closed set, in `snake_case`.
    pub reason: Option<String>,
    /// One sentence for people.
    pub message: Option<String>,
    /// What a person is asked, while it waits for one.
    pub asks: Option<AskDocument>,
    /// Whether it failed and that was allowed.
    pub allowed_failure: bool,
    /// Attempts begun.
    pub attempts: u32,
    /// The run whose result this is, if it was taken over.
    pub reused_from: Option<String>,
    /// How long it took from its first start to its end.
    pub duration_ms: Option<u64>,
    /// What it gave to others.
    pub outputs: BTreeMap<String, Json>,
    /// The files it gave to others: digest by name.
    pub artifacts: BTreeMap<String, String>,
    /// The steps of its last attempt.
    pub steps: Vec<StepDocument>,
    /// What its last attempt wrote for people, as Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// What a task asks a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskDocument {
    /// The question; none for a task that only waits to be started.
    pub prompt: Option<String>,
    /// Since when it waits, in milliseconds since 1970.
    pub asked_at_ms: Option<i64>,
    /// When it is too late for an answer, in milliseconds since 1970.
    pub deadline_at_ms: Option<i64>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDocument {
    /// Its name.
    pub name: String,
    /// What people see in place of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `succeeded`, `failed`, `skipped` or `canceled`.
    pub status: String,
    /// Exit code, if it exited by itself.
    pub exit_code: Option<i32>,
    /// Signal, if it was ended by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Whether its failure was allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allowed_failure: bool,
}

/// Whether somebody works on a living run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// A living process owns it.
    Owned,
    /// Nobody does.
    Abandoned,
}

impl RunDocument {
    /// The document of these rows. `attempts` needs to hold the newest attempt of each task.
    #[must_use]
    pub fn of(
        head: &RunHead,
        run: &RunRow,
        tasks: &[TaskRow],
        attempts: &[AttemptRow],
        life: Life,
    ) -> Self {
        let mut newest: BTreeMap<TaskNo, &AttemptRow> = BTreeMap::new();
        for attempt in attempts {
            newest.insert(attempt.task, attempt);
        }
        let open = tasks
            .iter()
            .filter_map(|task| task.parent)
            .collect::<std::collections::BTreeSet<_>>();
        // Matrices and calls are shown by what they consist of; themselves when that is nothing, or says nothing of
        // their failure.
        let failed = |task: &TaskRow| matches!(task.ended(), Some(Ended::Failed(_)));
        let shown = tasks.iter().filter(|task| {
            let whole = task.kind == TaskKind::Leaf || !open.contains(&task.no);
            whole || (failed(task) && tells_of_itself(task, tasks))
        });
        let status = run_status(run, tasks, life);
        let document = |task: &TaskRow| {
            let mut document = TaskDocument::of(task, newest.get(&task.no).copied(), life);
            document.wait_with(status, task);
            if document.message.is_none() && open.contains(&task.no) {
                document.message = failed_inside(task, tasks);
            }
            document
        };
        Self {
            schema: SCHEMA.to_owned(),
            run: head.id.to_string(),
            pipeline: head.pipeline.clone(),
            status: status.to_owned(),
            reason: run_reason(run).map(str::to_owned),
            parent: head.parent.as_ref().map(|parent| parent.run.to_string()),
            created_at_ms: head.created_at.0,
            duration_ms: run.ended_at.map(|ended| ended.since_ms(head.created_at)),
            waits: Vec::new(),
            tasks: shown.map(document).collect(),
        }
    }

    /// The same, with the places in groups that it waits for.
    #[must_use]
    pub fn waiting(mut self, waits: Vec<WaitDocument>) -> Self {
        self.waits = waits;
        self
    }

    /// The same, with what its tasks wrote for people, by the id of the task.
    #[must_use]
    pub fn telling(mut self, summaries: Vec<(String, String)>) -> Self {
        let mut summaries: BTreeMap<String, String> = summaries.into_iter().collect();
        for task in &mut self.tasks {
            task.summary = summaries.remove(&task.id);
        }
        self
    }
}

impl TaskDocument {
    /// What is open in a run that is only blocked is blocked with what it consists of, whoever works on the run.
    pub fn wait_with(&mut self, run_status: &str, task: &TaskRow) {
        if run_status == "blocked" && task.state == TaskState::Open {
            "blocked".clone_into(&mut self.status);
        }
    }

    /// The document of one task and its newest attempt.
    #[must_use]
    pub fn of(task: &TaskRow, attempt: Option<&AttemptRow>, life: Life) -> Self {
        let (status, reason) = task_status(task, attempt, life);
        let outputs = task.outputs.iter().flat_map(|outputs| outputs.iter());
        let end = attempt.and_then(|attempt| attempt.end.as_ref());
        Self {
            id: task.key.to_string(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            message: task.note.as_ref().map(ToString::to_string),
            asks: AskDocument::of(task),
            allowed_failure: task.tolerated,
            attempts: task.attempts,
            reused_from: task
                .reused_from
                .filter(|_| task.ended().is_some())
                .map(|run| run.to_string()),
            duration_ms: task
                .started_at
                .zip(task.ended_at)
                .map(|(from, to)| to.since_ms(from)),
            outputs: outputs
                .map(|(name, output)| (name.clone(), output.value.clone()))
                .collect(),
            artifacts: task
                .artifacts
                .iter()
                .map(|artifact| (artifact.name.clone(), artifact.digest.to_string()))
                .collect(),
            steps: end.map_or_else(Vec::new, |end| {
                end.steps.iter().map(StepDocument::of).collect()
            }),
            summary: None,
        }
    }
}

impl AskDocument {
    /// What `task` asks, if it waits for a person.
    #[must_use]
    pub fn of(task: &TaskRow) -> Option<Self> {
        let prompt = match task.state {
            TaskState::Blocked(Gate::Approval) => task.note.as_ref().map(ToString::to_string),
            TaskState::Blocked(Gate::Manual) => None,
            TaskState::Queued(_) | TaskState::Running | TaskState::Open | TaskState::Ended(_) => {
                return None;
            }
        };
        Some(Self {
            prompt,
            asked_at_ms: task.ready_at.map(|at| at.0),
            deadline_at_ms: task.timer_at.map(|at| at.0),
        })
    }
}

impl StepDocument {
    fn of(step: &engine::rows::StepResult) -> Self {
        let (exit_code, signal) = match step.exit {
            Some(Exit::Code(code)) => (Some(code), None),
            Some(Exit::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        let status = match step.status {
            StepStatus::Succeeded => "succeeded",
            StepStatus::Failed => "failed",
            StepStatus::Skipped => "skipped",
            StepStatus::Canceled => "canceled",
        };
        Self {
            name: step.name.clone(),
            label: step.label.clone(),
            status: status.to_owned(),
            exit_code,
            signal,
            allowed_failure: step.tolerated,
        }
    }
}

/// What to say of a task that failed because of tasks that it generated: which of them did.
#[must_use]
pub fn failed_inside(task: &TaskRow, tasks: &[TaskRow]) -> Option<String> {
    let Some(Ended::Failed(_)) = task.ended() else {
        return None;
    };
    let mut failed = tasks.iter().filter(|row| {
        let matters = row.parent == Some(task.no) && !row.tolerated;
        matters && matches!(row.ended(), Some(Ended::Failed(_)))
    });
    let first = &failed.next()?.key;
    Some(match failed.count() {
        0 => format!("`{first}` failed"),
        more => format!("`{first}` and {more} more of its tasks failed"),
    })
}

/// The status word of a run.
#[must_use]
pub fn run_status(run: &RunRow, tasks: &[TaskRow], life: Life) -> &'static str {
    match (run.state, life) {
        (RunState::Ended(RunResult::Succeeded), _) => "succeeded",
        (RunState::Ended(RunResult::Failed), _) => "failed",
        (RunState::Ended(RunResult::Skipped), _) => "skipped",
        (RunState::Ended(RunResult::Canceled(_)), _) => "canceled",
        (RunState::Queued(_), Life::Owned) => "queued",
        (RunState::Running, _) if only_blocked(tasks) => "blocked",
        (RunState::Running, Life::Owned) => "running",
        (RunState::Queued(_) | RunState::Running, Life::Abandoned) => "interrupted",
    }
}

fn run_reason(run: &RunRow) -> Option<&'static str> {
    match run.state {
        RunState::Queued(reason) => Some(reason.as_str()),
        RunState::Ended(RunResult::Canceled(cause)) => Some(cause.as_str()),
        RunState::Ended(RunResult::Succeeded | RunResult::Failed | RunResult::Skipped)
        | RunState::Running => None,
    }
}

/// Whether nothing goes on until a person acts.
fn only_blocked(tasks: &[TaskRow]) -> bool {
    use model::reason::QueueReason;
    let mut blocked = false;
    for task in tasks {
        match task.state {
            TaskState::Blocked(_) => blocked |= !task.released,
            TaskState::Queued(QueueReason::Needs | QueueReason::Finally)
            | TaskState::Open
            | TaskState::Ended(_) => {}
            TaskState::Queued(_) | TaskState::Running => return false,
        }
    }
    blocked
}

/// The status word and the reason of a task.
#[must_use]
pub fn task_status(
    task: &TaskRow,
    attempt: Option<&AttemptRow>,
    life: Life,
) -> (&'static str, Option<&'static str>) {
    let interrupted = attempt
        .and_then(|attempt| attempt.end.as_ref())
        .is_some_and(|end| end.result == engine::rows::AttemptResult::Interrupted);
    match (task.state, life) {
        (TaskState::Running | TaskState::Open, Life::Owned) => ("running", None),
        (TaskState::Running | TaskState::Open, Life::Abandoned) => ("interrupted", None),
        (TaskState::Queued(_), Life::Abandoned) if interrupted => ("interrupted", None),
        (TaskState::Queued(reason), _) => ("queued", Some(reason.as_str())),
        (TaskState::Blocked(gate), _) => ("blocked", Some(gate.as_str())),
        (TaskState::Ended(Ended::Succeeded), _) => ("succeeded", None),
        (TaskState::Ended(Ended::Failed(kind)), _) => ("failed", Some(kind.as_str())),
        (TaskState::Ended(Ended::Skipped(cause)), _) => ("skipped", Some(cause.as_str())),
        (TaskState::Ended(Ended::Canceled(cause)), _) => ("canceled", Some(cause.as_str())),
    }
}
