//! Templates: parts stand in order, text that is escaped comes back, taint of a part taints the whole.

use expr::budget::MAX_STRING_BYTES;
use expr::template::{Part, in_text};
use expr::{Budget, Dialect, Template, compile};

use crate::scope;

/// Parses and evaluates the text as a template.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    escaped_text_comes_back(text);
    let template = match Template::parse(Dialect::Cel, text) {
        Ok(template) => template,
        Err(error) => return crate::expression::error_fits(&error, text),
    };
    let mut end = 0;
    let mut whole_bytes = 0;
    for part in template.parts() {
        match part {
            Part::Text(plain) => {
                assert!(!plain.is_empty(), "an empty part");
                whole_bytes += plain.len();
            }
            Part::Expr { program, span } => {
                let source = span.of(text);
                assert!(
                    source.starts_with("${{") && source.ends_with("}}"),
                    "{source}"
                );
                assert!(span.start >= end, "parts overlap");
                end = span.end;
                whole_bytes += source.len();
                crate::expression::places_fit(program, text);
                assert!(
                    compile(Dialect::Cel, program.text()).is_ok(),
                    "{}",
                    program.text()
                );
            }
        }
    }
    // Only escapes are shorter than their source.
    let escapes = text.matches("$${{").count();
    assert!(whole_bytes <= text.len() && text.len() <= whole_bytes + escapes);
    evaluated(&template);
}

fn escaped_text_comes_back(text: &str) {
    let escaped = text.replace("${{", "$${{");
    let template = Template::parse(Dialect::Cel, &escaped)
        .unwrap_or_else(|error| panic!("escaped text is refused: {error}: {escaped}"));
    assert!(template.is_literal());
    assert_eq!(template.as_literal(), Some(text));
}

fn evaluated(template: &Template) {
    let scope = scope::scope("main");
    let mut budget = Budget::new(scope::STEPS);
    let Ok(value) = template.eval(&scope, &mut budget) else {
        return;
    };
    assert!(budget.used() <= scope::STEPS);
    if template.as_program().is_some() {
        return;
    }
    let text = value.as_str().expect("several parts make a text");
    assert!(text.len() <= MAX_STRING_BYTES, "{} bytes", text.len());
    let mut tainted = false;
    let mut expected = String::new();
    for part in template.parts() {
        match part {
            Part::Text(plain) => expected.push_str(plain),
            Part::Expr { program, .. } => {
                let part = program.eval(&scope, &mut Budget::default());
                let part = part.expect("it was evaluated before");
                tainted |= part.is_tainted();
                expected.push_str(&in_text(&part).expect("it was text before"));
            }
        }
    }
    assert_eq!(text, expected);
    assert_eq!(value.is_tainted(), tainted, "{text}");
}
