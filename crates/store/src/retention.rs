//! What is kept, and for how long: a pure choice of runs, and the sweep that carries it out.
//!
//! Never removed: a run that has not ended, what a kept run names (also in runs whose results it took
//! over), a segment that a living worker writes, and content so young that the row that will name it
//! may not be written yet.

use crate::blob::{BlobError, BlobStore, Kept};
use crate::board::{References, RunFilter, RunSummary, Store};
use crate::error::StoreError;
use crate::log::{LogError, LogStore, Segment, is_of};
use engine::rows::RunState;
use model::digest::Digest;
use model::ids::RunId;
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Between a blob's arrival and the commit that names it lies at most one attempt's end; a day
/// leaves room for clocks that jump.
const YOUNG_MS: u64 = DAY_MS;
/// Rows of a task, its attempt and its events, measured with short names.
const BYTES_PER_TASK: u64 = 500;

/// How much is kept. An ended run goes when one of the three is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days since its end.
    pub days: u32,
    /// Runs.
    pub runs: usize,
    /// Blobs, logs and rows of all kept runs together.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            days: 30,
            runs: 100,
            bytes: 1_000_000_000,
        }
    }
}

/// What a sweep removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Runs, newest first.
    pub runs: Vec<RunId>,
    /// Number of blobs.
    pub blobs: usize,
    /// Number of log segments.
    pub segments: usize,
    /// What blobs and segments took on the disk.
    pub bytes: u64,
}

/// A sweep that stopped; what it had removed by then is gone, and the next sweep goes on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The board failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blobs failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The logs failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Removes what `keep` does not keep. May be stopped at any moment, and may run beside others.
///
/// # Errors
/// When the board or the disk fails.
pub fn sweep(
    store: &dyn Store,
    blobs: &dyn BlobStore,
    logs: &LogStore,
    keep: &Retention,
    now: Timestamp,
) -> Result<Swept, SweepError> {
    let mut candidates = Vec::new();
    for summary in store.run_list(&RunFilter::default())? {
        if let Some(references) = references(store, summary.head.id)? {
            candidates.push(Candidate::new(&summary, references));
        }
    }
    let there = Content {
        blobs: sizes(&blobs.list()?),
        segments: logs.list()?,
    };
    let removed = removed(&candidates, &there, keep, now);
    store.run_remove(&removed)?;
    store.run_settle_ended()?;
    store.durations_forget(before(now, u64::from(keep.days) * DAY_MS))?;
    let mut swept = Swept {
        runs: removed,
        ..Swept::default()
    };
    sweep_content(store, blobs, logs, now, &mut swept)?;
    Ok(swept)
}

/// Removes blobs and segments that no run names, and no run: that needs no room on the disk.
///
/// # Errors
/// As [`sweep`].
pub fn sweep_unnamed(
    store: &dyn Store,
    blobs: &dyn BlobStore,
    logs: &LogStore,
    now: Timestamp,
) -> Result<Swept, SweepError> {
    let mut swept = Swept::default();
    sweep_content(store, blobs, logs, now, &mut swept)?;
    Ok(swept)
}

/// Removes blobs and segments that no run names. Looks at the runs that are there by now, because
/// others create runs all the time.
fn sweep_content(
    store: &dyn Store,
    blobs: &dyn BlobStore,
    logs: &LogStore,
    now: Timestamp,
    swept: &mut Swept,
) -> Result<(), SweepError> {
    // Listed before the references are read: what comes later is not looked at.
    let kept_blobs = blobs.list()?;
    let segments = logs.list()?;
    let mut named = References::default();
    for summary in store.run_list(&RunFilter::default())? {
        if let Some(references) = references(store, summary.head.id)? {
            named.blobs.extend(references.blobs);
            named.segments.extend(references.segments);
            named.workers.extend(references.workers);
        }
    }
    let old = before(now, YOUNG_MS);
    for blob in kept_blobs {
        let unnamed = !named.blobs.contains(&blob.digest);
        if unnamed && blob.put_at < old && blobs.remove(&blob.digest, old)? {
            swept.blobs += 1;
            swept.bytes += blob.rest_bytes;
        }
    }
    for segment in segments {
        if !names(&named, &segment.name) && logs.remove(&segment.name)? {
            swept.segments += 1;
            swept.bytes += segment.size_bytes;
        }
    }
    Ok(())
}

