//! What is said about one task.

use super::outlook::{self, Fate};
use super::{Decision, Fault, words};
use model::plan::{Place, TaskDef};
use model::reason::SkipCause;
use std::sync::Arc;

/// What is said about a task.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub decision: Decision,
    /// What those behind it see of it.
    pub fate: Fate,
    /// Why it is skipped, in the word that the run has for it.
    pub cause: Option<SkipCause>,
    /// What makes it fail.
    pub fault: Option<Arc<Fault>>,
    pub reason: Arc<str>,
}

impl Judged {
    pub(super) fn run(reason: impl Into<String>) -> Self {
        Self::saying(Decision::Run, reason)
    }

    pub(super) fn reuse(reason: impl Into<String>) -> Self {
        Self::saying(Decision::Reuse, reason)
    }

    pub(super) fn unknown(reason: impl Into<String>) -> Self {
        Self::saying(Decision::Unknown, reason)
    }

    pub(super) fn skip(cause: SkipCause, reason: impl Into<String>) -> Self {
        Self {
            cause: Some(cause),
            ..Self::saying(Decision::Skip, reason)
        }
    }

    /// Skipped because there is no run.
    pub(super) fn held(reason: Arc<str>) -> Self {
        Self::of(Decision::Skip, reason)
    }

    /// It neither runs nor is skipped: it fails when its turn comes.
    pub(super) fn faulty(task: &TaskDef, message: &str, at: Option<Place>) -> Self {
        let sentence = format!("would fail before it starts: {message}");
        let faulty = Self::unknown(sentence.as_str());
        faulty.failing(Fault::of(task, sentence, at))
    }

    /// The same of a task that starts, and that this makes fail.
    pub(super) fn failing(self, fault: Fault) -> Self {
        Self {
            fate: Fate::Fail,
            fault: Some(Arc::new(fault)),
            ..self
        }
    }

    /// The same of a task that fails if it starts, which is known only later.
    pub(super) fn doomed(self) -> Self {
        let fate = match self.decision {
            Decision::Unknown => Fate::Doomed,
            Decision::Run | Decision::Reuse | Decision::Skip => self.fate,
        };
        Self { fate, ..self }
    }

    /// The same with another sentence.
    pub(super) fn because(self, reason: String) -> Self {
        Self {
            reason: words::sentence(reason).into(),
            ..self
        }
    }

    fn saying(decision: Decision, reason: impl Into<String>) -> Self {
        Self::of(decision, words::sentence(reason.into()).into())
    }

    fn of(decision: Decision, reason: Arc<str>) -> Self {
        Self {
            decision,
            fate: Fate::of(decision),
            cause: None,
            fault: None,
            reason,
        }
    }
}

impl Fault {
    pub(super) fn of(task: &TaskDef, message: String, at: Option<Place>) -> Self {
        Self {
            message: words::sentence(message),
            at: at.or(task.at),
            allowed: outlook::forgives(task),
        }
    }
}
