//! `formic lock`.

use crate::exit::Exit;
use crate::fault::Fault;
use crate::lock::NAME;
use crate::project::Project;
use crate::text;
use crate::ui::Ui;
use crate::uses::{self, Loader, Look};
use anyhow::{Context as _, Result};
use api::lock::{LockChange, LockDocument, LockPin};
use expr::check::nearest;
use pipeline::lock::{Change, Lock, Pin};
use pipeline::{Address, Diagnostic, codes};

/// Pin what pipelines use, and show what has changed
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Look only this reference up again, as it is written or by its path or repository
    #[arg(long, value_name = "NAME")]
    update: Option<String>,
    /// Change nothing; exit with 1 if something would change
    #[arg(long)]
    check: bool,
}

/// Resolves every reference again, shows the difference, writes it.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let files = project.must_have_files()?;
    let mut loader = Loader::new(&project.dir, Look::Anew);
    loader.only.clone_from(&args.update);
    let mut loaded = Vec::new();
    for file in files {
        loaded.push(loader.load_reached(file.read()?)?);
    }
    if let Some(fault) = loader.unloadable(&loaded) {
        return Err(fault.into());
    }
    let said = loaded.iter().map(|files| files.check().diagnostics);
    let faulty: Vec<Diagnostic> = said
        .filter_map(|said| said.into_iter().find(Diagnostic::is_error))
        .collect();
    if let Some(unread) = faulty.iter().find(|each| codes::hides_file(each.code)) {
        let (file, line) = (text::plain(&unread.file), unread.line);
        let what = format!("cannot read `{file}` (line {line}): {}", unread.message);
        return Err(Fault::usage(format!("{what} ({})", unread.code))
            .help(format!("`formic check` shows it; `{NAME}` is as it was"))
            .into());
    }
    let old = loader.lock()?.lock.clone();
    let mut all = Lock {
        pins: loader.found.clone(),
    };
    if let Some(first) = faulty.first() {
        keep_unseen(&old, &mut all, first, ui);
    }
    let new = match &args.update {
        None => all,
        Some(name) => with_only(&old, &all, name)?,
    };
    let changes = old.changes(&new);
    report(&changes, new.pins.len(), ui);
    if changes.is_empty() {
        return Ok(Exit::Success);
    }
    if args.check {
        let update = args.update.as_ref().map_or_else(String::new, |name| {
            format!(" --update {}", text::quoted(name))
        });
        ui.say(format!(
            "`{NAME}` is out of date; `formic lock{update}` writes it"
        ));
        return Ok(Exit::Red);
    }
    loader.lock()?.write(&new).with_context(|| {
        Fault::usage(format!("cannot write `{NAME}`"))
            .help("check the permissions of the project's folder")
    })?;
    Ok(Exit::Success)
}

/// Keeps what is pinned and was not seen: a file with faults may not show all that it uses.
fn keep_unseen(old: &Lock, all: &mut Lock, fault: &Diagnostic, ui: &Ui) {
    let unseen = old
        .pins
        .iter()
        .filter(|(address, _)| !all.pins.contains_key(address));
    let unseen: Vec<_> = unseen
        .map(|(address, pin)| (address.clone(), pin.clone()))
        .collect();
    if unseen.is_empty() {
        return;
    }
    let (file, line) = (text::plain(&fault.file), fault.line);
    let count = text::count(unseen.len(), "reference");
    ui.say(format!(
        "note: kept, though not seen: {count}; `{file}` has errors (line {line}), which `formic check` shows"
    ));
    all.pins.extend(unseen);
}

/// The old pins, with those that `name` means looked up again.
fn with_only(old: &Lock, all: &Lock, name: &str) -> Result<Lock> {
    let known = || old.pins.keys().chain(all.pins.keys());
    let meant: Vec<&Address> = known()
        .filter(|address| uses::means(address, name))
        .collect();
    if meant.is_empty() {
        let names: Vec<String> = known().map(ToString::to_string).collect();
        let fault = Fault::nothing(format!("no pipeline uses `{}`", text::plain(name)));
        let near = nearest(name, names.iter().map(String::as_str));
        let fault = match (near, names.first()) {
            (Some(near), _) => fault.help(format!("did you mean `{near}`?")),
            (None, Some(first)) => fault.help(format!(
                "write a reference as the files do, such as `{first}`"
            )),
            (None, None) => fault.help("no pipeline of the project uses another file"),
        };
        return Err(fault.into());
    }
    let mut new = old.clone();
    for address in meant {
        match all.pins.get(address) {
            Some(pin) => drop(new.pins.insert(address.clone(), pin.clone())),
            None => drop(new.pins.remove(address)),
        }
    }
    Ok(new)
}

fn report(changes: &[Change], pins: usize, ui: &Ui) {
    if ui.wish.json {
        let changes = changes.iter().map(document).collect();
        ui.document(&LockDocument::new(pins, changes));
        return;
    }
    for change in changes {
        let address = text::plain(&change.address.to_string());
        let (mark, lines) = match (&change.old, &change.new) {
            (None, Some(new)) => ('+', vec![described(new)]),
            (Some(old), None) => ('-', vec![described(old)]),
            (Some(old), Some(new)) => (
                '~',
                vec![
                    format!("was {}", described(old)),
                    format!("is  {}", described(new)),
                ],
            ),
            (None, None) => continue,
        };
        ui.data(format!("{mark} {address}\n"));
        for line in lines {
            ui.data(format!("    {line}\n"));
        }
    }
    let count = text::count(pins, "reference");
    ui.say(match changes.len() {
        0 => format!("{count} pinned, nothing has changed"),
        changed => format!("{count}, {}", text::count(changed, "change")),
    });
}

fn described(pin: &Pin) -> String {
    match &pin.commit {
        Some(commit) => format!("{} of commit {}", pin.digest, uses::short(commit)),
        None => pin.digest.to_string(),
    }
}

fn document(change: &Change) -> LockChange {
    let pin = |pin: &Pin| LockPin {
        commit: pin.commit.clone(),
        digest: pin.digest.to_string(),
    };
    LockChange {
        reference: change.address.to_string(),
        old: change.old.as_ref().map(pin),
        new: change.new.as_ref().map(pin),
    }
}
