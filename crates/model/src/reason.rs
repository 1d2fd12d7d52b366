//! Why something is in the state it is in: closed sets of words, shared by board, CLI, API and UI.
//!
//! There is no free-text state. Each word is written in `snake_case` wherever it leaves the program.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Defines an enum whose variants have one written form each.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every word of the set, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The written form.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The word with this written form.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|each| each.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// Why a task that has not started waits.
    QueueReason {
        /// Tasks that it needs have not ended.
        Needs = "needs",
        /// Every task before `finally` has to end first.
        Finally = "finally",
        /// No worker slot is free.
        Slots = "slots",
        /// The worker has not the CPU, memory or other resource free that the task asks for.
        Resources = "resources",
        /// Another member of its concurrency group is active.
        ConcurrencyGroup = "concurrency_group",
        /// A task that declares the same artifact or report path is active.
        PathInUse = "path_in_use",
        /// Its matrix already has `max_parallel` active members.
        MaxParallel = "max_parallel",
        /// The pause before the next attempt has not passed.
        Backoff = "backoff",
        /// Its delayed start has not come.
        Delay = "delay",
        /// No worker that asks for work has its role or labels.
        Placement = "placement",
        /// What it wrote is being compiled into tasks.
        Generating = "generating",
    }
}

words! {
    /// What a blocked task waits for: somebody.
    Gate {
        /// An approval.
        Approval = "approval",
        /// A manual start.
        Manual = "manual",
    }
}

words! {
    /// What kind of trouble made a task fail. Infrastructure is never reported as the user's.
    FailureKind {
        /// The task's own command said so.
        User = "user",
        /// A step, task or run took longer than it may.
        Timeout = "timeout",
        /// The platform failed before the first command started; tried again free of charge.
        InfraBeforeStart = "infra_before_start",
        /// The platform failed while the task ran; tried again only if the task is `idempotent`.
        InfraAfterStart = "infra_after_start",
        /// A rule or a person said no.
        Policy = "policy",
    }
}

words! {
    /// Why a task was not run.
    SkipCause {
        /// Its `when` is false.
        Condition = "condition",
        /// A task that it needs failed.
        NeedFailed = "need_failed",
        /// A task that it needs was skipped.
        NeedSkipped = "need_skipped",
        /// A task that it needs was canceled.
        NeedCanceled = "need_canceled",
        /// A manual task that nobody started.
        Manual = "manual",
        /// Its matrix has no cell.
        EmptyMatrix = "empty_matrix",
        /// The task or pipeline that it belongs to was skipped or ended before.
        Parent = "parent",
    }
}

words! {
    /// Why a task or run was canceled.
    CancelCause {
        /// A person asked.
        Person = "person",
        /// A newer run or task took its place in the concurrency group.
        Superseded = "superseded",
        /// Another member of its matrix failed and the matrix is `fail_fast`.
        FailFast = "fail_fast",
        /// The run reached its time limit.
        RunTimeout = "run_timeout",
        /// What it needs is not coming: a scope that it belongs to was canceled.
        Parent = "parent",
    }
}

words! {
    /// How a cancel treats what is going on.
    CancelMode {
        /// Stop everything; nothing else starts.
        Now = "now",
        /// Stop everything, then run `finally`.
        Finally = "finally",
        /// Start nothing new, let running tasks end, then run `finally`.
        Drain = "drain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for kind in FailureKind::ALL {
            assert_eq!(FailureKind::from_word(kind.as_str()), Some(*kind));
        }
        assert_eq!(SkipCause::from_word("nonsense"), None);
    }

    #[test]
    fn the_written_form_is_the_serialised_form() {
        let written = serde_json::to_string(&QueueReason::PathInUse).unwrap();
        assert_eq!(written, "\"path_in_use\"");
    }
}
