//! Faults of the way between workers and processes: what they are told.

use super::Fault;
use crate::wire::Wire;
use api::protocol::{Reply, ReplyBody, Request, RequestBody};
use engine::rows::{AttemptResult, ReuseKey};
use engine::work::Work;
use model::ids::{AttemptId, RunId, TaskNo, Token, WorkerId};
use model::reason::FailureKind;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn faulty(fault: Fault) -> Box<dyn Wire> {
    Box::new(Faulty {
        fault,
        workers: BTreeSet::new(),
        newest: BTreeMap::new(),
        failed: BTreeMap::new(),
        number: 1 << 40,
        key: None,
    })
}

struct Faulty {
    fault: Fault,
    /// Everybody who ever said something.
    workers: BTreeSet<WorkerId>,
    /// The newest lease of each task.
    newest: BTreeMap<(RunId, TaskNo), (AttemptId, Token, WorkerId)>,
    /// Reports of failures, to be told again for the next attempt.
    failed: BTreeMap<(RunId, TaskNo), Request>,
    /// Numbers for requests that nobody made.
    number: u64,
    /// The newest key that was told, and for which attempt.
    key: Option<(AttemptId, ReuseKey)>,
}

impl Faulty {
    fn number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Renewals in the name of everybody else.
    fn renew_the_dead(&mut self, request: &Request) -> Vec<Request> {
        let others: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|worker| **worker != request.worker)
            .cloned()
            .collect();
        others
            .into_iter()
            .map(|worker| Request {
                version: request.version,
                worker,
                number: self.number(),
                body: RequestBody::Renew { holds: Vec::new() },
            })
            .collect()
    }

    /// The failure of an earlier attempt as that of the newest one.
    fn repeat_failure(&mut self) -> Option<Request> {
        let newest = &self.newest;
        let (task, mut again) = self.failed.iter().find_map(|(task, request)| {
            let RequestBody::Report { token, .. } = &request.body else {
                return None;
            };
            let fresh = newest.get(task)?.1 > *token;
            fresh.then(|| (*task, request.clone()))
        })?;
        self.failed.remove(&task);
        let (new_id, new_token, worker) = self.newest[&task].clone();
        if let RequestBody::Report { id, token, .. } = &mut again.body {
            (*id, *token) = (new_id, new_token);
        }
        again.worker = worker;
        again.number = self.number();
        Some(again)
    }

    fn learn(&mut self, worker: &WorkerId, work: &[Work]) {
        for work in work {
            let lease = (work.id, work.token, worker.clone());
            let newest = self
                .newest
                .entry((work.id.run, work.id.task))
                .or_insert_with(|| lease.clone());
            if newest.1 < work.token {
                *newest = lease;
            }
        }
    }
}

impl Wire for Faulty {
    fn request(&mut self, mut request: Request) -> Vec<Request> {
        self.workers.insert(request.worker.clone());
        let mut more = Vec::new();
        let is_renewal = matches!(request.body, RequestBody::Renew { .. });
        if self.fault == Fault::RenewalsAreLost && is_renewal {
            return more;
        }
        if self.fault == Fault::TheDeadRenew {
            more = self.renew_the_dead(&request);
        }
        if self.fault == Fault::FailuresAreRepeated {
            more.extend(self.repeat_failure());
        }
        if let RequestBody::Key { id, key, .. } = &mut request.body
            && self.fault == Fault::KeysAreMixedUp
        {
            let earlier = self.key.replace((*id, *key));
            if let Some((_, other)) = earlier.filter(|(of, _)| of != id) {
                *key = other;
            }
        }
        if let RequestBody::Report { id, token, end, .. } = &mut request.body {
            let newest = self.newest.get(&(id.run, id.task));
            if let Some((new_id, new_token, worker)) = newest
                && self.fault == Fault::OldReportsCount
                && new_token > token
            {
                (*id, *token) = (*new_id, *new_token);
                request.worker = worker.clone();
            }
            let users = AttemptResult::Failed {
                kind: FailureKind::User,
                exit_code: None,
                message: String::new(),
            };
            let failed = std::mem::discriminant(&end.result) == std::mem::discriminant(&users);
            if failed && self.fault == Fault::FailuresCostNothing {
                end.result = AttemptResult::Failed {
                    kind: FailureKind::InfraBeforeStart,
                    exit_code: None,
                    message: "the platform".to_owned(),
                };
            }
            if failed && self.fault == Fault::FailuresAreRepeated {
                self.failed.insert((id.run, id.task), request.clone());
            }
        }
        more.push(request);
        more
    }

    fn reply(&mut self, worker: WorkerId, mut reply: Reply) -> Vec<(WorkerId, Reply)> {
        if self.fault == Fault::StopsAreNotTold {
            reply.stop.clear();
        }
        if let ReplyBody::Renewed { lost } = &mut reply.body
            && self.fault == Fault::LossesAreNotTold
        {
            lost.clear();
        }
        let work = match &reply.body {
            ReplyBody::Leased(work) | ReplyBody::Reported { next: work, .. } => work.clone(),
            ReplyBody::Renewed { .. }
            | ReplyBody::Appended { .. }
            | ReplyBody::Keyed(_)
            | ReplyBody::Unavailable { .. } => Vec::new(),
        };
        self.learn(&worker, &work);
        let mut all = Vec::new();
        if self.fault == Fault::LeasesAreGivenTwice && !work.is_empty() {
            let other = self.workers.iter().rev().find(|other| **other != worker);
            if let Some(other) = other {
                let copy = Reply {
                    number: u64::MAX,
                    body: ReplyBody::Leased(work.clone()),
                    stop: Vec::new(),
                };
                all.push((other.clone(), copy));
            }
        }
        if self.fault == Fault::WorkIsNotTold && !work.is_empty() {
            return all;
        }
        all.push((worker, reply));
        all
    }

    fn nudge(&mut self) -> bool {
        self.fault != Fault::StopsAreNotTold
    }
}
