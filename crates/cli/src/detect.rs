//! What kind of project a folder holds, and the first pipeline for it.
//!
//! Decides from names and small files alone; runs nothing. The tasks are those that nearly every project of the kind
//! passes (it builds, its tests pass): a first run that is red for the spelling of a comment teaches nothing. One
//! table; a new kind is a new row.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A folder as far as detection looks at it.
pub(crate) trait Folder {
    /// Whether there is such a file or folder, by its path from the top.
    fn has(&self, path: &str) -> bool;
    /// A small text file.
    fn text(&self, path: &str) -> Option<String>;
    /// The names in a folder; none if it is not there.
    fn names(&self, path: &str) -> Vec<String>;
}

/// One kind of project that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// What people call it.
    pub(crate) name: &'static str,
    /// The file that told.
    pub(crate) file: String,
    /// Variables of the caller that its tools need.
    inherit: &'static [&'static str],
    tasks: Vec<Task>,
}

/// One task of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Task {
    name: &'static str,
    needs: Option<&'static str>,
    run: String,
}

struct Kind {
    name: &'static str,
    /// Files of which one tells; the first that is there is named.
    files: &'static [&'static str],
    inherit: &'static [&'static str],
    tasks: fn(&dyn Folder) -> Vec<Task>,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "Rust",
        files: &["Cargo.toml"],
        inherit: &["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"],
        tasks: |_| {
            vec![
                task("build", "cargo build --workspace --all-targets"),
                task("test", "cargo test --workspace").after("build"),
            ]
        },
    },
    Kind {
        name: "Go",
        files: &["go.mod"],
        inherit: &["GOPATH", "GOPROXY", "GOFLAGS", "GOCACHE"],
        tasks: |_| {
            vec![
                task("build", "go build ./..."),
                task("vet", "go vet ./..."),
                task("test", "go test ./..."),
            ]
        },
    },
    Kind {
        name: "Node.js",
        files: &["package.json"],
        inherit: &["npm_config_registry", "NODE_OPTIONS"],
        tasks: node,
    },
    Kind {
        name: "Python",
        files: &[
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "requirements.txt",
        ],
        inherit: &["VIRTUAL_ENV", "PYTHONPATH"],
        tasks: python,
    },
    Kind {
        name: "Maven",
        files: &["pom.xml"],
        inherit: &["JAVA_HOME", "MAVEN_OPTS"],
        tasks: |folder| {
            let program = if folder.has("mvnw") { "./mvnw" } else { "mvn" };
            vec![task(
                "verify",
                format!("{program} --batch-mode --no-transfer-progress verify"),
            )]
        },
    },
    Kind {
        name: "Gradle",
        files: &["build.gradle", "build.gradle.kts"],
        inherit: &["JAVA_HOME", "GRADLE_USER_HOME"],
        tasks: |folder| {
            let has_wrapper = folder.has("gradlew");
            let program = if has_wrapper { "./gradlew" } else { "gradle" };
            vec![task("build", format!("{program} --console=plain build"))]
        },
    },
    Kind {
        name: "Make",
        files: &["Makefile", "makefile", "GNUmakefile"],
        inherit: &["MAKEFLAGS"],
        tasks: make,
    },
];

/// Everything that the folder holds. A makefile counts only where nothing else tells more.
pub(crate) fn detect(folder: &dyn Folder) -> Vec<Found> {
    let mut all: Vec<Found> = KINDS
        .iter()
        .filter_map(|kind| found(kind, folder))
        .collect();
    if all.len() > 1 {
        all.retain(|found| found.name != "Make");
    }
    all
}

fn found(kind: &Kind, folder: &dyn Folder) -> Option<Found> {
    let file = kind.files.iter().find(|file| folder.has(file))?;
    let tasks = (kind.tasks)(folder);
    (!tasks.is_empty()).then(|| Found {
        name: kind.name,
        file: (*file).to_owned(),
        inherit: kind.inherit,
        tasks,
    })
}

