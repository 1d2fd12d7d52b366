//! What was found in files as workflow commands of GitHub Actions: each becomes a note at its line.
//!
//! A value ends at a line break, a property also at `:` and `,`; all of them and `%` are written as `%` and two digits.

use crate::check::{CheckDocument, Finding};

/// One line for each finding, with its line break.
#[must_use]
pub fn annotations(document: &CheckDocument) -> String {
    let mut lines = String::new();
    for file in &document.files {
        for error in &file.errors {
            lines.push_str(&annotation("error", &file.file, error));
        }
        for warning in &file.warnings {
            lines.push_str(&annotation("warning", &file.file, warning));
        }
    }
    lines
}

fn annotation(kind: &str, file: &str, finding: &Finding) -> String {
    let Finding {
        code,
        line,
        col,
        message,
        help,
    } = finding;
    let help = help.as_deref().map(|help| format!("\nhelp: {help}"));
    let message = format!("{message}{}", help.unwrap_or_default());
    format!(
        "::{kind} file={},line={line},col={col},title={}::{}\n",
        property(file),
        property(code),
        value(&message)
    )
}

fn value(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    value(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckedFile;

    #[test]
    fn what_would_end_a_value_is_escaped() {
        let finding = |code: &str, message: &str, help: Option<&str>| Finding {
            code: code.to_owned(),
            line: 4,
            col: 5,
            message: message.to_owned(),
            help: help.map(str::to_owned),
        };
        let document = CheckDocument::new(vec![CheckedFile {
            file: "a,b:c%.yaml".to_owned(),
            accepted: false,
            errors: vec![finding("E0201", "100 %, a: b::c\r\nd", Some("say e"))],
            warnings: vec![finding("W0001", "look", None)],
            unsupported: Vec::new(),
        }]);
        let expected = "::error file=a%2Cb%3Ac%25.yaml,line=4,col=5,title=E0201\
            ::100 %25, a: b::c%0D%0Ad%0Ahelp: say e\n\
            ::warning file=a%2Cb%3Ac%25.yaml,line=4,col=5,title=W0001::look\n";
        assert_eq!(annotations(&document), expected);
    }
}
