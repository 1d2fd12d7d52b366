//! What a person is told when a command cannot do its work: message, help, exit code.
//!
//! Commands return `anyhow::Result`. A [`Fault`] anywhere in the chain decides the exit code and adds the
//! help; without one the trouble is the platform's, except where rows contradict each other: that is a bug.

use crate::exit::Exit;
use api::check::CheckedFile;
use api::error::{ErrorBody, ErrorDocument};
use server::Fatal;
use server::local::LocalError;
use std::any::Any;
use std::fmt::Write as _;

/// An expected failure of a command.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Fault {
    exit: Exit,
    message: String,
    help: Vec<String>,
    files: Vec<CheckedFile>,
}

impl Fault {
    /// A fault that ends the program with `exit`.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            help: Vec::new(),
            files: Vec::new(),
        }
    }

    /// The user's: a wrong argument, or a file that cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The user named something that does not exist.
    pub(crate) fn nothing(message: impl Into<String>) -> Self {
        Self::new(Exit::Nothing, message)
    }

    /// Adds a next step.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds what is wrong with pipeline files, for documents; people have seen it drawn.
    pub(crate) fn files(mut self, files: Vec<CheckedFile>) -> Self {
        self.files = files;
        self
    }
}

/// The error for a panic: standard error has its place already.
pub(crate) fn bug(panic: &(dyn Any + Send)) -> anyhow::Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Fault::new(
        Exit::Bug,
        format!("formic panicked: {}", text.unwrap_or("without a word")),
    )
    .into()
}

/// How an error ends the program.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(fault) = fault_in(error) {
        return fault.exit;
    }
    if error
        .chain()
        .any(|cause| cause.is::<engine::machine::Corrupt>())
    {
        return Exit::Bug;
    }
    if let Some(LocalError::Board(Fatal::PlanTooLarge { .. })) = error.downcast_ref() {
        return Exit::Usage;
    }
    Exit::Infrastructure
}

/// The error as lines for people: the chain, then the help.
pub(crate) fn human(error: &anyhow::Error, paint: impl Fn(&str) -> String) -> String {
    let mut text = format!("{} {error}\n", paint("error:"));
    for cause in error.chain().skip(1) {
        writeln!(text, "  caused by: {cause}").expect("writing to a string cannot fail");
    }
    for help in fault_in(error).map_or(&[][..], |fault| &fault.help) {
        writeln!(text, "help: {help}").expect("writing to a string cannot fail");
    }
    if exit_of(error) == Exit::Bug {
        text.push_str("help: this is a fault of Formic; please report it with these lines\n");
    }
    text
}

/// The error as one sentence with its next steps.
pub(crate) fn told(error: &anyhow::Error) -> (String, Option<String>) {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let help = fault_in(error).map_or_else(String::new, |fault| fault.help.join("; "));
    (chain.join(": "), (!help.is_empty()).then_some(help))
}

/// The error as a document.
pub(crate) fn document(error: &anyhow::Error) -> ErrorDocument {
    ErrorDocument::new(ErrorBody {
        exit_code: exit_of(error).code(),
        message: error.to_string(),
        causes: error.chain().skip(1).map(ToString::to_string).collect(),
        help: fault_in(error).map_or_else(Vec::new, |fault| fault.help.clone()),
        files: fault_in(error).map_or_else(Vec::new, |fault| fault.files.clone()),
    })
}

fn fault_in(error: &anyhow::Error) -> Option<&Fault> {
    error.downcast_ref::<Fault>().or_else(|| {
        error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Fault>())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    fn io() -> std::io::Error {
        std::io::Error::other("no such thing")
    }

    #[test]
    fn the_chain_is_printed_once_and_the_help_last() {
        let fault = Fault::usage("cannot read `a`").help("check the name");
        let error = Err::<(), _>(io()).context(fault).unwrap_err();
        let printed = human(&error, str::to_owned);
        let expected = "error: cannot read `a`\n  caused by: no such thing\nhelp: check the name\n";
        assert_eq!(printed, expected);
        assert_eq!(exit_of(&error), Exit::Usage);
    }

    #[test]
    fn trouble_that_nobody_named_is_the_platforms() {
        assert_eq!(exit_of(&anyhow::Error::from(io())), Exit::Infrastructure);
    }

    #[test]
    fn a_plan_that_is_too_large_is_the_users() {
        let too_large = Fatal::PlanTooLarge { found_bytes: 1 };
        let error = anyhow::Error::from(LocalError::from(too_large));
        assert_eq!(exit_of(&error), Exit::Usage);
    }

    #[test]
    fn rows_that_contradict_each_other_are_a_bug_also_when_a_run_is_taken_over() {
        let corrupt = Fatal::Corrupt {
            run: model::ids::RunId::from_random(1),
            source: engine::machine::Corrupt::Task(3),
        };
        let error = anyhow::Error::from(LocalError::from(corrupt));
        assert_eq!(exit_of(&error), Exit::Bug);
    }

    #[test]
    fn rows_that_contradict_each_other_are_a_bug() {
        let error = anyhow::Error::from(engine::machine::Corrupt::Task(3));
        assert_eq!(exit_of(&error), Exit::Bug);
    }

    #[test]
    fn a_panic_is_a_bug_with_its_text() {
        let panic = std::panic::catch_unwind(|| panic!("no row {}", 7)).unwrap_err();
        let error = bug(&*panic);
        assert_eq!(exit_of(&error), Exit::Bug);
        assert!(human(&error, str::to_owned).starts_with("error: formic panicked: no row 7\n"));
    }
}
