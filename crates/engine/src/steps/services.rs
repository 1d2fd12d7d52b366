//! The services of an attempt: their commands, computed before the first step is looked at.
//!
//! Services are numbered before the steps, so that their output has its place in the log. Where each of them listens
//! is part of the environment of all of them and of every step.

use super::names::{self, StepNames};
use super::{Planned, Run, StepMachine};
use crate::texts::Texts;
use expr::Value;
use model::limits;
use model::plan::{Port, Service, Text};
use std::sync::Arc;

/// Where services listen.
const HOST: &str = "127.0.0.1";

/// A service with everything computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedService {
    /// Its name in the pipeline.
    pub name: String,
    /// What to run; its number is that of the service, from 0.
    pub command: Planned,
    /// How it shows that it is ready.
    pub ready: Ready,
    /// How long that may take.
    pub timeout_ms: u64,
}

/// How a service shows that it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// A command succeeds.
    Command(Box<Planned>),
    /// The port takes connections.
    Port(u16),
    /// By running.
    Started,
}

impl StepMachine {
    /// How many ports have to be found for services that name none of their own.
    #[must_use]
    pub fn ports_wanted(&self) -> usize {
        let services = self.work.task.services.iter();
        services
            .filter(|service| !matches!(service.port, Some(Port::Fixed(_))))
            .count()
    }

    /// The services in the order in which they are started, with `free` ports for those that name none. To be asked
    /// once, before the first step. `probe_no` is the number of the first probe; nothing of it is kept.
    ///
    /// # Errors
    /// When a text cannot be computed.
    pub fn services(&mut self, free: &[u16], probe_no: u32) -> Result<Vec<PlannedService>, String> {
        let work = Arc::clone(&self.work);
        let services = &work.task.services;
        let mut free = free.iter().copied();
        let mut ports = Vec::new();
        for service in services {
            let port = match service.port {
                Some(Port::Fixed(port)) => Some(port),
                Some(Port::Free) | None => free.next(),
            };
            let port = port.ok_or_else(|| format!("service `{}` has no port", service.name))?;
            let variable = Service::variable(&service.name);
            self.given
                .push((format!("{variable}_HOST"), HOST.to_owned()));
            self.given
                .push((format!("{variable}_PORT"), port.to_string()));
            ports.push(port);
        }
        let mut texts = std::mem::take(&mut self.texts);
        let numbered = (0..).zip(services.iter().zip(ports));
        let planned = numbered.map(|(number, (service, port))| {
            let planned = self.service(service, number, port, probe_no, &mut texts);
            planned.map_err(|message| format!("service `{}`: {message}", service.name))
        });
        let planned = planned.collect();
        self.texts = texts;
        planned
    }

    /// Numbers the steps from `first` on, behind services that were begun.
    pub fn number_from(&mut self, first: u32) {
        self.begun = first;
    }

    fn service(
        &mut self,
        service: &Service,
        number: u32,
        port: u16,
        probe_no: u32,
        texts: &mut Texts,
    ) -> Result<PlannedService, String> {
        let run = service
            .run
            .as_ref()
            .ok_or("it has no `run`, and containers cannot be started here")?;
        let command = self.service_command(service, ("run", run), number, texts)?;
        let ready = match (&service.ready, service.port) {
            (Some(ready), _) => {
                let probe =
                    self.service_command(service, ("ready", ready), probe_no + number, texts)?;
                Ready::Command(Box::new(probe))
            }
            (None, Some(_)) => Ready::Port(port),
            (None, None) => Ready::Started,
        };
        Ok(PlannedService {
            name: service.name.clone(),
            command,
            ready,
            timeout_ms: service.timeout_ms.unwrap_or(limits::SERVICE_START_MS),
        })
    }

    /// A script of a service: by the task's shell, in its folder and environment, with its own variables over these.
    fn service_command(
        &mut self,
        service: &Service,
        (field, script): (&str, &Text),
        index: u32,
        texts: &mut Texts,
    ) -> Result<Planned, String> {
        let mut env = self.base_env(texts)?;
        for (name, text) in &service.env {
            let value = texts
                .text(text, &StepNames::of_task(self, &env))
                .map_err(|message| format!("`env.{name}`: {message}"))?;
            self.tainted |= value.is_tainted();
            names::put(&mut env, name, value);
        }
        let mut string = |machine: &mut Self, field: &str, text: &Text| -> Result<String, String> {
            let value: Value = texts.text(text, &StepNames::of_task(machine, &env))?;
            machine.tainted |= value.is_tainted();
            names::in_text(field, &value)
        };
        let text = string(self, field, script)?;
        let steps = self.task_steps();
        let (shell, dir) = steps.map_or((None, None), |steps| {
            (steps.shell.clone(), steps.working_dir.clone())
        });
        let dir = dir
            .map(|dir| string(self, "working_dir", &dir))
            .transpose()?;
        let env = names::in_texts(&env)?;
        Ok(Planned {
            index,
            name: format!("service {}", service.name),
            run: Run::Script {
                text,
                // A shell that is computed belongs to a front-end without services by `run`.
                shell: shell.filter(|shell| shell.computed.is_none()),
                args: Vec::new(),
            },
            env,
            path: Vec::new(),
            working_dir: dir,
            timeout_ms: None,
            keep_streams_apart: false,
            is_last: false,
        })
    }
}
