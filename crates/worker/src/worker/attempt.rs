//! One attempt: what the worker knows of it, and when it is next to be looked at.

use super::given::Given;
use super::keying::Known;
use super::looking::Looking;
use super::services::Services;
use super::{TELL_STARTED_MS, Worker};
use crate::listing::CutShort;
use crate::mask::Masks;
use crate::site::{MasksSeen, Prepared, Trouble};
use api::protocol::Chunk;
use engine::rows::{AttemptResult, Usage};
use engine::steps::{Planned, StepMachine, Stop};
use engine::work::Work;
use exec::StepRef;
use model::ids::AttemptId;
use model::reason::FailureKind;
use model::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Preparing,
    /// Its place is made, and perhaps an earlier result stands for running it.
    Keying,
    /// Its services are started, then its steps run.
    Running,
    /// The last command has ended; its processes are cleared away.
    Clearing,
    /// What it gives is decided, then collected.
    Collecting,
    /// Its output has to be kept before its end is told.
    Flushing,
    Reporting,
}

pub(super) struct Attempt {
    pub(super) work: Arc<Work>,
    pub(super) phase: Phase,
    /// Tells whoever makes its place that nobody waits for it any more.
    pub(super) preparing: Preparing,
    pub(super) place: Option<Prepared>,
    pub(super) steps: Option<StepMachine>,
    pub(super) services: Services,
    /// Whether its expressions ask for files, so that the steps decide aside.
    pub(super) looks_aside: bool,
    /// The decision that is under way aside.
    pub(super) looking: Option<Looking>,
    /// Its key, when files that others write are in it.
    pub(super) known: Option<Known>,
    /// Files of a reused result are being put in place.
    pub(super) restoring: bool,
    pub(super) command: Option<Running>,
    /// Services and commands of steps that were begun.
    pub(super) commands: u32,
    pub(super) started_at: Option<Timestamp>,
    pub(super) told_started: bool,
    pub(super) stopping: Option<Stop>,
    /// When what runs is killed.
    pub(super) kill_at: Option<Timestamp>,
    /// When nothing more is begun.
    pub(super) give_up_at: Option<Timestamp>,
    /// Somebody else has it, or nobody: it is killed, and nobody is told.
    pub(super) lost: bool,
    /// The executor was told to end what is left of it.
    pub(super) finishing: bool,
    pub(super) tree_gone: bool,
    pub(super) usage: Usage,
    pub(super) result: Option<AttemptResult>,
    /// What its steps decided that it gives.
    pub(super) given: Given,
    pub(super) brought: crate::site::Collected,
    /// Texts that its log does not show.
    pub(super) masks: Masks,
    /// A bound of its log was passed: nothing more that it prints is kept.
    pub(super) muted: bool,
    /// What is known of the files in which commands ask for that, by step.
    pub(super) masks_seen: BTreeMap<u32, MasksSeen>,
    /// Output that may become a hidden text, by step and stream.
    pub(super) held: BTreeMap<(u32, api::protocol::Stream), Vec<u8>>,
    /// Output that the board has not been told.
    pub(super) unsent: Vec<Chunk>,
    pub(super) unsent_bytes: usize,
    pub(super) flush_at: Option<Timestamp>,
    /// Output that came and whose keeping was not answered: how much of which command.
    pub(super) under_way: VecDeque<(StepRef, usize)>,
    /// How many of these the answer that is awaited is about.
    pub(super) told: usize,
    pub(super) append_pending: bool,
    /// Bytes told.
    pub(super) sent_bytes: u64,
    pub(super) missing_bytes: u64,
}

/// Ends the making of a place at the latest when the attempt is forgotten.
#[derive(Default)]
pub(super) struct Preparing(pub(super) CutShort);

impl Drop for Preparing {
    fn drop(&mut self) {
        self.0.now();
    }
}

/// A command that runs.
pub(super) struct Running {
    pub(super) id: StepRef,
    pub(super) planned: Planned,
    pub(super) since: Timestamp,
    pub(super) deadline_at: Option<Timestamp>,
    pub(super) timed_out: bool,
    pub(super) killed: bool,
    /// Its end was asked for because a service has failed.
    pub(super) cut_short: bool,
}