/// The references of a run; `None` when it was removed meanwhile.
fn references(store: &dyn Store, run: RunId) -> Result<Option<References>, StoreError> {
    match store.run_references(run) {
        Ok(references) => Ok(Some(references)),
        Err(StoreError::NoRun(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn names(references: &References, segment: &str) -> bool {
    let mut workers = references.workers.iter();
    references.segments.contains_key(segment) || workers.any(|worker| is_of(segment, worker))
}

fn before(now: Timestamp, ms: u64) -> Timestamp {
    Timestamp(now.0.saturating_sub_unsigned(ms))
}

/// A run as the choice sees it.
#[derive(Debug, Clone)]
struct Candidate {
    run: RunId,
    /// When it ended; `None`: it has not.
    ended_at: Option<Timestamp>,
    /// What its rows take, roughly.
    row_bytes: u64,
    references: References,
}

/// What lies beside the rows.
#[derive(Debug, Clone, Default)]
struct Content {
    blobs: BTreeMap<Digest, u64>,
    segments: Vec<Segment>,
}

fn sizes(blobs: &[Kept]) -> BTreeMap<Digest, u64> {
    let sizes = blobs.iter().map(|blob| (blob.digest, blob.rest_bytes));
    sizes.collect()
}

impl Candidate {
    fn new(summary: &RunSummary, references: References) -> Self {
        let ended = matches!(summary.row.state, RunState::Ended(_));
        let ended_at = summary.row.ended_at.unwrap_or(summary.head.created_at);
        Self {
            run: summary.head.id,
            ended_at: ended.then_some(ended_at),
            row_bytes: u64::from(summary.row.counts.total) * BYTES_PER_TASK,
            references,
        }
    }
}

/// The runs to remove out of `candidates`, which come newest first.
fn removed(
    candidates: &[Candidate],
    there: &Content,
    keep: &Retention,
    now: Timestamp,
) -> Vec<RunId> {
    let oldest = before(now, u64::from(keep.days) * DAY_MS);
    let mut kept = BTreeSet::new();
    let mut counted = There::new(there);
    for candidate in candidates {
        let mut with = counted.clone();
        let bytes = with.add(candidate);
        // The newest is kept however large it is; a large one does not take those before it along.
        let fits = kept.len() < keep.runs && (bytes <= keep.bytes || kept.is_empty());
        let young = candidate.ended_at.is_none_or(|ended_at| ended_at >= oldest);
        if candidate.ended_at.is_none() || (fits && young) {
            kept.insert(candidate.run);
            counted = with;
        }
    }
    keep_what_was_taken_over(candidates, &mut kept);
    let gone = candidates
        .iter()
        .filter(|candidate| !kept.contains(&candidate.run));
    gone.map(|candidate| candidate.run).collect()
}

/// Runs whose results a kept run shows are kept with it: their logs are the logs of its tasks.
fn keep_what_was_taken_over(candidates: &[Candidate], kept: &mut BTreeSet<RunId>) {
    // Mostly one pass is enough, from new to old; a run may also reuse results of one that was created after it.
    loop {
        let before = kept.len();
        for candidate in candidates {
            if kept.contains(&candidate.run) {
                kept.extend(&candidate.references.runs);
            }
        }
        if kept.len() == before {
            return;
        }
    }
}

/// Counts content once, whoever names it.
#[derive(Clone)]
struct There<'a> {
    content: &'a Content,
    blobs: BTreeSet<Digest>,
    segments: BTreeSet<&'a str>,
    bytes: u64,
}

impl<'a> There<'a> {
    fn new(content: &'a Content) -> Self {
        Self {
            content,
            blobs: BTreeSet::new(),
            segments: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// The bytes of everything counted so far and of `candidate`.
    fn add(&mut self, candidate: &Candidate) -> u64 {
        let references = &candidate.references;
        self.bytes += candidate.row_bytes;
        for digest in &references.blobs {
            if let Some(size) = self.content.blobs.get(digest)
                && self.blobs.insert(*digest)
            {
                self.bytes += size;
            }
        }
        for segment in &self.content.segments {
            if names(references, &segment.name) && self.segments.insert(&segment.name) {
                self.bytes += segment.size_bytes;
            }
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(100 * DAY_MS.cast_signed());

    fn id(number: u64) -> RunId {
        RunId::from_random(number)
    }

    fn ended(number: u64, days_ago: u64) -> Candidate {
        Candidate {
            run: id(number),
            ended_at: Some(before(NOW, days_ago * DAY_MS)),
            row_bytes: 0,
            references: References::default(),
        }
    }

    fn living(number: u64) -> Candidate {
        Candidate {
            ended_at: None,
            ..ended(number, 0)
        }
    }

    fn gone(candidates: &[Candidate], keep: Retention) -> Vec<RunId> {
        removed(candidates, &Content::default(), &keep, NOW)
    }

    #[test]
    fn runs_go_after_thirty_days() {
        let all = [ended(1, 29), ended(2, 30), ended(3, 31)];
        assert_eq!(gone(&all, Retention::default()), [id(3)]);
    }

    #[test]
    fn runs_beyond_the_number_go_oldest_first() {
        let keep = Retention {
            runs: 2,
            ..Retention::default()
        };
        assert_eq!(
            gone(&[ended(1, 0), ended(2, 0), ended(3, 0)], keep),
            [id(3)]
        );
    }

    #[test]
    fn a_living_run_stays_however_old_it_is() {
        let keep = Retention {
            runs: 0,
            days: 0,
            bytes: 0,
        };
        assert_eq!(gone(&[ended(1, 1), living(2)], keep), [id(1)]);
    }

    #[test]
    fn runs_beyond_the_bytes_go_and_shared_content_counts_once() {
        let digest = |name: &str| Digest::of(name.as_bytes());
        let with = |number, blobs: &[&str]| Candidate {
            references: References {
                blobs: blobs.iter().map(|name| digest(name)).collect(),
                ..References::default()
            },
            ..ended(number, 0)
        };
        let there = Content {
            blobs: ["a", "b", "c"].map(|name| (digest(name), 10)).into(),
            segments: Vec::new(),
        };
        let keep = Retention {
            bytes: 20,
            ..Retention::default()
        };
        let all = [with(1, &["a", "b"]), with(2, &["b"]), with(3, &["b", "c"])];
        assert_eq!(removed(&all, &there, &keep, NOW), [id(3)]);
    }

    #[test]
    fn a_run_whose_results_were_taken_over_stays_with_who_took_them() {
        let mut newest = ended(1, 0);
        newest.references.runs = [id(2)].into();
        let mut middle = ended(2, 40);
        middle.references.runs = [id(3)].into();
        let all = [newest, middle, ended(3, 50), ended(4, 50)];
        assert_eq!(gone(&all, Retention::default()), [id(4)]);
    }

    #[test]
    fn a_run_that_an_older_one_reused_results_of_keeps_those_before_it_too() {
        let mut older = ended(2, 0);
        older.references.runs = [id(1)].into();
        let mut younger = ended(1, 40);
        younger.references.runs = [id(3)].into();
        let mut oldest = ended(4, 0);
        oldest.references.runs = [id(1)].into();
        let all = [younger, older, ended(3, 50), oldest];
        assert_eq!(gone(&all, Retention::default()), []);
    }
}
