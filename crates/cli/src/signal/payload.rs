//! `--payload`: names below `signal` from a JSON file, or what GitHub sent.
//!
//! A file of names may hold no other ones, so that a slip is found. What looks like an event of GitHub becomes
//! `signal.payload` as it is, and the names that are known from it are taken out of it. Everything is text from outside: what
//! scripts may hold as it is, such as a commit, a time or the name behind `manual:`, has to have its form.

use crate::fault::Fault;
use crate::ordinary;
use crate::text;
use anyhow::Result;
use expr::check::nearest;
use model::{Json, JsonMap, limits};
use pipeline::signal::{Kind, NAMES, Name, name};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// What a payload gives.
#[derive(Debug)]
pub(super) struct Given {
    /// The kind that it says.
    pub kind: Option<Kind>,
    /// The names below `signal`, `kind` aside.
    pub signal: JsonMap,
    /// The changed files from the top of the repository, where GitHub says them.
    pub files_from_top: Option<BTreeSet<String>>,
    /// Whether the branch or tag is gone: there is nothing to run for it.
    pub is_deleted: bool,
}

/// Reads the payload in `file`; `asked` is the kind of signal that the options say.
///
/// # Errors
/// When it cannot be read, is too large, is not JSON, or has a name that does not exist or holds something else.
pub(super) fn read(file: &Path, asked: Option<Kind>) -> Result<Given> {
    let shown = file.display().to_string();
    let bytes = ordinary::read(file, limits::SIGNAL_BYTES).map_err(|unread| {
        unread.fault(
            &format!("the payload `{shown}`"),
            "a file with JSON was expected",
        )
    })?;
    if bytes.len() > limits::SIGNAL_BYTES {
        let most = text::size(limits::SIGNAL_BYTES as u64);
        return Err(
            Fault::usage(format!("the payload `{shown}` is larger than {most}"))
                .help("leave out what the pipeline does not read")
                .into(),
        );
    }
    parse(&shown, &bytes, asked)
}

fn parse(file: &str, bytes: &[u8], asked: Option<Kind>) -> Result<Given> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| {
        // At the end of the text the parser stands before the first column.
        let (line, column) = (error.line(), error.column().max(1));
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        Fault::usage(format!(
            "{file}:{line}:{column}: the payload is not JSON: {said}"
        ))
        .help("a payload looks like `{\"branch\": \"main\", \"title\": \"Mend it\"}`")
    })?;
    let Json::Object(members) = &json else {
        return Err(
            Fault::usage(format!("{file}:1: the payload is not an object"))
                .help("a payload looks like `{\"branch\": \"main\", \"title\": \"Mend it\"}`")
                .into(),
        );
    };
    let at = |key: &str| format!("{file}:{}", line_of(bytes, key));
    if members.contains_key("repository") || members.contains_key("sender") {
        let given = of_github(&json);
        if let (Some(Kind::Schedule), Some(time)) = (given.kind, json.get("schedule"))
            && let Some(cron) = name("cron")
        {
            fits(&at("schedule"), "schedule", cron, time)?;
        }
        if let Some(kind) = given.kind {
            agrees(kind, asked, &format!("{file}:1"))?;
        }
        let files = given.files_from_top.as_ref().map_or(0, BTreeSet::len);
        if files > limits::CHANGED_FILES {
            let most = limits::CHANGED_FILES;
            return Err(Fault::usage(format!(
                "{file}: {files} files have changed; a signal has at most {most}"
            ))
            .help("leave out `commits`, and give `--since REF`")
            .into());
        }
        return Ok(given);
    }
    let mut kind = None;
    let mut signal = JsonMap::new();
    for (key, value) in members {
        let Some(known) = name(key) else {
            let fault = Fault::usage(format!(
                "{}: `signal` has no `{}`",
                at(key),
                text::plain(key)
            ));
            let names = || NAMES.iter().map(Name::name);
            return Err(match nearest(key, names()) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!(
                    "its names are {}; put anything else below `payload`",
                    names().collect::<Vec<_>>().join(", ")
                )),
            }
            .into());
        };
        fits(&at(key), key, known, value)?;
        if key == "kind" {
            kind = Some(kind_of(
                value.as_str().unwrap_or_default(),
                asked,
                &at(key),
            )?);
        } else {
            signal.insert(key.clone(), value.clone());
        }
    }
    Ok(Given {
        kind,
        signal,
        files_from_top: None,
        is_deleted: false,
    })
}

