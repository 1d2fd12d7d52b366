//! Pipeline files of the native language: text to plan, and everything that can be said about a file.
//!
//! Pure: it never opens a file. Text becomes a tree with places (`yaml`), the tree is compared with
//! the table of definitions (`shape`), read (`read`), resolved (`graph`, `names`) and put together
//! (`compile`). One reading reports every error; each has a code of [`codes`].
#![warn(missing_docs)]

pub mod codes;
mod compile;
pub mod definitions;
mod diagnostics;
mod expression;
mod graph;
mod names;
mod nearest;
mod read;
mod reference;
mod scalar;
mod schema;
mod shape;
mod source;
mod types;
mod yaml;

pub use compile::{Compiled, Request, check, compile, compile_fragment, to_json};
pub use diagnostics::{Diagnostic, ERRORS_PER_FILE, Severity, Span};
pub use reference::{reference, reference_markdown};
pub use schema::json_schema;
pub use source::SourceFile;
