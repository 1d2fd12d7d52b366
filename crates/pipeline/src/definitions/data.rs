//! Values: params, environment, outputs, artifacts, and groups of runs or tasks.

use super::container::CONTAINER;
use super::{Key, Kind, Names, Object, Phase, Rest};

/// The types of outputs, as files call them; the last is the only one that params have not.
pub(crate) const OUTPUT_TYPES: &[&str] = &[
    "string", "number", "boolean", "enum", "list", "object", "artifact",
];
/// The types of params.
pub(crate) const PARAM_TYPES: &[&str] = OUTPUT_TYPES.split_at(OUTPUT_TYPES.len() - 1).0;

const PARAM_TYPE: Kind = Kind::word(PARAM_TYPES);
const OUTPUT_TYPE: Kind = Kind::word(OUTPUT_TYPES);

/// A param.
pub(super) static PARAM: Object = Object::new(
    "param",
    "A value that may be given when a run is started. The short form `NAME: DEFAULT` takes the type of the default.",
    &[
        Key::new("type", PARAM_TYPE, "The type of its value.", "type: number")
            .default("that of the default, else string"),
        Key::new(
            "enum",
            Kind::List {
                of: &Kind::Plain,
                min: 1,
            },
            "The words that it may be.",
            "enum: [debug, release]",
        ),
        Key::new(
            "default",
            Kind::Constant,
            "Its value when none is given; without one it is required.",
            "default: debug",
        ),
        Key::new(
            "description",
            Kind::Plain,
            "What it is for.",
            "description: Cargo profile",
        ),
    ],
);

/// `env:`.
pub(super) static ENV: Object = Object::new(
    "env",
    "Environment variables by name.",
    &[Key::new(
        "inherit",
        Kind::OneOf(&[
            Kind::List { of: &Kind::Plain, min: 0 },
            Kind::text(Phase::Start),
        ]),
        "As a list: names of variables to take over from the worker's own environment. As text: a variable called `inherit`.",
        "inherit: [SSH_AUTH_SOCK]",
    )],
)
.rest(Rest {
    what: "a variable",
    names: Names::Variable,
    kind: &Kind::Text {
        phase: Phase::Start,
        empty: true,
    },
});

/// `env:` of a step, which inherits what its task inherits.
pub(super) static STEP_ENV: Object = Object::new("step env", "Environment variables by name.", &[])
    .rest(Rest {
        what: "a variable",
        names: Names::Variable,
        kind: &Kind::Text {
            phase: Phase::Start,
            empty: true,
        },
    });

/// `outputs:` of a task or a step.
pub(super) const OUTPUTS: Kind = Kind::Map {
    what: "output",
    names: Names::Plain,
    of: &Kind::OneOf(&[OUTPUT_TYPE, Kind::Object(&OUTPUT)]),
    min: 0,
};

static OUTPUT: Object = Object::new(
    "output",
    "A value for later tasks or steps. A step writes it with `echo NAME=VALUE >> \"$FORMIC_OUTPUT\"`. The short form `NAME: TYPE` is its type.",
    &[
        Key::new("type", OUTPUT_TYPE, "How what was written is read.", "type: number").default("string"),
        Key::new(
            "enum",
            Kind::List { of: &Kind::Plain, min: 1 },
            "The words that it may be.",
            "enum: [small, large]",
        ),
        Key::new(
            "from",
            Kind::filled(Phase::End),
            "Where it comes from, when no step writes it under its own name.",
            "from: \"${{ steps.compile.outputs.version }}\"",
        ),
        Key::new(
            "artifact",
            Kind::Name,
            "The artifact of this task whose digest it is.",
            "artifact: image",
        ),
        Key::new(
            "default",
            Kind::Constant,
            "Its value when nothing was written, or when the task failed and is not critical.",
            "default: 0",
        ),
        Key::new("description", Kind::Plain, "What it is for.", "description: version that was built"),
    ],
)
.exclusive(&[
    ["artifact", "from"],
    ["artifact", "enum"],
    ["artifact", "default"],
]);

