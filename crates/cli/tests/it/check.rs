//! `formic check`.

use crate::world::World;

const WRONG: &str = "tasks:\n  test:\n    run: make\n    need: [lint]\n";

#[test]
fn a_file_without_faults_is_ok() {
    let ran = World::new("tasks: {a: {run: 'true'}}\n")
        .formic(&["check"])
        .ok();
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("", "formic.yaml: ok\n")
    );
}

#[test]
fn a_fault_is_drawn_at_its_place() {
    let ran = World::new(WRONG).formic(&["check"]).code(1);
    let expected = "error[E0201]: unknown key `need` in task `test`\n \
        --> formic.yaml:4:5\n  |\n4 |     need: [lint]\n  |     ^^^^\n  |\n  \
        = help: did you mean `needs`?\n\nformic.yaml: 1 error\n\
        help: `formic explain E0201` shows a wrong and a right example\n";
    assert_eq!(ran.err, expected);
}

#[test]
fn the_document_has_places_and_help() {
    let document = World::new(WRONG)
        .formic(&["check", "--json"])
        .code(1)
        .json();
    let expected = serde_json::json!({
        "schema": "formic.check/v1",
        "files": [{
            "file": "formic.yaml",
            "accepted": false,
            "errors": [{
                "code": "E0201",
                "line": 4,
                "col": 5,
                "message": "unknown key `need` in task `test`",
                "help": "did you mean `needs`?",
            }],
            "warnings": [],
            "unsupported": [],
        }],
    });
    assert_eq!(document, expected);
}

#[test]
fn what_this_version_cannot_run_is_listed_by_key_and_line() {
    let text = "tasks:\n  a:\n    run: make\n    container: { image: \"rust:1\" }\n";
    let document = World::new(text).formic(&["check", "--json"]).code(1).json();
    let unsupported = &document["files"][0]["unsupported"][0];
    assert_eq!(unsupported["line"], 4);
}

#[test]
fn a_file_that_cannot_be_read_is_a_usage_error() {
    let ran = World::empty().formic(&["check", "none.yaml"]).code(2);
    let expected = "error: cannot read `none.yaml`\n  caused by: No such file or directory (os error 2)\n\
        help: check the name and the permissions of the file\n";
    assert_eq!(ran.err, expected);
}

#[test]
fn a_project_without_pipelines_says_where_one_goes() {
    let world = World::empty();
    let ran = world.formic(&["check"]).code(2);
    let expected = format!(
        "error: there is no pipeline in `{}`: neither `formic.yaml` nor `.formic/*.yaml`\n\
         help: write one, name one with `--file FILE`, or go to a project with `-C DIR`\n",
        world.dir().display()
    );
    assert_eq!(ran.err, expected);
}

#[test]
fn pipelines_are_found_from_a_folder_below() {
    let world = World::with_git("tasks: {a: {run: 'true'}}\n");
    world.write(".formic/ci.yaml", "tasks: {b: {run: 'true'}}\n");
    world.write("below/x", "");
    let ran = world.formic(&["-C", "below", "check"]).ok();
    assert_eq!(ran.err, "formic.yaml: ok\n.formic/ci.yaml: ok\n");
}
