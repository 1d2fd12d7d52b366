//! The board: runs as rows, large content as blobs, logs as segments.
//!
//! Synchronous and blocking. No type of the database shows through [`Store`]; no rule about runs
//! lives here (that is `engine`), only the rules of keeping: versions, owners, places in groups,
//! retention.
//!
//! Read in this order: [`board`] (the commands), [`owner`] and [`group`] (who may), [`memory`] and
//! [`sqlite`] (the two adapters), [`blob`] and [`log`] (what is not rows), [`retention`],
//! [`location`] (where all of it lies), [`mod@bench`].
#![warn(missing_docs)]

pub mod bench;
pub mod blob;
pub mod board;
pub mod error;
mod folders;
pub mod group;
pub mod location;
pub mod log;
pub mod memory;
pub mod owner;
pub mod retention;
pub mod sqlite;

pub use blob::{BlobError, BlobStore, DiskBlobs, MemoryBlobs};
pub use board::{
    Command, Commit, GroupEntry, NewRun, NumberedCommand, References, RunFilter, RunSummary, Store,
};
pub use error::{ClaimError, CommitError, StoreError};
pub use group::{Entered, Living};
pub use location::{LocationError, Places, StateDir};
pub use log::{Frame, LogError, LogReader, LogSink, LogStore, LogWriter, MemoryLogs, Stream};
pub use memory::MemoryStore;
pub use owner::{Owner, OwnerToken};
pub use retention::{Retention, SweepError, Swept, sweep, sweep_unnamed};
pub use sqlite::SqliteStore;
