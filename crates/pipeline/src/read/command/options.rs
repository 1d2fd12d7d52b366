//! How the options of well-known programs are read: where their value stands, and whether it is code.
//!
//! One word is read at a time. What is known of a program is in its table; which words are its own is for the caller to know.

use super::given::Next;
use super::programs::Interpreter;

/// What an option of an interpreter is.
pub(super) enum Optional {
    /// Code is a part of it.
    Code,
    /// It says what the next word is.
    Before(Next),
}

/// Reads an option of an interpreter, also the last of several letters: `-eo pipefail`.
pub(super) fn optional(interpreter: &Interpreter, word: &str) -> Optional {
    if is_joined(word, interpreter.words) {
        return Optional::Code;
    }
    if interpreter.words.contains(&word) {
        return Optional::Before(Next::Code);
    }
    let is_value = |letter: char| {
        let names = |value: &&str| {
            value
                .strip_prefix('-')
                .is_some_and(|name| name.chars().eq([letter]))
        };
        interpreter.values.iter().any(names)
    };
    let next = match (interpreter.flags, letters_of(word)) {
        _ if interpreter.values.contains(&word) => Next::Value,
        (_, None) => Next::Open,
        (None, Some(letters)) => match letters.chars().next_back() {
            Some(last) if interpreter.letters.contains(&last) => Next::Code,
            Some(last) if is_value(last) => Next::Value,
            Some(_) | None => Next::Open,
        },
        (Some(flags), Some(letters)) => {
            let mut rest = letters.trim_start_matches(|c| flags.contains(c)).chars();
            let first = rest.next();
            let is_last = rest.as_str().is_empty();
            match first {
                Some(first) if interpreter.letters.contains(&first) && !is_last => {
                    return Optional::Code;
                }
                Some(first) if interpreter.letters.contains(&first) => Next::Code,
                Some(first) if is_last && is_value(first) => Next::Value,
                Some(_) | None => Next::Open,
            }
        }
    };
    Optional::Before(next)
}

/// The letters of short options in a word.
fn letters_of(word: &str) -> Option<&str> {
    let letters = word.strip_prefix(['-', '+'])?;
    (!letters.starts_with('-')).then_some(letters)
}

/// What an option of Python that starts a module has of its name in its own word.
pub(super) fn module<'w>(interpreter: &Interpreter, word: &'w str) -> Option<&'w str> {
    if !interpreter.names.contains(&"python") {
        return None;
    }
    let flags = interpreter.flags.unwrap_or_default();
    let letters = letters_of(word)?.trim_start_matches(|c| flags.contains(c));
    letters.strip_prefix('m')
}

/// `--option=value` with one of the options.
pub(super) fn is_joined(word: &str, options: &[&str]) -> bool {
    let joined = |option: &&str| {
        let rest = word.strip_prefix(option);
        option.starts_with("--") && rest.is_some_and(|rest| rest.starts_with('='))
    };
    options.iter().any(joined)
}

/// `-oVALUE` with one of the options.
pub(super) fn is_glued(word: &str, options: &[&str]) -> bool {
    let glued = |option: &&str| option.len() == 2 && word.len() > 2 && word.starts_with(option);
    options.iter().any(glued)
}

/// What an option of `env` that splits a text into a command has of it in its own word; empty when the text is the next
/// word.
pub(super) fn split_by_env(word: &str) -> Option<&str> {
    if let Some(rest) = word.strip_prefix("--split-string") {
        return rest.strip_prefix('=').or(rest.is_empty().then_some(""));
    }
    let letters = word.strip_prefix('-')?;
    letters
        .trim_start_matches(['0', 'i', 'v'])
        .strip_prefix('S')
}
