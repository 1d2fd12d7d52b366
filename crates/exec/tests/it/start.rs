//! Starting a command, its surroundings and its exact end.

use exec::{Command, Exit, Phase};

use crate::helper::{BOTH_WAYS, Rig, bash, options};

#[tokio::test]
async fn exit_code_and_signal_are_exact() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        for code in [0, 1, 3, 127, 255] {
            assert_eq!(
                rig.run(bash(&format!("exit {code}"))).await.exit,
                Some(Exit::Code(code))
            );
        }
        // Not 3: bash ignores SIGQUIT.
        for signal in [1, 2, 6, 9, 10, 13, 15] {
            assert_eq!(
                rig.run(bash(&format!("kill -{signal} $$"))).await.exit,
                Some(Exit::Signal(signal))
            );
        }
    }
}

#[tokio::test]
async fn stdin_is_empty() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    assert_eq!(
        rig.run(bash("readlink /proc/self/fd/0; cat; echo end"))
            .await
            .text(),
        "/dev/null\nend\n"
    );
}

#[tokio::test]
async fn only_the_three_streams_are_open() {
    for keep_stderr_apart in [false, true] {
        let mut rig = Rig::new(BOTH_WAYS[0]);
        // The fourth is the listing's own.
        let told = rig
            .run(Command {
                keep_stderr_apart,
                ..bash("exec ls /proc/self/fd")
            })
            .await;
        assert_eq!(told.text(), "0\n1\n2\n3\n");
    }
}

#[tokio::test]
async fn environment_is_what_was_given_and_three_marks() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let env = vec![
        ("A".into(), "1=2 3".into()),
        ("FORMIC_ATTEMPT".into(), "forged".into()),
    ];
    let told = rig
        .run(Command {
            program: "/usr/bin/env".into(),
            args: Vec::new(),
            env,
            ..bash("")
        })
        .await;
    let mut lines: Vec<_> = told.text().lines().map(str::to_owned).collect();
    lines.sort();
    let owner = lines
        .iter()
        .position(|line| line.starts_with("FORMIC_OWNER="))
        .unwrap();
    assert!(
        lines
            .remove(owner)
            .starts_with(&format!("FORMIC_OWNER={}-", std::process::id()))
    );
    assert_eq!(
        lines,
        ["A=1=2 3", "FORMIC_ATTEMPT=it/1", "FORMIC_STATE_ID=it"]
    );
}

#[tokio::test]
async fn arguments_are_exact() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let args = ["%s|", "", "a b", "'\"$x\\", "é\n"]
        .map(Into::into)
        .to_vec();
    let told = rig
        .run(Command {
            program: "printf".into(),
            args,
            ..bash("")
        })
        .await;
    assert_eq!(told.text(), "|a b|'\"$x\\|é\n|");
}

#[tokio::test]
async fn command_leads_its_own_session_and_group_and_has_no_terminal() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let told = rig.run(bash("cut -d' ' -f5,6,7 /proc/$$/stat")).await;
    let pid = told.pid.unwrap();
    assert_eq!(told.text(), format!("{pid} {pid} 0\n"));
}

#[tokio::test]
async fn signals_are_as_in_a_fresh_login() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let told = rig
        .run(Command {
            args: vec!["Sig[BI]".into(), "/proc/self/status".into()],
            program: "grep".into(),
            ..bash("")
        })
        .await;
    assert_eq!(
        told.text(),
        "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
    );
}

#[tokio::test]
async fn program_that_is_not_there_is_named() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let refused = rig
        .run(Command {
            program: "no-such-thing".into(),
            ..bash("")
        })
        .await
        .refused
        .clone()
        .unwrap();
    assert_eq!(
        (refused.phase, refused.errno),
        (Phase::Program, libc_enoent())
    );
    assert_eq!(
        refused.text,
        "command `no-such-thing` was not found in PATH `/usr/local/bin:/usr/bin:/bin`"
    );
    assert!(refused.is_users_fault());
    let refused = rig
        .run(Command {
            program: "/no/such/thing".into(),
            ..bash("")
        })
        .await
        .refused
        .clone()
        .unwrap();
    assert_eq!(refused.text, "program `/no/such/thing` does not exist");
}

#[tokio::test]
async fn program_that_cannot_be_executed_is_named() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).into_os_string();
    let texts = |name: &str| format!("`{}`", path(name).to_string_lossy());
    for (name, mode, content) in [
        ("plain", 0o644, "#!/bin/sh\n"),
        ("no-interpreter", 0o755, "#!/no/such/shell\n"),
        ("no-shebang", 0o755, "true\n"),
    ] {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(path(name), content).unwrap();
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    for (name, expected) in [
        (
            "plain",
            format!("no permission to execute {}", texts("plain")),
        ),
        (
            "no-interpreter",
            format!(
                "{} is there, but the interpreter it names is not",
                texts("no-interpreter")
            ),
        ),
        (
            "no-shebang",
            format!(
                "{} is neither a program for this machine nor a script with a `#!` line",
                texts("no-shebang")
            ),
        ),
    ] {
        let told = rig
            .run(Command {
                program: path(name),
                args: Vec::new(),
                ..bash("")
            })
            .await;
        assert_eq!(
            told.refused.as_ref().map(|refused| refused.text.clone()),
            Some(expected)
        );
    }
}

