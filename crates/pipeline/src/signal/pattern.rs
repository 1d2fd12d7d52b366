//! Patterns over branches, tags and paths.
//!
//! `*` is any text without `/`, `**` any text, `?` one character but `/`; `!` in front leaves out. In a list the last pattern
//! that matches decides; a list of nothing but `!` patterns lets everything else pass.

/// Longest pattern, in characters; what it costs to match grows with it.
pub(crate) const PATTERN_CHARS: usize = 256;

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As it was written.
    pub text: String,
    /// Whether it leaves out what it matches.
    pub leaves_out: bool,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    This(char),
    /// `?`
    One,
    /// `*`
    Name,
    /// `**`
    Any,
    /// `**/` at the beginning of a name: any folders, or none.
    Folders,
}

impl Pattern {
    /// Reads a pattern. Every text is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (leaves_out, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut parts = Vec::new();
        let mut left = rest;
        while let Some(c) = left.chars().next() {
            let begins = matches!(parts.last(), None | Some(Part::This('/') | Part::Folders));
            let (part, length) = if begins && left.starts_with("**/") {
                (Part::Folders, 3)
            } else if left.starts_with("**") {
                (Part::Any, 2)
            } else {
                match c {
                    '*' => (Part::Name, 1),
                    '?' => (Part::One, 1),
                    other => (Part::This(other), other.len_utf8()),
                }
            };
            parts.push(part);
            left = &left[length..];
        }
        Self {
            text: text.to_owned(),
            leaves_out,
            parts,
        }
    }

    /// Whether it matches all of `text`, `!` aside.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        // For each part, whether the text so far can end before it. In time proportional to both lengths.
        let mut here = vec![false; self.parts.len() + 1];
        here[0] = true;
        self.pass_empty(&mut here, None);
        for c in text.chars() {
            let mut next = vec![false; self.parts.len() + 1];
            for (at, part) in self.parts.iter().enumerate() {
                if !here[at] {
                    continue;
                }
                match part {
                    Part::This(wanted) => next[at + 1] |= *wanted == c,
                    Part::One => next[at + 1] |= c != '/',
                    Part::Name => next[at] |= c != '/',
                    Part::Any | Part::Folders => next[at] = true,
                }
            }
            self.pass_empty(&mut next, Some(c));
            here = next;
        }
        here[self.parts.len()]
    }

    /// Parts that may stand for nothing; folders end only behind a `/`.
    fn pass_empty(&self, here: &mut [bool], before: Option<char>) {
        for (at, part) in self.parts.iter().enumerate() {
            if here[at] {
                here[at + 1] |= match part {
                    Part::Name | Part::Any => true,
                    Part::Folders => matches!(before, None | Some('/')),
                    Part::This(_) | Part::One => false,
                };
            }
        }
    }
}

/// A list of patterns; an empty one lets everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns(pub Vec<Pattern>);

impl Patterns {
    /// Reads the patterns in their order.
    pub fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self(texts.into_iter().map(Pattern::new).collect())
    }

    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Comparisons that it may take to ask about texts of so many characters together.
    #[must_use]
    pub(super) fn comparisons(&self, chars: usize) -> usize {
        let parts = self.0.iter().map(|pattern| pattern.parts.len() + 1);
        parts.sum::<usize>().saturating_mul(chars)
    }

    /// Whether `text` passes.
    #[must_use]
    pub fn pass(&self, text: &str) -> bool {
        let last = self.0.iter().rev().find(|pattern| pattern.matches(text));
        match last {
            Some(pattern) => !pattern.leaves_out,
            None => self.0.iter().all(|pattern| pattern.leaves_out),
        }
    }

    /// The patterns as they were written, for messages.
    #[must_use]
    pub fn listed(&self) -> String {
        crate::nearest::listed(self.0.iter().map(|pattern| pattern.text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stop_at_a_slash_and_double_stars_do_not() {
        for (pattern, text, matches) in [
            ("main", "main", true),
            ("main", "maintenance", false),
            ("release/*", "release/1.2", true),
            ("release/*", "release/1/2", false),
            ("release/**", "release/1/2", true),
            ("v?", "v1", true),
            ("v?", "v/", false),
            ("src/**", "src/a/b.rs", true),
            ("src/**", "src", false),
            ("**/*.md", "README.md", true),
            ("**/*.md", "docs/a/b.md", true),
            ("docs/**/a.md", "docs/a.md", true),
            ("docs/**/a.md", "docs/x/y/a.md", true),
            ("docs/**/a.md", "docs/xa.md", false),
            ("**", "any/thing", true),
            ("*", "any/thing", false),
            ("a*b*c", "aXbYbZc", true),
            ("ünï*", "ünïcode", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                matches,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let patterns = Patterns::new(["src/**", "!**/*.md", "src/KEEP.md"]);
        let passed =
            ["src/a.rs", "src/a.md", "src/KEEP.md", "b.rs"].map(|path| patterns.pass(path));
        assert_eq!(passed, [true, false, true, false]);
    }

    #[test]
    fn a_list_that_only_leaves_out_lets_the_rest_pass() {
        let patterns = Patterns::new(["!docs/**", "!*.md"]);
        let passed = ["docs/a", "README.md", "src/a.rs"].map(|path| patterns.pass(path));
        assert_eq!(passed, [false, false, true]);
    }
}
