//! One board for several projects, by `FORMIC_STATE`.

use crate::world::{Ran, World};

/// Two projects beside each other, with one board.
struct Two {
    world: World,
    other: String,
    state: String,
}

impl Two {
    /// Each waits for a person, then fails.
    fn new() -> Self {
        let world = World::new("name: mine\ntasks: { a: { run: 'false' } }\n");
        let other = "name: theirs\ntasks: { ask: { approval: { prompt: sure? } }, b: { needs: [ask], run: 'false' } }\n";
        world.write("../other/formic.yaml", other);
        let beside = |name: &str| world.outside().join(name).display().to_string();
        let (other, state) = (beside("other"), beside("state"));
        Self {
            world,
            other,
            state,
        }
    }

    fn here(&self, args: &[&str]) -> Ran {
        let mut command = self.world.command(args);
        Ran::of(command.env("FORMIC_STATE", &self.state))
    }

    fn there(&self, args: &[&str]) -> Ran {
        self.here(&[&["-C", &self.other], args].concat())
    }
}

#[test]
fn what_is_meant_without_an_id_is_of_this_project_and_the_others_are_told() {
    let two = Two::new();
    let _ran = two.here(&["run"]).code(1);
    let _ran = two.there(&["run"]).code(8);
    let listed = two.here(&["ls", "--json"]).ok().json();
    assert_eq!(listed["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["runs"][0]["pipeline"], "mine");
    assert_eq!(
        (&listed["truncated"], &listed["others"]),
        (&false.into(), &1.into())
    );
    let note = format!(
        "note: 1 run of `{}` on this board: formic -C DIR ls\n",
        two.other
    );
    let _ran = two.here(&["ls"]).ok().says(&note);
    assert_eq!(
        two.here(&["show", "@", "--json"]).ok().json()["pipeline"],
        "mine"
    );
    assert_eq!(
        two.there(&["show", "--json"]).ok().json()["pipeline"],
        "theirs"
    );
    let _ran = two
        .here(&["resume"])
        .code(6)
        .says("there is no run to go on with\n");
    let _ran = two.here(&["retry"]).code(1).says("retry of run ");
    let _ran = two.there(&["approve", "ask"]).ok();
    let _ran = two.there(&["resume"]).code(1);
}

#[test]
fn a_run_of_another_project_is_gone_on_with_from_its_own_folder_only() {
    let two = Two::new();
    let _ran = two.there(&["run"]).code(8);
    let run = two.there(&["show", "--json"]).ok().json();
    let run = run["run"].as_str().unwrap().to_owned();
    let short = &run[..4];
    let refused = |args: &[&str]| {
        let expected = format!(
            "error: run `{run}` is of the project in `{}`\nhelp: `formic -C {} {} {short}` takes it up there\n",
            two.other, two.other, args[0]
        );
        assert_eq!(two.here(args).code(2).err, expected);
    };
    refused(&["resume", &run]);
    refused(&["approve", &run, "ask"]);
    refused(&["reject", &run, "ask"]);
    refused(&["retry", &run]);
    refused(&["replay", &run, "b"]);
    // To look is harmless.
    let _ran = two.here(&["show", &run]).ok();
    let _ran = two.here(&["logs", &run]).ok();
}
