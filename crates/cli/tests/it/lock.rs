//! Files that pipelines use: of the project and of real Git repositories, run, pinned, moved, offline.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::world::{Ran, World};
use std::fs;
use std::path::Path;
use std::process::Command;

pub(crate) const SCAN: &str = "params: { level: low }\n\
    task:\n  env: { LEVEL: \"${{ params.level }}\" }\n  outputs: { found: number }\n  \
    run: |\n    echo \"level is $LEVEL\"\n    echo \"found=3\" >> \"$FORMIC_OUTPUT\"\n";

pub(crate) const LOCAL: &str = "tasks:\n  scan: { uses: ./ci/scan.yaml, with: { level: high } }\n  \
    show: { needs: scan, run: \"echo found ${{ tasks.scan.outputs.found }}\" }\n";

pub(crate) fn local() -> World {
    let world = World::new(LOCAL);
    world.write("ci/scan.yaml", SCAN);
    world
}

/// A repository beside the project, with `scan.yaml` and what it uses, tagged `v1`; its reference.
pub(crate) fn shared(world: &World) -> String {
    let repository = world.outside().join("shared");
    fs::create_dir(&repository).unwrap();
    in_repository(&repository, &["init", "-q", "-b", "main", "."]);
    fs::write(repository.join("scan.yaml"), SCAN).unwrap();
    fs::write(
        repository.join("both.yaml"),
        "tasks:\n  first: { uses: ./scan.yaml, with: { level: deep } }\n\
         outputs:\n  found: { type: number, value: \"${{ tasks.first.outputs.found }}\" }\n",
    )
    .unwrap();
    in_repository(&repository, &["add", "-A"]);
    in_repository(&repository, &["commit", "-q", "-m", "one"]);
    in_repository(&repository, &["tag", "v1"]);
    format!("git+file://{}", repository.display())
}

pub(crate) fn in_repository(repository: &Path, args: &[&str]) {
    let output = Command::new("git")
        .current_dir(repository)
        .args(["-c", "user.name=ada", "-c", "user.email=ada@localhost"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
}

/// Changes what is at `scan.yaml` of the repository, and where the tag `v1` points.
pub(crate) fn move_tag(world: &World) {
    let repository = world.outside().join("shared");
    fs::write(repository.join("scan.yaml"), SCAN.replace("3", "4")).unwrap();
    in_repository(&repository, &["commit", "-q", "-a", "-m", "two"]);
    in_repository(&repository, &["tag", "-f", "v1"]);
}

pub(crate) fn remote(reference: &str) -> World {
    let world = World::empty();
    let base = shared(&world);
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  all: {{ uses: \"{base}//{reference}\" }}\n  \
             show: {{ needs: all, run: \"echo found ${{{{ tasks.all.outputs.found }}}}\" }}\n"
        ),
    );
    world
}

pub(crate) fn log(world: &World, task: &str) -> String {
    world.formic(&["logs", &format!("@/{task}")]).ok().out
}

#[test]
fn a_task_of_a_file_runs_with_its_values_and_gives_its_outputs() {
    let world = local();
    let _ran = world
        .formic(&["run"])
        .ok()
        .says("`formic.lock` pins 1 reference more; commit it");
    assert_eq!(
        world.statuses(),
        ["show succeeded -", "scan/scan succeeded -"]
    );
    assert!(log(&world, "scan/scan").contains("level is high"));
    assert!(log(&world, "show").contains("found 3"));
}

#[test]
fn the_lock_is_sorted_and_written_once() {
    let world = local();
    let _ran = world.formic(&["plan"]).ok();
    let lock = world.read("formic.lock");
    assert!(lock.starts_with("# What pipelines use, pinned."), "{lock}");
    assert!(
        lock.contains("\n[[file]]\nreference = \"./ci/scan.yaml\"\ndigest = \"sha256:"),
        "{lock}"
    );
    let again = world.formic(&["plan"]).ok();
    assert!(!again.err.contains("formic.lock"), "{}", again.err);
    assert_eq!(world.read("formic.lock"), lock);
}

#[test]
fn a_pipeline_that_uses_nothing_has_no_lock() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let _ran = world.formic(&["run"]).ok();
    assert!(!world.dir().join("formic.lock").exists());
}

#[test]
fn a_changed_file_is_an_error_with_both_digests_until_it_is_updated() {
    let world = local();
    let _ran = world.formic(&["lock"]).ok();
    world.write("ci/scan.yaml", &SCAN.replace('3', "4"));
    for verb in ["check", "plan", "run"] {
        let ran = world.formic(&[verb]);
        assert_ne!(ran.code, Some(0), "{verb}");
        assert_eq!(ran.err.matches("sha256:").count(), 2, "{}", ran.err);
        let _ran = ran
            .says("error[E1008]: `ci/scan.yaml` was changed: `formic.lock` pins sha256:")
            .says("`formic lock --update ./ci/scan.yaml` pins what it is now");
    }
    let updated = world.formic(&["lock", "--update", "./ci/scan.yaml"]).ok();
    let lines: Vec<&str> = updated.out.lines().collect();
    assert_eq!(lines[0], "~ ./ci/scan.yaml");
    assert!(lines[1].starts_with("    was sha256:") && lines[2].starts_with("    is  sha256:"));
    let _ran = world.formic(&["check"]).ok();
}

#[test]
fn in_ci_a_missing_pin_is_an_error_and_nothing_is_written() {
    let world = local();
    let mut command = world.command(&["run"]);
    let _ran = Ran::of(command.env("CI", "true"))
        .code(2)
        .says("error[E1009]: `formic.lock` does not pin `ci/scan.yaml`, and is not written in CI")
        .says("--> formic.yaml:2:17")
        .says("run `formic lock` where you work, and commit `formic.lock`");
    assert!(!world.dir().join("formic.lock").exists());
    let _ran = world.formic(&["lock"]).ok();
    let mut command = world.command(&["run"]);
    let _ran = Ran::of(command.env("CI", "true")).ok();
}

#[test]
fn files_of_a_repository_are_fetched_pinned_and_then_used_offline() {
    let world = remote("both.yaml@v1");
    let _ran = world
        .formic(&["run"])
        .ok()
        .says("`formic.lock` pins 2 references more");
    assert!(log(&world, "show").contains("found 3"));
    assert!(log(&world, "all/first/scan").contains("level is deep"));
    let lock = world.read("formic.lock");
    assert_eq!(lock.matches("commit = \"").count(), 2, "{lock}");
    assert!(lock.contains("//scan.yaml@v1\""), "{lock}");
    // What was fetched needs no repository any more.
    fs::remove_dir_all(world.outside().join("shared")).unwrap();
    let _ran = world.formic(&["check"]).ok();
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.read("formic.lock"), lock);
}

