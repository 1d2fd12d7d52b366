//! The measurements: what each compares, its target, and what it leaves out.

use super::floor::{self, Round};
use super::{Bench, Line, shape};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The floor does not count the start of its program either.
const NOT_IN_A_RUN: &str =
    "start of the program, reading the file, recording the source, creating the board";

/// Tasks that need nothing.
pub(super) fn independent(bench: &Bench) -> Result<Vec<Line>> {
    let count = bench.sizes.wide * 10;
    throughput(
        bench,
        &format!("{count} independent"),
        count,
        &shape::independent(count),
    )
}

/// Tasks that wait for all of the layer before.
pub(super) fn layers(bench: &Bench) -> Result<Vec<Line>> {
    let wide = bench.sizes.wide;
    throughput(
        bench,
        &format!("{wide} wide, 10 deep"),
        wide * 10,
        &shape::layers(wide, 10),
    )
}

/// Tasks that each wait for the one before.
pub(super) fn chain(bench: &Bench) -> Result<Vec<Line>> {
    let count = bench.sizes.wide * 10;
    let what = format!("chain of {count}");
    let sides = sides(bench, count, &shape::chain(count), || {
        floor::chain(&bench.dir, count)
    })?;
    Ok(vec![latency(&what, &sides, NOT_IN_A_RUN)])
}

fn throughput(bench: &Bench, what: &str, count: usize, pipeline: &str) -> Result<Vec<Line>> {
    let sides = sides(bench, count, pipeline, || {
        floor::spawn(&bench.dir, count, bench.slots)
    })?;
    let ratio = sides.ratio();
    let per_s = Line {
        what: format!("{what}: tasks/s"),
        floor: format!("{:.0}/s", sides.floor_per_s),
        ours: format!("{:.0}/s", sides.ours_per_s),
        ratio: format!("{ratio:.2}"),
        target: ">= 0.60".to_owned(),
        holds: ratio >= 0.6,
        not_counted: NOT_IN_A_RUN,
    };
    Ok(vec![per_s, latency(what, &sides, NOT_IN_A_RUN)])
}

/// Both sides of a shape. The machine's own speed changes from one minute to the next, so each round measures both one
/// right after the other, and the round whose ratio is the median speaks for all.
struct Sides {
    floor_per_s: f64,
    ours_per_s: f64,
    floor_p50: Duration,
    ours_p50: Duration,
}

impl Sides {
    fn ratio(&self) -> f64 {
        self.ours_per_s / self.floor_per_s
    }
}

fn sides(
    bench: &Bench,
    count: usize,
    pipeline: &str,
    floor: impl Fn() -> Result<Round>,
) -> Result<Sides> {
    let mut rounds = Vec::new();
    for _ in 0..bench.sizes.rounds {
        let floor = floor()?;
        bench.programs.run(&bench.dir, pipeline, bench.slots)?;
        let took = bench.programs.recorded(&bench.dir)?;
        rounds.push(Sides {
            floor_per_s: floor.per_s,
            ours_per_s: count as f64 / took.as_secs_f64(),
            floor_p50: floor.p50,
            ours_p50: lease_to_end(bench, pipeline)?,
        });
    }
    median(rounds, Sides::ratio)
}

/// Of an even number the lower one.
fn median<T>(mut rounds: Vec<T>, by: impl Fn(&T) -> f64) -> Result<T> {
    rounds.sort_by(|one, other| by(one).total_cmp(&by(other)));
    let middle = rounds.len().saturating_sub(1) / 2;
    let median = rounds.into_iter().nth(middle);
    median.context("nothing was measured")
}

/// Half of the tasks took less from the durable lease to the durable end.
fn lease_to_end(bench: &Bench, pipeline: &str) -> Result<Duration> {
    let file = bench.dir.join("latency.yaml");
    fs::write(&file, pipeline)?;
    let board = bench.dir.join("latency");
    let slots = bench.slots.to_string();
    let document = bench
        .programs
        .measure(&["run", text(&file)?, &slots, text(&board)?])?;
    fs::remove_dir_all(&board)?;
    micros(&document["lease_to_end_us"]["p50"])
}

fn latency(what: &str, sides: &Sides, not_counted: &'static str) -> Line {
    let over = sides.ours_p50.saturating_sub(sides.floor_p50);
    Line {
        what: format!("{what}: p50 lease to end"),
        floor: ms(sides.floor_p50),
        ours: ms(sides.ours_p50),
        ratio: format!(
            "{:.2}",
            sides.ours_p50.as_secs_f64() / sides.floor_p50.as_secs_f64()
        ),
        target: "<= floor + 3 ms".to_owned(),
        holds: over <= Duration::from_millis(3),
        not_counted,
    }
}

/// Syncs of a chain.
pub(super) fn syncs(bench: &Bench) -> Result<Vec<Line>> {
    let count = bench.sizes.wide * 10;
    let counted = bench
        .programs
        .count_syncs(&bench.dir, &shape::chain(count))?;
    let ratio = counted.map(|counted| counted as f64 / count as f64);
    Ok(vec![Line {
        what: format!("chain of {count}: syncs"),
        floor: format!("{count}"),
        ours: counted.map_or("no `strace`".to_owned(), |counted| counted.to_string()),
        ratio: ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
        target: "1 to 1.2".to_owned(),
        holds: ratio.is_some_and(|ratio| (1.0..=1.2).contains(&ratio)),
        not_counted: "nothing: every fsync and fdatasync from the start of `formic run` to its exit",
    }])
}

