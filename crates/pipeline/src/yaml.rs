//! YAML as an untyped tree that remembers where everything stands.
//!
//! Scalars keep their text and their style; what a text means is decided by the definition of the
//! key that holds it. So `on:` stays `on`, `no` stays `no` and `3.10` stays `3.10` until someone asks
//! for a boolean or a number. Duplicate keys, merge keys, aliases and all bounds are handled here.

pub(crate) mod build;
pub(crate) mod merge;
pub(crate) mod offsets;
pub(crate) mod traps;

use crate::diagnostics::Span;
use model::Json;
use std::borrow::Cow;

pub(crate) use build::parse;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub value: Value<'a>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Scalar(Scalar<'a>),
    Sequence(Vec<Node<'a>>),
    Mapping(Vec<Entry<'a>>),
}

/// Text and how it was written.
#[derive(Debug, Clone)]
pub(crate) struct Scalar<'a> {
    pub text: Cow<'a, str>,
    pub style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// One key of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'a> {
    pub key: Cow<'a, str>,
    pub key_span: Span,
    pub value: Node<'a>,
}

impl<'a> Node<'a> {
    pub(crate) const fn scalar(&self) -> Option<&Scalar<'a>> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// This scalar with a text of its own; nothing for lists and mappings.
    pub(crate) fn owned_scalar(&self) -> Node<'static> {
        let (text, style) = match self.scalar() {
            Some(scalar) => (scalar.text.to_string(), scalar.style),
            None => (String::new(), Style::Plain),
        };
        Node {
            value: Value::Scalar(Scalar {
                text: text.into(),
                style,
            }),
            span: self.span,
        }
    }

    /// The text of a scalar that has one.
    pub(crate) fn text(&self) -> Option<&str> {
        self.scalar()
            .filter(|scalar| !scalar.is_null())
            .map(|scalar| &*scalar.text)
    }

    pub(crate) fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            Value::Scalar(_) | Value::Mapping(_) => None,
        }
    }

    pub(crate) fn entries(&self) -> Option<&[Entry<'a>]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            Value::Scalar(_) | Value::Sequence(_) => None,
        }
    }

    /// The entry with this key, if this is a mapping that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn child(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Whether nothing, `~` or `null` stands here.
    pub(crate) fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// Whether it is a list or a mapping with nothing in it.
    pub(crate) const fn asks_nothing(&self) -> bool {
        match &self.value {
            Value::Sequence(items) => items.is_empty(),
            Value::Mapping(entries) => entries.is_empty(),
            Value::Scalar(_) => false,
        }
    }

    /// What it is, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::Scalar(scalar) if scalar.is_null() => "no value".to_owned(),
            Value::Scalar(scalar) => {
                let shown: String = scalar.text.chars().take(40).collect();
                let shown = shown.split('\n').next().unwrap_or_default();
                let cut = if shown.len() < scalar.text.trim_end().len() {
                    "…"
                } else {
                    ""
                };
                match scalar.style {
                    Style::Plain => format!("`{shown}{cut}`"),
                    Style::SingleQuoted | Style::DoubleQuoted | Style::Literal | Style::Folded => {
                        format!("the text `{shown}{cut}`")
                    }
                }
            }
        }
    }

    /// The value as JSON, plain scalars by [`Scalar::to_json`].
    pub(crate) fn to_json(&self) -> Json {
        match &self.value {
            Value::Scalar(scalar) => scalar.to_json(),
            Value::Sequence(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Mapping(entries) => {
                let pairs = entries
                    .iter()
                    .map(|entry| (entry.key.clone().into_owned(), entry.value.to_json()));
                Json::Object(pairs.collect())
            }
        }
    }
}

impl Scalar<'_> {
    /// Whether nothing, `~` or `null` stands here without quotes.
    pub(crate) fn is_null(&self) -> bool {
        self.style == Style::Plain && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL")
    }

    /// The value where no definition says its type. Only what reads the same in every YAML and JSON
    /// is something other than text: `true`, `false`, `null`, and numbers that are written as the
    /// number itself would be. `3.10`, `017`, `1e3`, `1_000`, `12:30` and `no` stay text.
    pub(crate) fn to_json(&self) -> Json {
        if self.style != Style::Plain {
            return Json::String(self.text.clone().into_owned());
        }
        if self.is_null() {
            return Json::Null;
        }
        match &*self.text {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            text => match serde_json::from_str::<serde_json::Number>(text) {
                Ok(number) if number.to_string() == text => Json::Number(number),
                Ok(_) | Err(_) => Json::String(text.to_owned()),
            },
        }
    }
}