/// The pipeline file; `schema` is where an editor finds the schema, from the file's folder.
pub(crate) fn pipeline(all: &[Found], schema: &str) -> String {
    let mut text = format!(
        "# yaml-language-server: $schema={schema}\n\
         # The line above gives completion and errors in editors; `formic schema` writes that file anew.\n\
         # Try it with `formic run`; `formic check` says what is wrong, `formic plan` what would run.\n\
         on: [push, pull_request, manual]\n"
    );
    let inherit: BTreeSet<&str> = all
        .iter()
        .flat_map(|found| found.inherit)
        .copied()
        .collect();
    if !inherit.is_empty() {
        let names: Vec<&str> = inherit.into_iter().collect();
        let line = format!(
            "# Tasks see only a short list of variables, and these.\nenv: {{ inherit: [{}] }}\n",
            names.join(", ")
        );
        text.push_str(&line);
    }
    text.push_str("tasks:\n");
    for found in all {
        let prefix = if all.len() > 1 {
            found.prefix()
        } else {
            String::new()
        };
        for task in &found.tasks {
            task.write(&mut text, &prefix);
        }
    }
    if all.is_empty() {
        task("hello", "echo \"hello from $(pwd)\"").write(&mut text, "");
    }
    text
}

impl Found {
    fn prefix(&self) -> String {
        let word = self.name.split('.').next().unwrap_or(self.name);
        format!("{}-", word.to_lowercase())
    }
}

fn task(name: &'static str, run: impl Into<String>) -> Task {
    let run = run.into();
    let needs = None;
    Task { name, needs, run }
}

impl Task {
    fn after(mut self, need: &'static str) -> Self {
        self.needs = Some(need);
        self
    }

    fn write(&self, text: &mut String, prefix: &str) {
        let needs = self
            .needs
            .map(|need| format!("    needs: [{prefix}{need}]\n"))
            .unwrap_or_default();
        let run = if self.run.contains('\n') {
            let lines: String = self
                .run
                .lines()
                .map(|line| format!("      {line}\n"))
                .collect();
            format!("|\n{lines}")
        } else {
            format!("{}\n", self.run)
        };
        write!(
            text,
            "  {prefix}{}:\n{needs}    run: {run}    timeout: 30m\n",
            self.name
        )
        .expect("writing to a string cannot fail");
    }
}

fn node(folder: &dyn Folder) -> Vec<Task> {
    let manifest = folder.text("package.json").unwrap_or_default();
    let manifest: Value = serde_json::from_str(&manifest).unwrap_or_default();
    // What `npm init` writes is a script that always fails.
    let is_real = |script: &str| !script.contains("no test specified");
    let has = |name: &str| manifest["scripts"][name].as_str().is_some_and(is_real);
    let (install, run) = if folder.has("pnpm-lock.yaml") {
        ("pnpm install --frozen-lockfile", "pnpm run")
    } else if folder.has("yarn.lock") {
        ("yarn install --frozen-lockfile", "yarn run")
    } else if folder.has("package-lock.json") {
        ("npm ci", "npm run")
    } else {
        ("npm install --no-package-lock", "npm run")
    };
    let mut tasks = vec![task("install", install)];
    for script in ["build", "test"] {
        if has(script) {
            tasks.push(task(script, format!("{run} {script}")).after("install"));
        }
    }
    tasks
}

fn python(folder: &dyn Folder) -> Vec<Task> {
    let mentions = |file: &str| {
        folder
            .text(file)
            .is_some_and(|text| text.contains("pytest"))
    };
    let files = [
        "pyproject.toml",
        "setup.cfg",
        "requirements.txt",
        "requirements-dev.txt",
    ];
    // `unittest` finds no function that stands by itself, and is content with no test at all.
    let dir = if folder.has("tests") { "tests" } else { "test" };
    let is_function = |name: String| {
        let text = folder.text(&format!("{dir}/{name}"));
        let is_test = name.starts_with("test") && name.ends_with(".py");
        is_test && text.is_some_and(|text| text.lines().any(|line| line.starts_with("def test")))
    };
    let pytest = folder.has("pytest.ini")
        || folder.has("conftest.py")
        || folder.has(&format!("{dir}/conftest.py"))
        || files.iter().any(|file| mentions(file))
        || folder.names(dir).into_iter().any(is_function);
    let mut tasks = vec![task("compile", "python3 -m compileall -q -x '(^|/)[.]' .")];
    if pytest {
        tasks.push(task("test", "python3 -m pytest"));
    } else if folder.has(dir) {
        // Tests that are a package import each other from the top.
        let top = folder.has(&format!("{dir}/__init__.py"));
        let top = if top { " --top-level-directory ." } else { "" };
        let run = format!("python3 -m unittest discover --start-directory {dir}{top}");
        tasks.push(task("test", run));
    }
    tasks
}

