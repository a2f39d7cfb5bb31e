//! The recording of a run: exact where the screen was read, unreadable elsewhere, in segments of which
//! a crash loses the last at most.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use karakuri_protocol::apng::Segment;
use karakuri_protocol::job::Exit;
use karakuri_protocol::recording::{MAX_SEGMENT_BYTES, MAX_SEGMENT_MS};
use karakuri_seal::Identity;
use karakuri_tests::film::{Film, pictures};
use karakuri_tests::{Agent, Workflow};
use rustix::process::{Pid, Signal};

/// A terminal with letters that any reader can read, whose text cursor is hidden.
const TERMINAL: &str = r#"
import time
from karakuri import desktop as d
from karakuri import run
def terminal(command):
    show = ["-fa", "DejaVu Sans Mono", "-fs", "18", "-geometry", "60x16"]
    return d.launch("xterm", show + ["-e", "sh", "-c", r"printf '\033[?25l'; " + command])
"#;

fn ran(script: &str) -> (Agent, Film, String) {
    let workflow = Workflow::new(&format!("{TERMINAL}{script}"));
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[]);
    let result = finished.ended(Exit::Success).result().as_str().unwrap_or_default().to_owned();
    let film = Film::of_last(&agent);
    (agent, film, result)
}

#[test]
fn what_was_read_is_recorded_exactly() {
    let (_agent, film, shot) = ran("terminal('seq 100 115; echo Schmetterling; exec sleep 60')\n\
         d.wait_for('text:Schmetterling')\n\
         d.wait_still(300)\n\
         d.read_text()\n\
         run.output('result', d.screenshot('last'))\n");
    assert_eq!(film.last().differing(&film.kept(&shot)), 0);
}

#[test]
fn what_was_not_read_cannot_be_read() {
    let (_agent, film, shot) = ran("terminal('echo Harbour; echo; read answer; exec sleep 60')\n\
         d.wait_for('text:Harbour')\n\
         d.type_text('Lantern 4711\\n')\n\
         d.wait_still(300)\n\
         run.output('result', d.screenshot('last'))\n");
    let seen = film.kept(&shot).text();
    assert!(seen.contains("Harbour") && seen.contains("Lantern 4711"), "{seen}");
    for segment in film.segments() {
        for picture in pictures(segment) {
            let told = picture.text();
            assert!(!told.contains("Lan") && !told.contains("47"), "{told}");
        }
    }
    assert!(film.last().text().contains("Harbour"), "what was read is gone");
}

#[test]
fn a_screen_that_was_never_read_shows_nothing() {
    let (_agent, film, shot) =
        ran("terminal('for n in 1 2 3 4; do echo Lantern Harbour $n; done; exec sleep 60')\n\
         d.wait_still(1000)\n\
         run.output('result', d.screenshot('last'))\n");
    assert!(film.kept(&shot).text().contains("Lantern Harbour"));
    let told = film.last().text();
    assert!(!told.contains(char::is_alphanumeric), "{told}");
}

#[test]
fn a_screen_that_gets_another_size_is_recorded_as_it_is_then() {
    let smaller = "xrandr --newmode small 40 800 800 800 800 600 600 600 600 \
                   && xrandr --addmode screen small && xrandr --output screen --mode small \
                   && echo Lantern";
    let workflow = Workflow::new(&format!(
        "{TERMINAL}terminal('echo Harbour; read answer; {smaller}; exec sleep 60')\n\
         d.wait_for('text:Harbour')\n\
         d.read_text()\n\
         d.press('Return')\n\
         d.wait_for('text:Lantern')\n\
         d.wait_still(500)\n\
         d.read_text()\n\
         run.output('result', d.screenshot('last'))\n"
    ));
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[]);
    let shot = finished.ended(Exit::Success).result().as_str().unwrap();
    let film = Film::of_last(&agent);
    let screens: Vec<usize> = film.segments().iter().map(|path| pictures(path)[0].width).collect();
    let (before, after) = screens.split_at(screens.partition_point(|width| *width == 1280));
    assert!(!before.is_empty() && !after.is_empty(), "{screens:?}");
    assert!(after.iter().all(|width| *width == 800), "{screens:?}");
    assert_eq!(film.last().differing(&film.kept(shot)), 0);
    let report = &finished.report;
    assert!(report.contains("viewBox=\"0 0 1280 800\" role=\"img\""));
    let anew = report.matches("<rect class=\"frame").count();
    assert_eq!(anew, 1, "what was there before is not covered");
}

/// Draws all the time, for the given number of seconds.
fn busy(seconds: u32) -> String {
    format!(
        "terminal('while :; do date +%N; sleep 0.05; done')\n\
         run.log('drawing')\n\
         time.sleep({seconds})\n"
    )
}

#[test]
fn each_segment_is_bounded_and_can_be_played_alone() {
    let (_agent, film, _) = ran(&busy(11));
    assert!(film.segments().len() >= 3, "{film:#?}");
    let mut before = 0;
    for path in film.segments() {
        let file = fs::read(path).unwrap();
        let segment = Segment::parse(&file).unwrap();
        let length: u64 = segment.frames.iter().map(|frame| u64::from(frame.delay_ms)).sum();
        // No frame has a delay of nothing: that may make one a millisecond too long.
        assert!(length <= MAX_SEGMENT_MS + 1 && file.len() <= MAX_SEGMENT_BYTES + 1024);
        assert!(segment.start_ms + 1 >= before, "segments overlap: {film:#?}");
        before = segment.start_ms + length;
        assert!(segment.frames.len() <= 27, "more than five pictures a second");
        assert_eq!(pictures(path).len(), segment.frames.len());
    }
}

