//! Limits that bind, where they bind.

use exec::{Binding, Cgroups, Command, Executor as _, Exit, Limits, capabilities};

use crate::helper::{BOTH_WAYS, Rig, bash, not_run, tree};

#[tokio::test]
async fn task_over_its_memory_is_killed_and_said_to_be() {
    if let Binding::AdmissionOnly { why } = capabilities().memory {
        not_run(&format!("memory does not bind: {why}"));
        return;
    }
    let mut rig = Rig::new(Cgroups::WherePossible);
    let limit = 32 << 20;
    let limits = Limits {
        memory_bytes: Some(limit),
        ..Limits::default()
    };
    // `tail` keeps what it may have to print.
    let greedy =
        bash("set -o pipefail; head -c 100000000 /dev/zero | tail -c 90000000 > /dev/null");
    let told = rig.run(Command { limits, ..greedy }).await;
    assert!(told.is_oom_killed);
    assert_ne!(told.exit, Some(Exit::Code(0)));
    // The next step of the same attempt is not blamed for it.
    let told = rig.run(bash("exit 0")).await;
    assert!(!told.is_oom_killed);
    rig.executor.finish(&tree());
    rig.until(|rig| rig.gone.contains_key(&tree())).await;
    let (_, usage) = rig.gone[&tree()];
    assert!(
        (limit / 2..=limit).contains(&usage.memory_peak_bytes),
        "{usage:?}"
    );
}

#[tokio::test]
async fn task_within_its_memory_is_not_disturbed() {
    let mut rig = Rig::new(Cgroups::WherePossible);
    let limits = Limits {
        memory_bytes: Some(64 << 20),
        ..Limits::default()
    };
    let told = rig
        .run(Command {
            limits,
            ..bash("head -c 1000000 /dev/zero | tail -c 900000 | wc -c")
        })
        .await;
    assert_eq!(
        (told.text().as_str(), told.exit, told.is_oom_killed),
        ("900000\n", Some(Exit::Code(0)), false)
    );
}

#[tokio::test]
async fn task_over_its_number_of_processes_cannot_start_another() {
    if let Binding::AdmissionOnly { why } = capabilities().pids {
        not_run(&format!("the number of processes does not bind: {why}"));
        return;
    }
    let mut rig = Rig::new(Cgroups::WherePossible);
    let limits = Limits {
        pids: Some(1),
        ..Limits::default()
    };
    let alone = Command {
        program: "timeout".into(),
        args: vec!["9".into(), "true".into()],
        limits,
        ..bash("")
    };
    let told = rig.run(alone).await;
    // What `timeout` says when it cannot fork.
    assert_eq!(told.exit, Some(Exit::Code(125)), "{}", told.text());
}

#[tokio::test]
async fn file_over_its_size_is_a_signal_with_a_name() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits {
            file_size_bytes: Some(1000),
            ..Limits::default()
        };
        let cwd = directory.path().to_owned();
        let told = rig
            .run(Command {
                limits,
                cwd,
                ..bash("exec head -c 5000 /dev/zero > file")
            })
            .await;
        assert_eq!(told.exit.unwrap().to_string(), "signal SIGXFSZ");
        assert_eq!(
            std::fs::metadata(directory.path().join("file"))
                .unwrap()
                .len(),
            1000
        );
    }
}

#[test]
fn capabilities_are_told_and_leave_nothing_behind() {
    let told = capabilities();
    assert_eq!(capabilities(), told);
}
