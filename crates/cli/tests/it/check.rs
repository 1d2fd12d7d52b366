//! `formic check`.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::world::World;
use serde_json::Value;

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

/// Key and line of what a file has that cannot be run.
fn unsupported(file: &Value) -> Vec<String> {
    let all = file["unsupported"].as_array().unwrap();
    let place = |each: &Value| format!("{}:{}", each["key"].as_str().unwrap(), each["line"]);
    all.iter().map(place).collect()
}

#[test]
fn what_this_version_cannot_run_is_listed_by_key_and_line() {
    let text = "parts: {}\ntasks:\n  a:\n    run: make\n    container: { image: \"rust:1\" }\n  \
        b:\n    executor:\n      sandbox\n    run: make\n  c: { uses: \"oci://registry/task\" }\n";
    let document = World::new(text).formic(&["check", "--json"]).code(1).json();
    let listed = unsupported(&document["files"][0]);
    assert_eq!(listed, ["parts:1", "container:5", "executor:7", "uses:10"]);
}

#[test]
fn what_run_refuses_is_listed_by_check_at_the_same_lines() {
    let text = "secrets: [TOKEN]\nx-common: &common\n  cache: [{ key: \"k-${{ hash('x') }}\", paths: [x] }]\ntasks:\n  \
        a:\n    <<: *common\n    run: make\n    inputs: [src]\n    reports: { junit: a.xml }\n    secrets:\n      - TOKEN\n  \
        b: { uses: ./ci/b.yaml }\n  c: { run: make, cache: [], secrets: [], reports: {} }\n";
    let world = World::new(text);
    world.write("ci/b.yaml", "task:\n  run: make\n  inputs: [src]\n");
    let _ran = world.formic(&["lock"]).ok();
    let ran = world.formic(&["check", "--json"]).ok();
    let files = ran.json();
    let listed = unsupported(&files["files"][0]);
    assert_eq!(listed, ["cache:3", "inputs:8", "reports:9", "secrets:10"]);
    assert_eq!(files["files"][1]["file"], "ci/b.yaml");
    assert_eq!(unsupported(&files["files"][1]), ["inputs:3"]);
    let _ran = world.formic(&["check"]).ok().says(
        "note: this version of Formic cannot run `inputs` (ci/b.yaml:3)\n\
         note: this version of Formic cannot run `cache` (formic.yaml:3)\n",
    );
    let _ran = world.formic(&["run"]).code(2).says(
        "error: this version of Formic cannot run `cache` of task `a` (formic.yaml:3), \
         `inputs` of task `a` (formic.yaml:8), `reports` of task `a` (formic.yaml:9), \
         `secrets` of task `a` (formic.yaml:10), `inputs` of task `b` (ci/b.yaml:3)\n",
    );
    let _ran = world.formic(&["plan", "c"]).ok();
}

#[test]
fn two_files_with_one_name_are_errors_of_both() {
    let world = World::new("# ours\nname: ci\ntasks: {a: {run: 'true'}}\n");
    world.write(".formic/ci.yaml", "tasks: {b: {run: 'true'}}\n");
    let ran = world.formic(&["check"]).code(1);
    let expected = "error[E0305]: pipeline `ci` is in `.formic/ci.yaml` too\n \
        --> formic.yaml:2:1\n  |\n2 | name: ci\n  | ^^^^^^^^\n";
    assert!(ran.err.contains(expected), "{}", ran.err);
    let document = world.formic(&["check", "--json"]).code(1).json();
    let messages: Vec<_> = [0, 1]
        .map(|file| document["files"][file]["errors"][0]["message"].as_str())
        .into();
    assert_eq!(
        messages,
        [
            Some("pipeline `ci` is in `.formic/ci.yaml` too"),
            Some("pipeline `ci` is in `formic.yaml` too")
        ]
    );
}

#[test]
fn sarif_is_one_log() {
    let ran = World::new(WRONG)
        .formic(&["check", "--format", "sarif"])
        .code(1);
    let log = ran.json();
    assert_eq!(log["version"], "2.1.0");
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "E0201");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "formic.yaml");
    assert_eq!(place["region"]["startLine"], 4);
    assert_eq!(ran.err, "");
}

#[test]
fn forges_are_told_of_files_from_the_top_of_the_repository() {
    let world = World::with_git("tasks: { a: { run: x } }\n");
    world.write("web/src/main.js", "");
    world.write("web/formic.yaml", "tasks: { a: { runs: x } }\n");
    let said = |args: &[&str]| {
        let ran = world.formic(&[&["check", "--format", "github"], args].concat());
        ran.code(1).out
    };
    let expected = "::error file=web/formic.yaml,line=1,";
    assert!(said(&["-C", "web/src"]).starts_with(expected));
    assert!(said(&["-C", "web/src", "../formic.yaml"]).starts_with(expected));
    assert!(said(&["web/formic.yaml"]).starts_with(expected));
    std::os::unix::fs::symlink("formic.yaml", world.dir().join("web/other.yaml")).unwrap();
    assert!(said(&["web/other.yaml"]).starts_with("::error file=web/other.yaml,line=1,"));
    let sarif = world.formic(&["check", "--format", "sarif", "-C", "web"]);
    let log = sarif.code(1).json();
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "web/formic.yaml");
}

