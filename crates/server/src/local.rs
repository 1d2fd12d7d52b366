//! One run in one process: the dispatcher, one worker, and the channel between them. `formic run` is this.
//!
//! The dispatcher has the calling thread, because it waits for the disk; the worker has a thread with a
//! runtime of its own, because it waits for pipes. They share nothing but messages.

use crate::dispatcher::{Alive, Dispatcher, Fatal, Input, Output, Parts, TakeIn};
use api::protocol::{Chunk, Request};
use engine::machine::Machine;
use engine::rows::{Changes, RunHead};
use engine::work::Work;
use model::digest::Digest;
use model::ids::{AttemptId, RunId, WorkerId};
use model::plan::{Plan, Resources};
use model::time::Timestamp;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::{BlobStore, Command, LogSink, LogStore, Owner, Store};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use worker::local::{Ears, Word, now};

/// The board that a run is on.
pub struct Place {
    /// Rows.
    pub store: Arc<dyn Store>,
    /// Large content.
    pub blobs: Arc<dyn BlobStore>,
    /// Logs.
    pub logs: LogStore,
    /// Folder for attempts and workspaces.
    pub dir: PathBuf,
    /// This process.
    pub owner: Owner,
    /// Whether another process lives, at this time of day.
    pub alive: Alive,
}

/// What to do.
#[derive(Debug)]
pub enum Start {
    /// Create a run and go through it.
    New {
        /// Its head; the plan's address is filled in.
        head: Box<RunHead>,
        /// Its plan.
        plan: Box<Plan>,
    },
    /// Go on with a run that nobody owns.
    TakeOver {
        /// The run.
        run: RunId,
        /// Who says so.
        by: String,
    },
}

/// What the worker is like.
pub struct Settings {
    /// Tasks at once.
    pub slots: u32,
    /// What it has; `None`: it does not count.
    pub capacity: Option<Resources>,
    /// Makes room for generated tasks; `None`: they are not judged.
    pub take_in: Option<TakeIn>,
    /// Its roles and labels; `None`: it takes all.
    pub labels: Option<Vec<String>>,
    /// Time between the wish that a command ends and its kill.
    pub grace_ms: u64,
    /// The environment that tasks may inherit from.
    pub environment: BTreeMap<OsString, OsString>,
    /// Where the source is, when not where it was recorded.
    pub source: Option<PathBuf>,
    /// How commands are started.
    pub exec: exec::Options,
}

/// Whoever wants to see what happens. What it is told is durable.
pub trait Watcher {
    /// The run has changed.
    fn changed(&mut self, changes: &Changes, machine: &Machine);
    /// A task printed something; `key` is its id.
    fn output(&mut self, id: AttemptId, key: &str, chunks: &[Chunk]);
    /// Nothing goes on until a person acts.
    fn blocked(&mut self, machine: &Machine) -> Blocked;
    /// It was told to leave the run, and waits for what still runs.
    fn interrupted(&mut self, machine: &Machine);
    /// The process that starts commands is gone; the run is left.
    fn broken(&mut self, cause: &str);
}

/// What to do when nothing goes on until a person acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// Wait for the person.
    Wait,
    /// Leave the run; somebody resumes it after the answer.
    Leave,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The run is over.
    Ended,
    /// Only a person can go on.
    Blocked,
    /// It was told to leave; the run can be resumed.
    Interrupted,
    /// The run belongs to somebody else by now.
    Lost,
    /// The process that starts commands is gone; the run can be resumed.
    Broken,
}

