//! The names an expression can see while it is evaluated.
//!
//! The caller implements `Scope` over whatever it has; values from outside carry their taint inside the value
//! (`Value::tainted`). A scope answers from memory: it does no IO.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::value::Value;

/// Variables and host functions of one evaluation.
pub trait Scope {
    /// The value of a variable, `None` when there is no such name.
    fn lookup(&self, name: &str) -> Option<Value>;

    /// The value of a name written with a leading dot, which ignores local variables.
    fn lookup_absolute(&self, name: &str) -> Option<Value> {
        self.lookup(name)
    }

    /// Whether variables may have dots in their names; then `a.b.c` is looked up whole before `a.b` and `a`.
    fn has_dotted_names(&self) -> bool {
        false
    }

    /// Calls a host function such as `succeeded()`; `None` when there is no such function. Names may be qualified
    /// (`git.describe`).
    fn call(&self, _name: &str, _args: &[Value]) -> Option<Result<Value, Error>> {
        None
    }
}

/// A scope of plain variables.
#[derive(Debug, Clone, Default)]
pub struct MapScope {
    variables: BTreeMap<String, Value>,
    dotted: bool,
}

impl MapScope {
    /// A scope without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// One variable for each member of the object.
    pub fn from_json(object: &serde_json::Map<String, serde_json::Value>) -> Self {
        let mut scope = Self::new();
        for (name, value) in object {
            scope.insert(name, Value::from_json(value));
        }
        scope
    }

    /// Adds or replaces a variable.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) {
        let name = name.into();
        self.dotted |= name.contains('.');
        self.variables.insert(name, value);
    }

    /// The variables in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }
}

impl FromIterator<(String, Value)> for MapScope {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(variables: I) -> Self {
        let mut scope = Self::new();
        for (name, value) in variables {
            scope.insert(name, value);
        }
        scope
    }
}

impl Scope for MapScope {
    fn lookup(&self, name: &str) -> Option<Value> {
        self.variables.get(name).cloned()
    }

    fn has_dotted_names(&self) -> bool {
        self.dotted
    }
}
