//! Drives a worker on this machine: real processes, a channel to the board, the clock.

use crate::site::{Site, Trouble};
use crate::worker::{Input, Options, Output, Worker};
use api::protocol::{Chunk, Reply, Request};
use engine::work::Work;
use exec::{Executor, ProcessExecutor};
use model::ids::AttemptId;
use model::time::Timestamp;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What is said to a worker from outside.
#[derive(Debug)]
pub enum Word {
    /// An answer of the board.
    Reply(Reply),
    /// The board has something to say.
    Nudge,
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
                Some(Word::Interrupt) => Input::Interrupt,
                Some(Word::Kill) => Input::Kill,
                Some(Word::Leave) | None => {
                    // Kills what runs, and waits for that.
                    drop(executor);
                    worker.places().for_each(|place| site.clean(place));
                    return;
                }
            },
            Some(input) = done.recv() => input,
            () = sleep(wake) => Input::Tick,
        };
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
        Output::Prepare(work) => {
            let (site, aside) = (Arc::clone(site), aside.clone());
            tokio::task::spawn_blocking(move || {
                let result = unless_it_panics(|| site.prepare(&work));
                // Nobody listens any more when the worker has left.
                drop(aside.send(Input::Prepared(work.id, result)));
            });
        }
        Output::Collect(id, place, wanted) => {
            let (site, aside) = (Arc::clone(site), aside.clone());
            tokio::task::spawn_blocking(move || {
                let result = unless_it_panics(|| site.collect(&place, &wanted));
                drop(aside.send(Input::Collected(id, result)));
            });
        }
        Output::Clean(place) => {
            if place.worktree {
                let site = Arc::clone(site);
                tokio::task::spawn_blocking(move || site.clean(&place));
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

/// The most by which the time of this process goes on between two looks at it. Somebody in it looks every 50 ms
/// while a run goes on; after a longer pause it did not run at all.
const PAUSE_MS: u64 = 2_000;

/// The last look at the clock: by the one that only goes forward, and what was said.
static LOOKED: Mutex<Option<(Instant, Timestamp)>> = Mutex::new(None);

/// The time as this process lives it: it begins with the clock of the machine, does not jump with it, and stands
/// still while the process is stopped or the machine asleep, for then nothing was late.
#[must_use]
pub fn now() -> Timestamp {
    let mut looked = LOOKED.lock().unwrap_or_else(PoisonError::into_inner);
    let at = Instant::now();
    let (before, said) = looked.unwrap_or_else(|| (at, wall_clock()));
    let passed = at.saturating_duration_since(before);
    let counted_ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
    let counted_ms = counted_ms.min(PAUSE_MS);
    let now = said.plus_ms(counted_ms);
    // What is less than a millisecond counts at the next look.
    let until = before + Duration::from_millis(counted_ms);
    *looked = Some((if counted_ms == PAUSE_MS { at } else { until }, now));
    now
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
