//! The run machine: events in, rows out.
//!
//! No IO, no clock, no randomness, no async. `now` and everything random are arguments. A machine
//! rebuilt from its rows behaves like the live one.
//!
//! Read in this order: [`rows`] (what is true), [`event`] (what can happen), [`machine`] (what follows),
//! [`check`] (what always holds).
#![warn(missing_docs)]

pub mod check;
pub mod event;
pub mod machine;
pub mod rows;

mod cells;
pub mod fit;
mod names;
pub mod order;
pub mod overtime;
pub mod preview;
pub mod repeat;
pub mod retry;
pub mod reuse;
pub mod steps;
mod texts;
pub mod work;
