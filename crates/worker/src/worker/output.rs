//! From a command's pipe to the board: in pieces, acknowledged, bounded.

use super::attempt::{Attempt, Phase, failed};
use super::services::PROBES;
use super::{FLUSH_MS, Output, Worker};
use crate::mask::TooManyMasks;
use crate::site::{Site, Trouble};
use api::protocol::{Append, Chunk, Request, RequestBody, Stream};
use engine::rows::AttemptResult;
use exec::StepRef;
use model::ids::AttemptId;
use model::reason::FailureKind;
use model::time::Timestamp;
use std::sync::Arc;

/// So much output is told at once without waiting for more.
const FLUSH_BYTES: usize = 64 * 1024;

impl Worker {
    pub(super) fn output(
        &mut self,
        step: StepRef,
        stream: exec::Stream,
        bytes: Vec<u8>,
        now: Timestamp,
    ) {
        let known = self.commands.get(&step).copied();
        if let Some((id, index)) = known.filter(|(_, index)| *index >= PROBES) {
            return self.probe_output(id, step, index, &bytes);
        }
        let wanted = known.and_then(|(id, index)| Some((id, index, self.attempts.get_mut(&id)?)));
        let Some((id, index, attempt)) = wanted.filter(|(_, _, attempt)| !attempt.lost) else {
            return self.out.push(Output::Taken(step, bytes.len()));
        };
        if attempt.muted {
            attempt.missing_bytes += bytes.len() as u64;
            return self.out.push(Output::Taken(step, bytes.len()));
        }
        let told = attempt.sent_bytes + attempt.unsent_bytes as u64;
        let room = self.log_bytes.saturating_sub(told);
        if room < bytes.len() as u64 {
            attempt.missing_bytes += bytes.len() as u64;
            self.out.push(Output::Taken(step, bytes.len()));
            let most = self.log_bytes;
            let message = format!(
                "its log is larger than the {most} bytes that are kept of one attempt; write what is large into an artifact"
            );
            return self.mute(id, message, now);
        }
        let stream = match stream {
            exec::Stream::Stdout => Stream::Stdout,
            exec::Stream::Stderr => Stream::Stderr,
        };
        if let Err(error) = attempt.look_for_masks(&*self.site, index) {
            attempt.missing_bytes += bytes.len() as u64;
            self.out.push(Output::Taken(step, bytes.len()));
            return self.mute(id, error.to_string(), now);
        }
        attempt.under_way.push_back((step, bytes.len()));
        let held = attempt.held.entry((index, stream)).or_default();
        let shown = attempt.masks.piece(held, bytes);
        attempt.put(index, stream, shown, now);
        if attempt.unsent_bytes >= FLUSH_BYTES && !attempt.append_pending {
            self.flush(id, now);
        } else {
            self.flush_later(id, now);
        }
    }

    /// No process writes any more what a command, which may have ended long ago, left behind to write.
    pub(super) fn output_ended(&mut self, step: StepRef, now: Timestamp) {
        let Some((id, index)) = self.commands.get(&step).copied() else {
            return;
        };
        self.show_held(id, index, now);
        let runs = self.attempts.get(&id).is_some_and(|attempt| {
            let command = attempt.command.as_ref();
            command.is_some_and(|command| command.id == step) || attempt.services.runs(step)
        });
        if !runs {
            self.commands.remove(&step);
        }
    }

    /// Shows what was held back of a command that has ended.
    pub(super) fn show_held(&mut self, id: AttemptId, index: u32, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if !attempt.muted
            && let Err(error) = attempt.look_for_masks(&*self.site, index)
        {
            // Of a command that has just ended it is said by what it wrote.
            if attempt.command.is_some() {
                return self.mute(id, error.to_string(), now);
            }
            attempt.muted = true;
        }
        if attempt.muted {
            attempt.held.retain(|(of, _), _| *of != index);
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some(mut held) = attempt.held.remove(&(index, stream)) {
                let shown = attempt.masks.rest(&mut held);
                attempt.put(index, stream, shown, now);
            }
        }
        if !attempt.unsent.is_empty() {
            self.flush_later(id, now);
        }
    }

    /// Fails an attempt that has passed a bound of its log. Nothing more of what it prints is kept: it would have gaps, or
    /// show what was to be hidden.
    pub(super) fn mute(&mut self, id: AttemptId, message: String, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.muted = true;
        let held = std::mem::take(&mut attempt.held);
        attempt.missing_bytes += held.values().map(|held| held.len() as u64).sum::<u64>();
        if attempt.phase == Phase::Running {
            return self.cannot_go_on(id, FailureKind::User, message, now);
        }
        if attempt.result == Some(AttemptResult::Succeeded) {
            attempt.result = Some(failed(
                Trouble::User(message.clone()),
                FailureKind::InfraAfterStart,
            ));
        }
        self.remark(id, &message, now);
    }

