//! The dispatcher: load, handle, commit, perform effects, wake. Wiring around the engine; it decides nothing.
//!
//! Synchronous: [`Dispatcher::step`] takes what came in and gives what goes out. Who reads clocks and
//! sockets drives it.
#![warn(missing_docs)]

pub mod dispatcher;
pub mod load;
pub mod local;
pub mod send;

pub use dispatcher::{Dispatcher, Fatal, Input, Output, Parts, TakeIn};
pub use worker::machine;
pub use worker::site::remove_worktrees;
