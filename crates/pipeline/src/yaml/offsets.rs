//! From a byte of a scalar's text back to the byte of the file.
//!
//! Text and source are walked side by side once: escapes, doubled quotes, indentation and folded lines
//! are where they drift apart. What is not white space is placed exactly; a space that stands for a
//! line break is placed at the break.

use super::{Node, Style};
use crate::diagnostics::Span;

/// Where the bytes of one scalar's text stand in the file.
pub(crate) struct Places {
    /// Byte of the text and byte of the file at which both run on in step, ascending.
    steps: Vec<(usize, usize)>,
    /// The scalar in the file.
    whole: Span,
}

/// Where `within`, a range of the scalar's text, stands in the file.
pub(crate) fn in_file(source: &str, node: &Node<'_>, within: Span) -> Span {
    Places::of(source, node).place(within)
}

impl Places {
    /// Walks the scalar `node`; a list or mapping has one place only.
    pub(crate) fn of(source: &str, node: &Node<'_>) -> Self {
        let whole = node.span;
        let mut steps = Vec::new();
        if let Some(scalar) = node.scalar() {
            let start = content_start(source, whole.start, scalar.style);
            steps = walk(source, start, &scalar.text, scalar.style);
        }
        Self { steps, whole }
    }

    /// The file's range for a range of the text.
    pub(crate) fn place(&self, within: Span) -> Span {
        if self.steps.is_empty() {
            return self.whole;
        }
        let start = self.byte(within.start);
        let last = self.byte(within.end.saturating_sub(1).max(within.start));
        let end = if within.end > within.start {
            last + 1
        } else {
            start
        };
        Span {
            start,
            end: end.max(start),
        }
    }

    fn byte(&self, offset: usize) -> usize {
        let after = self.steps.partition_point(|(text, _)| *text <= offset);
        let (text, file) = self.steps[after.saturating_sub(1)];
        file + offset.saturating_sub(text)
    }
}

/// Behind the opening quote, or on the line below `|` and `>`.
fn content_start(source: &str, start: usize, style: Style) -> usize {
    let rest = source.get(start..).unwrap_or_default();
    match style {
        Style::Plain => start,
        Style::SingleQuoted | Style::DoubleQuoted => start + 1,
        Style::Literal | Style::Folded if rest.starts_with(['|', '>']) => {
            start + rest.find('\n').map_or(rest.len(), |at| at + 1)
        }
        Style::Literal | Style::Folded => start,
    }
}

fn walk(source: &str, start: usize, text: &str, style: Style) -> Vec<(usize, usize)> {
    let mut steps = vec![(0, start)];
    let (mut at, mut file) = (0, start);
    while let (Some(wanted), Some(found)) = (first(text, at), first(source, file)) {
        let (in_file, in_text) = unit(&source[file..], found, style);
        if in_file != in_text {
            steps.push((at, file));
            at += in_text;
            file += in_file;
            steps.push((at, file));
        } else if wanted == found {
            at += wanted.len_utf8();
            file += found.len_utf8();
        } else if found.is_whitespace() {
            // Indentation, or a line break that became a space.
            file += found.len_utf8();
            if wanted.is_whitespace() {
                at += wanted.len_utf8();
            }
            steps.push((at, file));
        } else if wanted.is_whitespace() {
            at += wanted.len_utf8();
            steps.push((at, file));
        } else {
            break;
        }
    }
    // Of several steps at one byte of the text only the last says where it really stands.
    steps.reverse();
    steps.dedup_by_key(|(text, _)| *text);
    steps.reverse();
    steps
}

fn first(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Bytes of the next unit in the file and in the text; they differ for escapes only.
fn unit(rest: &str, found: char, style: Style) -> (usize, usize) {
    let plain = (found.len_utf8(), found.len_utf8());
    match (style, found) {
        (Style::SingleQuoted, '\'') if rest.starts_with("''") => (2, 1),
        (Style::DoubleQuoted, '\\') => escape(rest),
        (_, _) => plain,
    }
}

fn escape(rest: &str) -> (usize, usize) {
    let hex = |digits: usize| {
        let code = rest
            .get(2..2 + digits)
            .and_then(|text| u32::from_str_radix(text, 16).ok());
        let width = code.and_then(char::from_u32).map_or(1, char::len_utf8);
        (2 + digits, width)
    };
    match rest[1..].chars().next() {
        Some('x') => hex(2),
        Some('u') => hex(4),
        Some('U') => hex(8),
        Some('N' | '_') => (2, 2),
        Some('L' | 'P') => (2, 3),
        Some('\n') => (2, 0),
        Some(other) => (1 + other.len_utf8(), 1),
        None => (1, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Report;
    use crate::yaml;

    /// What stands in the file where `wanted` stands in the value of `key`.
    fn found(source: &str, wanted: &str) -> (usize, String) {
        let mut report = Report::new("f.yaml", source, 0);
        let tree = yaml::parse(&mut report).unwrap();
        let node = tree.child("key").unwrap();
        let start = node.text().unwrap().find(wanted).unwrap();
        let span = in_file(
            source,
            node,
            Span {
                start,
                end: start + wanted.len(),
            },
        );
        (span.start, source[span.start..span.end].to_owned())
    }

    #[test]
    fn every_style_leads_back_to_its_bytes() {
        for source in [
            "key: one ${{ two }} three",
            "key: \"one ${{ two }} three\"",
            "key: 'one ${{ two }} three'",
            "key: \"a\\tb\\u00e9\\\\ \\x41 ${{ two }}\"",
            "key: 'it''s ${{ two }}'",
            "key: |\n  one\n\n    deep\n  ${{ two }} three\n",
            "key: |2-\n    one\n  ${{ two }}\n",
            "key: >\n  one\n  folded\n\n  ${{ two }}\n  three\n",
            "key: one\n  folded\n  ${{ two }}",
            "key: \"one\n  folded \\\n  ${{ two }}\"",
            "key: |\r\n  one\r\n\r\n  ${{ two }}\r\n",
            "key: été ${{ two }}",
        ] {
            assert_eq!(
                found(source, "two"),
                (source.find("two").unwrap(), "two".to_owned()),
                "{source}"
            );
        }
    }
}
