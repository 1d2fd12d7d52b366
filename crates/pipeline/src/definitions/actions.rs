//! Steps, and what decides about a task: needs, matrix, retry, approval, start, resources.

use super::container::CONTAINER;
use super::data::{OUTPUTS, STEP_ENV};
use super::pipeline::SHELL;
use super::{Key, Kind, Names, Object, Phase, Rest};

/// A step.
pub(super) static STEP: Object = Object::new(
    "step",
    "A step: one script or one command.",
    &[
        Key::new("name", Kind::Name, "Its name, read as `steps.NAME`.", "name: compile").default("step1, step2, …"),
        Key::new("run", Kind::filled(Phase::Start), "The script.", "run: make"),
        Key::new(
            "command",
            Kind::List {
                of: &Kind::text(Phase::Start),
                min: 1,
            },
            "A program and its arguments, started without a shell.",
            "command: [make, -j, \"4\"]",
        ),
        Key::new(
            "when",
            Kind::Expression(Phase::Start),
            "True to run, else the step is skipped. `succeeded() &&` is put before an expression that calls none of `succeeded()`, `failed()`, `canceled()` and `always()`.",
            "when: steps.compile.outcome == 'failed' || failed()",
        )
        .default("succeeded()"),
        Key::new("env", Kind::Object(&STEP_ENV), "Environment of this step only.", "env: { RUST_LOG: debug }"),
        Key::new("working_dir", Kind::filled(Phase::Start), "The folder that it runs in, relative to the task's.", "working_dir: web")
            .default("the task's"),
        Key::new("shell", SHELL, "The shell of its script.", "shell: sh").default("the task's"),
        Key::new("timeout", Kind::Duration, "Time limit.", "timeout: 90s").default("the task's"),
        Key::new(
            "continue_on_error",
            Kind::OneOf(&[Kind::Boolean, Kind::Object(&TOLERANCE)]),
            "Which of its failures the steps behind treat as success.",
            "continue_on_error: { exit_codes: [2] }",
        )
        .default("false"),
        Key::new("outputs", OUTPUTS, "Values that it gives, read as `steps.NAME.outputs.OUTPUT`.", "outputs: { version: string }"),
        Key::new(
            "post",
            Kind::OneOf(&[Kind::filled(Phase::Start), Kind::Object(&POST)]),
            "What runs for it after all steps of the task, in reverse order, also after failure and cancel.",
            "post: { run: docker compose down }",
        ),
        Key::new("label", Kind::filled(Phase::Start), "What people see in place of its name, in messages and in documents beside it. It reads what `env` of the step reads.", "label: Compile everything"),
        Key::new(
            "keep_streams_apart",
            Kind::Boolean,
            "Whether standard error is recorded apart from standard output.",
            "keep_streams_apart: true",
        )
        .default("false"),
        Key::new("uses", Kind::Any, "A reusable step.", "uses: ./ci/setup.yaml").refused(),
        Key::new("with", Kind::Any, "Inputs of the reusable step.", "with: { level: high }").refused(),
        Key::new("container", CONTAINER, "The container that it runs in.", "container: { image: \"rust:1\" }").later(),
    ],
)
.any_of(&["run", "command"])
.exclusive(&[["run", "command"], ["command", "shell"]]);

static POST: Object = Object::new(
    "post",
    "What runs for a step after all steps of its task. The short form is its script.",
    &[
        Key::new(
            "run",
            Kind::filled(Phase::Start),
            "The script.",
            "run: ./stop.sh",
        ),
        Key::new(
            "command",
            Kind::List {
                of: &Kind::text(Phase::Start),
                min: 1,
            },
            "A program and its arguments.",
            "command: [./stop.sh]",
        ),
        Key::new(
            "when",
            Kind::Expression(Phase::Start),
            "True to run.",
            "when: failed()",
        )
        .default("always()"),
        Key::new(
            "env",
            Kind::Object(&STEP_ENV),
            "Its environment.",
            "env: { A: b }",
        ),
        Key::new("shell", SHELL, "The shell of its script.", "shell: sh").default("the task's"),
    ],
)
.any_of(&["run", "command"])
.exclusive(&[["run", "command"], ["command", "shell"]]);

/// An entry of `needs:`.
pub(super) static NEED: Object = Object::new(
    "need",
    "A task that has to end first.",
    &[
        Key::new("task", Kind::Name, "The task.", "task: docs").required(),
        Key::new(
            "optional",
            Kind::Boolean,
            "Whether its skip counts as success.",
            "optional: true",
        )
        .default("false"),
    ],
);

