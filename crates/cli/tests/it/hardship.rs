//! Hard times through the real program: disks that are full, folders that may not be written or are gone, programs and
//! variables that are missing, tasks that fork away or print what is no text. Each has its message and exit code,
//! nothing that was acknowledged is lost, and the run goes on when the trouble is over.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::world::{Ran, World, heard, processes_with, tell};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of our own; gone with the value.
struct Mount(PathBuf);

impl Mount {
    /// An empty one of this size at `dir`, if this user may make one.
    fn small(dir: &Path, size: &str) -> Option<Self> {
        let size = format!("size={size}");
        Self::make(dir, &["-t", "tmpfs", "-o", &size, "none"])
    }

    /// The same files that are at `dir`, not to be written.
    fn read_only(dir: &Path) -> Option<Self> {
        let mount = Self::make(dir, &["--bind", dir.to_str().unwrap()])?;
        mount.change("remount,bind,ro");
        Some(mount)
    }

    fn make(dir: &Path, args: &[&str]) -> Option<Self> {
        let made = Command::new("mount").args(args).arg(dir).output();
        if made.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir.to_owned()));
        }
        not_run("nothing may be mounted");
        None
    }

    fn change(&self, options: &str) {
        let mut mount = Command::new("mount");
        let changed = mount.args(["-o", options]).arg(&self.0).status().unwrap();
        assert!(changed.success());
    }

    /// Makes room.
    fn grow(&self) {
        self.change("remount,size=300m");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A test that has failed already says more than this could.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// Says that this machine cannot do what a test is about.
#[expect(clippy::print_stdout, reason = "a test that is not run must be seen")]
fn not_run(why: &str) {
    println!("not run on this machine: {why}");
}

/// Runs the program with its board in another folder.
fn with_state(world: &World, state: &Path, args: &[&str]) -> Ran {
    Ran::of(world.command(args).env("FORMIC_STATE", state))
}

fn statuses_with(world: &World, state: &Path) -> Vec<String> {
    let ran = with_state(world, state, &["show", "--json"]).ok();
    crate::world::statuses(&ran.json())
}

fn folder(world: &World, name: &str) -> PathBuf {
    let dir = world.outside().join(name);
    fs::create_dir(&dir).unwrap();
    dir
}

#[test]
fn a_full_disk_under_the_board_is_named_at_once_and_the_run_goes_on_when_there_is_room() {
    let world = World::new(
        "tasks:\n  a: { run: echo x >> ran }\n  big: { needs: [a], run: 'head -c 6000000 /dev/urandom | base64' }\n  c: { needs: [big], run: 'true' }\n",
    );
    let state = folder(&world, "state");
    let Some(disk) = Mount::small(&state, "3m") else {
        return;
    };
    let ran = with_state(&world, &state, &["run"]).code(7);
    let ran = ran.says(&format!(
        "no space is left on the disk for the log `{}/logs`; free some space\nhelp: `formic resume ",
        state.display()
    ));
    let _ran = ran.says("had to be left as it is");
    let expected = ["a succeeded -", "big interrupted -", "c queued needs"];
    assert_eq!(statuses_with(&world, &state), expected);
    // Still no room: still told, and still nothing lost.
    let _ran = with_state(&world, &state, &["resume"]).code(7);
    disk.grow();
    let _ran = with_state(&world, &state, &["resume"]).ok();
    let expected = ["a succeeded -", "big succeeded -", "c succeeded -"];
    assert_eq!(statuses_with(&world, &state), expected);
    assert_eq!(world.read("ran"), "x\n");
}

#[test]
fn an_artifact_that_the_disk_has_no_room_for_is_the_platforms_failure_by_name() {
    let world = World::new(
        "tasks:\n  a: { run: 'head -c 5000000 /dev/urandom > out', artifacts: { out: { files: out } } }\n",
    );
    let state = folder(&world, "state");
    let Some(disk) = Mount::small(&state, "3m") else {
        return;
    };
    let ran = with_state(&world, &state, &["run"]).code(7);
    let ran = ran.says("cannot keep artifact `files` in `");
    let _ran = ran.says("No space left on device");
    disk.grow();
    let _ran = with_state(&world, &state, &["retry"]).ok();
    assert_eq!(statuses_with(&world, &state), ["a succeeded -"]);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_named_and_nothing_begins() {
    let world = World::new("tasks: { a: { run: touch made } }\n");
    let state = folder(&world, "state");
    let Some(disk) = Mount::small(&state, "64k") else {
        return;
    };
    fs::write(state.join("filler"), vec![0; 100_000]).unwrap_err();
    let ran = with_state(&world, &state, &["run"]).code(7);
    let _ran = ran.says(&state.display().to_string());
    assert!(!world.dir().join("made").exists());
    fs::remove_file(state.join("filler")).unwrap();
    disk.grow();
    let _ran = with_state(&world, &state, &["run"]).ok();
}

#[test]
fn a_full_disk_under_the_working_tree_is_the_tasks_own_failure() {
    let world = World::empty();
    let Some(disk) = Mount::small(&world.dir(), "400k") else {
        return;
    };
    world.write(
        "formic.yaml",
        "tasks:\n  a: { run: 'true' }\n  b: { needs: [a], run: 'head -c 1000000 /dev/zero > big' }\n",
    );
    let state = folder(&world, "state");
    let ran = with_state(&world, &state, &["run"]).code(1);
    let _ran = ran.says("No space left on device");
    disk.grow();
    let ran = with_state(&world, &state, &["retry"]).ok();
    let _ran = ran.says("1 finished result taken over");
    assert_eq!(
        statuses_with(&world, &state),
        ["a succeeded -", "b succeeded -"]
    );
}

#[test]
fn a_project_that_may_not_be_written_is_run_with_its_board_elsewhere() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'if test \"$FORMIC_ATTEMPT_NUMBER\" = 1; then echo x > {begun}; cat {go}; fi' }}\n  b: {{ needs: [a], run: touch made }}\n"),
    );
    let Some(protected) = Mount::read_only(&world.dir()) else {
        return;
    };
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("TERM");
    let ran = going.end().code(143);
    let _ran = ran.says("the project may not be written, so the board is in `");
    // The board is found there again; a task that writes is told by the system.
    let ran = world.formic(&["resume"]).code(1);
    let _ran = ran.says("Read-only file system");
    assert_eq!(world.statuses(), ["a succeeded -", "b failed user"]);
    let mut command = world.command(&["run"]);
    let ran = Ran::of(command.env_remove("HOME")).code(7);
    let _ran = ran.says("set `FORMIC_STATE` to a folder that may be written");
    // Once it may be written, its runs are still there.
    drop(protected);
    let ran = world.formic(&["retry"]).ok();
    let _ran = ran.says("1 finished result taken over");
    assert!(world.dir().join("made").exists());
}

