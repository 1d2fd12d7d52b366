//! Params and outputs: declared types, and values read by them.

use super::{Purpose, Reader, Slot, texts};
use crate::codes;
use crate::definitions::{PARAM_TYPES, Phase};
use crate::diagnostics::{Report, Span};
use crate::nearest::{listed, nearest};
use crate::scalar;
use crate::yaml::{Entry, Node, Style, Value};
use model::plan::{Output, Text, ValueType};
use model::{Json, number};
use std::collections::{BTreeMap, BTreeSet};

/// A declared param.
#[derive(Debug)]
pub(crate) struct Param {
    pub name: String,
    pub span: Span,
    pub value_type: ValueType,
    pub default: Option<Json>,
    /// The word of a type that stands in place of its default.
    pub mistaken: Option<&'static str>,
    /// Whether its declaration was refused, so that it is not also missed.
    pub faulty: bool,
}

impl Reader<'_, '_> {
    pub(super) fn params(&mut self, node: &Node<'_>) -> Vec<Param> {
        let entries = node.entries().unwrap_or_default();
        entries
            .iter()
            .map(|entry| {
                let before = self.report.error_count();
                let (value_type, default) = if entry.value.entries().is_some() {
                    self.declared(&entry.value, &codes::PARAM_VALUE)
                } else {
                    short(&entry.value)
                };
                let mistaken = type_as_default(&entry.value);
                if let Some(word) = mistaken {
                    self.warn_of_type(entry, word);
                }
                Param {
                    mistaken,
                    faulty: self.report.error_count() > before,
                    name: entry.key.clone().into_owned(),
                    span: entry.key_span,
                    value_type,
                    default,
                }
            })
            .collect()
    }

    fn warn_of_type(&mut self, entry: &Entry<'_>, word: &str) {
        let name = &entry.key;
        let words = if word == "enum" {
            ", enum: [one, other]"
        } else {
            ""
        };
        let message = format!(
            "the default of `{name}` is the text `{word}`; a type is written `{{ type: {word}{words} }}`"
        );
        self.report
            .warning(&codes::TYPE_AS_DEFAULT, entry.value.span, message)
            .help(format!(
                "write `{name}: {{ type: {word}{words} }}`, or `{name}: \"{word}\"` if the text is meant"
            ));
    }

    /// `type`, `enum` and `default` of a declaration.
    fn declared(
        &mut self,
        node: &Node<'_>,
        fault: &'static codes::Code,
    ) -> (ValueType, Option<Json>) {
        let default = node.child("default").filter(|value| !value.is_null());
        let words = node.child("enum").map(texts);
        let named = node.child("type").and_then(Node::text);
        let value_type = match (named, words) {
            (Some("string" | "enum") | None, Some(words)) => ValueType::Enum(words),
            (Some("enum"), None) => {
                let span = node.child("type").map_or(node.span, |value| value.span);
                self.report
                    .error(
                        &codes::ENUM_WITHOUT_WORDS,
                        span,
                        "the type `enum` needs its words",
                    )
                    .help("add `enum: [one, other]`");
                return (ValueType::String, None);
            }
            (Some(name), Some(_)) => {
                let span = node.entry("enum").map_or(node.span, |entry| entry.key_span);
                self.report
                    .error(
                        &codes::ENUM_WITHOUT_WORDS,
                        span,
                        format!("a value of type `{name}` has no list of words"),
                    )
                    .help("remove `enum`, or write `type: enum`");
                type_called(name)
            }
            (Some(name), None) => type_called(name),
            (None, None) => default.map(|value| short(value).0).unwrap_or_default(),
        };
        let Some(default) = default else {
            return (value_type, None);
        };
        if holds_expression(default) {
            // Refused with the shape of the file.
            return (value_type, Some(default.to_json()));
        }
        match typed(default, &value_type) {
            Some(value) => (value_type, Some(value)),
            None => {
                let message = format!(
                    "the default is {}; expected {}",
                    default.describe(),
                    wanted_for(default, &value_type)
                );
                self.report
                    .error(fault, default.span, message)
                    .help(format!("write it as in `default: {}`", sample(&value_type)));
                (value_type, None)
            }
        }
    }

