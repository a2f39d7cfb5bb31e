//! Applications that bring a sandbox of their own: Chromium's is put up within ours, is not left off,
//! and what it needs opens nothing else, neither to such an application nor to those beside it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Finished, Ordinary, Outside, Workflow};
use rustix::process::{Pid, Signal};
use serde::Deserialize;

const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>Ledger</title>
<body style="background: white; font: 40px sans-serif">
<p>Invoice 4711 is open</p>
<button style="font: 40px sans-serif; padding: 20px 60px"
  onclick="document.querySelector('p').textContent = 'Payment was booked'">Settle</button>
"#;

/// Works with the page, then waits until the browser is ended from outside.
const BROWSE: &str = r#"
from karakuri import desktop as d, run
page = ["--no-first-run", "--start-maximized", "/files/page.html"]
refused = []
for switch in ["--no-sandbox", "--disable-namespace-sandbox", "--disable-seccomp-filter-sandbox"]:
    try:
        d.launch("chromium", [switch, *page])
    except Exception as e:
        refused.append(str(e))
d.launch("chromium", page)
before = d.wait_for('text:"Invoice 4711 is open"').text
d.click('text:"Settle"')
after = d.wait_for('text:"Payment was booked"').text
run.log("ready")
d.wait_gone('text:"Payment was booked"', timeout_ms=60000)
run.output("result", {"before": before, "after": after, "refused": refused})
"#;

const PERMISSIONS: &str = r#"apps = ["xterm", "mousepad"]"#;

fn browser(permissions: &str, script: &str) -> Workflow {
    let page = "files = \"write\"\n[inputs.page]\ntype = \"file\"\ndefault = \"page.html\"";
    let workflow = Workflow::new(script);
    let manifest = fs::read_to_string(workflow.path().join("workflow.toml")).unwrap();
    let manifest = manifest.replace(PERMISSIONS, permissions).replace("files = \"write\"", page);
    workflow.file("workflow.toml", &manifest).file("page.html", PAGE);
    workflow
}

#[test]
fn chromium_works_in_its_own_sandbox() {
    let agent = Agent::new();
    browses(|arguments| agent.command(arguments));
}

/// As root the programs run a second time as somebody without privilege: a user namespace within one.
#[test]
fn chromium_works_for_an_ordinary_user() {
    let user = Ordinary::new().unwrap();
    browses(|arguments| user.command(arguments));
}