#[test]
fn github_has_a_line_for_each_finding() {
    let ran = World::new(WRONG)
        .formic(&["check", "--format", "github"])
        .code(1);
    assert_eq!(
        ran.out,
        "::error file=formic.yaml,line=4,col=5,title=E0201\
         ::unknown key `need` in task `test`%0Ahelp: did you mean `needs`?\n"
    );
}

#[test]
fn json_is_short_for_the_format_and_excludes_others() {
    let world = World::new(WRONG);
    let long = world.formic(&["check", "--format", "json"]).code(1);
    let short = world.formic(&["check", "--json"]).code(1);
    assert_eq!(long.out, short.out);
    let ran = world
        .formic(&["check", "--json", "--format", "sarif"])
        .code(2);
    assert_eq!(ran.json()["error"]["exit_code"], 2);
}

#[test]
fn files_of_other_systems_are_refused_by_name() {
    let world = World::empty();
    world.write(".github/flows/ci.yml", "on: push\n");
    world.write("other.yaml", "tasks: {a: {run: 'true'}}\n");
    let ran = world.formic(&["check", ".github/flows/ci.yml"]).code(2);
    assert_eq!(
        ran.err,
        "error: `.github/flows/ci.yml` is a file of GitHub Actions, which this version of Formic cannot read\n\
         help: this was guessed by its path; `--dialect native` takes it as a file of Formic's own\n"
    );
    let ran = world
        .formic(&["check", "--dialect", "tekton", "other.yaml"])
        .code(2);
    assert_eq!(
        ran.err,
        "error: `other.yaml` is a file of Tekton, which this version of Formic cannot read\n\
         help: only `--dialect native` can be read yet\n"
    );
    let _ran = world
        .formic(&["run", "--file", ".github/flows/ci.yml"])
        .code(2)
        .says("is a file of GitHub Actions");
    let _ran = world
        .formic(&["check", "--dialect", "native", "other.yaml"])
        .ok();
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
         help: `formic init` writes a first one; name another file with `--file FILE`, or go to a project with `-C DIR`\n",
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

#[test]
fn what_a_file_of_no_project_refers_to_counts_from_the_current_folder() {
    let world = World::empty();
    let text = "tasks: { a: { uses: ./ci/a.yaml } }\n";
    world.write("deep/f.yaml", text);
    world.write("deep/ci/f.yaml", text);
    world.write("deep/ci/a.yaml", "task: { run: 'true' }\n");
    let _ran = world.formic(&["-C", "deep", "check", "f.yaml"]).ok();
    let _ran = world.formic(&["-C", "deep", "check", "ci/f.yaml"]).ok();
    world.write("other/x", "");
    for (line, code) in [
        (&["check", "../deep/f.yaml"][..], 1),
        (&["plan", "--file", "../deep/f.yaml"], 2),
    ] {
        let ran = world.formic(&[&["-C", "other"], line].concat()).code(code);
        assert!(ran.err.contains("E1002"), "{}", ran.err);
    }
}

#[test]
fn a_file_that_is_used_is_found_also_where_the_key_is_escaped() {
    let world = World::new("tasks: {a: {\"\\u0075ses\": ./ci/a.yaml}}\n");
    world.write("ci/a.yaml", "task: {run: 'true'}\n");
    let ran = world.formic(&["check"]).ok();
    assert!(ran.err.contains("does not pin `ci/a.yaml`"), "{}", ran.err);
}

#[test]
fn what_has_the_name_of_a_pipeline_and_is_no_file_is_an_error_wherever_it_is() {
    let world = World::new("tasks: { a: { run: 'true' } }\n");
    world.write(".formic/b.yaml/inside", "");
    // Hidden files and links are those of editors.
    world.write(".formic/.d.yaml", "tasks: [\n");
    std::os::unix::fs::symlink("nobody@here:1", world.dir().join(".formic/.#c.yaml")).unwrap();
    let says = "error: `.formic/b.yaml` is a folder; a pipeline is a file\n";
    for verb in ["check", "run", "plan"] {
        let _ran = world.formic(&[verb]).code(2).says(says);
    }
    let world = World::empty();
    let made = std::process::Command::new("mkfifo")
        .arg(world.dir().join("formic.yaml"))
        .status();
    assert!(made.unwrap().success());
    world.write(".formic/b.yaml", "tasks: { a: { run: 'true' } }\n");
    for verb in ["check", "run"] {
        let ran = world.formic(&[verb]).code(2);
        let _ran = ran.says("error: `formic.yaml` is a named pipe; a pipeline is a file\n");
    }
    std::fs::rename(
        world.dir().join("formic.yaml"),
        world.dir().join(".formic/a.yaml"),
    )
    .unwrap();
    for verb in ["check", "run"] {
        let ran = world.formic(&[verb]).code(2);
        let _ran = ran.says("error: `.formic/a.yaml` is a named pipe; a pipeline is a file\n");
    }
}
