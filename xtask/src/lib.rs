//! Developer commands, as a library so that tests of other crates can use the parts.
//!
//! One module per command: [`mod@bench`] measures, [`kill`] kills runs and resumes them, [`tidy`] checks the house
//! rules, [`mod@test`] runs the suite, [`docs_run`] runs what the docs show, [`sim`] lives through seeds of the whole
//! system, [`mod@fuzz`] looks for bytes that break a parser. [`tree`] loads the repository and [`rust_text`] reads Rust
//! files roughly; both serve the rules. Nothing here is part of the `formic` program, and no crate but tests may depend
//! on it.
#![expect(clippy::print_stdout, reason = "developer commands talk to a terminal")]

pub mod bench;
pub mod command;
pub mod docs_run;
pub mod fuzz;
pub mod kill;
pub mod rust_text;
pub mod sim;
pub mod test;
pub mod tidy;
pub mod tree;

pub use command::dispatch;
