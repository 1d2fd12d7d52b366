//! What a test may ask of a run, by the keys of its tasks and in words.

use super::Driver;
use engine::rows::{Outputs, TaskRow, Transition};
use model::Json;
use model::ids::TaskNo;

impl Driver {
    /// The number of the task with this key.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn no(&self, key: &str) -> TaskNo {
        self.row(key).no
    }

    /// The row of the task with this key.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn row(&self, key: &str) -> &TaskRow {
        let mut rows = self.machine.tasks().iter();
        let row = rows.find(|row| &*row.key == key);
        row.unwrap_or_else(|| panic!("no task `{key}`; there are {:?}", self.keys()))
    }

    /// The state of a task in words, such as `skipped (condition)`.
    #[must_use]
    pub fn state(&self, key: &str) -> String {
        self.row(key).state.to_string()
    }

    /// The states of several tasks.
    #[must_use]
    pub fn states<const N: usize>(&self, keys: [&str; N]) -> [String; N] {
        keys.map(|key| self.state(key))
    }

    /// The state of the run in words, such as `canceled (person)`.
    #[must_use]
    pub fn result(&self) -> String {
        self.machine.run().state.to_string()
    }

    /// The sentence for people beside a task's state; empty when there is none.
    #[must_use]
    pub fn note(&self, key: &str) -> &str {
        self.row(key).note.as_deref().unwrap_or_default()
    }

    /// What a task gave to others, as plain values.
    #[must_use]
    pub fn outputs(&self, key: &str) -> Json {
        let outputs = self.row(key).outputs.as_deref();
        engine::work::plain(outputs.unwrap_or(&Outputs::new()))
    }

    /// The keys of all tasks, in order of creation.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        let rows = self.machine.tasks().iter();
        rows.map(|row| &*row.key).collect()
    }

    /// The keys of the effects that are not done.
    #[must_use]
    pub fn effects(&self) -> Vec<&str> {
        let effects = self.machine.effects().keys();
        effects.map(|key| key.0.as_str()).collect()
    }

    /// How often something was written down that `fits`.
    pub fn count_events(&self, fits: impl Fn(&Transition) -> bool) -> usize {
        self.events.iter().filter(|row| fits(&row.what)).count()
    }
}
