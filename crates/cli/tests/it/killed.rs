//! `kill -9`: what the board says afterwards, that nothing is left, and that the run goes on.

use crate::world::{World, heard, processes_with};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Command;

#[test]
fn a_killed_run_shows_as_interrupted_and_goes_on() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("name: ci\ntasks:\n  a: {{ run: 'if test \"$FORMIC_ATTEMPT_NUMBER\" = 1; then setsid cat {go} & echo x > {begun}; wait; fi' }}\n  b: {{ needs: [a], run: echo done > made }}\n"),
    );
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("KILL");
    assert_eq!(going.end().code, None);
    let ran = world.formic(&["show"]).ok();
    assert!(ran.out.contains("  interrupted  "), "{}", ran.out);
    // Whoever comes next makes sure that nothing of it lives.
    assert_eq!(processes_with(&go), [] as [String; 0]);
    let attempts = world.dir().join(".formic/state/attempts");
    assert!(attempts.join("1").exists(), "nobody could remove it");
    let _ran = world.formic(&["resume"]).ok();
    assert!(!attempts.exists(), "what the dead process left is removed");
    assert_eq!(world.read("made"), "done\n");
    assert_eq!(world.statuses(), ["a succeeded -", "b succeeded -"]);
}

#[test]
fn a_killed_run_can_be_canceled() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n  b: {{ needs: [a], run: 'true' }}\n"),
    );
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("KILL");
    assert_eq!(going.end().code, None);
    let run = world.run_id();
    let _ran = world
        .formic(&["cancel", "--mode", "now"])
        .ok()
        .says(&format!("run {run} is canceled\n"));
    assert_eq!(world.document()["status"], "canceled");
}

#[test]
fn folders_of_a_run_that_was_killed_and_canceled_are_removed_by_the_next_one() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("name: ci\ntasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n"),
    );
    world.write("next.yaml", "name: next\ntasks: {a: {run: 'true'}}\n");
    let kill = || {
        let mut going = world.start(&["run", "--file", "formic.yaml"]);
        assert_eq!(heard(&begun), "x\n");
        going.signal("KILL");
        assert_eq!(going.end().code, None);
        world.run_id()
    };
    let canceled = kill();
    let _ran = world.formic(&["cancel", "--mode", "now"]).ok();
    let resumable = kill();
    let folder = |run: &str| world.dir().join(".formic/state/workspaces").join(run);
    for run in [&*canceled, &*resumable, "000000000000", "not-a-run"] {
        std::fs::create_dir_all(folder(run).join("shared")).expect("the state folder is ours");
    }
    let _ran = world.formic(&["run", "--file", "next.yaml"]).ok();
    assert!(!folder(&canceled).exists(), "it has ended");
    assert!(
        !folder("000000000000").exists(),
        "the board has no such run"
    );
    assert!(folder(&resumable).exists(), "it may be resumed");
    assert!(folder("not-a-run").exists(), "it is nobody's");
}

#[test]
fn two_runs_at_once_share_a_board() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "one.yaml",
        &format!("name: one\ntasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n"),
    );
    world.write("formic.yaml", "name: two\ntasks: {a: {run: 'true'}}\n");
    let going = world.start(&["run", "--file", "one.yaml"]);
    assert_eq!(heard(&begun), "x\n");
    let _ran = world.formic(&["run"]).ok();
    let document = world.formic(&["ls", "--json"]).ok().json();
    let statuses: Vec<_> = document["runs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|run| run["status"].clone())
        .collect();
    assert_eq!(statuses, ["succeeded", "running"]);
    // What a living process has is not touched.
    let scripts = "a sibling's scripts are in use";
    assert!(
        world.dir().join(".formic/state/attempts/1").exists(),
        "{scripts}"
    );
    crate::world::tell(&go);
    let _ran = going.end().ok();
}

#[test]
fn a_step_does_not_outlive_formic_and_its_spawner_killed_together() {
    let world = World::empty();
    let begun = world.fifo("begun");
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'exec 3> {begun}; echo $PPID >&3; exec sleep 1000' }}\n"),
    );
    let mut going = world.start(&["run"]);
    let mut open = BufReader::new(File::open(&begun).unwrap());
    let mut spawner = String::new();
    open.read_line(&mut spawner).unwrap();
    // Standing still, it cannot see that its spawner is gone, and cannot kill what is left.
    going.signal("STOP");
    let killed = Command::new("kill").args(["-9", spawner.trim()]).status();
    assert!(killed.unwrap().success());
    going.signal("KILL");
    assert_eq!(going.end().code, None);
    // Nobody has the other end open any more: the step is dead, and no other command was needed.
    assert_eq!(open.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn a_third_signal_ends_the_program_at_once_and_nothing_is_left() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    // It would have ten seconds from the first signal on.
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'trap \"\" TERM HUP INT; echo x > {begun}; cat {go}' }}\n"),
    );
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    // Different ones: equal signals that meet are one.
    going
        .signal("TERM")
        .until("run              is left: waits for 1 task to end, 10.0s at most\n")
        .signal("HUP")
        .signal("INT");
    let code = going.end().code;
    assert!(matches!(code, Some(129 | 130 | 143)), "{code:?}");
    assert_eq!(world.document()["status"], "interrupted");
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn worktrees_of_a_killed_run_are_taken_from_the_repository_by_the_next_command() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n"),
    );
    world.git(&["init", "-q", "-b", "main", "."]);
    world.commit();
    world.git(&["worktree", "add", "-q", "../theirs"]);
    let trees = || world.git(&["worktree", "list"]).lines().count();
    let tree = world.dir().join(".formic/state/attempts/1");
    for breaks in [false, true] {
        let mut going = world.start(&["run", "--clean"]);
        assert_eq!(heard(&begun), "x\n");
        assert_eq!(trees(), 3);
        going.signal("KILL");
        assert_eq!(going.end().code, None);
        // As Git leaves one that it was killed in the making of; and one that Git would not remove.
        let mut folders = std::fs::read_dir(&tree).unwrap().flatten();
        let tree = folders.find_map(|at| Some(at.path().join("tree")).filter(|at| at.is_dir()));
        let tree = tree.unwrap();
        world.git(&["worktree", "lock", tree.to_str().unwrap()]);
        if breaks {
            let entry = std::fs::read_to_string(tree.join(".git")).unwrap();
            let entry = entry.trim().strip_prefix("gitdir: ").unwrap();
            std::fs::remove_file(format!("{entry}/HEAD")).unwrap();
            // Of others nothing is taken, be they gone.
            std::fs::remove_dir_all(world.outside().join("theirs")).unwrap();
        }
        let _ran = world.formic(&["ls"]).ok();
        assert_eq!(trees(), 2, "{}", world.git(&["worktree", "list"]));
    }
}
