//! The way between workers and processes. An honest one passes on what it is given; losing, doubling and delaying
//! are the world's, which is allowed to do so. Planted faults change what is said.

use api::protocol::{Reply, Request};
use model::ids::WorkerId;

/// Passes on what is said.
pub trait Wire {
    /// What arrives at the board when a worker says this.
    fn request(&mut self, request: Request) -> Vec<Request> {
        vec![request]
    }

    /// What arrives at which worker when the board answers this.
    fn reply(&mut self, worker: WorkerId, reply: Reply) -> Vec<(WorkerId, Reply)> {
        vec![(worker, reply)]
    }

    /// Whether a worker hears that the board has something to say.
    fn nudge(&mut self) -> bool {
        true
    }
}

/// Passes on everything as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Honest;

impl Wire for Honest {}
