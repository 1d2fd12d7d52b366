//! What changes the key of an attempt, and what does not.

use engine::rows::ReuseKey;
use engine::steps::{FileKind, ListedFile, Listing, StepMachine};
use engine::work::Work;
use model::digest::Digest;
use model::ids::{AttemptNo, RunId};
use model::plan::{Expression, Place, Text, ValueType};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use testkit::{Driver, TaskBuilder, plan};

/// The content of a file that is gone between the look at its folder and at itself.
const GONE: &str = "gone";

/// Files by name, that match the patterns that they begin with.
#[derive(Debug, Clone)]
struct Files(BTreeMap<String, (FileKind, String)>);

impl Listing for Files {
    fn matching(&self, patterns: &[&str]) -> Result<Vec<ListedFile>, String> {
        if patterns.contains(&"bad") {
            return Err("the pattern `bad` is none".to_owned());
        }
        let wanted = |name: &str| patterns.iter().any(|pattern| name.starts_with(pattern));
        let files = self.0.iter().filter(|(name, _)| wanted(name));
        let listed = files.map(|(name, (kind, content))| ListedFile {
            path: name.clone(),
            kind: *kind,
            size_bytes: content.len() as u64,
        });
        Ok(listed.collect())
    }

    fn digest(&self, file: &ListedFile) -> Result<Digest, String> {
        let content = &self.0[&file.path].1;
        if content == GONE {
            return Err(format!("cannot read `{}`", file.path));
        }
        Ok(Digest::of(content.as_bytes()))
    }
}

/// What a key is made of: a task `t` behind a task `need`, files, and a place.
struct Case {
    work: Work,
    files: Files,
    around: BTreeMap<String, String>,
}

impl Case {
    fn new(make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Self {
        Self::of_signal(make, "main")
    }

    fn of_signal(make: impl FnOnce(TaskBuilder) -> TaskBuilder, branch: &str) -> Self {
        let plan = plan("p")
            .param("mode", json!("fast"))
            .param("other", json!("ignored"))
            .signal(json!({"branch": branch, "sent_at": 7}))
            .task("need", |t| t.output("v", ValueType::String))
            .task("t", |t| make(t.needs(["need"]).inputs(["src"])))
            .build();
        let mut run = Driver::start(plan);
        run.lease();
        run.succeed_with("need", json!({"v": "given"}));
        run.lease();
        let file = |text: &str| (FileKind::Plain, text.to_owned());
        let files = [("src/a", "1"), ("other", "2")];
        Self {
            work: run.machine.work(run.no("t")),
            files: Files(
                files
                    .map(|(name, text)| (name.to_owned(), file(text)))
                    .into(),
            ),
            around: [("platform".to_owned(), "linux".to_owned())].into(),
        }
    }

    fn key(&self) -> Option<ReuseKey> {
        self.try_key().expect("the files can be read")
    }

    fn try_key(&self) -> Result<Option<ReuseKey>, String> {
        let steps = StepMachine::new(Arc::new(self.work.clone()), BTreeMap::new());
        let mut steps = steps.with_listing(Some(Arc::new(self.files.clone())));
        steps.reuse_key(self.around.clone())
    }

    /// Whether a change of what it is made of changes the key.
    fn notices(mut self, change: impl FnOnce(&mut Self)) -> bool {
        let before = self.key().expect("it has a key");
        change(&mut self);
        before != self.key().expect("it has one still")
    }
}

fn plain() -> Case {
    Case::new(|t| t.run("make"))
}

fn key(make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> ReuseKey {
    Case::new(make).key().expect("it has a key")
}

#[test]
fn a_key_is_the_same_in_another_run_and_attempt() {
    assert!(!plain().notices(|case| {
        case.work.id.run = RunId::from_random(9);
        case.work.id.attempt = AttemptNo(4);
        case.work.token.0 += 9;
        case.work.source.commit = Some("another".to_owned());
        case.work.clean = true;
        let run = json!({"id": "another", "created_at_ms": 9});
        case.work.names.insert("run".to_owned(), run);
    }));
}

#[test]
fn the_files_of_its_inputs_count_and_others_do_not() {
    fn file<'c>(case: &'c mut Case, name: &str) -> &'c mut (FileKind, String) {
        case.files.0.get_mut(name).unwrap()
    }
    assert!(plain().notices(|case| file(case, "src/a").1.push('!')));
    assert!(plain().notices(|case| file(case, "src/a").0 = FileKind::Executable));
    assert!(plain().notices(|case| {
        let new = (FileKind::Plain, String::new());
        case.files.0.insert("src/new".to_owned(), new);
    }));
    assert!(!plain().notices(|case| file(case, "other").1.push('!')));
}

#[test]
fn a_pattern_that_is_none_is_said_and_not_passed_over() {
    let case = Case::new(|t| t.inputs(["bad"]));
    assert_eq!(
        case.try_key(),
        Err("`inputs`: the pattern `bad` is none".to_owned())
    );
}

#[test]
fn a_file_that_goes_meanwhile_is_nobodys_fault() {
    let mut case = plain();
    case.files.0.get_mut("src/a").unwrap().1 = GONE.to_owned();
    assert_eq!(case.try_key(), Ok(None));
}

#[test]
fn inputs_that_match_no_file_give_no_key() {
    let mut case = plain();
    case.files.0.remove("src/a");
    assert_eq!(case.try_key(), Ok(None), "they are rather misspelt");
    let none = Case::new(|t| t.inputs([]));
    assert!(none.key().is_some(), "it says that no file decides");
}

