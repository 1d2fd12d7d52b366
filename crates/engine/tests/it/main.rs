//! The run machine from outside: events in, rows out, each step compared with a machine rebuilt from rows.

mod abandoned;
mod approvals;
mod call_time;
mod cancel;
mod checks;
mod concurrency;
mod cost;
mod data;
mod failures;
mod finally;
mod fit;
mod generated;
mod keys;
mod lease;
mod matrix;
mod model;
mod places;
mod preview;
mod random;
mod readiness;
mod rebuild;
mod repeat;
mod reuse;
mod scopes;
mod step_values;
mod timers;
