//! What an expression may use at the place where it stands.
//!
//! The caller decides which names exist when; names that exist only later are declared as such, so that using one
//! too early is told apart from a typing error.

use std::collections::BTreeMap;

use super::signature::Signature;
use super::types::Type;
use crate::error::Error;

/// Declared variables and host functions.
#[derive(Debug, Clone, Default)]
pub struct TypeEnv {
    variables: BTreeMap<String, Type>,
    functions: BTreeMap<String, Vec<Signature>>,
    later: BTreeMap<String, String>,
    later_functions: BTreeMap<String, String>,
    open: bool,
    dotted: bool,
    container: String,
}

impl TypeEnv {
    /// An environment without names: unknown names and functions are errors.
    pub fn new() -> Self {
        Self::default()
    }

    /// An environment in which unknown names and functions are `dyn`.
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Declares a variable; names may have dots.
    pub fn declare(&mut self, name: impl Into<String>, kind: Type) -> &mut Self {
        let name = name.into();
        self.dotted |= name.contains('.');
        self.later.remove(&name);
        self.variables.insert(name, kind);
        self
    }

    /// Declares one more signature of a host function, such as `(string...) -> string`.
    pub fn declare_function(
        &mut self,
        name: impl Into<String>,
        signature: &str,
    ) -> Result<&mut Self, Error> {
        Ok(self.declare_signature(name, Signature::parse(signature)?))
    }

    /// Declares one more signature of a host function.
    pub fn declare_signature(
        &mut self,
        name: impl Into<String>,
        signature: Signature,
    ) -> &mut Self {
        let name = name.into();
        self.later_functions.remove(&name);
        self.functions.entry(name).or_default().push(signature);
        self
    }

    /// Says that a variable exists only later; the reason is a fragment: `known only on the worker`.
    pub fn declare_later(
        &mut self,
        name: impl Into<String>,
        reason: impl Into<String>,
    ) -> &mut Self {
        let name = name.into();
        if !self.variables.contains_key(&name) {
            self.later.insert(name, reason.into());
        }
        self
    }

    /// Says that a host function exists only elsewhere, with the reason as a fragment.
    pub fn declare_function_later(
        &mut self,
        name: impl Into<String>,
        reason: impl Into<String>,
    ) -> &mut Self {
        let name = name.into();
        if !self.functions.contains_key(&name) {
            self.later_functions.insert(name, reason.into());
        }
        self
    }

    /// Sets the namespace in which names are tried first.
    pub fn set_container(&mut self, container: impl Into<String>) -> &mut Self {
        self.container = container.into();
        self
    }

    /// Whether unknown names are allowed.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The declared variables.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &Type)> {
        self.variables
            .iter()
            .map(|(name, kind)| (name.as_str(), kind))
    }

    /// Whether a name with dots can be a variable.
    pub(super) fn has_dotted_names(&self) -> bool {
        self.dotted || !self.container.is_empty()
    }

    /// The type of a variable, tried from the innermost namespace outwards.
    pub(super) fn variable(&self, name: &str, absolute: bool) -> Option<&Type> {
        let mut container = if absolute {
            ""
        } else {
            self.container.as_str()
        };
        while !container.is_empty() {
            if let Some(kind) = self.variables.get(&format!("{container}.{name}")) {
                return Some(kind);
            }
            container = container.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        self.variables.get(name)
    }

    pub(super) fn function(&self, name: &str) -> Option<&[Signature]> {
        self.functions.get(name).map(Vec::as_slice)
    }

    pub(super) fn function_names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    pub(super) fn later_reason(&self, name: &str) -> Option<&str> {
        self.later.get(name).map(String::as_str)
    }

    pub(super) fn later_function_reason(&self, name: &str) -> Option<&str> {
        self.later_functions.get(name).map(String::as_str)
    }
}