fn browses(karakuri: impl Fn(&[&str]) -> Command) {
    let permissions = "apps = [\"chromium\"]\nnested_sandbox = [\"chromium\"]";
    let workflow = browser(permissions, BROWSE);
    let path = workflow.path().to_string_lossy().into_owned();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(workflow.path(), open).unwrap();
    let mut command = karakuri(&["run", "--json", "--verbose", &path]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut said = Vec::new();
    let ready = lines.by_ref().inspect(|l| said.push(l.clone())).any(|l| l.contains("ready"));
    if ready {
        let browser = confined_renderers(child.id());
        rustix::process::kill_process(browser, Signal::KILL).unwrap();
    }
    said.extend(lines);
    let finished = Finished::of(&child.wait_with_output().unwrap());
    assert_eq!(finished.code, 0, "{said:#?} {finished:#?}");
    let result = finished.result();
    assert_eq!(result["before"], "Invoice 4711 is open");
    assert_eq!(result["after"], "Payment was booked");
    let refused = result["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 3, "{refused:?}");
    for refusal in refused {
        let refusal = refusal.as_str().unwrap();
        assert!(refusal.contains("sandbox is never weakened"), "{refusal}");
    }
}

/// A process as the machine sees it.
#[derive(Debug)]
struct Process {
    pid: i32,
    parent: i32,
    command: String,
    status: BTreeMap<String, String>,
}

impl Process {
    fn read(directory: &Path) -> Option<Self> {
        let text = fs::read_to_string(directory.join("status")).ok()?;
        let fields = text.lines().filter_map(|line| line.split_once(":\t"));
        let status: BTreeMap<String, String> =
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let command = fs::read_to_string(directory.join("cmdline")).ok()?;
        let pid = directory.file_name()?.to_str()?.parse().ok()?;
        Some(Self { pid, parent: status["PPid"].parse().ok()?, command, status })
    }

    fn number(&self, field: &str) -> u32 {
        self.status[field].parse().unwrap()
    }

    /// How many pid namespaces it is in.
    fn depth(&self) -> usize {
        self.status["NSpid"].split_whitespace().count()
    }

    fn link(&self, name: &str) -> String {
        let target = fs::read_link(format!("/proc/{}/{name}", self.pid)).unwrap();
        target.to_string_lossy().into_owned()
    }
}

/// All processes below `ancestor`.
fn below(ancestor: u32) -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let all: Vec<Process> = entries.filter_map(|entry| Process::read(&entry.path())).collect();
    let parents: BTreeMap<i32, i32> = all.iter().map(|p| (p.pid, p.parent)).collect();
    let ancestor = i32::try_from(ancestor).unwrap();
    let descends = |process: &Process| {
        let line = std::iter::successors(Some(process.pid), |pid| parents.get(pid).copied());
        line.take(64).any(|pid| pid == ancestor)
    };
    all.into_iter().filter(descends).collect()
}

/// Checks that every process that renders pages is in a sandbox within that of the browser, and finds
/// the browser.
fn confined_renderers(ancestor: u32) -> Pid {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let processes = below(ancestor);
        let of_chromium = |p: &&Process| p.command.starts_with("/usr/lib/chromium/chromium");
        let mut browsers =
            processes.iter().filter(of_chromium).filter(|p| !p.command.contains("--type="));
        let browser = browsers.next().unwrap_or_else(|| panic!("no browser: {processes:#?}"));
        assert!(browsers.next().is_none() && !browser.command.contains("no-sandbox"));
        let renderers: Vec<&Process> =
            processes.iter().filter(|p| p.command.contains("--type=renderer")).collect();
        let filters = browser.number("Seccomp_filters");
        // One that is kept ready for the next page may just be starting.
        let started = |p: &&Process| p.number("Seccomp_filters") > filters;
        if renderers.is_empty() || !renderers.iter().all(started) {
            assert!(Instant::now() < deadline, "not confined: {renderers:#?}");
            continue;
        }
        for renderer in renderers {
            assert_eq!(renderer.status["Seccomp"], "2");
            assert_eq!(renderer.status["CapEff"], "0000000000000000");
            assert!(renderer.depth() > browser.depth(), "{renderer:#?}");
            // Only root may look at the namespaces of what cannot be traced.
            if rustix::process::geteuid().is_root() {
                for kind in ["ns/user", "ns/pid", "ns/net"] {
                    assert_ne!(renderer.link(kind), browser.link(kind), "{kind}");
                }
                assert!(renderer.link("root").ends_with("/fdinfo"), "{}", renderer.link("root"));
            }
        }
        return Pid::from_raw(browser.pid).unwrap();
    }
}

#[test]
fn without_the_flag_chromium_fails_and_the_flag_is_named() {
    let script = "from karakuri import desktop as d\nd.launch('chromium', ['/files/page.html'])";
    let workflow = browser("apps = [\"chromium\"]", script);
    let finished = Agent::new().run(workflow.path(), &[]);
    finished.ended(Exit::DesktopFailed);
    let message = finished.message();
    assert!(message.contains("chromium ended with exit code"), "{message}");
    assert!(message.contains("permissions.nested_sandbox in workflow.toml"), "{message}");
}

/// What an application of each kind found.
#[derive(Debug, Deserialize)]
struct Found {
    plain: BTreeMap<String, String>,
    within: BTreeMap<String, String>,
    sees: BTreeSet<i32>,
}

/// Runs the probes in two terminals of one display; `uxterm` is never listed.
fn probed(machine: &Outside, permissions: &str) -> BTreeMap<String, Found> {
    let script = r#"
from karakuri import desktop as d, run
import glob, json, os, shutil, time
for path in glob.glob("/bundle/*.py") + ["/bundle/outside.json"]:
    shutil.copy(path, "/files")
found = {}
for app in ("xterm", "uxterm"):
    probe = f"python3 /files/nested.py /files/{app}.json; sleep 1000"
    d.launch(app, ["-e", "sh", "-c", probe])
    while not os.path.exists(f"/files/{app}.json"):
        time.sleep(0.05)
    found[app] = json.load(open(f"/files/{app}.json"))
run.output("result", found)
"#;
    let workflow = Workflow::new(script)
        .manifest(PERMISSIONS, &format!("apps = [\"xterm\", \"uxterm\"]\n{permissions}"));
    machine.equip(workflow.path()).unwrap();
    let finished = Agent::new().run(workflow.path(), &[]);
    finished.ended(Exit::Success);
    assert_eq!(machine.reached().unwrap(), Vec::<&str>::new());
    serde_json::from_value(finished.result().clone()).unwrap()
}

