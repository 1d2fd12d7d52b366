//! Whole runs: real board, real worker, real processes.

mod harness;
mod needs_corpora;
mod reuse;
