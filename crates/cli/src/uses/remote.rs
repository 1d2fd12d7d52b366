//! Files of Git repositories: the pinned content if it is at hand, else what `git` fetches.
//!
//! A run asks repositories whether pinned tags still stand for their commits. Who cannot be asked is believed; a host that
//! did not answer once is not asked again, so that all its references together cost one wait.

use super::{Loader, Look, Unreached, means, not_there, short};
use crate::fetch::{Cache, Fetched, Refused, Tag, Whose};
use crate::text;
use anyhow::Result;
use model::digest::Digest;
use pipeline::lock::Pin;
use pipeline::{Address, Failed, FailedKind, Loaded};

impl Loader {
    /// A file of a Git repository.
    pub(super) fn remote(
        &mut self,
        address: &Address,
        url: &str,
        path: &str,
        reference: &str,
    ) -> Result<Loaded> {
        let Some(cache) = self.cache.clone() else {
            return Ok(not_there(Refused {
                whose: Whose::User,
                message: format!("there is no place to keep `{}`", address.name()),
                help: "set `XDG_CACHE_HOME` to a folder that may be written".to_owned(),
            }));
        };
        let pinned = self.lock()?.pin(address).cloned();
        let is_meant = self.only.as_ref().is_none_or(|name| means(address, name));
        let pinned = pinned.filter(|_| self.look != Look::Anew || !is_meant);
        if let Some(pin) = &pinned
            && let Some(bytes) = cache.content(&pin.digest)
            && !self.has_moved(&cache, url, reference, pin)?
        {
            self.found.insert(address.clone(), pin.clone());
            return Ok(Loaded::File(bytes));
        }
        let fetched = match self.fetch(&cache, url, reference, path)? {
            Ok(fetched) => fetched,
            Err(refused) if refused.whose == Whose::Platform => {
                return Ok(self.unreached(address, refused));
            }
            Err(refused) => return Ok(not_there(refused)),
        };
        let Fetched { commit, bytes } = fetched;
        let digest = Digest::of(&bytes);
        match pinned {
            // A branch moves by nature, and what it moved past is what was agreed on.
            Some(pin) if pin.digest != digest || pin.commit.as_deref() != Some(commit.as_str()) => {
                self.other_commit(&cache, address, pin, commit, digest)
            }
            Some(pin) => {
                self.found.insert(address.clone(), pin);
                Ok(Loaded::File(bytes))
            }
            None => {
                let commit = Some(commit);
                self.found.insert(address.clone(), Pin { commit, digest });
                Ok(Loaded::File(bytes))
            }
        }
    }

    /// Remembers trouble that is not in the file: the reference may be right, and the same may work later.
    fn unreached(&mut self, address: &Address, refused: Refused) -> Loaded {
        let name = text::plain(&address.to_string());
        let (message, help) = (refused.message.clone(), refused.help.clone());
        self.unreached.push(Unreached {
            message: message.clone(),
            told: format!("{message} (for `{name}`)"),
            help,
        });
        not_there(refused)
    }

    /// Fetches a file, its repository once for all files of one version.
    fn fetch(
        &mut self,
        cache: &Cache,
        url: &str,
        reference: &str,
        path: &str,
    ) -> Result<Result<Fetched, Refused>> {
        if let Some(first) = self.unreachable.get(host(url)) {
            return Ok(Err(asked_before(url, first)));
        }
        let key = (url.to_owned(), reference.to_owned());
        let known = self.commits.get(&key).map(String::as_str);
        let found = cache.fetch(url, reference, path, known)?;
        match &found {
            Ok(fetched) => drop(self.commits.insert(key, fetched.commit.clone())),
            Err(refused) if refused.whose == Whose::Platform => {
                let first = (url.to_owned(), refused.clone());
                self.unreachable.insert(host(url).to_owned(), first);
            }
            Err(_) => {}
        }
        Ok(found)
    }

