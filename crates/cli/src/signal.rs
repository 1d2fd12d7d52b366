//! The signal that a command is about: options, a payload and Git become the names below `signal`.
//!
//! Without options a person asks, on the branch and commit of the working tree. What the options say goes before the
//! payload, and the payload before Git. Whether the pipeline waits for the signal is decided by `pipeline::signal`.

mod again;
mod changed;
mod payload;

use crate::chosen::reached;
use crate::fault::Fault;
use crate::git::{Found, Git, Status};
use crate::project::Project;
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use expr::check::nearest;
use model::plan::{Plan, TaskDef};
use model::source::Source;
use model::{Json, JsonMap};
use pipeline::Request;
use pipeline::signal::{Decision, Kind, On, Unasked, matches};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Options of every command that makes a plan.
#[derive(Debug, Default, clap::Args)]
#[group(id = "signal")]
pub(crate) struct Options {
    /// What happened: push, `pull_request`, tag, schedule, api, or `manual[:NAME]`; a person asks when absent
    #[arg(long, value_name = "SIGNAL")]
    on: Option<String>,
    /// A JSON file with names below `signal`, or with what GitHub sent
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,
    /// The branch of the signal; the one that is checked out when absent
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// The branch that the pull request goes to
    #[arg(long, value_name = "NAME")]
    base: Option<String>,
    /// The tag of the signal
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
    /// Take the files that have changed since this commit as those of the signal
    #[arg(long, value_name = "REF")]
    since: Option<String>,
    /// Set a param of the pipeline
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// The names below `signal` that are known so far.
    signal: JsonMap,
    /// Whether a signal was named; else a person asks, whom every pipeline that is named obeys.
    is_named: bool,
    /// Whether the branch or tag that it is about is gone.
    is_deleted: bool,
    params: BTreeMap<String, String>,
}

/// Says which filters of `on` nobody could ask, and what to give for it.
pub(crate) fn tell_unasked(decision: &Decision, ui: &Ui) {
    for each in &decision.unasked {
        let options = match each {
            Unasked::Branch => Some("`--branch NAME` or `--payload FILE`"),
            Unasked::Base => Some("`--base NAME` or `--payload FILE`"),
            Unasked::Files => Some("`--since REF` or `--payload FILE`"),
            Unasked::Time => Some("`--payload FILE` with its `cron`"),
            Unasked::TooMany => None,
        };
        let sentence = each.sentence();
        ui.say(match options {
            Some(options) => format!("note: of `on` {sentence}; {options} says it"),
            None => format!("note: of `on` {sentence}"),
        });
    }
}

impl Asked {
    /// Says which tasks decide by changed files that nobody knows, and what to give for it.
    pub(crate) fn tell_unknown_files(&self, plan: &Plan, ui: &Ui) {
        if self.signal.contains_key("changed_files") {
            return;
        }
        let reads = |task: &TaskDef| {
            let condition = task.start.condition.as_ref();
            condition.is_some_and(|when| when.text.contains("signal.changed_files"))
        };
        let tasks = reached(plan).into_iter().filter(|task| reads(task));
        let names: Vec<String> = tasks.map(|task| text::plain(&task.name)).collect();
        if let Some((first, rest)) = names.split_first() {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(" and {}", text::count(more, "further task")),
            };
            ui.say(format!(
                "note: `when` of task `{first}`{more} reads `signal.changed_files`, which is empty: which files have \
                 changed is not known; `--since REF` or `--payload FILE` says it"
            ));
        }
    }
}

