//! What `formic plan` says, and signals on the command line.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::world::World;

const SHOP: &str = r#"name: shop
on:
  push: { branches: [main, "release/*"], paths: ["src/**", "!**/*.md"] }
  tag: "v*"
  schedule: [{ cron: "0 3 * * *", params: { full: true } }]
  manual: {}
params: { full: false }
tasks:
  lint: { run: 'true' }
  test:
    needs: [lint]
    matrix: { n: [1, 2] }
    outputs: { x: string }
    run: echo x=1 >> "$FORMIC_OUTPUT"
  slow: { when: params.full, run: 'true' }
  deploy: { needs: [test], when: signal.branch == 'main', run: 'true' }
  tell: { needs: [deploy], when: 'always()', run: 'true' }
"#;

/// `id decision reason` of each task of a plan's document.
fn decisions(document: &serde_json::Value) -> Vec<String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let tasks = document["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|task| {
            [&task["id"], &task["decision"], &task["reason"]]
                .map(word)
                .join(" ")
        })
        .collect()
}

#[test]
fn each_task_is_decided_with_the_values_that_were_read() {
    let world = World::with_git(SHOP);
    let ran = world.formic(&["plan", "--branch", "dev"]).ok();
    assert_eq!(
        ran.out,
        "plan of shop (formic.yaml) · manual · branch dev\n\
         \x20 run      lint     starts at once\n\
         \x20 run      test[1]  ← lint · starts when lint has succeeded\n\
         \x20 run      test[2]  ← lint · starts when lint has succeeded\n\
         \x20 skip     slow     params.full is false\n\
         \x20 skip     deploy   ← test · signal.branch == 'main' is false: signal.branch is 'dev'\n\
         \x20 run      tell     ← deploy · starts when deploy has ended\n\
         6 tasks: 4 run, 2 skip\n"
    );
    assert!(!world.dir().join(".formic").exists());
}

#[test]
fn the_document_has_every_field_and_no_more() {
    let world = World::with_git(SHOP);
    let document = world.formic(&["plan", "--json"]).ok().json();
    let fields: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "errors",
            "file",
            "params",
            "pipeline",
            "reason",
            "schema",
            "signal",
            "starts",
            "tasks",
            "unsupported"
        ]
    );
    assert_eq!(document["schema"], "formic.plan/v1");
    assert_eq!(document["signal"]["branch"], "main");
    assert_eq!(document["signal"]["dirty"], false);
    let test = &document["tasks"][1];
    assert_eq!(
        *test,
        serde_json::json!({
            "id": "test[1]", "needs": ["lint"], "matrix": {"n": 1}, "when": null,
            "decision": "run", "reason": "starts when lint has succeeded", "cause": null,
        })
    );
    assert_eq!(document["tasks"][4]["when"], "signal.branch == 'main'");
}

#[test]
fn a_run_makes_what_the_plan_says() {
    let world = World::with_git(SHOP);
    let planned = world.formic(&["plan", "--json"]).ok().json();
    let _ran = world.formic(&["run"]).ok();
    let mut planned: Vec<String> = planned["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| {
            let status = if task["decision"] == "run" {
                "succeeded"
            } else {
                "skipped"
            };
            format!("{} {status}", task["id"].as_str().unwrap())
        })
        .collect();
    let mut done: Vec<String> = world
        .statuses()
        .iter()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    planned.sort_unstable();
    done.sort_unstable();
    assert_eq!(planned, done);
}

#[test]
fn a_signal_that_the_pipeline_does_not_wait_for_starts_nothing() {
    let world = World::with_git(SHOP);
    let ran = world
        .formic(&["plan", "--on", "push", "--branch", "dev", "--json"])
        .ok();
    let document = ran.json();
    let reason = "`on.push.branches` takes `main` and `release/*`, and signal.branch is 'dev'";
    assert_eq!(document["reason"], reason);
    assert!(
        decisions(&document)
            .iter()
            .all(|task| task.contains(&format!("skip {reason}")))
    );
    let ran = world
        .formic(&["run", "--on", "push", "--branch", "dev"])
        .ok();
    assert_eq!(
        ran.err,
        format!("nothing to run: shop does not start, because {reason}\n")
    );
    assert!(!world.dir().join(".formic").exists());
    let document = world
        .formic(&["run", "--on", "pull_request", "--json"])
        .ok()
        .json();
    assert_eq!(document["starts"], false);
}

