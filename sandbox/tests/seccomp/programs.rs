//! Real programs under the real filters of the script's list: what everyday programs do works, and
//! what is refused has the errno that libraries can live with.

use std::process::{Command, Output, Stdio};

use karakuri_sandbox::seccomp::{self, List, SCRIPT};
use serde_json::json;

use crate::ask::hex;
use crate::rules::number_of;

/// Runs a program under both filters of `list`, in an empty directory of its own.
fn under(list: &List, program: &[&str]) -> Output {
    use std::io::Write;
    let arch = std::env::consts::ARCH;
    let rules = list.rules_for(arch).unwrap();
    let map = seccomp::compile(&rules, arch.try_into().unwrap()).unwrap();
    let filters: Vec<String> = list.filters().iter().map(|name| hex(&map[*name])).collect();
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new("/usr/bin/python3")
        .arg(format!("{}/tests/seccomp/under.py", env!("CARGO_MANIFEST_DIR")))
        .args(program)
        .current_dir(&directory)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TMPDIR", directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let question = json!({"seccomp": number_of("seccomp"), "filters": filters});
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Stdout of a program that must succeed without a word on stderr.
fn says(program: &[&str]) -> String {
    let output = under(&SCRIPT, program);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{}: {stderr}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn python(program: &str) -> String {
    says(&["/usr/bin/python3", "-c", program])
}

#[test]
fn what_is_refused_is_refused_with_the_errno_libraries_expect() {
    let found = python(
        r#"
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)

def attempt(what):
    try:
        what()
        return "ok"
    except OSError as e:
        return errno.errorcode[e.errno]

def by_number(number):
    if libc.syscall(number, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "")

print(attempt(lambda: socket.socket(socket.AF_INET)), attempt(lambda: socket.socket(socket.AF_UNIX)),
      attempt(lambda: os.mkfifo("fifo")), attempt(lambda: os.chmod(".", 0o2700)),
      attempt(lambda: os.open("new", os.O_CREAT | os.O_WRONLY, 0o4755)),
      attempt(lambda: os.memfd_create("x")), attempt(lambda: by_number(435)),
      attempt(lambda: os.close(os.open("new", os.O_CREAT | os.O_WRONLY, 0o755))),
      attempt(lambda: os.chmod("new", 0o700)))
"#,
    );
    assert_eq!(found, "EPERM EPERM EPERM EPERM EPERM ENOSYS ENOSYS ok ok\n");
}

#[test]
fn python_has_processes_threads_locks_and_pipes() {
    let program = r#"
import asyncio, concurrent.futures, multiprocessing, subprocess, sys, threading

def square(n):
    return n * n

def put(queue, lock):
    with lock:
        queue.put("from a process")

async def echo():
    process = await asyncio.create_subprocess_exec("echo", "asyncio", stdout=asyncio.subprocess.PIPE)
    return (await process.communicate())[0].decode().strip()

if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(pool.map(square, [1, 2, 3]))
    queue, lock = multiprocessing.Queue(), multiprocessing.Lock()
    process = multiprocessing.Process(target=put, args=(queue, lock))
    process.start()
    print(queue.get())
    process.join()
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        print(sum(threads.map(square, range(10))))
    print(asyncio.run(echo()))
    print(subprocess.run(["sh", "-c", "exit 7"]).returncode)
"#;
    assert_eq!(python(program), "[1, 4, 9]\nfrom a process\n285\nasyncio\n7\n");
}

#[test]
fn python_has_files_timers_events_and_a_database() {
    let program = r#"
import mmap, os, select, shutil, signal, socket, sqlite3, tempfile, time

database = sqlite3.connect("ledger.db")
database.execute("pragma journal_mode=wal")
database.execute("create table t (n integer)")
database.executemany("insert into t values (?)", [(1,), (2,)])
database.commit()
print(database.execute("select sum(n) from t").fetchone()[0])

rang = []
signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.pause()
print(rang)

left, right = socket.socketpair()
poll = select.epoll()
poll.register(right, select.EPOLLIN)
left.sendall(b"event")
print(poll.poll(10)[0][1] == select.EPOLLIN, right.recv(16))

with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "a")
    with open(path, "wb") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:1] = b"y"
    shutil.copy2(path, path + ".copy")
    os.symlink("a", path + ".link")
    os.rename(path + ".copy", path + ".moved")
    print(sorted(os.listdir(directory)), os.stat(path).st_size)
print(time.sleep(0), len(os.urandom(8)), os.sched_getaffinity(0) != set())
"#;
    let expected = "3\n[1]\nTrue b'event'\n['a', 'a.link', 'a.moved'] 4096\nNone 8 True\n";
    assert_eq!(python(program), expected);
}

#[test]
fn bash_has_pipes_substitutions_and_jobs() {
    let script = r#"
set -eu
cat <(echo substituted)
echo pipe | tr a-z A-Z
sleep 0 & wait $!
cat <<< "here"
printf x > file; cp -p file copy; mv copy moved; ln -s file link; ls
trap 'echo trapped' USR1; kill -USR1 $$
ulimit -n >/dev/null; nproc >/dev/null; date >/dev/null
"#;
    let expected = "substituted\nPIPE\nhere\nfile\nlink\nmoved\ntrapped\n";
    assert_eq!(says(&["/bin/bash", "-c", script]), expected);
}