    /// The reference stands for another commit than the pinned one.
    fn other_commit(
        &mut self,
        cache: &Cache,
        address: &Address,
        pin: Pin,
        commit: String,
        digest: Digest,
    ) -> Result<Loaded> {
        let Address::Git {
            url,
            path,
            reference,
        } = address
        else {
            unreachable!("only files of repositories have commits");
        };
        let old = pin.commit.clone().unwrap_or_default();
        let is_tag = self.tag(cache, url, reference)?.is_some();
        if !is_tag
            && let Ok(Fetched { bytes, .. }) = self.fetch(cache, url, &old, path)?
            && Digest::of(&bytes) == pin.digest
        {
            self.found.insert(address.clone(), pin);
            return Ok(Loaded::File(bytes));
        }
        let why = format!(
            "`{}` has moved: `formic.lock` pins {} of commit {}, it is {digest} of commit {} now",
            address.name(),
            pin.digest,
            short(&old),
            short(&commit)
        );
        Ok(Loaded::Failed(has_changed(address, why)))
    }

    /// Whether a tag stands for another commit than the pinned one, if repositories are asked at all.
    fn has_moved(&mut self, cache: &Cache, url: &str, reference: &str, pin: &Pin) -> Result<bool> {
        if self.look != Look::Tags {
            return Ok(false);
        }
        let now = self.tag(cache, url, reference)?;
        Ok(now.is_some() && now != pin.commit)
    }

    /// The commit of a tag, asked for once; `None` also when its repository cannot be asked.
    fn tag(&mut self, cache: &Cache, url: &str, reference: &str) -> Result<Option<String>> {
        let key = (url.to_owned(), reference.to_owned());
        if let Some(known) = self.tags.get(&key) {
            return Ok(known.clone());
        }
        let is_commit = matches!(reference.len(), 40 | 64)
            && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_commit || self.silent.contains(host(url)) {
            return Ok(None);
        }
        let tag = match cache.tag(url, reference)? {
            Tag::Commit(commit) => Some(commit),
            Tag::None => None,
            Tag::Unasked(refused) => {
                self.believe(url, &refused);
                None
            }
        };
        self.tags.insert(key, tag.clone());
        Ok(tag)
    }

    /// Remembers and says that a repository could not be asked; after trouble of the platform the whole host is believed.
    fn believe(&mut self, url: &str, refused: &Refused) {
        let who = match refused.whose {
            Whose::Platform => {
                self.silent.insert(host(url).to_owned());
                host(url)
            }
            Whose::User => url,
        };
        self.notes.push(format!(
            "note: {}; what `formic.lock` pins of `{}` is believed",
            text::plain(&refused.message),
            text::plain(who)
        ));
    }
}

/// The machine that a repository is asked of; a repository on this one is its own.
fn host(url: &str) -> &str {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url;
    };
    if scheme == "file" {
        return url;
    }
    let authority = rest.split('/').next().unwrap_or(rest);
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

fn has_changed(address: &Address, message: String) -> Failed {
    let name = text::quoted(&address.to_string());
    Failed {
        kind: FailedKind::Changed,
        message,
        help: format!("if that is meant, `formic lock --update {name}` pins what it is now"),
    }
}

/// What is said of a file of the project that is not the pinned one.
pub(super) fn file_changed(address: &Address, pin: &Pin, digest: &Digest) -> Failed {
    let why = format!(
        "`{}` was changed: `formic.lock` pins {}, the file is {digest}",
        address.name(),
        pin.digest
    );
    has_changed(address, why)
}

/// What is said of a repository of a host that did not answer for another one: it is not waited for again.
fn asked_before(url: &str, (first, refused): &(String, Refused)) -> Refused {
    if url == first {
        return refused.clone();
    }
    Refused {
        message: format!(
            "cannot fetch `{url}`: `{}` did not answer for `{first}`",
            host(url)
        ),
        ..refused.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_of_one_machine_have_one_host_and_those_here_each_their_own() {
        let hosts = [
            "https://git.example/a",
            "ssh://git@git.example/b",
            "http://git.example:8080/c",
            "file:///srv/d",
        ];
        let expected = [
            "git.example",
            "git.example",
            "git.example:8080",
            "file:///srv/d",
        ];
        assert_eq!(hosts.map(host), expected);
    }
}
