//! The files that a pipeline refers to, as far as they are known.
//!
//! Nothing here opens a file. Whoever compiles hands in what it has; what is missing is named in the
//! answer, so that it can be loaded and handed in with the next try. Two to ten tries end it, since
//! each finds the next level of references.

use crate::address::Address;
use crate::codes::{self, Code};
use crate::diagnostics::Severity;
use model::limits;
use std::collections::BTreeMap;

/// Files by address, and what could not be loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    files: BTreeMap<Address, Loaded>,
    /// What else is said about files, wherever one refers to them.
    doubts: BTreeMap<Address, Failed>,
    /// Bytes of all files.
    bytes: usize,
}

/// What was found at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// The file's bytes.
    File(Vec<u8>),
    /// Nothing that can be used.
    Failed(Failed),
}

/// Why a file is not there, or not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The kind of trouble.
    pub kind: FailedKind,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What kind of trouble there is with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedKind {
    /// It is not there, or cannot be fetched.
    NotThere,
    /// It is not what the lock file pins.
    Changed,
    /// The lock file does not pin it, and cannot be written where this is looked at.
    Unpinned,
    /// The lock file does not pin it yet. Said as a warning: the next run pins it.
    NotYetPinned,
    /// It is not at hand, and nobody was asked for it. Said as a warning: it may be right.
    NotFetched,
}

impl FailedKind {
    /// The code that it is said with, and whether it keeps the pipeline from being used.
    pub(crate) const fn code(self) -> (&'static Code, Severity) {
        match self {
            Self::NotThere => (&codes::FILE_MISSING, Severity::Error),
            Self::Changed => (&codes::FILE_CHANGED, Severity::Error),
            Self::Unpinned => (&codes::FILE_UNPINNED, Severity::Error),
            Self::NotYetPinned => (&codes::NOT_YET_PINNED, Severity::Warning),
            Self::NotFetched => (&codes::NOT_FETCHED, Severity::Warning),
        }
    }
}

impl Sources {
    /// No files.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            files: BTreeMap::new(),
            doubts: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Adds what is at `address`. What passes [`limits::REFERENCED_FILES`] or [`limits::REFERENCED_BYTES`] is not
    /// kept; why is kept instead. What is known of an address stays as it is.
    pub fn insert(&mut self, address: Address, loaded: Loaded) {
        if self.files.contains_key(&address) {
            return;
        }
        let refuse = |message: String| {
            Loaded::Failed(Failed {
                kind: FailedKind::NotThere,
                message,
                help:
                    "put tasks that belong together into one file, and what nobody uses out of it"
                        .to_owned(),
            })
        };
        let bytes = match &loaded {
            Loaded::File(bytes) => bytes.len(),
            Loaded::Failed(_) => 0,
        };
        let total = self.bytes.saturating_add(bytes);
        let loaded = if self.is_full() {
            refuse(format!(
                "a pipeline refers to at most {} files",
                limits::REFERENCED_FILES
            ))
        } else if total > limits::REFERENCED_BYTES {
            refuse(format!(
                "the files that a pipeline refers to have at most {} bytes together",
                limits::REFERENCED_BYTES
            ))
        } else {
            self.bytes = total;
            loaded
        };
        self.files.insert(address, loaded);
    }

    /// Adds the file at `address`.
    pub fn insert_file(&mut self, address: Address, bytes: impl Into<Vec<u8>>) {
        self.insert(address, Loaded::File(bytes.into()));
    }

    /// Says `why` at every task that uses the file at `address`, which is looked into all the same.
    pub fn doubt(&mut self, address: &Address, why: Failed) {
        self.doubts.insert(address.clone(), why);
    }

    /// What [`Self::doubt`] says of the file at `address`.
    pub(crate) fn doubt_of(&self, address: &Address) -> Option<&Failed> {
        self.doubts.get(address)
    }

    /// What is known about `address`.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Loaded> {
        self.files.get(address)
    }

    /// Everything that is known, by address.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &Loaded)> {
        self.files.iter()
    }

    /// The files that were loaded, by address.
    pub fn files(&self) -> impl Iterator<Item = (&Address, &[u8])> {
        self.files
            .iter()
            .filter_map(|(address, loaded)| match loaded {
                Loaded::File(bytes) => Some((address, bytes.as_slice())),
                Loaded::Failed(_) => None,
            })
    }

    /// Whether further files are refused.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.files.len() >= limits::REFERENCED_FILES
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_given_again_counts_once() {
        let mut sources = Sources::new();
        let address = |name: &str| Address::Local(name.to_owned());
        let half = vec![b' '; limits::REFERENCED_BYTES / 2];
        for _ in 0..3 {
            sources.insert_file(address("a.yaml"), half.clone());
        }
        sources.insert_file(address("b.yaml"), half.clone());
        assert_eq!(sources.files().count(), 2);
        sources.insert_file(address("c.yaml"), "x");
        assert_eq!(sources.files().count(), 2);
    }
}
