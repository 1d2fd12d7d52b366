//! Expressions as they are written in YAML, for lines of help that can be taken as they are.
//!
//! What is made here reads back as the expression that it was made of. Where that is not plain to see, such as for a
//! text with an expression in its middle, nothing is made, and help shows an example.

use crate::expression;
use crate::yaml::{Node, Value};
use model::Json;

/// Letters of a ready expression; more fit no line.
const LETTERS: usize = 160;

/// An expression between `${{` and `}}`, quoted as YAML wants it.
pub(crate) fn quoted(expression: &str) -> String {
    let joined = in_one_line(expression);
    let expression = joined.as_deref().unwrap_or(expression);
    let is_plain = |text: &str| !text.contains(|letter: char| letter.is_control());
    if is_plain(expression) && !expression.contains(['"', '\\']) {
        return format!("\"${{{{ {expression} }}}}\"");
    }
    if is_plain(expression) && !expression.contains('\'') {
        return format!("'${{{{ {expression} }}}}'");
    }
    let escaped: String = expression.chars().map(escaped).collect();
    // A comment at its end must not swallow the braces.
    let end = if joined.is_none() { "\\n" } else { "" };
    format!("\"${{{{ {escaped}{end} }}}}\"")
}

/// A letter between double quotes of YAML.
fn escaped(letter: char) -> String {
    match letter {
        '\\' => "\\\\".to_owned(),
        '"' => "\\\"".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        // All of them are below 256.
        control if control.is_control() => format!("\\x{:02x}", u32::from(control)),
        plain => plain.to_string(),
    }
}

/// The expression without line breaks and comments; `None` where a text goes over several lines.
fn in_one_line(expression: &str) -> Option<String> {
    if !expression.contains('\n') && !expression.contains("//") {
        return Some(expression.to_owned());
    }
    if expression.contains("\"\"\"") || expression.contains("'''") {
        return None;
    }
    let lines = expression.lines().map(|line| without_comment(line).trim());
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let joined = lines.join(" ");
    let (parsed, faults) = expression::template(&format!("${{{{ {joined} }}}}"));
    (faults.is_empty() && parsed.programs.len() == 1).then_some(joined)
}

/// A line up to its comment.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, letter) in line.char_indices() {
        match quote {
            _ if std::mem::take(&mut escaped) => {}
            Some(_) if letter == '\\' => escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None if line[at..].starts_with("//") => return &line[..at],
            None => {}
        }
    }
    line
}

/// A list or mapping with expressions among its texts as the one expression that gives it.
pub(crate) fn as_expression(node: &Node<'_>) -> Option<String> {
    let mut whole = String::new();
    add(&mut whole, node)?;
    Some(whole)
}

fn add(whole: &mut String, node: &Node<'_>) -> Option<()> {
    match &node.value {
        Value::Scalar(scalar) => match lone_expression(&scalar.text) {
            Some(inner) => whole.push_str(inner),
            None => add_literal(whole, &scalar.to_json())?,
        },
        Value::Sequence(items) => {
            whole.push('[');
            for (place, item) in items.iter().enumerate() {
                whole.push_str(if place == 0 { "" } else { ", " });
                add(whole, item)?;
            }
            whole.push(']');
        }
        Value::Mapping(entries) => {
            whole.push('{');
            for (place, entry) in entries.iter().enumerate() {
                whole.push_str(if place == 0 { "" } else { ", " });
                add_text(whole, &entry.key)?;
                whole.push_str(": ");
                add(whole, &entry.value)?;
            }
            whole.push('}');
        }
    }
    (whole.len() <= LETTERS).then_some(())
}

/// The expression of a text that is nothing else.
fn lone_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
    let is_simple = !inner.is_empty()
        && !["${{", "}}", "//", "\n"]
            .iter()
            .any(|it| inner.contains(it));
    is_simple.then_some(inner)
}

fn add_literal(whole: &mut String, value: &Json) -> Option<()> {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => whole.push_str(&value.to_string()),
        Json::String(text) => add_text(whole, text)?,
        Json::Array(_) | Json::Object(_) => return None,
    }
    Some(())
}

fn add_text(whole: &mut String, text: &str) -> Option<()> {
    let is_odd = |letter: char| letter.is_control() || matches!(letter, '\'' | '\\');
    if text.contains(is_odd) || text.contains("${{") || text.contains("}}") {
        return None;
    }
    whole.push('\'');
    whole.push_str(text);
    whole.push('\'');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Report;

    fn whole(text: &str) -> Option<String> {
        let mut report = Report::new("f.yaml", text, 0);
        as_expression(&crate::yaml::parse(&mut report)?)
    }

    #[test]
    fn quotes_of_an_expression_survive_yaml() {
        assert_eq!(quoted("a + 'b'"), "\"${{ a + 'b' }}\"");
        assert_eq!(quoted("a + \"b\""), "'${{ a + \"b\" }}'");
        assert_eq!(quoted("a + \"b\" + 'c'"), "\"${{ a + \\\"b\\\" + 'c' }}\"");
    }

    #[test]
    fn comments_and_line_breaks_between_words_are_left_out() {
        assert_eq!(quoted("a // b"), "\"${{ a }}\"");
        assert_eq!(quoted("a // the 'b\n  + c\n"), "\"${{ a + c }}\"");
        assert_eq!(quoted("a + '//b\\'//c'"), "\"${{ a + '//b\\\\'//c' }}\"");
    }

    #[test]
    fn line_breaks_of_a_text_are_kept() {
        assert_eq!(
            quoted("a + '''b\n//c''' // d"),
            "\"${{ a + '''b\\n//c''' // d\\n }}\""
        );
    }

    #[test]
    fn control_characters_are_written_as_escapes_of_yaml() {
        assert_eq!(
            quoted("a + '\r\u{1b}\u{85}\t'"),
            "\"${{ a + '\\x0d\\x1b\\x85\\t' }}\""
        );
    }

    #[test]
    fn a_list_with_expressions_becomes_one() {
        let list = r#"[mac, 1, true, "${{ params.os }}", {a: ["${{ x }}"]}]"#;
        let wanted = "['mac', 1, true, params.os, {'a': [x]}]";
        assert_eq!(whole(list).as_deref(), Some(wanted));
    }

    #[test]
    fn what_is_not_plain_to_see_is_left_to_the_author() {
        assert_eq!(whole(r#"["v${{ a }}"]"#), None);
        assert_eq!(whole(r#"["${{ a }}${{ b }}"]"#), None);
        assert_eq!(whole(r#"["it's", "${{ a }}"]"#), None);
        assert_eq!(whole(&format!("[{}]", "abc, ".repeat(60))), None);
    }
}
