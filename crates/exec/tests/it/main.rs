//! Real processes, under the real spawner, with control groups and without.

mod bench;
mod helper;
mod limits;
mod lost;
mod output;
mod start;
mod tree;
