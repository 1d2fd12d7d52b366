//! `formic run`: what people see, and how it ends.

use crate::world::{World, heard, tell};

#[test]
fn a_green_run_ends_with_one_verdict() {
    let world =
        World::new("name: ci\ntasks:\n  a: { run: echo a }\n  b: { needs: [a], run: echo b }\n");
    let ran = world.formic(&["run"]).ok();
    let run = world.run_id();
    let short = &run[..4];
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(
        lines[0],
        "note: the source is not recorded: this is no Git repository"
    );
    assert_eq!(lines[1], format!("pipeline ci · no commit · run {run}"));
    assert!(
        lines[2].starts_with(&format!("[{short}] 00:0")),
        "{}",
        ran.err
    );
    assert!(lines[2].contains(" a                ok ("), "{}", ran.err);
    assert!(lines[4].starts_with("ci succeeded in "), "{}", ran.err);
    assert!(
        lines[4].ends_with(&format!(": 2 ok  (run {run})")),
        "{}",
        ran.err
    );
    assert_eq!((lines.len(), ran.out.as_str()), (5, ""));
}

#[test]
fn a_failure_is_shown_with_its_last_lines_and_the_next_step() {
    let world = World::new(
        "name: ci\ntasks:\n  a: { run: 'echo one; echo two >&2; exit 3' }\n  b: { needs: [a], run: 'true' }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let short = &world.run_id()[..4];
    let ran = ran
        .says("FAILED (")
        .says("s): step `run` exited with code 3\n    one\n    two\n");
    let _ran = ran
        .says("b                skipped: need_failed\n")
        .says("ci failed in ")
        .says(": 1 failed, 1 skipped  (run ")
        .says(&format!(
            "next: formic logs {short}\nnext: formic retry {short}\n"
        ));
}

#[test]
fn a_retry_says_when_it_tries_again() {
    let text = "tasks:\n  a: { run: 'test -e been || { touch been; exit 7; }', retry: { max: 1, backoff: 1ms } }\n";
    let world = World::new(text);
    let _ran = world
        .formic(&["run"])
        .ok()
        .says("attempt 1 failed: step `run` exited with code 7, again");
    assert_eq!(world.document()["tasks"][0]["attempts"], 2);
}

#[test]
fn quiet_says_only_the_verdict() {
    let ran = World::new("name: ci\ntasks: {a: {run: echo a}}\n")
        .formic(&["run", "-q"])
        .ok();
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.starts_with("ci succeeded in "), "{}", ran.err);
}

#[test]
fn verbose_shows_output_as_it_comes() {
    let ran = World::new("tasks: {a: {run: echo hello}}\n")
        .formic(&["run", "-v"])
        .ok();
    assert_eq!(ran.out, "");
    let _ran = ran.says("a | hello\n");
}

#[test]
fn a_timeout_is_red() {
    let world = World::new("tasks: {a: {run: sleep 1000, timeout: 50ms}}\n");
    let _ran = world.formic(&["run"]).code(1);
    assert_eq!(world.statuses(), ["a failed timeout"]);
}

#[test]
fn a_tolerated_failure_is_green() {
    let world = World::new(
        "tasks:\n  a: { run: exit 1, critical: false }\n  b: { needs: [a], run: 'true' }\n",
    );
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.statuses()[1], "b succeeded -");
}

#[test]
fn clean_gives_each_task_a_worktree_of_the_commit() {
    let world = World::with_git(
        "name: ci\ntasks:\n  a: { run: 'touch made; test ! -e dirty' }\n  b: { needs: [a], run: 'test ! -e made' }\n",
    );
    world.write("dirty", "");
    let _ran = world
        .formic(&["run", "--clean"])
        .ok()
        .says("note: changes since the commit are left out by `--clean`\n");
    assert!(!world.dir().join("made").exists());
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_clean_run_names_the_files_of_the_pipeline_that_are_not_as_in_the_commit() {
    let world = World::empty();
    let shared = crate::lock::shared(&world);
    let pipeline = format!(
        "tasks:\n  a: {{ uses: ./ci/scan.yaml }}\n  b: {{ uses: \"{shared}//scan.yaml@v1\" }}\n"
    );
    world.write("web/formic.yaml", &pipeline);
    world.write("web/ci/scan.yaml", crate::lock::SCAN);
    world.git(&["init", "-q", "-b", "main", "."]);
    world.commit();
    let run = || world.formic(&["-C", "web", "run", "--clean"]).ok();
    let note = "note: changes since the commit are left out by `--clean`";
    let here = "but the pipeline is as it is here, not as in the commit";
    // It is written by the run.
    let _ran = run().says(&format!("{note}, {here}: `formic.lock`\n"));
    world.commit();
    let ran = run();
    assert!(!ran.err.contains(note), "{}", ran.err);
    world.write("other", "");
    let _ran = run().says(&format!("{note}\n"));
    world.write("web/formic.yaml", &format!("name: other\n{pipeline}"));
    world.git(&["rm", "-q", "--cached", "web/ci/scan.yaml"]);
    world.write(".git/info/exclude", "ci/\n");
    let _ran = run().says(&format!("{note}, {here}: `formic.yaml`, `ci/scan.yaml`\n"));
}

#[test]
fn a_clean_run_that_is_made_again_here_takes_the_tree_as_it_is() {
    let world = World::new("name: ci\ntasks:\n  a: { run: test -e mended }\n");
    world.git(&["init", "-q", "-b", "main", "."]);
    world.commit();
    let _ran = world.formic(&["run", "--clean"]).code(1);
    let run = world.run_id();
    world.write("mended", "");
    let _ran = world.formic(&["retry", "--here"]).ok().says(&format!(
        "note: run {} was made with `--clean`; the tasks of this one share the folder as it is\n",
        &run[..4]
    ));
}

#[test]
fn clean_without_a_commit_is_refused() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    world.git(&["init", "-q", "."]);
    let _ran = world.formic(&["run", "--clean"]).code(2).says(&format!(
        "error: `--clean` needs a commit, and the repository of `{}` has none yet\n\
         help: commit first: `git add --all && git commit -m begin`\n\
         help: leave out `--clean` to run in the folder as it is\n",
        world.dir().display()
    ));
}

