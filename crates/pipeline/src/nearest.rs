//! The word that was probably meant.

/// Letters of a word that are looked at.
const LETTERS: usize = 40;

/// The candidate nearest to `word`, if one is near enough to be a slip of the finger: a third of the
/// letters may be wrong, swapped neighbours count once, and `-`, `_` and case do not count.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
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

/// `a`, `b` and `c`, or the first ten and how many more.
pub(crate) fn listed<'c>(words: impl IntoIterator<Item = &'c str>) -> String {
    const SHOWN: usize = 12;
    let words: Vec<&str> = words.into_iter().collect();
    let quoted: Vec<String> = words
        .iter()
        .take(SHOWN)
        .map(|word| format!("`{word}`"))
        .collect();
    if words.len() > SHOWN {
        return format!("{} and {} more", quoted.join(", "), words.len() - SHOWN);
    }
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "none".to_owned(),
    }
}

/// `a`, `b` and `c`, all of them: for lists that a person has to choose from.
pub(crate) fn all_listed<'c>(words: impl IntoIterator<Item = &'c str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some(_) | None => quoted.concat(),
    }
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
    fn a_slip_finds_its_word() {
        let keys = ["needs", "run", "steps", "timeout"];
        assert_eq!(nearest("need", keys), Some("needs"));
        assert_eq!(nearest("tiemout", keys), Some("timeout"));
        assert_eq!(nearest("time-out", keys), Some("timeout"));
        assert_eq!(nearest("banana", keys), None);
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(listed([]), "none");
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert!(listed(many.iter().map(String::as_str)).ends_with("and 8 more"));
    }
}
