//! What people see of a task: its `label` with its id behind it, else its id alone.
//!
//! A label is decoration. One that this place cannot work out, because it reads more than the values of the matrix,
//! the params, the signal and the run, is left out, and nothing fails for it.

use crate::text;
use engine::machine::{Machine, run_name};
use engine::rows::{RunHead, TaskRow};
use expr::value::typed::from_typed_json;
use expr::{Budget, Dialect, MapScope, Template, Value};
use model::Json;
use model::ids::TaskNo;
use model::plan::{Expression, Plan, Text};
use std::collections::BTreeMap;

/// The labels of tasks that have one.
pub(crate) fn all(plan: &Plan, head: &RunHead, tasks: &[TaskRow]) -> BTreeMap<TaskNo, String> {
    let labels = tasks
        .iter()
        .filter_map(|row| Some((row.no, of(row, plan, head)?)));
    labels.collect()
}

/// A task as lines for people name it.
pub(crate) fn named(row: &TaskRow, machine: &Machine) -> String {
    let label = of(row, machine.plan(), machine.head());
    beside(label.as_deref(), &text::plain(&row.key))
}

/// The name `id` with the label in front of it, if there is one.
pub(crate) fn beside(label: Option<&str>, id: &str) -> String {
    label.map_or_else(|| id.to_owned(), |label| format!("{label} ({id})"))
}

fn of(row: &TaskRow, plan: &Plan, head: &RunHead) -> Option<String> {
    // A task that was generated may be of a plan that is not at hand.
    let def = plan.tasks.get(row.def.index())?;
    let label = match def.label.as_ref()? {
        Text::Literal(label) => label.clone(),
        Text::Template(expression) => worked_out(expression, row, plan, head)?,
    };
    Some(text::line(&label))
}

fn worked_out(
    expression: &Expression,
    row: &TaskRow,
    plan: &Plan,
    head: &RunHead,
) -> Option<String> {
    let mut scope = MapScope::new();
    let signal = plan.signal.clone().into_iter().collect();
    scope.insert("signal", Value::from_json(&Json::Object(signal)));
    scope.insert("run", Value::from_json(&run_name(head)));
    if let Some(cell) = &row.cell {
        scope.insert("matrix", from_typed_json(&cell.to_object()).ok()?);
    }
    // The params of a used file are not those of the plan; its tasks have their call in front of their name.
    let name = row.key.split('[').next().unwrap_or_default();
    if !name.contains('/') {
        let params = plan.params.clone().into_iter().collect();
        scope.insert("params", from_typed_json(&Json::Object(params)).ok()?);
    }
    let dialect = Dialect::from_name(&expression.dialect)?;
    let template = Template::parse(dialect, &expression.text).ok()?;
    let value = template.eval(&scope, &mut Budget::default()).ok()?;
    expr::template::in_text(&value)
        .ok()
        .map(|text| text.to_string())
}
