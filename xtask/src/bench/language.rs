//! What the language costs: whole commands, checker and plan beside serde-saphyr, expressions beside `cel`, hostile
//! files.
//!
//! The last two need examples that take a minute to build (their rivals are built by nothing else), so `--smoke`
//! leaves them out and says so. The examples measure in one process, both sides in turns, and print a document.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cases::{ms, text};
use super::{Bench, Line, shape};
use crate::tree;

/// Rounds inside an example; each takes milliseconds.
const ROUNDS: &str = "20";

/// `formic check` of this repository, and `formic plan` of a short file with many tasks.
pub(super) fn programs(bench: &Bench) -> Result<Vec<Line>> {
    let root = tree::root()?;
    let project = bench.dir.join("language");
    fs::create_dir_all(&project)?;
    let axis = if bench.sizes.is_quick { 2 } else { 25 };
    let file = shape::matrices(axis);
    fs::write(project.join("formic.yaml"), &file)?;
    let best = |dir: &Path, arguments: &[&str]| -> Result<Duration> {
        let mut best = Duration::MAX;
        for _ in 0..bench.sizes.rounds {
            best = best.min(bench.programs.took(dir, arguments)?);
        }
        Ok(best)
    };
    let floor = best(&project, &["--version"])?;
    let check = best(&root, &["check"])?;
    let plan = best(&project, &["plan", "--json"])?;
    let line = |what: String, ours: Duration, limit_ms: u64| Line {
        what,
        floor: ms(floor),
        ours: ms(ours),
        ratio: format!("{:.1}", ours.as_secs_f64() / floor.as_secs_f64()),
        target: format!("< {limit_ms} ms"),
        holds: ours < Duration::from_millis(limit_ms),
        not_counted: "nothing: from its start to its exit; floor: `formic --version`",
    };
    let tasks = axis * axis * shape::MATRICES;
    Ok(vec![
        line("`formic check` of this repository".to_owned(), check, 100),
        line(
            format!(
                "`formic plan`: {} lines, {tasks} tasks",
                file.lines().count()
            ),
            plan,
            300,
        ),
    ])
}

/// Check and plan beside the spanned tree of serde-saphyr; expressions beside the `cel` crate.
pub(super) fn rivals(bench: &Bench) -> Result<Vec<Line>> {
    if bench.sizes.is_quick {
        return left_out();
    }
    let programs = Examples::build(&bench.programs.target, &["compare", "rival"])?;
    let mut lines = trees(&programs.ask("compare", &["2000", "10000", ROUNDS])?)?;
    match corpus()? {
        Some(folder) => lines.extend(expressions(
            &programs.ask("rival", &[text(&folder)?, ROUNDS])?,
        )?),
        None => println!("  corpora: not run (cel-conformance)"),
    }
    Ok(lines)
}

fn trees(document: &Value) -> Result<Vec<Line>> {
    let time = |name: &str| -> Result<Duration> {
        let micros = document[name].as_u64();
        micros
            .map(Duration::from_micros)
            .with_context(|| format!("no `{name}`"))
    };
    let tree = time("tree_us")?;
    let beside = |what: &str, ours: Duration| {
        let ratio = ours.as_secs_f64() / tree.as_secs_f64();
        Line {
            what: format!("{what} of {} literal tasks", document["tasks"]),
            floor: ms(tree),
            ours: ms(ours),
            ratio: format!("{ratio:.2}"),
            target: "<= 2".to_owned(),
            holds: ratio <= 2.0,
            not_counted: "reading the file; floor: serde-saphyr's tree with places of the same bytes, nothing checked",
        }
    };
    let matrix = time("matrix_us")?;
    Ok(vec![
        beside("check", time("check_us")?),
        beside("plan", time("plan_us")?),
        Line {
            what: format!("plan of {} tasks by matrices", document["matrix_tasks"]),
            floor: "-".to_owned(),
            ours: ms(matrix),
            ratio: "-".to_owned(),
            target: "< 300 ms".to_owned(),
            holds: matrix < Duration::from_millis(300),
            not_counted: "reading the file; the cells of a matrix are made by the engine",
        },
    ])
}

