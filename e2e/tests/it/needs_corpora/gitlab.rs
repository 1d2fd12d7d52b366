//! Cases of `gitlab-ci-local` as plans: what a GitLab front-end has to be able to say, said by hand.
//!
//! A job is a task with a worktree of its own, as in GitLab. The end of a stage is a task that does nothing, so that
//! the next stage needs one task and not all of the stage before. `before_script` and `script` are one step,
//! `after_script` is a second one that always runs and whose failure does not matter. Members of a
//! `parallel:matrix` are tasks of their own, because others may need only some of them. What `rules`, `inherit` and
//! `extends` decide is decided when the file is compiled.

use super::verdicts::gitlab;
use crate::harness::run_clean;
use model::plan::{ArtifactIn, ArtifactOut, ArtifactWhen, Cache, IfMissing, Plan, StatusOf, Text};
use testkit::{PlanBuilder, TaskBuilder};

const FILE: &str = ".gitlab-ci.yml";

fn plan() -> PlanBuilder {
    testkit::plan("gitlab")
}

fn run(plan: Plan) -> crate::harness::Outcome {
    run_clean(plan, &[])
}

/// The lines of a job's script.
fn script<const N: usize>(task: TaskBuilder, lines: [&str; N]) -> TaskBuilder {
    task.step("script", |s| {
        s.env("CI_JOB_STATUS", "running").run(&lines.join("\n"))
    })
}

fn after_script(task: TaskBuilder, lines: &str) -> TaskBuilder {
    let status = "${{ canceled() ? 'canceled' : failed() ? 'failed' : 'success' }}";
    task.step("after_script", |s| {
        s.when("always()")
            .continue_on_error()
            .timeout_ms(300_000)
            .env("CI_JOB_STATUS", status)
            .run(lines)
    })
}

/// A job of a later stage: it waits for the stage before, and looks at all that came before.
fn behind(task: TaskBuilder, stage: &str) -> TaskBuilder {
    task.after([stage]).status_of(StatusOf::Ancestors)
}

/// The end of a stage.
fn end<const N: usize>(task: TaskBuilder, jobs: [&str; N]) -> TaskBuilder {
    task.nothing().after(jobs).when("always()")
}

/// Files that a job keeps; that there are none is only a warning.
fn artifacts<const N: usize, const M: usize>(
    task: TaskBuilder,
    paths: [&str; N],
    exclude: [&str; M],
    when: ArtifactWhen,
) -> TaskBuilder {
    task.edit(|def| {
        def.artifacts_out.push(ArtifactOut {
            name: "files".to_owned(),
            paths: paths.map(Text::from).to_vec(),
            exclude: exclude.map(Text::from).to_vec(),
            when,
            if_missing: IfMissing::Warn,
        });
    })
}

/// Takes what a job kept, if it kept anything.
fn takes(task: TaskBuilder, from: &str) -> TaskBuilder {
    task.edit(|def| {
        def.artifacts_in.push(ArtifactIn {
            from: from.to_owned(),
            name: "files".to_owned(),
            to: None,
            optional: true,
        });
    })
}

/// `skipped-job` is not in the pipeline, so an optional need of it is not in the plan.
#[test]
fn needs_optional() {
    let verdict = gitlab("needs-optional", FILE);
    let plan = plan().task("executed-job", |t| script(t, ["echo 'Job executed!'"]));
    verdict.agrees(&run(plan.build()));
}

/// The same when the front-end can tell only while the run goes on that the need does not take part.
#[test]
fn needs_optional_decided_late() {
    let verdict = gitlab("needs-optional", FILE);
    let plan = plan()
        .task("skipped-job", |t| {
            script(t, ["echo 'Job skipped!'"]).when("false")
        })
        .task("executed-job", |t| {
            script(t, ["echo 'Job executed!'"]).optional(["skipped-job"])
        });
    verdict.agrees(&run(plan.build()));
}

#[test]
fn artifacts_shell_fail() {
    let verdict = gitlab("artifacts-shell-fail", FILE);
    let when = ArtifactWhen::Success;
    let plan = plan()
        .task("build", |t| {
            artifacts(script(t, ["exit 0"]), ["build.log"], [], when)
        })
        .task("end of build", |t| end(t, ["build"]))
        .task("test", |t| {
            let paths = ["a-file-that-didnt-get-created.txt"];
            behind(
                artifacts(script(t, ["exit 1"]), paths, [], when),
                "end of build",
            )
        })
        .task("end of test", |t| end(t, ["test"]))
        .task("deploy", |t| {
            behind(script(t, ["echo 'Deploy something'"]), "end of test").when("always()")
        });
    let outcome = run(plan.build());
    verdict.agrees(&outcome);
    assert!(
        outcome
            .printed("build")
            .contains("no file matches `build.log`"),
        "{outcome}"
    );
}

