//! Values that steps wrote as text, read as their declared type.

use model::plan::{Output, ValueType};
use model::{Json, limits, number};
use std::collections::BTreeMap;

/// What one step wrote into its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Values by name.
    pub outputs: BTreeMap<String, String>,
    /// Variables for the steps behind, in order.
    pub env: Vec<(String, String)>,
    /// Folders to put before `PATH`, in order.
    pub path: Vec<String>,
    /// Texts that no log may show from now on.
    pub masks: Vec<String>,
}

/// `text` as a value of the declared type.
///
/// # Errors
/// When it is no such value, or too large.
pub fn typed(name: &str, value_type: &ValueType, text: &str) -> Result<Json, String> {
    bounded(name, text.len())?;
    let parsed = match value_type {
        ValueType::String | ValueType::Artifact | ValueType::Enum(_) => Json::from(text),
        ValueType::Number => match number::parse(text.trim()) {
            Ok(number) => Json::Number(number),
            Err(wanted) => return Err(not(name, &wanted.to_string(), text)),
        },
        ValueType::Boolean | ValueType::List | ValueType::Object => {
            serde_json::from_str(text.trim()).map_err(|_| unfit(name, value_type, text))?
        }
    };
    fit(name, value_type, parsed)
}

/// A computed value, unless it is too large.
pub(crate) fn computed(name: &str, value: Json) -> Result<Json, String> {
    let bytes = value
        .as_str()
        .map_or_else(|| value.to_string().len(), str::len);
    bounded(name, bytes)?;
    Ok(value)
}

fn bounded(name: &str, bytes: usize) -> Result<(), String> {
    let most = limits::OUTPUT_BYTES;
    if bytes > most {
        return Err(format!(
            "output `{name}` has {bytes} bytes; at most {most} are kept inline, write an artifact instead"
        ));
    }
    Ok(())
}

/// `value` as an input of the declared type: text is read as what steps write is.
///
/// # Errors
/// When it is no such value.
pub(crate) fn input(name: &str, value_type: &ValueType, value: Json) -> Result<Json, String> {
    let read = match (value_type, &value) {
        (
            ValueType::Number | ValueType::Boolean | ValueType::List | ValueType::Object,
            Json::String(text),
        ) => typed(name, value_type, text),
        (_, _) => fit(name, value_type, value),
    };
    read.map_err(|message| message.replacen("output", "input", 1))
}

/// Whether `value` is one that the declared output may have.
pub(crate) fn is_typed(name: &str, declared: &Output, value: &Json) -> bool {
    fit(name, &declared.value_type, value.clone()).as_ref() == Ok(value)
}

/// `value`, if it is of the declared type.
pub(crate) fn fit(name: &str, value_type: &ValueType, value: Json) -> Result<Json, String> {
    let fits = match (value_type, &value) {
        (ValueType::Enum(words), Json::String(word)) => words.contains(word),
        (ValueType::String | ValueType::Artifact, Json::String(_))
        | (ValueType::Number, Json::Number(_))
        | (ValueType::Boolean, Json::Bool(_))
        | (ValueType::List, Json::Array(_))
        | (ValueType::Object, Json::Object(_)) => true,
        // A number or truth value that was computed is welcome as text.
        (ValueType::String, Json::Number(_) | Json::Bool(_)) => {
            return Ok(Json::from(value.to_string()));
        }
        (_, _) => false,
    };
    if fits {
        return Ok(value);
    }
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Err(unfit(name, value_type, &text))
}

/// Whether values of the type can carry text from outside.
pub(crate) fn holds_text(value_type: &ValueType) -> bool {
    match value_type {
        ValueType::String | ValueType::List | ValueType::Object => true,
        ValueType::Number | ValueType::Boolean | ValueType::Enum(_) | ValueType::Artifact => false,
    }
}

/// Says of a declared output that no step wrote it, and how one does.
pub(super) fn unwritten(name: &str) -> String {
    format!(
        "output `{name}` is declared, and no step wrote it; write it with \
         `echo \"{name}=VALUE\" >> \"$FORMIC_OUTPUT\"`, or declare its `default`"
    )
}

/// Whether a step has to write it: nothing else gives its value.
pub(super) fn has_to_be_written(declared: &Output) -> bool {
    let given = declared.from.is_some() || declared.default.is_some();
    !given && declared.value_type != ValueType::Artifact
}

fn unfit(name: &str, value_type: &ValueType, text: &str) -> String {
    let wanted = match value_type {
        ValueType::String => "a string".to_owned(),
        ValueType::Number => "a number".to_owned(),
        ValueType::Boolean => "`true` or `false`".to_owned(),
        ValueType::List => "a JSON array".to_owned(),
        ValueType::Object => "a JSON object".to_owned(),
        ValueType::Artifact => "the name of an artifact".to_owned(),
        ValueType::Enum(words) => format!("one of {}", words.join(", ")),
    };
    not(name, &wanted, text)
}

fn not(name: &str, wanted: &str, text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    format!("output `{name}` is `{short}`; expected {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_read_as_the_declared_type() {
        assert_eq!(typed("n", &ValueType::Number, "3.5\n"), Ok(json!(3.5)));
        assert_eq!(typed("s", &ValueType::String, "3.10"), Ok(json!("3.10")));
        assert_eq!(typed("l", &ValueType::List, "[1, 2]"), Ok(json!([1, 2])));
        assert_eq!(typed("b", &ValueType::Boolean, "true"), Ok(json!(true)));
    }

    #[test]
    fn a_value_of_another_type_is_refused_by_name() {
        let error = typed("count", &ValueType::Number, "many").unwrap_err();
        assert_eq!(error, "output `count` is `many`; expected a number");
        let large = "99999999999999999999";
        assert_eq!(
            typed("count", &ValueType::Number, large).unwrap_err(),
            format!(
                "output `count` is `{large}`; expected a number from {} to {}",
                i64::MIN,
                i64::MAX
            )
        );
        let words = ValueType::Enum(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(
            typed("w", &words, "c").unwrap_err(),
            "output `w` is `c`; expected one of a, b"
        );
    }

    #[test]
    fn a_value_over_the_limit_is_refused() {
        let long = "x".repeat(limits::OUTPUT_BYTES + 1);
        let error = typed("big", &ValueType::String, &long).unwrap_err();
        assert!(error.ends_with("write an artifact instead"), "{error}");
    }
}
