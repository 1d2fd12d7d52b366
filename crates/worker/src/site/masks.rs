//! Texts that a command asks to hide while it runs: its file is looked at whenever output of it arrives, so that what it
//! prints behind such a line never shows the text.
//!
//! A last line without an end counts too: whoever wrote it may print it next.

use super::open_at_once;
use crate::contract;
use model::limits;
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// A file up to this size is read whole each time, so that it does not matter whether it is written anew or added to.
const READ_WHOLE_BYTES: u64 = 64 * 1024;

/// How much of a command's file is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MasksSeen {
    /// Its size.
    bytes: u64,
    /// Where its last line begins that may not be whole.
    rest: u64,
}

/// Texts in the file at `path`, without those that are certainly known. What cannot be read is said when the command has
/// ended.
pub(super) fn read_new(path: &Path, seen: &mut MasksSeen) -> Vec<Vec<u8>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() > 0 => {
            let bytes = metadata.len();
            if bytes == seen.bytes && bytes > READ_WHOLE_BYTES {
                return Vec::new();
            }
            if bytes <= READ_WHOLE_BYTES || bytes < seen.bytes {
                seen.rest = 0;
            }
            seen.bytes = bytes;
        }
        Ok(_) | Err(_) => return Vec::new(),
    }
    let Ok(text) = read_from(path, seen.rest) else {
        return Vec::new();
    };
    let whole = text.iter().rposition(|byte| *byte == b'\n');
    seen.rest += whole.map_or(0, |end| end as u64 + 1);
    contract::masks(&text)
}

fn read_from(path: &Path, start: u64) -> io::Result<Vec<u8>> {
    let mut file = open_at_once(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut text = Vec::new();
    file.take(limits::STEP_ENV_BYTES as u64)
        .read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_large_file_is_read_on_where_its_last_line_began() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.mask");
        let mut file = fs::File::create(&path).unwrap();
        let mut seen = MasksSeen::default();
        let mut add = |text: &str| {
            file.write_all(text.as_bytes()).unwrap();
            let texts = read_new(&path, &mut seen);
            texts.iter().map(|text| text.len()).collect::<Vec<_>>()
        };
        let long = "x".repeat(70_000);
        assert_eq!(add(&format!("first\n{long}")), [5, 70_000]);
        assert_eq!(add("end\nmore\n"), [70_003, 4]);
        assert_eq!(add("last"), [4]);
        assert_eq!(add(""), [0; 0]);
    }
}
