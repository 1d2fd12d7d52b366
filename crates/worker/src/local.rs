//! Drives a worker on this machine: real processes, a channel to the board, the clock.

use crate::site::Site;
use crate::worker::{Input, Options, Output, Worker};
use api::protocol::{Chunk, Reply, Request};
use engine::work::Work;
use exec::{Executor, ProcessExecutor};
use model::ids::AttemptId;
use model::time::Timestamp;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
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
    /// Nothing more will come: end as soon as nothing is held.
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
    let mut leaving = false;
    let mut input = Input::Tick;
    loop {
        for output in worker.step(now(), input) {
            perform(output, &mut executor, &site, &aside, ears);
        }
        if leaving && worker.is_idle() {
            return;
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
                    leaving = true;
                    if worker.is_idle() {
                        return;
                    }
                    Input::Interrupt
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
                let result = site.prepare(&work);
                // Nobody listens any more when the worker has left.
                drop(aside.send(Input::Prepared(work.id, result)));
            });
        }
        Output::Collect(id, place, wanted) => {
            let (site, aside) = (Arc::clone(site), aside.clone());
            tokio::task::spawn_blocking(move || {
                let result = site.collect(&place, &wanted);
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

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// The time by the clock of this machine.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn until(at: Timestamp) -> Duration {
    Duration::from_millis(at.since_ms(now()))
}
