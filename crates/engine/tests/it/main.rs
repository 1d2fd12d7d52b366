//! The run machine from outside: events in, rows out, each step compared with a machine rebuilt from rows.

mod approvals;
mod cancel;
mod finally;
mod readiness;
