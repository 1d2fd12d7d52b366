//! Files that people and pipelines name: ordinary ones, read up to a bound.
//!
//! Opening never waits and reading never goes on without end: what a file is, is asked of the open file itself, and folders,
//! named pipes, devices and sockets are refused by what they are. A pipe without a name was handed to this process on
//! purpose (`/dev/stdin`, `<(command)`), so it is read, up to the same bound.

use crate::fault::Fault;
use anyhow::Result;
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

/// Why there are no bytes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// The system refused it.
    #[error("it cannot be read")]
    Refused(#[source] io::Error),
    /// It is something else than a file.
    #[error("it is {}", .0.as_str())]
    Other(Kind),
}

/// What is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    NamedPipe,
    Device,
    Socket,
    /// None of these either.
    Unknown,
}

impl Kind {
    /// It, as messages name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "a folder",
            Self::NamedPipe => "a named pipe",
            Self::Device => "a device",
            Self::Socket => "a socket",
            Self::Unknown => "no ordinary file",
        }
    }
}

/// The bytes of the file at `path`: all of them, or one more than `most_bytes`.
///
/// # Errors
/// When it cannot be opened or read, or is no ordinary file.
pub(crate) fn read(path: &Path, most_bytes: usize) -> Result<Vec<u8>, Unread> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let refused = |error: rustix::io::Errno| match error {
        // What a socket answers to whoever opens it.
        rustix::io::Errno::NXIO => Unread::Other(Kind::Socket),
        error => Unread::Refused(error.into()),
    };
    let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(refused)?;
    let seen = rustix::fs::fstat(&opened).map_err(refused)?;
    let kind = match FileType::from_raw_mode(seen.st_mode) {
        FileType::RegularFile => None,
        FileType::Fifo if is_handed_over(&opened) => None,
        FileType::Fifo => Some(Kind::NamedPipe),
        FileType::Directory => Some(Kind::Folder),
        FileType::CharacterDevice | FileType::BlockDevice => Some(Kind::Device),
        FileType::Socket => Some(Kind::Socket),
        FileType::Symlink | FileType::Unknown => Some(Kind::Unknown),
    };
    if let Some(kind) = kind {
        return Err(Unread::Other(kind));
    }
    // Whoever writes into a pipe may take its time.
    rustix::fs::fcntl_setfl(&opened, OFlags::empty()).map_err(refused)?;
    let bound = most_bytes as u64 + 1;
    let mut bytes = Vec::new();
    let read = File::from(opened).take(bound).read_to_end(&mut bytes);
    read.map_err(Unread::Refused)?;
    Ok(bytes)
}

/// Whether a pipe has no name, so that nobody but who started this process can have given it.
fn is_handed_over(pipe: &OwnedFd) -> bool {
    let name = std::fs::read_link(format!("/proc/self/fd/{}", pipe.as_raw_fd()));
    name.is_ok_and(|name| name.to_string_lossy().starts_with("pipe:["))
}

impl Unread {
    /// The fault of a person who names `thing`, where `wanted` is what it has to be.
    pub(crate) fn fault(self, thing: &str, wanted: &str) -> anyhow::Error {
        match self {
            Self::Refused(error) => anyhow::Error::new(error).context(
                Fault::usage(format!("cannot read {thing}"))
                    .help("check the name and the permissions of the file"),
            ),
            Self::Other(kind) => Fault::usage(format!("{thing} is {}; {wanted}", kind.as_str()))
                .help("name an ordinary file")
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(path: &Path) -> &'static str {
        match read(path, 8) {
            Err(Unread::Other(kind)) => kind.as_str(),
            Err(Unread::Refused(_)) => "refused",
            Ok(_) => "a file",
        }
    }

    #[test]
    fn what_is_no_file_is_refused_by_what_it_is_and_nothing_waits() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(kind(&fifo), "a named pipe");
        assert_eq!(kind(folder.path()), "a folder");
        assert_eq!(kind(Path::new("/dev/zero")), "a device");
        assert_eq!(kind(&socket), "a socket");
        assert_eq!(kind(&folder.path().join("none")), "refused");
    }

    #[test]
    fn a_pipe_that_was_handed_over_is_read_up_to_the_bound() {
        let (from, mut to) = io::pipe().unwrap();
        io::Write::write_all(&mut to, b"0123456789").unwrap();
        let path = format!("/proc/self/fd/{}", from.as_raw_fd());
        assert_eq!(read(Path::new(&path), 4).unwrap(), b"01234");
    }
}
