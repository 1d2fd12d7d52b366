//! The arguments of a `command` that the program runs as code, as far as names and options of well-known programs tell it.
//!
//! Nobody knows every program: one that is in no table here gets its arguments as data. [`crate::reference`] says the tables.

use super::Purpose;
use crate::yaml::Node;

/// Programs that run a text which is given to them behind `-c`, `-e` or a longer word for them.
pub(crate) const INTERPRETERS: &[&str] = &[
    "sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "pwsh", "python", "perl", "ruby", "node",
    "php", "lua", "su", "runuser", "flock",
];

/// Options of interpreters with code behind them.
const CODE_OPTIONS: &[&str] = &["--eval", "--command", "-Command", "--print"];

/// Programs whose first argument is code.
pub(crate) const PROGRAMMED: &[&str] = &["awk", "gawk", "mawk", "nawk"];

/// Programs that start the one that their first argument names.
pub(crate) const STARTERS: &[&str] = &[
    "doas", "env", "nice", "nohup", "setsid", "stdbuf", "sudo", "time", "xargs",
];

/// Programs that give their arguments to a shell, or take programs to start in options.
pub(crate) const SHELLED: &[&str] = &["ssh", "watch"];

/// Programs with options whose value is run.
pub(crate) const OPTIONS: &[(&str, &[&str])] = &[
    (
        "git",
        &[
            "-c",
            "--config",
            "--exec",
            "--exec-path",
            "--receive-pack",
            "--upload-pack",
        ],
    ),
    ("find", &["-exec", "-execdir", "-ok", "-okdir"]),
    ("rsync", &["-e", "--rsh", "--rsync-path"]),
    (
        "tar",
        &[
            "-I",
            "--checkpoint-action",
            "--info-script",
            "--new-volume-script",
            "--to-command",
            "--use-compress-program",
        ],
    ),
];

/// What the item of a command at `place` is to its program.
pub(super) fn purpose(items: &[Node<'_>], place: usize) -> Purpose {
    if place == 0 || is_started(items, place) {
        Purpose::Program
    } else if is_code(items, place) {
        Purpose::Script
    } else {
        Purpose::Value
    }
}

/// Whether a program runs arguments as code that cannot read the environment by themselves.
pub(crate) fn reads_no_variables(program: &str) -> bool {
    SHELLED.contains(&program) || OPTIONS.iter().any(|(name, _)| *name == program)
}

/// The name of a program without its folder.
pub(crate) fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The text of an item.
fn word(item: &Node<'_>) -> Option<String> {
    item.scalar().map(|scalar| scalar.text.to_string())
}

/// Whether an item is the first argument of one of `programs`: between them stand flags only.
fn is_first_of(programs: &[&str], items: &[Node<'_>], place: usize) -> bool {
    let mut before = items[..place].iter().rev().filter_map(word);
    let program = before.find(|word| !word.starts_with('-'));
    program.is_some_and(|word| programs.contains(&base(&word)))
}

/// Whether an item names a program that another one starts. A text before the expression makes it something else, such as
/// `A=${{ … }}` behind `env`.
fn is_started(items: &[Node<'_>], place: usize) -> bool {
    let begins = word(&items[place]).is_some_and(|word| word.trim_start().starts_with("${{"));
    begins && is_first_of(STARTERS, items, place)
}

/// Whether `program` gets the item: it stands first, or behind one that starts others.
fn gets(program: &str, items: &[Node<'_>], place: usize) -> bool {
    let mut before = items[..place].iter().filter_map(word);
    let Some(first) = before.next() else {
        return false;
    };
    base(&first) == program
        || (STARTERS.contains(&base(&first)) && before.any(|word| base(&word) == program))
}

/// Whether the program of a command runs an item: code, a command line, or the value of an option that names a program.
fn is_code(items: &[Node<'_>], place: usize) -> bool {
    let (Some(before), Some(own)) = (place.checked_sub(1), word(&items[place])) else {
        return false;
    };
    if is_first_of(PROGRAMMED, items, place) {
        return !own.starts_with('-');
    }
    if SHELLED.iter().any(|program| gets(program, items, place)) {
        return true;
    }
    let before = word(&items[before]).unwrap_or_default();
    let is_value = |options: &[&str]| {
        let joined = |option: &&str| {
            let rest = own.strip_prefix(option);
            option.starts_with("--") && rest.is_some_and(|rest| rest.starts_with('='))
        };
        options.contains(&before.as_str()) || options.iter().any(joined)
    };
    let runs_value =
        |(program, options): &(&str, &[&str])| is_value(options) && gets(program, items, place);
    if OPTIONS.iter().any(runs_value) {
        return true;
    }
    let runs_text = items[..place].iter().filter_map(word).any(|word| {
        // `python3.11` is `python`.
        let name = base(&word).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        INTERPRETERS.contains(&name)
    });
    let short = before.strip_prefix('-');
    let is_short = short
        .is_some_and(|letters| !letters.starts_with('-') && letters.ends_with(['c', 'e', 'r']));
    runs_text && (is_short || is_value(CODE_OPTIONS))
}
