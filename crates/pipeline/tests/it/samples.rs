//! Good files: each compiles without an error or a warning.

use pipeline::{Diagnostic, Request, SourceFile, check, compile};

/// Good files with their names.
pub(crate) const GOOD: [(&str, &str); 5] = [
    (
        "shop",
        include_str!("../../../../examples/shop/formic.yaml"),
    ),
    ("everything", include_str!("samples/everything.yaml")),
    ("containers", include_str!("samples/containers.yaml")),
    ("short", include_str!("samples/short.yaml")),
    ("results", include_str!("samples/results.yaml")),
];

fn told(diagnostics: &[Diagnostic]) -> Vec<String> {
    let told = diagnostics.iter();
    told.map(|each| {
        format!(
            "{}:{} {} {} ({:?})",
            each.line, each.column, each.code, each.message, each.help
        )
    })
    .collect()
}

#[test]
fn good_files_have_a_plan_and_nothing_to_say() {
    for (name, text) in GOOD {
        let file = SourceFile::new(name, text);
        assert_eq!(told(&check(&file)), Vec::<String>::new(), "{name}");
        let compiled = compile(&file, &Request::default());
        let plan = compiled.plan.unwrap();
        let written = serde_json::to_string(&plan).unwrap();
        assert_eq!(
            serde_json::from_str::<model::plan::Plan>(&written).unwrap(),
            plan,
            "{name}"
        );
    }
}

#[test]
fn a_plan_is_the_same_every_time() {
    let (name, text) = GOOD[1];
    let once = compile(&SourceFile::new(name, text), &Request::default());
    let again = compile(&SourceFile::new(name, text), &Request::default());
    assert_eq!(once.plan, again.plan);
}
