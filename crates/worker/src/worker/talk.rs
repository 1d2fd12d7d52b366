//! What is said to the board and what it answers.

use super::{Output, Pending, RESEND_MS, Worker};
use api::protocol::{RENEW_MS, Reply, ReplyBody, Request, RequestBody, VERSION};
use model::ids::{AttemptId, Token};
use model::time::Timestamp;

impl Worker {
    pub(super) fn send(&mut self, body: RequestBody, now: Timestamp) -> u64 {
        self.number += 1;
        let number = self.number;
        let worker = self.options.id.clone();
        let request = Request {
            version: VERSION,
            worker,
            number,
            body,
        };
        self.pending.insert(
            number,
            Pending {
                request: request.clone(),
                sent_at: now,
            },
        );
        self.out.push(Output::Send(request));
        number
    }

    pub(super) fn reply(&mut self, reply: Reply, now: Timestamp) {
        if reply.number <= self.void_until {
            return;
        }
        self.heard_at = now;
        for (id, token) in reply.stop {
            self.stop(id, token, now);
        }
        let Some(pending) = self.pending.remove(&reply.number) else {
            // Late or doubled, or of another process than the answer that came first: what is new in it counts.
            if let ReplyBody::Leased(work) | ReplyBody::Reported { next: work, .. } = reply.body {
                self.take(work, now);
            }
            return;
        };
        if self.wish.is_some_and(|(number, _)| number == reply.number) {
            self.wish = None;
        }
        match reply.body {
            ReplyBody::Leased(work) => self.take(work, now),
            ReplyBody::Renewed { lost } => {
                for (id, token) in lost {
                    self.lose(id, token, now);
                }
            }
            ReplyBody::Appended { kept } => self.appended(&pending.request, kept, now),
            ReplyBody::Keyed(answer) => self.key_answered(&pending.request, answer, now),
            ReplyBody::Reported { refused: _, next } => {
                self.reported(&pending.request);
                self.take(next, now);
            }
            ReplyBody::Unavailable { .. } => {
                // Asked again when its time has come.
                let number = pending.request.number;
                self.pending.insert(
                    number,
                    Pending {
                        sent_at: now,
                        ..pending
                    },
                );
            }
        }
    }

    pub(super) fn renew(&mut self, now: Timestamp) {
        self.renew_at = now.plus_ms(RENEW_MS);
        let under_way = self.pending.values().any(|pending| {
            matches!(pending.request.body, RequestBody::Renew { .. }) && pending.sent_at == now
        });
        if under_way {
            return;
        }
        let mut holds: Vec<(AttemptId, Token, bool)> = Vec::new();
        for attempt in self.attempts.values_mut().filter(|attempt| !attempt.lost) {
            attempt.told_started |= attempt.started_at.is_some();
            holds.push((
                attempt.work.id,
                attempt.work.token,
                attempt.started_at.is_some(),
            ));
        }
        holds.extend(self.backlog.iter().map(|work| (work.id, work.token, false)));
        self.send(RequestBody::Renew { holds }, now);
    }

    /// A wish waits until there is work; everything else is answered at once.
    pub(super) fn patience(&self, pending: &Pending) -> u64 {
        match pending.request.body {
            RequestBody::Lease(_) => RENEW_MS,
            RequestBody::Renew { .. }
            | RequestBody::Append(_)
            | RequestBody::Key { .. }
            | RequestBody::Report { .. } => RESEND_MS,
        }
    }
}
