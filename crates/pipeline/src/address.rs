//! Which file a reference means: a file of the project, or one of a Git repository.
//!
//! Paths count from the top of the project or repository that the referring file is in, as paths of
//! scripts and artifacts do; they never leave it. An address is the same for every way to write it,
//! so that it can be the key of a file, of a cycle and of a line of the lock file.
//! It does *not* say which commit a tag or a branch stands for: that is looked up outside and kept in
//! the lock file.

use crate::codes::{self, Code};
use std::fmt;

/// The address of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// A file of the project, by its path from the top.
    Local(String),
    /// A file of a Git repository.
    Git {
        /// The repository: `https://…`, `ssh://…`, `git://…`, `file:///…`.
        url: String,
        /// The path from the repository's top.
        path: String,
        /// A tag, branch or commit.
        reference: String,
    },
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadAddress {
    /// The kind of the fault.
    pub(crate) code: &'static Code,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

/// Both forms of a reference.
const FORMS: &str = "write `./PATH` for a file of the project, or `git+https://HOST/REPOSITORY//PATH@REF` for one of a Git \
     repository";
/// Longest address, in bytes. Paths of files and URLs end far below.
const LENGTH: usize = 2_000;

impl Address {
    /// Reads what stands behind `uses`, in a file that is itself at `within`.
    ///
    /// # Errors
    /// When it names no file, leaves the project, or is a kind of reference that does not exist yet.
    pub fn parse(text: &str, within: &Self) -> Result<Self, BadAddress> {
        short_enough(text.len())?;
        without_user(text)?;
        if let Some(rest) = text.strip_prefix("git+") {
            return git(text, rest);
        }
        if text.starts_with("./") || text.starts_with("../") {
            return Ok(within.beside(path(text, text)?));
        }
        Err(foreign(text))
    }

    /// Reads an entry of `include`, in a file that is itself at `within`: a path, with or without `./`.
    ///
    /// # Errors
    /// When it is no path, or leaves the project.
    pub fn parse_include(text: &str, within: &Self) -> Result<Self, BadAddress> {
        // As it is written, with `./`.
        short_enough(text.len() + 2)?;
        without_user(text)?;
        if text.contains("://") {
            return Err(bad(
                format!("`{text}` cannot be included: only files of the project can"),
                "let a task of this file call it: `uses: git+URL//PATH@REF`",
            ));
        }
        Ok(within.beside(path(text, text)?))
    }

    /// Reads an address as [`fmt::Display`] writes it.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse_whole(text: &str) -> Result<Self, BadAddress> {
        Self::parse(text, &Self::Local(String::new()))
    }

    /// The file at `path` in the project or repository of this one.
    fn beside(&self, path: String) -> Self {
        match self {
            Self::Local(_) => Self::Local(path),
            Self::Git { url, reference, .. } => Self::Git {
                url: url.clone(),
                path,
                reference: reference.clone(),
            },
        }
    }

    /// Its path from the top.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Local(path) | Self::Git { path, .. } => path,
        }
    }

    /// What it is called in messages: a path, or the whole reference.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Local(path) => path.clone(),
            Self::Git { .. } => self.to_string(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "./{path}"),
            Self::Git {
                url,
                path,
                reference,
            } => write!(f, "git+{url}//{path}@{reference}"),
        }
    }
}

fn short_enough(bytes: usize) -> Result<(), BadAddress> {
    if bytes <= LENGTH {
        return Ok(());
    }
    Err(bad(
        format!("the reference has more than {LENGTH} bytes"),
        FORMS,
    ))
}

fn bad(message: String, help: impl Into<String>) -> BadAddress {
    BadAddress {
        code: &codes::REFERENCE,
        message,
        help: help.into(),
    }
}

