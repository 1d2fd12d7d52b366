//! The one error of the expression language.
//!
//! Its kind says whose turn it is: the text (`Parse`), its meaning in an environment (`Check`), the values met
//! (`Eval`) or our own bounds (`Limit`). A limit is never absorbed by `&&`, `||`, `all` or `exists`.

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

impl Error {
    /// A text that is no expression.
    pub fn parse(message: impl Into<String>, span: Span) -> Self {
        Self {
            kind: ErrorKind::Parse,
            message: message.into(),
            span: Some(span),
            help: None,
        }
    }

    /// A name, type or arity that does not fit.
    pub fn check(message: impl Into<String>, span: Span) -> Self {
        Self {
            kind: ErrorKind::Check,
            message: message.into(),
            span: Some(span),
            help: None,
        }
    }

    /// A failure while computing; the evaluator adds the span of the call.
    pub fn eval(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Eval,
            message: message.into(),
            span: None,
            help: None,
        }
    }

    /// A bound of ours that was reached.
    pub fn limit(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Limit,
            message: message.into(),
            span: None,
            help: None,
        }
    }

    /// The same error with a way to mend it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same error at `span`, unless it already has a place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }
}