#[test]
fn without_git_and_home_a_run_goes_through_and_can_be_retried() {
    let world = World::new("tasks:\n  a: { run: 'echo home=$HOME' }\n");
    let bin = folder(&world, "bin");
    for program in ["bash", "sh"] {
        std::os::unix::fs::symlink(format!("/bin/{program}"), bin.join(program)).unwrap();
    }
    let without = |args: &[&str]| {
        let mut command = world.command(args);
        Ran::of(command.env("PATH", &bin).env_remove("HOME"))
    };
    let note = "note: the source is not recorded: there is no `git` program\n";
    let _ran = without(&["run"]).ok().says(note);
    assert_eq!(without(&["logs"]).ok().out, "home=\n");
    let _ran = without(&["retry", "--from", "a"]).ok();
    let _ran = without(&["run", "--clean"])
        .code(2)
        .says("error: `--clean` needs");
}

#[test]
fn doctor_tries_whether_there_is_room_for_a_run() {
    let world = World::with_git("tasks: { a: { run: 'true' } }\n");
    let state = folder(&world, "state");
    let Some(disk) = Mount::small(&state, "64k") else {
        return;
    };
    let page = with_state(&world, &state, &["doctor"]).code(1).out;
    let expected = format!(
        "warn  state      no space is left on the disk of `{}`: nothing can be run\n                 help: free some space, ",
        state.display()
    );
    assert!(page.contains(&expected), "{page}");
    disk.grow();
    let page = with_state(&world, &state, &["doctor"]).ok().out;
    assert!(page.starts_with("ok    state "), "{page}");
    let names = fs::read_dir(&state).unwrap().flatten();
    let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
    assert_eq!(names, [".gitignore"], "what it tried is removed");
}