#[test]
fn changed_files_are_those_since_a_commit() {
    let world = World::with_git(SHOP);
    world.write("src/notes.md", "x");
    world.commit();
    world.write("README", "x");
    let plan = |args: &[&str]| {
        world
            .formic(&[&["plan", "--on", "push", "--json"], args].concat())
            .ok()
            .json()
    };
    let document = plan(&["--since", "HEAD~1"]);
    assert_eq!(
        document["signal"]["changed_files"],
        serde_json::json!(["README", "src/notes.md"])
    );
    assert_eq!(
        document["reason"],
        "`on.push.paths` takes `src/**` and `!**/*.md`, and of the 2 changed files none matches, such as 'README'"
    );
    world.write("src/a.rs", "x");
    assert_eq!(plan(&["--since", "main"])["starts"], true);
    let ran = world.formic(&["plan", "--since", "nowhere"]).code(2);
    assert_eq!(
        ran.err,
        "error: `--since nowhere`: Git knows no commit of this name\n\
         help: name a branch, a tag or a commit that is here; `git fetch` gets more of them\n"
    );
}

#[test]
fn without_git_a_plan_is_made_all_the_same() {
    let world = World::new(SHOP);
    let document = world.formic(&["plan", "--json"]).ok().json();
    assert_eq!(document["signal"]["branch"], "");
    let ran = world.formic(&["plan", "--since", "main"]).code(2);
    assert_eq!(
        ran.err,
        "error: `--since main` asks Git, and this is no Git repository\n\
         help: leave it out, or give `changed_files` in a payload\n"
    );
}

#[test]
fn a_signal_with_a_slip_is_told_with_the_nearest() {
    let world = World::new(SHOP);
    let said = |args: &[&str]| world.formic(args).code(2).err;
    assert_eq!(
        said(&["plan", "--on", "pull-request"]),
        "error: there is no signal `pull-request`\nhelp: did you mean `pull_request`?\n"
    );
    assert_eq!(
        said(&["run", "--on", "push:x"]),
        "error: the signal `push` takes no name\nhelp: say `--on push`; only `manual` has a name\n"
    );
    assert_eq!(
        said(&["run", "--on", "push", "--tag", "v1"]),
        "error: `--tag` belongs to the signal `tag`, not to `push`\nhelp: leave it out, or say `--on tag`\n"
    );
}

#[test]
fn a_filter_that_nobody_could_ask_is_told_with_the_option_that_says_it() {
    let text = "on: { pull_request: { branches: [main] } }\ntasks: {a: {run: 'true'}}\n";
    let world = World::new(text);
    let plan =
        |args: &[&str]| world.formic(&[&["plan", "--json", "--on", "pull_request"], args].concat());
    let note = "note: of `on` `branches` was not asked: the branch that it goes to is not known; \
        `--base NAME` or `--payload FILE` says it\n";
    let ran = plan(&[]).ok().says(note);
    assert_eq!(
        ran.json()["reason"],
        "`on.pull_request` lets it pass; `branches` was not asked: the branch that it goes to is not known"
    );
    let _ran = world
        .formic(&["run", "--on", "pull_request"])
        .ok()
        .says(note);
    let ran = plan(&["--base", "main"]).ok();
    assert_eq!(
        (&*ran.err, ran.json()["starts"].as_bool()),
        ("", Some(true))
    );
    let ran = plan(&["--base", "dev"]).ok();
    assert_eq!(
        ran.json()["reason"],
        "`on.pull_request.branches` takes `main`, and signal.base is 'dev'"
    );
    let _ran = world
        .formic(&["plan", "--base", "main"])
        .code(2)
        .says("error: `--base` belongs to the signal `pull_request`\n");
}

