//! Faults of syntax in the words of somebody who writes a pipeline.

use crate::codes;
use crate::diagnostics::{Report, Span};
use granit_parser::{ErrorKind, ScanError};

/// Reports what stopped the parser.
pub(super) fn report_syntax(report: &mut Report<'_>, error: &ScanError) {
    let text = report.text();
    let part = report.part();
    let at = error
        .marker()
        .byte_offset()
        .map_or(part.end, |at| part.start + at)
        .min(part.end);
    let line = report.lines().line_of(at);
    let line_text = &text[line.start..line.end];
    let indent = line_text.len() - line_text.trim_start().len();
    if let Some(tab) = line_text[..indent].find('\t') {
        let tab = line.start + tab;
        report
            .error(
                &codes::TAB,
                Span {
                    start: tab,
                    end: tab + 1,
                },
                "a tab indents this line",
            )
            .help("indent with spaces");
        return;
    }
    let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    let span = Span { start: at, end };
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        let message = format!(
            "more than {} levels of lists and mappings",
            super::build::DEPTH
        );
        report.error(&codes::TOO_DEEP, span, message);
        return;
    }
    if let ErrorKind::MismatchedFlowCollectionEnd { open, close } = error.kind() {
        let wanted = if *open == '[' { ']' } else { '}' };
        report
            .error(
                &codes::SYNTAX,
                span,
                format!("`{open}` is closed by `{close}`"),
            )
            .help(format!("write `{wanted}` here, or close `{open}` before"));
        return;
    }
    if is_long_key(&text[line.start..at], &text[at..line.end]) {
        let message = format!("a key has at most {KEY_LETTERS} characters");
        report
            .error(&codes::SYNTAX, span, message)
            .help("shorten the key that begins or ends here");
        return;
    }
    // The parser stands behind the dash.
    let dash = line.start + indent;
    if is_key_wanted(error.kind()) && text[dash..].starts_with("- ") && at <= dash + 2 {
        let end = dash + 1;
        report
            .error(
                &codes::SYNTAX,
                Span { start: dash, end },
                "an entry of a list stands where a key belongs",
            )
            .help("put the list below a key of its own, such as `needs:`, or remove the `- `");
        return;
    }
    let is_cut = matches!(error.kind(), ErrorKind::ExpectedFlowMappingSeparator);
    if is_cut && let Some(help) = quoted_whole(&text[line.start..at], &text[at..line.end]) {
        let message = "a bracket inside a mapping in `{ }` ends the text before it";
        report.error(&codes::SYNTAX, span, message).help(help);
        return;
    }
    let (message, help) = explain(error.kind(), line_text);
    report.error(&codes::SYNTAX, span, message).help_if(help);
}

/// The line of a value that was cut at a bracket: `before` ends within it, `after` begins with the bracket.
fn quoted_whole(before: &str, after: &str) -> Option<String> {
    if !after.starts_with(['[', '{']) {
        return None;
    }
    let (keys, begun) = before.rsplit_once(": ")?;
    if begun.trim().is_empty() || begun.starts_with(['"', '\'', '[', '{', '&', '*', '!']) {
        return None;
    }
    let key = keys.rsplit(['{', ',', ' ']).next()?;
    let mut value = format!("{begun}{after}").trim().to_owned();
    // The braces around the mapping are not its own.
    let count = |text: &str, letter: char| text.matches(letter).count();
    while value.ends_with('}') && count(&value, '}') > count(&value, '{') {
        value.pop();
        value.truncate(value.trim_end().len());
    }
    let value = value.replace('\'', "''");
    Some(format!("put the text into quotes: `{key}: '{value}'`"))
}

/// Letters of a key in YAML, where no `?` stands in front.
const KEY_LETTERS: usize = 1024;

