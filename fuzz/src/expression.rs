//! The parser: places lie inside the text, a part of the text that is an expression is that expression.

use expr::{Dialect, Error, Program, Span, compile};

/// Parses the text; what is found in the program or said about the text has a place in it.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match compile(Dialect::Cel, text) {
        Ok(program) => {
            places_fit(&program, text);
            again_is_the_same(&program);
        }
        Err(error) => error_fits(&error, text),
    }
}

/// Everything that a program names stands in `text`.
pub(crate) fn places_fit(program: &Program, text: &str) {
    span_fits(program.span(), text);
    for reference in program.references() {
        span_fits(reference.span, text);
        assert!(!reference.path.is_empty(), "{reference:?}");
    }
    for call in program.calls() {
        span_fits(call.span, text);
        assert!(call.literals.len() <= call.args, "{call:?}");
        for (_, span) in &call.literals {
            span_fits(*span, text);
        }
    }
}

/// The place of an error stands in `text`, and it says something that can be read.
pub(crate) fn error_fits(error: &Error, text: &str) {
    let said = [Some(&error.message), error.help.as_ref()];
    for text in said.into_iter().flatten() {
        assert!(!text.is_empty() && text.len() < 1_000, "{error:?}");
    }
    if let Some(span) = error.span {
        span_fits(span, text);
    }
}

fn span_fits(span: Span, text: &str) {
    let range = span.start as usize..span.end as usize;
    assert!(
        span.start <= span.end && text.get(range).is_some(),
        "{span:?} is not in a text of {} bytes",
        text.len()
    );
}

/// What the program says is its text parses to the same program.
fn again_is_the_same(program: &Program) {
    let text = program.text();
    let again = compile(Dialect::Cel, text)
        .unwrap_or_else(|error| panic!("the text of a program is none: {error}: {text}"));
    assert_eq!(again.text(), text);
    let paths = |program: &Program| -> Vec<Vec<String>> {
        let references = program.references();
        references.into_iter().map(|each| each.path).collect()
    };
    assert_eq!(paths(&again), paths(program));
    let names = |program: &Program| -> Vec<String> {
        let calls = program.calls();
        calls.into_iter().map(|each| each.name).collect()
    };
    assert_eq!(names(&again), names(program));
}
