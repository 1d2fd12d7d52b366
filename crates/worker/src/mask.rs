//! Hides texts in output, also where a text is cut by the end of a piece.
//!
//! What might be the beginning of a hidden text is held back until it is known whether it is one. With nothing
//! to hide, nothing is held back or copied.
//!
//! All texts of an attempt together are bounded: the finder is made anew for each that comes, on the thread that everything
//! waits for.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use model::{Json, limits};
use std::collections::BTreeSet;

/// What stands in a log for a hidden text.
const HIDDEN: &str = "***";

/// The texts that one attempt hides.
#[derive(Debug, Default)]
pub struct Masks {
    texts: BTreeSet<Vec<u8>>,
    /// All of them together.
    bytes: usize,
    /// The longest one.
    longest: usize,
    finder: Option<AhoCorasick>,
}

/// Shortest text that is hidden: shorter ones would hide half of every log.
pub const MASK_BYTES: usize = 3;

/// More texts than an attempt may hide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`$FORMIC_MASK` has {count} texts of {bytes} bytes together by now; an attempt may hide at most {} of at most {} bytes",
    limits::MASKS,
    limits::MASKS_BYTES
)]
pub struct TooManyMasks {
    /// Texts, with the one that is too much.
    pub count: usize,
    /// Their bytes.
    pub bytes: usize,
}

