//! The end of an attempt: what it gives is decided and collected, its output told, its end reported.

use super::attempt::{Attempt, Phase, failed};
use super::given::{Ended, Given, with_digests};
use super::looking::Question;
use super::{Output, Worker};
use crate::mask::Masks;
use crate::site::{Collected, Held, Prepared, Site, Trouble, Wanted, WantedArtifact};
use api::protocol::{Request, RequestBody, Wish};
use engine::rows::{AttemptEnd, AttemptResult};
use model::ids::AttemptId;
use model::limits;
use model::reason::FailureKind;
use model::time::Timestamp;

impl Worker {
    /// No process of the attempt lives any more: decides what it gives.
    pub(super) fn cleared(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        if attempt.lost {
            return self.forget(id);
        }
        let given_up = attempt.gave_up(now);
        let Some(steps) = &mut attempt.steps else {
            return self.gives_nothing(id, now);
        };
        attempt.phase = Phase::Collecting;
        let ended = Ended::new(&attempt.work, attempt.result.as_ref());
        let known = attempt.known.take();
        if (attempt.looks_aside || known.is_some()) && !given_up {
            return self.look(id, Question::Given(ended, known));
        }
        let mut given = Given::of(steps, ended);
        given.moved = known.is_some();
        self.gives(id, given, now);
    }

    /// It is decided what the attempt gives: collects that.
    pub(super) fn gives(&mut self, id: AttemptId, given: Given, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let files = given.files.clone();
        attempt.given = given;
        let hidden = attempt.given.hide(&attempt.masks);
        for name in hidden {
            let text = format!(
                "output `{name}` holds a text that `$FORMIC_MASK` hides; it is `***` there, for the tasks behind too"
            );
            self.remark(id, &text, now);
        }
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let files = match files {
            Ok(files) => files,
            Err(message) => {
                attempt.result = Some(failed(Trouble::User(message), FailureKind::User));
                return self.gives_nothing(id, now);
            }
        };
        let Some(place) = &attempt.place else {
            return self.gives_nothing(id, now);
        };
        match wanted(attempt, files, place, &*self.site) {
            Some(wanted) => {
                let place = Box::new(place.clone());
                self.out.push(Output::Collect(id, place, Box::new(wanted)));
            }
            None => self.gives_nothing(id, now),
        }
    }

    /// There is nothing to collect.
    pub(super) fn gives_nothing(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        attempt.phase = Phase::Flushing;
        self.flush_or_report(id, now);
    }

    pub(super) fn collected(
        &mut self,
        id: AttemptId,
        result: Result<Collected, Trouble>,
        now: Timestamp,
    ) {
        if !self.in_phase(id, Phase::Collecting) {
            return;
        }
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
        if attempt.lost {
            return self.forget(id);
        }
        attempt.phase = Phase::Flushing;
        match result {
            Ok(collected) => {
                let remarks = collected.remarks.clone();
                attempt.brought = collected;
                for remark in remarks {
                    self.remark(id, &remark, now);
                }
            }
            Err(trouble) => {
                let (Trouble::User(message) | Trouble::Platform(message)) = &trouble;
                let message = message.clone();
                if attempt.result == Some(AttemptResult::Succeeded) {
                    attempt.result = Some(failed(trouble, FailureKind::InfraAfterStart));
                }
                self.remark(id, &message, now);
            }
        }
        self.flush_or_report(id, now);
    }

