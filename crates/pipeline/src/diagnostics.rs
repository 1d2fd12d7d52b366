//! What is said about a file: errors and warnings, each with a code, a place and a way to mend it.
//!
//! A [`Report`] collects them while a file is read, so that one reading tells everything. Drawing
//! them (source lines, colours) is the command line's business.

mod cut;

use crate::codes::Code;
use crate::source::Lines;
use cut::{For, cut};
use std::collections::BTreeSet;

/// Errors shown for one file; whoever sees a hundred mends some and looks again.
pub const ERRORS_PER_FILE: usize = 100;

/// A range of bytes in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
}

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: u32,
    pub column: u32,
}

/// Whether a diagnostic keeps the file from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// One thing to say about a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// Stable code such as `E0201`; see [`crate::codes`].
    pub code: &'static str,
    /// Whether it keeps the file from being used.
    pub severity: Severity,
    /// The file's name.
    pub file: String,
    /// The bytes that it is about.
    pub span: Span,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// Column of the first byte in characters, from 1.
    pub column: u32,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// Other places of the file that play a part, each with a word about it.
    pub labels: Vec<(Span, String)>,
    /// Places of other files that play a part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
    /// How to mend it.
    pub help: Option<String>,
    /// Further facts.
    pub notes: Vec<String>,
}

/// Something that the language has and this version cannot run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsupported {
    /// The file's name.
    pub file: String,
    /// Line of the key, from 1.
    pub line: u32,
    /// The key.
    pub key: String,
    /// Where the task is named that cannot be run for it, as its definition in the plan says; `None` where it is an error
    /// of the file already.
    pub task: Option<model::plan::Place>,
}

/// A place in another file than the diagnostic's own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Elsewhere {
    /// The file's name.
    pub file: String,
    /// The bytes of that file.
    pub span: Span,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// Column of the first byte in characters, from 1.
    pub column: u32,
    /// A word about it.
    pub text: String,
}

impl Diagnostic {
    /// Whether it keeps the file from being used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub(crate) fn with_help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        self.help = Some(help.into());
        self
    }
}

/// Adds to a diagnostic that was just reported.
pub(crate) struct Added<'r>(&'r mut Diagnostic);

impl Added<'_> {
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(cut(help.into(), For::Help));
        self
    }

    pub(crate) fn help_if(self, help: Option<impl Into<String>>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    pub(crate) fn label(self, span: Span, text: impl Into<String>) -> Self {
        self.0.labels.push((span, cut(text.into(), For::Message)));
        self
    }

    pub(crate) fn note(self, text: impl Into<String>) -> Self {
        self.0.notes.push(cut(text.into(), For::Help));
        self
    }
}

/// One of the files whose texts stand behind each other in the text of a [`Report`].
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// What it is called in messages.
    pub name: String,
    /// Where its text begins in the whole text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Bytes of the file before its text (a byte order mark).
    pub skipped: usize,
}

/// Everything said so far about a file and the files that it refers to.
///
/// Their texts stand behind each other in one text, so that a [`Span`] says which file it is in; the
/// diagnostics that leave have spans of their own file.
pub(crate) struct Report<'a> {
    lines: Lines<'a>,
    parts: Vec<Part>,
    /// Lines before each part.
    lines_before: Vec<u32>,
    /// The part that is read.
    current: usize,
    said: Vec<Diagnostic>,
    /// What was said about files that are no text.
    undecoded: Vec<Diagnostic>,
    errors: usize,
    /// What cannot be run, with the bytes of its key.
    unsupported: Vec<(Span, Unsupported)>,
    /// Where values begin that were reported already and mean nothing.
    broken: BTreeSet<usize>,
}

impl<'a> Report<'a> {
    /// A report about one file.
    pub(crate) fn new(file: &str, text: &'a str, skipped: usize) -> Self {
        let whole = Part {
            name: file.to_owned(),
            start: 0,
            end: text.len(),
            skipped,
        };
        Self::of(text, vec![whole])
    }

    /// A report about `parts` of `text`, in order; the first is the file that was asked about.
    pub(crate) fn of(text: &'a str, parts: Vec<Part>) -> Self {
        let lines = Lines::of(text);
        let before = parts.iter().map(|part| lines.place(part.start).line - 1);
        Self {
            lines_before: before.collect(),
            lines,
            parts,
            current: 0,
            said: Vec::new(),
            undecoded: Vec::new(),
            errors: 0,
            unsupported: Vec::new(),
            broken: BTreeSet::new(),
        }
    }

