//! The simulator as a test: honest worlds break no rule, planted faults are found, one seed is one schedule.

mod faults;
mod seeds;
mod talk;
