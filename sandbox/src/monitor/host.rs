//! What the monitor makes on the machine: its own mount (and user) namespace, the accounts of the
//! run, the file systems of the run. All of it ends with the monitor.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, StatxAttributes};
use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags};
use rustix::process::{Gid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::Capacities;
use crate::launch::{LayerError, at};
use crate::policy::Account;
use crate::sys;

/// The accounts of runs: four ids for each monitor from here on, by its pid, which no other living
/// process has. Below 2^31, above what adduser, systemd (DynamicUser, nspawn) and subuid hand out.
const FIRST_ID: u32 = 0x7000_0000;
/// Room for what the monitor itself puts into the run's directory.
const ROOT_BYTES: u64 = 16 * 1024 * 1024;
/// Room for the bundle.
const BUNDLE_BYTES: u64 = 96 * 1024 * 1024;
/// Room for the applications' home.
const HOME_BYTES: u64 = 256 * 1024 * 1024;

/// The accounts of one run; none where a user namespace has only the caller's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accounts {
    pub(super) group: u32,
    pub(super) desktop: Account,
    pub(super) applications: Account,
    pub(super) script: Account,
}

impl Accounts {
    fn of_this_monitor() -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get().cast_unsigned();
        let group = FIRST_ID + pid.wrapping_mul(4);
        let account = |offset| Account { uid: group + offset, gid: group };
        Self { group, desktop: account(1), applications: account(2), script: account(3) }
    }
}

/// Moves this process into its own mount namespace, with a user namespace where it is not root.
pub(super) fn isolate() -> Result<Option<Accounts>, LayerError> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let root = uid.is_root();
    sys::unshare(!root).map_err(|e| format!("unshare: {e}"))?;
    if root {
        make_root_a_mount()?;
    } else {
        map_ids(uid, gid)?;
        keep_capabilities_over_exec()?;
    }
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    rustix::mount::mount_change("/", private).map_err(|e| format!("private mounts: {e}"))?;
    Ok(root.then(Accounts::of_this_monitor))
}

