//! `tidy --report`: sizes beside their aims. It never fails; the trend matters, not the number.
//!
//! Test code is everything under `tests/`, in files named `tests.rs`, after `#[cfg(test)]`, and in the crates that only tests
//! use. Function, parameter and nesting figures are of production code.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    rust_text::{Function, blank, functions},
    tree::{Package, Tree},
};

/// Crates that exist for tests and developers.
const BESIDE: &[&str] = &["testkit", "sim", "e2e", "xtask"];
/// How many of the largest are named.
const NAMED: usize = 10;

/// One Rust file, measured.
struct Measured<'a> {
    file: &'a str,
    production_lines: usize,
    test_lines: usize,
    functions: Vec<Function>,
    has_module_doc: bool,
    public: usize,
    public_documented: usize,
}

/// Sizes of the tree as a table of text.
pub(super) fn render(tree: &Tree) -> String {
    let mut out = String::new();
    let mut all = Vec::new();
    let mut crates = BTreeMap::new();
    for package in &tree.packages {
        let measured: Vec<Measured<'_>> = files_of(tree, package)
            .map(|(file, text)| measure(package, file, text))
            .collect();
        let production: usize = measured.iter().map(|one| one.production_lines).sum();
        let tests: usize = measured.iter().map(|one| one.test_lines).sum();
        crates.insert(package.name.as_str(), (production, tests));
        all.extend(measured);
    }
    render_functions(&mut out, &all)
        .and_then(|()| render_files(&mut out, &all))
        .and_then(|()| render_docs(&mut out, &all))
        .and_then(|()| render_crates(&mut out, &crates))
        .expect("a string takes every write");
    out
}

fn files_of<'a>(tree: &'a Tree, package: &'a Package) -> impl Iterator<Item = (&'a str, &'a str)> {
    let folder = format!("{}/", package.folder);
    tree.files
        .iter()
        .filter(move |(file, _)| file.starts_with(&folder) && file.ends_with(".rs"))
        .map(|(file, text)| (file.as_str(), text.as_str()))
}

fn measure<'a>(package: &Package, file: &'a str, text: &str) -> Measured<'a> {
    let lines = text.lines().count();
    let is_test_file = BESIDE.contains(&package.name.as_str())
        || file.contains("/tests/")
        || file.ends_with("/tests.rs");
    let tests_begin = text
        .lines()
        .position(|line| line.trim() == "#[cfg(test)]")
        .filter(|at| {
            // An attribute on a single item, as `mod tests;` in another file, does not end the production code.
            text.lines()
                .nth(at + 1)
                .is_some_and(|next| next.trim_end().ends_with('{'))
        });
    let production_lines = if is_test_file {
        0
    } else {
        tests_begin.unwrap_or(lines)
    };
    let production: Vec<&str> = text.lines().take(production_lines).collect();
    let (public, public_documented) = public_items(&production);
    Measured {
        file,
        production_lines,
        test_lines: lines - production_lines,
        functions: functions(&blank(&production.join("\n"))),
        has_module_doc: text.starts_with("//!"),
        public,
        public_documented,
    }
}

/// How many `pub` items there are, and how many of them have a doc comment.
fn public_items(lines: &[&str]) -> (usize, usize) {
    let is_item = |line: &str| {
        let rest = line.trim_start().strip_prefix("pub ");
        let is_declaration = |rest: &str| rest.starts_with("mod ") && rest.ends_with(';');
        rest.is_some_and(|rest| !rest.starts_with("use ") && !is_declaration(rest))
    };
    let is_documented = |at: usize| {
        let mut above = lines[..at].iter().rev().map(|line| line.trim_start());
        above
            .find(|line| !line.starts_with("#["))
            .is_some_and(|line| line.starts_with("///"))
    };
    let items: Vec<usize> = (0..lines.len()).filter(|at| is_item(lines[*at])).collect();
    (
        items.len(),
        items.iter().filter(|at| is_documented(**at)).count(),
    )
}

