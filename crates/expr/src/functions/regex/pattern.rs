//! Patterns as CEL has them (RE2) for the engine we use.
//!
//! Two differences matter: RE2's `\w \d \s \b` are ASCII, and inside of `[…]` it knows neither nested classes nor
//! `&&`, `--` and `~~`. The size of a pattern is estimated before it is built, because repetitions multiply.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Deepest nesting of groups in a pattern.
pub(super) const MAX_NESTING: u32 = 40;

/// The pattern in the syntax of the `regex` crate.
pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(first) = rest.chars().next() {
        let mut taken = first.len_utf8();
        match first {
            '\\' => {
                let escaped = rest[1..].chars().next();
                taken += escaped.map_or(0, char::len_utf8);
                match escaped {
                    Some('d') => out.push_str("[0-9]"),
                    Some('D') => out.push_str("[^0-9]"),
                    Some('w') => out.push_str("[0-9A-Za-z_]"),
                    Some('W') => out.push_str("[^0-9A-Za-z_]"),
                    Some('s') => out.push_str("[\\t\\n\\f\\r ]"),
                    Some('S') => out.push_str("[^\\t\\n\\f\\r ]"),
                    Some('b') if !in_class => out.push_str("(?-u:\\b)"),
                    Some('B') if !in_class => out.push_str("(?-u:\\B)"),
                    Some(_) | None => out.push_str(&rest[..taken]),
                }
            }
            '[' if !in_class => {
                in_class = true;
                // A bracket right after the opening is a member, not the end.
                for opening in ["[^]", "[]", "[^"] {
                    if rest.starts_with(opening) {
                        taken = opening.len();
                        break;
                    }
                }
                out.push_str(&rest[..taken].replace(']', "\\]"));
            }
            '[' if rest.starts_with("[:") && rest.find(":]").is_some_and(|end| end < 12) => {
                taken = rest.find(":]").map_or(1, |end| end + 2);
                out.push_str(&rest[..taken]);
            }
            '[' => out.push_str("\\["),
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(first);
            }
            '-' if in_class && rest.starts_with("--") => {
                taken = 2;
                out.push_str(if rest.starts_with("--]") {
                    "\\-\\-"
                } else {
                    "\\--"
                });
            }
            other => out.push(other),
        }
        rest = &rest[taken..];
    }
    out
}

/// About how many states the pattern has when built, or why it is none.
pub(super) fn states(translated: &str) -> Result<u64, String> {
    let parsed = ParserBuilder::new()
        .nest_limit(MAX_NESTING)
        .build()
        .parse(translated);
    match parsed {
        Ok(hir) => Ok(size(&hir)),
        Err(error) => Err(match error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            _ => "it cannot be read".to_owned(),
        }),
    }
}

/// Recursion is bounded by the parser's limit on nesting.
fn size(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty => 1,
        HirKind::Look(_) => 2,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(Class::Unicode(class)) => {
            class
                .iter()
                .map(|range| if range.end().is_ascii() { 1 } else { 4 })
                .sum::<u64>()
                + 1
        }
        HirKind::Class(Class::Bytes(class)) => class.ranges().len() as u64 + 1,
        HirKind::Repetition(repetition) => {
            let times = u64::from(repetition.max.unwrap_or(repetition.min + 1).max(1));
            size(&repetition.sub)
                .saturating_add(1)
                .saturating_mul(times)
        }
        HirKind::Capture(capture) => size(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(1, |sum: u64, part| {
                sum.saturating_add(size(part)).saturating_add(1)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_re2() {
        for (pattern, translated) in [
            ("^\\d+$", "^[0-9]+$"),
            ("[\\w.-]+", "[[0-9A-Za-z_].-]+"),
            ("\\bx\\B", "(?-u:\\b)x(?-u:\\B)"),
            ("[]a]", "[\\]a]"),
            ("[^]a]", "[^\\]a]"),
            ("[[:alpha:][a]", "[[:alpha:]\\[a]"),
            ("[a&&b~~c]", "[a\\&\\&b\\~\\~c]"),
            ("[+--]", "[+\\-\\-]"),
            ("a\\[b\\\\d", "a\\[b\\\\d"),
            ("\\", "\\"),
            ("[", "["),
            ("ä[ö]", "ä[ö]"),
        ] {
            assert_eq!(translate(pattern), translated);
        }
    }

    #[test]
    fn repetitions_multiply() {
        assert!(states("a{1000}").unwrap() >= 1000);
        assert!(states("(?:a{1000}){1000}").unwrap() >= 1_000_000);
        assert!(states("[a-z]+").unwrap() < 10);
        assert!(states("\\pL").unwrap() > 500);
        assert_eq!(states("(").unwrap_err(), "unclosed group");
    }
}
