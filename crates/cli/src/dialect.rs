//! The language of a file, guessed by its path. This version reads its own only; the others are refused by name.

use crate::fault::Fault;
use std::path::{Component, Path};

/// Whose language a file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Dialect {
    /// Formic's own
    Native,
    /// GitHub Actions
    Github,
    /// GitLab CI
    Gitlab,
    /// Tekton
    Tekton,
}

impl Dialect {
    /// The language that files of this path are in.
    pub(crate) fn guess(path: &Path) -> Self {
        let whole = std::fs::canonicalize(path);
        Self::of_names(whole.as_deref().unwrap_or(path))
    }

    fn of_names(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".gitlab-ci.yml") || name.ends_with(".gitlab-ci.yaml") {
            return Self::Gitlab;
        }
        let folders = path.components().filter_map(|part| match part {
            Component::Normal(name) => name.to_str(),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => None,
        });
        // The nearest folder decides.
        let mut known = folders.rev().filter_map(|folder| match folder {
            ".github" => Some(Self::Github),
            ".gitlab" => Some(Self::Gitlab),
            ".tekton" => Some(Self::Tekton),
            ".formic" => Some(Self::Native),
            _ => None,
        });
        known.next().unwrap_or(Self::Native)
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Native => "Formic",
            Self::Github => "GitHub Actions",
            Self::Gitlab => "GitLab CI",
            Self::Tekton => "Tekton",
        }
    }
}

/// Makes sure that this version can read the file called `name`; `said` is what the user says it is.
///
/// # Errors
/// When it is in another language.
pub(crate) fn must_be_known(path: &Path, name: &str, said: Option<Dialect>) -> Result<(), Fault> {
    let dialect = said.unwrap_or_else(|| Dialect::guess(path));
    if dialect == Dialect::Native {
        return Ok(());
    }
    let fault = Fault::usage(format!(
        "`{name}` is a file of {}, which this version of Formic cannot read",
        dialect.title()
    ));
    Err(match said {
        Some(_) => fault.help("only `--dialect native` can be read yet"),
        None => fault.help(
            "this was guessed by its path; `--dialect native` takes it as a file of Formic's own",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_the_language() {
        let guess = |path: &str| Dialect::of_names(Path::new(path));
        assert_eq!(guess("/p/.github/flows/ci.yml"), Dialect::Github);
        assert_eq!(guess("/p/sub/.gitlab-ci.yml"), Dialect::Gitlab);
        assert_eq!(guess("/p/.tekton/push.yaml"), Dialect::Tekton);
        assert_eq!(guess("/p/formic.yaml"), Dialect::Native);
        assert_eq!(guess("/p/.github/x/.formic/ci.yaml"), Dialect::Native);
    }
}