    /// Tells the rest of the output, then the end.
    pub(super) fn flush_or_report(&mut self, id: AttemptId, now: Timestamp) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        if attempt.append_pending {
            return;
        }
        if attempt.unsent.is_empty() {
            self.report(id, now);
        } else {
            self.flush(id, now);
        }
    }

    fn report(&mut self, id: AttemptId, now: Timestamp) {
        let mut end = self.end_of(id, now);
        // A value that does not fit is said in the log, which then has to be told first.
        if self
            .attempts
            .get(&id)
            .is_some_and(|attempt| !attempt.unsent.is_empty())
        {
            return self.flush(id, now);
        }
        let then = self.wish_after(id);
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        for label in end.steps.iter_mut().filter_map(|step| step.label.as_mut()) {
            let shown = shown_label(label, &attempt.masks);
            if let AttemptResult::Failed { message, .. } = &mut end.result
                && label.chars().count() > limits::LABEL_CHARS
            {
                *message = message.replace(&*label, &shown);
            }
            *label = shown;
        }
        if let AttemptResult::Failed { message, .. } = &mut end.result {
            *message = attempt.masks.text(message);
        }
        attempt.phase = Phase::Reporting;
        let (token, missing_log_bytes) = (attempt.work.token, attempt.missing_bytes);
        let end = Box::new(end);
        self.send(
            RequestBody::Report {
                id,
                token,
                end,
                missing_log_bytes,
                then,
            },
            now,
        );
    }

    /// A wish for the slot that the report frees.
    fn wish_after(&self, id: AttemptId) -> Option<Wish> {
        if self.leaving || self.broken || !self.backlog.is_empty() {
            return None;
        }
        let free = self.free_resources(Some(id));
        Some(Wish {
            max: 1,
            free,
            labels: self.options.labels.clone(),
        })
    }

    fn end_of(&mut self, id: AttemptId, now: Timestamp) -> AttemptEnd {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let mut end = AttemptEnd::bare(attempt.result.clone().expect("its steps are over"));
        end.usage = attempt.usage;
        end.artifacts.clone_from(&attempt.brought.artifacts);
        end.summary = attempt.brought.summary;
        end.moved = attempt.work.keyed && attempt.given.moved;
        let Some(steps) = &attempt.steps else {
            return end;
        };
        let services = attempt.services.results();
        end.steps = services.chain(steps.results().iter().cloned()).collect();
        if end.result != AttemptResult::Succeeded {
            end.outputs.clone_from(&attempt.given.outputs_of_failed);
            return end;
        }
        let outputs = attempt.given.outputs.clone();
        let outputs =
            outputs.and_then(|outputs| with_digests(&attempt.work, outputs, &end.artifacts));
        match outputs {
            Ok(outputs) => {
                end.outputs = outputs;
                end.generated = attempt.brought.generated;
            }
            Err(message) => {
                let trouble = Trouble::User(message.clone());
                end.result = failed(trouble, FailureKind::User);
                attempt.result = Some(end.result.clone());
                self.remark(id, &message, now);
            }
        }
        end
    }

    /// The board has the end: the slot is free.
    pub(super) fn reported(&mut self, request: &Request) {
        if let RequestBody::Report { id, .. } = &request.body {
            self.forget(*id);
        }
    }
}

/// A label as documents and messages have it: what is hidden is out of it before it is cut, so that no beginning of it
/// stays at the cut.
fn shown_label(label: &str, masks: &Masks) -> String {
    let mut shown = masks.text(label);
    if let Some((end, _)) = shown.char_indices().nth(limits::LABEL_CHARS) {
        shown.truncate(end);
    }
    shown
}

/// What is to be collected; `None` when that is nothing.
fn wanted(
    attempt: &Attempt,
    (artifacts, generates): (Vec<WantedArtifact>, Option<String>),
    place: &Prepared,
    site: &dyn Site,
) -> Option<Wanted> {
    let is_watched = place.held.iter().any(Held::is_read_only);
    if !attempt.work.publish {
        return is_watched.then(Wanted::default);
    }
    let (steps, hidden) = (attempt.commands, attempt.masks.texts());
    let nothing = artifacts.is_empty()
        && generates.is_none()
        && !site.has_summary(place, steps)
        && !is_watched;
    (!nothing).then_some(Wanted {
        artifacts,
        generates,
        steps,
        hidden,
    })
}
