//! `sim`: lives through seeds, one after the other, and says which one broke a rule.
#![expect(clippy::print_stdout, reason = "a command talks to a terminal")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|word| word == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    if let Some(seed) = number("--seed") {
        let outcome = sim::live(seed, None, true);
        for line in &outcome.lines {
            println!("{line}");
        }
        println!("{outcome:?}", outcome = outcome.broken);
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|word| word == "--faults") {
        return faults(number("--hunts").unwrap_or(5), number("--most").unwrap_or(10_000));
    }
    let (from, seeds) = (
        number("--from").unwrap_or(0),
        number("--seeds").unwrap_or(2_000),
    );
    let begun = Instant::now();
    let mut kinds: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut steps = 0;
    for seed in from..from + seeds {
        let outcome = sim::live(seed, None, false);
        steps += outcome.steps;
        for (what, count) in outcome.seen {
            *seen.entry(what).or_default() += count;
        }
        if let Some(text) = outcome.broken {
            let kind: String = text.chars().filter(|each| !each.is_ascii_digit()).take(90).collect();
            kinds.entry(kind).or_default().push(seed);
        }
    }
    println!("{seeds} seeds, {steps} steps, {:?}", begun.elapsed());
    for (what, count) in seen {
        println!("  {count} {what}");
    }
    for (kind, seeds) in &kinds {
        println!("{} x {kind} e.g. {:?}", seeds.len(), &seeds[..seeds.len().min(5)]);
    }
    if kinds.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Looks for each planted fault several times, and tells how many seeds that took.
fn faults(hunts: u64, most: u64) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let mut code = ExitCode::SUCCESS;
    for fault in sim::Fault::ALL {
        let found: Vec<Option<sim::faults::Found>> = (0..hunts)
            .map(|hunt| sim::faults::hunt(fault, hunt * most, most))
            .collect();
        let mut seeds: Vec<u64> = found
            .iter()
            .map(|found| found.as_ref().map_or(u64::MAX, |found| found.seeds))
            .collect();
        seeds.sort_unstable();
        let median = seeds[seeds.len() / 2];
        let rule = found.into_iter().flatten().next().map_or_else(String::new, |found| found.rule);
        println!("{:<12} {:<26} median {median:>6}, most {:>6}: {rule}", format!("{:?}", fault.area()), format!("{fault:?}"), seeds[seeds.len() - 1]);
        if seeds[seeds.len() - 1] > most {
            code = ExitCode::FAILURE;
        }
    }
    code
}