#[test]
fn artifacts_shell_fail_always() {
    let verdict = gitlab("artifacts-shell-fail-always", FILE);
    let plan = plan()
        .task("produce", |t| {
            let t = script(t, ["mkdir -p path/", "touch path/file1", "exit 1"]);
            artifacts(t, ["path/"], [], ArtifactWhen::Always)
        })
        .task("end of build", |t| end(t, ["produce"]))
        .task("consume", |t| {
            behind(script(t, ["test -f path/file1"]), "end of build")
        });
    let outcome = run(plan.build());
    verdict.agrees(&outcome);
    assert!(
        outcome.task("produce").artifacts.contains_key("files"),
        "{outcome}"
    );
}

#[test]
fn after_script_sees_the_status_and_runs_after_failure() {
    let verdict = gitlab("after-script", FILE);
    let plan = plan()
        .task("build-job", |t| {
            let t = script(t, ["echo 'Build something'"]);
            after_script(t, "echo 'Cleanup after test'")
        })
        .task("end of build", |t| end(t, ["build-job"]))
        .task("test-job", |t| {
            let t = script(t, ["echo 'Test something'", "echo cache > cache"]);
            let t = after_script(t, "rm cache\necho 'Cleanup after test'");
            behind(t, "end of build")
        })
        .task("end of test", |t| end(t, ["test-job", "end of build"]))
        .task("deploy-job", |t| {
            let t = script(t, ["echo ${CI_JOB_STATUS}", "exit 0"]);
            behind(after_script(t, "echo ${CI_JOB_STATUS}"), "end of test")
        })
        .task("end of deploy", |t| end(t, ["deploy-job", "end of test"]))
        .task("post-job", |t| {
            let t = script(t, ["exit 1"]);
            behind(
                after_script(t, "echo ${CI_JOB_STATUS}\nexit 3"),
                "end of deploy",
            )
        });
    let outcome = run(plan.build());
    verdict.agrees(&outcome);
    assert_eq!(outcome.printed("deploy-job"), "running\nsuccess\n");
    assert_eq!(outcome.printed("post-job"), "failed\n");
}

#[test]
fn inherit_default() {
    let verdict = gitlab("inherit", ".gitlab-ci-inherit-default.yml");
    let before = "echo default before script";
    let plan = plan()
        .task("inherit-default-true", |t| {
            after_script(
                script(t, [before, "echo script"]),
                "echo default after script",
            )
        })
        .task("inherit-default-false", |t| script(t, ["echo script"]))
        .task("inherit-default-before_script_and_image", |t| {
            script(t, [before, "echo script"])
        });
    let outcome = run(plan.build());
    verdict.agrees(&outcome);
    let all = "default before script\nscript\ndefault after script\n";
    assert_eq!(outcome.printed("inherit-default-true"), all);
    assert_eq!(outcome.printed("inherit-default-false"), "script\n");
}

/// Variables that a job may leave out belong to the tasks and not to the scope.
#[test]
fn inherit_variables() {
    let verdict = gitlab("inherit", ".gitlab-ci-inherit-variables.yml");
    let plan = plan()
        .task("job1", |t| script(t, ["env | grep GCL_TESTS"]))
        .task("job2", |t| {
            script(t, ["env | grep GCL_TESTS"])
                .env("GCL_TESTS_VAR1", "This is variable 1")
                .env("GCL_TESTS_VAR2", "This is variable 2")
        });
    let outcome = run(plan.build());
    verdict.agrees(&outcome);
    assert_eq!(outcome.printed("job2").lines().count(), 2);
}

/// A cache that is only saved, after success, failure or both.
#[test]
fn cache_when() {
    let verdict = gitlab("cache-when", FILE);
    let mut plan = plan();
    let cases = [
        ("on_success", ArtifactWhen::Success),
        ("on_failure", ArtifactWhen::Failure),
        ("always", ArtifactWhen::Always),
    ];
    for (word, when) in cases {
        for (suffix, last) in [("without_error", "true"), ("with_error", "exit 1")] {
            let name = format!("{word}_{suffix}");
            plan = plan.task(&name, |t| {
                script(t, ["mkdir -p cache && touch cache/file1.txt", last]).edit(|def| {
                    def.caches.push(Cache {
                        key: Text::from(name.as_str()),
                        restore_keys: Vec::new(),
                        paths: vec![Text::from("cache")],
                        read_only: false,
                        write_only: true,
                        when,
                    });
                })
            });
        }
    }
    verdict.agrees(&run(plan.build()));
}

