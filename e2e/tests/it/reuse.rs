//! Tasks that name their inputs: what they gave once stands for running them again.
//!
//! Each task writes into a ledger beside the source when it really runs.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::harness::{Folder, Outcome};
use model::plan::{Plan, ValueType};

/// What may differ from one run to the next.
struct Wish {
    mode: &'static str,
    word: &'static str,
}

const FIRST: Wish = Wish {
    mode: "fast",
    word: "one",
};

/// `make` joins `src` into `out/all` under a mode, `pack` reads a word of `name` and takes what `make` gave, `tell` always
/// runs and shows both.
fn plan(folder: &Folder, wish: &Wish) -> Plan {
    let runs = |name: &str| format!("echo {name} >> '{}'", ledger(folder).display());
    let make = "mkdir -p out && cat src/* > out/all && echo $MODE >> out/all && chmod +x out/all";
    let pack = "echo ${{ tasks.name.outputs.word }} > pack.txt && cat out/all >> pack.txt";
    let read = "echo lines=$(grep -c '' out/all) >> $FORMIC_OUTPUT";
    testkit::plan("p")
        .task("name", |t| {
            t.run(&format!("echo word={} >> $FORMIC_OUTPUT", wish.word))
                .output("word", ValueType::String)
        })
        .task("make", |t| {
            t.inputs(["src"])
                .env("MODE", wish.mode)
                .run(&runs("make"))
                .run(make)
                .run(read)
                .output("lines", ValueType::Number)
                .artifact("all", "out")
        })
        .task("pack", |t| {
            t.needs(["name", "make"])
                .inputs([])
                .takes("make", "all")
                .run(&runs("pack"))
                .run(pack)
                .artifact("pack", "pack.txt")
        })
        .task("tell", |t| {
            t.needs(["make", "pack"])
                .takes("make", "all")
                .takes("pack", "pack")
                .run("echo ${{ tasks.make.outputs.lines }} lines; cat pack.txt; test -x out/all")
        })
        .build()
}

fn ledger(folder: &Folder) -> std::path::PathBuf {
    folder.beside("ledger")
}

/// What really ran since the last look.
fn ran(folder: &Folder) -> Vec<String> {
    let text = std::fs::read_to_string(ledger(folder)).unwrap_or_default();
    std::fs::write(ledger(folder), "").unwrap();
    let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
    names.sort();
    names
}

fn source() -> Folder {
    Folder::new(&[("src/a", "a\n"), ("src/b", "b\n"), ("README", "words\n")])
}

/// Runs it, which succeeds; what really ran.
fn go(folder: &Folder, wish: &Wish) -> (Outcome, Vec<String>) {
    let outcome = folder.run(plan(folder, wish));
    assert_eq!(outcome.document.status, "succeeded", "{outcome}");
    let ran = ran(folder);
    (outcome, ran)
}

#[test]
fn the_second_run_of_the_same_runs_nothing_again() {
    let folder = source();
    let (first, ran) = go(&folder, &FIRST);
    assert_eq!(ran, ["make", "pack"]);
    let bytes = std::fs::read(folder.source().join("out/all")).unwrap();
    std::fs::remove_dir_all(folder.source().join("out")).unwrap();
    std::fs::remove_file(folder.source().join("pack.txt")).unwrap();
    let (second, ran) = go(&folder, &FIRST);
    assert_eq!(ran, [""; 0]);
    for name in ["make", "pack"] {
        let task = second.task(name);
        assert_eq!(task.status, "succeeded");
        assert_eq!(task.reused_from.as_deref(), Some(&*first.document.run));
        assert_eq!(task.outputs, first.task(name).outputs);
    }
    assert_eq!(second.task("tell").reused_from, None);
    assert_eq!(second.printed("tell"), first.printed("tell"));
    assert_eq!(second.printed("tell"), "3 lines\none\na\nb\nfast\n");
    let back = std::fs::read(folder.source().join("out/all")).unwrap();
    assert_eq!(back, bytes);
    // The third finds it too, where it was really run.
    let (third, ran) = go(&folder, &FIRST);
    assert_eq!(ran, [""; 0]);
    let from = third.task("make").reused_from.as_deref();
    assert_eq!(from, Some(&*first.document.run));
}

