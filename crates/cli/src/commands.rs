//! One file per verb: its arguments with their help, and one function.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod logs;
pub(crate) mod ls;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod version;
