//! The line that mends a script with text from outside: the variable to add, and how the script reads it.
//!
//! The line holds the whole expression, so that the script gets the value that it had. The variable is never one
//! that means something to programs, nor one that the step has already, unless that one has this very value.

mod inner;

use super::written;
use crate::expression::Reference;
use crate::quoting::quoted;
use crate::read::{Draft, Use, command, extension};
use crate::units::Unit;
use crate::variables;
use expr::Program;
use inner::Inner;
use model::plan::{Body, Step, StepBody, Text};
use std::collections::BTreeMap;

/// Letters of an expression that a ready line repeats.
const REPEATED: usize = 400;
/// Letters of a variable that is made of a path.
const NAME_LETTERS: usize = 40;

/// Variables that were proposed for one task, each with its expression.
pub(super) type Proposed = BTreeMap<String, String>;

/// How to mend `reference`, which stands in `program`, one of the expressions of `script`.
pub(super) fn help(
    unit: &Unit,
    draft: &Draft,
    script: &Use,
    (reference, program): (&Reference, &Program),
    proposed: &mut Proposed,
) -> String {
    let place = Place::of(unit, draft, script);
    let source = script.node.text().unwrap_or_default();
    let expression = whole(source, program);
    // File names are joined to be several words.
    let quotes = if reference.path[0] == "glob" {
        ""
    } else {
        "\""
    };
    if let [root, name] = reference.path.as_slice()
        && root == "env"
        && *expression == written(&reference.path)
    {
        let read = place.read(name, quotes);
        return format!("the shell has it already: write `{read}` in the script");
    }
    let known = place.env.iter().rev();
    let equal = |text: &Text| is_expression(text, expression);
    let mut equal = known.filter(|(name, text)| equal(text) && variables::power_of(name).is_none());
    if let Some((name, _)) = equal.next() {
        let read = place.read(name, quotes);
        return format!("`{name}` of the environment has this value: write `{read}` in the script");
    }
    let variable = place.variable(&reference.path, source, expression, proposed);
    let read = place.read(&variable, quotes);
    let besides = place.besides(&variable, source);
    let value = match expression.len() > REPEATED {
        true => quoted("…"),
        false => quoted(expression),
    };
    let env = format!("env: {{ {variable}: {value} }}");
    match place.program {
        Some("ssh") => return far(&env, &variable, inner::BY_SSH),
        Some(program) => {
            return format!(
                "`{program}` runs this argument or a part of it: write a fixed command there, and give it the text as \
                 data: `{env}`, which it reads as `{read}`{besides}"
            );
        }
        None => {}
    }
    let whole = match expression.len() > REPEATED {
        true => " with the whole expression",
        false => "",
    };
    match place.inner(before(source, program)) {
        Inner::None => format!(
            "give it through the environment: add `{env}`{whole} and write `{read}` in the script{besides}"
        ),
        Inner::Shell(shell) => format!(
            "give it through the environment: add `{env}`{whole} and write `{read}` in the text behind `{shell} -c`, all of \
             it in single quotes: in double ones the outer shell would paste it"
        ),
        Inner::Container(started) => format!(
            "give it through the environment: add `{env}`{whole}, hand it on by `{started} --env {variable} …`, and write \
             `{read}` in the text that the shell of the container runs, all of it in single quotes"
        ),
        Inner::Far(line) => far(&env, &variable, line),
    }
}

/// How a text gets to where no variable gets; `line` is a script that hands `NAME` over.
fn far(env: &str, variable: &str, line: &str) -> String {
    let line = line.replace("NAME", variable);
    format!("hand it over as data: add `{env}` and write a script such as `{line}`")
}

/// The program that starts the others of a command line, such as `nice`.
pub(super) fn starter<'u>(draft: &'u Draft, script: &Use) -> Option<&'u str> {
    let StepBody::Command { argv } = &own_step(draft, script)?.body else {
        return None;
    };
    let first = argv.first().and_then(Text::literal).map(command::base)?;
    command::is_starter(first).then_some(first)
}

/// A variable that may hold the text of a path, for one that may not.
pub(super) fn other_variable(unit: &Unit, draft: Option<&Draft>, path: &[String]) -> String {
    if let [root, name] = path
        && root == "env"
    {
        return name.clone();
    }
    let file = unit.file.env.iter();
    let task = draft.map(|draft| draft.def.env.iter());
    let env: Vec<&str> = file
        .chain(task.into_iter().flatten())
        .map(|(name, _)| name.as_str())
        .collect();
    candidates(path)
        .find(|name| !variables::is_taken(name) && !env.contains(&name.as_str()))
        .unwrap_or_default()
}

