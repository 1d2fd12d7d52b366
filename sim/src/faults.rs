//! Planted faults.

use crate::wire::{Honest, Wire};
use std::sync::Arc;
use store::{MemoryStore, Store};

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {}

impl Fault {
    /// The store with this fault.
    #[must_use]
    pub fn store(self, truth: MemoryStore) -> Arc<dyn Store> {
        match self {}
    }

    /// The wire with this fault, if it is one of the wire's.
    #[must_use]
    pub fn wire(fault: Option<Self>) -> Box<dyn Wire> {
        match fault {
            None => Box::new(Honest),
            Some(fault) => match fault {},
        }
    }
}