    /// `outputs:` of a task or a step.
    pub(super) fn outputs(&mut self, node: &Node<'_>) -> BTreeMap<String, Output> {
        let mut outputs = BTreeMap::new();
        for entry in node.entries().unwrap_or_default() {
            let value = &entry.value;
            let mut output = Output {
                value_type: ValueType::String,
                from: None,
                default: None,
            };
            if let Some(name) = value.text() {
                output.value_type = self.short_output(name, value.span);
            } else if let Some(artifact) = value.child("artifact").and_then(Node::text) {
                output.value_type = ValueType::Artifact;
                output.from = Some(Text::Literal(artifact.to_owned()));
                let other = value
                    .child("type")
                    .filter(|named| named.text() != Some("artifact"));
                if let Some(other) = other {
                    let message = format!(
                        "the output is the artifact `{artifact}`, so its type is `artifact`"
                    );
                    self.report
                        .error(&codes::OUTPUT_VALUE, other.span, message)
                        .help("remove `type`");
                }
            } else {
                (output.value_type, output.default) = self.declared(value, &codes::OUTPUT_VALUE);
                output.from = value
                    .child("from")
                    .and_then(|from| self.text(from, Phase::End, Purpose::Value));
            }
            outputs.insert(entry.key.clone().into_owned(), output);
        }
        outputs
    }

    /// `outputs:` of a pipeline.
    pub(super) fn given_outputs(&mut self, node: &Node<'_>) -> BTreeMap<String, (Output, Span)> {
        let mut outputs = BTreeMap::new();
        for entry in node.entries().unwrap_or_default() {
            let (value_type, default) = self.declared(&entry.value, &codes::OUTPUT_VALUE);
            self.slot = Slot::Output(entry.key.clone().into_owned());
            let from = entry
                .value
                .child("value")
                .and_then(|value| self.text(value, Phase::Ready, Purpose::Value));
            self.slot = Slot::Other;
            let output = Output {
                value_type,
                from,
                default,
            };
            outputs.insert(entry.key.clone().into_owned(), (output, entry.key_span));
        }
        outputs
    }

    fn short_output(&mut self, name: &str, span: Span) -> ValueType {
        if name == "enum" {
            self.report
                .error(
                    &codes::ENUM_WITHOUT_WORDS,
                    span,
                    "the type `enum` needs its words",
                )
                .help("write `{ type: enum, enum: [one, other] }`");
            return ValueType::String;
        }
        type_called(name)
    }
}

/// The value of a param given as text on the command line or by an API.
///
/// # Errors
/// What was expected.
pub(crate) fn given(text: &str, value_type: &ValueType) -> Result<Json, String> {
    let value = match value_type {
        ValueType::String | ValueType::Artifact => Some(Json::String(text.to_owned())),
        ValueType::Number => scalar::number_text(text.trim()).map(Json::Number),
        ValueType::Boolean => match text {
            "true" => Some(Json::Bool(true)),
            "false" => Some(Json::Bool(false)),
            _ => None,
        },
        ValueType::Enum(words) => words
            .iter()
            .any(|word| word == text)
            .then(|| Json::String(text.to_owned())),
        ValueType::List => serde_json::from_str(text).ok().filter(Json::is_array),
        ValueType::Object => serde_json::from_str(text).ok().filter(Json::is_object),
    };
    value.ok_or_else(|| match value_type {
        ValueType::List => "a JSON list such as `[\"a\", \"b\"]`".to_owned(),
        ValueType::Object => "a JSON object such as `{\"a\": 1}`".to_owned(),
        ValueType::Number => match number::parse(text.trim()) {
            Ok(_) => wanted(value_type),
            Err(expected) => expected.to_string(),
        },
        ValueType::String | ValueType::Boolean | ValueType::Enum(_) | ValueType::Artifact => {
            wanted(value_type)
        }
    })
}

/// Reports a value for a param that the pipeline does not declare.
pub(crate) fn unknown_param(report: &mut Report<'_>, span: Span, name: &str, declared: &[Param]) {
    let names = || declared.iter().map(|param| param.name.as_str());
    report
        .error(
            &codes::PARAM_UNKNOWN,
            span,
            format!("the pipeline has no param `{name}`"),
        )
        .help(match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if declared.is_empty() => {
                "it declares none; leave the value out, or declare it below `params`".to_owned()
            }
            None => format!("its params are {}", listed(names())),
        });
}

