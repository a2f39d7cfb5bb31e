//! A real disk that is full: a small tmpfs in namespaces of the test's own.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use karakuri_spool::{ArtifactId, Change, Full, Limit, LocalDisk, SpoolError};

use crate::{DIRECTORY, NOW, RESERVE, alone, bytes, delivered, open, write};

const RUN: &str = "20261121T101112-0badcafe";

fn id(file: &str) -> ArtifactId {
    ArtifactId::new(RUN, file).unwrap()
}

/// Runs the named test once more where `DIRECTORY` is a tmpfs with these limits.
fn on_a_small_disk(test: &str, limits: &str) {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o {limits} none \"$0\" && exec \"$@\"");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &mount])
        .arg(directory.path())
        .arg(env::current_exe().unwrap())
        .args(["--exact", test])
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

fn is_disk<T: std::fmt::Debug>(result: &Result<T, SpoolError>) -> bool {
    matches!(result, Err(SpoolError::Full(Full { limit: Limit::Disk, .. })))
}

#[test]
fn no_space() {
    let Some(root) = env::var_os(DIRECTORY) else {
        return on_a_small_disk("full_disk::no_space", "size=1m");
    };
    let root = Path::new(&root);
    let mut spool = open(root, Arc::new(LocalDisk)).0;
    let kept: Vec<_> = (0..40).map(|number| id(&number.to_string())).collect();
    let written = kept.iter().map(|id| write(&mut spool, id).unwrap()).collect();
    spool.commit(written, NOW).unwrap();
    fill(&root.join("ballast"));
    let refused = write(&mut spool, &id("more"));
    assert!(is_disk(&refused), "{refused:?}");
    let reserve = root.join("reserve");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE);
    // The journal's last page has room for a few.
    for artifact in kept.iter().cycle().take(80) {
        let is_delivered = spool.pending().all(|(id, _)| id != artifact);
        if is_delivered {
            let again = (artifact.clone(), Change::Redeliver);
            spool.change(vec![again], NOW).unwrap();
        }
        spool.change(vec![(artifact.clone(), delivered())], NOW).unwrap();
    }
    assert!(!reserve.exists(), "its space went to the journal");
    assert!(is_disk(&spool.draft(id("more"))));
    drop(spool);
    let mut spool = open(root, Arc::new(LocalDisk)).0;
    assert!(is_disk(&spool.draft(id("more"))));
    for artifact in &kept {
        let mut read = Vec::new();
        spool.open_artifact(artifact).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes(artifact));
    }
    spool.delete(&kept, NOW).unwrap();
    assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE, "there is room for it again");
    write(&mut spool, &id("more")).unwrap();
}

#[test]
fn no_inodes() {
    let Some(root) = env::var_os(DIRECTORY) else {
        return on_a_small_disk("full_disk::no_inodes", "size=1m,nr_inodes=12");
    };
    let mut spool = open(Path::new(&root), Arc::new(LocalDisk)).0;
    let mut kept = Vec::new();
    let refused = loop {
        let artifact = id(&kept.len().to_string());
        match write(&mut spool, &artifact).and_then(|written| spool.commit(vec![written], NOW)) {
            Ok(_) => kept.push(artifact),
            Err(error) => break Err::<(), _>(error),
        }
    };
    assert!(is_disk(&refused), "{refused:?}");
    assert!(kept.len() >= 5, "{}", kept.len());
    let changes = kept.iter().map(|id| (id.clone(), delivered())).collect();
    spool.change(changes, NOW).unwrap();
    spool.delete(&kept, NOW).unwrap();
    write(&mut spool, &id("more")).unwrap();
}

/// Takes what space is left, to the last byte.
fn fill(path: &Path) {
    let mut ballast = fs::File::create(path).unwrap();
    for length in [4096, 1] {
        while ballast.write_all(&vec![0; length]).is_ok() {}
    }
}
