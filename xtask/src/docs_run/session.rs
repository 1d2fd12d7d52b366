//! Runs the blocks of one page as one session and compares what they print with what the page says.
//!
//! A page that writes files of its own begins in an empty folder, any other in a copy of the sample. To `git` the address
//! [`ADDRESS`] is that folder, so that a page can use itself as a repository elsewhere. Whoever runs the page is no CI, and
//! has an empty cache.

use std::{
    fmt, fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, bail};

use super::page::{Block, BlockKind};

/// What became of the blocks.
#[derive(Default, Debug)]
#[must_use]
pub struct PageReport {
    /// Commands that were run.
    pub commands: usize,
    /// Pipeline files that were checked.
    pub yaml_blocks: usize,
    /// Other files that were written for the commands behind them.
    pub files: usize,
    /// Blocks left out: place and reason.
    pub no_run: Vec<String>,
    /// What did not hold: place, fact, output.
    pub failures: Vec<String>,
}

impl PageReport {
    /// Adds the report of another page.
    pub fn add(&mut self, other: Self) {
        self.commands += other.commands;
        self.yaml_blocks += other.yaml_blocks;
        self.files += other.files;
        self.no_run.extend(other.no_run);
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for PageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}\n")?;
        }
        for place in &self.no_run {
            writeln!(f, "not run: {place}")?;
        }
        let (commands, yaml, no_run) = (self.commands, self.yaml_blocks, self.no_run.len());
        writeln!(
            f,
            "docs: {commands} commands run, {yaml} YAML blocks checked, {} other files, {no_run} not run, {} failed",
            self.files,
            self.failures.len()
        )
    }
}

/// Runs the blocks of one page in `scratch`, which must not exist yet and becomes a copy of `sample` under Git.
///
/// # Errors
/// When the copy cannot be made or bash cannot be started. What the page got wrong is in the report.
pub fn run_page(
    blocks: &[Block],
    formic: &Path,
    sample: &Path,
    scratch: &Path,
) -> Result<PageReport> {
    let mut report = PageReport::default();
    let needs_scratch = blocks
        .iter()
        .any(|block| !matches!(block.kind, BlockKind::NoRun(_)));
    let has_files = blocks
        .iter()
        .any(|block| matches!(block.kind, BlockKind::File(_)));
    if needs_scratch {
        if has_files {
            fs::create_dir_all(scratch)
                .with_context(|| format!("cannot make `{}`", scratch.display()))?;
        } else {
            copy_folder(sample, scratch)?;
        }
        commit_all(scratch)?;
    }
    for block in blocks {
        match &block.kind {
            BlockKind::NoRun(reason) => report
                .no_run
                .push(format!("{}:{} ({reason})", block.page, block.line)),
            BlockKind::Yaml => {
                // Outside the scratch project, so that it does not become one of its pipelines.
                let file = scratch.with_extension("yaml");
                check_yaml(block, &file, formic, scratch, &mut report)?;
            }
            BlockKind::File(path) => {
                let file = scratch.join(path);
                if is_pipeline(path) {
                    check_yaml(block, &file, formic, scratch, &mut report)?;
                } else {
                    report.files += 1;
                    write(&file, &block.text)?;
                }
            }
            BlockKind::Console => run_console(block, formic, scratch, &mut report)?,
        }
    }
    Ok(report)
}

/// Whether the project finds this file by itself; any other is read only by those that name it.
fn is_pipeline(path: &str) -> bool {
    let inside = path.strip_prefix(".formic/").unwrap_or_default();
    path == "formic.yaml" || (inside.ends_with(".yaml") && !inside.contains('/'))
}

/// Writes a file of the page's project; a script can be started.
fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    fs::write(file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
    if text.starts_with("#!") {
        fs::set_permissions(file, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("cannot make `{}` a program", file.display()))?;
    }
    Ok(())
}