/// Whether the parser stopped at a key for its length: at its `:`, or where it begins.
fn is_long_key(before: &str, after: &str) -> bool {
    let is_long = |key: &str| key.chars().nth(KEY_LETTERS).is_some();
    if after.starts_with(':') {
        let inner = before.strip_suffix(['"', '\'']);
        let begin = match inner {
            Some(inner) => inner.rfind(['"', '\'']),
            None => before.rfind(['{', '[', ',']),
        };
        return is_long(
            begin
                .map_or(before, |begin| &before[begin + 1..])
                .trim_start(),
        );
    }
    let end = if after.starts_with(['"', '\'']) {
        after[1..].find(['"', '\'']).map(|end| end + 1)
    } else {
        after.find(": ")
    };
    end.is_some_and(|end| is_long(&after[..end]))
        && !after.starts_with(['{', '[', '#', '-', '|', '>'])
}

/// Whether the parser looked for a key of a mapping.
const fn is_key_wanted(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ExpectedBlockMappingKey
            | ErrorKind::SimpleKeyExpected
            | ErrorKind::InvalidSimpleKey
            | ErrorKind::MappingKeyNotAllowed
    )
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's faults, of which the usual ones have words of ours"
)]
fn explain(kind: &ErrorKind, line: &str) -> (String, Option<&'static str>) {
    const COLON: &str =
        "text that holds `: ` or ` #` needs quotes, or stands on the lines below `key: |`";
    const TEMPLATE: &str =
        "text that begins with `{`, `[`, `*`, `&`, `!`, `%`, `@` or a backquote needs quotes";
    const DIRECTIVE: &str =
        "remove the line, and the line `---` below it; a pipeline file needs none";
    const INDENT: &str = "keys of one mapping begin in one column; look at the line above too";
    let (message, help) = match kind {
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "this `:` begins a mapping where none can stand",
            Some(COLON),
        ),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey => ("expected a key and `:` here", Some(INDENT)),
        ErrorKind::ExpectedBlockSequenceEntry => ("expected `- ` and a value here", Some(INDENT)),
        ErrorKind::InvalidIndentation | ErrorKind::MappingKeyNotAllowed => (
            "this line is indented unlike the lines around it",
            Some(INDENT),
        ),
        ErrorKind::UnexpectedEofFlowSequence | ErrorKind::ExpectedFlowSequenceSeparator => (
            "a list that began with `[` has no `]`",
            Some("close it, or put `,` between its values"),
        ),
        ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::ExpectedFlowMappingSeparator => (
            "a mapping that began with `{` has no `}`",
            Some("close it, or put `,` between its keys"),
        ),
        ErrorKind::UnclosedFlowCollection { .. } => (
            "a bracket is never closed",
            Some("close it; count the brackets from here on"),
        ),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => (
            "this quoted text has no closing quote",
            Some("close it on the same line"),
        ),
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => (
            "double quotes know no such escape",
            Some("use single quotes, where `\\` is an ordinary character, or write `\\\\`"),
        ),
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => (
            "text goes on behind the closing quote",
            Some("put all of it into quotes, or write it on the lines below `key: |`"),
        ),
        ErrorKind::UnexpectedCharacter { .. } => {
            ("no value can begin with this character", Some(TEMPLATE))
        }
        ErrorKind::DirectiveDisallowed
        | ErrorKind::UnsupportedYamlMajorVersion
        | ErrorKind::DuplicateVersionDirective
        | ErrorKind::MissingDirectiveName
        | ErrorKind::InvalidDirectiveName => (
            "a line that begins with `%` is a directive of YAML",
            Some(DIRECTIVE),
        ),
        ErrorKind::ExpectedDocumentStart if line.starts_with('%') => (
            "a line that begins with `%` is a directive of YAML",
            Some(DIRECTIVE),
        ),
        ErrorKind::ExpectedDocumentStart => (
            "this stands behind the end of the file's only value",
            Some(INDENT),
        ),
        ErrorKind::TabInBlockIndentation
        | ErrorKind::TabNotAllowed
        | ErrorKind::TabInIndentation => ("a tab stands where only spaces may", Some("use spaces")),
        other => {
            let reason = other.to_string();
            let help = line.contains("${{").then_some(TEMPLATE);
            return (format!("this is not YAML: {}", reason.to_lowercase()), help);
        }
    };
    (message.to_owned(), help)
}
