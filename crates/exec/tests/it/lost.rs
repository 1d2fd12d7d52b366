//! When the executor or its spawner is killed, nothing stays behind; and what does is found again.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use exec::{Cgroups, Phase, StepRef, leftovers};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::helper::{BOTH_WAYS, Rig, Watched, bash, has_groups, options, parent};

/// Tells this binary to be the victim: the board, and whether it may make control groups.
const VICTIM: &str = "EXEC_IT_VICTIM";

/// A command with a child, a daemon and a daemon without marks, each of which prints its number.
const FAMILY: &str = "
sleep 1000 & echo child $!
(setsid bash -c 'echo daemon $BASHPID; sleep 1000; :' &)
(env -i setsid bash -c 'echo unmarked $BASHPID; exec sleep 1000' &)
echo command $$
read -r line < <(sleep 1000)";

type Family = BTreeMap<String, Watched>;

/// Starts a family and waits for all of it.
async fn family(rig: &mut Rig, script: &str) -> (StepRef, Family) {
    let id = rig.start(bash(script));
    rig.until(|rig| rig.told[&id].text().lines().count() == 4)
        .await;
    let text = rig.told[&id].text();
    let named = |line: &str| {
        let (name, pid) = line.split_once(' ').unwrap();
        (name.to_owned(), Watched::new(pid.parse().unwrap()))
    };
    let mut family: Family = text.lines().map(named).collect();
    family.insert(
        "spawner".to_owned(),
        Watched::new(parent(rig.told[&id].pid.unwrap())),
    );
    (id, family)
}

/// Not a test but the process that the tests below kill: an executor with a family.
#[tokio::test]
async fn as_victim() {
    let Ok(asked) = std::env::var(VICTIM) else {
        return;
    };
    let (state_id, way) = asked.split_once(' ').unwrap();
    let cgroups = if way == "groups" {
        Cgroups::WherePossible
    } else {
        Cgroups::Never
    };
    let mut rig = Rig::with(exec::Options {
        state_id: state_id.to_owned(),
        ..options(cgroups)
    });
    let (_, family) = family(&mut rig, FAMILY).await;
    for (name, process) in &family {
        println!("\nprocess {name} {}", process.pid());
    }
    loop {
        rig.step().await;
    }
}

struct Victim {
    executor: std::process::Child,
    family: Family,
}

impl Victim {
    fn new(state_id: &str, cgroups: Cgroups) -> Self {
        let way = if cgroups == Cgroups::WherePossible {
            "groups"
        } else {
            "none"
        };
        let mut executor = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "lost::as_victim", "--nocapture"])
            .env(VICTIM, format!("{state_id} {way}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let lines = BufReader::new(executor.stdout.take().unwrap()).lines();
        let family = lines
            .filter_map(|line| {
                let line = line.unwrap();
                let (name, pid) = line.strip_prefix("process ")?.split_once(' ')?;
                Some((name.to_owned(), Watched::new(pid.parse().unwrap())))
            })
            .take(5)
            .collect();
        Self { executor, family }
    }

    fn kill(&mut self) {
        self.executor.kill().unwrap();
        self.executor.wait().unwrap();
    }

    fn pid(&self, name: &str) -> i32 {
        self.family[name].pid()
    }

    fn is_whole(&self) -> bool {
        self.family.values().all(|process| !process.has_ended())
    }

    fn ends(&self) {
        self.family.values().for_each(Watched::ends);
    }
}

#[test]
fn killed_executor_leaves_nothing() {
    for way in BOTH_WAYS {
        let mut victim = Victim::new("it-killed", way);
        assert!(victim.is_whole());
        victim.kill();
        victim.ends();
        assert_eq!(
            groups_of("it-killed", victim.executor.id()),
            Vec::<String>::new()
        );
    }
}

