//! Many commits, one sync.
//!
//! Whoever comes while nobody commits leads: it opens a transaction, writes its own commits and
//! those that have queued up meanwhile, syncs once, and tells everyone. Whoever comes while somebody
//! leads queues up and waits; the first in the queue leads next. A single caller thus pays no
//! handover to another thread, and many callers share the sync.
//!
//! A commit that does not fit the version or the owner writes nothing, so it needs no undoing. A
//! commit that fails for another reason undoes the transaction; then each of them is written in a
//! transaction of its own, so that it fails alone.

use super::connection::{Board, Stop, begin, commit, undo};
use super::encode::{self, Statement};
use super::{codes, decode};
use crate::board::Commit;
use crate::error::{CommitError, StoreError};
use model::ids::RunId;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Commits in one transaction at most. Bounds how long the first of them waits for the last.
const COMMITS_PER_TRANSACTION: usize = 256;
/// How often a leader lets other threads run when fewer have come than the last time: those that it
/// has just answered are about to come again.
const YIELDS: u32 = 4;

/// The queue in front of the one transaction.
#[derive(Default)]
pub(super) struct GroupCommit {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Work>,
    /// Somebody leads. When nobody does, nobody waits.
    led: bool,
    /// Commits in the last transaction.
    last: usize,
}

/// The commits of one caller.
struct Work {
    commits: Vec<Encoded>,
    ticket: Arc<Ticket>,
}

impl Work {
    /// Writes all of it into the open transaction.
    fn write(&self, writer: &Connection) -> rusqlite::Result<Results> {
        self.commits.iter().map(|each| each.write(writer)).collect()
    }

    fn tell(mut self, results: Results) {
        self.commits.clear();
        self.ticket.tell(News::Done(results));
    }
}

impl Drop for Work {
    /// Only when its leader panicked are there commits left that nobody was told about.
    fn drop(&mut self) {
        if !self.commits.is_empty() {
            let lost = |each: &Encoded| Err(CommitError::NotOwner(each.run));
            let results = self.commits.iter().map(lost).collect();
            self.ticket.tell(News::Done(results));
        }
    }
}

/// A commit as statements.
pub(super) struct Encoded {
    run: RunId,
    number: i64,
    expected_version: u64,
    fence: u64,
    update: Vec<Value>,
    statements: Vec<Statement>,
}

/// Where a caller waits.
#[derive(Default)]
struct Ticket {
    slot: Mutex<Slot>,
    told: Condvar,
}

#[derive(Default)]
struct Slot {
    news: Option<News>,
    /// Somebody sleeps on it; a leader has its own news without sleeping.
    waited_for: bool,
}

enum News {
    /// Lead the next transaction; the own commits are in it.
    Lead,
    /// What became of the own commits.
    Done(Results),
}

type Results = Vec<Result<(), CommitError>>;

