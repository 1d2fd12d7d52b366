//! The end of an attempt: what it gives is collected, its output told, its end reported.

use super::attempt::{Phase, failed};
use super::{Output, Worker};
use crate::site::{Collected, Held, Site, Trouble, Wanted, WantedArtifact};
use api::protocol::{Request, RequestBody, Wish};
use engine::rows::{AttemptEnd, AttemptResult, OutputValue, Outputs};
use engine::work::Work;
use model::Json;
use model::ids::AttemptId;
use model::plan::{ArtifactWhen, Text, ValueType};
use model::reason::FailureKind;
use model::time::Timestamp;

impl Worker {
    /// No process of the attempt lives any more: collects what it gives.
    pub(super) fn cleared(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        if attempt.lost {
            return self.forget(id);
        }
        let wanted = match wanted(attempt, &*self.site) {
            Ok(wanted) => wanted,
            Err(message) => {
                attempt.result = Some(failed(Trouble::User(message), FailureKind::User));
                None
            }
        };
        match (wanted, &attempt.place) {
            (Some(wanted), Some(place)) => {
                let place = Box::new(place.clone());
                attempt.phase = Phase::Collecting;
                self.out.push(Output::Collect(id, place, Box::new(wanted)));
            }
            (None, _) | (_, None) => {
                attempt.phase = Phase::Flushing;
                self.flush_or_report(id, now);
            }
        }
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
        let end = self.end_of(id, now);
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
        let Some(steps) = &mut attempt.steps else {
            return end;
        };
        let services = attempt.services.results();
        end.steps = services.chain(steps.results().iter().cloned()).collect();
        if end.result != AttemptResult::Succeeded {
            // Tasks behind may go on after a failure, with what there is.
            end.outputs = steps.outputs_of_failed();
            return end;
        }
        let outputs = steps.outputs();
        let outputs = outputs.and_then(|outputs| with_digests(&attempt.work, outputs, &end));
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

/// `outputs` with those that are the digests of artifacts.
///
/// # Errors
/// When the artifact was not given, and the output has no default.
fn with_digests(work: &Work, mut outputs: Outputs, end: &AttemptEnd) -> Result<Outputs, String> {
    for (name, declared) in &work.task.outputs {
        // What publishes nothing collects nothing either.
        if declared.value_type != ValueType::Artifact || !work.publish {
            continue;
        }
        let literal = declared.from.as_ref().and_then(Text::literal);
        let of = literal.unwrap_or(name);
        match end.artifacts.iter().find(|artifact| artifact.name == of) {
            Some(artifact) => {
                let value = Json::from(artifact.digest.to_string());
                let tainted = false;
                outputs.insert(name.clone(), OutputValue { value, tainted });
            }
            None if declared.default.is_some() => {}
            None => {
                return Err(format!(
                    "output `{name}` is the digest of artifact `{of}`, and no file of that artifact is there"
                ));
            }
        }
    }
    Ok(outputs)
}

/// What an attempt has to give, by how its steps ended; `None` when that is nothing.
fn wanted(
    attempt: &mut super::attempt::Attempt,
    site: &dyn Site,
) -> Result<Option<Wanted>, String> {
    let succeeded = attempt.result == Some(AttemptResult::Succeeded);
    let failed = matches!(attempt.result, Some(AttemptResult::Failed { .. }));
    let work = std::sync::Arc::clone(&attempt.work);
    let Some(steps) = &mut attempt.steps else {
        return Ok(None);
    };
    let place = attempt.place.as_ref();
    let is_watched = place.is_some_and(|place| place.held.iter().any(Held::is_read_only));
    if !work.publish {
        return Ok(is_watched.then(Wanted::default));
    }
    let mut wanted = Wanted {
        steps: attempt.commands,
        ..Wanted::default()
    };
    for artifact in &work.task.artifacts_out {
        let due = match artifact.when {
            ArtifactWhen::Success => succeeded,
            ArtifactWhen::Failure => failed,
            ArtifactWhen::Always => succeeded || failed,
        };
        if !due {
            continue;
        }
        let mut texts = |texts: &[Text]| {
            texts
                .iter()
                .map(|text| steps.task_text(text))
                .collect::<Result<Vec<_>, _>>()
        };
        wanted.artifacts.push(WantedArtifact {
            name: artifact.name.clone(),
            paths: texts(&artifact.paths)?,
            exclude: texts(&artifact.exclude)?,
            if_missing: artifact.if_missing,
        });
    }
    if let (true, Some(file)) = (succeeded, &work.task.generates) {
        wanted.generates = Some(steps.task_text(file)?);
    }
    let summary = place.is_some_and(|place| site.has_summary(place, attempt.commands));
    let nothing =
        wanted.artifacts.is_empty() && wanted.generates.is_none() && !summary && !is_watched;
    Ok((!nothing).then_some(wanted))
}
