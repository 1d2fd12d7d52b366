//! What a file is about, found without checking it: a file with faults has a name and tasks too.

use crate::address::Address;
use crate::diagnostics::Report;
use crate::read;
use crate::signal::On;
use crate::source::SourceFile;
use crate::yaml;

/// The name, the tasks and the signals of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// The name that it gives itself.
    pub name: Option<String>,
    /// Its tasks, those of `finally` included; not those of other files.
    pub tasks: Vec<String>,
    /// The files that it includes, whose tasks are its own too, in order.
    pub includes: Vec<Address>,
    /// Which signals it waits for.
    pub on: On,
}

/// What `file` is about; nothing when it is not YAML.
#[must_use]
pub fn outline(file: &SourceFile) -> Outline {
    let Ok((text, skipped)) = file.decode() else {
        return Outline::default();
    };
    let mut report = Report::new(&file.name, text, skipped);
    let Some(tree) = yaml::parse(&mut report) else {
        return Outline::default();
    };
    let parts = ["tasks", "finally"].map(|key| tree.child(key));
    let tasks = parts.into_iter().flatten().filter_map(yaml::Node::entries);
    let included = read::includes(tree.child("include"));
    let within = Address::Local(file.name.clone());
    let name = tree.child("name").and_then(yaml::Node::text);
    Outline {
        name: name.map(|name| name.trim().to_owned()),
        tasks: tasks
            .flatten()
            .map(|entry| entry.key.clone().into_owned())
            .collect(),
        includes: included
            .iter()
            .filter_map(|(path, _)| Address::parse_include(path, &within).ok())
            .collect(),
        on: read::on(&mut report, &tree),
    }
}