#[test]
fn a_disk_without_room_for_a_first_board_is_not_said_to_keep_one() {
    let world = World::new("tasks: { a: { run: 'true' } }\n");
    let state = folder(&world, "state");
    // Room for the file's first page, and not for its tables.
    let Some(_disk) = Mount::small(&state, "32k") else {
        return;
    };
    fs::write(state.join("filler"), vec![0; 12_000]).unwrap();
    let expected = format!(
        "there is no board in `{}/board.sqlite` yet, and no space is left on the disk to make one; free some space\n",
        state.display()
    );
    for command in ["run", "ls"] {
        let ran = with_state(&world, &state, &[command]).code(7);
        assert_eq!(ran.err, format!("error: {expected}"));
    }
}

#[test]
fn doctor_promises_no_shell_where_there_is_none() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let bin = folder(&world, "bin");
    let doctor = || {
        Ran::of(world.command(&["doctor"]).env("PATH", &bin))
            .ok()
            .out
    };
    let page = doctor();
    let none = "warn  shell      there is neither bash nor sh: no script can run\n";
    assert!(page.contains(none), "{page}");
    std::os::unix::fs::symlink("/bin/sh", bin.join("sh")).unwrap();
    let page = doctor();
    assert!(
        page.contains("there is no bash: scripts run in `sh -e`"),
        "{page}"
    );
}

#[test]
fn two_runs_of_one_pipeline_at_the_same_moment_both_end() {
    let world = World::new("tasks:\n  a: { run: 'true' }\n  b: { needs: [a], run: 'true' }\n");
    let both = [world.start(&["run"]), world.start(&["run"])];
    for going in both {
        let _ran = going.end().ok();
    }
    let document = world.formic(&["ls", "--json"]).ok().json();
    let runs = document["runs"].as_array().unwrap();
    let statuses: Vec<_> = runs.iter().map(|run| run["status"].as_str()).collect();
    assert_eq!(statuses, [Some("succeeded"), Some("succeeded")]);
}

#[test]
fn a_task_that_forks_away_with_its_output_open_ends_with_its_last_step_and_leaves_nothing() {
    let world = World::empty();
    let go = world.fifo("go");
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a: {{ run: '( setsid sh -c \"cat {go} & cat {go}\" & ); echo gone' }}\n"
        ),
    );
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.formic(&["logs"]).ok().out, "gone\n");
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn output_that_is_no_text_is_kept_as_it_is_and_shown_harmlessly() {
    let world = World::new(
        r#"tasks: { a: { run: 'printf "\377\376 \000 \033[31m end\n"; exit 1' } }
"#,
    );
    // `World` itself makes sure that what people see is UTF-8.
    let ran = world.formic(&["run"]).code(1);
    assert!(!ran.err.contains(['\0', '\u{1b}']), "{:?}", ran.err);
    let logs = world.command(&["logs"]).output().unwrap();
    assert_eq!(logs.stdout, b"\xff\xfe \0 \x1b[31m end\n");
    assert_eq!(world.document()["status"], "failed");
}

#[test]
fn values_that_are_no_text_are_refused_with_variable_and_line() {
    let world = World::new(
        r#"tasks: { a: { run: 'printf "v=\377\n" >> "$FORMIC_OUTPUT"', outputs: { v: string } } }
"#,
    );
    let _ran = world.formic(&["run"]).code(1).says(
        "line 1 of `$FORMIC_OUTPUT` is not UTF-8; write text there, and other bytes into an artifact",
    );
}