#[test]
fn a_condition_over_files_that_nobody_knows_is_told() {
    let world = World::with_git(
        "tasks: {a: {when: \"size(signal.changed_files) > 0\", run: 'true'}, b: {run: 'true'}}\n",
    );
    let note = "note: `when` of task `a` reads `signal.changed_files`, which is empty: which files have changed is not \
        known; `--since REF` or `--payload FILE` says it\n";
    let _ran = world.formic(&["plan"]).ok().says(note);
    let _ran = world.formic(&["run"]).ok().says(note);
    assert_eq!(world.formic(&["plan", "b"]).ok().err, "");
    assert_eq!(world.formic(&["plan", "--since", "HEAD"]).ok().err, "");
}

#[test]
fn a_payload_gives_names_and_its_faults_have_a_line() {
    let world = World::new(SHOP);
    world.write(
        "p.json",
        "{\n  \"branch\": \"main\",\n  \"payload\": {\"x\": 1}\n}\n",
    );
    let plan =
        |args: &[&str]| world.formic(&[&["plan", "--json", "--payload", "p.json"], args].concat());
    let document = plan(&["--on", "push"]).ok().json();
    assert_eq!(document["signal"]["branch"], "main");
    assert_eq!(document["signal"]["payload"]["x"], 1);
    world.write("p.json", "{\n  \"brnch\": \"main\"\n}\n");
    let _ran = plan(&[])
        .code(2)
        .says("error: p.json:2: `signal` has no `brnch`\nhelp: did you mean `branch`?\n");
    world.write("p.json", "{\n  \"branch\": main\n}\n");
    let _ran = plan(&[])
        .code(2)
        .says("error: p.json:2:13: the payload is not JSON: expected value\n");
    world.write(
        "p.json",
        "{\"ref\": \"refs/tags/v2\", \"repository\": {}, \"after\": \"4f2c\"}",
    );
    let document = plan(&[]).ok().json();
    assert_eq!(
        [&document["signal"]["kind"], &document["signal"]["tag"]],
        ["tag", "v2"]
    );
    assert_eq!(document["reason"], "`on` names tag");
    let _ran = world
        .formic(&["plan", "--payload", "none.json"])
        .code(2)
        .says("error: cannot read the payload `none.json`\n");
}

#[test]
fn what_a_script_may_hold_of_a_payload_has_its_form_and_its_signal() {
    let world = World::new(
        "on: { schedule: [{ cron: \"0 3 * * *\" }], manual: {} }\n\
         tasks:\n  t: { run: 'echo ${{ signal.cron }} ${{ signal.name }}' }\n",
    );
    let said = |payload: &str, line: &str| {
        world.write("p.json", payload);
        let _ran = world
            .formic(&["run", "--payload", "p.json"])
            .code(2)
            .says(line);
    };
    said(
        "{\"kind\": \"schedule\",\n\"cron\": \"x;id -un;echo\"}",
        "error: p.json:2: `cron` expects five fields of cron with blanks between them, such as `0 3 * * *`, \
         found \"x;id -un;echo\"\n",
    );
    said(
        "{\"kind\": \"manual\", \"name\": \"$(id)\"}",
        "error: p.json:1: `name` expects a name that has up to 100 letters",
    );
    said(
        "{\"schedule\": \"x;id\", \"repository\": {}}",
        "error: p.json:1: `schedule` expects five fields of cron",
    );
    said(
        "{\"cron\": \"0 3 * * *\"}",
        "error: p.json: `cron` belongs to the signal `schedule`, not to `manual`\n\
         help: leave it out, or say `--on schedule`\n",
    );
    said(
        "{\"kind\": \"schedule\", \"name\": \"deploy\"}",
        "error: p.json: `name` belongs to the signal `manual`, not to `schedule`\n",
    );
    world.write(
        "p.json",
        "{\"kind\": \"schedule\", \"cron\": \"0 3 * * *\"}",
    );
    let ran = world.formic(&["plan", "--json", "--payload", "p.json"]);
    assert_eq!(ran.ok().json()["signal"]["cron"], "0 3 * * *");
}

