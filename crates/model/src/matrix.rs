//! From the axes of a matrix to its cells, at plan time and at run time by one rule.
//!
//! The rule is GitHub's, which the field knows: the product of the axes, without what `exclude`
//! names; then each `include` entry is added to every cell whose axis values it does not contradict,
//! and becomes a cell of its own when there is none. An entry never changes a value of an axis.

use crate::{Json, JsonMap, limits};

/// A matrix whose values are all known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Names and values of the axes, in order of declaration.
    pub axes: Vec<(String, Vec<Json>)>,
    /// Cells or values to add.
    pub include: Vec<JsonMap>,
    /// Cells to leave out.
    pub exclude: Vec<JsonMap>,
}

/// The values of one task of a matrix, axes first in their order, added values after them by name.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Cell(pub Vec<(String, Json)>);

/// A table that makes no sensible matrix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// More cells than [`limits::MATRIX_CELLS`].
    #[error(
        "the matrix has {cells} cells; at most {} are allowed",
        limits::MATRIX_CELLS
    )]
    TooLarge {
        /// The product of the axes.
        cells: usize,
    },
    /// An axis has the same value twice, so that two tasks would have one id.
    #[error("two cells of the matrix are both called `{id}`; every cell needs values of its own")]
    Doubled {
        /// The id that occurs twice, without the task's name.
        id: String,
    },
}

impl Table {
    /// The cells, in the order of the axes (the last axis changes fastest), added cells last.
    ///
    /// # Errors
    /// When there are too many, or two have the same id.
    pub fn cells(&self) -> Result<Vec<Cell>, MatrixError> {
        let product = self.axes.iter().try_fold(1_usize, |cells, (_, values)| {
            cells.checked_mul(values.len())
        });
        let product = if self.axes.is_empty() {
            0
        } else {
            product.unwrap_or(usize::MAX)
        };
        let bound = product.saturating_add(self.include.len());
        if bound > limits::MATRIX_CELLS {
            return Err(MatrixError::TooLarge { cells: bound });
        }
        let mut cells = self.product();
        cells.retain(|cell| !self.exclude.iter().any(|entry| cell.agrees_with(entry)));
        let from_axes = cells.len();
        for entry in &self.include {
            let mut used = false;
            for cell in &mut cells[..from_axes] {
                used |= cell.take_in(entry, &self.axes);
            }
            if !used {
                cells.push(self.own_cell(entry));
            }
        }
        refuse_doubles(&cells)?;
        Ok(cells)
    }

    fn product(&self) -> Vec<Cell> {
        if self.axes.is_empty() {
            return Vec::new();
        }
        let mut cells = vec![Cell::default()];
        for (name, values) in &self.axes {
            cells = cells
                .iter()
                .flat_map(|cell| {
                    values.iter().map(|value| {
                        let mut next = cell.clone();
                        next.0.push((name.clone(), value.clone()));
                        next
                    })
                })
                .collect();
        }
        cells
    }