/// In a chroot the root directory is no mount, and pivot_root(2) wants one: the tree is bound onto
/// itself in this namespace.
fn make_root_a_mount() -> Result<(), LayerError> {
    use rustix::fs::{AtFlags, StatxFlags};
    let stat = rustix::fs::statx(CWD, "/", AtFlags::empty(), StatxFlags::BASIC_STATS)?;
    if stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return Ok(());
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    let here = rustix::process::getcwd(Vec::new())?;
    let tree = rustix::mount::open_tree(CWD, "/", flags)?;
    rustix::mount::move_mount(&tree, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    rustix::process::fchdir(&tree)?;
    rustix::process::chroot(".")?;
    rustix::process::chdir(here.as_c_str())?;
    Ok(())
}

/// Maps exactly one user and one group onto themselves; see user_namespaces(7).
fn map_ids(uid: Uid, gid: Gid) -> Result<(), LayerError> {
    let (uid, gid) = (uid.as_raw(), gid.as_raw());
    fs::write("/proc/self/setgroups", "deny").map_err(|e| format!("setgroups: {e}"))?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))
        .map_err(|e| format!("uid map: {e}"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
        .map_err(|e| format!("gid map: {e}"))?;
    Ok(())
}

/// The launcher is a program of its own and not root: only ambient capabilities survive its exec.
fn keep_capabilities_over_exec() -> Result<(), LayerError> {
    let have = rustix::thread::capabilities(None)?;
    let sets = CapabilitySets { inheritable: have.permitted, ..have };
    rustix::thread::set_capabilities(None, sets)?;
    for capability in have.permitted.iter() {
        rustix::thread::configure_capability_in_ambient_set(capability, true)?;
    }
    if !have.permitted.contains(CapabilitySet::SYS_ADMIN) {
        return Err("the user namespace gives no capabilities (restricted by AppArmor?)".into());
    }
    Ok(())
}

/// The directory of one run and what is in it. Removed when dropped.
#[derive(Debug)]
pub(super) struct RunRoot {
    path: PathBuf,
    accounts: Option<Accounts>,
}

impl RunRoot {
    /// Makes `<base>/<pid>` and mounts an empty tmpfs there, in this namespace only.
    pub(super) fn make(base: &Path, accounts: Option<Accounts>) -> Result<Self, LayerError> {
        let mut builder = fs::DirBuilder::new();
        at("making", base, builder.recursive(true).mode(0o700).create(base))?;
        remove_stale(base);
        let pid = rustix::process::getpid().as_raw_nonzero();
        let path = base.join(pid.to_string());
        at("making", &path, fs::DirBuilder::new().mode(0o700).create(&path))?;
        let root = Self { path, accounts };
        mount_tmpfs(&root.path, ROOT_BYTES, 4096)?;
        for name in ["stage", "bundle", "sdk", "config", "x11", "bus", "files", "work", "home"] {
            at(
                "making",
                &root.path,
                fs::DirBuilder::new().mode(0o755).create(root.path.join(name)),
            )?;
        }
        Ok(root)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Copies one of our programs into the run's directory.
    pub(super) fn copy_program(&self, programs: &Path, name: &str) -> Result<(), LayerError> {
        let (from, to) = (programs.join(name), self.path.join(name));
        at("copying", &from, fs::copy(&from, &to)).map(drop)
    }

    /// The directories behind `/work` and `/files`, for whoever puts things in and takes them out.
    pub(super) fn areas(&self) -> Result<[OwnedFd; 2], LayerError> {
        let open = |name| {
            let path = self.path.join(name);
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            at("opening", &path, rustix::fs::open(&path, flags, Mode::empty()))
        };
        Ok([open("work")?, open("files")?])
    }

    /// Mounts the capped file systems and gives each to the account that uses it.
    pub(super) fn prepare(&self, capacities: Capacities) -> Result<(), LayerError> {
        let accounts = self.accounts;
        let applications = accounts.map(|a| a.applications);
        let areas = [
            ("bundle", BUNDLE_BYTES, None, 0o755),
            ("files", capacities.files_bytes, applications, 0o2770),
            ("work", capacities.work_bytes, accounts.map(|a| a.script), 0o2770),
            ("home", HOME_BYTES, applications, 0o700),
            ("x11", 1024 * 1024, applications, 0o1777),
            ("bus", 1024 * 1024, applications, 0o755),
        ];
        for (name, bytes, owner, mode) in areas {
            let path = self.path.join(name);
            mount_tmpfs(&path, bytes, 16 * 1024)?;
            if name == "home" {
                furnish_home(&path, applications)?;
            }
            give(&path, owner)?;
            self.set_mode(&path, mode)?;
        }
        let config = self.path.join("config");
        if let Some(accounts) = accounts {
            let group = Some(Gid::from_raw(accounts.group));
            at("giving away", &config, rustix::fs::chown(&config, None, group))?;
        }
        self.set_mode(&config, 0o2750)
    }

    /// Where there is but one account, set-gid does nothing, and systemd may forbid it
    /// (`RestrictSUIDSGID=`, `DynamicUser=`).
    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), LayerError> {
        let mode = if self.accounts.is_some() { mode } else { mode & 0o1777 };
        let set = fs::set_permissions(path, PermissionsExt::from_mode(mode));
        at("setting the mode of", path, set)
    }
}

/// `/files` is the applications' Documents folder and the one their file dialogs start in.
fn furnish_home(home: &Path, owner: Option<Account>) -> Result<(), LayerError> {
    at("linking", home, symlink("/files", home.join("Documents")))?;
    let config = home.join(".config");
    at("making", &config, fs::create_dir(&config))?;
    let dirs = config.join("user-dirs.dirs");
    at("writing", &dirs, fs::write(&dirs, "XDG_DOCUMENTS_DIR=\"/files\"\n"))?;
    give(&config, owner)?;
    give(&dirs, owner)
}

fn give(path: &Path, owner: Option<Account>) -> Result<(), LayerError> {
    let Some(Account { uid, gid }) = owner else {
        return Ok(());
    };
    let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    at("giving away", path, rustix::fs::chown(path, uid, gid))
}

fn mount_tmpfs(path: &Path, bytes: u64, files: u64) -> Result<(), LayerError> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let options = crate::launch::c_string(&format!("size={bytes},nr_inodes={files},mode=0755"))?;
    at("mounting", path, rustix::mount::mount("tmpfs", path, "tmpfs", flags, options.as_c_str()))
}

/// Removes directories of monitors that were killed; their mounts went with them. The directory of
/// a living monitor must stay: removing a mount point unmounts it in every namespace.
pub(super) fn remove_stale(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        if !super::belongs_to_the_living(&entry.file_name()) {
            drop(fs::remove_dir(entry.path()));
        }
    }
}

impl Drop for RunRoot {
    fn drop(&mut self) {
        // Best effort by nature: a directory that stays is empty and goes with the next run.
        let _unmounted = rustix::mount::unmount(&self.path, rustix::mount::UnmountFlags::DETACH);
        drop(fs::remove_dir(&self.path));
    }
}
