//! Services by `run`: ready before the first step, heard in the log, gone at every end.

use crate::world::{World, heard, processes_with, tell};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};

/// A task with a service that is ready at once, says that it is there, and writes down that it was asked to end.
fn waiting(world: &World, rest: &str) -> (String, String) {
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!(
            "name: ci\ntasks:\n  a:\n    services:\n      db:\n        run: |\n          trap 'echo asked > ended; exit 0' TERM\n          cat {go}.never & wait\n        ready: 'true'\n    run: 'echo x > {begun}; cat {go}'\n{rest}"
        ),
    );
    world.fifo("go.never");
    (begun, go)
}

#[test]
fn steps_begin_when_the_service_is_ready_and_talk_to_it() {
    let world = World::empty();
    let (ask, answer) = (world.fifo("ask"), world.fifo("answer"));
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    services:\n      db:\n        run: |\n          touch up\n          while read -r line < {ask}; do echo \"got $line\" > {answer}; done\n        ready: test -e up\n    run: |\n      test -e up\n      echo hello > {ask}\n      cat {answer} > said\n"
        ),
    );
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.read("said"), "got hello\n");
    assert_eq!(processes_with(&ask), [] as [String; 0]);
}

#[test]
fn where_services_listen_is_in_the_environment() {
    let world = World::empty();
    let go = world.fifo("go");
    let text = "tasks:\n  a:\n    services:\n      my-db: { run: 'cat GO' }\n      cache: { run: 'cat GO', env: { P: '${{ env.CACHE_PORT }}' }, ready: 'test \"$P\" = \"$CACHE_PORT\" -a -n \"$MY_DB_PORT\"' }\n    env: { URL: 'http://${{ env.MY_DB_HOST }}:${{ env.MY_DB_PORT }}/' }\n    run: |\n      test \"$URL\" = \"http://127.0.0.1:$MY_DB_PORT/\"\n      test \"$MY_DB_PORT\" != \"$CACHE_PORT\"\n";
    world.write("formic.yaml", &text.replace("GO", &go));
    let _ran = world.formic(&["run"]).ok();
}

#[test]
fn a_service_is_ready_when_its_port_takes_connections() {
    let world = World::empty();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are ports");
    let port = listener.local_addr().expect("it is bound").port();
    let go = world.fifo("go");
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    services: {{ db: {{ run: 'cat {go}', port: {port} }} }}\n    shell: bash -e {{file}}\n    run: 'cat < \"/dev/tcp/$DB_HOST/$DB_PORT\" > said'\n"
        ),
    );
    // The first connection looks whether it is ready, the second is the step's.
    let server = std::thread::spawn(move || {
        for stream in listener.incoming().take(2).flatten() {
            let mut stream = stream;
            let _unheard = stream.write_all(b"welcome\n");
        }
    });
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.read("said"), "welcome\n");
    assert!(server.join().is_ok());
}

#[test]
fn a_service_that_ends_before_it_is_ready_fails_the_task() {
    let world = World::new(
        "tasks:\n  a:\n    services: { db: { run: 'echo cannot bind; exit 3', ready: 'false' } }\n    run: touch ran\n",
    );
    let message =
        "service `db` exited with code 3 before it was ready; it last printed `cannot bind`";
    let _ran = world.formic(&["run"]).code(1).says(message);
    assert!(!world.dir().join("ran").exists());
    assert_eq!(world.statuses(), ["a failed user"]);
}

#[test]
fn a_service_that_goes_to_the_background_is_told_to_stay() {
    let world = World::new(
        "tasks:\n  a:\n    services: { db: { run: 'true', ready: 'false' } }\n    run: touch ran\n",
    );
    let _ran = world.formic(&["run"]).code(1).says(
        "service `db` exited with code 0 before it was ready; a service has to run in the foreground; it printed nothing",
    );
}

#[test]
fn a_service_that_is_never_ready_fails_the_task_with_what_the_probe_said() {
    let world = World::empty();
    let go = world.fifo("go");
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    services: {{ db: {{ run: 'echo starting; cat {go}', ready: 'echo refused; exit 2', timeout: 200ms }} }}\n    run: touch ran\n"
        ),
    );
    let _ran = world.formic(&["run"]).code(1).says(
        "service `db` was not ready within 200 ms: its `ready` command exited with code 2 the last time; it last printed \
         `refused`; the service last printed `starting`",
    );
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn a_port_that_nobody_listens_on_is_named() {
    let world = World::empty();
    let go = world.fifo("go");
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    services: {{ db: {{ run: 'cat {go}', port: auto, timeout: 200ms }} }}\n    run: touch ran\n"
        ),
    );
    let _ran = world
        .formic(&["run"])
        .code(1)
        .says("service `db` was not ready within 200 ms: nothing takes connections on port ");
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn a_service_that_ends_while_steps_run_ends_them() {
    let world = World::empty();
    let (begun, go, end) = (world.fifo("begun"), world.fifo("go"), world.fifo("end"));
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    services: {{ db: {{ run: 'cat {end}; echo out of space; exit 7' }} }}\n    steps:\n      - {{ name: long, run: 'echo x > {begun}; cat {go}', post: touch cleaned }}\n      - {{ name: next, run: touch next }}\n      - {{ name: why, when: failed(), run: touch why }}\n"
        ),
    );
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    tell(&end);
    let _ran = going.end().code(1).says(
        "service `db` exited with code 7 while the steps needed it; it last printed `go`, `out of space`",
    );
    let there = ["cleaned", "next", "why"].map(|file| world.dir().join(file).exists());
    assert_eq!(there, [true, false, true]);
    assert_eq!(processes_with(&go), [] as [String; 0]);
    assert_eq!(world.statuses(), ["a failed user"]);
}

