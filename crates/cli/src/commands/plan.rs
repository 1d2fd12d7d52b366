//! `formic plan`.

use crate::capacity;
use crate::chosen::{self, Looked};
use crate::dialect::Dialect;
use crate::exit::Exit;
use crate::fault::{self, Fault};
use crate::project::Project;
use crate::select::{self, Choice};
use crate::signal::{self, Asked};
use crate::text;
use crate::ui::{Paint, Ui};
use anyhow::Result;
use api::plan::PlanDocument;
use engine::preview::{self, Known, Planned, Values, preview};
use model::plan::Plan;
use pipeline::signal::Decision;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Say what would run, and why or why not
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A pipeline, a task, or PIPELINE/TASK; the only pipeline that the signal can mean when absent
    target: Option<String>,
    #[command(flatten)]
    signal: signal::Options,
    /// The pipeline file; the project's files when absent
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The form of what is printed; `--json` is short for `--format json`
    #[arg(long, value_name = "FORM", value_enum)]
    format: Option<Format>,
    /// The language of the files; guessed by their paths when absent
    #[arg(long, value_name = "NAME", value_enum)]
    dialect: Option<Dialect>,
}

/// What `plan` prints. It has no findings to annotate, so the other forms of `check` are none of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A list for people
    Human,
    /// One document, as docs/json.md describes it
    Json,
}

impl Args {
    /// Whether the one document on standard output was asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Some(Format::Json)
    }
}

/// Members of a matrix that are shown one by one; more become one line.
const UNFOLDED: usize = 10;
/// Refused keys that are shown one by one.
const REFUSED: usize = 100;

/// Chooses as `formic run` does, and prints what that would do. Nothing is run.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    if args.format == Some(Format::Human) && ui.wish.json {
        return Err(
            Fault::usage("`--json` and another `--format` exclude each other")
                .help("`--json` is short for `--format json`")
                .into(),
        );
    }
    let project = Project::of(args.file.as_deref())?;
    let mut asked = args.signal.read(&project)?;
    let (file, target) = (args.file.as_deref(), args.target.as_deref());
    let choice = select::choose(&project, file, target, args.dialect, &asked)?;
    project.announce(ui);
    let chosen = match choice {
        Choice::One(chosen) => chosen,
        Choice::Nothing(idle) => return Ok(none_to_run(&asked, &idle, DocumentWish::Asked, ui)),
    };
    asked.fill(&signal::status_of(&project.dir)?);
    let looked = chosen.look(&asked.request(), ui)?;
    let decision = asked.starts(&looked.on);
    let starts = decision.starts;
    signal::tell_unasked(&decision, ui);
    if starts {
        looked.refuse_group()?;
        asked.tell_unknown_files(&looked.plan, ui);
    }
    let planned = planned(&looked, &decision);
    let document = document(&looked, decision, &planned);
    match ui.wish.json {
        true => ui.document(&document),
        false => draw(&document, &planned, ui),
    }
    if !starts {
        return Ok(Exit::Success);
    }
    let faulty = chosen.draw_errors(&document.errors, ui);
    Ok(faulty.or_worse(refusals(&looked, &document, ui)))
}

/// Says that a signal sets nothing going, as the result of a command that would have run something.
pub(crate) fn nothing_to_run(looked: &Looked, decision: &Decision, ui: &Ui) {
    let name = text::plain(&looked.plan.name);
    let reason = text::plain(&decision.reason);
    ui.tell(format!(
        "nothing to run: {name} does not start, because {reason}"
    ));
}

/// The same where of several pipelines none waits for the signal: a line for each.
pub(crate) fn none_to_run(
    asked: &Asked,
    idle: &[(String, String)],
    document: DocumentWish,
    ui: &Ui,
) -> Exit {
    let reasons: Vec<String> = idle
        .iter()
        .map(|(name, reason)| format!("{name} does not start, because {}", text::plain(reason)))
        .collect();
    for reason in &reasons {
        ui.tell(format!("nothing to run: {reason}"));
    }
    if ui.wish.json || document == DocumentWish::Always {
        let mut plan = Plan::new("");
        plan.signal = asked.request().signal;
        ui.document(&PlanDocument::of(&plan, Err(reasons.join("; ")), &[]));
    }
    Exit::Success
}

/// When a command prints its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentWish {
    /// With `--json`.
    Asked,
    /// In any case, as it prints nothing but documents.
    Always,
}

/// Prints the document of a plan.
pub(crate) fn print(looked: &Looked, decision: Decision, ui: &Ui) {
    let planned = planned(looked, &decision);
    ui.document(&document(looked, decision, &planned));
}

/// What the plan would do, if the signal starts it.
fn planned(looked: &Looked, decision: &Decision) -> Vec<Planned> {
    let known = Known {
        held: (!decision.starts).then(|| decision.reason.clone()),
        ..Known::default()
    };
    preview(&looked.plan, &known)
}

fn document<'a>(
    looked: &'a Looked,
    decision: Decision,
    planned: &'a [Planned],
) -> PlanDocument<'a> {
    let starts = match decision.starts {
        true => Ok(decision.reason),
        false => Err(decision.reason),
    };
    let mut document = PlanDocument::of(&looked.plan, starts, planned);
    document.unsupported = looked.unsupported();
    document
}

