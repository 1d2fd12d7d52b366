//! Tasks that are a reusable file: which, with what values and which secrets.

use super::{Purpose, Reader, Slot};
use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::Span;
use crate::quoting::{self, quoted};
use crate::yaml::{Node, Value};
use model::plan::{Text, ValueType};
use std::collections::BTreeMap;

/// What a task with `uses` says.
#[derive(Debug)]
pub(crate) struct CallDraft {
    /// The reference as written.
    pub reference: String,
    pub span: Span,
    /// Where the key `uses` stands.
    pub uses_span: Span,
    /// Where `with` stands, or else `uses`.
    pub with_span: Span,
    pub with: Vec<Given>,
    pub secrets: Vec<Mapped>,
    /// What is known of the file, once it has been read.
    pub callee: Option<Callee>,
}

/// A value for a param.
#[derive(Debug)]
pub(crate) struct Given {
    pub name: String,
    pub name_span: Span,
    /// The value without anything borrowed; a list or mapping in `json`.
    pub node: Node<'static>,
    /// The value when it is a text with expressions.
    pub template: Option<Text>,
    /// The value when it is a list or mapping.
    pub json: Option<model::Json>,
}

/// A secret of the file, and which secret here it is.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub inner: String,
    pub outer: String,
    pub span: Span,
}

/// A reusable file that was read.
#[derive(Debug)]
pub(crate) struct Callee {
    /// Its number among those that were read.
    pub unit: usize,
    /// The types of its params.
    pub params: BTreeMap<String, ValueType>,
    /// Those whose default is the word of a type, with that word.
    pub mistaken: BTreeMap<String, &'static str>,
}

impl Reader<'_, '_> {
    pub(super) fn call(&mut self, node: &Node<'_>) -> Option<CallDraft> {
        let uses = node.entry("uses")?;
        let mut call = CallDraft {
            reference: uses.value.text()?.trim().to_owned(),
            span: uses.value.span,
            uses_span: uses.key_span,
            with_span: node
                .entry("with")
                .map_or(uses.key_span, |entry| entry.key_span),
            with: Vec::new(),
            secrets: mapped(node.child("secrets")),
            callee: None,
        };
        for entry in node
            .child("with")
            .and_then(Node::entries)
            .unwrap_or_default()
        {
            let name = entry.key.clone().into_owned();
            self.slot = Slot::With(name.clone());
            let is_template = entry.value.text().is_some_and(|text| text.contains("${{"));
            let template = if is_template {
                self.text(&entry.value, Phase::Ready, Purpose::Value)
            } else {
                None
            };
            self.slot = Slot::Other;
            if is_template && template.is_none() {
                // Reported already.
                continue;
            }
            let whole = match quoting::as_expression(&entry.value) {
                Some(whole) => format!("expression: `{name}: {}`", quoted(&whole)),
                None if entry.value.entries().is_some() => {
                    format!("expression, as in `{name}: \"${{{{ {{'one': params.one}} }}}}\"`")
                }
                None => format!("expression, as in `{name}: \"${{{{ [params.one, 'two'] }}}}\"`"),
            };
            self.refuse_inner(&entry.value, &name, &whole);
            call.with.push(Given {
                name,
                name_span: entry.key_span,
                node: entry.value.owned_scalar(),
                template,
                json: entry
                    .value
                    .scalar()
                    .is_none()
                    .then(|| entry.value.to_json()),
            });
        }
        Some(call)
    }

    /// Expressions inside a list or mapping are not evaluated.
    fn refuse_inner(&mut self, node: &Node<'_>, name: &str, whole: &str) {
        let below: Vec<&Node<'_>> = match &node.value {
            Value::Scalar(_) => return,
            Value::Sequence(items) => items.iter().collect(),
            Value::Mapping(entries) => entries.iter().map(|entry| &entry.value).collect(),
        };
        for each in below {
            if each.text().is_some_and(|text| text.contains("${{")) {
                self.report
                    .error(
                        &codes::WITH_VALUE,
                        each.span,
                        format!("an expression inside the value of `{name}` is not evaluated"),
                    )
                    .help(format!("write the whole value as one {whole}"));
            }
            self.refuse_inner(each, name, whole);
        }
    }
}

/// `secrets:` of a call: a list of names that are the same on both sides, or a mapping.
fn mapped(node: Option<&Node<'_>>) -> Vec<Mapped> {
    let Some(node) = node else {
        return Vec::new();
    };
    if let Some(entries) = node.entries() {
        let mapped = entries.iter().filter_map(|entry| {
            Some(Mapped {
                inner: entry.key.clone().into_owned(),
                outer: entry.value.text()?.to_owned(),
                span: entry.key_span,
            })
        });
        return mapped.collect();
    }
    let items = node.items().unwrap_or_default().iter();
    let same = items.filter_map(|item| {
        let name = item.text()?.to_owned();
        Some(Mapped {
            inner: name.clone(),
            outer: name,
            span: item.span,
        })
    });
    same.collect()
}
