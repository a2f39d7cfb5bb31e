"""What reads a screen: Karakuri through its door, and what one would use without it.

Each gives lines `(text, box, [(word, box), …])` and the processor seconds that it took.
"""

import csv
import io
import json
import os
import resource
import subprocess
from contextlib import contextmanager
from pathlib import Path


class Door:
    """`karakuri desktop` on a display: the calls of a script, one a line."""

    def __init__(self, process):
        self.process = process

    def call(self, method, **params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def seconds(self):
        """Processor time of all its threads."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self):
        """The most memory it ever held, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def timed(self, method, **params):
        before = self.seconds()
        result = self.call(method, **params)
        return result, self.seconds() - before

    def read(self):
        result, seconds = self.timed("read_text")
        lines = [
            (line["text"], line["rect"], [(word["text"], word["rect"]) for word in line["words"]])
            for line in result["lines"]
        ]
        return lines, seconds


@contextmanager
def door(program, assets, language, environment, *options):
    command = [program, "--lines", assets, "--language", language, *options]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        yield Door(process)
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def tesseract(picture, language):
    """Tesseract, looking for sparse text; Japanese only where its data is installed."""
    wanted = "jpn+eng" if language == "japanese" else "eng"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["tesseract", str(picture), "stdout", "-l", wanted, "--psm", "11", "tsv"]
    output = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"})
    if output.returncode:
        return None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = {}
    for row in csv.DictReader(io.StringIO(output.stdout), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["text"].strip():
            box = [int(row[key]) for key in ("left", "top", "width", "height")]
            key = tuple(row[key] for key in ("block_num", "par_num", "line_num"))
            lines.setdefault(key, []).append((row["text"], box))
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [(" ".join(word for word, _ in words), around(words), words) for words in lines.values()], seconds


#: Each prints the texts, their corners and the processor seconds of its second reading of a picture.
RAPIDOCR = """
from rapidocr import RapidOCR
engine = RapidOCR()
def read(path):
    found = engine(path)
    return list(found.txts or ()), [box.tolist() for box in (found.boxes if found.boxes is not None else ())]
"""
FASTER_PADDLE = """
from faster_paddle import OcrEngine
engine = OcrEngine(model_size="tiny", threads=1, det_max_side=1920)
def read(path):
    found = engine.ocr(open(path, "rb").read())["bounds"].values()
    return [line["text"] for line in found], [[line["topLeftCoord"], line["bottomRightCoord"]] for line in found]
"""
MEASURE = """
import json, sys, time
read(sys.argv[1])
start = time.process_time()
texts, boxes = read(sys.argv[1])
print("\\n" + json.dumps([texts, boxes, time.process_time() - start]))
"""


def rapidocr(python, picture):
    """RapidOCR in an interpreter that has it."""
    return by_lines(python, RAPIDOCR, picture)


def faster_paddle(python, picture):
    """faster-paddle with its tiny models, one thread, the whole screen at its size."""
    return by_lines(python, FASTER_PADDLE, picture)


def by_lines(python, engine, picture):
    """A reader that gives lines alone: words share the box of theirs by their length."""
    command = [python, "-c", engine + MEASURE, str(picture)]
    output = subprocess.run(command, capture_output=True, text=True, check=True)
    texts, boxes, seconds = json.loads(output.stdout.splitlines()[-1])
    lines = []
    for text, corners in zip(texts, boxes):
        left, top = (min(corner[axis] for corner in corners) for axis in (0, 1))
        width, height = (max(corner[axis] for corner in corners) - (left, top)[axis] for axis in (0, 1))
        words, at = [], 0
        for word in text.split(" "):
            start, share = at / max(len(text), 1), len(word) / max(len(text), 1)
            words.append((word, [left + start * width, top, share * width, height]))
            at += len(word) + 1
        lines.append((text, [left, top, width, height], words))
    return lines, seconds


def around(words):
    left, top = (min(box[axis] for _, box in words) for axis in (0, 1))
    right, bottom = (max(box[axis] + box[axis + 2] for _, box in words) for axis in (0, 1))
    return [left, top, right - left, bottom - top]
