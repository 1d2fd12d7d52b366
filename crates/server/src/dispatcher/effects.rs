//! Doing what changes ask for, after they are durable, and reporting back as events.

use super::{Answer, AnswerKind, Dispatcher, Fatal};
use engine::event::Event;
use engine::rows::{Effect, EffectRow};
use model::digest::Digest;
use model::ids::{RunId, TaskNo};
use model::limits;
use model::plan::{Fragment, Resources, TaskDef};
use model::time::Timestamp;

impl Dispatcher {
    /// Performs effects; what they bring about waits in the batch.
    pub(super) fn perform(
        &mut self,
        effects: Vec<(RunId, EffectRow)>,
        now: Timestamp,
    ) -> Result<(), Fatal> {
        let (mut left, mut entering, mut unused) = (Vec::new(), Vec::new(), Vec::new());
        for (run, EffectRow { key, effect }) in effects {
            match effect {
                // Said with every answer to the worker until the attempt has ended.
                Effect::StopAttempt { worker, .. } => {
                    self.nudges.insert(worker);
                }
                Effect::Compile {
                    task,
                    attempt: _,
                    content,
                } => {
                    let fragment = self.compile(run, task, content)?;
                    self.batch
                        .events
                        .push_back((run, Event::Generated { task, fragment }));
                }
                // One that is held itself cannot use the place, and others would wait for it.
                Effect::EnterGroup { group, member, .. } if self.is_held(run) => {
                    unused.push((group, member));
                }
                Effect::EnterGroup { .. } => entering.push((run, key)),
                Effect::LeaveGroup { group, member } => left.push((run, key, group, member)),
            }
        }
        self.leave_groups(&unused, now)?;
        self.change_groups(&left, &entering, now)
    }

    /// What a task generated, compiled and kept; or what is wrong with it.
    fn compile(
        &mut self,
        run: RunId,
        task: TaskNo,
        content: Digest,
    ) -> Result<Result<(Digest, Fragment), String>, Fatal> {
        let text = self
            .parts
            .blobs
            .read(&content, limits::PIPELINE_FILE_BYTES + 1)?;
        let Some(owned) = self.runs.get(&run) else {
            return Ok(Err("its run is not led here".to_owned()));
        };
        let machine = &owned.machine;
        let maker = machine.plan().task(machine.row(task).def);
        let around = pipeline::Around::of(machine.plan(), &machine.openers(task));
        let name = maker.generates.as_ref().and_then(|file| file.literal());
        let name = name.map(str::to_owned);
        let file = pipeline::SourceFile::new(name.unwrap_or_else(|| "tasks".to_owned()), text);
        match pipeline::compile_fragment(&file, &around) {
            Ok(mut fragment) => {
                for task in &mut fragment.tasks {
                    inherit(task, maker);
                }
                if let Some(take_in) = &mut self.parts.take_in {
                    match take_in(&file.name, &fragment.tasks) {
                        Ok(capacity) => self.grow(capacity),
                        Err(never) => return Ok(Err(never)),
                    }
                }
                let json = serde_json::to_vec(&fragment).map_err(|error| Fatal::Damaged {
                    run,
                    why: error.to_string(),
                })?;
                let digest = self.parts.blobs.put_bytes(&json)?;
                self.parts.blobs.sync()?;
                Ok(Ok((digest, fragment)))
            }
            Err(diagnostics) => {
                let lines = diagnostics.iter().take(5).map(|diagnostic| {
                    let pipeline::Diagnostic {
                        file,
                        line,
                        column,
                        message,
                        help,
                        ..
                    } = diagnostic;
                    let help = help.as_deref();
                    // One line of many: examples of several lines stand behind each other.
                    let help = help.map(|help| help.replace('\n', " "));
                    let help = help.map_or_else(String::new, |help| format!(" ({help})"));
                    format!("{file}:{line}:{column}: {message}{help}")
                });
                Ok(Err(lines.collect::<Vec<_>>().join("; ")))
            }
        }
    }

    /// The one worker has this much for tasks. Wishes that wait say what was free before, so they are answered without
    /// work, and come again.
    fn grow(&mut self, capacity: Resources) {
        if self.capacity.as_ref() == Some(&capacity) {
            return;
        }
        self.capacity = Some(capacity);
        self.has_grown = true;
        for (worker, known) in &mut self.workers {
            self.batch
                .answers
                .extend(known.wish.take().map(|parked| Answer {
                    worker: worker.clone(),
                    number: parked.number,
                    kind: AnswerKind::Leased,
                }));
        }
    }
}

/// A generated task takes over from the worker's environment what the task that made it takes over.
fn inherit(task: &mut TaskDef, maker: &TaskDef) {
    let own = &mut task.env_policy.inherit;
    for name in &maker.env_policy.inherit {
        if !own.contains(name) {
            own.push(name.clone());
        }
    }
}