impl GroupCommit {
    pub(super) fn commit(&self, board: &Board, commits: &[Commit<'_>]) -> Results {
        let mut encoded = Vec::with_capacity(commits.len());
        let mut unknown = Vec::new();
        for (index, commit) in commits.iter().enumerate() {
            match Encoded::new(board, commit) {
                Ok(commit) => encoded.push(commit),
                Err(error) => unknown.push((index, error)),
            }
        }
        let mut results = if encoded.is_empty() {
            Vec::new()
        } else {
            self.submit(board, encoded)
        };
        for (index, error) in unknown {
            results.insert(index, Err(error.into()));
        }
        results
    }

    fn submit(&self, board: &Board, commits: Vec<Encoded>) -> Results {
        let ticket = Arc::new(Ticket::default());
        let mut queue = self.queue();
        queue.waiting.push_back(Work {
            commits,
            ticket: Arc::clone(&ticket),
        });
        if queue.led {
            drop(queue);
            if let News::Done(results) = ticket.wait() {
                return results;
            }
        } else {
            queue.led = true;
            drop(queue);
        }
        self.lead(board);
        match ticket.wait() {
            News::Done(results) => results,
            News::Lead => unreachable!("who has led is told what became of its commits"),
        }
    }

    /// Writes what waits, passes the lead on, and then tells everyone.
    fn lead(&self, board: &Board) {
        let mut work = Vec::new();
        let results = {
            let _lead = Lead(self);
            self.write_waiting(board, &mut work)
        };
        for (work, results) in work.into_iter().zip(results) {
            work.tell(results);
        }
    }

    fn write_waiting(&self, board: &Board, work: &mut Vec<Work>) -> Vec<Results> {
        let writer = board.writer();
        let began = begin(&writer);
        let mut written = Ok(Vec::new());
        let mut size = 0;
        while let Some(next) = self.next(size) {
            size += next.commits.len();
            if let (Ok(()), Ok(results)) = (&began, &mut written) {
                match next.write(&writer) {
                    Ok(more) => results.push(more),
                    Err(error) => written = Err(error),
                }
            }
            work.push(next);
        }
        if let Err(error) = began {
            return all_failed(&board.fault(error), work);
        }
        board.keep_room(&writer);
        let written = written.and_then(|results| commit(&writer).map(|()| results));
        board.look_at_room();
        let results = written.unwrap_or_else(|error| {
            undo(&writer);
            if size == 1 {
                all_failed(&board.fault(error), work)
            } else {
                work.iter()
                    .map(|work| write_alone(board, &writer, &work.commits))
                    .collect()
            }
        });
        match board.must_be_there() {
            Ok(()) => results,
            Err(gone) => all_failed(&gone, work),
        }
    }

    /// The next in the queue, unless the transaction has `size` commits and that is enough.
    fn next(&self, size: usize) -> Option<Work> {
        for _ in 0..=YIELDS {
            let mut queue = self.queue();
            if let Some(first) = queue.waiting.front() {
                let fits = size == 0 || size + first.commits.len() <= COMMITS_PER_TRANSACTION;
                return if fits {
                    queue.waiting.pop_front()
                } else {
                    queue.last = size;
                    None
                };
            }
            if size >= queue.last {
                break;
            }
            drop(queue);
            std::thread::yield_now();
        }
        self.queue().last = size;
        None
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Being the leader. Passed on when it is over, also by a panic.
struct Lead<'a>(&'a GroupCommit);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        match queue.waiting.front() {
            Some(next) => next.ticket.tell(News::Lead),
            None => queue.led = false,
        }
    }
}

