"""The simulated model: where it goes on, what it counts, what it takes for exact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lexilux_like import ValidationError
from lexilux_like.testing import ScriptedServer
from lexilux_like.testing.simulated.behaviours import BEHAVIOURS
from lexilux_like.testing.simulated.documents import KINDS, document, is_json
from lexilux_like.testing.simulated.drafts import ANCHOR_LINE
from lexilux_like.testing.simulated.model import (
    BOTH_FLAGS,
    EMPTY_TURN,
    NO_PREFILL,
    TRAILING_SPACE,
    PrefillMode,
    SimulatedModel,
    SimulatedReply,
)

USER = {"role": "user", "content": "Write it."}
CONTINUE = {"role": "user", "content": "continue"}
TEXT = (
    "One fox. Two hens run.\nThree owls sit still.\n\nFour ants. The end, 12 times over, is near."
)
SIGNED = "[[END-2]]"


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **fields}


def ask(model: SimulatedModel, *added: dict[str, Any], **fields: Any) -> SimulatedReply:
    """Asks for the first time if nobody has, and then with the messages added."""
    if not model.requests:
        model.reply({"messages": [USER]})
    return model.reply({"messages": [USER, *added], **fields})


def completed(model: SimulatedModel, back: int = 20) -> str:
    """A client that knows the trick: what it drops must come back behind the anchor."""
    reply = model.reply({"messages": [USER]})
    text = reply.text
    while reply.finish_reason == "length":
        kept, dropped = text[:-back], text[-back:]
        anchor = kept[-40:]
        prompt = f"Go on; write {SIGNED} last.\n{ANCHOR_LINE}{anchor}"
        reply = ask(model, said(kept), {"role": "user", "content": prompt})
        rest = reply.text.removeprefix(anchor)
        assert rest != reply.text
        assert rest.startswith(dropped)
        text = kept + rest
    assert text.endswith(SIGNED)
    return text.removesuffix(SIGNED)


@pytest.mark.parametrize("kind", KINDS)
def test_client_that_knows_the_trick_gets_the_document(kind: str) -> None:
    text = document(kind, 1, 300)
    for cut in range(30, len(text), 17):
        assert completed(SimulatedModel(text, "obedient", cut=cut)) == text


@pytest.mark.parametrize("part", [21, 60])
def test_limited_parts_add_up(part: int) -> None:
    text = document("markdown", 2, 600)
    assert completed(SimulatedModel(text, "obedient", cut=50, part=part)) == text


def test_first_answer_is_cut() -> None:
    reply = SimulatedModel(TEXT, cut=30).reply({"messages": [USER]})
    assert (reply.text, reply.finish_reason) == (TEXT[:30], "length")


def test_answer_that_fits_is_whole() -> None:
    reply = SimulatedModel(TEXT, cut=len(TEXT)).reply({"messages": [USER]})
    assert (reply.text, reply.finish_reason) == (TEXT, "stop")


def test_usage_counts_characters() -> None:
    model = SimulatedModel(TEXT, "exact", cut=30)
    reply = ask(model, said(TEXT[:30]), CONTINUE)
    usage = {"prompt_tokens": 9 + 30 + 8, "completion_tokens": len(TEXT) - 30}
    assert reply.usage == {**usage, "total_tokens": 47 + len(TEXT) - 30}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_usage_adds_up(name: str) -> None:
    reply = ask(SimulatedModel(TEXT, name, cut=30), said(TEXT[:30]), CONTINUE)
    if reply.usage:
        written = len(reply.text) + len(reply.reasoning)
        assert reply.usage["completion_tokens"] == written
        assert reply.usage["total_tokens"] == reply.usage["prompt_tokens"] + written


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_same_seed_gives_the_same_replies(name: str) -> None:
    first, second = (
        [
            ask(SimulatedModel(TEXT, name, cut=30, seed=5), said(TEXT[:at]), CONTINUE)
            for at in (20, 9)
        ]
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("kind", KINDS)
def test_every_behaviour_answers_at_every_cut(kind: str) -> None:
    text = document(kind, 3, 150)
    for behaviour in BEHAVIOURS.values():
        if behaviour.fits(text):
            for cut in range(1, len(text), 29):
                model = SimulatedModel(text, behaviour, cut=cut, part=40)
                reply = ask(model, said(text[:cut]), CONTINUE, response_format={})
                assert reply.status == 200 or reply.error
                assert text in model.expected


def test_starting_over_gives_the_beginning_again() -> None:
    assert ask(SimulatedModel(TEXT, cut=30)).text == TEXT[:30]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_larger_limit_gives_more(name: str) -> None:
    model = SimulatedModel(TEXT, "exact", cut=20, part=10)
    model.reply({"messages": [USER], name: 50})
    assert ask(model, **{name: 100}).text == TEXT[:40]
    assert ask(model, said(TEXT[:20]), CONTINUE, **{name: 100}).text == TEXT[20:40]


def test_larger_limit_means_nothing_where_there_was_none() -> None:
    assert ask(SimulatedModel(TEXT, cut=20), max_tokens=10_000).text == TEXT[:20]


@pytest.mark.parametrize(
    "so_far",
    [
        (TEXT[:40],),
        (TEXT[:40] + " \n",),
        (TEXT[:20], TEXT[20:40]),
        (TEXT[:20], f"Sure, here it is:\n\n{TEXT[20:40]}"),
    ],
    ids=["prefix", "space added", "two turns", "with a preamble"],
)
def test_model_finds_its_place(so_far: tuple[str, ...]) -> None:
    turns = [turn for text in so_far for turn in (said(text), CONTINUE)]
    assert ask(SimulatedModel(TEXT, "exact", cut=20), *turns).text == TEXT[40:]


def test_lost_space_is_made_up_for() -> None:
    at = TEXT.index("Three")
    reply = ask(SimulatedModel(TEXT, "exact", cut=20), said(TEXT[:at].rstrip()), CONTINUE)
    assert reply.text == TEXT[at - 1 :]


def test_model_that_is_lost_starts_over() -> None:
    reply = ask(SimulatedModel(TEXT, "exact", cut=20), said("Something else."), CONTINUE)
    assert reply.text == TEXT


def test_text_may_come_in_parts() -> None:
    parts = {"role": "assistant", "content": [{"type": "text", "text": TEXT[:40]}]}
    assert ask(SimulatedModel(TEXT, "exact", cut=20), parts, CONTINUE).text == TEXT[40:]


def test_empty_turn_is_refused() -> None:
    reply = ask(SimulatedModel(TEXT, cut=20), said(""), CONTINUE)
    assert (reply.status, reply.error) == (400, EMPTY_TURN)


def test_requests_are_kept_as_they_were() -> None:
    model, messages = SimulatedModel(TEXT, "exact", cut=20), [USER]
    model.reply({"messages": messages})
    messages += [said(TEXT[:20]), CONTINUE]
    assert model.reply({"messages": messages}).text == TEXT[20:]
    assert [len(request["messages"]) for request in model.requests] == [1, 3]


PREFILLS: dict[PrefillMode, tuple[dict[str, Any], dict[str, Any]]] = {
    "native": ({}, {}),
    "strict_whitespace": ({}, {}),
    "llama.cpp": ({}, {"stream": True}),
    "as_continue": ({}, {}),
    "needs_flag:prefix": ({"prefix": True}, {}),
    "needs_flag:partial": ({"partial": True}, {}),
    "needs_flag:continue_final_message": (
        {},
        {"continue_final_message": True, "add_generation_prompt": False},
    ),
}
"""Modes that go on, and the fields of the message and of the payload that they need."""


@pytest.mark.parametrize("mode", PREFILLS)
def test_prefill_is_gone_on_with(mode: PrefillMode) -> None:
    message_fields, fields = PREFILLS[mode]
    model = SimulatedModel(TEXT, "exact", cut=20, prefill=mode)
    assert ask(model, said(TEXT[:24], **message_fields), **fields).text == TEXT[24:]


@pytest.mark.parametrize("mode", ["ignored", *(mode for mode in PREFILLS if ":" in mode)])
def test_prefill_without_its_flag_is_answered_afresh(mode: PrefillMode) -> None:
    model = SimulatedModel(TEXT, "exact", cut=20, prefill=mode)
    reply = ask(model, said(TEXT[:24]))
    assert (reply.text, reply.finish_reason) == (TEXT[:20], "length")


@pytest.mark.parametrize("mode", ["native_echo", "llama.cpp"])
def test_prefill_is_echoed_and_not_counted(mode: PrefillMode) -> None:
    reply = ask(SimulatedModel(TEXT, cut=20, prefill=mode), said(TEXT[:24]))
    assert reply.text == TEXT
    assert reply.usage
    assert reply.usage["completion_tokens"] == len(TEXT) - 24


@pytest.mark.parametrize(
    ("mode", "error"), [("refused", NO_PREFILL), ("strict_whitespace", TRAILING_SPACE)]
)
def test_prefill_is_refused(mode: PrefillMode, error: str) -> None:
    reply = ask(SimulatedModel(TEXT, cut=20, prefill=mode), said("One fox. "))
    assert (reply.status, reply.error) == (400, error)


def test_both_flags_at_once_are_refused() -> None:
    model = SimulatedModel(TEXT, cut=20, prefill="needs_flag:continue_final_message")
    reply = ask(model, said(TEXT[:24]), continue_final_message=True)
    assert (reply.status, reply.error) == (400, BOTH_FLAGS)


def test_prefill_is_gone_on_with_in_parts() -> None:
    model = SimulatedModel(TEXT, cut=20, part=10, prefill="native")
    reply = ask(model, said(TEXT[:20]))
    assert (reply.text, reply.finish_reason) == (TEXT[20:30], "length")


def test_sampled_prefill_goes_on_in_other_words() -> None:
    model = SimulatedModel(TEXT, cut=20, prefill="sampled", seed=1)
    text = TEXT[:26] + ask(model, said(TEXT[:26])).text
    assert text != TEXT
    assert text.endswith(TEXT[TEXT.index("\n\n") :])
    assert model.judge(text)


def test_as_continue_does_what_the_behaviour_does() -> None:
    model = SimulatedModel(TEXT, "repeat_word", cut=20, prefill="as_continue")
    assert ask(model, said(TEXT[:12])).text == "Two" + TEXT[12:]


def test_only_the_document_is_exact() -> None:
    model = SimulatedModel(TEXT, cut=20)
    assert [model.judge(text) for text in (TEXT, TEXT + "\n", TEXT[:-1])] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ('{"a": [1, 2], "b": "é"}', True),
        ('{\n"a":[1,2],"b":"\\u00e9"}', True),
        ('{"a": [1, 2], "a": [1, 2], "b": "é"}', False),
        ('{"a": [1, 2], "b": "é"', False),
        ('{"a": [1], "b": "é"}', False),
    ],
)
def test_json_is_exact_when_it_says_the_same(text: str, exact: bool) -> None:
    assert SimulatedModel('{"a": [1, 2], "b": "é"}', cut=5).judge(text) is exact


@pytest.fixture
def client(scripted_server: ScriptedServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=scripted_server.url, trust_env=False, verify=False) as client:
        yield client


def body(**fields: Any) -> dict[str, Any]:
    return {"messages": [USER], "model": "m", **fields}


def test_served_whole(scripted_server: ScriptedServer, client: httpx.Client) -> None:
    scripted_server.always(SimulatedModel(TEXT, cut=20))
    answer = client.post("chat/completions", json=body()).json()
    choice = answer["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (TEXT[:20], "length")
    assert answer["usage"]["completion_tokens"] == 20


def events(response: httpx.Response) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def test_served_as_a_stream(scripted_server: ScriptedServer, client: httpx.Client) -> None:
    scripted_server.always(SimulatedModel(TEXT, cut=len(TEXT)))
    asked = body(stream=True, stream_options={"include_usage": True})
    *said, usage = events(client.post("chat/completions", json=asked))
    pieces = [event["choices"][0]["delta"].get("content", "") for event in said]
    assert "".join(pieces) == TEXT
    assert max(map(len, pieces)) <= 12
    assert said[-1]["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"]["completion_tokens"] == len(TEXT)


def test_stream_has_no_usage_unless_asked_for(
    scripted_server: ScriptedServer, client: httpx.Client
) -> None:
    scripted_server.always(SimulatedModel(TEXT, cut=20))
    response = client.post("chat/completions", json=body(stream=True))
    assert not any("usage" in event for event in events(response))


def test_thoughts_are_streamed(scripted_server: ScriptedServer, client: httpx.Client) -> None:
    scripted_server.always(SimulatedModel(TEXT, "thinks", cut=20))
    said = events(client.post("chat/completions", json=body(stream=True)))
    deltas = [event["choices"][0]["delta"] for event in said]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Let me think about t"


def test_unknown_behaviour_is_refused_with_its_neighbours() -> None:
    with pytest.raises(ValidationError, match=r"'restart_dokument'; near it: restart_document"):
        SimulatedModel(TEXT, "restart_dokument")


@pytest.mark.parametrize("sizes", [{"cut": -1}, {"part": -1}])
def test_negative_sizes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="count characters"):
        SimulatedModel(TEXT, **sizes)


def test_max_tokens_cuts_every_reply_where_no_size_is_given() -> None:
    model = SimulatedModel(TEXT, "exact")
    first = model.reply({"messages": [USER], "max_tokens": 20})
    assert (first.text, first.finish_reason) == (TEXT[:20], "length")
    assert ask(model, said(TEXT[:20]), CONTINUE, max_tokens=20).text == TEXT[20:40]
    assert ask(model, said(TEXT[:20]), CONTINUE, max_tokens=40).text == TEXT[20:60]


def test_answer_is_whole_where_no_limit_is_given_at_all() -> None:
    reply = SimulatedModel(TEXT).reply({"messages": [USER]})
    assert (reply.text, reply.finish_reason) == (TEXT, "stop")


def test_served_as_a_message(scripted_server: ScriptedServer, client: httpx.Client) -> None:
    scripted_server.always(SimulatedModel(TEXT, cut=20))
    answer = client.post("messages", json=body()).json()
    assert answer["content"] == [{"type": "text", "text": TEXT[:20]}]
    assert (answer["stop_reason"], answer["usage"]["output_tokens"]) == ("max_tokens", 20)


def test_refusals_are_served(scripted_server: ScriptedServer, client: httpx.Client) -> None:
    scripted_server.always(SimulatedModel(TEXT, cut=20))
    client.post("chat/completions", json=body())
    response = client.post("chat/completions", json=body() | {"messages": [USER, said("One")]})
    assert (response.status_code, response.json()["error"]["message"]) == (400, NO_PREFILL)


@pytest.mark.parametrize("kind", KINDS)
def test_document_is_the_same_for_the_same_seed(kind: str) -> None:
    assert document(kind, 4, 500) == document(kind, 4, 500) != document(kind, 5, 500)


@pytest.mark.parametrize("size", [150, 600, 3_000])
@pytest.mark.parametrize("kind", KINDS)
def test_document_has_about_the_size(kind: str, size: int) -> None:
    assert size * 0.9 <= len(document(kind, 1, size)) <= size + 500


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "periodic"])
def test_passages_of_forty_characters_are_mostly_unique(kind: str) -> None:
    text = document(kind, 1, 2_000)
    passages = [text[i : i + 40] for i in range(len(text) - 40)]
    assert len({*passages}) > 0.8 * len(passages)


@pytest.mark.parametrize("kind", KINDS)
def test_document_ends_in_no_space(kind: str) -> None:
    assert all((text := document(kind, seed, 400)) == text.strip() for seed in range(9))


@pytest.mark.parametrize("kind", KINDS)
def test_documents_named_json_are(kind: str) -> None:
    assert is_json(document(kind, 1, 400)) is kind.startswith("json_")
