//! Commands to a run that nobody works on: they are done at once, and nothing goes on by them.

use engine::event::{Answer, Command, Rejected};
use engine::machine::Outcome;
use model::reason::{CancelCause, CancelMode};
use testkit::{Driver, plan};

fn cancel(mode: CancelMode) -> Command {
    Command::Cancel {
        mode,
        cause: CancelCause::Person,
        by: "ada".to_owned(),
    }
}

fn command(run: &mut Driver, command: Command) -> Result<Outcome, Rejected> {
    let now = run.now;
    let done = run.machine.command_abandoned(command, now);
    done.map(|(_, outcome)| outcome)
}

fn answer(run: &mut Driver, key: &str, answer: Answer) -> Outcome {
    let task = run.row(key).clone();
    let answering = Command::answering(&task, answer, "ada".to_owned());
    let done = command(run, answering.expect("it waits for that"));
    done.expect("it fits")
}

fn asking() -> Driver {
    let asks = plan("p").task("ship", |t| t.approval_within_ms("ship it?", 1_000));
    Driver::start(asks.build())
}

#[test]
fn a_cancel_waits_for_no_worker_of_the_dead_process() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    let outcome = command(&mut run, cancel(CancelMode::Drain));
    assert_eq!(outcome, Ok(Outcome::Ended));
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn a_cancel_leaves_finally_to_whoever_goes_on() {
    let plan = plan("p").task("a", |t| t).finally("f", |t| t).build();
    let mut run = Driver::start(plan);
    run.lease();
    let outcome = command(&mut run, cancel(CancelMode::Finally));
    assert_eq!(outcome, Ok(Outcome::Done));
    assert_eq!(
        run.states(["a", "f"]),
        ["canceled (person)", "queued (slots)"]
    );
}

#[test]
fn an_answer_is_taken_and_the_task_waits_for_whoever_goes_on() {
    let mut run = asking();
    assert_eq!(answer(&mut run, "ship", Answer::Approve), Outcome::Done);
    assert_eq!(run.state("ship"), "queued (slots)");
}

#[test]
fn an_answer_that_ends_the_run_says_so() {
    let mut run = asking();
    assert_eq!(answer(&mut run, "ship", Answer::Reject), Outcome::Ended);
    assert_eq!(run.state("ship"), "failed (policy)");
}

#[test]
fn an_answer_after_the_deadline_is_late_even_if_it_ends_the_run() {
    let mut run = asking();
    run.now = run.now.plus_ms(1_000);
    assert_eq!(answer(&mut run, "ship", Answer::Approve), Outcome::Late);
    assert_eq!(run.state("ship"), "failed (policy)");
}

#[test]
fn only_what_waits_for_a_person_can_be_answered() {
    let plan = plan("p").task("a", |t| t).task("m", |t| t.manual()).build();
    let run = Driver::start(plan);
    let command = |key, answer| {
        let by = "ada".to_owned();
        Command::answering(run.row(key), answer, by).is_some()
    };
    assert!(command("m", Answer::Approve));
    assert!(
        !command("m", Answer::Reject),
        "a manual task is not refused"
    );
    assert!(!command("a", Answer::Approve));
}
