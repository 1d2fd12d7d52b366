//! Logs of attempts: frames in append-only segments, never rows.
//!
//! - A worker writes segments of its own. An attempt stays in the segment in which it began, so that
//!   one [`LogRef`] names all of it; new attempts begin in a new segment when the newest one is long.
//! - Appending is one write without a sync; [`LogSink::sync`] syncs what grew, and is called before a
//!   report commits.
//! - Each frame carries its length and checksum. What a crash left behind the last good frame is
//!   never read.
//! - A living attempt can be read by another process while it grows: the reader says "nothing more
//!   for the moment" and goes on where it stopped.

mod checksum;
mod frame;
mod memory;
mod reader;
mod writer;

pub use frame::{Frame, Stream};
pub use memory::MemoryLogs;
pub use reader::LogReader;
pub use writer::LogWriter;

use engine::rows::LogRef;
use model::digest::Digest;
use model::ids::{AttemptId, WorkerId};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// New attempts begin in a new segment when the newest is as long as this: small enough that logs go
/// soon after their runs do, large enough that a folder holds few files.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Where a worker's log bytes go.
pub trait LogSink: Send {
    /// Appends frames; others can read them at once. All of them are appended or none.
    ///
    /// # Errors
    /// When the disk fails.
    fn append(&mut self, frames: &[Frame<'_>]) -> Result<(), LogError>;

    /// Makes durable what was appended since the last time; free when nothing was.
    ///
    /// # Errors
    /// When the disk fails.
    fn sync(&mut self) -> Result<(), LogError>;

    /// Bytes of output appended for an attempt so far: a message that is delivered twice is known by it.
    fn written_bytes(&self, attempt: AttemptId) -> u64;

    /// Ends the log of an attempt, and says where it is; `None` when it has none. `missing_bytes`
    /// were given out by the attempt and never appended.
    fn finish(&mut self, attempt: AttemptId, missing_bytes: u64) -> Option<LogRef>;
}

/// A folder with segments.
#[derive(Debug, Clone)]
pub struct LogStore {
    dir: PathBuf,
    segment_bytes: u64,
}

/// A segment in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its name, as in [`LogRef::segment`].
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
}

impl LogStore {
    /// Uses the folder `dir`, and creates it if there is none.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(dir: &Path) -> Result<Self, LogError> {
        crate::folders::create(dir).map_err(|source| fault(dir, source))?;
        Ok(Self {
            dir: dir.to_owned(),
            segment_bytes: SEGMENT_BYTES,
        })
    }

    /// The same folder with another length from which on new attempts begin in a new segment.
    #[must_use]
    pub fn with_segments_of(self, bytes: u64) -> Self {
        Self {
            segment_bytes: bytes,
            ..self
        }
    }

    /// A writer for the worker `worker`. Its segments are created when the first frame comes.
    #[must_use]
    pub fn writer(&self, worker: &WorkerId) -> LogWriter {
        LogWriter::new(self.dir.clone(), stem(worker), self.segment_bytes)
    }

    /// The log of an attempt that has ended.
    ///
    /// # Errors
    /// [`LogError::Missing`] when its segment was removed.
    pub fn read(&self, log: &LogRef, attempt: AttemptId) -> Result<LogReader, LogError> {
        LogReader::bounded(self.path(&log.segment)?, log.from, log.to, attempt)
    }

    /// The log of an attempt that goes on, or that never said where its log is. `None` when nothing
    /// was written yet. The reader can be asked again for what comes later.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn follow(
        &self,
        worker: &WorkerId,
        attempt: AttemptId,
    ) -> Result<Option<LogReader>, LogError> {
        for segment in self.segments_of(worker)? {
            let mut reader = LogReader::open_ended(self.path(&segment.name)?, attempt)?;
            if reader.seek_first()? {
                return Ok(Some(reader));
            }
        }
        Ok(None)
    }

    /// Every segment, by name.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn list(&self) -> Result<Vec<Segment>, LogError> {
        let failed = |source| fault(&self.dir, source);
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Some(name) = entry.file_name().to_str()
                && let Ok(metadata) = entry.metadata()
            {
                segments.push(Segment {
                    name: name.to_owned(),
                    size_bytes: metadata.len(),
                });
            }
        }
        segments.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(segments)
    }

    /// The segments that the worker `worker` wrote.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn segments_of(&self, worker: &WorkerId) -> Result<Vec<Segment>, LogError> {
        let mut segments = self.list()?;
        segments.retain(|segment| is_of(&segment.name, worker));
        Ok(segments)
    }

    /// Removes a segment unless a living worker writes it. Returns whether it is gone.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remove(&self, segment: &str) -> Result<bool, LogError> {
        let path = self.path(segment)?;
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(fault(&path, error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(false),
            Err(fs::TryLockError::Error(error)) => return Err(fault(&path, error)),
        }
        fs::remove_file(&path).map_err(|source| fault(&path, source))?;
        Ok(true)
    }

    /// The file of a segment. A name that is not one of ours names no file outside of the folder.
    fn path(&self, segment: &str) -> Result<PathBuf, LogError> {
        let plain = !segment.starts_with('.') && segment.bytes().all(is_plain);
        let path = self.dir.join(segment);
        if plain && !segment.is_empty() {
            Ok(path)
        } else {
            Err(LogError::Missing { place: path })
        }
    }
}

/// Whether the worker `worker` wrote the segment `name`.
pub(crate) fn is_of(name: &str, worker: &WorkerId) -> bool {
    let rest = name.strip_prefix(&stem(worker));
    let number = rest.and_then(|rest| rest.strip_prefix('+'));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The common beginning of the names of a worker's segments.
fn stem(worker: &WorkerId) -> String {
    let name = &worker.0;
    let plain = !name.is_empty() && !name.starts_with('.') && name.len() <= 100;
    if plain && name.bytes().all(|byte| is_plain(byte) && byte != b'+') {
        return name.clone();
    }
    format!("worker-{}", &Digest::of(name.as_bytes()).to_hex()[..16])
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+".contains(&byte)
}

/// What can go wrong with logs.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The segment is gone.
    #[error("the log segment `{place}` is not there any more; logs go when their run does")]
    Missing {
        /// Its file.
        place: PathBuf,
    },
    /// A frame that was synced does not read back.
    #[error("the log segment `{place}` is damaged at offset {offset}")]
    Damaged {
        /// Its file.
        place: PathBuf,
        /// Where.
        offset: u64,
    },
    /// The disk is full.
    #[error("no space is left on the disk for the log `{place}`; free some space")]
    Full {
        /// The folder or file.
        place: PathBuf,
    },
    /// The disk failed.
    #[error("cannot use the log `{place}`")]
    Io {
        /// The folder or file.
        place: PathBuf,
        /// What was said.
        source: io::Error,
    },
}

fn fault(place: &Path, source: io::Error) -> LogError {
    let place = place.to_owned();
    if crate::error::is_full(&source) {
        LogError::Full { place }
    } else {
        LogError::Io { place, source }
    }
}
