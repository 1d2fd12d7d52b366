//! The language from the outside: files in, plans and messages out.

mod broken;
mod plan;
