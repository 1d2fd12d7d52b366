//! What tests need and production does not: plans written by hand, and a machine driven by hand.
//!
//! Read in this order: [`plan`](mod@plan) (a plan in a few words), [`task`] and [`step`] (what it is made of),
//! [`driver`] (simulated clock and fake workers over one machine, checked at every event).
//!
//! For tests only: whatever is wrong panics with a sentence.
#![warn(missing_docs)]

pub mod driver;
pub mod plan;
pub mod step;
pub mod task;

pub use driver::{Driver, earlier, found, head, key_of};
pub use plan::{PlanBuilder, ScopeBuilder, plan};
pub use step::StepBuilder;
pub use task::TaskBuilder;
