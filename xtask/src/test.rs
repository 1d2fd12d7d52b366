//! `cargo xtask test`: the whole suite, once, with nextest if it is installed, else with `cargo test`.
//!
//! Arguments pass through to the program that runs the tests. Tests that need another program live in `e2e/tests/it/` in
//! modules called `needs_PROGRAM`; when the program is missing they are left out by that name, and a line says so. In the
//! same way tests of third-party cases are in modules called `needs_corpora`, in whichever crate. Git is assumed.
//! nextest does not run examples in doc comments, so they run apart from it when there are any.

use std::{
    env, fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};

use crate::tree::{self, Tree};

/// Prefix of modules that need a program, or the corpora.
const NEEDS: &str = "needs_";

/// What stands behind the prefix where tests need the corpora.
const CORPORA: &str = "corpora";

/// What `--help` prints.
const USAGE: &str = "\
cargo xtask test [ARGUMENT...]

Runs the tests of the whole workspace once, with nextest if it is installed, else with `cargo test`.
Tests of programs, mounts, control groups and corpora that are not here are left out or do nothing; the last lines say which.

  -p CRATE      only that crate; without it all of them
  NAME          only tests whose names hold it
  ARGUMENT...   anything else passes through: `cargo nextest run --help`, or `cargo test --help`

FORMIC_CORPORA names the folder of the third-party cases.
Exit code: 0 all passed, 1 some did not, 2 they could not be run.";

/// Runs the suite, or says how to.
///
/// # Errors
/// When the repository cannot be read or cargo cannot be started. A red suite is not an error but exit code 1.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    if asks_for_help(arguments) {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let root = tree::root()?;
    let programs = missing_programs(&root)?;
    let corpora = (!has_corpora(&root)).then(|| CORPORA.to_owned());
    let missing: Vec<String> = programs.iter().cloned().chain(corpora.clone()).collect();
    let mut is_green = if has_nextest() {
        succeeds(
            tree::cargo()
                .current_dir(&root)
                .args(nextest_arguments(arguments, &missing)),
        )?
    } else {
        succeeds(
            tree::cargo()
                .current_dir(&root)
                .args(cargo_test_arguments(arguments, &missing)),
        )?
    };
    if is_green && arguments.is_empty() && has_nextest() && has_doc_tests(&Tree::load(&root)?) {
        is_green = succeeds(tree::cargo().current_dir(&root).args([
            "test",
            "--doc",
            "--workspace",
            "--quiet",
        ]))?;
    }
    for program in &programs {
        println!("e2e: {NEEDS}{program} not run, there is no `{program}` on the path");
    }
    if !may_mount() {
        println!("mounts: not run, nothing may be mounted here: tests of full and read-only disks");
    }
    if !has_control_groups() {
        println!("control groups: not run, none may be made here: tests of groups and limits");
    }
    if corpora.is_some() {
        println!("corpora: not run");
        println!("  help: set FORMIC_CORPORA to the folder that holds them");
    }
    Ok(if is_green {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether this command is asked for help; what stands behind `--` is for the tests.
fn asks_for_help(arguments: &[String]) -> bool {
    let mut own = arguments.iter().take_while(|argument| *argument != "--");
    own.any(|argument| argument == "-h" || argument == "--help")
}

/// Whether tests that mount a small disk find what they need.
fn may_mount() -> bool {
    let Ok(dir) = tempfile::tempdir() else {
        return false;
    };
    let quietly = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).arg(dir.path());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    quietly("mount", &["-t", "tmpfs", "-o", "size=64k", "none"]) && quietly("umount", &[])
}

/// Whether tests that bind a task with control groups find what they need, in either version.
fn has_control_groups() -> bool {
    let name = format!("formic-test-{}", std::process::id());
    [
        "/sys/fs/cgroup",
        "/sys/fs/cgroup/memory",
        "/sys/fs/cgroup/unified",
    ]
    .iter()
    .map(|top| Path::new(top).join(&name))
    .any(|group| fs::create_dir(&group).is_ok() && fs::remove_dir(&group).is_ok())
}

fn has_nextest() -> bool {
    let mut command = tree::cargo();
    command
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    Ok(status.success())
}

fn nextest_arguments(arguments: &[String], missing: &[String]) -> Vec<String> {
    let mut command = vec!["nextest".to_owned(), "run".to_owned()];
    command.extend(selection(arguments));
    if !missing.is_empty() {
        let left_out: Vec<String> = missing
            .iter()
            .map(|what| format!("test(/^{NEEDS}{what}::/)"))
            .collect();
        command.extend(["-E".to_owned(), format!("not ({})", left_out.join(" or "))]);
    }
    command.extend(arguments.iter().cloned());
    command
}

fn cargo_test_arguments(arguments: &[String], missing: &[String]) -> Vec<String> {
    let mut command = vec!["test".to_owned()];
    command.extend(selection(arguments));
    command.extend(arguments.iter().cloned());
    if !missing.is_empty() && !arguments.iter().any(|argument| argument == "--") {
        command.push("--".to_owned());
    }
    command.extend(
        missing
            .iter()
            .flat_map(|what| ["--skip".to_owned(), format!("{NEEDS}{what}::")]),
    );
    command
}

/// The whole workspace, unless the arguments choose packages themselves.
fn selection(arguments: &[String]) -> Option<String> {
    let chooses = |argument: &String| {
        argument.starts_with("-p") || argument.starts_with("--package") || argument == "--workspace"
    };
    (!arguments.iter().any(chooses)).then(|| "--workspace".to_owned())
}

/// Programs that a module of `e2e` is named after and that are not on the path.
fn missing_programs(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("e2e/tests/it");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut missing = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot list `{}`", folder.display()))?
    {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let program = name
            .strip_prefix(NEEDS)
            .and_then(|name| name.strip_suffix(".rs"));
        missing.extend(
            program
                .filter(|program| *program != CORPORA && !is_on_path(program))
                .map(str::to_owned),
        );
    }
    missing.sort();
    Ok(missing)
}

/// A module name cannot hold the `-` of a program's name, so both spellings are looked for.
fn is_on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let spellings = [program.to_owned(), program.replace('_', "-")];
    env::split_paths(&path).any(|folder| spellings.iter().any(|name| folder.join(name).is_file()))
}

