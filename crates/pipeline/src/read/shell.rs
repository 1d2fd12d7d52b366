//! Shells: a known name, or a command line with `{file}` in it.

use crate::yaml::Node;
use model::plan::Shell;

/// The shell that a value names.
pub(super) fn read(node: &Node<'_>) -> Option<Shell> {
    let words: Vec<String> = match node.items() {
        Some(items) => items
            .iter()
            .filter_map(Node::text)
            .map(str::to_owned)
            .collect(),
        None => node.text()?.split_whitespace().map(str::to_owned).collect(),
    };
    let program = words.first()?.clone();
    let base = program.rsplit('/').next().unwrap_or_default();
    let mut argv = match (words.len(), base) {
        (1, "bash") => line(&program, &["--noprofile", "--norc", "-eo", "pipefail"]),
        (1, "sh" | "dash" | "ash" | "zsh" | "ksh") => line(&program, &["-e"]),
        (1, "pwsh" | "powershell") => line(&program, &["-NoProfile", "-NonInteractive", "-File"]),
        (_, _) => words,
    };
    if !argv.iter().any(|word| word.contains("{file}")) {
        argv.push("{file}".to_owned());
    }
    Some(Shell {
        argv,
        computed: None,
        extension: extension(base).to_owned(),
    })
}

fn line(program: &str, options: &[&str]) -> Vec<String> {
    std::iter::once(program)
        .chain(options.iter().copied())
        .map(str::to_owned)
        .collect()
}

/// A program without the version in its name: `python3.11` is `python`.
pub(super) fn family(program: &str) -> &str {
    program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
}

/// The ending of the files that a program runs, such as `.py`; nothing when it is not known.
pub(crate) fn extension(program: &str) -> &'static str {
    match family(program) {
        "python" => ".py",
        "node" | "deno" | "bun" => ".js",
        "ruby" => ".rb",
        "perl" => ".pl",
        "pwsh" | "powershell" => ".ps1",
        "bash" | "sh" | "dash" | "ash" | "zsh" | "ksh" => ".sh",
        _ => "",
    }
}
