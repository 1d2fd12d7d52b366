//! `cargo xtask fuzz [--minutes N] [--debug] [TARGET…]`: libFuzzer looks for bytes that break a rule.
//!
//! Each target runs N minutes (2 unless told) from the committed seeds below `fuzz/corpus`, in a stack of 2 MiB, and
//! prints its executions per second, coverage and findings. What libFuzzer learns stays below the target folder, so
//! that the next run begins there. `--debug` leaves out the optimiser, as stacks are largest then. Exit code 1: there
//! is a finding; its bytes are named, and the next step is a test with them in the crate that they break.
//!
//! Needs a nightly toolchain beside the stable one; `cargo-fuzz` is installed below the target folder when missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::tree;

/// What can be fuzzed: the target, the folder of its seeds, and its words, both below `fuzz/`.
struct Target {
    name: &'static str,
    corpus: &'static str,
    dict: &'static str,
}

const TARGETS: &[Target] = &[
    target("pipeline", "pipeline", "pipeline"),
    target("expression", "expression", "expression"),
    target("checker", "expression", "expression"),
    target("evaluator", "expression", "expression"),
    target("taint", "expression", "expression"),
    target("cost", "cost", "expression"),
    target("request", "request", "request"),
    target("template", "template", "expression"),
    target("glob", "glob", "small"),
    target("address", "address", "small"),
    target("cron", "cron", "small"),
    target("lock", "lock", "small"),
];

const fn target(name: &'static str, corpus: &'static str, dict: &'static str) -> Target {
    Target { name, corpus, dict }
}

const CARGO_FUZZ: &str = "0.13.2";

/// The stack of the threads that serve requests; in KiB, as `ulimit` takes it.
const STACK_KIB: u32 = 2048;

/// What the arguments say.
struct Wanted {
    targets: Vec<&'static Target>,
    seconds: u64,
    is_debug: bool,
}

/// Fuzzes what the arguments name, everything without a name.
///
/// # Errors
/// When there is no nightly toolchain, or a target cannot be built or started.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let wanted = wanted(arguments)?;
    let root = tree::root()?;
    let work = tree::target(&root)?.join("fuzz");
    build(&root, &work, &wanted)?;
    println!(
        "{:<11} {:>12} {:>9} {:>7} {:>9} {:>9}  findings",
        "target", "executions", "per s", "edges", "slowest", "memory"
    );
    let mut found = false;
    for target in &wanted.targets {
        let ran = fuzz(&root, &work, target, &wanted)?;
        println!("{}", ran.line(target.name));
        found |= ran.finding.is_some();
    }
    Ok(ExitCode::from(u8::from(found)))
}

fn wanted(arguments: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted {
        targets: Vec::new(),
        seconds: 120,
        is_debug: false,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--debug" {
            wanted.is_debug = true;
        } else if argument == "--minutes" {
            let minutes = rest.next().and_then(|text| text.parse::<f64>().ok());
            let minutes = minutes.filter(|minutes| *minutes > 0.0 && *minutes < 10_000.0);
            let minutes = minutes.context("`--minutes` takes a number, such as 2 or 0.5")?;
            wanted.seconds = (minutes * 60.0).ceil() as u64;
        } else if let Some(target) = TARGETS.iter().find(|target| target.name == argument) {
            wanted.targets.push(target);
        } else {
            let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            bail!(
                "there is no target `{argument}`; there are {}",
                known.join(", ")
            );
        }
    }
    if wanted.targets.is_empty() {
        wanted.targets.extend(TARGETS);
    }
    Ok(wanted)
}