impl Masks {
    /// Hides further texts; those under [`MASK_BYTES`] are left alone.
    ///
    /// # Errors
    /// When all together are more than may be hidden. What comes behind must not be shown then.
    pub fn add(
        &mut self,
        texts: impl IntoIterator<Item = impl Into<Vec<u8>>>,
    ) -> Result<(), TooManyMasks> {
        let before = self.texts.len();
        for text in texts.into_iter().map(Into::into) {
            let (size, new) = (text.len(), !self.texts.contains(&text));
            if size < MASK_BYTES || !new {
                continue;
            }
            if self.texts.len() == limits::MASKS || self.bytes + size > limits::MASKS_BYTES {
                return Err(TooManyMasks {
                    count: self.texts.len() + 1,
                    bytes: self.bytes + size,
                });
            }
            self.bytes += size;
            self.longest = self.longest.max(size);
            self.texts.insert(text);
        }
        if self.texts.len() > before {
            let built = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                // Others are faster with few texts, and need hundreds of times their size.
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&self.texts);
            self.finder = Some(built.expect("the texts are far below the limits of the automaton"));
        }
        Ok(())
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.finder.is_none()
    }

    /// The texts that are hidden.
    #[must_use]
    pub fn texts(&self) -> Vec<Vec<u8>> {
        self.texts.iter().cloned().collect()
    }

    /// `text` without what is hidden.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        match &self.finder {
            Some(finder) => {
                let mut held = text.as_bytes().to_vec();
                let until = held.len();
                String::from_utf8_lossy(&self.show(finder, &mut held, until)).into_owned()
            }
            None => text.to_owned(),
        }
    }

    /// Hides in a value what is hidden, in texts and numbers at any depth; whether there was anything.
    pub fn hide_in(&self, value: &mut Json) -> bool {
        if self.is_empty() {
            return false;
        }
        let shown = match value {
            Json::Null | Json::Bool(_) => return false,
            Json::Number(number) => {
                let text = number.to_string();
                Some(self.text(&text)).filter(|shown| *shown != text)
            }
            Json::String(text) => Some(self.text(text)).filter(|shown| shown != text),
            Json::Array(items) => {
                return items
                    .iter_mut()
                    .fold(false, |found, item| self.hide_in(item) | found);
            }
            Json::Object(members) => {
                let mut found = false;
                for (name, mut member) in std::mem::take(members) {
                    let shown = self.text(&name);
                    found |= self.hide_in(&mut member) | (shown != name);
                    members.insert(shown, member);
                }
                return found;
            }
        };
        let found = shown.is_some();
        if let Some(shown) = shown {
            *value = Json::from(shown);
        }
        found
    }

    /// What of `held` and `bytes` may be shown; keeps in `held` what may still become a hidden text.
    #[must_use]
    pub fn piece(&self, held: &mut Vec<u8>, bytes: Vec<u8>) -> Vec<u8> {
        let Some(finder) = &self.finder else {
            return bytes;
        };
        held.extend_from_slice(&bytes);
        let settled = held.len().saturating_sub(self.longest - 1);
        self.show(finder, held, settled)
    }

    /// The rest, when nothing more comes.
    #[must_use]
    pub fn rest(&self, held: &mut Vec<u8>) -> Vec<u8> {
        match &self.finder {
            Some(finder) => self.show(finder, held, held.len()),
            None => std::mem::take(held),
        }
    }

    /// Shows everything that begins before `settled`; a hidden text that begins there is hidden whole.
    fn show(&self, finder: &AhoCorasick, held: &mut Vec<u8>, settled: usize) -> Vec<u8> {
        let mut shown = Vec::with_capacity(held.len());
        let mut at = 0;
        for found in finder.find_iter(&*held) {
            if found.start() >= settled {
                break;
            }
            shown.extend_from_slice(&held[at..found.start()]);
            shown.extend_from_slice(HIDDEN.as_bytes());
            at = found.end();
        }
        let until = settled.max(at);
        shown.extend_from_slice(&held[at..until]);
        held.drain(..until);
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks(texts: &[&str]) -> Masks {
        let mut masks = Masks::default();
        masks.add(texts.iter().copied()).unwrap();
        masks
    }

    fn through(masks: &Masks, pieces: &[&str]) -> String {
        let mut held = Vec::new();
        let mut shown = Vec::new();
        for piece in pieces {
            shown.extend(masks.piece(&mut held, piece.as_bytes().to_vec()));
        }
        shown.extend(masks.rest(&mut held));
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn a_text_is_hidden_wherever_pieces_end() {
        let masks = masks(&["hunter2"]);
        let whole = "the password is hunter2, say it: hunter2";
        for cut in 0..whole.len() {
            let shown = through(&masks, &[&whole[..cut], &whole[cut..]]);
            assert_eq!(shown, "the password is ***, say it: ***");
        }
    }

    #[test]
    fn the_longer_of_two_texts_is_hidden_whole() {
        assert_eq!(
            through(&masks(&["abc", "abcdef"]), &["xabcd", "efx abcx"]),
            "x***x ***x"
        );
    }

    #[test]
    fn a_text_is_hidden_anywhere_in_a_value() {
        let masks = masks(&["hunter2", "4711"]);
        let json = |text: &str| text.parse::<Json>().unwrap();
        let mut value = json(r#"{"a": ["x hunter2", 47110, true], "hunter2": "4711"}"#);
        assert!(masks.hide_in(&mut value));
        let expected = json(r#"{"a": ["x ***", "***0", true], "***": "***"}"#);
        assert_eq!(value, expected);
        assert!(!masks.hide_in(&mut value));
    }

    #[test]
    fn with_nothing_to_hide_nothing_is_held_back() {
        let mut held = Vec::new();
        assert_eq!(Masks::default().piece(&mut held, b"abc".to_vec()), b"abc");
        assert!(held.is_empty());
    }

    #[test]
    fn an_attempt_hides_no_more_than_the_limits_say() {
        let mut masks = Masks::default();
        let numbered = |from: usize| (from..from + limits::MASKS).map(|n| format!("secret {n}"));
        masks.add(numbered(0)).unwrap();
        // What is known costs nothing.
        masks.add(numbered(0)).unwrap();
        assert_eq!(
            masks.add(["one more"]).unwrap_err().count,
            limits::MASKS + 1
        );
        let mut masks = Masks::default();
        let long = ["x".repeat(limits::MASKS_BYTES), "more".to_owned()];
        let error = masks.add(long).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`$FORMIC_MASK` has 2 texts of 262148 bytes together by now; an attempt may hide at most 1000 of at most \
             262144 bytes"
        );
    }

    #[test]
    fn a_text_that_is_too_short_hides_nothing() {
        let mut masks = Masks::default();
        masks.add(["ab", ""]).unwrap();
        assert!(masks.is_empty());
    }
}
