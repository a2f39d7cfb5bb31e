//! Honest work goes on as outside: shells, Python with processes and threads, wheels with native
//! code, Node.js, static programs that manage their own threads and memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Workflow, repository};

/// Runs a command in the sandbox with `work` as its `/work`.
fn exec(work: &Path, arguments: &[&str]) -> Output {
    let work = work.to_string_lossy();
    Agent::new().call(&[&["sandbox", "exec", "--work", &work], arguments].concat())
}

/// A directory with one of the files of `tests/legitimate`.
fn with(name: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let source = repository().join("tests/legitimate").join(name);
    fs::copy(source, directory.path().join(name)).unwrap();
    directory
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:#?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_shell_script() {
    let work = with("shell.sh");
    let output = exec(work.path(), &["--", "bash", "shell.sh"]);
    assert_eq!(printed(&output), "z\n1\nhi\ntrapped\na/other\n2\n4\nx\n");
    assert_eq!(fs::read_to_string(work.path().join("sorted")).unwrap(), "x\n");
}

#[test]
fn a_script_that_reads_its_input() {
    let script = "import sys\nfrom karakuri import run\nrun.output('result', sys.stdin.read())\n";
    let finished = Agent::new().run(Workflow::new(script).path(), &[]);
    assert_eq!(finished.ended(Exit::Success).result(), "");
}

#[test]
fn the_standard_library_of_python() {
    let work = with("work.py");
    let output = exec(work.path(), &["--", "python3", "work.py"]);
    let things =
        "threads\npool\nbetween processes\nexecutor\ndatabase\ntemporary\nprograms\nasyncio\n";
    assert_eq!(printed(&output), things);
}

#[test]
fn wheels_with_native_code() {
    let python = std::env::var("KARAKURI_TEST_PYTHON").expect("set by `make test`");
    let packages = Command::new(python)
        .args(["-c", "import sysconfig; print(sysconfig.get_path('platlib'))"])
        .output()
        .unwrap();
    let packages = printed(&packages).trim().to_owned();
    let program = "import wrapt, cryptography.hazmat.primitives.ciphers.aead as aead, pandas\n\
                   print(len(aead.AESGCM(bytes(32)).encrypt(bytes(12), b'x', None)))\n\
                   table = pandas.DataFrame({'article': ['bolt', 'nut', 'bolt'], 'count': [1, 2, 3]})\n\
                   table.to_csv('/work/table.csv', index=False)\n\
                   print(pandas.read_csv('/work/table.csv').groupby('article')['count'].sum().to_dict())";
    let path = format!("PYTHONPATH={packages}");
    let arguments = ["--ro", &packages, "--env", &path, "--", "python3", "-c", program];
    let found = printed(&exec(tempfile::tempdir().unwrap().path(), &arguments));
    assert_eq!(found, "17\n{'bolt': 4, 'nut': 2}\n");
}

#[test]
fn node() {
    let work = with("work.js");
    let output = exec(work.path(), &["--", "node", "work.js"]);
    let things = "files text\nprograms ok\ncryptography 2d711642\ncompression ok\nwasm 7\n\
                  threads ok\ntimers ok\n";
    assert_eq!(printed(&output), things);
}

#[test]
fn a_static_program_with_a_runtime_of_its_own() {
    let directory = with("runtime.c");
    let program = directory.path().join("runtime");
    let built = Command::new("gcc")
        .args(["-O2", "-static", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([&program, &directory.path().join("runtime.c")])
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:#?}");
    let program = program.to_string_lossy();
    let work = tempfile::tempdir().unwrap();
    let output = exec(work.path(), &["--ro", &program, "--", &program]);
    assert_eq!(printed(&output), "8 threads\n");
}
