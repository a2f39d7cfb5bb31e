//! `karakuri run --watch`: a person sees the run in a window on their own display, and takes over there.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Output, Stdio};

use karakuri_tests::person::{Desk, Shown, until};
use karakuri_tests::{Agent, Workflow};
use serde_json::Value;

const ORANGE: [u8; 3] = [0xff, 0x80, 0x00];
const BLUE: [u8; 3] = [0x00, 0x80, 0xff];
/// A pixel of the run's display that the terminal covers, far from its text.
const INSIDE: (i32, i32) = (420, 330);

/// A terminal that is orange until a line was typed, which it keeps. `act` acts once, `typed` is the line.
const TERMINAL: &str = r##"
import os
from karakuri import desktop as d, run
command = r"head -n 1 > /files/typed; printf '\033]11;#0080ff\007'; exec sleep 600"
font = ["-fa", "DejaVu Sans Mono", "-fs", "18"]
d.launch("xterm", font + ["-u8", "-geometry", "50x16+60+60", "-bg", "#ff8000", "-e", "sh", "-c", command])
d.wait_still(200)
n = 0
def act():
    global n
    n += 1
    d.hover(d.point(1000 + n % 50, 700))
def typed():
    with open("/files/typed", encoding="utf-8") as file:
        return file.read()
print("shown", flush=True)
"##;

/// Acts for ever.
const FOR_EVER: &str = "while True:\n    act()\n";

/// A run that goes on.
struct Run {
    agent: Agent,
    _workflow: Workflow,
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Run {
    fn start(desk: &Desk, script: &str) -> Self {
        let workflow = Workflow::new(&format!("{TERMINAL}{script}"));
        let agent = Agent::new();
        let path = workflow.path().to_string_lossy().into_owned();
        let mut command = agent.command(&["run", "--watch", "--verbose", "--json", &path]);
        command.env("DISPLAY", desk.name()).env_remove("XAUTHORITY");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { agent, _workflow: workflow, child, lines }
    }

    /// Waits for a line with `part` in it; the lines before.
    fn says(&mut self, part: &str) -> Vec<String> {
        let mut before = Vec::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            if line.contains(part) {
                return before;
            }
            before.push(line);
        }
        panic!("{part:?} was not said after {before:#?}");
    }

    fn word(&self, word: &str) {
        let output = self.agent.call(&[word]);
        assert!(output.status.success(), "{output:?}");
    }

    /// Waits for its end.
    fn end(mut self) -> (Agent, Output) {
        for line in self.lines.by_ref() {
            drop(line);
        }
        (self.agent, self.child.wait_with_output().unwrap())
    }

    fn stop(self) -> Agent {
        self.word("stop");
        let (agent, output) = self.end();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        agent
    }
}

/// Where the window shows a pixel of the run's display of 1280 × 800, below the bar of 36 pixels.
fn place(window: &Shown<'_>, (x, y): (i32, i32)) -> (i16, i16) {
    let (width, height) = (i32::from(window.size.0), i32::from(window.size.1) - 36);
    let wide = width.min(height * 1280 / 800);
    let (left, top) = ((width - wide) / 2, 36 + (height - wide * 800 / 1280) / 2);
    let scaled = [left + x * wide / 1280, top + y * wide / 1280];
    let [x, y] = scaled.map(|place| i16::try_from(place).unwrap());
    (x, y)
}

/// The middle of the button.
fn button(window: &Shown<'_>) -> (i16, i16) {
    (i16::try_from(window.size.0).unwrap() - 50, 18)
}

/// The records of an agent's one run: name and data.
fn records(agent: &Agent) -> Vec<(String, Value)> {
    let verified = agent.call(&["audit", "verify"]);
    assert!(verified.status.success(), "{verified:?}");
    let log = std::fs::read_to_string(agent.state().join("audit/audit.jsonl")).unwrap();
    let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.map(|r| (r["event"].as_str().unwrap().to_owned(), r["data"].clone())).collect()
}

#[test]
fn the_window_shows_the_run_lets_nothing_pass_and_closes_with_it() {
    // Smaller than the run's display, so the picture is scaled.
    let desk = Desk::new("900x700", "us");
    let rest =
        "act()\nd.type_text('script\\n')\nd.wait_still(200)\nprint('typed', typed(), flush=True)\n";
    let mut run = Run::start(&desk, &format!("{rest}{FOR_EVER}"));
    let window = desk.window("test: running");
    run.says("shown");
    run.word("pause");
    window.is_called("test: paused");
    let window = desk.window("test: paused");
    assert!(window.size.0 <= 900 && window.size.1 <= 700, "{:?}", window.size);
    window.turns(place(&window, INSIDE), ORANGE);
    // Beside the terminal, in its corner, just inside the corner.
    assert_ne!(window.pixel(place(&window, (900, 600))), Some(ORANGE));

    window.click(place(&window, INSIDE));
    desk.xdotool(&["type", "intruder"]);
    desk.xdotool(&["key", "Return"]);
    run.word("resume");
    window.is_called("test: running");
    run.says("typed script");
    window.turns(place(&window, INSIDE), BLUE);
    let agent = run.stop();
    desk.is_empty();
    let records = records(&agent);
    assert!(records.iter().all(|(name, _)| !name.starts_with("takeover")), "{records:?}");
}

