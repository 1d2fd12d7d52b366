//! What a run ran on: the commit, and how the working tree differed from it.

use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// The recorded source of a run. `retry`, `resume` and `replay` go back to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The folder that the pipeline runs in, as an absolute path.
    pub dir: String,
    /// The commit that was checked out; `None` outside Git or before the first commit.
    pub commit: Option<String>,
    /// The branch that was checked out, if one was.
    pub branch: Option<String>,
    /// Digest over path, mode and content of every tracked, and untracked but not ignored, file.
    /// `None` outside Git.
    pub tree: Option<Digest>,
    /// Whether the tree differed from the commit.
    pub dirty: bool,
    /// The difference between the commit and the tree, as a blob that `git apply` takes.
    pub difference: Difference,
}

/// The difference between a commit and the working tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The tree is the commit, or there is no Git.
    #[default]
    None,
    /// Kept as a blob.
    Kept {
        /// Its address.
        digest: Digest,
        /// Its size.
        size_bytes: u64,
    },
    /// Larger than [`crate::limits::SOURCE_DIFF_BYTES`], so that it was not kept.
    TooLarge {
        /// The size that it had.
        size_bytes: u64,
    },
}
