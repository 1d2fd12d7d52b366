//! Everything the `expr` crate promises, seen from outside.

mod case;
mod checking;
mod conformance;
mod corpora;
mod hostile;
mod language;
mod policies;
mod random;
mod reference;
mod values;
