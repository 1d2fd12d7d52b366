//! What is said about a file: errors and warnings, each with a code, a place and a way to mend it.
//!
//! A [`Report`] collects them while a file is read, so that one reading tells everything. Drawing
//! them (source lines, colours) is the command line's business.

use crate::codes::Code;
use crate::source::Lines;
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
    /// Other places that play a part, each with a word about it.
    pub labels: Vec<(Span, String)>,
    /// How to mend it.
    pub help: Option<String>,
    /// Further facts.
    pub notes: Vec<String>,
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
        self.0.help = Some(help.into());
        self
    }

    pub(crate) fn help_if(self, help: Option<impl Into<String>>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    pub(crate) fn label(self, span: Span, text: impl Into<String>) -> Self {
        self.0.labels.push((span, text.into()));
        self
    }
}

/// Everything said about one file so far.
pub(crate) struct Report<'a> {
    file: &'a str,
    lines: Lines<'a>,
    /// Bytes before the text that was decoded (a byte order mark).
    skipped: usize,
    said: Vec<Diagnostic>,
    errors: usize,
    /// Where values begin that were reported already and mean nothing.
    broken: BTreeSet<usize>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str, skipped: usize) -> Self {
        Self {
            file,
            lines: Lines::of(text),
            skipped,
            said: Vec::new(),
            errors: 0,
            broken: BTreeSet::new(),
        }
    }

    pub(crate) const fn text(&self) -> &'a str {
        self.lines.text()
    }

    pub(crate) const fn lines(&self) -> &Lines<'a> {
        &self.lines
    }

    /// The place of a byte, as the plan keeps it.
    pub(crate) fn plan_place(&self, byte: usize) -> model::plan::Place {
        let place = self.lines.place(byte);
        model::plan::Place {
            line: place.line,
            column: place.column,
        }
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
        let place = self.lines.place(span.start);
        self.errors += usize::from(severity == Severity::Error);
        self.said.push(Diagnostic {
            code: code.code,
            severity,
            file: self.file.to_owned(),
            span,
            line: place.line,
            column: place.column,
            message,
            labels: Vec::new(),
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
        for each in &mut self.said {
            let labels = each.labels.iter_mut().map(|(span, _)| span);
            for span in labels.chain([&mut each.span]) {
                span.start += self.skipped;
                span.end += self.skipped;
            }
        }
        self.said
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
