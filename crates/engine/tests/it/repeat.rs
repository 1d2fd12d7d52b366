//! What a retry, a replay and a resume take from the rows of an earlier run.

use engine::repeat::{Earlier, NotRepeated, interrupted};
use engine::rows::{AttemptEnd, AttemptResult, ParentKind, Reused};
use model::ids::RunId;
use model::plan::Plan;
use model::reason::FailureKind;
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{Driver, plan};

/// `a`, `b` and `c` in a row, `d` beside them, `e` after all.
fn chain() -> Plan {
    plan("p")
        .task("a", |t| t)
        .task("b", |t| t.needs(["a"]))
        .task("c", |t| t.needs(["b"]))
        .task("d", |t| t)
        .finally("e", |t| t)
        .build()
}

/// A matrix `t`, `u` behind it, and `v` beside it.
fn matrix() -> Plan {
    plan("p")
        .task("t", |t| t.matrix([("n", json!([1, 2]))]).keep_going())
        .task("u", |t| t.needs(["t"]))
        .task("v", |t| t)
        .build()
}

/// A run of `plan` that has ended, in which the tasks in `failed` failed.
fn ended(plan: Plan, failed: &[&str]) -> Driver {
    go_through(Driver::start(plan), failed)
}

fn go_through(mut run: Driver, failed: &[&str]) -> Driver {
    run.drive(|key, _| {
        if failed.contains(&key) {
            AttemptResult::Failed {
                kind: FailureKind::User,
                exit_code: Some(1),
                message: "exit code 1".to_owned(),
            }
        } else {
            AttemptResult::Succeeded
        }
    });
    run
}

fn earlier(run: &Driver) -> Earlier<'_> {
    Earlier {
        head: run.machine.head(),
        plan: run.machine.plan(),
        tasks: run.machine.tasks(),
        attempts: &run.rows.attempts,
    }
}

fn retried(run: &Driver, from: Option<&str>) -> Result<Vec<String>, NotRepeated> {
    let from = from.map(|key| run.no(key));
    earlier(run).for_retry(from).map(keys)
}

fn keys(reused: BTreeMap<String, Reused>) -> Vec<String> {
    reused.into_keys().collect()
}

/// A replay of the task `key` of `run`, before anything has happened in it.
fn replay(run: &Driver, key: &str) -> Driver {
    let reused = earlier(run).for_replay(run.no(key));
    Driver::start_with(run.machine.plan().clone(), |head| {
        head.parent = Some(engine::rows::Parent {
            run: head.id,
            kind: ParentKind::Replay,
            reused: reused.expect("the run is no replay"),
        });
        head.id = RunId::from_random(2);
    })
}

#[test]
fn what_failed_and_everything_behind_it_is_run_again() {
    let run = ended(chain(), &["b"]);
    assert_eq!(retried(&run, None).unwrap(), ["a", "d"]);
}

#[test]
fn from_a_task_on_means_also_what_succeeded() {
    let run = ended(chain(), &[]);
    assert_eq!(retried(&run, Some("c")).unwrap(), ["a", "b", "d"]);
}

#[test]
fn of_a_matrix_only_the_failed_member_is_run_again() {
    let run = ended(matrix(), &["t[2]"]);
    assert_eq!(retried(&run, None).unwrap(), ["t[1]", "v"]);
}

#[test]
fn from_a_matrix_on_means_all_of_its_members() {
    let run = ended(matrix(), &[]);
    assert_eq!(retried(&run, Some("t")).unwrap(), ["v"]);
}

#[test]
fn a_failure_that_is_tolerated_stands() {
    let tolerant = plan("p").task("a", |t| t.tolerate()).build();
    let run = ended(tolerant, &["a"]);
    let nothing = NotRepeated::NothingToDo(RunId::from_random(1));
    assert_eq!(retried(&run, None), Err(nothing));
}

#[test]
fn where_nothing_failed_there_is_nothing_to_retry() {
    let run = ended(chain(), &[]);
    let refused = retried(&run, None).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "nothing of run `000000000001` has to be run again"
    );
}

#[test]
fn a_replay_takes_over_everything_else() {
    let run = ended(chain(), &[]);
    let reused = earlier(&run).for_replay(run.no("b")).unwrap();
    assert_eq!(keys(reused), ["a", "c", "d", "e"]);
}

#[test]
fn a_replay_of_a_task_that_is_nothing_is_refused() {
    let nothing = plan("p")
        .task("m", |t| t.matrix([("n", json!([]))]))
        .build();
    let run = ended(nothing, &[]);
    let refused = earlier(&run).for_replay(run.no("m")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "task `m` of run `000000000001` consists of nothing"
    );
}

#[test]
fn a_replay_is_no_run_to_go_on_from() {
    let run = go_through(replay(&ended(chain(), &["b"]), "b"), &["b"]);
    let parent = RunId::from_random(1);
    assert_eq!(
        retried(&run, None),
        Err(NotRepeated::Replay {
            run: RunId::from_random(2),
            parent,
        })
    );
    let again = earlier(&run).for_replay(run.no("b")).unwrap();
    assert_eq!(keys(again), ["a", "c", "d", "e"]);
    let other = earlier(&run).for_replay(run.no("a")).unwrap_err();
    assert_eq!(
        other.to_string(),
        "run `000000000002` is itself a replay, and not of `a`"
    );
}

#[test]
fn a_resume_begins_what_was_begun_and_did_not_end() {
    let mut run = Driver::start(chain());
    assert_eq!(run.lease(), ["a", "d"]);
    run.succeed("a");
    run.end("d", AttemptEnd::bare(AttemptResult::Interrupted));
    assert_eq!(run.lease_as("w", 1), ["b"]);
    let attempts = &run.rows.attempts;
    let again = interrupted(run.machine.tasks(), attempts);
    let again: Vec<&str> = again.iter().map(|task| &*task.key).collect();
    assert_eq!(again, ["b", "d"]);
}
