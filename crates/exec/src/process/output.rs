//! The output of one command: its pipes and how much may be read from them.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::command::StepRef;
use crate::event::Stream;

/// The reading ends of a command's pipes.
pub(super) struct Output {
    id: StepRef,
    /// Of `Stdout` and, if it is kept apart, `Stderr`; `None` once it has ended.
    pipes: [Option<Pipe>; 2],
    /// How much may be read until some is given back.
    room_bytes: usize,
}

struct Pipe {
    fd: OwnedFd,
    /// Whether the kernel tells us when it can be read.
    is_watched: bool,
    /// Bytes that were in it when it was last measured, and not read since.
    owed_bytes: usize,
}

/// What came of reading.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// So many bytes.
    Read(usize),
    /// It is empty for now.
    Empty,
    /// No one can write any more.
    Ended,
    /// There is no room for more.
    Full,
}

const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

impl Output {
    /// Makes one pipe or two, and returns their writing ends too.
    pub(super) fn new(
        id: StepRef,
        keep_stderr_apart: bool,
        room_bytes: usize,
    ) -> io::Result<(Self, Vec<OwnedFd>)> {
        let mut output = Self {
            id,
            pipes: [None, None],
            room_bytes,
        };
        let mut writers = Vec::with_capacity(2);
        for place in 0..=usize::from(keep_stderr_apart) {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
            // Ours only: the command's end is a file description of its own.
            rustix::io::ioctl_fionbio(&reader, true)?;
            output.pipes[place] = Some(Pipe {
                fd: reader,
                is_watched: false,
                owed_bytes: 0,
            });
            writers.push(writer);
        }
        Ok((output, writers))
    }

    /// Which command and stream a token of the kernel's event means.
    pub(super) fn of_token(token: u64) -> (StepRef, Stream) {
        (StepRef(token >> 1), STREAMS[usize::from(token & 1 == 1)])
    }

    /// Reads once into a buffer, as far as there is room.
    pub(super) fn read(
        &mut self,
        stream: Stream,
        buffer: &mut [u8],
        epoll: BorrowedFd<'_>,
    ) -> Progress {
        let place = usize::from(stream == Stream::Stderr);
        let Some(pipe) = &mut self.pipes[place] else {
            return Progress::Ended;
        };
        let most = buffer.len().min(self.room_bytes);
        if most == 0 {
            return Progress::Full;
        }
        let read = loop {
            match rustix::io::read(&pipe.fd, &mut buffer[..most]) {
                Err(Errno::INTR) => {}
                other => break other,
            }
        };
        match read {
            Err(Errno::AGAIN) => {
                pipe.owed_bytes = 0;
                Progress::Empty
            }
            // No other error is possible for a pipe of our own.
            Ok(0) | Err(_) => {
                self.pipes[place] = None;
                Progress::Ended
            }
            Ok(size_bytes) => {
                pipe.owed_bytes = pipe.owed_bytes.saturating_sub(size_bytes);
                self.room_bytes -= size_bytes;
                if self.room_bytes == 0 {
                    self.unwatch(epoll);
                }
                Progress::Read(size_bytes)
            }
        }
    }

    /// Makes room.
    pub(super) fn give_back(&mut self, size_bytes: usize, epoll: BorrowedFd<'_>) -> io::Result<()> {
        self.room_bytes += size_bytes;
        self.watch(epoll)
    }

    /// Measures what is in the pipes at this moment.
    pub(super) fn measure(&mut self) {
        for pipe in self.pipes.iter_mut().flatten() {
            let size_bytes = rustix::io::ioctl_fionread(&pipe.fd).unwrap_or(0);
            pipe.owed_bytes = usize::try_from(size_bytes).unwrap_or(usize::MAX);
        }
    }

    /// Whether what was last measured was not all read.
    pub(super) fn is_owing(&self) -> bool {
        self.pipes.iter().flatten().any(|pipe| pipe.owed_bytes > 0)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.pipes.iter().all(Option::is_none)
    }

    /// Has the kernel tell us of pipes that can be read, if there is room for that. Not before the start of the command
    /// is told, so that nothing is told of it before.
    pub(super) fn watch(&mut self, epoll: BorrowedFd<'_>) -> io::Result<()> {
        for (place, pipe) in self.pipes.iter_mut().enumerate() {
            if let Some(pipe) = pipe
                && !pipe.is_watched
                && self.room_bytes > 0
            {
                let token = epoll::EventData::new_u64(self.id.0 << 1 | place as u64);
                epoll::add(epoll, pipe.fd.as_fd(), token, epoll::EventFlags::IN)?;
                pipe.is_watched = true;
            }
        }
        Ok(())
    }

    /// A pipe that is not to be read has to be forgotten: its end would be told again and again.
    fn unwatch(&mut self, epoll: BorrowedFd<'_>) {
        for pipe in self.pipes.iter_mut().flatten() {
            if std::mem::take(&mut pipe.is_watched) {
                // It was added, and is open.
                epoll::delete(epoll, pipe.fd.as_fd()).ok();
            }
        }
    }
}
