//! Pure crates stay pure: no IO library in their manifests, and a `clippy.toml` that bans the rest.
//!
//! The nearest `clippy.toml` wins and is not merged with the root's, so each pure crate repeats the root's settings; this
//! rule holds the copies equal. Whether the bans bite is clippy's affair; here only their presence is checked.

use super::{Finding, arrows::names};
use crate::tree::Tree;

/// The crates that decide and never act.
const PURE: &[&str] = &["model", "expr", "pipeline", "engine"];

/// Libraries that reach outside. Their names in a pure manifest are an error even for tests.
const IO_LIBRARIES: &[&str] = &[
    "tokio", "reqwest", "kube", "sqlx", "rusqlite", "rustix", "libc",
];

/// The copy that the others must equal.
const FIRST: &str = "crates/model/clippy.toml";

/// Bans that must be in the file, one of each family: the full list is the file itself.
const MUST_BAN: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::sleep",
    "std::fs::read",
    "std::fs::write",
    "std::fs::File::open",
    "std::env::var",
    "std::collections::HashMap::iter",
    "rand::random",
];

/// Finds IO libraries, missing bans and unequal copies.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let pure = tree
        .packages
        .iter()
        .filter(|package| PURE.contains(&package.name.as_str()));
    let mut findings = Vec::new();
    for package in pure {
        let manifest = format!("{}/Cargo.toml", package.folder);
        for dependency in &package.dependencies {
            if IO_LIBRARIES.contains(&dependency.name.as_str()) {
                findings.push(Finding {
                    line: tree.line_of(&manifest, |line| names(line, &dependency.name)),
                    file: manifest.clone(),
                    what: format!("pure crate `{}` names `{}`", package.name, dependency.name),
                    next: "take the result as an argument; the IO belongs in store, exec, server, worker or cli".into(),
                });
            }
        }
        findings.extend(check_clippy(
            tree,
            &format!("{}/clippy.toml", package.folder),
        ));
    }
    findings
}

fn check_clippy(tree: &Tree, file: &str) -> Vec<Finding> {
    let finding = |what: String, next: String| Finding {
        file: file.into(),
        line: 1,
        what,
        next,
    };
    let Some(text) = tree.files.get(file) else {
        let what = "a pure crate needs a `clippy.toml` of its own".into();
        return vec![finding(what, format!("copy {FIRST}"))];
    };
    let mut findings = Vec::new();
    if tree.files.get(FIRST).is_some_and(|first| first != text) {
        findings.push(finding(
            format!("differs from {FIRST}"),
            format!("make one change in {FIRST} and copy it here"),
        ));
    }
    for banned in MUST_BAN
        .iter()
        .filter(|banned| !text.contains(&format!("\"{banned}\"")))
    {
        findings.push(finding(
            format!("`{banned}` is not banned"),
            "add it to `disallowed-methods` with a reason".into(),
        ));
    }
    let root = tree.files.get("clippy.toml").map_or("", String::as_str);
    for setting in root.lines().filter(|line| line.contains('=')) {
        if !text.lines().any(|line| line == setting) {
            let next =
                "copy the line: the nearest clippy.toml wins and is not merged with the root's"
                    .into();
            findings.push(finding(format!("lacks the root's `{setting}`"), next));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Dependency, DependencyKind, Package};

    fn package(name: &str, uses: &[&str]) -> Package {
        let dependency = |name: &&str| Dependency {
            name: (*name).into(),
            ours: false,
            kind: DependencyKind::Normal,
        };
        Package {
            name: name.into(),
            folder: format!("crates/{name}"),
            dependencies: uses.iter().map(dependency).collect(),
            roots: vec![],
        }
    }

    fn bans() -> String {
        let quoted: Vec<String> = MUST_BAN
            .iter()
            .map(|banned| format!("\"{banned}\""))
            .collect();
        format!("threshold = 6\n{}\n", quoted.join("\n"))
    }

    fn tree(packages: Vec<Package>, files: &[(&str, &str)]) -> Tree {
        let files = files
            .iter()
            .map(|(file, text)| ((*file).into(), (*text).into()))
            .collect();
        Tree { files, packages }
    }

    #[test]
    fn an_io_library_in_a_pure_manifest_is_named_with_its_line() {
        let files = [
            (
                "crates/model/Cargo.toml",
                "[dependencies]\nserde = \"1\"\ntokio = \"1\"\n",
            ),
            (FIRST, &bans()),
        ];
        let findings = check(&tree(vec![package("model", &["serde", "tokio"])], &files));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(
            (findings[0].line, findings[0].what.as_str()),
            (3, "pure crate `model` names `tokio`")
        );
    }

    #[test]
    fn an_io_crate_may_use_io_libraries() {
        assert_eq!(check(&tree(vec![package("store", &["rusqlite"])], &[])), []);
    }

    #[test]
    fn a_pure_crate_without_bans_is_found() {
        assert_eq!(check(&tree(vec![package("expr", &[])], &[])).len(), 1);
    }

    #[test]
    fn a_lost_ban_is_found() {
        let text = bans().replace("std::thread::sleep", "");
        let findings = check(&tree(vec![package("model", &[])], &[(FIRST, &text)]));
        assert_eq!(findings[0].what, "`std::thread::sleep` is not banned");
    }

    #[test]
    fn copies_that_drift_apart_are_found() {
        let other = format!("{}# more\n", bans());
        let files = [(FIRST, bans()), ("crates/expr/clippy.toml", other)];
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(file, text)| (*file, text.as_str()))
            .collect();
        let findings = check(&tree(
            vec![package("model", &[]), package("expr", &[])],
            &files,
        ));
        assert_eq!(findings[0].what, "differs from crates/model/clippy.toml");
    }

    #[test]
    fn the_settings_of_the_root_are_repeated() {
        let text = bans();
        let files = [
            ("clippy.toml", "threshold = 6\nallow-x = true\n"),
            (FIRST, &text),
        ];
        let findings = check(&tree(vec![package("model", &[])], &files));
        assert_eq!(findings[0].what, "lacks the root's `allow-x = true`");
    }
}