#[test]
fn a_line_of_many_megabytes_is_kept_whole_and_its_end_is_shown() {
    const LINE_BYTES: usize = 20_000_000;
    let world = World::new(&format!(
        "tasks: {{ a: {{ run: 'head -c {LINE_BYTES} /dev/zero | tr \"\\0\" x; echo; exit 1' }} }}\n"
    ));
    let ran = world.formic(&["run"]).code(1);
    assert!(ran.err.len() < 10_000, "{} bytes", ran.err.len());
    let logs = world.formic(&["logs"]).ok().out;
    assert_eq!(logs.trim_end_matches('\n').len(), LINE_BYTES);
}

#[test]
fn a_working_directory_that_the_task_deletes_is_named_by_the_step_behind() {
    let world = World::new(
        "tasks:\n  a:\n    working_dir: sub\n    steps:\n      - run: rm -r ../sub\n      - run: 'true'\n",
    );
    world.write("sub/file", "");
    let sub = world.dir().join("sub");
    let message = format!("working directory `{}` does not exist", sub.display());
    let _ran = world.formic(&["run"]).code(1).says(&message);
    world.write("sub/file", "");
    // The step deletes it again: that is the pipeline's fault, told again in the same way.
    let _ran = world.formic(&["retry"]).code(1).says(&message);
}

#[test]
fn a_project_that_somebody_deletes_fails_its_tasks_and_the_board_elsewhere_has_them() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    let pipeline = format!(
        "tasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n  b: {{ needs: [a], run: 'true' }}\n"
    );
    world.write("formic.yaml", &pipeline);
    let (dir, state) = (world.dir(), world.outside().join("state"));
    let mut command = world.command(&["run"]);
    let child = command.env("FORMIC_STATE", &state);
    let child = child.stderr(std::process::Stdio::piped()).spawn().unwrap();
    assert_eq!(heard(&begun), "x\n");
    fs::remove_dir_all(&dir).unwrap();
    tell(&go);
    let ran = Ran::from(child.wait_with_output().unwrap()).code(1);
    let _ran = ran.says(&format!(
        "working directory `{}` does not exist",
        dir.display()
    ));
    world.write("formic.yaml", &pipeline);
    let ran = with_state(&world, &state, &["retry"]).ok();
    let _ran = ran.says("1 finished result taken over");
}

#[test]
fn a_board_that_a_task_deletes_ends_the_run_at_once_and_is_named() {
    let world = World::new(
        "tasks:\n  a: { run: 'rm -r .formic; echo gone' }\n  b: { needs: [a], run: 'true' }\n",
    );
    let ran = world.formic(&["run"]).code(7);
    let _ran = ran.says(&lost(&world)).says(OWN_TASK);
    world.write("formic.yaml", "tasks: { a: { run: 'true' } }\n");
    let _ran = world.formic(&["run"]).ok();
}

fn lost(world: &World) -> String {
    let state = world.dir().join(".formic/state");
    format!("is lost: its board in `{}` is gone\n", state.display())
}

const OWN_TASK: &str = "help: a task of this run may have deleted it, as `git clean -fdx` and `rm -rf .formic` do\n\
     help: `git clean -fdx -e .formic` keeps it; so does a board elsewhere, by `FORMIC_STATE`\n";

#[test]
fn a_board_that_a_task_deletes_in_the_middle_is_no_success() {
    // Its last task ends after the file is gone: the open handle would have taken that too.
    let world = World::new(
        "tasks:\n  a: { run: 'true' }\n  b: { needs: [a], run: 'rm -rf .formic/state' }\n  c: { needs: [b], run: touch made }\n",
    );
    let ran = world.formic(&["run", "--json"]).code(7);
    assert_eq!(ran.json()["error"]["exit_code"], 7);
    let _ran = ran
        .says(&lost(&world))
        .says(OWN_TASK)
        .says("it was removed or replaced while formic used it\n");
    assert!(!world.dir().join("made").exists());
}

