//! Messages that are lost, doubled or late, and leases that others have by now.

use crate::bench::{Bench, FakeSite, one};
use api::protocol::{ReplyBody, RequestBody};
use exec::{Exit, OutputState};
use model::plan::Resources;
use worker::{Input, Output};

fn cleaned(bench: &Bench) -> usize {
    let said = bench.said.iter();
    said.filter(|output| matches!(output, Output::Clean(_)))
        .count()
}

#[test]
fn work_granted_twice_is_begun_once_also_after_its_end() {
    let mut bench = Bench::new(1);
    let number = bench.give(vec![one()]);
    bench.runs_through(&one());
    bench.hears_report();
    bench.reply(number, ReplyBody::Leased(vec![one()]));
    assert_eq!(bench.started().len(), 1);
    assert!(bench.worker.is_idle());
}

#[test]
fn the_slot_of_a_lost_attempt_is_free_when_nothing_of_it_lives() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    let id = bench.started()[0];
    bench.begins(id);
    bench.lose(&one());
    assert_eq!(bench.killed(), 1);
    assert!(!bench.worker.is_idle());
    bench.exits(id, Exit::Signal(9), OutputState::Ended);
    assert_eq!(cleaned(&bench), 0);
    bench.tree_gone(&one(), 0);
    assert!(bench.worker.is_idle());
    assert_eq!(cleaned(&bench), 1);
    assert!(bench.results().is_empty(), "nobody waits for its report");
}

#[test]
fn output_of_a_lost_attempt_holds_up_nothing() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    let id = bench.started()[0];
    bench.prints(id, "before");
    bench.lose(&one());
    bench.prints(id, "behind");
    let mut taken = 0;
    for output in &bench.said {
        if let Output::Taken(_, size) = output {
            taken += size;
        }
    }
    assert_eq!(taken, "beforebehind".len());
}

#[test]
fn a_silent_board_gets_its_work_killed_after_a_lease() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    let id = bench.started()[0];
    bench.begins(id);
    for _ in 0..14 {
        bench.pass_ms(1_000);
        assert_eq!(bench.killed(), 0);
    }
    bench.pass_ms(1_000);
    assert_eq!(bench.killed(), 1);
    bench.exits(id, Exit::Signal(9), OutputState::Ended);
    bench.tree_gone(&one(), 0);
    assert!(bench.worker.is_idle());
}

#[test]
fn a_wish_that_a_newer_one_replaced_is_still_repeated() {
    let mut bench = Bench::new(2);
    let first = bench.newest(|body| matches!(body, RequestBody::Lease(_)));
    bench.give(vec![one()]);
    let second = bench.newest(|body| matches!(body, RequestBody::Lease(_)));
    assert!(second > first);
    bench.runs_through(&one());
    bench.hears_report();
    bench.asked.clear();
    bench.pass_ms(5_000);
    let again = bench
        .asked
        .iter()
        .filter(|request| request.number == second);
    assert_eq!(again.count(), 1);
}

#[test]
fn a_worker_that_has_grown_asks_anew_with_what_is_free() {
    let little = Resources {
        cpu_milli: 2_000,
        ..Resources::default()
    };
    let grown = Resources {
        cpu_milli: 9_000,
        ..Resources::default()
    };
    let mut bench = Bench::with(1, Some(little), FakeSite::default());
    bench.tell(Input::Capacity(grown.clone()));
    let wishes: Vec<_> = bench
        .asked
        .iter()
        .filter_map(|request| {
            let RequestBody::Lease(wish) = &request.body else {
                return None;
            };
            wish.free.as_ref().map(|free| free.cpu_milli)
        })
        .collect();
    assert_eq!(wishes, [2_000, 9_000]);
}
