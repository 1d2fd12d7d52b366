//! What functions there are, for references and editors.

use crate::functions;

/// Every function by its name, with its signatures; a target is the first argument.
///
/// Macros (`map`, `has`) and operators are no functions: they are part of the grammar.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    functions::all().map(|function| (function.name, function.signatures))
}
