//! The worker's machine and its site, from outside.

mod bench;
mod keying;
mod leaving;
mod looking;
mod lost;
mod output;
mod services;
mod site;
mod steps;
