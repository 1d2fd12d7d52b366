//! The bytes inside a blob's file: the two forms, the frame with the size, and the check when reading.

use crate::blob::Stored;
use model::digest::{Digest, DigestWriter};
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek as _, SeekFrom, Write as _};

/// Content is read in pieces of this size; the first piece decides whether compression pays.
const PIECE_BYTES: usize = 128 * 1024;
/// Smaller content takes one block of the disk either way.
const COMPRESS_FROM_BYTES: usize = 4 * 1024;
/// Fast; the stronger levels cost more time than reading the disk saves.
const LEVEL: i32 = 1;
/// The first piece has to shrink to nine tenths.
const WORTH_PERMILLE: usize = 900;
/// A frame that every zstd decompressor skips, with the size of the content in its eight bytes.
const SIZE_FRAME: [u8; 8] = [0x50, 0x2a, 0x4d, 0x18, 8, 0, 0, 0];
const SIZE_FRAME_BYTES: u64 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    AsGiven,
    Compressed,
}

pub(super) enum Failure {
    Content(io::Error),
    Disk(io::Error),
}

/// Writes `content` to a new file, compressed if its first piece says that it pays.
pub(super) fn write_content(
    file: &mut File,
    content: &mut dyn Read,
) -> Result<(Stored, Form), Failure> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut length = fill(content, &mut piece)?;
    let form = form_of(&piece[..length]);
    let mut digest = DigestWriter::new();
    let mut size_bytes = 0;
    let mut out = Out::new(file, form).map_err(Failure::Disk)?;
    while length > 0 {
        digest.update(&piece[..length]);
        size_bytes += length as u64;
        out.write(&piece[..length]).map_err(Failure::Disk)?;
        length = fill(content, &mut piece)?;
    }
    out.finish(size_bytes).map_err(Failure::Disk)?;
    let stored = Stored {
        digest: digest.finish(),
        size_bytes,
    };
    Ok((stored, form))
}

/// Where content is written in one of the two forms.
enum Out<'a> {
    AsGiven(&'a mut File),
    Compressed(zstd::Encoder<'static, &'a mut File>),
}

impl<'a> Out<'a> {
    fn new(file: &'a mut File, form: Form) -> io::Result<Self> {
        match form {
            Form::AsGiven => Ok(Self::AsGiven(file)),
            Form::Compressed => {
                file.write_all(&SIZE_FRAME)?;
                file.write_all(&[0; 8])?;
                zstd::Encoder::new(file, LEVEL).map(Self::Compressed)
            }
        }
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Self::AsGiven(file) => file.write_all(piece),
            Self::Compressed(encoder) => encoder.write_all(piece),
        }
    }

    fn finish(self, size_bytes: u64) -> io::Result<()> {
        if let Self::Compressed(encoder) = self {
            let file = encoder.finish()?;
            file.seek(SeekFrom::Start(SIZE_FRAME.len() as u64))?;
            file.write_all(&size_bytes.to_le_bytes())?;
        }
        Ok(())
    }
}

fn form_of(first_piece: &[u8]) -> Form {
    if first_piece.len() < COMPRESS_FROM_BYTES {
        return Form::AsGiven;
    }
    match zstd::bulk::compress(first_piece, LEVEL) {
        Ok(small) if small.len() * 1000 < first_piece.len() * WORTH_PERMILLE => Form::Compressed,
        Ok(_) | Err(_) => Form::AsGiven,
    }
}

/// Reads until `piece` is full or the content ends.
fn fill(content: &mut dyn Read, piece: &mut [u8]) -> Result<usize, Failure> {
    let mut filled = 0;
    while filled < piece.len() {
        match content.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Content(error)),
        }
    }
    Ok(filled)
}

pub(super) fn read_size_frame(file: &mut File) -> io::Result<u64> {
    let mut frame = [0; SIZE_FRAME_BYTES as usize];
    file.read_exact(&mut frame)?;
    let (head, size) = frame.split_at(SIZE_FRAME.len());
    if head != SIZE_FRAME {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            "a compressed blob does not begin with its size",
        ));
    }
    let size = size.try_into().expect("eight bytes are left");
    Ok(u64::from_le_bytes(size))
}

/// Content that is checked against its address when it ends.
pub(super) struct Verified {
    pub(super) content: BufReader<Box<dyn Read + Send>>,
    pub(super) digest: Digest,
    pub(super) seen: Option<DigestWriter>,
}

impl Read for Verified {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.content.read(buffer)?;
        if length > 0 {
            if let Some(seen) = &mut self.seen {
                seen.update(&buffer[..length]);
            }
        } else if !buffer.is_empty()
            && let Some(seen) = self.seen.take()
        {
            let found = seen.finish();
            if found != self.digest {
                return Err(io::Error::new(
                    ErrorKind::InvalidData,
                    format!("its content has the address `{found}`: the file is damaged"),
                ));
            }
        }
        Ok(length)
    }
}
