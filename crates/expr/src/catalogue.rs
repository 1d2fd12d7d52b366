//! What functions there are, for references and editors.

use crate::functions;

/// Whether functions have the name in front of theirs, as `math` in `math.abs(x)`; it is no variable.
pub fn is_namespace(name: &str) -> bool {
    functions::is_namespace(name)
}

/// Every function by its name, with its signatures; a target is the first argument.
///
/// Macros (`map`, `has`) and operators are no functions: they are part of the grammar.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    functions::all().map(|function| (function.name, function.signatures))
}