#[test]
fn the_ending_of_a_path_may_be_left_out() {
    let world = remote("both@v1");
    let _ran = world.formic(&["run"]).ok();
}

#[test]
fn a_tag_that_was_moved_is_an_error_with_both_digests() {
    let world = remote("scan.yaml@v1");
    let _ran = world.formic(&["run"]).ok();
    move_tag(&world);
    let ran = world.formic(&["run"]).code(2);
    assert_eq!(ran.err.matches("sha256:").count(), 2, "{}", ran.err);
    let ran = ran
        .says("has moved: `formic.lock` pins sha256:")
        .says(" now\n")
        .says("formic lock --update");
    drop(ran);
    let stale = world.formic(&["lock", "--check"]).code(1);
    assert!(stale.out.starts_with("~ git+file://"), "{}", stale.out);
    let updated = world.formic(&["lock", "--json"]).ok().json();
    assert_eq!(updated["changes"].as_array().unwrap().len(), 1);
    let _ran = world.formic(&["run"]).ok();
    assert!(log(&world, "show").contains("found 4"));
    let _ran = world.formic(&["lock", "--check"]).ok();
}

#[test]
fn a_branch_that_moves_on_leaves_the_pinned_commit() {
    let world = remote("scan.yaml@main");
    let _ran = world.formic(&["run"]).ok();
    move_tag(&world);
    let _ran = world.formic(&["run"]).ok();
    assert!(log(&world, "show").contains("found 3"));
    // On another machine the pinned commit is fetched, wherever the branch is now.
    fs::remove_dir_all(world.outside().join("home/.cache")).unwrap();
    let _ran = world.formic(&["run"]).ok();
    assert!(log(&world, "show").contains("found 3"));
    let _ran = world.formic(&["lock", "--update", "scan.yaml"]).ok();
    let _ran = world.formic(&["run"]).ok();
    assert!(log(&world, "show").contains("found 4"));
}

