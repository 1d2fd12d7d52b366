//! Drives a worker on this machine: real processes, a channel to the board, the clock.

pub mod clock;

use crate::site::{Site, Trouble};
use crate::worker::{Input, Options, Output, Worker};
use api::protocol::{Chunk, Reply, Request};
use clock::Clock;
use engine::work::Work;
use exec::{Executor, ProcessExecutor};
use model::ids::AttemptId;
use model::plan::Resources;
use model::time::Timestamp;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What is said to a worker from outside.
#[derive(Debug)]
pub enum Word {
    /// An answer of the board.
    Reply(Reply),
    /// The board has something to say.
    Nudge,
    /// This is what there is for tasks from now on.
    Capacity(Resources),
    /// Stop everything and leave it to be begun again.
    Interrupt,
    /// Kill everything that runs.
    Kill,
    /// Nothing more will come, no answer either: kill what runs and end.
    Leave,
}

/// Who hears what a worker says. Called on the worker's thread; must not wait.
pub trait Ears {
    /// A request for the board.
    fn request(&mut self, request: Request);
    /// Output of an attempt.
    fn output(&mut self, id: AttemptId, work: &Work, chunks: &[Chunk]);
    /// The executor is gone.
    fn broken(&mut self, cause: &str);
}

/// Runs a worker until it is told to leave. The channel is bounded by the protocol: a worker has at most one
/// wish, one renewal, and one append or report for each slot under way.
pub async fn run(
    options: Options,
    site: Arc<dyn Site>,
    mut executor: ProcessExecutor,
    mut words: UnboundedReceiver<Word>,
    ears: &mut dyn Ears,
) {
    let mut worker = Worker::new(options, Arc::clone(&site), now());
    let (aside, mut done) = unbounded_channel();
    let mut input = Input::Tick;
    loop {
        // What is to be removed can wait until what is to begin has begun.
        let (late, soon): (Vec<Output>, Vec<Output>) = worker
            .step(now(), input)
            .into_iter()
            .partition(|output| matches!(output, Output::Clean(_)));
        for output in soon.into_iter().chain(late) {
            perform(output, &mut executor, &site, &aside, ears);
        }
        // Whatever is there already is taken without going to sleep.
        if let Some(event) = executor.try_event() {
            input = Input::Exec(event);
            continue;
        }
        let wake = worker.next_wake().map(until);
        input = tokio::select! {
            biased;
            event = std::future::poll_fn(|context| executor.poll_event(context)) => Input::Exec(event),
            word = words.recv() => match word {
                Some(Word::Reply(reply)) => Input::Reply(reply),
                Some(Word::Nudge) => Input::Nudge,
                Some(Word::Capacity(capacity)) => Input::Capacity(capacity),
                Some(Word::Interrupt) => Input::Interrupt,
                Some(Word::Kill) => Input::Kill,
                Some(Word::Leave) | None => {
                    // Kills what runs, and waits for that.
                    drop(executor);
                    worker.places().for_each(|place| site.clean(place));
                    // With it goes whoever waits for files that are looked at.
                    drop(worker);
                    drop(aside);
                    return clean_late(done, &*site).await;
                }
            },
            Some(input) = done.recv() => input,
            () = sleep(wake) => Input::Tick,
        };
    }
}

/// Removes the places that were being made when the worker left. Waits for what is under way aside, as the end of the
/// runtime would.
async fn clean_late(mut done: UnboundedReceiver<Input>, site: &dyn Site) {
    while let Some(input) = done.recv().await {
        if let Input::Prepared(_, Ok(place)) = input {
            site.clean(&place);
        }
    }
}

fn perform(
    output: Output,
    executor: &mut ProcessExecutor,
    site: &Arc<dyn Site>,
    aside: &UnboundedSender<Input>,
    ears: &mut dyn Ears,
) {
    match output {
        Output::Send(request) => ears.request(request),
        Output::Start(id, command) => executor.start(id, *command),
        Output::Terminate(id) => executor.terminate(id),
        Output::Kill(id) => executor.kill(id),
        Output::Finish(tree) => executor.finish(&tree),
        Output::Taken(id, size) => executor.output_taken(id, size),
        Output::Show(id, work, chunks) => ears.output(id, &work, &chunks),
        Output::Broken(cause) => ears.broken(&cause),
        Output::Prepare(work, cut_short) => {
            let (site, aside) = (Arc::clone(site), aside.clone());
            tokio::task::spawn_blocking(move || {
                let result = unless_it_panics(|| site.prepare(&work, &cut_short));
                // Nobody listens any more when the worker has left.
                drop(aside.send(Input::Prepared(work.id, result)));
            });
        }
        Output::Look(reference, look) => {
            let aside = aside.clone();
            tokio::task::spawn_blocking(move || {
                let looked = unless_it_panics(|| Ok(Box::new(look.make())));
                drop(aside.send(Input::Looked(reference, looked)));
            });
        }
        Output::Collect(id, place, wanted) => {
            let (site, aside) = (Arc::clone(site), aside.clone());
            tokio::task::spawn_blocking(move || {
                let result = unless_it_panics(|| site.collect(&place, &wanted));
                drop(aside.send(Input::Collected(id, result)));
            });
        }
        Output::Restore(id, place, artifacts) => {
            let (site, aside) = (Arc::clone(site), aside.clone());
            tokio::task::spawn_blocking(move || {
                let result = unless_it_panics(|| site.restore(&place, &artifacts));
                drop(aside.send(Input::Restored(id, result)));
            });
        }
        Output::Clean(place) => {
            if place.worktree {
                let (site, aside) = (Arc::clone(site), aside.clone());
                tokio::task::spawn_blocking(move || {
                    site.clean(&place);
                    // Until then the worker does not leave: the end of the runtime would not begin what has not begun.
                    drop(aside);
                });
            } else {
                site.clean(&place);
            }
        }
    }
}

/// A bug in one place must not leave its attempt waiting for an answer that never comes.
fn unless_it_panics<T>(does: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    std::panic::catch_unwind(AssertUnwindSafe(does)).unwrap_or_else(|_| {
        let message = "the worker panicked; standard error has the place".to_owned();
        Err(Trouble::Platform(message))
    })
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// The clock of this process.
static CLOCK: Mutex<Clock> = Mutex::new(Clock::new());

/// The time as this process lives it; see [`Clock`].
#[must_use]
pub fn now() -> Timestamp {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    let since = BEGIN.get_or_init(Instant::now).elapsed();
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    clock.look(since, wall_clock)
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn until(at: Timestamp) -> Duration {
    Duration::from_millis(at.since_ms(now()))
}
