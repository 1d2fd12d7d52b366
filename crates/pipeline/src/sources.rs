//! The files that a pipeline refers to, as far as they are known.
//!
//! Nothing here opens a file. Whoever compiles hands in what it has; what is missing is named in the
//! answer, so that it can be loaded and handed in with the next try. Two to ten tries end it, since
//! each finds the next level of references.

use crate::address::Address;
use model::limits;
use std::collections::BTreeMap;

/// Files by address, and what could not be loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    files: BTreeMap<Address, Loaded>,
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

/// Why a file is not there.
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
}

impl Sources {
    /// No files.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            files: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Adds what is at `address`. What passes [`limits::REFERENCED_FILES`] or [`limits::REFERENCED_BYTES`] is not
    /// kept; why is kept instead.
    pub fn insert(&mut self, address: Address, loaded: Loaded) {
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
        self.files.entry(address).or_insert(loaded);
    }

    /// Adds the file at `address`.
    pub fn insert_file(&mut self, address: Address, bytes: impl Into<Vec<u8>>) {
        self.insert(address, Loaded::File(bytes.into()));
    }

    /// Takes the file at `address` away, and keeps why.
    pub fn refuse(&mut self, address: &Address, why: Failed) {
        self.files.insert(address.clone(), Loaded::Failed(why));
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
