//! Honest worlds.

use sim::live;
use std::collections::BTreeMap;

fn break_no_rule(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let outcome = live(seed, None, false);
        assert_eq!(
            outcome.broken, None,
            "seed {seed}, step {}; `cargo xtask sim --seed {seed} --trace` shows it",
            outcome.steps
        );
    }
}

#[test]
fn no_rule_is_broken_in_the_first_hundred_worlds() {
    break_no_rule(0..100);
}

#[test]
fn no_rule_is_broken_in_the_second_hundred_worlds() {
    break_no_rule(100..200);
}

#[test]
fn no_rule_is_broken_in_the_third_hundred_worlds() {
    break_no_rule(200..300);
}

#[test]
fn one_seed_is_one_schedule() {
    let digests = || -> Vec<u64> { (0..30).map(|seed| live(seed, None, false).digest).collect() };
    let once = digests();
    assert_eq!(once, digests());
    let mut different = once.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), once.len(), "seeds differ");
}

#[test]
fn the_text_of_a_world_does_not_change_it() {
    let (quiet, told) = (live(7, None, false), live(7, None, true));
    assert_eq!(quiet.digest, told.digest);
    assert_eq!(told.lines.len() as u64, told.steps);
}

#[test]
fn the_worlds_are_bad_enough() {
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in 1_000..1_150 {
        for (what, count) in live(seed, None, false).seen {
            *seen.entry(what).or_default() += count;
        }
    }
    for what in [
        "approvals and manual starts",
        "results reused",
        "attempts lost",
        "cancels",
        "cancels through the board",
        "generated files compiled",
        "groups seen full",
        "messages lost",
        "pauses before another attempt",
        "processes died",
        "processes taken for dead",
        "rejections",
        "runs admitted to their group",
        "runs lost to others",
        "runs taken over",
        "runs with a known end",
        "workers died",
    ] {
        assert!(
            seen.get(what).is_some_and(|count| *count > 0),
            "{what}: {seen:?}"
        );
    }
}
