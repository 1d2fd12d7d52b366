//! Looking at a run without changing it.

use super::Machine;
use crate::names::{self, Names, Past};
use crate::rows::{
    AttemptRow, Effect, EffectKey, EffectRow, LeaseRow, OutputValue, Outputs, RunHead, RunRow,
    RunState, Snapshot, TaskKind, TaskRow,
};
use crate::texts::Texts;
use crate::work::{Need, Work, WorkspaceBinding};
use expr::Value;
use model::ids::{AttemptId, DefNo, TaskNo, WorkerId};
use model::plan::{ArtifactIn, Body, Plan, TaskDef, Text, WorkspaceKind, WorkspaceUse};
use model::{Json, JsonMap};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Machine {
    /// The plan, with everything that was generated.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What never changes.
    #[must_use]
    pub const fn head(&self) -> &RunHead {
        &self.head
    }

    /// What changes with every event.
    #[must_use]
    pub const fn run(&self) -> &RunRow {
        &self.run
    }

    /// All task rows, by number.
    #[must_use]
    pub fn tasks(&self) -> &[TaskRow] {
        &self.tasks
    }

    /// The row numbered `no`.
    ///
    /// # Panics
    /// When the number is of another run.
    #[must_use]
    pub fn row(&self, no: TaskNo) -> &TaskRow {
        &self.tasks[no.index()]
    }

    /// The leased attempts.
    pub fn live(&self) -> impl Iterator<Item = &AttemptRow> {
        self.live.values()
    }

    /// The leased attempt of a task.
    #[must_use]
    pub fn live_attempt(&self, no: TaskNo) -> Option<&AttemptRow> {
        self.live.get(&no)
    }

    /// Effects that are not done.
    #[must_use]
    pub const fn effects(&self) -> &BTreeMap<EffectKey, Effect> {
        &self.effects
    }

    /// Whether the run is over.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.run.state, RunState::Ended(_))
    }

    /// Whether nothing goes on until a person acts.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        matches!(self.run.state, RunState::Running)
            && self.index.moving == 0
            && self.index.gated > 0
    }

    /// Whether a task could be leased if a worker asked.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        self.index.ready.iter().any(|shape| !shape.queue.is_empty())
    }

    /// Whether a worker works for the run.
    #[must_use]
    pub fn has_lease(&self, worker: &WorkerId) -> bool {
        self.leases.contains_key(worker)
    }

    /// Whether a task only waits for a worker that asks.
    #[must_use]
    pub fn is_ready(&self, no: TaskNo) -> bool {
        let key = self.ready_key(no);
        self.index
            .ready
            .iter()
            .any(|shape| shape.queue.contains(&key))
    }

    /// Everything that is true, as rows.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let effects = self.effects.iter();
        let leases = self.leases.iter();
        Snapshot {
            head: self.head.clone(),
            run: self.run.clone(),
            tasks: self.tasks.clone(),
            attempts: self.live.values().cloned().collect(),
            leases: leases
                .map(|(worker, until)| LeaseRow {
                    worker: worker.clone(),
                    until: *until,
                })
                .collect(),
            effects: effects
                .map(|(key, effect)| EffectRow {
                    key: key.clone(),
                    effect: effect.clone(),
                })
                .collect(),
        }
    }

    pub(crate) const fn is_canceled(&self) -> bool {
        self.run.cancel.is_some()
    }

    /// The scope instance that a row belongs to, by the row that opened it.
    pub(crate) fn instance_of(&self, no: TaskNo) -> Option<TaskNo> {
        let parent = self.row(no).parent?;
        match self.row(parent).kind {
            TaskKind::Matrix => self.row(parent).parent,
            TaskKind::Leaf | TaskKind::Call => Some(parent),
        }
    }

    /// The row of a definition in a scope instance: the task, or its matrix.
    pub(crate) fn top(&self, opener: Option<TaskNo>, def: DefNo) -> TaskNo {
        let first = self.index.instances[&opener].first;
        TaskNo(first.0 + self.index.defs[def.index()].place)
    }

    /// The tasks that the expressions of `task` see, by name: what it needs; for `None` all of the instance.
    pub(crate) fn visible_tasks(
        &self,
        task: Option<TaskNo>,
        instance: Option<TaskNo>,
    ) -> Vec<(&str, &TaskRow)> {
        let name_and_row = |def: DefNo| {
            (
                self.plan.task(def).name.as_str(),
                self.row(self.top(instance, def)),
            )
        };
        let scope = self.index.instances[&instance].scope;
        let all = || {
            self.plan
                .scope(scope)
                .tasks
                .iter()
                .copied()
                .map(name_and_row)
                .collect()
        };
        let Some(task) = task else { return all() };
        let def = self.plan.task(self.row(task).def);
        match def.phase {
            model::plan::Phase::Finally => all(),
            model::plan::Phase::Main => def
                .needs
                .iter()
                .map(|edge| name_and_row(edge.task))
                .collect(),
        }
    }

    /// The values of a matrix: for each output a list with one place for each member, in their order.
    pub(crate) fn matrix_outputs(&self, matrix: TaskNo) -> Outputs {
        let mut outputs = Outputs::new();
        let Some(group) = self.index.groups.get(&matrix) else {
            return outputs;
        };
        for name in self.plan.task(self.row(matrix).def).outputs.keys() {
            let of_members = (0..group.count).map(|place| {
                let row = self.row(TaskNo(group.first.0 + place));
                row.outputs.as_ref().and_then(|outputs| outputs.get(name))
            });
            let (mut values, mut tainted) = (Vec::new(), false);
            for output in of_members {
                values.push(output.map_or(Json::Null, |output| output.value.clone()));
                tainted |= output.is_some_and(|output| output.tainted);
            }
            outputs.insert(
                name.clone(),
                OutputValue {
                    value: Json::Array(values),
                    tainted,
                },
            );
        }
        outputs
    }

    /// A name that the plan or the run gives.
    pub(crate) fn plan_name(&self, name: &str, instance: Option<TaskNo>) -> Option<Value> {
        let tainted = &self.plan.tainted;
        let object = |map: &JsonMap| Json::Object(map.clone().into_iter().collect());
        match name {
            "params" if instance.is_none() => {
                Some(names::named(name, &object(&self.plan.params), tainted))
            }
            "signal" => Some(names::named(name, &object(&self.plan.signal), tainted)),
            "run" => Some(Value::from_json(&self.run_name())),
            other => self
                .plan
                .names
                .get(other)
                .map(|json| names::named(other, json, tainted)),
        }
    }

    fn run_name(&self) -> Json {
        json!({
            "id": self.head.id.as_str(),
            "pipeline": self.head.pipeline,
            "created_at_ms": self.head.created_at.0,
            "commit": self.head.source.commit,
        })
    }

    /// What the worker of a leased task has to know.
    ///
    /// # Panics
    /// When the task is not leased.
    #[must_use]
    pub fn work(&self, no: TaskNo) -> Work {
        let attempt = &self.live[&no];
        let row = self.row(no);
        let def = self.plan.task(row.def);
        let instance = self.instance_of(no);
        let object = |map: &JsonMap| Json::Object(map.clone().into_iter().collect());
        let mut names = self.plan.names.clone();
        let mut tainted = self.plan.tainted.clone();
        names.insert("signal".to_owned(), object(&self.plan.signal));
        names.insert("run".to_owned(), self.run_name());
        match instance.map(|call| self.row(call)) {
            None => {
                names.insert("params".to_owned(), object(&self.plan.params));
            }
            Some(call) => {
                let empty = Outputs::new();
                let inputs = call.inputs.as_deref().unwrap_or(&empty);
                names.insert("inputs".to_owned(), crate::work::plain(inputs));
                let dirty = inputs.iter().filter(|(_, input)| input.tainted);
                tainted.extend(dirty.map(|(name, _)| format!("inputs.{name}")));
            }
        }
        if let Some(cell) = &row.cell {
            names.insert("matrix".to_owned(), cell.to_object());
        }
        let visible = self.visible_tasks(Some(no), instance);
        Work {
            id: AttemptId {
                run: self.head.id,
                task: no,
                attempt: attempt.attempt,
            },
            token: attempt.token,
            key: row.key.to_string(),
            task: Arc::new(self.definition(no)),
            scope_env: self.scope_env(instance),
            names,
            tainted,
            needs: visible
                .into_iter()
                .map(|(name, row)| (name.to_owned(), self.need(row)))
                .collect(),
            // What is wrong with them was found before the lease; only a text that reads `attempt` could
            // have changed its mind since, and then finds nothing.
            workspaces: self.bindings(no).unwrap_or_else(|_| {
                let wanted = def.workspaces.iter();
                wanted.map(WorkspaceBinding::absent).collect()
            }),
            deadline_at: attempt.deadline_at,
            source: self.head.source.clone(),
            clean: self.head.clean,
            publish: self.publishes(),
        }
    }

    pub(super) fn publishes(&self) -> bool {
        let parent = self.head.parent.as_ref();
        parent.is_none_or(|parent| parent.kind != crate::rows::ParentKind::Replay)
    }

    fn need(&self, row: &TaskRow) -> Need {
        let word = |word: Option<&str>| word.unwrap_or("").to_owned();
        let (outputs, artifacts) = match row.kind {
            TaskKind::Matrix => {
                let group = self.index.groups.get(&row.no);
                let places = group.map_or(0..0, |group| group.first.0..group.first.0 + group.count);
                let artifacts = places
                    .flat_map(|place| self.row(TaskNo(place)).artifacts.clone())
                    .collect();
                (self.matrix_outputs(row.no), artifacts)
            }
            TaskKind::Leaf | TaskKind::Call => (
                row.outputs.as_deref().cloned().unwrap_or_default(),
                row.artifacts.clone(),
            ),
        };
        Need {
            outcome: word(row.outcome()),
            conclusion: word(row.conclusion()),
            outputs,
            artifacts,
        }
    }

    fn scope_env(&self, instance: Option<TaskNo>) -> Vec<model::plan::Named<model::plan::Text>> {
        let env = &self.plan.scope(self.index.instances[&instance].scope).env;
        if env.is_empty() {
            Vec::new()
        } else {
            vec![env.clone()]
        }
    }

    /// The shared folders of a task.
    ///
    /// # Errors
    /// When a folder below one cannot be computed.
    pub(super) fn bindings(&self, no: TaskNo) -> Result<Vec<WorkspaceBinding>, String> {
        let wanted = &self.plan.task(self.row(no).def).workspaces;
        wanted.iter().map(|wanted| self.bind(wanted, no)).collect()
    }

    /// Follows a workspace through the calls up to the scope that holds it.
    fn bind(&self, wanted: &WorkspaceUse, no: TaskNo) -> Result<WorkspaceBinding, String> {
        let mut binding = WorkspaceBinding::absent(wanted);
        if let Some(sub_path) = &wanted.sub_path {
            binding.sub_paths.push(self.sub_path(wanted, sub_path, no)?);
        }
        let (mut name, mut at) = (wanted.source.as_str(), self.instance_of(no));
        loop {
            let scope = self.plan.scope(self.index.instances[&at].scope);
            let kind = scope.workspaces.get(name).map(|workspace| &workspace.kind);
            match (kind, at) {
                (None | Some(WorkspaceKind::Absent), _) | (Some(WorkspaceKind::Caller), None) => {
                    return Ok(WorkspaceBinding::absent(wanted));
                }
                (Some(kind @ (WorkspaceKind::Empty | WorkspaceKind::Files(_))), at) => {
                    let owner = at.map_or_else(|| "run".to_owned(), |call| call.0.to_string());
                    binding.folder = Some(format!("{owner}/{name}"));
                    binding.kind = kind.clone();
                    return Ok(binding);
                }
                (Some(WorkspaceKind::Caller), Some(call)) => {
                    let row = self.row(call);
                    let Body::Call(body) = &self.plan.task(row.def).body else {
                        // A generated scope sees the workspaces of the scope that generated it.
                        at = self.instance_of(call);
                        continue;
                    };
                    let Some(outer) = body.workspaces.get(name) else {
                        return Ok(WorkspaceBinding::absent(wanted));
                    };
                    if let Some(sub_path) = &outer.sub_path {
                        let sub_path = self.sub_path(wanted, sub_path, call)?;
                        binding.sub_paths.insert(0, sub_path);
                    }
                    binding.read_only |= outer.read_only;
                    name = outer.source.as_str();
                    at = self.instance_of(call);
                }
            }
        }
    }

    /// The folders that a task's artifacts go to, in the order of its definition.
    ///
    /// # Errors
    /// When one cannot be computed.
    pub(super) fn destinations(&self, no: TaskNo) -> Result<Vec<Option<Text>>, String> {
        let wanted = self.plan.task(self.row(no).def).artifacts_in.iter();
        let folder = |wanted: &ArtifactIn| {
            let what = format!("`artifacts.in` of `{}`: `to`", wanted.name);
            let to = wanted.to.as_ref();
            to.map(|to| self.folder(&what, to, no)).transpose()
        };
        wanted.map(folder).collect()
    }

    /// The definition of a task for its worker.
    fn definition(&self, no: TaskNo) -> TaskDef {
        let mut def = self.plan.task(self.row(no).def).clone();
        let destinations = self
            .destinations(no)
            .expect("what can be wrong was found before the lease");
        for (wanted, to) in def.artifacts_in.iter_mut().zip(destinations) {
            wanted.to = to;
        }
        def
    }

    /// A folder below a workspace, as the task or call that names it sees it.
    fn sub_path(&self, wanted: &WorkspaceUse, text: &Text, no: TaskNo) -> Result<Text, String> {
        self.folder(&format!("`workspaces.{}.sub_path`", wanted.name), text, no)
    }

    fn folder(&self, what: &str, text: &Text, no: TaskNo) -> Result<Text, String> {
        if text.literal().is_some() {
            return Ok(text.clone());
        }
        let value = Texts::default()
            .text(text, &self.names(no, Past::default()))
            .and_then(|value| {
                Ok(expr::template::in_text(&value)
                    .map_err(|error| error.to_string())?
                    .to_string())
            })
            .map_err(|message| format!("{what}: {message}"))?;
        Ok(Text::Literal(value))
    }

    pub(super) fn names(&self, no: TaskNo, past: Past) -> Names<'_> {
        Names::of_task(self, no, past)
    }
}
