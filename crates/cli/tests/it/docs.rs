//! Every command and every pipeline in the docs.

use std::path::Path;

#[test]
fn what_the_docs_show_is_so() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let formic = Path::new(env!("CARGO_BIN_EXE_formic"));
    let scratch = tempfile::tempdir().expect("the temporary folder may be written");
    let report = xtask::docs_run::run_all(&root, formic, scratch.path())
        .expect("the docs can be read and copied");
    assert!(report.failures.is_empty(), "{report}");
}
