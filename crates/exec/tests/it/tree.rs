//! Ending commands and trees: politely, by force, and those that try to get away.

use exec::{Cgroups, Command, Executor as _, Exit};

use crate::helper::{BOTH_WAYS, Rig, Watched, bash, has_groups, tree};

/// Prints the number of a process that left its session, its group and its parent, then goes on as given.
fn with_daemon(environment: &str, then: &str) -> String {
    format!(
        "({environment} setsid bash -c 'echo $BASHPID; exec sleep 1000 >/dev/null 2>&1' &) ; {then}"
    )
}

#[tokio::test]
async fn term_then_kill() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let id = rig.start(bash(
            "trap 'echo got TERM' TERM; echo 0; while :; do :; done",
        ));
        rig.number_of(id).await;
        rig.executor.terminate(id);
        rig.until(|rig| rig.told[&id].text().contains("got TERM"))
            .await;
        assert_eq!(rig.told[&id].exit, None);
        rig.executor.kill(id);
        rig.until(|rig| rig.told[&id].exit.is_some()).await;
        assert_eq!(rig.told[&id].exit, Some(Exit::Signal(9)));
    }
}

#[tokio::test]
async fn term_reaches_the_whole_group() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    // Busy, as bash may miss a signal on its way to waiting.
    let spin = "while :; do :; done";
    let child = format!("trap 'echo child; exit' TERM; echo 0; {spin}");
    let id = rig.start(bash(&format!("trap 'exit 7' TERM; ({child}) & {spin}")));
    rig.number_of(id).await;
    rig.executor.terminate(id);
    rig.until(|rig| rig.told[&id].exit.is_some() && rig.told[&id].has_output_ended)
        .await;
    assert_eq!(rig.told[&id].exit, Some(Exit::Code(7)));
    assert!(rig.told[&id].text().contains("child\n"));
}

#[tokio::test]
async fn stopped_command_can_be_terminated() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let id = rig.start(bash("echo 0; kill -STOP $$"));
    rig.number_of(id).await;
    rig.executor.terminate(id);
    rig.until(|rig| rig.told[&id].exit.is_some()).await;
    assert_eq!(rig.told[&id].exit, Some(Exit::Signal(15)));
}

#[tokio::test]
async fn killed_command_takes_its_children_along_and_spares_other_steps() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let service = rig.start(bash("echo $$; exec sleep 1000"));
        let service_pid = Watched::new(rig.number_of(service).await);
        let id = rig.start(bash("(sleep 1000 & echo $!; wait) & wait"));
        let child = Watched::new(rig.number_of(id).await);
        rig.executor.kill(id);
        rig.until(|rig| rig.told[&id].exit.is_some()).await;
        child.ends();
        assert!(!service_pid.has_ended());
        rig.finish().await;
        assert!(service_pid.has_ended());
    }
}

#[tokio::test]
async fn daemon_dies_with_its_attempt() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let id = rig.start(bash(&with_daemon("", "exit 0")));
        let daemon = Watched::new(rig.number_of(id).await);
        rig.until(|rig| rig.told[&id].exit.is_some()).await;
        assert!(!daemon.has_ended());
        assert_eq!(rig.finish().await, 1);
        assert!(daemon.has_ended());
    }
}

#[tokio::test]
async fn daemon_of_a_running_command_dies_with_it() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let id = rig.start(bash(&with_daemon("", "exec sleep 1000")));
        let daemon = Watched::new(rig.number_of(id).await);
        // A shell on its way out may be a third.
        assert!(rig.finish().await >= 2);
        assert_eq!(rig.told[&id].exit, Some(Exit::Signal(9)));
        assert!(daemon.has_ended());
    }
}

#[tokio::test]
async fn daemon_without_marks_dies_with_its_group() {
    if !has_groups() {
        return;
    }
    let mut rig = Rig::new(Cgroups::WherePossible);
    let id = rig.start(bash(&with_daemon("env -i", "exit 0")));
    let daemon = Watched::new(rig.number_of(id).await);
    rig.finish().await;
    assert!(daemon.has_ended());
}

#[tokio::test]
async fn daemon_without_marks_or_group_lives_until_the_executor_ends() {
    let mut rig = Rig::new(Cgroups::Never);
    let id = rig.start(bash(&with_daemon("env -i", "exit 0")));
    let daemon = Watched::new(rig.number_of(id).await);
    rig.until(|rig| rig.told[&id].exit.is_some()).await;
    assert_eq!(rig.finish().await, 0);
    assert!(!daemon.has_ended());
    drop(rig);
    assert!(daemon.has_ended());
}

