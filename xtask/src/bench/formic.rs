//! The programs that are measured: the released `formic`, and the `measure` example that sees single transitions.

use crate::tree;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Where they are.
pub(crate) struct Programs {
    pub(crate) formic: PathBuf,
    measure: PathBuf,
    /// Cargo's target folder.
    pub(super) target: PathBuf,
}

/// A run of `formic run`.
pub(super) struct Ran {
    /// From the program's start to its exit.
    pub(super) took: Duration,
    /// Most memory that it had at once, in bytes; of the program itself and of the one that starts commands.
    pub(super) peak_bytes: u64,
    /// The folder of its board.
    pub(super) state: PathBuf,
}

/// How often the memory of a run is looked at. The kernel keeps the peak, so nothing is missed but the end.
const LOOK: Duration = Duration::from_millis(20);

impl Programs {
    /// Builds them as they ship.
    pub(crate) fn build(root: &Path) -> Result<Self> {
        let built = tree::cargo()
            .current_dir(root)
            .args([
                "build",
                "--release",
                "--package",
                "cli",
                "--package",
                "server",
            ])
            .args(["--bin", "formic", "--example", "measure"])
            .status()?;
        if !built.success() {
            bail!("what is to be measured cannot be built");
        }
        let metadata = tree::cargo()
            .current_dir(root)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()?;
        let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
        let target = metadata["target_directory"].as_str();
        let target = PathBuf::from(target.context("cargo does not say where it builds")?);
        Ok(Self {
            formic: target.join("release/formic"),
            measure: target.join("release/examples/measure"),
            target,
        })
    }

    /// Goes through a pipeline on a fresh board in `dir`.
    pub(super) fn run(&self, dir: &Path, pipeline: &str, slots: usize) -> Result<Ran> {
        let project = fresh_project(dir, pipeline)?;
        let mut command = self.formic_in(&project);
        command.args(["run", "--slots", &slots.to_string()]);
        let begin = Instant::now();
        let child = quiet(&mut command).spawn()?;
        let (took, peak_bytes) = watch(child, begin)?;
        Ok(Ran {
            took,
            peak_bytes,
            state: project.join("state"),
        })
    }

    /// The same under `strace`, which counts what reaches the disk; `None` when there is no `strace`.
    pub(super) fn count_syncs(&self, dir: &Path, pipeline: &str) -> Result<Option<u64>> {
        if Command::new("strace").arg("-V").output().is_err() {
            return Ok(None);
        }
        let project = fresh_project(dir, pipeline)?;
        let trace = project.join("trace");
        let mut command = Command::new("strace");
        command
            .args(["--follow-forks", "--seccomp-bpf", "--quiet=all", "--output"])
            .arg(&trace)
            .arg("--trace=fsync,fdatasync,sync_file_range,syncfs,sync,msync")
            .arg(&self.formic)
            .args(["run", "--slots", "1"]);
        let ended = quiet(in_project(&mut command, &project)).status()?;
        if !ended.success() {
            bail!("the counted run ended with {ended}");
        }
        let calls = fs::read_to_string(&trace)?;
        let whole = |line: &&str| !line.contains("resumed>") && line.contains('(');
        let counted = calls.lines().filter(whole).count();
        Ok(Some(counted as u64))
    }

    /// How long the last run in `dir` took by its own record: from its first row to its end.
    pub(super) fn recorded(&self, dir: &Path) -> Result<Duration> {
        let project = dir.join("project");
        let shown = self
            .formic_in(&project)
            .args(["show", "@", "--json"])
            .output()?;
        let document: Value = serde_json::from_slice(&shown.stdout)?;
        let took_ms = document["duration_ms"].as_u64();
        took_ms
            .map(Duration::from_millis)
            .context("`show` gives no duration")
    }

    /// How long `formic show` of the last run takes.
    pub(super) fn show(&self, dir: &Path) -> Result<Duration> {
        let project = dir.join("project");
        let list = self.formic_in(&project).args(["ls", "--json"]).output()?;
        let list: Value = serde_json::from_slice(&list.stdout)?;
        let run = list["runs"][0]["run"]
            .as_str()
            .context("`ls` shows no run")?;
        let begin = Instant::now();
        let shown = self.formic_in(&project).args(["show", run]).output()?;
        let took = begin.elapsed();
        if !shown.status.success() {
            bail!("`formic show` ended with {}", shown.status);
        }
        Ok(took)
    }

    /// Calls the example and reads the document that it prints.
    pub(super) fn measure(&self, arguments: &[&str]) -> Result<Value> {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(&self.measure).args(arguments).output()?;
        if !status.success() {
            bail!(
                "`measure` ended with {status}: {}",
                String::from_utf8_lossy(&stderr)
            );
        }
        serde_json::from_slice(&stdout).context("`measure` printed no document")
    }

    /// How long `formic` takes with these arguments in a folder, from its start to its exit.
    pub(super) fn took(&self, dir: &Path, arguments: &[&str]) -> Result<Duration> {
        let mut command = self.formic_in(dir);
        command.args(arguments);
        let begin = Instant::now();
        let ended = quiet(&mut command).status()?;
        let took = begin.elapsed();
        if !ended.success() {
            bail!("`formic {}` ended with {ended}", arguments.join(" "));
        }
        Ok(took)
    }

    fn formic_in(&self, project: &Path) -> Command {
        let mut command = Command::new(&self.formic);
        in_project(&mut command, project);
        command
    }
}

/// A folder with the pipeline and nothing else, not even an older board.
fn fresh_project(dir: &Path, pipeline: &str) -> Result<PathBuf> {
    let project = dir.join("project");
    if project.exists() {
        fs::remove_dir_all(&project)?;
    }
    fs::create_dir_all(&project)?;
    fs::write(project.join("formic.yaml"), pipeline)?;
    Ok(project)
}

fn in_project<'a>(command: &'a mut Command, project: &Path) -> &'a mut Command {
    command
        .current_dir(project)
        .env("FORMIC_STATE", project.join("state"))
        .stdin(Stdio::null())
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}

/// Waits for a program; returns how long it took and the most memory it had.
fn watch(mut child: Child, begin: Instant) -> Result<(Duration, u64)> {
    let mut peak_bytes = 0;
    let ended = loop {
        peak_bytes = peak_bytes.max(memory_of(child.id()));
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(LOOK);
    };
    let took = begin.elapsed();
    if !ended.success() {
        bail!("`formic run` ended with {ended}");
    }
    Ok((took, peak_bytes))
}

/// The peak of the program and of the helper that it started, which is the same program.
fn memory_of(pid: u32) -> u64 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let helper = children.split_whitespace().next().map_or(0, peak_of);
    peak_of(&pid.to_string()) + helper
}

fn peak_of(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
