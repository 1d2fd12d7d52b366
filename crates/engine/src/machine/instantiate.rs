//! Making rows: of a new run, of the members of a matrix, of the scope that a call opens.

use super::index::Index;
use super::{Draft, Machine};
use crate::cells::{self, known_table};
use crate::names::Names;
use crate::rows::{
    Changes, Counts, Effect, EffectKey, GroupMember, Reused, RunHead, RunRow, RunState, TaskKind,
    TaskRow, TaskState, Transition,
};
use crate::texts::Texts;
use model::ids::{ScopeNo, TaskNo, Token};
use model::limits;
use model::matrix::{Cell, MatrixError};
use model::plan::{Body, Phase, Plan, Text};
use model::reason::QueueReason;
use model::time::Timestamp;
use std::collections::BTreeMap;

/// A run that was just created.
#[derive(Debug)]
pub struct NewRun {
    /// The machine.
    pub machine: Machine,
    /// Its first rows.
    pub changes: Changes,
}

impl Machine {
    /// Creates the run of `plan`.
    #[must_use]
    pub fn create(head: RunHead, plan: Plan, now: Timestamp) -> NewRun {
        let run = RunRow {
            id: head.id,
            version: 0,
            state: RunState::Running,
            token: Token(0),
            events: 0,
            counts: Counts::default(),
            started_at: None,
            ended_at: None,
            cancel: None,
            finally_at: None,
            inbox: 0,
        };
        let mut machine = Self {
            index: Index::new(&plan, &head),
            draft: Draft::default(),
            texts: Texts::of(&plan.more_files),
            plan,
            head,
            run,
            tasks: Vec::new(),
            live: BTreeMap::new(),
            fragments: Vec::new(),
            leases: BTreeMap::new(),
            effects: BTreeMap::new(),
        };
        machine.log(Transition::RunCreated, now);
        machine.instantiate(ScopeNo::ROOT, None, now);
        match machine.plan.concurrency.clone() {
            None => machine.begin_run(now),
            Some(concurrency) => {
                machine.run.state = RunState::Queued(QueueReason::ConcurrencyGroup);
                let group = machine.run_group().expect("the plan names a group");
                let member = GroupMember {
                    run: machine.head.id,
                    task: None,
                };
                let (limit, mode) = (concurrency.limit, concurrency.mode);
                let effect = Effect::EnterGroup {
                    group,
                    member,
                    limit,
                    mode,
                };
                machine.effect(EffectKey::enter(None), effect);
            }
        }
        machine.settle(now);
        let changes = machine.take_changes();
        NewRun { machine, changes }
    }

    /// The concurrency group of the run, if the plan names one. A name that cannot be computed stands for itself.
    #[must_use]
    pub fn run_group(&mut self) -> Option<String> {
        let group = self.plan.concurrency.as_ref()?.group.clone();
        let mut texts = std::mem::take(&mut self.texts);
        let value = texts.text(&group, &Names::of_pipeline(self));
        self.texts = texts;
        let name = value.ok().and_then(|value| {
            let text = expr::template::in_text(&value).ok()?;
            Some(text.to_string())
        });
        let written = match group {
            Text::Literal(text) => text,
            Text::Template(expression) => expression.text,
        };
        Some(name.unwrap_or(written))
    }

    /// Lets the tasks of the root scope go.
    pub(super) fn begin_run(&mut self, now: Timestamp) {
        self.run.state = RunState::Running;
        self.draft.run = true;
        self.begin_scope(None, now);
    }

    /// Decides about every task of a scope that waits for nothing.
    pub(super) fn begin_scope(&mut self, opener: Option<TaskNo>, now: Timestamp) {
        let instance = self.index.instances[&opener].clone();
        if instance.left_main == 0 {
            self.open_finally(opener, now);
            return;
        }
        for def in self.plan.scope(instance.scope).tasks.clone() {
            let no = self.top(opener, def);
            let main = self.plan.task(def).phase == Phase::Main;
            if main && self.index.waits[no.index()] == 0 {
                self.decide(no, now);
            }
        }
    }

