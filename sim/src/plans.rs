//! Random plans: chains, fans, matrices known and computed, calls with and without a time limit, `finally`, retries,
//! timeouts, approvals, concurrency groups, generated tasks; and what has to come out where that is plain.

use crate::random::Random;
use crate::script::Script;
use model::plan::{GroupMode, Plan, Retry, ValueType};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use testkit::{PlanBuilder, TaskBuilder, plan};

/// A command that runs until it is stopped.
pub const FOR_EVER_MS: u64 = 1_000_000_000;

/// A plan and what is known of its end.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The plan.
    pub plan: Plan,
    /// It does not end by itself.
    pub needs_cancel: bool,
    /// Nothing in it fails for good: the run succeeds unless it is disturbed.
    pub all_good: bool,
    /// How each task has to end, where a few lines can tell.
    pub expected: Option<BTreeMap<String, &'static str>>,
}

/// What may be in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taste {
    /// Everything, and everything may fail.
    Wild,
    /// Everything that ends well.
    Good,
    /// Steps, needs and retries only: the end of each task is plain.
    Plain,
}

struct Painter<'a> {
    random: &'a mut Random,
    taste: Taste,
    needs_cancel: bool,
    /// Tasks that give the value `v` whenever they succeed.
    givers: Vec<String>,
    /// Tasks that give the list `list`.
    listers: Vec<String>,
    expected: BTreeMap<String, &'static str>,
}

/// With whom the runs of a schedule share what they may do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Each has no concurrency group.
    None,
    /// All are in one concurrency group.
    Group,
}

/// A random plan.
pub fn draw(random: &mut Random, company: Company) -> Drawn {
    let taste = match random.below(10) {
        0..5 => Taste::Wild,
        5..8 => Taste::Good,
        _ => Taste::Plain,
    };
    let mut painter = Painter {
        random,
        taste,
        needs_cancel: false,
        givers: Vec::new(),
        listers: Vec::new(),
        expected: BTreeMap::new(),
    };
    let mut builder = plan("sim");
    if company == Company::Group {
        let modes = [
            GroupMode::Queue,
            GroupMode::Supersede,
            GroupMode::SupersedeWaiting,
        ];
        builder = builder.concurrency_mode("shared", *painter.random.pick(&modes));
    }
    builder = painter.paint(builder);
    let Painter {
        needs_cancel,
        expected,
        ..
    } = painter;
    Drawn {
        plan: builder.build(),
        needs_cancel,
        all_good: taste == Taste::Good,
        expected: (taste == Taste::Plain).then_some(expected),
    }
}

