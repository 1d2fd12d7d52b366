//! Logs as people and machines read them: the bytes of one task as they are, those of several under names.

use crate::board::Board;
use crate::fault::Fault;
use crate::text;
use crate::ui::{Paint, Ui};
use anyhow::Result;
use api::logs::{self, ChunkDocument};
use api::protocol;
use engine::rows::{AttemptRow, StepResult, StepStatus, TaskRow};
use model::ids::{AttemptId, RunId};
use store::{Frame, LogReader, Stream};

/// An attempt whose log is wanted.
pub(crate) struct Selected<'a> {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: &'a TaskRow,
    /// The attempt.
    pub attempt: &'a AttemptRow,
    /// Only this step.
    pub step: Option<&'a str>,
}

impl Selected<'_> {
    /// The name of the step numbered `step` over all that were begun.
    fn step_name(&self, step: u32) -> Option<&str> {
        let end = self.attempt.end.as_ref()?;
        let mut begun = end
            .steps
            .iter()
            .filter(|step| step.status != StepStatus::Skipped);
        begun.nth(step as usize).map(|step| step.name.as_str())
    }

    fn wants(&self, frame: &Frame<'_>) -> bool {
        self.step.is_none_or(|wanted| {
            let name = self.step_name(frame.step);
            name.is_some_and(|name| is_called(name, wanted)) || wanted == frame.step.to_string()
        })
    }

    fn missing_bytes(&self) -> u64 {
        let log = self.attempt.end.as_ref().and_then(|end| end.log.as_ref());
        log.map_or(0, |log| log.missing_bytes)
    }
}

/// What an attempt printed; `None` when that is nothing, or nothing yet.
pub(crate) fn reader(board: &Board, run: RunId, row: &AttemptRow) -> Result<Option<LogReader>> {
    let (task, attempt) = (row.task, row.attempt);
    let id = AttemptId { run, task, attempt };
    match row.end.as_deref().map(|end| (&end.log, &end.steps)) {
        Some((Some(log), _)) => Ok(Some(board.logs.read(log, id)?)),
        // Its worker told how it ended, and nothing of a log.
        Some((None, steps)) if !steps.is_empty() => Ok(None),
        // It goes on, or was lost.
        Some((None, _)) | None => Ok(board.logs.follow(&row.worker, id)?),
    }
}

/// Whether a step, or the service beside the steps, is the one that is wanted.
fn is_called(name: &str, wanted: &str) -> bool {
    name == wanted || name.strip_prefix("service ") == Some(wanted)
}

/// Makes sure that an ended attempt has the step.
///
/// # Errors
/// When it has not; its steps are named.
pub(crate) fn must_have_step(selected: &Selected<'_>, step: &str) -> Result<()> {
    let Some(end) = &selected.attempt.end else {
        return Ok(());
    };
    let is_there = end.steps.iter().any(|each| is_called(&each.name, step));
    if is_there || step.parse::<u32>().is_ok() {
        return Ok(());
    }
    let names: Vec<String> = end.steps.iter().map(title).collect();
    let key = &selected.task.key;
    let step = text::plain(step);
    Err(Fault::nothing(format!("task `{key}` has no step `{step}`"))
        .help(format!("its steps are {}", names.join(", ")))
        .into())
}

/// A step as people tell it: its name is what commands take, its label what they know it by.
fn title(step: &StepResult) -> String {
    match &step.label {
        Some(label) => format!("{} ({})", step.name, text::line(label)),
        None => step.name.clone(),
    }
}

/// Prints logs one after the other.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn print(board: &Board, selected: &[Selected<'_>], ui: &Ui) -> Result<()> {
    let mut first = true;
    for each in selected {
        let Some(reader) = reader(board, each.run, each.attempt)? else {
            continue;
        };
        let mut last = b'\n';
        let mut begun = selected.len() == 1;
        for frame in reader {
            let frame = frame?;
            if !each.wants(&frame) || ui.is_unread() {
                continue;
            }
            if !begun {
                let gap = if first { "" } else { "\n" };
                let number = each.attempt.attempt.0;
                let of = if number > 1 {
                    format!(" · attempt {number}")
                } else {
                    String::new()
                };
                let title = format!("── {}{of} ──", text::plain(&each.task.key));
                ui.data(format!("{gap}{}\n", ui.paint_data(Paint::Strong, &title)));
                (begun, first) = (true, false);
            }
            last = frame.bytes.last().copied().unwrap_or(last);
            ui.data(&frame.bytes);
        }
        if last != b'\n' && selected.len() > 1 {
            ui.data("\n");
        }
        if each.missing_bytes() > 0 {
            let missing = text::size(each.missing_bytes());
            ui.warn(format!(
                "{missing} of the output of `{}` are missing",
                each.task.key
            ));
        }
    }
    Ok(())
}

