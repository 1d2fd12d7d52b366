//! Where the state of a repository lies, and what is said when it can lie nowhere.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::files::{on_a_mount, told};
use std::fs;
use std::path::Path;
use store::location::Origin;
use store::{Places, StateDir};

#[test]
fn the_usual_place_is_in_the_repository_and_hidden_from_git() {
    let repository = tempfile::tempdir().unwrap();
    let state = StateDir::locate(repository.path(), &Places::default()).unwrap();
    assert_eq!(state.dir, repository.path().join(".formic/state"));
    assert_eq!(state.origin, Origin::Repository);
    let ignore = fs::read_to_string(state.dir.join(".gitignore")).unwrap();
    assert_eq!(ignore, "*\n");
    let again = StateDir::locate(repository.path(), &Places::default()).unwrap();
    assert_eq!(again, state);
}

#[test]
fn a_setting_moves_it_and_is_relative_to_the_repository() {
    let repository = tempfile::tempdir().unwrap();
    let places = Places {
        formic_state: Some("../elsewhere".into()),
        ..Places::default()
    };
    let inner = repository.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let state = StateDir::locate(&inner, &places).unwrap();
    assert_eq!(state.origin, Origin::Setting);
    assert!(repository.path().join("elsewhere").is_dir());
    assert!(!inner.join(".formic").exists());
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    let repository = tempfile::tempdir().unwrap();
    let file = repository.path().join("file");
    fs::write(&file, "").unwrap();
    let places = Places {
        formic_state: Some(file.join("state")),
        ..Places::default()
    };
    let error = StateDir::locate(repository.path(), &places).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot use the folder `{}` that `FORMIC_STATE` names; set it to a folder that may be written, or unset it",
            file.join("state").display()
        )
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_usual_place_that_is_a_file_is_named() {
    let repository = tempfile::tempdir().unwrap();
    fs::write(repository.path().join(".formic"), "").unwrap();
    let error = StateDir::locate(repository.path(), &Places::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot use the folder `{}`; set `FORMIC_STATE` to another folder",
            repository.path().join(".formic/state").display()
        )
    );
}

/// Played where the folder of `board` may not be written.
pub(crate) fn locate_in_a_protected_tree(board: &Path) -> Vec<String> {
    let repository = board.parent().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let tell = |places: Places| match StateDir::locate(repository, &places) {
        Ok(state) => {
            assert!(state.dir.is_dir());
            format!("{:?} {}", state.origin, state.dir.display())
        }
        Err(error) => error.to_string(),
    };
    let home = elsewhere.path().to_owned();
    let lines = [
        tell(Places {
            xdg_state_home: Some(home.clone()),
            ..Places::default()
        }),
        tell(Places {
            home: Some(home.clone()),
            ..Places::default()
        }),
        tell(Places::default()),
        tell(Places {
            home: Some(repository.to_owned()),
            ..Places::default()
        }),
    ];
    let hide = |line: String| {
        let line = line.replace(&home.display().to_string(), "HOME");
        line.replace(&repository.display().to_string(), "REPOSITORY")
    };
    lines.into_iter().map(hide).collect()
}

#[test]
fn a_protected_tree_falls_back_to_the_persons_state_folder() {
    let lines = match on_a_mount("locate", "ro") {
        Some(lines) => (0..4)
            .map(|number| told(&mut lines.iter().cloned(), &format!("place{number}")).unwrap())
            .collect(),
        None => {
            // Whoever may not mount is not root, so that permissions count.
            let dir = tempfile::tempdir().unwrap();
            let mut permissions = fs::metadata(dir.path()).unwrap().permissions();
            permissions.set_readonly(true);
            fs::set_permissions(dir.path(), permissions).unwrap();
            locate_in_a_protected_tree(&dir.path().join("board.sqlite"))
        }
    };
    assert!(lines[0].starts_with("Fallback HOME/formic/"), "{lines:?}");
    assert!(lines[1].starts_with("Fallback HOME/.local/state/formic/"));
    assert_eq!(
        lines[2],
        "`REPOSITORY/.formic/state` may not be written, and neither `XDG_STATE_HOME` nor `HOME` is \
         set; set `FORMIC_STATE` to a folder that may be written"
    );
    let both = "neither `REPOSITORY/.formic/state` nor `REPOSITORY/.local/state/formic/";
    assert!(lines[3].starts_with(both));
    assert!(lines[3].ends_with("` may be written; set `FORMIC_STATE` to a folder that may"));
}

#[test]
fn a_network_file_system_is_refused_by_name() {
    let error = store::LocationError::Network {
        dir: "/mnt/team/shop/.formic/state".into(),
        name: "nfs".into(),
    };
    assert_eq!(
        error.to_string(),
        "`/mnt/team/shop/.formic/state` is on a network file system (nfs), which does not keep \
         several processes apart; set `FORMIC_STATE` to a folder on a local disk"
    );
}