#[test]
fn clean_without_git_says_that_there_is_no_repository() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let _ran = world.formic(&["run", "--clean"]).code(2).says(&format!(
        "error: `--clean` needs a Git repository, and `{}` is in none\n\
         help: make one: `git init && git add --all && git commit -m begin`\n\
         help: leave out `--clean` to run in the folder as it is\n",
        world.dir().display()
    ));
}

#[test]
fn a_failure_with_a_long_line_does_not_flood_the_terminal() {
    let world = World::new(
        "name: ci\ntasks:\n  a: { run: \"printf '\\\\033]0;title\\\\007\\\\033[31m'; head -c 60000 /dev/zero | sed 's/\\\\x00/é/g'; exit 3\" }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let longest = ran.err.lines().map(|line| line.chars().count()).max();
    assert!(longest < Some(250), "{longest:?}");
    assert!(ran.err.contains("éé …\n"), "{}", ran.err);
    assert!(
        !ran.err.contains(['\x1b', '\x07', '\u{fffd}']),
        "{}",
        ran.err
    );
}

#[test]
fn a_task_that_fails_with_what_it_generated_names_it() {
    let world = World::new(
        "name: ci\ntasks:\n  gen: { generates: more.yaml, run: 'echo \"tasks: { good: { run: \\\"true\\\" }, bad: { run: exit 4 } }\" > more.yaml' }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let ran = ran.says(" gen              FAILED (");
    let _ran = ran.says("s): `gen/bad` failed\n");
    let shown = world.formic(&["show"]).ok().out;
    assert!(shown.contains("user · `gen/bad` failed\n"), "{shown}");
    let document = world.document();
    assert_eq!(document["tasks"][0]["message"], "`gen/bad` failed");
}

#[test]
fn a_failure_that_is_out_of_sight_is_told_again_with_its_reason() {
    let world = World::new(
        "name: ci\ntasks:\n  gen: { generates: more.yaml, run: 'echo \"tasks: 3\" > more.yaml' }\n  a: { needs: [gen], when: always(), matrix: { n: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }, run: 'true' }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let first = ran.err.lines().find_map(|line| line.split_once("FAILED ("));
    let (_, why) = first.and_then(|(_, rest)| rest.split_once("): ")).unwrap();
    assert!(why.contains("more.yaml"), "{why}");
    let again = format!("\ngen failed: {why}\n");
    assert!(ran.err.contains(&again), "{}", ran.err);
}

#[test]
fn the_source_is_recorded_without_touching_the_repository() {
    let world = World::with_git("name: ci\ntasks: {a: {run: 'true'}}\n");
    let objects = || world.git(&["count-objects"]);
    world.write("new", "text\n");
    let (before, index) = (objects(), world.git(&["status", "--short"]));
    let ran = world.formic(&["run"]).ok();
    assert!(
        ran.err.contains(" (main) with changes · run "),
        "{}",
        ran.err
    );
    assert_eq!(
        (objects(), world.git(&["status", "--short"])),
        (before, index)
    );
}

#[test]
fn a_file_that_says_nothing_of_git_runs_where_git_is_missing() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let mut command = world.command(&["run"]);
    let bin = world.outside().join("bin");
    std::fs::create_dir(&bin).expect("the folder is ours");
    for program in ["bash", "true", "sh"] {
        let found = format!("/bin/{program}");
        std::os::unix::fs::symlink(found, bin.join(program)).expect("the folder is ours");
    }
    command.env("PATH", &bin);
    let _ran = crate::world::Ran::of(&mut command)
        .ok()
        .says("note: the source is not recorded: there is no `git` program\n");
}

#[test]
fn a_task_that_could_never_start_is_refused_before_anything_starts() {
    let world = World::new("tasks: {a: {labels: [gpu], run: 'true'}}\n");
    let _ran = world.formic(&["run", "--labels", "gpu,big"]).ok();
    let ran = world.formic(&["run", "--labels", "big"]).code(2);
    let _ran = ran.says(
        "error: task `a` (formic.yaml:1) wants a worker with `gpu`; `--labels` gives big\n\
         help: add it: `--labels big,gpu`\n",
    );
}

#[test]
fn a_task_that_waits_for_resources_says_the_numbers() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ resources: {{ licence: 2 }}, run: 'echo x > {begun}; cat {go}' }}\n  b: {{ resources: {{ licence: 1 }}, run: 'true' }}\n"),
    );
    let mut going = world.start(&["run", "-j", "2"]);
    going.until("b                waits: needs 1 of `licence`, 0 free");
    assert_eq!(heard(&begun), "x\n");
    assert_eq!(world.statuses()[1], "b queued resources");
    tell(&go);
    let _ran = going.end().ok();
}