#[tokio::test]
async fn dropped_executor_leaves_nothing() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let id = rig.start(bash(&with_daemon("env -i", "exec sleep 1000")));
        let daemon = Watched::new(rig.number_of(id).await);
        let main = Watched::new(rig.told[&id].pid.unwrap());
        drop(rig);
        assert!(daemon.has_ended() && main.has_ended());
    }
}

#[tokio::test]
async fn other_attempts_are_spared() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let mut other = bash(&with_daemon("", "exit 0"));
        other.tree = exec::TreeKey::new("it/2");
        let other = rig.start(other);
        let other = Watched::new(rig.number_of(other).await);
        let id = rig.start(bash(&with_daemon("", "exit 0")));
        let daemon = Watched::new(rig.number_of(id).await);
        rig.finish().await;
        assert!(daemon.has_ended() && !other.has_ended());
    }
}

#[tokio::test]
async fn tree_that_never_was_is_gone() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    assert_eq!(rig.finish().await, 0);
}

#[tokio::test]
async fn tree_can_be_started_anew_once_it_is_gone() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        for _ in 0..3 {
            assert_eq!(rig.run(bash("exit 0")).await.exit, Some(Exit::Code(0)));
            assert_eq!(rig.finish().await, 0);
        }
    }
}

#[tokio::test]
async fn what_starts_after_a_tree_was_killed_is_not_killed_at_birth() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        for _ in 0..25 {
            rig.start(bash("sleep 1000 & exec sleep 1000"));
            rig.finish().await;
            assert_eq!(rig.run(bash("exit 0")).await.exit, Some(Exit::Code(0)));
            rig.finish().await;
        }
    }
}

#[tokio::test]
async fn nothing_starts_in_a_tree_that_is_being_ended() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let first = rig.start(bash("echo 0; exec sleep 1000"));
        rig.number_of(first).await;
        rig.executor.finish(&tree());
        let second = rig.start(bash("exit 0"));
        rig.until(|rig| rig.gone.contains_key(&tree())).await;
        let refused = rig.told[&second]
            .refused
            .as_ref()
            .map(|refused| refused.text.as_str());
        assert_eq!(refused, Some("attempt `it/1` is being ended"));
    }
}

#[tokio::test]
async fn process_tree_that_forks_fast_dies() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let id = rig.start(bash(
            "echo 0; spin() { while :; do (:) & wait $!; done; }; spin & spin & spin & wait",
        ));
        rig.number_of(id).await;
        rig.finish().await;
        assert_eq!(rig.told[&id].exit, Some(Exit::Signal(9)));
    }
}

#[tokio::test]
async fn usage_counts_the_whole_attempt() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let burn = "for ((i = 0; i < 200000; i++)); do :; done";
        let told = rig.run(bash(burn)).await;
        let first = told.usage.cpu_user_us;
        assert!(first > 1_000, "{first} us");
        assert!(
            (1 << 20..1 << 30).contains(&told.usage.memory_peak_bytes),
            "{:?}",
            told.usage
        );
        // An orphan is not waited for by the command, but by the spawner.
        let id = rig.start(bash(&format!("({burn}; echo 1) & exit 0")));
        rig.until(|rig| rig.told[&id].exit.is_some() && rig.told[&id].has_output_ended)
            .await;
        let second = rig.told[&id].usage.cpu_user_us;
        rig.executor.finish(&tree());
        rig.until(|rig| rig.gone.contains_key(&tree())).await;
        let (_, whole) = rig.gone[&tree()];
        assert!(
            whole.cpu_user_us > first + second + 1_000,
            "{first} + {second} in {whole:?}"
        );
    }
}

#[tokio::test]
async fn last_command_ends_its_tree() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let script = with_daemon("", "while :; do :; done");
        let id = rig.start(Command {
            is_last: true,
            ..bash(&format!("trap 'exit 3' TERM; {script}"))
        });
        let daemon = Watched::new(rig.number_of(id).await);
        rig.executor.terminate(id);
        rig.until(|rig| rig.gone.contains_key(&tree())).await;
        assert_eq!(rig.told[&id].exit, Some(Exit::Code(3)));
        assert_eq!(rig.gone[&tree()].0, 1);
        assert!(daemon.has_ended());
    }
}

#[tokio::test]
async fn last_command_ends_its_tree_even_if_it_never_ran() {
    for program in ["no-such-thing", ""] {
        let mut rig = Rig::new(BOTH_WAYS[0]);
        let id = rig.start(Command {
            is_last: true,
            program: program.into(),
            ..bash("")
        });
        rig.until(|rig| rig.gone.contains_key(&tree())).await;
        assert!(rig.told[&id].refused.is_some());
    }
}