#[test]
fn params_of_several_times_are_not_taken_in_silence() {
    let world = World::new(
        "on: { schedule: [{ cron: \"0 3 * * *\", params: { p: a } }, { cron: \"0 5 * * *\" }] }\n\
         params: { p: b }\ntasks:\n  t: { run: x }\n",
    );
    let note = "note: of `on` `params` of `schedule` are not taken: which of its times came is not known; \
                `--payload FILE` with its `cron` says it\n";
    let plan = |args: &[&str]| world.formic(&[&["plan", "--on", "schedule"], args].concat());
    let _ran = plan(&[]).ok().says(note);
    world.write("p.json", "{\"cron\": \"0 3 * * *\"}");
    let ran = plan(&["--payload", "p.json"]).ok();
    assert!(!ran.err.contains("note:"), "{}", ran.err);
}

#[test]
fn files_of_a_push_of_github_count_from_the_folder_of_the_pipeline() {
    let world = World::with_git(SHOP);
    world.write(
        "web/formic.yaml",
        "on: { push: { paths: [src/**] } }\ntasks: {a: {run: x}}\n",
    );
    world.write(
        "p.json",
        r#"{"ref": "refs/heads/main", "repository": {}, "commits": [{"added": ["web/src/a", "README"]}]}"#,
    );
    let ran = world.formic(&["-C", "web", "plan", "--json", "--payload", "../p.json"]);
    let document = ran.ok().json();
    assert_eq!(
        (
            &document["signal"]["changed_files"],
            document["starts"].as_bool()
        ),
        (&serde_json::json!(["src/a"]), Some(true))
    );
}

#[test]
fn a_group_that_cannot_be_computed_is_refused_where_something_starts() {
    let world = World::new(
        "on: { push: {}, manual: {}, tag: }\nconcurrency: \"of-${{ signal.tag.split('.')[1] }}\"\n\
         tasks: {a: {run: 'true'}}\n",
    );
    let expected = "error: `concurrency` of the pipeline: `of-${{ signal.tag.split('.')[1] }}` (formic.yaml:2): index 1 \
        is out of range for a list of 1\n";
    let _ran = world.formic(&["plan"]).code(2).says(expected);
    let _ran = world.formic(&["run"]).code(2).says(expected);
    let _ran = world.formic(&["plan", "--tag", "1.2"]).ok();
    let _ran = world.formic(&["plan", "--on", "schedule"]).ok();
}

#[test]
fn a_group_may_read_what_the_folder_says_and_the_run() {
    let by_commit =
        "concurrency: \"of-${{ signal.commit.substring(0, 7) }}\"\ntasks: {a: {run: 'true'}}\n";
    let world = World::with_git(by_commit);
    let _ran = world.formic(&["run"]).ok();
    let by_run = "concurrency: \"of-${{ run['id'] }}\"\ntasks: {a: {run: 'true'}}\n";
    let world = World::new(by_run);
    let _ran = world.formic(&["run"]).ok();
}

#[test]
fn a_time_gives_its_params() {
    let world = World::new(SHOP);
    let plan =
        |args: &[&str]| world.formic(&[&["plan", "--json", "--on", "schedule"], args].concat());
    assert_eq!(plan(&[]).ok().json()["params"]["full"], true);
    assert_eq!(
        plan(&["--param", "full=false"]).ok().json()["params"]["full"],
        false
    );
}

#[test]
fn text_from_outside_reaches_a_run_through_its_environment() {
    let text = "on: [push]\ntasks: {a: {env: {BRANCH: \"${{ signal.branch }}\"}, run: 'printf %s \"$BRANCH\" > out'}}\n";
    let world = World::new(text);
    let _ran = world
        .formic(&["run", "--on", "push", "--branch", "$(touch bad)"])
        .ok();
    assert_eq!(world.read("out"), "$(touch bad)");
    assert!(!world.dir().join("bad").exists());
}

