//! The table of a matrix, from what the plan knows and what its expressions give.
//!
//! The machine and the preview make cells by this one rule; each brings its own way to evaluate.

use crate::texts::cut;
use model::matrix::Table;
use model::plan::{Expression, Late, Matrix, TaskDef};
use model::{Json, JsonMap};

/// The table, if the plan knows all of it.
pub(crate) fn known_table(matrix: &Matrix) -> Option<Table> {
    if matrix.whole.is_some() {
        return None;
    }
    let axes = matrix.axes.iter();
    Some(Table {
        axes: axes
            .map(|axis| Some((axis.name.clone(), axis.values.known()?.clone())))
            .collect::<Option<_>>()?,
        include: matrix.include.known()?.clone(),
        exclude: matrix.exclude.known()?.clone(),
    })
}

/// The table of the matrix of `def`; what the plan does not know is asked of `value_of`.
pub(crate) fn table(
    def: &TaskDef,
    matrix: &Matrix,
    mut value_of: impl FnMut(&Expression) -> Result<Json, String>,
) -> Result<Table, String> {
    if let Some(table) = known_table(matrix) {
        return Ok(table);
    }
    if let Some(whole) = &matrix.whole {
        return whole_table(&def.name, value_of(whole)?);
    }
    let mut table = Table::default();
    for axis in &matrix.axes {
        let values = match &axis.values {
            Late::Known(values) => values.clone(),
            Late::Computed(expression) => as_list(
                &format!("axis `{}` of `{}`", axis.name, def.name),
                value_of(expression)?,
            )?,
        };
        table.axes.push((axis.name.clone(), values));
    }
    for (late, into) in [
        (&matrix.include, &mut table.include),
        (&matrix.exclude, &mut table.exclude),
    ] {
        *into = match late {
            Late::Known(entries) => entries.clone(),
            Late::Computed(expression) => as_entries(&def.name, value_of(expression)?)?,
        };
    }
    Ok(table)
}

/// A whole matrix from one value: an object of axes with `include` and `exclude`, or a list of cells.
fn whole_table(task: &str, json: Json) -> Result<Table, String> {
    let mut table = Table::default();
    if json.is_array() {
        table.include = as_entries(task, json)?;
        return Ok(table);
    }
    let Json::Object(object) = json else {
        let found = shown(&json);
        return Err(format!(
            "the matrix of `{task}` is {found}, not an object or a list"
        ));
    };
    for (name, value) in object {
        match name.as_str() {
            "include" => table.include = as_entries(task, value)?,
            "exclude" => table.exclude = as_entries(task, value)?,
            axis => {
                let values = as_list(&format!("axis `{axis}` of `{task}`"), value)?;
                table.axes.push((name, values));
            }
        }
    }
    Ok(table)
}

fn as_list(what: &str, json: Json) -> Result<Vec<Json>, String> {
    let Json::Array(values) = json else {
        return Err(format!("{what} is {}, not a list", shown(&json)));
    };
    Ok(values)
}

fn as_entries(task: &str, json: Json) -> Result<Vec<JsonMap>, String> {
    let entries = as_list(&format!("the entries of the matrix of `{task}`"), json)?;
    let entry = |json: Json| {
        let Json::Object(_) = &json else {
            let found = shown(&json);
            return Err(format!(
                "an entry of the matrix of `{task}` is {found}, not an object"
            ));
        };
        Ok(model::plan::object(json).unwrap_or_default())
    };
    entries.into_iter().map(entry).collect()
}

/// A value in a sentence.
fn shown(json: &Json) -> String {
    const LETTERS: usize = 200;
    cut(&json.to_string(), LETTERS).into_owned()
}