/// Runs that grow a hundredfold.
pub(super) fn large(bench: &Bench) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut smallest = None;
    for count in bench.sizes.large {
        let ran = bench
            .programs
            .run(&bench.dir, &shape::matrix(count), bench.slots)?;
        let each = ran.took / u32::try_from(count)?;
        let first = *smallest.get_or_insert(each);
        let ratio = each.as_secs_f64() / first.as_secs_f64();
        lines.push(Line {
            what: format!("{count} tasks: cost of each"),
            floor: ms(first),
            ours: ms(each),
            ratio: format!("{ratio:.2}"),
            target: "<= 1.25".to_owned(),
            holds: ratio <= 1.25,
            not_counted: "nothing: the whole `formic run`; floor: the smallest run",
        });
        if count == *bench.sizes.large.last().expect("three sizes") {
            lines.extend(size_of(bench, count, ran.peak_bytes, &ran.state)?);
        }
    }
    Ok(lines)
}

fn size_of(bench: &Bench, count: usize, peak_bytes: u64, state: &Path) -> Result<Vec<Line>> {
    let rows: u64 = ["board.sqlite", "board.sqlite-wal"]
        .iter()
        .map(|name| fs::metadata(state.join(name)).map_or(0, |file| file.len()))
        .sum();
    let each = rows / count as u64;
    let shown = bench.programs.show(&bench.dir)?;
    let limit = |what: &str, ours: String, target: &str, holds, not_counted| Line {
        what: format!("{count} tasks: {what}"),
        floor: "-".to_owned(),
        ours,
        ratio: "-".to_owned(),
        target: target.to_owned(),
        holds,
        not_counted,
    };
    let megabytes = peak_bytes as f64 / 1e6;
    Ok(vec![
        limit(
            "memory",
            format!("{megabytes:.0} MB"),
            "< 300 MB",
            megabytes < 300.0,
            "the commands; counted: peak of `formic run` and of its helper that starts commands",
        ),
        limit(
            "`formic show`",
            ms(shown),
            "< 1 s",
            shown < Duration::from_secs(1),
            "nothing: from its start to its exit",
        ),
        limit(
            "board for each",
            format!("{each} B"),
            "< 1 KB",
            each < 1000,
            "plan and logs, which are no rows",
        ),
    ])
}

/// Durable transitions of many clients.
pub(super) fn transitions(bench: &Bench) -> Result<Vec<Line>> {
    let (clients, commits) = (bench.sizes.clients, bench.sizes.commits);
    let mut rounds = Vec::new();
    for _ in 0..bench.sizes.rounds {
        let dir = bench.dir.join("transitions");
        let numbers = [clients.to_string(), commits.to_string()];
        let arguments = ["transitions", &numbers[0], &numbers[1], text(&dir)?];
        rounds.push(bench.programs.measure(&arguments)?);
        fs::remove_dir_all(&dir)?;
    }
    let median = median(rounds, |document| {
        document["per_s"].as_f64().unwrap_or(0.0)
            / document["floor_per_s"].as_f64().unwrap_or(f64::MAX)
    })?;
    let per_s = |name: &str| {
        median[name]
            .as_f64()
            .with_context(|| format!("no `{name}`"))
    };
    let ratio = per_s("per_s")? / per_s("floor_per_s")?;
    let acknowledged = micros(&median["acknowledged_us"]["p99"])?;
    let beside = micros(&median["sync_beside_us"]["p99"])?;
    let alone = micros(&median["sync_us"]["p99"])?;
    let times = acknowledged.as_secs_f64() / beside.as_secs_f64();
    Ok(vec![
        Line {
            what: format!("{clients} clients: transitions/s"),
            floor: format!("{:.0}/s", per_s("floor_per_s")?),
            ours: format!("{:.0}/s", per_s("per_s")?),
            ratio: format!("{ratio:.2}"),
            target: ">= 0.40".to_owned(),
            holds: ratio >= 0.4,
            not_counted: "creating the runs; floor: the same rows, one thread, no machine, no checks",
        },
        Line {
            what: format!("{clients} clients: p99 acknowledged"),
            floor: ms(beside),
            ours: ms(acknowledged),
            ratio: format!("{times:.2}"),
            target: "<= 3".to_owned(),
            holds: times <= 3.0,
            not_counted: "handle; floor: p99 of a write and fdatasync beside the clients at work",
        },
        Line {
            what: "the same sync, alone on the disk".to_owned(),
            floor: ms(alone),
            ours: ms(acknowledged),
            ratio: format!("{:.2}", acknowledged.as_secs_f64() / alone.as_secs_f64()),
            target: "for information".to_owned(),
            holds: true,
            not_counted: "what the clients do to disk and cores",
        },
    ])
}

pub(super) fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("`{}` is not UTF-8", path.display()))
}

fn micros(value: &Value) -> Result<Duration> {
    value
        .as_u64()
        .map(Duration::from_micros)
        .context("`measure` gave no time")
}

pub(super) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
