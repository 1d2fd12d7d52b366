//! The tasks that a call opens, as far as what the call gives is known.

use super::judged::Judged;
use super::outlook::Fate;
use super::walk::{Inputs, Line, Place, Subject, Walk};
use super::{Values, words};
use crate::texts;
use expr::Value;
use expr::value::Key;
use model::limits;
use model::plan::{Call, Scope, ValueType};
use std::collections::BTreeSet;

/// What it takes to open a scope, in steps, besides its inputs.
const OPENING: usize = 20;

impl Walk<'_> {
    /// Plans the tasks of the scope that a call opens; where that is not possible or too much, the call in one line.
    pub(super) fn call(
        &mut self,
        place: &Place<'_>,
        subject: &Subject<'_>,
        call: &Call,
        line: Line,
    ) -> Fate {
        let scope = self.plan.scope(call.scope);
        let tasks = scope.tasks.len();
        let too_deep = place.depth + 1 > limits::SCOPE_DEPTH;
        let too_many = self.planned.len().saturating_add(tasks) > limits::TASKS_PER_RUN;
        if too_deep || too_many {
            let why = match too_deep {
                true => format!("calls are nested deeper than {}", limits::SCOPE_DEPTH),
                false => format!("its tasks do not fit into {}", limits::TASKS_PER_RUN),
            };
            let judged = Judged::faulty(subject.task, &why, None);
            return self.add(subject, line, judged);
        }
        if self.is_spent() {
            return self.add(subject, line, Judged::unknown(words::unasked()));
        }
        if !self.fits(self.inherited(scope, subject)) {
            let why = words::unlisted_tasks(tasks);
            return self.add(subject, line, Judged::unknown(why));
        }
        let inputs = self.inputs(place, call, &line.matrix);
        let prefix = format!("{}/", line.id);
        self.scope(&Place {
            scope: call.scope,
            prefix: &prefix,
            needs: &subject.needs,
            inputs: Some(inputs),
            depth: place.depth + 1,
        })
    }

    /// What the needs of a call take in the document at the tasks inside that have none of their own.
    fn inherited(&self, scope: &Scope, subject: &Subject<'_>) -> usize {
        let heirs = scope.tasks.iter();
        let heirs = heirs.filter(|def| self.plan.task(**def).needs.is_empty());
        heirs.count().saturating_mul(subject.needs_bytes)
    }

    /// The inputs of a call, as far as they are known.
    fn inputs(&mut self, place: &Place<'_>, call: &Call, matrix: &Values) -> Inputs {
        let declared = &self.plan.scope(call.scope).inputs;
        self.texts.spend((OPENING + declared.len()) as u64);
        let mut known = Vec::new();
        let mut unknown = BTreeSet::new();
        for (name, input) in declared {
            let value = match (call.inputs.get(name), &input.default) {
                (Some(text), _) => self
                    .text(place, text, matrix)
                    .and_then(|value| as_input(name, &input.value_type, &value)),
                (None, Some(default)) => Some(Value::from_json(default)),
                (None, None) => None,
            };
            match value {
                Some(value) => {
                    self.texts.spend(u64::from(value.weight()));
                    known.push((Key::from(name.as_str()), value));
                }
                None => {
                    unknown.insert(name.clone());
                }
            }
        }
        Inputs {
            known: Value::map(known),
            unknown,
        }
    }
}

/// What a call makes of a value that it gives to `name`: `true` of a file is a text until an input of type `boolean` takes
/// it.
fn as_input(name: &str, value_type: &ValueType, value: &Value) -> Option<Value> {
    let json = crate::steps::input(name, value_type, texts::json(value).ok()?).ok()?;
    Some(Value::from_json(&json))
}
