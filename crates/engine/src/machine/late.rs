//! Values that the plan leaves open, computed with the names that a task sees.

use super::Machine;
use crate::names::{Names, Past};
use crate::texts::{self, Texts};
use expr::Value;
use model::Json;
use model::ids::TaskNo;
use model::plan::{Expression, Late, Text};
use model::reason::FailureKind;

impl Machine {
    /// Asks for something with the names of a task whose start rule looks at `past`.
    pub(super) fn with_texts<T>(
        &mut self,
        no: TaskNo,
        past: Past,
        ask: impl FnOnce(&mut Texts, &Names<'_>) -> T,
    ) -> T {
        let mut texts = std::mem::take(&mut self.texts);
        let answer = ask(&mut texts, &self.names(no, past));
        self.texts = texts;
        answer
    }

    /// The value of a text: a lone expression keeps its type.
    pub(super) fn late_value(&mut self, no: TaskNo, text: &Text) -> Result<Value, String> {
        self.with_texts(no, Past::default(), |texts, names| texts.text(text, names))
    }

    pub(super) fn late_text(&mut self, no: TaskNo, text: &Text) -> Result<String, String> {
        let value = self.late_value(no, text)?;
        let text = expr::template::in_text(&value).map_err(|error| error.to_string())?;
        Ok(text.to_string())
    }

    pub(super) fn late_json(
        &mut self,
        no: TaskNo,
        expression: &Expression,
    ) -> Result<Json, String> {
        let value = self.with_texts(no, Past::default(), |texts, names| {
            texts.value(expression, names)
        });
        texts::json(&value?)
    }

    /// A length of time: a duration, or a number of milliseconds.
    pub(super) fn late_ms(&mut self, no: TaskNo, late: &Late<u64>) -> Result<u64, String> {
        match late {
            Late::Known(ms) => Ok(*ms),
            Late::Computed(expression) => self.with_texts(no, Past::default(), |texts, names| {
                texts.length_ms(expression, names)
            }),
        }
    }

    /// Whether a failed attempt is tried again or tolerated, by a condition that reads `failure`.
    pub(super) fn after_failure(
        &mut self,
        no: TaskNo,
        condition: &Expression,
        kind: FailureKind,
        exit_code: Option<i32>,
    ) -> Result<bool, String> {
        let mut texts = std::mem::take(&mut self.texts);
        let names = self.names(no, Past::default());
        let wanted = texts.is_true(condition, &names.with_failure(kind.as_str(), exit_code));
        self.texts = texts;
        wanted
    }
}