fn check_yaml(
    block: &Block,
    file: &Path,
    formic: &Path,
    scratch: &Path,
    report: &mut PageReport,
) -> Result<()> {
    report.yaml_blocks += 1;
    write(file, &block.text)?;
    let output = shell(formic, scratch)
        .args(["-c", "formic check \"$1\"", "sh"])
        .arg(file)
        .output()?;
    if !output.status.success() {
        let printed = printed(&output);
        report.failures.push(format!(
            "{}:{}: `formic check` refuses this block\n{printed}",
            block.page, block.line
        ));
    }
    Ok(())
}

fn run_console(
    block: &Block,
    formic: &Path,
    scratch: &Path,
    report: &mut PageReport,
) -> Result<()> {
    let mut lines = block.text.lines().enumerate().peekable();
    while let Some((offset, line)) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        let mut expected = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.starts_with("$ ")) {
            expected.push(line);
        }
        report.commands += 1;
        let output = shell(formic, scratch)
            .args(["-c", command])
            .output()
            .context("cannot start bash")?;
        if let Some(fault) = fault(command, &expected, &output) {
            let place = block.line + 1 + offset;
            report.failures.push(format!(
                "{}:{place}: `{command}` {fault}\n{}",
                block.page,
                printed(&output)
            ));
        }
    }
    Ok(())
}

fn fault(command: &str, expected: &[&str], output: &Output) -> Option<String> {
    let code = expected_code(command);
    if output.status.code() != Some(code) {
        let found = output
            .status
            .code()
            .map_or("a signal".into(), |code| code.to_string());
        return Some(format!("ended with {found}, the page says {code}"));
    }
    let printed = printed(output);
    missing_line(expected, &printed).map(|line| format!("did not print the page's line `{line}`"))
}

/// The code of a trailing `# exit N`; 0 without one.
fn expected_code(command: &str) -> i32 {
    let mark = command.rsplit_once("# exit ");
    mark.and_then(|(_, code)| code.trim().parse().ok())
        .unwrap_or(0)
}

/// The first expected line that does not follow in the output.
fn missing_line<'a>(expected: &[&'a str], printed: &str) -> Option<&'a str> {
    let mut lines = printed.lines();
    expected
        .iter()
        .filter(|line| !matches!(line.trim(), "" | "…"))
        .find(|line| !lines.any(|found| matches(line.trim(), found.trim())))
        .copied()
}

/// True when `found` is `pattern`, with `…` for any text.
fn matches(pattern: &str, found: &str) -> bool {
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        // All but the last part may match anywhere; the last one must match at the end.
        if let Some(part) = last.replace(part) {
            let Some((_, after)) = rest.split_once(part) else {
                return false;
            };
            rest = after;
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

fn shell(formic: &Path, scratch: &Path) -> Command {
    let mut path = formic
        .parent()
        .unwrap_or(Path::new("/"))
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-eo", "pipefail"]);
    command
        .current_dir(scratch)
        .stdin(Stdio::null())
        .env("PATH", path)
        .env_remove("FORMIC_STATE")
        .env_remove("CI")
        .env("XDG_CACHE_HOME", scratch.with_extension("cache"))
        .env("GIT_CONFIG_COUNT", "1")
        .env(
            "GIT_CONFIG_KEY_0",
            format!("url.file://{}.insteadOf", scratch.display()),
        )
        .env("GIT_CONFIG_VALUE_0", ADDRESS)
        .envs(COMMITTER)
        .env("NO_COLOR", "1");
    command
}

/// Where the page's project is to be had by Git.
const ADDRESS: &str = "https://git.example/shop";

/// Who commits in a page, whatever the machine's own settings are.
const COMMITTER: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "docs"),
    ("GIT_AUTHOR_EMAIL", "docs@localhost"),
    ("GIT_COMMITTER_NAME", "docs"),
    ("GIT_COMMITTER_EMAIL", "docs@localhost"),
];

fn printed(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make `{}`", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list `{}`", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        let is_product = matches!(name.to_str(), Some("target" | "dist" | ".git" | "state"));
        if path.is_dir() && !is_product {
            copy_folder(&path, &to.join(name))?;
        } else if path.is_file() {
            fs::copy(&path, to.join(name))
                .with_context(|| format!("cannot copy `{}`", path.display()))?;
        }
    }
    Ok(())
}

