//! Doing what changes ask for, after they are durable, and reporting back as events.

use super::{Dispatcher, Fatal};
use engine::event::Event;
use engine::rows::{Effect, EffectKey, EffectRow, GroupMember};
use model::digest::Digest;
use model::ids::{RunId, TaskNo};
use model::limits;
use model::plan::{Fragment, TaskDef};
use model::reason::{CancelCause, CancelMode};
use model::time::Timestamp;
use std::collections::BTreeSet;
use store::{Command, GroupEntry, Owner, StoreError};

impl Dispatcher {
    /// Performs effects; what they bring about waits in the batch.
    pub(super) fn perform(
        &mut self,
        effects: Vec<(RunId, EffectRow)>,
        now: Timestamp,
    ) -> Result<(), Fatal> {
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
                Effect::EnterGroup { .. } => self.enter_group(run, key, now)?,
                Effect::LeaveGroup { group, member } => {
                    self.parts.store.group_leave(&group, member)?;
                    self.batch
                        .events
                        .push_back((run, Event::EffectDone { key }));
                }
            }
        }
        Ok(())
    }

    /// What a task generated, compiled and kept; or what is wrong with it.
    fn compile(
        &self,
        run: RunId,
        task: TaskNo,
        content: Digest,
    ) -> Result<Result<(Digest, Fragment), String>, Fatal> {
        let text = self
            .parts
            .blobs
            .read(&content, limits::PIPELINE_FILE_BYTES + 1)?;
        let maker = self.runs.get(&run).map(|owned| {
            let machine = &owned.machine;
            machine.plan().task(machine.row(task).def)
        });
        let name = maker.and_then(|maker| Some(maker.generates.as_ref()?.literal()?.to_owned()));
        let file = pipeline::SourceFile::new(name.unwrap_or_else(|| "tasks".to_owned()), text);
        match pipeline::compile_fragment(&file) {
            Ok(mut fragment) => {
                for task in &mut fragment.tasks {
                    inherit(task, maker);
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
                    let help = help.map_or_else(String::new, |help| format!(" ({help})"));
                    format!("{file}:{line}:{column}: {message}{help}")
                });
                Ok(Err(lines.collect::<Vec<_>>().join("; ")))
            }
        }
    }

    /// Asks for a place in a group; without one the effect waits and asks again when the board changed.
    pub(super) fn enter_group(
        &mut self,
        run: RunId,
        key: EffectKey,
        now: Timestamp,
    ) -> Result<(), Fatal> {
        let Some(owned) = self.runs.get_mut(&run) else {
            return Ok(());
        };
        let Some(Effect::EnterGroup {
            group,
            member,
            limit,
            mode,
        }) = owned.machine.effects().get(&key).cloned()
        else {
            owned.waiting.remove(&key);
            return Ok(());
        };
        let entry = GroupEntry {
            group: &group,
            member,
            limit,
            mode,
        };
        let alive = |owner: &Owner| (self.parts.alive)(owner, now);
        let known = owned.waiting.contains_key(&key);
        let entered = if known {
            self.parts.store.group_admitted(&entry, &alive)?
        } else {
            self.parts.store.group_enter(&entry, &alive)?
        };
        // Told once: the store says it again with every look.
        let told = owned.waiting.remove(&key).unwrap_or_default();
        let all: BTreeSet<GroupMember> = entered.superseded.into_iter().collect();
        let fresh: Vec<GroupMember> = all.difference(&told).copied().collect();
        if entered.admitted {
            self.batch
                .events
                .push_back((run, Event::Admitted { task: member.task }));
        } else {
            owned.waiting.insert(key, all);
        }
        self.supersede(fresh, member, &group)
    }

    /// Asks for the place that a run taken over had in its group.
    pub(super) fn enter_held(&mut self, run: RunId, now: Timestamp) -> Result<(), Fatal> {
        let Some(owned) = self.runs.get_mut(&run) else {
            return Ok(());
        };
        let Some(held) = owned.held.clone() else {
            return Ok(());
        };
        let entry = GroupEntry {
            group: &held.group,
            member: GroupMember { run, task: None },
            limit: held.limit,
            mode: held.mode,
        };
        let alive = |owner: &Owner| (self.parts.alive)(owner, now);
        if self.parts.store.group_enter(&entry, &alive)?.admitted {
            owned.held = None;
        }
        Ok(())
    }

    /// Cancels the members whose place a newcomer takes: a run, or one task of a run that goes on.
    fn supersede(
        &mut self,
        members: Vec<GroupMember>,
        by: GroupMember,
        group: &str,
    ) -> Result<(), Fatal> {
        let by = match by.task.zip(self.machine(by.run)) {
            Some((task, machine)) => {
                let key = &machine.row(task).key;
                format!("`{key}` of run {} in group `{group}`", by.run)
            }
            None => format!("run {} in group `{group}`", by.run),
        };
        for GroupMember { run, task } in members {
            let (cause, by) = (CancelCause::Superseded, by.clone());
            let command = match task {
                Some(task) => Command::CancelTask { task, cause, by },
                None => Command::Cancel {
                    mode: CancelMode::Finally,
                    cause,
                    by,
                },
            };
            if self.runs.contains_key(&run) {
                self.batch.events.push_back((run, Event::Command(command)));
                continue;
            }
            match self.parts.store.inbox_append(run, &command) {
                Ok(_) | Err(StoreError::RunEnded(_) | StoreError::NoRun(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// A generated task takes over from the worker's environment what the task that made it takes over.
fn inherit(task: &mut TaskDef, maker: Option<&TaskDef>) {
    let own = &mut task.env_policy.inherit;
    for name in maker
        .into_iter()
        .flat_map(|maker| &maker.env_policy.inherit)
    {
        if !own.contains(name) {
            own.push(name.clone());
        }
    }
}
