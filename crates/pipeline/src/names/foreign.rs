//! Names of other systems in expressions, and how to say the same here.
//!
//! foreign-file: it is a table of their words.

/// What to write for `path`, a name of another system with its members.
pub(super) fn help(path: &[String]) -> Option<String> {
    let (root, members) = path.split_first()?;
    let member = members.first().map(String::as_str);
    match root.as_str() {
        "github" | "gitea" | "forgejo" => Some(github(members)),
        "inputs" | "vars" | "parameters" => {
            let name = member.unwrap_or("NAME");
            Some(format!("write `params.{name}`"))
        }
        "needs" => {
            let task = member.unwrap_or("NAME");
            Some(match members.get(1).map(String::as_str) {
                Some("outputs") => {
                    let output = members.get(2).map_or("OUTPUT", String::as_str);
                    format!("write `tasks.{task}.outputs.{output}`")
                }
                _ => format!(
                    "write `tasks.{task}.outcome`, which is `succeeded`, `failed`, `skipped` or `canceled`"
                ),
            })
        }
        "strategy" => Some("write `matrix.NAME` for a value of the matrix".to_owned()),
        "runner" | "job" => Some(
            "the worker is not known here; a script can ask it, and `matrix` can vary it"
                .to_owned(),
        ),
        variable => self::variable(variable).map(|ours| format!("write `{ours}`")),
    }
}

/// What to write for a member that the name `root` does not have.
pub(super) fn member(root: &str, name: &str) -> Option<&'static str> {
    let asks_how_it_went = matches!(
        name,
        "result" | "outcome" | "conclusion" | "status" | "state"
    );
    (root == "run" && asks_how_it_went).then_some(
        "a run has no result before all of it has ended: ask its tasks, `tasks.NAME.outcome`, or let a task of `finally` have \
         `when: failed()`",
    )
}

/// The function that a lone word in a condition stands for.
pub(super) fn status(word: &str) -> Option<&'static str> {
    match word {
        "always" => Some("always"),
        "succeeded" | "success" | "on_success" => Some("succeeded"),
        "failed" | "failure" | "on_failure" => Some("failed"),
        "canceled" | "cancelled" => Some("canceled"),
        _ => None,
    }
}

/// What stands for an environment variable that other systems set.
pub(super) fn variable(name: &str) -> Option<&'static str> {
    VARIABLES
        .iter()
        .find(|(theirs, _)| theirs.contains(&name))
        .map(|(_, ours)| *ours)
}

const VARIABLES: &[(&[&str], &str)] = &[
    (
        &[
            "CI_COMMIT_BRANCH",
            "CI_COMMIT_REF_NAME",
            "CI_COMMIT_REF_SLUG",
            "GITHUB_REF_NAME",
            "BRANCH_NAME",
            "GIT_BRANCH",
        ],
        "signal.branch",
    ),
    (&["GITHUB_REF"], "signal.ref"),
    (&["CI_COMMIT_TAG", "TAG_NAME"], "signal.tag"),
    (
        &[
            "CI_COMMIT_SHA",
            "CI_COMMIT_SHORT_SHA",
            "GITHUB_SHA",
            "GIT_COMMIT",
        ],
        "signal.commit",
    ),
    (&["CI_COMMIT_BEFORE_SHA"], "signal.before"),
    (&["CI_PIPELINE_SOURCE", "GITHUB_EVENT_NAME"], "signal.kind"),
    (
        &[
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
            "GITHUB_BASE_REF",
            "CHANGE_TARGET",
        ],
        "signal.base",
    ),
    (
        &[
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
            "GITHUB_HEAD_REF",
            "CHANGE_BRANCH",
        ],
        "signal.head",
    ),
    (&["CI_MERGE_REQUEST_IID", "CHANGE_ID"], "signal.number"),
    (&["CI_MERGE_REQUEST_TITLE"], "signal.title"),
    (&["CI_MERGE_REQUEST_LABELS"], "signal.labels"),
    (&["CI_COMMIT_MESSAGE", "CI_COMMIT_TITLE"], "signal.message"),
    (
        &["CI_COMMIT_AUTHOR", "GITLAB_USER_LOGIN", "GITHUB_ACTOR"],
        "signal.author",
    ),
    (&["CI_PIPELINE_ID", "GITHUB_RUN_ID", "BUILD_ID"], "run.id"),
];

fn github(members: &[String]) -> String {
    let words: Vec<&str> = members.iter().map(String::as_str).collect();
    let ours = match words.as_slice() {
        ["ref", ..] => {
            return "write `signal.branch` for a branch such as `main`, or `signal.ref` for the whole name such as \
                    `refs/heads/main`"
                .to_owned();
        }
        ["event_name", ..] => {
            return "write `signal.kind`, which is `push`, `pull_request`, `tag`, `schedule`, `manual` or `api`"
                .to_owned();
        }
        ["ref_name", ..] => "signal.branch",
        ["sha", ..] => "signal.commit",
        ["head_ref", ..] | ["event", "pull_request", "head", "ref"] => "signal.head",
        ["base_ref", ..] | ["event", "pull_request", "base", "ref"] => "signal.base",
        ["actor" | "triggering_actor", ..] => "signal.author",
        ["run_id", ..] => "run.id",
        ["event", "pull_request", "title"] => "signal.title",
        ["event", "pull_request", "body"] => "signal.body",
        ["event", "pull_request", "draft"] => "signal.draft",
        ["event", "pull_request", "labels", ..] => "signal.labels",
        ["event", "number"] | ["event", "pull_request", "number"] => "signal.number",
        ["event", "head_commit", "message"] => "signal.message",
        ["event", "inputs", name, ..] => return format!("write `params.{name}`"),
        ["event", rest @ ..] => {
            let path = [&["signal", "payload"], rest].concat().join(".");
            return format!("write `{path}`");
        }
        _ => {
            return "write `signal.branch`, `signal.commit`, `signal.kind` or another name below `signal`"
                .to_owned();
        }
    };
    format!("write `{ours}`")
}

/// Our word for one that another system has for an outcome, a failure or a signal.
pub(super) fn word(theirs: &str) -> Option<&'static str> {
    let lower = theirs.to_ascii_lowercase();
    let mut words = WORDS.iter();
    words
        .find(|(theirs, _)| theirs.contains(&&*lower))
        .map(|(_, ours)| *ours)
}

const WORDS: &[(&[&str], &str)] = &[
    (
        &["success", "successful", "ok", "passed", "green"],
        "succeeded",
    ),
    (&["failure", "error", "errored", "red"], "failed"),
    (&["cancelled", "aborted", "killed"], "canceled"),
    (&["timed_out", "time_out"], "timeout"),
    (&["script", "script_failure", "command"], "user"),
    (
        &["infra", "infrastructure", "system", "runner_system_failure"],
        "infra_before_start",
    ),
    (
        &[
            "merge_request",
            "merge_request_event",
            "pull_request_target",
            "pr",
        ],
        "pull_request",
    ),
    (&["workflow_dispatch", "web"], "manual"),
    (&["repository_dispatch", "trigger"], "api"),
    (&["cron", "scheduled"], "schedule"),
    (&["release"], "tag"),
];
