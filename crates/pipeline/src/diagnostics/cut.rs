//! Messages of a length that a person reads, whatever a file holds.
//!
//! What stands between backticks comes from the file: a name, a condition, a line to write. It is cut by itself, so that
//! the words around it stay; then the whole is cut.

use std::borrow::Cow;

/// Letters of a message that are shown.
const WHOLE: usize = 4_000;

/// Letters around a quoted text that are shown: words of ours, such as two digests. Where a quoted text has a backtick of
/// its own, it is a part of the file.
const UNQUOTED: usize = 400;

/// What a text is for.
#[derive(Clone, Copy)]
pub(super) enum For {
    /// It says what is wrong.
    Message,
    /// It says what to write, which is no use when half of it is missing.
    Help,
}

impl For {
    /// Letters between two backticks that are shown.
    const fn quoted(self) -> usize {
        match self {
            Self::Message => 120,
            Self::Help => 600,
        }
    }
}

/// The text, with what is too long in it cut.
pub(super) fn cut(text: String, what: For) -> String {
    let most = what.quoted();
    if text.len() <= most {
        return text;
    }
    let parts = text.split('`').enumerate().map(|(index, part)| {
        let is_quoted = index % 2 == 1;
        shortened(part, if is_quoted { most } else { most.max(UNQUOTED) })
    });
    let quoted: Vec<Cow<'_, str>> = parts.collect();
    shortened(&quoted.join("`"), WHOLE).into_owned()
}

/// At most `most` letters, the rest as `…`.
pub(super) fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_quoted_is_cut_as_long_as_the_rest_is_short() {
        let long = "é".repeat(1_000);
        let said = cut(format!("`{long}` is the same for every run"), For::Message);
        assert_eq!(
            said,
            format!("`{}…` is the same for every run", "é".repeat(120))
        );
    }

    #[test]
    fn what_stands_around_a_quoted_text_is_whole() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!("`a` was changed: pins {digest}, the file is {digest}");
        assert_eq!(cut(text.clone(), For::Message), text);
    }

    #[test]
    fn many_short_parts_are_cut_together() {
        let said = cut("`a`, ".repeat(10_000), For::Help);
        assert_eq!(said.chars().count(), WHOLE + 1);
        assert_eq!(cut("short".to_owned(), For::Message), "short");
    }
}
