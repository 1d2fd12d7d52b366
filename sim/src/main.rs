//! `sim`: lives through seeds, one after the other, and shows which one broke a rule. `cargo xtask sim` is this.
//!
//! - `--seeds N [--from S]`: so many seeds; the first failures with the end of their traces.
//! - `--seed S [--trace]`: one seed, as text if wanted.
//! - `--faults [--hunts N] [--most N]`: looks for every planted fault several times.
#![expect(clippy::print_stdout, reason = "a command talks to a terminal")]

use sim::faults::{Found, hunt};
use sim::{Fault, Outcome, live};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

/// Failures that are shown with a trace.
const SHOWN: usize = 3;
/// Lines of a trace that are shown.
const LINES: usize = 30;

/// What was asked for.
#[derive(Debug, Default)]
struct Wish {
    seed: Option<u64>,
    from: Option<u64>,
    seeds: Option<u64>,
    hunts: Option<u64>,
    most: Option<u64>,
    trace: bool,
    faults: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wish = match read(&arguments) {
        Ok(wish) => wish,
        Err(text) => {
            println!("error: {text}");
            return ExitCode::from(2);
        }
    };
    // A panic is a broken rule like others, and told as one.
    std::panic::set_hook(Box::new(|_| {}));
    let good = if wish.faults {
        look_for_faults(wish.hunts.unwrap_or(5), wish.most.unwrap_or(10_000))
    } else if let Some(seed) = wish.seed {
        let outcome = live(seed, None, true);
        show(&outcome, if wish.trace { usize::MAX } else { LINES });
        outcome.broken.is_none()
    } else {
        live_through(wish.from.unwrap_or(0), wish.seeds.unwrap_or(2_000))
    };
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn read(arguments: &[String]) -> Result<Wish, String> {
    let mut wish = Wish::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let place = match word.as_str() {
            "--trace" => {
                wish.trace = true;
                continue;
            }
            "--faults" => {
                wish.faults = true;
                continue;
            }
            "--seed" => &mut wish.seed,
            "--from" => &mut wish.from,
            "--seeds" => &mut wish.seeds,
            "--hunts" => &mut wish.hunts,
            "--most" => &mut wish.most,
            other => {
                return Err(format!(
                    "there is no option `{other}`; there are --seeds, --from, --seed, --trace, --faults, --hunts, --most"
                ));
            }
        };
        let number = words.next().and_then(|number| number.parse().ok());
        *place = Some(number.ok_or_else(|| format!("`{word}` needs a number"))?);
    }
    Ok(wish)
}

/// Lives through seeds; whether no rule was broken.
fn live_through(from: u64, seeds: u64) -> bool {
    let begun = Instant::now();
    let mut broken = Vec::new();
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut steps = 0;
    for seed in from..from + seeds {
        let outcome = live(seed, None, false);
        steps += outcome.steps;
        for (what, count) in outcome.seen {
            *seen.entry(what).or_default() += count;
        }
        broken.extend(outcome.broken.map(|text| (seed, text)));
    }
    let took = begun.elapsed().as_secs_f64();
    println!("{seeds} seeds from {from}: {steps} steps in {took:.1} s");
    for (what, count) in seen {
        println!("  {count:>8} {what}");
    }
    for (seed, _) in broken.iter().take(SHOWN) {
        show(&live(*seed, None, true), LINES);
    }
    for (seed, text) in &broken {
        println!("seed {seed}: {text}");
    }
    broken.is_empty()
}

/// Shows the end of a trace.
fn show(outcome: &Outcome, lines: usize) {
    let from = outcome.lines.len().saturating_sub(lines);
    println!("seed {}", outcome.seed);
    for line in &outcome.lines[from..] {
        println!("  {line}");
    }
    match &outcome.broken {
        Some(text) => {
            println!(
                "seed {} broke a rule at step {}: {text}",
                outcome.seed, outcome.steps
            );
            println!(
                "  help: `cargo xtask sim --seed {} --trace` shows all of it",
                outcome.seed
            );
        }
        None => println!(
            "seed {} broke no rule in {} steps",
            outcome.seed, outcome.steps
        ),
    }
}

/// Looks for each planted fault several times, and tells how many seeds that took; whether all were found.
fn look_for_faults(hunts: u64, most: u64) -> bool {
    let mut all = true;
    for fault in Fault::ALL {
        let found: Vec<Option<Found>> = (0..hunts)
            .map(|number| hunt(fault, number * most, most))
            .collect();
        let missed = found.iter().filter(|found| found.is_none()).count();
        let mut seeds: Vec<u64> = found.iter().flatten().map(|found| found.seeds).collect();
        seeds.sort_unstable();
        let (area, name) = (format!("{:?}", fault.area()), format!("{fault:?}"));
        let median = seeds.get(seeds.len() / 2).copied().unwrap_or(0);
        let last = seeds.last().copied().unwrap_or(0);
        print!("{area:<12} {name:<26} median {median:>5}, most {last:>5}");
        if missed > 0 {
            all = false;
            print!(", {missed} of {hunts} hunts found nothing in {most} seeds");
        }
        let first = found.into_iter().flatten().next();
        println!("; {}", first.map_or_else(String::new, |found| found.rule));
    }
    all
}
