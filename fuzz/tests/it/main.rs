//! Every committed seed is tried by the rules of its target, with the stable toolchain and without libFuzzer.

use std::fs;
use std::path::Path;

fn try_seeds(corpus: &str, hold: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(corpus);
    let mut count = 0;
    for seed in fs::read_dir(folder).expect("the corpus is committed") {
        let path = seed.expect("the folder can be listed").path();
        let bytes = fs::read(&path).expect("a seed can be read");
        let held = std::panic::catch_unwind(|| hold(&bytes));
        assert!(held.is_ok(), "`{}` breaks the rule above", path.display());
        count += 1;
    }
    assert!(count > 0, "`{corpus}` has no seeds");
}

#[test]
fn seeds_of_pipelines_hold() {
    try_seeds("pipeline", fuzz::pipeline::hold);
}

#[test]
fn seeds_of_expressions_hold() {
    for hold in [
        fuzz::expression::hold,
        fuzz::checker::hold,
        fuzz::evaluator::hold,
        fuzz::taint::hold,
    ] {
        try_seeds("expression", hold);
    }
}

#[test]
fn seeds_of_what_costs_much_hold() {
    try_seeds("cost", fuzz::cost::hold_seed);
}

#[test]
fn seeds_of_requests_hold() {
    try_seeds("request", fuzz::request::hold);
}

#[test]
fn seeds_of_templates_hold() {
    try_seeds("template", fuzz::template::hold);
}

#[test]
fn seeds_of_what_stands_in_small_texts_hold() {
    try_seeds("glob", fuzz::glob::hold);
    try_seeds("address", fuzz::address::hold);
    try_seeds("cron", fuzz::cron::hold);
    try_seeds("lock", fuzz::lock::hold);
}