#[test]
fn a_service_whose_program_is_missing_is_the_users_failure() {
    let world = World::new(
        "tasks:\n  a:\n    shell: no-such-shell {file}\n    services: { db: { run: 'true' } }\n    run: touch ran\n",
    );
    let _ran = world
        .formic(&["run"])
        .code(1)
        .says("service `db`: command `no-such-shell` was not found");
    assert_eq!(world.statuses(), ["a failed user"]);
}

#[test]
fn a_service_is_asked_to_end_when_the_steps_have() {
    let world = World::empty();
    let (begun, go) = waiting(&world, "");
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    tell(&go);
    let _ran = going.end().ok();
    assert_eq!(world.read("ended"), "asked\n");
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn a_cancel_ends_the_service_too() {
    let world = World::empty();
    let (begun, go) = waiting(&world, "");
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    let _ran = world.formic(&["cancel"]).ok();
    let _ran = going.end().code(3);
    assert_eq!(world.read("ended"), "asked\n");
    assert_eq!(processes_with(&go), [] as [String; 0]);
    assert_eq!(world.statuses(), ["a canceled person"]);
}

#[test]
fn a_cancel_before_it_is_ready_leaves_nothing() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    services: {{ db: {{ run: 'echo x > {begun}; cat {go}', ready: 'cat {go}' }} }}\n    run: touch ran\n"
        ),
    );
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    let _ran = world.formic(&["cancel"]).ok();
    let _ran = going.end().code(3);
    assert!(!world.dir().join("ran").exists());
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn the_time_limit_of_the_task_ends_the_service_too() {
    let world = World::empty();
    let (begun, go) = waiting(&world, "    timeout: 300ms\n");
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    let _ran = going.end().code(1);
    assert_eq!(world.statuses(), ["a failed timeout"]);
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn a_kill_of_formic_leaves_no_service() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    services: {{ db: {{ run: 'setsid cat {go} & cat {go}' }} }}\n    run: 'if test \"$FORMIC_ATTEMPT_NUMBER\" = 1; then echo x > {begun}; cat {go}; fi'\n"
        ),
    );
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("KILL");
    assert_eq!(going.end().code, None);
    let _ran = world.formic(&["show"]).ok();
    assert_eq!(processes_with(&go), [] as [String; 0]);
    let _ran = world.formic(&["resume"]).ok();
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn each_attempt_has_a_service_of_its_own() {
    let world = World::empty();
    let go = world.fifo("go");
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    retry: {{ max: 1, backoff: 1ms }}\n    services: {{ db: {{ run: 'echo \"$FORMIC_ATTEMPT_NUMBER\" >> starts; touch \"up$FORMIC_ATTEMPT_NUMBER\"; cat {go}', ready: 'test -e \"up$FORMIC_ATTEMPT_NUMBER\"' }} }}\n    run: test \"$FORMIC_ATTEMPT_NUMBER\" = 2\n"
        ),
    );
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.read("starts"), "1\n2\n");
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn a_service_has_its_part_of_the_log() {
    let world = World::empty();
    let go = world.fifo("go");
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    services: {{ db: {{ run: 'echo from db; touch up; cat {go}', ready: 'echo probing; test -e up' }} }}\n    steps: [{{ name: one, run: echo from one }}]\n"
        ),
    );
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.formic(&["logs", "@/a/db"]).ok().out, "from db\n");
    assert_eq!(world.formic(&["logs", "@/a/one"]).ok().out, "from one\n");
    assert_eq!(
        world.formic(&["logs", "@/a"]).ok().out,
        "from db\nfrom one\n"
    );
    let document = world.document();
    let steps = document["tasks"][0]["steps"].as_array();
    let names: Vec<_> = steps
        .into_iter()
        .flatten()
        .map(|step| &step["name"])
        .collect();
    assert_eq!(names, ["service db", "one"]);
}
