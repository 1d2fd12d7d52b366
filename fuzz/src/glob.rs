//! Patterns over branches, tags and paths: the quick matcher says what a naive one says.
//!
//! The bytes are lines: the first is the text, the others are patterns.

use pipeline::signal::{Pattern, Patterns};

/// Longest pattern and text that the naive matcher is asked about, in characters; its time doubles with each.
const NAIVE: usize = 12;
/// Longest pattern that the checker lets through, in characters.
const LONGEST: usize = 256;

/// Matches the first line with the others.
pub fn hold(bytes: &[u8]) {
    let Ok(input) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut lines = input.split('\n');
    let text = lines.next().unwrap_or_default();
    let short = lines.filter(|line| line.chars().count() <= LONGEST);
    let texts: Vec<&str> = short.take(8).collect();
    let patterns = Patterns::new(texts.iter().copied());
    let passes = patterns.pass(text);
    let mut expected = texts.iter().all(|text| text.starts_with('!'));
    for (pattern, source) in patterns.0.iter().zip(&texts) {
        assert_eq!(pattern.text, *source);
        assert_eq!(pattern, &Pattern::new(source));
        let bare = source.strip_prefix('!').unwrap_or(source);
        let matches = pattern.matches(text);
        if bare.chars().count() <= NAIVE && text.chars().count() <= NAIVE {
            let bare: Vec<char> = bare.chars().collect();
            let text: Vec<char> = text.chars().collect();
            assert_eq!(matches, naive(&bare, &text, true), "`{source}`");
        }
        if matches {
            expected = !pattern.leaves_out;
        }
    }
    assert_eq!(passes, expected, "the last pattern that matches decides");
}

/// What the words of the reference say, by trying everything.
fn naive(pattern: &[char], text: &[char], begins: bool) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', '*', '/', rest @ ..] if begins => {
            naive(rest, text, true)
                || (0..text.len()).any(|at| text[at] == '/' && naive(rest, &text[at + 1..], true))
        }
        ['*', '*', rest @ ..] => (0..=text.len()).any(|at| naive(rest, &text[at..], false)),
        ['*', rest @ ..] => {
            let name = text.iter().take_while(|c| **c != '/').count();
            (0..=name).any(|at| naive(rest, &text[at..], false))
        }
        [wanted, rest @ ..] => match text {
            [c, left @ ..] => {
                let is_one = if *wanted == '?' {
                    *c != '/'
                } else {
                    c == wanted
                };
                is_one && naive(rest, left, *wanted == '/')
            }
            [] => false,
        },
    }
}
