//! A worker: leases tasks, runs their steps, ships their logs, reports their ends.
//!
//! [`Worker`] is synchronous: what came in goes into [`Worker::step`], what has to be done comes out. It knows
//! the protocol and the order of things; files are a [`site::Site`]'s, processes an executor's, clocks and
//! channels [`local`]'s.
#![warn(missing_docs)]

pub mod contract;
pub mod listing;
pub mod local;
pub mod machine;
pub mod mask;
mod own;
mod patterns;
pub mod site;
pub mod worker;

pub use site::{Content, LocalSite, Site, Trouble};
pub use worker::{Input, Look, LookRef, Looked, Options, Output, Worker};
