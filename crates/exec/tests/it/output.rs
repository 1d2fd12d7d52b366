//! Output: its order, its bytes, its end, and what a flood of it costs.
#![expect(clippy::unwrap_used, reason = "tests")]

use exec::{Command, ExecEvent, Executor as _, Exit, Options, OutputState};

use crate::helper::{BOTH_WAYS, Rig, bash, options, tree};

#[tokio::test]
async fn stdout_and_stderr_keep_their_order() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let told = rig
        .run(bash("for n in 1 2 3 4 5; do echo o$n; echo e$n >&2; done"))
        .await;
    assert_eq!(told.text(), "o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\n");
}

#[tokio::test]
async fn stderr_is_kept_apart_on_request() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let told = rig
        .run(Command {
            keep_stderr_apart: true,
            ..bash("echo o; echo e >&2")
        })
        .await;
    assert_eq!(
        (told.text().as_str(), told.stderr.as_slice()),
        ("o\n", &b"e\n"[..])
    );
}

#[tokio::test]
async fn bytes_pass_as_they_are() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let told = rig.run(bash(r"printf 'a\xff\xfe\0\r\n\xc3'")).await;
    assert_eq!(told.stdout, b"a\xff\xfe\0\r\n\xc3");
}

#[tokio::test]
async fn all_output_comes_before_the_end() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    for _ in 0..20 {
        let told = rig.run(bash("seq 20000")).await;
        assert_eq!(
            (told.stdout.len(), told.output_at_exit),
            (108_894, Some(OutputState::Ended))
        );
    }
}

#[tokio::test]
async fn command_that_closes_its_output_is_still_waited_for() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let told = rig.run(bash("echo last; exec >&- 2>&-; exit 4")).await;
    assert_eq!(
        (told.text().as_str(), told.exit),
        ("last\n", Some(Exit::Code(4)))
    );
}

#[tokio::test]
async fn gigabytes_do_not_grow_memory() {
    const SIZE_BYTES: usize = 200 << 20;
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let before = memory_bytes();
    let id = rig.start(bash(&format!("head -c {SIZE_BYTES} /dev/zero")));
    let (mut total, mut most) = (0, 0);
    while rig.told[&id].exit.is_none() {
        let event = rig.executor.next_event().await;
        if let ExecEvent::Output { bytes, .. } = event {
            total += bytes.len();
            rig.executor.output_taken(id, bytes.len());
            most = most.max(memory_bytes());
        } else {
            rig.note(event);
        }
    }
    assert_eq!(
        (total, rig.told[&id].exit),
        (SIZE_BYTES, Some(Exit::Code(0)))
    );
    // Other tests run in this process too.
    assert!(
        most < before + (64 << 20),
        "grew from {before} to {most} bytes"
    );
}

#[tokio::test]
async fn command_waits_when_its_output_is_not_taken() {
    let window = 10_000;
    let mut rig = Rig::with(Options {
        output_window_bytes: window,
        ..options(BOTH_WAYS[0])
    });
    let id = rig.start(bash("head -c 1000000 /dev/zero"));
    let mut held = 0;
    while held < window {
        let event = rig.executor.next_event().await;
        if let ExecEvent::Output { bytes, .. } = event {
            held += bytes.len();
        } else {
            rig.note(event);
        }
    }
    assert_eq!(held, window);
    // Another command is served meanwhile, and nothing more comes of the first.
    let other = rig.start(bash("echo other"));
    rig.until(|rig| rig.told[&other].exit.is_some()).await;
    assert!(rig.told[&id].stdout.is_empty() && rig.told[&id].exit.is_none());
    rig.executor.output_taken(id, held);
    rig.until(|rig| rig.told[&id].exit.is_some()).await;
    assert_eq!(rig.told[&id].stdout.len(), 1_000_000 - window);
}

#[tokio::test]
async fn end_waits_for_room_for_the_last_output() {
    let mut rig = Rig::with(Options {
        output_window_bytes: 100,
        ..options(BOTH_WAYS[0])
    });
    let told = rig.run(bash("head -c 50000 /dev/zero; exit 3")).await;
    assert_eq!(
        (told.stdout.len(), told.exit),
        (50_000, Some(Exit::Code(3)))
    );
}

#[tokio::test]
async fn helper_that_outlives_the_command_for_a_moment_has_the_last_word() {
    let mut rig = Rig::with(Options {
        output_linger_ms: 30_000,
        ..options(BOTH_WAYS[0])
    });
    let told = rig.run(bash("exec > >(cat; echo last); echo first")).await;
    assert_eq!(
        (told.text().as_str(), told.output_at_exit),
        ("first\nlast\n", Some(OutputState::Ended))
    );
}

#[tokio::test]
async fn service_left_behind_does_not_hold_the_step_and_is_heard_until_the_end() {
    for way in BOTH_WAYS {
        let mut rig = Rig::with(Options {
            output_linger_ms: 1,
            ..options(way)
        });
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("gate");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        let service = rig.start(bash(&format!(
            "(read -r line < {0}; echo $line; exec sleep 1000) & echo up",
            fifo.display()
        )));
        rig.until(|rig| rig.told[&service].exit.is_some()).await;
        let told = &rig.told[&service];
        assert_eq!(
            (told.text().as_str(), told.output_at_exit),
            ("up\n", Some(OutputState::Open))
        );
        // It lives while the next step of the attempt runs, and talks to it.
        rig.run(bash(&format!("echo asked > {}", fifo.display())))
            .await;
        rig.until(|rig| rig.told[&service].text() == "up\nasked\n")
            .await;
        assert_eq!(rig.finish().await, 1);
        assert!(rig.told[&service].has_output_ended);
    }
}

#[tokio::test]
async fn chatty_service_does_not_hold_the_step() {
    let mut rig = Rig::with(Options {
        output_linger_ms: 0,
        ..options(BOTH_WAYS[0])
    });
    let id = rig.start(bash("yes & exit 5"));
    rig.until(|rig| rig.told[&id].exit.is_some()).await;
    assert_eq!(rig.told[&id].output_at_exit, Some(OutputState::Open));
    rig.executor.finish(&tree());
    rig.until(|rig| rig.gone.contains_key(&tree())).await;
    assert!(rig.told[&id].has_output_ended);
}

fn memory_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