#[test]
fn artifacts_exclude() {
    let verdict = gitlab("artifacts-exclude", FILE);
    let make = [
        "mkdir -p ux",
        "touch ux/{q,r,s,t}",
        "mkdir -p foo/bar/baz/.xyzzy",
        "mkdir -p 'foo/qux/qu ux'",
        "touch foo/{a,b,c,d}",
        "touch foo/bar/{w,x,y,z}",
        "touch foo/bar/baz/{m,n,o,p}",
        "touch foo/qux/{qu,u,v,w,x}",
        "touch 'foo/qux/qu ux/'{g,h,i,j}",
        "touch foo/bar/baz/.xyzzy/{.e,.f}",
    ];
    let exclude = [
        "foo/qux/qu ux/**",
        "foo/bar/**",
        "foo/bar",
        "foo/d",
        "xyzzy/**/*",
    ];
    let check = [
        "[ -e ux ]",
        "[ -e foo/qux/qu ]",
        "[ ! -e foo/bar ]",
        "[ ! -e foo/d ]",
        "[ ! -e 'foo/qux/qu ux/g' ]",
    ];
    let plan = plan()
        .task("produce-artifacts", |t| {
            artifacts(
                script(t, make),
                ["foo", "ux"],
                exclude,
                ArtifactWhen::Success,
            )
        })
        .task("consume-artifacts", |t| {
            takes(
                script(t, check).needs(["produce-artifacts"]),
                "produce-artifacts",
            )
        });
    verdict.agrees(&run(plan.build()));
}

#[test]
fn artifacts_shell() {
    let verdict = gitlab("artifacts-shell", FILE);
    let plan = plan()
        .task("produce", |t| {
            let t = script(
                t,
                ["mkdir -p path/", "touch path/file1", "touch path/file2"],
            );
            artifacts(t, ["path/"], ["path/file2"], ArtifactWhen::Success)
        })
        .task("end of build", |t| end(t, ["produce"]))
        .task("consume", |t| {
            let t = script(t, ["test -f path/file1", "(! test -f path/file2)"]);
            // Files of a job that is needed only by its stage: the need is for the files alone.
            takes(behind(t, "end of build").after(["produce"]), "produce")
        });
    verdict.agrees(&run(plan.build()));
}

#[test]
fn needs_same_stage() {
    let verdict = gitlab("needs-same-stage", FILE);
    let plan = plan()
        .task("test-job", |t| {
            script(t, ["echo 'Test something'"]).needs(["build-job"])
        })
        .task("build-job", |t| script(t, ["echo 'Build something'"]));
    verdict.agrees(&run(plan.build()));
}

#[test]
fn needs_artifacts() {
    let verdict = gitlab("needs-artifacts", FILE);
    let when = ArtifactWhen::Success;
    let plan = plan()
        .task("one", |t| {
            artifacts(script(t, ["touch one.txt"]), ["one.txt"], [], when)
        })
        .task("two", |t| {
            artifacts(script(t, ["touch two.txt"]), ["two.txt"], [], when)
        })
        .task("test-job", |t| {
            let t = script(t, ["test -f two.txt", "(! test -f one.txt)"]);
            takes(t.needs(["one", "two"]), "two")
        });
    verdict.agrees(&run(plan.build()));
}

/// The value of one axis or the values of several, as they stand in the name of a member.
fn member(job: &str, values: &[&str]) -> String {
    format!("{job}: [{}]", values.join(","))
}

