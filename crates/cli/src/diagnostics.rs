//! Draws what the checker says: the source line, a mark under the characters, and how to mend it.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use pipeline::{Diagnostic, Severity, SourceFile, Span};
use std::ops::Range;

/// Drawings of `diagnostics` of the file `source`, one after the other.
pub(crate) fn drawn(source: &SourceFile, diagnostics: &[Diagnostic], color: bool) -> String {
    // What is not UTF-8 has no lines to show; the places are then those of the text as far as it goes.
    let text = String::from_utf8_lossy(&source.text);
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut drawing = String::new();
    for diagnostic in diagnostics {
        drawing.push_str(&renderer.render(&[group(&text, diagnostic)]));
        drawing.push_str("\n\n");
    }
    drawing
}

fn group<'a>(text: &'a str, diagnostic: &'a Diagnostic) -> Group<'a> {
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

    fn check(text: &str) -> String {
        let source = SourceFile::new("ci.yaml", text);
        drawn(&source, &pipeline::check(&source), false)
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
        let source = SourceFile::new("ci.yaml", b"name: \xff\xfe\n".to_vec());
        assert!(drawn(&source, &pipeline::check(&source), true).contains("E0102"));
    }
}