#[tokio::test]
async fn working_directory_is_entered_and_named_when_gone() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let directory = tempfile::tempdir().unwrap();
    let cwd = directory.path().canonicalize().unwrap();
    assert_eq!(
        rig.run(Command {
            cwd: cwd.clone(),
            ..bash("pwd")
        })
        .await
        .text(),
        format!("{}\n", cwd.display())
    );
    directory.close().unwrap();
    let refused = rig
        .run(Command {
            cwd: cwd.clone(),
            ..bash("pwd")
        })
        .await
        .refused
        .clone()
        .unwrap();
    assert_eq!(refused.phase, Phase::WorkingDirectory);
    assert_eq!(
        refused.text,
        format!("working directory `{}` does not exist", cwd.display())
    );
}

#[tokio::test]
async fn large_request_arrives_whole() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    // Beyond one packet; each string within the kernel's 128 KiB.
    let env = (0..10)
        .map(|n| (format!("V{n}").into(), "x".repeat(100_000).into()))
        .chain(bash("").env)
        .collect();
    let told = rig
        .run(Command {
            env,
            ..bash("echo $V0$V1$V2$V3$V4$V5$V6$V7$V8$V9 | wc -c")
        })
        .await;
    assert_eq!(told.text(), "1000001\n");
}

#[tokio::test]
async fn request_too_large_for_the_kernel_is_refused() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let args = vec!["x".repeat(8 << 20).into()];
    let refused = rig
        .run(Command { args, ..bash("") })
        .await
        .refused
        .clone()
        .unwrap();
    assert_eq!(
        refused.text,
        "an argument of `bash` has 8388608 bytes, and this system takes at most 128 KiB in one; \
         write the value into a file, or pass it as an artifact"
    );
}

#[tokio::test]
async fn variable_too_large_for_the_kernel_is_named_with_the_limit() {
    let mut rig = Rig::new(BOTH_WAYS[0]);
    let env = vec![
        ("SMALL".into(), "x".into()),
        ("BIG".into(), "x".repeat(200_000).into()),
    ];
    let refused = rig
        .run(Command { env, ..bash("") })
        .await
        .refused
        .clone()
        .unwrap();
    assert_eq!(
        refused.text,
        "the variable `BIG` of `bash` has 200000 bytes, and this system takes at most 128 KiB in one with its name; \
         write the value into a file, or pass it as an artifact"
    );
}

#[tokio::test]
async fn hundred_commands_run_at_once() {
    for way in BOTH_WAYS {
        let mut rig = Rig::new(way);
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("gate");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        // Each opens the gate, which blocks until the writer comes when all have started.
        let script = format!("read -rN1 line < {}; echo $line $N", fifo.display());
        let ids: Vec<_> = (0..100)
            .map(|n| {
                let mut command = bash(&script);
                command.tree = exec::TreeKey::new(format!("it/{n}"));
                command.env.push(("N".into(), n.to_string().into()));
                rig.start(command)
            })
            .collect();
        rig.until(|rig| rig.told.values().all(|told| told.pid.is_some()))
            .await;
        let gate = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&fifo)
            .unwrap();
        std::io::Write::write_all(&mut &gate, "x".repeat(100).as_bytes()).unwrap();
        rig.until(|rig| rig.told.values().all(|told| told.exit.is_some()))
            .await;
        for (n, id) in ids.iter().enumerate() {
            assert_eq!(rig.told[id].text(), format!("x {n}\n"));
        }
    }
}

#[tokio::test]
async fn board_id_that_cannot_be_a_name_is_refused() {
    for found in ["", "a/b", "a b", "é"] {
        let mut options = options(BOTH_WAYS[0]);
        options.state_id = found.to_owned();
        let error = exec::ProcessExecutor::launch(options).err().unwrap();
        assert_eq!(
            error.to_string(),
            format!("board id `{found}` is not 1 to 64 letters, digits and hyphens")
        );
    }
}

#[tokio::test]
async fn spawner_that_is_not_there_is_named() {
    let mut options = options(BOTH_WAYS[0]);
    options.spawner_program = "/no/such/spawner".into();
    let error = exec::ProcessExecutor::launch(options).err().unwrap();
    assert_eq!(
        error.to_string(),
        "cannot start the spawner `/no/such/spawner`"
    );
}

fn libc_enoent() -> i32 {
    rustix::io::Errno::NOENT.raw_os_error()
}
