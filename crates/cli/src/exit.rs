//! Exit codes: the one table, and which of several results counts.

use engine::rows::{Ended, RunResult, RunRow, RunState, TaskRow};
use model::reason::{CancelCause, FailureKind};

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything that had to be done was done.
    Success = 0,
    /// The run or the check finished red.
    Red = 1,
    /// A wrong flag, or a file that cannot be read or is invalid.
    Usage = 2,
    /// Canceled by somebody or something, not by a signal.
    Canceled = 3,
    /// Stopped by a gate.
    Gate = 5,
    /// An explicit selection matched nothing.
    Nothing = 6,
    /// The platform failed.
    Infrastructure = 7,
    /// Only a person's answer is missing.
    Pending = 8,
    /// An invariant of ours does not hold.
    Bug = 70,
    /// Ended by `SIGHUP`, or the terminal is gone.
    Hangup = 129,
    /// Ended by `SIGINT`.
    Interrupt = 130,
    /// Ended by `SIGTERM`.
    Terminate = 143,
}

/// When a run has several results, the first of these counts.
const ORDER: [Exit; 6] = [
    Exit::Interrupt,
    Exit::Canceled,
    Exit::Bug,
    Exit::Red,
    Exit::Gate,
    Exit::Infrastructure,
];

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The exit after the signal numbered `signal`.
    pub(crate) const fn after_signal(signal: i32) -> Self {
        match signal {
            1 => Self::Hangup,
            2 => Self::Interrupt,
            _ => Self::Terminate,
        }
    }

    /// This exit, or `other` if nothing worse had happened.
    pub(crate) const fn or_worse(self, other: Self) -> Self {
        match self {
            Self::Success | Self::Pending => other,
            Self::Red
            | Self::Usage
            | Self::Canceled
            | Self::Gate
            | Self::Nothing
            | Self::Infrastructure
            | Self::Bug
            | Self::Hangup
            | Self::Interrupt
            | Self::Terminate => self,
        }
    }

    /// The exit of a failure of this kind.
    const fn of_failure(kind: FailureKind) -> Self {
        match kind {
            FailureKind::User | FailureKind::Timeout => Self::Red,
            FailureKind::InfraBeforeStart | FailureKind::InfraAfterStart => Self::Infrastructure,
            FailureKind::Policy => Self::Gate,
        }
    }
}

/// The exit of a run that has ended; `interrupted` says that Ctrl-C canceled it.
pub(crate) fn of_ended(run: &RunRow, tasks: &[TaskRow], interrupted: bool) -> Exit {
    let RunState::Ended(result) = run.state else {
        return Exit::Bug;
    };
    let own = match result {
        RunResult::Succeeded | RunResult::Skipped => return Exit::Success,
        RunResult::Failed => None,
        RunResult::Canceled(CancelCause::Person) if interrupted => Some(Exit::Interrupt),
        RunResult::Canceled(CancelCause::RunTimeout) => Some(Exit::Red),
        RunResult::Canceled(
            CancelCause::Person
            | CancelCause::Superseded
            | CancelCause::FailFast
            | CancelCause::Parent,
        ) => Some(Exit::Canceled),
    };
    let of_tasks = tasks.iter().filter_map(of_task);
    first(own.into_iter().chain(of_tasks)).unwrap_or(Exit::Red)
}

/// What a task adds to the exit of its run: only failures that matter do.
fn of_task(task: &TaskRow) -> Option<Exit> {
    // A result of an earlier run is no failure of this one; a matrix or call fails as what is in it, or by itself.
    let matters = !task.tolerated && task.reused_from.is_none();
    match task.ended()? {
        Ended::Failed(kind) if matters => Some(Exit::of_failure(kind)),
        Ended::Failed(_) | Ended::Succeeded | Ended::Skipped(_) | Ended::Canceled(_) => None,
    }
}

/// The first in [`ORDER`].
fn first(exits: impl Iterator<Item = Exit>) -> Option<Exit> {
    let place = |exit: &Exit| ORDER.iter().position(|each| each == exit);
    exits.min_by_key(|exit| place(exit).unwrap_or(ORDER.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::rows::TaskKind;
    use model::ids::{DefNo, TaskNo};

    #[test]
    fn of_several_results_the_documented_one_counts() {
        let all = [
            Exit::Infrastructure,
            Exit::Gate,
            Exit::Red,
            Exit::Bug,
            Exit::Canceled,
            Exit::Interrupt,
        ];
        // Each of them beats all that stand before it.
        for end in 1..=all.len() {
            assert_eq!(first(all[..end].iter().copied()), Some(all[end - 1]));
        }
    }

    #[test]
    fn a_tolerated_failure_does_not_count() {
        let mut task = TaskRow::new(TaskNo(0), DefNo(0), TaskKind::Leaf, "a");
        task.state = engine::rows::TaskState::Ended(Ended::Failed(FailureKind::User));
        assert_eq!(of_task(&task), Some(Exit::Red));
        task.tolerated = true;
        assert_eq!(of_task(&task), None);
    }

    #[test]
    fn trouble_of_the_platform_is_never_the_users() {
        for kind in [FailureKind::InfraBeforeStart, FailureKind::InfraAfterStart] {
            assert_eq!(Exit::of_failure(kind), Exit::Infrastructure);
        }
        assert_eq!(Exit::of_failure(FailureKind::Timeout), Exit::Red);
        assert_eq!(Exit::of_failure(FailureKind::Policy), Exit::Gate);
    }

    #[test]
    fn signals_have_their_own_codes() {
        assert_eq!(Exit::after_signal(1).code(), 129);
        assert_eq!(Exit::after_signal(2).code(), 130);
        assert_eq!(Exit::after_signal(15).code(), 143);
    }
}
