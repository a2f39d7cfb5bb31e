//! Targets by role in a run: the applications' accessibility trees reach karakuri-desktop through its
//! walls, and nothing else does.

use std::os::unix::fs::PermissionsExt;

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Ordinary, Workflow};
use serde_json::{Value, json};

const SCRIPT: &str = "
from karakuri import desktop as d, run
d.launch('mousepad')
menu = d.wait_for(d.role('menu_item', 'File'))
d.click(menu)
entry = d.wait_for(d.role('menu_item', 'Quit').inside(d.role('window', 'Mousepad', 'contains')))
run.output('result', [menu.via, entry.via, d.exists(d.role('button', 'Launch'))])
";

#[test]
fn an_application_says_what_it_shows() {
    let workflow = Workflow::new(SCRIPT);
    let finished = Agent::new().run(workflow.path(), &[]);
    finished.ended(Exit::Success);
    assert_eq!(finished.outcome["outcome"]["outputs"]["result"], json!(["role", "role", false]));
}

#[test]
fn it_does_so_for_an_ordinary_user_too() {
    let workflow = Workflow::new(SCRIPT);
    let user = Ordinary::new().unwrap();
    let readable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(workflow.path(), readable).unwrap();
    let path = workflow.path().to_string_lossy();
    let output = user.command(&["run", "--json", &path]).output().unwrap();
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        outcome["outcome"]["outputs"]["result"],
        json!(["role", "role", false]),
        "{outcome}"
    );
}
