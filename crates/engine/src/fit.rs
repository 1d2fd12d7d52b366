//! Whether a plan can run where one worker takes all of it.
//!
//! A task that the worker can never take would wait for ever, so memory and labels are held against the plan before
//! anything starts. CPUs are shared by time: a task that asks for more of them than there are runs alone. Of other counted
//! things nothing is known, so one task at a time has its wish. What is known only when a task is ready is not judged here.
//! Tasks that a task generates are held against the same room when they are taken in.

use model::plan::{Plan, Resources, TaskDef, Text};
use std::collections::BTreeSet;

/// What the worker has to have, and what is worth a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit<'p> {
    /// What tasks may take together.
    pub capacity: Resources,
    /// In the order of the plan.
    pub notes: Vec<Note<'p>>,
}

/// Something that a person may not expect.
#[derive(Debug, Clone, PartialEq)]
pub enum Note<'p> {
    /// A task asks for more CPUs than there are, so nothing runs beside it.
    RunsAlone {
        /// The task.
        task: &'p TaskDef,
        /// What the machine has, or what an earlier task made of it, in thousandths of a CPU.
        has_milli: u32,
    },
    /// A role or label of a task is known only when it is ready: without it, it waits.
    LateLabel {
        /// The task.
        task: &'p TaskDef,
    },
    /// The worker was given no labels, so it takes every role and label.
    TakesAll {
        /// Those that the plan names.
        names: Vec<String>,
    },
}

/// A task that can never start here.
#[derive(Debug, Clone, PartialEq)]
pub enum Never<'p> {
    /// It asks for more memory than there is.
    Memory {
        /// The task.
        task: &'p TaskDef,
        /// What there is.
        has_bytes: u64,
    },
    /// It wants a role or label that the worker does not have.
    Label {
        /// The task.
        task: &'p TaskDef,
        /// The role or label.
        missing: String,
    },
}

/// What one worker has for all tasks of a run. It grows with what they ask for, as far as that is shared by time.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// What tasks may take together.
    pub capacity: Resources,
    /// The roles and labels that the worker takes; `None`: all.
    pub labels: Option<Vec<String>>,
}

impl Room {
    /// Makes room for `tasks`; what is worth a sentence, in their order.
    ///
    /// # Errors
    /// When a task could never start. The room is then as it was.
    pub fn take_in<'p>(
        &mut self,
        tasks: impl IntoIterator<Item = &'p TaskDef>,
    ) -> Result<Vec<Note<'p>>, Never<'p>> {
        let mut capacity = self.capacity.clone();
        let mut notes = Vec::new();
        let mut placed = BTreeSet::new();
        for task in tasks {
            let wanted = &task.resources;
            if wanted.memory_bytes > capacity.memory_bytes {
                let has_bytes = capacity.memory_bytes;
                return Err(Never::Memory { task, has_bytes });
            }
            if wanted.cpu_milli > capacity.cpu_milli {
                let has_milli = capacity.cpu_milli;
                notes.push(Note::RunsAlone { task, has_milli });
                capacity.cpu_milli = wanted.cpu_milli;
            }
            for (name, count) in &wanted.counted {
                let has = capacity.counted.entry(name.clone()).or_default();
                *has = (*has).max(*count);
            }
            let names = || task.placement.asked().filter_map(Text::literal);
            if let Some(labels) = &self.labels {
                let has = |name: &str| labels.iter().any(|label| label == name);
                if let Some(missing) = names().find(|name| !has(name)) {
                    let missing = missing.to_owned();
                    return Err(Never::Label { task, missing });
                }
                if task.placement.asked().any(|text| text.literal().is_none()) {
                    notes.push(Note::LateLabel { task });
                }
            }
            placed.extend(names());
        }
        if self.labels.is_none() && !placed.is_empty() {
            let names = placed.into_iter().map(str::to_owned).collect();
            notes.push(Note::TakesAll { names });
        }
        self.capacity = capacity;
        Ok(notes)
    }
}

/// Holds what the tasks of `plan` ask for against a machine and the roles and labels that its worker takes; `None`: all.
///
/// # Errors
/// When a task could never start.
pub fn fit<'p>(
    machine: Resources,
    labels: Option<&[String]>,
    plan: &'p Plan,
) -> Result<Fit<'p>, Never<'p>> {
    let mut room = Room {
        capacity: machine,
        labels: labels.map(<[String]>::to_vec),
    };
    let defs = plan.scopes.iter().flat_map(|scope| &scope.tasks);
    let notes = room.take_in(defs.map(|def| plan.task(*def)))?;
    let capacity = room.capacity;
    Ok(Fit { capacity, notes })
}