fn build(root: &Path, work: &Path, wanted: &Wanted) -> Result<()> {
    let version = nightly(root).args(["rustc", "--version"]).output();
    if !version.is_ok_and(|version| version.status.success()) {
        bail!(
            "there is no nightly toolchain, which libFuzzer needs: `rustup toolchain install nightly`"
        );
    }
    let tools = tree::target(root)?.join("tools");
    let program = tools.join("bin/cargo-fuzz");
    if !program.is_file() {
        let installed = tree::cargo()
            .args([
                "install",
                "cargo-fuzz",
                "--version",
                CARGO_FUZZ,
                "--locked",
                "--root",
            ])
            .arg(&tools)
            .status()?;
        if !installed.success() {
            bail!(
                "`cargo-fuzz` {CARGO_FUZZ} cannot be installed below `{}`",
                tools.display()
            );
        }
    }
    // No sanitizer: the code is safe Rust, and the bound on memory is to be that of the program itself.
    let mut command = nightly(root);
    command
        .arg(&program)
        .args(["build", "--sanitizer", "none", "--features", "libfuzzer"])
        .arg("--fuzz-dir")
        .arg(root.join("fuzz"))
        .arg("--target-dir")
        .arg(work)
        // The workspace's release strips names; the trace of a finding wants those of functions.
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
    if wanted.is_debug {
        command.arg("--dev");
    }
    if let [target] = wanted.targets.as_slice() {
        command.arg(target.name);
    }
    if !command.status()?.success() {
        bail!("the targets cannot be built");
    }
    Ok(())
}

/// A program of the nightly toolchain.
fn nightly(root: &Path) -> Command {
    let mut command = Command::new("rustup");
    command
        .current_dir(root)
        .args(["run", "nightly"])
        // Else the stable toolchain that runs this is asked.
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTDOC");
    command
}

/// What a run of a target printed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ran {
    executions: u64,
    per_s: u64,
    edges: u64,
    slowest_s: u64,
    peak_mb: u64,
    /// The file with the bytes that break a rule, or what else went wrong.
    finding: Option<String>,
}

impl Ran {
    fn line(&self, name: &str) -> String {
        format!(
            "{name:<11} {:>12} {:>9} {:>7} {:>7} s {:>6} MB  {}",
            self.executions,
            self.per_s,
            self.edges,
            self.slowest_s,
            self.peak_mb,
            self.finding.as_deref().unwrap_or("none")
        )
    }
}

