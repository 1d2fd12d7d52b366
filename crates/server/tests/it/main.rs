//! The dispatcher, over a board in memory, with its workers played by hand.

mod board;
mod groups;
mod keys;
mod leases;
mod others;
mod reports;
mod send;