/// Prints one document, piece by piece: a log may be larger than memory.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn document(
    board: &Board,
    run: RunId,
    selected: &[Selected<'_>],
    ui: &Ui,
) -> Result<()> {
    ui.data(logs::begin(run.as_str()));
    for (place, each) in selected.iter().enumerate() {
        let (attempt, missing) = (each.attempt.attempt.0, each.missing_bytes());
        ui.data(if place > 0 { "," } else { "" });
        ui.data(logs::log_begin(&each.task.key, attempt, missing));
        let mut gap = "";
        for frame in reader(board, each.run, each.attempt)?.into_iter().flatten() {
            let frame = frame?;
            if each.wants(&frame) {
                let chunk =
                    serde_json::to_string(&chunk(each, &frame)).expect("text and numbers are JSON");
                ui.data(format!("{gap}{chunk}"));
                gap = ",";
            }
        }
        ui.data(logs::LOG_END);
    }
    ui.data(format!("{}\n", logs::END));
    Ok(())
}

/// A piece of output.
fn chunk(selected: &Selected<'_>, frame: &Frame<'_>) -> ChunkDocument {
    let stream = match frame.stream {
        Stream::Stdout => protocol::Stream::Stdout,
        Stream::Stderr => protocol::Stream::Stderr,
        Stream::System => protocol::Stream::System,
    };
    let name = selected.step_name(frame.step);
    ChunkDocument::new(frame.step, name, stream, frame.at.0, &frame.bytes)
}

/// The last output of an attempt, as much as a screen shows.
#[derive(Debug, Default)]
pub(crate) struct Tail(Vec<u8>);

/// More would not fit a screen.
const TAIL_BYTES: usize = 16 * 1024;

impl Tail {
    /// Takes in output.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        // Only every now and then, so that a byte is moved once on average.
        if self.0.len() + bytes.len() > 4 * TAIL_BYTES {
            self.0.drain(..self.0.len().saturating_sub(TAIL_BYTES));
        }
        self.0.extend_from_slice(bytes);
    }

    /// The last `count` lines, as a terminal would show them.
    pub(crate) fn lines(&self, count: usize) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0[self.0.len().saturating_sub(TAIL_BYTES)..]);
        let all: Vec<&str> = text.lines().collect();
        let from = all.len().saturating_sub(count);
        all[from..].iter().map(|line| shown_line(line)).collect()
    }
}

/// A line of a task's output within our own lines: what was overwritten by `\r` and colours are left out.
fn shown_line(line: &str) -> String {
    let last = line.trim_end_matches('\r');
    let last = last.rsplit('\r').next().unwrap_or(last);
    let mut shown = String::new();
    let mut chars = last.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => skip_sequence(&mut chars),
            // A tab is as wide as it likes; a line is bounded.
            '\t' => shown.push_str("    "),
            c if text::is_unshown(c) => {}
            c => shown.push(c),
        }
    }
    text::cut(&shown)
}

/// Leaves out the rest of an escape sequence: of a colour or cursor movement up to its letter, of a title or link
/// up to its end, of anything else one character.
fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next_if(|c| !c.is_control()) {
        Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(c) = chars.next() {
                if c == '\x07' || c == '\x1b' && chars.next_if_eq(&'\\').is_some() {
                    break;
                }
            }
        }
        Some(_) | None => {}
    }
}

/// Prints output of several tasks as it comes, with the task's name in front of each line.
#[derive(Default)]
pub(crate) struct Printer {
    unfinished: std::collections::BTreeMap<String, Vec<u8>>,
}

/// A line that never ends is broken here, so that it is not collected in memory.
const LINE_BYTES: usize = 64 * 1024;

impl Printer {
    /// Takes in output of the task `key`.
    pub(crate) fn frame(&mut self, key: &str, bytes: &[u8], out: &dyn Fn(&[u8])) {
        let rest = self.unfinished.entry(key.to_owned()).or_default();
        rest.extend_from_slice(bytes);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            line_out(key, &line, out);
        }
        if rest.len() > LINE_BYTES {
            let line = std::mem::take(rest);
            line_out(key, &line, out);
        }
    }

    /// Prints what has no line break behind it.
    pub(crate) fn end(&mut self, out: &dyn Fn(&[u8])) {
        for (key, rest) in std::mem::take(&mut self.unfinished) {
            if !rest.is_empty() {
                line_out(&key, &rest, out);
            }
        }
    }
}

fn line_out(key: &str, line: &[u8], out: &dyn Fn(&[u8])) {
    let mut whole = format!("{} | ", text::plain(key)).into_bytes();
    whole.extend_from_slice(line);
    if line.last() != Some(&b'\n') {
        whole.push(b'\n');
    }
    out(&whole);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_keeps_the_last_lines_of_any_amount() {
        let mut tail = Tail::default();
        for number in 0..100_000 {
            tail.add(format!("line {number}\n").as_bytes());
        }
        assert_eq!(tail.lines(2), ["line 99998", "line 99999"]);
        assert!(tail.0.len() <= 4 * TAIL_BYTES);
        tail.add(&vec![b'x'; 1 << 20]);
        let cut = format!("{} …", "x".repeat(text::LINE_CHARS));
        assert_eq!(tail.lines(20), [cut]);
    }

    #[test]
    fn a_line_is_shown_as_a_terminal_would_leave_it() {
        assert_eq!(shown_line("10 %\r50 %\r100 %\r"), "100 %");
        assert_eq!(shown_line("\x1b[1;31merror\x1b[0m: x\x07"), "error: x");
        assert_eq!(
            shown_line("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1b(Bc"),
            "abBc"
        );
        assert_eq!(shown_line("a\u{9b}31mb\u{202e}c\td"), "a31mbc    d");
    }
}
