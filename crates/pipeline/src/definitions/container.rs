//! Containers: where something runs, and the images that tasks make.

use super::data::STEP_ENV;
use super::{Key, Kind, Names, Object, Phase};

/// `container:`, and `image:` of a service.
pub(super) const CONTAINER: Kind =
    Kind::OneOf(&[Kind::filled(Phase::Ready), Kind::Object(&CONTAINER_KEYS)]);

static CONTAINER_KEYS: Object = Object::new(
    "container",
    "Where something runs, when not directly on the worker. The short form is the image.",
    &[
        Key::new(
            "image",
            Kind::filled(Phase::Ready),
            "The image: `[REGISTRY/]NAME[:TAG][@sha256:DIGEST]`.",
            "image: \"rust:1.95\"",
        )
        .required(),
        Key::new(
            "env",
            Kind::Object(&STEP_ENV),
            "Environment in it.",
            "env: { A: b }",
        ),
        Key::new(
            "entrypoint",
            Kind::List {
                of: &Kind::Plain,
                min: 0,
            },
            "The program that it starts in place of the image's own, with arguments.",
            "entrypoint: [/bin/sh, -c]",
        ),
        Key::new(
            "user",
            Kind::Plain,
            "Who runs in it: a name or a number, with `:GROUP` if wanted.",
            "user: \"1000:1000\"",
        )
        .default("the image's"),
        Key::new(
            "pull",
            Kind::word(&["always", "if_missing", "never"]),
            "When the image is fetched.",
            "pull: always",
        )
        .default("if_missing"),
        Key::new(
            "options",
            Kind::List {
                of: &Kind::Plain,
                min: 0,
            },
            "Further options of the program that starts it.",
            "options: [\"--cpus=2\"]",
        ),
    ],
);

/// `image:` of a task.
pub(super) static IMAGE: Object = Object::new(
    "image",
    "An image that a task makes, after its steps if it has any. It is the artifact `image` of the task.",
    &[
        Key::new(
            "context",
            Kind::filled(Phase::Start),
            "The folder that it is made of, relative to the source.",
            "context: web",
        )
        .default("`.`"),
        Key::new(
            "dockerfile",
            Kind::filled(Phase::Start),
            "The file with its instructions, relative to the context.",
            "dockerfile: docker/Dockerfile",
        )
        .default("`Dockerfile`"),
        Key::new(
            "target",
            Kind::filled(Phase::Start),
            "The part of that file to make.",
            "target: release",
        )
        .default("the last"),
        Key::new(
            "args",
            Kind::Object(&STEP_ENV),
            "Values that the instructions read.",
            "args: { VERSION: \"${{ params.version }}\" }",
        ),
        Key::new(
            "labels",
            Kind::Map {
                what: "label",
                names: Names::Any,
                of: &Kind::text(Phase::Start),
                min: 0,
            },
            "Labels of the image.",
            "labels: { org.opencontainers.image.source: \"https://git.example/shop\" }",
        ),
        Key::new(
            "tags",
            Kind::List {
                of: &Kind::filled(Phase::Start),
                min: 1,
            },
            "References that it gets.",
            "tags: [\"registry.example/shop:${{ signal.branch }}\"]",
        ),
        Key::new(
            "platforms",
            Kind::List {
                of: &Kind::Plain,
                min: 1,
            },
            "Platforms that it is made for.",
            "platforms: [linux/amd64, linux/arm64]",
        )
        .default("the worker's"),
        Key::new(
            "push",
            Kind::Boolean,
            "Whether it is sent to the registries of its `tags`.",
            "push: true",
        )
        .default("false"),
    ],
)
.dependent(&[["push", "tags"]]);