fn commit_all(folder: &Path) -> Result<()> {
    let script = "git init -q -b main . && git add -A && git commit -q --allow-empty -m sample";
    let output = Command::new("bash")
        .args(["-c", script])
        .envs(COMMITTER)
        .current_dir(folder)
        .output()
        .context("cannot start bash")?;
    if !output.status.success() {
        bail!(
            "cannot commit the sample in `{}`: {}",
            folder.display(),
            printed(&output)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs_run::collect;

    /// A sample project and a `formic` that is a shell script.
    struct World(tempfile::TempDir);

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("the temporary folder is writable");
            let root = folder.path();
            fs::create_dir_all(root.join("bin")).expect("the temporary folder is writable");
            fs::create_dir_all(root.join("sample")).expect("the temporary folder is writable");
            fs::write(root.join("sample/formic.yaml"), "name: sample\n")
                .expect("the temporary folder is writable");
            let program = root.join("bin/formic");
            let script = "#!/bin/sh\ncase \"$1\" in\n  check) grep -q ^name: \"$2\" ;;\n  run) echo 'run k3f9'; echo 'ok'; touch ran ;;\n  ls) ls ran ;;\n  *) exit 2 ;;\nesac\n";
            fs::write(&program, script).expect("the temporary folder is writable");
            let mode = Command::new("chmod").arg("+x").arg(&program).status();
            assert!(mode.is_ok_and(|status| status.success()));
            Self(folder)
        }

        fn page(&self, text: &str) -> PageReport {
            let (blocks, faults) = collect("p.md", text);
            assert_eq!(faults, []);
            let root = self.0.path();
            run_page(
                &blocks,
                &root.join("bin/formic"),
                &root.join("sample"),
                &root.join("scratch"),
            )
            .expect("the page can be run")
        }
    }

    #[test]
    fn a_page_is_one_session() {
        let world = World::new();
        let report = world.page("```console\n$ formic run\nrun …\nok\n```\n\n```console\n$ formic ls\nran\n$ formic x # exit 2\n```\n");
        assert_eq!((report.commands, report.failures.as_slice()), (3, &[][..]));
    }

    #[test]
    fn a_wrong_exit_and_a_wrong_line_are_named_with_their_places() {
        let world = World::new();
        let report = world.page("```console\n$ formic x\n$ formic run\nnever\n```\n");
        let firsts: Vec<&str> = report
            .failures
            .iter()
            .filter_map(|failure| failure.lines().next())
            .collect();
        assert_eq!(
            firsts,
            [
                "p.md:2: `formic x` ended with 2, the page says 0",
                "p.md:3: `formic run` did not print the page's line `never`"
            ]
        );
    }

    #[test]
    fn a_yaml_block_is_given_to_check() {
        let world = World::new();
        let report = world.page("```yaml\nname: a\n```\n```yaml\nnope: 1\n```\n");
        assert_eq!((report.yaml_blocks, report.failures.len()), (2, 1));
    }

    #[test]
    fn files_of_a_page_replace_the_sample() {
        let world = World::new();
        let report = world.page("```yaml formic.yaml\nname: own\n```\n```sh bin/hi.sh\n#!/bin/sh\necho hi\n```\n```console\n$ bin/hi.sh && ls .formic # exit 2\nhi\n$ cat formic.yaml\nname: own\n```\n```yaml .formic/other.yaml\nnope: 1\n```\n");
        assert_eq!(
            (report.yaml_blocks, report.files, report.commands),
            (2, 1, 2)
        );
        assert_eq!(report.failures.len(), 1, "{report}");
    }

    #[test]
    fn what_is_not_run_is_counted_with_its_reason() {
        let world = World::new();
        let report = world.page("```console no-run: takes an hour\n$ formic run\n```\n");
        assert_eq!(
            (report.commands, report.no_run.as_slice()),
            (0, &["p.md:1 (takes an hour)".to_owned()][..])
        );
    }

    #[test]
    fn an_ellipsis_stands_for_any_text() {
        assert!(matches("run … ended in …s", "run k3f9 ended in 4.1s"));
        assert!(!matches("run …s", "run k3f9"));
        assert!(!matches("run", "run k3f9"));
        assert!(matches("…", "anything"));
    }
}
