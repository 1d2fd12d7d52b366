//! Words of other systems, and what stands for them here.
//!
//! foreign-file: it is a table of their words.

use crate::yaml::Node;

/// For an unknown key of `object`: what to write in its place.
pub(super) fn help(object: &str, key: &str) -> Option<&'static str> {
    entry(object, key).map(|(_, _, help)| *help)
}

/// For a key that begins a whole file of another system: what to do with all of it.
pub(super) fn file(object: &str, key: &str, value: &Node<'_>) -> Option<&'static str> {
    let jobs = value
        .entries()
        .filter(|_| object == "pipeline" && key == "jobs")?;
    let github = jobs.iter().any(|job| job.value.child("runs-on").is_some());
    github.then_some(
        "this looks like a file of GitHub Actions: write `tasks` for `jobs`, and mend what is said about the keys \
         below it; `docs/coming-from.md` has the words of both",
    )
}

/// Whether the tasks of other systems stand below `key`.
pub(super) fn holds_tasks(key: &str) -> bool {
    key == "jobs"
}

/// Whether a value looks like a task, here or elsewhere.
pub(super) fn is_task(value: &Node<'_>) -> bool {
    let keys = ["run", "steps", "uses", "script", "stage"];
    keys.iter().any(|key| value.child(key).is_some())
}

/// Whether the unknown `key` plainly stands for `wanted`, so that `wanted` is not also missed.
pub(super) fn means(object: &str, key: &str, wanted: &str) -> bool {
    let near = crate::nearest::nearest(key, [wanted]).is_some();
    near || entry(object, key).is_some_and(|(_, for_key, _)| *for_key == wanted)
}

/// What to do without a key that this version refuses.
pub(super) fn instead(key: &str) -> Option<&'static str> {
    match key {
        "parts" => Some("use `params` and `when`"),
        "uses" | "with" => Some("a whole task can use a file; a step cannot"),
        _ => None,
    }
}

type Entry = (&'static str, &'static str, &'static str);

fn entry(object: &str, key: &str) -> Option<&'static Entry> {
    let table: &[Entry] = match object {
        "pipeline" => PIPELINE,
        "task" => TASK,
        "step" => STEP,
        "on" => ON,
        "on.push" => PUSH,
        "concurrency" => CONCURRENCY,
        "reports" => REPORTS,
        "image" => IMAGE,
        "cache" => CACHE,
        "service" => SERVICE,
        "retry" => RETRY,
        "output" => OUTPUT,
        "given output" => GIVEN_OUTPUT,
        "taken artifact" => TAKEN,
        _ => return None,
    };
    table.iter().find(|(foreign, _, _)| *foreign == key)
}