/// Where a script runs.
struct Place<'u> {
    /// The environment that the file gives it, outermost first.
    env: Vec<(&'u str, &'u Text)>,
    /// The ending of files of its language, such as `.py`.
    language: &'static str,
    /// The program that runs a part of its command line and reads no variables in it, such as `ssh`.
    program: Option<&'u str>,
    /// The option that passes a variable on, with the program that needs it for that, such as `docker`.
    passed: Option<(&'u str, &'static str)>,
    /// Whether a shell reads it.
    is_shell_script: bool,
}

impl<'u> Place<'u> {
    fn of(unit: &'u Unit, draft: &'u Draft, script: &Use) -> Self {
        let step = own_step(draft, script);
        let post = step.and_then(|step| step.post.as_ref());
        let services = draft.def.services.iter().flat_map(|service| &service.env);
        let language = language(draft, step);
        let is_command = |step: &Step| matches!(step.body, StepBody::Command { .. });
        let is_script = !step.is_some_and(is_command);
        let env = unit.file.env.iter().chain(&draft.def.env);
        let env = env.chain(step.into_iter().flat_map(|step| &step.env));
        let env = env.chain(post.into_iter().flat_map(|post| &post.env));
        Self {
            env: env
                .chain(services)
                .map(|(name, text)| (name.as_str(), text))
                .collect(),
            language,
            program: program_that_runs(step),
            passed: step.and_then(passed_by),
            is_shell_script: is_script && matches!(language, "" | ".sh"),
        }
    }

    /// What else a script needs to read a variable.
    fn besides(&self, variable: &str, source: &str) -> String {
        if let Some((program, option)) = self.passed {
            return format!(
                "; `{program}` passes it on with `{}`",
                option.replace("NAME", variable)
            );
        }
        match self.language {
            ".py" if !source.contains("import os") => ", below `import os`".to_owned(),
            _ => String::new(),
        }
    }

    /// What reads a text once more behind the script that it stands in; `before` is what stands before it.
    fn inner(&self, before: &str) -> Inner {
        if self.is_shell_script {
            inner::of_script(before)
        } else {
            Inner::None
        }
    }

    /// How a script reads a variable.
    fn read(&self, variable: &str, quotes: &str) -> String {
        match self.language {
            ".py" => format!("os.environ[\"{variable}\"]"),
            ".js" => format!("process.env.{variable}"),
            ".rb" => format!("ENV[\"{variable}\"]"),
            ".pl" => format!("$ENV{{{variable}}}"),
            ".ps1" => format!("$env:{variable}"),
            ".awk" => format!("ENVIRON[\"{variable}\"]"),
            _ => format!("{quotes}${variable}{quotes}"),
        }
    }

    /// The name of a variable for an expression: one of its own.
    fn variable(
        &self,
        path: &[String],
        source: &str,
        expression: &str,
        proposed: &mut Proposed,
    ) -> String {
        let mut names = candidates(path).filter(|name| {
            let other = proposed
                .get(name)
                .is_some_and(|proposed| proposed != expression);
            !other
                && !variables::is_taken(name)
                && !self.env.iter().any(|(known, _)| known == name)
                && !is_used(source, name)
        });
        let name = names.next().unwrap_or_default();
        proposed.insert(name.clone(), expression.to_owned());
        name
    }
}

fn own_step<'u>(draft: &'u Draft, script: &Use) -> Option<&'u Step> {
    let Body::Steps(body) = &draft.def.body else {
        return None;
    };
    body.steps.get(script.step?)
}

/// The language of the script of a step.
fn language(draft: &Draft, step: Option<&Step>) -> &'static str {
    let Body::Steps(body) = &draft.def.body else {
        return "";
    };
    let is_language = |program: &&str| command::is_awk(program) || !extension(program).is_empty();
    let program = match step.map(|step| &step.body) {
        // What is named last has the code: `python -m poetry run bash -c …`.
        Some(StepBody::Command { argv }) => programs(argv).filter(is_language).last(),
        Some(StepBody::Script { shell, .. }) => {
            let shell = shell.as_ref().or(body.shell.as_ref());
            let program = shell.and_then(|shell| shell.argv.first());
            program.map(|program| command::base(program))
        }
        Some(StepBody::Group { .. }) | None => None,
    };
    match program {
        Some(program) if command::is_awk(program) => ".awk",
        Some(program) => extension(program),
        None => "",
    }
}

