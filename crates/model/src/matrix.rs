//! From the axes of a matrix to its cells, at plan time and at run time by one rule.
//!
//! The rule is GitHub's, which the field knows: the product of the axes, without what `exclude`
//! names; then each `include` entry is added to every cell whose axis values it does not contradict,
//! and becomes a cell of its own when there is none. An entry never changes a value of an axis.
//!
//! A table may come from the output of a task, so what it costs is bounded before it is spent: cells, names, comparisons
//! and the bytes that all values take together.

use crate::{Json, JsonMap, limits};
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

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

/// The values of one task of a matrix, axes first in their order, added values after them by name. The cells of one table
/// share names and values.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Cell(pub Vec<(Arc<str>, Arc<Json>)>);

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
    /// More comparisons than [`limits::MATRIX_COMPARISONS`].
    #[error(
        "{compared} comparisons of cells with `include` and `exclude`; at most {} are made",
        limits::MATRIX_COMPARISONS
    )]
    TooManyComparisons {
        /// Cells times entries.
        compared: usize,
    },
    /// More values in one cell than [`limits::MATRIX_NAMES`].
    #[error(
        "a cell of the matrix has {found} values; at most {} are allowed",
        limits::MATRIX_NAMES
    )]
    TooManyNames {
        /// Axes, or values of one entry or cell.
        found: usize,
    },
    /// Values that take more than [`limits::MATRIX_BYTES`] in all cells together.
    #[error(
        "the values of all cells together take {bytes} bytes; at most {} are allowed",
        limits::MATRIX_BYTES
    )]
    TooHeavy {
        /// As far as they were counted.
        bytes: usize,
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
    /// When there are too many or they cost too much, or two have the same id.
    pub fn cells(&self) -> Result<Vec<Cell>, MatrixError> {
        let product = self.count()?;
        let mut bytes = self.product_bytes(product);
        bearable(bytes)?;
        let mut cells = self.product(product);
        for entry in &self.exclude {
            let wanted = self.on_axes(entry);
            if wanted.len() == entry.len() {
                cells.retain(|cell| !cell.agrees_on(&wanted));
            }
        }
        let from_axes = cells.len();
        for entry in &self.include {
            let wanted = self.on_axes(entry);
            let shared = shared(entry);
            let mut used = false;
            for cell in cells[..from_axes]
                .iter_mut()
                .filter(|cell| cell.agrees_on(&wanted))
            {
                used = true;
                bytes = bytes.saturating_add(cell.take_in(&shared, self.axes.len())?);
                bearable(bytes)?;
            }
            if !used {
                cells.push(self.own_cell(entry));
                bytes = bytes.saturating_add(
                    entry
                        .iter()
                        .map(|(name, value)| weight_of_pair(name, value))
                        .sum(),
                );
                bearable(bytes)?;
            }
        }
        self.refuse_doubles(&cells, from_axes)?;
        Ok(cells)
    }

    /// How many cells the axes make, counted before any is made.
    fn count(&self) -> Result<usize, MatrixError> {
        let product = if self.axes.is_empty() {
            0
        } else {
            let lengths = self.axes.iter().map(|(_, values)| values.len());
            if lengths.clone().any(|length| length == 0) {
                0
            } else {
                lengths.fold(1_usize, usize::saturating_mul)
            }
        };
        let cells = product.saturating_add(self.include.len());
        if cells > limits::MATRIX_CELLS {
            return Err(MatrixError::TooLarge { cells });
        }
        let entries = || self.include.iter().chain(&self.exclude);
        let compared = product.saturating_mul(entries().count());
        if compared > limits::MATRIX_COMPARISONS {
            return Err(MatrixError::TooManyComparisons { compared });
        }
        let names = entries().map(JsonMap::len).chain([self.axes.len()]);
        in_one_cell(names.max().unwrap_or(0))?;
        Ok(product)
    }

    /// What the values of the product take.
    fn product_bytes(&self, product: usize) -> usize {
        let of_axis = |(name, values): &(String, Vec<Json>)| {
            let all: usize = values.iter().map(|value| weight_of_pair(name, value)).sum();
            all.saturating_mul(product / values.len().max(1))
        };
        self.axes.iter().map(of_axis).fold(0, usize::saturating_add)
    }

    fn product(&self, product: usize) -> Vec<Cell> {
        let share = |(name, values): &(String, Vec<Json>)| {
            let values = values.iter().cloned().map(Arc::new);
            (Arc::<str>::from(name.as_str()), values.collect())
        };
        let axes: Vec<(Arc<str>, Vec<Arc<Json>>)> = self.axes.iter().map(share).collect();
        let cell = |mut place: usize| {
            let mut values = Vec::with_capacity(axes.len());
            for (name, all) in axes.iter().rev() {
                values.push((Arc::clone(name), Arc::clone(&all[place % all.len()])));
                place /= all.len();
            }
            values.reverse();
            Cell(values)
        };
        (0..product).map(cell).collect()
    }

    /// What an entry says of axes: the place of each, and the value.
    fn on_axes<'a>(&self, entry: &'a JsonMap) -> Vec<(usize, &'a Json)> {
        let axes = self.axes.iter().enumerate();
        axes.filter_map(|(place, (name, _))| Some((place, entry.get(name)?)))
            .collect()
    }

    /// A cell that only `include` describes: its values in axis order, then the rest.
    fn own_cell(&self, entry: &JsonMap) -> Cell {
        let of_axes = self
            .axes
            .iter()
            .filter_map(|(name, _)| entry.get_key_value(name));
        let others = entry.iter().filter(|(name, _)| !self.is_axis(name));
        Cell(of_axes.chain(others).map(share).collect())
    }

    /// Refuses two cells with one id. Those of the product differ if the values of each axis do.
    fn refuse_doubles(&self, cells: &[Cell], from_axes: usize) -> Result<(), MatrixError> {
        let differ = |(_, values): &(String, Vec<Json>)| {
            let parts: BTreeSet<String> = values.iter().map(id_part).collect();
            parts.len() == values.len()
        };
        if from_axes == cells.len() && self.axes.iter().all(differ) {
            return Ok(());
        }
        // Ids may be long: their marks are kept, and those that look equal compared.
        let marked = cells
            .iter()
            .zip(0..)
            .map(|(cell, place)| (cell.mark(), place));
        let mut marked: Vec<(u64, usize)> = marked.collect();
        marked.sort_unstable();
        let doubled = marked.chunk_by(|a, b| a.0 == b.0).filter_map(|alike| {
            let mut seen = BTreeSet::new();
            let ids = alike.iter().map(|(_, place)| cells[*place].id());
            ids.filter(|id| !seen.insert(id.clone())).min()
        });
        match doubled.min() {
            Some(id) => Err(MatrixError::Doubled { id }),
            None => Ok(()),
        }
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
            .find(|(each, _)| **each == *name)
            .map(|(_, value)| &**value)
    }

    /// The cell as one object, for expressions.
    #[must_use]
    pub fn to_object(&self) -> Json {
        let pairs = self.0.iter();
        let pairs = pairs.map(|(name, value)| (name.to_string(), Json::clone(value)));
        Json::Object(pairs.collect())
    }

    /// What stands in the brackets of the task's id: the values in order, separated by commas.
    ///
    /// Text that holds a comma, bracket, quote, slash, space or control character, that is empty, or that
    /// reads as another type, is written as a JSON string; lists and objects as JSON.
    #[must_use]
    pub fn id(&self) -> String {
        let mut id = String::new();
        self.write_id(&mut id).expect("a text takes any text");
        id
    }

    fn write_id(&self, out: &mut impl fmt::Write) -> fmt::Result {
        for (place, (_, value)) in self.0.iter().enumerate() {
            if place > 0 {
                out.write_char(',')?;
            }
            match value.as_str().filter(|text| is_plain(text)) {
                Some(text) => out.write_str(text)?,
                None => write!(out, "{value}")?,
            }
        }
        Ok(())
    }

    /// A number that is the same for equal ids.
    fn mark(&self) -> u64 {
        let mut mark = Mark(DefaultHasher::new());
        self.write_id(&mut mark).expect("a mark takes any text");
        mark.0.finish()
    }

    /// Whether a cell of the axes has these values at these places.
    fn agrees_on(&self, wanted: &[(usize, &Json)]) -> bool {
        let mut wanted = wanted.iter();
        wanted.all(|(place, value)| same(&self.0[*place].1, value))
    }

    /// Adds the values of `entry`, which contradicts none of the `axes` first values; gives what they take.
    fn take_in(
        &mut self,
        entry: &[(Arc<str>, Arc<Json>)],
        axes: usize,
    ) -> Result<usize, MatrixError> {
        let mut bytes: usize = 0;
        for (name, value) in entry {
            match self.0.iter().position(|(each, _)| each == name) {
                Some(place) if place < axes => {}
                Some(place) => {
                    bytes = bytes.saturating_add(weight(value));
                    self.0[place].1 = Arc::clone(value);
                }
                None => {
                    bytes = bytes.saturating_add(weight_of_pair(name, value));
                    self.0.push((Arc::clone(name), Arc::clone(value)));
                }
            }
        }
        in_one_cell(self.0.len())?;
        Ok(bytes)
    }
}