/// Whether the member `key` of the payload holds what the name is for.
fn fits(at: &str, key: &str, name: &Name, value: &Json) -> Result<()> {
    let Err(wanted) = name.holds.take(value) else {
        return Ok(());
    };
    let found: String = value.to_string().chars().take(60).collect();
    Err(
        Fault::usage(format!("{at}: `{key}` expects {wanted}, found {found}"))
            .help(format!("it is: {}", name.doc))
            .into(),
    )
}

/// Whether a signal of this kind has all the names that the payload in `file` gives.
///
/// # Errors
/// When a name with a value belongs to another kind only.
pub(super) fn belong(file: &Path, signal: &JsonMap, kind: Kind) -> Result<()> {
    for each in NAMES {
        let Some(only) = each.only_of().filter(|only| *only != kind) else {
            continue;
        };
        let value = signal.get(each.name()).and_then(Json::as_str);
        if value.is_some_and(|value| !value.is_empty()) {
            let (file, name, only) = (file.display(), each.name(), only.as_str());
            return Err(Fault::usage(format!(
                "{file}: `{name}` belongs to the signal `{only}`, not to `{}`",
                kind.as_str()
            ))
            .help(format!("leave it out, or say `--on {only}`"))
            .into());
        }
    }
    Ok(())
}

fn kind_of(word: &str, asked: Option<Kind>, at: &str) -> Result<Kind> {
    let Some(kind) = Kind::from_word(word) else {
        let words = || Kind::ALL.into_iter().map(Kind::as_str);
        let fault = Fault::usage(format!("{at}: there is no signal `{}`", text::plain(word)));
        return Err(match nearest(word, words()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help(format!(
                "the signals are {}",
                words().collect::<Vec<_>>().join(", ")
            )),
        }
        .into());
    };
    agrees(kind, asked, at)?;
    Ok(kind)
}

/// Whether the payload is of the signal that `--on` says, if that says one.
fn agrees(kind: Kind, asked: Option<Kind>, at: &str) -> Result<()> {
    match asked {
        Some(asked) if asked != kind => Err(Fault::usage(format!(
            "{at}: the payload is of the signal `{}`, and `--on` says `{}`",
            kind.as_str(),
            asked.as_str()
        ))
        .help("leave one of them out")
        .into()),
        Some(_) | None => Ok(()),
    }
}

