//! The numbers that stand for words in the columns of the board.
//!
//! They are what is on disk: a number never changes its meaning and is never used again. A state is
//! a hundred of its own plus the number of its reason; from 500 on it is an end.

use crate::group::Standing;
use engine::event::Answer;
use engine::rows::{Ended, RunResult, RunState, StepStatus, StopCause, TaskKind, TaskState};
use model::reason::{CancelCause, CancelMode, FailureKind, Gate, QueueReason, SkipCause};

/// A word that has a number.
pub(super) trait Code: Sized {
    /// Its number.
    fn code(self) -> i64;
    /// The word of a number.
    fn from_code(code: i64) -> Option<Self>;
}

macro_rules! codes {
    ($($name:ident { $($variant:ident = $code:literal,)+ })+) => { $(
        impl Code for $name {
            fn code(self) -> i64 {
                match self { $(Self::$variant => $code,)+ }
            }
            fn from_code(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    )+ };
}

codes! {
    QueueReason {
        Needs = 1, Finally = 2, Slots = 3, Resources = 4, ConcurrencyGroup = 5, PathInUse = 6,
        MaxParallel = 7, Backoff = 8, Delay = 9, Placement = 10, Generating = 11,
    }
    Gate { Approval = 1, Manual = 2, }
    FailureKind {
        User = 1, Timeout = 2, InfraBeforeStart = 3, InfraAfterStart = 4, Policy = 5,
    }
    SkipCause {
        Condition = 1, NeedFailed = 2, NeedSkipped = 3, NeedCanceled = 4, Manual = 5,
        EmptyMatrix = 6, Parent = 7,
    }
    CancelCause { Person = 1, Superseded = 2, FailFast = 3, RunTimeout = 4, Parent = 5, }
    CancelMode { Now = 1, Finally = 2, Drain = 3, }
    TaskKind { Leaf = 1, Matrix = 2, Call = 3, }
    StepStatus { Succeeded = 1, Failed = 2, Skipped = 3, Canceled = 4, }
    Answer { Approve = 1, Reject = 2, }
    Standing { Waiting = 1, Active = 2, Passed = 3, }
}

const QUEUED: i64 = 100;
const BLOCKED: i64 = 200;
const RUNNING: i64 = 300;
const OPEN: i64 = 400;
/// The smallest number of a state that is an end.
pub(super) const SUCCEEDED: i64 = 500;
const FAILED: i64 = 600;
const SKIPPED: i64 = 700;
const CANCELED: i64 = 800;

/// A number as its hundred and the rest.
const fn split(code: i64) -> (i64, i64) {
    (code - code.rem_euclid(100), code.rem_euclid(100))
}

impl Code for Ended {
    fn code(self) -> i64 {
        match self {
            Self::Succeeded => SUCCEEDED,
            Self::Failed(kind) => FAILED + kind.code(),
            Self::Skipped(cause) => SKIPPED + cause.code(),
            Self::Canceled(cause) => CANCELED + cause.code(),
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        match split(code) {
            (SUCCEEDED, 0) => Some(Self::Succeeded),
            (FAILED, kind) => FailureKind::from_code(kind).map(Self::Failed),
            (SKIPPED, cause) => SkipCause::from_code(cause).map(Self::Skipped),
            (CANCELED, cause) => CancelCause::from_code(cause).map(Self::Canceled),
            _ => None,
        }
    }
}

impl Code for TaskState {
    fn code(self) -> i64 {
        match self {
            Self::Queued(reason) => QUEUED + reason.code(),
            Self::Blocked(gate) => BLOCKED + gate.code(),
            Self::Running => RUNNING,
            Self::Open => OPEN,
            Self::Ended(ended) => ended.code(),
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        match split(code) {
            (QUEUED, reason) => QueueReason::from_code(reason).map(Self::Queued),
            (BLOCKED, gate) => Gate::from_code(gate).map(Self::Blocked),
            (RUNNING, 0) => Some(Self::Running),
            (OPEN, 0) => Some(Self::Open),
            _ => Ended::from_code(code).map(Self::Ended),
        }
    }
}

impl Code for RunResult {
    fn code(self) -> i64 {
        match self {
            Self::Succeeded => SUCCEEDED,
            Self::Failed => FAILED,
            Self::Skipped => SKIPPED,
            Self::Canceled(cause) => CANCELED + cause.code(),
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        match split(code) {
            (SUCCEEDED, 0) => Some(Self::Succeeded),
            (FAILED, 0) => Some(Self::Failed),
            (SKIPPED, 0) => Some(Self::Skipped),
            (CANCELED, cause) => CancelCause::from_code(cause).map(Self::Canceled),
            _ => None,
        }
    }
}

impl Code for RunState {
    fn code(self) -> i64 {
        match self {
            Self::Queued(reason) => QUEUED + reason.code(),
            Self::Running => RUNNING,
            Self::Ended(result) => result.code(),
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        match split(code) {
            (QUEUED, reason) => QueueReason::from_code(reason).map(Self::Queued),
            (RUNNING, 0) => Some(Self::Running),
            _ => RunResult::from_code(code).map(Self::Ended),
        }
    }
}

impl Code for StopCause {
    fn code(self) -> i64 {
        match self {
            Self::Timeout => 0,
            Self::Cancel(cause) => cause.code(),
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Timeout),
            _ => CancelCause::from_code(code).map(Self::Cancel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_from_its_state() {
        for &reason in QueueReason::ALL {
            let state = TaskState::Queued(reason);
            assert_eq!(TaskState::from_code(state.code()), Some(state));
            let state = RunState::Queued(reason);
            assert_eq!(RunState::from_code(state.code()), Some(state));
        }
        for &kind in FailureKind::ALL {
            let state = TaskState::Ended(Ended::Failed(kind));
            assert_eq!(TaskState::from_code(state.code()), Some(state));
        }
        for &cause in CancelCause::ALL {
            let state = RunState::Ended(RunResult::Canceled(cause));
            assert_eq!(RunState::from_code(state.code()), Some(state));
            let stop = StopCause::Cancel(cause);
            assert_eq!(StopCause::from_code(stop.code()), Some(stop));
        }
    }

    #[test]
    fn only_ends_have_numbers_from_five_hundred_on() {
        assert!(TaskState::Open.code() < SUCCEEDED);
        assert!(Ended::Succeeded.code() >= SUCCEEDED);
    }

    #[test]
    fn a_number_of_no_word_is_refused() {
        assert_eq!(TaskState::from_code(199), None);
        assert_eq!(TaskState::from_code(-1), None);
        assert_eq!(RunState::from_code(400), None);
    }
}
