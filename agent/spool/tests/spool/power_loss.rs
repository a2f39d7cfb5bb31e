//! Power loss at every moment: what was not synced is kept, lost, torn or zeroed, in any
//! combination (compare ALICE, OSDI '14, and CrashMonkey, OSDI '18).
//!
//! The model is weaker than ext4: a file's bytes are durable by its own sync alone, a name by the
//! sync of its directory alone, and what is pending in a directory becomes durable in any order.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use karakuri_spool::{ArtifactId, Change, Spool, SpoolError};

use crate::disk::{Fault, Mark, Op, Outcome, Recorder};
use crate::oracle::Oracle;
use crate::rig::{NOW, Rig, delivered, directory, id, later, open, settings, write};

/// What happens to one pending change.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Kept,
    Lost,
    /// Half of the bytes.
    Torn,
    /// The length is there, the bytes are not.
    Zeroed,
}

/// Decides the fate of pending changes: all lost, all kept, or by numbers (splitmix64).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    Nothing,
    Everything,
    Some(u64),
}

impl Loss {
    fn next(&mut self) -> Fate {
        match self {
            Self::Nothing => Fate::Kept,
            Self::Everything => Fate::Lost,
            Self::Some(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                match (mixed ^ (mixed >> 27)) >> 61 {
                    0..=2 => Fate::Kept,
                    3..=5 => Fate::Lost,
                    6 => Fate::Torn,
                    _ => Fate::Zeroed,
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Node {
    File(usize),
    Dir(usize),
}

type Names = BTreeMap<String, Node>;

/// A name that goes, a name that comes, or both.
type Renaming = (Option<String>, Option<(String, Node)>);

#[derive(Clone, Debug, Default)]
struct Dir {
    durable: Names,
    pending: Vec<Renaming>,
}

#[derive(Clone, Debug)]
enum Data {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Clone, Debug, Default)]
struct Inode {
    durable: Vec<u8>,
    pending: Vec<Data>,
    length: usize,
}

/// A file system of which it is known what is durable.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    root: PathBuf,
    dirs: Vec<Dir>,
    inodes: BTreeMap<usize, Inode>,
}

impl Model {
    /// An empty directory, which is durable.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), dirs: vec![Dir::default()], inodes: BTreeMap::new() }
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::MakeDir(path) => {
                self.dirs.push(Dir::default());
                let node = Node::Dir(self.dirs.len() - 1);
                self.change(path, |name| (None, Some((name, node))));
            }
            Op::Create(file, path) => {
                self.inodes.insert(*file, Inode::default());
                self.change(path, |name| (None, Some((name, Node::File(*file)))));
            }
            Op::Rename(from, to) => {
                assert_eq!(from.parent(), to.parent());
                let (dir, old) = self.find(from);
                let node = self.dirs[dir].live()[&old];
                self.change(to, |name| (Some(old), Some((name, node))));
            }
            Op::Remove(path) | Op::RemoveDir(path) => self.change(path, |name| (Some(name), None)),
            Op::SyncDir(path) => {
                let dir = self.dir(path);
                let live = self.dirs[dir].live();
                self.dirs[dir] = Dir { durable: live, pending: Vec::new() };
            }
            Op::Write(file, bytes) => {
                let inode = self.inodes.get_mut(file).unwrap();
                inode.pending.push(Data::Write(inode.length, bytes.clone()));
                inode.length += bytes.len();
            }
            Op::Truncate(file, length) | Op::Allocate(file, length) => {
                let inode = self.inodes.get_mut(file).unwrap();
                inode.length = usize::try_from(*length).unwrap();
                inode.pending.push(Data::Length(inode.length));
            }
            Op::Sync(file) => {
                let inode = self.inodes.get_mut(file).unwrap();
                inode.durable = inode.after(&mut Loss::Nothing);
                inode.pending.clear();
            }
            Op::Mark(_) => {}
        }
    }

    /// Lays out in `to` what a power loss now leaves.
    pub(crate) fn crash(&self, mut loss: Loss, to: &Path) {
        self.lay_out(0, &mut loss, to);
    }

    fn lay_out(&self, dir: usize, loss: &mut Loss, to: &Path) {
        for (name, node) in self.dirs[dir].after(loss) {
            let path = to.join(name);
            match node {
                Node::Dir(dir) => {
                    fs::create_dir(&path).unwrap();
                    self.lay_out(dir, loss, &path);
                }
                Node::File(file) => {
                    fs::write(&path, self.inodes[&file].after(loss)).unwrap();
                }
            }
        }
    }

    fn change(&mut self, path: &Path, change: impl FnOnce(String) -> Renaming) {
        let (dir, name) = self.find(path);
        self.dirs[dir].pending.push(change(name));
    }

    fn find(&self, path: &Path) -> (usize, String) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (self.dir(path.parent().unwrap()), name)
    }

    fn dir(&self, path: &Path) -> usize {
        let below = path.strip_prefix(&self.root).unwrap();
        below.iter().fold(0, |dir, name| match self.dirs[dir].live()[name.to_str().unwrap()] {
            Node::Dir(dir) => dir,
            Node::File(_) => panic!("{} is a file", path.display()),
        })
    }
}

impl Dir {
    fn live(&self) -> Names {
        self.after(&mut Loss::Nothing)
    }

    fn after(&self, loss: &mut Loss) -> Names {
        let mut names = self.durable.clone();
        for (gone, new) in &self.pending {
            if matches!(loss.next(), Fate::Kept) {
                gone.as_ref().map(|name| names.remove(name));
                names.extend(new.clone());
            }
        }
        names
    }
}