    /// A cell that only `include` describes: its values in axis order, then the rest.
    fn own_cell(&self, entry: &JsonMap) -> Cell {
        let of_axes = self
            .axes
            .iter()
            .filter_map(|(name, _)| entry.get_key_value(name));
        let others = entry.iter().filter(|(name, _)| !self.is_axis(name));
        Cell(
            of_axes
                .chain(others)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    fn is_axis(&self, name: &str) -> bool {
        self.axes.iter().any(|(axis, _)| axis == name)
    }
}

impl Cell {
    /// The value called `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Json> {
        self.0
            .iter()
            .find(|(each, _)| each == name)
            .map(|(_, value)| value)
    }

    /// The cell as one object, for expressions.
    #[must_use]
    pub fn to_object(&self) -> Json {
        Json::Object(self.0.iter().cloned().collect())
    }

    /// What stands in the brackets of the task's id: the values in order, separated by commas.
    ///
    /// Text that holds a comma, bracket, quote, slash, space or control character, that is empty, or that
    /// reads as another type, is written as a JSON string; lists and objects as JSON.
    #[must_use]
    pub fn id(&self) -> String {
        let values: Vec<String> = self.0.iter().map(|(_, value)| id_part(value)).collect();
        values.join(",")
    }

    fn agrees_with(&self, entry: &JsonMap) -> bool {
        entry
            .iter()
            .all(|(name, wanted)| self.value(name).is_some_and(|value| same(value, wanted)))
    }

    /// Adds the values of `entry` if it contradicts no axis value; says whether it did.
    fn take_in(&mut self, entry: &JsonMap, axes: &[(String, Vec<Json>)]) -> bool {
        let contradicts = axes
            .iter()
            .any(|(name, _)| match (entry.get(name), self.value(name)) {
                (Some(wanted), Some(value)) => !same(value, wanted),
                (Some(_), None) | (None, _) => false,
            });
        if contradicts {
            return false;
        }
        for (name, value) in entry {
            match self.0.iter_mut().find(|(each, _)| each == name) {
                Some((_, present)) => present.clone_from(value),
                None => self.0.push((name.clone(), value.clone())),
            }
        }
        true
    }
}

/// Whether two values are one for a matrix: numbers by value, everything else exactly.
fn same(one: &Json, other: &Json) -> bool {
    one == other || matches!((one.as_f64(), other.as_f64()), (Some(a), Some(b)) if a == b)
}

fn id_part(value: &Json) -> String {
    let Json::String(text) = value else {
        return value.to_string();
    };
    let special = |c: char| c.is_control() || c.is_whitespace() || ",[]{}\"'/".contains(c);
    let reads_as_other = serde_json::from_str::<Json>(text).is_ok();
    if text.is_empty() || text.contains(special) || reads_as_other {
        return value.to_string();
    }
    text.clone()
}

fn refuse_doubles(cells: &[Cell]) -> Result<(), MatrixError> {
    let mut ids: Vec<String> = cells.iter().map(Cell::id).collect();
    ids.sort_unstable();
    let doubled = ids.windows(2).find(|pair| pair[0] == pair[1]);
    match doubled {
        Some(pair) => Err(MatrixError::Doubled {
            id: pair[0].clone(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(axes: &[(&str, Json)], include: Json, exclude: Json) -> Table {
        let maps = |list: Json| serde_json::from_value(list).unwrap();
        let axes = axes
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.as_array().unwrap().clone()))
            .collect();
        Table {
            axes,
            include: maps(include),
            exclude: maps(exclude),
        }
    }

    fn ids(table: &Table) -> Vec<String> {
        table.cells().unwrap().iter().map(Cell::id).collect()
    }

    #[test]
    fn the_last_axis_changes_fastest() {
        let table = table(
            &[("os", json!(["linux", "mac"])), ("n", json!([1, 2]))],
            json!([]),
            json!([]),
        );
        assert_eq!(ids(&table), ["linux,1", "linux,2", "mac,1", "mac,2"]);
    }

    #[test]
    fn exclude_leaves_out_every_cell_that_agrees() {
        let table = table(
            &[("os", json!(["linux", "mac"])), ("n", json!([1, 2]))],
            json!([]),
            json!([{ "os": "mac" }, { "n": 2, "os": "linux" }]),
        );
        assert_eq!(ids(&table), ["linux,1"]);
    }

    #[test]
    fn include_extends_agreeing_cells_and_else_adds_one() {
        // foreign: the example of GitHub's documentation for `jobs.<id>.strategy.matrix.include`.
        let table = table(
            &[
                ("fruit", json!(["apple", "pear"])),
                ("animal", json!(["cat", "dog"])),
            ],
            json!([
                { "color": "green" },
                { "color": "pink", "animal": "cat" },
                { "fruit": "apple", "shape": "circle" },
                { "fruit": "banana" },
                { "fruit": "banana", "animal": "cat" }
            ]),
            json!([]),
        );
        let cells: Vec<Json> = table.cells().unwrap().iter().map(Cell::to_object).collect();
        assert_eq!(
            cells,
            [
                json!({ "fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle" }),
                json!({ "fruit": "apple", "animal": "dog", "color": "green", "shape": "circle" }),
                json!({ "fruit": "pear", "animal": "cat", "color": "pink" }),
                json!({ "fruit": "pear", "animal": "dog", "color": "green" }),
                json!({ "fruit": "banana" }),
                json!({ "fruit": "banana", "animal": "cat" }),
            ]
        );
    }

    #[test]
    fn include_alone_makes_a_matrix() {
        assert_eq!(
            ids(&table(&[], json!([{ "a": 1 }, { "a": 2 }]), json!([]))),
            ["1", "2"]
        );
    }

    #[test]
    fn texts_that_could_be_misread_are_quoted_in_ids() {
        let table = table(
            &[("v", json!(["a b", "3", 3, "x,y", "", true, "1.20"]))],
            json!([]),
            json!([]),
        );
        assert_eq!(
            ids(&table),
            [
                "\"a b\"", "\"3\"", "3", "\"x,y\"", "\"\"", "true", "\"1.20\""
            ]
        );
    }

    #[test]
    fn two_cells_with_one_id_are_refused() {
        let error = table(&[("v", json!(["a", "a"]))], json!([]), json!([]))
            .cells()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "two cells of the matrix are both called `a`; every cell needs values of its own"
        );
    }

    #[test]
    fn a_product_over_the_limit_is_refused_before_it_is_made() {
        let values = json!((0..1000).collect::<Vec<_>>());
        let axes = [("a", values.clone()), ("b", values.clone()), ("c", values)];
        let error = table(&axes, json!([]), json!([])).cells().unwrap_err();
        assert_eq!(
            error,
            MatrixError::TooLarge {
                cells: 1_000_000_000
            }
        );
    }
}
