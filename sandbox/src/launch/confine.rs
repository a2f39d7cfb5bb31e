//! The layers `landlock` and `seccomp` of the launcher.

use std::path::{Path, PathBuf};

use landlock::{AccessFs, BitFlags};

use super::{LayerError, tree};
use crate::policy::{Access, Node, Policy, Profile};
use crate::restrict::{self, Rule};
use crate::seccomp;

/// Layer `landlock`: the file tree of the policy once more, as rights.
pub(super) fn landlock(policy: &Policy) -> Result<(), LayerError> {
    let mut rules = Vec::new();
    for (path, access) in policy.tree.iter().flat_map(rights) {
        // Only a display needs sockets and pipes with a name.
        let access = match policy.profile {
            Profile::Application => access,
            Profile::Script | Profile::Desktop => {
                access & !(AccessFs::MakeSock | AccessFs::MakeFifo)
            }
        };
        rules.push(Rule { path: tree::open_path(&path)?, access });
    }
    Ok(restrict::landlock(rules, policy.proxy.as_slice())?)
}

/// Layer `seccomp`.
pub(super) fn seccomp(policy: &Policy) -> Result<(), LayerError> {
    let list = match policy.profile {
        Profile::Script => seccomp::SCRIPT,
        Profile::Application if policy.proxy.is_some() => seccomp::APPLICATION_ONLINE,
        Profile::Application => seccomp::APPLICATION,
        Profile::Desktop => seccomp::START,
    };
    Ok(list.install()?)
}

/// The rights a node of the tree gives.
fn rights(node: &Node) -> Vec<(PathBuf, BitFlags<AccessFs>)> {
    match node {
        Node::Bind { target, access, .. } => vec![(target.clone(), restrict::rights(*access))],
        Node::Tmpfs { target, .. } => {
            vec![(target.clone(), restrict::rights(Access::ReadWrite))]
        }
        Node::File { target, .. } => vec![(target.clone(), restrict::rights(Access::Read))],
        Node::Link { .. } => Vec::new(),
        Node::Dev { ptys } => {
            let device = AccessFs::ReadFile | AccessFs::WriteFile;
            let mut list = vec![(PathBuf::from("/dev"), device | AccessFs::ReadDir)];
            let shm = restrict::rights(Access::ReadWrite);
            list.push((Path::new("/dev/shm").to_path_buf(), shm));
            if *ptys {
                list.push((PathBuf::from("/dev/pts"), device | AccessFs::IoctlDev));
            }
            list
        }
        Node::Proc => vec![(PathBuf::from("/proc"), restrict::rights(Access::Read))],
    }
}