/// The line of a member of the outermost object.
fn line_of(bytes: &[u8], key: &str) -> usize {
    let quoted = json!(key).to_string();
    let (mut line, mut depth, mut at) = (1, 0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' => line += 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = end_of_text(bytes, at);
                let text = bytes.get(at..end).unwrap_or_default();
                let after = bytes.get(end..).unwrap_or_default().trim_ascii_start();
                if depth == 1 && text == quoted.as_bytes() && after.starts_with(b":") {
                    return line;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    1
}

/// Behind the quote that ends the text that begins at `start`.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// An event of GitHub: all of it as `payload`, and the names that are known from it.
fn of_github(event: &Json) -> Given {
    let asked = "workflow"; // foreign: a key of GitHub
    let text = |path: &str| {
        event
            .pointer(path)
            .and_then(Json::as_str)
            .unwrap_or_default()
    };
    let mut signal = JsonMap::new();
    let mut put = |name: &str, value: Json| {
        let known =
            pipeline::signal::name(name).is_some_and(|name| name.holds.take(&value).is_ok());
        let says = !value.is_null() && value != "";
        if known && says {
            signal.insert(name.to_owned(), value);
        }
    };
    put("payload", event.clone());
    put("author", json!(text("/sender/login")));
    put("label", json!(text("/label/name")));
    let reference = text("/ref");
    let kind = if event.get("pull_request").is_some() {
        of_pull_request(event, &mut put);
        Some(Kind::PullRequest)
    } else if event.get("schedule").is_some() {
        put("cron", json!(text("/schedule")));
        Some(Kind::Schedule)
    } else if event.get(asked).is_some_and(Json::is_string) {
        // A person asked, on a branch or a tag.
        put(
            "branch",
            json!(reference.strip_prefix("refs/heads/").unwrap_or_default()),
        );
        Some(Kind::Manual)
    } else if let Some(tag) = reference.strip_prefix("refs/tags/") {
        put("tag", json!(tag));
        Some(Kind::Tag)
    } else if let Some(branch) = reference.strip_prefix("refs/heads/") {
        put("branch", json!(branch));
        Some(Kind::Push)
    } else {
        None
    };
    put("ref", json!(reference));
    put("before", json!(text("/before")));
    put("message", json!(text("/head_commit/message")));
    if event.get("pull_request").is_none() {
        put("commit", json!(text("/after")));
    }
    if reference.starts_with("refs/tags/") {
        // A tag is on no branch, also where the working tree is on one.
        signal.insert("branch".to_owned(), json!(""));
    }
    Given {
        kind,
        signal,
        files_from_top: files_of(event),
        is_deleted: event.get("deleted") == Some(&Json::Bool(true)),
    }
}

fn of_pull_request(event: &Json, put: &mut impl FnMut(&str, Json)) {
    let value = |path: &str| event.pointer(path).cloned().unwrap_or(Json::Null);
    put("number", value("/pull_request/number"));
    put("title", value("/pull_request/title"));
    put("body", value("/pull_request/body"));
    put("draft", value("/pull_request/draft"));
    put("author", value("/pull_request/user/login"));
    put("branch", value("/pull_request/head/ref"));
    put("head", value("/pull_request/head/ref"));
    put("base", value("/pull_request/base/ref"));
    put("commit", value("/pull_request/head/sha"));
    put("source", value("/pull_request/head/repo/full_name"));
    let labels = event
        .pointer("/pull_request/labels")
        .and_then(Json::as_array);
    let labels = labels.into_iter().flatten();
    let names: Vec<&Json> = labels.filter_map(|label| label.get("name")).collect();
    put("labels", json!(names));
}

/// The files that the commits of a push name. They are not known where a commit does not say them, as in what GitHub Actions
/// hands over, nor where there is no commit, as when a branch begins.
fn files_of(event: &Json) -> Option<BTreeSet<String>> {
    let commits = event.get("commits").and_then(Json::as_array)?;
    let mut files = BTreeSet::new();
    for commit in commits {
        let lists = ["added", "modified", "removed"].map(|key| commit.get(key)?.as_array());
        if lists.iter().all(Option::is_none) {
            return None;
        }
        let names = lists.into_iter().flatten().flatten();
        files.extend(names.filter_map(Json::as_str).map(str::to_owned));
    }
    (!commits.is_empty()).then_some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        parse("p.json", text.as_bytes(), Some(Kind::Push))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        assert_eq!(
            said("{\n  \"branch\": \"main\",\n}"),
            "p.json:3:1: the payload is not JSON: trailing comma"
        );
        assert_eq!(
            said("{\n"),
            "p.json:2:1: the payload is not JSON: EOF while parsing an object"
        );
        assert_eq!(said("[]"), "p.json:1: the payload is not an object");
        assert_eq!(
            said("{\n  \"payload\": {\"titel\": 1},\n  \"titel\": \"x\"}"),
            "p.json:3: `signal` has no `titel`"
        );
        assert_eq!(
            said("{\"number\": 1,\n\"labels\": [1]}"),
            "p.json:2: `labels` expects a list of texts, found [1]"
        );
        assert_eq!(
            said("{\"kind\": \"tag\"}"),
            "p.json:1: the payload is of the signal `tag`, and `--on` says `push`"
        );
    }

    #[test]
    fn a_push_of_github_gives_branch_commit_and_files() {
        let event = json!({
            "ref": "refs/heads/dev", "before": "00", "after": "4f2c", "repository": {},
            "sender": {"login": "ada"}, "head_commit": {"message": "mend"},
            "commits": [{"added": ["b"], "modified": ["a"], "removed": []}, {"modified": ["a"]}],
        });
        let given = of_github(&event);
        assert_eq!(given.kind, Some(Kind::Push));
        let at = |name: &str| given.signal[name].clone();
        assert_eq!(
            [at("branch"), at("commit"), at("author"), at("message")],
            [json!("dev"), json!("4f2c"), json!("ada"), json!("mend")]
        );
        assert_eq!(at("payload"), event);
        let files = ["a", "b"].map(str::to_owned);
        assert_eq!(given.files_from_top, Some(files.into()));
    }

    #[test]
    fn files_of_github_are_not_known_where_a_commit_does_not_say_them() {
        let files = |commits: Json| of_github(&json!({ "commits": commits })).files_from_top;
        assert_eq!(files(json!([{ "id": "4f2c" }])), None);
        assert_eq!(files(json!([{ "added": ["a"] }, { "id": "4f2c" }])), None);
        assert_eq!(files(json!([])), None);
        assert_eq!(files(Json::Null), None);
        assert_eq!(files(json!([{ "added": [] }])), Some(BTreeSet::new()));
    }

    #[test]
    fn a_person_who_asks_at_github_is_no_push() {
        let asked = "workflow"; // foreign: a key of GitHub
        let event = json!({"ref": "refs/heads/dev", asked: "ci.yml", "repository": {}});
        let given = of_github(&event);
        assert_eq!(given.kind, Some(Kind::Manual));
        assert_eq!(given.signal["branch"], "dev");
        let event = json!({"ref": "refs/tags/v1", asked: "ci.yml", "repository": {}});
        let given = of_github(&event);
        assert_eq!(given.kind, Some(Kind::Manual));
        assert_eq!(given.signal.get("branch"), Some(&json!("")));
        let time = json!({"schedule": "0 3 * * *", asked: "ci.yml", "repository": {}});
        assert_eq!(of_github(&time).kind, Some(Kind::Schedule));
    }

    #[test]
    fn an_event_of_github_is_held_against_what_was_asked() {
        assert_eq!(
            said(r#"{"repository": {}, "pull_request": {}}"#),
            "p.json:1: the payload is of the signal `pull_request`, and `--on` says `push`"
        );
    }

    #[test]
    fn a_pull_request_of_github_gives_both_branches() {
        let event = json!({
            "repository": {}, "number": 7,
            "pull_request": {
                "number": 7, "title": "Mend", "body": null, "draft": true, "user": {"login": "ada"},
                "head": {"ref": "mend", "sha": "not a commit", "repo": {"full_name": "ada/shop"}},
                "base": {"ref": "main"}, "labels": [{"name": "fast"}],
            },
        });
        let given = of_github(&event);
        assert_eq!(given.kind, Some(Kind::PullRequest));
        let at = |name: &str| given.signal.get(name).cloned().unwrap_or_default();
        assert_eq!(
            [
                at("branch"),
                at("base"),
                at("number"),
                at("labels"),
                at("source")
            ],
            [
                json!("mend"),
                json!("main"),
                json!(7),
                json!(["fast"]),
                json!("ada/shop")
            ]
        );
        // What is no commit is not taken for one, and what is null is not there.
        assert_eq!([at("commit"), at("body")], [Json::Null, Json::Null]);
    }
}