impl Attempt {
    pub(super) fn new(work: Arc<Work>, _now: Timestamp) -> Self {
        Self {
            work,
            phase: Phase::Preparing,
            preparing: Preparing::default(),
            place: None,
            steps: None,
            services: Services::default(),
            looks_aside: false,
            looking: None,
            known: None,
            restoring: false,
            command: None,
            commands: 0,
            started_at: None,
            told_started: false,
            stopping: None,
            kill_at: None,
            give_up_at: None,
            lost: false,
            finishing: false,
            tree_gone: false,
            usage: Usage::default(),
            result: None,
            given: Given::default(),
            brought: crate::site::Collected::default(),
            masks: Masks::default(),
            muted: false,
            masks_seen: BTreeMap::new(),
            held: BTreeMap::new(),
            unsent: Vec::new(),
            unsent_bytes: 0,
            flush_at: None,
            under_way: VecDeque::new(),
            told: 0,
            append_pending: false,
            sent_bytes: 0,
            missing_bytes: 0,
        }
    }

    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        let tell = self
            .started_at
            .filter(|_| !self.told_started && self.phase == Phase::Running);
        let command = self.command.as_ref().filter(|command| !command.killed);
        let timed = command.filter(|command| !command.timed_out);
        [
            self.kill_at.filter(|_| command.is_some()),
            self.give_up_at
                .filter(|_| command.is_some() || self.looking.is_some()),
            self.flush_at.filter(|_| !self.append_pending),
            timed.and_then(|command| command.deadline_at),
            tell.map(|started| started.plus_ms(TELL_STARTED_MS)),
            self.services.next_wake(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether nothing more is begun.
    pub(super) fn gave_up(&self, now: Timestamp) -> bool {
        self.give_up_at.is_some_and(|at| now >= at)
    }

    /// Whether its services or steps wait for a decision that is made aside.
    pub(super) fn is_looking(&self) -> bool {
        self.looking.is_some() && self.phase == Phase::Running
    }

    /// Whether there is something about it that a kill ends.
    pub(super) fn may_be_killed(&self) -> bool {
        let begins = matches!(
            self.phase,
            Phase::Preparing | Phase::Keying | Phase::Running
        );
        self.looking.is_some() || begins
    }

    pub(super) fn must_tell_started(&self, now: Timestamp) -> bool {
        let running = self.phase == Phase::Running && !self.told_started;
        running
            && self
                .started_at
                .is_some_and(|started| now >= started.plus_ms(TELL_STARTED_MS))
    }
}

impl Worker {
    pub(super) fn prepared(
        &mut self,
        id: AttemptId,
        result: Result<Prepared, Trouble>,
        now: Timestamp,
    ) {
        if !self.in_phase(id, Phase::Preparing) {
            return;
        }
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
        match result {
            result if attempt.lost => {
                attempt.place = result.ok();
                self.forget(id);
            }
            Ok(place) => {
                let mut steps =
                    StepMachine::new(Arc::clone(&attempt.work), place.workspaces.clone());
                if let Some(stop) = attempt.stopping {
                    steps.stop(stop);
                }
                let remarks = place.remarks.clone();
                attempt.place = Some(place);
                attempt.steps = Some(steps);
                attempt.phase = Phase::Keying;
                for remark in remarks {
                    self.remark(id, &remark, now);
                }
                self.ask_for_result(id, now);
            }
            Err(trouble) => {
                attempt.result = Some(match attempt.stopping {
                    None => failed(trouble, FailureKind::InfraBeforeStart),
                    // It was not made because of that.
                    Some(Stop::Interrupted) => AttemptResult::Interrupted,
                    Some(Stop::Asked) => AttemptResult::Stopped,
                });
                attempt.phase = Phase::Flushing;
                self.flush_or_report(id, now);
            }
        }
    }
}

/// The result of trouble that is not a step's.
pub(super) fn failed(trouble: Trouble, platform: FailureKind) -> AttemptResult {
    let (kind, message) = match trouble {
        Trouble::User(message) => (FailureKind::User, message),
        Trouble::Platform(message) => (platform, message),
    };
    AttemptResult::Failed {
        kind,
        exit_code: None,
        message,
    }
}
