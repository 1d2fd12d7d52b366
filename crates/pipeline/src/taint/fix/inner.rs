//! What reads a text once more behind the script that it stands in: a shell in quotes, a container, another machine.
//!
//! The variables of a step reach a shell that it starts, but not a container or another machine, and in double quotes the
//! outer shell pastes them. Told by the words of the line, as people write them; what is not told is taken for none.

use crate::read::command;

/// What reads a text once more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inner {
    /// Nothing that is known.
    None,
    /// The shell that a script starts, behind `-c`.
    Shell(String),
    /// A program in a container that is started so.
    Container(String),
    /// Something that gets no variables: a line that hands one called `NAME` over as data.
    Far(&'static str),
}

pub(super) const BY_SSH: &str = "printf '%s' \"$NAME\" | ssh HOST 'text=$(cat); …'";
const BY_KUBECTL: &str = "printf '%s' \"$NAME\" | kubectl exec -i POD -- sh -c 'text=$(cat); …'";

/// Words behind which a command of a shell begins.
const BEGINNINGS: &[&str] = &[
    "|", "||", "&&", "&", ";", "(", "{", "!", "then", "do", "else", "if", "while", "until", "exec",
];

/// How much of the end of a script is looked at, in bytes. No line that a person writes is longer.
const SEEN: usize = 4_096;

/// That behind the last command of a script, of which `before` is known.
pub(super) fn of_script(before: &str) -> Inner {
    let seen = &before[before.ceil_char_boundary(before.len().saturating_sub(SEEN))..];
    let line = last_line(seen);
    let words: Vec<&str> = line
        .split_whitespace()
        .filter(|word| *word != "\\")
        .collect();
    // A line whose beginning is not seen begins with some word of a command.
    let mut beginnings = Vec::new();
    if line.len() < seen.len() || seen.len() == before.len() {
        beginnings.push(0);
    }
    for (last, word) in words.iter().enumerate() {
        // `exec` may also be an argument: `docker exec`.
        let is_word =
            BEGINNINGS.contains(word) && (*word != "exec" || beginnings.last() == Some(&last));
        if is_word || word.ends_with([';', '(', '`']) {
            beginnings.push(last + 1);
        }
    }
    let mut end = words.len();
    for at in beginnings.into_iter().rev() {
        // No word belongs to two commands, so that the words are looked at once.
        let own = &words[at..end];
        end = at;
        let Some(program) = command::program(own) else {
            continue;
        };
        if program == "ssh" {
            return Inner::Far(BY_SSH);
        }
        let is_code =
            |word: &&str| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
        if !own.iter().any(is_code) {
            continue;
        }
        if command::is_shell(program) {
            return Inner::Shell(program.to_owned());
        }
        let inner = in_container(program, own);
        if inner != Inner::None {
            return inner;
        }
    }
    Inner::None
}

fn in_container(program: &str, words: &[&str]) -> Inner {
    if !command::starts_containers(program) {
        return Inner::None;
    }
    if matches!(program, "kubectl" | "oc") {
        return Inner::Far(BY_KUBECTL);
    }
    let verb = words
        .iter()
        .find(|word| matches!(**word, "run" | "exec" | "create"));
    let compose = if words.contains(&"compose") {
        " compose"
    } else {
        ""
    };
    let verb = verb.unwrap_or(&"run");
    Inner::Container(format!("{program}{compose} {verb}"))
}

/// The line that a text ends in, with those that a backslash joins to it.
fn last_line(text: &str) -> &str {
    let mut start = text.len();
    while let Some(end) = text[..start].rfind('\n') {
        if !text[..end].ends_with('\\') {
            return &text[end + 1..];
        }
        start = end;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(started: &str) -> Inner {
        Inner::Container(started.to_owned())
    }

    #[test]
    fn lines_of_a_script_are_told_by_the_command_that_they_end_in() {
        let cases = [
            ("echo ", Inner::None),
            ("apt-get install ssh ", Inner::None),
            ("echo sh -c ", Inner::None),
            ("docker run alpine echo ", Inner::None),
            ("docker build -t x .\necho ", Inner::None),
            ("sh -c \"echo ", Inner::Shell("sh".to_owned())),
            (
                "true && sudo -u me bash -ec 'echo ",
                Inner::Shell("bash".to_owned()),
            ),
            (
                "docker run --rm alpine \\\n  sh -c \"echo ",
                container("docker run"),
            ),
            (
                "cd x; podman exec db sh -c 'psql ",
                container("podman exec"),
            ),
            (
                "docker compose run web bash -lc 'x ",
                container("docker compose run"),
            ),
            ("docker exec web exec sh -c \"", container("docker exec")),
            ("exec sh -c \"", Inner::Shell("sh".to_owned())),
            ("sh run; tar -c ", Inner::None),
            ("sh -c \"true; echo ", Inner::Shell("sh".to_owned())),
            ("if ssh host \"test ", Inner::Far(BY_SSH)),
            ("kubectl exec pod -- sh -c \"", Inner::Far(BY_KUBECTL)),
        ];
        for (before, inner) in cases {
            assert_eq!(of_script(before), inner, "{before}");
        }
    }
}
