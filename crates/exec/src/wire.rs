//! The messages between an executor and its spawner, and their bytes.
//!
//! Both ends are the same program, so the form is as plain as can be: fixed-width little-endian numbers, and
//! texts that end in NUL, so that the spawner hands them to the kernel as they lie in the packet. A message
//! that cannot be read means that the other side is not what it says, and ends the connection.

use std::ffi::CStr;

use crate::command::Limits;
use crate::event::{Exit, Phase, Usage};
use crate::packet::{INLINE, PACKET_MAX_BYTES};

/// What an executor asks. Texts point into the packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    Start(Start<'a>),
    Terminate { id: u64 },
    Kill { id: u64 },
    Finish { tree: &'a str },
}

/// A command to start. Its output descriptors travel beside it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Start<'a> {
    pub(crate) id: u64,
    pub(crate) tree: &'a str,
    pub(crate) is_last: bool,
    pub(crate) limits: Limits,
    pub(crate) cwd: &'a CStr,
    /// A path or a name.
    pub(crate) program: &'a CStr,
    /// All arguments, the program's name first.
    pub(crate) argv: Vec<&'a CStr>,
    /// `NAME=value` each.
    pub(crate) envp: Vec<&'a CStr>,
}

/// What a spawner tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Started {
        id: u64,
        pid: i32,
    },
    NotStarted {
        id: u64,
        phase: Phase,
        errno: i32,
        text: String,
    },
    Exited {
        id: u64,
        exit: Exit,
        usage: Usage,
        oom_killed: bool,
    },
    TreeGone {
        tree: String,
        killed: u32,
        usage: Usage,
    },
}

const START: u8 = 1;
const TERMINATE: u8 = 2;
const KILL: u8 = 3;
const FINISH: u8 = 4;
const STARTED: u8 = 5;
const NOT_STARTED: u8 = 6;
const EXITED: u8 = 7;
const TREE_GONE: u8 = 8;

/// No limit.
const NONE: u64 = u64::MAX;

/// A message being written.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    fn new(kind: u8) -> Self {
        Self(vec![INLINE, kind])
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn limit(&mut self, value: Option<u64>) {
        self.u64(value.unwrap_or(NONE));
    }

    /// A text of several pieces, none of which holds a NUL.
    fn text(&mut self, pieces: &[&[u8]]) {
        let size_bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.u32(u32::try_from(size_bytes).expect("a message is at most some MiB long"));
        for piece in pieces {
            self.0.extend_from_slice(piece);
        }
        self.0.push(0);
    }

    fn usage(&mut self, usage: Usage) {
        self.u64(usage.cpu_user_us);
        self.u64(usage.cpu_system_us);
        self.u64(usage.memory_peak_bytes);
    }
}

/// Texts of a [`Start`] as the executor has them; an environment entry is its name and its value.
pub(crate) struct StartTexts<'a> {
    pub(crate) tree: &'a str,
    pub(crate) cwd: &'a [u8],
    pub(crate) program: &'a [u8],
    pub(crate) args: Vec<&'a [u8]>,
    pub(crate) env: Vec<(&'a [u8], &'a [u8])>,
}

/// The bytes of a request to start. No text holds a NUL.
pub(crate) fn start(id: u64, is_last: bool, limits: &Limits, texts: &StartTexts<'_>) -> Vec<u8> {
    let mut to = Writer::new(START);
    to.u64(id);
    to.u32(u32::from(is_last));
    to.limit(limits.memory_bytes);
    to.limit(limits.pids);
    to.limit(limits.cpu_millicores);
    to.limit(limits.file_size_bytes);
    to.text(&[texts.tree.as_bytes()]);
    to.text(&[texts.cwd]);
    to.text(&[texts.program]);
    to.u32(u32::try_from(texts.args.len() + 1).expect("a message is at most some MiB long"));
    to.text(&[texts.program]);
    for arg in &texts.args {
        to.text(&[arg]);
    }
    to.u32(u32::try_from(texts.env.len()).expect("a message is at most some MiB long"));
    for (name, value) in &texts.env {
        to.text(&[name, b"=", value]);
    }
    to.0
}

