"""Events that differ in their text only are read as if each had been read in full."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import StreamingResult
from lexilux_like.wire import openai
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIAnswer
from lexilux_like.wire.template import SHORT, Template

REQUEST = ChatRequest("m", [{"role": "user", "content": "x"}])
ASKED = [
    (REQUEST, False),
    (REQUEST, True),
    (replace(REQUEST, keep_raw=True), False),
    (replace(REQUEST, reasoning=True, include_reasoning=True), False),
]
"""What was asked, and whether marks are taken out of the texts."""
TEXTS = st.text(min_size=1, max_size=8) | st.sampled_from(
    ['"', '\\"', '","content":"', "}", '"}', "\n", "\\", "\u2028", "🙂", '},"logprobs":null']
)
PADDINGS = st.sampled_from(["x", "Yz", "12345678", "", '"', "ä"])
TOPS: list[dict[str, Any]] = [
    {},
    {"usage": None},
    {"obfuscation": "aZ09"},
    {"usage": None, "obfuscation": "b"},
    {"note": 'says "content"'},
    {"note": "content"},
    {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
]
ODD: list[dict[str, Any]] = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
    {"choices": [{"index": 0, "delta": {"content": None}}]},
    {"choices": [{"index": 0, "delta": {"content": "a", "reasoning_content": "b"}}]},
    {"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [{"a": 1}]}}]},
    {"choices": [{"index": 1, "delta": {"content": "other"}}]},
    {"choices": [{"index": 0, "delta": {"content": ["parts"]}}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    {"choices": [{"index": 0, "delta": {"content": "last"}, "finish_reason": "stop"}]},
    {"choices": [{"index": 0, "delta": {"content": "c"}, "usage": {"prompt_tokens": 1}}]},
    {"choices": [{"index": 0, "delta": {"content": "<think>"}}]},
]
PIECE = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "1"}}
OTHER = {"index": 1, "delta": {"tool_calls": [PIECE]}}


def envelope(text: str, top: dict[str, Any], *, index: int = 0, **beside: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": {"content": text}, "logprobs": None, **beside}
    return {"id": "1", "model": "m", "choices": [choice], **top}


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Events: mostly alike, some odd, in one spelling of JSON."""
    top = draw(st.sampled_from(TOPS))
    spelling: dict[str, Any] = {
        "ensure_ascii": draw(st.booleans()),
        "separators": draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")])),
    }
    events: list[bytes] = []
    for text in draw(st.lists(TEXTS, min_size=2, max_size=12)):
        if "obfuscation" in top:
            top = {
                **top,
                "obfuscation": draw(PADDINGS),
            }
        odd = draw(st.sampled_from([None] * 5 + ODD))
        document = odd if odd is not None else envelope(text, top)
        if odd is None and "note" in top:
            document["choices"] += draw(st.sampled_from([[], [OTHER]]))
        events.append(json.dumps(document, **spelling).encode(errors="surrogatepass"))
    return events


def read(
    events: list[bytes], patience: int, request: ChatRequest = REQUEST, *, marked: bool = False
) -> tuple[list[Any], StreamingResult, int]:
    """What the consumer gets, and how it adds up."""
    answer = OpenAIAnswer(request, Response(200, {}), marked=marked)
    answer._patience = patience
    chunks = [chunk for event in events for chunk in answer.take(event)]
    handed_out = [(chunk, chunk.raw) for chunk in chunks]
    return handed_out, answer.so_far(), answer.pieces


@given(streams(), st.sampled_from(ASKED))
def test_templates_change_nothing(events: list[bytes], asked: tuple[ChatRequest, bool]):
    request, marked = asked
    with_templates = read(events, openai.PATIENCE, request, marked=marked)
    assert with_templates == read(events, 0, request, marked=marked)


@given(st.lists(TEXTS, min_size=2, max_size=2), st.sampled_from(TOPS[:4]), st.booleans())
def test_the_next_event_is_read_by_the_template_of_the_last(
    texts: list[str], top: dict[str, Any], ascii_only: bool
):
    first, second = (
        json.dumps(envelope(text, top), ensure_ascii=ascii_only).encode() for text in texts
    )
    template = Template.of(first, texts[0])
    assert template is not None
    assert template.text(second) == texts[1]


