//! A workflow wholly in Japanese: what is read, found, typed and told.

use std::fs;

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Workflow};
use serde_json::json;

const MANIFEST: &str = r#"
name = "juchu"
version = "1.0.0"
agent = ">=0.1"
entry = "main.py"
language = "japanese"
description = "注文書を読み、受注を登録する"

[permissions]
apps = ["python3"]
screen = true
input = true

[inputs.program]
type = "file"

[inputs.order]
type = "file"

[outputs.result]
type = "json"

[targets]
touroku = { find = { role = { role = "button", name = "登録" } } }
"#;

/// Shows an order as a picture of text, and a form beside it; what was entered goes to a file.
const PROGRAM: &str = r#"
import json, sys, gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
order = json.load(open(sys.argv[1]))
window = Gtk.Window(title="受注登録")
grid = Gtk.Grid(row_spacing=14, column_spacing=18, margin=24)
window.add(grid)
for row, (name, text) in enumerate(order.items()):
    grid.attach(Gtk.Label(label=f"{name}：{text}", xalign=0), 0, row, 1, 1)
entries = {}
for row, name in enumerate(["得意先", "品名", "数量", "合計金額"]):
    grid.attach(Gtk.Label(label=f"{name}欄", xalign=1), 1, row, 1, 1)
    entries[name] = Gtk.Entry(width_chars=24)
    grid.attach(entries[name], 2, row, 1, 1)
urgent = Gtk.CheckButton(label="至急扱い")
grid.attach(urgent, 2, 5, 1, 1)
button, told = Gtk.Button(label="登録"), Gtk.Label(label="未登録です")
grid.attach(button, 2, 6, 1, 1)
grid.attach(told, 0, 6, 2, 1)
def entered(_):
    values = {name: entry.get_text() for name, entry in entries.items()}
    json.dump({**values, "至急": urgent.get_active()}, open("/files/entered.json", "w"))
    told.set_text("受注番号８４０１を登録しました")
button.connect("clicked", entered)
window.show_all()
Gtk.main()
"#;

const SCRIPT: &str = r#"
import re
from karakuri import desktop as d, run

with run.step("注文書を開く"):
    d.launch("python3", [run.input("program"), run.input("order")])
    d.wait_for('text:"未登録です"')
with run.step("注文書を読む"):
    page = d.read_text()
    read = {}
    for name in ["得意先", "品名", "数量", "合計金額"]:
        read[name] = re.search(rf"{name}[：:]\s*(.+)", page).group(1).strip()
with run.step("受注を登録する"):
    for name, value in read.items():
        d.click(d.role("field").right_of(f"text:{name}欄"))
        d.type_text(value)
    d.click('text:"至急扱い"')
    d.click("alias:touroku")
    number = d.wait_for(d.text(r"受注番号\d+を登録しました", match="regex")).text
run.output("result", [read, number])
"#;

#[test]
fn an_order_is_read_and_entered() {
    for (customer, article, count, total) in [
        ("株式会社青葉製作所", "六角ボルト", "128", "54,320円"),
        ("東海電機工業", "冷却ファン", "37", "918,600円"),
    ] {
        let order = json!({
            "得意先": customer, "品名": article, "数量": count, "合計金額": total,
        });
        let workflow = Workflow::empty();
        workflow.file("workflow.toml", MANIFEST).file("main.py", SCRIPT);
        let files = tempfile::tempdir().unwrap();
        let (program, page) = (files.path().join("form.py"), files.path().join("order.json"));
        fs::write(&program, PROGRAM).unwrap();
        fs::write(&page, order.to_string()).unwrap();
        let inputs = [("program", program), ("order", page)];
        let inputs = inputs.map(|(name, path)| format!("{name}={}", path.display()));
        let agent = Agent::new();
        let finished = agent.run(workflow.path(), &[&inputs[0], &inputs[1]]);
        finished.ended(Exit::Success);
        let result = &finished.outcome["outcome"]["outputs"]["result"];
        assert_eq!(result[0], order);
        assert_eq!(result[1], "受注番号8401を登録しました");
        for word in ["注文書を読む", customer, "至急扱い"] {
            assert!(finished.report.contains(word), "{word}");
        }
    }
}