impl Options {
    /// Reads options and payload; Git is asked where a signal is named or changed files are.
    ///
    /// # Errors
    /// When an option, the payload or the commit is not usable.
    pub(crate) fn read(&self, project: &Project) -> Result<Asked> {
        let named = self.on.as_deref().map(kind_and_name).transpose()?;
        let mut signal = JsonMap::new();
        let mut kind = named.map(|(kind, _)| kind);
        let mut is_deleted = false;
        if let Some(file) = &self.payload {
            let given = payload::read(file, kind)?;
            kind = kind.or(given.kind);
            signal = given.signal;
            is_deleted = given.is_deleted;
            if let Some(files) = given.files_from_top {
                let files = changed::below(&project.dir, files)?;
                signal.extend(files.map(|files| ("changed_files".to_owned(), json!(files))));
            }
        }
        if self.tag.is_some() && kind.unwrap_or(Kind::Tag) != Kind::Tag {
            let kind = kind.unwrap_or_default().as_str();
            return Err(Fault::usage(format!(
                "`--tag` belongs to the signal `tag`, not to `{kind}`"
            ))
            .help("leave it out, or say `--on tag`")
            .into());
        }
        if self.base.is_some() && kind != Some(Kind::PullRequest) {
            return Err(
                Fault::usage("`--base` belongs to the signal `pull_request`")
                    .help("leave it out, or say `--on pull_request`")
                    .into(),
            );
        }
        let given = [
            ("--branch", &self.branch),
            ("--base", &self.base),
            ("--tag", &self.tag),
        ];
        if let Some((option, _)) = given.iter().find(|(_, value)| value.as_deref() == Some("")) {
            return Err(Fault::usage(format!("`{option}` has an empty name"))
                .help(format!("say `{option} NAME`, or leave it out"))
                .into());
        }
        let is_tag = self.tag.is_some() || kind == Some(Kind::Tag);
        let is_named = is_tag || kind.is_some();
        let kind = if is_tag {
            Kind::Tag
        } else {
            kind.unwrap_or_default()
        };
        if let Some(file) = &self.payload {
            payload::belong(file, &signal, kind)?;
        }
        let mut set = |name: &str, value: &str| signal.insert(name.to_owned(), json!(value));
        set("kind", kind.as_str());
        if let Some((_, Some(name))) = named {
            set("name", name);
        }
        if let Some(branch) = &self.branch {
            set("branch", branch);
        }
        if let Some(base) = &self.base {
            set("base", base);
        }
        if let Some(tag) = &self.tag {
            set("tag", tag);
        }
        if is_tag && text_of(&signal, "tag").is_empty() {
            return Err(Fault::usage("the signal `tag` needs the name of the tag")
                .help("say `--tag NAME`, or give a payload with `tag`")
                .into());
        }
        if let Some(reference) = &self.since {
            let files = changed::since(&project.dir, reference)?;
            signal.insert("changed_files".to_owned(), json!(files));
        }
        let mut asked = Asked {
            signal,
            is_named,
            is_deleted,
            params: params(&self.params)?,
        };
        if is_named {
            asked.fill(&status_of(&project.dir)?);
        }
        Ok(asked)
    }
}

impl Asked {
    /// What is known of the working tree, where nothing else was said.
    pub(crate) fn fill(&mut self, status: &Status) {
        let kind = Kind::from_word(text_of(&self.signal, "kind")).unwrap_or_default();
        let head = text_of(&self.signal, "head").to_owned();
        let branch = match kind {
            Kind::Tag => String::new(),
            Kind::PullRequest if !head.is_empty() => head,
            Kind::Push | Kind::PullRequest | Kind::Schedule | Kind::Manual | Kind::Api => {
                status.branch.clone().unwrap_or_default()
            }
        };
        let own_commit = self.signal.contains_key("commit");
        let mut add = |name: &str, value: Json| {
            self.signal.entry(name.to_owned()).or_insert(value);
        };
        add("branch", json!(branch));
        add(
            "commit",
            json!(status.commit.as_deref().unwrap_or_default()),
        );
        add("dirty", json!(status.dirty && !own_commit));
        let (branch, tag) = (
            text_of(&self.signal, "branch"),
            text_of(&self.signal, "tag"),
        );
        let reference = match (kind, branch, tag) {
            (Kind::Tag, _, tag) => format!("refs/tags/{tag}"),
            (_, "", _) => String::new(),
            (_, branch, _) => format!("refs/heads/{branch}"),
        };
        let branch = branch.to_owned();
        let mut add = |name: &str, value: String| {
            self.signal.entry(name.to_owned()).or_insert(json!(value));
        };
        add("ref", reference);
        if kind == Kind::PullRequest {
            add("head", branch);
        }
    }

    /// Whether a pipeline with this `on` is set going. Without a named signal a person asks for it.
    pub(crate) fn starts(&self, on: &On) -> Decision {
        if self.is_deleted {
            let of = ["tag", "branch"].map(|name| (name, text_of(&self.signal, name)));
            let gone = of.iter().find(|(_, value)| !value.is_empty());
            let (word, name) = gone
                .copied()
                .unwrap_or(("ref", text_of(&self.signal, "ref")));
            return Decision {
                starts: false,
                reason: format!("the push deleted the {word} `{name}`, so there is nothing to run"),
                unasked: Vec::new(),
            };
        }
        if self.is_named {
            return matches(on, &self.signal);
        }
        Decision {
            starts: true,
            reason: "a person asks".to_owned(),
            unasked: Vec::new(),
        }
    }

    /// Whether a pipeline that nobody named may be meant.
    pub(crate) fn may_mean(&self, on: &On) -> bool {
        if self.is_named {
            self.starts(on).starts
        } else {
            on.manual
        }
    }

    /// The kind of signal, if one was named.
    pub(crate) fn named(&self) -> Option<&str> {
        self.is_named.then(|| text_of(&self.signal, "kind"))
    }

    /// What the plan is made for.
    pub(crate) fn request(&self) -> Request {
        Request {
            signal: self.signal.clone(),
            params: self.params.clone(),
        }
    }
}