#[test]
fn of_several_pipelines_the_signal_finds_the_one() {
    let world = World::empty();
    world.write(".formic/ci.yaml", "on: [push]\ntasks: {a: {run: 'true'}}\n");
    world.write(
        ".formic/ship.yaml",
        "on: { tag: v* }\ntasks: {b: {run: 'true'}}\n",
    );
    let pipeline = |args: &[&str]| {
        let ran = world.formic(&[&["plan", "--json"], args].concat()).ok();
        ran.json()["pipeline"].as_str().unwrap().to_owned()
    };
    assert_eq!(pipeline(&["--on", "push"]), "ci");
    assert_eq!(pipeline(&["--tag", "v1"]), "ship");
    let ran = world.formic(&["plan"]).code(2);
    assert_eq!(
        ran.err,
        "error: there are several pipelines: ci, ship\nhelp: name one: `formic run PIPELINE`\n"
    );
    for command in ["plan", "run"] {
        let ran = world.formic(&[command, "--tag", "x"]).ok();
        assert_eq!(
            ran.err,
            "nothing to run: ci does not start, because the signal is `tag`, and `on` names `push`\n\
             nothing to run: ship does not start, because `on.tag` takes `v*`, and signal.tag is 'x'\n"
        );
    }
    let ran = world.formic(&["run", "--json", "--tag", "x"]).ok();
    assert_eq!(ran.json()["starts"], false);
    world.write(
        ".formic/hand.yaml",
        "on: [manual]\ntasks: {c: {run: 'true'}}\n",
    );
    assert_eq!(pipeline(&[]), "hand");
}

#[test]
fn a_word_may_be_a_task_of_one_of_several_pipelines() {
    let world = World::empty();
    world.write(
        ".formic/ci.yaml",
        "tasks: {a: {run: 'true'}, both: {run: 'true'}}\n",
    );
    world.write(
        ".formic/ship.yaml",
        "tasks: {b: {run: 'true'}, both: {run: 'true'}, ci: {run: 'true'}}\n",
    );
    let document = world.formic(&["plan", "b", "--json"]).ok().json();
    assert_eq!(decisions(&document), ["b run starts at once"]);
    let said = |word: &str| world.formic(&["plan", word]).code(2).err;
    assert_eq!(
        said("both"),
        "error: `both` is a task of several pipelines\nhelp: say which: `ci/both` or `ship/both`\n"
    );
    assert_eq!(
        said("ci"),
        "error: `ci` is a pipeline and a task\n\
         help: say `ship/ci` for the task, or `--file .formic/ci.yaml` for the pipeline\n"
    );
}

#[test]
fn what_run_refuses_is_listed_and_ends_with_its_code() {
    let text = "tasks:\n  a:\n    run: 'true'\n    cache: [{ key: \"k-${{ hash('x') }}\", paths: [x] }]\n  b: { run: 'true' }\n";
    let world = World::new(text);
    let ran = world.formic(&["plan", "--json"]).code(2);
    assert_eq!(
        ran.json()["unsupported"],
        serde_json::json!([{"key": "cache", "task": "a", "file": "formic.yaml", "line": 4}])
    );
    let _ran = ran
        .says("refused: this version of Formic cannot run `cache` of task `a` (formic.yaml:4)\n");
    let _ran = world.formic(&["run"]).code(2);
}

#[test]
fn paths_that_overlap_are_warned_about() {
    let text = "tasks:\n  a: { run: 'true', artifacts: { out: { r: out/x } } }\n  b: { run: 'true', artifacts: { out: { r: out/x } } }\n";
    let _ran = World::new(text)
        .formic(&["plan"])
        .ok()
        .says("`a` and `b` both write `out/x`, so they never run at the same time");
}

#[test]
fn a_large_matrix_is_one_line_for_each_decision() {
    let text = "tasks:\n  t: { matrix: { n: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }, when: matrix.n != 3, run: 'true' }\n";
    let ran = World::new(text).formic(&["plan"]).ok();
    assert_eq!(
        ran.out,
        "plan of formic (formic.yaml) · manual\n\
         \x20 run      t[11 of 12]  t[1]: matrix.n != 3 is true: matrix.n is 1\n\
         \x20 skip     t[1 of 12]   matrix.n != 3 is false: matrix.n is 3\n\
         12 tasks: 11 run, 1 skip\n"
    );
}

#[test]
fn a_document_of_an_invalid_pipeline_has_what_is_wrong_and_names_the_file_with_it() {
    let world = World::new("include: [ci/flags.yaml]\ntasks: {a: {run: 'true'}}\n");
    world.write(
        "ci/flags.yaml",
        "tasks: {b: {need: [a], run: x}, c: {runn: x}}\n",
    );
    for verb in ["run", "plan"] {
        let ran = world.formic(&[verb, "--json"]).code(2);
        let error = &ran.json()["error"];
        assert_eq!(
            error["message"],
            "`formic.yaml` cannot be run: `ci/flags.yaml` has 2 errors"
        );
        let checked = world.formic(&["check", "--json"]).code(1).json();
        assert_eq!(error["files"], checked["files"]);
        assert_eq!(error["files"][1]["errors"][0]["code"], "E0201");
    }
}

