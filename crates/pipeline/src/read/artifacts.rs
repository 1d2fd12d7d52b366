//! Artifacts given and taken.

use super::{Draft, Reader, flag};
use crate::definitions::Phase;
use crate::yaml::Node;
use model::plan::{ArtifactIn, ArtifactOut, ArtifactWhen, IfMissing};

impl Reader<'_, '_> {
    pub(super) fn artifacts(&mut self, node: &Node<'_>, draft: &mut Draft) {
        let given = node
            .child("out")
            .and_then(Node::entries)
            .unwrap_or_default();
        for entry in given {
            let artifact = self.given(&entry.key, &entry.value);
            draft.def.artifacts_out.push(artifact);
            draft.given.push(entry.key_span);
        }
        let taken = node.child("in").and_then(Node::items).unwrap_or_default();
        for item in taken {
            let (Some(from), Some(name)) = (item.child("from"), item.child("name")) else {
                continue;
            };
            let (Some(from_name), Some(name_text)) = (from.text(), name.text()) else {
                continue;
            };
            if let Some(to) = item.child("to") {
                self.refuse_own(to);
            }
            draft.def.artifacts_in.push(ArtifactIn {
                from: from_name.to_owned(),
                name: name_text.to_owned(),
                to: self.path(item, "to", Phase::Start),
                optional: flag(item, "optional").unwrap_or(false),
            });
            draft.taken.push((from.span, name.span));
        }
    }

    fn given(&mut self, name: &str, value: &Node<'_>) -> ArtifactOut {
        let mut artifact = ArtifactOut {
            name: name.to_owned(),
            paths: Vec::new(),
            exclude: Vec::new(),
            when: ArtifactWhen::Success,
            if_missing: IfMissing::Fail,
        };
        if value.entries().is_none() {
            artifact.paths = self.paths(value, Phase::Start);
            return artifact;
        }
        if let Some(paths) = value.child("paths") {
            artifact.paths = self.paths(paths, Phase::Start);
        }
        if let Some(excluded) = value.child("exclude") {
            artifact.exclude = self.file_patterns(excluded, Phase::Start);
        }
        artifact.when = match value.child("when").and_then(Node::text) {
            Some("failure") => ArtifactWhen::Failure,
            Some("always") => ArtifactWhen::Always,
            Some(_) | None => ArtifactWhen::Success,
        };
        artifact.if_missing = match value.child("if_missing").and_then(Node::text) {
            Some("warn") => IfMissing::Warn,
            Some("ignore") => IfMissing::Ignore,
            Some(_) | None => IfMissing::Fail,
        };
        artifact
    }
}
