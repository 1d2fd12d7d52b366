//! Arrows point down: a crate uses only the crates that the table allows.
//!
//! The table is shorter than the depth column of the design would permit, on purpose: a new edge is a decision and is made
//! here, in a commit that says why. Tests may also use `testkit`; nothing that ships may.

use super::Finding;
use crate::tree::{Dependency, DependencyKind, Package, Tree};

/// Crate, and the crates of ours that its code may name.
const EDGES: &[(&str, &[&str])] = &[
    // depth 1: values
    ("model", &[]),
    ("expr", &[]),
    // depth 2: decisions and promises
    ("pipeline", &["model", "expr"]),
    ("engine", &["model", "expr"]),
    ("api", &["model", "engine"]),
    // depth 3: IO, never sideways
    ("store", &["model", "engine"]),
    ("exec", &["model"]),
    // depth 4: wiring
    ("worker", &["model", "expr", "engine", "api", "exec"]),
    // depth 5: the dispatcher, which may have a worker in its own process
    (
        "server",
        &[
            "model", "expr", "pipeline", "engine", "api", "store", "exec", "worker",
        ],
    ),
    // depth 6: the program
    (
        "cli",
        &[
            "model", "expr", "pipeline", "engine", "api", "store", "exec", "server", "worker",
        ],
    ),
    // beside the program: never shipped
    (
        "testkit",
        &[
            "model", "expr", "pipeline", "engine", "api", "store", "exec", "server", "worker",
        ],
    ),
    (
        "sim",
        &[
            "model", "expr", "pipeline", "engine", "api", "store", "exec", "server", "worker",
            "testkit",
        ],
    ),
    (
        "e2e",
        &[
            "model", "expr", "pipeline", "engine", "api", "store", "exec", "server", "worker",
            "testkit",
        ],
    ),
    ("fuzz", &["model", "expr", "pipeline"]),
    (
        "xtask",
        &[
            "model", "expr", "pipeline", "engine", "api", "store", "exec", "server", "worker",
            "testkit", "sim",
        ],
    ),
];

/// What tests may name beyond their crate's own row.
const DEV_EDGES: &[(&str, &[&str])] = &[
    // The docs are run against the real program.
    ("cli", &["xtask"]),
];

/// Finds edges that are not in the table, and crates without a row.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.packages
        .iter()
        .flat_map(|package| check_package(tree, package))
        .collect()
}

fn check_package(tree: &Tree, package: &Package) -> Vec<Finding> {
    let manifest = format!("{}/Cargo.toml", package.folder);
    let Some(allowed) = row(EDGES, &package.name) else {
        return vec![Finding {
            file: manifest,
            line: 1,
            what: format!("crate `{}` has no row in the table of arrows", package.name),
            next: "give it one in xtask/src/tidy/arrows.rs, and say in the commit why the crate exists".into(),
        }];
    };
    let forbidden =
        |dependency: &&Dependency| dependency.ours && !is_allowed(package, dependency, allowed);
    let finding = |dependency: &Dependency| Finding {
        line: tree.line_of(&manifest, |line| names(line, &dependency.name)),
        file: manifest.clone(),
        what: format!(
            "`{}` may not use `{}`; it may use {}",
            package.name,
            dependency.name,
            if allowed.is_empty() {
                "no crate of ours".into()
            } else {
                format!("`{}`", allowed.join("`, `"))
            }
        ),
        next: format!(
            "move what is needed to a lower crate, or let a crate above both hand it to `{}`",
            package.name
        ),
    };
    package
        .dependencies
        .iter()
        .filter(forbidden)
        .map(finding)
        .collect()
}

fn is_allowed(package: &Package, dependency: &Dependency, allowed: &[&str]) -> bool {
    let name = dependency.name.as_str();
    if allowed.contains(&name) {
        return true;
    }
    match dependency.kind {
        DependencyKind::Dev => {
            name == "testkit"
                || row(DEV_EDGES, &package.name).is_some_and(|extra| extra.contains(&name))
        }
        DependencyKind::Normal | DependencyKind::Build => false,
    }
}

fn row(table: &'static [(&str, &[&str])], name: &str) -> Option<&'static [&'static str]> {
    table
        .iter()
        .find(|(crate_name, _)| *crate_name == name)
        .map(|(_, allowed)| *allowed)
}

/// True for `name.workspace = true`, `name = "1"` and `name = { … }`.
pub(super) fn names(line: &str, name: &str) -> bool {
    line.trim_start()
        .strip_prefix(name)
        .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(name: &str, uses: &str, kind: DependencyKind) -> Tree {
        let folder = format!("crates/{name}");
        let manifest = format!("[dependencies]\n{uses}.workspace = true\n");
        Tree {
            files: [(format!("{folder}/Cargo.toml"), manifest)].into(),
            packages: vec![Package {
                name: name.into(),
                folder,
                dependencies: vec![Dependency {
                    name: uses.into(),
                    ours: true,
                    kind,
                }],
                roots: vec![],
            }],
        }
    }

    #[test]
    fn an_arrow_down_is_allowed() {
        assert_eq!(check(&tree("engine", "model", DependencyKind::Normal)), []);
    }

    #[test]
    fn an_arrow_sideways_is_named_with_its_line() {
        let findings = check(&tree("store", "exec", DependencyKind::Normal));
        assert_eq!(
            findings[0].to_string(),
            "crates/store/Cargo.toml:2: `store` may not use `exec`; it may use `model`, `engine`\n  \
             help: move what is needed to a lower crate, or let a crate above both hand it to `store`"
        );
    }

    #[test]
    fn testkit_is_for_tests_only() {
        assert_eq!(check(&tree("engine", "testkit", DependencyKind::Dev)), []);
        assert_eq!(
            check(&tree("engine", "testkit", DependencyKind::Normal)).len(),
            1
        );
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        assert_eq!(
            check(&tree("utils", "model", DependencyKind::Normal)).len(),
            1
        );
    }

    #[test]
    fn every_row_points_only_at_crates_listed_above_it() {
        for (index, (name, allowed)) in EDGES.iter().enumerate() {
            let above: Vec<&str> = EDGES[..index].iter().map(|(name, _)| *name).collect();
            for used in *allowed {
                assert!(
                    above.contains(used),
                    "`{name}` uses `{used}`, which stands below it"
                );
            }
        }
    }
}
