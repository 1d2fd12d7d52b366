//! One line of `--events`: a transition of a run. The last line is the document of the run.

use crate::attempt::AttemptWords;
use crate::run::failed_inside;
use engine::rows::{
    AttemptRow, Changes, Ended, EventRow, RunResult, TaskRow, TaskState, Transition,
};
use model::ids::{RunId, TaskNo};
use serde::{Deserialize, Serialize};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.event/v1";

/// Something that happened. What does not apply is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// The run's id.
    pub run: String,
    /// Its number within the run, from 1, without gaps.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What happened, in `snake_case`.
    pub event: String,
    /// The task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The attempt, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The status that the run or task has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Why, or how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// One sentence for people about a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The run whose result a task has taken instead of running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How many tasks were generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u32>,
}

impl EventDocument {
    /// The document of `event`, which `changes` brought about; `tasks` are all tasks of the run.
    #[must_use]
    pub fn of(run: RunId, event: &EventRow, tasks: &[TaskRow], changes: &Changes) -> Self {
        let mut document = Self {
            schema: SCHEMA.to_owned(),
            run: run.to_string(),
            seq: event.seq,
            at_ms: event.at.0,
            event: String::new(),
            task: None,
            attempt: None,
            status: None,
            reason: None,
            message: None,
            by: None,
            from: None,
            tasks: None,
        };
        let key = |task: &TaskNo| Some(tasks[task.index()].key.to_string());
        match &event.what {
            Transition::RunCreated => document.event = "run_created".to_owned(),
            Transition::RunAdmitted => document.event = "run_admitted".to_owned(),
            Transition::CancelAsked { mode, by } => {
                document.event = "cancel_asked".to_owned();
                document.reason = Some(mode.as_str().to_owned());
                document.by = Some(by.clone());
            }
            Transition::TakenOver { by } => {
                document.event = "taken_over".to_owned();
                document.by = Some(by.clone());
            }
            Transition::RunEnded(result) => {
                document.event = "run_ended".to_owned();
                document.say(run_words(*result));
            }
            Transition::TaskMoved { task, state } => {
                document.event = "task_moved".to_owned();
                document.task = key(task);
                document.say(state_words(*state));
            }
            Transition::Leased { task, attempt } => {
                document.event = "leased".to_owned();
                (document.task, document.attempt) = (key(task), Some(attempt.0));
            }
            Transition::Started { task, attempt } => {
                document.event = "started".to_owned();
                (document.task, document.attempt) = (key(task), Some(attempt.0));
            }
            Transition::AttemptEnded { task, attempt } => {
                document.event = "attempt_ended".to_owned();
                (document.task, document.attempt) = (key(task), Some(attempt.0));
                let ended = |row: &&AttemptRow| row.task == *task && row.attempt == *attempt;
                let ended = changes.attempts.iter().find(ended);
                if let Some(words) = ended.and_then(AttemptWords::of) {
                    document.say((Some(words.status), words.reason));
                    document.message = words.message;
                }
            }
            Transition::TaskEnded { task, ended } => {
                document.event = "task_ended".to_owned();
                document.task = key(task);
                document.attempt = of_task(changes, *task).map(|attempt| attempt.attempt.0);
                document.say(state_words(TaskState::Ended(*ended)));
                if let Ended::Failed(_) = ended {
                    let row = &tasks[task.index()];
                    let note = row.note.as_deref().map(str::to_owned);
                    document.message = note.or_else(|| failed_inside(row, tasks));
                }
            }
            Transition::Reused { task, from } => {
                document.event = "reused".to_owned();
                (document.task, document.from) = (key(task), Some(from.to_string()));
            }
            Transition::Approved { task, by } => {
                document.event = "approved".to_owned();
                (document.task, document.by) = (key(task), Some(by.clone()));
            }
            Transition::Rejected { task, by } => {
                document.event = "rejected".to_owned();
                (document.task, document.by) = (key(task), Some(by.clone()));
            }
            Transition::Generated { task, tasks } => {
                document.event = "generated".to_owned();
                (document.task, document.tasks) = (key(task), Some(*tasks));
            }
        }
        document
    }

    fn say(&mut self, (status, reason): Words) {
        (self.status, self.reason) = (status.map(str::to_owned), reason.map(str::to_owned));
    }
}

/// The newest attempt of a task among what changed.
fn of_task(changes: &Changes, task: TaskNo) -> Option<&AttemptRow> {
    changes
        .attempts
        .iter()
        .rfind(|attempt| attempt.task == task)
}

type Words = (Option<&'static str>, Option<&'static str>);

const fn run_words(result: RunResult) -> Words {
    match result {
        RunResult::Succeeded => (Some("succeeded"), None),
        RunResult::Failed => (Some("failed"), None),
        RunResult::Skipped => (Some("skipped"), None),
        RunResult::Canceled(cause) => (Some("canceled"), Some(cause.as_str())),
    }
}

const fn state_words(state: TaskState) -> Words {
    match state {
        TaskState::Queued(reason) => (Some("queued"), Some(reason.as_str())),
        TaskState::Blocked(gate) => (Some("blocked"), Some(gate.as_str())),
        TaskState::Running | TaskState::Open => (Some("running"), None),
        TaskState::Ended(Ended::Succeeded) => (Some("succeeded"), None),
        TaskState::Ended(Ended::Failed(kind)) => (Some("failed"), Some(kind.as_str())),
        TaskState::Ended(Ended::Skipped(cause)) => (Some("skipped"), Some(cause.as_str())),
        TaskState::Ended(Ended::Canceled(cause)) => (Some("canceled"), Some(cause.as_str())),
    }
}
