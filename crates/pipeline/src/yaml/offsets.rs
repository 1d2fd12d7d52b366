//! From a byte of a scalar's text back to the byte of the file.
//!
//! Exact for text on one line, for quoted text with escapes, and for literal blocks. Text that was
//! folded from several lines is found again by looking for it.

use super::{Node, Style};
use crate::diagnostics::Span;

/// Where `within`, a range of the scalar's text, stands in the file.
pub(crate) fn in_file(source: &str, node: &Node<'_>, within: Span) -> Span {
    let Some(scalar) = node.scalar() else {
        return node.span;
    };
    let raw = source
        .get(node.span.start..node.span.end)
        .unwrap_or_default();
    let text: &str = &scalar.text;
    let mapped = match scalar.style {
        Style::Plain | Style::SingleQuoted | Style::DoubleQuoted if raw.contains('\n') => None,
        Style::Plain => Some(within),
        Style::SingleQuoted => quoted(raw, within, single_unit),
        Style::DoubleQuoted => quoted(raw, within, double_unit),
        Style::Literal => literal(source, node.span.start, text, within),
        Style::Folded => None,
    };
    let found = mapped.map(|span| match scalar.style {
        Style::Literal => span,
        Style::Plain | Style::SingleQuoted | Style::DoubleQuoted | Style::Folded => Span {
            start: node.span.start + span.start,
            end: node.span.start + span.end,
        },
    });
    found.unwrap_or_else(|| looked_for(source, node.span, text, within))
}

/// Walks a quoted scalar, unit by unit: `unit` gives the bytes that a unit takes in the file and in the text.
fn quoted(raw: &str, within: Span, unit: fn(&str) -> (usize, usize)) -> Option<Span> {
    let mut in_raw = 1;
    let mut in_text = 0;
    let mut start = None;
    loop {
        if start.is_none() && in_text >= within.start {
            start = Some(in_raw);
        }
        if in_text >= within.end {
            return Some(Span {
                start: start?,
                end: in_raw,
            });
        }
        let (raw_bytes, text_bytes) = unit(raw.get(in_raw..)?);
        if raw_bytes == 0 {
            return None;
        }
        in_raw += raw_bytes;
        in_text += text_bytes;
    }
}

fn single_unit(rest: &str) -> (usize, usize) {
    if rest.starts_with("''") {
        return (2, 1);
    }
    let width = rest.chars().next().map_or(0, char::len_utf8);
    (width, width)
}

fn double_unit(rest: &str) -> (usize, usize) {
    let mut chars = rest.chars();
    let first = chars.next().map_or(0, char::len_utf8);
    if !rest.starts_with('\\') {
        return (first, first);
    }
    let hex = |digits: usize| {
        let code = rest
            .get(2..2 + digits)
            .and_then(|text| u32::from_str_radix(text, 16).ok());
        let width = code.and_then(char::from_u32).map_or(1, char::len_utf8);
        (2 + digits, width)
    };
    match chars.next() {
        Some('x') => hex(2),
        Some('u') => hex(4),
        Some('U') => hex(8),
        Some('N' | '_') => (2, 2),
        Some('L' | 'P') => (2, 3),
        Some(other) => (1 + other.len_utf8(), 1),
        None => (1, 1),
    }
}

/// Each line of a literal block is a line of the file without its indentation.
fn literal(source: &str, start: usize, text: &str, within: Span) -> Option<Span> {
    let first_content = first_line_of_block(source, start)?;
    let lines: Vec<&str> = source[first_content..].split_inclusive('\n').collect();
    let filled = lines.iter().find(|line| !line.trim().is_empty())?;
    let text_filled = text.split('\n').find(|line| !line.trim().is_empty())?;
    let indent = filled
        .trim_end_matches(['\n', '\r'])
        .len()
        .checked_sub(text_filled.len())?;
    let place = |offset: usize| -> Option<usize> {
        let before = text.get(..offset)?;
        let line = before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let skipped: usize = lines.get(..line)?.iter().map(|line| line.len()).sum();
        Some(first_content + skipped + indent + column)
    };
    let found = Span {
        start: place(within.start)?,
        end: place(within.end)?,
    };
    let same = source.get(found.start..found.end)? == text.get(within.start..within.end)?;
    let on_one_line = !text.get(within.start..within.end)?.contains('\n');
    (same || !on_one_line).then_some(found)
}

/// The parser's span of a block begins at its indicator or at its content.
fn first_line_of_block(source: &str, start: usize) -> Option<usize> {
    let rest = source.get(start..)?;
    if rest.starts_with(['|', '>']) {
        return Some(start + rest.find('\n')? + 1);
    }
    Some(source[..start].rfind('\n').map_or(0, |at| at + 1))
}

/// The occurrence in the file that has as many like it before it as in the text.
fn looked_for(source: &str, area: Span, text: &str, within: Span) -> Span {
    let Some(wanted) = text
        .get(within.start..within.end)
        .filter(|wanted| !wanted.is_empty())
    else {
        return area;
    };
    let wanted = wanted
        .split(['\n', ' '])
        .find(|part| !part.is_empty())
        .unwrap_or(wanted);
    let earlier = text[..within.start].matches(wanted).count();
    let raw = source.get(area.start..area.end).unwrap_or_default();
    match raw.match_indices(wanted).nth(earlier) {
        Some((at, _)) => Span {
            start: area.start + at,
            end: area.start + at + wanted.len(),
        },
        None => area,
    }
}
