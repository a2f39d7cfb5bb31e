"""What was read against what the toolkits say stands there."""

import unicodedata

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
