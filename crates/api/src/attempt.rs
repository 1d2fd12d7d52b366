//! How an attempt ended, in the words that every document and every line of progress uses.

use engine::overtime;
use engine::rows::{AttemptResult, AttemptRow, StopCause};

/// The words about an attempt that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptWords {
    /// `succeeded`, `failed`, `canceled` or `interrupted`.
    pub status: &'static str,
    /// What kind of failure or cancel: a word of the closed set.
    pub reason: Option<&'static str>,
    /// One sentence for people.
    pub message: Option<String>,
}

impl AttemptWords {
    /// The words about `attempt`. What stopped it says more than how it came back.
    #[must_use]
    pub fn of(attempt: &AttemptRow) -> Option<Self> {
        let result = &attempt.end.as_ref()?.result;
        let (status, reason, message) = match (result, attempt.stop) {
            (AttemptResult::Succeeded | AttemptResult::Reused, _) => ("succeeded", None, None),
            (
                AttemptResult::Failed { .. } | AttemptResult::Stopped | AttemptResult::Interrupted,
                Some(StopCause::Cancel(cause)),
            ) => ("canceled", Some(cause.as_str()), None),
            (
                AttemptResult::Failed { .. } | AttemptResult::Stopped | AttemptResult::Interrupted,
                Some(StopCause::Timeout),
            ) => (
                "failed",
                Some("timeout"),
                Some(overtime::sentence("it", attempt.limit_ms())),
            ),
            (AttemptResult::Failed { kind, message, .. }, None) => {
                let message = (!message.is_empty()).then(|| message.clone());
                ("failed", Some(kind.as_str()), message)
            }
            (AttemptResult::Stopped | AttemptResult::Interrupted, None) => {
                ("interrupted", None, None)
            }
        };
        Some(Self {
            status,
            reason,
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::rows::AttemptEnd;
    use model::ids::{AttemptNo, TaskNo, Token, WorkerId};
    use model::reason::{CancelCause, FailureKind};
    use model::time::Timestamp;

    fn words(result: AttemptResult, stop: Option<StopCause>) -> AttemptWords {
        let attempt = AttemptRow {
            task: TaskNo(0),
            attempt: AttemptNo(1),
            token: Token(1),
            worker: WorkerId("w".to_owned()),
            leased_at: Timestamp(1000),
            started: true,
            stop,
            keyed: None,
            deadline_at: Some(Timestamp(1300)),
            ended_at: Some(Timestamp(1310)),
            end: Some(Box::new(AttemptEnd::bare(result))),
        };
        AttemptWords::of(&attempt).expect("it has ended")
    }

    #[test]
    fn an_attempt_that_was_stopped_for_its_time_is_a_timeout_with_its_limit() {
        for result in [AttemptResult::Stopped, AttemptResult::Interrupted] {
            let words = words(result, Some(StopCause::Timeout));
            assert_eq!((words.status, words.reason), ("failed", Some("timeout")));
            assert_eq!(
                words.message.as_deref(),
                Some("it took longer than its `timeout` of 300 ms")
            );
        }
    }

    #[test]
    fn a_failed_attempt_keeps_its_kind_and_its_sentence() {
        let words = words(
            AttemptResult::Failed {
                kind: FailureKind::User,
                exit_code: Some(1),
                message: "step `run` exited with code 1".to_owned(),
            },
            None,
        );
        assert_eq!((words.status, words.reason), ("failed", Some("user")));
        let message = Some("step `run` exited with code 1");
        assert_eq!(words.message.as_deref(), message);
    }

    #[test]
    fn what_nobody_wanted_to_stop_was_interrupted() {
        assert_eq!(words(AttemptResult::Stopped, None).status, "interrupted");
        let stop = Some(StopCause::Cancel(CancelCause::FailFast));
        let canceled = words(AttemptResult::Stopped, stop);
        assert_eq!(
            (canceled.status, canceled.reason),
            ("canceled", Some("fail_fast"))
        );
    }
}
