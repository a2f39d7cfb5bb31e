//! `karakuri sandbox exec` as a person uses it: what passes through, what is bounded, what comes back.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use karakuri_tests::Agent;

fn exec(arguments: &[&str]) -> Output {
    Agent::new().call(&[&["sandbox", "exec"], arguments].concat())
}

/// Exit code, stdout, stderr.
fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn output_input_and_exit_code_pass_through() {
    let script = "cat; echo err >&2; exit 7";
    let agent = Agent::new();
    let mut command = agent.command(&["sandbox", "exec", "--", "sh", "-c", script]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"in\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(told(&output), (Some(7), "in\n".to_owned(), "err\n".to_owned()));
}

#[test]
fn a_program_that_is_not_there_a_signal_and_a_wrong_limit_have_codes_of_their_own() {
    let (code, _, err) = told(&exec(&["--", "no-such-program"]));
    assert_eq!(code, Some(127));
    assert!(err.contains("no-such-program"), "{err}");
    assert_eq!(told(&exec(&["--", "sh", "-c", "kill -TERM $$"])).0, Some(128 + 15));
    let (code, _, err) = told(&exec(&["--limit", "memory=1", "--", "true"]));
    assert_eq!(code, Some(125));
    assert!(err.contains("memory_mb"), "{err}");
    let (code, _, err) = told(&exec(&["--ro", "/proc", "--", "true"]));
    assert_eq!(code, Some(125));
    assert!(err.contains("would hide"), "{err}");
}

#[test]
fn a_limit_of_processor_time_or_of_a_file_that_is_hit_is_named() {
    let (code, _, err) =
        told(&exec(&["--limit", "cpu_s=1", "--", "sh", "-c", "while :; do :; done"]));
    assert_eq!(code, Some(128 + 24), "{err}");
    assert!(err.contains("processor time was used up (--limit cpu_s)"), "{err}");
    let fill = "head -c 3000000 /dev/zero > /work/x";
    let (code, _, err) = told(&exec(&["--limit", "file_mb=1", "--", "sh", "-c", fill]));
    assert_eq!(code, Some(128 + 25), "{err}");
    assert!(err.contains("a file grew too large (--limit file_mb)"), "{err}");
}

#[test]
fn a_directory_goes_in_and_what_was_made_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("in")).unwrap();
    fs::write(directory.path().join("in/a.txt"), "one").unwrap();
    let script = "tr a-z A-Z < in/a.txt > in/b.txt; mkdir -p x/y; echo 2 > x/y/z; echo 3 > in/a.txt; \
                  ln -s /etc/passwd link; ln in/b.txt again; : > empty";
    let work = directory.path().to_string_lossy();
    let (code, _, err) = told(&exec(&["--work", &work, "--", "sh", "-c", script]));
    assert_eq!(code, Some(0), "{err}");
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).ok();
    assert_eq!(read("x/y/z").as_deref(), Some("2\n"));
    assert_eq!(read("in/a.txt").as_deref(), Some("3\n"));
    assert_eq!(read("empty").as_deref(), Some(""));
    for name in ["link", "again", "in/b.txt"] {
        assert_eq!(read(name), None, "{name}");
        assert!(err.contains(&format!("{name:?} is not copied back")), "{err}");
    }
}

#[test]
fn an_input_that_is_no_plain_file_is_refused_before_anything_runs() {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", directory.path().join("link")).unwrap();
    let work = directory.path().to_string_lossy();
    let (code, out, err) = told(&exec(&["--work", &work, "--", "echo", "ran"]));
    assert_eq!((code, out.as_str()), (Some(125), ""));
    assert!(err.contains("link") && err.contains("symbolic link"), "{err}");
}

#[test]
fn a_path_of_the_machine_can_be_read_and_executed_and_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("tool");
    fs::write(&program, "#!/bin/sh\necho works\necho x > \"$0.new\"\n").unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let outer: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(directory.path(), outer).unwrap();
    let path = directory.path().to_string_lossy();
    let (code, out, err) = told(&exec(&["--ro", &path, "--", &program.to_string_lossy()]));
    assert_eq!((code, out.as_str()), (Some(2), "works\n"));
    assert!(err.contains("Read-only file system"), "{err}");
}

