//! What several tasks came to, in one value.

use crate::names::Past;
use crate::rows::Ended;
use model::reason::{CancelCause, FailureKind, SkipCause};

/// What several tasks came to. Does not depend on the order of their ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Tally {
    pub(in super::super) failed: Option<FailureKind>,
    pub(in super::super) canceled: Option<CancelCause>,
    pub(in super::super) skipped: Option<SkipCause>,
    /// Tolerated failures among those that count as success.
    pub(in super::super) tolerated: Option<FailureKind>,
    pub(in super::super) succeeded: bool,
}

impl Tally {
    pub(in super::super) fn add(&mut self, ended: Ended, tolerated: bool) {
        fn least<T: Ord>(known: &mut Option<T>, new: T) {
            if known.as_ref().is_none_or(|known| new < *known) {
                *known = Some(new);
            }
        }
        match ended {
            Ended::Failed(kind) if !tolerated => least(&mut self.failed, kind),
            Ended::Canceled(cause) => least(&mut self.canceled, cause),
            Ended::Skipped(cause) => least(&mut self.skipped, cause),
            Ended::Failed(kind) => {
                least(&mut self.tolerated, kind);
                self.succeeded = true;
            }
            Ended::Succeeded => self.succeeded = true,
        }
    }

    /// Failure before cancel before success; skipped only if everything was.
    pub(in super::super) fn sum(self) -> Ended {
        match (self.failed, self.canceled, self.skipped, self.succeeded) {
            (Some(kind), ..) => Ended::Failed(kind),
            (None, Some(cause), ..) => Ended::Canceled(cause),
            (None, None, Some(cause), false) => Ended::Skipped(cause),
            (None, None, _, _) => Ended::Succeeded,
        }
    }

    pub(in super::super) const fn past(self) -> Past {
        Past {
            failed: self.failed.is_some(),
            canceled: self.canceled.is_some(),
            skipped: false,
        }
    }
}
