//! The keys of a task.

use super::actions::{APPROVAL, MATRIX, NEED, RESOURCES, RETRY, START, STEP, TOLERANCE};
use super::container::{CONTAINER, IMAGE};
use super::data::{ARTIFACTS, CACHE, CONCURRENCY, ENV, OUTPUTS, REPORTS, SERVICE};
use super::pipeline::SHELL;
use super::{Key, Kind, Names, Object, Phase};

/// A task.
pub(super) static TASK: Object = Object::new(
    "task",
    "A task: work that one worker does at a time.",
    &[
        Key::new(
            "run",
            Kind::filled(Phase::Start),
            "The script. It is one step named `run`.",
            "run: make test",
        ),
        Key::new(
            "steps",
            Kind::List {
                of: &Kind::Object(&STEP),
                min: 1,
            },
            "Several scripts or commands, one after the other in one place.",
            "steps:\n  - { name: build, run: make }\n  - { name: test, run: make test, timeout: 10m }",
        ),
        Key::new(
            "needs",
            Kind::OneOf(&[
                Kind::Name,
                Kind::List {
                    of: &Kind::OneOf(&[Kind::Name, Kind::Object(&NEED)]),
                    min: 0,
                },
            ]),
            "The tasks that have to end first.",
            "needs: [lint, { task: docs, optional: true }]",
        ),
        Key::new(
            "when",
            Kind::Expression(Phase::Ready),
            "True to run, else the task is skipped. `succeeded() &&` is put before an expression that calls none of `succeeded()`, `failed()`, `canceled()` and `always()`, but not in `finally`. After a cancel of the run it is asked in `finally` only; no other task starts.",
            "when: signal.branch == 'main'",
        )
        .default("succeeded(); in finally always()"),
        Key::new(
            "matrix",
            Kind::OneOf(&[Kind::Expression(Phase::Ready), Kind::Object(&MATRIX)]),
            "One task for each combination of values, read as `matrix.NAME`.",
            "matrix: { os: [linux, mac], shard: [1, 2] }",
        ),
        Key::new("env", Kind::Object(&ENV), "Environment of its steps.", "env: { RUST_LOG: debug }"),
        Key::new(
            "secrets",
            Kind::OneOf(&[
                Kind::List { of: &Kind::Name, min: 0 },
                Kind::Map {
                    what: "variable",
                    names: Names::Variable,
                    of: &Kind::Name,
                    min: 0,
                },
            ]),
            "Secrets that it may read, each in the variable of its name, or by variable. Of a task with `uses`: secrets of the file, each by the name that it has here.",
            "secrets: { TOKEN: REGISTRY_TOKEN }",
        )
        .later(),
        Key::new("timeout", Kind::Duration, "Time limit of one attempt; with `uses`, of everything in the file but its `finally`.", "timeout: 20m").default("none"),
        Key::new(
            "retry",
            Kind::OneOf(&[Kind::Integer { min: 0, max: 100 }, Kind::Object(&RETRY)]),
            "How often, when and after what pause it is tried again. The short form is the number of further attempts. It does not stand beside `uses`: what is tried again are single tasks, so each task of the file says it for itself.",
            "retry: { max: 2, backoff: 5s }",
        )
        .default("0"),
        Key::new("outputs", OUTPUTS, "Values that it gives, read as `tasks.NAME.outputs.OUTPUT`.", "outputs: { version: string, count: { type: number, default: 0 } }"),
        Key::new(
            "artifacts",
            Kind::Object(&ARTIFACTS),
            "Files that it gives and takes.",
            "artifacts: { out: { binary: target/release/shop } }",
        ),
        Key::new(
            "reports",
            Kind::Object(&REPORTS),
            "Files with results by format.",
            "reports: { junit: target/junit.xml }",
        )
        .later(),
        Key::new(
            "inputs",
            Kind::List {
                of: &Kind::filled(Phase::Start),
                min: 1,
            },
            "Files whose content decides, with the definition, whether an earlier result is taken over.",
            "inputs: [Cargo.lock, \"src/**\"]",
        )
        .later(),
        Key::new(
            "cache",
            Kind::List {
                of: &Kind::Object(&CACHE),
                min: 0,
            },
            "Files that are kept from run to run to save time.",
            "cache: [{ key: deps, paths: [node_modules] }]",
        )
        .later(),
        Key::new(
            "services",
            Kind::Map {
                what: "service",
                names: Names::Plain,
                of: &Kind::Object(&SERVICE),
                min: 0,
            },
            "Processes that run beside its steps.",
            "services: { db: { run: ./db.sh, ready: ./ready.sh } }",
        ),
        Key::new("shell", SHELL, "The shell of its scripts; `{file}` is the script's path.", "shell: python3 {file}")
            .default("the pipeline's"),
        Key::new(
            "working_dir",
            Kind::filled(Phase::Start),
            "The folder that its steps run in, relative to the source.",
            "working_dir: web",
        )
        .default("the pipeline's"),
        Key::new(
            "generates",
            Kind::filled(Phase::Start),
            "A file that it writes with further tasks: a mapping with the key `tasks`.",
            "generates: tasks.yaml",
        ),
        Key::new(
            "approval",
            Kind::OneOf(&[Kind::filled(Phase::Ready), Kind::Object(&APPROVAL)]),
            "A question that a person has to say yes to before it starts.",
            "approval: Deploy to production?",
        ),
        Key::new(
            "start",
            Kind::OneOf(&[Kind::word(&["automatic", "manual"]), Kind::Object(&START)]),
            "Who or what sets it going once its needs have ended.",
            "start: { after: 5m }",
        )
        .default("automatic"),
        Key::new(
            "concurrency",
            Kind::OneOf(&[Kind::filled(Phase::Ready), Kind::Object(&CONCURRENCY)]),
            "How many tasks of a group may be active at once, over all runs.",
            "concurrency: deploy",
        ),
        Key::new(
            "resources",
            Kind::Object(&RESOURCES),
            "What a worker must have free for it.",
            "resources: { cpu: 2, memory: 2GiB }",
        ),
        Key::new(
            "critical",
            Kind::Boolean,
            "`false`: when it fails, later tasks go on with the defaults of its outputs, and the run may succeed.",
            "critical: false",
        )
        .default("true"),
        Key::new(
            "allow_failure",
            Kind::OneOf(&[Kind::Boolean, Kind::Object(&TOLERANCE)]),
            "Which of its failures count as success.",
            "allow_failure: { exit_codes: [77] }",
        )
        .default("false"),
        Key::new(
            "idempotent",
            Kind::Boolean,
            "Whether it may run twice without harm, so that it is tried again after trouble of the platform.",
            "idempotent: true",
        )
        .default("false"),
        Key::new(
            "priority",
            Kind::Integer { min: -1000, max: 1000 },
            "Tasks with a larger number start first.",
            "priority: 5",
        )
        .default("0"),
        Key::new("role", Kind::filled(Phase::Ready), "The role that the worker must have.", "role: deploy"),
        Key::new(
            "labels",
            Kind::OneOf(&[
                Kind::filled(Phase::Ready),
                Kind::List {
                    of: &Kind::filled(Phase::Ready),
                    min: 0,
                },
            ]),
            "Labels that the worker must have.",
            "labels: [linux, arm64]",
        ),
        Key::new(
            "executor",
            Kind::Word {
                words: &["process"],
                later: &["sandbox", "container", "pod"],
                unfinished: &[],
            },
            "How the worker runs it.",
            "executor: process",
        )
        .default("process"),
        Key::new("label", Kind::filled(Phase::Ready), "What people see in place of its name.", "label: \"Test ${{ matrix.os }}\"")
            .default("its name"),
        Key::new("description", Kind::Plain, "What it is for.", "description: unit tests"),
        Key::new(
            "keep_streams_apart",
            Kind::Boolean,
            "Whether standard error is recorded apart from standard output. Their order is then not known.",
            "keep_streams_apart: true",
        )
        .default("false"),
        Key::new(
            "uses",
            Kind::Plain,
            "The reusable task or pipeline that it is: a file of the project by its path from the top, or of a Git repository as `git+URL//PATH@REF`.",
            "uses: ./ci/scan.yaml",
        ),
        Key::new(
            "with",
            Kind::Map {
                what: "param",
                names: Names::Plain,
                of: &Kind::OneOf(&[Kind::text(Phase::Ready), Kind::Any]),
                min: 0,
            },
            "Values for the params of the file that it uses.",
            "with: { level: high }",
        ),
        Key::new("container", CONTAINER, "The container that its steps run in.", "container: { image: \"rust:1\" }").later(),
        Key::new("image", Kind::Object(&IMAGE), "The image that it makes.", "image: { context: . }").later(),
    ],
)
.any_of(&["run", "steps", "uses", "approval", "image"])
.exclusive(&[
    ["run", "steps"],
    ["uses", "run"],
    ["uses", "steps"],
    ["uses", "env"],
    ["uses", "outputs"],
    ["uses", "artifacts"],
    ["uses", "reports"],
    ["uses", "inputs"],
    ["uses", "cache"],
    ["uses", "services"],
    ["uses", "shell"],
    ["uses", "working_dir"],
    ["uses", "generates"],
    ["uses", "retry"],
    ["uses", "resources"],
    ["uses", "idempotent"],
    ["uses", "priority"],
    ["uses", "role"],
    ["uses", "labels"],
    ["uses", "executor"],
    ["uses", "container"],
    ["uses", "image"],
    ["uses", "keep_streams_apart"],
])
.dependent(&[["with", "uses"]]);
