//! Matrices: axes, and what is added and left out.

use super::{Purpose, Reader, Slot, flag, integer};
use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::Span;
use crate::quoting::{self, quoted};
use crate::yaml::{Node, Scalar, Style};
use model::matrix::{MatrixError, Table};
use model::plan::{Axis, Late, Matrix};
use model::{Json, JsonMap};
use std::collections::BTreeSet;

/// A matrix, its names if they are known, and how many tasks it makes if that is known.
pub(super) struct Read {
    pub matrix: Matrix,
    pub names: Option<BTreeSet<String>>,
    pub members: Option<usize>,
}

impl Reader<'_, '_> {
    pub(super) fn matrix(&mut self, node: &Node<'_>, key_span: Span) -> Option<Read> {
        self.slot = Slot::Matrix;
        let read = self.read_matrix(node, key_span);
        self.slot = Slot::Other;
        read
    }

    fn read_matrix(&mut self, node: &Node<'_>, key_span: Span) -> Option<Read> {
        let mut matrix = Matrix::of([]);
        if node.scalar().is_some() {
            matrix.whole = Some(self.expression(node, Phase::Ready, Purpose::Value)?);
            return Some(Read {
                matrix,
                names: None,
                members: None,
            });
        }
        let entries = node.entries()?;
        for entry in entries {
            match &*entry.key {
                "include" | "exclude" | "fail_fast" | "max_parallel" => {}
                name => {
                    self.slot = Slot::Axis(name.to_owned());
                    let values = self.axis(name, &entry.value)?;
                    self.slot = Slot::Matrix;
                    matrix.axes.push(Axis {
                        name: name.to_owned(),
                        values,
                    });
                }
            }
        }
        matrix.include = self.cells("include", node.child("include"))?;
        matrix.exclude = self.cells("exclude", node.child("exclude"))?;
        matrix.fail_fast = flag(node, "fail_fast").unwrap_or(true);
        matrix.max_parallel =
            integer(node, "max_parallel").and_then(|value| u32::try_from(value).ok());
        self.check_exclude(node, &matrix);
        let members = self.members(&matrix, key_span);
        Some(Read {
            names: names(&matrix),
            members,
            matrix,
        })
    }