/// `matrix:`.
pub(super) static MATRIX: Object = Object::new(
    "matrix",
    "Axes and their values; every combination is a task. A value may be an expression that gives a list.",
    &[
        Key::new(
            "include",
            Kind::OneOf(&[Kind::Expression(Phase::Ready), CELLS]),
            "Combinations to add, or values to add to those that agree.",
            "include: [{ os: windows, shard: 1 }]",
        ),
        Key::new(
            "exclude",
            Kind::OneOf(&[Kind::Expression(Phase::Ready), CELLS]),
            "Combinations to leave out.",
            "exclude: [{ os: mac, shard: 2 }]",
        ),
        Key::new(
            "fail_fast",
            Kind::Boolean,
            "Whether the failure of one member cancels the others.",
            "fail_fast: false",
        )
        .default("true"),
        Key::new(
            "max_parallel",
            Kind::Integer { min: 1, max: 100_000 },
            "How many members may be active at once.",
            "max_parallel: 4",
        )
        .default("no limit"),
    ],
)
.rest(Rest {
    what: "an axis",
    names: Names::Plain,
    kind: &Kind::OneOf(&[
        Kind::Expression(Phase::Ready),
        Kind::List {
            of: &Kind::Any,
            min: 0,
        },
    ]),
});

const CELLS: Kind = Kind::List {
    of: &Kind::Map {
        what: "value",
        names: Names::Plain,
        of: &Kind::Any,
        min: 1,
    },
    min: 0,
};

/// `retry:`.
pub(super) static RETRY: Object = Object::new(
    "retry",
    "When a failed task is tried again.",
    &[
        Key::new(
            "max",
            Kind::Integer { min: 0, max: 100 },
            "Attempts after the first.",
            "max: 2",
        )
        .required(),
        Key::new(
            "backoff",
            Kind::Duration,
            "Pause before the second attempt. Chance shortens this and every later pause by up to half, so that what failed together is not tried again together.",
            "backoff: 5s",
        )
        .default("1s"),
        Key::new(
            "factor",
            Kind::Factor,
            "By how much the pause grows each time; parts of a hundredth are rounded up.",
            "factor: 1.5",
        )
        .default("2"),
        Key::new(
            "max_backoff",
            Kind::Duration,
            "The longest pause.",
            "max_backoff: 1m",
        )
        .default("5m"),
        Key::new(
            "when",
            Kind::Expression(Phase::End),
            "True to try again; reads `failure.kind`, `failure.exit_code` and `attempt`.",
            "when: failure.kind == 'timeout' || failure.exit_code == 75",
        )
        .default("any failure of kind user or timeout"),
    ],
);

/// `approval:`.
pub(super) static APPROVAL: Object = Object::new(
    "approval",
    "A question to a person. The short form is the prompt.",
    &[
        Key::new(
            "prompt",
            Kind::filled(Phase::Ready),
            "What is asked.",
            "prompt: Deploy to production?",
        )
        .required(),
        Key::new(
            "deadline",
            Kind::Duration,
            "After this time without an answer the task fails with kind `policy`.",
            "deadline: 4h",
        )
        .default("24h"),
    ],
);

/// `start:`.
pub(super) static START: Object = Object::new(
    "start",
    "Who or what sets a task going.",
    &[
        Key::new(
            "after",
            Kind::Duration,
            "A pause after it could have started.",
            "after: 5m",
        ),
        Key::new(
            "manual",
            Kind::Boolean,
            "Whether a person has to start it.",
            "manual: true",
        )
        .default("false"),
        Key::new(
            "blocking",
            Kind::Boolean,
            "Whether tasks behind a manual one wait for it; `false`: they treat it as succeeded.",
            "blocking: false",
        )
        .default("true"),
    ],
)
.any_of(&["after", "manual"])
.exclusive(&[["after", "manual"], ["after", "blocking"]]);

/// `resources:`.
pub(super) static RESOURCES: Object = Object::new(
    "resources",
    "What a worker must have free.",
    &[
        Key::new(
            "cpu",
            Kind::Cpu,
            "CPUs; parts of a thousandth are rounded up.",
            "cpu: 500m",
        )
        .default("0"),
        Key::new(
            "memory",
            Kind::Size,
            "Memory; also the limit where one can be set.",
            "memory: 2GiB",
        )
        .default("0"),
    ],
)
.rest(Rest {
    what: "something that is counted",
    names: Names::Plain,
    kind: &Kind::Integer {
        min: 0,
        max: 1_000_000,
    },
});

/// Which failures count as success.
pub(super) static TOLERANCE: Object = Object::new(
    "tolerance",
    "Which failures count as success.",
    &[
        Key::new(
            "exit_codes",
            Kind::List {
                of: &Kind::Integer { min: 0, max: 255 },
                min: 1,
            },
            "Those with one of these exit codes.",
            "exit_codes: [77]",
        ),
        Key::new(
            "when",
            Kind::Expression(Phase::End),
            "Those for which this is true.",
            "when: failure.kind == 'timeout'",
        ),
    ],
)
.any_of(&["exit_codes", "when"])
.exclusive(&[["exit_codes", "when"]]);