/// The bytes of a request to ask a command to end.
pub(crate) fn terminate(id: u64) -> Vec<u8> {
    let mut to = Writer::new(TERMINATE);
    to.u64(id);
    to.0
}

/// The bytes of a request to end a command.
pub(crate) fn kill(id: u64) -> Vec<u8> {
    let mut to = Writer::new(KILL);
    to.u64(id);
    to.0
}

/// The bytes of a request to end a tree.
pub(crate) fn finish(tree: &str) -> Vec<u8> {
    let mut to = Writer::new(FINISH);
    to.text(&[tree.as_bytes()]);
    to.0
}

/// A packet of replies being written.
pub(crate) struct Replies(Writer);

impl Replies {
    /// Longer than nearly any reply. A packet that gets too long all the same travels in a file.
    const REPLY_MAX_BYTES: usize = 16 << 10;

    pub(crate) fn new() -> Self {
        Self(Writer(vec![INLINE]))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.0.len() == 1
    }

    /// Whether another reply might not fit into the packet.
    pub(crate) fn is_full(&self) -> bool {
        self.0.0.len() + Self::REPLY_MAX_BYTES > PACKET_MAX_BYTES
    }

    pub(crate) fn packet(&self) -> &[u8] {
        &self.0.0
    }

    pub(crate) fn clear(&mut self) {
        self.0.0.truncate(1);
    }

    pub(crate) fn push(&mut self, reply: &Reply) {
        let to = &mut self.0;
        match reply {
            Reply::Started { id, pid } => {
                to.u8(STARTED);
                to.u64(*id);
                to.u32(pid.cast_unsigned());
            }
            Reply::NotStarted {
                id,
                phase,
                errno,
                text,
            } => {
                to.u8(NOT_STARTED);
                to.u64(*id);
                to.u32(phase_number(*phase));
                to.u32(errno.cast_unsigned());
                to.text(&[text.as_bytes()]);
            }
            Reply::Exited {
                id,
                exit,
                usage,
                oom_killed,
            } => {
                to.u8(EXITED);
                to.u64(*id);
                let (signaled, number) = match exit {
                    Exit::Code(code) => (0, code),
                    Exit::Signal(signal) => (1, signal),
                };
                to.u32(signaled);
                to.u32(number.cast_unsigned());
                to.usage(*usage);
                to.u32(u32::from(*oom_killed));
            }
            Reply::TreeGone {
                tree,
                killed,
                usage,
            } => {
                to.u8(TREE_GONE);
                to.text(&[tree.as_bytes()]);
                to.u32(*killed);
                to.usage(*usage);
            }
        }
    }
}

/// Reads a request; `None` if it is none.
pub(crate) fn read_request(message: &[u8]) -> Option<Request<'_>> {
    let mut from = Reader(message);
    let request = match from.u8()? {
        START => Request::Start(Start {
            id: from.u64()?,
            is_last: from.u32()? != 0,
            limits: Limits {
                memory_bytes: from.limit()?,
                pids: from.limit()?,
                cpu_millicores: from.limit()?,
                file_size_bytes: from.limit()?,
            },
            tree: from.text()?.to_str().ok()?,
            cwd: from.text()?,
            program: from.text()?,
            argv: from.texts()?,
            envp: from.texts()?,
        }),
        TERMINATE => Request::Terminate { id: from.u64()? },
        KILL => Request::Kill { id: from.u64()? },
        FINISH => Request::Finish {
            tree: from.text()?.to_str().ok()?,
        },
        _ => return None,
    };
    from.0.is_empty().then_some(request)
}

/// Reads replies; `None` if they are none.
pub(crate) fn read_replies(message: &[u8]) -> Option<Vec<Reply>> {
    let mut from = Reader(message);
    let mut replies = Vec::new();
    while !from.0.is_empty() {
        replies.push(read_reply(&mut from)?);
    }
    Some(replies)
}

