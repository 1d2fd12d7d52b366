//! What a worker and the board say to each other: lease, renew, append, report, and for tasks that may be reused the key
//! before they run. Nothing else.
//!
//! A worker only asks; the board only answers. In process the messages are passed as they are; over a
//! network they are the same as JSON. Every message may be lost, late or doubled:
//! - a request carries a number that its answer repeats, and a worker repeats a request until it is answered;
//! - a lease is known by its fencing token: work granted twice is begun once;
//! - log bytes carry their offset: bytes that are there already are passed over;
//! - a report or key is refused when its token is old, and answered as before when it was taken already.

use engine::event::Rejected;
use engine::rows::{ArtifactRef, AttemptEnd, ReuseKey};
use engine::work::Work;
use model::ids::{AttemptId, RunId, Token, WorkerId};
use model::plan::Resources;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The version that this program speaks. It also understands the one before.
pub const VERSION: u32 = 1;

/// How long a worker may be silent before what it does is lost.
pub const LEASE_MS: u64 = 15_000;
/// How often a worker is heard of. A third of the lease: two messages may be lost.
pub const RENEW_MS: u64 = 5_000;

/// A request of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// See [`VERSION`].
    pub version: u32,
    /// Who asks.
    pub worker: WorkerId,
    /// The worker's number for this request.
    pub number: u64,
    /// What it asks.
    pub body: RequestBody,
}

/// What a worker asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestBody {
    /// For work.
    Lease(Wish),
    /// To stay alive, and what to stop.
    Renew {
        /// Everything that it holds; `true` when the first command of it runs.
        holds: Vec<(AttemptId, Token, bool)>,
    },
    /// To keep output.
    Append(Append),
    /// To know whether an earlier result stands for running an attempt. Only asked for work that is
    /// [keyed](Work::keyed).
    Key {
        /// The attempt.
        id: AttemptId,
        /// The token it was leased under.
        token: Token,
        /// Its key.
        key: ReuseKey,
    },
    /// To end an attempt, and perhaps for more work in the same breath.
    Report {
        /// The attempt.
        id: AttemptId,
        /// The token it was leased under.
        token: Token,
        /// How it ended. Its `log` is left empty: the board knows where it keeps it.
        end: Box<AttemptEnd>,
        /// Bytes of output that could not be kept.
        missing_log_bytes: u64,
        /// More work.
        then: Option<Wish>,
    },
}

/// What a worker can take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// How many tasks.
    pub max: u32,
    /// What it has free; `None`: it does not count.
    pub free: Option<Resources>,
    /// Its roles and labels; `None`: it takes all.
    pub labels: Option<Vec<String>>,
}

/// Output of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Append {
    /// The attempt.
    pub id: AttemptId,
    /// The token it was leased under.
    pub token: Token,
    /// Bytes of output sent before these.
    pub offset: u64,
    /// The output.
    pub chunks: Vec<Chunk>,
}

/// Some output of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The step, counted from 0 over services and all steps that were begun, post steps included.
    pub step: u32,
    /// Which stream.
    pub stream: Stream,
    /// When it was read.
    pub at: Timestamp,
    /// The bytes, masked.
    pub bytes: Vec<u8>,
}

/// Where output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output, or both in their true order.
    Stdout,
    /// Standard error, when kept apart.
    Stderr,
    /// The worker itself.
    System,
}

/// The answer to the request with this number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The request's number.
    pub number: u64,
    /// The answer.
    pub body: ReplyBody,
    /// Attempts that the worker has to stop; said again with every answer until they ended.
    pub stop: Vec<(AttemptId, Token)>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyBody {
    /// Work, durable on the board.
    Leased(Vec<Work>),
    /// What the board knows the worker to hold no more; it drops that.
    Renewed {
        /// Attempts that are not the worker's any more.
        lost: Vec<(AttemptId, Token)>,
    },
    /// Output is kept up to this offset.
    Appended {
        /// Bytes kept of the attempt.
        kept: u64,
    },
    /// What is to be done with the attempt, durable on the board.
    Keyed(KeyAnswer),
    /// The attempt has ended, durably, or the report does not count.
    Reported {
        /// Why it does not count.
        refused: Option<Rejected>,
        /// More work.
        next: Vec<Work>,
    },
    /// The board could not do it; ask again later.
    Unavailable {
        /// Why.
        why: String,
    },
}

/// What follows from a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyAnswer {
    /// Run the attempt; if it succeeds, it is found under the key.
    Run,
    /// The result of another run stands for it: put these files in place where others see the tree, and report
    /// [`engine::rows::AttemptResult::Reused`]. If that cannot be done, run it.
    Reuse {
        /// The run that really ran it.
        from: RunId,
        /// Its artifacts.
        artifacts: Vec<ArtifactRef>,
    },
    /// The attempt is not the worker's.
    Refused(Rejected),
}
