//! Where the board is: in the project, where `FORMIC_STATE` says, or in the person's state folder.

use crate::world::{Ran, World};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn the_state_is_hidden_from_git() {
    let world = World::with_git("tasks: {a: {run: 'true'}}\n");
    let _ran = world.formic(&["run"]).ok();
    assert!(world.dir().join(".formic/state/board.sqlite").exists());
    assert_eq!(world.git(&["status", "--short"]), "");
}

#[test]
fn formic_state_moves_the_board() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let state = world.outside().join("elsewhere");
    let with_state = |args: &[&str]| {
        let mut command = world.command(args);
        command.env("FORMIC_STATE", &state);
        Ran::of(&mut command)
    };
    let _ran = with_state(&["run"]).ok();
    assert!(!world.dir().join(".formic").exists());
    assert!(state.join("board.sqlite").exists());
    let _ran = with_state(&["show"]).ok();
    let _ran = world.formic(&["show"]).code(6);
}

/// The program, run in a folder below the project.
fn below(world: &World, folder: &str, args: &[&str]) -> Ran {
    let mut command = world.command(args);
    command.current_dir(world.dir().join(folder));
    Ran::of(&mut command)
}

#[test]
fn a_folder_below_is_the_same_project_with_the_same_board() {
    for world in [
        World::with_git("tasks: {a: {run: 'pwd > here'}}\n"),
        World::new("tasks: {a: {run: 'pwd > here'}}\n"),
    ] {
        world.write("src/deep/x", "");
        let top = world.dir().display().to_string();
        let _ran = below(&world, "src/deep", &["run"])
            .ok()
            .says(&format!("project {top}\n"));
        assert_eq!(world.read("here"), format!("{top}\n"));
        assert!(!world.dir().join("src/deep/.formic").exists());
        let run = world.run_id();
        let shown = below(&world, "src", &["show", "--json"]).ok().json();
        assert_eq!(shown["run"], run.as_str());
        assert!(below(&world, "src/deep", &["ls"]).ok().out.contains(&run));
    }
}

#[test]
fn what_to_do_next_with_a_run_of_another_project_works_from_the_current_folder() {
    let world = World::empty();
    world.write(
        "web/.formic/f.yaml",
        "tasks: {q: {approval: sure, run: 'true'}, g: {run: exit 1}}\n",
    );
    world.write("other/formic.yaml", "tasks: {a: {run: 'true'}}\n");
    world.git(&["init", "-q", "-b", "main", "."]);
    let web = world.dir().join("web").display().to_string();
    for (folder, file, way) in [
        (".", "web/.formic/f.yaml", " -C web".to_owned()),
        ("other", "../web/.formic/f.yaml", format!(" -C {web}")),
        ("web/.formic", "f.yaml", String::new()),
    ] {
        let next = |ran: Ran| {
            let lines = ran.err.lines();
            let next = lines.filter_map(|line| line.strip_prefix("next: formic"));
            let next = next.map(|line| line.strip_prefix(&way).unwrap_or("other"));
            next.map(str::to_owned).collect::<Vec<_>>()
        };
        let ran = below(&world, folder, &["run", "--file", file, "q"]).code(8);
        let told = next(ran);
        let [approve, resume] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(approve.starts_with(" approve ") && resume.starts_with(" resume "));
        let mut line: Vec<&str> = way.split_whitespace().collect();
        line.extend(approve.split_whitespace());
        let _ran = below(&world, folder, &line).ok();
        let told = next(below(&world, folder, &["run", "--file", file, "g"]).code(1));
        assert!(told.iter().all(|line| line != "other"), "{told:?}");
    }
}

#[test]
fn the_search_ends_at_the_top_of_the_repository_and_at_home() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    world.write("inner/.git/HEAD", "");
    world.write("house/sub/x", "");
    let _ran = below(&world, "inner", &["check"]).code(2);
    let mut command = world.command(&["check"]);
    command
        .current_dir(world.dir().join("house/sub"))
        .env("HOME", world.dir().join("house"));
    let _ran = Ran::of(&mut command)
        .code(2)
        .says("error: there is no pipeline in");
}

#[test]
fn a_folder_that_others_may_write_to_is_not_searched() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    world.write("sub/x", "");
    fs::set_permissions(world.dir(), fs::Permissions::from_mode(0o777))
        .expect("the folder is ours");
    let _ran = below(&world, "sub", &["check"]).code(2);
    // Where one stands is where one wants to be.
    let _ran = world.formic(&["check"]).ok();
}

#[test]
fn without_a_home_everything_works_in_the_project() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let mut command = world.command(&["run"]);
    command.env_remove("HOME").env_remove("USER");
    let _ran = Ran::of(&mut command).ok();
}

#[test]
fn a_folder_that_may_not_be_written_falls_back() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let dir = world.dir();
    let mode = |mode| {
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).expect("the folder is ours")
    };
    mode(0o555);
    // Root may write everywhere, whatever the mode says.
    let protected = fs::write(dir.join("probe"), "").is_err();
    if protected {
        let _ran = world.formic(&["run"]).ok().says("so the board is in `");
        let _ran = world.formic(&["show"]).ok();
    }
    mode(0o755);
}