/// True when a doc comment holds code that rustdoc would run.
fn has_doc_tests(tree: &Tree) -> bool {
    tree.files
        .iter()
        .any(|(file, text)| file.contains("/src/") && file.ends_with(".rs") && opens_doc_test(text))
}

fn opens_doc_test(text: &str) -> bool {
    let mut is_open = false;
    for line in text.lines().map(str::trim_start) {
        let Some(doc) = line
            .strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"))
        else {
            is_open = false;
            continue;
        };
        let Some(info) = doc.trim_start().strip_prefix("```") else {
            continue;
        };
        if !is_open
            && matches!(
                info.trim(),
                "" | "rust" | "should_panic" | "no_run" | "compile_fail"
            )
        {
            return true;
        }
        is_open = !is_open;
    }
    false
}

fn has_corpora(root: &Path) -> bool {
    match env::var_os("FORMIC_CORPORA") {
        Some(folder) => Path::new(&folder).is_dir(),
        None => root.join("../shared/corpora").is_dir(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(arguments: &[&str]) -> Vec<String> {
        arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect()
    }

    #[test]
    fn both_programs_run_the_whole_workspace() {
        assert_eq!(
            nextest_arguments(&[], &[]),
            ["nextest", "run", "--workspace"]
        );
        assert_eq!(cargo_test_arguments(&[], &[]), ["test", "--workspace"]);
    }

    #[test]
    fn arguments_pass_through_and_may_choose_packages() {
        assert_eq!(
            nextest_arguments(&owned(&["-p", "model"]), &[]),
            ["nextest", "run", "-p", "model"]
        );
        assert_eq!(
            cargo_test_arguments(&owned(&["--no-fail-fast"]), &[]),
            ["test", "--workspace", "--no-fail-fast"]
        );
    }

    #[test]
    fn help_is_our_own_unless_the_tests_are_asked() {
        assert!(asks_for_help(&owned(&["--help"])));
        assert!(asks_for_help(&owned(&["-p", "model", "-h"])));
        assert!(!asks_for_help(&owned(&["-p", "model", "--", "--help"])));
        assert!(USAGE.lines().count() <= 24);
    }

    #[test]
    fn tests_of_what_is_missing_are_left_out_by_name() {
        let missing = owned(&["systemd_run", CORPORA]);
        let filter = "not (test(/^needs_systemd_run::/) or test(/^needs_corpora::/))";
        assert_eq!(
            nextest_arguments(&[], &missing),
            ["nextest", "run", "--workspace", "-E", filter]
        );
        let skipped = [
            "test",
            "--workspace",
            "--",
            "--nocapture",
            "--skip",
            "needs_systemd_run::",
            "--skip",
            "needs_corpora::",
        ];
        assert_eq!(
            cargo_test_arguments(&owned(&["--", "--nocapture"]), &missing),
            skipped
        );
    }

    #[test]
    fn only_code_that_rustdoc_runs_is_a_doc_test() {
        assert!(opens_doc_test("/// ```\n/// let x = 1;\n/// ```\n"));
        assert!(opens_doc_test("//! ```rust\n//! ```\n"));
        assert!(!opens_doc_test("/// ```text\n/// plan\n/// ```\n"));
        assert!(!opens_doc_test(
            "/// ```ignore\n/// ```\nlet x = \"```\";\n"
        ));
    }

    #[test]
    fn a_program_with_a_dash_is_found_by_its_module_name() {
        assert!(is_on_path("sh"));
        assert!(!is_on_path("no_such_program_anywhere"));
    }
}