/// Why a run could not be begun or gone on with.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The board.
    #[error(transparent)]
    Board(#[from] Fatal),
    /// The executor.
    #[error("commands cannot be started on this machine")]
    Launch(#[from] exec::LaunchError),
    /// A thread or runtime.
    #[error("the worker's thread cannot be started")]
    Thread(#[source] io::Error),
    /// Random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] io::Error),
}

/// What comes to the dispatcher's thread. Its channel has no bound of its own, because who sends must not wait: the
/// worker's thread reads pipes, and the dispatcher may be waiting for that thread. The protocol bounds it: for each slot one
/// append (with what it shows, at most what `exec` reads before it is taken) or report, one wish, one renewal; at 1,024
/// slots some 2,050 messages. Commands, interrupts and kills are single acts of people.
enum Mail {
    Request(Request),
    Output(AttemptId, String, Vec<Chunk>),
    Broken(String),
    Command(Command),
    Interrupt,
    Kill,
}

/// Tells a run something from another thread.
#[derive(Clone)]
pub struct Remote(Sender<Mail>);

impl Remote {
    /// Gives the run a command, as another process would through the board.
    pub fn command(&self, command: Command) {
        self.tell(Mail::Command(command));
    }

    /// Stops the tasks and leaves the run to be resumed.
    pub fn interrupt(&self) {
        self.tell(Mail::Interrupt);
    }

    /// Kills what runs.
    pub fn kill(&self) {
        self.tell(Mail::Kill);
    }

    fn tell(&self, mail: Mail) {
        // The run may be over already.
        drop(self.0.send(mail));
    }
}

/// A run that can be told things.
pub struct Local {
    mail: Receiver<Mail>,
    sender: Sender<Mail>,
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Local {
    /// Nothing runs yet.
    #[must_use]
    pub fn new() -> Self {
        let (sender, mail) = channel();
        Self { mail, sender }
    }

    /// To tell it something.
    #[must_use]
    pub fn remote(&self) -> Remote {
        Remote(self.sender.clone())
    }

    /// Goes through a run until it ends or has to be left.
    ///
    /// # Errors
    /// When the board cannot be used or no command can be started. What is on the board is then as durable as
    /// what was shown, and can be resumed.
    pub fn run(
        self,
        place: Place,
        start: Start,
        settings: Settings,
        watcher: &mut dyn Watcher,
    ) -> Result<End, LocalError> {
        let content: Arc<dyn worker::Content> = Arc::new(Blobs(Arc::clone(&place.blobs)));
        let site = worker::LocalSite::new(place.dir.clone(), content, settings.environment.clone())
            .with_source(settings.source.clone());
        let folders = place.dir.join("workspaces");
        let logs = place.logs.clone();
        let alive = place.alive;
        let worker_id = WorkerId(format!("local-{:x}", random()?));
        let mut dispatcher = Dispatcher::new(Parts {
            store: place.store,
            blobs: place.blobs,
            logs: Box::new(move |worker| Box::new(logs.writer(worker)) as Box<dyn LogSink>),
            owner: place.owner,
            // Owners write until when they live by the time of day.
            alive: Box::new(move |owner, _| alive(owner, time_of_day())),
            time_of_day: Box::new(|_| time_of_day()),
            take_in: settings.take_in,
        });
        let (run, first) = match start {
            Start::New { head, plan } => (head.id, dispatcher.create(*head, *plan, now())?),
            Start::TakeOver { run, by } => (run, dispatcher.take_over(run, &by, now())?),
        };
        let options = worker::Options {
            id: worker_id,
            slots: settings.slots,
            capacity: settings.capacity,
            labels: settings.labels,
            grace_ms: settings.grace_ms,
        };
        // Bounded by what it answers: a reply for each request under way (see [`Mail`]), and a nudge for each step of the
        // dispatcher, of which there is one for each batch of mail or 50 ms.
        let (words, heard) = unbounded_channel();
        let ears = Mouth(self.sender.clone());
        let (ready, launched) = channel();
        let exec_options = settings.exec;
        let thread = std::thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || {
                worker_thread(options, Arc::new(site), exec_options, heard, ears, &ready)
            })
            .map_err(LocalError::Thread)?;
        launched
            .recv()
            .map_err(|_| LocalError::Thread(io::Error::other("it ended at once")))??;
        let mut life = Life {
            dispatcher,
            run,
            words,
            leaving: None,
        };
        life.tell(first, watcher);
        let end = life.go_on(&self.mail, watcher);
        drop(life.words.send(Word::Leave));
        drop(life.words);
        // A worker that panicked has said so on standard error; what it held is lost with its lease.
        drop(thread.join());
        if matches!(end, Ok(End::Ended)) {
            // Left-over folders are only in the way.
            drop(std::fs::remove_dir_all(folders.join(run.as_str())));
        }
        end
    }
}

/// A run that goes on.
struct Life {
    dispatcher: Dispatcher,
    run: RunId,
    words: UnboundedSender<Word>,
    /// Set once the run is to be left: how it will have ended.
    leaving: Option<End>,
}

impl Life {
    fn go_on(
        &mut self,
        mail: &Receiver<Mail>,
        watcher: &mut dyn Watcher,
    ) -> Result<End, LocalError> {
        loop {
            if let Some(end) = self.end(watcher)? {
                return Ok(end);
            }
            let mut inputs = Vec::new();
            if let Some(first) = self.wait(mail) {
                self.take_in(first, &mut inputs, watcher);
            }
            while let Ok(more) = mail.try_recv() {
                self.take_in(more, &mut inputs, watcher);
            }
            match self.dispatcher.step(now(), random()?, inputs) {
                Ok(outputs) => self.tell(outputs, watcher),
                Err(fatal) => {
                    drop(self.words.send(Word::Kill));
                    return Err(fatal.into());
                }
            }
        }
    }

    fn end(&mut self, watcher: &mut dyn Watcher) -> Result<Option<End>, LocalError> {
        let Some(machine) = self.dispatcher.machine(self.run) else {
            return Ok(Some(End::Lost));
        };
        if machine.has_ended() {
            return Ok(Some(End::Ended));
        }
        if let Some(end) = self.leaving {
            if machine.live().next().is_none() || end == End::Broken {
                self.dispatcher.release(self.run)?;
                return Ok(Some(end));
            }
            return Ok(None);
        }
        if machine.is_blocked() && watcher.blocked(machine) == Blocked::Leave {
            self.dispatcher.release(self.run)?;
            return Ok(Some(End::Blocked));
        }
        Ok(None)
    }

    fn wait(&self, mail: &Receiver<Mail>) -> Option<Mail> {
        let Some(at) = self.dispatcher.next_wake() else {
            return mail.recv().ok();
        };
        mail.recv_timeout(Duration::from_millis(at.since_ms(now())))
            .ok()
    }

    fn take_in(&mut self, mail: Mail, inputs: &mut Vec<Input>, watcher: &mut dyn Watcher) {
        match mail {
            // What a worker without an executor says of its attempts is not their end: they are begun again.
            Mail::Request(_) if self.leaving == Some(End::Broken) => {}
            Mail::Request(request) => inputs.push(Input::Request(request)),
            Mail::Output(id, key, chunks) => watcher.output(id, &key, &chunks),
            Mail::Command(command) => inputs.push(Input::Command(self.run, command)),
            Mail::Broken(cause) => {
                watcher.broken(&cause);
                self.leaving.get_or_insert(End::Broken);
                inputs.push(Input::Drain);
            }
            Mail::Interrupt => {
                if self.leaving.is_none()
                    && let Some(machine) = self.dispatcher.machine(self.run)
                {
                    watcher.interrupted(machine);
                }
                self.leaving.get_or_insert(End::Interrupted);
                inputs.push(Input::Drain);
                drop(self.words.send(Word::Interrupt));
            }
            Mail::Kill => drop(self.words.send(Word::Kill)),
        }
    }

    fn tell(&self, outputs: Vec<Output>, watcher: &mut dyn Watcher) {
        for output in outputs {
            match output {
                Output::Reply(_, reply) => drop(self.words.send(Word::Reply(reply))),
                Output::Nudge(_) => drop(self.words.send(Word::Nudge)),
                Output::Capacity(capacity) => drop(self.words.send(Word::Capacity(capacity))),
                Output::Changed(run, changes) => {
                    if let Some(machine) = self.dispatcher.machine(run) {
                        watcher.changed(&changes, machine);
                    }
                }
                Output::Lost(..) => drop(self.words.send(Word::Kill)),
            }
        }
    }
}

fn worker_thread(
    options: worker::Options,
    site: Arc<dyn worker::Site>,
    exec_options: exec::Options,
    heard: tokio::sync::mpsc::UnboundedReceiver<Word>,
    mut ears: Mouth,
    ready: &Sender<Result<(), LocalError>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(LocalError::Thread(error)))),
    };
    runtime.block_on(async {
        match exec::ProcessExecutor::launch(exec_options) {
            Ok(executor) => {
                drop(ready.send(Ok(())));
                worker::local::run(options, site, executor, heard, &mut ears).await;
            }
            Err(error) => drop(ready.send(Err(error.into()))),
        }
    });
}

