//! A pipeline file as handed in: its name for messages, its bytes, and where its lines begin.
//!
//! Decoding is the first check: the file must be small enough and UTF-8. A byte order mark of UTF-8
//! is passed over; any other encoding is named in the message.

use crate::codes;
use crate::diagnostics::{Diagnostic, Place, Severity, Span};
use model::limits;

/// A pipeline file. Nothing here opens it: the caller has read it.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// What it is called in messages.
    pub name: String,
    /// Its bytes.
    pub text: Vec<u8>,
}

impl SourceFile {
    /// A file with this name and content.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// The name that its pipeline has unless the file says another one: without folders and the ending of YAML.
    #[must_use]
    pub fn stem(&self) -> &str {
        stem(&self.name)
    }

    /// The text without its byte order mark, and the number of bytes left out.
    ///
    /// # Errors
    /// When it is too large, not UTF-8, or holds a character that YAML does not allow.
    pub(crate) fn decode(&self) -> Result<(&str, usize), Box<Diagnostic>> {
        let bytes = self.text.as_slice();
        if bytes.len() > limits::PIPELINE_FILE_BYTES {
            // Who reads a file stops behind the bound, so how many there are is not known.
            let message = format!(
                "the file has more than {} bytes, which is the most that a pipeline may have",
                limits::PIPELINE_FILE_BYTES
            );
            return Err(self.at_byte(&codes::FILE_TOO_LARGE, 0, message));
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            let message = "the file is UTF-16; expected UTF-8".to_owned();
            return Err(self
                .at_byte(&codes::NOT_UTF8, 0, message)
                .with_help("save it as UTF-8"));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let byte = error.valid_up_to();
            let message = format!("byte 0x{:02x} is not UTF-8", bytes[byte]);
            self.at_byte(&codes::NOT_UTF8, byte, message)
                .with_help("save the file as UTF-8")
        })?;
        let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
        if let Some(byte) = text.find(forbidden) {
            let c = text[byte..].chars().next().unwrap_or_default();
            let message = format!("control character U+{:04X} is not allowed", u32::from(c));
            return Err(self
                .at_byte(&codes::CONTROL_CHARACTER, byte, message)
                .with_help("in double quotes it can be written as an escape such as `\\x1b`"));
        }
        let bom = '\u{feff}'.len_utf8();
        Ok(text
            .strip_prefix('\u{feff}')
            .map_or((text, 0), |rest| (rest, bom)))
    }

    fn at_byte(&self, code: &'static codes::Code, byte: usize, message: String) -> Box<Diagnostic> {
        let before = &self.text[..byte];
        let line = before.iter().filter(|b| **b == b'\n').count();
        let line_start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        // A byte order mark is no character of the first line.
        let marked = before[line_start..].strip_prefix(b"\xef\xbb\xbf");
        let on_line = marked.filter(|_| line_start == 0);
        let on_line = on_line.unwrap_or(&before[line_start..]);
        let column = String::from_utf8_lossy(on_line).chars().count();
        Box::new(Diagnostic {
            code: code.code,
            severity: Severity::Error,
            file: self.name.clone(),
            span: Span {
                start: byte,
                end: (byte + 1).min(self.text.len()),
            },
            line: u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1),
            column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
            message,
            labels: Vec::new(),
            elsewhere: Vec::new(),
            help: None,
            notes: Vec::new(),
        })
    }
}

/// The name of the file at `path` without folders and the ending of YAML.
pub(crate) fn stem(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    let stem = base
        .strip_suffix(".yaml")
        .or_else(|| base.strip_suffix(".yml"));
    stem.filter(|stem| !stem.is_empty()).unwrap_or(base)
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    /// Byte offset of each line's first character.
    starts: Vec<usize>,
    /// Characters before every [`BLOCK`]th byte, so that a column costs the same on a line of a megabyte.
    blocks: Vec<usize>,
}

/// Bytes between two counts of characters.
const BLOCK: usize = 256;

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let mut counted = 0;
        let blocks = text.as_bytes().chunks(BLOCK).map(|block| {
            let before = counted;
            counted += block.iter().filter(|byte| begins_character(**byte)).count();
            before
        });
        Self {
            text,
            starts: std::iter::once(0).chain(after_breaks).collect(),
            blocks: blocks.collect(),
        }
    }

    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    /// Line and column of a byte, both from 1.
    pub(crate) fn place(&self, byte: usize) -> Place {
        let byte = self.floor(byte);
        let line = self.starts.partition_point(|start| *start <= byte) - 1;
        let column = self.characters(byte) - self.characters(self.starts[line]);
        Place {
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        }
    }

    /// `span` within the text and within its first line, so that a message marks no whole page.
    pub(crate) fn first_line(&self, span: Span) -> Span {
        let start = self.floor(span.start);
        let end = self.floor(span.end.max(start));
        let marked = &self.text[start..end];
        let on_line = marked.find(['\n', '\r']).map_or(marked.len(), |at| at);
        Span {
            start,
            end: start + marked[..on_line].trim_end().len(),
        }
    }

    /// The range of the line that holds `byte`, without its line break.
    pub(crate) fn line_of(&self, byte: usize) -> Span {
        let byte = self.floor(byte);
        let line = self.starts.partition_point(|start| *start <= byte) - 1;
        let start = self.starts[line];
        let rest = &self.text[start..];
        let end = start + rest.find('\n').unwrap_or(rest.len());
        Span { start, end }
    }

    /// Characters before `byte`.
    fn characters(&self, byte: usize) -> usize {
        let block = (byte / BLOCK).min(self.blocks.len().saturating_sub(1));
        let rest = &self.text.as_bytes()[block * BLOCK..byte];
        let before = self.blocks.get(block).copied().unwrap_or(0);
        before + rest.iter().filter(|byte| begins_character(**byte)).count()
    }

    fn floor(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}

/// Whether a byte of UTF-8 is the first of its character.
const fn begins_character(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}
