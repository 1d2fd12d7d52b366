//! Paths and patterns that a file names, which all lie below the top of the source.
//!
//! One that stands there as it is is refused here when it leads out, or into what is Git's or Formic's own. One that is
//! computed, and one that leads out by a link, is looked at by the worker when it is known.

use super::Reader;
use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::{Report, Span};
use crate::pattern;
use crate::yaml::Node;
use model::plan::Text;

impl Reader<'_, '_> {
    /// The path under `key`.
    pub(super) fn path(&mut self, node: &Node<'_>, key: &str, phase: Phase) -> Option<Text> {
        self.refuse_leading_out(node.child(key)?, "");
        self.field(node, key, phase)
    }

    /// The patterns of files that become an artifact, one or a list.
    pub(super) fn paths(&mut self, node: &Node<'_>, phase: Phase) -> Vec<Text> {
        for item in node.items().unwrap_or(std::slice::from_ref(node)) {
            self.refuse_own(item);
        }
        self.file_patterns(node, phase)
    }

    /// Patterns of files, one or a list.
    pub(super) fn file_patterns(&mut self, node: &Node<'_>, phase: Phase) -> Vec<Text> {
        for item in node.items().unwrap_or(std::slice::from_ref(node)) {
            if let Some(pattern) = plain(item)
                && let Some(fault) = pattern::fault(pattern)
            {
                refuse_pattern(self.report, item.span, pattern, &fault);
            }
        }
        self.texts(node, phase)
    }

    /// Refuses a path that counts from the folder `outer` and leads out of the source.
    pub(super) fn refuse_leading_out(&mut self, node: &Node<'_>, outer: &str) {
        let Some(path) = plain(node).filter(|path| leads_out(outer, path)) else {
            return;
        };
        let message = format!("`{path}` leads out of the source");
        self.report
            .error(&codes::LEADS_OUT, node.span, message)
            .help("name a path below the top of the source, without `/` in front, such as `web`");
    }

    /// Refuses a path that is never part of an artifact.
    pub(super) fn refuse_own(&mut self, node: &Node<'_>) {
        let Some(path) = plain(node) else { return };
        let parts: Vec<&str> = path.split('/').filter(|part| *part != ".").collect();
        let whose = if parts.contains(&".git") {
            "Git's"
        } else if parts.starts_with(&[".formic", "state"]) {
            "Formic's"
        } else {
            return;
        };
        let message = format!("`{path}` is {whose} own, and never part of an artifact");
        self.report
            .error(&codes::NEVER_AN_ARTIFACT, node.span, message)
            .help("name a path of your own, such as `dist`");
    }
}

/// Reports a pattern that cannot be used.
pub(crate) fn refuse_pattern(
    report: &mut Report<'_>,
    span: Span,
    pattern: &str,
    fault: &pattern::Fault,
) {
    let (code, what) = if fault.leads_out {
        (&codes::LEADS_OUT, "")
    } else {
        (&codes::NOT_PATTERN, "the pattern ")
    };
    let message = format!("{what}`{pattern}` {}", fault.message);
    report.error(code, span, message).help(fault.help);
}

/// A text without expressions.
fn plain<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    node.text().filter(|text| !text.contains("${{"))
}

/// Whether a path that counts from `outer` leads above the top.
fn leads_out(outer: &str, path: &str) -> bool {
    let mut depth = 0_usize;
    for part in outer.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    path.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_go_up_as_far_as_it_has_come_down() {
        for (outer, path) in [
            ("", "a/../b"),
            ("web", "../api"),
            ("", "."),
            ("a/b", "../.."),
        ] {
            assert!(!leads_out(outer, path), "{path} in {outer}");
        }
        for (outer, path) in [
            ("", ".."),
            ("web", "../../x"),
            ("", "/etc"),
            ("", "a/../.."),
        ] {
            assert!(leads_out(outer, path), "{path} in {outer}");
        }
    }
}
