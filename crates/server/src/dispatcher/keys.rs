//! Keys of attempts: looked up on the board, judged by the run's machine, answered when that is durable.
//!
//! What is found is taken as put just now before the machine hears of it, so that no sweep removes it before the
//! attempt's row names it. From then on the row keeps it until the attempt has ended.

use super::requests::fenced;
use super::{AnswerKind, Dispatcher, Fatal};
use api::protocol::KeyAnswer;
use engine::event::{Content, Event, Found, Rejected, Told};
use engine::rows::{Keyed, ReuseKey};
use model::ids::{AttemptId, Token, WorkerId};
use model::time::Timestamp;

impl Dispatcher {
    pub(super) fn key(
        &mut self,
        worker: &WorkerId,
        (id, token): (AttemptId, Token),
        key: ReuseKey,
        now: Timestamp,
    ) -> Result<AnswerKind, Fatal> {
        let of = (id, token);
        if !self.holds(worker, id, token) {
            let refused = Some(fenced(of));
            return Ok(AnswerKind::Keyed { of, refused });
        }
        let told = Told {
            worker: worker.clone(),
            task: id.task,
            attempt: id.attempt,
            token,
            key,
            found: self.find(id, key)?,
        };
        let refused = self.handle(id.run, Event::Keyed(told), now);
        Ok(AnswerKind::Keyed { of, refused })
    }

    /// The newest result under a key, for a run that takes any and an attempt that was not answered before.
    fn find(&self, id: AttemptId, key: ReuseKey) -> Result<Option<Found>, Fatal> {
        let machine = self.machine(id.run).filter(|_| self.keyed(id).is_none());
        if !machine.is_some_and(engine::machine::Machine::takes_results) {
            return Ok(None);
        }
        let Some(result) = self.parts.store.reuse_find(key)? else {
            return Ok(None);
        };
        let mut content = Content::Kept;
        for artifact in &result.artifacts {
            if !self.parts.blobs.renew(&artifact.digest)? {
                content = Content::Gone;
            }
        }
        Ok(Some(Found { result, content }))
    }

    fn keyed(&self, id: AttemptId) -> Option<&Keyed> {
        self.machine(id.run)?
            .live_attempt(id.task)?
            .keyed
            .as_deref()
    }

    /// What the worker is told, by what is on the board.
    pub(super) fn key_answer(
        &self,
        (id, token): (AttemptId, Token),
        refused: Option<Rejected>,
    ) -> KeyAnswer {
        if let Some(refused) = refused {
            return KeyAnswer::Refused(refused);
        }
        let machine = self.machine(id.run);
        let live = machine.and_then(|machine| machine.live_attempt(id.task));
        if live.is_none_or(|live| (live.attempt, live.token) != (id.attempt, token)) {
            // It has ended with the same batch.
            return KeyAnswer::Refused(fenced((id, token)));
        }
        match self.keyed(id).and_then(|keyed| keyed.found.as_ref()) {
            Some(found) => KeyAnswer::Reuse {
                from: found.run,
                artifacts: found.artifacts.clone(),
            },
            None => KeyAnswer::Run,
        }
    }
}
