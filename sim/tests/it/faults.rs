//! The test of the tests: every planted fault is found. `cargo xtask sim --faults` does the same with more seeds and
//! tells the medians.

use sim::Fault;
use sim::faults::{Area, hunt};

/// Seeds that a fault is given here; ten thousand elsewhere.
const SEEDS: u64 = 2_000;

fn are_found(area: Area) {
    let of_area: Vec<Fault> = Fault::ALL
        .into_iter()
        .filter(|fault| fault.area() == area)
        .collect();
    assert!(of_area.len() >= 2, "{of_area:?}");
    for fault in of_area {
        assert!(hunt(fault, 0, SEEDS).is_some(), "{fault:?} is not found");
    }
}

#[test]
fn faults_of_the_fence_are_found() {
    are_found(Area::Fence);
}

#[test]
fn lost_wake_ups_are_found() {
    are_found(Area::Wake);
}

#[test]
fn faults_of_expiry_are_found() {
    are_found(Area::LeaseExpiry);
}

#[test]
fn faults_of_the_outbox_are_found() {
    are_found(Area::Outbox);
}

#[test]
fn faults_of_retries_are_found() {
    are_found(Area::Retry);
}

#[test]
fn faults_of_cancels_are_found() {
    are_found(Area::Cancel);
}

#[test]
fn groups_with_too_many_members_are_found() {
    are_found(Area::Group);
}

#[test]
fn results_that_are_not_what_running_gives_are_found() {
    are_found(Area::Reuse);
}