def plain(text: str, top: dict[str, Any] | None = None, **beside: Any) -> bytes:
    document = envelope(text, top or {}, **beside)
    return json.dumps(document, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "other",
    [
        plain("b", index=1),
        plain("b", finish_reason="stop"),
        plain("b", {"usage": {"prompt_tokens": 1}}),
        plain("b", {"obfuscation": "b"}),
        plain("b").replace(b'"b"', b'"b","content":"c"'),
        plain("b").replace(b'"b"', b"null"),
        plain("b").replace(b'"b"', b"7"),
        plain("b").replace(b'"b"', b'["b"]'),
        plain("b").replace(b'"b"', b'"b\\"'),
        plain("b").replace(b'"b"', b'"\\ud83d"'),
        plain("b")[:-1],
        plain("b") + b" ",
        b"",
        b"[DONE]",
    ],
)
def test_another_event_is_none_of_the_template(other: bytes):
    template = Template.of(plain("a"), "a")
    assert template is not None
    assert template.text(other) is None


def test_an_event_that_is_mostly_text_is_no_template():
    assert Template.of(plain("a" * SHORT), "a" * SHORT) is None


def test_a_cut_padding_is_none_of_the_template():
    template = Template.of(plain("a", {"obfuscation": "x"}), "a")
    assert template is not None
    assert template.text(plain("b", {"obfuscation": "y"})[:-2]) is None


def with_other(text: str) -> bytes:
    """An event in which another choice says something, the same in each."""
    document = envelope(text, {})
    document["choices"].append(OTHER)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "events",
    [
        [with_other(text) for text in "abc"],
        [plain(text, TOPS[-1]) for text in "abc"],
        [plain(text, logprobs={"refusal": [1]}) for text in "abc"],
        [plain(text) for text in ("<think>", "a", "</think>", "b")],
    ],
    ids=["another choice", "token counts", "probabilities", "tags"],
)
@pytest.mark.parametrize("keep_raw", [False, True])
def test_what_stands_beside_the_text_is_read_each_time(events: list[bytes], keep_raw: bool):
    request = replace(REQUEST, reasoning=True, keep_raw=keep_raw)
    assert read(events, openai.PATIENCE, request) == read(events, 0, request)


@pytest.mark.parametrize("after", [["\ude42", "b"], ["b", "c"]])
def test_halves_of_a_character_are_still_joined(after: list[str]):
    events = [plain(text) for text in ("a", "\ud83d", *after)]
    assert read(events, openai.PATIENCE) == read(events, 0)


def test_nothing_is_taken_after_the_end():
    answer = OpenAIAnswer(REQUEST, Response(200, {}))
    assert [bool(answer.take(each)) for each in (plain("a"), b"[DONE]", plain("b"))] == [1, 0, 0]
    assert answer.so_far().text == "a"


@pytest.mark.parametrize("padding", [b"", b'"', b"a b", "ä".encode(), b'a","usage":"b'])
def test_padding_that_is_more_than_letters_and_digits_is_read_in_full(padding: bytes):
    template = Template.of(plain("a", {"obfuscation": "x"}), "a")
    assert template is not None
    assert template.text(plain("b", {"obfuscation": "@"}).replace(b"@", padding)) is None
    assert template.text(plain("b", {"obfuscation": "@"}).replace(b"@", b"Zz9")) == "b"


@pytest.mark.parametrize(
    "data",
    [
        plain("a", {"content": "a"}),
        plain("a", {"note": 'a "content"'}),
        plain("a", {"note": "a \\ b"}),
        plain("a").replace(b'"content"', b'"conten\\u0074"'),
        plain("b"),
    ],
)
def test_where_the_text_stands_must_be_certain(data: bytes):
    assert Template.of(data, "a") is None


@pytest.fixture
def folded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The events that were read in full."""
    found: list[bytes] = []
    take = OpenAIAnswer._take

    def noted(self: OpenAIAnswer, document: Any, data: bytes) -> Any:
        found.append(data)
        return take(self, document, data)

    monkeypatch.setattr(OpenAIAnswer, "_take", noted)
    return found


def test_most_of_a_stream_is_read_by_template(folded: list[bytes]):
    words = [f"word {place} " for place in range(100)]
    events = [plain(word, {"obfuscation": "x" * (1 + len(word) % 9)}) for word in words]
    assert read(events, openai.PATIENCE)[1].text == "".join(words)
    assert len(folded) == 1


def test_a_server_whose_events_change_now_and_then_has_a_new_template_each_time(
    folded: list[bytes],
):
    read([plain("word ", {"created": place // 5}) for place in range(100)], openai.PATIENCE)
    assert len(folded) == 20


def test_a_server_whose_events_are_all_unlike_is_not_tried_for_ever(
    monkeypatch: pytest.MonkeyPatch,
):
    made: list[bytes] = []
    of = Template.of
    monkeypatch.setattr(Template, "of", lambda data, text: made.append(data) or of(data, text))
    answer = OpenAIAnswer(REQUEST, Response(200, {}))
    for place in range(100):
        answer.take(plain("word ", {"created": place}))
    assert len(made) == openai.PATIENCE