fn expressions(document: &Value) -> Result<Vec<Line>> {
    let per_s = |name: &str| {
        document[name]
            .as_f64()
            .with_context(|| format!("no `{name}`"))
    };
    let counted = &document["counted"];
    let line = |what: &str, theirs: f64, ours: f64, is_judged: bool, not_counted| {
        let ratio = ours / theirs;
        Line {
            what: format!("{what} of {counted} tests"),
            floor: format!("{theirs:.0}/s"),
            ours: format!("{ours:.0}/s"),
            ratio: format!("{ratio:.2}"),
            target: if is_judged { ">= 1" } else { "for information" }.to_owned(),
            holds: !is_judged || ratio >= 1.0,
            not_counted,
        }
    };
    let executed = per_s("theirs_execute_per_s")?;
    Ok(vec![
        line(
            "expressions",
            per_s("theirs_per_s")?,
            per_s("ours_per_s")?,
            true,
            "environments and variables; floor: `cel` parses and executes, we parse, check and evaluate",
        ),
        line(
            "check + eval",
            executed,
            per_s("ours_check_eval_per_s")?,
            true,
            "parsing on both sides; floor: `cel` executes, it has no checker",
        ),
        line(
            "eval",
            executed,
            per_s("ours_eval_per_s")?,
            false,
            "parsing on both sides, and checking; floor: `cel` executes",
        ),
    ])
}

/// The slowest and the hungriest of many files that want to be slow and large.
pub(super) fn hostile(bench: &Bench) -> Result<Vec<Line>> {
    if bench.sizes.is_quick {
        return left_out();
    }
    let target = &bench.programs.target;
    let document = Examples::build_of(target, &["cli"], &[], &["hostile"])?.ask("hostile", &[])?;
    let files = document["files"]
        .as_array()
        .context("no files were measured")?;
    if let Some(dead) = files.iter().find(|file| file["took_ms"].is_null()) {
        bail!("a hostile file ended the process: {dead}");
    }
    let mut lines = Vec::new();
    for command in ["check", "plan"] {
        let files = files.iter().filter(|file| file["command"] == command);
        lines.extend(worst(command, &files.collect::<Vec<_>>())?);
    }
    Ok(lines)
}

/// The slowest and the hungriest of the files that a command was given.
fn worst(command: &str, files: &[&Value]) -> Result<[Line; 2]> {
    let most = |name: &str| {
        let figure = |file: &&&Value| file[name].as_f64().unwrap_or(f64::MAX);
        let worst = files.iter().max_by(|a, b| figure(a).total_cmp(&figure(b)));
        let worst = worst.map(|file| (file["file"].as_str().unwrap_or_default(), figure(&file)));
        worst.context("no files were measured")
    };
    let (slow, took_ms) = most("took_ms")?;
    let (hungry, bytes) = most("peak_bytes")?;
    let mebibytes = bytes / f64::from(1 << 20);
    let line = |word: &str, file: &str, ours: String, target: &str, holds: bool| Line {
        what: format!("{command}, {word} of {}: {file}", files.len()),
        floor: "-".to_owned(),
        ours,
        ratio: "-".to_owned(),
        target: target.to_owned(),
        holds,
        not_counted: "making the file; each of up to 1 MiB in a process of its own, plan to the last byte of its document",
    };
    let took = format!("{took_ms:.0} ms");
    let peak = format!("{mebibytes:.0} MiB");
    Ok([
        line("slowest", slow, took, "< 1 s", took_ms < 1000.0),
        line("hungriest", hungry, peak, "< 256 MiB", mebibytes < 256.0),
    ])
}

fn left_out() -> Result<Vec<Line>> {
    println!("  not measured with --smoke: what it needs takes over a minute to build");
    Ok(Vec::new())
}

/// Examples that measure.
struct Examples(PathBuf);

impl Examples {
    fn build(target: &Path, names: &[&str]) -> Result<Self> {
        let rivals = ["expr/rivals,pipeline/rivals"];
        Self::build_of(target, &["expr", "pipeline"], &rivals, names)
    }

    fn build_of(
        target: &Path,
        packages: &[&str],
        features: &[&str],
        names: &[&str],
    ) -> Result<Self> {
        let mut command = tree::cargo();
        command
            .current_dir(tree::root()?)
            .args(["build", "--release"]);
        for (option, values) in [
            ("--package", packages),
            ("--features", features),
            ("--example", names),
        ] {
            for value in values {
                command.args([option, value]);
            }
        }
        if !command.status()?.success() {
            bail!("the examples {} cannot be built", names.join(", "));
        }
        Ok(Self(target.join("release/examples")))
    }

    /// The document that an example prints.
    fn ask(&self, name: &str, arguments: &[&str]) -> Result<Value> {
        let output = Command::new(self.0.join(name)).args(arguments).output()?;
        if !output.status.success() {
            bail!(
                "`{name}` ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`{name}` printed no document"))
    }
}

/// The folder of the conformance tests, if this machine has it.
fn corpus() -> Result<Option<PathBuf>> {
    let corpora = env::var_os("FORMIC_CORPORA").map(PathBuf::from);
    let corpora = match corpora {
        Some(corpora) => corpora,
        None => tree::root()?.join("../shared/corpora"),
    };
    let folder = corpora.join("cel-conformance");
    Ok(folder.is_dir().then_some(folder))
}
