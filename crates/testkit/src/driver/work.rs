//! What workers do: take tasks, say that they began, and report how they ended.

use super::{Driver, LEASE_MS, WORKER};
use engine::event::{Ask, Event, Report};
use engine::rows::{AttemptEnd, AttemptResult, Changes, OutputValue, Outputs};
use model::Json;
use model::digest::Digest;
use model::ids::WorkerId;
use model::reason::FailureKind;

impl Driver {
    /// A worker takes everything that it can get; the keys of what it got, in order.
    pub fn lease(&mut self) -> Vec<String> {
        self.lease_as(WORKER, u32::MAX)
    }

    /// A worker takes up to `max` tasks.
    pub fn lease_as(&mut self, worker: &str, max: u32) -> Vec<String> {
        let ask = self.ask(worker, max);
        self.lease_by(ask)
    }

    /// A worker takes what it asks for.
    pub fn lease_by(&mut self, ask: Ask) -> Vec<String> {
        let changes = self.accept(Event::Lease(ask));
        let granted = changes.granted.iter();
        granted
            .map(|granted| self.machine.row(granted.task).key.to_string())
            .collect()
    }

    /// The wish of a worker that can take anything.
    #[must_use]
    pub fn ask(&self, worker: &str, max: u32) -> Ask {
        Ask {
            worker: WorkerId(worker.to_owned()),
            max,
            until: self.now.plus_ms(LEASE_MS),
            free: None,
            labels: None,
        }
    }

    /// The leased attempt of a task succeeds.
    pub fn succeed(&mut self, key: &str) -> Changes {
        self.end(key, AttemptEnd::bare(AttemptResult::Succeeded))
    }

    /// The leased attempt of a task succeeds with these outputs, a JSON object.
    pub fn succeed_with(&mut self, key: &str, outputs: Json) -> Changes {
        let mut end = AttemptEnd::bare(AttemptResult::Succeeded);
        end.outputs = outputs_of(outputs, false);
        self.end(key, end)
    }

    /// The leased attempt of a task succeeds with outputs that hold text from outside.
    pub fn succeed_tainted(&mut self, key: &str, outputs: Json) -> Changes {
        let mut end = AttemptEnd::bare(AttemptResult::Succeeded);
        end.outputs = outputs_of(outputs, true);
        self.end(key, end)
    }

    /// The leased attempt of a task succeeds and has written a file with further tasks.
    pub fn succeed_generating(&mut self, key: &str) -> Changes {
        let mut end = AttemptEnd::bare(AttemptResult::Succeeded);
        end.generated = Some(Digest::of(key.as_bytes()));
        self.end(key, end)
    }

    /// The command of the leased attempt of a task exits with a code.
    pub fn fail(&mut self, key: &str, exit_code: i32) -> Changes {
        self.end(
            key,
            AttemptEnd::bare(AttemptResult::Failed {
                kind: FailureKind::User,
                exit_code: Some(exit_code),
                message: format!("exit code {exit_code}"),
            }),
        )
    }

    /// The leased attempt of a task fails in this way.
    pub fn fail_as(&mut self, key: &str, kind: FailureKind) -> Changes {
        self.end(
            key,
            AttemptEnd::bare(AttemptResult::Failed {
                kind,
                exit_code: None,
                message: format!("{kind} trouble"),
            }),
        )
    }

    /// The worker stops the leased attempt of a task, as it was told to.
    pub fn stopped(&mut self, key: &str) -> Changes {
        self.end(key, AttemptEnd::bare(AttemptResult::Stopped))
    }

    /// The leased attempt of a task ends.
    pub fn end(&mut self, key: &str, end: AttemptEnd) -> Changes {
        let report = self.report_of(key, end);
        self.accept(Event::Report(report))
    }

    /// The report of the leased attempt of a task.
    ///
    /// # Panics
    /// When the task is not leased.
    #[must_use]
    pub fn report_of(&self, key: &str, end: AttemptEnd) -> Report {
        let live = self.machine.live_attempt(self.no(key));
        let live = live.unwrap_or_else(|| panic!("`{key}` is {}, not leased", self.state(key)));
        Report {
            worker: live.worker.clone(),
            task: live.task,
            attempt: live.attempt,
            token: live.token,
            end,
            jitter_permille: 999,
            by_person: false,
        }
    }

    /// The first command of the leased attempt of a task runs.
    pub fn started(&mut self, key: &str) -> Changes {
        let report = self.report_of(key, AttemptEnd::bare(AttemptResult::Succeeded));
        let until = self.now.plus_ms(LEASE_MS);
        self.accept(Event::Renew {
            worker: report.worker,
            until,
            started: vec![(report.task, report.attempt, report.token)],
        })
    }

    /// A worker is known to be gone.
    pub fn worker_gone(&mut self, worker: &str) -> Changes {
        let worker = WorkerId(worker.to_owned());
        self.accept(Event::WorkerGone { worker })
    }
}

fn outputs_of(values: Json, tainted: bool) -> Outputs {
    let values = crate::plan::object(values).into_iter();
    values
        .map(|(name, value)| (name, OutputValue { value, tainted }))
        .collect()
}