/// One of `outputs:` of a pipeline.
pub(super) static GIVEN_OUTPUT: Object = Object::new(
    "given output",
    "A value that the pipeline gives to the task that uses it.",
    &[
        Key::new("type", PARAM_TYPE, "How the value is read.", "type: number").default("string"),
        Key::new(
            "enum",
            Kind::List {
                of: &Kind::Plain,
                min: 1,
            },
            "The words that it may be.",
            "enum: [small, large]",
        ),
        Key::new(
            "value",
            Kind::filled(Phase::Ready),
            "The value; it may read the results of every task.",
            "value: \"${{ tasks.build.outputs.version }}\"",
        )
        .required(),
        Key::new(
            "default",
            Kind::Constant,
            "Its value when it cannot be computed, because a task was skipped or has failed.",
            "default: 0",
        ),
        Key::new(
            "description",
            Kind::Plain,
            "What it is for.",
            "description: version that was built",
        ),
    ],
);

/// `artifacts:` of a task.
pub(super) static ARTIFACTS: Object = Object::new(
    "artifacts",
    "Files that go from task to task. Kept are the paths, the content, where links lead, and whether the owner may run a file; not empty folders, other rights, owners and times.",
    &[
        Key::new(
            "out",
            Kind::Map {
                what: "artifact",
                names: Names::Plain,
                of: &Kind::OneOf(&[
                    Kind::filled(Phase::Start),
                    Kind::List {
                        of: &Kind::filled(Phase::Start),
                        min: 1,
                    },
                    Kind::Object(&ARTIFACT_OUT),
                ]),
                min: 0,
            },
            "What the task gives, by name.",
            "out:\n  binary: target/release/shop\n  logs: { paths: [\"logs/**\"], when: always, if_missing: ignore }",
        ),
        Key::new(
            "in",
            Kind::List {
                of: &Kind::Object(&ARTIFACT_IN),
                min: 0,
            },
            "What the task takes from tasks that it needs.",
            "in: [{ from: build, name: binary, to: bin }]",
        ),
    ],
);

static ARTIFACT_OUT: Object = Object::new(
    "artifact",
    "Files that the task gives. The short forms are one pattern or a list of patterns.",
    &[
        Key::new(
            "paths",
            Kind::List {
                of: &Kind::filled(Phase::Start),
                min: 1,
            },
            "Patterns of files, relative to the source.",
            "paths: [\"dist/**\"]",
        )
        .required(),
        Key::new(
            "exclude",
            Kind::List {
                of: &Kind::filled(Phase::Start),
                min: 0,
            },
            "Patterns of files to leave out.",
            "exclude: [\"**/*.tmp\"]",
        ),
        Key::new(
            "when",
            Kind::word(&["success", "failure", "always"]),
            "After which ends of the steps it is taken.",
            "when: always",
        )
        .default("success"),
        Key::new(
            "if_missing",
            Kind::word(&["fail", "warn", "ignore"]),
            "What it means that no file matches.",
            "if_missing: ignore",
        )
        .default("fail"),
    ],
);

static ARTIFACT_IN: Object = Object::new(
    "taken artifact",
    "Files that the task takes before its first step.",
    &[
        Key::new("from", Kind::Name, "The task that gives it.", "from: build").required(),
        Key::new("name", Kind::Name, "The artifact.", "name: binary").required(),
        Key::new(
            "to",
            Kind::filled(Phase::Start),
            "The folder to put it in.",
            "to: bin",
        )
        .default("where it was taken from"),
        Key::new(
            "optional",
            Kind::Boolean,
            "Whether the task goes on without it.",
            "optional: true",
        )
        .default("false"),
    ],
);