fn make(folder: &dyn Folder) -> Vec<Task> {
    let file = ["GNUmakefile", "makefile", "Makefile"]
        .iter()
        .find_map(|file| folder.text(file));
    let text = file.unwrap_or_default();
    let has = |target: &str| {
        text.lines()
            .any(|line| line.starts_with(&format!("{target}:")))
    };
    let mut tasks = Vec::new();
    for target in ["build", "all"] {
        if has(target) && tasks.is_empty() {
            tasks.push(task("build", format!("make {target}")));
        }
    }
    for target in ["test", "check"] {
        if has(target) && !tasks.iter().any(|task| task.name == "test") {
            let test = task("test", format!("make {target}"));
            tasks.push(if tasks.is_empty() {
                test
            } else {
                test.after("build")
            });
        }
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::SourceFile;
    use std::collections::BTreeMap;

    struct Files(BTreeMap<&'static str, &'static str>);

    impl Folder for Files {
        fn has(&self, path: &str) -> bool {
            self.0.contains_key(path)
        }

        fn text(&self, path: &str) -> Option<String> {
            self.0.get(path).map(|text| (*text).to_owned())
        }

        fn names(&self, path: &str) -> Vec<String> {
            let inside = |name: &&str| Some(name.strip_prefix(path)?.strip_prefix('/')?.to_owned());
            self.0.keys().filter_map(inside).collect()
        }
    }

    fn written(files: &[(&'static str, &'static str)]) -> String {
        let folder = Files(files.iter().copied().collect());
        let text = super::pipeline(&detect(&folder), "schema.json");
        let said = pipeline::check(&SourceFile::new("ci.yaml", text.as_str()));
        assert!(said.is_empty(), "{text}\n{said:?}");
        text
    }

    fn runs(text: &str) -> Vec<&str> {
        let line = |line: &'_ str| line.trim_start().starts_with("run:");
        text.lines()
            .filter(|each| line(each))
            .map(str::trim)
            .collect()
    }

    #[test]
    fn every_kind_gives_a_pipeline_without_any_complaint() {
        for kind in KINDS {
            for file in kind.files {
                let text = written(&[(file, "test:\n\tcc\n")]);
                assert!(text.contains("tasks:\n  "), "{text}");
            }
        }
    }

    #[test]
    fn only_scripts_that_are_there_become_tasks() {
        let scripts = r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1", "build": "tsc"}}"#;
        let text = written(&[("package.json", scripts), ("package-lock.json", "{}")]);
        assert_eq!(runs(&text), ["run: npm ci", "run: npm run build"]);
    }

    #[test]
    fn tests_that_are_functions_are_for_pytest() {
        let project = ("pyproject.toml", "[project]\n");
        let function = ("tests/test_a.py", "def test_a():\n    assert False\n");
        let method = "import unittest\n\nclass A(unittest.TestCase):\n    def test_a(self): pass\n";
        let method = ("tests/test_a.py", method);
        let text = written(&[project, ("tests", ""), function]);
        assert!(text.contains("run: python3 -m pytest\n"), "{text}");
        let text = written(&[project, ("tests", ""), method]);
        assert!(text.contains("run: python3 -m unittest discover"), "{text}");
    }

    #[test]
    fn two_kinds_keep_their_tasks_apart() {
        let text = written(&[
            ("go.mod", ""),
            ("package.json", r#"{"scripts": {"test": "x"}}"#),
        ]);
        assert!(text.contains("\n  go-test:\n"), "{text}");
        assert!(
            text.contains("\n  node-test:\n    needs: [node-install]\n"),
            "{text}"
        );
    }

    #[test]
    fn a_makefile_beside_something_better_is_left_alone() {
        let text = written(&[("Cargo.toml", ""), ("Makefile", "test:\n")]);
        assert_eq!(
            runs(&text),
            [
                "run: cargo build --workspace --all-targets",
                "run: cargo test --workspace"
            ]
        );
    }

    #[test]
    fn a_folder_that_says_nothing_gets_a_task_to_begin_with() {
        assert_eq!(runs(&written(&[])), ["run: echo \"hello from $(pwd)\""]);
    }
}
