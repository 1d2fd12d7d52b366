//! The verdicts of third-party cases, read from the corpora when a test runs, never written down here.
#![expect(clippy::unwrap_used, reason = "tests read cases")]

use crate::harness::Outcome;
use api::run::TaskDocument;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a corpus says of a case.
#[derive(Debug)]
pub(super) struct Verdict {
    case: String,
    succeeds: bool,
    /// `PASS`, `WARN` or `FAIL` of each of its jobs that ran, where the corpus has that.
    jobs: Option<BTreeMap<String, String>>,
}

/// Of a case of `gha-act-runner`, by its folder.
pub(super) fn github(folder: &str) -> Verdict {
    let case = find("gha-act-runner", |case| case["dir"] == folder);
    let succeeds = match case["expect"].as_str() {
        Some("success") => true,
        Some("failure") => false,
        other => panic!("`{folder}` expects {other:?}"),
    };
    Verdict {
        case: folder.to_owned(),
        succeeds,
        jobs: None,
    }
}

/// Of a case of `gitlab-ci-local`, by its folder and file.
pub(super) fn gitlab(folder: &str, file: &str) -> Verdict {
    let case = find("gitlab-ci-local", |case| {
        case["case"] == folder && case["file"] == file
    });
    let succeeds = match case["run"].as_str() {
        Some("success") => true,
        Some("failure") => false,
        other => panic!("`{folder}/{file}` has the verdict {other:?}"),
    };
    let jobs = case["run_jobs"].as_object().unwrap().iter();
    Verdict {
        case: format!("{folder}/{file}"),
        succeeds,
        jobs: Some(
            jobs.map(|(name, word)| (name.clone(), word.as_str().unwrap().to_owned()))
                .collect(),
        ),
    }
}

/// Of a file of `tekton-examples`.
pub(super) fn tekton(file: &str) -> Verdict {
    let case = find("tekton-examples", |case| case["file"] == file);
    Verdict {
        case: file.to_owned(),
        succeeds: case["expect"] == "Succeeded",
        jobs: None,
    }
}

fn find(corpus: &str, is_it: impl Fn(&Json) -> bool) -> Json {
    let root = std::env::var_os("FORMIC_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"),
        PathBuf::from,
    );
    let folder = root.join(corpus);
    assert!(
        folder.is_dir(),
        "there is no corpus `{}`: set FORMIC_CORPORA to the folder that holds it, or run `cargo xtask test`, which goes \
         on without",
        folder.display()
    );
    let text = std::fs::read_to_string(folder.join("cases.json")).unwrap();
    let cases: Vec<Json> = serde_json::from_str(&text).unwrap();
    let found = cases.into_iter().find(|case| is_it(case));
    found.unwrap_or_else(|| panic!("`{corpus}` has no such case"))
}

impl Verdict {
    /// Compares the run with the verdict: the whole, and each job by the name of its task. A job that the corpus
    /// does not list did not run there, so its task has to be skipped; points that only order others do not count.
    pub(super) fn agrees(&self, outcome: &Outcome) {
        let succeeded = match outcome.document.status.as_str() {
            "succeeded" => true,
            "failed" => false,
            other => panic!("{} ended as {other}:\n{outcome}", self.case),
        };
        assert_eq!(succeeded, self.succeeds, "{}:\n{outcome}", self.case);
        let Some(jobs) = &self.jobs else { return };
        let tasks = outcome.document.tasks.iter();
        let ran: BTreeMap<String, String> = tasks
            .filter(|task| task.status != "skipped" && task.attempts > 0)
            .map(|task| (task.id.clone(), word(task).to_owned()))
            .collect();
        assert_eq!(&ran, jobs, "{}:\n{outcome}", self.case);
    }
}

fn word(task: &TaskDocument) -> &'static str {
    match (task.status.as_str(), task.allowed_failure) {
        ("succeeded", _) => "PASS",
        ("failed", true) => "WARN",
        ("failed", false) => "FAIL",
        (other, _) => panic!("task `{}` ended as {other}", task.id),
    }
}
