//! Well-known programs that run a part of their arguments, and how their options are written.
//!
//! Of options only those matter that have their value behind them as a word of its own: without them, what follows would
//! be taken for an argument.

/// A program that runs a text which it is given behind an option.
pub(super) struct Interpreter {
    pub names: &'static [&'static str],
    /// Last letters of short options with code behind them, as in `-ec`.
    pub letters: &'static [char],
    /// Long options with code behind them, or joined to it by `=`.
    pub words: &'static [&'static str],
    /// Letters of options without a value, behind which the code may be joined to its letter in the same word: `-lneCODE`.
    /// `None` when code is always a word of its own.
    pub flags: Option<&'static str>,
    /// Options with a value behind them.
    pub values: &'static [&'static str],
    /// What ends with the first argument that is no option.
    pub options: Options,
}

/// Where options of a program may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Options {
    /// Before the first other argument: behind it everything is data for the script.
    First,
    /// Anywhere; it may start what any argument names, with the options of that behind it.
    Anywhere,
}

pub(super) const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        names: &["sh", "bash", "dash", "ash", "zsh", "ksh"],
        letters: &['c'],
        words: &[],
        flags: None,
        values: &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"],
        options: Options::First,
    },
    Interpreter {
        names: &["fish"],
        letters: &['c', 'C'],
        words: &["--command", "--init-command"],
        flags: Some("hilnNPv"),
        values: &["-o"],
        options: Options::First,
    },
    Interpreter {
        names: &["pwsh"],
        letters: &['c'],
        words: &["-Command"],
        flags: None,
        values: &["-ExecutionPolicy", "-WorkingDirectory"],
        options: Options::First,
    },
    Interpreter {
        names: &["python"],
        letters: &['c'],
        words: &[],
        flags: Some("bBdEhiIOPqRsStuvVx"),
        values: &["-W", "-X"],
        options: Options::First,
    },
    Interpreter {
        names: &["perl"],
        letters: &['e', 'E'],
        words: &[],
        flags: Some("0123456789acdfghlnpsStTuUvwWX"),
        values: &["-I"],
        options: Options::First,
    },
    Interpreter {
        names: &["ruby"],
        letters: &['e', 'r'],
        words: &[],
        flags: Some("0123456789acdhlLnpsSTUvwWy"),
        values: &["-I", "-C", "-E", "-X"],
        options: Options::First,
    },
    Interpreter {
        names: &["node"],
        letters: &['e', 'p', 'r'],
        words: &["--eval", "--print", "--require", "--import"],
        flags: None,
        values: &["-C"],
        options: Options::First,
    },
    Interpreter {
        names: &["php"],
        letters: &['r', 'B', 'R', 'E'],
        words: &["--run"],
        flags: Some("aCehHilmnqsvw"),
        values: &["-c", "-d"],
        options: Options::First,
    },
    Interpreter {
        names: &["lua"],
        letters: &['e'],
        words: &[],
        flags: Some("EivW"),
        values: &["-l"],
        options: Options::First,
    },
    Interpreter {
        names: &["su", "runuser", "flock"],
        letters: &['c'],
        words: &["--command", "--session-command"],
        flags: Some("fhlmpP"),
        values: &["-u", "-g", "-G", "--user", "--group", "--supp-group"],
        options: Options::Anywhere,
    },
];

/// A program whose first argument is code, unless an option gives it.
pub(super) struct Programmed {
    pub names: &'static [&'static str],
    /// Options with code behind them.
    pub code: &'static [&'static str],
    /// Options with a file of code behind them, so that no argument is code.
    pub files: &'static [&'static str],
    /// Options with a value behind them.
    pub values: &'static [&'static str],
}

pub(super) const PROGRAMMED: &[Programmed] = &[
    Programmed {
        names: &["awk", "gawk", "mawk", "nawk"],
        code: &["-e", "--source"],
        files: &["-f", "--file"],
        values: &["-F", "-v", "--field-separator", "--assign"],
    },
    Programmed {
        names: &["sed", "gsed"],
        code: &["-e", "--expression"],
        files: &["-f", "--file"],
        values: &["-l"],
    },
];

/// A program that starts the one that its first argument names.
pub(super) struct Starter {
    pub name: &'static str,
    /// Options with a value behind them.
    pub values: &'static [&'static str],
    /// Arguments before the program.
    pub before: usize,
}

pub(super) const STARTERS: &[Starter] = &[
    starter("chroot", &[], 1),
    starter("doas", &["-C", "-u"], 0),
    starter("env", &["-C", "-u", "--chdir", "--unset"], 0),
    starter("ionice", &["-c", "-n", "-p"], 0),
    starter("nice", &["-n", "--adjustment"], 0),
    starter("nohup", &[], 0),
    starter("setsid", &[], 0),
    starter("stdbuf", &["-e", "-i", "-o"], 0),
    starter(
        "sudo",
        &[
            "-C", "-D", "-g", "-h", "-p", "-R", "-r", "-T", "-t", "-U", "-u", "--group", "--user",
        ],
        0,
    ),
    starter("time", &["-f", "-o", "--format", "--output"], 0),
    starter("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
    starter(
        "xargs",
        &[
            "-a",
            "-d",
            "-E",
            "-I",
            "-L",
            "-n",
            "-P",
            "-s",
            "--arg-file",
            "--delimiter",
            "--max-args",
            "--max-procs",
        ],
        0,
    ),
];

const fn starter(name: &'static str, values: &'static [&'static str], before: usize) -> Starter {
    Starter {
        name,
        values,
        before,
    }
}

/// Programs that give their arguments to a shell, or take programs to start in options.
pub(super) const SHELLED: &[&str] = &["ssh", "watch"];

/// Programs with options whose value is run.
pub(super) const OPTIONS: &[(&str, &[&str])] = &[
    (
        "git",
        &[
            "-c",
            "--config",
            "--exec",
            "--exec-path",
            "--receive-pack",
            "--upload-pack",
        ],
    ),
    ("find", &["-exec", "-execdir", "-ok", "-okdir"]),
    ("rsync", &["-e", "--rsh", "--rsync-path"]),
    (
        "tar",
        &[
            "-I",
            "--checkpoint-action",
            "--info-script",
            "--new-volume-script",
            "--to-command",
            "--use-compress-program",
        ],
    ),
];

/// Programs that start others in a container, somewhere among their arguments.
pub(super) const CONTAINERS: &[&str] = &[
    "docker",
    "docker-compose",
    "kubectl",
    "nerdctl",
    "oc",
    "podman",
];

/// Programs that start none of the programs that their arguments name.
pub(super) const PLAIN: &[&str] = &[
    "apk", "apt", "apt-get", "brew", "cat", "cp", "curl", "dnf", "echo", "egrep", "fgrep", "gh",
    "grep", "jq", "ls", "mkdir", "mv", "pip", "pip3", "printf", "rg", "rm", "tee", "touch", "wget",
    "which", "yum",
];
