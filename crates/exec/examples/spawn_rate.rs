//! How many commands per second: a bare loop that spawns and reads to end of file, against the executor.
//!
//! `cargo run --release -p exec --example spawn_rate -- [COUNT] [PARALLELISM] [ROUNDS]`. Both sides run
//! the identical command, a script of one line under the default shell. The rounds alternate, and the best of each
//! counts, so that a busy machine slows both alike.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use exec::{
    Cgroups, Command, ExecEvent, Executor as _, Limits, Options, ProcessExecutor, StepRef, TreeKey,
};

fn main() -> std::io::Result<()> {
    exec::spawner::run_if_asked();
    let mut args = std::env::args()
        .skip(1)
        .map(|arg| arg.parse::<usize>().ok());
    let mut next = |default| args.next().flatten().unwrap_or(default);
    let (count, parallelism, rounds) = (next(1000), next(2), next(3));
    let script = std::env::temp_dir().join(format!("spawn-rate-{}.sh", std::process::id()));
    std::fs::write(&script, "true\n")?;
    let mut best = [0.0_f64; 3];
    for _ in 0..rounds {
        for (side, best) in best.iter_mut().enumerate() {
            let start = Instant::now();
            match side {
                0 => floor(&script, count, parallelism)?,
                1 => ours(&script, count, parallelism, Cgroups::WherePossible)?,
                _ => ours(&script, count, parallelism, Cgroups::Never)?,
            }
            *best = best.max(count as f64 / start.elapsed().as_secs_f64());
        }
    }
    std::fs::remove_file(&script)?;
    let [floor, with_groups, without] = best;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{count} commands, {parallelism} at a time, best of {rounds}, per second"
    )?;
    writeln!(out, "floor                  {floor:>8.0}")?;
    writeln!(
        out,
        "executor               {with_groups:>8.0}  {:.2} of the floor",
        with_groups / floor
    )?;
    writeln!(
        out,
        "executor, no cgroups   {without:>8.0}  {:.2} of the floor",
        without / floor
    )
}

const SHELL: [&str; 5] = ["--noprofile", "--norc", "-e", "-o", "pipefail"];

fn shell_args(script: &Path) -> Vec<OsString> {
    SHELL
        .iter()
        .map(OsString::from)
        .chain([script.as_os_str().to_owned()])
        .collect()
}

fn floor(script: &Path, count: usize, parallelism: usize) -> std::io::Result<()> {
    let left = AtomicUsize::new(count);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..parallelism)
            .map(|_| {
                scope.spawn(|| {
                    let take = || {
                        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                            n.checked_sub(1)
                        })
                    };
                    while take().is_ok() {
                        floor_once(script)?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("a spawning thread does not panic"))
    })
}

fn floor_once(script: &Path) -> std::io::Result<()> {
    let (mut reader, writer) = std::io::pipe()?;
    let mut child = std::process::Command::new("/bin/bash")
        .args(shell_args(script))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(std::process::Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()?;
    reader.read_to_end(&mut Vec::new())?;
    child.wait().map(drop)
}

fn ours(script: &Path, count: usize, parallelism: usize, cgroups: Cgroups) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let options = Options {
            cgroups,
            ..Options::new("bench")
        };
        let mut executor = ProcessExecutor::launch(options).map_err(std::io::Error::other)?;
        let mut started = 0;
        let mut ended = 0;
        while ended < count {
            while started < count && started < ended + parallelism {
                executor.start(StepRef(started as u64), command(script, started));
                started += 1;
            }
            match executor.next_event().await {
                ExecEvent::TreeGone { .. } => ended += 1,
                ExecEvent::Started { .. }
                | ExecEvent::Exited { .. }
                | ExecEvent::Output { .. }
                | ExecEvent::OutputEnd { .. } => {}
                ExecEvent::NotStarted { cause, .. } => return Err(std::io::Error::other(cause)),
                ExecEvent::SpawnerLost { cause } => return Err(std::io::Error::other(cause)),
            }
        }
        Ok(())
    })
}

fn tree(number: usize) -> TreeKey {
    TreeKey::new(format!("run/task-{number}/1"))
}

fn command(script: &Path, number: usize) -> Command {
    Command {
        tree: tree(number),
        program: OsString::from("/bin/bash"),
        args: shell_args(script),
        env: vec![(OsString::from("PATH"), OsString::from("/usr/bin:/bin"))],
        cwd: "/".into(),
        is_last: true,
        keep_stderr_apart: false,
        limits: Limits::default(),
    }
}
