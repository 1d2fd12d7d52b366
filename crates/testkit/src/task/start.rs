//! What a task waits for, and how many become of it.

use super::{Need, TaskBuilder};
use crate::plan::{object, text};
use model::Json;
use model::plan::{
    Activation, Approval, Axis, Concurrency, EdgeKind, Expression, GroupMode, Late, Matrix,
    SkipSpread, StatusOf,
};

impl TaskBuilder {
    // What it waits for.

    /// Needs the results of these tasks; their skip skips it too.
    pub fn needs<const N: usize>(self, names: [&str; N]) -> Self {
        self.edges(names, EdgeKind::Data, SkipSpread::Spread)
    }

    /// Starts after these tasks; their skip does not concern it.
    pub fn after<const N: usize>(self, names: [&str; N]) -> Self {
        self.edges(names, EdgeKind::Order, SkipSpread::Ignore)
    }

    /// Needs these tasks if they take part in the run.
    pub fn optional<const N: usize>(self, names: [&str; N]) -> Self {
        self.edges(names, EdgeKind::Optional, SkipSpread::Ignore)
    }

    /// Needs these tasks in a way that no other method names.
    pub fn edges<const N: usize>(
        mut self,
        names: [&str; N],
        kind: EdgeKind,
        on_skip: SkipSpread,
    ) -> Self {
        self.needs.extend(names.map(|name| Need {
            name: name.to_owned(),
            kind,
            on_skip,
        }));
        self
    }

    /// Starts only if this CEL expression is true. Nothing is added to it: without a status function it
    /// also starts after failures.
    pub fn when(mut self, condition: &str) -> Self {
        self.def.start.condition = Some(Expression::cel(condition));
        self
    }

    /// Says which tasks `succeeded()`, `failed()` and `canceled()` look at.
    pub fn status_of(mut self, status_of: StatusOf) -> Self {
        self.def.start.status_of = status_of;
        self
    }

    /// A person has to start it, and the tasks behind wait.
    pub fn manual(mut self) -> Self {
        self.def.activation = Activation::Manual { blocking: true };
        self
    }

    /// A person may start it; the tasks behind do not wait.
    pub fn manual_optional(mut self) -> Self {
        self.def.activation = Activation::Manual { blocking: false };
        self
    }

    /// Starts after a pause.
    pub fn delayed_ms(mut self, delay_ms: u64) -> Self {
        let delay_ms = Late::Known(delay_ms);
        self.def.activation = Activation::Delayed { delay_ms };
        self
    }

    /// Starts after a pause that this CEL expression computes.
    pub fn delayed_by(mut self, expression: &str) -> Self {
        let delay_ms = Late::Computed(Expression::cel(expression));
        self.def.activation = Activation::Delayed { delay_ms };
        self
    }

    /// Needs a person's consent, within the default time.
    pub fn approval(mut self, prompt: &str) -> Self {
        self.def.approval = Some(Approval::new(text(prompt)));
        self
    }

    /// Needs a person's consent within this time.
    pub fn approval_within_ms(mut self, prompt: &str, deadline_ms: u64) -> Self {
        self.def.approval = Some(Approval {
            prompt: text(prompt),
            deadline_ms,
        });
        self
    }

    /// Enters a concurrency group of one, after those that came before.
    pub fn concurrency(self, group: &str) -> Self {
        self.concurrency_mode(group, GroupMode::Queue)
    }

    /// Enters a concurrency group of one.
    pub fn concurrency_mode(mut self, group: &str, mode: GroupMode) -> Self {
        self.def.concurrency = Some(Concurrency {
            group: text(group),
            limit: 1,
            mode,
        });
        self
    }

    /// Enters a concurrency group of so many, after those that came before.
    pub fn concurrency_of(mut self, group: &str, limit: u32) -> Self {
        self.def.concurrency = Some(Concurrency {
            group: text(group),
            limit,
            mode: GroupMode::Queue,
        });
        self
    }

    // Matrices.

    /// One task for each cell of the product of these axes.
    ///
    /// # Panics
    /// When an axis is not a list.
    pub fn matrix<const N: usize>(mut self, axes: [(&'static str, Json); N]) -> Self {
        self.def.matrix = Some(Matrix::of(axes.map(|(name, values)| {
            let Json::Array(values) = values else {
                panic!("the values of axis `{name}` are a list");
            };
            (name, values)
        })));
        self
    }

    /// One task for each value that this CEL expression gives for the axis.
    pub fn matrix_from(mut self, axis: &'static str, expression: &str) -> Self {
        let mut matrix = Matrix::of([]);
        matrix.axes.push(Axis {
            name: axis.to_owned(),
            values: Late::Computed(Expression::cel(expression)),
        });
        self.def.matrix = Some(matrix);
        self
    }

    /// One task for each cell of the matrix that this CEL expression gives.
    pub fn matrix_whole(mut self, expression: &str) -> Self {
        let mut matrix = Matrix::of([]);
        matrix.whole = Some(Expression::cel(expression));
        self.def.matrix = Some(matrix);
        self
    }

    /// Adds an entry to `include`.
    pub fn include(mut self, entry: Json) -> Self {
        let Late::Known(entries) = &mut self.matrix_mut().include else {
            panic!("the entries are computed");
        };
        entries.push(object(entry));
        self
    }

    /// Adds an entry to `exclude`.
    pub fn exclude(mut self, entry: Json) -> Self {
        let Late::Known(entries) = &mut self.matrix_mut().exclude else {
            panic!("the entries are computed");
        };
        entries.push(object(entry));
        self
    }

    /// The failure of one member does not cancel the others.
    pub fn keep_going(mut self) -> Self {
        self.matrix_mut().fail_fast = false;
        self
    }

    /// At most so many members are active at once.
    pub fn max_parallel(mut self, members: u32) -> Self {
        self.matrix_mut().max_parallel = Some(members);
        self
    }

    fn matrix_mut(&mut self) -> &mut Matrix {
        let name = &self.def.name;
        let matrix = self.def.matrix.as_mut();
        matrix.unwrap_or_else(|| panic!("`{name}` has no matrix"))
    }
}
