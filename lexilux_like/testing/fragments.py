"""Tool calls in a stream, cut into pieces in the ways in which servers were seen to do it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, TypeAlias

from ..values.errors import ValidationError
from .script import Json, Reply, chunk, events

Piece: TypeAlias = dict[str, Any]
GEMINI = "gateways before Gemini: QuantumNous/new-api#2701, omnigent-ai/omnigent#28"
BLOCKS = "gateways before Claude: aws-samples/bedrock-access-gateway#134, CLIProxyAPI#5229"
UNNUMBERED = "Mistral, Gemini, Ollama: openai/openai-python#2806"
PIECE = 5
"""Characters of the arguments in a piece."""


@dataclass(frozen=True, slots=True)
class CallForm:
    """A way of cutting tool calls into chunks."""

    name: str
    says: str
    """What is odd about it, in a line."""
    write: Callable[[Sequence[Json]], list[Piece]]
    """The deltas of some calls."""
    seen_at: str
    """Servers that do so."""
    word: str = "tool_calls"
    """The finish reason."""
    at_once: bool = False
    """Whether the finish reason stands in the chunk of the last delta."""
    keeps_ids: bool = True
    """Whether the ids reach the client as they are."""


def _cut(call: Json) -> tuple[Piece, list[str]]:
    """What comes with the first piece of a call, and its arguments in pieces."""
    text = call["function"]["arguments"]
    pieces = [text[i : i + PIECE] for i in range(0, len(text), PIECE)]
    return {"id": call["id"], "type": "function", "name": call["function"]["name"]}, pieces


def _piece(arguments: object, **fields: Any) -> Piece:
    function = {"name": fields.pop("name")} if "name" in fields else {}
    return {**fields, "function": {**function, "arguments": arguments}}


def _each(
    calls: Sequence[Json],
    *,
    index: Callable[[int], int | None] = lambda place: place,
    again: Callable[[Piece], Piece] = lambda _first: {},
) -> list[list[Piece]]:
    """The pieces of each call.

    Args:
        calls: As in a message.
        index: Of a call, from its place; None for no index.
        again: What later pieces have of the first one's fields.
    """
    every: list[list[Piece]] = []
    for place, call in enumerate(calls):
        first, texts = _cut(call)
        at = index(place)
        where = {} if at is None else {"index": at}
        later = [_piece(text, **where, **again(first)) for text in texts]
        every.append([_piece("", **where, **first), *later])
    return every


def _in_turn(every: Sequence[Sequence[Piece]]) -> list[Piece]:
    return [{"tool_calls": [piece]} for pieces in every for piece in pieces]


def _plain(calls: Sequence[Json]) -> list[Piece]:
    return _in_turn(_each(calls))


def _interleaved(calls: Sequence[Json]) -> list[Piece]:
    turns = zip_longest(*_each(calls))
    return [{"tool_calls": [piece for piece in turn if piece]} for turn in turns]


def _without_index(calls: Sequence[Json]) -> list[Piece]:
    return _in_turn(_each(calls, index=lambda _: None))


def _all_at_zero(calls: Sequence[Json]) -> list[Piece]:
    return _in_turn(_each(calls, index=lambda _: 0))


def _from_one(calls: Sequence[Json]) -> list[Piece]:
    return _in_turn(_each(calls, index=lambda place: place + 1))


def _repeated(calls: Sequence[Json]) -> list[Piece]:
    return _in_turn(_each(calls, again=lambda first: first))


def _nulls(calls: Sequence[Json]) -> list[Piece]:
    return _in_turn(_each(calls, again=lambda _: {"id": None, "name": None}))


def _blanks(calls: Sequence[Json]) -> list[Piece]:
    return _in_turn(_each(calls, again=lambda _: {"id": "", "name": ""}))


def _whole(calls: Sequence[Json], **changed: Callable[[int, Json], Any]) -> list[Piece]:
    """Each call in one piece; `arguments`, `id` and `index` may be changed, None leaves out."""
    every: list[list[Piece]] = []
    for place, call in enumerate(calls):
        first, _ = _cut(call)
        fields = {"index": place, **first, "arguments": call["function"]["arguments"]}
        fields |= {name: change(place, call) for name, change in changed.items()}
        known = {name: value for name, value in fields.items() if value is not None}
        every.append([_piece(known.pop("arguments"), **known)])
    return _in_turn(every)


def _one_delta(calls: Sequence[Json]) -> list[Piece]:
    each = _whole(calls, index=lambda _p, _c: None)
    return [{"tool_calls": [piece for delta in each for piece in delta["tool_calls"]]}]


def _objects(calls: Sequence[Json]) -> list[Piece]:
    return _whole(calls, arguments=lambda _p, call: json.loads(call["function"]["arguments"]))


def _numbered(calls: Sequence[Json]) -> list[Piece]:
    return _whole(calls, id=lambda place, _c: place)


def _nameless(calls: Sequence[Json]) -> list[Piece]:
    return _whole(calls, index=lambda _p, _c: None, id=lambda _p, _c: "")


def _late_name(calls: Sequence[Json]) -> list[Piece]:
    deltas: list[list[Piece]] = []
    for place, call in enumerate(calls):
        first, texts = _cut(call)
        named = _piece("".join(texts[1:]), index=place, **first)
        deltas.append([_piece(texts[0], index=place), named])
    return _in_turn(deltas)


def _cut_off(calls: Sequence[Json]) -> list[Piece]:
    return _plain(calls)[:-1]


def _beside_text(calls: Sequence[Json]) -> list[Piece]:
    return [{"content": "Let me see.", "tool_calls": []}, *_plain(calls)]


_FORMS = (
    CallForm("plain", "By index, the name first, then the arguments.", _plain, "OpenAI"),
    CallForm("whole", "Each call in one piece.", _whole, "14 providers, vLLM among them"),
    CallForm("interleaved", "Pieces of all calls in each chunk.", _interleaved, "OpenAI"),
    CallForm("no_index", "Pieces without an index.", _without_index, UNNUMBERED),
    CallForm("one_delta", "All calls in one chunk, without an index.", _one_delta, "Mistral"),
    CallForm("index_zero", "All at the index 0, told apart by their ids.", _all_at_zero, GEMINI),
    CallForm("index_from_one", "The first call has the index 1.", _from_one, BLOCKS),
    CallForm("repeated", "Id and name in every piece.", _repeated, "watsonx, Alibaba, TGI"),
    CallForm("later_null", "Id and name are null in later pieces.", _nulls, "Mistral"),
    CallForm("later_empty", "Id and name are empty in later pieces.", _blanks, "Alibaba"),
    CallForm("object", "Arguments that are an object.", _objects, "TGI, Cloudflare"),
    CallForm("numeric_id", "Ids that are numbers.", _numbered, "TGI, Cloudflare", keeps_ids=False),
    CallForm("no_id", "Neither index nor id.", _nameless, "Gemini, Ollama", keeps_ids=False),
    CallForm("late_name", "Arguments before the name.", _late_name, "SGLang"),
    CallForm(
        "finish_chunk",
        "The calls in the chunk with the finish reason.",
        _one_delta,
        "Mistral, Gemini, xAI",
        at_once=True,
    ),
    CallForm("stop", "The finish reason is stop.", _plain, "OpenAI, when forced", word="stop"),
    CallForm("empty_word", "The finish reason is empty.", _plain, "xAI", word=""),
    CallForm("beside_text", "A text, and an empty list first.", _beside_text, "Venice, vLLM"),
    CallForm("cut_off", "The token limit cuts the arguments.", _cut_off, "DeepSeek", word="length"),
)
CALL_FORMS: Mapping[str, CallForm] = MappingProxyType({form.name: form for form in _FORMS})
"""All forms, by name."""


def call_stream(*calls: Json, form: str | CallForm = "plain") -> Reply:
    """A streamed answer that calls tools, in one of the forms that servers have.

    Args:
        calls: From `tool_call`, with ids that differ and arguments that are a JSON object.
        form: A name of `CALL_FORMS`, or a form of your own.

    Raises:
        ValidationError: There is no such form, or there are no calls.
    """
    if isinstance(form, str) and form not in CALL_FORMS:
        raise ValidationError(f"no stream has the form {form!r}: {', '.join(CALL_FORMS)}")
    if not calls:
        raise ValidationError("a stream of calls needs one: call_stream(tool_call('f', {}))")
    chosen = CALL_FORMS[form] if isinstance(form, str) else form
    deltas = chosen.write(calls)
    items = [chunk({"role": "assistant", "content": None}), *map(chunk, deltas)]
    if chosen.at_once:
        items[-1] = chunk(deltas[-1], finish_reason=chosen.word)
    else:
        items.append(chunk({}, finish_reason=chosen.word))
    return events(*items)
