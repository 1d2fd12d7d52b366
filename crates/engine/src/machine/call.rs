//! Calls: opened with their inputs, limited in time, and ended with what their scope gives back.
//!
//! The time limit is a timer of the call's row. When it is over, everything but `finally` is stopped and the timer is
//! that of `finally`; when that is over too, nothing goes on. So a machine rebuilt from the rows knows how far it is.

use super::Machine;
use crate::names::{Names, Past};
use crate::rows::{ArtifactRef, Ended, OutputValue, Outputs, StopCause, TaskKind, TaskState};
use crate::{steps, texts};
use model::ids::{ScopeNo, TaskNo};
use model::limits;
use model::plan::{Body, Text};
use model::time::Timestamp;
use std::collections::BTreeMap;

impl Machine {
    /// Makes the rows of the scope that a task calls and lets them go; its time limit counts from now on.
    pub(super) fn open_call(&mut self, no: TaskNo, now: Timestamp) {
        let Body::Call(call) = self.plan.task(self.row(no).def).body.clone() else {
            unreachable!("only calls are opened");
        };
        let opened = self
            .call_inputs(no, &call.inputs, call.scope)
            .and_then(|inputs| {
                self.has_room(self.plan.scope(call.scope).tasks.len())?;
                let depth = self.index.instances[&self.instance_of(no)].depth as usize + 1;
                if depth > limits::SCOPE_DEPTH {
                    return Err(format!(
                        "calls are nested deeper than {}",
                        limits::SCOPE_DEPTH
                    ));
                }
                Ok(inputs)
            })
            .and_then(|inputs| {
                let timeout = self.plan.task(self.row(no).def).timeout_ms.clone();
                let timeout_ms = timeout.map(|late| self.late_ms(no, &late)).transpose()?;
                Ok((inputs, timeout_ms))
            });
        match opened {
            Err(message) => self.fail_with(no, message, now),
            Ok((inputs, timeout_ms)) => {
                self.touch(no).inputs = Some(Box::new(inputs));
                self.put(no, TaskState::Open, now);
                self.set_timer(no, timeout_ms.map(|timeout_ms| now.plus_ms(timeout_ms)));
                self.instantiate(call.scope, Some(no), now);
                self.begin_scope(Some(no), now);
            }
        }
    }

    fn call_inputs(
        &mut self,
        no: TaskNo,
        given: &BTreeMap<String, Text>,
        scope: ScopeNo,
    ) -> Result<Outputs, String> {
        let declared = self.plan.scope(scope).inputs.clone();
        let mut inputs = Outputs::new();
        for (name, input) in declared {
            let output = match (given.get(&name), input.default) {
                (Some(text), _) => {
                    let declared = (name.as_str(), &input.value_type);
                    let (value, tainted) =
                        self.with_texts(no, Past::default(), |texts, names| {
                            texts.input(declared, text, names)
                        })?;
                    OutputValue { value, tainted }
                }
                (None, Some(default)) => OutputValue {
                    value: default,
                    tainted: false,
                },
                (None, None) => {
                    let task = &self.row(no).key;
                    return Err(format!(
                        "`{task}` gives no value for the required input `{name}`"
                    ));
                }
            };
            inputs.insert(name, output);
        }
        Ok(inputs)
    }

    /// The time of an open task is over: that of its ordinary part, that of its `finally`, or that which it had to
    /// stop.
    pub(super) fn time_is_over(&mut self, no: TaskNo, now: Timestamp) {
        let in_finally = self.index.instances[&Some(no)].left_main == 0;
        match self.row(no).stop {
            // The run has a time limit of its own, and says why.
            None if self.is_stopped_by_run(no) => {}
            None if !in_finally => self.stop_inside(no, StopCause::Timeout, now),
            None => self.stop_wholly(no, StopCause::Timeout, now),
            Some(stop) => self.stop_wholly(no, stop, now),
        }
    }

    /// Every task of a scope has ended, and so has what opened it.
    pub(super) fn conclude_scope(&mut self, opener: Option<TaskNo>, now: Timestamp) {
        let tally = self.index.instances[&opener].tally;
        match opener {
            None => self.end_run(tally, now),
            Some(call) if self.row(call).ended().is_none() => {
                if self.row(call).kind == TaskKind::Call {
                    self.touch(call).artifacts = self.scope_artifacts(call);
                    match self.scope_outputs(call) {
                        Ok(outputs) => self.touch(call).outputs = Some(Box::new(outputs)),
                        Err(message) if tally.sum() == Ended::Succeeded => {
                            return self.fail_with(call, message, now);
                        }
                        // What failed in it matters more than the value that is missing because of it.
                        Err(_) => {}
                    }
                }
                self.conclude(call, tally, now);
            }
            Some(_) => {}
        }
    }

    /// The artifacts that a call gives: those of its tasks that have the names that it declares.
    fn scope_artifacts(&self, call: TaskNo) -> Vec<ArtifactRef> {
        let declared = &self.plan.task(self.row(call).def).artifacts_out;
        if declared.is_empty() {
            return Vec::new();
        }
        let scope = self.plan.scope(self.index.instances[&Some(call)].scope);
        let tasks = scope.tasks.iter().map(|def| self.top(Some(call), *def));
        let members = tasks.flat_map(|task| match self.index.groups.get(&task) {
            Some(group) => group.first.0..group.first.0 + group.count,
            None => task.0..task.0 + 1,
        });
        members
            .flat_map(|task| &self.row(TaskNo(task)).artifacts)
            .filter(|given| declared.iter().any(|each| each.name == given.name))
            .cloned()
            .collect()
    }

    /// The values of the scope that `call` opened, each held to its declared type: what reads them trusts it.
    ///
    /// # Errors
    /// When a value is of another type, or cannot be computed and has no default.
    pub(super) fn scope_outputs(&mut self, call: TaskNo) -> Result<Outputs, String> {
        let scope = self.index.instances[&Some(call)].scope;
        let declared = self.plan.scope(scope).outputs.clone();
        let mut outputs = Outputs::new();
        for (name, output) in declared {
            let value = match &output.from {
                Some(from) => {
                    let mut texts = std::mem::take(&mut self.texts);
                    let value = texts.text(from, &Names::of_scope(self, call));
                    self.texts = texts;
                    value
                }
                None => Err(format!("output `{name}` says not where it comes from")),
            };
            let value = match (value, output.default) {
                (Ok(value), _) => {
                    let json = steps::computed(&name, texts::json(&value)?)?;
                    OutputValue {
                        value: steps::fit(&name, &output.value_type, json)?,
                        tainted: value.is_tainted() && steps::holds_text(&output.value_type),
                    }
                }
                (Err(_), Some(default)) => OutputValue {
                    value: default,
                    tainted: false,
                },
                (Err(message), None) => return Err(message),
            };
            outputs.insert(name, value);
        }
        Ok(outputs)
    }
}