impl Inode {
    fn after(&self, loss: &mut Loss) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in &self.pending {
            match (change, loss.next()) {
                (_, Fate::Lost) => {}
                (Data::Length(length), _) => bytes.resize(*length, 0),
                (Data::Write(at, new), fate) => {
                    let new = match fate {
                        Fate::Torn => new[..new.len() / 2].to_vec(),
                        Fate::Zeroed => vec![0; new.len()],
                        _ => new.clone(),
                    };
                    bytes.resize(bytes.len().max(at + new.len()), 0);
                    bytes[*at..at + new.len()].copy_from_slice(&new);
                }
            }
        }
        bytes
    }
}

/// Cuts the power after every operation, `ways` times at random besides all and nothing lost.
pub(crate) fn at_every_moment(root: &Path, disk: &Recorder, ways: u64) -> usize {
    let (mut model, mut oracle) = (Model::new(root), Oracle::default());
    let mut states = 0;
    for (number, op) in disk.ops().iter().enumerate() {
        model.apply(op);
        oracle.see(op);
        let random = (0..ways).map(|way| Loss::Some(number as u64 * 1000 + way));
        for loss in [Loss::Nothing, Loss::Everything].into_iter().chain(random) {
            let directory = directory();
            model.crash(loss, directory.path());
            let seen = format!("after operation {number}, {op:?}, with {loss:?}");
            let checked = std::panic::catch_unwind(|| oracle.check(directory.path()));
            assert!(checked.is_ok(), "{seen}");
            states += 1;
        }
    }
    states
}

/// Says before and after `act` what becomes of `ids`.
pub(crate) fn marked<T>(
    disk: &Recorder,
    ids: &[ArtifactId],
    outcome: Outcome,
    act: impl FnOnce() -> Result<T, SpoolError>,
) -> Option<T> {
    ids.iter().for_each(|id| disk.mark(Mark::Maybe(id.clone(), outcome)));
    let done = act().ok();
    if done.is_some() {
        ids.iter().for_each(|id| disk.mark(Mark::Now(id.clone(), outcome)));
    }
    done
}

#[test]
fn every_moment_of_a_life() {
    let Rig { directory, disk, mut spool } = Rig::new();
    let files = ["0001-evidence.esdk", "0002-output.esdk", "manifest.dsse.json"];
    let ids = files.map(|file| id("20261121T000000-a", file));
    let other = id("20261121T000001-b", "0001-evidence.esdk");
    let first = [ids[0].clone(), other.clone()];
    marked(&disk, &first, Outcome::Pending, || {
        let written = first.iter().map(|id| write(&mut spool, id)).collect::<Result<_, _>>()?;
        spool.commit(written, NOW)
    })
    .unwrap();
    // A process that ends here leaves a draft; another goes on.
    std::mem::forget(spool.draft(id("20261121T000001-b", "0002-evidence.esdk")).unwrap());
    drop(spool);
    let (mut spool, _recovery) = open(directory.path(), &disk, settings()).unwrap();
    marked(&disk, &ids[1..], Outcome::Pending, || {
        let written = ids[1..].iter().map(|id| write(&mut spool, id)).collect::<Result<_, _>>()?;
        spool.commit(written, NOW)
    })
    .unwrap();
    let changes = |ids: &[_], to: Change| -> Vec<_> {
        ids.iter().cloned().map(|id| (id, to.clone())).collect()
    };
    let parked = Change::Parked { reason: "403".to_owned() };
    let delivery = [first[0].clone(), ids[1].clone()];
    for (ids, outcome, change) in [
        (std::slice::from_ref(&other), Outcome::Parked, parked),
        (&delivery[..], Outcome::Delivered, delivered()),
        (&ids[2..], Outcome::Delivered, delivered()),
        (&ids[1..2], Outcome::Pending, Change::Redeliver),
        (&ids[1..2], Outcome::Delivered, delivered()),
    ] {
        marked(&disk, ids, outcome, || spool.change(changes(ids, change), NOW)).unwrap();
    }
    marked(&disk, &ids, Outcome::Absent, || spool.delete(&ids, later())).unwrap();
    let other = std::slice::from_ref(&other);
    marked(&disk, other, Outcome::Delivered, || spool.change(changes(other, delivered()), NOW))
        .unwrap();
    // Of this run the directory stays, and its names are synced by the deletion alone.
    marked(&disk, other, Outcome::Absent, || spool.delete(other, later())).unwrap();
    // After a failed sync the journal is written anew, without what was deleted.
    let fault = Fault { call: "sync_data", path: "/journal", errno: 5, times: 1 };
    disk.fail(fault);
    let last = [id("20261121T000002-c", "0001-evidence.esdk")];
    let keep = |spool: &mut Spool| {
        marked(&disk, &last, Outcome::Pending, || {
            let written = write(spool, &last[0])?;
            spool.commit(vec![written], NOW)
        })
    };
    assert!(keep(&mut spool).is_none());
    assert!(keep(&mut spool).is_some());
    marked(&disk, &last, Outcome::Delivered, || spool.change(changes(&last, delivered()), NOW))
        .unwrap();
    marked(&disk, &last, Outcome::Absent, || spool.delete(&last, later())).unwrap();
    drop(spool);
    let (_spool, _recovery) = open(directory.path(), &disk, settings()).unwrap();
    let states = at_every_moment(directory.path(), &disk, 6);
    assert!(states > 400, "{states} states");
}