/// Carries what the worker says to the dispatcher's thread.
struct Mouth(Sender<Mail>);

impl Drop for Mouth {
    /// However the thread ends, whoever waits for it hears of it. After a run nobody does.
    fn drop(&mut self) {
        drop(
            self.0
                .send(Mail::Broken("the worker's thread has ended".to_owned())),
        );
    }
}

impl Ears for Mouth {
    fn request(&mut self, request: Request) {
        drop(self.0.send(Mail::Request(request)));
    }

    fn output(&mut self, id: AttemptId, work: &Work, chunks: &[Chunk]) {
        drop(
            self.0
                .send(Mail::Output(id, work.key.clone(), chunks.to_vec())),
        );
    }

    fn broken(&mut self, cause: &str) {
        drop(self.0.send(Mail::Broken(cause.to_owned())));
    }
}

/// Blobs, as a worker sees them.
struct Blobs(Arc<dyn BlobStore>);

impl worker::Content for Blobs {
    fn put(&self, content: &mut dyn Read) -> io::Result<(Digest, u64)> {
        let stored = self.0.put(content).map_err(io::Error::other)?;
        Ok((stored.digest, stored.size_bytes))
    }

    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        self.0.open(digest).map_err(io::Error::other)
    }
}

/// What the clock of the machine says.
fn time_of_day() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since_ms = since.unwrap_or_default().as_millis();
    Timestamp(i64::try_from(since_ms).unwrap_or(i64::MAX))
}

/// 64 random bits of the system.
///
/// # Errors
/// When the system has none.
pub fn random() -> Result<u64, LocalError> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| LocalError::Random(error.into()))?;
    Ok(u64::from_ne_bytes(bytes))
}