fn render_functions(out: &mut String, all: &[Measured<'_>]) -> std::fmt::Result {
    let mut found: Vec<(&str, &Function)> = all
        .iter()
        .flat_map(|one| one.functions.iter().map(|function| (one.file, function)))
        .collect();
    let within = |limit: usize| {
        percent(
            found.iter().filter(|(_, f)| f.lines <= limit).count(),
            found.len(),
        )
    };
    writeln!(
        out,
        "functions {:>6}   aims: half <= 10 lines, 90 % <= 40, 95 % <= 60; seam at 100",
        found.len()
    )?;
    writeln!(
        out,
        "  <= 10 lines {:>4} %   <= 40 {:>4} %   <= 60 {:>4} %",
        within(10),
        within(40),
        within(60)
    )?;
    let wide = found.iter().filter(|(_, f)| f.parameters > 5).count();
    let deep = found.iter().filter(|(_, f)| f.nesting > 3).count();
    writeln!(
        out,
        "  more than 5 parameters {wide}   nested deeper than 3 {deep}"
    )?;
    found.sort_by_key(|(_, function)| std::cmp::Reverse(function.lines));
    for (file, function) in found
        .iter()
        .take(NAMED)
        .filter(|(_, function)| function.lines > 60)
    {
        writeln!(
            out,
            "  {:>5} lines  {file}:{} {}",
            function.lines, function.line, function.name
        )?;
    }
    for (file, function) in found
        .iter()
        .filter(|(_, f)| f.nesting > 3 || f.parameters > 5)
        .take(NAMED)
    {
        let Function {
            name,
            line,
            nesting,
            parameters,
            ..
        } = function;
        writeln!(
            out,
            "  nested {nesting}, {parameters} parameters  {file}:{line} {name}"
        )?;
    }
    Ok(())
}

fn render_files(out: &mut String, all: &[Measured<'_>]) -> std::fmt::Result {
    let mut files: Vec<&Measured<'_>> = all.iter().filter(|one| one.production_lines > 0).collect();
    files.sort_by_key(|one| one.production_lines);
    let total: usize = files.iter().map(|one| one.production_lines).sum();
    let huge: usize = files
        .iter()
        .map(|one| one.production_lines)
        .filter(|lines| *lines > 1000)
        .sum();
    let median = files
        .get(files.len() / 2)
        .map_or(0, |one| one.production_lines);
    let small = percent(
        files
            .iter()
            .filter(|one| one.production_lines <= 500)
            .count(),
        files.len(),
    );
    writeln!(
        out,
        "files {:>10}   aims without tests: median 100-200, 90 % <= 500; seam at 500",
        files.len()
    )?;
    writeln!(
        out,
        "  median {median}   <= 500 lines {small} %   lines in files > 1000 {} %",
        percent(huge, total)
    )?;
    for one in files
        .iter()
        .rev()
        .take(NAMED)
        .filter(|one| one.production_lines > 500)
    {
        writeln!(out, "  {:>5} lines  {}", one.production_lines, one.file)?;
    }
    Ok(())
}

fn render_docs(out: &mut String, all: &[Measured<'_>]) -> std::fmt::Result {
    let documented = all.iter().filter(|one| one.has_module_doc).count();
    let public: usize = all.iter().map(|one| one.public).sum();
    let public_documented: usize = all.iter().map(|one| one.public_documented).sum();
    writeln!(
        out,
        "docs              aims: modules 80 %, public items 100 % in model, engine, api, 60 % elsewhere"
    )?;
    let (modules, items) = (
        percent(documented, all.len()),
        percent(public_documented, public),
    );
    writeln!(
        out,
        "  modules {modules} %   public items and fields {items} %"
    )
}

fn render_crates(out: &mut String, crates: &BTreeMap<&str, (usize, usize)>) -> std::fmt::Result {
    writeln!(
        out,
        "crates            aims: 1k-10k lines, tests : production 0.8 to 1.4; seam at 20k, below 0.6"
    )?;
    for (name, (production, tests)) in crates {
        writeln!(
            out,
            "  {name:<10} {production:>7} production {tests:>7} tests"
        )?;
    }
    let production: usize = crates.values().map(|(production, _)| production).sum();
    let tests: usize = crates.values().map(|(_, tests)| tests).sum();
    let ratio = percent(tests, production);
    writeln!(
        out,
        "  {:<10} {production:>7} production {tests:>7} tests   {}.{:02}",
        "all",
        ratio / 100,
        ratio % 100
    )
}

fn percent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_counts_production_apart_from_tests() {
        let text = "//! Doc.\n\n/// Doc.\npub fn a() {}\npub fn b() {}\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n";
        let package = Package {
            name: "c".into(),
            folder: "crates/c".into(),
            ..Package::default()
        };
        let files = [
            ("crates/c/src/lib.rs".into(), text.into()),
            ("crates/c/tests/it/main.rs".into(), "\n".into()),
        ];
        let report = render(&Tree {
            files: files.into(),
            packages: vec![package],
        });
        for expected in [
            "functions      2 ",
            "public items and fields 50 %",
            "modules 50 %",
            "c                5 production       5 tests",
            "all              5 production       5 tests   1.00",
        ] {
            assert!(report.contains(expected), "{expected}\n{report}");
        }
    }
}