/// Words of other systems for the words that a key takes.
pub(super) fn word(text: &str, words: &[&'static str]) -> Option<&'static str> {
    let ours = match text.to_ascii_lowercase().as_str() {
        "int" | "integer" | "float" | "double" | "num" => "number",
        "bool" => "boolean",
        "str" | "text" => "string",
        "array" | "seq" | "sequence" => "list",
        "map" | "mapping" | "dict" | "json" => "object",
        "choice" | "options" => "enum",
        "file" | "path" => "artifact",
        "error" | "abort" => "fail",
        "warning" => "warn",
        "skip" | "none" => "ignore",
        "on_success" | "succeeded" => "success",
        "on_failure" | "failed" => "failure",
        "any" | "all" => "always",
        "auto" => "automatic",
        "local" | "host" | "shell" => "process",
        "workflow_dispatch" | "dispatch" => "manual",
        "merge_request" | "pull_request_target" | "pr" => "pull_request",
        "cron" | "timer" => "schedule",
        "tags" | "release" => "tag",
        _ => return None,
    };
    words.iter().copied().find(|word| *word == ours)
}

const PUSH: &[Entry] = &[
    (
        "branches-ignore",
        "branches",
        "write `branches` with `!` in front of what to leave out: `branches: [\"**\", \"!old/*\"]`",
    ),
    (
        "paths-ignore",
        "paths",
        "write `paths` with `!` in front of what to leave out: `paths: [\"**\", \"!docs/**\"]`",
    ),
    (
        "tags",
        "branches",
        "tags are a signal of their own: write `tag: \"v*\"` beside `push`",
    ),
];

const REPORTS: &[Entry] = &[
    (
        "dotenv",
        "outputs",
        "declare the values below `outputs` of the task; a step writes each with `echo NAME=VALUE >> \"$FORMIC_OUTPUT\"`",
    ),
    ("coverage_report", "coverage", "write `coverage`"),
    ("cobertura", "coverage", "write `coverage`"),
    ("lcov", "coverage", "write `coverage`"),
    ("sast", "sarif", "write `sarif`, with files of that format"),
];

const CONCURRENCY: &[Entry] = &[(
    "cancel-in-progress",
    "cancel_superseded",
    "write `cancel_superseded: true`",
)];

const CACHE: &[Entry] = &[
    ("restore", "restore_keys", "write `restore_keys`"),
    ("prefix", "restore_keys", "write `restore_keys`"),
    ("policy", "read_only", "write `read_only: true`"),
];

const SERVICE: &[Entry] = &[
    ("ports", "port", "write `port`, one number"),
    ("command", "run", "write `run`, a script"),
    (
        "healthcheck",
        "ready",
        "write `ready`, a script that succeeds when it is ready",
    ),
    (
        "health",
        "ready",
        "write `ready`, a script that succeeds when it is ready",
    ),
    ("environment", "env", "write `env`"),
    ("variables", "env", "write `env`"),
];

const RETRY: &[Entry] = &[
    (
        "attempts",
        "max",
        "write `max`, the number of further attempts",
    ),
    (
        "limit",
        "max",
        "write `max`, the number of further attempts",
    ),
    (
        "count",
        "max",
        "write `max`, the number of further attempts",
    ),
    ("delay", "backoff", "write `backoff: 5s`"),
    ("interval", "backoff", "write `backoff: 5s`"),
    ("if", "when", "write `when`, which can look at `failure`"),
    ("on", "when", "write `when`, which can look at `failure`"),
];

const OUTPUT: &[Entry] = &[(
    "value",
    "from",
    "write `from`, a text with expressions such as `${{ steps.NAME.outputs.OUTPUT }}`",
)];

const GIVEN_OUTPUT: &[Entry] = &[("from", "value", "write `value`")];

const TAKEN: &[Entry] = &[
    ("path", "to", "write `to`, the folder that the files go to"),
    ("into", "to", "write `to`, the folder that the files go to"),
    ("task", "from", "write `from`, the task that gives it"),
];

const IMAGE: &[Entry] = &[
    ("file", "dockerfile", "write `dockerfile`"),
    ("build-args", "args", "write `args`, a mapping"),
    ("build_args", "args", "write `args`, a mapping"),
];

const ON: &[Entry] = &[
    ("workflow_dispatch", "manual", "write `manual`"),
    ("repository_dispatch", "api", "write `api`"),
    (
        "pull_request_target",
        "pull_request",
        "write `pull_request`",
    ),
    ("merge_request", "pull_request", "write `pull_request`"),
    ("merge_requests", "pull_request", "write `pull_request`"),
    (
        "cron",
        "schedule",
        "write `schedule: [{ cron: \"0 3 * * *\" }]`",
    ),
    ("tags", "tag", "write `tag: \"v*\"`"),
    (
        "branches",
        "push",
        "branches belong to a push: `push: { branches: [main] }`",
    ),
    ("workflow_call", "", "write a pipeline of its own"),
];

const PIPELINE: &[Entry] = &[
    (
        "jobs",
        "tasks",
        "write `tasks`; the work of a pipeline is a mapping of tasks",
    ),
    (
        "stages",
        "tasks",
        "there are no stages: let a task name what it `needs`",
    ),
    (
        "variables",
        "env",
        "write `env` for the environment, or `params` for values given when a run is started",
    ),
    (
        "defaults",
        "shell",
        "write `shell` and `working_dir` at the top of the file",
    ),
    (
        "permissions",
        "",
        "remove it; the rights of a run come from its project, not from its file",
    ),
    ("inputs", "params", "write `params`"),
    ("parameters", "params", "write `params`"),
    ("run-name", "name", "write `name`"),
    (
        "workflow",
        "on",
        "write `on` for what sets the pipeline going, and `when` for conditions",
    ),
    ("pipeline", "tasks", "write `tasks`"),
    (
        "steps",
        "tasks",
        "steps belong to a task: `tasks: { NAME: { steps: [...] } }`",
    ),
    (
        "run",
        "tasks",
        "a script belongs to a task: `tasks: { NAME: { run: ... } }`",
    ),
    ("triggers", "on", "write `on`"),
];

const TASK: &[Entry] = &[
    (
        "script",
        "run",
        "write `run`; several lines stand below `run: |`",
    ),
    (
        "command",
        "run",
        "write `run`, or `steps: [{ command: [...] }]` to start a program without a shell",
    ),
    (
        "commands",
        "run",
        "write `run`; several lines stand below `run: |`",
    ),
    ("before_script", "steps", "make it the first of the `steps`"),
    ("after_script", "steps", "make it the `post` of a step"),
    (
        "runs-on",
        "labels",
        "write `labels: [...]` for what the worker must have",
    ),
    (
        "tags",
        "labels",
        "write `labels: [...]` for what the worker must have",
    ),
    (
        "runs_on",
        "labels",
        "write `labels: [...]` for what the worker must have",
    ),
    ("depends_on", "needs", "write `needs`"),
    (
        "dependencies",
        "needs",
        "write `needs`, and `artifacts: { in: [...] }` for files",
    ),
    ("runAfter", "needs", "write `needs`"),
    ("after", "needs", "write `needs`"),
    (
        "stage",
        "needs",
        "there are no stages: let the task name what it `needs`",
    ),
    (
        "strategy",
        "matrix",
        "write `matrix` directly in the task, with `fail_fast` and `max_parallel` inside it",
    ),
    ("parallel", "matrix", "write `matrix: { n: [1, 2, 3] }`"),
    ("timeout-minutes", "timeout", "write `timeout: 20m`"),
    ("timeout_minutes", "timeout", "write `timeout: 20m`"),
    ("timeout_in_minutes", "timeout", "write `timeout: 20m`"),
    (
        "continue-on-error",
        "allow_failure",
        "write `allow_failure: true`",
    ),
    (
        "continue_on_error",
        "allow_failure",
        "write `allow_failure: true`; `continue_on_error` is for steps",
    ),
    ("retries", "retry", "write `retry: 2`"),
    ("variables", "env", "write `env`"),
    (
        "environment",
        "env",
        "write `env` for variables, and `approval` where a person has to say yes",
    ),
    (
        "extends",
        "run",
        "write the shared keys below a key of your own, `x-base: &base { … }`, and `<<: *base` in the task",
    ),
    (
        "permissions",
        "secrets",
        "remove it: no token is given to a task",
    ),
    ("rules", "when", "write `when` with an expression"),
    (
        "only",
        "when",
        "write `when` with an expression such as `signal.branch == 'main'`",
    ),
    (
        "except",
        "when",
        "write `when` with an expression such as `signal.branch != 'main'`",
    ),
    (
        "paths",
        "artifacts",
        "write `artifacts: { out: { NAME: [...] } }`",
    ),
    ("manual", "start", "write `start: manual`"),
    ("allow_fail", "allow_failure", "write `allow_failure: true`"),
    (
        "params",
        "env",
        "params belong to the pipeline; read them as `${{ params.NAME }}`",
    ),
    (
        "on",
        "when",
        "`on` belongs to the pipeline; write `when: signal.branch == 'main'` for a task",
    ),
    (
        "name",
        "label",
        "the key of a task is its name; write `label` for what people see",
    ),
    (
        "post",
        "steps",
        "`post` belongs to a step; write `steps: [{ run: ..., post: ... }]`",
    ),
];

const STEP: &[Entry] = &[
    ("script", "run", "write `run`"),
    ("id", "name", "write `name`"),
    ("args", "command", "write `command: [program, argument]`"),
    (
        "entrypoint",
        "command",
        "write `command: [program, argument]`",
    ),
    ("timeout-minutes", "timeout", "write `timeout: 10m`"),
    (
        "continue-on-error",
        "continue_on_error",
        "write `continue_on_error: true`",
    ),
    (
        "allow_failure",
        "continue_on_error",
        "write `continue_on_error: true`; `allow_failure` is for tasks",
    ),
    ("working-directory", "working_dir", "write `working_dir`"),
    ("workdir", "working_dir", "write `working_dir`"),
    ("workingDir", "working_dir", "write `working_dir`"),
    (
        "image",
        "run",
        "a step has no image of its own in this version",
    ),
    (
        "needs",
        "when",
        "steps run in order; `needs` belongs to tasks",
    ),
    ("retry", "continue_on_error", "`retry` belongs to the task"),
    (
        "onError",
        "continue_on_error",
        "write `continue_on_error: true`",
    ),
];
