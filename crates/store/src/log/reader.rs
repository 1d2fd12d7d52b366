//! Reading the frames of one attempt out of a segment.

use super::frame::{self, Frame, HEADER_BYTES, Header, MAGIC};
use super::{LogError, fault};
use model::ids::AttemptId;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

/// Reads the frames of an attempt in order, in bounded memory.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    /// `None` when there is nothing to read.
    file: Option<BufReader<File>>,
    attempt: AttemptId,
    /// Offset of the next frame.
    at: u64,
    end: End,
}

/// Where reading ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Here; everything before was synced, so that a bad frame is damage.
    At(u64),
    /// Behind the last good frame, for the moment.
    Tail,
}

impl LogReader {
    pub(super) fn bounded(
        path: PathBuf,
        from: u64,
        to: u64,
        attempt: AttemptId,
    ) -> Result<Self, LogError> {
        let file = if from < to { Some(open(&path)?) } else { None };
        let mut reader = Self {
            path,
            file,
            attempt,
            at: from,
            end: End::At(to),
        };
        reader.rewind()?;
        Ok(reader)
    }

    pub(super) fn open_ended(path: PathBuf, attempt: AttemptId) -> Result<Self, LogError> {
        let mut reader = Self {
            file: Some(open(&path)?),
            path,
            attempt,
            at: MAGIC.len() as u64,
            end: End::Tail,
        };
        reader.rewind()?;
        Ok(reader)
    }

    /// The next frame of the attempt. `None`: there is none, or none yet; asking again is allowed.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when a frame of an ended attempt does not read back.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'static>>, LogError> {
        let Some((raw, header)) = self.next_header()? else {
            return Ok(None);
        };
        let mut bytes = vec![0; header.length];
        let frame = match self.read_exact(&mut bytes)? {
            Filled::Whole => frame::decode(&raw, header, bytes),
            Filled::Short => None,
        };
        match frame {
            Some(frame) => {
                self.at += (HEADER_BYTES + header.length) as u64;
                Ok(Some(frame))
            }
            None => self.no_good_frame(),
        }
    }

    /// Moves to the first frame of the attempt; `false` when there is none.
    pub(super) fn seek_first(&mut self) -> Result<bool, LogError> {
        let found = self.next_header()?.is_some();
        self.rewind()?;
        Ok(found)
    }

    /// The next header of the attempt, with `at` at its beginning; frames of others are passed over.
    fn next_header(&mut self) -> Result<Option<([u8; HEADER_BYTES], Header)>, LogError> {
        loop {
            if let End::At(end) = self.end
                && self.at >= end
            {
                return Ok(None);
            }
            let mut raw = [0; HEADER_BYTES];
            let header = match self.read_exact(&mut raw)? {
                Filled::Whole => frame::decode_header(&raw),
                Filled::Short => None,
            };
            let Some(header) = header else {
                return self.no_good_frame();
            };
            if header.attempt == self.attempt {
                return Ok(Some((raw, header)));
            }
            let length = i64::try_from(header.length).expect("frames are bounded");
            let skipped = self
                .file
                .as_mut()
                .map_or(Ok(()), |file| file.seek_relative(length));
            skipped.map_err(|source| fault(&self.path, source))?;
            self.at += (HEADER_BYTES + header.length) as u64;
        }
    }

    fn no_good_frame<T>(&mut self) -> Result<Option<T>, LogError> {
        match self.end {
            End::Tail => {
                self.rewind()?;
                Ok(None)
            }
            End::At(_) => Err(LogError::Damaged {
                place: self.path.clone(),
                offset: self.at,
            }),
        }
    }

    /// Goes back to the next frame's beginning, and forgets what was read ahead.
    fn rewind(&mut self) -> Result<(), LogError> {
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(self.at))
                .map_err(|source| fault(&self.path, source))?;
        }
        Ok(())
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<Filled, LogError> {
        let Some(file) = &mut self.file else {
            return Ok(Filled::Short);
        };
        match file.read_exact(buffer) {
            Ok(()) => Ok(Filled::Whole),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Filled::Short),
            Err(source) => Err(fault(&self.path, source)),
        }
    }
}

impl Iterator for LogReader {
    type Item = Result<Frame<'static>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_frame().transpose()
    }
}

enum Filled {
    Whole,
    Short,
}

fn open(path: &PathBuf) -> Result<BufReader<File>, LogError> {
    let failed = |source: io::Error| match source.kind() == ErrorKind::NotFound {
        true => LogError::Missing {
            place: path.clone(),
        },
        false => fault(path, source),
    };
    let file = File::open(path).map_err(failed)?;
    Ok(BufReader::with_capacity(64 * 1024, file))
}