#[test]
fn a_param_of_an_included_file_is_told_at_its_place_there() {
    let world = World::new("include: [ci/flags.yaml]\ntasks: {a: {run: 'true'}}\n");
    world.write(
        "ci/flags.yaml",
        "params:\n  level: { type: number, default: 1 }\n",
    );
    let _ran = world
        .formic(&["run", "--param", "level=high"])
        .code(2)
        .says("(ci/flags.yaml:2:3)");
}

#[test]
fn what_fails_in_every_run_is_an_error_at_its_place() {
    let world = World::new(
        "params: { zones: [eu] }\ntasks:\n  a:\n    when: params.zones[3] == 'us'\n    run: 'true'\n  b: { needs: a, run: 'true' }\n\
         \u{20} c: { allow_failure: true, when: \"params.zones[1] == 'us'\", run: 'true' }\n",
    );
    let ran = world.formic(&["plan"]).code(2);
    assert_eq!(
        ran.err,
        "error[E0415]: task `a` would fail before it starts: `params.zones[3] == 'us'` (line 4): index 3 is out of range for a list of 1\n\
         \u{20}--> formic.yaml:4:11\n  |\n4 |     when: params.zones[3] == 'us'\n  |           ^^^^^^^^^^^^^^^^^^^^^^^\n\n"
    );
    let document = world.formic(&["plan", "--json"]).code(2).json();
    assert_eq!(
        document["errors"],
        serde_json::json!([{
            "code": "E0415", "task": "a", "file": "formic.yaml", "line": 4, "col": 11,
            "message": "would fail before it starts: `params.zones[3] == 'us'` (line 4): index 3 is out of range for a list of 1",
        }])
    );
    assert_eq!(document["tasks"][1]["cause"], "need_failed");
    let run = world.formic(&["run", "--json"]).code(1).json();
    let reasons: Vec<_> = (0..3)
        .map(|task| run["tasks"][task]["reason"].clone())
        .collect();
    assert_eq!(reasons, ["user", "need_failed", "user"]);
}

#[test]
fn the_form_and_the_language_can_be_named() {
    let world = World::new(SHOP);
    let document = world.formic(&["plan", "--format", "json"]).ok().json();
    assert_eq!(document["schema"], "formic.plan/v1");
    let human = world
        .formic(&["plan", "--format", "human", "--dialect", "native"])
        .ok();
    assert!(human.out.starts_with("plan of shop"), "{}", human.out);
    let _ran = world.formic(&["plan", "--format", "human", "--json"]).code(2).says(
        "error: `--json` and another `--format` exclude each other\nhelp: `--json` is short for `--format json`\n",
    );
    assert!(
        world
            .formic(&["plan", "--format", "sarif"])
            .code(2)
            .err
            .contains("sarif")
    );
    for (word, title) in [
        ("github", "GitHub Actions"),
        ("gitlab", "GitLab CI"),
        ("tekton", "Tekton"),
    ] {
        let ran = world.formic(&["plan", "--dialect", word]).code(2);
        assert_eq!(
            ran.err,
            format!(
                "error: `formic.yaml` is a file of {title}, which this version of Formic cannot read\n\
                 help: only `--dialect native` can be read yet\n"
            )
        );
    }
}

#[test]
fn containers_and_images_are_right_and_refused_at_their_lines() {
    let world = World::new(include_str!(
        "../../../pipeline/tests/it/samples/containers.yaml"
    ));
    let document = world.formic(&["check", "--json"]).ok().json();
    assert_eq!(document["files"][0]["accepted"], true);
    let places = [
        "`container` of task `test` (formic.yaml:5)",
        "`image` of task `test` (formic.yaml:8)",
        "`image` of task `test` (formic.yaml:10)",
        "`container` of task `steps` (formic.yaml:15)",
        "`image` of task `build` (formic.yaml:18)",
    ];
    for verb in ["plan", "run"] {
        let said = world.formic(&[verb]).code(2).err;
        for place in places {
            assert!(said.contains(place), "{verb}: {place}: {said}");
        }
    }
}

