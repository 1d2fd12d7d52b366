//! What sets a pipeline going.

use super::{Key, Kind, Names, Object};

const PATTERNS: Kind = Kind::OneOf(&[Kind::Plain, LIST]);

const LIST: Kind = Kind::List {
    of: &Kind::Plain,
    min: 1,
};

/// `on:`.
pub(super) static ON: Object = Object::new(
    "on",
    "What sets the pipeline going.",
    &[
        Key::new(
            "push",
            Kind::OneOf(&[Kind::Nothing, Kind::Object(&FILTERED)]),
            "A push to a branch.",
            "push: { branches: [main, \"release/*\"] }",
        ),
        Key::new(
            "pull_request",
            Kind::OneOf(&[Kind::Nothing, Kind::Object(&FILTERED)]),
            "A pull request that was opened or changed.",
            "pull_request: { paths: [\"web/**\"] }",
        ),
        Key::new(
            "tag",
            Kind::OneOf(&[Kind::Nothing, Kind::Plain, LIST, Kind::Object(&TAGS)]),
            "A tag that was pushed.",
            "tag: \"v*\"",
        ),
        Key::new(
            "schedule",
            Kind::List {
                of: &Kind::Object(&SCHEDULE),
                min: 1,
            },
            "Times.",
            "schedule: [{ cron: \"0 3 * * *\", timezone: Europe/Berlin }]",
        ),
        Key::new(
            "manual",
            Kind::OneOf(&[Kind::Nothing, Kind::Object(&MANUAL)]),
            "A person who asks.",
            "manual: {}",
        ),
        Key::new(
            "api",
            Kind::OneOf(&[Kind::Nothing, Kind::Object(&MANUAL)]),
            "A call of the API.",
            "api: {}",
        ),
    ],
);

static FILTERED: Object = Object::new(
    "on.push",
    "Which pushes and pull requests count. Patterns take `*`, `**` and `?`; `!` in front leaves out.",
    &[
        Key::new(
            "branches",
            PATTERNS,
            "Branches that count.",
            "branches: [main]",
        )
        .default("all"),
        Key::new(
            "paths",
            PATTERNS,
            "Changed files that count.",
            "paths: [\"src/**\", \"!**/*.md\"]",
        )
        .default("all"),
    ],
);

static TAGS: Object = Object::new(
    "on.tag",
    "Which tags count.",
    &[Key::new("tags", PATTERNS, "Tags that count.", "tags: [\"v*\"]").default("all")],
);

static SCHEDULE: Object = Object::new(
    "on.schedule",
    "A time.",
    &[
        Key::new(
            "cron",
            Kind::Plain,
            "Minute, hour, day, month and weekday.",
            "cron: \"0 3 * * *\"",
        )
        .required(),
        Key::new(
            "timezone",
            Kind::Plain,
            "The time zone by its IANA name.",
            "timezone: Europe/Berlin",
        )
        .default("UTC"),
        Key::new(
            "params",
            Kind::Map {
                what: "param",
                names: Names::Plain,
                of: &Kind::Constant,
                min: 0,
            },
            "Params of the runs that it starts.",
            "params: { full: true }",
        ),
    ],
);

static MANUAL: Object = Object::new("on.manual", "Nothing to say about it.", &[]);
