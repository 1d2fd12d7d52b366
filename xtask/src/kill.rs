//! `cargo xtask kill [--count N] [--seed S] [--formic PATH]`: kills a real `formic run` with `kill -9` at seeded moments, resumes it,
//! and compares what came of it with a run that nobody disturbed.
//!
//! The run is `xtask/fixtures/kill`: more than twenty tasks with a matrix, retries, artifacts, generated tasks and
//! `finally`. Every task writes to a ledger that it begins, goes on and ends, so that the ledger, and not Formic,
//! says whether two attempts of a task overlapped. After each kill no process of the run may be left.
//!
//! What the board was doing when it was killed is counted; with 200 kills or more each state has to be met
//! ten times. The seed is printed; the moments it gives are the same each time, what they hit is not.

mod ledger;
mod moment;
mod processes;
mod trial;

use crate::bench::Programs;
use crate::tree;
use anyhow::{Context, Result, bail, ensure};
use moment::{Draws, Moment};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use trial::{Met, Project};

/// Kills where the command line names no number.
const COUNT: u32 = 200;
/// So many kills judge the histogram.
const JUDGED: u32 = 200;
/// How often each state has to be met then.
const LEAST: u32 = 10;

/// What was met, by state.
#[derive(Debug, Default)]
pub struct Histogram {
    /// Kills.
    pub kills: u32,
    /// Of them before the run's end.
    pub before_end: u32,
    /// By state of the board; one kill may meet several.
    pub states: BTreeMap<&'static str, u32>,
    /// The longest time until all processes were gone, in milliseconds.
    pub longest_gone_ms: u64,
}

/// Builds `formic`, kills it and prints the histogram.
///
/// # Errors
/// When something cannot be built or run, or a resumed run differs; the message says how.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let (mut count, mut seed, mut formic) = (COUNT, 1, None);
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--count" => {
                count = value.parse().context("`--count` takes a number")?;
            }
            [name, value] if name == "--seed" => {
                seed = value.parse().context("`--seed` takes a number")?;
            }
            [name, path] if name == "--formic" => formic = Some(fs::canonicalize(path)?),
            [other, ..] => bail!("`{other}` is not known; there are --count, --seed and --formic"),
            [] => {}
        }
    }
    let formic = match formic {
        Some(formic) => formic,
        None => Programs::build(&tree::root()?)?.formic,
    };
    println!("{count} kills, seed {seed}");
    let histogram = kills(&formic, count, seed, &|number, moment, met| {
        println!("{number:>4}  {moment:<34} {met}");
    })?;
    println!("\n{histogram}");
    let missed = histogram.missed();
    for what in &missed {
        println!("MISSED: {what}");
    }
    Ok(if missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Kills `count` runs of the program `formic`; `tell` hears of each.
///
/// # Errors
/// When a run cannot be started, or a resumed one differs from an undisturbed one.
pub fn kills(
    formic: &Path,
    count: u32,
    seed: u64,
    tell: &dyn Fn(u32, &str, &str),
) -> Result<Histogram> {
    let fixture = tree::root()?.join("xtask/fixtures/kill");
    let undisturbed = {
        let project = Project::new(formic, &fixture)?;
        project.undisturbed().context("the undisturbed run")?
    };
    let mut draws = Draws::new(seed);
    let mut histogram = Histogram::default();
    for number in 1..=count {
        let moment = Moment::draw(number, &mut draws, &undisturbed.extent);
        let project = Project::new(formic, &fixture)?;
        let met = one(&project, &moment, &undisturbed.document)
            .with_context(|| format!("kill {number} of seed {seed}, {moment}"));
        let met = match met {
            Ok(met) => met,
            Err(error) => {
                let kept = project.keep();
                return Err(error.context(format!("the board is kept in `{}`", kept.display())));
            }
        };
        tell(number, &moment.to_string(), &met.to_string());
        histogram.add(&met);
    }
    Ok(histogram)
}

/// One kill and what follows.
fn one(project: &Project, moment: &Moment, undisturbed: &Value) -> Result<Met> {
    let mut met = project.kill_at(moment)?;
    let left = processes::wait_until_gone(&project.dir);
    met.gone_ms = left.context("after the kill")?;
    project.look(&mut met)?;
    if met.is_before_end {
        project.resume()?;
    }
    let document = project.document()?;
    let (ours, theirs) = (trial::essence(&document), trial::essence(undisturbed));
    ensure!(
        ours == theirs,
        "the resumed run gave\n{ours:#?}\nand the undisturbed one\n{theirs:#?}"
    );
    ledger::check(&project.ledger()?)?;
    let alive = processes::alive(&project.dir);
    ensure!(
        alive.is_empty(),
        "processes {alive:?} are left after the end"
    );
    Ok(met)
}

impl Histogram {
    fn add(&mut self, met: &Met) {
        self.kills += 1;
        self.before_end += u32::from(met.is_before_end);
        for state in &met.states {
            *self.states.entry(state).or_default() += 1;
        }
        self.longest_gone_ms = self.longest_gone_ms.max(met.gone_ms);
    }

    /// What was met too seldom for the kills to say much; nothing when there were few kills.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        if self.kills < JUDGED {
            return missed;
        }
        if self.before_end * 20 < self.kills * 19 {
            missed.push(format!(
                "{} of {} kills came before the end",
                self.before_end, self.kills
            ));
        }
        for state in trial::STATES {
            let met = self.states.get(state).copied().unwrap_or(0);
            if met < LEAST {
                missed.push(format!("`{state}` was met {met} times, {LEAST} are wanted"));
            }
        }
        missed
    }
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for state in trial::STATES {
            let met = self.states.get(state).copied().unwrap_or(0);
            writeln!(
                f,
                "{state:<11} {met:>5}  {}",
                "#".repeat(met as usize * 60 / self.kills.max(1) as usize)
            )?;
        }
        writeln!(f, "before the end: {} of {}", self.before_end, self.kills)?;
        write!(
            f,
            "all equal after resume; no attempts overlapped; all processes gone within {} ms",
            self.longest_gone_ms
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(state: &'static str) -> Met {
        Met {
            states: vec![state],
            is_before_end: true,
            gone_ms: 1,
        }
    }

    #[test]
    fn few_kills_are_not_judged() {
        let mut histogram = Histogram::default();
        histogram.add(&met("leased"));
        assert_eq!(histogram.missed(), [] as [&str; 0]);
    }

    #[test]
    fn states_that_are_seldom_met_are_missed() {
        let mut histogram = Histogram::default();
        for _ in 0..JUDGED {
            histogram.add(&met("leased"));
        }
        assert_eq!(histogram.missed().len(), trial::STATES.len() - 1);
    }
}
