//! Helper programs of the worker's own, such as Git: run to their end on the calling thread, with a time limit.
//!
//! They are not commands of a task: nobody watches what they print, and they have no place in a tree. But none is waited
//! for without end, and none outlives this process: it has a process group of its own that is ended with it, and the
//! kernel kills it when the thread that waits for it is gone.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Time for its own cleaning up, between the wish that it ends and its kill.
const GRACE: Duration = Duration::from_secs(2);
/// How often it is looked whether somebody still waits for it.
const LOOK: Duration = Duration::from_millis(10);

/// Why a helper did not come to its own end.
#[derive(Debug, thiserror::Error)]
pub enum Cut {
    /// It could not be started, or not be waited for.
    #[error("it could not be run")]
    NotRun(#[source] io::Error),
    /// It took too long and was ended.
    #[error("it took longer than {} seconds", .0.as_secs())]
    TooLong(Duration),
    /// Nobody waited for it any more, and it was ended.
    #[error("nobody waits for it any more")]
    NotWanted,
}

/// Runs a helper to its end, for at most `limit` and as long as `is_wanted`. Gives how it ended and what it printed.
///
/// # Errors
/// When it did not come to its own end.
pub fn run_aside(
    command: &mut Command,
    limit: Duration,
    is_wanted: &dyn Fn() -> bool,
) -> Result<Output, Cut> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    crate::sys::die_with_thread(command);
    let mut child = command.spawn().map_err(Cut::NotRun)?;
    let printed = [
        child.stdout.take().map(read_aside),
        child.stderr.take().map(read_aside),
    ];
    let until = Instant::now() + limit;
    let cut = loop {
        match child.try_wait() {
            Ok(Some(_)) => break None,
            Err(error) => break Some(Cut::NotRun(error)),
            Ok(None) if !is_wanted() => break Some(Cut::NotWanted),
            Ok(None) if Instant::now() >= until => break Some(Cut::TooLong(limit)),
            Ok(None) => thread::sleep(LOOK),
        }
    };
    if cut.is_some() {
        end(&mut child);
    }
    // What it left behind would hold its output open.
    signal(&child, Signal::KILL);
    let [stdout, stderr] = printed.map(|reader| {
        let reader = reader.and_then(|reader| reader.join().ok());
        reader.unwrap_or_default()
    });
    match cut {
        Some(cut) => Err(cut),
        None => Ok(Output {
            status: child.wait().map_err(Cut::NotRun)?,
            stdout,
            stderr,
        }),
    }
}

/// Asks first, so that it can remove its locks.
fn end(child: &mut Child) {
    signal(child, Signal::TERM);
    let until = Instant::now() + GRACE;
    while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(LOOK);
    }
    signal(child, Signal::KILL);
    // Killed, it ends.
    drop(child.wait());
}

fn signal(child: &Child, signal: Signal) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // An error says that nobody is left there, which is what is wanted.
        kill_process_group(group, signal).ok();
    }
}

fn read_aside(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is what it printed.
        drop(from.read_to_end(&mut bytes));
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_helper_tells_how_it_ended_and_what_it_printed() {
        let output = run_aside(&mut sh("echo out; echo err >&2; exit 3"), LONG, &|| true).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            (&b"out\n"[..], &b"err\n"[..])
        );
    }

    #[test]
    fn a_helper_that_takes_too_long_is_ended_with_its_children() {
        let limit = Duration::from_millis(50);
        let cut = run_aside(&mut sh("sleep 600 & sleep 600"), limit, &|| true).unwrap_err();
        assert!(matches!(cut, Cut::TooLong(_)), "{cut}");
    }

    #[test]
    fn a_helper_that_nobody_waits_for_is_ended() {
        let cut = run_aside(&mut sh("exec sleep 600"), LONG, &|| false).unwrap_err();
        assert!(matches!(cut, Cut::NotWanted), "{cut}");
    }

    #[test]
    fn what_a_helper_left_behind_is_not_waited_for() {
        let output = run_aside(&mut sh("sleep 600 & echo done"), LONG, &|| true).unwrap();
        assert_eq!(output.stdout, b"done\n");
    }
}
