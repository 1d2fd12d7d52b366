//! What steps wrote, kept for those behind them, and the values of the task that are made of it.

use super::StepMachine;
use super::frame::Turn;
use super::names::{self, StepNames};
use super::outputs::{self, Written, typed};
use crate::rows::{OutputValue, Outputs};
use crate::texts;
use expr::Value;
use model::plan::{Output, Steps, Text};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Lines that are said about one step. More would say the same again.
const REMARKS: usize = 10;

impl StepMachine {
    /// The values of the task's declared outputs, from what steps wrote and from templates.
    ///
    /// # Errors
    /// When a value does not fit its declared type, cannot be computed, or was never written and has no default.
    pub fn outputs(&mut self) -> Result<Outputs, String> {
        let work = Arc::clone(&self.work);
        let mut outputs = Outputs::new();
        for (name, declared) in &work.task.outputs {
            let value = self.output(name, declared)?;
            if value.is_none() && outputs::has_to_be_written(declared) {
                return Err(self.unwritten(name));
            }
            outputs.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(outputs)
    }

    /// Those of the declared outputs that have a value although the task failed.
    #[must_use]
    pub fn outputs_of_failed(&mut self) -> Outputs {
        let work = Arc::clone(&self.work);
        let mut outputs = Outputs::new();
        for (name, declared) in &work.task.outputs {
            if let Ok(Some(value)) = self.output(name, declared) {
                outputs.insert(name.clone(), value);
            }
        }
        outputs
    }

    fn output(&mut self, name: &str, declared: &Output) -> Result<Option<OutputValue>, String> {
        let value = match (&declared.from, self.written.get(name)) {
            (Some(from), _) => {
                let value = match self.text(from) {
                    Err(_) if declared.default.is_some() => return Ok(None),
                    value => value?,
                };
                self.tainted |= value.is_tainted();
                let json = outputs::computed(name, texts::json(&value)?)?;
                outputs::fit(name, &declared.value_type, json)?
            }
            (None, Some(text)) => typed(name, &declared.value_type, text)?,
            (None, None) => return Ok(None),
        };
        let tainted = self.tainted && outputs::holds_text(&declared.value_type);
        Ok(Some(OutputValue { value, tainted }))
    }

    /// What was written under names that nobody declared may be it with a slip of the pen.
    fn unwritten(&self, name: &str) -> String {
        let message = outputs::unwritten(name);
        match self.undeclared().join("`, `") {
            others if others.is_empty() => message,
            others => format!("{message}; written was `{others}`"),
        }
    }

    /// Names that steps wrote although the task declares no output of that name.
    #[must_use]
    pub fn undeclared(&self) -> Vec<&str> {
        let declared = &self.work.task.outputs;
        let names = self.written.keys().map(String::as_str);
        names.filter(|name| !declared.contains_key(*name)).collect()
    }

    /// What there is to say about what the step has written whose command runs, a line each: names that neither it nor
    /// the task declares. Steps of other front-ends and those of groups declare none.
    #[must_use]
    pub fn remarks(&self, written: &Written) -> Vec<String> {
        let native = self.task_steps().is_some_and(Steps::is_native);
        let turn = self.running.as_ref();
        let Some(turn) = turn.filter(|turn| native && turn.depth == 0) else {
            return Vec::new();
        };
        let of_task = &self.work.task.outputs;
        let declared = || of_task.keys().chain(turn.outputs.keys());
        let names = written.outputs.keys();
        let mut others = names.filter(|name| !declared().any(|each| each == *name));
        let mut remarks: Vec<String> = others
            .by_ref()
            .take(REMARKS)
            .map(|name| {
                let open = declared().filter(|each| !written.outputs.contains_key(*each));
                let then = match expr::check::nearest(name, open.map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "declare it in `outputs`".to_owned(),
                };
                format!("warning: output `{name}` is not declared by this task; {then}")
            })
            .collect();
        let more = others.count();
        if more > 0 {
            remarks.push(format!("warning: nor are {more} further ones"));
        }
        remarks
    }

    /// The text of the task under `field`, computed as its last step would read it.
    ///
    /// # Errors
    /// When it cannot be computed, or holds what no path can.
    pub fn task_text(&mut self, field: &str, text: &Text) -> Result<String, String> {
        let value = self.text(text);
        let value = value.map_err(|message| format!("`{field}`: {message}"))?;
        names::in_text(field, &value)
    }

    fn text(&mut self, text: &Text) -> Result<Value, String> {
        let mut texts = std::mem::take(&mut self.texts);
        let env = self.base_env(&mut texts);
        let value = env.and_then(|env| texts.text(text, &StepNames::of_task(self, &env)));
        self.texts = texts;
        value
    }

    /// Keeps what a step wrote: values by its declaration, variables and folders for the steps behind.
    ///
    /// # Errors
    /// When a value does not fit the type that the step declares, or is missing; the others are kept.
    pub(super) fn take_in(&mut self, turn: &Turn, written: Written) -> Result<(), String> {
        let (mut values, mut fits) = (BTreeMap::new(), Ok(()));
        for (name, text) in &written.outputs {
            let value = match turn.outputs.get(name) {
                None => Ok(Value::from(text.as_str())),
                Some(declared) => {
                    typed(name, &declared.value_type, text).map(|json| Value::from_json(&json))
                }
            };
            match value {
                Ok(value) => drop(values.insert(name.clone(), value)),
                Err(message) => fits = Err(message),
            }
        }
        for (name, declared) in &turn.outputs {
            if values.contains_key(name) {
                continue;
            }
            if let Some(default) = &declared.default {
                values.insert(name.clone(), Value::from_json(default));
            } else if outputs::has_to_be_written(declared) && fits.is_ok() {
                fits = Err(outputs::unwritten(name));
            }
        }
        let depth = turn.depth.min(self.frames.len() - 1);
        let facts = self.frames[depth]
            .facts
            .entry(turn.step.clone())
            .or_default();
        facts.outputs = values;
        self.written.extend(written.outputs);
        for (name, value) in written.env {
            self.env.retain(|(known, _)| *known != name);
            self.env.push((name, value));
        }
        for folder in written.path {
            self.path.retain(|known| *known != folder);
            self.path.insert(0, folder);
        }
        fits
    }
}