#[test]
fn a_task_may_generate_nothing_and_those_behind_go_on() {
    let file = |content: &str| {
        format!(
            "tasks:\n  make: {{ generates: g.yaml, run: \"echo '{content}' > g.yaml\" }}\n  after: {{ needs: [make], run: 'true' }}\n"
        )
    };
    let document = World::new(&file("tasks: {}"))
        .formic(&["run", "--json"])
        .ok()
        .json();
    assert_eq!(document["status"], "succeeded");
    assert_eq!(document["tasks"].as_array().unwrap().len(), 2);
    let document = World::new(&file("env: {A: b}"))
        .formic(&["run", "--json"])
        .code(1)
        .json();
    assert_eq!(document["tasks"][0]["reason"], "user");
    let message = document["tasks"][0]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "g.yaml:1:1: the generated file has no `tasks` (add it, as in `tasks: { test-a: { run: make test-a } }`)"
    );
}

#[test]
fn a_value_that_an_input_does_not_take_is_told_before_the_run_and_with_its_line_in_it() {
    let world = World::new(
        "params: { lv: { type: string, default: mid } }\n\
         tasks:\n  a:\n    uses: ./ci/scan.yaml\n    with: { level: \"${{ params.lv }}\" }\n",
    );
    world.write(
        "ci/scan.yaml",
        "params: { level: { enum: [low, high] } }\ntasks: { t: { run: 'true' } }\n",
    );
    let wrong = "`${{ params.lv }}` (line 5): input `level` is `mid`; expected one of low, high";
    let ran = world.formic(&["plan"]).code(2);
    let told = format!("error[E0415]: task `a` would fail before it starts: {wrong}");
    assert!(ran.err.contains(&told), "{}", ran.err);
    let ran = world.formic(&["run"]).code(1);
    assert!(ran.err.contains(wrong), "{}", ran.err);
    let ran = world.formic(&["plan", "--param", "lv=low"]).ok();
    assert!(ran.out.contains("1 task: 1 run"), "{}", ran.out);
}

#[test]
fn a_push_that_deleted_its_branch_starts_nothing() {
    let world = World::new("on: push\ntasks: {a: {run: 'true'}}\n");
    world.write(
        "gone.json",
        r#"{"ref": "refs/heads/old", "deleted": true, "repository": {}}"#,
    );
    let ran = world.formic(&["run", "--payload", "gone.json"]).ok();
    assert_eq!(
        ran.err,
        "nothing to run: formic does not start, because the push deleted the branch `old`, so there is nothing to run\n"
    );
}

#[test]
fn a_file_counts_its_paths_from_its_own_project_for_every_command() {
    let world = World::with_git("tasks: {top: {run: 'true'}}\n");
    world.write(
        "web/.formic/ci.yaml",
        "tasks: {a: {uses: ./ci/x.yaml}, b: {run: pwd > here}}\n",
    );
    world.write("web/ci/x.yaml", "tasks: {t: {run: 'true'}}\n");
    let file = "web/.formic/ci.yaml";
    let _ran = world.formic(&["check", file]).ok();
    let _ran = world.formic(&["plan", "--file", file]).ok();
    let web = world.dir().join("web").display().to_string();
    let said = format!("project {web}\n");
    let _ran = world.formic(&["run", "--file", file]).ok().says(&said);
    assert_eq!(world.read("web/here"), format!("{web}\n"));
}

#[test]
fn empty_names_on_the_command_line_are_refused() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    for (line, said) in [
        (
            ["plan", "--branch", ""],
            "error: `--branch` has an empty name\n",
        ),
        (["plan", "--tag", ""], "error: `--tag` has an empty name\n"),
        (
            ["plan", "--param", "=x"],
            "error: `--param =x` has no name\nhelp: write `--param NAME=x`\n",
        ),
    ] {
        let _ran = world.formic(&line).code(2).says(said);
    }
}