    fn axis(&mut self, name: &str, node: &Node<'_>) -> Option<Late<Vec<Json>>> {
        let Some(items) = node.items() else {
            return self
                .expression(node, Phase::Ready, Purpose::Value)
                .map(Late::Computed);
        };
        self.refuse_in_values(items, &whole(name, node, "[params.one, 'two']"));
        let trap = items
            .iter()
            .find_map(|item| item.scalar().filter(|scalar| is_trap(scalar)));
        let Some(trap) = trap else {
            return Some(Late::Known(items.iter().map(Node::to_json).collect()));
        };
        let all: Vec<String> = items
            .iter()
            .filter_map(Node::text)
            .map(|text| format!("\"{text}\""))
            .collect();
        self.report
            .warning(
                &codes::NUMBER_AS_TEXT,
                node.span,
                format!("the values are read as text, because the number `{}` would be written differently", trap.text),
            )
            .help(format!("write `[{}]`", all.join(", ")));
        let as_text = |item: &Node<'_>| match item.scalar() {
            Some(scalar) if scalar.to_json().is_number() => Json::String(scalar.text.to_string()),
            Some(_) | None => item.to_json(),
        };
        Some(Late::Known(items.iter().map(as_text).collect()))
    }

    fn cells(&mut self, key: &str, node: Option<&Node<'_>>) -> Option<Late<Vec<JsonMap>>> {
        let Some(node) = node else {
            return Some(Late::Known(Vec::new()));
        };
        let Some(items) = node.items() else {
            return self
                .expression(node, Phase::Ready, Purpose::Value)
                .map(Late::Computed);
        };
        let whole = whole(key, node, "[{'os': params.one}, {'os': 'two'}]");
        self.refuse_in_values(items, &whole);
        let cells = items
            .iter()
            .filter_map(|item| model::plan::object(item.to_json()));
        Some(Late::Known(cells.collect()))
    }

    /// Values that stand in a list are taken as they are, so an expression among them would be a text.
    fn refuse_in_values(&mut self, items: &[Node<'_>], whole: &str) {
        for item in items {
            if item.text().is_some_and(|text| text.contains("${{")) {
                self.report
                    .error(
                        &codes::MATRIX,
                        item.span,
                        "an expression inside a list of a matrix is not evaluated",
                    )
                    .help(format!("write the whole list as one {whole}"));
            }
            let entries = item.entries().into_iter().flatten();
            for entry in entries {
                self.refuse_in_values(std::slice::from_ref(&entry.value), whole);
            }
            self.refuse_in_values(item.items().unwrap_or_default(), whole);
        }
    }

    /// An exclusion by something that is no axis leaves nothing out.
    fn check_exclude(&mut self, node: &Node<'_>, matrix: &Matrix) {
        let items = node
            .child("exclude")
            .and_then(Node::items)
            .unwrap_or_default();
        let known: BTreeSet<&str> = matrix.axes.iter().map(|axis| axis.name.as_str()).collect();
        for entry in items.iter().filter_map(Node::entries).flatten() {
            if self.report.is_full() {
                return;
            }
            if !known.contains(&*entry.key) {
                let axes = matrix.axes.iter().map(|axis| axis.name.as_str());
                let near = crate::nearest::nearest(&entry.key, axes.clone());
                let help = near.map_or_else(
                    || format!("the axes are {}", crate::nearest::listed(axes)),
                    |near| format!("did you mean `{near}`?"),
                );
                self.report
                    .error(
                        &codes::EXCLUDE_UNKNOWN_AXIS,
                        entry.key_span,
                        format!("`{}` is no axis of the matrix", entry.key),
                    )
                    .help(help);
            }
        }
    }

    fn members(&mut self, matrix: &Matrix, key_span: Span) -> Option<usize> {
        let mut table = Table::default();
        for axis in &matrix.axes {
            table
                .axes
                .push((axis.name.clone(), axis.values.known()?.clone()));
        }
        table.include = matrix.include.known()?.clone();
        table.exclude = matrix.exclude.known()?.clone();
        match table.cells() {
            Ok(cells) if cells.is_empty() => {
                self.report
                    .warning(
                        &codes::EMPTY_MATRIX,
                        key_span,
                        "the matrix has no cell, so the task never runs",
                    )
                    .help("give every axis a value, or remove `matrix`");
                Some(0)
            }
            Ok(cells) => Some(cells.len()),
            Err(error @ MatrixError::TooLarge { .. }) => {
                self.report
                    .error(&codes::MATRIX_TOO_LARGE, key_span, error.to_string())
                    .help("leave out an axis or some values");
                None
            }
            Err(error @ MatrixError::TooManyComparisons { .. }) => {
                self.report
                    .error(&codes::MATRIX_TOO_LARGE, key_span, error.to_string())
                    .help("write the cells as axes, or all of them as `include`");
                None
            }
            Err(error @ (MatrixError::TooManyNames { .. } | MatrixError::TooHeavy { .. })) => {
                self.report
                    .error(&codes::MATRIX_TOO_LARGE, key_span, error.to_string())
                    .help("put what is large into files, and their names into the matrix");
                None
            }
            Err(error @ MatrixError::Doubled { .. }) => {
                self.report
                    .error(&codes::MATRIX, key_span, error.to_string())
                    .help("remove one of the equal values");
                None
            }
        }
    }
}

/// How the list below a key is written as one expression; `example` where that cannot be said.
fn whole(key: &str, list: &Node<'_>, example: &str) -> String {
    match quoting::as_expression(list) {
        Some(whole) => format!("expression: `{key}: {}`", quoted(&whole)),
        None => format!("expression, as in `{key}: {}`", quoted(example)),
    }
}

/// The names that a cell can have, unless an expression adds some.
fn names(matrix: &Matrix) -> Option<BTreeSet<String>> {
    let axes = matrix.axes.iter().map(|axis| &axis.name);
    let added = matrix.include.known()?.iter().flat_map(JsonMap::keys);
    Some(axes.chain(added).cloned().collect())
}

/// Whether YAML would read a number that is written otherwise, such as 3.1 for `3.10`.
fn is_trap(scalar: &Scalar<'_>) -> bool {
    if scalar.style != Style::Plain || scalar.to_json().is_number() {
        return false;
    }
    let digits = scalar.text.trim_start_matches(['-', '+']);
    digits.starts_with(|c: char| c.is_ascii_digit()) && scalar.text.parse::<f64>().is_ok()
}