#[test]
fn another_input_environment_or_output_of_a_need_runs_what_reads_it() {
    let folder = source();
    go(&folder, &FIRST);
    folder.write("README", "other words\n");
    assert_eq!(go(&folder, &FIRST).1, [""; 0], "nobody named it");
    let word = Wish {
        word: "two",
        ..FIRST
    };
    let (outcome, ran) = go(&folder, &word);
    assert_eq!(ran, ["pack"]);
    assert_eq!(outcome.printed("tell"), "3 lines\ntwo\na\nb\nfast\n");
    let mode = Wish {
        mode: "slow",
        ..FIRST
    };
    let (outcome, ran) = go(&folder, &mode);
    assert_eq!(ran, ["make", "pack"]);
    assert_eq!(outcome.printed("tell"), "3 lines\none\na\nb\nslow\n");
    folder.write("src/c", "c\n");
    assert_eq!(go(&folder, &FIRST).1, ["make", "pack"]);
    std::fs::remove_file(folder.source().join("src/c")).unwrap();
    let (outcome, ran) = go(&folder, &FIRST);
    assert_eq!(ran, [""; 0], "what was is found again");
    assert_eq!(outcome.printed("tell"), "3 lines\none\na\nb\nfast\n");
}

#[test]
fn worktrees_get_what_was_given_once_and_the_shared_tree_too() {
    let folder = source();
    let clean = || {
        let outcome = folder.run_clean(plan(&folder, &FIRST));
        assert_eq!(outcome.document.status, "succeeded", "{outcome}");
        let ran = ran(&folder);
        (outcome, ran)
    };
    let (first, ran) = clean();
    assert_eq!(ran, ["make", "pack"]);
    let (second, ran) = clean();
    assert_eq!(ran, [""; 0]);
    assert_eq!(second.printed("tell"), first.printed("tell"));
    let (third, ran) = go(&folder, &FIRST);
    assert_eq!(ran, [""; 0]);
    assert_eq!(third.printed("tell"), first.printed("tell"));
}

#[test]
fn a_result_of_files_that_changed_while_it_was_made_is_not_found_again() {
    let folder = Folder::new(&[("src/a", "a\n")]);
    let plan = || {
        let ledger = ledger(&folder);
        let script = format!("echo make >> '{}'; echo more >> src/a", ledger.display());
        let plan = testkit::plan("p").task("make", |t| t.inputs(["src"]).run(&script));
        plan.build()
    };
    folder.run(plan());
    folder.write("src/a", "a\n");
    let outcome = folder.run(plan());
    assert_eq!(ran(&folder), ["make", "make"], "{outcome}");
}

#[test]
fn a_file_that_a_person_has_changed_is_never_replaced_by_an_old_result() {
    let folder = Folder::new(&[("src/a", "a\n"), ("out/all", "tracked\n")]);
    let make = |folder: &Folder| {
        let script = format!(
            "echo make >> '{}'; cat src/a > out/all",
            ledger(folder).display()
        );
        testkit::plan("p")
            .task("make", |t| {
                t.inputs(["src"]).run(&script).artifact("all", "out/all")
            })
            .build()
    };
    folder.run_clean(make(&folder));
    assert_eq!(ran(&folder), ["make"]);
    folder.write("out/all", "work of a person\n");
    let outcome = folder.run(make(&folder));
    assert_eq!(ran(&folder), ["make"], "{outcome}");
    let said = outcome.printed("make");
    assert!(
        said.contains("formic: an earlier result is not reused: "),
        "{said}"
    );
}
