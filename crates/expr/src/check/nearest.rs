//! The word that was probably meant.

/// The candidate that is closest to `word`, when one is close enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match word.chars().count() {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= MAX_BYTES)
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed && *distance < candidate.chars().count()
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// A sentence for the help of an error: the nearest name, then the names there are.
pub(super) fn suggest(word: &str, candidates: &[&str], what: &str) -> Option<String> {
    if candidates.is_empty() {
        return None;
    }
    const SHOWN: usize = 20;
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
    let short = word.len() <= MAX_BYTES;
    Some(
        match nearest(word, candidates.iter().copied()).filter(|_| short) {
            Some(near) => format!("did you mean `{near}`? {what}: {list}"),
            None => format!("{what}: {list}"),
        },
    )
}

const MAX_BYTES: usize = 64;

/// Edits between two words: insert, delete, replace, swap neighbours.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(MAX_BYTES).collect();
    let b: Vec<char> = b.chars().take(MAX_BYTES).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
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
}
