//! What a board can answer instead of doing what was asked.

use crate::owner::Owner;
use model::ids::RunId;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// A command that was not done. Nothing of it was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no such run.
    #[error("the board has no run `{0}`")]
    NoRun(RunId),
    /// The id is taken.
    #[error("the board already has a run `{0}`")]
    RunExists(RunId),
    /// The run is over, so that nobody handles commands for it or can own it.
    #[error("run `{0}` has ended")]
    RunEnded(RunId),
    /// The run is not over, so that it is kept.
    #[error("run `{0}` has not ended, so it is kept; cancel it first")]
    RunLiving(RunId),
    /// The token is void: another process owns the run, or nobody.
    #[error("this process no longer owns run `{0}`")]
    NotOwner(RunId),
    /// The disk is full.
    #[error(
        "no space is left on the disk for the board `{board}`; everything acknowledged is kept: \
         free some space, then `formic resume`"
    )]
    Full {
        /// The board's file.
        board: PathBuf,
    },
    /// There is nothing in the file yet, and no room for it.
    #[error(
        "there is no board in `{board}` yet, and no space is left on the disk to make one; free some space"
    )]
    Unbegun {
        /// The board's file.
        board: PathBuf,
    },
    /// The file or its folder may not be written.
    #[error(
        "the board `{board}` may not be written; set `FORMIC_STATE` to a folder that may be written"
    )]
    ReadOnly {
        /// The board's file.
        board: PathBuf,
    },
    /// Other processes held the board all the time.
    #[error(
        "the board `{board}` stayed locked by other processes for {waited_ms} ms; try again, or \
         give this repository a board of its own with `FORMIC_STATE`"
    )]
    Busy {
        /// The board's file.
        board: PathBuf,
        /// How long it was tried.
        waited_ms: u64,
    },
    /// A newer program wrote the board.
    #[error(
        "the board `{board}` has version {found}, and this formic knows versions up to {known}; \
         use the formic that wrote it, or set `FORMIC_STATE` to another folder"
    )]
    Newer {
        /// The board's file.
        board: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// The file is something else.
    #[error("`{board}` is not a board of Formic; move it away or set `FORMIC_STATE`")]
    Foreign {
        /// The file.
        board: PathBuf,
    },
    /// The file at the board's path is not the one that was opened: what is written is lost with the last handle.
    #[error("the board `{board}` is gone: it was removed or replaced while formic used it")]
    Gone {
        /// The board's file.
        board: PathBuf,
    },
    /// What is on the board makes no sense.
    #[error("the board `{board}` is damaged: {what}")]
    Damaged {
        /// The board's file.
        board: PathBuf,
        /// What was found.
        what: String,
    },
    /// Anything else that the disk or the database said.
    #[error("cannot use the board `{board}`")]
    Io {
        /// The board's file.
        board: PathBuf,
        /// What was said.
        source: Arc<dyn Error + Send + Sync>,
    },
}

/// Why a change was not written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Somebody changed the run meanwhile: reload it and think again.
    #[error("run `{run}` is at version {found_version}, not {expected_version}")]
    Conflict {
        /// The run.
        run: RunId,
        /// The version that the writer read.
        expected_version: u64,
        /// The version on the board.
        found_version: u64,
    },
    /// Another process owns the run: stop working for it.
    #[error("this process no longer owns run `{0}`")]
    NotOwner(RunId),
    /// The run is over; nothing of it changes any more.
    #[error("run `{0}` has ended")]
    Ended(RunId),
    /// The board failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a run was not handed over.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClaimError {
    /// A living process owns it.
    #[error("run `{run}` belongs to process {} on {}, which is alive", .owner.pid, .owner.host)]
    Owned {
        /// The run.
        run: RunId,
        /// Its owner.
        owner: Box<Owner>,
    },
    /// The board failed, has no such run, or the run has ended.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether the disk, or what this process may use of it, is full.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}
