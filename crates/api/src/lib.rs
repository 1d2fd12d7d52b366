//! What leaves the program: the worker protocol and the JSON documents. The only home of promises about
//! compatibility.
//!
//! Every document carries `schema`; within one major number fields are added, never changed or removed.
#![warn(missing_docs)]

pub mod init;
pub mod protocol;
pub mod run;