/// The program of a command that runs a part of its line, unless one with a language of its own does.
fn program_that_runs(step: Option<&Step>) -> Option<&str> {
    let StepBody::Command { argv } = &step?.body else {
        return None;
    };
    let words: Vec<&str> = argv.iter().map(as_written).collect();
    let found = command::program(&words).filter(|program| command::reads_no_variables(program))?;
    let has_language = programs(argv).any(|program| !extension(program).is_empty());
    (!has_language).then_some(found)
}

/// The program of a command that hides the environment from what it starts, and its option that passes a variable on.
fn passed_by(step: &Step) -> Option<(&str, &'static str)> {
    let StepBody::Command { argv } = &step.body else {
        return None;
    };
    programs(argv).find_map(|program| match program {
        "docker" | "podman" | "nerdctl" => Some((program, "-e NAME")),
        "sudo" => Some((program, "--preserve-env=NAME")),
        _ => None,
    })
}

/// A text with its expressions as they are written.
fn as_written(text: &Text) -> &str {
    match text {
        Text::Literal(text) => text,
        Text::Template(expression) => &expression.text,
    }
}

/// The words of a command line that may name a program.
fn programs(argv: &[Text]) -> impl Iterator<Item = &str> {
    argv.iter().filter_map(Text::literal).map(command::base)
}

/// Names of variables for a path, the best first; there is no end to them.
fn candidates(path: &[String]) -> impl Iterator<Item = String> {
    let last = path.last().map_or("value", String::as_str);
    let last = if path[0] == "glob" { "files" } else { last };
    let owner = path.len().checked_sub(2).map(|at| path[at].as_str());
    let owner = owner.map(|owner| if owner == "outputs" { &*path[1] } else { owner });
    let long = owner.map(|owner| name_of(&format!("{owner}_{last}")));
    let numbered = name_of(owner.unwrap_or("value"));
    let short = name_of(last);
    [Some(short.clone()), long].into_iter().flatten().chain(
        (2_u32..)
            .flat_map(move |number| [format!("{short}_{number}"), format!("{numbered}_{number}")]),
    )
}

fn name_of(text: &str) -> String {
    let letters = text.chars().take(NAME_LETTERS).map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    let name: String = letters.collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name
    } else {
        format!("VALUE_{name}")
    }
}

/// Whether a script reads or sets a variable.
fn is_used(script: &str, name: &str) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    script.match_indices(name).any(|(at, _)| {
        let (before, after) = (&script[..at], &script[at + name.len()..]);
        let read = before.ends_with('$') || before.ends_with("${");
        let set = !before.ends_with(is_word) && after.starts_with('=');
        set || (read && !after.starts_with(is_word))
    })
}

/// What stands in a text before an expression.
fn before<'s>(source: &'s str, program: &Program) -> &'s str {
    let start = program.span().start as usize;
    let before = source.get(..start).unwrap_or_default();
    before.rfind("${{").map_or("", |open| &before[..open])
}

/// The text of an expression as it stands between `${{` and `}}`.
fn whole<'s>(source: &'s str, program: &Program) -> &'s str {
    let span = program.span();
    let (start, end) = (span.start as usize, span.end as usize);
    let start = source.get(..start).and_then(|before| before.rfind("${{"));
    let length = source.get(end..).and_then(|after| after.find("}}"));
    let inner = start
        .zip(length)
        .and_then(|(start, length)| source.get(start + 3..end + length));
    inner.unwrap_or_default().trim()
}

/// Whether a text is nothing but an expression.
fn is_expression(text: &Text, expression: &str) -> bool {
    let Text::Template(template) = text else {
        return false;
    };
    let inner = template.text.trim().strip_prefix("${{");
    inner
        .and_then(|inner| inner.strip_suffix("}}"))
        .is_some_and(|inner| inner.trim() == expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(path: &[&str]) -> Vec<String> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        candidates(&path).take(3).collect()
    }

    #[test]
    fn names_of_variables_are_words_of_the_path() {
        assert_eq!(
            first(&["tasks", "read", "outputs", "path"]),
            ["PATH", "READ_PATH", "PATH_2"]
        );
        assert_eq!(first(&["signal"]), ["SIGNAL", "SIGNAL_2", "VALUE_2"]);
        assert_eq!(first(&["signal", "payload", "3é"])[0], "VALUE_3_");
    }

    #[test]
    fn a_variable_that_a_script_has_is_found() {
        assert!(is_used("TITLE=x; echo", "TITLE"));
        assert!(is_used("echo ${TITLE%%x}", "TITLE"));
        assert!(!is_used("echo TITLE: $TITLES MY_TITLE=3", "TITLE"));
    }
}
