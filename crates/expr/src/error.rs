//! The one error of the expression language.
//!
//! Its kind says whose turn it is: the text (`Parse`), its meaning in an environment (`Check`), the values met
//! (`Eval`) or our own bounds (`Limit`). A limit is never absorbed by `&&`, `||`, `all` or `exists`.

use std::borrow::Cow;

use crate::span::Span;

/// What went wrong, where in the expression, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Who found it.
    pub kind: ErrorKind,
    /// Lowercase fragment that names the thing and what was expected.
    pub message: String,
    /// Place in the source text, where known.
    pub span: Option<Span>,
    /// How to mend it, apart from the message.
    pub help: Option<String>,
}

/// Which part of the language found the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The text is not an expression.
    Parse,
    /// A name, type or arity does not fit the environment.
    Check,
    /// The values met do not allow the operation.
    Eval,
    /// A bound on size, depth or steps was reached.
    Limit,
}

impl ErrorKind {
    /// The word used in documents: `parse`, `check`, `eval` or `limit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Check => "check",
            Self::Eval => "eval",
            Self::Limit => "limit",
        }
    }
}

/// Longest message and longest help, in bytes. They may quote a name, a type or a value; the reader finds the whole of it
/// where the error stands.
const MESSAGE_BYTES: usize = 800;

/// The text, or its beginning and `…`.
pub(crate) fn beginning(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)]).into()
}

/// As much of a name or key as tells which it is: an error that is absorbed must not cost more than its expression.
pub(crate) fn quoted(text: &str) -> Cow<'_, str> {
    beginning(text, 80)
}

/// A message or help, cut to its longest.
fn readable(text: String) -> String {
    match beginning(&text, MESSAGE_BYTES) {
        Cow::Owned(short) => short,
        Cow::Borrowed(_) => text,
    }
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: readable(message.into()),
            span: None,
            help: None,
        }
    }

    /// A text that is no expression.
    pub fn parse(message: impl Into<String>, span: Span) -> Self {
        Self::new(ErrorKind::Parse, message).at(span)
    }

    /// A name, type or arity that does not fit.
    pub fn check(message: impl Into<String>, span: Span) -> Self {
        Self::new(ErrorKind::Check, message).at(span)
    }

    /// A failure while computing; the evaluator adds the span of the call.
    pub fn eval(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Eval, message)
    }

    /// A bound of ours that was reached.
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limit, message)
    }

    /// The same error with a way to mend it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(readable(help.into()));
        self
    }

    /// The same error at `span`, unless it already has a place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }
}