/// Whether a text of the value holds `${{`.
pub(super) fn holds_expression(node: &Node<'_>) -> bool {
    match &node.value {
        Value::Scalar(scalar) => scalar.text.contains("${{"),
        Value::Sequence(items) => items.iter().any(holds_expression),
        Value::Mapping(entries) => entries.iter().any(|entry| holds_expression(&entry.value)),
    }
}

/// The word of a type, without quotes, where a default stands.
fn type_as_default(node: &Node<'_>) -> Option<&'static str> {
    let plain = node
        .scalar()
        .filter(|scalar| scalar.style == Style::Plain)?;
    let mut types = PARAM_TYPES.iter().copied();
    types.find(|word| *word == plain.text)
}

/// Type and default of `NAME: VALUE`.
fn short(value: &Node<'_>) -> (ValueType, Option<Json>) {
    let json = value.to_json();
    let value_type = match &json {
        Json::Null => return (ValueType::String, None),
        Json::Bool(_) => ValueType::Boolean,
        Json::Number(_) => ValueType::Number,
        Json::String(_) => ValueType::String,
        Json::Array(_) => ValueType::List,
        Json::Object(_) => ValueType::Object,
    };
    (value_type, Some(json))
}

/// The value of a node as `value_type`; `None` when it does not fit.
pub(crate) fn typed(node: &Node<'_>, value_type: &ValueType) -> Option<Json> {
    match value_type {
        ValueType::String | ValueType::Artifact => {
            node.text().map(|text| Json::String(text.to_owned()))
        }
        ValueType::Number => node.scalar().and_then(scalar::number).map(Json::Number),
        ValueType::Boolean => node.scalar().and_then(scalar::boolean).map(Json::Bool),
        ValueType::Enum(words) => node
            .text()
            .filter(|text| words.iter().any(|word| word == text))
            .map(|text| Json::String(text.to_owned())),
        ValueType::List => node.items().map(|_| node.to_json()),
        ValueType::Object => node.entries().map(|_| node.to_json()),
    }
}

/// What was expected in place of a value that does not fit.
pub(crate) fn wanted_for(node: &Node<'_>, value_type: &ValueType) -> String {
    let plain = node
        .scalar()
        .filter(|scalar| scalar.style == Style::Plain && *value_type == ValueType::Number);
    match plain.map(|scalar| number::parse(&scalar.text)) {
        Some(Err(expected)) => expected.to_string(),
        Some(Ok(_)) | None => wanted(value_type),
    }
}

pub(crate) fn wanted(value_type: &ValueType) -> String {
    match value_type {
        ValueType::String => "text".to_owned(),
        ValueType::Number => "a number".to_owned(),
        ValueType::Boolean => "`true` or `false`".to_owned(),
        ValueType::Enum(words) => crate::nearest::any_of(words.iter().map(String::as_str)),
        ValueType::List => "a list".to_owned(),
        ValueType::Object => "a mapping".to_owned(),
        ValueType::Artifact => "the name of an artifact".to_owned(),
    }
}

pub(crate) fn sample(value_type: &ValueType) -> &str {
    match value_type {
        ValueType::String => "text",
        ValueType::Number => "3",
        ValueType::Boolean => "true",
        ValueType::Enum(words) => words.first().map_or("\"\"", String::as_str),
        ValueType::List => "[one, other]",
        ValueType::Object => "{ one: other }",
        ValueType::Artifact => "name",
    }
}

/// Why a param takes text whose default is the word of a type.
pub(crate) fn mistaken_help(name: &str, word: &str) -> String {
    format!(
        "its declaration gives `{name}` the text `{word}` as default, so it takes text; a type is written `{name}: {{ type: {word} }}`"
    )
}

fn type_called(name: &str) -> ValueType {
    match name {
        "number" => ValueType::Number,
        "boolean" => ValueType::Boolean,
        "list" => ValueType::List,
        "object" => ValueType::Object,
        "artifact" => ValueType::Artifact,
        _ => ValueType::String,
    }
}

/// The names of declared outputs.
pub(super) fn output_names(outputs: &BTreeMap<String, Output>) -> BTreeSet<String> {
    outputs.keys().cloned().collect()
}
