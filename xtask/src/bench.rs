//! `cargo xtask bench [--smoke] [NAME…]`: what Formic costs, beside the least that the same work could cost.
//!
//! Every line gives floor, ours and ratio of one run: both sides take turns on the same machine, and the round whose
//! ratio is the median counts, so that a busy machine slows both alike. Lines also say what is not counted. Without
//! names everything is measured; `--smoke` takes tiny sizes and judges only that every line can be printed.
//! Programs are built as they ship (`--release`). Exit code 1: a target is missed.
//!
//! Deliberately not here: statistics over days, comparisons with other systems.

mod cases;
mod floor;
mod formic;
mod language;
mod shape;

use crate::tree;
use anyhow::{Context, Result, bail};
pub(crate) use formic::Programs;
use std::path::PathBuf;
use std::process::ExitCode;

/// What everything is measured with.
struct Bench {
    programs: Programs,
    /// Folder for boards, on the disk of the repository.
    dir: PathBuf,
    /// Tasks at once: the cores of this machine.
    slots: usize,
    sizes: Sizes,
}

/// How much is measured.
struct Sizes {
    rounds: usize,
    /// Tasks of the small runs: so many squared times ten.
    wide: usize,
    /// Tasks of the growing runs.
    large: [usize; 3],
    clients: usize,
    commits: usize,
    /// Whether what takes a minute to make ready is left out.
    is_quick: bool,
}

/// Seven rounds: on a shared machine three are not enough for either side to meet a quiet moment.
const FULL: Sizes = Sizes {
    rounds: 7,
    wide: 100,
    large: [1_000, 10_000, 100_000],
    clients: 64,
    commits: 300,
    is_quick: false,
};

const SMOKE: Sizes = Sizes {
    rounds: 1,
    wide: 4,
    large: [10, 20, 40],
    clients: 4,
    commits: 5,
    is_quick: true,
};

/// One measurement: its name and its function.
struct Case {
    name: &'static str,
    run: fn(&Bench) -> Result<Vec<Line>>,
}

const CASES: &[Case] = &[
    Case {
        name: "independent",
        run: cases::independent,
    },
    Case {
        name: "layers",
        run: cases::layers,
    },
    Case {
        name: "chain",
        run: cases::chain,
    },
    Case {
        name: "syncs",
        run: cases::syncs,
    },
    Case {
        name: "large",
        run: cases::large,
    },
    Case {
        name: "transitions",
        run: cases::transitions,
    },
    Case {
        name: "language",
        run: language::programs,
    },
    Case {
        name: "rivals",
        run: language::rivals,
    },
    Case {
        name: "hostile",
        run: language::hostile,
    },
];

/// One line of the table.
struct Line {
    what: String,
    floor: String,
    ours: String,
    ratio: String,
    target: String,
    /// Whether the target holds.
    holds: bool,
    /// What the figure leaves out.
    not_counted: &'static str,
}

/// Measures what the arguments name.
///
/// # Errors
/// When something cannot be built or run.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let is_smoke = arguments.iter().any(|argument| argument == "--smoke");
    let names: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| *argument != "--smoke")
        .collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| CASES.iter().all(|case| case.name != **name))
    {
        let known: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        bail!(
            "there is no measurement `{unknown}`; there are {}",
            known.join(", ")
        );
    }
    let root = tree::root()?;
    let programs = Programs::build(&root)?;
    let dir = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(&programs.target)
        .with_context(|| format!("no folder for boards in `{}`", programs.target.display()))?;
    let bench = Bench {
        programs,
        dir: dir.path().to_owned(),
        slots: std::thread::available_parallelism()?.get(),
        sizes: if is_smoke { SMOKE } else { FULL },
    };
    println!(
        "{} tasks at once, median of {} rounds, boards in `{}`",
        bench.slots,
        bench.sizes.rounds,
        bench.dir.display()
    );
    let mut all_hold = true;
    for case in CASES {
        if !names.is_empty() && !names.contains(&case.name) {
            continue;
        }
        println!("\n{}", case.name);
        for line in (case.run)(&bench).with_context(|| format!("measuring `{}`", case.name))? {
            print_line(&line, is_smoke);
            all_hold &= line.holds;
        }
    }
    Ok(if all_hold || is_smoke {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print_line(line: &Line, is_smoke: bool) {
    let verdict = match (is_smoke, line.holds) {
        (true, _) => "not judged",
        (false, true) => "holds",
        (false, false) => "MISSED",
    };
    println!(
        "  {:<34} floor {:>14}  ours {:>14}  ratio {:>6}  target {:<18} {verdict}",
        line.what, line.floor, line.ours, line.ratio, line.target
    );
    println!("  {:<34} not counted: {}", "", line.not_counted);
}
