//! The process serves behind its walls, and only then.

use super::rig::Display;

#[test]
fn it_serves_with_a_system_call_filter_and_can_gain_no_privilege() {
    let display = Display::start();
    let desktop = display.desktop(&[]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", desktop.pid())).unwrap();
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().to_owned()
    };
    // 2 is SECCOMP_MODE_FILTER (proc(5)).
    assert_eq!((value("Seccomp:"), value("NoNewPrivs:")), ("2".into(), "1".into()));
}

#[test]
fn it_ends_when_its_link_is_closed_with_success() {
    let display = Display::start();
    let desktop = display.desktop(&[]);
    assert_eq!(desktop.close().code(), Some(0));
}

#[test]
fn it_refuses_to_start_without_its_link() {
    let display = Display::start();
    let mut command = display.command(env!("CARGO_BIN_EXE_karakuri-desktop"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("fd 3 must be the link to karakurid"), "{log}");
}
