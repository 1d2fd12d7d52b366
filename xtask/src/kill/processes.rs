//! Processes of a run, found by the marks in their environment.

use anyhow::{Result, bail};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long they may take to be gone after a kill.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(2);

/// The processes of attempts whose source is the folder.
pub(super) fn alive(project: &Path) -> Vec<u32> {
    let source = format!("FORMIC_SOURCE={}", project.display());
    let marked = |pid: &u32| {
        // Gone meanwhile, or a zombie, whose environment is empty.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        let is_attempt = variables
            .clone()
            .any(|variable| variable.starts_with(b"FORMIC_ATTEMPT="));
        is_attempt && variables.any(|variable| variable == source.as_bytes())
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(marked).collect()
}

/// Waits until there are none; returns after how many milliseconds.
pub(super) fn wait_until_gone(project: &Path) -> Result<u64> {
    let begin = Instant::now();
    loop {
        let left = alive(project);
        if left.is_empty() {
            return Ok(u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX));
        }
        if begin.elapsed() > PATIENCE {
            bail!("processes {left:?} are left");
        }
        std::thread::sleep(LOOK);
    }
}
