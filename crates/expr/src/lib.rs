//! The expression language of Formic: parse, check, evaluate.
//!
//! CEL comes first; a plan stores each expression with its `Dialect`, so that others plug in here without touching
//! the engine. Everything is pure and bounded: no text overflows the stack, no evaluation takes more steps than its
//! `Budget`. Values know whether text from outside is in them. This crate knows nothing of pipelines or plans.
#![warn(missing_docs)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "in a language the types, tokens and nodes that a rule does not name have one answer: it does not apply"
)]

mod ast;
pub mod budget;
pub mod catalogue;
pub mod check;
mod dialect;
mod error;
mod eval;
mod functions;
mod lexer;
mod literal;
pub mod network;
mod parser;
mod program;
pub mod request;
mod scope;
mod span;
mod taint;
pub mod template;
pub mod time;
pub mod value;

pub use budget::Budget;
pub use check::{ObjectType, Signature, Type, TypeEnv, check};
pub use dialect::Dialect;
pub use error::{Error, ErrorKind};
pub use program::{Call, Comparison, Program, Reference, compile};
pub use scope::{MapScope, Scope};
pub use span::Span;
pub use template::Template;
pub use value::Value;
