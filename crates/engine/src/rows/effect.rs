//! Effects: what has to be done in the world because of a change. They are rows, so that a crash
//! between the change and the deed loses none; each has a key, so that doing one again does no harm.

use model::digest::Digest;
use model::ids::{AttemptNo, RunId, TaskNo, Token, WorkerId};
use model::plan::GroupMode;
use serde::{Deserialize, Serialize};

/// An effect that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectRow {
    /// Its key, unique within the run.
    pub key: EffectKey,
    /// What has to be done.
    pub effect: Effect,
}

/// The idempotency key of an effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectKey(pub String);

/// What has to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Tell a worker to stop an attempt. Done when the attempt has ended.
    StopAttempt {
        /// The worker.
        worker: WorkerId,
        /// The task.
        task: TaskNo,
        /// The try.
        attempt: AttemptNo,
        /// The token it was leased under.
        token: Token,
    },
    /// Compile what a task wrote into a fragment, and report it as an event.
    Compile {
        /// The task.
        task: TaskNo,
        /// The try that wrote it.
        attempt: AttemptNo,
        /// What it wrote.
        content: Digest,
    },
    /// Enter a concurrency group, and report as an event when there is room.
    EnterGroup {
        /// The group.
        group: String,
        /// Who enters.
        member: GroupMember,
        /// How many members may be active.
        limit: u32,
        /// What it does to the others.
        mode: GroupMode,
    },
    /// Leave a concurrency group.
    LeaveGroup {
        /// The group.
        group: String,
        /// Who leaves.
        member: GroupMember,
    },
}

/// A member of a concurrency group: a run, or one task of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupMember {
    /// The run.
    pub run: RunId,
    /// The task; none for the run as a whole.
    pub task: Option<TaskNo>,
}

impl EffectKey {
    /// Key of the one stop of an attempt.
    #[must_use]
    pub fn stop(task: TaskNo, attempt: AttemptNo) -> Self {
        Self(format!("stop/{}/{}", task.0, attempt.0))
    }

    /// Key of the one compilation of what a task generated.
    #[must_use]
    pub fn compile(task: TaskNo) -> Self {
        Self(format!("compile/{}", task.0))
    }

    /// Key of the entry into the group of a task, or of the run.
    #[must_use]
    pub fn enter(task: Option<TaskNo>) -> Self {
        Self(format!("enter/{}", member_name(task)))
    }

    /// Key of the exit from the group of a task, or of the run.
    #[must_use]
    pub fn leave(task: Option<TaskNo>) -> Self {
        Self(format!("leave/{}", member_name(task)))
    }
}

fn member_name(task: Option<TaskNo>) -> String {
    task.map_or_else(|| "run".to_owned(), |task| task.0.to_string())
}
