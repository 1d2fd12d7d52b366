//! No file is forgotten: every Rust file of a package is reached from one of its targets by `mod`.
//!
//! A test file that nobody declares compiles to nothing and is green for ever; this is the rule that finds it. The walk
//! knows `mod name;`, `#[path = "…"]` and both file layouts. A `mod` inside an inline module is not followed: write it flat.

use std::collections::BTreeSet;

use super::Finding;
use crate::tree::{Package, Tree};

/// Folders of a package whose Rust files are code.
const CODE_FOLDERS: &[&str] = &["src", "tests", "benches", "examples", "fuzz_targets"];

/// Finds Rust files that no target reaches.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.packages
        .iter()
        .flat_map(|package| check_package(tree, package))
        .collect()
}

fn check_package(tree: &Tree, package: &Package) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    for root in &package.roots {
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        reach(tree, root, folder, &mut reached);
    }
    let is_code = |file: &&String| {
        let inside = file.strip_prefix(&format!("{}/", package.folder));
        let first = inside.and_then(|path| path.split('/').next());
        file.ends_with(".rs") && first.is_some_and(|folder| CODE_FOLDERS.contains(&folder))
    };
    let forgotten = tree
        .files
        .keys()
        .filter(is_code)
        .filter(|file| !reached.contains(file.as_str()));
    forgotten
        .map(|file| Finding {
            file: file.clone(),
            line: 1,
            what: "no `mod` reaches this file, so it is never compiled".into(),
            next: format!(
                "declare `mod {};` in {}, or delete the file",
                stem(file),
                parent(file)
            ),
        })
        .collect()
}

/// Follows the modules of `file`; those it declares lie in `folder`.
fn reach<'a>(tree: &'a Tree, file: &str, folder: &str, reached: &mut BTreeSet<&'a str>) {
    let Some((file, text)) = tree.files.get_key_value(file) else {
        return;
    };
    if !reached.insert(file) {
        return;
    }
    for module in declared(text) {
        let own_folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let candidates = match &module.path {
            Some(path) => vec![(join(own_folder, path), parent_of(&join(own_folder, path)))],
            None => vec![
                (
                    format!("{folder}/{}.rs", module.name),
                    format!("{folder}/{}", module.name),
                ),
                (
                    format!("{folder}/{}/mod.rs", module.name),
                    format!("{folder}/{}", module.name),
                ),
            ],
        };
        for (candidate, inner_folder) in candidates {
            reach(tree, &candidate, &inner_folder, reached);
        }
    }
}

struct Module<'a> {
    name: &'a str,
    path: Option<&'a str>,
}

/// The `mod name;` lines of a text, each with the `#[path]` before it.
fn declared(text: &str) -> Vec<Module<'_>> {
    let mut modules = Vec::new();
    let mut path = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            path = rest.split('"').next();
        } else if let Some(name) = module_name(line) {
            modules.push(Module {
                name,
                path: path.take(),
            });
        } else if !line.starts_with("#[") {
            path = None;
        }
    }
    modules
}

fn module_name(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1,
        Some(rest) => rest,
        None => line,
    };
    let name = line.trim_start().strip_prefix("mod ")?.split_once(';')?.0;
    Some(name.strip_prefix("r#").unwrap_or(name))
}

/// Joins a relative path that may begin with `../`.
fn join(folder: &str, path: &str) -> String {
    match path.strip_prefix("../") {
        Some(rest) => join(&parent_of(folder), rest),
        None => format!("{folder}/{path}"),
    }
}

fn parent_of(path: &str) -> String {
    path.rsplit_once('/')
        .map_or("", |(folder, _)| folder)
        .to_owned()
}

fn stem(file: &str) -> &str {
    file.rsplit('/')
        .next()
        .unwrap_or(file)
        .trim_end_matches(".rs")
}

/// The file that should declare this one.
fn parent(file: &str) -> String {
    let folder = parent_of(file);
    match folder.rsplit('/').next() {
        Some("src") => format!("{folder}/lib.rs"),
        Some("it") => format!("{folder}/main.rs"),
        Some(_) | None => format!("{folder}.rs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forgotten(files: &[(&str, &str)]) -> Vec<String> {
        let roots = ["c/src/lib.rs", "c/tests/it/main.rs"]
            .map(String::from)
            .into();
        let packages = vec![Package {
            name: "c".into(),
            folder: "c".into(),
            dependencies: vec![],
            roots,
        }];
        let files = files
            .iter()
            .map(|(file, text)| ((*file).into(), (*text).into()))
            .collect();
        check(&Tree { files, packages })
            .into_iter()
            .map(|finding| format!("{}: {}", finding.file, finding.next))
            .collect()
    }

    #[test]
    fn modules_are_followed_in_both_layouts() {
        let files = [
            ("c/src/lib.rs", "mod a;\npub(crate) mod b;\n"),
            ("c/src/a.rs", "pub mod inner;"),
            ("c/src/a/inner.rs", ""),
            ("c/src/b/mod.rs", "mod deep;"),
            ("c/src/b/deep.rs", ""),
        ];
        assert!(forgotten(&files).is_empty());
    }

    #[test]
    fn a_test_file_that_nobody_declares_is_found() {
        let files = [
            ("c/tests/it/main.rs", "mod kept;"),
            ("c/tests/it/kept.rs", ""),
            ("c/tests/it/lost.rs", ""),
        ];
        let expected =
            "c/tests/it/lost.rs: declare `mod lost;` in c/tests/it/main.rs, or delete the file";
        assert_eq!(forgotten(&files), [expected]);
    }

    #[test]
    fn a_source_file_that_nobody_declares_is_found() {
        let files = [("c/src/lib.rs", "// mod lost;"), ("c/src/lost.rs", "")];
        assert_eq!(
            forgotten(&files),
            ["c/src/lost.rs: declare `mod lost;` in c/src/lib.rs, or delete the file"]
        );
    }

    #[test]
    fn a_path_attribute_is_followed() {
        let files = [
            (
                "c/tests/it/main.rs",
                "#[path = \"../shared/world.rs\"]\nmod world;\n",
            ),
            ("c/tests/shared/world.rs", ""),
        ];
        assert!(forgotten(&files).is_empty());
    }

    #[test]
    fn data_folders_are_not_code() {
        assert!(forgotten(&[("c/src/lib.rs", ""), ("c/fixtures/sample.rs", "")]).is_empty());
    }
}
