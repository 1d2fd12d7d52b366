//! Containers and images: what a task or step runs in, what a service is, what a task makes.
//!
//! A reference to an image has the grammar of the OCI distribution specification: `[HOST[:PORT]/]NAME[:TAG][@ALGORITHM:HEX]`.
//! It is checked where it is known; one with expressions only as far as those are.

use super::{Purpose, Reader, flag, texts};
use crate::codes;
use crate::definitions::Phase;
use crate::yaml::Node;
use model::Json;
use model::limits;
use model::plan::{Container, ImageBuild, Text};
use std::collections::BTreeMap;

impl Reader<'_, '_> {
    /// `container:`, or `image:` of a service: the image, or the keys of a container.
    pub(super) fn container(&mut self, node: &Node<'_>) -> Option<Container> {
        let image = node.child("image").unwrap_or(node);
        let mut options = BTreeMap::new();
        for key in ["user", "pull"] {
            if let Some(text) = node.child(key).and_then(Node::text) {
                options.insert(key.to_owned(), Json::from(text));
            }
        }
        for key in ["entrypoint", "options"] {
            if let Some(list) = node.child(key) {
                options.insert(key.to_owned(), Json::from(texts(list)));
            }
        }
        let env = node.child("env").map(|env| self.env(env).0);
        Some(Container {
            image: Some(self.image_name(image, Phase::Ready)?),
            env: env.unwrap_or_default(),
            options,
        })
    }

    /// `image:` of a task.
    pub(super) fn image_build(&mut self, node: &Node<'_>) -> Option<ImageBuild> {
        node.entries()?;
        let context = self.path(node, "context", Phase::Start);
        let args = node.child("args").map(|args| self.env(args).0);
        let labels = node.child("labels").map(|labels| self.env(labels).0);
        let tags = node.child("tags").and_then(Node::items).unwrap_or_default();
        Some(ImageBuild {
            context: context.unwrap_or_else(|| Text::from(".")),
            dockerfile: self.path(node, "dockerfile", Phase::Start),
            target: self.field(node, "target", Phase::Start),
            args: args.unwrap_or_default(),
            labels: labels.unwrap_or_default(),
            tags: tags
                .iter()
                .filter_map(|tag| self.image_name(tag, Phase::Start))
                .collect(),
            platforms: node.child("platforms").map(texts).unwrap_or_default(),
            push: flag(node, "push").unwrap_or(false),
        })
    }

    fn image_name(&mut self, node: &Node<'_>, phase: Phase) -> Option<Text> {
        let text = self.text(node, phase, Purpose::Value)?;
        let name = node.text().unwrap_or_default();
        let checked = match name.trim() {
            trimmed if trimmed != name => {
                Err(format!("write it without blanks around: `{trimmed}`"))
            }
            _ if text.literal().is_none() => Ok(()),
            trimmed => checked(trimmed),
        };
        if let Err(help) = checked {
            let shown: String = name.chars().take(60).collect();
            self.report
                .error(
                    &codes::NOT_IMAGE,
                    node.span,
                    format!("`{shown}` is no reference to an image"),
                )
                .help(help);
        }
        Some(text)
    }
}

/// What a reference looks like.
const FORM: &str = "write it as `[REGISTRY/]NAME[:TAG][@sha256:DIGEST]`, as in `registry.example:5000/shop/web:1.2`";

/// Why `reference` is none.
fn checked(reference: &str) -> Result<(), String> {
    if reference.len() > limits::IMAGE_NAME_BYTES {
        let limit = limits::IMAGE_NAME_BYTES;
        return Err(format!("a reference has at most {limit} bytes"));
    }
    // What stands behind a second `://` is no image either.
    if let Some((scheme, rest)) = reference.split_once("://")
        && !rest.contains("://")
        && checked(rest).is_ok()
    {
        return Err(format!(
            "an image is named without `{scheme}://`: write `{rest}`"
        ));
    }
    let (named, digest) = match reference.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (reference, None),
    };
    if let Some(digest) = digest
        && !is_digest(digest)
    {
        return Err("a digest is `sha256:` and 64 digits from 0 to f".to_owned());
    }
    let last = named.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match named[last..].split_once(':') {
        Some((end, tag)) => (&named[..last + end.len()], Some(tag)),
        None => (named, None),
    };
    if let Some(tag) = tag
        && !is_tag(tag)
    {
        return Err("a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with a letter, a digit or `_`".to_owned());
    }
    let path = match name.split_once('/') {
        Some((host, path)) if is_host(host) => path,
        _ => name,
    };
    if path.split('/').all(is_component) {
        return Ok(());
    }
    let lower = path.to_ascii_lowercase();
    match lower != path && lower.split('/').all(is_component) {
        true => Err(format!(
            "the name of an image is in small letters: `{lower}`"
        )),
        false => Err(FORM.to_owned()),
    }
}

/// Whether the first part of a name is a registry, as the tools tell: it has a dot or a port, or is `localhost`.
fn is_host(part: &str) -> bool {
    let (host, port) = part.split_once(':').unwrap_or((part, "0"));
    let told = part.contains(['.', ':']) || part == "localhost";
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let has_port = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    told && !host.is_empty() && host.chars().all(fits) && has_port
}

/// Small letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_component(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = part.split(is_word).filter(|between| !between.is_empty());
    let known =
        |between: &str| matches!(between, "." | "_" | "__") || between.chars().all(|c| c == '-');
    part.starts_with(is_word) && part.ends_with(is_word) && separators.into_iter().all(known)
}

fn is_tag(tag: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let goes_on = |c: char| begins(c) || matches!(c, '.' | '-');
    tag.starts_with(begins) && tag.chars().all(goes_on) && tag.len() <= 128
}

fn is_digest(digest: &str) -> bool {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let (algorithm, hex) = digest.split_once(':').unwrap_or(("", ""));
    let length = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && hex.chars().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_the_grammar_of_registries() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let right = [
            "rust",
            "rust:1.95",
            "library/rust",
            "localhost/rust",
            "registry.example:5000/shop/web_a__b--c:1.2",
            "localhost:5000/x",
            &format!("rust@{digest}"),
            &format!("a.b/c:1@{digest}"),
        ];
        for name in right {
            assert_eq!(checked(name), Ok(()), "{name}");
        }
        let wrong = [
            "",
            "Rust",
            "rust:",
            "rust:-1",
            "rust@sha256:12",
            "a//b",
            "/a",
            "a/",
            "a b",
            "-a",
            "a___b",
            "https://a/b",
            "a.b:x/c",
        ];
        for name in wrong {
            assert!(checked(name).is_err(), "{name}");
        }
        assert_eq!(
            checked("ghcr.io/Shop/Web"),
            Err("the name of an image is in small letters: `shop/web`".to_owned())
        );
    }
}
