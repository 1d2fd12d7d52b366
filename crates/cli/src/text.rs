//! Small texts: durations, sizes, ages, and names that may come from anywhere.

use std::fmt::Write as _;

/// A duration as people say it: `0.8s`, `41.2s`, `1m08s`, `2h05m`, `3d04h`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}.{}s", ms % 1000 / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// The time since a beginning, as in a log: `00:41.2`, `1:02:03.4`.
pub(crate) fn clock(ms: u64) -> String {
    let (seconds, tenths) = (ms / 1000, ms % 1000 / 100);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    match minutes / 60 {
        0 => format!("{minutes:02}:{seconds:02}.{tenths}"),
        hours => format!("{hours}:{:02}:{seconds:02}.{tenths}", minutes % 60),
    }
}

/// A time in the past: `just now`, `5 minutes ago`.
pub(crate) fn ago(ms: u64) -> String {
    let counted = |number: u64, unit: &str| match number {
        1 => format!("1 {unit} ago"),
        _ => format!("{number} {unit}s ago"),
    };
    let minutes = ms / 60_000;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => counted(minutes, "minute"),
        60..1440 => counted(minutes / 60, "hour"),
        _ => counted(minutes / 1440, "day"),
    }
}

/// A size: `512 B`, `4.0 KiB`, `2.5 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A count with its word: `1 task`, `3 tasks`.
pub(crate) fn count(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    }
}

/// Characters of a line that are shown; the whole is in the log or the document.
pub(crate) const LINE_CHARS: usize = 200;

/// Whether a character does something to a terminal instead of being shown: controls, and marks that turn the
/// direction of what follows.
pub(crate) fn is_unshown(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// At most [`LINE_CHARS`] characters of `text`, with `…` where there are more.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(LINE_CHARS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

/// Text from anywhere as one line of bounded length; see [`plain`] and [`cut`].
pub(crate) fn line(text: &str) -> String {
    cut(&plain(text))
}

/// Text from anywhere in one line of a terminal: control characters are written out.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unshown(c) {
            write!(shown, "{}", c.escape_default()).expect("writing to a string cannot fail");
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A task's key, a path or an address as one word of a shell: what stands in every line that people may copy.
pub(crate) fn quoted(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@+,".contains(c);
    if !key.is_empty() && key.chars().all(is_plain) {
        return key.to_owned();
    }
    format!("'{}'", plain(key).replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_units() {
        let shown = [0, 840, 41_250, 68_000, 7_500_000, 273_600_000].map(duration);
        assert_eq!(shown, ["0.0s", "0.8s", "41.2s", "1m08s", "2h05m", "3d04h"]);
    }

    #[test]
    fn the_clock_has_hours_only_when_there_are_any() {
        assert_eq!([clock(41_200), clock(3_723_400)], ["00:41.2", "1:02:03.4"]);
    }

    #[test]
    fn sizes_have_binary_units() {
        let shown = [0, 1023, 1024, 2_684_354_560].map(size);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "2.5 GiB"]);
    }

    #[test]
    fn one_is_not_plural() {
        assert_eq!([count(1, "task"), count(2, "task")], ["1 task", "2 tasks"]);
        assert_eq!(
            [ago(60_000), ago(120_000)],
            ["1 minute ago", "2 minutes ago"]
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain("a\x1b[31mb\n"), "a\\u{1b}[31mb\\n");
    }

    #[test]
    fn what_a_shell_would_read_is_quoted() {
        let plain = ["a", "./ci/scan.yaml", "git+https://h:8080/r//a.yaml@v1"];
        assert_eq!(plain.map(quoted), plain);
        let odd = ["", "a b", "$(id)", "`id`", "it's", "a;b", "a\nb", "~/x"].map(quoted);
        let expected = [
            "''",
            "'a b'",
            "'$(id)'",
            "'`id`'",
            "'it'\\''s'",
            "'a;b'",
            "'a\\nb'",
            "'~/x'",
        ];
        assert_eq!(odd, expected);
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let long = "é".repeat(LINE_CHARS + 1);
        assert_eq!(line(&long), format!("{} …", "é".repeat(LINE_CHARS)));
        assert_eq!(line("a\u{202e}b"), "a\\u{202e}b");
    }
}
