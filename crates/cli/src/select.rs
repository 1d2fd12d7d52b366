//! Which pipeline a command means, and which of its tasks.
//!
//! Without a word it is the only pipeline, else the only one that waits for the signal. The first word is a pipeline,
//! else a task; `PIPELINE/TASK` decides. One task brings what it needs, and nothing else.

use crate::chosen::Chosen;
use crate::dialect::{self, Dialect};
use crate::fault::Fault;
use crate::project::{self, PipelineFile, Project};
use crate::signal::Asked;
use crate::text;
use crate::uses::{self, Loader, Look};
use anyhow::Result;
use expr::check::nearest;
use pipeline::SourceFile;
use pipeline::signal::On;
use std::collections::BTreeMap;
use std::path::Path;

/// A pipeline that could be chosen.
struct Candidate {
    source: SourceFile,
    name: String,
}

/// The candidate that is meant, with the task of it.
enum Meant {
    One(Candidate, Option<String>),
    /// None waits for the signal: the name of each, and why it does not start.
    None(Vec<(String, String)>),
}

/// What a command is about.
pub(crate) enum Choice {
    /// One pipeline, or a task of it.
    One(Box<Chosen>),
    /// Nothing: of several pipelines none waits for the signal. Each with the reason.
    Nothing(Vec<(String, String)>),
}

/// Chooses by `target`, among the project's files or in `file` alone; `said` is the language that the user says they are in.
///
/// # Errors
/// When there is no pipeline, or not exactly one is meant, or the lock file cannot be read.
pub(crate) fn choose(
    project: &Project,
    file: Option<&Path>,
    target: Option<&str>,
    said: Option<Dialect>,
    asked: &Asked,
) -> Result<Choice> {
    let (candidate, task) = match candidate(project, file, target, said, asked)? {
        Meant::One(candidate, task) => (candidate, task),
        Meant::None(idle) => return Ok(Choice::Nothing(idle)),
    };
    let mut loader = Loader::new(&project.dir, Look::Tags);
    let files = loader.load(candidate.source)?;
    Ok(Choice::One(Box::new(Chosen::new(files, loader, task))))
}

/// The file that is meant, and the task of it.
fn candidate(
    project: &Project,
    file: Option<&Path>,
    target: Option<&str>,
    said: Option<Dialect>,
    asked: &Asked,
) -> Result<Meant> {
    let files: Vec<PipelineFile> = match file {
        Some(file) => vec![project.named(file)],
        None => project.must_have_files()?.to_vec(),
    };
    let mut candidates = Vec::new();
    for file in &files {
        dialect::must_be_known(&file.path, &file.name, said)?;
        let source = file.read()?;
        let name = project::pipeline_name(&source);
        candidates.push(Candidate { source, name });
    }
    refuse_same_names(&candidates)?;
    let Some(target) = target else {
        return only(candidates, asked);
    };
    let named = |word: &str| candidates.iter().position(|each| each.name == word);
    if let Some((pipeline, task)) = target.split_once('/')
        && let Some(place) = named(pipeline)
    {
        return Ok(candidates.swap_remove(place).chosen(Some(task)));
    }
    if let Some(place) = named(target) {
        if let Some(other) = candidates
            .iter()
            .find(|each| each.has_task(target, project))
        {
            return Err(two_meanings(target, &candidates[place], other, candidates.len()).into());
        }
        return Ok(candidates.swap_remove(place).chosen(None));
    }
    if candidates.len() == 1 {
        return Ok(candidates.swap_remove(0).chosen(Some(target)));
    }
    let having: Vec<usize> = (0..candidates.len())
        .filter(|place| candidates[*place].has_task(target, project))
        .collect();
    match having.as_slice() {
        [] => Err(unknown(target, &candidates).into()),
        [only] => Ok(candidates.swap_remove(*only).chosen(Some(target))),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|place| format!("`{}/{target}`", candidates[*place].shown()))
                .collect();
            Err(
                Fault::usage(format!("`{target}` is a task of several pipelines"))
                    .help(format!("say which: {}", names.join(" or ")))
                    .into(),
            )
        }
    }
}

fn two_meanings(word: &str, pipeline: &Candidate, other: &Candidate, count: usize) -> Fault {
    let fault = Fault::usage(format!("`{word}` is a pipeline and a task"));
    let task = format!("say `{}/{word}` for the task", other.shown());
    if count == 1 {
        return fault.help(format!("{task}; without a word the pipeline is run"));
    }
    let file = text::quoted(&pipeline.source.name);
    fault.help(format!("{task}, or `--file {file}` for the pipeline"))
}

/// A name has to say which file is meant.
fn refuse_same_names(candidates: &[Candidate]) -> Result<()> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for Candidate { source, name } in candidates {
        if let Some(other) = seen.insert(name, &source.name) {
            let (name, file) = (text::plain(name), &source.name);
            return Err(Fault::usage(format!(
                "pipeline `{name}` is in two files: `{other}` and `{file}`"
            ))
            .help("give one of them another `name:`, or name one with `--file FILE`")
            .into());
        }
    }
    Ok(())
}

impl Candidate {
    /// Its name for a terminal.
    fn shown(&self) -> String {
        text::plain(&self.name)
    }

    fn has_task(&self, name: &str, project: &Project) -> bool {
        uses::has_task(&project.dir, &self.source, name)
    }

    fn chosen(self, task: Option<&str>) -> Meant {
        Meant::One(self, task.map(str::to_owned))
    }
}

/// The pipeline that is meant where none is named.
fn only(mut candidates: Vec<Candidate>, asked: &Asked) -> Result<Meant> {
    if candidates.len() == 1 {
        return Ok(candidates.swap_remove(0).chosen(None));
    }
    let on: Vec<On> = candidates
        .iter()
        .map(|each| pipeline::outline(&each.source).on)
        .collect();
    let meant: Vec<usize> = (0..candidates.len())
        .filter(|place| asked.may_mean(&on[*place]))
        .collect();
    match meant.as_slice() {
        [only] => return Ok(candidates.swap_remove(*only).chosen(None)),
        [] if asked.named().is_some() => {
            let idle = candidates.iter().zip(&on);
            let idle = idle.map(|(each, on)| (each.shown(), asked.starts(on).reason));
            return Ok(Meant::None(idle.collect()));
        }
        _ => {}
    }
    let list = |places: &[usize]| {
        let names = places.iter().map(|place| candidates[*place].shown());
        names.collect::<Vec<_>>().join(", ")
    };
    let all: Vec<usize> = (0..candidates.len()).collect();
    let message = match (asked.named(), meant.as_slice()) {
        (Some(kind), several) => {
            format!(
                "several pipelines wait for this signal `{kind}`: {}",
                list(several)
            )
        }
        (None, []) => format!("there are several pipelines: {}", list(&all)),
        (None, several) => format!("there are several pipelines: {}", list(several)),
    };
    Err(Fault::usage(message)
        .help("name one: `formic run PIPELINE`")
        .into())
}

fn unknown(target: &str, candidates: &[Candidate]) -> Fault {
    let names = || candidates.iter().map(|each| each.name.as_str());
    let fault = Fault::nothing(format!("there is no pipeline `{}`", text::plain(target)));
    match nearest(target, names()) {
        Some(near) => fault.help(format!("did you mean `{}`?", text::plain(near))),
        None => fault.help(format!(
            "the pipelines are {}; a task is named `PIPELINE/TASK`",
            candidates
                .iter()
                .map(Candidate::shown)
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}
