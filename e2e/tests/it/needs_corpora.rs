//! Cases of other projects, written by hand as plans and run for real, against the verdicts of their corpora. Without the
//! corpora these tests fail, and `cargo xtask test` leaves them out by the name of this module.

mod github;
mod gitlab;
mod tekton;
mod verdicts;
