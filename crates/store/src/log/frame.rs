//! One frame on disk: a fixed header, then the bytes.
//!
//! `length:u32 crc:u32 run:12 task:u32 attempt:u32 step:u32 at:i64 stream:u8`, numbers with the low
//! byte first. The checksum covers everything behind it.

use super::checksum::crc32;
use model::ids::{AttemptId, AttemptNo, RunId, TaskNo};
use model::limits::LOG_FRAME_BYTES;
use model::time::Timestamp;
use std::borrow::Cow;

/// What a segment begins with.
pub(super) const MAGIC: &[u8; 8] = b"frmclog1";
/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 41;
const CHECKED_FROM: usize = 8;

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Whose output.
    pub attempt: AttemptId,
    /// Where it came out.
    pub stream: Stream,
    /// Index of the step in its task.
    pub step: u32,
    /// When it was read.
    pub at: Timestamp,
    /// The bytes as they came.
    pub bytes: Cow<'a, [u8]>,
}

/// Where output comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output, and standard error too unless they are kept apart.
    Stdout,
    /// Standard error where it is kept apart.
    Stderr,
    /// What formic says about the attempt.
    System,
}

/// A header that reads well; its bytes are not checked yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) length: usize,
    pub(super) attempt: AttemptId,
    crc: u32,
    stream: Stream,
    step: u32,
    at: Timestamp,
}

impl Stream {
    const fn code(self) -> u8 {
        match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
            Self::System => 3,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Stdout),
            2 => Some(Self::Stderr),
            3 => Some(Self::System),
            _ => None,
        }
    }
}

/// Appends `frame` to `buffer`, in several frames if it is too long for one.
pub(super) fn encode(frame: &Frame<'_>, buffer: &mut Vec<u8>) {
    for bytes in frame.bytes.chunks(LOG_FRAME_BYTES) {
        let header = header(frame, bytes);
        buffer.extend_from_slice(&header);
        buffer.extend_from_slice(bytes);
    }
}

fn header(frame: &Frame<'_>, bytes: &[u8]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let mut at = 0;
    let mut put = |part: &[u8]| {
        header[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    };
    let length = u32::try_from(bytes.len()).expect("frames are bounded");
    put(&length.to_le_bytes());
    put(&[0; 4]);
    put(frame.attempt.run.as_str().as_bytes());
    put(&frame.attempt.task.0.to_le_bytes());
    put(&frame.attempt.attempt.0.to_le_bytes());
    put(&frame.step.to_le_bytes());
    put(&frame.at.0.to_le_bytes());
    put(&[frame.stream.code()]);
    let crc = crc32([&header[CHECKED_FROM..], bytes]);
    header[4..8].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Reads a header; `None` when it cannot be one.
pub(super) fn decode_header(header: &[u8; HEADER_BYTES]) -> Option<Header> {
    let mut rest = header.as_slice();
    let length = u32::from_le_bytes(take(&mut rest)?) as usize;
    let crc = u32::from_le_bytes(take(&mut rest)?);
    let run: [u8; RunId::LEN] = take(&mut rest)?;
    let run = std::str::from_utf8(&run).ok()?.parse().ok()?;
    let task = TaskNo(u32::from_le_bytes(take(&mut rest)?));
    let attempt = AttemptNo(u32::from_le_bytes(take(&mut rest)?));
    let step = u32::from_le_bytes(take(&mut rest)?);
    let at = Timestamp(i64::from_le_bytes(take(&mut rest)?));
    let stream = Stream::from_code(u8::from_le_bytes(take(&mut rest)?))?;
    (1..=LOG_FRAME_BYTES).contains(&length).then_some(Header {
        length,
        attempt: AttemptId { run, task, attempt },
        crc,
        stream,
        step,
        at,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (part, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*part)
}

/// The frame of a header and its bytes; `None` when the checksum says otherwise.
pub(super) fn decode(
    raw: &[u8; HEADER_BYTES],
    header: Header,
    bytes: Vec<u8>,
) -> Option<Frame<'static>> {
    let good = crc32([&raw[CHECKED_FROM..], &bytes]) == header.crc;
    good.then_some(Frame {
        attempt: header.attempt,
        stream: header.stream,
        step: header.step,
        at: header.at,
        bytes: Cow::Owned(bytes),
    })
}