#[test]
fn a_matrix_that_cannot_be_expanded_is_told_like_a_task_that_failed() {
    for (list, why) in [
        (r#"["a","a"]"#, "both called `a`"),
        (r#"[{"x":1},{"x":1}]"#, ""),
    ] {
        let world = World::new(&format!(
            "name: ci\ntasks:\n  lst: {{ outputs: {{ l: {{ type: list }} }}, env: {{ L: '{list}' }}, run: 'echo \"l=$L\" >> \"$FORMIC_OUTPUT\"' }}\n  each: {{ needs: [lst], matrix: {{ n: \"${{{{ tasks.lst.outputs.l }}}}\" }}, run: 'true' }}\n"
        ));
        let ran = world.formic(&["run"]).code(1);
        let short = world.run_id()[..4].to_owned();
        let ran = ran
            .says(" each             FAILED: ")
            .says(why)
            .says(": 1 ok, 1 failed  (run ")
            .says(&format!(
                "next: formic show {short}\nnext: formic retry {short}\n"
            ));
        assert!(!ran.err.contains("formic logs"), "{}", ran.err);
        let page = world.formic(&["show"]).ok().out;
        assert!(page.contains("user · "), "{page}");
        assert_eq!(world.statuses()[1], "each failed user");
        // It is what a retry repeats.
        let _ran = world
            .formic(&["retry"])
            .code(1)
            .says("1 finished result taken over");
    }
}

#[test]
fn a_matrix_without_cells_is_told_as_skipped() {
    let world = World::new(
        "name: ci\ntasks:\n  lst: { outputs: { l: { type: list } }, run: 'echo \"l=[]\" >> \"$FORMIC_OUTPUT\"' }\n  each: { needs: [lst], matrix: { n: \"${{ tasks.lst.outputs.l }}\" }, run: 'true' }\n",
    );
    let ran = world.formic(&["run"]).ok();
    let _ran = ran
        .says(" each             skipped: ")
        .says(": 1 ok, 1 skipped  (run ");
}

#[test]
fn a_slip_of_the_pen_in_the_name_of_an_output_is_in_the_log() {
    let world = World::new(
        "tasks: { a: { outputs: { version: { type: string, default: none } }, run: 'echo versoin=1 >> \"$FORMIC_OUTPUT\"' } }\n",
    );
    let _ran = world.formic(&["run"]).ok();
    let log = world.formic(&["logs", "@/a"]).ok().out;
    let expected =
        "formic: warning: output `versoin` is not declared by this task; did you mean `version`?\n";
    assert!(log.contains(expected), "{log}");
}

#[test]
fn a_run_is_announced_when_it_is_on_the_board() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("name: ci\ntasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n"),
    );
    let mut going = world.start(&["run"]);
    going.until("pipeline ci · no commit · run ");
    // Whoever reads the id may ask for it at once.
    assert_eq!(world.document()["pipeline"], "ci");
    assert_eq!(heard(&begun), "x\n");
    tell(&go);
    let _ran = going.end().ok();
}

#[test]
fn what_a_used_file_gives_is_of_the_type_that_it_declares() {
    let world = World::new(
        "tasks:\n  a: { uses: ./p.yaml }\n  b: { needs: [a], run: 'echo ${{ tasks.a.outputs.n }} > said' }\n",
    );
    world.write(
        "p.yaml",
        "outputs: { n: { type: number, value: '${{ tasks.x.outputs.v }}', default: 7 } }\n\
         tasks: { x: { run: 'echo \"v=$L\" >> $FORMIC_OUTPUT', env: { L: '${{ signal.branch }}' }, outputs: { v: string } } }\n",
    );
    let _ran = world
        .formic(&["run", "--branch", "x;touch bad"])
        .code(1)
        .says("output `n` is `x;touch bad`; expected a number");
    assert!(!world.dir().join("bad").exists() && !world.dir().join("said").exists());
}
