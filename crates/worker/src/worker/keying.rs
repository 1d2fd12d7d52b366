//! Before the first step: whether an earlier result stands for running an attempt.
//!
//! The key is made aside, with the files of the attempt's place at hand. The board answers it with a result or with
//! none. The files of a result are put where the steps would have left them, unless the place is the attempt's own and
//! nobody would see them; then the end is reported. Whatever gets in the way, but for files that cannot be named, the
//! attempt is run: that is always right.
//!
//! In a tree that others write the key is made once more at the end: a result that was made of other files than the key
//! says is given to the tasks behind, and is not found again.
//!
//! Only attempts whose task names its inputs take this way.

use super::attempt::{Phase, failed};
use super::looking::Question;
use super::{Output, Worker};
use crate::listing::CutShort;
use crate::site::Trouble;
use api::protocol::{KeyAnswer, Request, RequestBody};
use engine::rows::{ArtifactRef, AttemptResult, ReuseKey};
use engine::steps::StepMachine;
use model::ids::AttemptId;
use model::reason::FailureKind;
use model::time::Timestamp;
use std::collections::BTreeMap;

/// The key of an attempt that runs in a tree that others see and write.
#[derive(Debug)]
pub(super) struct Known {
    key: ReuseKey,
    around: BTreeMap<String, String>,
}

impl Known {
    /// Whether the files are still those that the key was made of. If not, nobody knows which of them the steps have
    /// read.
    pub(super) fn holds(self, steps: &StepMachine) -> bool {
        steps.anew().reuse_key(self.around) == Ok(Some(self.key))
    }
}

impl Worker {
    /// The place of an attempt is made: asks for what may stand for it, or begins it.
    pub(super) fn ask_for_result(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get(&id).expect("the caller holds it");
        if !attempt.work.keyed || attempt.stopping.is_some() {
            return self.run(id, now);
        }
        let place = attempt.place.as_ref().expect("it is made");
        let around = self.site.surroundings(place, &attempt.work);
        self.look(id, Question::Key(around));
    }

    /// Begins what the attempt runs.
    fn run(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        attempt.looking = None;
        attempt.phase = Phase::Running;
        let place = attempt.place.as_ref().expect("it is made");
        let steps = attempt.steps.take().expect("it is made for the place");
        let listing = self.site.listing(place, &CutShort::default());
        attempt.looks_aside = steps.asks_for_files() && listing.is_some();
        let listing = listing.filter(|_| !attempt.looks_aside);
        attempt.steps = Some(steps.with_listing(listing));
        self.begin_services(id, now);
    }

    /// Its key was made, or it has none.
    pub(super) fn key_made(
        &mut self,
        id: AttemptId,
        key: Result<Option<ReuseKey>, String>,
        now: Timestamp,
    ) {
        match key {
            Ok(Some(key)) => {
                let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
                let place = attempt.place.as_ref().expect("it is made");
                let around = || self.site.surroundings(place, &attempt.work);
                attempt.known = (!place.worktree).then(|| Known {
                    key,
                    around: around(),
                });
                let token = attempt.work.token;
                self.send(RequestBody::Key { id, token, key }, now);
            }
            Ok(None) => self.run(id, now),
            Err(message) => {
                let result = failed(Trouble::User(message), FailureKind::User);
                self.end_unrun(id, result, now);
            }
        }
    }

    /// The board has answered its key.
    pub(super) fn key_answered(&mut self, request: &Request, answer: KeyAnswer, now: Timestamp) {
        let RequestBody::Key { id, token, .. } = request.body else {
            return;
        };
        if !self.in_phase(id, Phase::Keying) || !self.holds(id, token) {
            return;
        }
        match answer {
            KeyAnswer::Run => self.run(id, now),
            KeyAnswer::Refused(_) => self.lose(id, token, now),
            KeyAnswer::Reuse { from: _, artifacts } => self.reuse(id, artifacts, now),
        }
    }

    fn reuse(&mut self, id: AttemptId, artifacts: Vec<ArtifactRef>, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let place = attempt.place.as_ref().expect("it is made");
        if place.worktree || artifacts.is_empty() {
            return self.end_unrun(id, AttemptResult::Reused, now);
        }
        attempt.restoring = true;
        let place = Box::new(place.clone());
        self.out.push(Output::Restore(id, place, artifacts));
    }

    /// The files of its result are in place, or cannot be put there.
    pub(super) fn restored(
        &mut self,
        id: AttemptId,
        result: Result<Vec<String>, Trouble>,
        now: Timestamp,
    ) {
        if !self.in_phase(id, Phase::Keying) {
            return;
        }
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
        attempt.restoring = false;
        if attempt.lost {
            return self.forget(id);
        }
        let stops = attempt.stopping.is_some();
        match result {
            Ok(remarks) => {
                for remark in remarks {
                    self.remark(id, &remark, now);
                }
                if stops {
                    self.run(id, now);
                } else {
                    self.end_unrun(id, AttemptResult::Reused, now);
                }
            }
            Err(Trouble::User(message) | Trouble::Platform(message)) => {
                let text = format!("an earlier result is not reused: {message}");
                self.remark(id, &text, now);
                self.run(id, now);
            }
        }
    }

    /// Somebody wants the attempt to stop: its steps decide what that means, as for any other.
    pub(super) fn stop_keying(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get(&id);
        let waits = attempt.is_some_and(|attempt| {
            attempt.phase == Phase::Keying && !attempt.restoring && !attempt.lost
        });
        if waits {
            self.run(id, now);
        }
    }

    fn end_unrun(&mut self, id: AttemptId, result: AttemptResult, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        attempt.result = Some(result);
        self.gives_nothing(id, now);
    }
}