    /// Makes the rows of a scope: one for each definition, then the members of matrices that are known.
    pub(super) fn instantiate(&mut self, scope: ScopeNo, opener: Option<TaskNo>, now: Timestamp) {
        let prefix = opener.map_or_else(String::new, |opener| format!("{}/", self.row(opener).key));
        let first = self.next_no();
        let defs = self.plan.scope(scope).tasks.clone();
        for def in &defs {
            let task = self.plan.task(*def);
            let kind = match (&task.matrix, &task.body) {
                (Some(_), _) => TaskKind::Matrix,
                (None, Body::Call(_)) => TaskKind::Call,
                (None, Body::Steps(_) | Body::Nothing) => TaskKind::Leaf,
            };
            let mut row =
                TaskRow::new(self.next_no(), *def, kind, format!("{prefix}{}", task.name));
            row.parent = opener;
            if task.phase == Phase::Finally {
                row.state = TaskState::Queued(QueueReason::Finally);
            }
            self.push_row(row);
        }
        self.open_instance(opener, scope, first);
        self.index_waits(opener);
        for (place, def) in defs.iter().enumerate() {
            let known = self.plan.task(*def).matrix.as_ref().and_then(known_table);
            // A table that cannot be made, or does not fit, is reported when the task's turn comes.
            if let Some(Ok(cells)) = known.map(|table| table.cells())
                && self.has_room(cells.len()).is_ok()
            {
                let matrix = TaskNo(first.0 + u32::try_from(place).expect("tasks are bounded"));
                self.add_members(matrix, cells, now);
            }
        }
    }

    /// Makes the rows of a matrix's members.
    pub(super) fn add_members(&mut self, matrix: TaskNo, cells: Vec<Cell>, _now: Timestamp) {
        let of = self.row(matrix).clone();
        let kind = match self.plan.task(of.def).body {
            Body::Call(_) => TaskKind::Call,
            Body::Steps(_) | Body::Nothing => TaskKind::Leaf,
        };
        for cell in cells {
            let key = format!("{}[{}]", of.key, cell.id());
            let mut row = TaskRow::new(self.next_no(), of.def, kind, key);
            row.parent = Some(matrix);
            row.cell = Some(Box::new(cell));
            row.state = of.state;
            let no = row.no;
            self.push_row(row);
            self.index_member(matrix, no);
        }
    }

    fn next_no(&self) -> TaskNo {
        TaskNo(u32::try_from(self.tasks.len()).expect("tasks are bounded"))
    }

    fn push_row(&mut self, mut row: TaskRow) {
        if let Some(reused) = self.reused(&row.key) {
            row.reused_from = Some(reused.run);
        }
        if row.kind == TaskKind::Leaf && self.head.counts(&row) {
            self.run.counts.total += 1;
        }
        self.draft.run = true;
        self.draft.tasks.insert(row.no);
        self.index.waits.push(0);
        self.index.past.push(crate::names::Past::default());
        self.tasks.push(row);
    }

    /// The finished result of an earlier run that a task takes over.
    pub(super) fn reused(&self, key: &str) -> Option<&Reused> {
        self.head.parent.as_ref()?.reused.get(key)
    }

    /// Whether `more` tasks still fit into the run.
    pub(super) fn has_room(&self, more: usize) -> Result<(), String> {
        if self.tasks.len().saturating_add(more) <= limits::TASKS_PER_RUN {
            return Ok(());
        }
        let (have, most) = (self.tasks.len(), limits::TASKS_PER_RUN);
        Err(format!(
            "{more} more tasks do not fit: the run has {have} of at most {most}"
        ))
    }

    /// The cells of a matrix whose values had to wait until now.
    pub(super) fn late_cells(&mut self, no: TaskNo) -> Result<Vec<Cell>, String> {
        let def = self.plan.task(self.row(no).def).clone();
        let matrix = def.matrix.as_ref().expect("only matrices have cells");
        let table = cells::table(&def, matrix, |expression| self.late_json(no, expression))?;
        let cells = table
            .cells()
            .map_err(|error: MatrixError| error.to_string())?;
        self.has_room(cells.len())?;
        Ok(cells)
    }
}