/// What the flag opens to an application, by the names of the probes.
const OPENED: &[(&str, &str)] = &[
    ("a sandbox of its own", "ok"),
    ("capset", "EFAULT"),
    ("clone user", "ok"),
    ("kill the first process", "EPERM"),
    ("landlock_add_rule", "EBADF"),
    ("landlock_create_ruleset", "ok"),
    ("landlock_restrict_self", "EBADF"),
    ("prctl seccomp filter", "EFAULT"),
    ("seccomp", "EINVAL"),
    ("unshare user", "ok"),
    // Landlock allows writing in /proc as a whole; of these the kernel lets everybody write his own.
    ("write /proc/self/attr/current", "ok"),
    ("write /proc/self/autogroup", "ok"),
    ("write /proc/self/clear_refs", "ok"),
    ("write /proc/self/comm", "ok"),
    ("write /proc/self/coredump_filter", "ok"),
    ("write /proc/self/mem", "ok"),
    ("write /proc/self/oom_adj", "ok"),
    ("write /proc/self/sched", "ok"),
    ("write /proc/self/timerslack_ns", "ok"),
    ("write /proc/self/uid_map", "ok"),
];

/// What else its own user namespace gives it: more namespaces of the two kinds, an empty directory,
/// and other reasons why it has no other ids.
const OPENED_WITHIN: &[(&str, &str)] = &[
    ("chroot", "ok"),
    ("clone net", "ok"),
    ("clone pid", "ok"),
    ("give a file away", "EINVAL"),
    ("setgid", "EINVAL"),
    ("setregid", "EINVAL"),
    ("setresgid", "EINVAL"),
    ("setresuid", "EINVAL"),
    ("setreuid", "EINVAL"),
    ("setuid", "EINVAL"),
    ("write /proc/self/setgroups", "ok"),
];

fn differences(
    from: &BTreeMap<String, String>,
    to: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let other = to.iter().filter(|(name, answer)| from.get(*name) != Some(*answer));
    other.map(|(name, answer)| (name.clone(), answer.clone())).collect()
}

fn owned(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, answer)| ((*name).to_owned(), (*answer).to_owned())).collect()
}

#[test]
fn the_flag_opens_what_it_is_for_to_the_application_that_has_it() {
    let machine = Outside::new().unwrap();
    let (without, with) = (probed(&machine, ""), probed(&machine, "nested_sandbox = [\"xterm\"]"));
    let (plain, nested, beside) = (&without["uxterm"], &with["xterm"], &with["uxterm"]);
    assert!(plain.plain.len() > 400, "{}", plain.plain.len());
    assert_eq!(differences(&plain.plain, &without["xterm"].plain), owned(&[]));
    // Its Landlock domain keeps a program's signals from the first process and from the others.
    let own_domain = ("kill the first process", "EPERM");
    assert_eq!(differences(&plain.plain, &beside.plain), owned(&[own_domain]));
    for refused in [plain, beside] {
        assert!(refused.within.values().all(|answer| answer == "EPERM"), "{refused:#?}");
    }
    assert_eq!(differences(&plain.plain, &nested.plain), owned(OPENED));
    // An ordinary user's run has one id alone already, and the other reasons with it.
    let mut within = owned(OPENED_WITHIN);
    within.retain(|(_, answer)| rustix::process::geteuid().is_root() || answer != "EINVAL");
    assert_eq!(differences(&nested.plain, &nested.within), within);
    // Where there is such an application each sees its own processes; elsewhere they see each other.
    let common = |found: &BTreeMap<String, Found>| {
        found["xterm"].sees.intersection(&found["uxterm"].sees).count()
    };
    assert!(common(&without) > 0);
    assert_eq!(common(&with), 0);
}