#[test]
fn parallel_matrix() {
    let verdict = gitlab("parallel-matrix", FILE);
    let names = ["foo", "bar", "beb"];
    let builds = names.map(|name| member("build-job", &[name]));
    let mut plan = plan().task("pre-job", |t| script(t, ["echo Pre-job"]));
    plan = plan.task("end of .pre", |t| end(t, ["pre-job"]));
    for (index, (name, job)) in names.iter().zip(&builds).enumerate() {
        plan = plan.task(job, |t| {
            let lines = [
                r#"echo "NAME:'${NAME}' $CI_NODE_INDEX/$CI_NODE_TOTAL""#,
                "mkdir -p files/",
                r#"filename=$(echo "${CI_JOB_NAME}" | sed -e 's/[^A-Za-z0-9._-]/_/g')"#,
                r#"echo "${CI_JOB_NAME}" > "files/${filename}.txt""#,
            ];
            let t = behind(script(t, lines), "end of .pre")
                .env("NAME", name)
                .env("CI_JOB_NAME", job)
                .env("CI_NODE_INDEX", &(index + 1).to_string())
                .env("CI_NODE_TOTAL", "3");
            artifacts(t, ["files/"], [], ArtifactWhen::Success)
        });
    }
    let mut cells = vec![vec!["beb"]];
    for name in ["foo", "bar"] {
        cells.extend(["dev", "sta", "pro"].map(|tier| vec![name, tier]));
    }
    for cell in &cells {
        plan = plan.task(&member("test-job", cell), |t| {
            let lines = [
                "test -f files/build-job___bar_.txt",
                "test -f files/build-job___beb_.txt",
                "test -f files/build-job___foo_.txt",
            ];
            let t = script(t, lines).needs(["pre-job"]).env("NAME", cell[0]);
            builds
                .iter()
                .fold(t, |t, build| takes(t.needs([build.as_str()]), build))
        });
    }
    let outcome = run(plan.build());
    verdict.agrees(&outcome);
    assert_eq!(outcome.printed("build-job: [bar]"), "NAME:'bar' 2/3\n");
}

/// Others need one member, some, or those that agree in one value.
#[test]
fn needs_parallel_matrix_static() {
    let verdict = gitlab("needs-parallel-matrix-static", FILE);
    let mut plan = plan();
    for name in ["foo", "bar", "beb"] {
        let job = member("build-job", &[name]);
        plan = plan.task(&job, |t| {
            script(t, ["echo \"build NAME=$NAME\""]).env("NAME", name)
        });
    }
    for arch in ["x64", "arm"] {
        for os in ["linux", "mac"] {
            let job = member("build-multi", &[arch, os]);
            plan = plan.task(&job, |t| {
                script(t, ["echo \"build-multi $ARCH/$OS\""])
                    .env("ARCH", arch)
                    .env("OS", os)
            });
        }
    }
    let ran = |name: &str| format!("echo '{name} ran'");
    let needs: [(&str, &[&str]); 5] = [
        ("test-single", &["build-job: [foo]"]),
        ("test-array", &["build-job: [foo]", "build-job: [bar]"]),
        (
            "test-partial",
            &["build-multi: [x64,linux]", "build-multi: [x64,mac]"],
        ),
        ("test-full", &["build-multi: [x64,linux]"]),
        ("test-optional-zero", &[]),
    ];
    for (job, needed) in needs {
        plan = plan.task(job, |t| {
            needed
                .iter()
                .fold(script(t, [&ran(job)]), |t, need| t.needs([*need]))
        });
    }
    verdict.agrees(&run(plan.build()));
}

/// `allow_failure` with and without exit codes.
#[test]
fn list_csv_case() {
    let verdict = gitlab("list-csv-case", FILE);
    let plan = plan()
        .task("test-job", |t| {
            script(t, ["echo ${GITLAB_USER_LOGIN}", ">&2 echo 'Hello, error!'"])
                .env("GITLAB_USER_LOGIN", "local")
        })
        .task("build-job", |t| {
            script(t, ["echo 'Build something'"])
                .needs(["test-job"])
                .tolerate()
        })
        .task("exit-codes-job", |t| {
            script(t, ["echo 'Exit codes'"]).tolerate_codes([42, 137])
        })
        .task("end of build", |t| {
            end(t, ["test-job", "build-job", "exit-codes-job"])
        })
        .task("deploy-job", |t| {
            behind(script(t, ["echo Deploy"]), "end of build").tolerate_codes([1])
        });
    verdict.agrees(&run(plan.build()));
}

/// The corpus refuses to run its case `manual`; GitLab skips what needs a manual job that nobody starts, and the
/// pipeline passes.
#[test]
fn needs_of_a_manual_job_that_nobody_starts() {
    let rule = "tasks['pre-job'].conclusion == 'succeeded'";
    let plan = plan()
        .task("pre-job", |t| script(t, ["exit 1"]).manual_optional())
        .task("end of .pre", |t| end(t, ["pre-job"]))
        .task("test-job", |t| {
            script(t, ["exit 1"]).needs(["pre-job"]).when(rule)
        })
        .task("deploy-job", |t| behind(script(t, ["true"]), "end of .pre"));
    let outcome = run(plan.build());
    assert_eq!(outcome.document.status, "succeeded", "{outcome}");
    let reasons = ["pre-job", "test-job"].map(|id| outcome.task(id).reason.as_deref());
    assert_eq!(reasons, [Some("manual"), Some("condition")], "{outcome}");
    assert_eq!(outcome.task("deploy-job").status, "succeeded");
}
