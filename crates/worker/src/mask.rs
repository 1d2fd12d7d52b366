//! Hides texts in output, also where a text is cut by the end of a piece.
//!
//! What might be the beginning of a hidden text is held back until it is known whether it is one. With nothing
//! to hide, nothing is held back or copied.

use aho_corasick::{AhoCorasick, MatchKind};

/// What stands in a log for a hidden text.
const HIDDEN: &[u8] = b"***";

/// The texts that one attempt hides.
#[derive(Debug, Default)]
pub struct Masks {
    texts: Vec<Vec<u8>>,
    finder: Option<AhoCorasick>,
}

impl Masks {
    /// Hides further texts.
    pub fn add(&mut self, texts: impl IntoIterator<Item = String>) {
        let before = self.texts.len();
        for text in texts {
            let text = text.into_bytes();
            if !text.is_empty() && !self.texts.contains(&text) {
                self.texts.push(text);
            }
        }
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
            shown.extend_from_slice(HIDDEN);
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
        masks.add(texts.iter().map(|text| (*text).to_owned()));
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
    fn with_nothing_to_hide_nothing_is_held_back() {
        let mut held = Vec::new();
        assert_eq!(Masks::default().piece(&mut held, b"abc".to_vec()), b"abc");
        assert!(held.is_empty());
    }
}
