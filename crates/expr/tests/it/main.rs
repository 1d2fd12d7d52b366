//! Everything the `expr` crate promises, seen from outside.

mod case;
mod checking;
mod grammar;
mod hostile;
mod language;
mod meaning;
mod needs_corpora;
mod open;
mod random;
mod reference;
mod requests;
mod values;
