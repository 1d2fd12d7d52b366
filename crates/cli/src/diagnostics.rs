//! Draws what the checker says: the source line, a mark under the characters, and how to mend it.

use crate::uses::Files;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use pipeline::{Diagnostic, Severity, Span};
use std::borrow::Cow;
use std::ops::Range;

/// Drawings of `diagnostics` of `files`, one after the other.
pub(crate) fn drawn(files: &Files, diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut drawing = String::new();
    for diagnostic in diagnostics {
        let text = text_of(files, &diagnostic.file);
        let elsewhere: Vec<Cow<'_, str>> = diagnostic
            .elsewhere
            .iter()
            .map(|other| text_of(files, &other.file))
            .collect();
        drawing.push_str(&renderer.render(&[group(&text, diagnostic, &elsewhere)]));
        drawing.push_str("\n\n");
    }
    drawing
}

/// The text of a file. What is not UTF-8 has no lines to show; the places are those of the text as far as it goes.
fn text_of<'f>(files: &'f Files, name: &str) -> Cow<'f, str> {
    String::from_utf8_lossy(files.text_of(name))
}

fn group<'a>(
    text: &'a str,
    diagnostic: &'a Diagnostic,
    elsewhere: &'a [Cow<'a, str>],
) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(crate::text::plain(&diagnostic.message))
        .id(diagnostic.code);
    let labels = diagnostic.labels.iter().map(|(span, label)| {
        AnnotationKind::Context
            .span(range(text, *span))
            .label(label.as_str())
    });
    let snippet = Snippet::source(text)
        .path(diagnostic.file.as_str())
        .annotation(AnnotationKind::Primary.span(range(text, diagnostic.span)))
        .annotations(labels);
    let mut group = title.element(snippet);
    for (other, text) in diagnostic.elsewhere.iter().zip(elsewhere) {
        let mark = AnnotationKind::Context
            .span(range(text, other.span))
            .label(other.text.as_str());
        let snippet = Snippet::source(text.as_ref())
            .path(other.file.as_str())
            .annotation(mark);
        group = group.element(snippet);
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    group
}

/// The span as a range within the text and between characters.
fn range(text: &str, span: Span) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::{Address, SourceFile};

    fn check(text: &str) -> String {
        let files = Files::alone(SourceFile::new("ci.yaml", text));
        drawn(&files, &files.check().diagnostics, false)
    }

    #[test]
    fn a_fault_is_shown_at_its_characters() {
        let drawing = check("tasks:\n  test:\n    run: make\n    need: [lint]\n");
        assert!(drawing.contains("error[E0201]"), "{drawing}");
        assert!(drawing.contains("--> ci.yaml:4:5"), "{drawing}");
        assert!(drawing.contains("4 |     need: [lint]"), "{drawing}");
    }

    #[test]
    fn what_is_not_text_is_drawn_without_a_panic() {
        let files = Files::alone(SourceFile::new("ci.yaml", b"name: \xff\xfe\n".to_vec()));
        assert!(drawn(&files, &files.check().diagnostics, true).contains("E0102"));
    }

    #[test]
    fn a_fault_is_shown_with_the_places_of_both_files() {
        let mut files = Files::alone(SourceFile::new(
            "ci.yaml",
            "tasks:\n  scan: { uses: ./scan.yaml, with: { depth: deep } }\n",
        ));
        let address = Address::parse_whole("./scan.yaml").unwrap();
        files
            .sources
            .insert_file(address, "params: { depth: 3 }\ntask: { run: ./scan.sh }\n");
        let drawing = drawn(&files, &files.check().diagnostics, false);
        assert!(drawing.contains("--> ci.yaml:2:45"), "{drawing}");
        assert!(drawing.contains("scan.yaml:1:11"), "{drawing}");
        assert!(drawing.contains("the param is declared here"), "{drawing}");
    }
}
