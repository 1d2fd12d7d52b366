//! The keys of a pipeline file.

use super::data::{CONCURRENCY, ENV, GIVEN_OUTPUT, PARAM};
use super::task::TASK;
use super::triggers::ON;
use super::{Key, Kind, Names, Object, Phase, Rest};

/// A pipeline file.
pub(crate) static PIPELINE: Object = Object::new(
    "pipeline",
    "A pipeline: what to run, and when.",
    &[
        Key::new(
            "name",
            Kind::Title,
            "The pipeline's name, as people call it.",
            "name: shop",
        )
        .default("the file's name without its ending"),
        Key::new(
            "on",
            Kind::OneOf(&[ON_WORD, Kind::List { of: &ON_WORD, min: 1 }, Kind::Object(&ON)]),
            "What sets the pipeline going.",
            "on: { push: { branches: [main] }, pull_request: {} }",
        )
        .default("manual"),
        Key::new(
            "params",
            PARAMS,
            "Values that may be given when a run is started, read as `params.NAME`.",
            "params:\n  profile: { type: string, enum: [debug, release], default: debug }\n  shards: 4",
        ),
        Key::new(
            "env",
            Kind::Object(&ENV),
            "Environment of every step; the text of each variable.",
            "env: { CARGO_TERM_COLOR: always, inherit: [SSH_AUTH_SOCK] }",
        ),
        Key::new(
            "secrets",
            Kind::List { of: &Kind::Name, min: 0 },
            "Names of the secrets that tasks may ask for.",
            "secrets: [REGISTRY_TOKEN]",
        ),
        Key::new("tasks", tasks(1), "The work: tasks by name.", "tasks:\n  test: { run: make test }")
            .required_unless(&["task", "include"]),
        Key::new(
            "task",
            Kind::Object(&TASK),
            "In place of `tasks`: the only task. A file with it is a reusable task, whose outputs and artifacts are those of the task that uses it.",
            "task: { run: make test }",
        ),
        Key::new(
            "outputs",
            Kind::Map {
                what: "output",
                names: Names::Plain,
                of: &Kind::Object(&GIVEN_OUTPUT),
                min: 0,
            },
            "Values that the pipeline gives to a task that uses it.",
            "outputs:\n  version: { value: \"${{ tasks.build.outputs.version }}\" }",
        ),
        Key::new(
            "finally",
            tasks(0),
            "Tasks that run when all others have ended, however they ended.",
            "finally:\n  report: { run: ./report.sh }",
        ),
        Key::new(
            "concurrency",
            Kind::OneOf(&[Kind::filled(Phase::Plan), Kind::Object(&CONCURRENCY)]),
            "How many runs of a group may be active at once.",
            "concurrency: { group: \"deploy-${{ params.target }}\", cancel_superseded: true }",
        ),
        Key::new("timeout", Kind::Duration, "Time limit of everything but `finally`.", "timeout: 1h").default("none"),
        Key::new(
            "priority",
            Kind::Integer { min: -1000, max: 1000 },
            "Runs with a larger number start first.",
            "priority: 10",
        )
        .default("0"),
        Key::new(
            "shell",
            SHELL,
            "The shell of every script that names none.",
            "shell: sh",
        )
        .default("bash --noprofile --norc -eo pipefail {file}, else sh -e {file}"),
        Key::new(
            "working_dir",
            Kind::filled(Phase::Start),
            "The folder that every step runs in, relative to the source.",
            "working_dir: backend",
        )
        .default("the source's top folder"),
        Key::new("include", INCLUDE, INCLUDE_DOC, "include: [ci/common.yaml]"),
        Key::new("parts", Kind::Any, "Overlays for clusters and targets.", "parts: {}").refused(),
    ],
)
.rest(Rest {
    what: "a key of your own",
    names: Names::Extension,
    kind: &Kind::Any,
})
.exclusive(&[
    ["tasks", "task"],
    ["task", "finally"],
    ["task", "include"],
    ["task", "outputs"],
]);

const INCLUDE: Kind = Kind::List {
    of: &Kind::Plain,
    min: 1,
};

const INCLUDE_DOC: &str = "Files of the project whose tasks, params, env and secrets are merged into this one. Paths count from the top of the project; equal names are errors.";

/// A file that is included.
pub(crate) static INCLUDED: Object = Object::new(
    "included file",
    "A file that others `include`.",
    &[
        Key::new(
            "params",
            PARAMS,
            "Params of every pipeline that includes it.",
            "params: { profile: debug }",
        ),
        Key::new(
            "env",
            Kind::Object(&ENV),
            "Environment of every step of them.",
            "env: { A: b }",
        ),
        Key::new(
            "secrets",
            Kind::List {
                of: &Kind::Name,
                min: 0,
            },
            "Names of the secrets that tasks may ask for.",
            "secrets: [REGISTRY_TOKEN]",
        ),
        Key::new(
            "tasks",
            tasks(0),
            "Tasks of every pipeline that includes it.",
            "tasks:\n  lint: { run: make lint }",
        ),
        Key::new(
            "finally",
            tasks(0),
            "Tasks that run when all others have ended.",
            "finally:\n  report: { run: ./report.sh }",
        ),
        Key::new(
            "include",
            INCLUDE,
            "Further files.",
            "include: [ci/more.yaml]",
        ),
    ],
)
.rest(OWN_KEYS);

/// What the author adds at the top for anchors and other programs.
const OWN_KEYS: Rest = Rest {
    what: "a key of your own",
    names: Names::Extension,
    kind: &Kind::Any,
};

const PARAMS: Kind = Kind::Map {
    what: "param",
    names: Names::Plain,
    of: &Kind::OneOf(&[Kind::Object(&PARAM), Kind::Constant]),
    min: 0,
};

/// What a task with `generates` writes.
pub(crate) static FRAGMENT: Object = Object::new(
    "generated tasks",
    "What a task with `generates` writes: further tasks.",
    &[
        Key::new(
            "tasks",
            tasks(0),
            "The tasks by name; `{}` for none.",
            "tasks: { test-a: { run: make test-a } }",
        )
        .required(),
        Key::new(
            "env",
            Kind::Object(&ENV),
            "Environment of every step of them.",
            "env: { A: b }",
        ),
        Key::new(
            "shell",
            SHELL,
            "The shell of every script that names none.",
            "shell: sh",
        ),
        Key::new(
            "working_dir",
            Kind::filled(Phase::Start),
            "The folder that every step runs in.",
            "working_dir: web",
        ),
    ],
)
.rest(OWN_KEYS);

const ONE_TASK: &Kind = &Kind::Object(&TASK);

/// Tasks by name, `min` or more.
const fn tasks(min: usize) -> Kind {
    Kind::Map {
        what: "task",
        names: Names::Plain,
        of: ONE_TASK,
        min,
    }
}

const ON_WORD: Kind = Kind::Word {
    words: &["push", "pull_request", "tag", "manual", "api"],
    later: &[],
    unfinished: &[["schedule", "on: { schedule: [{ cron: \"0 3 * * *\" }] }"]],
};

/// How a shell is written.
pub(super) const SHELL: Kind = Kind::OneOf(&[
    Kind::Plain,
    Kind::List {
        of: &Kind::Plain,
        min: 1,
    },
]);
