//! The cells of a matrix, as far as the plan knows them.

use super::names::{self, Names};
use super::turn::Candidate;
use super::walk::Walk;
use super::words;
use crate::cells;
use crate::texts::{self, COPY};
use model::Json;
use model::matrix::Cell;
use model::plan::{self, Expression, TaskDef};
use std::sync::Arc;

/// The cells of a matrix.
pub(super) enum Cells {
    /// There is no matrix.
    None,
    Known(Vec<Cell>),
    /// Known only later; the sentence about it.
    Unknown(String),
    /// The table makes no sensible matrix.
    Faulty {
        message: String,
        at: Option<plan::Place>,
    },
}

/// Whether a run has the members of the matrix before the start rule is asked, so that their skip can be told.
pub(super) fn are_made_at_once(task: &TaskDef) -> bool {
    task.matrix.as_ref().and_then(cells::known_table).is_some()
}

/// About what the values of a member take in the document of a plan: in its id, and in its matrix.
pub(super) fn bytes_of(cell: &Cell) -> usize {
    let of_value =
        |(name, value): &(Arc<str>, Arc<Json>)| name.len() + 2 * bytes_of_json(value) + 8;
    cell.0.iter().map(of_value).sum()
}

fn bytes_of_json(json: &Json) -> usize {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => 4,
        Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(|item| 1 + bytes_of_json(item)).sum(),
        Json::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| name.len() + 4 + bytes_of_json(value))
                .sum()
        }
    }
}

impl Walk<'_> {
    /// The cells of a task's matrix.
    pub(super) fn cells(&mut self, whole: Candidate<'_>) -> Cells {
        let Candidate {
            place,
            subject,
            fates,
            ..
        } = whole;
        let Some(matrix) = &subject.task.matrix else {
            return Cells::None;
        };
        if self.is_spent() {
            return Cells::Unknown(words::unasked());
        }
        let (mut unknown, mut at) = (None, None);
        let table = {
            let Self {
                texts,
                questions,
                roots,
                ..
            } = self;
            let names = Names::new(roots, place.inputs.as_ref(), None);
            cells::table(subject.task, matrix, |expression: &Expression| {
                at = expression.at;
                let asked = questions.of(texts, expression)?;
                let missing = names::missing(&asked, &names, fates);
                if !missing.is_empty() {
                    unknown = Some(words::known_later(&missing));
                    return Err(String::new());
                }
                let value = texts.value(expression, &names)?;
                texts.spend(COPY * u64::from(value.weight()));
                texts::json(&value)
            })
        };
        let cells = table.map(|table| table.cells());
        if let Ok(Ok(cells)) = &cells {
            let values: usize = cells.iter().map(|cell| cell.0.len()).sum();
            self.texts.spend(values as u64);
        }
        match (unknown, cells) {
            (Some(why), _) => Cells::Unknown(why),
            (None, Ok(Ok(cells))) => Cells::Known(cells),
            (None, Ok(Err(error))) => Cells::Faulty {
                message: error.to_string(),
                at,
            },
            (None, Err(message)) => Cells::Faulty { message, at },
        }
    }
}