#[test]
fn who_takes_over_acts_exactly_is_recorded_and_hands_back() {
    // On this layout digits need Shift, @ and € AltGr; é and ç have keys, ê has a dead key before it.
    const LINE: &str = "été ça va à 42 € @ Ab!";
    let desk = Desk::new("1000x720", "fr");
    let rest = "while not os.path.exists('/files/typed') or not typed():\n    act()\n\
                run.output('result', typed())\n";
    let mut run = Run::start(&desk, rest);
    run.says("shown");
    run.says("hover");
    let window = desk.window("test: running");
    window.turns(place(&window, INSIDE), ORANGE);
    window.click(button(&window));
    run.says("a person has taken over");
    window.is_called("test: taken over");
    window.click(place(&window, INSIDE));
    desk.xdotool(&["type", LINE]);
    desk.xdotool(&["key", "dead_circumflex", "e", "Return"]);
    window.turns(place(&window, INSIDE), BLUE);
    window.click(button(&window));
    let during = run.says("resumed");
    assert!(during.iter().all(|line| !line.contains("hover")), "{during:#?}");
    let (agent, output) = run.end();
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    let typed = outcome["outcome"]["outputs"]["result"].as_str().unwrap_or_default();
    assert_eq!(typed, format!("{LINE}ê\n"), "{outcome:#}");
    desk.is_empty();
    check_records(&agent, LINE);
    let report = std::fs::read_to_string(outcome["report"].as_str().unwrap()).unwrap();
    let count = format!("handed back (clicks: 1, keys: {})", LINE.chars().count() + 2);
    for part in ["took over", "the person pressed Left at", &count] {
        assert!(report.contains(part), "{part}");
    }
}

#[test]
fn a_person_acts_while_the_script_waits_for_what_they_do() {
    let desk = Desk::new("900x700", "us");
    let rest =
        "d.wait_for('text:Schmetterling', timeout_ms=60000)\nrun.output('result', typed())\n";
    let mut run = Run::start(&desk, rest);
    run.says("shown");
    let window = desk.window("test: running");
    window.turns(place(&window, INSIDE), ORANGE);
    let log = run.agent.state().join("audit/audit.jsonl");
    until("the wait", || std::fs::read_to_string(&log).unwrap().contains("wait_for").then_some(()));
    window.click(button(&window));
    run.says("a person has taken over");
    window.click(place(&window, INSIDE));
    desk.xdotool(&["type", "Schmetterling\n"]);
    window.turns(place(&window, INSIDE), BLUE);
    // Whatever the wait has seen: the script goes on when the person lets it.
    window.is_called("test: taken over");
    window.click(button(&window));
    run.says("resumed");
    let (_agent, output) = run.end();
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["outcome"]["outputs"]["result"], "Schmetterling\n", "{outcome:#}");
}

/// The take-over is in the log, and nothing of what was typed.
fn check_records(agent: &Agent, line: &str) {
    let records = records(agent);
    let of = |name: &str| -> Vec<&Value> {
        records.iter().filter(|(event, _)| event == name).map(|(_, data)| data).collect()
    };
    let uid = rustix::process::getuid().as_raw();
    assert_eq!(of("takeover.began")[0]["uid"], uid);
    let [press] = of("takeover.pointer")[..] else { panic!("{records:?}") };
    assert_eq!(press["act"], serde_json::json!({ "press": "left" }));
    let at = [&press["at"][0], &press["at"][1]].map(|at| at.as_i64().unwrap());
    let near = |at: i64, to: i32| at.abs_diff(to.into()) <= 2;
    assert!(near(at[0], INSIDE.0) && near(at[1], INSIDE.1), "{press}");
    let keys: i64 = of("takeover.keys").iter().map(|data| data["count"].as_i64().unwrap()).sum();
    assert_eq!(of("takeover.ended"), [&serde_json::json!({ "clicks": 1, "keys": keys })]);
    let log = std::fs::read_to_string(agent.state().join("audit/audit.jsonl")).unwrap();
    for word in line.split(' ').filter(|word| word.len() > 3) {
        assert!(!log.contains(word), "{word}");
    }
}

#[test]
fn without_a_display_nothing_is_begun() {
    let workflow = Workflow::new(FOR_EVER);
    let path = workflow.path().to_string_lossy().into_owned();
    for display in [None, Some(":987")] {
        let agent = Agent::new();
        let mut command = agent.command(&["run", "--watch", &path]);
        match display {
            Some(name) => command.env("DISPLAY", name),
            None => command.env_remove("DISPLAY"),
        };
        let output = command.output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(12), "{message}");
        assert!(message.contains("--watch needs an X display"), "{message}");
        assert!(!agent.state().join("audit/audit.jsonl").exists(), "{message}");
    }
}

#[test]
fn closing_the_window_leaves_the_run_to_the_script_or_to_whoever_had_it() {
    let desk = Desk::new("900x700", "us");
    let mut run = Run::start(&desk, FOR_EVER);
    run.says("hover");
    desk.window("test: running").close();
    desk.is_empty();
    run.says("hover");
    run.says("hover");
    run.stop();

    let mut run = Run::start(&desk, FOR_EVER);
    run.says("hover");
    let window = desk.window("test: running");
    window.click(button(&window));
    window.is_called("test: taken over");
    window.close();
    run.says("paused; `karakuri resume`");
    run.word("resume");
    let during = run.says("resumed");
    assert!(during.iter().all(|line| !line.contains("hover")), "{during:#?}");
    run.says("hover");
    let names: Vec<String> = records(&run.stop()).into_iter().map(|(name, _)| name).collect();
    let order = ["takeover.began", "takeover.ended", "run.resumed", "run.finished"];
    let order = order.map(|name| names.iter().position(|event| event == name));
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
}
