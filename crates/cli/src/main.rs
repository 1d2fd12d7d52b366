//! The `formic` binary.
fn main() {}