#[test]
fn updating_one_reference_leaves_the_others_and_asks_nobody_for_them() {
    let world = remote("scan.yaml@v1");
    let both = world.read("formic.yaml") + "  scan: { uses: ./ci/scan.yaml }\n";
    world.write("formic.yaml", &both);
    world.write("ci/scan.yaml", SCAN);
    let _ran = world.formic(&["lock"]).ok();
    let before = world.read("formic.lock");
    fs::remove_dir_all(world.outside().join("shared")).unwrap();
    world.write("ci/scan.yaml", &SCAN.replace('3', "4"));
    let ran = world.formic(&["lock", "--update", "ci/scan.yaml"]).ok();
    assert_eq!(ran.out.lines().count(), 3, "{}", ran.out);
    let git = |lock: &str| lock[lock.find("git+").unwrap()..].to_owned();
    assert_eq!(git(&world.read("formic.lock")), git(&before));
    let _ran = world.formic(&["run"]).ok();
}

#[test]
fn what_git_refuses_is_told_at_the_reference_with_its_words() {
    let world = remote("both.yaml@v9");
    let _ran = world
        .formic(&["plan"])
        .code(2)
        .says("error[E1002]")
        .says("has no tag, branch or commit `v9`")
        .says("formic.yaml:2:16");
    let world = remote("none.yaml@v1");
    let _ran = world
        .formic(&["plan"])
        .code(2)
        .says("has no file `none.yaml` at `v1`");
    let world = World::new("tasks: {a: {uses: \"git+file:///nowhere/at/all//x.yaml@v1\"}}\n");
    let _ran = world
        .formic(&["plan"])
        .code(2)
        .says("cannot fetch `file:///nowhere/at/all`: git says: ")
        .says("look whether `git ls-remote file:///nowhere/at/all` works here");
}

#[test]
fn a_file_that_is_not_there_has_a_near_one() {
    let world = local();
    world.write("formic.yaml", &LOCAL.replace("scan.yaml", "scann.yaml"));
    let _ran = world
        .formic(&["check"])
        .code(1)
        .says("there is no file `ci/scann.yaml` in the project")
        .says("did you mean `./ci/scan.yaml`?");
}

#[test]
fn a_link_does_not_lead_out_of_the_project() {
    let world = local();
    fs::write(world.outside().join("secret.yaml"), SCAN).unwrap();
    fs::remove_file(world.dir().join("ci/scan.yaml")).unwrap();
    std::os::unix::fs::symlink(
        world.outside().join("secret.yaml"),
        world.dir().join("ci/scan.yaml"),
    )
    .unwrap();
    let _ran = world
        .formic(&["check"])
        .code(1)
        .says("`ci/scan.yaml` is a link that leaves the project");
}

#[test]
fn a_lock_that_a_hand_broke_is_told_with_its_line() {
    let world = local();
    let _ran = world.formic(&["lock"]).ok();
    let broken = world.read("formic.lock").replace("sha256:", "sha256:z");
    world.write("formic.lock", &broken);
    for verb in ["plan", "run", "lock"] {
        let _ran = world
            .formic(&[verb])
            .code(2)
            .says("`formic.lock` line 6: `sha256:z")
            .says("restore the file from Git, or remove it and run `formic lock` to write it anew");
    }
    let _ran = world
        .formic(&["check"])
        .code(1)
        .says("error[E1010]: `sha256:z")
        .says("--> formic.lock:6:1")
        .says("restore the file from Git, or remove it and run `formic lock` to write it anew")
        .says("formic.yaml: ok\n");
}

#[test]
fn a_reference_that_nobody_uses_leaves_the_lock_with_the_next_lock() {
    let world = local();
    let _ran = world.formic(&["lock"]).ok();
    world.write("formic.yaml", "tasks: {a: {run: 'true'}}\n");
    let _ran = world.formic(&["run"]).ok();
    assert!(world.read("formic.lock").contains("./ci/scan.yaml"));
    let ran = world.formic(&["lock"]).ok();
    assert!(ran.out.starts_with("- ./ci/scan.yaml\n"), "{}", ran.out);
    assert!(!world.read("formic.lock").contains("[[file]]"));
    let _ran = world
        .formic(&["lock", "--update", "./ci/scan.yaml"])
        .code(6)
        .says("no pipeline uses `./ci/scan.yaml`");
}

#[test]
fn an_included_file_may_change_without_a_word() {
    let world = World::new("include: [ci/common.yaml]\ntasks: {a: {needs: b, run: 'true'}}\n");
    world.write("ci/common.yaml", "tasks: {b: {run: 'true'}}\n");
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.statuses(), ["a succeeded -", "b succeeded -"]);
    world.write("ci/common.yaml", "tasks: {b: {run: 'false'}}\n");
    let _ran = world.formic(&["run"]).code(1);
    assert!(!world.dir().join("formic.lock").exists());
}