/// `concurrency:`.
pub(super) static CONCURRENCY: Object = Object::new(
    "concurrency",
    "How many members of a group may be active at once. The short form is the group.",
    &[
        Key::new("group", Kind::filled(Phase::Ready), "The group's name.", "group: deploy").required(),
        Key::new("limit", Kind::Integer { min: 1, max: 10_000 }, "How many may be active.", "limit: 2").default("1"),
        Key::new(
            "cancel_superseded",
            Kind::OneOf(&[Kind::Boolean, Kind::word(&["waiting"])]),
            "Whether a newcomer cancels the others: `true` all, `waiting` those that have not started.",
            "cancel_superseded: true",
        )
        .default("false"),
    ],
);

const RESULTS: Kind = Kind::OneOf(&[
    Kind::filled(Phase::Start),
    Kind::List {
        of: &Kind::filled(Phase::Start),
        min: 1,
    },
]);

/// `reports:` of a task.
pub(super) static REPORTS: Object = Object::new(
    "reports",
    "Files with results, by their format; one pattern or a list of patterns.",
    &[
        Key::new(
            "junit",
            RESULTS,
            "Tests, as the XML of JUnit, which most test tools write.",
            "junit: target/junit.xml",
        ),
        Key::new(
            "coverage",
            RESULTS,
            "Lines that tests ran through, as Cobertura XML or LCOV.",
            "coverage: target/lcov.info",
        ),
        Key::new(
            "sarif",
            RESULTS,
            "Findings of linters and scanners, as SARIF.",
            "sarif: \"scan/*.sarif\"",
        ),
    ],
);

/// `cache:` of a task.
pub(super) static CACHE: Object = Object::new(
    "cache",
    "Files that are restored before the steps and saved after them.",
    &[
        Key::new(
            "key",
            Kind::filled(Phase::Start),
            "Its key.",
            "key: \"cargo-${{ hash('Cargo.lock') }}\"",
        )
        .required(),
        Key::new(
            "paths",
            Kind::List {
                of: &Kind::filled(Phase::Start),
                min: 1,
            },
            "What it holds.",
            "paths: [target]",
        )
        .required(),
        Key::new(
            "restore_keys",
            Kind::List {
                of: &Kind::filled(Phase::Start),
                min: 0,
            },
            "Beginnings of keys to fall back on.",
            "restore_keys: [cargo-]",
        ),
        Key::new(
            "read_only",
            Kind::Boolean,
            "Whether it is only restored.",
            "read_only: true",
        )
        .default("false"),
    ],
);

/// One of `services:`.
pub(super) static SERVICE: Object = Object::new(
    "service",
    "A process that runs beside the steps. Service and steps find its place in `NAME_HOST` and `NAME_PORT`.",
    &[
        Key::new(
            "run",
            Kind::filled(Phase::Start),
            "The command that starts it; it ends when the service does.",
            "run: redis-server --port \"$CACHE_PORT\"",
        ),
        Key::new(
            "ready",
            Kind::filled(Phase::Start),
            "A command that succeeds once it is ready; it is tried until then.",
            "ready: redis-cli -p \"$CACHE_PORT\" ping",
        ),
        Key::new(
            "port",
            Kind::OneOf(&[
                Kind::word(&["auto"]),
                Kind::Integer {
                    min: 1,
                    max: 65_535,
                },
            ]),
            "The port that it listens on; `auto` is a free one. Without `ready`, it is ready when it takes connections.",
            "port: auto",
        )
        .default("a free one that nobody waits for"),
        Key::new(
            "timeout",
            Kind::Duration,
            "How long it may take until it is ready.",
            "timeout: 2m",
        )
        .default("1m"),
        Key::new(
            "env",
            Kind::Object(&STEP_ENV),
            "Its environment, besides that of the task.",
            "env: { A: b }",
        ),
        Key::new(
            "image",
            CONTAINER,
            "In place of `run`: the image that it runs in, or the keys of a container.",
            "image: postgres:16",
        )
        .later(),
    ],
)
.any_of(&["run", "image"])
.exclusive(&[["run", "image"]]);