#[test]
fn a_killed_daemon_leaves_the_segments_before() {
    let workflow = Workflow::new(&format!("{TERMINAL}{}", busy(40)));
    let agent = Agent::new();
    let path = workflow.path().to_string_lossy().into_owned();
    let mut command: Command = agent.command(&["run", "--verbose", &path]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("drawing")));
    let segments = wait_for_sealed(&agent, &mut child, 3);
    let daemon = descendant(child.id(), "karakurid");
    rustix::process::kill_process(daemon, Signal::KILL).unwrap();
    child.wait().unwrap();
    let pem = fs::read_to_string(agent.state().join("keys/development.pem")).unwrap();
    let identity = [Identity::from_pkcs8_pem("karakuri", "development", &pem).unwrap()];
    let opened = tempfile::tempdir().unwrap();
    let mut kept = 0;
    for sealed in segments {
        let mut file = Vec::new();
        karakuri_seal::open(&identity, None, fs::File::open(sealed).unwrap(), &mut file).unwrap();
        // The picture of the launch is no segment.
        if file.starts_with(b"\x89PNG") {
            let path = opened.path().join("segment.apng");
            fs::write(&path, file).unwrap();
            assert!(pictures(&path).len() > 2);
            kept += 1;
        }
    }
    assert!(kept >= 2, "{kept} segments are left");
}

/// Waits until so many artifacts are in the spool.
fn wait_for_sealed(agent: &Agent, child: &mut Child, count: usize) -> Vec<PathBuf> {
    loop {
        let runs = fs::read_dir(agent.state().join("spool")).unwrap().flatten();
        let files = runs.flat_map(|run| fs::read_dir(run.path()).into_iter().flatten().flatten());
        let mut sealed: Vec<PathBuf> = files.map(|file| file.path()).collect();
        sealed.retain(|path| path.extension().is_some_and(|kind| kind == "esdk"));
        if sealed.len() >= count {
            return sealed;
        }
        assert!(child.try_wait().unwrap().is_none(), "the run is over");
        std::thread::yield_now();
    }
}

/// The descendant of a process that runs `program`.
fn descendant(pid: u32, program: &str) -> Pid {
    let (mut todo, mut found) = (vec![pid], None);
    while let Some(pid) = todo.pop() {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if name.trim() == program {
            found = Pid::from_raw(i32::try_from(pid).unwrap());
        }
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        todo.extend(children.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
    }
    found.unwrap()
}

#[test]
fn a_workflow_that_asks_for_none_leaves_none() {
    let script = format!("{TERMINAL}terminal('exec sleep 60')\nd.read_text()\n");
    let without = "entry = \"main.py\"\nrecording = false";
    let workflow = Workflow::new(&script).manifest("entry = \"main.py\"", without);
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[]);
    let report = &finished.ended(Exit::Success).report;
    assert_eq!(Film::of_last(&agent).segments(), Vec::<PathBuf>::new());
    assert!(!report.contains("id=\"recording\""));
    let out = agent.state().join("none.mp4");
    let told = export(&agent, &out, None);
    assert!(told.contains("has no recording"), "{told}");
    assert!(!out.exists());
}

#[test]
fn a_run_without_a_desktop_waits_for_no_recording() {
    let finished =
        Agent::new().run(Workflow::new("from karakuri import run\nrun.log('x')\n").path(), &[]);
    let finished = finished.ended(Exit::Success);
    assert!(!finished.stderr.contains("recording"), "{}", finished.stderr);
}

/// What `karakuri recording export` says when it fails; nothing when it does not.
fn export(agent: &Agent, out: &Path, path: Option<&str>) -> String {
    let mut command = agent.command(&["recording", "export", "last", &out.to_string_lossy()]);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), told.is_empty(), "{told}");
    told
}

#[test]
fn the_recording_becomes_a_video_and_the_report_plays_it() {
    let workflow = Workflow::new(&format!(
        "{TERMINAL}terminal('exec cat')\nd.type_text('Harbour')\nd.wait_for('text:Harbour')\n\
         d.click('text:Harbour')\ntime.sleep(2)\nd.read_text()\n"
    ));
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[]);
    let report = &finished.ended(Exit::Success).report;
    assert!(report.contains("id=\"recording\"") && report.contains("class=\"frame"));
    assert!(report.contains(">click</text>") && !report.contains("<script"));

    let directory = agent.state().join("videos/new");
    let out = directory.join("run.mp4");
    let told = export(&agent, &out, Some("/nowhere"));
    assert!(told.contains("apt-get install ffmpeg"), "{told}");
    assert!(!out.exists());
    assert_eq!(export(&agent, &out, None), "");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&out), mode(&directory)), (0o600, 0o700));
    assert!(export(&agent, &out, None).contains("exists"));
    assert!(export(&agent, &agent.state().join("run.txt"), None).contains("must end in .mp4"));

    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=codec_name:format=duration"])
        .args(["-of", "csv=p=0"])
        .arg(&out)
        .output()
        .unwrap();
    let probe = String::from_utf8(probe.stdout).unwrap();
    let (codec, duration) = probe.trim().split_once('\n').unwrap();
    assert_eq!(codec, "h264");
    let film = Film::of_last(&agent);
    let segment = |path: &PathBuf| Segment::parse(&fs::read(path).unwrap()).unwrap();
    let first = segment(&film.segments()[0]).start_ms;
    let last = segment(film.segments().last().unwrap());
    let last = last.timed().last().unwrap().0;
    let expected = (last - first) as f64 / 1000.0 + 1.0;
    let duration: f64 = duration.parse().unwrap();
    assert!((duration - expected).abs() <= 0.4, "{duration} s, not {expected} s");
}
