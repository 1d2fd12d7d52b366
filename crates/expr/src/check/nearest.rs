//! The word that was probably meant: of an expression, of a pipeline file, and of the command line.

/// Letters of a word that are looked at.
const LETTERS: usize = 40;

/// The candidate nearest to `word`, if one is near enough to be a slip of the finger: a third of the
/// letters may be wrong, swapped neighbours count once, and `-`, `_` and case do not count.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = Plain::of(word);
    let allowed = wanted.letters().len().max(3) / 3;
    candidates
        .into_iter()
        .map(|candidate| {
            (
                distance(wanted.letters(), Plain::of(candidate).letters(), allowed),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A sentence for the help of an error: the nearest name, then the names there are.
pub(super) fn suggest(word: &str, candidates: &[&str], what: &str) -> Option<String> {
    if candidates.is_empty() {
        return None;
    }
    const SHOWN: usize = 24;
    let more = candidates.len().saturating_sub(SHOWN);
    let mut list: Vec<String> = candidates
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    let list = list.join(", ");
    Some(match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? {what}: {list}"),
        None => format!("{what}: {list}"),
    })
}

/// A word without what does not count. On the stack, since one misspelt name may be compared with
/// twenty thousand others.
struct Plain {
    bytes: [u8; LETTERS],
    length: usize,
}

impl Plain {
    fn of(word: &str) -> Self {
        let mut plain = Self {
            bytes: [0; LETTERS],
            length: 0,
        };
        let letters = word.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
        for (place, letter) in plain.bytes.iter_mut().zip(letters) {
            *place = letter.to_ascii_lowercase();
            plain.length += 1;
        }
        plain
    }

    fn letters(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to the other; more than
/// `allowed` when the lengths alone say so.
fn distance(a: &[u8], b: &[u8], allowed: usize) -> usize {
    if a.len().abs_diff(b.len()) > allowed {
        return allowed + 1;
    }
    // The rows for the letters of `a` before the last two, before the last, and with the last.
    let mut rows = [[0_usize; LETTERS + 1]; 3];
    for (column, cell) in rows[1].iter_mut().enumerate() {
        *cell = column;
    }
    for i in 1..=a.len() {
        let [older, old, new] = &mut rows;
        new[0] = i;
        for j in 1..=b.len() {
            let replaced = old[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(old[j] + 1).min(new[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(older[j - 2] + 1);
            }
            new[j] = least;
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_word() {
        let names = ["params", "signal", "tasks", "matrix"];
        assert_eq!(nearest("taks", names), Some("tasks"));
        assert_eq!(nearest("paramz", names), Some("params"));
        assert_eq!(nearest("Signal", names), Some("signal"));
        assert_eq!(nearest("secrets", names), None);
        assert_eq!(nearest("", names), None);
    }

    #[test]
    fn a_slip_finds_its_word() {
        let keys = ["needs", "run", "steps", "timeout"];
        assert_eq!(nearest("need", keys), Some("needs"));
        assert_eq!(nearest("tiemout", keys), Some("timeout"));
        assert_eq!(nearest("time-out", keys), Some("timeout"));
        assert_eq!(nearest("banana", keys), None);
    }

    #[test]
    fn a_word_that_is_far_away_is_not_suggested() {
        assert_eq!(nearest("biuld", ["test", "build"]), Some("build"));
        assert_eq!(nearest("deploy", ["test", "build"]), None);
    }
}
