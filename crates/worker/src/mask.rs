//! Hides texts in output, also where a text is cut by the end of a piece.
//!
//! What might be the beginning of a hidden text is held back until it is known whether it is one. With nothing
//! to hide, nothing is held back or copied.

use aho_corasick::{AhoCorasick, MatchKind};
use model::Json;
use std::collections::BTreeSet;

/// What stands in a log for a hidden text.
const HIDDEN: &str = "***";

/// The texts that one attempt hides.
#[derive(Debug, Default)]
pub struct Masks {
    texts: BTreeSet<Vec<u8>>,
    finder: Option<AhoCorasick>,
}

impl Masks {
    /// Hides further texts.
    pub fn add(&mut self, texts: impl IntoIterator<Item = impl Into<Vec<u8>>>) {
        let before = self.texts.len();
        let texts = texts.into_iter().map(Into::into);
        self.texts.extend(texts.filter(|text| !text.is_empty()));
        if self.texts.len() > before {
            let built = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&self.texts);
            self.finder = Some(
                built.expect("the texts of one file are far below the limits of the automaton"),
            );
        }
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
        let longest = self.texts.iter().map(Vec::len).max().unwrap_or(1);
        let settled = held.len().saturating_sub(longest - 1);
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
        masks.add(texts.iter().copied());
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
}
