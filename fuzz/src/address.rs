//! References to files: what is read is written and read back, and no path leaves the project.

use pipeline::{Address, BadAddress};

/// Reads the text as what stands behind `uses` and `include`.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let own = Address::Local("a/b.yaml".to_owned());
    let foreign = Address::parse_whole("git+https://h/r//a/b.yaml@v1").expect("an address");
    let read = [
        Address::parse(text, &own),
        Address::parse_include(text, &own),
        Address::parse_whole(text),
        Address::parse(text, &foreign),
        Address::parse_include(text, &foreign),
    ];
    // Whoever reads the file, its path is the same.
    assert_eq!(path(&read[0]), path(&read[3]));
    assert_eq!(path(&read[1]), path(&read[4]));
    if let Ok(Address::Git { url, reference, .. }) = &read[4] {
        assert_eq!((url.as_str(), reference.as_str()), ("https://h/r", "v1"));
    }
    for read in read {
        match read {
            Ok(address) => {
                stays_inside(&address);
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

fn path(read: &Result<Address, BadAddress>) -> Option<&str> {
    read.as_ref().ok().map(Address::path)
}

/// The path stays in the project or repository, and nothing of it is an option or a line of its own for Git.
pub(crate) fn stays_inside(address: &Address) {
    let path = address.path();
    for part in path.split('/') {
        assert!(!matches!(part, "" | "." | ".."), "{path}");
    }
    assert!(
        !path.starts_with('~') && !path.contains(['\\', '\0']),
        "{path}"
    );
    let written = address.to_string();
    assert!(!written.contains(char::is_control), "{written:?}");
    if let Address::Git { url, reference, .. } = address {
        let (scheme, place) = url.split_once("://").expect("a URL has a scheme");
        assert!(scheme.chars().all(|c| c.is_ascii_lowercase()), "{url}");
        assert!(!place.starts_with('-') && !url.contains(' '), "{url}");
        assert!(
            !reference.starts_with('-') && !reference.contains(".."),
            "{reference}"
        );
    }
}
