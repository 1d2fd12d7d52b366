//! Pipeline files of the native language: text to plan, and everything that can be said about a file.
//!
//! Pure: it never opens a file. Text becomes a tree with places (`yaml`), the tree is compared with
//! the table of definitions (`shape`), read (`read`), resolved (`graph`, `names`) and put together
//! (`compile`). One reading reports every error; each has a code of [`codes`].
#![warn(missing_docs)]

mod address;
pub mod codes;
mod compile;
pub mod definitions;
mod diagnostics;
mod expression;
mod graph;
pub mod lock;
mod names;
mod nearest;
mod outline;
mod pattern;
mod quoting;
mod read;
mod reference;
mod scalar;
mod schema;
mod shape;
pub mod signal;
mod source;
mod sources;
mod taint;
mod types;
mod units;
mod variables;
mod yaml;

pub use address::{Address, BadAddress};
pub use compile::{
    Checked, Compiled, Request, check, check_with, compile, compile_fragment, compile_with, to_json,
};
pub use diagnostics::{Diagnostic, ERRORS_PER_FILE, Elsewhere, Severity, Span, Unsupported};
pub use outline::{Outline, outline};
pub use reference::{Sample, function_samples, reference, reference_markdown};
pub use schema::json_schema;
pub use source::SourceFile;
pub use sources::{Failed, FailedKind, Loaded, Sources};
pub use taint::Around;
