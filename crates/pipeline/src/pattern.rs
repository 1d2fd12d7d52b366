//! Patterns of files: whether one can be used, before anything runs.
//!
//! A worker matches them by the rules of a library; here stands only which texts are no pattern. Both have to agree, and
//! a test compares them. A pattern lies below the source: it never goes up, not even to come down again.

use std::iter::Peekable;

/// Why a pattern cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is wrong: what follows the pattern in a sentence.
    pub message: &'static str,
    /// How to mend it.
    pub help: &'static str,
    /// Whether it goes out of the source; otherwise it is no pattern at all.
    pub leads_out: bool,
}

/// What is wrong with a pattern; `!` in front leaves out what the rest matches.
pub(crate) fn fault(pattern: &str) -> Option<Fault> {
    let pattern = pattern.strip_prefix('!').unwrap_or(pattern);
    if pattern.starts_with('/') || pattern.split('/').any(|part| part == "..") {
        return Some(Fault {
            message: "leads out of the source",
            help: "name files below the top of the source, without `/` in front and without `..`, such as `src/**`",
            leads_out: true,
        });
    }
    let (message, help) = malformed(pattern.trim_end_matches('/'))?;
    Some(Fault {
        message,
        help,
        leads_out: false,
    })
}

/// Why a text is no pattern, and how to mend it.
fn malformed(pattern: &str) -> Option<(&'static str, &'static str)> {
    let mut letters = pattern.chars().peekable();
    let mut open = 0_usize;
    while let Some(letter) = letters.next() {
        match letter {
            '[' => {
                if let Some(fault) = malformed_set(&mut letters) {
                    return Some(fault);
                }
            }
            '{' => open += 1,
            '}' if open == 0 => {
                return Some((
                    "has a `}` without a `{`",
                    "alternatives stand in braces, `{one,other}`; the letter itself is `[}]`",
                ));
            }
            '}' => open -= 1,
            '\\' if letters.next().is_none() => {
                return Some((
                    "ends with `\\`",
                    "`\\` takes its meaning from the letter behind it; the letter itself is `\\\\`",
                ));
            }
            _ => {}
        }
    }
    (open > 0).then_some((
        "has a `{` that is never closed",
        "alternatives stand in braces, `{one,other}`; the letter itself is `[{]`",
    ))
}

/// Reads a set of letters behind its `[`; what is wrong with it.
fn malformed_set(
    letters: &mut Peekable<impl Iterator<Item = char>>,
) -> Option<(&'static str, &'static str)> {
    letters.next_if(|letter| matches!(letter, '!' | '^'));
    let mut last = None;
    let mut in_range = false;
    loop {
        let Some(letter) = letters.next() else {
            return Some((
                "has a `[` that is never closed",
                "a set of letters is `[abc]`; the letter itself is `[[]`",
            ));
        };
        match (letter, last) {
            (']', Some(_)) => return None,
            ('-', Some(_)) if !in_range => in_range = true,
            (_, Some(first)) if in_range && letter < first => {
                return Some((
                    "has a range of letters that runs backwards",
                    "write the lower letter first, as in `[a-z]`",
                ));
            }
            // A range goes on from where it began.
            (_, Some(_)) if in_range => in_range = false,
            _ => last = Some(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use globset::GlobBuilder;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_never_goes_up() {
        for pattern in ["../x", "/etc/**", "a/../b", "!../x", ".."] {
            assert!(
                fault(pattern).is_some_and(|fault| fault.leads_out),
                "{pattern}"
            );
        }
        for pattern in ["a..b/*", "./a", ".", "src/", "!a", "..."] {
            assert_eq!(fault(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn each_way_to_be_no_pattern_is_told_apart() {
        for (pattern, said) in [
            ("[", "has a `[` that is never closed"),
            ("a{b", "has a `{` that is never closed"),
            ("a}", "has a `}` without a `{`"),
            ("[z-a]", "has a range of letters that runs backwards"),
            ("a\\", "ends with `\\`"),
        ] {
            assert_eq!(
                fault(pattern).map(|fault| fault.message),
                Some(said),
                "{pattern}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_a_pattern_here_is_one_for_the_worker(pattern in "[]\\[{},!^*?a-c\\\\-]{0,12}") {
            let built = GlobBuilder::new(&pattern).literal_separator(true).build();
            prop_assert_eq!(malformed(&pattern).is_none(), built.is_ok(), "{:?}", built);
        }
    }
}