/// An id that is only compared.
struct Mark(DefaultHasher);

impl fmt::Write for Mark {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

fn shared(entry: &JsonMap) -> Vec<(Arc<str>, Arc<Json>)> {
    entry.iter().map(share).collect()
}

fn share((name, value): (&String, &Json)) -> (Arc<str>, Arc<Json>) {
    (name.as_str().into(), Arc::new(value.clone()))
}

fn in_one_cell(found: usize) -> Result<(), MatrixError> {
    if found > limits::MATRIX_NAMES {
        return Err(MatrixError::TooManyNames { found });
    }
    Ok(())
}

fn bearable(bytes: usize) -> Result<(), MatrixError> {
    if bytes > limits::MATRIX_BYTES {
        return Err(MatrixError::TooHeavy { bytes });
    }
    Ok(())
}

/// About what a value takes in memory, without anything that it shares.
fn weight(value: &Json) -> usize {
    let inside: usize = match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
        Json::String(text) => text.len(),
        Json::Array(values) => values.iter().map(weight).sum(),
        Json::Object(values) => {
            let pairs = values.iter();
            pairs.map(|(name, value)| weight_of_pair(name, value)).sum()
        }
    };
    inside + size_of::<Json>()
}

fn weight_of_pair(name: &str, value: &Json) -> usize {
    size_of::<String>() + name.len() + weight(value)
}

/// Whether two values are one for a matrix: numbers by value, everything else exactly.
fn same(one: &Json, other: &Json) -> bool {
    one == other || matches!((one.as_f64(), other.as_f64()), (Some(a), Some(b)) if a == b)
}

fn id_part(value: &Json) -> String {
    match value.as_str().filter(|text| is_plain(text)) {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

/// Whether a text stands in an id without quotes.
fn is_plain(text: &str) -> bool {
    let special = |c: char| c.is_control() || c.is_whitespace() || ",[]{}\"'/".contains(c);
    let reads_as_other = serde_json::from_str::<Json>(text).is_ok();
    !text.is_empty() && !text.contains(special) && !reads_as_other
}

#[cfg(test)]
mod tests;
