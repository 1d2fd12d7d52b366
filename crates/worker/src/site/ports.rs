//! Ports for services: free ones of this machine, each told to one attempt at a time.
//!
//! A port is free when it can be bound. Between that look and the service's own start another program may take it,
//! which the service then says; nobody can keep it for a program that binds by itself.

use super::Trouble;
use model::ids::AttemptId;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often another port is tried when one was told to somebody already.
const TRIES: usize = 1_000;
/// A connection within this machine is made at once, or its listener is too busy to be called ready. Others wait for
/// that, so it is short; whoever is not ready is asked again.
const CONNECT: Duration = Duration::from_millis(5);

/// The ports that attempts were told.
#[derive(Default)]
pub(super) struct Ports {
    // Attempts take and give back on several threads, each for microseconds.
    told: Mutex<BTreeMap<u16, AttemptId>>,
}

impl Ports {
    /// `count` ports for an attempt.
    pub(super) fn take(&self, id: AttemptId, count: usize) -> Result<Vec<u16>, Trouble> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ports = Vec::new();
        let mut tries = 0;
        while ports.len() < count {
            let port = free().map_err(|error| {
                Trouble::Platform(format!("cannot find a free port for a service: {error}"))
            })?;
            tries += 1;
            if tries > TRIES {
                let message = "cannot find a free port for a service: all are taken".to_owned();
                return Err(Trouble::Platform(message));
            }
            if let std::collections::btree_map::Entry::Vacant(place) = told.entry(port) {
                place.insert(id);
                ports.push(port);
            }
        }
        Ok(ports)
    }

    /// Takes back the ports of an attempt.
    pub(super) fn give_back(&self, id: AttemptId) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, of| *of != id);
    }
}

fn free() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Whether somebody takes connections on `port`.
pub(super) fn accepts(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpStream::connect_timeout(&address, CONNECT) {
        // Without a listener the system may by chance use the same port for this end, and connect it to itself.
        Ok(stream) => stream.local_addr().is_ok_and(|own| own != address),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_takes_connections_when_somebody_listens() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(accepts(port));
    }
}
