//! Words for the help of an error: the one that was probably meant, and those there are.

pub(crate) use expr::check::nearest;

/// `a`, `b` and `c`, or the first twelve and how many more.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(listed([]), "none");
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert!(listed(many.iter().map(String::as_str)).ends_with("and 8 more"));
    }
}
