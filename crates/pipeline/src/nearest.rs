//! The word that was probably meant.

/// The candidate nearest to `word`, if one is near enough to be a slip of the finger: a third of the
/// letters may be wrong, swapped neighbours count once, and `-`, `_` and case do not count.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let wanted = plain(word);
    let allowed = wanted.len().max(3) / 3;
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &plain(candidate), allowed), candidate))
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

fn plain(word: &str) -> Vec<char> {
    let letters = word.chars().take(64).filter(|c| !matches!(c, '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to the other; more than
/// `allowed` when the lengths alone say so.
fn distance(a: &[char], b: &[char], allowed: usize) -> usize {
    if a.len().abs_diff(b.len()) > allowed {
        return allowed + 1;
    }
    let width = b.len() + 1;
    let mut table: Vec<usize> = (0..width).collect();
    table.resize(width * (a.len() + 1), 0);
    for i in 1..=a.len() {
        table[i * width] = i;
        for j in 1..=b.len() {
            let replaced = table[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let removed = table[(i - 1) * width + j] + 1;
            let added = table[i * width + j - 1] + 1;
            let swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            let swapped = if swap {
                table[(i - 2) * width + j - 2] + 1
            } else {
                usize::MAX
            };
            table[i * width + j] = replaced.min(removed).min(added).min(swapped);
        }
    }
    table[width * (a.len() + 1) - 1]
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
