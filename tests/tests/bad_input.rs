//! Each bad input ends the run with a clear error that names the place, its own exit code, and a
//! report.

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Finished, Workflow, programs};

fn run(workflow: &Workflow) -> Finished {
    Agent::new().run(workflow.path(), &[])
}

/// The message of the outcome contains `part`.
fn says(finished: &Finished, part: &str) {
    assert!(finished.message().contains(part), "{part:?} is not in {:?}", finished.message());
}

/// A script that writes raw bytes to the channel and waits for what comes.
fn raw(bytes: &str) -> Workflow {
    Workflow::new(&format!(
        "import socket\ns = socket.socket(fileno=3)\ns.sendall({bytes})\ns.recv(100)\n"
    ))
}

#[test]
fn a_missing_entry_file() {
    let workflow = Workflow::new("").manifest("main.py", "other.py");
    let finished = run(&workflow);
    finished.ended(Exit::MissingEntry);
    says(&finished, "other.py");
}

#[test]
fn an_unknown_manifest_key() {
    let workflow = Workflow::new("").manifest("screen = true", "scren = true");
    let finished = run(&workflow);
    finished.ended(Exit::InvalidWorkflow);
    says(&finished, "workflow.toml:");
    says(&finished, "scren");
}

#[test]
fn every_mistake_of_a_manifest_at_once() {
    let workflow = Workflow::new("")
        .manifest("version = \"1.0.0\"\nagent = \">=0.1\"", "version = \"one\"\ncolour = 1");
    let finished = run(&workflow);
    finished.ended(Exit::InvalidWorkflow);
    let message = finished.message();
    let told: Vec<&str> = message.lines().collect();
    let [missing, version, unknown] = told[..] else { panic!("{message}") };
    assert_eq!(missing, "workflow.toml:1:1: `agent` is missing");
    assert!(
        version.starts_with("workflow.toml:3:11: version = \"one\": must be three"),
        "{version}"
    );
    assert!(unknown.starts_with("workflow.toml:4:1: unknown key `colour`; known here: name, "));
}

#[test]
fn a_target_that_is_not_on_the_screen() {
    let script = "from karakuri import desktop as d\n\
                  d.click('text:\"Nowhere to be seen\"', timeout_ms=500)\n";
    let finished = run(&Workflow::new(script));
    finished.ended(Exit::NotFound);
    says(&finished, "Nowhere to be seen");
}

#[test]
fn a_script_that_throws() {
    let finished = run(&Workflow::new("x = 1\nraise ValueError('the ledger is closed')\n"));
    finished.ended(Exit::ScriptFailed);
    says(&finished, "the ledger is closed");
}

#[test]
fn a_script_that_hangs() {
    let workflow = Workflow::new("while True: pass\n").manifest("wall_s = 60", "wall_s = 2");
    let finished = run(&workflow);
    finished.ended(Exit::Timeout);
    says(&finished, "limits.wall_s = 2");
}

#[test]
fn a_script_that_uses_up_its_processor_time() {
    let workflow = Workflow::new("while True: pass\n").manifest("wall_s = 60", "cpu_s = 1");
    let finished = run(&workflow);
    finished.ended(Exit::Timeout);
    says(&finished, "limits.cpu_s");
}

#[test]
fn a_script_that_prints_a_gigabyte() {
    let finished = run(&Workflow::new("for _ in range(1 << 14): print('x' * (1 << 16))\n"));
    finished.ended(Exit::OutputLimit);
    says(&finished, "limits.output_kb");
}

#[test]
fn a_script_that_closes_its_channel() {
    let finished = run(&Workflow::new("import os, time\nos.close(3)\ntime.sleep(30)\n"));
    finished.ended(Exit::ChannelClosed);
    says(&finished, "fd 3");
}

#[test]
fn a_malformed_request() {
    let finished = run(&raw("b'\\0\\0\\0\\2{]'"));
    finished.ended(Exit::MalformedRequest);
    says(&finished, "malformed request");
}

