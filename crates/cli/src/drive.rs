//! Goes through a run on this terminal: signals in, progress out. Everything else is `server::local`.

use crate::board::Board;
use anyhow::{Context as _, Result};
use model::plan::Resources;
use model::reason::{CancelCause, CancelMode};
use server::TakeIn;
use server::local::{Local, Place, Remote, Settings, Start, Watcher};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use store::owner::{Proc, process};
use store::{BlobStore, Command, Store};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) use server::local::{Blocked, End};

/// How a run is to be gone through.
pub(crate) struct Options {
    /// Tasks at once.
    pub slots: u32,
    /// Roles and labels that this worker takes; `None`: all.
    pub labels: Option<Vec<String>>,
    /// What tasks may take together; `None`: they are not counted.
    pub capacity: Option<Resources>,
    /// Makes room for generated tasks.
    pub take_in: Option<TakeIn>,
    /// Who asks, for the record.
    pub by: String,
    /// Where the source is, when not where it was recorded.
    pub source: Option<PathBuf>,
}

/// How it ended, and by which signal if one ended it.
pub(crate) struct Driven {
    /// How.
    pub end: End,
    /// The signal, if one was taken: `SIGINT` cancels, `SIGTERM` and `SIGHUP` interrupt.
    pub signal: Option<i32>,
}

/// Goes through a run until it ends or has to be left.
///
/// Ctrl-C cancels it (`finally` runs); a second one kills what runs. `SIGTERM` and `SIGHUP` stop its tasks and
/// leave it to be resumed. A third signal, or one after the run, ends this process at once: the board has all that
/// was acknowledged, and the process that starts commands takes them with it.
///
/// # Errors
/// When the board cannot be used, or no command can be started.
pub(crate) fn drive(
    board: &Board,
    start: Start,
    options: Options,
    watcher: &mut dyn Watcher,
    with_remote: impl FnOnce(Remote),
) -> Result<Driven> {
    let local = Local::new();
    let heard = Arc::new(Heard::default());
    listen(local.remote(), options.by, Arc::clone(&heard))?;
    with_remote(local.remote());
    let nonce = server::local::random()?;
    let owner = process::this_process(nonce, model::time::Timestamp(0))
        .context("cannot tell which process this is")?;
    let place = Place {
        store: Arc::clone(&board.store) as Arc<dyn Store>,
        blobs: Arc::clone(&board.blobs) as Arc<dyn BlobStore>,
        logs: board.logs.clone(),
        dir: board.dir.clone(),
        owner,
        alive: Box::new(|owner, now| owner.is_alive(now, &Proc)),
    };
    let settings = Settings {
        slots: options.slots,
        capacity: options.capacity,
        take_in: options.take_in,
        labels: options.labels,
        grace_ms: model::limits::GRACE_MS,
        environment: environment(),
        source: options.source,
        exec: exec::Options::new(board.state_id.clone()),
    };
    let end = local.run(place, start, settings, watcher);
    heard.over.store(true, Ordering::SeqCst);
    let end = end?;
    let signal = heard.first.load(Ordering::SeqCst);
    Ok(Driven {
        end,
        signal: (signal != 0).then_some(signal),
    })
}

/// What is known of signals.
#[derive(Default)]
struct Heard {
    /// The first one: it says how the process ends. 0: none yet.
    first: AtomicI32,
    /// Whether the run is over, so that nothing listens for them any more.
    over: AtomicBool,
}

/// Signals after which this process waits for nothing any more.
const PATIENCE: usize = 3;

/// Listens for signals on a thread of its own, as long as the process lives.
fn listen(remote: Remote, by: String, heard: Arc<Heard>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot listen for signals")?;
    let signals = {
        let _guard = runtime.enter();
        Signals::open().context("cannot listen for signals")?
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(pass_on(signals, &remote, &by, &heard)))
        .context("cannot listen for signals")?;
    Ok(())
}

/// The signals by which a person or a machine ends this process.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Opens them; within a runtime.
    fn open() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The number of the next one.
    async fn next(&mut self) -> i32 {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        };
        kind.as_raw_value()
    }
}

async fn pass_on(mut signals: Signals, remote: &Remote, by: &str, heard: &Heard) {
    let mut asked = false;
    for count in 1.. {
        let number = signals.next().await;
        if count >= PATIENCE || heard.over.load(Ordering::SeqCst) {
            std::process::exit(128 + number);
        }
        let _first = heard
            .first
            .compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
        if number != SignalKind::interrupt().as_raw_value() {
            remote.interrupt();
            continue;
        }
        let mode = if asked {
            CancelMode::Now
        } else {
            CancelMode::Finally
        };
        let cause = CancelCause::Person;
        remote.command(Command::Cancel {
            mode,
            cause,
            by: by.to_owned(),
        });
        if asked {
            remote.kill();
        }
        asked = true;
    }
}

fn environment() -> BTreeMap<OsString, OsString> {
    std::env::vars_os().collect()
}
