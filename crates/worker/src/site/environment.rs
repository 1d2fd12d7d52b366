//! The environment of a step: a short documented list of what is inherited, then what the pipeline says,
//! then Formic's own names.

use super::{LocalSite, Prepared};
use engine::steps::Planned;
use engine::work::Work;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Variables that every step inherits from the process that started the worker. Nothing else is, but for
/// what `env: { inherit: [NAME] }` names. Documented in `docs/running.md`.
pub const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
];
/// Beginnings of further names that are inherited.
pub const INHERITED_PREFIXES: &[&str] = &["LC_"];

/// `PATH` where the worker was started without one.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl LocalSite {
    pub(super) fn step_env(
        &self,
        at: &Prepared,
        work: &Work,
        planned: &Planned,
    ) -> Vec<(OsString, OsString)> {
        let mut env: BTreeMap<OsString, OsString> = BTreeMap::new();
        let inherit = &work.task.env_policy.inherit;
        for (name, value) in &self.environment {
            let known = name
                .to_str()
                .is_some_and(|name| is_inherited(name, inherit));
            if known {
                env.insert(name.clone(), value.clone());
            }
        }
        env.entry("PATH".into())
            .or_insert_with(|| DEFAULT_PATH.into());
        for (name, value) in &planned.env {
            env.insert(name.into(), value.into());
        }
        if !planned.path.is_empty() {
            let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
            let mut joined = OsString::from(planned.path.join(":"));
            joined.push(":");
            joined.push(path);
            env.insert("PATH".into(), joined);
        }
        let file = |what: &str| {
            at.dir
                .join(format!("{}.{what}", planned.index))
                .into_os_string()
        };
        let own: [(&str, OsString); 12] = [
            ("CI", "true".into()),
            ("FORMIC", "true".into()),
            ("FORMIC_RUN", work.id.run.as_str().into()),
            ("FORMIC_TASK", work.key.as_str().into()),
            ("FORMIC_STEP", planned.name.as_str().into()),
            (
                "FORMIC_ATTEMPT_NUMBER",
                work.id.attempt.0.to_string().into(),
            ),
            ("FORMIC_SOURCE", at.source.clone().into_os_string()),
            ("FORMIC_OUTPUT", file("output")),
            ("FORMIC_ENV", file("env")),
            ("FORMIC_PATH", file("path")),
            ("FORMIC_MASK", file("mask")),
            ("FORMIC_SUMMARY", file("summary")),
        ];
        for (name, value) in own {
            // `CI` may be changed by a pipeline; Formic's own names may not.
            if name != "CI" || !env.contains_key(OsStr::new(name)) {
                env.insert(name.into(), value);
            }
        }
        env.into_iter().collect()
    }
}

/// Inherited variables that decide what commands do. The others say where something is, or for whom.
const DECIDING: &[&str] = &["PATH", "LANG", "TZ"];

/// What of a place decides what commands do: the platform, the shell, the variables that find programs and choose their
/// language, and those that the pipeline asks for by name.
pub(super) fn deciding(
    environment: &BTreeMap<OsString, OsString>,
    shell: &[String],
    work: &Work,
) -> BTreeMap<String, String> {
    let mut around = BTreeMap::from([
        ("os".to_owned(), std::env::consts::OS.to_owned()),
        ("arch".to_owned(), std::env::consts::ARCH.to_owned()),
        ("shell".to_owned(), shell.join("\0")),
    ]);
    for (name, value) in environment {
        let Some(name) = name.to_str() else { continue };
        let decides = DECIDING.contains(&name)
            || INHERITED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
            || work
                .task
                .env_policy
                .inherit
                .iter()
                .any(|wanted| wanted == name);
        if decides {
            // Whatever the bytes are, others look different.
            around.insert(format!("env.{name}"), format!("{value:?}"));
        }
    }
    around
}

fn is_inherited(name: &str, inherit: &[String]) -> bool {
    INHERITED.contains(&name)
        || INHERITED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
        || inherit.iter().any(|wanted| wanted == name)
}

/// `bash` with its strict options if it is there, else `sh -e`.
pub(super) fn default_shell(environment: &BTreeMap<OsString, OsString>) -> Vec<String> {
    let path = environment
        .get(OsStr::new("PATH"))
        .cloned()
        .unwrap_or_else(|| DEFAULT_PATH.into());
    let has_bash = std::env::split_paths(&path).any(|dir| Path::new(&dir).join("bash").is_file());
    let words: &[&str] = if has_bash {
        &["bash", "--noprofile", "--norc", "-eo", "pipefail", "{file}"]
    } else {
        &["sh", "-e", "{file}"]
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
