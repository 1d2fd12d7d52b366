//! What an attempt gives in the end, as far as its steps decide that: texts of artifacts, values of outputs.

use crate::mask::Masks;
use crate::site::WantedArtifact;
use engine::rows::{AttemptResult, OutputValue, Outputs};
use engine::steps::StepMachine;
use engine::work::Work;
use model::Json;
use model::plan::{ArtifactOut, ArtifactWhen, Text, ValueType};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How the steps have ended, and of what.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) work: Arc<Work>,
    pub(super) succeeded: bool,
    pub(super) failed: bool,
}

/// What the steps decide.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// The artifacts that are due, and the file with further tasks.
    pub(super) files: Result<(Vec<WantedArtifact>, Option<String>), String>,
    /// The declared outputs, of an attempt that succeeds.
    pub(super) outputs: Result<Outputs, String>,
    /// Those that have a value all the same, of one that does not: tasks behind may go on with what there is.
    pub(super) outputs_of_failed: Outputs,
    /// The key of the attempt is not the one that it began with, or nobody looked.
    pub(super) moved: bool,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            files: Ok((Vec::new(), None)),
            outputs: Ok(Outputs::new()),
            outputs_of_failed: Outputs::new(),
            moved: true,
        }
    }
}

impl Ended {
    pub(super) fn new(work: &Arc<Work>, result: Option<&AttemptResult>) -> Self {
        Self {
            work: Arc::clone(work),
            succeeded: result == Some(&AttemptResult::Succeeded),
            failed: matches!(result, Some(AttemptResult::Failed { .. })),
        }
    }

    fn is_due(&self, artifact: &ArtifactOut) -> bool {
        match artifact.when {
            ArtifactWhen::Success => self.succeeded,
            ArtifactWhen::Failure => self.failed,
            ArtifactWhen::Always => self.succeeded || self.failed,
        }
    }
}

impl Given {
    /// What these steps give.
    pub(super) fn of(steps: &mut StepMachine, ended: Ended) -> Self {
        let files = if ended.work.publish {
            files(steps, &ended)
        } else {
            Ok((Vec::new(), None))
        };
        let outputs = match (&files, ended.succeeded) {
            (Ok(_), true) => steps.outputs(),
            (Ok(_) | Err(_), _) => Ok(Outputs::new()),
        };
        let outputs_of_failed = match &outputs {
            // Should a file be missing, it is these that are left.
            Ok(outputs) if ended.succeeded && files.is_ok() => outputs.clone(),
            Ok(_) | Err(_) => steps.outputs_of_failed(),
        };
        Self {
            files,
            outputs,
            outputs_of_failed,
            moved: false,
        }
    }
}

impl Given {
    /// Hides in the values what the attempt hides; the names of those in which there was something.
    pub(super) fn hide(&mut self, masks: &Masks) -> Vec<String> {
        let outputs = self.outputs.as_mut().map(|outputs| outputs.iter_mut());
        let outputs = outputs.into_iter().flatten();
        let mut names = BTreeSet::new();
        for (name, output) in outputs.chain(&mut self.outputs_of_failed) {
            if masks.hide_in(&mut output.value) {
                names.insert(name.clone());
            }
        }
        names.into_iter().collect()
    }
}

fn files(
    steps: &mut StepMachine,
    ended: &Ended,
) -> Result<(Vec<WantedArtifact>, Option<String>), String> {
    let task = &ended.work.task;
    let mut artifacts = Vec::new();
    for artifact in &task.artifacts_out {
        if !ended.is_due(artifact) {
            continue;
        }
        let field = format!("artifacts.out.{}", artifact.name);
        let mut texts = |texts: &[Text]| {
            let texts = texts.iter().map(|text| steps.task_text(&field, text));
            texts.collect::<Result<Vec<_>, _>>()
        };
        artifacts.push(WantedArtifact {
            name: artifact.name.clone(),
            paths: texts(&artifact.paths)?,
            exclude: texts(&artifact.exclude)?,
            if_missing: artifact.if_missing,
        });
    }
    let generates = match &task.generates {
        Some(file) if ended.succeeded => Some(steps.task_text("generates", file)?),
        Some(_) | None => None,
    };
    Ok((artifacts, generates))
}

/// `outputs` with those that are the digests of artifacts.
///
/// # Errors
/// When the artifact was not given, and the output has no default.
pub(super) fn with_digests(
    work: &Work,
    mut outputs: Outputs,
    artifacts: &[engine::rows::ArtifactRef],
) -> Result<Outputs, String> {
    for (name, declared) in &work.task.outputs {
        // What publishes nothing collects nothing either.
        if declared.value_type != ValueType::Artifact || !work.publish {
            continue;
        }
        let literal = declared.from.as_ref().and_then(Text::literal);
        let of = literal.unwrap_or(name);
        match artifacts.iter().find(|artifact| artifact.name == of) {
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
