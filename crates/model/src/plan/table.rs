//! Matrices as the plan writes them: axes, and what to add and leave out. The cells are made in [`crate::matrix`].

use super::late::{Expression, Late};
use crate::{Json, JsonMap};
use serde::{Deserialize, Serialize};

/// One task for each cell of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// The axes; their product makes the cells.
    pub axes: Vec<Axis>,
    /// Cells to add, or values to add to the cells that they agree with.
    pub include: Late<Vec<JsonMap>>,
    /// Cells to leave out: those that agree with all values of an entry.
    pub exclude: Late<Vec<JsonMap>>,
    /// An object with all of the above, computed. The other three are then empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<Expression>,
    /// Whether the failure of one member cancels the others.
    pub fail_fast: bool,
    /// How many members may be active at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<u32>,
}

/// One axis of a matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name in expressions: `matrix.<name>`.
    pub name: String,
    /// Its values.
    pub values: Late<Vec<Json>>,
}

impl Matrix {
    /// A matrix of axes whose values the plan knows.
    #[must_use]
    pub fn of(axes: impl IntoIterator<Item = (&'static str, Vec<Json>)>) -> Self {
        let axes = axes
            .into_iter()
            .map(|(name, values)| Axis {
                name: name.to_owned(),
                values: Late::Known(values),
            })
            .collect();
        Self {
            axes,
            include: Late::Known(Vec::new()),
            exclude: Late::Known(Vec::new()),
            whole: None,
            fail_fast: true,
            max_parallel: None,
        }
    }
}