    /// A line of the worker's own in the attempt's log.
    pub(super) fn remark(&mut self, id: AttemptId, text: &str, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let text = attempt.masks.text(text);
        let bytes = format!("formic: {text}\n").into_bytes();
        attempt.unsent_bytes += bytes.len();
        let step = attempt.commands.saturating_sub(1);
        attempt.unsent.push(Chunk {
            step,
            stream: Stream::System,
            at: now,
            bytes,
        });
        self.flush_later(id, now);
    }

    pub(super) fn flush_later(&mut self, id: AttemptId, now: Timestamp) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.flush_at.get_or_insert(now.plus_ms(FLUSH_MS));
        }
    }

    /// Tells the board what has come, one message at a time.
    pub(super) fn flush(&mut self, id: AttemptId, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.append_pending {
            return;
        }
        attempt.flush_at = None;
        if attempt.lost {
            attempt.unsent.clear();
            attempt.unsent_bytes = 0;
        }
        if attempt.unsent.is_empty() {
            // All that came is held back as what may become a hidden text. That is bounded by the text.
            for (step, size) in attempt.under_way.drain(..) {
                self.out.push(Output::Taken(step, size));
            }
            attempt.told = 0;
            return;
        }
        let chunks = std::mem::take(&mut attempt.unsent);
        let offset = attempt.sent_bytes;
        attempt.sent_bytes += attempt.unsent_bytes as u64;
        attempt.unsent_bytes = 0;
        attempt.append_pending = true;
        attempt.told = attempt.under_way.len();
        let work = Arc::clone(&attempt.work);
        self.out
            .push(Output::Show(id, work.clone(), chunks.clone()));
        self.send(
            RequestBody::Append(Append {
                id,
                token: work.token,
                offset,
                chunks,
            }),
            now,
        );
    }

    /// The board has the output of `request`: the commands may write more.
    pub(super) fn appended(&mut self, request: &Request, kept: u64, now: Timestamp) {
        let RequestBody::Append(append) = &request.body else {
            return;
        };
        let Some(attempt) = self.attempts.get_mut(&append.id) else {
            return;
        };
        attempt.append_pending = false;
        let end = append.offset
            + append
                .chunks
                .iter()
                .map(|chunk| chunk.bytes.len() as u64)
                .sum::<u64>();
        if kept < end {
            // The board lost what came before: there is no way to get it back, so it is counted.
            attempt.missing_bytes += end - kept;
        }
        for (step, size) in attempt.under_way.drain(..attempt.told) {
            self.out.push(Output::Taken(step, size));
        }
        attempt.told = 0;
        let phase = attempt.phase;
        let more = !attempt.unsent.is_empty();
        if phase == Phase::Flushing {
            self.flush_or_report(append.id, now);
        } else if more {
            self.flush_later(append.id, now);
        }
    }
}

impl Attempt {
    /// Takes in what a command has asked to hide by now.
    fn look_for_masks(&mut self, site: &dyn Site, index: u32) -> Result<(), TooManyMasks> {
        let Some(place) = &self.place else {
            return Ok(());
        };
        let seen = self.masks_seen.entry(index).or_default();
        self.masks.add(site.masks(place, index, seen))
    }

    /// Adds output to what the board will be told.
    fn put(&mut self, step: u32, stream: Stream, bytes: Vec<u8>, now: Timestamp) {
        if bytes.is_empty() {
            return;
        }
        self.services.saw(step, &bytes);
        self.unsent_bytes += bytes.len();
        match self.unsent.last_mut() {
            Some(last) if last.step == step && last.stream == stream && last.at == now => {
                last.bytes.extend_from_slice(&bytes);
            }
            Some(_) | None => self.unsent.push(Chunk {
                step,
                stream,
                at: now,
                bytes,
            }),
        }
    }
}

/// Whether a request is to keep output of an attempt, or to know what stands for it.
pub(super) fn speaks_of(request: &Request, id: AttemptId) -> bool {
    match &request.body {
        RequestBody::Append(append) => append.id == id,
        RequestBody::Key { id: of, .. } => *of == id,
        RequestBody::Lease(_) | RequestBody::Renew { .. } | RequestBody::Report { .. } => false,
    }
}
