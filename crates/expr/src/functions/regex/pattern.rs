//! Patterns as CEL has them (RE2) for the engine we use.
//!
//! RE2's `\w \d \s \b` are ASCII, and inside of `[…]` it knows neither nested classes nor `&&`, `--` and `~~`. It has
//! `\Q…\E` and octal codes, takes a backslash before any sign and a brace that repeats nothing for themselves, and
//! refuses other flags than `imsU`, repeated repetitions, and more than a thousand of them. `\C` is refused too: what
//! it finds may be no text. The size of a pattern is estimated before it is built, because repetitions multiply.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Deepest nesting of groups in a pattern.
pub(super) const MAX_NESTING: u32 = 40;
/// Most times that `{…}` repeats what stands before it.
const MAX_TIMES: u32 = 1000;

/// The pattern in the syntax of the `regex` crate, or what is wrong with it.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translation = Translation {
        rest: pattern,
        out: String::with_capacity(pattern.len() + 16),
        in_class: false,
        after: After::Other,
    };
    while let Some(first) = translation.rest.chars().next() {
        let taken = if translation.in_class {
            translation.member(first)?
        } else {
            translation.part(first)?
        };
        translation.rest = &translation.rest[taken..];
    }
    Ok(translation.out)
}

struct Translation<'a> {
    rest: &'a str,
    out: String,
    /// Whether `rest` is inside of `[…]`.
    in_class: bool,
    after: After,
}

/// What stands before the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Repetition,
    /// A repetition with the `?` behind it that makes it short.
    ShortRepetition,
    Other,
}

impl Translation<'_> {
    /// Translates what stands outside of `[…]` and gives its length.
    fn part(&mut self, first: char) -> Result<usize, String> {
        let before = std::mem::replace(&mut self.after, After::Other);
        Ok(match first {
            '\\' => self.escape()?,
            '[' => self.open_class(),
            '?' if before == After::Repetition => {
                self.after = After::ShortRepetition;
                self.copy(1)
            }
            '*' | '+' | '?' | '{' => match repetition(self.rest)? {
                None => {
                    self.out.push_str("\\{");
                    1
                }
                Some(_) if before != After::Other => {
                    return Err("a repetition is repeated".to_owned());
                }
                Some(len) => {
                    self.after = After::Repetition;
                    self.copy(len)
                }
            },
            '(' if self.rest.starts_with("(?") => {
                let flags = self.rest[2..]
                    .bytes()
                    .take_while(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
                    .count();
                let is_named = self.rest[2..].starts_with("P<");
                let flags = &self.rest[2..2 + flags];
                if let Some(flag) = flags.chars().find(|flag| !"imsU-".contains(*flag))
                    && !is_named
                {
                    return Err(format!("unknown flag `{flag}`"));
                }
                self.copy(2)
            }
            other => self.copy(other.len_utf8()),
        })
    }

    /// Translates what stands inside of `[…]` and gives its length.
    fn member(&mut self, first: char) -> Result<usize, String> {
        Ok(match first {
            '\\' => self.escape()?,
            '[' if self.rest.starts_with("[:")
                && self.rest.find(":]").is_some_and(|end| end < 12) =>
            {
                let end = self.rest.find(":]").map_or(1, |end| end + 2);
                self.copy(end)
            }
            ']' => {
                self.in_class = false;
                self.copy(1)
            }
            '[' | '&' | '~' => {
                self.out.push('\\');
                self.copy(1)
            }
            '-' if self.rest.starts_with("--") => {
                self.out.push_str(if self.rest.starts_with("--]") {
                    "\\-\\-"
                } else {
                    "\\--"
                });
                2
            }
            other => self.copy(other.len_utf8()),
        })
    }

    fn open_class(&mut self) -> usize {
        self.in_class = true;
        // A bracket right after the opening is a member, not the end.
        let opening = ["[^]", "[]", "[^"]
            .into_iter()
            .find(|opening| self.rest.starts_with(opening))
            .unwrap_or("[");
        self.out.push_str(&opening.replace(']', "\\]"));
        opening.len()
    }

    /// What follows a backslash: of signs it makes themselves, letters have a meaning or none, digits are octal.
    fn escape(&mut self) -> Result<usize, String> {
        let Some(escaped) = self.rest[1..].chars().next() else {
            return Err("it ends with a backslash".to_owned());
        };
        match escaped {
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            's' => self.out.push_str("[\\t\\n\\f\\r ]"),
            'S' => self.out.push_str("[^\\t\\n\\f\\r ]"),
            'b' if !self.in_class => self.out.push_str("(?-u:\\b)"),
            'B' if !self.in_class => self.out.push_str("(?-u:\\B)"),
            'Q' if !self.in_class => {
                let text = &self.rest[2..];
                let (text, taken) = match text.find("\\E") {
                    Some(end) => (&text[..end], end + 4),
                    None => (text, self.rest.len()),
                };
                self.out.push_str(&regex_syntax::escape(text));
                return Ok(taken);
            }
            'A' | 'z' if !self.in_class => return Ok(self.copy(2)),
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => return Ok(self.copy(2)),
            'x' | 'p' | 'P' => {
                let Some(end) = self
                    .rest
                    .find('}')
                    .filter(|_| self.rest[2..].starts_with('{'))
                else {
                    return Ok(self.copy(2));
                };
                match (escaped, self.rest[3..end].strip_prefix('^')) {
                    ('p', Some(name)) => self.out.push_str(&["\\P{", name, "}"].concat()),
                    ('P', Some(name)) => self.out.push_str(&["\\p{", name, "}"].concat()),
                    _ => return Ok(self.copy(end + 1)),
                }
                return Ok(end + 1);
            }
            '0'..='7' => {
                let digits = &self.rest[1..];
                let len = digits
                    .bytes()
                    .take(3)
                    .take_while(|byte| matches!(byte, b'0'..=b'7'))
                    .count();
                let code = u32::from_str_radix(&digits[..len], 8).unwrap_or(0);
                if len == 1 && escaped != '0' {
                    return Err(format!("`\\{escaped}`: groups cannot be asked for again"));
                }
                let code = char::from_u32(code).unwrap_or_default();
                self.out
                    .push_str(&regex_syntax::escape(code.encode_utf8(&mut [0; 4])));
                return Ok(1 + len);
            }
            sign if sign.is_ascii() && !sign.is_ascii_alphanumeric() => {
                if regex_syntax::is_meta_character(sign) {
                    self.out.push('\\');
                }
                self.out.push(sign);
            }
            other => return Err(format!("unknown escape `\\{other}`")),
        }
        Ok(1 + escaped.len_utf8())
    }

    fn copy(&mut self, len: usize) -> usize {
        self.out.push_str(&self.rest[..len]);
        len
    }
}