#[test]
fn what_is_wrong_with_a_used_file_is_told_under_its_name() {
    let world = local();
    world.write(
        "ci/scan.yaml",
        "params: { level: low }\ntask: { run: x, need: [a], outputs: { found: number } }\n",
    );
    let checked = world.formic(&["check", "--json"]).code(1).json();
    let files = checked["files"].as_array().unwrap();
    let told: Vec<_> = files
        .iter()
        .map(|file| {
            (
                file["file"].as_str().unwrap(),
                file["accepted"].as_bool().unwrap(),
                file["errors"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [("formic.yaml", false, 0), ("ci/scan.yaml", false, 1)]
    );
    assert_eq!(files[1]["errors"][0]["line"], 2);
}

#[test]
fn artifacts_of_a_used_task_are_those_of_the_task_that_uses_it() {
    let world = World::with_git(
        "tasks:\n  build: { uses: ./ci/build.yaml }\n  \
         pack:\n    needs: build\n    artifacts: { in: [{ from: build, name: bin }] }\n    run: cat out/bin\n",
    );
    world.write("ci/build.yaml", "task:\n  run: mkdir -p out && echo made > out/bin\n  artifacts: { out: { bin: out/bin } }\n");
    let _ran = world.formic(&["lock"]).ok();
    world.commit();
    // Each task in a tree of its own: the file comes as an artifact, or not at all.
    let _ran = world.formic(&["run", "--clean"]).ok();
    assert!(log(&world, "pack").contains("made"));
}

#[test]
fn a_used_file_fails_the_task_that_uses_it() {
    let world = local();
    world.write(
        "ci/scan.yaml",
        "params: { level: low }\ntask: { run: exit 3, outputs: { found: number } }\n",
    );
    let _ran = world.formic(&["run"]).code(1);
    assert_eq!(
        world.statuses(),
        ["show skipped need_failed", "scan/scan failed user"]
    );
}

#[test]
fn a_repository_that_cannot_be_reached_is_the_platforms_trouble() {
    // Nobody listens there.
    let uses = "git+http://127.0.0.1:1/r//x.yaml@v1";
    let world = World::new(&format!("tasks: {{a: {{uses: \"{uses}\"}}}}\n"));
    for verb in ["plan", "run", "lock"] {
        let ran = world.formic(&[verb]).code(7);
        let ran = ran.says("error: cannot fetch `http://127.0.0.1:1/r`: git says: ");
        let place = match verb {
            "lock" => "(formic.yaml:1:19)\n".to_owned(),
            _ => format!("(for `{uses}`)\n"),
        };
        let _ran = ran
            .says(&place)
            .says("help: look whether `git ls-remote http://127.0.0.1:1/r` works here\n");
    }
    let bin = world.outside().join("bin");
    fs::create_dir(&bin).unwrap();
    let mut command = world.command(&["plan"]);
    let _ran = Ran::of(command.env("PATH", &bin))
        .code(7)
        .says("there is no `git` program here");
}

#[test]
fn a_repository_that_cannot_be_reached_hides_no_error_of_the_file() {
    // Messages cut what is too long.
    let name = "long-".repeat(40);
    let uses = format!("uses: \"git+http://127.0.0.1:1/{name}");
    let text =
        format!("tasks:\n  a: {{ {uses}//x.yaml@v1\" }}\n  b: {{ {uses}/b//x.yaml@v1\" }}\n");
    let world = World::new(&text);
    for verb in ["plan", "run"] {
        let _ran = world.formic(&[verb]).code(7).says("error: cannot fetch ");
    }
    world.write(
        "formic.yaml",
        &format!("{text}  c: {{ needs: [none], run: x }}\n"),
    );
    for verb in ["plan", "run"] {
        let ran = world.formic(&[verb]).code(2);
        let ran = ran.says("error[E0301]: task `c` needs `none`, which does not exist\n");
        let ran = ran.says("error[E1002]: cannot fetch `http://127.0.0.1:1/long-");
        let _ran = ran.says("error: `formic.yaml` cannot be run: it has 3 errors\n");
    }
    // Who pins asks for references and nothing else.
    let _ran = world.formic(&["lock"]).code(7);
}

#[test]
fn lock_looks_up_every_file_and_tells_every_repository_that_cannot_be_reached() {
    let world = local();
    let uses = |port: u16| {
        format!("tasks: {{a: {{uses: \"git+http://127.0.0.1:{port}/r//x.yaml@v1\"}}}}\n")
    };
    world.write(".formic/one.yaml", &uses(1));
    world.write(".formic/two.yaml", &uses(2));
    let ran = world.formic(&["lock"]).code(7);
    let ran = ran.says("cannot fetch `http://127.0.0.1:1/r`: ");
    let ran = ran.says(" (.formic/one.yaml:1:19); cannot fetch `http://127.0.0.1:2/r`: ");
    let _ran = ran.says(" (.formic/two.yaml:1:19)\n");
    assert!(!world.dir().join("formic.lock").exists());
    // With an error that is not the platform's.
    world.write(".formic/three.yaml", "tasks: {a: {uses: ./none.yaml}}\n");
    let ran = world.formic(&["lock"]).code(2);
    let ran = ran.says("there is no file `none.yaml` in the project (.formic/three.yaml:1:19)");
    let _ran = ran.says("cannot fetch `http://127.0.0.1:2/r`: ");
    assert!(!world.dir().join("formic.lock").exists());
}

#[test]
fn one_cause_is_told_once_with_every_place() {
    let uses = "uses: \"git+file:///nowhere/at/all//";
    let world = World::new(&format!(
        "tasks:\n  a: {{ {uses}x.yaml@v1\" }}\n  b: {{ {uses}y.yaml@v1\" }}\n"
    ));
    let ran = world.formic(&["lock"]).code(2);
    assert_eq!(ran.err.matches("cannot fetch ").count(), 1, "{}", ran.err);
    let _ran = ran.says(" (formic.yaml:2:14, formic.yaml:3:14)\n");
}

#[test]
fn a_file_with_faults_takes_no_pin_away() {
    let world = local();
    let _ran = world.formic(&["lock"]).ok();
    let lock = world.read("formic.lock");
    world.write("formic.yaml", &format!("{LOCAL}  more: {{ run: x\n"));
    for line in [&["lock", "--check"][..], &["lock"]] {
        let ran = world.formic(line).code(2);
        let said = "error: cannot read `formic.yaml` (line 4): ";
        assert!(ran.err.starts_with(said), "{}", ran.err);
    }
    assert_eq!(world.read("formic.lock"), lock);
}

#[test]
fn what_cannot_be_looked_up_is_told_with_its_place() {
    let world = local();
    world.write(
        "formic.yaml",
        &LOCAL.replace("ci/scan.yaml", "ci/scann.yaml"),
    );
    let _ran = world.formic(&["lock"]).code(2).says(
        "error: there is no file `ci/scann.yaml` in the project (formic.yaml:2:17)\n\
         help: did you mean `./ci/scan.yaml`?\n",
    );
}

#[test]
fn a_repository_is_named_as_in_the_files_and_what_would_write_it_is_said() {
    let world = remote("scan.yaml@v1");
    let _ran = world.formic(&["lock"]).ok();
    move_tag(&world);
    let repository = format!("git+file://{}/shared", world.outside().display());
    let stale = world.formic(&["lock", "--check", "--update", &repository]);
    let _ran = stale.code(1).says(&format!(
        "`formic.lock` is out of date; `formic lock --update {repository}` writes it\n"
    ));
}

#[test]
fn a_file_that_is_too_large_is_not_taken_from_a_repository() {
    let world = remote("large.yaml@main");
    let repository = world.outside().join("shared");
    fs::write(repository.join("large.yaml"), vec![b' '; 1024 * 1024 + 1]).unwrap();
    in_repository(&repository, &["add", "-A"]);
    in_repository(&repository, &["commit", "-q", "-m", "large"]);
    let _ran = world
        .formic(&["plan"])
        .code(2)
        .says("`large.yaml` at `main` of `file://")
        .says("has more than 1048576 bytes");
}

#[test]
fn a_persons_own_ssh_is_the_one_that_is_called() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new("tasks: {a: {uses: \"git+ssh://nowhere.invalid/r//x.yaml@v1\"}}\n");
    let (own, called) = (
        world.outside().join("own-ssh"),
        world.outside().join("called"),
    );
    let script = format!("#!/bin/sh\ntouch '{}'\nexit 255\n", called.display());
    fs::write(&own, script).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    let config = format!("[core]\nsshCommand = {}\n", own.display());
    fs::write(world.outside().join("home/.gitconfig"), config).unwrap();
    let _ran = world.formic(&["plan"]).code(7);
    assert!(called.exists());
}

#[test]
fn a_file_that_is_no_yaml_is_told_and_nothing_is_written() {
    let world = World::new("tasks:\n  a: [\n");
    for line in [&["lock"][..], &["lock", "--check"]] {
        let ran = world.formic(line).code(2);
        assert!(
            ran.err
                .starts_with("error: cannot read `formic.yaml` (line "),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("(E0104)"), "{}", ran.err);
    }
    assert!(!world.dir().join("formic.lock").exists());
}