#[test]
fn a_board_that_a_clean_of_git_takes_along_is_named_with_what_keeps_it() {
    let world = World::with_git(
        "tasks:\n  a: { run: git clean -fdxq }\n  b: { needs: [a], run: 'true' }\n",
    );
    let _ran = world
        .formic(&["run"])
        .code(7)
        .says(&lost(&world))
        .says(OWN_TASK);
    world.write(
        "formic.yaml",
        "tasks:\n  a: { run: git clean -fdxq -e .formic }\n  b: { needs: [a], run: 'true' }\n",
    );
    world.commit();
    let _ran = world.formic(&["run"]).ok();
}

#[test]
fn a_board_elsewhere_that_is_replaced_by_another_one_is_not_written_for_it() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n"),
    );
    let state = folder(&world, "state");
    let mut command = world.command(&["run"]);
    let child = command.env("FORMIC_STATE", &state);
    let child = child.stderr(std::process::Stdio::piped()).spawn().unwrap();
    assert_eq!(heard(&begun), "x\n");
    fs::rename(&state, world.outside().join("old")).unwrap();
    let green = World::new("tasks: { a: { run: 'true' } }\n");
    let _ran = with_state(&green, &state, &["run"]).ok();
    let ran = Ran::from(child.wait_with_output().unwrap()).code(7);
    let _ran = ran
        .says("help: something deleted it while the run went on; `formic run` makes a new one\n");
}

#[test]
fn a_board_on_a_full_disk_can_be_read_and_what_may_be_deleted_is_told() {
    let world = World::new("tasks: { a: { run: echo said } }\n");
    let state = folder(&world, "state");
    let Some(disk) = Mount::small(&state, "3m") else {
        return;
    };
    let _ran = with_state(&world, &state, &["run"]).ok();
    fs::write(state.join("filler"), vec![0; 4_000_000]).unwrap_err();
    let ran = with_state(&world, &state, &["ls"]).ok();
    assert!(ran.out.contains("succeeded"), "{}", ran.out);
    assert_eq!(with_state(&world, &state, &["logs"]).ok().out, "said\n");
    assert_eq!(statuses_with(&world, &state), ["a succeeded -"]);
    let ran = with_state(&world, &state, &["run"]).code(7);
    let _ran = ran
        .says(&format!(
            "error: no space is left on the disk of `{}`, so nothing can be run\n",
            state.display()
        ))
        .says("help: free some space; `formic ls`, `show` and `logs` work meanwhile\n")
        .says(&format!(
            "help: while no formic runs, `attempts`, `workspaces` and `tmp` in `{}` may be deleted",
            state.display()
        ));
    disk.grow();
    let _ran = with_state(&world, &state, &["run"]).ok();
}

#[test]
fn a_board_that_is_a_folder_and_a_state_that_cannot_be_made_have_a_next_step() {
    let world = World::new("tasks: { a: { run: 'true' } }\n");
    let state = folder(&world, "state");
    fs::create_dir(state.join("board.sqlite")).unwrap();
    let _ran = with_state(&world, &state, &["run"]).code(7).says(&format!(
        "`{}/board.sqlite` is not a board of Formic; move it away or set `FORMIC_STATE`",
        state.display()
    ));
    let _ran = with_state(&world, Path::new("/proc/nowhere"), &["run"]).code(7).says(
        "cannot use the folder `/proc/nowhere` that `FORMIC_STATE` names; set it to a folder that may be written, or unset it\n",
    );
}

