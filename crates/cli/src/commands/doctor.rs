//! `formic doctor`.

use crate::board;
use crate::exit::Exit;
use crate::git::{Found, Git};
use crate::project::Project;
use crate::ui::{Paint, Ui};
use anyhow::Result;
use api::doctor::{CheckedPart, DoctorDocument};
use exec::{Binding, TreeKill};
use std::path::Path;
use std::process::{Command, Stdio};
use store::StateDir;
use store::location::{LocationError, Origin};

/// Say what this machine can do for runs, and what to do about the rest
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Looks at each part; only a board that cannot be had makes it red.
pub(crate) fn run(_: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let state = state(&project.dir);
    let usable = state.ok;
    let capabilities = exec::capabilities();
    let checks = vec![
        state,
        git(&project.dir)?,
        shell(),
        tree_kill(&capabilities.tree_kill),
        binding("memory", &capabilities.memory),
    ];
    if ui.wish.json {
        ui.document(&DoctorDocument::new(checks));
    } else {
        for check in &checks {
            line(check, ui);
        }
    }
    Ok(if usable { Exit::Success } else { Exit::Red })
}

fn line(check: &CheckedPart, ui: &Ui) {
    let word = if check.ok {
        ui.paint_data(Paint::Good, "ok  ")
    } else {
        ui.paint_data(Paint::Attention, "warn")
    };
    ui.data(format!("{word}  {:<9}  {}\n", check.name, check.found));
    if let Some(help) = &check.help {
        ui.data(format!("                 help: {help}\n"));
    }
}

fn fine(name: &str, found: impl Into<String>) -> CheckedPart {
    CheckedPart {
        name: name.to_owned(),
        ok: true,
        found: found.into(),
        help: None,
    }
}

fn poor(name: &str, found: impl Into<String>, help: &str) -> CheckedPart {
    CheckedPart {
        name: name.to_owned(),
        ok: false,
        found: found.into(),
        help: Some(help.to_owned()),
    }
}

fn state(project: &Path) -> CheckedPart {
    let located = StateDir::locate(project, &board::places());
    match located.and_then(|state| state.try_out().map(|()| state)) {
        Err(LocationError::Full { dir }) => poor(
            "state",
            format!(
                "no space is left on the disk of `{}`: nothing can be run",
                dir.display()
            ),
            "free some space, or set `FORMIC_STATE` to a folder on another local disk",
        ),
        Ok(state) => {
            let dir = state.dir.display();
            match state.origin {
                Origin::Repository => fine("state", format!("{dir}")),
                Origin::Setting => fine("state", format!("{dir}, by `FORMIC_STATE`")),
                Origin::Fallback => fine("state", format!("{dir}: the project may not be written")),
                Origin::Begun => {
                    let why = "the project could not be written when it was begun";
                    fine("state", format!("{dir}: {why}"))
                }
            }
        }
        Err(error) => poor(
            "state",
            error.to_string(),
            "set `FORMIC_STATE` to a folder on a local disk that may be written",
        ),
    }
}

fn git(project: &Path) -> Result<CheckedPart> {
    Ok(match Git::find(project)? {
        Found::Repository(git) => fine("git", format!("repository {}", git.root.display())),
        Found::NoRepository => poor(
            "git",
            "this is no Git repository: the source of a run cannot be recorded",
            "`git init`, and a first commit",
        ),
        Found::NoProgram => poor(
            "git",
            "there is no `git` program: the source of a run cannot be recorded",
            "install Git",
        ),
        Found::Refused(said) => poor("git", format!("git says: {said}"), "mend what it says"),
    })
}

fn shell() -> CheckedPart {
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-c", "echo \"$BASH_VERSION\""])
        .stdin(Stdio::null());
    let version = bash.output().ok().filter(|output| output.status.success());
    match version {
        Some(output) => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            fine("shell", format!("bash {version}"))
        }
        None if !has_sh() => poor(
            "shell",
            "there is neither bash nor sh: no script can run",
            "install bash",
        ),
        None => poor(
            "shell",
            "there is no bash: scripts run in `sh -e`, where a fault inside a pipe is not seen",
            "install bash",
        ),
    }
}

fn has_sh() -> bool {
    let mut sh = Command::new("sh");
    let ran = sh.args(["-c", ":"]).stdin(Stdio::null()).status();
    ran.is_ok_and(|status| status.success())
}

fn tree_kill(found: &TreeKill) -> CheckedPart {
    match found {
        TreeKill::ControlGroup => fine(
            "kill",
            "by control group: nothing that a task started escapes; if formic and its spawner are both killed, \
             the next formic command on the board finds the rest",
        ),
        TreeKill::Subreaper { why } => poor(
            "kill",
            format!("by the spawner, which adopts orphans ({why})"),
            "run formic where cgroup v2 is delegated, such as in `systemd-run --user --scope -p Delegate=yes`",
        ),
    }
}

fn binding(name: &str, found: &Binding) -> CheckedPart {
    match found {
        Binding::CgroupV2 => fine(name, "limits bind, by cgroup v2"),
        Binding::CgroupV1 => fine(name, "limits bind, by cgroup v1"),
        Binding::AdmissionOnly { why } => poor(
            name,
            format!("admission only: a task is not kept within what it asked for ({why})"),
            "run formic where cgroup controllers are delegated, such as in `systemd-run --user --scope -p Delegate=yes`",
        ),
    }
}
