//! What must hold for any bytes: one module for each target of `cargo xtask fuzz`.
//!
//! `hold` of a module takes bytes and panics when a rule is broken; the files in `fuzz_targets` hand libFuzzer's
//! bytes to it. The rules say more than that nothing panics: places lie inside the text, a type that was checked
//! holds for the value, a budget is kept, taint is never lost. The suite tries every committed seed.
//!
//! Deliberately not here: memory, which libFuzzer watches, and time, but for the one target whose rule it is.

pub mod address;
pub mod checker;
pub mod cost;
pub mod cron;
pub mod evaluator;
pub mod expression;
pub mod glob;
pub mod lock;
pub mod pipeline;
pub mod request;
mod scope;
pub mod taint;
pub mod template;
