//! The arguments of a `command` that are run as code, as far as names and options of well-known programs tell it.
//!
//! What counts is which program gets an argument: the first word, the one that it starts (`sudo`), or, for a program that is
//! in no table here, any that its arguments name with options right behind. Nobody knows every program: an argument of
//! which none of these tables says that it is run is data. [`crate::reference`] shows the tables.

mod given;
mod options;
mod programs;

use super::Purpose;
use super::shell::family;
use crate::yaml::Node;
use given::Given;
use options::split_by_env;
use programs::{
    CONTAINERS, INTERPRETERS, Interpreter, OPTIONS, PROGRAMMED, Programmed, SHELLED, STARTERS,
    Starter,
};

/// What each word of a command is to its program.
pub(super) fn purposes(items: &[Node<'_>]) -> Vec<Purpose> {
    let words: Vec<&str> = items.iter().map(word).collect();
    purposes_of(&words)
}

fn purposes_of(words: &[&str]) -> Vec<Purpose> {
    let mut purposes = vec![Purpose::Value; words.len()];
    let main = program_at(words, &mut purposes);
    let Some(program) = words.get(main).map(|word| base(word)) else {
        return purposes;
    };
    let mut given = Given::of(program);
    for (word, purpose) in words.iter().zip(&mut purposes).skip(main + 1) {
        if given.is_code(word) {
            *purpose = Purpose::Script;
        }
    }
    purposes
}

/// The program that gets the arguments of a command: that which the first one starts, if it starts any.
pub(crate) fn program<'w>(words: &[&'w str]) -> Option<&'w str> {
    let mut purposes = vec![Purpose::Value; words.len()];
    words
        .get(program_at(words, &mut purposes))
        .map(|word| base(word))
}

/// Whether a program runs arguments as code that cannot read the environment by themselves.
pub(crate) fn reads_no_variables(program: &str) -> bool {
    let edits = programmed(program).is_some() && !is_awk(program);
    SHELLED.contains(&program) || options_of(program).is_some() || edits
}

/// Whether a program's first argument is code in the language of awk.
pub(crate) fn is_awk(program: &str) -> bool {
    programmed(program).is_some_and(|found| found.names.contains(&"awk"))
}

/// Whether a program starts the one that its first argument names.
pub(crate) fn is_starter(program: &str) -> bool {
    STARTERS.iter().any(|starter| starter.name == program)
}

/// Whether a program is a shell of the usual language.
pub(crate) fn is_shell(program: &str) -> bool {
    interpreter(program).is_some_and(|found| found.names.contains(&"sh"))
}

/// Whether a program starts others in a container, which has an environment of its own.
pub(crate) fn starts_containers(program: &str) -> bool {
    CONTAINERS.contains(&program)
}

/// The name of a program without its folder.
pub(crate) fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The rows of the reference: programs, and the arguments of them that are run.
pub(crate) fn rows() -> Vec<(Vec<&'static str>, Ran)> {
    let mut rows: Vec<_> = INTERPRETERS
        .iter()
        .map(|each| (each.names.to_vec(), Ran::Behind(options_for_code(each))))
        .collect();
    rows.extend(
        PROGRAMMED
            .iter()
            .map(|each| (each.names.to_vec(), Ran::First)),
    );
    rows.push((
        STARTERS.iter().map(|each| each.name).collect(),
        Ran::Program,
    ));
    rows.push((SHELLED.to_vec(), Ran::All));
    rows.extend(
        OPTIONS
            .iter()
            .map(|(program, options)| (vec![*program], Ran::Values(options))),
    );
    rows
}

/// Which arguments of a program are run.
pub(crate) enum Ran {
    /// What stands behind these options.
    Behind(Vec<String>),
    /// The first.
    First,
    /// The first, as a program.
    Program,
    /// All.
    All,
    /// The values of these options.
    Values(&'static [&'static str]),
}

/// The options of an interpreter that have code behind them.
fn options_for_code(interpreter: &Interpreter) -> Vec<String> {
    let letters = interpreter
        .letters
        .iter()
        .map(|letter| format!("-{letter}"));
    let words = interpreter.words.iter().map(|word| (*word).to_owned());
    letters.chain(words).collect()
}

/// The text of an item; empty when it is none.
fn word<'n>(item: &'n Node<'_>) -> &'n str {
    item.scalar().map_or("", |scalar| &*scalar.text)
}

/// The place of the program that the first words come to. Marks what names a program on the way, and what `env` splits
/// into a command.
fn program_at(words: &[&str], purposes: &mut [Purpose]) -> usize {
    let mut at = 0;
    loop {
        let Some(word) = words.get(at) else { return at };
        purposes[at] = Purpose::Program;
        let starter = STARTERS.iter().find(|starter| starter.name == base(word));
        let Some(starter) = starter else { return at };
        at = behind(starter, words, at + 1, purposes);
    }
}

