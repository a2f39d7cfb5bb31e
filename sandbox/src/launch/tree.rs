//! The layer `mounts`: a root made of nothing but what the policy names, read-only, pivoted into.

use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};

use super::{LayerError, at};
use crate::policy::{Access, Node, Policy};
use crate::sys::{self, MountAttributes};

/// Device nodes that are bound one by one from the machine's `/dev`.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// Links every program expects in `/dev`.
const DEVICE_LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];
/// Capacity of `/dev/shm`.
const SHM_BYTES: u64 = 256 * 1024 * 1024;

/// Layer `mounts`.
pub(super) fn build(policy: &Policy) -> Result<(), LayerError> {
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    rustix::mount::mount_change("/", private).map_err(|e| format!("private mounts: {e}"))?;
    let stage = &policy.stage;
    mount_tmpfs(stage, 1024 * 1024, 1024, "0755")?;
    for node in &policy.tree {
        place(stage, node)?;
    }
    enter(stage)
}

/// Makes the staged tree the root, lets go of the old one, and closes the new one for writing.
fn enter(stage: &Path) -> Result<(), LayerError> {
    at("entering", stage, rustix::process::chdir(stage))?;
    rustix::process::pivot_root(".", ".").map_err(|e| format!("pivot_root: {e}"))?;
    // pivot_root(2), NOTES: the old root is now stacked on top of the new one.
    rustix::mount::unmount(".", UnmountFlags::DETACH).map_err(|e| format!("old root: {e}"))?;
    rustix::process::chdir("/")?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount_remount("/", flags | MountFlags::BIND, "")
        .map_err(|e| format!("read-only root: {e}"))?;
    Ok(())
}

fn place(stage: &Path, node: &Node) -> Result<(), LayerError> {
    match node {
        Node::Bind { source, target, access } => {
            bind(source, &inside(stage, target), attributes(*access))
        }
        Node::Tmpfs { target, bytes, files } => {
            let target = inside(stage, target);
            make_directory(&target)?;
            mount_tmpfs(&target, *bytes, *files, "1777")
        }
        Node::File { target, content } => write_file(&inside(stage, target), content),
        Node::Link { target, to } => {
            let target = inside(stage, target);
            make_parent(&target)?;
            at("linking", &target, symlink(to, &target))
        }
        Node::Dev { ptys } => devices(stage, *ptys),
        Node::Proc => proc(stage),
    }
}

fn attributes(access: Access) -> MountAttributes {
    match access {
        Access::Read => {
            MountAttributes::BASE.and(MountAttributes::READ_ONLY).and(MountAttributes::NO_EXEC)
        }
        Access::ReadExecute => MountAttributes::BASE.and(MountAttributes::READ_ONLY),
        Access::ReadWrite => MountAttributes::BASE.and(MountAttributes::NO_EXEC),
    }
}

/// Binds `source`, with everything mounted below it, onto `target`. The attributes are in force
/// before the tree becomes visible.
fn bind(source: &Path, target: &Path, set: MountAttributes) -> Result<(), LayerError> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    let tree: OwnedFd = at("opening", source, rustix::mount::open_tree(CWD, source, flags))?;
    at("restricting", source, sys::mount_setattr(tree.as_fd(), set))?;
    if at("looking at", source, fs::metadata(source))?.is_dir() {
        make_directory(target)?;
    } else {
        write_file(target, "")?;
    }
    let empty = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    at("mounting", target, rustix::mount::move_mount(&tree, "", CWD, target, empty))
}

fn devices(stage: &Path, ptys: bool) -> Result<(), LayerError> {
    let dev = stage.join("dev");
    make_directory(&dev)?;
    // A device can be written to on a read-only mount, but its times and mode, which are the
    // machine's, cannot be changed.
    let attributes = MountAttributes::DEVICES.and(MountAttributes::READ_ONLY);
    // A terminal's programs ask for the terminal of their own session.
    let terminal = ptys.then_some("tty");
    for name in DEVICES.into_iter().chain(terminal) {
        bind(&Path::new("/dev").join(name), &dev.join(name), attributes)?;
    }
    for (name, to) in DEVICE_LINKS {
        at("linking", &dev.join(name), symlink(to, dev.join(name)))?;
    }
    let shm = dev.join("shm");
    make_directory(&shm)?;
    mount_tmpfs(&shm, SHM_BYTES, 4096, "1777")?;
    if ptys {
        let pts = dev.join("pts");
        make_directory(&pts)?;
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        let options = c"newinstance,ptmxmode=0666,mode=0620";
        at("mounting", &pts, rustix::mount::mount("devpts", &pts, "devpts", flags, options))?;
        at("linking", &dev, symlink("pts/ptmx", dev.join("ptmx")))?;
    }
    Ok(())
}

fn proc(stage: &Path) -> Result<(), LayerError> {
    let target = stage.join("proc");
    make_directory(&target)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // subset=pid leaves out everything that is about the machine; see proc(5).
    let options = c"subset=pid,hidepid=2";
    at("mounting", &target, rustix::mount::mount("proc", &target, "proc", flags, options))
}

fn mount_tmpfs(target: &Path, bytes: u64, files: u64, mode: &str) -> Result<(), LayerError> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let options = super::c_string(&format!("size={bytes},nr_inodes={files},mode={mode}"))?;
    at(
        "mounting",
        target,
        rustix::mount::mount("tmpfs", target, "tmpfs", flags, options.as_c_str()),
    )
}

/// The place of an absolute path of the new root in the staged tree.
fn inside(stage: &Path, target: &Path) -> PathBuf {
    stage.join(target.strip_prefix("/").unwrap_or(target))
}

fn make_directory(path: &Path) -> Result<(), LayerError> {
    let mut builder = fs::DirBuilder::new();
    at("making", path, builder.recursive(true).mode(0o755).create(path))
}

fn make_parent(path: &Path) -> Result<(), LayerError> {
    path.parent().map_or(Ok(()), make_directory)
}

fn write_file(path: &Path, content: &str) -> Result<(), LayerError> {
    make_parent(path)?;
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o644).open(path);
    at("writing", path, at("making", path, file)?.write_all(content.as_bytes()))
}

/// Opens a path of the new root for a Landlock rule.
pub(super) fn open_path(path: &Path) -> Result<OwnedFd, LayerError> {
    at("opening", path, rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()))
}
