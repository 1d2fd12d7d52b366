//! The words of Formic as values: ids, digests, reasons, limits and the plan.
//!
//! Pure data. Nothing here reads a file, a clock or the environment, and nothing here decides; the
//! rules over these values live in `pipeline` (text to plan) and `engine` (plan to run).
#![warn(missing_docs)]

pub mod digest;
pub mod ids;
pub mod limits;
pub mod matrix;
pub mod number;
pub mod paths;
pub mod plan;
pub mod reason;
pub mod source;
pub mod time;

/// A JSON value: the currency of params, outputs and matrix cells.
pub type Json = serde_json::Value;
/// An ordered JSON object with string keys.
pub type JsonMap = std::collections::BTreeMap<String, Json>;
