//! The language from the outside: files in, plans and messages out.

mod agreement;
mod broken;
mod codes;
mod files;
mod generated;
mod hostile;
mod language;
mod limits;
mod places;
mod plan;
mod samples;
mod schema;