#[test]
fn time_and_output_are_bounded() {
    let (code, _, err) = told(&exec(&["--limit", "wall_s=1", "--", "sleep", "1000"]));
    assert_eq!(code, Some(124));
    assert!(err.contains("wall_s"), "{err}");
    let (code, out, err) = told(&exec(&["--limit", "output_kb=64", "--", "yes"]));
    assert_eq!((code, out.len()), (Some(124), 64 * 1024));
    assert!(err.contains("output_kb"), "{err}");
}

/// Whether this machine lets its user bound a tree as a whole.
fn has_cgroup() -> bool {
    let output = Agent::new().call(&["sandbox", "explain", "--json"]);
    let policy: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    policy["control"].get("cgroup").is_some()
}

#[test]
fn memory_is_bounded() {
    let private = "x = b'x' * (300 << 20); print('no')";
    let shared =
        "import mmap; m = mmap.mmap(-1, 300 << 20); m.write(b'x' * (300 << 20)); print('no')";
    let file = "open('/dev/shm/x', 'wb').write(b'x' * (200 << 20)); print('no')";
    let run = |program| {
        let limits = ["--limit", "memory_mb=100", "--limit", "file_mb=300"];
        told(&exec(&[&limits[..], &["--", "python3", "-c", program]].concat()))
    };
    if has_cgroup() {
        for program in [private, shared, file] {
            let (code, out, err) = run(program);
            assert_eq!((code, out.as_str()), (Some(128 + 9), ""), "{program}");
            assert!(err.contains("memory_mb"), "{err}");
        }
    } else {
        // What one process may hold for itself is all that can be bounded then.
        let (code, out, err) = run(private);
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.contains("MemoryError"), "{err}");
    }
}

#[test]
fn processes_and_files_are_bounded() {
    let forks = "import os, time\ntry:\n  for n in range(200):\n    if os.fork() == 0: time.sleep(9)\n\
                 except OSError as e: print(e.errno)";
    let (code, out, _) = told(&exec(&["--limit", "processes=20", "--", "python3", "-c", forks]));
    assert_eq!((code, out.as_str()), (Some(0), "11\n"));
    for (directory, errno) in [("/work", 28), ("/tmp", 28), ("/dev/shm", 28)] {
        let fill = format!(
            "try:\n  for n in range(1 << 20): open('{directory}/%d' % n, 'w').close()\n\
             except OSError as e: print(e.errno)"
        );
        let (_, out, _) = told(&exec(&["--", "python3", "-c", &fill]));
        assert_eq!(out, format!("{errno}\n"), "{directory}");
    }
}

#[test]
fn work_and_temporary_files_cannot_be_executed() {
    for directory in ["/work", "/tmp", "/dev/shm"] {
        let script =
            format!("cp /usr/bin/true {directory}/t && chmod +x {directory}/t && {directory}/t");
        let (code, _, err) = told(&exec(&["--", "sh", "-c", &script]));
        assert_eq!(code, Some(126), "{directory}: {err}");
    }
}

#[test]
fn time_is_bounded_while_nobody_reads_the_output() {
    let agent = Agent::new();
    let words =
        ["sandbox", "exec", "--limit", "wall_s=1", "--limit", "output_kb=10240", "--", "yes"];
    let mut command = agent.command(&words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // The pipe stays open and unread: only the limit can end this.
    let _unread = child.stdout.take().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(124));
}

#[test]
fn what_is_something_else_here_is_named_and_the_rest_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("d")).unwrap();
    fs::write(directory.path().join("f"), "old").unwrap();
    let script = "rmdir d; echo x > d; rm f; mkdir f; echo y > f/g; echo z > later";
    let work = directory.path().to_string_lossy();
    let (code, _, err) = told(&exec(&["--work", &work, "--", "sh", "-c", script]));
    assert_eq!(code, Some(0), "{err}");
    for name in ["d", "f/g"] {
        assert!(err.contains(&format!("{name:?} is not copied back")), "{err}");
    }
    assert!(directory.path().join("d").is_dir());
    assert_eq!(fs::read_to_string(directory.path().join("f")).unwrap(), "old");
    assert_eq!(fs::read_to_string(directory.path().join("later")).unwrap(), "z\n");
}