#[test]
fn a_file_where_the_state_should_be_is_named() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    world.write(".formic/state", "in the way");
    let _ran = world
        .formic(&["run"])
        .code(7)
        .says("error: cannot use the folder `");
}

#[test]
fn a_current_folder_that_is_gone_is_told() {
    let world = World::empty();
    let gone = world.outside().join("gone");
    let script = format!("cd '{0}' && rmdir '{0}' && exec \"$1\" ls", gone.display());
    fs::create_dir(&gone).expect("the folder is ours");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_formic")]);
    let ran = Ran::of(&mut command).code(2);
    let expected = "error: the current folder does not exist any more\n  \
        caused by: No such file or directory (os error 2)\n\
        help: go to a folder that exists, or name one with `-C DIR`\n";
    assert_eq!(ran.err, expected);
}

#[test]
fn what_has_the_name_of_a_pipeline_and_is_none_is_told_so() {
    let world = World::empty();
    let place = world.dir().join("formic.yaml");
    let says = |text: &str| {
        let _ran = world.formic(&["run"]).code(2).says(text);
    };
    let path = place.display();
    std::fs::create_dir(&place).expect("the folder is empty");
    says(&format!(
        "error: `{path}` is a folder; a pipeline is a file\n"
    ));
    std::fs::remove_dir(&place).expect("it is there");
    std::os::unix::fs::symlink("nowhere.yaml", &place).expect("nothing is there");
    says(&format!(
        "error: `{path}` is a link to `nowhere.yaml`, which does not exist\n"
    ));
    std::fs::remove_file(&place).expect("it is there");
    let fifo = world.fifo("fifo");
    std::fs::rename(fifo, &place).expect("nothing is there");
    says(&format!(
        "error: `{path}` is no ordinary file, so no pipeline is read from it\n"
    ));
}

#[test]
fn a_folder_in_place_of_a_file_is_named() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    for args in [&["run", "--file", "."][..], &["check", "."]] {
        let _ran = world
            .formic(args)
            .code(2)
            .says("error: `.` is a folder; a pipeline is a file\nhelp: name a file, or go to the project with `-C DIR`\n");
    }
}

#[test]
fn a_file_that_is_too_large_is_said_to_have_more_than_is_allowed() {
    let world = World::new(&" ".repeat(3_000_000));
    let _ran = world
        .formic(&["run"])
        .code(2)
        .says("the file has more than 1048576 bytes");
}

#[test]
fn a_pipeline_from_a_pipe_belongs_to_the_project_of_the_current_folder() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    world.write("ci/scan.yaml", "task: {run: 'true'}\n");
    let (from, mut to) = std::io::pipe().expect("a pipe can be made");
    let text = b"tasks: {a: {uses: ./ci/scan.yaml}}\n";
    std::io::Write::write_all(&mut to, text).expect("it holds some lines");
    drop(to);
    let mut command = world.command(&["check", "/dev/stdin"]);
    let _ran = Ran::of(command.stdin(from))
        .ok()
        .says("/dev/stdin: ok, 1 warning\n");
}

#[test]
fn what_is_no_file_is_refused_by_what_it_is_and_nobody_waits_for_it() {
    let world = World::new("include: [part.yaml]\ntasks: {a: {run: 'true'}}\n");
    let fifo = world.fifo("fifo");
    std::fs::rename(&fifo, world.dir().join("part.yaml")).expect("nothing is there");
    let expected = "`part.yaml` is a named pipe; a file with a pipeline or a task was expected";
    let _ran = world.formic(&["check"]).code(1).says(expected);
    std::fs::rename(world.dir().join("part.yaml"), &fifo).expect("it is there");
    world.write("part.yaml", "tasks: {b: {run: 'true'}}\n");
    for (args, expected) in [
        (
            &["check", &fifo][..],
            format!("`{fifo}` is a named pipe; a pipeline is a file"),
        ),
        (
            &["check", "/dev/zero"],
            "`/dev/zero` is a device; a pipeline is a file".to_owned(),
        ),
        (
            &["run", "--file", &fifo],
            format!("`{fifo}` is a named pipe; a pipeline is a file"),
        ),
        (
            &["plan", "--payload", &fifo],
            format!("the payload `{fifo}` is a named pipe; a file with JSON was expected"),
        ),
        (
            &["plan", "--payload", "/dev/zero"],
            "the payload `/dev/zero` is a device; a file with JSON was expected".to_owned(),
        ),
    ] {
        let _ran = world
            .formic(args)
            .code(2)
            .says(&format!("error: {expected}\n"));
    }
    std::fs::rename(&fifo, world.dir().join("formic.lock")).expect("nothing is there");
    let expected = "`formic.lock` is a named pipe; a file with pins was expected";
    let _ran = world.formic(&["run"]).code(2).says(expected);
    let _ran = world.formic(&["check"]).code(1).says(expected);
}