#[test]
fn a_plan_that_somebody_deleted_from_the_board_has_a_next_step() {
    let world = World::new("tasks: { a: { run: 'false' } }\n");
    let _ran = world.formic(&["run"]).code(1);
    let blobs = world.dir().join(".formic/state/blobs");
    for entry in fs::read_dir(&blobs).unwrap().flatten() {
        if entry.path().is_dir() && entry.file_name() != "new" {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    let _ran = world
        .formic(&["retry"])
        .code(7)
        .says(&format!(
            "error: the plan of run `{}` is not on the board any more\n",
            world.run_id()
        ))
        .says("help: something deleted it there; `formic run` makes a new run");
}

#[test]
fn a_spawner_that_is_killed_is_told_at_once_and_the_run_goes_on() {
    let world = World::new(
        "tasks:\n  a: { run: 'if test \"$FORMIC_ATTEMPT_NUMBER\" = 1; then kill -9 $PPID; read; fi' }\n  b: { needs: [a], run: 'true' }\n",
    );
    let ran = world.formic(&["run"]).code(7);
    let ran = ran.says("the process that starts commands is gone: signal: 9 (SIGKILL)\n");
    let _ran = ran.says(&format!("next: formic resume {}\n", &world.run_id()[..4]));
    assert_eq!(world.statuses(), ["a interrupted -", "b queued needs"]);
    let _ran = world.formic(&["resume"]).ok();
    assert_eq!(world.statuses(), ["a succeeded -", "b succeeded -"]);
}

#[test]
fn a_task_that_no_machine_like_this_can_hold_is_refused_before_anything_starts() {
    let world = World::new(
        "tasks:\n  a: { run: touch made }\n  b: { resources: { memory: 900TiB }, run: 'true' }\n",
    );
    let ran = world.formic(&["run"]).code(2);
    let _ran =
        ran.says("error: task `b` (formic.yaml:3) asks for 900.0 TiB of memory; this machine has ");
    assert!(!world.dir().join("made").exists());
    let _ran = world.formic(&["show"]).code(6);
}

#[test]
fn generated_tasks_are_held_against_the_machine_as_those_of_the_file_are() {
    let world = World::new(
        "name: ci\ntasks: { make: { generates: more.yaml, run: cp tasks.yaml more.yaml } }\n",
    );
    world.write(
        "tasks.yaml",
        "tasks:\n  a: { run: 'true' }\n  b: { resources: { memory: 900TiB }, run: 'true' }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let _ran = ran.says("task `b` (more.yaml:3) asks for 900.0 TiB of memory; this machine has ");
    assert_eq!(world.statuses(), ["make failed user"]);
    world.write(
        "tasks.yaml",
        "tasks: { b: { labels: [gpu], run: 'true' } }\n",
    );
    let ran = world.formic(&["run", "--labels", "big"]).code(1);
    let _ran = ran.says("task `b` (more.yaml:1) wants a worker with `gpu`; `--labels` gives big");
    let asks = "{ resources: { cpu: 9000, gpu: 1 }, run: 'true' }";
    world.write(
        "tasks.yaml",
        &format!("tasks: {{ a: {asks}, b: {asks}, c: {{ run: 'true' }} }}\n"),
    );
    let ran = world.formic(&["run"]).ok();
    assert!(!ran.err.contains("waits: needs 9000 CPU, "), "{}", ran.err);
}

#[test]
fn a_run_with_generated_tasks_that_ask_for_much_can_be_resumed() {
    let world = World::new(
        "name: ci\ntasks: { make: { generates: more.yaml, run: cp tasks.yaml more.yaml } }\n",
    );
    world.write(
        "tasks.yaml",
        "tasks:\n  ask: { approval: 'go on?' }\n  b: { needs: [ask], resources: { cpu: 9000, gpu: 1 }, run: 'true' }\n",
    );
    let _ran = world.formic(&["run"]).code(8);
    let _ran = world.formic(&["approve", "make/ask"]).ok();
    let _ran = world.formic(&["resume"]).ok();
}

#[test]
fn a_slip_in_the_name_of_an_output_is_not_green() {
    let world = World::new(
        "tasks:\n  a:\n    run: echo verison=1.2 >> \"$FORMIC_OUTPUT\"\n    outputs: { version: string }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let _ran = ran.says(
        "output `version` is declared, and no step wrote it; write it with \
         `echo \"version=VALUE\" >> \"$FORMIC_OUTPUT\"`, or declare its `default`; written was `verison`",
    );
    assert_eq!(world.statuses(), ["a failed user"]);
}