fn git(text: &str, rest: &str) -> Result<Address, BadAddress> {
    const FORM: &str = "write `git+https://HOST/REPOSITORY//PATH@REF`";
    let Some((scheme, place)) = rest.split_once("://") else {
        return Err(bad(
            format!("`{text}` has no scheme such as `https://` behind `git+`"),
            FORM,
        ));
    };
    if !matches!(scheme, "https" | "http" | "ssh" | "git" | "file") {
        return Err(bad(
            format!("`{scheme}` is no way to reach a Git repository"),
            format!(
                "write `git+https://{place}`; the other ways are `ssh`, `http`, `git` and `file`"
            ),
        ));
    }
    let Some((repository, inside)) = place.split_once("//") else {
        return Err(bad(
            format!("`{text}` does not say which file of the repository"),
            FORM,
        ));
    };
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '\'' | '\\');
    if repository.is_empty() || repository.starts_with('-') || repository.contains(odd) {
        return Err(bad(format!("`{text}` names no repository"), FORM));
    }
    let Some((file, reference)) = inside.rsplit_once('@') else {
        return Err(bad(
            format!("`{text}` does not say which version"),
            "add a tag, branch or commit: `@v1`",
        ));
    };
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '+' | '-');
    let good = reference.chars().all(word)
        && !reference.is_empty()
        && !reference.starts_with(['-', '/', '.'])
        && !reference.ends_with(['/', '.'])
        && !reference.contains("..")
        && !reference.contains("//");
    if !good {
        return Err(bad(
            format!("`{reference}` is no tag, branch or commit"),
            "add one: `@v1`",
        ));
    }
    Ok(Address::Git {
        url: format!("{scheme}://{repository}"),
        path: path(text, file)?,
        reference: reference.to_owned(),
    })
}

/// Refuses a password, and the name of a user, which may be a token, before anything else is said, since that would
/// repeat it. Only `ssh` needs a name.
pub(crate) fn without_user(text: &str) -> Result<(), BadAddress> {
    const HELP: &str = "remove it; `git` asks its credential helper";
    let Some((scheme, place)) = text.split_once("://") else {
        return Ok(());
    };
    let host = place.split('/').next().unwrap_or_default();
    // Also one with a `/` in it. Which part of the text is the host is not known then.
    if has_password_beyond(host, &place[host.len()..]) {
        return Err(bad("a password stands in an address".to_owned(), HELP));
    }
    match host.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => Err(bad(
            format!("a password stands in the address of `{host}`"),
            HELP,
        )),
        Some((_, host)) if !matches!(scheme, "ssh" | "git+ssh") => Err(bad(
            format!("the name of a user or a token stands in the address of `{host}`"),
            HELP,
        )),
        Some(_) | None => Ok(()),
    }
}

/// Whether what stands before the first `/` of an address is the beginning of a user and a password, which end at an `@`
/// in the `rest`. An `@` behind the `//` of a reference is no sign of that: there it stands before the version.
fn has_password_beyond(host: &str, rest: &str) -> bool {
    let Some((user, behind)) = host.split_once(':') else {
        return false;
    };
    if user.starts_with('[') {
        return false;
    }
    let repository = rest.split("//").next().unwrap_or_default();
    let names_host = repository
        .split_once('@')
        .is_some_and(|(_, host)| host.contains('/'));
    let is_port = behind.chars().all(|c| c.is_ascii_digit());
    names_host || !user.contains('@') && !is_port && !behind.contains('@') && rest.contains('@')
}

/// A path without `.`, `..` and doubled slashes; `text` is the whole reference for messages.
fn path(text: &str, path: &str) -> Result<String, BadAddress> {
    const HELP: &str = "paths count from the top of the project or repository and stay in it, as in `./ci/scan.yaml`";
    if path.starts_with('/') {
        return Err(bad(format!("`{text}` is not a path of the project"), HELP));
    }
    if path.contains(['\\', '\0', '"']) || path.contains(char::is_control) {
        return Err(bad(
            format!(
                "`{}` has a character that paths here cannot have",
                text.escape_debug()
            ),
            "use `/` between folders, and no quotes in names",
        ));
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                return Err(bad(format!("`{text}` leaves the project"), HELP));
            }
            part => parts.push(part),
        }
    }
    match parts.first() {
        None => Err(bad(format!("`{text}` names no file"), HELP)),
        // Also behind `./`: written again without it, it would mean somebody's home.
        Some(first) if first.starts_with('~') => {
            Err(bad(format!("`{text}` is not a path of the project"), HELP))
        }
        Some(_) => Ok(parts.join("/")),
    }
}