#[test]
fn a_request_cut_short() {
    let script = "import socket\ns = socket.socket(fileno=3)\ns.sendall(b'\\0\\0\\1\\0{')\n\
                  s.close()\nimport time; time.sleep(30)\n";
    run(&Workflow::new(script)).ended(Exit::MalformedRequest);
}

#[test]
fn an_oversized_request() {
    let finished = run(&raw("b'\\x7f\\0\\0\\0'"));
    finished.ended(Exit::OversizedRequest);
    says(&finished, "2130706432");
}

#[test]
fn an_unknown_method() {
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"exec"}"#;
    let finished = run(&raw(&format!("bytes([0,0,0,{}]) + b'{request}'", request.len())));
    finished.ended(Exit::UnknownMethod);
    says(&finished, "exec");
}

#[test]
fn a_number_that_no_float_holds() {
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"output","params":{{"key":"result","value":1{}}}}}"#,
        "0".repeat(400)
    );
    let finished = run(&raw(&format!("({}).to_bytes(4, 'big') + b'{request}'", request.len())));
    finished.ended(Exit::MalformedRequest);
    says(&finished, "number out of range");
}

#[test]
fn an_output_that_cannot_be_sent_fails_its_call_and_not_the_run() {
    let script = "import karakuri\n\
                  from karakuri import _channel, run\n\
                  tree = 7\n\
                  for _ in range(126): tree = [tree]\n\
                  flat = tree\n\
                  for _ in range(93): flat = flat[0]\n\
                  said = []\n\
                  for send in (lambda: run.output('result', 10**400),\n\
                  \x20            lambda: run.output('result', tree),\n\
                  \x20            lambda: _channel.call('output', {'key': 'result', 'value': flat})):\n\
                  \x20   try: send()\n\
                  \x20   except karakuri.InvalidParams as error: said.append(error.message)\n\
                  run.output('result', said)\n";
    let finished = run(&Workflow::new(script));
    finished.ended(Exit::Success);
    let said = &finished.outcome["outcome"]["outputs"]["result"];
    for (number, parts) in [
        ["output 'result'", "-2**63 to 2**64-1"],
        ["output 'result'", "more than 32 deep"],
        ["outputs.result", "33 deep, at most 32"],
    ]
    .iter()
    .enumerate()
    {
        let said = said[number].as_str().unwrap_or_default();
        assert!(parts.iter().all(|part| said.contains(part)), "{parts:?} are not in {said:?}");
    }
}

#[test]
fn what_is_not_granted() {
    let script = "from karakuri import desktop as d\nd.launch('gnumeric')\n";
    let finished = run(&Workflow::new(script));
    finished.ended(Exit::Denied);
    says(&finished, "gnumeric");
}

#[test]
fn a_budget_that_is_used_up() {
    let script = "from karakuri import desktop as d\nfor _ in range(9): d.hover(d.point(5, 5))\n";
    let workflow = Workflow::new(script).manifest("wall_s = 60", "wall_s = 60\nactions = 3");
    let finished = run(&workflow);
    finished.ended(Exit::BudgetExceeded);
    says(&finished, "limits.actions");
}

#[test]
fn a_business_failure_and_an_application_failure() {
    let script = |kind: &str| {
        Workflow::new(&format!("from karakuri import run\nrun.{kind}('E42', 'no such customer')\n"))
    };
    let finished = run(&script("fail_business"));
    finished.ended(Exit::FailBusiness);
    says(&finished, "E42: no such customer");
    run(&script("fail_app")).ended(Exit::FailApp);
}

#[test]
fn a_missing_interpreter() {
    let workflow = Workflow::new("")
        .manifest("entry = \"main.py\"", "entry = \"main.py\"\ninterpreter = \"no-such-shell\"");
    let finished = run(&workflow);
    finished.ended(Exit::Sandbox);
    says(&finished, "no-such-shell");
}

