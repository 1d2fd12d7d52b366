//! Templates: parts stand in order, text that is escaped comes back, taint of a part taints the whole.

use expr::budget::MAX_STRING_BYTES;
use expr::check::MAX_ERRORS;
use expr::template::{Part, in_text};
use expr::{Budget, Dialect, Error, Template, compile};

use crate::scope;

/// Parses and evaluates the text as a template.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    escaped_text_comes_back(text);
    let (lenient, errors) = Template::parse_leniently(Dialect::Cel, text);
    let template = match Template::parse(Dialect::Cel, text) {
        Ok(template) => template,
        Err(error) => return refused(text, &error, &errors),
    };
    assert!(errors.is_empty() && lenient == template, "{errors:?}");
    let mut whole = String::new();
    for part in template.parts() {
        match part {
            Part::Text(plain) => {
                assert!(!plain.is_empty(), "an empty part");
                whole.push_str(&plain.replace("${{", "$${{"));
            }
            Part::Expr { program, span } => {
                let source = span.of(text);
                assert!(
                    source.starts_with("${{") && source.ends_with("}}"),
                    "{source}"
                );
                assert_eq!(span.start as usize, whole.len(), "parts overlap");
                whole.push_str(source);
                crate::expression::places_fit(program, text);
                assert!(
                    compile(Dialect::Cel, program.text()).is_ok(),
                    "{}",
                    program.text()
                );
            }
        }
    }
    assert_eq!(whole, text, "the parts are not the whole");
    evaluated(&template);
}

/// Every error is told; the first is the one of who asks for one.
fn refused(text: &str, first: &Error, all: &[Error]) {
    assert_eq!(all.first(), Some(first));
    assert!(all.len() <= MAX_ERRORS, "{} errors", all.len());
    for error in all {
        crate::expression::error_fits(error, text);
    }
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
