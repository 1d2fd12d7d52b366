//! Writing segments.

use super::frame::{self, Frame, MAGIC};
use super::{LogError, LogSink, fault};
use engine::rows::LogRef;
use model::ids::AttemptId;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;

/// The writer of one worker's segments.
#[derive(Debug)]
pub struct LogWriter {
    dir: PathBuf,
    stem: String,
    /// New attempts begin in a new segment when the newest is as long as this.
    segment_bytes: u64,
    /// Number of the next segment.
    next: u32,
    /// Open segments; the last one takes new attempts, the others hold attempts that go on.
    segments: Vec<Open>,
    attempts: BTreeMap<AttemptId, Progress>,
}

/// A segment that is written.
#[derive(Debug)]
struct Open {
    name: String,
    file: File,
    length: u64,
    synced: bool,
    /// Whether its name is durable.
    named: bool,
    /// Frames of the append that is going on.
    buffer: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Progress {
    segment: String,
    from: u64,
    to: u64,
    size_bytes: u64,
}

impl LogWriter {
    pub(super) fn new(dir: PathBuf, stem: String, segment_bytes: u64) -> Self {
        Self {
            dir,
            stem,
            segment_bytes,
            next: 1,
            segments: Vec::new(),
            attempts: BTreeMap::new(),
        }
    }

    /// The index of the segment that the attempt is in, or begins in; `grown` are those with frames in the append that
    /// is going on.
    fn segment_for(
        &mut self,
        attempt: AttemptId,
        grown: &BTreeMap<AttemptId, Progress>,
    ) -> Result<usize, LogError> {
        let known = grown.get(&attempt).or_else(|| self.attempts.get(&attempt));
        if let Some(progress) = known {
            let index = self
                .segments
                .iter()
                .position(|open| open.name == progress.segment);
            return Ok(index.expect("a segment stays open while attempts in it go on"));
        }
        let limit = self.segment_bytes;
        let has_room = |open: &Open| open.length + (open.buffer.len() as u64) < limit;
        if !self.segments.last().is_some_and(has_room) {
            let open = self.create().map_err(|source| fault(&self.dir, source))?;
            self.segments.push(open);
        }
        Ok(self.segments.len() - 1)
    }

    fn create(&mut self) -> io::Result<Open> {
        loop {
            let name = format!("{}+{:06}", self.stem, self.next);
            self.next += 1;
            let created = OpenOptions::new()
                .append(true)
                .create_new(true)
                .open(self.dir.join(&name));
            match created {
                Ok(mut file) => {
                    // Says that the segment is written by somebody who lives.
                    file.lock()?;
                    file.write_all(MAGIC)?;
                    return Ok(Open {
                        name,
                        file,
                        length: MAGIC.len() as u64,
                        synced: false,
                        named: false,
                        buffer: Vec::new(),
                    });
                }
                // An earlier worker of this name: its segment stays as it is.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn buffer(&mut self, frames: &[Frame<'_>]) -> Result<BTreeMap<AttemptId, Progress>, LogError> {
        let mut grown: BTreeMap<AttemptId, Progress> = BTreeMap::new();
        for each in frames.iter().filter(|each| !each.bytes.is_empty()) {
            let index = self.segment_for(each.attempt, &grown)?;
            let open = &mut self.segments[index];
            let at = open.length + open.buffer.len() as u64;
            frame::encode(each, &mut open.buffer);
            let before = self.attempts.get(&each.attempt);
            let progress = grown.entry(each.attempt).or_insert_with(|| {
                before.cloned().unwrap_or(Progress {
                    segment: open.name.clone(),
                    from: at,
                    to: at,
                    size_bytes: 0,
                })
            });
            progress.to = open.length + open.buffer.len() as u64;
            progress.size_bytes += each.bytes.len() as u64;
        }
        Ok(grown)
    }

    /// Writes the buffers; on failure, segments that did grow are cut back.
    fn write(&mut self) -> io::Result<()> {
        let before: Vec<u64> = self.segments.iter().map(|open| open.length).collect();
        let written = self.segments.iter_mut().try_for_each(Open::write);
        if written.is_err() {
            for (open, length) in self.segments.iter_mut().zip(before) {
                // When even that fails, readers stop at the last good frame.
                drop(open.file.set_len(length));
                open.length = length;
            }
        }
        written
    }

    fn close_unused(&mut self) {
        let last = self.segments.len().saturating_sub(1);
        let mut index = 0;
        self.segments.retain(|open| {
            let newest = index == last;
            index += 1;
            let mut going_on = self.attempts.values();
            newest || !open.synced || going_on.any(|progress| progress.segment == open.name)
        });
    }
}

impl LogSink for LogWriter {
    fn append(&mut self, frames: &[Frame<'_>]) -> Result<(), LogError> {
        let grown = self.buffer(frames);
        let written = grown.and_then(|grown| {
            self.write().map_err(|source| fault(&self.dir, source))?;
            Ok(grown)
        });
        for open in &mut self.segments {
            open.buffer.clear();
        }
        self.attempts.extend(written?);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        let failed = |source| fault(&self.dir, source);
        let mut new_names = false;
        for open in self.segments.iter_mut().filter(|open| !open.synced) {
            open.file.sync_data().map_err(failed)?;
            open.synced = true;
            new_names |= !open.named;
        }
        if new_names {
            let dir = File::open(&self.dir).map_err(failed)?;
            dir.sync_all().map_err(failed)?;
            for open in &mut self.segments {
                open.named = true;
            }
        }
        self.close_unused();
        Ok(())
    }

    fn written_bytes(&self, attempt: AttemptId) -> u64 {
        self.attempts
            .get(&attempt)
            .map_or(0, |progress| progress.size_bytes)
    }

    fn finish(&mut self, attempt: AttemptId, missing_bytes: u64) -> Option<LogRef> {
        let progress = match self.attempts.remove(&attempt) {
            Some(progress) => progress,
            None if missing_bytes > 0 => Progress {
                segment: format!("{}+{:06}", self.stem, self.next),
                from: 0,
                to: 0,
                size_bytes: 0,
            },
            None => return None,
        };
        self.close_unused();
        Some(LogRef {
            segment: progress.segment,
            from: progress.from,
            to: progress.to,
            size_bytes: progress.size_bytes,
            missing_bytes,
        })
    }
}

impl Open {
    fn write(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.file.write_all(&self.buffer)?;
        self.length += self.buffer.len() as u64;
        self.synced = false;
        Ok(())
    }
}
