//! Keys of attempts, and results of other runs that are found under them.

use super::Driver;
use engine::event::{Content, Event, Found, Rejected, Told};
use engine::rows::{
    ArtifactRef, AttemptEnd, AttemptResult, Changes, Ended, OutputValue, ReuseKey, Reused,
};
use model::Json;
use model::digest::Digest;
use model::ids::RunId;

/// The run whose results are found.
#[must_use]
pub fn earlier() -> RunId {
    RunId::from_random(77)
}

/// A result of an earlier run with these outputs, a JSON object, and these artifacts.
#[must_use]
pub fn found<const N: usize>(outputs: Json, artifacts: [&str; N]) -> Found {
    let outputs = crate::plan::object(outputs).into_iter();
    let artifact = |name: &str| ArtifactRef {
        name: name.to_owned(),
        digest: Digest::of(name.as_bytes()),
        size_bytes: 1,
        files: 1,
    };
    let result = Reused {
        run: earlier(),
        ended: Ended::Succeeded,
        tolerated: false,
        outputs: outputs
            .map(|(name, value)| {
                let tainted = false;
                (name, OutputValue { value, tainted })
            })
            .collect(),
        artifacts: artifacts.map(artifact).into(),
        generated: None,
    };
    Found {
        result,
        content: Content::Kept,
    }
}

/// The key that a task always has here.
#[must_use]
pub fn key_of(task: &str) -> ReuseKey {
    ReuseKey(Digest::of(task.as_bytes()))
}

impl Driver {
    /// The key of the leased attempt of a task, with what was found under it.
    #[must_use]
    pub fn told(&self, key: &str, found: Option<Found>) -> Told {
        let report = self.report_of(key, AttemptEnd::bare(AttemptResult::Reused));
        Told {
            worker: report.worker,
            task: report.task,
            attempt: report.attempt,
            token: report.token,
            key: key_of(key),
            found,
        }
    }

    /// A worker tells the key of the leased attempt of a task, and this was found under it; whether that stands for
    /// running.
    ///
    /// # Errors
    /// When the machine rejects the key.
    pub fn keyed(&mut self, key: &str, found: Option<Found>) -> Result<bool, Rejected> {
        let told = self.told(key, found);
        self.handle(Event::Keyed(told))?;
        let live = self.machine.live_attempt(self.no(key));
        let keyed = live.and_then(|live| live.keyed.as_ref());
        Ok(keyed.is_some_and(|keyed| keyed.found.is_some()))
    }

    /// The leased attempt of a task ends with what was found for it.
    pub fn reused(&mut self, key: &str) -> Changes {
        self.end(key, AttemptEnd::bare(AttemptResult::Reused))
    }
}