fn fuzz(root: &Path, work: &Path, target: &Target, wanted: &Wanted) -> Result<Ran> {
    let folder = |kind: &str| -> Result<PathBuf> {
        let folder = work.join(kind).join(target.name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
        Ok(folder)
    };
    let profile = if wanted.is_debug { "debug" } else { "release" };
    let host = host(root)?;
    let findings = folder("findings")?;
    let log = folder("logs")?.join("last.txt");
    let ended = Command::new("sh")
        .current_dir(root)
        .args(["-c", &format!("ulimit -s {STACK_KIB} && exec \"$@\""), "sh"])
        .arg(work.join(host).join(profile).join(target.name))
        .arg(folder("learnt")?)
        .arg(root.join("fuzz/corpus").join(target.corpus))
        .arg(format!(
            "-dict={}",
            root.join("fuzz/dict")
                .join(target.dict)
                .with_extension("dict")
                .display()
        ))
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .arg(format!("-max_total_time={}", wanted.seconds))
        .args([
            "-timeout=5",
            "-rss_limit_mb=512",
            "-max_len=65536",
            "-print_final_stats=1",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log)?)
        .status()
        .with_context(|| format!("cannot start target `{}`", target.name))?;
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let mut ran = ran(&said);
    if !ended.success() && ran.finding.is_none() {
        ran.finding = Some(format!("it ended with {ended}; see `{}`", log.display()));
    }
    Ok(ran)
}

/// The platform that the nightly toolchain makes programs for; `cargo-fuzz` keeps them in a folder of that name.
fn host(root: &Path) -> Result<String> {
    let version = nightly(root).args(["rustc", "-vV"]).output()?;
    let said = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

/// Reads what libFuzzer said.
fn ran(said: &str) -> Ran {
    let stat = |name: &str| {
        let line = said.lines().rev().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0)
    };
    let edges = said.lines().rev().find_map(|line| {
        let rest = line.split_once(" cov: ")?.1;
        rest.split_whitespace().next()?.parse().ok()
    });
    let finding = said
        .lines()
        .find_map(|line| line.split_once("Test unit written to "));
    Ran {
        executions: stat("stat::number_of_executed_units:"),
        per_s: stat("stat::average_exec_per_sec:"),
        edges: edges.unwrap_or(0),
        slowest_s: stat("stat::slowest_unit_time_sec:"),
        peak_mb: stat("stat::peak_rss_mb:"),
        finding: finding.map(|(_, file)| file.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
INFO: seed corpus: files: 2\n\
#2\tINITED cov: 17 ft: 18 corp: 1/1b exec/s: 0 rss: 30Mb\n\
#9000\tDONE   cov: 230 ft: 318 corp: 40/1b lim: 4 exec/s: 4500 rss: 31Mb\n\
stat::number_of_executed_units: 9000\n\
stat::average_exec_per_sec:     4500\n\
stat::slowest_unit_time_sec:    1\n\
stat::peak_rss_mb:              31\n";

    #[test]
    fn the_last_figures_count() {
        let expected = Ran {
            executions: 9000,
            per_s: 4500,
            edges: 230,
            slowest_s: 1,
            peak_mb: 31,
            finding: None,
        };
        assert_eq!(ran(SAID), expected);
    }

    #[test]
    fn a_finding_is_named_by_its_file() {
        let said = format!("{SAID}artifact_prefix='f/'; Test unit written to f/crash-12\n");
        assert_eq!(ran(&said).finding.as_deref(), Some("f/crash-12"));
    }

    #[test]
    fn minutes_and_targets_are_read_in_any_order() {
        let arguments = ["taint", "--minutes", "0.5", "pipeline"].map(String::from);
        let wanted = wanted(&arguments).unwrap();
        let names: Vec<&str> = wanted.targets.iter().map(|target| target.name).collect();
        assert_eq!(
            (names.as_slice(), wanted.seconds),
            (&["taint", "pipeline"][..], 30)
        );
    }

    #[test]
    fn an_unknown_target_is_refused_with_those_that_exist() {
        let error = wanted(&["yaml".to_owned()]).err().unwrap().to_string();
        assert!(
            error.starts_with("there is no target `yaml`; there are pipeline, "),
            "{error}"
        );
    }

    /// The text of a file from the root of the repository.
    fn text(path: &str) -> String {
        let path = tree::root().unwrap().join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
    }

    #[test]
    fn every_target_has_its_entry_and_seeds_and_words() {
        let manifest = text("fuzz/Cargo.toml");
        let rules = text("fuzz/src/lib.rs");
        for Target { name, corpus, dict } in TARGETS {
            // Only a nightly toolchain builds the entries, so that they say nothing of their own.
            let entry = format!(
                "//! Entry of libFuzzer; the rules are in `fuzz::{name}`.\n#![no_main]\n\n\
                 libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::{name}::hold(bytes));\n"
            );
            assert_eq!(text(&format!("fuzz/fuzz_targets/{name}.rs")), entry);
            let declared = format!(
                "[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\nrequired-features = [\"libfuzzer\"]\n"
            );
            assert!(manifest.contains(&declared), "no bin `{name}`");
            assert!(
                rules.contains(&format!("pub mod {name};")),
                "no rules `{name}`"
            );
            assert!(!text(&format!("fuzz/dict/{dict}.dict")).is_empty());
            let seeds = tree::root().unwrap().join("fuzz/corpus").join(corpus);
            assert!(
                fs::read_dir(seeds).unwrap().next().is_some(),
                "no seeds `{corpus}`"
            );
        }
        assert_eq!(
            manifest.matches("[[bin]]").count(),
            TARGETS.len(),
            "a bin that nothing runs"
        );
    }
}
