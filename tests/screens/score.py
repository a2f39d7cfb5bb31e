"""Reads every screen and scores what was read against what the toolkits say stands there.

/usr/bin/python3 score.py [--held-out | --tuned] [--only NAME] [--peer tesseract] [--rapidocr PYTHON]
    [--misses] [--keep DIR] DESKTOP ASSETS

Prints a table, or with --json an object per screen and reader. Recall: a word stands in a line at its
place. Precision: a word that was read is one that stands there. Click: the middle of the box that the
word is found by lies in the word, give or take 2 pixels.
"""

import argparse
import json
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

import readers
from scoring import by_target, by_words, on_screen, score
from screens import SCREENS
from stage import display, shown

def capture(picture, environment):
    """What the X server shows, as a file."""
    subprocess.run(["import", "-window", "root", str(picture)], env=environment, check=True)


def measure(screen, desktop, assets, peers=(), keep=None):
    """The scores of all readers of one screen; `peers` are names and functions of a picture."""
    size = "2560x1600" if screen.get("scale") == 2 else "1280x900"
    with tempfile.TemporaryDirectory() as directory, display(size) as environment, shown(screen, environment) as truth:
        area = truth["area"]
        words = [word for word in truth["words"] if on_screen(word[1], size)]
        picture = Path(keep or directory, f"{screen['name']}.png")
        with readers.door(desktop, assets, screen["language"], environment) as door:
            door.call("wait_still", still_ms=500)
            capture(picture, environment)
            lines, seconds = door.read()
            ours = score(lines, words, area, by_target(door))
            scores = {"karakuri": {**ours, "seconds": seconds, "memory": door.memory()}}
        if keep:
            picture.with_suffix(".json").write_text(json.dumps({**truth, "lines": lines}, ensure_ascii=False))
        for name, read in peers:
            answer = read(picture, screen["language"])
            if answer:
                scores[name] = {**score(answer[0], words, area, by_words(answer[0])), "seconds": answer[1]}
    return scores


def chosen(options):
    """The peers that were asked for."""
    if "tesseract" in options.peer:
        yield "tesseract", readers.tesseract
    if options.rapidocr:
        yield "rapidocr", lambda picture, _: readers.rapidocr(options.rapidocr, picture)


def show(title, scores):
    total = {key: sum(s[key] for s in scores) for key in ("words", "recalled", "clicked", "read", "right", "seconds")}
    memory = max(s.get("memory", 0) for s in scores)
    share = lambda part, whole: f"{total[part] / max(total[whole], 1):.3f}"
    print(f"{title:34} {total['words']:5} {share('recalled', 'words'):>8} {share('right', 'read'):>9} "
          f"{share('clicked', 'words'):>7} {total['seconds'] / len(scores):8.3f}" + (f" {memory:6.0f}" if memory else ""), flush=True)


def main():
    parser = argparse.ArgumentParser()
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--held-out", action="store_true")
    which.add_argument("--tuned", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--rapidocr")
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--keep")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("desktop")
    parser.add_argument("assets")
    options = parser.parse_args()
    by_category = defaultdict(list)
    if not options.json:
        print(f"{'screen':34} words   recall precision   click    CPU s    MiB")
    for screen in SCREENS:
        if options.only not in screen["name"] or (options.held_out and not screen["held_out"]) or (
            options.tuned and screen["held_out"]
        ):
            continue
        for reader, scores in measure(
            screen, options.desktop, options.assets, list(chosen(options)), options.keep
        ).items():
            if options.json:
                print(json.dumps({"screen": screen["name"], "category": screen["category"], "reader": reader, **scores}), flush=True)
                continue
            by_category[reader, screen["category"]].append(scores)
            by_category[reader, "all"].append(scores)
            show(f"{screen['name']} ({reader})", [scores])
            if options.misses:
                for kind in ("missed", "unclicked", "wrong"):
                    print(f"    {kind}: {scores[kind]}")
    for (reader, category), scores in sorted(by_category.items()):
        show(f"= {category} ({reader})", scores)


if __name__ == "__main__":
    main()
