//! The cells of a matrix, as far as the plan knows them.

use super::names::{self, Names};
use super::outlook::Fates;
use super::walk::{Place, Subject, Walk};
use super::words;
use crate::cells;
use crate::texts;
use model::matrix::Cell;
use model::plan::{self, Expression, TaskDef};

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

impl Walk<'_> {
    /// The cells of a task's matrix.
    pub(super) fn cells(
        &mut self,
        place: &Place<'_>,
        subject: &Subject<'_>,
        fates: &Fates<'_>,
    ) -> Cells {
        let Some(matrix) = &subject.task.matrix else {
            return Cells::None;
        };
        if self.is_spent() {
            return Cells::Unknown(words::unasked());
        }
        let (mut unknown, mut at) = (None, None);
        let table = {
            let Self { texts, roots, .. } = self;
            let names = Names::new(roots, place.inputs.as_ref(), None);
            cells::table(subject.task, matrix, |expression: &Expression| {
                at = expression.at;
                let program = texts.program(expression)?;
                let missing = names::missing(&program, &names, fates);
                if !missing.is_empty() {
                    unknown = Some(words::known_later(&missing));
                    return Err(String::new());
                }
                texts::json(&texts.value(expression, &names)?)
            })
        };
        match (unknown, table.map(|table| table.cells())) {
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
