"""A page in Chromium, and where its layout put every word on it.

python3 page.py '{"seed": …}' prints {"area": …, "words": …} in pixels of the screen, and stays.
The page itself tells its words, over HTTP on the loopback interface.
"""

import html
import json
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer

from texts import Texts

SCREEN = json.loads(sys.argv[1])
TEXTS = Texts(SCREEN["seed"], SCREEN["language"])

# Boxes are of ranges of the page's own text, in physical pixels.
REPORT = """
async function report() {
  await document.fonts.ready;
  await new Promise(done => setTimeout(done, 1000));
  const words = [], scale = devicePixelRatio;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest('script')) continue;
    for (const found of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      const boxes = range.getClientRects();
      if (boxes.length != 1 || boxes[0].bottom > innerHeight || boxes[0].right > innerWidth) continue;
      const box = boxes[0];
      words.push([found[0], [box.left, box.top, box.width, box.height].map(n => Math.round(n * scale))]);
    }
  }
  const area = [0, 0, innerWidth * scale, innerHeight * scale].map(Math.round);
  await fetch('/', {method: 'POST', body: JSON.stringify({area, words})});
}
report();
"""


def page():
    family = "IPAPGothic" if SCREEN["language"] == "japanese" else SCREEN.get("font", "DejaVu Sans")
    colours = ("#202124", "#e8eaed", "#303134") if SCREEN.get("dark") else ("#fff", "#202124", "#e8f0fe")
    style = f"""
      body {{ font: {SCREEN.get('pixels', 14)}px '{family}'; background: {colours[0]}; color: {colours[1]};
              margin: 16px; }}
      td, th {{ padding: 4px 12px; border-bottom: 1px solid #8884; text-align: left; }}
      tr:nth-child(even) {{ background: {colours[2]}; }}
      .link {{ color: #1a73e8; text-decoration: underline; }}
      .button {{ display: inline-block; padding: 6px 14px; border-radius: 4px; background: #1a73e8;
                 color: #fff; margin: 4px; }}
      .off {{ opacity: .45; }}
      .code {{ font-family: 'DejaVu Sans Mono'; }}
    """
    text = html.escape
    rows = "".join(
        "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in TEXTS.rows(SCREEN.get("rows", 12))
    )
    heads = "".join(f"<th>{text(label)}</th>" for label in TEXTS.labels[:6])
    prose = "".join(f"<p>{text(sentence)}</p>" for sentence in TEXTS.sentences[:6])
    links = " &nbsp; ".join(f"<span class=link>{text(label)}</span>" for label in TEXTS.labels[6:14])
    buttons = "".join(
        f"<span class='button {'off' if n % 3 == 1 else ''}'>{text(b)}</span>" for n, b in enumerate(TEXTS.buttons[:6])
    )
    fields = "".join(f"<p><b>{text(l)}:</b> <span class=code>{text(v)}</span></p>" for l, v in zip(TEXTS.labels[14:], TEXTS.values))
    return (
        f"<!doctype html><meta charset=utf-8><style>{style}</style><h2>{text(TEXTS.labels[5])} "
        f"{text(TEXTS.values[3])}</h2><p>{links}</p>{prose}<table cellspacing=0><tr>{heads}</tr>{rows}</table>"
        f"<p>{buttons}</p>{fields}<script>{REPORT}</script>"
    )


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        body = page().encode() if self.path == "/" else b""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        truth = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        print(truth.decode(), flush=True)

    def log_message(self, *_):
        pass


def main():
    server = HTTPServer(("127.0.0.1", 0), Server)
    profile = tempfile.mkdtemp(dir=sys.argv[2])
    subprocess.Popen(
        [
            "chromium", "--kiosk", "--no-first-run", "--no-sandbox", "--disable-gpu",
            "--disable-component-update", "--disable-background-networking", "--test-type",
            f"--force-device-scale-factor={SCREEN.get('scale', 1)}", f"--user-data-dir={profile}",
            f"http://127.0.0.1:{server.server_port}/",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server.serve_forever()


main()
