//! `hash` and `glob`: the files of the source when a task starts.

use crate::world::World;

#[test]
fn a_hash_follows_the_files_and_is_the_same_for_the_same() {
    let world = World::new(
        "tasks:\n  a:\n    env: { KEY: \"${{ hash('*.lock') }}\", NONE: \"${{ hash('nothing/**') }}\" }\n    run: 'test -z \"$NONE\"; echo \"$KEY\" >> keys'\n",
    );
    world.write("a.lock", "one\n");
    let _ran = world.formic(&["run"]).ok();
    let _ran = world.formic(&["run"]).ok();
    world.write("a.lock", "two\n");
    let _ran = world.formic(&["run"]).ok();
    let keys = world.read("keys");
    let keys: Vec<&str> = keys.lines().collect();
    assert_eq!(keys[0].len(), 64);
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
}

#[test]
fn a_glob_sees_what_earlier_steps_wrote() {
    let world = World::new(
        "tasks:\n  a:\n    steps:\n      - { run: 'mkdir out; touch out/b out/a' }\n      - { run: 'echo \"$FILES\" > seen', env: { FILES: \"${{ glob('out/*').join(' ') }}\" } }\n      - { when: \"hash('out/*') == ''\", run: touch empty }\n",
    );
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.read("seen"), "out/a out/b\n");
    assert!(!world.dir().join("empty").exists());
}

#[test]
fn a_pattern_that_leads_out_fails_the_task_by_name() {
    let text = "params: {files: '../*'}\ntasks: {a: {env: {K: \"${{ hash(params.files) }}\"}, run: 'true'}}\n";
    let world = World::new(text);
    let _ran = world
        .formic(&["run"])
        .code(1)
        .says("the pattern `../*` leads out of the source");
}

#[test]
fn a_condition_of_a_task_cannot_look_at_files() {
    let world = World::new("tasks: {a: {when: \"hash('x') != ''\", run: 'true'}}\n");
    let _ran = world
        .formic(&["check"])
        .code(1)
        .says("`hash` cannot be called here: files are looked at when a task starts");
}
