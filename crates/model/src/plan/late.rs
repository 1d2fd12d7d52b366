//! Values that may be known only later: expressions, texts with expressions in them, and where they stand.
//!
//! The plan stores text and dialect, never a parsed form: the `expr` crate parses, and another
//! dialect needs nothing here.

use serde::{Deserialize, Serialize};

/// Where something stands in a source file, for messages while the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The file: 0 is the plan's own, `n` the `n`th of [`super::Plan::more_files`].
    #[serde(default, skip_serializing_if = "super::is_first")]
    pub file: u32,
}

/// An expression and the language it is written in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expression {
    /// The dialect's name, such as `cel`.
    pub dialect: String,
    /// The expression, without any `${{ }}` around it.
    pub text: String,
    /// What its author wrote, where the front-end put something around it; messages quote this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

impl Expression {
    /// A CEL expression that stands in no file.
    #[must_use]
    pub fn cel(text: impl Into<String>) -> Self {
        Self {
            dialect: "cel".to_owned(),
            text: text.into(),
            written: None,
            at: None,
        }
    }

    /// It as its author wrote it.
    #[must_use]
    pub fn as_written(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.text)
    }
}

/// A string that may hold `${{ }}` expressions, each read in the text's dialect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// These characters, whatever they look like.
    Literal(String),
    /// To be evaluated as a template in the field's phase.
    Template(Expression),
}

impl Text {
    /// A CEL template that stands in no file.
    #[must_use]
    pub fn template(text: impl Into<String>) -> Self {
        Self::Template(Expression::cel(text))
    }

    /// The text, if nothing in it has to be evaluated.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Template(_) => None,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Literal(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Literal(text)
    }
}

/// A value that is known in the plan or computed when its phase comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Late<T> {
    /// Known in the plan.
    Known(T),
    /// Computed.
    Computed(Expression),
}

impl<T> Late<T> {
    /// The value, if the plan knows it.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Computed(_) => None,
        }
    }
}

impl<T> From<T> for Late<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}
