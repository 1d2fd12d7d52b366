//! A whole system from one seed: dispatchers, workers and their commands, in simulated time, with messages lost,
//! doubled and late, with crashes, stalls and slow disks. What always has to hold is looked at after every step.
//!
//! Read in this order: [`weather`] and [`plans`] (what is drawn), `world` (what happens), [`watch`] (what has to
//! hold), [`site`] and [`executor`] (the commands), [`disk`] and [`layer`] (the board), [`faults`] (what is planted
//! to see whether it is found).
//!
//! No threads, no clock of the machine, no file.
#![warn(missing_docs)]

pub mod disk;
pub mod executor;
pub mod faults;
pub mod layer;
pub mod logs;
pub mod plans;
pub mod random;
pub mod script;
pub mod site;
pub mod trace;
pub mod watch;
pub mod weather;
pub mod wire;

mod world;

pub use faults::Fault;
pub use world::Outcome;

/// Lives through one seed. `keeps_lines`: keep the text of what happened.
#[must_use]
pub fn live(seed: u64, fault: Option<Fault>, keeps_lines: bool) -> Outcome {
    world::live(seed, fault, keeps_lines)
}
