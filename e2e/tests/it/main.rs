//! Whole runs: real board, real worker, real processes.

mod corpus;
mod harness;
mod proof_github;
mod proof_gitlab;
mod proof_tekton;
mod reuse;