/// What is said about a reference of another kind.
fn foreign(text: &str) -> BadAddress {
    let not_yet = |message: String, help: &str| BadAddress {
        code: &codes::NOT_YET,
        message,
        help: help.to_owned(),
    };
    if text.starts_with("formic/") {
        return not_yet(
            format!("`{text}`: this version of Formic comes with no tasks of its own"),
            FORMS,
        );
    }
    if ["oci://", "oci+", "docker://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
    {
        return not_yet(
            format!("`{text}`: this version of Formic takes no files from registries"),
            FORMS,
        );
    }
    let message = format!("`{text}` is no reference to a file");
    if text.contains("://") {
        return bad(
            message,
            format!("write `git+{text}`, with `//PATH@REF` behind the repository"),
        );
    }
    if text.contains('@') {
        return bad(
            message,
            format!("{FORMS}; actions of other systems cannot be used"),
        );
    }
    if text.starts_with('/') || text.starts_with('~') {
        return bad(
            message,
            "paths count from the top of the project, as in `./ci/scan.yaml`",
        );
    }
    bad(
        message,
        format!("write `./{text}` for a file of the project"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        Address::parse_whole(text)
            .map(|address| address.to_string())
            .map_err(|bad| bad.message)
    }

    #[test]
    fn one_file_has_one_address_however_it_is_written() {
        for text in ["./ci/scan.yaml", "././ci//scan.yaml", "./ci/./scan.yaml"] {
            assert_eq!(read(text).as_deref(), Ok("./ci/scan.yaml"));
        }
        let git = "git+https://git.example/team/ci//tasks/scan.yaml@v1";
        assert_eq!(read(git).as_deref(), Ok(git));
        assert_eq!(
            read("git+file:///srv/ci.git//scan@release/2").as_deref(),
            Ok("git+file:///srv/ci.git//scan@release/2")
        );
    }

    #[test]
    fn what_is_included_is_as_short_as_what_is_used() {
        let top = Address::Local(String::new());
        let longest = "a".repeat(LENGTH - 2);
        let included = Address::parse_include(&longest, &top).unwrap();
        assert_eq!(Address::parse_whole(&included.to_string()), Ok(included));
        assert!(Address::parse_include(&format!("{longest}a"), &top).is_err());
    }

    #[test]
    fn nothing_leads_out_of_the_project() {
        for text in [
            "../scan.yaml",
            "./../scan.yaml",
            "./ci/../../scan.yaml",
            "git+https://h/r//../x@v1",
        ] {
            assert_eq!(read(text), Err(format!("`{text}` leaves the project")));
        }
        for text in ["./~/scan.yaml", "git+https://h/r//./~ada/x@v1"] {
            let message = format!("`{text}` is not a path of the project");
            assert_eq!(read(text), Err(message));
        }
    }

    #[test]
    fn what_git_would_take_for_an_option_or_a_program_is_refused() {
        for text in [
            "git+ext::sh -c id//x@v1",
            "git+ext://x//y@v1",
            "git+https://h/r//x@--upload-pack=id",
            "git+https://-oProxyCommand=id//x@v1",
            "git+https://h/r//x@a..b",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        for text in [
            "git+https://me:hunter2@h/r//x@v1",
            "git+https://me:hunter2@h/r",
            "git+ftp://me:hunter2@h/r//x@v1",
            "https://me:hunter2@h/r",
        ] {
            let said = read(text).unwrap_err();
            assert_eq!(said, "a password stands in the address of `h`");
        }
    }

    #[test]
    fn a_password_with_a_slash_in_it_is_not_repeated() {
        for text in [
            "https://me:a/b@host/r",
            "git+https://me:a/b@host/r//x@v1",
            "git+https://me:a//b@host/r//x@v1",
            "git+https://me:1/b@host/r//x@v1",
            "git+https://me:a@b/c@host/r//x@v1",
            "git+https://me:a/b@host",
        ] {
            assert_eq!(read(text).unwrap_err(), "a password stands in an address");
        }
        for text in [
            "git+https://host:8080/team/r//x@v1",
            "git+https://[::1]:80/r//x@v1",
            "git+ssh://git@host:22/r//x@v1",
        ] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_user_in_an_address_may_be_a_token_and_is_not_repeated() {
        for text in [
            "git+https://glpat-12345@h/r//x@v1",
            "git+https://glpat-12345@h/r",
            "git+http://glpat-12345@h:80/r//x@v1",
            "git+HTTPS://glpat-12345@h/r//x@v1",
            "git+git://glpat-12345@h/r//x@v1",
            "https://glpat-12345@h/r",
        ] {
            let said = read(text).unwrap_err();
            assert!(said.starts_with("the name of a user or a token stands in the address of `h"));
        }
        let included =
            Address::parse_include("https://glpat-12345@h/r", &Address::Local(String::new()));
        assert!(!included.unwrap_err().message.contains("glpat"));
        let ssh = "git+ssh://git@h/r//x@v1";
        assert_eq!(read(ssh).as_deref(), Ok(ssh));
    }

    #[test]
    fn a_file_of_a_repository_refers_to_files_beside_it() {
        let within = Address::parse_whole("git+https://h/r//a/b.yaml@v1").unwrap();
        let beside = Address::parse("./c.yaml", &within).unwrap();
        assert_eq!(beside.to_string(), "git+https://h/r//c.yaml@v1");
    }
}
