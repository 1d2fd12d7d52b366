//! The least that the same work costs: a bare loop that spawns the identical command, reads its pipe to the end
//! and waits for it; for a chain it also writes a page and syncs it after each link.

use anyhow::{Context, Result};
use std::env;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a round took.
pub(super) struct Round {
    pub(super) per_s: f64,
    /// Half of the commands took less.
    pub(super) p50: Duration,
}

/// What a link writes before it syncs: a page, as the least that a board could write.
const PAGE: [u8; 4096] = [7; 4096];

/// Spawns `count` commands, `parallel` at a time.
pub(super) fn spawn(dir: &Path, count: usize, parallel: usize) -> Result<Round> {
    let shell = Shell::new(dir)?;
    let left = AtomicUsize::new(count);
    let begin = Instant::now();
    let times: Result<Vec<Vec<Duration>>> = std::thread::scope(|scope| {
        let work = || {
            let take = || {
                let one_less = |left: usize| left.checked_sub(1);
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            };
            let mut times = Vec::new();
            while take().is_ok() {
                let begin = Instant::now();
                shell.run()?;
                times.push(begin.elapsed());
            }
            Ok(times)
        };
        let threads: Vec<_> = (0..parallel).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .map(|times| times.expect("the loop does not panic"))
            .collect()
    });
    Ok(round(times?.concat(), begin.elapsed()))
}

/// Spawns `count` commands one after the other, and syncs after each.
pub(super) fn chain(dir: &Path, count: usize) -> Result<Round> {
    let shell = Shell::new(dir)?;
    let mut file = File::create(dir.join("floor-sync"))?;
    let start = Instant::now();
    let mut times = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        shell.run()?;
        file.write_all(&PAGE)?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    Ok(round(times, start.elapsed()))
}

fn round(mut times: Vec<Duration>, took: Duration) -> Round {
    times.sort_unstable();
    Round {
        per_s: times.len() as f64 / took.as_secs_f64(),
        p50: times.get(times.len() / 2).copied().unwrap_or_default(),
    }
}

/// The command of a no-op task.
struct Shell {
    program: PathBuf,
    script: PathBuf,
}

impl Shell {
    fn new(dir: &Path) -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let program = env::split_paths(&path)
            .map(|dir| dir.join("bash"))
            .find(|program| program.is_file())
            .context("there is no `bash` on the path")?;
        let script = dir.join("floor.sh");
        std::fs::write(&script, "true")?;
        Ok(Self { program, script })
    }

    fn run(&self) -> Result<()> {
        let (mut reader, writer) = std::io::pipe()?;
        let mut child = Command::new(&self.program)
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(&self.script)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .spawn()?;
        reader.read_to_end(&mut Vec::new())?;
        child
            .wait()
            .context("a command of the floor cannot be waited for")?;
        Ok(())
    }
}
