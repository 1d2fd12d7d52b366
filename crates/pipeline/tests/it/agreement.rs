//! The checker and the JSON Schema take the same values: every kind of value with texts at and around its limits.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::schema::{FORM, json, validator};
use pipeline::{SourceFile, check};
use proptest::prelude::*;
use std::sync::LazyLock;

/// A kind of value, and a file in which `@` stands for one.
const KINDS: [(&str, &str); 25] = [
    ("a size", "tasks: {t: {run: x, resources: {memory: @}}}"),
    (
        "a number of CPUs",
        "tasks: {t: {run: x, resources: {cpu: @}}}",
    ),
    (
        "a factor",
        "tasks: {t: {run: x, retry: {max: 1, factor: @}}}",
    ),
    ("a duration", "timeout: @\ntasks: {t: {run: x}}"),
    ("a whole number", "priority: @\ntasks: {t: {run: x}}"),
    ("a number of retries", "tasks: {t: {run: x, retry: @}}"),
    (
        "a port",
        "tasks: {t: {run: x, services: {s: {run: y, port: @}}}}",
    ),
    ("a boolean", "tasks: {t: {run: x, critical: @}}"),
    ("a name", "secrets: [@]\ntasks: {t: {run: x}}"),
    ("a name of a task", "tasks: {@: {run: x}}"),
    ("a name of a variable", "env: {@: x}\ntasks: {t: {run: x}}"),
    ("a key", "@: x\ntasks: {t: {run: x}}"),
    (
        "a word",
        "tasks: {t: {run: x, artifacts: {out: {a: {paths: [b], when: @}}}}}",
    ),
    ("a type", "params: {p: {type: @}}\ntasks: {t: {run: x}}"),
    ("a signal", "on: @\ntasks: {t: {run: x}}"),
    (
        "a time",
        "on: {schedule: [{cron: @}]}\ntasks: {t: {run: x}}",
    ),
    (
        "a time zone",
        "on: {schedule: [{cron: \"0 3 * * *\", timezone: @}]}\ntasks: {t: {run: x}}",
    ),
    (
        "a pattern of a filter",
        "on: {push: {paths: [@]}}\ntasks: {t: {run: x}}",
    ),
    ("a pattern of files", "tasks: {t: {run: x, inputs: [@]}}"),
    ("a script", "tasks: {t: {run: @}}"),
    ("a condition", "tasks: {t: {run: x, when: @}}"),
    ("an image", "tasks: {t: {run: x, container: @}}"),
    (
        "a default",
        "params: {p: {default: @}}\ntasks: {t: {run: x}}",
    ),
    ("a name of a pipeline", "name: @\ntasks: {t: {run: x}}"),
    ("a text", "tasks: {t: {run: x, description: @}}"),
];

