//! Whether a failed attempt is followed by another, and after what pause.

use model::limits;
use model::plan::Retry;
use model::reason::FailureKind;

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The task has failed.
    No,
    /// Another attempt that the task's `retry` pays for.
    Paid {
        /// Pause before it.
        pause_ms: u64,
    },
    /// Another attempt that costs nothing: the platform was at fault.
    Free {
        /// Pause before it.
        pause_ms: u64,
    },
}

/// What is known when an attempt has failed.
#[derive(Debug, Clone, Copy)]
pub struct Failure {
    /// Of what kind.
    pub kind: FailureKind,
    /// Paid attempts so far.
    pub retries: u32,
    /// Free attempts so far.
    pub free_retries: u32,
    /// Whether the task may run twice without harm.
    pub idempotent: bool,
    /// What the task's own condition says; `None` when it has none.
    pub wanted: Option<bool>,
    /// Random 0..1000, spreads the pause over 50 to 100 % of its length.
    pub jitter_permille: u16,
}

/// Decides. Trouble before the start is free; trouble after it is free only for idempotent tasks, else
/// the task must ask for it by its condition; a policy's no is final.
#[must_use]
pub fn decide(retry: &Retry, failure: Failure) -> Verdict {
    let platform = match failure.kind {
        FailureKind::InfraBeforeStart => true,
        FailureKind::InfraAfterStart => failure.idempotent,
        FailureKind::Policy => return Verdict::No,
        FailureKind::User | FailureKind::Timeout => false,
    };
    if platform && failure.free_retries < limits::FREE_RETRIES {
        let pause_ms = pause(
            &Retry::default(),
            failure.free_retries,
            failure.jitter_permille,
        );
        return Verdict::Free { pause_ms };
    }
    let by_default = matches!(failure.kind, FailureKind::User | FailureKind::Timeout);
    if failure.retries < retry.max && failure.wanted.unwrap_or(by_default) {
        let pause_ms = pause(retry, failure.retries, failure.jitter_permille);
        return Verdict::Paid { pause_ms };
    }
    Verdict::No
}

/// The pause before attempt `earlier + 2`: grows by the factor, bounded, then spread by jitter.
fn pause(retry: &Retry, earlier: u32, jitter_permille: u16) -> u64 {
    let most = retry.max_backoff_ms.min(limits::BACKOFF_MS);
    let mut whole_ms = retry.backoff_ms.min(most);
    for _ in 0..earlier.min(limits::RETRIES) {
        let grown = whole_ms.saturating_mul(u64::from(retry.factor_percent)) / 100;
        whole_ms = grown.min(most);
    }
    let spread = 500 + u64::from(jitter_permille.min(999)) / 2;
    whole_ms.saturating_mul(spread) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: FailureKind) -> Failure {
        Failure {
            kind,
            retries: 0,
            free_retries: 0,
            idempotent: false,
            wanted: None,
            jitter_permille: 999,
        }
    }

    fn twice() -> Retry {
        Retry {
            max: 2,
            ..Retry::default()
        }
    }

    #[test]
    fn trouble_before_the_start_is_tried_again_free_of_charge() {
        let verdict = decide(&Retry::default(), failure(FailureKind::InfraBeforeStart));
        assert_eq!(verdict, Verdict::Free { pause_ms: 999 });
    }

    #[test]
    fn trouble_after_the_start_is_tried_again_only_if_idempotent() {
        let after = failure(FailureKind::InfraAfterStart);
        assert_eq!(decide(&Retry::default(), after), Verdict::No);
        let idempotent = Failure {
            idempotent: true,
            ..after
        };
        assert_eq!(
            decide(&Retry::default(), idempotent),
            Verdict::Free { pause_ms: 999 }
        );
    }

    #[test]
    fn free_attempts_end_after_five() {
        let tired = Failure {
            free_retries: 5,
            ..failure(FailureKind::InfraBeforeStart)
        };
        assert_eq!(decide(&Retry::default(), tired), Verdict::No);
    }

    #[test]
    fn a_failing_command_is_tried_again_as_often_as_the_task_says() {
        let first = failure(FailureKind::User);
        assert_eq!(decide(&twice(), first), Verdict::Paid { pause_ms: 999 });
        let second = Failure {
            retries: 1,
            ..first
        };
        assert_eq!(decide(&twice(), second), Verdict::Paid { pause_ms: 1998 });
        let third = Failure {
            retries: 2,
            ..first
        };
        assert_eq!(decide(&twice(), third), Verdict::No);
    }

    #[test]
    fn the_tasks_condition_has_the_last_word_on_paid_attempts() {
        let unwanted = Failure {
            wanted: Some(false),
            ..failure(FailureKind::User)
        };
        assert_eq!(decide(&twice(), unwanted), Verdict::No);
        let wanted = Failure {
            wanted: Some(true),
            ..failure(FailureKind::InfraAfterStart)
        };
        assert_eq!(decide(&twice(), wanted), Verdict::Paid { pause_ms: 999 });
    }

    #[test]
    fn a_policys_no_is_final() {
        let wanted = Failure {
            wanted: Some(true),
            ..failure(FailureKind::Policy)
        };
        assert_eq!(decide(&twice(), wanted), Verdict::No);
    }

    #[test]
    fn jitter_halves_the_pause_at_most_and_growth_is_bounded() {
        let soon = Failure {
            jitter_permille: 0,
            ..failure(FailureKind::User)
        };
        assert_eq!(decide(&twice(), soon), Verdict::Paid { pause_ms: 500 });
        let bounded = Retry {
            max: 100,
            max_backoff_ms: 4_000,
            ..Retry::default()
        };
        let late = Failure {
            retries: 60,
            ..failure(FailureKind::User)
        };
        assert_eq!(decide(&bounded, late), Verdict::Paid { pause_ms: 3_996 });
    }
}
