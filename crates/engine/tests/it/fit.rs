//! What a plan asks for, held against what a machine has.

use engine::fit::{Fit, Never, Note, Room, fit};
use model::plan::{Plan, Resources};
use testkit::{TaskBuilder, plan};

fn machine() -> Resources {
    Resources {
        cpu_milli: 2000,
        memory_bytes: 4 << 30,
        counted: std::collections::BTreeMap::new(),
    }
}

fn with(edit: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Plan {
    plan("p").task("a", edit).build()
}

fn labels(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn anywhere(plan: &Plan) -> Fit<'_> {
    fit(machine(), None, plan).expect("there is room")
}

#[test]
fn more_memory_than_there_is_can_never_start() {
    let plan = with(|t| t.edit(|def| def.resources.memory_bytes = 8 << 30));
    let never = fit(machine(), None, &plan).unwrap_err();
    assert!(matches!(never, Never::Memory { has_bytes, .. } if has_bytes == 4 << 30));
}

#[test]
fn who_asks_for_more_cpus_than_there_are_has_them_all() {
    let plan = with(|t| t.cpu_milli(3500));
    let fit = anywhere(&plan);
    assert_eq!(fit.capacity.cpu_milli, 3500);
    let [Note::RunsAlone { task, has_milli }] = fit.notes.as_slice() else {
        panic!("{:?}", fit.notes);
    };
    assert_eq!((task.name.as_str(), *has_milli), ("a", 2000));
}

#[test]
fn of_counted_things_there_is_the_largest_wish() {
    let plan = plan("p")
        .task("a", |t| t.resource("license", 1))
        .task("b", |t| t.resource("license", 3))
        .build();
    let fit = anywhere(&plan);
    assert_eq!(fit.capacity.counted["license"], 3);
    assert_eq!(fit.notes, []);
}

#[test]
fn without_labels_everything_is_taken_and_that_is_worth_a_note() {
    let plan = with(|t| t.label("gpu"));
    let names = labels(&["gpu"]);
    assert_eq!(anywhere(&plan).notes, [Note::TakesAll { names }]);
}

#[test]
fn a_label_that_the_worker_lacks_can_never_start() {
    let plan = with(|t| t.label("gpu"));
    let gpu = labels(&["gpu"]);
    assert_eq!(fit(machine(), Some(&gpu), &plan).unwrap().notes, []);
    let never = fit(machine(), Some(&labels(&["big"])), &plan).unwrap_err();
    assert!(matches!(never, Never::Label { missing, .. } if missing == "gpu"));
}

#[test]
fn a_label_that_is_known_later_is_not_judged_but_told() {
    let plan = with(|t| t.label("${{ run.id }}"));
    let big = labels(&["big"]);
    let fit = fit(machine(), Some(&big), &plan).unwrap();
    assert!(matches!(fit.notes.as_slice(), [Note::LateLabel { .. }]));
}

#[test]
fn what_comes_later_finds_the_room_that_was_made_before() {
    let (first, second) = (
        with(|t| t.cpu_milli(3500)),
        with(|t| t.cpu_milli(3000).resource("gpu", 1)),
    );
    let mut room = Room {
        capacity: machine(),
        labels: None,
    };
    assert_eq!(room.take_in(&first.tasks).unwrap().len(), 1);
    assert_eq!(room.take_in(&second.tasks), Ok(Vec::new()));
    assert_eq!(room.capacity.cpu_milli, 3500);
    assert_eq!(room.capacity.counted["gpu"], 1);
}

#[test]
fn what_never_fits_leaves_the_room_as_it_was() {
    let plan = plan("p")
        .task("a", |t| t.cpu_milli(3500))
        .task("b", |t| t.edit(|def| def.resources.memory_bytes = 8 << 30))
        .build();
    let mut room = Room {
        capacity: machine(),
        labels: None,
    };
    assert!(room.take_in(&plan.tasks).is_err());
    assert_eq!(room.capacity, machine());
}