/// Texts at and around the limits of every kind.
const TEXTS: &[&str] = &[
    // Whole numbers.
    "0",
    "-0",
    "1",
    "-1",
    "100",
    "101",
    "1000",
    "1001",
    "-1000",
    "-1001",
    "65535",
    "65536",
    "+1",
    "01",
    "007",
    "1_000",
    "0x10",
    "0o17",
    "1e3",
    "1E3",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999",
    // Decimal numbers.
    "1.0",
    "2.0",
    "-1.0",
    "1.5",
    "1.50",
    "01.5",
    "1.234",
    "1.2345",
    "1.23456789",
    "0.999",
    "0.9999",
    "99.999",
    "99.9999",
    "100.0",
    "100.000",
    "100.001",
    "100.0001",
    "1.",
    ".5",
    "1e-7",
    "1.5e1",
    "1e400",
    ".inf",
    ".nan",
    "NaN",
    "1.2.3",
    // CPUs.
    "10000",
    "10000.0",
    "10000.001",
    "10000.0001",
    "10001",
    "9999.999",
    "500m",
    "0m",
    "m",
    "0500m",
    "1.5m",
    "-1m",
    "10000000m",
    "10000001m",
    "99999999m",
    "500 m",
    "00010000",
    // Sizes.
    "0B",
    "1B",
    "2KiB",
    "2Ki",
    "2KB",
    "2kB",
    "2MiB",
    "2Gi",
    "2GiB",
    "2 GiB",
    "2  GiB",
    "2\tGiB",
    " 2GiB ",
    "2G",
    "2gib",
    "GiB",
    "1.5GiB",
    "1.500GiB",
    "1.5000GiB",
    "1.GiB",
    ".5GiB",
    "999999GiB",
    "999999.999GiB",
    "1000000GiB",
    "0999999GiB",
    "9999TiB",
    "9999.999TiB",
    "09999TiB",
    "10000TiB",
    "16777TiB",
    "999999TiB",
    "9999TB",
    "10000TB",
    "9999Ti",
    "-1GiB",
    "2\u{a0}GiB",
    "2PiB",
    // Durations.
    "1ms",
    "1s",
    "90s",
    "1m",
    "1h30m",
    "30m1h",
    "1d",
    "1w",
    "1 h",
    "1h 30m",
    "1.5h",
    "ms",
    "s",
    "1S",
    "12:30",
    "-1s",
    "99999999999999999999s",
    "01h",
    // Names and keys.
    "a",
    "_",
    "_1",
    "-a",
    "a-b",
    "a_b",
    "a.b",
    "a b",
    "1a",
    "é",
    "aé",
    "x-a",
    "name",
    "inherit",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    // Words.
    "true",
    "false",
    "True",
    "TRUE",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "null",
    "~",
    "",
    " ",
    "\u{a0}",
    "success",
    "always",
    "Always",
    "string",
    "number",
    "boolean",
    "list",
    "object",
    "enum",
    "artifact",
    "push",
    "tag",
    "schedule",
    "manual",
    "api",
    "auto",
    // Times, zones, patterns, images, expressions.
    "0 3 * * *",
    "0 25 * * *",
    "* * * *",
    "@daily",
    "UTC",
    "Europe/Berlin",
    "Europe/Berlni",
    "src/**",
    "!src/**",
    "!",
    "src/[a",
    "../x",
    "/x",
    "rust:1",
    "rust@sha256:12",
    "rust@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "Rust",
    "${{ params.x }}",
    "a ${{ 1 }}",
    "${{",
    "params.x",
    "1 + 1",
    "$",
    "{{ x }}",
    // Names of pipelines.
    "@",
    " @ ",
    "@x",
    "shop/web",
    "shop web",
];

/// Values of the right form that the checker refuses for what they mean at this place.
const BEYOND: [(&str, &str); 2] = [("a duration", "0m"), ("a pattern of a filter", "!")];

static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(validator);

/// Whether the checker finds a fault of form, and whether the schema does; nothing where the file is no YAML.
fn verdicts(text: &str) -> Option<(bool, bool, Vec<&'static str>)> {
    let said = check(&SourceFile::new("f.yaml", text));
    if said.iter().any(|each| each.code.starts_with("E01")) {
        return None;
    }
    let of_form = said.iter().any(|each| FORM.contains(&each.code));
    let codes = said.iter().map(|each| each.code).collect();
    Some((of_form, !VALIDATOR.is_valid(&json(text)?), codes))
}

/// The differences between checker and schema for one text in the place of every kind.
fn differences(text: &str) -> Vec<String> {
    let written = [text.to_owned(), serde_json::to_string(text).unwrap()];
    let mut found = Vec::new();
    for (kind, file) in KINDS {
        for written in &written {
            let verdicts = verdicts(&file.replace('@', written));
            let Some((by_checker, by_schema, codes)) = verdicts else {
                continue;
            };
            if by_checker != by_schema && !BEYOND.contains(&(kind, text)) {
                let who = if by_schema {
                    "the schema"
                } else {
                    "the checker"
                };
                found.push(format!(
                    "{kind} `{written}`: only {who} refuses it: {codes:?}"
                ));
            }
        }
    }
    found
}

#[test]
fn checker_and_schema_take_the_same_values_at_their_limits() {
    let texts = TEXTS.iter();
    let found: Vec<String> = texts.flat_map(|text| differences(text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn checker_and_schema_take_the_same_amounts(text in "[+-]?[0-9]{0,7}(\\.[0-9]{0,5})?(e-?[0-9])?  ?(m|ms|s|h|B|[kKMGT]i?B?)?") {
            prop_assert_eq!(differences(text.trim()), Vec::<String>::new());
    }
}