    /// The texts of all files, one behind the other.
    pub(crate) const fn text(&self) -> &'a str {
        self.lines.text()
    }

    pub(crate) const fn lines(&self) -> &Lines<'a> {
        &self.lines
    }

    /// Goes to the file numbered `part`: the next text that is parsed is its.
    pub(crate) const fn enter(&mut self, part: usize) {
        self.current = part;
    }

    /// The file that is read.
    pub(crate) fn part(&self) -> &Part {
        &self.parts[self.current]
    }

    /// The text of the file that is read.
    pub(crate) fn part_text(&self) -> &'a str {
        let Part { start, end, .. } = *self.part();
        &self.text()[start..end]
    }

    /// The beginning of the file that is read.
    pub(crate) fn top(&self) -> Span {
        let start = self.part().start;
        Span { start, end: start }
    }

    /// The name of the file that holds a byte.
    pub(crate) fn file_of(&self, byte: usize) -> &str {
        &self.parts[self.part_of(byte)].name
    }

    /// The number of the file that holds a byte.
    pub(crate) fn part_of(&self, byte: usize) -> usize {
        let after = self.parts.partition_point(|part| part.start <= byte);
        after.saturating_sub(1)
    }

    fn place(&self, byte: usize) -> Place {
        let place = self.lines.place(byte);
        Place {
            line: place.line - self.lines_before[self.part_of(byte)],
            ..place
        }
    }

    /// The place of a byte, as the plan keeps it.
    pub(crate) fn plan_place(&self, byte: usize) -> model::plan::Place {
        let place = self.place(byte);
        model::plan::Place {
            line: place.line,
            column: place.column,
            file: u32::try_from(self.part_of(byte)).unwrap_or(u32::MAX),
        }
    }

    /// Takes in what was said about a file that could not even be decoded.
    pub(crate) fn take_in(&mut self, said: Diagnostic) {
        self.errors += usize::from(said.is_error());
        self.undecoded.push(said);
    }

    pub(crate) fn error(
        &mut self,
        code: &'static Code,
        span: Span,
        message: impl Into<String>,
    ) -> Added<'_> {
        self.say(Severity::Error, code, span, message.into())
    }

    pub(crate) fn warning(
        &mut self,
        code: &'static Code,
        span: Span,
        message: impl Into<String>,
    ) -> Added<'_> {
        self.say(Severity::Warning, code, span, message.into())
    }

    /// Errors reported so far, those that were not kept included.
    pub(crate) const fn error_count(&self) -> usize {
        self.errors
    }

    /// Whether there are so many errors that looking for more is idle.
    pub(crate) const fn is_full(&self) -> bool {
        self.errors > ERRORS_PER_FILE
    }

    /// Remembers that this version cannot run what the key at `span` says, of the task named at `task`.
    pub(crate) fn unsupported(&mut self, key: &str, span: Span, task: Option<Span>) {
        let found = Unsupported {
            file: self.file_of(span.start).to_owned(),
            line: self.place(span.start).line,
            key: key.to_owned(),
            task: task.map(|task| self.plan_place(task.start)),
        };
        self.unsupported.push((span, found));
    }

    /// What this version cannot run, by place and without repetitions.
    pub(crate) fn take_unsupported(&mut self) -> Vec<(Span, Unsupported)> {
        let mut found = std::mem::take(&mut self.unsupported);
        found.sort();
        found.dedup();
        found
    }

    /// Remembers that the value at `span` was reported, so that nothing else is said about it.
    pub(crate) fn mark_broken(&mut self, span: Span) {
        self.broken.insert(span.start);
    }

    /// Whether the value at `span` was reported already.
    pub(crate) fn is_broken(&self, span: Span) -> bool {
        self.broken.contains(&span.start)
    }

    fn say(
        &mut self,
        severity: Severity,
        code: &'static Code,
        span: Span,
        message: String,
    ) -> Added<'_> {
        let span = self.lines.first_line(span);
        let place = self.place(span.start);
        self.errors += usize::from(severity == Severity::Error);
        self.said.push(Diagnostic {
            code: code.code,
            severity,
            file: self.file_of(span.start).to_owned(),
            span,
            line: place.line,
            column: place.column,
            message: cut(message, For::Message),
            labels: Vec::new(),
            elsewhere: Vec::new(),
            help: None,
            notes: Vec::new(),
        });
        Added(self.said.last_mut().expect("one was just pushed"))
    }

    /// Everything said, by position, without repetitions, the errors capped.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.said.sort_by(|a, b| {
            (a.span.start, a.severity, a.code).cmp(&(b.span.start, b.severity, b.code))
        });
        self.said
            .dedup_by(|a, b| (a.span, a.code, &a.message) == (b.span, b.code, &b.message));
        for severity in [Severity::Error, Severity::Warning] {
            self.cap(severity);
        }
        let mut said = std::mem::take(&mut self.said);
        for each in &mut said {
            self.localize(each);
        }
        // Behind what was said about texts.
        said.append(&mut self.undecoded);
        said
    }

    /// Turns spans of the whole text into spans of files.
    fn localize(&self, each: &mut Diagnostic) {
        let own = self.part_of(each.span.start);
        for (span, text) in std::mem::take(&mut each.labels) {
            let part = self.part_of(span.start);
            if part == own {
                each.labels.push((self.local(span, part), text));
                continue;
            }
            let place = self.place(span.start);
            each.elsewhere.push(Elsewhere {
                file: self.parts[part].name.clone(),
                span: self.local(span, part),
                line: place.line,
                column: place.column,
                text,
            });
        }
        each.span = self.local(each.span, own);
    }

    fn local(&self, span: Span, part: usize) -> Span {
        let Part { start, skipped, .. } = self.parts[part];
        Span {
            start: span.start.saturating_sub(start) + skipped,
            end: span.end.saturating_sub(start) + skipped,
        }
    }

    /// Keeps the first hundred of one severity.
    fn cap(&mut self, severity: Severity) {
        let mut seen = 0;
        self.said.retain(|each| {
            seen += usize::from(each.severity == severity);
            each.severity != severity || seen <= ERRORS_PER_FILE
        });
        let last = self
            .said
            .iter_mut()
            .rev()
            .find(|each| each.severity == severity);
        if let Some(last) = last.filter(|_| seen > ERRORS_PER_FILE) {
            last.notes
                .push("there are more; mend these first".to_owned());
        }
    }
}