/// The length of the repetition that a text begins with; none when its brace is just a brace.
fn repetition(text: &str) -> Result<Option<usize>, String> {
    if !text.starts_with('{') {
        return Ok(Some(1));
    }
    let Some(end) = text.find('}') else {
        return Ok(None);
    };
    let (min, max) = match text[1..end].split_once(',') {
        Some((min, max)) => (min, Some(max)),
        None => (&text[1..end], None),
    };
    let is_number = |digits: &str| {
        !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'))
    };
    let is_open = max.is_none_or(str::is_empty);
    if !is_number(min) || !(is_open || max.is_some_and(is_number)) {
        return Ok(None);
    }
    let times = |digits: &str| digits.parse::<u32>().unwrap_or(u32::MAX);
    let most = max.filter(|_| !is_open).map_or(times(min), times);
    if most > MAX_TIMES || times(min) > most {
        return Err(format!(
            "`{}` is no repetition: at most {MAX_TIMES} times",
            &text[..=end]
        ));
    }
    Ok(Some(end + 1))
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
            ("[", "["),
            ("ä[ö]", "ä[ö]"),
            ("\\<\\_\\>[\\<\\-]", "<_>[<\\-]"),
            ("\\Qa.b\\E.\\Q*", "a\\.b.\\*"),
            ("\\0\\101\\12\\56", "\0A\n\\."),
            (
                "\\p{Greek}\\PL\\x{41}{2}[\\p{Lu}]",
                "\\p{Greek}\\PL\\x{41}{2}[\\p{Lu}]",
            ),
            ("\\p{^Greek}[\\P{^Lu}]", "\\P{Greek}[\\p{Lu}]"),
            ("a{b}{,2}{{x}}", "a\\{b}\\{,2}\\{\\{x}}"),
            ("a{2}?b*?c+d{1,}", "a{2}?b*?c+d{1,}"),
            ("(?i:a)(?P<x>b)(?<y>c)(?s-m)", "(?i:a)(?P<x>b)(?<y>c)(?s-m)"),
        ] {
            assert_eq!(translate(pattern).as_deref(), Ok(translated));
        }
    }

    #[test]
    fn what_re2_does_not_know_is_refused() {
        for pattern in [
            "\\",
            "\\u0041",
            "\\Z",
            "\\8",
            "(a)\\1",
            "(?x)a",
            "(?u:a)",
            "a**",
            "a+?*",
            "a{2}{3}",
            "a{1001}",
            "a{2,1}",
            "a{1,9999999999}",
            "\\ä",
            "\\p{",
            "\\x{",
        ] {
            let refused =
                translate(pattern).and_then(|translated| states(&translated).map(|_| translated));
            assert!(refused.is_err(), "{pattern}: {refused:?}");
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
