//! What a task asks of its worker and its tree, computed once when it becomes ready and kept in its row: labels, paths,
//! folders of artifacts and workspaces. A worker and a machine that is rebuilt then find what was decided, whatever the
//! expressions would give by then.

use super::Machine;
use super::index::{Follow, Wish};
use super::paths;
use crate::names::Past;
use crate::rows::Wants;
use crate::texts::Texts;
use crate::work::WorkspaceBinding;
use model::ids::TaskNo;
use model::plan::{ArtifactIn, Body, TaskDef, Text, WorkspaceKind, WorkspaceUse};

impl Machine {
    /// Computes what the definition of a task leaves open, for its next attempt.
    ///
    /// # Errors
    /// When something cannot be computed, which is its author's fault.
    pub(super) fn work_out(&mut self, no: TaskNo) -> Result<(), String> {
        if !is_open(self.plan.task(self.row(no).def)) {
            return Ok(());
        }
        let wants = Wants {
            labels: self.labels_now(no)?,
            paths: self.paths_now(no),
            destinations: self.destinations(no)?,
            workspaces: self.bindings(no)?,
        };
        let before = self.claims(no);
        self.touch(no).wants = Some(Box::new(wants));
        if !self.index.parked_on_paths.is_empty() && before != self.claims(no) {
            let before = before.into_iter().map(|(path, _)| path).collect();
            self.index.to_pass_on.push_back(Follow::Paths(before));
        }
        Ok(())
    }

    /// What a ready task asks of a worker.
    pub(super) fn wish(&self, no: TaskNo) -> Wish {
        let row = self.row(no);
        let def = self.plan.task(row.def);
        let labels = match &row.wants {
            Some(wants) => wants.labels.clone(),
            None => {
                let known = def.placement.asked().filter_map(Text::literal);
                known.map(str::to_owned).collect()
            }
        };
        Wish {
            labels,
            resources: def.resources.clone(),
        }
    }

    /// The role and labels; what is empty asks for nothing.
    fn labels_now(&mut self, no: TaskNo) -> Result<Vec<String>, String> {
        let placement = self.plan.task(self.row(no).def).placement.clone();
        let mut labels = Vec::new();
        for text in placement.asked() {
            let label = self
                .late_text(no, text)
                .map_err(|message| format!("role or label: {message}"))?;
            if !label.is_empty() {
                labels.push(label);
            }
        }
        Ok(labels)
    }

    /// The paths that it writes, as far as they can be known before its steps run.
    fn paths_now(&mut self, no: TaskNo) -> Vec<String> {
        let def = self.plan.task(self.row(no).def);
        let texts: Vec<Text> = def.exclusive_texts().cloned().collect();
        let mut known = Vec::new();
        for text in texts {
            known.push(match (self.late_text(no, &text), text) {
                (Ok(path), _) => path,
                // It reads what only the worker knows, or is wrong, which is told when it is needed.
                (Err(_), Text::Template(expression)) => {
                    paths::beginning(&expression.text).to_owned()
                }
                (Err(_), Text::Literal(path)) => path,
            });
        }
        known
    }

    /// The definition of a task for its worker.
    pub(super) fn definition(&self, no: TaskNo) -> TaskDef {
        let row = self.row(no);
        let mut def = self.plan.task(row.def).clone();
        if let Some(wants) = &row.wants {
            for (wanted, to) in def.artifacts_in.iter_mut().zip(&wants.destinations) {
                wanted.to.clone_from(to);
            }
        }
        def
    }

    /// The shared folders of a task.
    ///
    /// # Errors
    /// When a folder below one cannot be computed.
    fn bindings(&self, no: TaskNo) -> Result<Vec<WorkspaceBinding>, String> {
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
    fn destinations(&self, no: TaskNo) -> Result<Vec<Option<Text>>, String> {
        let wanted = self.plan.task(self.row(no).def).artifacts_in.iter();
        let folder = |wanted: &ArtifactIn| {
            let what = format!("`artifacts.in` of `{}`: `to`", wanted.name);
            let to = wanted.to.as_ref();
            to.map(|to| self.folder(&what, to, no)).transpose()
        };
        wanted.map(folder).collect()
    }

    /// A folder below a workspace, as the task or call that names it sees it.
    fn sub_path(&self, wanted: &WorkspaceUse, text: &Text, no: TaskNo) -> Result<Text, String> {
        self.folder(&format!("`workspaces.{}.sub_path`", wanted.name), text, no)
    }

    fn folder(&self, what: &str, text: &Text, no: TaskNo) -> Result<Text, String> {
        if text.literal().is_some() {
            return Ok(text.clone());
        }
        let value = Texts::of(&self.plan.more_files)
            .text(text, &self.names(no, Past::default()))
            .and_then(|value| {
                Ok(expr::template::in_text(&value)
                    .map_err(|error| error.to_string())?
                    .to_string())
            })
            .map_err(|message| format!("{what}: {message}"))?;
        Ok(Text::Literal(value))
    }
}

/// Whether a definition leaves something open that its row has to keep.
fn is_open(def: &TaskDef) -> bool {
    let destinations = def
        .artifacts_in
        .iter()
        .filter_map(|wanted| wanted.to.as_ref());
    let mut texts = def
        .placement
        .asked()
        .chain(def.exclusive_texts())
        .chain(destinations);
    !def.workspaces.is_empty() || texts.any(|text| text.literal().is_none())
}
