//! Which file systems are network file systems.
//!
//! The kernel tells most of them by a number (`MAGICS`). Those that run as a program of their own
//! (FUSE) all have one number; the list of mounts tells them apart, and only those that are known to
//! lie on a network are refused (`FUSE_NAMES`).

use rustix::fs::statfs;
use std::fs;
use std::path::Path;

/// Numbers of network and cluster file systems, from `linux/magic.h` and their own sources.
const MAGICS: &[(u32, &str)] = &[
    (0x0000_6969, "nfs"),
    (0x0000_517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "kafs"),
    (0x7375_7245, "coda"),
    (0x0000_564c, "ncp"),
    (0x00c3_6400, "ceph"),
    (0x0bd0_0bd0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x7461_636f, "ocfs2"),
    (0x0116_1970, "gfs2"),
    (0x2030_528a, "orangefs"),
    (0xaad7_aaea, "panfs"),
    (0x786f_4256, "vboxsf"),
    (0xbacb_acbc, "vmhgfs"),
];
const FUSE_MAGIC: u32 = 0x6573_5546;
/// What stands behind `fuse.` in the list of mounts for programs that fetch files over a network or
/// from an object store.
const FUSE_NAMES: &[&str] = &[
    "sshfs",
    "s3fs",
    "gcsfuse",
    "goofys",
    "geesefs",
    "mount-s3",
    "rclone",
    "davfs",
    "davfs2",
    "glusterfs",
    "cephfs",
    "juicefs",
    "seaweedfs",
    "curlftpfs",
    "smbnetfs",
    "vmhgfs-fuse",
    "hdfs",
    "grpcfuse",
];

/// The name of the network file system that `dir` is on; `None` when it is on none.
#[must_use]
pub fn name_of(dir: &Path) -> Option<String> {
    let stat = statfs(dir).ok()?;
    // The number is 32 bits wide in a field whose width and sign depend on the processor.
    let magic = (stat.f_type.cast_unsigned() & 0xffff_ffff) as u32;
    if magic != FUSE_MAGIC {
        return name_of_magic(magic).map(str::to_owned);
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    name_of_fuse(&mounts, &fs::canonicalize(dir).ok()?)
}

fn name_of_magic(magic: u32) -> Option<&'static str> {
    let found = MAGICS.iter().find(|(each, _)| *each == magic);
    found.map(|(_, name)| *name)
}

/// The FUSE program behind the innermost mount that holds `dir`, if it lies on a network.
fn name_of_fuse(mounts: &str, dir: &Path) -> Option<String> {
    let holding = mounts.lines().filter_map(|line| {
        let (point, kind) = mount(line)?;
        dir.starts_with(&point).then_some((point.len(), kind))
    });
    // Of mounts on one point the last one counts, and `max_by_key` takes the last of equals.
    let (_, kind) = holding.max_by_key(|(length, _)| *length)?;
    let name = kind.strip_prefix("fuse.")?;
    FUSE_NAMES.contains(&name).then(|| name.to_owned())
}

/// Mount point and kind of a line of `/proc/self/mountinfo`.
fn mount(line: &str) -> Option<(String, &str)> {
    let (before, behind) = line.split_once(" - ")?;
    let point = before.split(' ').nth(4)?;
    let kind = behind.split(' ').next()?;
    Some((unescape(point), kind))
}

/// Spaces and the like are written as three octal digits.
fn unescape(point: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(point.to_owned(), |point, (from, to)| {
        point.replace(from, to)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /home/ada/remote rw,nosuid shared:2 - fuse.sshfs ada@host: rw
41 22 0:36 / /media/my\\040disk rw shared:3 - fuse.ntfs-3g /dev/sdb1 rw
42 40 0:37 / /home/ada/remote/local rw - fuse.gocryptfs x rw
";

    fn fuse(dir: &str) -> Option<String> {
        name_of_fuse(MOUNTS, Path::new(dir))
    }

    #[test]
    fn network_file_systems_are_known_by_their_number() {
        assert_eq!(name_of_magic(0x6969), Some("nfs"));
        assert_eq!(name_of_magic(0xff53_4d42), Some("cifs"));
        assert_eq!(name_of_magic(0xef53), None);
    }

    #[test]
    fn fuse_is_refused_only_where_it_is_a_network() {
        assert_eq!(fuse("/home/ada/remote/shop").as_deref(), Some("sshfs"));
        assert_eq!(fuse("/media/my disk/shop"), None);
        assert_eq!(fuse("/home/ada/remote/local/shop"), None);
        assert_eq!(fuse("/home/ada/remoteness"), None);
    }

    #[test]
    fn the_temporary_folder_is_local() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(name_of(dir.path()), None);
    }
}
