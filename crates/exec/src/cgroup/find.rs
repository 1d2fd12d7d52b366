//! Finding the control group this process is in, in each hierarchy that is mounted.
//!
//! Two files say it: `/proc/self/mountinfo`, which part of which hierarchy is mounted where, and
//! `/proc/self/cgroup`, where we are in each. Parsing them is pure.

use std::fs;
use std::path::{Path, PathBuf};

/// The group one level below our own that we and the spawner move to when our own must be empty.
pub(super) const ASIDE: &str = "formic-self";

/// Directories of the groups that this process is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Version 2, also as `unified` beside version 1.
    pub(crate) v2: Option<PathBuf>,
    /// Version 1, memory.
    pub(crate) v1_memory: Option<PathBuf>,
    /// Version 1, number of processes.
    pub(crate) v1_pids: Option<PathBuf>,
}

/// Where this process is.
pub(crate) fn places() -> Places {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    parse(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"))
}

fn parse(mountinfo: &str, cgroup: &str) -> Places {
    let mut places = Places::default();
    for mount in mountinfo.lines().filter_map(Mount::parse) {
        let place = match mount.kind {
            "cgroup2" => (&mut places.v2, ""),
            "cgroup" if mount.has_option("memory") => (&mut places.v1_memory, "memory"),
            "cgroup" if mount.has_option("pids") => (&mut places.v1_pids, "pids"),
            _ => continue,
        };
        let (found, controller) = place;
        if found.is_none() {
            *found = own_path(cgroup, controller).and_then(|path| mount.directory(path));
        }
    }
    // Moved aside by an executor before this one: its groups are made beside, not below.
    if let Some(own) = &mut places.v2
        && own.ends_with(ASIDE)
    {
        own.pop();
    }
    places
}

/// Our path in the hierarchy of a controller; of version 2 for the empty one.
fn own_path<'a>(cgroup: &'a str, controller: &str) -> Option<&'a str> {
    cgroup.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let matches = if controller.is_empty() {
            number == "0" && controllers.is_empty()
        } else {
            controllers.split(',').any(|name| name == controller)
        };
        matches.then_some(path)
    })
}

/// A line of `mountinfo`.
struct Mount<'a> {
    root: &'a str,
    point: PathBuf,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut system = system.split(' ');
        Some(Self {
            root: mount.next()?,
            point: PathBuf::from(unescape(mount.next()?)),
            kind: system.next()?,
            options: system.nth(1)?,
        })
    }

    fn has_option(&self, name: &str) -> bool {
        self.options.split(',').any(|option| option == name)
    }

    /// The directory of a path in the hierarchy, if the mounted part holds it.
    fn directory(&self, path: &str) -> Option<PathBuf> {
        let below = Path::new(path).strip_prefix(self.root).ok()?;
        Some(self.point.join(below))
    }
}

/// Blanks and backslashes are written in octal.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hybrid_hierarchies_are_found() {
        let mountinfo = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:4 - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
        let places = parse(mountinfo, "8:pids:/\n4:memory:/a/b\n0::/c\n");
        assert_eq!(places.v2, Some("/sys/fs/cgroup/unified/c".into()));
        assert_eq!(places.v1_memory, Some("/sys/fs/cgroup/memory/a/b".into()));
        assert_eq!(places.v1_pids, Some("/sys/fs/cgroup/pids/".into()));
    }

    #[test]
    fn part_of_a_hierarchy_in_a_container_is_found() {
        let mountinfo = "9 8 0:38 /docker/x /sys/fs/c\\040g ro - cgroup2 cgroup rw,nsdelegate\n";
        assert_eq!(
            parse(mountinfo, "0::/docker/x/y\n").v2,
            Some("/sys/fs/c g/y".into())
        );
        assert_eq!(parse(mountinfo, "0::/elsewhere\n").v2, None);
    }

    #[test]
    fn group_that_we_were_moved_to_is_not_taken_for_our_own() {
        let mountinfo = "9 8 0:38 / /cg rw - cgroup2 cgroup rw\n";
        assert_eq!(
            parse(mountinfo, "0::/unit/formic-self\n").v2,
            Some("/cg/unit".into())
        );
    }
}