/// What Git says of the tree around `dir`; nothing where Git does not answer.
///
/// # Errors
/// When `git` is there and cannot be started.
pub(crate) fn status_of(dir: &Path) -> Result<Status> {
    Ok(match Git::find(dir)? {
        Found::Repository(git) => git.status().unwrap_or_default(),
        Found::NoProgram | Found::NoRepository | Found::Refused(_) => Status::default(),
    })
}

impl From<&Source> for Status {
    fn from(source: &Source) -> Self {
        Self {
            branch: source.branch.clone(),
            commit: source.commit.clone(),
            dirty: source.dirty,
        }
    }
}

fn kind_and_name(word: &str) -> Result<(Kind, Option<&str>)> {
    let (kind, name) = match word.split_once(':') {
        Some((kind, name)) => (kind, Some(name)),
        None => (word, None),
    };
    let words = || Kind::ALL.into_iter().map(Kind::as_str);
    let Some(known) = Kind::from_word(kind) else {
        let fault = Fault::usage(format!("there is no signal `{}`", text::plain(kind)));
        let fault = match nearest(kind, words()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help(format!(
                "the signals are {}",
                words().collect::<Vec<_>>().join(", ")
            )),
        };
        return Err(fault.into());
    };
    match name {
        Some(_) if known != Kind::Manual => {
            Err(Fault::usage(format!("the signal `{kind}` takes no name"))
                .help(format!("say `--on {kind}`; only `manual` has a name"))
                .into())
        }
        Some("") => Err(Fault::usage("`--on manual:` has no name")
            .help("say `--on manual:NAME`, or `--on manual`")
            .into()),
        Some(name) => {
            let wanted = pipeline::signal::name("name")
                .and_then(|known| known.holds.take(&json!(name)).err());
            match wanted {
                None => Ok((known, Some(name))),
                Some(wanted) => Err(Fault::usage(format!(
                    "`--on manual:NAME` expects {wanted}, found `{}`",
                    text::plain(name)
                ))
                .help("say `--on manual:deploy`")
                .into()),
            }
        }
        None => Ok((known, None)),
    }
}

/// Reads `--param NAME=VALUE`.
fn params(given: &[String]) -> Result<BTreeMap<String, String>> {
    let mut params = BTreeMap::new();
    for each in given {
        let Some((name, value)) = each.split_once('=') else {
            let shown = text::plain(each);
            return Err(Fault::usage(format!("`--param {shown}` has no value"))
                .help(format!("write `--param {}=VALUE`", text::quoted(each)))
                .into());
        };
        if name.is_empty() {
            let shown = text::plain(each);
            return Err(Fault::usage(format!("`--param {shown}` has no name"))
                .help(format!("write `--param NAME{shown}`"))
                .into());
        }
        if params.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Fault::usage(format!("`--param {name}` is given twice")).into());
        }
    }
    Ok(params)
}

fn text_of<'s>(signal: &'s JsonMap, name: &str) -> &'s str {
    signal.get(name).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(on: &str) -> Options {
        Options {
            on: Some(on.to_owned()),
            ..Options::default()
        }
    }

    #[test]
    fn params_have_a_name_and_a_value() {
        let params = params(&["a=b=c".to_owned()]).unwrap();
        assert_eq!(params.get("a").map(String::as_str), Some("b=c"));
    }

    #[test]
    fn only_manual_has_a_name() {
        let said = |word: &'static str| kind_and_name(word).map_err(|error| error.to_string());
        assert_eq!(said("manual:deploy"), Ok((Kind::Manual, Some("deploy"))));
        assert_eq!(said("pull_request"), Ok((Kind::PullRequest, None)));
        assert!(said("manual:x;id").is_err_and(|said| said.contains("found `x;id`")));
        assert_eq!(
            said("push:x"),
            Err("the signal `push` takes no name".to_owned())
        );
        assert_eq!(said("pusch"), Err("there is no signal `pusch`".to_owned()));
    }

    #[test]
    fn what_was_said_goes_before_what_git_says() {
        let mut asked = Asked {
            signal: [
                ("kind".to_owned(), json!("push")),
                ("branch".to_owned(), json!("release")),
            ]
            .into(),
            is_named: true,
            is_deleted: false,
            params: BTreeMap::new(),
        };
        asked.fill(&Status {
            branch: Some("main".to_owned()),
            commit: Some("4f2c".to_owned()),
            dirty: true,
        });
        let signal = asked.request().signal;
        assert_eq!(
            [&signal["branch"], &signal["commit"], &signal["ref"]],
            ["release", "4f2c", "refs/heads/release"]
        );
        assert_eq!(signal["dirty"], json!(true));
    }

    #[test]
    fn a_tag_without_a_name_is_refused() {
        let project = Project {
            dir: PathBuf::from("/"),
            files: Vec::new(),
            is_above: false,
        };
        let error = options("tag").read(&project).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the signal `tag` needs the name of the tag"
        );
    }
}
