//! Any rows that a run could have, from a seed: equal seeds, equal rows.

use super::{attempt, change, task};
use engine::rows::{
    ArtifactRef, AttemptEnd, AttemptResult, AttemptRow, Cancel, Changes, Counts, Effect, EffectKey,
    EffectRow, Ended, EventRow, Exit, FragmentRef, GroupMember, Keyed, LeaseRow, LogRef,
    OutputValue, Outputs, Parent, ParentKind, ReuseKey, Reused, RunHead, RunResult, RunRow,
    RunState, StepResult, StepStatus, StopCause, TaskKind, TaskRow, TaskState, Transition, Usage,
    Wants,
};
use model::Json;
use model::digest::Digest;
use model::ids::{AttemptNo, DefNo, RunId, ScopeNo, TaskNo, Token, WorkerId};
use model::matrix::Cell;
use model::plan::GroupMode;
use model::reason::{CancelCause, CancelMode, FailureKind, Gate, QueueReason, SkipCause};
use model::source::{Difference, Source};
use model::time::Timestamp;
use std::sync::Arc;

/// Anything, from a seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// The next number of the sequence called splitmix64.
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.roll() % limit as u64).unwrap()
    }

    fn coin(&mut self) -> bool {
        self.roll() & 1 == 1
    }

    /// Small, large and extreme numbers alike.
    fn number(&mut self) -> u64 {
        let shift = self.below(64);
        self.roll() >> shift
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.number() & 0xffff_ffff).unwrap()
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn maybe<T>(&mut self, some: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.coin().then(|| some(self))
    }

    fn several<T>(&mut self, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| one(self)).collect()
    }

    fn text(&mut self) -> String {
        const PARTS: &[&str] = &[
            "",
            "a",
            "two words",
            "ß",
            "'",
            "\"",
            "\\n",
            "🐜",
            "\u{0}",
            "%",
        ];
        (0..self.below(4)).map(|_| self.pick(PARTS)).collect()
    }

    fn time(&mut self) -> Timestamp {
        Timestamp(self.number().cast_signed())
    }

    fn digest(&mut self) -> Digest {
        Digest::of(&self.roll().to_le_bytes())
    }

    fn run_id(&mut self) -> RunId {
        RunId::from_random(self.roll())
    }

    fn worker(&mut self) -> WorkerId {
        WorkerId(self.text())
    }

    fn json(&mut self, depth: u32) -> Json {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Json::Null,
            1 => Json::Bool(self.coin()),
            2 => self.roll().into(),
            3 => self.number().cast_signed().into(),
            4 => f64::from_bits(self.roll()).into(),
            5 => Json::String(self.text()),
            6 => self.several(|dice| dice.json(depth - 1)).into(),
            _ => {
                let entries = self.several(|dice| (dice.text(), dice.json(depth - 1)));
                Json::Object(entries.into_iter().collect())
            }
        }
    }

    fn outputs(&mut self) -> Outputs {
        let value = |dice: &mut Self| OutputValue {
            value: dice.json(2),
            tainted: dice.coin(),
        };
        let entries = self.several(|dice| (dice.text(), value(dice)));
        entries.into_iter().collect()
    }

    fn artifact(&mut self) -> ArtifactRef {
        ArtifactRef {
            name: self.text(),
            digest: self.digest(),
            size_bytes: self.number(),
            files: self.small(),
        }
    }

    fn ended(&mut self) -> Ended {
        match self.below(4) {
            0 => Ended::Succeeded,
            1 => Ended::Failed(self.pick(FailureKind::ALL)),
            2 => Ended::Skipped(self.pick(SkipCause::ALL)),
            _ => Ended::Canceled(self.pick(CancelCause::ALL)),
        }
    }

    fn task_state(&mut self) -> TaskState {
        match self.below(5) {
            0 => TaskState::Queued(self.pick(QueueReason::ALL)),
            1 => TaskState::Blocked(self.pick(Gate::ALL)),
            2 => TaskState::Running,
            3 => TaskState::Open,
            _ => TaskState::Ended(self.ended()),
        }
    }

    fn run_result(&mut self) -> RunResult {
        match self.below(4) {
            0 => RunResult::Succeeded,
            1 => RunResult::Failed,
            2 => RunResult::Skipped,
            _ => RunResult::Canceled(self.pick(CancelCause::ALL)),
        }
    }

    /// A run that has not ended.
    pub(crate) fn run_row(&mut self, run: RunId, version: u64) -> RunRow {
        let state = match self.coin() {
            true => RunState::Running,
            false => RunState::Queued(self.pick(QueueReason::ALL)),
        };
        RunRow {
            id: run,
            version,
            state,
            token: Token(self.number()),
            events: self.number(),
            counts: Counts {
                total: self.small(),
                running: self.small(),
                blocked: self.small(),
                succeeded: self.small(),
                failed: self.small(),
                skipped: self.small(),
                canceled: self.small(),
            },
            started_at: self.maybe(Self::time),
            ended_at: self.maybe(Self::time),
            cancel: self.maybe(|dice| Cancel {
                mode: dice.pick(CancelMode::ALL),
                cause: dice.pick(CancelCause::ALL),
                by: dice.text(),
                at: dice.time(),
            }),
            finally_at: self.maybe(Self::time),
            inbox: self.number() >> 2,
        }
    }

    /// The row of the fragment with this scope, which never changes.
    pub(crate) fn fragment(&mut self, scope: u32) -> FragmentRef {
        FragmentRef {
            task: TaskNo(self.small()),
            digest: self.digest(),
            scope: ScopeNo(scope),
        }
    }

    fn reused(&mut self) -> Reused {
        Reused {
            run: self.run_id(),
            ended: self.ended(),
            tolerated: self.coin(),
            outputs: self.outputs(),
            artifacts: self.several(Self::artifact),
            generated: self.maybe(Self::digest),
        }
    }

    pub(crate) fn head(&mut self, run: RunId) -> RunHead {
        RunHead {
            id: run,
            pipeline: self.text(),
            plan: self.digest(),
            created_at: self.time(),
            source: Source {
                dir: self.text(),
                commit: self.maybe(Self::text),
                branch: self.maybe(Self::text),
                tree: self.maybe(Self::digest),
                dirty: self.coin(),
                difference: match self.below(3) {
                    0 => Difference::None,
                    1 => Difference::Kept {
                        digest: self.digest(),
                        size_bytes: self.number(),
                    },
                    _ => Difference::TooLarge {
                        size_bytes: self.number(),
                    },
                },
            },
            by: self.text(),
            parent: self.maybe(|dice| Parent {
                run: dice.run_id(),
                kind: dice.pick(&[ParentKind::Retry, ParentKind::Replay]),
                reused: dice
                    .several(|dice| (dice.text(), dice.reused()))
                    .into_iter()
                    .collect(),
            }),
            clean: self.coin(),
            expected_ms: self
                .several(|dice| (dice.text(), dice.number()))
                .into_iter()
                .collect(),
        }
    }

    fn task(&mut self, number: u32) -> TaskRow {
        let kind = self.pick(&[TaskKind::Leaf, TaskKind::Matrix, TaskKind::Call]);
        // Only calls have inputs, and only others ask something of a worker.
        let is_call = kind == TaskKind::Call;
        TaskRow {
            kind,
            def: DefNo(self.small()),
            parent: self.maybe(|dice| TaskNo(dice.small())),
            key: self.text().into(),
            cell: self.maybe(|dice| {
                Box::new(Cell(
                    dice.several(|dice| (dice.text().into(), Arc::new(dice.json(1)))),
                ))
            }),
            state: self.task_state(),
            tolerated: self.coin(),
            released: self.coin(),
            attempts: self.small(),
            retries: self.small(),
            free_retries: self.small(),
            ready_at: self.maybe(Self::time),
            timer_at: self.maybe(Self::time),
            started_at: self.maybe(Self::time),
            ended_at: self.maybe(Self::time),
            stop: self.maybe(Self::stop),
            outputs: self.maybe(|dice| Box::new(dice.outputs())),
            artifacts: self.several(Self::artifact),
            reused_from: self.maybe(Self::run_id),
            note: self.maybe(|dice| dice.text().into()),
            inputs: self
                .maybe(|dice| Box::new(dice.outputs()))
                .filter(|_| is_call),
            wants: self
                .maybe(|dice| Box::new(dice.wants()))
                .filter(|_| !is_call),
            group: self.maybe(|dice| dice.text().into()),
            ..task(number)
        }
    }

    fn wants(&mut self) -> Wants {
        Wants {
            labels: self.several(Self::text),
            paths: self.several(Self::text),
            destinations: self.several(|dice| dice.maybe(|dice| dice.text().into())),
            workspaces: Vec::new(),
        }
    }

    fn step(&mut self) -> StepResult {
        let all = &[
            StepStatus::Succeeded,
            StepStatus::Failed,
            StepStatus::Skipped,
            StepStatus::Canceled,
        ];
        StepResult {
            name: self.text(),
            label: self.maybe(Self::text),
            status: self.pick(all),
            tolerated: self.coin(),
            exit: self.maybe(|dice| match dice.coin() {
                true => Exit::Code(dice.small().cast_signed()),
                false => Exit::Signal(dice.small().cast_signed()),
            }),
            duration_ms: self.number(),
        }
    }

    fn attempt_end(&mut self) -> AttemptEnd {
        let result = match self.below(5) {
            0 => AttemptResult::Succeeded,
            4 => AttemptResult::Reused,
            1 => AttemptResult::Failed {
                kind: self.pick(FailureKind::ALL),
                exit_code: self.maybe(|dice| dice.small().cast_signed()),
                message: self.text(),
            },
            2 => AttemptResult::Stopped,
            _ => AttemptResult::Interrupted,
        };
        AttemptEnd {
            steps: self.several(Self::step),
            outputs: self.outputs(),
            artifacts: self.several(Self::artifact),
            generated: self.maybe(Self::digest),
            usage: Usage {
                cpu_us: self.number(),
                memory_peak_bytes: self.number(),
            },
            log: self.maybe(|dice| LogRef {
                segment: dice.text(),
                from: dice.number(),
                to: dice.number(),
                size_bytes: dice.number() >> 8,
                missing_bytes: dice.number(),
            }),
            summary: self.maybe(Self::digest),
            ..AttemptEnd::bare(result)
        }
    }

    fn stop(&mut self) -> StopCause {
        match self.coin() {
            true => StopCause::Timeout,
            false => StopCause::Cancel(self.pick(CancelCause::ALL)),
        }
    }

    fn attempt(&mut self, task: u32, number: u32) -> AttemptRow {
        AttemptRow {
            task: TaskNo(task),
            attempt: AttemptNo(number),
            token: Token(self.number()),
            worker: self.worker(),
            leased_at: self.time(),
            started: self.coin(),
            stop: self.maybe(Self::stop),
            deadline_at: self.maybe(Self::time),
            ended_at: self.maybe(Self::time),
            ..self.half_attempt()
        }
    }

    /// An attempt that has ended, or whose key is known, or neither.
    fn half_attempt(&mut self) -> AttemptRow {
        let mut row = attempt(0, 0, None);
        match self.below(3) {
            0 => row.end = Some(Box::new(self.attempt_end())),
            1 => {
                let key = ReuseKey(self.digest());
                let found = self.maybe(Self::reused);
                row.keyed = Some(Box::new(Keyed { key, found }));
            }
            _ => {}
        }
        row
    }

    fn transition(&mut self) -> Transition {
        let task = TaskNo(self.small());
        let attempt = AttemptNo(self.small());
        let by = self.text();
        match self.below(14) {
            0 => Transition::RunCreated,
            1 => Transition::RunAdmitted,
            2 => Transition::CancelAsked {
                mode: self.pick(CancelMode::ALL),
                by,
            },
            3 => Transition::TakenOver { by },
            4 => Transition::RunEnded(self.run_result()),
            5 => Transition::TaskMoved {
                task,
                state: self.task_state(),
            },
            6 => Transition::Leased { task, attempt },
            7 => Transition::Started { task, attempt },
            8 => Transition::AttemptEnded { task, attempt },
            9 => Transition::TaskEnded {
                task,
                ended: self.ended(),
            },
            12 => Transition::Reused {
                task,
                from: self.run_id(),
            },
            10 => Transition::Approved { task, by },
            11 => Transition::Rejected { task, by },
            _ => Transition::Generated {
                task,
                tasks: self.small(),
            },
        }
    }

    fn effect(&mut self) -> Effect {
        let task = TaskNo(self.small());
        let attempt = AttemptNo(self.small());
        let member = GroupMember {
            run: self.run_id(),
            task: self.maybe(|dice| TaskNo(dice.small())),
        };
        let modes = &[
            GroupMode::Queue,
            GroupMode::SupersedeWaiting,
            GroupMode::Supersede,
        ];
        match self.below(4) {
            0 => Effect::StopAttempt {
                worker: self.worker(),
                task,
                attempt,
                token: Token(self.number()),
            },
            1 => Effect::Compile {
                task,
                attempt,
                content: self.digest(),
            },
            2 => Effect::EnterGroup {
                group: self.text(),
                member,
                limit: self.small(),
                mode: self.pick(modes),
            },
            _ => Effect::LeaveGroup {
                group: self.text(),
                member,
            },
        }
    }

    /// A change that touches some of the tasks below `tasks`.
    pub(crate) fn changes(&mut self, run: RunRow, tasks: u32, events: &mut u64) -> Changes {
        let mut changes = change(run);
        for number in 0..tasks {
            if self.coin() || changes.run.version == 1 {
                changes.tasks.push(self.task(number));
            }
            for attempt in 1..=3 {
                if self.below(3) == 0 {
                    changes.attempts.push(self.attempt(number, attempt));
                }
            }
        }
        for number in 0..self.below(4) {
            let worker = WorkerId(format!("worker {number}"));
            match self.coin() {
                true => changes.leases.push(LeaseRow {
                    worker,
                    until: self.time(),
                }),
                false => changes.leases_gone.push(worker),
            }
        }
        for number in 0..self.below(4) {
            let key = EffectKey(format!("effect {number}"));
            match self.coin() {
                true => changes.effects.push(EffectRow {
                    key,
                    effect: self.effect(),
                }),
                false => changes.effects_done.push(key),
            }
        }
        for _ in 0..self.below(5) {
            *events += 1;
            changes.events.push(EventRow {
                seq: *events,
                at: self.time(),
                what: self.transition(),
            });
        }
        changes
    }
}
