//! References to files: what is read is written and read back, and no path leaves the project.

use pipeline::Address;

/// Reads the text as what stands behind `uses` and `include`.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let own = Address::Local("a/b.yaml".to_owned());
    let read = [
        Address::parse(text, &own),
        Address::parse_include(text, &own),
        Address::parse_whole(text),
    ];
    for read in read {
        match read {
            Ok(address) => {
                stays_inside(address.path());
                let written = address.to_string();
                let again = Address::parse_whole(&written);
                assert_eq!(again.as_ref(), Ok(&address), "written as `{written}`");
            }
            Err(error) => {
                assert!(
                    !error.message.is_empty() && !error.help.is_empty(),
                    "{error:?}"
                );
            }
        }
    }
}

fn stays_inside(path: &str) {
    assert!(!path.starts_with('/') && !path.contains('\0'), "{path}");
    for part in path.split('/') {
        assert!(!matches!(part, "" | "." | ".."), "{path}");
    }
}
