//! The JSON Schema of pipeline files, for editors. It is made from the definitions.
//!
//! It accepts what the checker of forms accepts. What values mean together (needs that exist, names
//! in expressions) only the checker knows.

use crate::definitions::{self, Kind, Names, Object};
use crate::scalar;
use model::Json;
use serde_json::{Map, json};

/// The schema of a pipeline file, JSON Schema 2020-12.
#[must_use]
pub fn json_schema() -> Json {
    let mut defs = Map::new();
    for object in definitions::all() {
        defs.insert(definition_name(object), object_schema(object));
    }
    defs.insert("constant".to_owned(), constant_schema());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Formic pipeline",
        "description": definitions::PIPELINE.doc,
        "$ref": reference(&definitions::PIPELINE),
        "$defs": defs,
    })
}

fn definition_name(object: &Object) -> String {
    object.name.replace([' ', '.'], "_")
}

fn reference(object: &Object) -> String {
    format!("#/$defs/{}", definition_name(object))
}

/// What is taken as text.
const TEXT: [&str; 3] = ["string", "number", "boolean"];

fn object_schema(object: &Object) -> Json {
    let mut properties = Map::new();
    for key in object.keys {
        let mut schema = if key.refused {
            json!({ "not": {}, "description": format!("{} Not supported by this version.", key.doc) })
        } else {
            let mut schema = kind_schema(&key.kind);
            if key.name == "command" {
                // The first is the program.
                schema["prefixItems"] = json!([{ "type": TEXT, "pattern": "\\S" }]);
            }
            schema["description"] = Json::from(key.doc);
            schema
        };
        if !key.default.is_empty() && !key.refused {
            let doc = format!("{} Default: {}.", key.doc, key.default);
            schema["description"] = Json::from(doc);
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let mut schema = json!({
        "type": "object",
        "description": object.doc,
        "properties": properties,
    });
    match &object.rest {
        None => schema["additionalProperties"] = Json::Bool(false),
        Some(rest) if rest.names == Names::Extension => {
            schema["patternProperties"] = json!({ "^x-": kind_schema(rest.kind) });
            schema["additionalProperties"] = Json::Bool(false);
        }
        Some(rest) => {
            schema["additionalProperties"] = kind_schema(rest.kind);
            schema["propertyNames"] = names_schema(rest.names);
        }
    }
    let required: Vec<&str> = object
        .keys
        .iter()
        .filter(|key| key.required && key.unless.is_empty())
        .map(|key| key.name)
        .collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let one_of_these = |keys: &mut dyn Iterator<Item = &'static str>| {
        Json::Array(keys.map(|key| json!({ "required": [key] })).collect())
    };
    if !object.any_of.is_empty() {
        schema["anyOf"] = one_of_these(&mut object.any_of.iter().copied());
    }
    for key in object.keys.iter().filter(|key| !key.unless.is_empty()) {
        let mut keys = key.unless.iter().copied().chain([key.name]);
        schema["anyOf"] = one_of_these(&mut keys);
    }
    for [one, needed] in object.dependent {
        schema["dependentRequired"][one] = json!([needed]);
    }
    if !object.exclusive.is_empty() {
        let each = object
            .exclusive
            .iter()
            .map(|pair| json!({ "not": { "required": pair } }));
        schema["allOf"] = Json::Array(each.collect());
    }
    schema
}

fn names_schema(names: Names) -> Json {
    match names {
        Names::Plain => json!({ "pattern": scalar::NAME_PATTERN }),
        Names::Variable => json!({ "pattern": scalar::VARIABLE_PATTERN }),
        Names::Extension => json!({ "pattern": "^x-" }),
        Names::Any => json!({}),
    }
}

fn kind_schema(kind: &Kind) -> Json {
    match kind {
        Kind::Any => json!({}),
        Kind::Constant => json!({ "$ref": "#/$defs/constant" }),
        Kind::Nothing => json!({ "type": "null" }),
        Kind::Text { empty: true, .. } => json!({ "type": TEXT }),
        Kind::Text { empty: false, .. } | Kind::Expression(_) => {
            json!({ "type": TEXT, "pattern": "\\S" })
        }
        Kind::Plain => json!({
            "type": TEXT,
            "pattern": "\\S",
            "not": { "type": "string", "pattern": "\\$\\{\\{" },
        }),
        Kind::Title => json!({
            "type": TEXT,
            "pattern": "\\S",
            "not": { "type": "string", "pattern": "\\$\\{\\{|/|^\\s*@\\s*$" },
        }),
        Kind::Name => json!({ "type": ["string", "boolean"], "pattern": scalar::NAME_PATTERN }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Factor => json!({ "anyOf": [
            { "type": "number", "minimum": 1, "maximum": 100 },
            { "type": "string", "pattern": scalar::FACTOR_PATTERN },
        ] }),
        Kind::Duration => json!({ "type": "string", "pattern": scalar::DURATION_PATTERN }),
        Kind::Size => json!({ "type": "string", "pattern": scalar::SIZE_PATTERN }),
        Kind::Cpu => json!({ "anyOf": [
            { "type": "number", "minimum": 0, "maximum": 10_000 },
            { "type": "string", "pattern": scalar::CPU_PATTERN },
        ] }),
        Kind::Word { words, .. } => json!({ "enum": words }),
        Kind::List { of, min } => {
            let mut schema = json!({ "type": "array", "items": kind_schema(of) });
            if *min > 0 {
                schema["minItems"] = json!(min);
            }
            schema
        }
        Kind::Map { names, of, min, .. } => {
            let mut schema = json!({
                "type": "object",
                "propertyNames": names_schema(*names),
                "additionalProperties": kind_schema(of),
            });
            if *min > 0 {
                schema["minProperties"] = json!(min);
            }
            schema
        }
        Kind::Object(object) => json!({ "$ref": reference(object) }),
        Kind::OneOf(kinds) => {
            let each = kinds.iter().map(|kind| {
                let is_any = matches!(kind, Kind::Any | Kind::Constant);
                let mut schema = if matches!(kind, Kind::Any) {
                    json!({})
                } else {
                    kind_schema(kind)
                };
                if is_any {
                    schema["type"] = remaining(kinds);
                }
                schema
            });
            json!({ "anyOf": each.collect::<Vec<_>>() })
        }
    }
}

/// The types that no other alternative takes.
fn remaining(kinds: &[Kind]) -> Json {
    let mut types = vec!["string", "number", "boolean", "null"];
    if !kinds.iter().any(|kind| matches!(kind, Kind::List { .. })) {
        types.push("array");
    }
    if !kinds
        .iter()
        .any(|kind| matches!(kind, Kind::Object(_) | Kind::Map { .. }))
    {
        types.push("object");
    }
    json!(types)
}

/// Any value whose texts hold no expressions.
fn constant_schema() -> Json {
    json!({
        "description": "A value that is taken as it is.",
        "not": { "type": "string", "pattern": "\\$\\{\\{" },
        "items": { "$ref": "#/$defs/constant" },
        "additionalProperties": { "$ref": "#/$defs/constant" },
    })
}