fn read_reply(from: &mut Reader<'_>) -> Option<Reply> {
    Some(match from.u8()? {
        STARTED => Reply::Started {
            id: from.u64()?,
            pid: from.u32()?.cast_signed(),
        },
        NOT_STARTED => Reply::NotStarted {
            id: from.u64()?,
            phase: *PHASES.get(usize::try_from(from.u32()?).ok()?)?,
            errno: from.u32()?.cast_signed(),
            text: from.text()?.to_str().ok()?.to_owned(),
        },
        EXITED => Reply::Exited {
            id: from.u64()?,
            exit: match (from.u32()?, from.u32()?.cast_signed()) {
                (0, code) => Exit::Code(code),
                (_, signal) => Exit::Signal(signal),
            },
            usage: from.usage()?,
            oom_killed: from.u32()? != 0,
        },
        TREE_GONE => Reply::TreeGone {
            tree: from.text()?.to_str().ok()?.to_owned(),
            killed: from.u32()?,
            usage: from.usage()?,
        },
        _ => return None,
    })
}

/// A message being read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, size_bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size_bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn limit(&mut self) -> Option<Option<u64>> {
        let value = self.u64()?;
        Some((value != NONE).then_some(value))
    }

    fn text(&mut self) -> Option<&'a CStr> {
        let size_bytes = usize::try_from(self.u32()?).ok()?;
        CStr::from_bytes_with_nul(self.take(size_bytes.checked_add(1)?)?).ok()
    }

    fn texts(&mut self) -> Option<Vec<&'a CStr>> {
        let count = self.u32()?;
        (0..count).map(|_| self.text()).collect()
    }

    fn usage(&mut self) -> Option<Usage> {
        Some(Usage {
            cpu_user_us: self.u64()?,
            cpu_system_us: self.u64()?,
            memory_peak_bytes: self.u64()?,
        })
    }
}

/// The phases by their number on the wire and in the page that a new process reports through.
const PHASES: [Phase; 10] = [
    Phase::Request,
    Phase::Ending,
    Phase::Spawner,
    Phase::Pipe,
    Phase::Fork,
    Phase::Cgroup,
    Phase::Streams,
    Phase::Limit,
    Phase::WorkingDirectory,
    Phase::Program,
];

fn phase_number(phase: Phase) -> u32 {
    let place = PHASES.iter().position(|known| *known == phase);
    u32::try_from(place.expect("every phase is in the table")).expect("few phases")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_is_read_as_written() {
        let limits = Limits {
            memory_bytes: Some(5),
            file_size_bytes: Some(0),
            ..Limits::default()
        };
        let texts = StartTexts {
            tree: "run/task/1",
            cwd: b"/tmp",
            program: b"sh",
            args: vec![b"-c", b""],
            env: vec![(b"A", b"1=2"), (b"B", b"\xff")],
        };
        let bytes = start(7, true, &limits, &texts);
        let Some(Request::Start(read)) = read_request(&bytes[1..]) else {
            panic!("a start request was written");
        };
        assert_eq!(
            (read.id, read.is_last, read.tree, read.limits),
            (7, true, "run/task/1", limits)
        );
        assert_eq!(read.argv, [c"sh", c"-c", c""]);
        assert_eq!(read.envp, [c"A=1=2", c"B=\xff"]);
    }

    #[test]
    fn replies_are_read_as_written() {
        let usage = Usage {
            cpu_user_us: 1,
            cpu_system_us: 2,
            memory_peak_bytes: 3,
        };
        let written = vec![
            Reply::Started { id: 1, pid: 2 },
            Reply::NotStarted {
                id: 1,
                phase: Phase::Program,
                errno: 2,
                text: "x".to_owned(),
            },
            Reply::Exited {
                id: 1,
                exit: Exit::Code(3),
                usage,
                oom_killed: true,
            },
            Reply::Exited {
                id: 1,
                exit: Exit::Signal(9),
                usage,
                oom_killed: false,
            },
            Reply::TreeGone {
                tree: "t".to_owned(),
                killed: 4,
                usage,
            },
        ];
        let mut replies = Replies::new();
        written.iter().for_each(|reply| replies.push(reply));
        assert_eq!(read_replies(&replies.packet()[1..]), Some(written));
        replies.clear();
        assert!(replies.is_empty());
    }

    #[test]
    fn broken_messages_are_refused() {
        let whole = &finish("tree")[1..];
        for end in 0..whole.len() {
            assert_eq!(read_request(&whole[..end]), None);
        }
        assert_eq!(read_request(&[whole, &[0]].concat()), None);
        assert_eq!(read_replies(&[99]), None);
    }
}