impl Painter<'_> {
    fn paint(&mut self, mut builder: PlanBuilder) -> PlanBuilder {
        let count = self.random.range(1, 9);
        let mut names: Vec<String> = Vec::new();
        let mut calls = false;
        let shape = self.random.below(3);
        for number in 0..count {
            let name = format!("t{number}");
            let needs = self.needs(&names, shape);
            let task_calls = self.wild(80);
            calls |= task_calls;
            let grouped = task_calls && self.random.chance(300);
            let limited = task_calls && self.taste == Taste::Wild && self.random.chance(300);
            let timeout_ms = if limited {
                self.random.range(300, 5_000)
            } else {
                0
            };
            builder = builder.task(&name, |task| {
                let task = self.with_needs(task, &needs);
                if !task_calls {
                    return self.task(task, &name, &needs);
                }
                let mut task = task.call("inner", []);
                if grouped {
                    task = task.concurrency("calls");
                }
                if limited {
                    task = task.timeout_ms(timeout_ms);
                }
                task
            });
            names.push(name);
        }
        for number in 0..self.random.below(3) {
            let name = format!("f{number}");
            let script = self.script(&name);
            if self.taste == Taste::Plain {
                self.expected.insert(name.clone(), end_of(&script, 0));
            }
            builder = builder.finally(&name, |task| task.run(&script.to_string()));
        }
        if calls {
            let (first, second) = (self.script("inner"), self.script("inner"));
            let last = self.random.chance(400).then(|| self.script("inner"));
            builder = builder.scope("inner", |scope| {
                let scope = match last {
                    Some(last) => scope.finally("c", |task| task.run(&last.to_string()).retry(3)),
                    None => scope,
                };
                scope
                    .task("a", |task| task.run(&first.to_string()).retry(3))
                    .task("b", |task| {
                        task.needs(["a"]).run(&second.to_string()).retry(3)
                    })
            });
        }
        if self.taste == Taste::Wild && self.random.chance(60) {
            builder = builder.timeout_ms(self.random.range(2_000, 40_000));
        }
        builder
    }

    /// Names with whether the need is for the data.
    fn needs(&mut self, earlier: &[String], shape: u64) -> Vec<(String, bool)> {
        let count = earlier.len() as u64;
        let mut places = match shape {
            _ if count == 0 => Vec::new(),
            0 => vec![count - 1],
            1 => vec![0],
            _ => (0..self.random.below(3))
                .map(|_| self.random.below(count))
                .collect(),
        };
        places.sort_unstable();
        places.dedup();
        let mut names = Vec::new();
        for place in places {
            let place = usize::try_from(place).expect("plans are small");
            let data = self.taste == Taste::Plain || self.random.chance(700);
            names.push((earlier[place].clone(), data));
        }
        names
    }

    fn with_needs(&mut self, mut task: TaskBuilder, needs: &[(String, bool)]) -> TaskBuilder {
        for (name, data) in needs {
            task = if *data {
                task.needs([name])
            } else {
                task.after([name])
            };
        }
        task
    }

    fn task(&mut self, mut task: TaskBuilder, name: &str, needs: &[(String, bool)]) -> TaskBuilder {
        if self.random.chance(600) {
            task = task.idempotent();
        }
        if self.wild(40) {
            return task.nothing().approval("go on?");
        }
        let mut script = self.script(name);
        let (mut hangs, mut generates) = (false, false);
        if self.taste == Taste::Wild && self.random.chance(60) {
            script.run_ms = FOR_EVER_MS;
            hangs = true;
        }
        let keyed = self.wild(250);
        if script.exit_code == 0 && (keyed || self.random.chance(500)) {
            // What may be found again is the same whoever makes it.
            let value = if keyed { "#" } else { "@" };
            script.sets.push(("v".to_owned(), value.to_owned()));
            task = task.output("v", ValueType::String);
        }
        if keyed {
            task = task.inputs(["src"]).artifact("x", &format!("out/{name}"));
        }
        if self.taste != Taste::Plain && self.random.chance(150) {
            let list = *self.random.pick(&["[]", "[\"x\"]", "[\"x\",\"y\",\"z\"]"]);
            script.sets.push(("list".to_owned(), list.to_owned()));
            task = task.output("list", ValueType::List);
            self.listers.push(name.to_owned());
        }
        let given: Vec<&String> = needs
            .iter()
            .filter(|(_, data)| *data)
            .map(|(name, _)| name)
            .collect();
        let giver = given.iter().find(|name| self.givers.contains(**name));
        let when_free = !self.wild(80);
        if let Some(giver) = giver.filter(|_| when_free) {
            let value = format!("${{{{ tasks.{giver}.outputs.v }}}}");
            script.reads.push(((*giver).clone(), value));
        }
        let lister = given.iter().find(|name| self.listers.contains(**name));
        let lister = lister.map(|name| (*name).clone());
        task = self.steps(task, &script);
        let retries = self.retries();
        let backoff_ms = *self.random.pick(&[200, 1_000, 8_000]);
        task = task.retry_with(Retry {
            max: retries,
            backoff_ms,
            ..Retry::default()
        });
        if self.taste == Taste::Plain {
            let met = needs
                .iter()
                .all(|(need, _)| self.expected[need] == "succeeded");
            let ends = if met {
                end_of(&script, retries)
            } else {
                "skipped"
            };
            self.expected.insert(name.to_owned(), ends);
        }
        match lister {
            Some(lister) if self.wild(400) => {
                task = task.matrix_from("cell", &format!("tasks.{lister}.outputs.list"));
            }
            Some(_) | None if self.wild(150) => {
                task = task.matrix([("cell", json!([1, 2, 3]))]);
                if self.random.chance(500) {
                    task = task.keep_going();
                }
                if self.random.chance(400) {
                    task = task.max_parallel(1);
                }
            }
            Some(_) | None => {
                if script.sets.iter().any(|(name, _)| name == "v") {
                    self.givers.push(name.to_owned());
                }
                if !hangs && self.wild(80) {
                    let quality = if self.taste == Taste::Wild && self.random.chance(150) {
                        "broken"
                    } else {
                        "good"
                    };
                    task = task.generates(&format!("{}-{quality}.yaml", self.random.range(1, 3)));
                    generates = true;
                }
            }
        }
        if hangs || (self.taste == Taste::Wild && self.random.chance(100)) {
            if hangs && !generates && self.random.chance(200) {
                self.needs_cancel = true;
            } else {
                task = task.timeout_ms(self.random.range(500, 5_000));
            }
        }
        if !when_free {
            let conditions = ["always()", "failed()", "succeeded()"];
            let condition = *self.random.pick(&conditions);
            task = task.when(condition);
        }
        self.waits(task)
    }

    /// What a task may wait for beside its needs, and how its failure counts.
    fn waits(&mut self, mut task: TaskBuilder) -> TaskBuilder {
        if self.wild(50) {
            task = task.delayed_ms(self.random.range(10, 3_000));
        } else if self.wild(40) {
            task = task.manual();
        } else if self.taste == Taste::Wild && self.random.chance(40) {
            // The tasks behind it may find no value: they fail.
            task = task.manual_optional();
        }
        if self.wild(60) {
            task = if self.taste == Taste::Wild && self.random.chance(400) {
                task.approval_within_ms("go on?", self.random.range(200, 8_000))
            } else {
                task.approval("go on?")
            };
        }
        if self.wild(80) {
            task = if self.taste == Taste::Wild && self.random.chance(500) {
                // A group of its own: runs in which all goes well have no task to lose.
                task.concurrency_mode("newest", GroupMode::Supersede)
            } else if self.random.chance(400) {
                task.concurrency_of("pairs", 2)
            } else {
                task.concurrency("tasks")
            };
        }
        if self.wild(80) {
            task = task.report("junit", "out/report.xml");
        }
        if self.wild(60) {
            task = task.tolerate();
        }
        if self.wild(60) {
            task = task.not_critical();
        }
        task
    }

    fn steps(&mut self, mut task: TaskBuilder, script: &Script) -> TaskBuilder {
        if self.wild(200) {
            let before = Script {
                run_ms: self.random.range(1, 200),
                prints: self.random.below(3),
                ..Script::default()
            };
            task = task.step("before", |step| {
                let step = step.run(&before.to_string());
                if self.wild(400) {
                    step.post(&before.to_string())
                } else {
                    step
                }
            });
        }
        task.run(&script.to_string())
    }

    fn script(&mut self, _name: &str) -> Script {
        let run_ms = match self.random.below(10) {
            0..5 => self.random.range(1, 90),
            5..9 => self.random.range(90, 1_500),
            _ => self.random.range(1_500, 9_000),
        };
        let mut script = Script {
            run_ms,
            prints: self.random.below(5),
            is_stubborn: self.random.chance(150),
            leaves_process: self.random.chance(150),
            ..Script::default()
        };
        match self.taste {
            Taste::Wild | Taste::Plain => {
                if self.random.chance(120) {
                    script.exit_code = 3;
                } else if self.random.chance(150) {
                    script.fails_first = u32::try_from(self.random.range(1, 2)).expect("small");
                }
            }
            Taste::Good => {}
        }
        script
    }

    fn retries(&mut self) -> u32 {
        u32::try_from(self.random.below(4)).expect("small")
    }

    /// Whether something happens that plain plans have not.
    fn wild(&mut self, permille: u64) -> bool {
        self.taste != Taste::Plain && self.random.chance(permille)
    }
}

