//! Where the third-party cases lie.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests read cases and say when there are none"
)]

use std::path::PathBuf;

/// The folder of a corpus, `None` when this machine does not have it.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FORMIC_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("corpora: not run ({name})");
    None
}
