//! Variables of the environment that mean something to programs.
//!
//! A value of most variables is only a text. That of some is run, or says where code is loaded from: whoever
//! writes it decides what the programs of a step do, so text from outside may not become it. Others are merely
//! taken: by the shell, by the system, by common programs or by Formic.
//!
//! A `*` in a name stands for any letters. The lists name what common systems and languages read; a program
//! may always have a variable of its own that no list knows.

use crate::nearest::all_listed;

/// Variables that programs run, or load code from.
pub(crate) struct Power {
    /// Their names; `*` stands for any letters.
    pub names: &'static [&'static str],
    /// What their value does: a fragment.
    pub does: &'static str,
}

/// The variables whose value is run or says where code comes from, in the order of the reference.
pub(crate) const POWERS: &[Power] = &[
    power(
        &[
            "BASH_ENV",
            "ENV",
            "ZDOTDIR",
            "PROMPT_COMMAND",
            "BASH_FUNC_*",
        ],
        "a shell runs what it names or holds",
    ),
    power(
        &["PS0", "PS1", "PS2", "PS4", "SHELLOPTS", "BASHOPTS", "IFS"],
        "it changes how a shell reads and runs a script",
    ),
    power(
        &["PATH", "FPATH", "SHELL"],
        "it says where programs are found",
    ),
    power(
        &["HOME", "XDG_CONFIG_*"],
        "programs read settings from there, and settings name commands",
    ),
    power(
        &[
            "LD_*",
            "DYLD_*",
            "GCONV_PATH",
            "GLIBC_TUNABLES",
            "OPENSSL_CONF",
            "OPENSSL_MODULES",
            "OPENSSL_ENGINES",
        ],
        "every program loads code by it",
    ),
    power(
        &[
            "GIT_*COMMAND",
            "GIT_SSH",
            "GIT_*EDITOR",
            "GIT_PAGER",
            "GIT_ASKPASS",
            "GIT_EXTERNAL_DIFF",
            "GIT_CONFIG*",
            "GIT_EXEC_PATH",
            "GIT_TEMPLATE_DIR",
            "GIT_DIR",
            "GIT_COMMON_DIR",
        ],
        "Git runs what it names",
    ),
    power(
        &[
            "PAGER",
            "*_PAGER",
            "MANPAGER",
            "EDITOR",
            "VISUAL",
            "FCEDIT",
            "BROWSER",
            "LESSOPEN",
            "LESSCLOSE",
            "*_ASKPASS",
        ],
        "programs run it as a command",
    ),
    power(
        &["NODE_OPTIONS", "NODE_PATH", "npm_config_*", "NPM_CONFIG_*"],
        "Node.js loads code by it",
    ),
    power(
        &["PERL5OPT", "PERL5LIB", "PERLLIB", "PERL5DB"],
        "Perl loads code by it",
    ),
    power(
        &[
            "PYTHONSTARTUP",
            "PYTHONPATH",
            "PYTHONHOME",
            "PYTHONBREAKPOINT",
            "PYTHONWARNINGS",
            "PYTHONUSERBASE",
        ],
        "Python loads code by it",
    ),
    power(
        &[
            "RUBYOPT",
            "RUBYLIB",
            "GEM_PATH",
            "GEM_HOME",
            "BUNDLE_GEMFILE",
        ],
        "Ruby loads code by it",
    ),
    power(
        &[
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "JDK_JAVA_OPTIONS",
            "CLASSPATH",
            "JAVA_HOME",
            "MAVEN_OPTS",
            "MAVEN_ARGS",
            "GRADLE_OPTS",
        ],
        "Java loads code by it",
    ),
    power(
        &["LUA_INIT*", "LUA_PATH*", "LUA_CPATH*"],
        "Lua loads code by it",
    ),
    power(&["PHPRC", "PHP_INI_SCAN_DIR"], "PHP loads code by it"),
    power(
        &["DOTNET_STARTUP_HOOKS", "CORECLR_PROFILER*"],
        ".NET loads code by it",
    ),
    power(
        &[
            "MAKEFLAGS",
            "MAKEFILES",
            "GNUMAKEFLAGS",
            "CC",
            "CXX",
            "LD",
            "AR",
            "CFLAGS",
            "CXXFLAGS",
            "LDFLAGS",
            "GOFLAGS",
            "GOROOT",
            "CGO_*FLAGS",
            "RUSTC",
            "RUSTDOC",
            "RUSTC_*WRAPPER",
            "RUSTFLAGS",
            "RUSTDOCFLAGS",
            "CARGO_TARGET_*",
            "CARGO_BUILD_*",
        ],
        "tools that make programs run it, or take options from it",
    ),
];

/// Further names that are taken, and so are no names for a text: by shells, the system, common programs and Formic.
const TAKEN: &[&str] = &[
    "FORMIC_*",
    "CI",
    "GIT_*",
    "PYTHON*",
    "NODE_*",
    "BASH*",
    "PERL*",
    "RUBY*",
    "JAVA_*",
    "CARGO_*",
    "RUST*",
    "NPM_*",
    "SSH_*",
    "SSL_*",
    "XDG_*",
    "DOCKER_*",
    "USER",
    "LOGNAME",
    "HOST",
    "HOSTNAME",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TERM",
    "TMP",
    "TEMP",
    "TMPDIR",
    "TZ",
    "PWD",
    "OLDPWD",
    "CDPATH",
    "SHLVL",
    "UID",
    "EUID",
    "GID",
    "PPID",
    "GROUPS",
    "RANDOM",
    "SECONDS",
    "LINENO",
    "REPLY",
    "OPTARG",
    "OPTIND",
    "OPTERR",
    "FUNCNAME",
    "DIRSTACK",
    "PIPESTATUS",
    "MAIL",
    "MAILPATH",
    "MAILCHECK",
    "COLUMNS",
    "LINES",
    "HISTFILE",
    "GLOBIGNORE",
    "POSIXLY_CORRECT",
    "DISPLAY",
    "HOSTTYPE",
    "MACHTYPE",
    "OSTYPE",
    "KUBECONFIG",
    "*_PROXY",
    "*_PORT",
    "*_HOST",
];

const fn power(names: &'static [&'static str], does: &'static str) -> Power {
    Power { names, does }
}

/// What the value of a variable does, if it is run or says where code comes from.
pub(crate) fn power_of(name: &str) -> Option<&'static str> {
    let holds = |power: &&Power| power.names.iter().any(|pattern| is_like(name, pattern));
    POWERS.iter().find(holds).map(|power| power.does)
}

/// Whether a name means something to programs, and so is no name for a text.
pub(crate) fn is_taken(name: &str) -> bool {
    power_of(name).is_some() || TAKEN.iter().any(|pattern| is_like(name, pattern))
}

/// The names of a power as the reference shows them.
pub(crate) fn shown(power: &Power) -> String {
    all_listed(power.names.iter().copied())
}

/// Whether a name is one that the pattern stands for; a pattern has at most one `*`.
fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        assert!(is_like("LD_PRELOAD", "LD_*"));
        assert!(is_like("GIT_SSH_COMMAND", "GIT_*COMMAND"));
        assert!(!is_like("GIT_AUTHOR_NAME", "GIT_*COMMAND"));
        assert!(!is_like("LD", "LD_*"));
        assert!(!is_like("AB", "AB*B"));
    }

    #[test]
    fn who_wrote_a_commit_may_be_text_from_outside() {
        assert_eq!(power_of("GIT_AUTHOR_NAME"), None);
        assert!(is_taken("GIT_AUTHOR_NAME"));
        assert!(!is_taken("TITLE"));
    }
}
