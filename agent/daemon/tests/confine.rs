//! karakurid behind its own walls: spool, audit log, the file systems of the run, models to read.
#![cfg(test)]

#[path = "../../../sandbox/tests/attempts/mod.rs"]
mod attempts;

use attempts::{Attempts, apart, reading, writing_below};
use karakurid::config::Config;
use karakurid::confine::confine;
use rustix::io::Errno;

#[test]
fn it_reaches_its_own_directories_and_nothing_else() {
    attempts::all_work_without_walls();
    let attempts = Attempts::prepare();
    let directory = tempfile::tempdir().unwrap();
    let below = |name: &str| directory.path().join(name);
    for name in ["state/audit", "state/spool", "state/store", "state/site", "run", "assets"] {
        std::fs::create_dir_all(below(name)).unwrap();
        std::fs::write(below(name).join("file"), "content").unwrap();
    }
    let config = Config {
        once: true,
        deliver: false,
        site: None,
        state: below("state"),
        run_root: below("run"),
        assets: below("assets"),
        log: "warn".to_owned(),
    };
    let own = || {
        let write = ["state/audit", "state/spool", "run", "assets", "state/store", "state/site"];
        let read = ["assets/file", "state/store/file", "state/site/file"];
        (write.map(|name| writing_below(&below(name))), read.map(|name| reading(below(name))))
    };
    assert_eq!(apart(own), ([Ok(()); 6], [Ok(()); 3]));

    let (found, own, became) = apart(|| {
        confine(&config).unwrap();
        (attempts.run(), own(), attempts::becoming_a_program())
    });
    attempts::assert_walls(&found, &[]);
    let refused = Err(Errno::ACCESS);
    assert_eq!(own.0, [Ok(()), Ok(()), Ok(()), refused, refused, refused]);
    assert_eq!(own.1, [Ok(()), refused, refused]);
    assert_eq!(became, Err(Errno::PERM));
}
