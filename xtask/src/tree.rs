//! The repository as values: text files, and the packages of the workspace.
//!
//! Rules take a [`Tree`] and never open a file, so that their tests build a tree of three lines. Only [`Tree::load`] does IO.
//! Generated and ignored folders (`target`, `.git`, `.formic/state`) are left out by name: a copy of the sources without Git
//! is checked in the same way.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Everything the rules look at.
#[derive(Default)]
pub struct Tree {
    /// Text of each file by its path from the root, with `/`.
    pub files: BTreeMap<String, String>,
    /// The workspace's own packages.
    pub packages: Vec<Package>,
}

/// One package of the workspace.
#[derive(Default)]
pub struct Package {
    /// Name as in its manifest.
    pub name: String,
    /// Folder from the root, with `/`.
    pub folder: String,
    /// What the manifest names, ours and others.
    pub dependencies: Vec<Dependency>,
    /// Entry files of its targets, from the root.
    pub roots: Vec<String>,
}

/// One line of a manifest's dependency tables.
pub struct Dependency {
    /// The package's name (not the local alias).
    pub name: String,
    /// True when it lies in this workspace.
    pub ours: bool,
    /// Which table names it.
    pub kind: DependencyKind,
}

/// The table of the manifest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DependencyKind {
    /// `[dependencies]`
    Normal,
    /// `[dev-dependencies]`
    Dev,
    /// `[build-dependencies]`
    Build,
}

/// Extensions of the files that are read as text.
const TEXT: &[&str] = &["rs", "md", "yaml", "yml", "toml", "sh"];
/// Folders never entered, by name.
const SKIPPED_FOLDERS: &[&str] = &["target", ".git", "node_modules"];
/// The board of a local run; it may hold whole worktrees.
const STATE_FOLDER: &str = ".formic/state";

impl Tree {
    /// Reads the workspace at `root`.
    ///
    /// # Errors
    /// When a file cannot be read or `cargo metadata` fails.
    pub fn load(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, root)?;
        tree.packages = packages(root)?;
        Ok(tree)
    }

    fn read_folder(&mut self, root: &Path, folder: &Path) -> Result<()> {
        let entries =
            fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = from_root(root, &path);
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                let last = name.rsplit('/').next().unwrap_or(&name);
                if !SKIPPED_FOLDERS.contains(&last) && !name.ends_with(STATE_FOLDER) {
                    self.read_folder(root, &path)?;
                }
            } else if is_text(&path) {
                let bytes = fs::read(&path).with_context(|| format!("cannot read `{name}`"))?;
                // A file that is not UTF-8 is test data, not a text of ours.
                if let Ok(text) = String::from_utf8(bytes) {
                    self.files.insert(name, text);
                }
            }
        }
        Ok(())
    }

    /// Line of the first match in a file, from 1; 1 when nothing matches.
    pub fn line_of(&self, file: &str, matches: impl Fn(&str) -> bool) -> usize {
        let text = self.files.get(file).map_or("", String::as_str);
        text.lines().position(matches).map_or(1, |index| index + 1)
    }
}

/// The root of the workspace that the command was started in.
///
/// # Errors
/// When no folder from here upwards has a manifest with a `[workspace]` of ours.
pub fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    let found = here
        .ancestors()
        .find(|folder| folder.join("xtask/Cargo.toml").is_file());
    match found {
        Some(folder) => Ok(folder.to_owned()),
        None => bail!(
            "`{}` is not inside the repository: change into it",
            here.display()
        ),
    }
}

/// The `cargo` that started us, else the one on the path.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Cargo's target folder.
///
/// # Errors
/// When `cargo metadata` fails.
pub fn target(root: &Path) -> Result<PathBuf> {
    let folder = metadata(&root.join("Cargo.toml"))?["target_directory"]
        .as_str()
        .map(PathBuf::from);
    folder.context("cargo does not say where it builds")
}

fn is_text(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| TEXT.contains(&extension))
}

fn from_root(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

fn packages(root: &Path) -> Result<Vec<Package>> {
    let metadata = metadata(&root.join("Cargo.toml"))?;
    let listed = array(&metadata, "packages").iter();
    Ok(listed.map(|package| package_from(root, package)).collect())
}

fn metadata(manifest: &Path) -> Result<Value> {
    let output = cargo()
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .arg(manifest)
        .output()
        .context("cannot start `cargo metadata`")?;
    if !output.status.success() {
        bail!(
            "`cargo metadata` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    serde_json::from_slice(&output.stdout).context("`cargo metadata` did not print JSON")
}

fn package_from(root: &Path, package: &Value) -> Package {
    let manifest = PathBuf::from(text(package, "manifest_path"));
    let folder = manifest.parent().unwrap_or(root);
    let roots = array(package, "targets")
        .iter()
        .map(|target| from_root(root, Path::new(text(target, "src_path"))));
    Package {
        name: text(package, "name").to_owned(),
        folder: from_root(root, folder),
        dependencies: array(package, "dependencies")
            .iter()
            .map(dependency_from)
            .collect(),
        roots: roots.collect(),
    }
}

fn dependency_from(dependency: &Value) -> Dependency {
    let kind = match dependency["kind"].as_str() {
        Some("dev") => DependencyKind::Dev,
        Some("build") => DependencyKind::Build,
        Some(_) | None => DependencyKind::Normal,
    };
    Dependency {
        name: text(dependency, "name").to_owned(),
        ours: dependency["path"].is_string(),
        kind,
    }
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
