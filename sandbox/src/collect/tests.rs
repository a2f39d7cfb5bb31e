//! Traps in an output directory: each is refused by name, and what is honest beside it is taken.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;

/// An area in memory with one honest file and a secret beside the area.
fn area() -> tempfile::TempDir {
    let root = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::create_dir(root.path().join("area")).unwrap();
    fs::write(root.path().join("secret"), "s").unwrap();
    fs::write(root.path().join("area/a.txt"), "hello").unwrap();
    root
}

fn pipe(path: &Path) {
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, FileType::Fifo, mode, 0).unwrap();
}

/// Collects the area: what was taken, and what was refused and why.
fn collect(
    root: &tempfile::TempDir,
    caps: &Caps,
) -> (BTreeMap<String, Vec<u8>>, BTreeMap<String, String>) {
    let area = File::open(root.path().join("area")).unwrap();
    let mut taken = BTreeMap::new();
    let refused = tree(area.as_fd(), ".", caps, |file| {
        taken.insert(file.path, file.bytes);
        Ok::<(), Infallible>(())
    });
    let refused = refused.unwrap().into_iter().map(|r| (r.path, r.why.to_string()));
    (taken, refused.collect())
}

#[test]
fn honest_files_are_taken_with_their_directories() {
    let root = area();
    fs::create_dir_all(root.path().join("area/x/y")).unwrap();
    fs::write(root.path().join("area/x/y/ü.bin"), [0u8; 5000]).unwrap();
    let (taken, refused) = collect(&root, &Caps::AREA);
    assert_eq!(refused, BTreeMap::new());
    assert_eq!(taken.keys().collect::<Vec<_>>(), ["a.txt", "x/y/ü.bin"]);
    assert_eq!(taken["a.txt"], b"hello");
}

#[test]
fn every_trap_is_refused_by_name() {
    let root = area();
    let path = |name: &str| root.path().join("area").join(name);
    symlink("../secret", path("link")).unwrap();
    symlink("..", path("up")).unwrap();
    fs::write(path("one"), "1").unwrap();
    fs::hard_link(path("one"), path("two")).unwrap();
    fs::hard_link(root.path().join("secret"), path("stolen")).unwrap();
    pipe(&path("pipe"));
    let _listener = UnixListener::bind(path("socket")).unwrap();
    File::create(path("sparse")).unwrap().set_len(1 << 40).unwrap();
    fs::write(path("bad\nname"), "x").unwrap();
    fs::write(path("invoice\u{202e}fdp.exe"), "x").unwrap();
    fs::write(path("long"), [1u8; 600]).unwrap();
    let caps = Caps { file_bytes: 512, ..Caps::AREA };
    let (taken, refused) = collect(&root, &caps);
    assert_eq!(taken.keys().collect::<Vec<_>>(), ["a.txt"]);
    let reasons = [
        ("link", "symbolic link"),
        ("up", "symbolic link"),
        ("one", "several names"),
        ("two", "several names"),
        ("stolen", "several names"),
        ("pipe", "a pipe"),
        ("socket", "a socket"),
        ("sparse", "sparse"),
        ("./bad\\nname", "not plain text"),
        ("./invoice\\u{202e}fdp.exe", "not plain text"),
        ("long", "longer than 512"),
    ];
    assert_eq!(refused.len(), reasons.len(), "{refused:?}");
    for (name, reason) in reasons {
        assert!(refused[name].contains(reason), "{name}: {}", refused[name]);
    }
}

#[test]
fn one_file_is_reached_by_no_other_way() {
    let root = area();
    let files = root.path().join("area");
    symlink("..", files.join("up")).unwrap();
    let area = File::open(&files).unwrap();
    let take = |path| file(area.as_fd(), path, &Caps::AREA);
    assert_eq!(take("a.txt").unwrap().bytes, b"hello");
    for (path, errno) in [
        ("up/secret", Errno::LOOP),
        ("../secret", Errno::XDEV),
        ("/etc/passwd", Errno::XDEV),
        ("nothing", Errno::NOENT),
    ] {
        match take(path) {
            Err(Refusal::Open(e)) => assert_eq!(Errno::from_io_error(&e), Some(errno), "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    assert!(matches!(take("."), Err(Refusal::Kind("a directory"))));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let root = area();
    let path = root.path().join("area/log");
    fs::write(&path, vec![7u8; 32 << 20]).unwrap();
    let area = File::open(root.path().join("area")).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (path, stop) = (&path, &stop);
        let writer = scope.spawn(move || {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                file.write_all(b"more").unwrap();
            }
        });
        let refused = (0..50)
            .any(|_| matches!(file(area.as_fd(), "log", &Caps::AREA), Err(Refusal::Changed)));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        writer.join().unwrap();
        assert!(refused);
    });
}

#[test]
fn there_is_an_end_to_numbers_depths_and_bytes() {
    let root = area();
    let deep = root.path().join("area/1/2/3/4");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("x"), "x").unwrap();
    let (_, refused) = collect(&root, &Caps { depth: 2, ..Caps::AREA });
    assert!(refused["1/2/3"].contains("deeper than 2"), "{refused:?}");
    let (taken, refused) = collect(&root, &Caps { entries: 3, ..Caps::AREA });
    assert_eq!((taken.len(), refused.len()), (0, 1), "{refused:?}");
    for name in ["b", "c", "d"] {
        fs::write(root.path().join("area").join(name), [1u8; 4]).unwrap();
    }
    let (taken, refused) = collect(&root, &Caps { total_bytes: 10, ..Caps::AREA });
    let total: usize = taken.values().map(Vec::len).sum();
    assert!(total <= 10 && !refused.is_empty(), "{taken:?} {refused:?}");
}
