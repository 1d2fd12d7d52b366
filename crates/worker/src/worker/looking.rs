//! Decisions of the steps that need files: made aside, on a copy of the step machine, so that a slow disk or a large
//! tree holds up neither heartbeats nor output nor other slots.
//!
//! Rules
//! - A decision counts as if it had been made here at the moment when it comes back. When something happens that the
//!   steps have to know (a stop, a service that failed), the copy is given up and the machine asked anew.
//! - After a stop the steps may look at files until the attempt is given up; from then on nothing waits for any.
//! - What nobody waits for any more comes to an early end by itself ([`CutShort`]).
//!
//! Only attempts whose expressions ask for files take this way; for others a step begins without any detour.

use super::attempt::{Phase, failed};
use super::given::{Ended, Given};
use super::keying::Known;
use super::services::PROBES;
use super::{Output, Worker};
use crate::listing::CutShort;
use crate::site::Trouble;
use engine::rows::{AttemptResult, ReuseKey};
use engine::steps::{Next, PlannedService, StepMachine, Stop};
use model::ids::AttemptId;
use model::reason::FailureKind;
use model::time::Timestamp;
use std::collections::BTreeMap;

/// Which decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookRef {
    attempt: AttemptId,
    /// Numbered over all attempts.
    number: u64,
}

/// A decision to be made with the files of the source at hand.
#[derive(Debug)]
pub struct Look {
    steps: StepMachine,
    question: Question,
}

/// A decision that was made.
#[derive(Debug)]
pub struct Looked {
    steps: StepMachine,
    answer: Answer,
}

/// What the steps are asked.
#[derive(Debug)]
pub(super) enum Question {
    /// What comes next.
    Next,
    /// What runs beside them, with these free ports.
    Services(Vec<u16>),
    /// What the attempt gives, having ended so; and whether its key still holds.
    Given(Ended, Option<Known>),
    /// Under which key its result is found, at a place where this decides what commands do.
    Key(BTreeMap<String, String>),
}

#[derive(Debug)]
enum Answer {
    Next(Next),
    Services(Result<Vec<PlannedService>, String>),
    Given(Given),
    Key(Result<Option<ReuseKey>, String>),
}

/// A decision that is awaited. Whoever makes it is told when this is dropped.
#[derive(Debug)]
pub(super) struct Looking {
    number: u64,
    cut_short: CutShort,
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.cut_short.now();
    }
}

impl Look {
    /// Makes the decision. Reads files: not to be called where others would wait for it.
    #[must_use]
    pub fn make(self) -> Looked {
        let Self {
            mut steps,
            question,
        } = self;
        let answer = match question {
            Question::Next => Answer::Next(steps.advance()),
            Question::Services(ports) => Answer::Services(steps.services(&ports, PROBES)),
            Question::Key(around) => Answer::Key(steps.reuse_key(around)),
            Question::Given(ended, known) => {
                let mut given = Given::of(&mut steps, ended);
                given.moved = known.is_some_and(|known| !known.holds(&steps));
                Answer::Given(given)
            }
        };
        Looked { steps, answer }
    }
}

impl Worker {
    /// Has a decision made aside; whatever was awaited is not any more.
    pub(super) fn look(&mut self, id: AttemptId, question: Question) {
        self.looks += 1;
        let number = self.looks;
        let cut_short = CutShort::default();
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let place = attempt.place.as_ref().expect("it has steps");
        let listing = self.site.listing(place, &cut_short);
        let steps = attempt.steps.clone().expect("it has steps");
        let steps = steps.with_listing(listing);
        attempt.looking = Some(Looking { number, cut_short });
        let reference = LookRef {
            attempt: id,
            number,
        };
        let look = Box::new(Look { steps, question });
        self.out.push(Output::Look(reference, look));
    }

    pub(super) fn looked(
        &mut self,
        reference: LookRef,
        result: Result<Box<Looked>, Trouble>,
        now: Timestamp,
    ) {
        let id = reference.attempt;
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let awaited = attempt.looking.as_ref().map(|looking| looking.number);
        if awaited != Some(reference.number) {
            return;
        }
        attempt.looking = None;
        let Looked { steps, answer } = match result {
            Ok(looked) => *looked,
            Err(trouble) => return self.look_failed(id, trouble, now),
        };
        attempt.steps = Some(steps.with_listing(None));
        match answer {
            Answer::Next(next) => {
                if self.take_turn(id, next, now).is_continue() {
                    self.advance(id, now);
                }
            }
            Answer::Services(planned) => {
                self.services_planned(id, planned.map_err(Trouble::User), now);
            }
            Answer::Key(key) => self.key_made(id, key, now),
            Answer::Given(given) => self.gives(id, given, now),
        }
    }

    /// The decision was not made because of a bug: the attempt comes to its end without asking its steps again.
    fn look_failed(&mut self, id: AttemptId, trouble: Trouble, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        attempt.result = Some(failed(trouble, FailureKind::InfraAfterStart));
        if attempt.phase == Phase::Running {
            self.clear(id, now);
        } else {
            self.gives_nothing(id, now);
        }
    }

    /// Something has happened that the steps have to know.
    pub(super) fn look_again(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get(&id);
        if attempt.is_some_and(super::attempt::Attempt::is_looking) {
            self.advance(id, now);
        }
    }

    /// Waits no longer when the attempt is given up.
    pub(super) fn fire_look(&mut self, id: AttemptId, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.looking.is_none() || !attempt.gave_up(now) {
            return;
        }
        if attempt.phase == Phase::Running {
            return self.advance(id, now);
        }
        attempt.looking = None;
        if attempt.result == Some(AttemptResult::Succeeded) {
            attempt.result = Some(match attempt.stopping {
                Some(Stop::Interrupted) => AttemptResult::Interrupted,
                Some(Stop::Asked) | None => AttemptResult::Stopped,
            });
        }
        self.gives_nothing(id, now);
    }
}