#[test]
fn a_forbidden_system_call_for_another_architecture_kills() {
    // int 0x80 is the 32-bit entry; the filter answers another architecture with death.
    let script = "import ctypes, mmap\n\
                  try:\n  m = mmap.mmap(-1, 4096, prot=7)\n\
                  except PermissionError: raise SystemExit(3)\n\
                  m.write(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')\n\
                  a = ctypes.addressof(ctypes.c_char.from_buffer(m))\n\
                  ctypes.CFUNCTYPE(ctypes.c_int)(a)()\n";
    run(&Workflow::new(script)).ended(Exit::SandboxViolation);
}

#[test]
fn a_wrong_model_file() {
    let real =
        std::env::var("KARAKURI_ASSETS").expect("run `make test`, which sets KARAKURI_ASSETS");
    let assets = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&real).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), assets.path().join(entry.file_name())).unwrap();
        }
    }
    let model = assets.path().join("ppocrv6-tiny-rec.onnx");
    let mut bytes = std::fs::read(&model).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&model, bytes).unwrap();
    let workflow = Workflow::new("");
    let finished = Agent::new().with_assets(assets.path()).run(workflow.path(), &[]);
    finished.ended(Exit::WrongAsset);
    says(&finished, "ppocrv6-tiny-rec.onnx");
}

#[test]
fn a_directory_that_is_no_workflow() {
    let finished = Agent::new().run(Workflow::empty().path(), &[]);
    finished.ended(Exit::InvalidWorkflow);
    says(&finished, "workflow.toml");
}

#[test]
fn an_input_that_is_not_declared() {
    let finished = Agent::new().run(Workflow::new("").path(), &["colour=red"]);
    finished.ended(Exit::InvalidInput);
    says(&finished, "colour");
}

#[test]
fn a_symbolic_link_in_the_bundle() {
    let workflow = Workflow::new("");
    std::os::unix::fs::symlink("/etc/passwd", workflow.path().join("data.txt")).unwrap();
    let finished = run(&workflow);
    finished.ended(Exit::InvalidWorkflow);
    says(&finished, "data.txt");
}

#[test]
fn ctrl_c() {
    let agent = Agent::new();
    let workflow = Workflow::new("from karakuri import run\nrun.log('ready')\nwhile True: pass\n");
    let path = workflow.path().to_string_lossy().into_owned();
    let mut child = agent
        .command(&["run", "--json", "--verbose", &path])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().contains("ready")), "the script did not start");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["outcome"]["exit"], "interrupted");
    assert!(std::fs::exists(outcome["report"].as_str().unwrap()).unwrap());
}

#[test]
fn the_programs_behind_the_command_refuse_to_be_started_by_hand() {
    for (program, arguments, code) in [
        ("karakuri-monitor", &[][..], 2),
        ("karakuri-sandbox", &[][..], 126),
        ("karakuri-courier", &["--role", "upload", "--store", "/nonexistent/store"][..], 1),
    ] {
        let status = std::process::Command::new(programs().join(program)).args(arguments).output();
        assert_eq!(status.unwrap().status.code(), Some(code), "{program}");
    }
}

#[test]
fn a_wall_that_a_permission_would_open() {
    let workflow = Workflow::new("open('/files/new', 'w')\n")
        .manifest("files = \"write\"", "files = \"read\"");
    let finished = run(&workflow);
    finished.ended(Exit::ScriptFailed);
    says(&finished, "/files/new");
    says(&finished, "permissions.files = \"write\"");
}

#[test]
fn more_memory_than_allowed() {
    let workflow = Workflow::new("x = b'x' * (400 << 20)\n")
        .manifest("wall_s = 60", "wall_s = 60\nmemory_mb = 100");
    let finished = run(&workflow);
    assert!(matches!(finished.code, 37 | 22), "{finished:#?}");
    if finished.report.contains("a cgroup (version") {
        finished.ended(Exit::MemoryLimit);
    }
    says(&finished, "memory_mb");
}
