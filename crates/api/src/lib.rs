//! What leaves the program: the worker protocol and the JSON documents. The only home of promises about
//! compatibility.
//!
//! Every document carries `schema`; within one major number fields are added, never changed or removed.
//! `docs/json.md` describes them for readers, and a test compares it with what the program prints.
#![warn(missing_docs)]

pub mod attempt;
pub mod check;
pub mod command;
pub mod doctor;
pub mod error;
pub mod event;
pub mod explain;
pub mod github;
pub mod init;
pub mod list;
pub mod lock;
pub mod logs;
pub mod plan;
pub mod protocol;
pub mod run;
pub mod sarif;
pub mod version;