impl Ticket {
    fn tell(&self, news: News) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.news = Some(news);
        if slot.waited_for {
            self.told.notify_one();
        }
    }

    fn wait(&self) -> News {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(news) = slot.news.take() {
                slot.waited_for = false;
                return news;
            }
            slot.waited_for = true;
            slot = self.told.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Encoded {
    pub(super) fn new(board: &Board, commit: &Commit<'_>) -> Result<Self, StoreError> {
        let run = commit.run;
        let number = match board.remembered(run) {
            Some(number) => number,
            None => board.read(|reader| board.number(reader, run))?,
        };
        let row = &commit.changes.run;
        let mut update = encode::run(row);
        update.extend([
            number.into(),
            encode::number(commit.expected_version),
            encode::number(commit.owner.fence),
            // What was done for an ended run can be noted, and nothing else.
            if commit.changes.only_acknowledges() {
                i64::MAX
            } else {
                codes::SUCCEEDED
            }
            .into(),
        ]);
        let mut statements = Vec::new();
        encode::changes(number, commit.changes, |statement| {
            statements.push(statement);
            Ok::<(), StoreError>(())
        })?;
        Ok(Self {
            run,
            number,
            expected_version: commit.expected_version,
            fence: commit.owner.fence,
            update,
            statements,
        })
    }

    /// Writes the commit into the open transaction, if it fits.
    fn write(&self, writer: &Connection) -> rusqlite::Result<Result<(), CommitError>> {
        let updated = writer
            .prepare_cached(encode::RUN_UPDATE)?
            .execute(params_from_iter(&self.update))?;
        if updated == 0 {
            return self.refused(writer).map(Err);
        }
        self.write_rows(writer).map(Ok)
    }

    /// Writes all of it, whatever is there.
    pub(super) fn write_unchecked(&self, writer: &Connection) -> rusqlite::Result<()> {
        writer
            .prepare_cached(encode::RUN_UPDATE)?
            .execute(params_from_iter(&self.update))?;
        self.write_rows(writer)
    }

    fn write_rows(&self, writer: &Connection) -> rusqlite::Result<()> {
        for statement in &self.statements {
            statement.execute(writer)?;
        }
        Ok(())
    }

    /// Why the run's row was not the expected one.
    fn refused(&self, writer: &Connection) -> rusqlite::Result<CommitError> {
        let found = writer
            .prepare_cached("SELECT version, fence, state FROM run WHERE run=?1")?
            .query_row([self.number], |row| {
                Ok((
                    decode::number(row, 0)?,
                    decode::number(row, 1)?,
                    row.get::<_, i64>(2)?,
                ))
            })
            .optional()?;
        let run = self.run;
        Ok(match found {
            None => StoreError::NoRun(run).into(),
            Some((_, _, state)) if state >= codes::SUCCEEDED => CommitError::Ended(run),
            Some((_, fence, _)) if fence != self.fence => CommitError::NotOwner(run),
            Some((found_version, _, _)) => CommitError::Conflict {
                run,
                expected_version: self.expected_version,
                found_version,
            },
        })
    }
}

/// Writes each commit in a transaction of its own.
fn write_alone(board: &Board, writer: &Connection, commits: &[Encoded]) -> Results {
    commits
        .iter()
        .map(|each| {
            let written = begin(writer)
                .and_then(|()| each.write(writer))
                .and_then(|result| commit(writer).map(|()| result));
            written.unwrap_or_else(|error| {
                undo(writer);
                Err(board.stopped(Stop::Sql(error)).into())
            })
        })
        .collect()
}

fn all_failed(error: &StoreError, work: &[Work]) -> Vec<Results> {
    let failed = |work: &Work| {
        let errors = std::iter::repeat_n(error.clone(), work.commits.len());
        errors.map(|error| Err(error.into())).collect()
    };
    work.iter().map(failed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::sample;
    use crate::board::{NewRun, Store as _};
    use crate::owner::process::this_process;
    use crate::sqlite::SqliteStore;
    use model::time::Timestamp;

    #[test]
    fn a_commit_that_fails_for_itself_holds_up_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("board.sqlite")).unwrap();
        let mut clients = sample(3, 1);
        clients[1].then[0].tasks[0].note = Some("x".repeat(4 << 20).into());
        let owner = &this_process(0, Timestamp(0)).unwrap();
        let tokens: Vec<_> = clients
            .iter()
            .map(|client| {
                let (head, changes) = (&client.head, &client.first);
                let new = NewRun {
                    head,
                    changes,
                    owner,
                };
                store.run_create(&new).unwrap()
            })
            .collect();
        // Room for the small commits and not for the large one.
        let pages = "PRAGMA max_page_count = 200";
        let set: i64 = store
            .board
            .writer()
            .query_row(pages, [], |row| row.get(0))
            .unwrap();
        assert_eq!(set, 200);
        let commits: Vec<_> = clients
            .iter()
            .zip(&tokens)
            .map(|(client, owner)| Commit {
                run: client.head.id,
                expected_version: 1,
                owner,
                changes: &client.then[0],
            })
            .collect();
        let results = store.run_commit(&commits);
        assert!(results[0].is_ok() && results[2].is_ok());
        assert!(matches!(
            results[1],
            Err(CommitError::Store(StoreError::Full { .. }))
        ));
        let versions = clients.iter().map(|client| {
            let summary = store.run_fetch(client.head.id).unwrap().unwrap();
            summary.row.version
        });
        assert_eq!(versions.collect::<Vec<_>>(), [2, 1, 2]);
    }
}
