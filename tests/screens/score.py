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
import unicodedata
from collections import defaultdict
from pathlib import Path

import readers
from screens import SCREENS
from stage import display, shown

#: Pixels that a click may lie beside a word's box.
SLACK = 2


def plain(text):
    return "".join(unicodedata.normalize("NFKC", text).split())


def middle(box):
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def holds(box, point, slack=0):
    return all(box[axis] - slack <= point[axis] <= box[axis] + box[axis + 2] + slack for axis in (0, 1))


def on_screen(box, size):
    width, height = (int(side) for side in size.split("x"))
    return box[0] >= 0 and box[1] >= 0 and box[0] + box[2] <= width and box[1] + box[3] <= height


def right(read, box, truth):
    """Whether a word that was read stands there: Japanese is read in pieces of what it is written in."""
    for word, place in truth:
        if holds(place, middle(box), SLACK):
            whole = plain(word)
            return plain(read) == whole or (not whole.isascii() and plain(read) in whole)
    return False


def score(lines, truth, area, click):
    found = [
        any(holds(box, middle(place)) and plain(word) in plain(text) for text, box, _ in lines)
        for word, place in truth
    ]
    clicked = [any(holds(place, at, SLACK) for at in click(word)) for word, place in truth]
    read = [(word, box) for _, _, words in lines for word, box in words if holds(area, middle(box)) and word.strip()]
    wrong = [(word, box) for word, box in read if not right(word, box, truth)]
    return {
        "words": len(truth), "recalled": sum(found), "clicked": sum(clicked), "read": len(read),
        "right": len(read) - len(wrong),
        "missed": [word for (word, _), hit in zip(truth, found) if not hit],
        "unclicked": [word for (word, _), hit in zip(truth, clicked) if not hit],
        "wrong": [word for word, _ in wrong],
    }


def by_words(lines):
    """Where a click by the reader's own boxes goes."""
    return lambda text: [middle(box) for _, _, words in lines for word, box in words if plain(word) == plain(text)]


def by_target(door):
    """Where a click on a text goes."""
    def places(text):
        target = {"find": {"text": {"value": text}}}
        return [hit["at"] for hit in door.call("find_all", target=target)]

    return places


def measure(screen, options):
    """The scores of all readers of one screen."""
    size = "2560x1600" if screen.get("scale") == 2 else "1280x900"
    scores = {}
    with display(size) as environment, shown(screen, environment) as truth:
        area = truth["area"]
        words = [word for word in truth["words"] if on_screen(word[1], size)]
        picture = Path(options.keep or "/tmp", f"{screen['name']}.png")
        with readers.door(options.desktop, options.assets, screen["language"], environment) as door:
            door.call("wait_still", still_ms=500)
            subprocess.run(["import", "-window", "root", str(picture)], env=environment, check=True)
            lines, seconds = door.read()
            ours = score(lines, words, area, by_target(door))
            scores["karakuri"] = {**ours, "seconds": seconds, "memory": door.memory()}
        if options.keep:
            picture.with_suffix(".json").write_text(json.dumps({**truth, "lines": lines}, ensure_ascii=False))
    peers = {}
    if "tesseract" in options.peer:
        peers["tesseract"] = readers.tesseract(picture, screen["language"])
    if options.rapidocr:
        peers["rapidocr"] = readers.rapidocr(options.rapidocr, picture)
    for name, answer in peers.items():
        if answer:
            scores[name] = {**score(answer[0], words, area, by_words(answer[0])), "seconds": answer[1]}
    if not options.keep:
        picture.unlink()
    return scores


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
        for reader, scores in measure(screen, options).items():
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


main()
