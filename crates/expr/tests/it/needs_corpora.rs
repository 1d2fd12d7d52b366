//! Third-party cases. Where this machine does not have them these tests fail, and `cargo xtask test` leaves them out by the
//! name of this module.
#![expect(clippy::disallowed_methods, reason = "tests read cases")]

mod conformance;
mod policies;

use std::path::PathBuf;

/// The folder of a corpus.
///
/// # Panics
/// When this machine does not have it.
fn folder(name: &str) -> PathBuf {
    let root = std::env::var_os("FORMIC_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let folder = root.join(name);
    assert!(
        folder.is_dir(),
        "there is no corpus `{}`: set FORMIC_CORPORA to the folder that holds it, or run `cargo xtask test`, which goes \
         on without",
        folder.display()
    );
    folder
}
