"""Where words, lines, sentences and JSON elements begin and end, and texts in other words."""

from __future__ import annotations

import json
import random
import re

STRING = r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)'
"""A JSON string; the last one of a text may be cut."""
TOKEN = re.compile(STRING + r"|[\[\]{},]", re.DOTALL)
CHANGEABLE = re.compile(
    r'(?P<kept>"(?:[^"\\\n]|\\.)*"\s*:|\\u[0-9a-f]{4}|\\.|\b(?:true|false|null)\b)'
    r"|(?P<word>[A-Za-z]{4,})|(?P<number>\d+)|(?P<sign>[\u3040-\u30ff\u4e00-\u9fff])"
)
OTHER_WORDS = """
apple bottle cloud drawer elbow fountain glacier hammer island jacket kernel lemon meadow needle
ocean pepper quilt river sailor temple umbrella velvet willow yoghurt zeppelin
""".split()
OTHER_SIGNS = "春夏秋冬東西南北金木水火土風花鳥月雪山川空海星石"


def in_string(json_text: str) -> bool:
    """Whether JSON that is cut here is cut inside a string."""
    whole = re.sub(r'"(?:[^"\\]|\\.)*"', "", json_text, flags=re.DOTALL)
    return '"' in whole


def open_elements(json_text: str) -> list[tuple[str, list[int]]]:
    """The containers that JSON cut here leaves open, outermost first.

    Returns:
        The bracket of each, and where its elements begin so far.
    """
    stack: list[tuple[str, list[int]]] = []
    for token in TOKEN.finditer(json_text):
        match token[0]:
            case "[" | "{":
                stack.append((token[0], [_after_space(json_text, token.end())]))
            case "]" | "}":
                stack.pop()
            case ",":
                stack[-1][1].append(_after_space(json_text, token.end()))
            case _:  # a string
                pass
    return [(kind, [s for s in starts if s < len(json_text)]) for kind, starts in stack]


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def closers(json_text: str) -> str:
    """The brackets that close what is open in JSON that is cut between two elements."""
    return "".join("]" if kind == "[" else "}" for kind, _ in reversed(open_elements(json_text)))


def last_element(json_text: str) -> int:
    """Where the element begins that is being written, or was written last."""
    starts = [starts[-1] for _, starts in open_elements(json_text) if starts]
    return starts[-1] if starts else 0


def last_member(json_text: str) -> int:
    """Where the key begins of the member that is being written, or was written last."""
    starts = [starts[-1] for kind, starts in open_elements(json_text) if kind == "{" and starts]
    return starts[-1] if starts else last_element(json_text)


def first_element(json_text: str) -> int:
    """Where the outermost element begins that is being written, or was written last."""
    starts = [starts[-1] for _, starts in open_elements(json_text) if starts]
    return starts[0] if starts else 0


def string_end(json_text: str, at: int) -> int:
    """Where the string ends that `at` is in, before its closing quote; `at` where it is in none."""
    if not in_string(json_text[:at]):
        return at
    # From the opening quote on, so that an escape that is cut at `at` is read whole.
    for string in re.finditer(STRING, json_text, re.DOTALL):
        if string.end() > at:
            return string.end() - 1
    return at


def element_end(json_text: str, at: int) -> int:
    """Where the JSON value or key-value pair that `at` is in ends: at a comma or a bracket."""
    at = string_end(json_text, at) + in_string(json_text[:at])
    for token in re.finditer(STRING + r"|[\]},]", json_text[at:], re.DOTALL):
        if token[0] in "]},":
            return at + token.start()
    return len(json_text)


def sentence_end(text: str, at: int) -> int:
    """Behind the full stop, or at the end of the line."""
    found = re.compile(r"[.!?](?=\s)|[\u3002\uff01\uff1f]|(?=\n)|\Z").search(text, at)
    return found.end() if found else len(text)


def last_word(text: str) -> int:
    """Where the last word begins; two signs are a word of a script without spaces."""
    found = re.search(r"[\u3040-\u30ff\u4e00-\u9fff]{1,2}\s*\Z|\S+\s*\Z", text)
    return found.start() if found else len(text)


def last_line(text: str) -> int:
    """Where the last line begins that is not empty."""
    return text.rfind("\n", 0, len(text.rstrip())) + 1


def last_sentence(text: str) -> int:
    """Where the last sentence begins."""
    ends = re.finditer(r"[.!?]\s+|[\u3002\uff01\uff1f]\s*|\n\s*", text.rstrip())
    return max((end.end() for end in ends if end.end() < len(text.rstrip())), default=0)


def last_paragraph(text: str) -> int:
    """Where the last paragraph begins."""
    found = text.rfind("\n\n", 0, len(text.rstrip()))
    return found + 2 if found >= 0 else 0


def reworded(
    text: str, chance: random.Random, start: int = 0, stop: int | None = None, often: float = 0.6
) -> str:
    """The text with other words, numbers and signs between `start` and `stop`.

    Something changes if it can, but nothing before `start` and nothing after `stop`; JSON stays
    JSON with the same keys.
    """
    stop = len(text) if stop is None else stop
    places = [
        found.start()
        for found in CHANGEABLE.finditer(text)
        if not found["kept"] and found.start() >= start and found.end() <= stop
    ]
    chosen = {place for place in places if chance.random() < often} or set(places[:1])

    def other(found: re.Match[str]) -> str:
        if found.start() not in chosen:
            return found[0]
        if found["sign"]:
            return chance.choice(OTHER_SIGNS.replace(found[0], ""))
        if found["number"]:
            first = chance.choice("123456789".replace(found[0][0], ""))
            return first + "".join(str(chance.randint(0, 9)) for _ in found[0][1:])
        word = chance.choice(OTHER_WORDS)
        return word.capitalize() if found[0][0].isupper() else word

    return CHANGEABLE.sub(other, text)


def restyled(json_text: str, at: int, space: str) -> str:
    """The rest of a JSON text from `at`, with other white space outside its strings.

    Args:
        json_text: The whole of it.
        at: Where the rest begins.
        space: `"wide"` doubles the indentation, `"none"` leaves all white space out.
    """

    def other(token: re.Match[str]) -> str:
        if token[0][0] == '"':
            return token[0]
        if space == "none":
            return ""
        return token[0] + " " * token[0].count(" ") if "\n" in token[0] else token[0]

    end = string_end(json_text, at) + in_string(json_text[:at])
    return json_text[at:end] + re.sub(STRING + r"|\s+", other, json_text[end:], flags=re.DOTALL)


def unescaped(json_text: str) -> str:
    r"""JSON with characters for its `\u` escapes, but for half ones."""

    def plain(found: re.Match[str]) -> str:
        text = found[0] if found[0] == r"\\" else json.loads(f'"{found[0]}"')
        return found[0] if any("\ud800" <= c <= "\udfff" for c in text) else text

    return re.sub(r"\\\\|(?:\\u[0-9a-f]{4})+", plain, json_text)