#[test]
fn what_a_task_does_is_part_of_its_key() {
    let base = key(|t| t.run("make"));
    assert_eq!(base, key(|t| t.run("make")));
    assert_ne!(base, key(|t| t.run("make all")));
    assert_ne!(base, key(|t| t.run("make").env("CC", "clang")));
    assert_ne!(base, key(|t| t.run("make").run("make test")));
    assert_ne!(base, key(|t| t.run("make").artifact("x", "out")));
    assert_ne!(base, key(|t| t.run("make").output("v", ValueType::String)));
}

#[test]
fn when_where_and_how_often_it_runs_is_not() {
    let base = key(|t| t.run("make"));
    assert_eq!(base, key(|t| t.run("make").retry(3).timeout_ms(5_000)));
    assert_eq!(base, key(|t| t.run("make").priority(7).tolerate()));
    assert_eq!(base, key(|t| t.run("make").idempotent().not_critical()));
}

#[test]
fn the_place_of_an_expression_in_its_file_is_not() {
    let at = |line| {
        move |case: &mut Case| {
            let place = Place {
                line,
                column: 1,
                file: 0,
            };
            let expression = Expression {
                at: Some(place),
                ..Expression::cel("${{ params.mode }}")
            };
            let env = ("M".to_owned(), Text::Template(expression));
            Arc::make_mut(&mut case.work.task).env = vec![env];
        }
    };
    let mut case = plain();
    at(3)(&mut case);
    assert!(!case.notices(at(40)));
}

#[test]
fn only_the_values_that_are_read_count() {
    let case = || Case::new(|t| t.run("make ${{ params.mode }} ${{ signal.branch }}"));
    let set = |root: &str, name: &str| {
        let (root, name) = (root.to_owned(), name.to_owned());
        move |case: &mut Case| {
            let object = case.work.names.get_mut(&root).unwrap();
            object[name] = json!("changed");
        }
    };
    assert!(case().notices(set("params", "mode")));
    assert!(case().notices(set("signal", "branch")));
    assert!(!case().notices(set("params", "other")));
    assert!(!case().notices(set("signal", "sent_at")));
}

#[test]
fn a_task_that_reads_the_id_of_its_run_has_a_key_of_its_own() {
    let case = Case::new(|t| t.run("echo ${{ run.id }}"));
    assert!(case.notices(|case| {
        let run = json!({"id": "another"});
        case.work.names.insert("run".to_owned(), run);
    }));
}

#[test]
fn a_computed_member_counts_with_everything_that_it_may_be() {
    let case = Case::new(|t| t.run("echo ${{ params[signal.branch] }}"));
    assert!(case.notices(|case| {
        let params = case.work.names.get_mut("params").unwrap();
        params["other"] = json!("changed");
    }));
}

#[test]
fn outputs_of_needs_count_when_they_are_read() {
    let change = |case: &mut Case| {
        let need = case.work.needs.get_mut("need").unwrap();
        need.outputs.get_mut("v").unwrap().value = json!("changed");
    };
    let reads = Case::new(|t| t.run("echo ${{ tasks.need.outputs.v }}"));
    assert!(reads.notices(change));
    assert!(!plain().notices(change));
}

#[test]
fn what_came_from_outside_is_not_what_did_not() {
    let case = Case::new(|t| t.run("echo ${{ tasks.need.outputs.v }}"));
    assert!(case.notices(|case| {
        let need = case.work.needs.get_mut("need").unwrap();
        need.outputs.get_mut("v").unwrap().tainted = true;
    }));
}

#[test]
fn artifacts_that_are_taken_count_by_their_content() {
    let artifact = |text: &str| engine::rows::ArtifactRef {
        name: "x".to_owned(),
        digest: Digest::of(text.as_bytes()),
        size_bytes: 1,
        files: 1,
    };
    let give = |text: &'static str| {
        move |case: &mut Case| {
            let need = case.work.needs.get_mut("need").unwrap();
            need.artifacts = vec![artifact(text)];
        }
    };
    let mut case = Case::new(|t| t.takes("need", "x"));
    give("one")(&mut case);
    assert!(case.notices(give("two")));
}

#[test]
fn the_place_of_the_worker_counts() {
    assert!(plain().notices(|case| {
        case.around
            .insert("platform".to_owned(), "other".to_owned());
    }));
}

#[test]
fn files_that_its_expressions_ask_for_count_too() {
    let case = Case::new(|t| t.run("echo ${{ hash('other') }}"));
    assert!(case.notices(|case| case.files.0.get_mut("other").unwrap().1.push('!')));
    let computed = Case::new(|t| t.run("echo ${{ hash(signal.branch) }}"));
    assert_eq!(computed.key(), None);
}

#[test]
fn an_expression_that_reads_a_secret_has_no_key() {
    let case = Case::new(|t| t.run("echo ${{ secrets.token }}"));
    assert_eq!(case.key(), None);
}

#[test]
fn what_stands_for_an_unwritten_output_is_a_value_whatever_it_looks_like() {
    let default = |line: u32| json!({"dialect": "cel", "text": "1", "at": line});
    let given = |line| key(|t| t.output_default("v", ValueType::Object, default(line)));
    assert_ne!(given(1), given(2));
}

#[test]
fn the_values_of_its_matrix_cell_count() {
    let members = plan("p")
        .task("m", |t| t.inputs([]).matrix([("n", json!([1, 2]))]))
        .build();
    let mut run = Driver::start(members);
    run.lease();
    let of = |key: &str| {
        let case = Case {
            work: run.machine.work(run.no(key)),
            files: Files(BTreeMap::new()),
            around: BTreeMap::new(),
        };
        case.key()
    };
    assert_ne!(of("m[1]"), of("m[2]"));
}