/// The place behind the options of a starter that stands before `at`, and behind the arguments that it takes itself.
fn behind(starter: &Starter, words: &[&str], mut at: usize, purposes: &mut [Purpose]) -> usize {
    let is_env = starter.name == "env";
    let mut left = starter.before;
    let mut options = true;
    while let Some(word) = words.get(at) {
        if options && word.starts_with('-') && *word != "-" {
            options = *word != "--";
            if let Some(text) = split_by_env(word).filter(|_| is_env) {
                // Behind the option in its own word, or as the next one.
                at += usize::from(text.is_empty() && at + 1 < words.len());
                purposes[at] = Purpose::Script;
            } else if starter.values.contains(word) {
                at += 1;
            }
        } else if is_env && is_assignment(word) {
            options = false;
        } else if left > 0 {
            left -= 1;
            options = false;
        } else {
            break;
        }
        at += 1;
    }
    at
}

/// `NAME=` and a value.
fn is_assignment(word: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_letter))
}

fn options_of(program: &str) -> Option<&'static [&'static str]> {
    let found = OPTIONS.iter().find(|(name, _)| *name == program);
    found.map(|(_, options)| *options)
}

fn interpreter(word: &str) -> Option<&'static Interpreter> {
    let name = family(base(word));
    INTERPRETERS.iter().find(|each| each.names.contains(&name))
}

fn programmed(word: &str) -> Option<&'static Programmed> {
    PROGRAMMED
        .iter()
        .find(|each| each.names.contains(&base(word)))
}

fn is_option(word: &str) -> bool {
    word.starts_with(['-', '+']) && word.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is run of a line of words; `X` stands for text from outside, and `\\ ` for a blank in a word.
    fn is_run(line: &str) -> bool {
        let words: Vec<String> = line
            .split(' ')
            .map(|word| word.replace("\\_", " "))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let purposes = purposes_of(&words);
        let marked = words
            .iter()
            .zip(purposes)
            .filter(|(word, _)| word.contains('X'));
        let runs = |purpose: Purpose| matches!(purpose, Purpose::Script | Purpose::Program);
        marked.map(|(_, purpose)| purpose).any(runs)
    }

    #[test]
    fn words_that_only_look_like_programs_are_data() {
        let lines = [
            "sudo apt install ssh X",
            "apt-get install -y git find X",
            "echo ssh X",
            "sudo -u deploy ./release.sh X",
            "git commit -m X",
            "git log --grep bash --author X",
            "grep -r node -e X src",
            "python3 tool.py -c X",
            "python -m pytest -c X",
            "node cli.js -e X",
            "bash -e deploy.sh -c X",
            "sh -c echo\\_$1 sh X",
            "docker tag shop registry.example/shop:X",
            "docker build --build-arg TITLE=X .",
            "env TITLE=X ./show",
            "timeout 10 ./show X",
            "awk -f count.awk X",
            "awk -v title=X {print} log",
            "sed -n -e 1p X",
            "npm version X",
            "cargo run -- -c X",
            "kubectl set image deploy/shop shop=shop:X",
            "curl -d X https://host",
            "rsync -a dist/ host:X",
            "tar -cf X.tar dist",
            "php -d memory_limit=1 tool.php X",
            "flock lock mvn -Dcommit=X",
            "flock -n lock ./show -e X",
            "runuser -u node -- ./show -e X",
            "perl -Ilib/exec-X tool.pl",
            "python -m pip install lua -e X",
            "python -mpytest -c X",
            "env -u -SX",
        ];
        for line in lines {
            assert!(!is_run(line), "{line}");
        }
    }

    #[test]
    fn what_the_program_runs_is_code_wherever_the_program_stands() {
        let lines = [
            "X",
            "sudo X",
            "sudo -u deploy X",
            "timeout -k 5 10 X",
            "xargs -n 1 X",
            "env -i A=1 X",
            "env -S X",
            "ssh host X",
            "sudo -E ssh -p 22 host X",
            "watch X",
            "sh -c X",
            "/bin/bash -eo pipefail -c X",
            "sudo -u me bash -lc X",
            "python3.12 -W error -c X",
            "perl -ne 1 -e X",
            "node --eval=X",
            "su deploy -c X",
            "awk X log",
            "awk -F , /X/ log",
            "sed s/a/X/ file",
            "sed -n -e p -e X file",
            "sed -es/a/X/ file",
            "find . -exec X",
            "find . -exec sh -c X ;",
            "xargs -I {} sh -c X",
            "git -c core.pager=X log",
            "nice git fetch --upload-pack=X origin",
            "docker run --rm alpine sh -c X",
            "docker run --entrypoint sh alpine -c X",
            "kubectl exec pod -- bash -ec X",
            "poetry run python -c X",
            "tar -x --to-command=X -f a.tar",
            "tar -x -IX -f a.tar",
            "flock lock perl -e X",
            "flock lock sh -ec X",
            "runuser -u www -- php -r X",
            "su node -c X",
            "su node -cX",
            "poetry run su node -c X",
            "docker exec web su node -c X",
            "xvfb-run flock lock perl -e X",
            "flock -w 5 lock sed s/a/X/ file",
            "python -m poetry run bash -c X",
            "python3 -Imtox exec -- bash -c X",
            "env -SX",
            "env -iSX",
            "env --split-string=X",
            "env --split-string X",
            "perl -eX",
            "perl -lneX log",
            "perl -MTime::Piece -e X",
            "python -cX",
            "python3 -Bcprint(X)",
            "ruby -E UTF-8 -eX",
            "php -rX",
            "poetry run python -cX",
            "docker run --rm perl perl -eX",
        ];
        for line in lines {
            assert!(is_run(line), "{line}");
        }
    }
}
