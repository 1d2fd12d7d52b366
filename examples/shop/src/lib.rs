//! A tiny shop: money in whole cents, an inventory, a cart, and an order that takes both.
//!
//! It is the sample project of the pipeline beside it: small enough to read in minutes, real enough to have tests that can
//! fail. It opens no file; `main.rs` does.

pub mod cart;
pub mod inventory;
pub mod money;
pub mod order;
