//! The last lines of an output, for a message.

/// How many of the last lines of a service a message has.
const LAST_LINES: usize = 3;
/// How many characters of each.
const LINE_CHARS: usize = 160;
/// How much of the end of an output is kept for that.
const TAIL_BYTES: usize = 2 * 1024;

/// The end of an output.
#[derive(Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let over = (self.0.len() + bytes.len()).saturating_sub(TAIL_BYTES);
        self.0.drain(..over.min(self.0.len()));
        self.0.extend_from_slice(bytes);
    }

    /// What `who` printed last, to be put behind a sentence.
    pub(super) fn last_lines(&self, who: &str) -> String {
        let text = String::from_utf8_lossy(&self.0);
        let lines: Vec<String> = text
            .lines()
            .map(shown)
            .filter(|line| !line.is_empty())
            .collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        match last {
            [] => format!("; {who} printed nothing"),
            last => format!("; {who} last printed `{}`", last.join("`, `")),
        }
    }
}

/// A line without colours and control characters.
fn shown(line: &str) -> String {
    let mut shown = String::new();
    let mut chars = line.trim().chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            if chars.next_if_eq(&'[').is_some() {
                while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
            }
        } else if !c.is_control() {
            shown.push(c);
        }
    }
    shown.chars().take(LINE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_shown_without_colours() {
        let mut tail = Tail::default();
        tail.add(b"one\ntwo\n\x1b[31mthree\x1b[0m\n\nfour");
        assert_eq!(
            tail.last_lines("it"),
            "; it last printed `two`, `three`, `four`"
        );
    }

    #[test]
    fn any_amount_of_output_is_cut() {
        let mut tail = Tail::default();
        tail.add(&vec![b'x'; 1 << 20]);
        tail.add(b"y");
        assert_eq!(tail.0.len(), TAIL_BYTES);
        assert!(tail.last_lines("it").len() < 200);
    }
}
