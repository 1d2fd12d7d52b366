//! Tasks that use a file: the reference, the values for its params, its secrets, and what it gives back.

use super::{Reading, Role, listed_or};
use crate::address::Address;
use crate::codes;
use crate::diagnostics::{Report, Span};
use crate::nearest::nearest;
use crate::read::{self, CallDraft, Callee, Draft, File, Given, Param};
use model::Json;
use model::ids::ScopeNo;
use model::limits;
use model::plan::{
    ArtifactOut, ArtifactWhen, Body, Call, IfMissing, Output, Secret, Text, ValueType,
};
use std::collections::{BTreeMap, BTreeSet};

impl Reading<'_, '_, '_> {
    /// Resolves every call of a file.
    pub(super) fn calls(&mut self, address: &Address, file: &mut File, role: Role) {
        let declared: BTreeSet<String> = file.secrets.iter().cloned().collect();
        for task in &mut file.tasks {
            // A pipeline that declares no secrets says nothing about them.
            let declares = role == Role::Used || !declared.is_empty();
            if declares {
                for secret in &task.def.secrets {
                    self.must_declare(&declared, &secret.name, task.name_span);
                }
            }
            let Some(mut call) = task.call.take() else {
                continue;
            };
            if std::ptr::eq(self.object, &crate::definitions::FRAGMENT) {
                self.report
                    .error(
                        &codes::NOT_YET,
                        call.span,
                        "tasks that are generated cannot use files in this version of Formic",
                    )
                    .help("let a task of the pipeline use the file, or write the steps here");
                task.call = Some(call);
                continue;
            }
            if declares {
                for mapped in &call.secrets {
                    self.must_declare(&declared, &mapped.outer, mapped.span);
                }
            }
            match Address::parse(&call.reference, address) {
                // That nothing is evaluated there was said already.
                Err(_) | Ok(_) if call.reference.contains("${{") => {}
                Err(bad) => {
                    if std::ptr::eq(bad.code, &raw const codes::NOT_YET) {
                        self.report.unsupported("uses", call.uses_span, None);
                    }
                    self.report
                        .error(bad.code, call.span, bad.message)
                        .help(bad.help);
                }
                Ok(callee) => {
                    let unit = self.used(&callee, call.span);
                    if let Some(unit) = unit.filter(|unit| self.may_hand_over(*unit, call.span)) {
                        self.connect(unit, &callee, &mut call, task);
                    }
                }
            }
            task.call = Some(call);
        }
    }

    /// A file that others use names its secrets, so that they can be given to it.
    fn must_declare(&mut self, declared: &BTreeSet<String>, name: &str, span: Span) {
        // What is nearest to a name is looked for among all names of the file.
        if declared.contains(name) || self.report.is_full() {
            return;
        }
        let near = nearest(name, declared.iter().map(String::as_str));
        self.report
            .error(
                &codes::SECRET,
                span,
                format!("the file does not declare the secret `{name}`"),
            )
            .help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `secrets: [{name}]` at the top of the file"),
            });
    }

    /// Whether one more task may have all that a file hands over; more than [`limits::HANDED_OVER`] is an error.
    fn may_hand_over(&mut self, unit: usize, span: Span) -> bool {
        let used = &self.units[unit].file;
        let only = used.tasks.first().filter(|_| used.is_task);
        let of_task = only.map_or(0, |task| {
            task.def.outputs.len() + task.def.artifacts_out.len()
        });
        self.handed_over += used.params.len() + used.secrets.len() + used.outputs.len() + of_task;
        if self.handed_over <= limits::HANDED_OVER {
            return true;
        }
        if !self.report.is_full() {
            let most = limits::HANDED_OVER;
            let message = format!(
                "the files that tasks use have more than {most} params, outputs, secrets and artifacts, counted for each task"
            );
            self.report
                .error(&codes::LIMIT, span, message)
                .help("let fewer tasks use files, or declare less in the files");
        }
        false
    }

    /// Fills in what the file at `callee` means for the task that uses it.
    fn connect(&mut self, unit: usize, callee: &Address, call: &mut CallDraft, task: &mut Draft) {
        let used = &self.units[unit].file;
        let name = callee.name();
        let inputs = values(self.report, used, &name, call);
        let secrets = secrets(self.report, used, &name, call);
        task.def.outputs = given_outputs(used);
        task.def.artifacts_out = given_artifacts(used);
        task.given = vec![task.name_span; task.def.artifacts_out.len()];
        task.def.secrets = secrets
            .values()
            .map(|outer| Secret {
                name: outer.clone(),
                env: None,
            })
            .collect();
        // The number of the unit; it becomes that of a scope when the plan is put together.
        task.def.body = Body::Call(Call {
            scope: ScopeNo(u32::try_from(unit).unwrap_or(u32::MAX)),
            inputs,
            secrets,
            workspaces: BTreeMap::new(),
        });
        call.callee = Some(Callee {
            unit,
            params: used
                .params
                .iter()
                .map(|param| (param.name.clone(), param.value_type.clone()))
                .collect(),
            mistaken: used
                .params
                .iter()
                .filter_map(|param| Some((param.name.clone(), param.mistaken?)))
                .collect(),
        });
    }
}