/// What `formic run` would refuse, and the exit that it would have.
fn refusals(looked: &Looked, document: &PlanDocument<'_>, ui: &Ui) -> Exit {
    let mut exit = Exit::Success;
    let word = ui.paint(Paint::Bad, "refused:");
    for each in document.unsupported.iter().take(REFUSED) {
        let place = chosen::place_of(each);
        ui.tell(format!("{word} this version of Formic cannot run {place}"));
        exit = Exit::Usage;
    }
    if document.unsupported.len() > REFUSED {
        let more = document.unsupported.len() - REFUSED;
        ui.tell(format!("{word} and {more} more; `--json` lists them all"));
    }
    match capacity::fit(&looked.plan, None) {
        Ok(fit) => fit
            .notes
            .iter()
            .for_each(|note| ui.say(format!("note: {note}"))),
        Err(error) => {
            ui.tell(format!("{word} {error}"));
            exit = fault::exit_of(&error);
        }
    }
    exit
}

fn draw(document: &PlanDocument<'_>, planned: &[Planned], ui: &Ui) {
    let signal = |name: &str| {
        let value = document.signal.get(name).and_then(|value| value.as_str());
        text::plain(value.unwrap_or_default())
    };
    let mut head = format!(
        "plan of {} ({})",
        text::plain(document.pipeline),
        text::plain(document.file)
    );
    head = format!("{head} · {}", signal("kind"));
    for (name, word) in [("branch", "branch"), ("tag", "tag")] {
        if !signal(name).is_empty() {
            head = format!("{head} · {word} {}", signal(name));
        }
    }
    ui.data(format!("{head}\n"));
    if !document.starts {
        ui.data(format!(
            "nothing would run: {}\n",
            text::plain(&document.reason)
        ));
    }
    if !ui.wish.quiet {
        let lines = lines(planned);
        let width = lines.iter().map(|line| line.id.chars().count()).max();
        for line in &lines {
            ui.data(line.drawn(width.unwrap_or(0).min(40), ui));
        }
    }
    ui.data(format!("{}\n", sum(planned)));
}

/// One line of the list: a task, or the members of a matrix that come to the same.
struct Line {
    decision: preview::Decision,
    id: String,
    needs: String,
    reason: String,
}

impl Line {
    fn drawn(&self, width: usize, ui: &Ui) -> String {
        let paint = match self.decision {
            preview::Decision::Run => Paint::Good,
            preview::Decision::Reuse | preview::Decision::Skip => Paint::Dim,
            preview::Decision::Unknown => Paint::Attention,
        };
        let word = ui.paint_data(paint, &format!("{:<7}", self.decision.as_str()));
        let gap = " ".repeat(width.saturating_sub(self.id.chars().count()));
        format!(
            "  {word}  {}{gap}  {}{}\n",
            self.id, self.needs, self.reason
        )
    }
}

fn lines(planned: &[Planned]) -> Vec<Line> {
    let mut members: BTreeMap<&str, usize> = BTreeMap::new();
    for group in planned.iter().filter_map(|each| each.group.as_deref()) {
        *members.entry(group).or_default() += 1;
    }
    let is_folded = |group: &str| members.get(group).is_some_and(|count| *count > UNFOLDED);
    let mut lines = Vec::new();
    let mut folded: BTreeMap<&str, Vec<&Planned>> = BTreeMap::new();
    for each in planned {
        match each.group.as_deref().filter(|group| is_folded(group)) {
            Some(group) => {
                let fold = folded.entry(group).or_default();
                fold.push(each);
                if fold.len() == members[group] {
                    lines.extend(fold_lines(group, fold));
                }
            }
            None => lines.push(Line {
                decision: each.decision,
                id: match each.matrix {
                    Values::Unknown => format!("{}[…]", text::plain(&each.id)),
                    Values::None | Values::Cell(_) => text::plain(&each.id),
                },
                needs: needs_of(each),
                reason: text::plain(&each.reason),
            }),
        }
    }
    lines
}

/// A line for each decision among the members of a matrix, with the reason of the first.
fn fold_lines(group: &str, members: &[&Planned]) -> Vec<Line> {
    let of = |decision| move |each: &&&Planned| each.decision == decision;
    let line = |decision: preview::Decision| {
        let same: Vec<_> = members.iter().filter(of(decision)).collect();
        let first = same.first()?;
        let such_as = match same.iter().all(|each| each.reason == first.reason) {
            true => text::plain(&first.reason),
            false => format!("{}: {}", text::plain(&first.id), text::plain(&first.reason)),
        };
        Some(Line {
            decision,
            id: format!(
                "{}[{} of {}]",
                text::plain(group),
                same.len(),
                members.len()
            ),
            needs: needs_of(first),
            reason: such_as,
        })
    };
    preview::Decision::ALL
        .into_iter()
        .filter_map(line)
        .collect()
}

/// `build, lint → `.
fn needs_of(planned: &Planned) -> String {
    if planned.needs.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = planned
        .needs
        .iter()
        .take(3)
        .map(|need| text::plain(need))
        .collect();
    let more = match planned.needs.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("← {}{more} · ", shown.join(", "))
}

/// `12 tasks: 10 run, 2 skip`.
fn sum(planned: &[Planned]) -> String {
    let counts = preview::Decision::ALL.into_iter().filter_map(|decision| {
        let count = planned
            .iter()
            .filter(|each| each.decision == decision)
            .count();
        (count > 0).then(|| format!("{count} {}", decision.as_str()))
    });
    let counts: Vec<String> = counts.collect();
    format!(
        "{}: {}",
        text::count(planned.len(), "task"),
        counts.join(", ")
    )
}
