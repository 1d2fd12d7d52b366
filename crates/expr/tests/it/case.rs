//! A test of the conformance set as values: its environment, its variables, what it expects.
#![expect(clippy::unwrap_used, reason = "tests")]

use expr::value::{Bytes, Key, Map, TypeName};
use expr::{Scope, Signature, Type, TypeEnv, Value};
use serde_json::Value as Json;

/// What the test may use.
pub(crate) fn environment(test: &Json) -> TypeEnv {
    let mut env = TypeEnv::new();
    env.set_container(test["container"].as_str().unwrap_or_default());
    for declaration in test["type_env"].as_array().unwrap_or(&Vec::new()) {
        let name = declaration["name"].as_str().unwrap();
        if let Some(function) = declaration.get("function") {
            for overload in items(&function["overloads"]) {
                let params = items(&overload["params"]).into_iter().map(kind).collect();
                env.declare_signature(
                    name,
                    Signature {
                        params,
                        variadic: false,
                        result: kind(&overload["result_type"]),
                    },
                );
            }
        } else {
            env.declare(name, kind(&declaration["ident"]["type"]));
        }
    }
    env
}

/// A repeated field: an array, or one object where there is one only.
fn items(json: &Json) -> Vec<&Json> {
    json.as_array()
        .map_or_else(|| vec![json], |items| items.iter().collect())
}

/// A type as the tests write it.
pub(crate) fn kind(json: &Json) -> Type {
    let (form, json) = json.as_object().unwrap().iter().next().unwrap();
    match (form.as_str(), json.as_str().unwrap_or_default()) {
        ("dyn", _) => Type::Dyn,
        ("null", _) => Type::Null,
        ("primitive", "BOOL") => Type::Bool,
        ("primitive", "INT64") => Type::Int,
        ("primitive", "UINT64") => Type::Uint,
        ("primitive", "DOUBLE") => Type::Double,
        ("primitive", "STRING") => Type::String,
        ("primitive", "BYTES") => Type::Bytes,
        ("well_known", "TIMESTAMP") => Type::Timestamp,
        ("well_known", "DURATION") => Type::Duration,
        ("list_type", _) => Type::list(kind(&json["elem_type"])),
        ("map_type", _) => Type::map(kind(&json["key_type"]), kind(&json["value_type"])),
        ("type_param", name) => Type::Param(name.into()),
        ("abstract_type", _) if json["name"] == "optional_type" => {
            Type::optional(kind(items(&json["parameter_types"])[0]))
        }
        ("abstract_type", _) => {
            let params = items(&json["parameter_types"])
                .into_iter()
                .map(kind)
                .collect();
            Type::Opaque(json["name"].as_str().unwrap().into(), params)
        }
        other => panic!("no such type: {other:?}"),
    }
}

/// Variables of a test; names are tried from the innermost container outwards.
pub(crate) struct Bindings {
    container: String,
    values: Vec<(String, Value)>,
}

impl Bindings {
    pub(crate) fn of(test: &Json) -> Self {
        let none = Vec::new();
        let bindings = test["bindings"].as_array().unwrap_or(&none);
        let values = bindings.iter().map(|binding| {
            (
                binding["key"].as_str().unwrap().to_owned(),
                value(&binding["value"]["value"]),
            )
        });
        Self {
            container: test["container"].as_str().unwrap_or_default().to_owned(),
            values: values.collect(),
        }
    }
}

impl Scope for Bindings {
    fn lookup(&self, name: &str) -> Option<Value> {
        let mut container = self.container.as_str();
        while !container.is_empty() {
            if let Some(value) = self.lookup_absolute(&format!("{container}.{name}")) {
                return Some(value);
            }
            container = container.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        self.lookup_absolute(name)
    }

    fn lookup_absolute(&self, name: &str) -> Option<Value> {
        self.values
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.clone())
    }

    fn has_dotted_names(&self) -> bool {
        true
    }
}

/// Equal with equal types; NaN is itself.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => {
            (a.is_nan() && b.is_nan()) || a.to_bits() == b.to_bits()
        }
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

/// A value as the tests write it.
pub(crate) fn value(json: &Json) -> Value {
    let (kind, json) = json.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "null_value" => Value::Null,
        "bool_value" => Value::Bool(json.as_bool().unwrap()),
        "int64_value" => Value::Int(json.as_i64().unwrap()),
        "uint64_value" => Value::Uint(json.as_u64().unwrap()),
        "double_value" => Value::Double(
            json.as_f64()
                .unwrap_or_else(|| json.as_str().unwrap().parse().unwrap()),
        ),
        "string_value" => Value::string(json.as_str().unwrap()),
        "bytes_value" => {
            use base64::Engine as _;
            let text = json["base64"].as_str().unwrap();
            Value::Bytes(Bytes::from(
                base64::engine::general_purpose::STANDARD
                    .decode(text)
                    .unwrap(),
            ))
        }
        "type_value" => Value::Type(TypeName::from_name(json.as_str().unwrap()).unwrap()),
        "list_value" => Value::list(json.get("values").map_or_else(Vec::new, |values| {
            values.as_array().unwrap().iter().map(value).collect()
        })),
        "map_value" => {
            let entries = json
                .get("entries")
                .map_or_else(Vec::new, |entries| entries.as_array().unwrap().clone());
            let entries = entries.iter().map(|entry| {
                (
                    Key::from_value(&value(&entry["key"])).unwrap(),
                    value(&entry["value"]),
                )
            });
            Value::Map(Map::new(entries.collect()).unwrap().into())
        }
        other => panic!("no such value: {other}"),
    }
}