/// The values of `with`, each checked against its param; expressions are checked with the other types.
fn values(
    report: &mut Report<'_>,
    used: &File,
    name: &str,
    call: &CallDraft,
) -> BTreeMap<String, Text> {
    let mut inputs = BTreeMap::new();
    let params = used.params.iter();
    let params: BTreeMap<&str, &Param> = params.map(|param| (param.name.as_str(), param)).collect();
    for given in &call.with {
        if report.is_full() {
            return inputs;
        }
        let declared = || used.params.iter().map(|param| param.name.as_str());
        let Some(param) = params.get(given.name.as_str()).copied() else {
            report
                .error(
                    &codes::WITH_UNKNOWN,
                    given.name_span,
                    format!("`{name}` has no param `{}`", given.name),
                )
                .help(match nearest(&given.name, declared()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => listed_or("it has none; remove it", "its params are", declared()),
                });
            continue;
        };
        if let Some(template) = &given.template {
            inputs.insert(given.name.clone(), template.clone());
            continue;
        }
        match literal(given, &param.value_type) {
            Some(value) => drop(inputs.insert(given.name.clone(), value)),
            None => {
                let found = match &given.json {
                    Some(Json::Array(_)) => "a list".to_owned(),
                    Some(_) => "a mapping".to_owned(),
                    None => given.node.describe(),
                };
                let help = format!(
                    "write it as in `{}: {}`",
                    given.name,
                    read::sample(&param.value_type)
                );
                report
                    .error(
                        &codes::WITH_VALUE,
                        given.node.span,
                        format!(
                            "`{}` is {found}; `{name}` expects {}",
                            given.name,
                            read::wanted_for(&given.node, &param.value_type)
                        ),
                    )
                    .label(param.span, "the param is declared here")
                    .help(match param.mistaken {
                        Some(word) => read::mistaken_help(&param.name, word),
                        None => help,
                    });
            }
        }
    }
    let given: BTreeSet<&str> = call.with.iter().map(|given| given.name.as_str()).collect();
    let missing = used.params.iter().filter(|param| {
        let given = given.contains(param.name.as_str());
        !given && param.default.is_none() && !param.faulty
    });
    for param in missing {
        report
            .error(
                &codes::WITH_MISSING,
                call.with_span,
                format!("`{name}` needs a value for its param `{}`", param.name),
            )
            .label(param.span, "the param is declared here")
            .help(format!(
                "add `with: {{ {}: {} }}`",
                param.name,
                read::sample(&param.value_type)
            ));
    }
    inputs
}

/// A value that is known now, as the plan writes it; `None` when it does not fit.
fn literal(given: &Given, value_type: &ValueType) -> Option<Text> {
    let value = match (&given.json, value_type) {
        (Some(json @ Json::Array(_)), ValueType::List)
        | (Some(json @ Json::Object(_)), ValueType::Object) => json.clone(),
        (Some(_), _) => return None,
        (None, _) => read::typed(&given.node, value_type)?,
    };
    Some(Text::Literal(match &value {
        Json::String(text) => text.clone(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            value.to_string()
        }
    }))
}

/// The secrets that the file gets, by its own names.
fn secrets(
    report: &mut Report<'_>,
    used: &File,
    name: &str,
    call: &CallDraft,
) -> BTreeMap<String, String> {
    let mut secrets = BTreeMap::new();
    for mapped in &call.secrets {
        if report.is_full() {
            return secrets;
        }
        if used.secrets.contains(&mapped.inner) {
            secrets.insert(mapped.inner.clone(), mapped.outer.clone());
            continue;
        }
        let declared = || used.secrets.iter().map(String::as_str);
        report
            .error(
                &codes::SECRET,
                mapped.span,
                format!("`{name}` declares no secret `{}`", mapped.inner),
            )
            .help(match nearest(&mapped.inner, declared()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => listed_or("it has none; remove it", "its secrets are", declared()),
            });
    }
    for wanted in &used.secrets {
        if call.secrets.iter().any(|mapped| mapped.inner == *wanted) {
            continue;
        }
        report
            .error(
                &codes::SECRET,
                call.span,
                format!("`{name}` needs the secret `{wanted}`"),
            )
            .help(format!(
                "add `secrets: [{wanted}]`, or `secrets: {{ {wanted}: NAME }}` for one that is called otherwise here"
            ));
    }
    secrets
}

/// The outputs that a task has that uses the file.
fn given_outputs(used: &File) -> BTreeMap<String, Output> {
    let declared = used.outputs.iter().map(|(name, (output, _))| {
        let output = Output {
            from: None,
            ..output.clone()
        };
        (name.clone(), output)
    });
    let only = used.tasks.first().filter(|_| used.is_task);
    let of_task = only.into_iter().flat_map(|task| {
        task.def.outputs.iter().map(|(name, output)| {
            let value_type = match task.def.matrix {
                Some(_) => ValueType::List,
                None => output.value_type.clone(),
            };
            let output = Output {
                value_type,
                from: None,
                default: output.default.clone(),
            };
            (name.clone(), output)
        })
    });
    declared.chain(of_task).collect()
}

/// The artifacts that a task has that uses the file. They have no paths here: the task inside holds those.
fn given_artifacts(used: &File) -> Vec<ArtifactOut> {
    let only = used.tasks.first().filter(|_| used.is_task);
    let artifacts = only.into_iter().flat_map(|task| &task.def.artifacts_out);
    let named = artifacts.map(|artifact| ArtifactOut {
        name: artifact.name.clone(),
        paths: Vec::new(),
        exclude: Vec::new(),
        when: ArtifactWhen::default(),
        if_missing: IfMissing::default(),
    });
    named.collect()
}
