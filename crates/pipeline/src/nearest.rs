//! Words for the help of an error: the one that was probably meant, and those there are.

pub(crate) use expr::check::nearest;

/// `a`, `b` and `c`, or the first twelve and how many more.
pub(crate) fn listed<'c>(words: impl IntoIterator<Item = &'c str>) -> String {
    joined(words, "and")
}

/// `a`, `b` or `c`, or the first twelve and how many more: for words of which one is wanted.
pub(crate) fn any_of<'c>(words: impl IntoIterator<Item = &'c str>) -> String {
    joined(words, "or")
}

fn joined<'c>(words: impl IntoIterator<Item = &'c str>, conjunction: &str) -> String {
    const SHOWN: usize = 12;
    let words: Vec<&str> = words.into_iter().collect();
    let quoted: Vec<String> = words
        .iter()
        .take(SHOWN)
        .map(|word| format!("`{word}`"))
        .collect();
    if words.len() > SHOWN {
        let more = words.len() - SHOWN;
        return format!("{} {conjunction} {more} more", quoted.join(", "));
    }
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
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
    fn words_of_which_one_is_wanted_may_hold_any_word() {
        assert_eq!(
            any_of(["black and white", "red"]),
            "`black and white` or `red`"
        );
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(listed([]), "none");
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert!(listed(many.iter().map(String::as_str)).ends_with("and 8 more"));
    }
}
