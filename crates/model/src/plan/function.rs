//! Functions that expressions of a plan can call beside those of their language: what they answer is not in the
//! expression but in the run or on its worker.
//!
//! The table of their names, for the front-end that declares them and the engine that answers them. What they answer
//! is the engine's to say; how they are explained is the front-end's.

/// A function whose answer depends on the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFunction {
    /// Whether what came before succeeded or was tolerated.
    Succeeded,
    /// Whether something of it failed.
    Failed,
    /// Whether something of it was canceled.
    Canceled,
    /// True, but a condition that says so is asked however the rest ended.
    Always,
    /// The digest of files of the task's source.
    Hash,
    /// The names of files of the task's source.
    Glob,
}

impl RunFunction {
    /// Those that look at the state of tasks or steps.
    pub const STATUS: [Self; 4] = [Self::Succeeded, Self::Failed, Self::Canceled, Self::Always];
    /// Those that look at files.
    pub const FILES: [Self; 2] = [Self::Hash, Self::Glob];

    /// The name by which it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Always => "always",
            Self::Hash => "hash",
            Self::Glob => "glob",
        }
    }

    /// The function of this name; `None` when there is none that depends on the run.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::STATUS.into_iter().chain(Self::FILES);
        all.find(|function| function.as_str() == name)
    }

    /// Whether it looks at the state of tasks or steps.
    #[must_use]
    pub fn is_status(self) -> bool {
        Self::STATUS.contains(&self)
    }

    /// Whether it looks at files.
    #[must_use]
    pub fn is_of_files(self) -> bool {
        Self::FILES.contains(&self)
    }
}
