//! Files of the project: found below its top, links included, and never outside of it.

use super::not_there;
use crate::fetch::{self, Refused, Whose};
use crate::ordinary::{self, Unread};
use crate::text;
use expr::check::nearest;
use model::limits;
use pipeline::Loaded;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The file at `path` of the project at `top`.
pub(super) fn local(top: &Path, path: &str) -> Loaded {
    let candidates = fetch::candidates(path);
    for candidate in &candidates {
        let place = top.join(candidate);
        let real = match fs::canonicalize(&place) {
            Ok(real) => real,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                continue;
            }
            Err(error) => return unreadable(path, &error.to_string()),
        };
        let inside = fs::canonicalize(top).is_ok_and(|top| real.starts_with(top));
        if !inside {
            return not_there(Refused {
                whose: Whose::User,
                message: format!("`{path}` is a link that leaves the project"),
                help: "put the file itself into the project".to_owned(),
            });
        }
        let is_last = Some(candidate) == candidates.last();
        match ordinary::read(&real, limits::PIPELINE_FILE_BYTES) {
            Ok(bytes) => return Loaded::File(bytes),
            // `ci/scan` may be a folder beside `ci/scan.yaml`.
            Err(Unread::Other(_)) if !is_last && has_file(top, &candidates) => {}
            Err(Unread::Other(kind)) => return no_file(path, kind.as_str()),
            Err(Unread::Refused(error)) => return unreadable(path, &error.to_string()),
        }
    }
    let near = nearest_file(top, path);
    not_there(Refused {
        whose: Whose::User,
        message: format!("there is no file `{path}` in the project"),
        help: match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "write the file, or mend the path: it counts from the project's top, `{}`",
                text::plain(&top.display().to_string())
            ),
        },
    })
}

fn has_file(top: &Path, candidates: &[String]) -> bool {
    candidates.iter().any(|path| top.join(path).is_file())
}

fn no_file(path: &str, kind: &str) -> Loaded {
    not_there(Refused {
        whose: Whose::User,
        message: format!("`{path}` is {kind}; a file with a pipeline or a task was expected"),
        help: "name an ordinary file".to_owned(),
    })
}

fn unreadable(path: &str, why: &str) -> Loaded {
    not_there(Refused {
        whose: Whose::User,
        message: format!("cannot read `{path}`: {why}"),
        help: "check the permissions of the file".to_owned(),
    })
}

/// The file beside the missing one whose name is nearest to its name.
fn nearest_file(top: &Path, path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let entries = fs::read_dir(top.join(folder)).ok()?;
    let names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml") || name.ends_with(".yml"))
        .collect();
    let near = nearest(name, names.iter().map(String::as_str))?;
    Some(match folder {
        "" => format!("./{near}"),
        folder => format!("./{folder}/{near}"),
    })
}