/// How a task with this script ends if nothing disturbs it.
fn end_of(script: &Script, retries: u32) -> &'static str {
    if script.exit_code == 0 && script.fails_first <= retries {
        "succeeded"
    } else {
        "failed"
    }
}

/// The text that a task wrote into a file of this name, `COUNT-QUALITY.yaml`.
#[must_use]
pub fn generated(file: &str) -> String {
    let (count, quality) = file.split_once('-').unwrap_or(("0", ""));
    if quality == "broken.yaml" {
        return "tasks: [".to_owned();
    }
    let mut text = String::from("tasks:\n");
    for number in 0..count.parse::<u32>().unwrap_or(0) {
        let needs = match number {
            0 => String::new(),
            number => format!("needs: [g{}], ", number - 1),
        };
        let script = Script {
            run_ms: u64::from(number) * 70 + 5,
            prints: 1,
            ..Script::default()
        };
        writeln!(text, "  g{number}: {{{needs}run: \"{script}\"}}").expect("text takes text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tasks_generate_compiles_unless_it_is_meant_to_be_broken() {
        for (file, tasks) in [
            ("1-good.yaml", Some(1)),
            ("3-good.yaml", Some(3)),
            ("2-broken.yaml", None),
        ] {
            let source = pipeline::SourceFile::new(file, generated(file));
            let around = pipeline::Around::default();
            let made = pipeline::compile_fragment(&source, &around);
            let made = made.map(|fragment| fragment.tasks.len());
            assert_eq!(made.ok(), tasks, "{file}");
        }
    }

    #[test]
    fn every_plan_can_be_drawn() {
        for seed in 0..500 {
            let company = if seed % 2 == 0 {
                Company::Group
            } else {
                Company::None
            };
            let drawn = draw(&mut Random::new(seed), company);
            assert!(!drawn.plan.tasks.is_empty());
        }
    }
}