#[tokio::test]
async fn killed_spawner_is_told_and_leaves_nothing() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        // Without groups, a daemon without marks is out of reach once the spawner is killed.
        let script = match way {
            Cgroups::WherePossible if has_groups() => FAMILY.to_owned(),
            Cgroups::WherePossible | Cgroups::Never => FAMILY.replace("env -i", ""),
        };
        let (id, family) = family(&mut rig, &script).await;
        kill(family["spawner"].pid());
        rig.until(|rig| rig.lost.is_some()).await;
        assert_eq!(rig.lost.as_deref(), Some("signal: 9 (SIGKILL)"));
        assert!(family.values().all(Watched::has_ended));
        assert!(rig.told[&id].has_output_ended && rig.told[&id].exit.is_none());
        let refused = rig.run(bash("exit 0")).await.refused.clone().unwrap();
        assert_eq!(refused.phase, Phase::Spawner);
        assert!(!refused.is_users_fault());
        assert_eq!(refused.text, "the spawner is gone; launch another executor");
    }
}

#[test]
fn sweep_kills_what_outlived_executor_and_spawner() {
    for way in BOTH_WAYS {
        let state_id = if way == Cgroups::Never {
            "it-swept"
        } else {
            "it-swept-groups"
        };
        let mut victim = Victim::new(state_id, way);
        // The executor is stopped, so that it cannot see its spawner die, and the spawner cannot see it.
        let executor = Pid::from_child(&victim.executor);
        kill_process(executor, Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(executor), WaitOptions::UNTRACED)
            .unwrap()
            .unwrap();
        assert!(status.stopped());
        kill(victim.pid("spawner"));
        victim.family["spawner"].ends();
        // The kernel sees to that, and to nothing that the command had started.
        victim.family["command"].ends();
        victim.kill();
        assert!(!victim.family["daemon"].has_ended());
        let swept = leftovers::sweep(state_id).unwrap();
        let daemon = swept
            .iter()
            .find(|leftover| leftover.pid == victim.pid("daemon"));
        let daemon = daemon
            .unwrap_or_else(|| panic!("the daemon {} is among {swept:?}", victim.pid("daemon")));
        assert_eq!(daemon.attempt.as_deref(), Some("it/1"));
        assert!(daemon.command.contains("echo daemon"));
        for name in ["command", "child", "daemon"] {
            assert!(victim.family[name].has_ended(), "{name} is swept");
        }
        if way == Cgroups::WherePossible && has_groups() {
            assert!(victim.family["unmarked"].has_ended());
        } else {
            kill(victim.pid("unmarked"));
        }
        assert_eq!(
            groups_of(state_id, victim.executor.id()),
            Vec::<String>::new()
        );
        assert_eq!(leftovers::sweep(state_id).unwrap(), []);
    }
}

#[test]
fn sweep_waits_for_a_spawner_that_is_still_killing() {
    let mut victim = Victim::new("it-waiting", Cgroups::Never);
    victim.kill();
    leftovers::sweep("it-waiting").unwrap();
    // Also the one without marks, which only the spawner could find.
    assert!(victim.family.values().all(Watched::has_ended));
}

#[test]
fn sweep_spares_other_boards_and_living_executors() {
    let mut victim = Victim::new("it-spared", Cgroups::Never);
    assert_eq!(leftovers::sweep("it-spared").unwrap(), []);
    assert_eq!(leftovers::sweep("it-other").unwrap(), []);
    assert!(victim.is_whole());
    victim.kill();
    victim.ends();
}

#[test]
fn spawner_ignores_polite_signals() {
    let mut victim = Victim::new("it-polite", Cgroups::Never);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::PIPE] {
        kill_process(Pid::from_raw(victim.pid("spawner")).unwrap(), signal).unwrap();
    }
    // These would have ended it by the time that they are sent.
    assert!(victim.is_whole());
    victim.kill();
    victim.ends();
}

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Control groups of a killed executor.
fn groups_of(state_id: &str, pid: u32) -> Vec<String> {
    let prefix = format!("formic-{state_id}-{pid}-");
    let mut found = Vec::new();
    let mut directories = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with(&prefix) {
                    found.push(name);
                } else {
                    directories.push(entry.path());
                }
            }
        }
    }
    found
}
