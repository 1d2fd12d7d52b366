//! What a task takes and gives: values, files, folders and secrets.

use super::{TaskBuilder, workspace_use};
use crate::plan::text;
use model::Json;
use model::plan::{
    ArtifactIn, ArtifactOut, ArtifactWhen, Cache, IfMissing, Output, Secret, Service, Text,
    ValueType, WorkspaceUse,
};

impl TaskBuilder {
    /// Declares a value that a step writes by name.
    pub fn output(self, name: &str, value_type: ValueType) -> Self {
        self.output_with(name, value_type, None, None)
    }

    /// Declares a value with a default.
    pub fn output_default(self, name: &str, value_type: ValueType, default: Json) -> Self {
        self.output_with(name, value_type, None, Some(default))
    }

    /// Declares a value by a template over `steps`.
    pub fn output_from(self, name: &str, value_type: ValueType, from: &str) -> Self {
        self.output_with(name, value_type, Some(text(from)), None)
    }

    fn output_with(
        mut self,
        name: &str,
        value_type: ValueType,
        from: Option<Text>,
        default: Option<Json>,
    ) -> Self {
        let output = Output {
            value_type,
            from,
            default,
        };
        self.def.outputs.insert(name.to_owned(), output);
        self
    }

    /// Names the files that, with the definition, decide what it gives: an earlier result may stand for running it.
    pub fn inputs<const N: usize>(mut self, patterns: [&str; N]) -> Self {
        self.def.inputs = Some(patterns.into_iter().map(text).collect());
        self
    }

    /// Gives files to others; no two active tasks share the path.
    pub fn artifact(self, name: &str, path: &str) -> Self {
        self.artifact_with(name, path, ArtifactWhen::Success, IfMissing::Fail)
    }

    /// Gives files to others.
    pub fn artifact_with(
        mut self,
        name: &str,
        path: &str,
        when: ArtifactWhen,
        if_missing: IfMissing,
    ) -> Self {
        self.def.artifacts_out.push(ArtifactOut {
            name: name.to_owned(),
            paths: vec![text(path)],
            exclude: Vec::new(),
            when,
            if_missing,
        });
        self
    }

    /// Takes files of a task that it needs.
    pub fn takes(mut self, from: &str, artifact: &str) -> Self {
        self.def.artifacts_in.push(ArtifactIn {
            from: from.to_owned(),
            name: artifact.to_owned(),
            to: None,
            optional: false,
        });
        self
    }

    /// Writes a report.
    pub fn report(mut self, format: &str, path: &str) -> Self {
        let paths = self.def.reports.entry(format.to_owned()).or_default();
        paths.push(text(path));
        self
    }

    /// Uses a shared folder of its scope under the same name.
    pub fn workspace(self, name: &str) -> Self {
        self.workspace_with(workspace_use(name, name))
    }

    /// Uses a shared folder.
    pub fn workspace_with(mut self, wanted: WorkspaceUse) -> Self {
        self.def.workspaces.push(wanted);
        self
    }

    /// Restores and saves a cache.
    pub fn cache(mut self, key: &str, path: &str) -> Self {
        self.def.caches.push(Cache {
            key: text(key),
            restore_keys: Vec::new(),
            paths: vec![text(path)],
            read_only: false,
            write_only: false,
            when: ArtifactWhen::Success,
        });
        self
    }

    /// Reads a secret as a variable of the same name.
    pub fn secret(mut self, name: &str) -> Self {
        let env = Some(name.to_owned());
        self.def.secrets.push(Secret {
            name: name.to_owned(),
            env,
        });
        self
    }

    /// Starts a process beside the steps.
    pub fn service(mut self, name: &str, run: &str, ready: &str) -> Self {
        self.def.services.push(Service {
            name: name.to_owned(),
            run: Some(text(run)),
            container: None,
            ready: Some(text(ready)),
            port: None,
            timeout_ms: None,
            env: Vec::new(),
        });
        self
    }
}
