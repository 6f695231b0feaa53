"""A model that goes on after a cut as real ones do, and knows what the whole should have been."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias

from ...values.errors import ValidationError
from ..connection import RecordedRequest
from ..messages import message, message_stream, refuse_message
from ..script import Reply, answer, refuse, stream
from .behaviours import BEHAVIOURS, Behaviour
from .documents import is_json
from .drafts import Draft, Trait, Turn
from .traits import afresh, rewording

Payload: TypeAlias = Mapping[str, Any]
PrefillMode: TypeAlias = Literal[
    "refused",
    "native",
    "native_echo",
    "llama.cpp",
    "needs_flag:prefix",
    "needs_flag:partial",
    "needs_flag:continue_final_message",
    "ignored",
    "as_continue",
    "sampled",
    "strict_whitespace",
]
"""What a server does with a message of the assistant at the end:

- `refused`: 400.
- `native`: goes on exactly from there.
- `native_echo`: the same, and the reply begins with the prefill, as Mistral's does.
- `llama.cpp`: echoes it only where the reply is not streamed.
- `needs_flag:...`: goes on where the flag is set, else answers afresh.
- `ignored`: answers afresh, as `transformers serve` does.
- `as_continue`: does what the behaviour does when the user says "continue".
- `sampled`: goes on, but with other words for one sentence.
- `strict_whitespace`: goes on; 400 where the prefill ends in white space, as Anthropic's does.
"""
NO_PREFILL = (
    "This model does not support assistant message prefill."
    " The conversation must end with a user message."
)
TRAILING_SPACE = "messages: final assistant content cannot end with trailing whitespace"
BOTH_FLAGS = "Cannot set both `add_generation_prompt` and `continue_final_message` to True."
EMPTY_TURN = "messages: text content blocks must be non-empty"
STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
"""The words of Anthropic's API."""
LEAST_OVERLAP = 8
"""Characters by which a model finds its place in a text that is not its own any more."""


@dataclass(frozen=True, slots=True)
class SimulatedReply:
    """What the model answers; where `status` is not 200, only `error`."""

    text: str = ""
    finish_reason: str | None = "stop"
    usage: Mapping[str, Any] | None = None
    """A character is a token; None where the server reports none."""
    reasoning: str = ""
    status: int = 200
    error: str = ""


class SimulatedModel:
    """A model that has one thing to say, and is cut short while it says it.

    It is a reply of a `ScriptedServer`: `server.always(SimulatedModel("...", cut=100))`. It answers
    with a JSON body, or with a stream in pieces of 1 to 12 characters, on a path that ends in
    `/messages` in the form of Anthropic's API.

    The first request, and each one that holds no text of the assistant, is answered with the
    document's first `cut` characters. A character is a token, and a request whose `max_tokens`
    is twice that of the first one may have twice as much. An empty turn of the assistant is
    answered with 400.

    Args:
        document: What it has to say.
        behaviour: How it goes on, or the name of one of `BEHAVIOURS`.
        cut: Most characters of an answer that it begins; None for as many as the first request's
            `max_tokens`, or all where it has none.
        part: Most new characters of a reply that goes on; None for all, or where `cut` is None
            for as many as in the first reply.
        seed: For what it leaves to chance.
        prefill: What its server does with a message of the assistant at the end.

    Raises:
        ValidationError: There is no such behaviour, or `cut` or `part` is negative.

    Examples:
        >>> model = SimulatedModel("One, two, three, four.", "repeat_word", cut=10)
        >>> question = {"role": "user", "content": "Count."}
        >>> model.reply({"messages": [question]}).text
        'One, two, '
        >>> said = {"role": "assistant", "content": "One, two, "}
        >>> model.reply({"messages": [question, said, question]}).text
        'two, three, four.'
    """

    def __init__(
        self,
        document: str,
        behaviour: Behaviour | str = "obedient",
        *,
        cut: int | None = None,
        part: int | None = None,
        seed: int = 0,
        prefill: PrefillMode = "refused",
    ) -> None:
        self.document = document
        self.behaviour = _behaviour(behaviour) if isinstance(behaviour, str) else behaviour
        if min(cut or 0, part or 0) < 0:
            raise ValidationError(f"cut={cut!r} and part={part!r} count characters; give 0 or more")
        self.cut = cut
        self.part = part
        self.seed = seed
        self.prefill: PrefillMode = prefill
        self.requests: list[Payload] = []
        """Every request so far."""
        self.versions: list[str] = [document]
        """The document, and each variation that a reply has begun."""
        self._ended = False

    @property
    def expected(self) -> frozenset[str]:
        """The final texts that are exact: what the model has said or would have, undisturbed."""
        return frozenset(self.versions)

    def judge(self, text: str) -> bool:
        """Whether a final text is exact; of JSON, whether it says the same in the same order."""
        if text in self.versions:
            return True
        if not is_json(self.document):
            return False
        value = _value(text)
        return value is not None and any(value == _value(version) for version in self.versions)

    def reply(self, payload: Payload) -> SimulatedReply:
        """The answer to the payload of a request for a chat completion."""
        self.requests.append(deepcopy(payload))  # the caller may go on with its lists
        messages = payload["messages"]
        added = messages[len(self.requests[0]["messages"]) :]
        said = [_text(message) for message in added if message["role"] == "assistant"]
        if not all(said):
            return SimulatedReply(status=400, error=EMPTY_TURN)
        if not said:
            return self._finished(payload, self._turn(payload, ""), (afresh,))
        turn = self._turn(payload, "".join(said))
        if messages[-1]["role"] == "assistant":
            return self._prefilled(payload, turn)
        turn = replace(turn, prompt=_text(messages[-1]))
        return self._finished(payload, turn, self.behaviour.traits)

    def __call__(self, request: RecordedRequest) -> Reply:
        """The answer to a request, on the wire."""
        payload: Payload = request.json
        said = self.reply(payload)
        live = bool(payload.get("stream"))
        pieces = _Pieces(random.Random(f"{self.seed}/{len(self.requests)}"))
        if request.path.partition("?")[0].endswith("/messages"):
            return _message(said, pieces if live else None)
        if said.status != 200:
            return refuse(said.status, said.error, type="invalid_request_error")
        if live:
            return _streamed(said, pieces, payload)
        return answer(
            said.text,
            finish_reason=said.finish_reason,
            usage=said.usage,
            reasoning=said.reasoning or None,
        )

    @property
    def _first(self) -> int:
        """Most characters of an answer to the first request."""
        if self.cut is not None:
            return self.cut
        return _limit(self.requests[0]) or len(self.document)

    def _turn(self, payload: Payload, said: str) -> Turn:
        growth = _growth(self.requests[0], payload)
        document, at = self._place(said) if said else (self.document, 0)
        return Turn(
            document,
            at,
            number=len(self.requests) - 1,
            seed=self.seed,
            constrained="response_format" in payload,
            ended=self._ended,
            cut=self._first,
            growth=growth,
        )

    def _place(self, said: str) -> tuple[str, int]:
        """Which text this is the beginning of, and how much of it."""
        for so_far in (said, said.rstrip()):
            for version in reversed(self.versions):
                if version.startswith(so_far):
                    return version, len(so_far)
        for version in reversed(self.versions):
            length = _overlap(said, version)
            if length >= LEAST_OVERLAP and version.count(said[-length:]) == 1:
                return version, version.index(said[-length:]) + length
        return self.document, 0

    def _prefilled(self, payload: Payload, turn: Turn) -> SimulatedReply:
        last = payload["messages"][-1]
        sent = _text(last)
        mode, _, flag = self.prefill.partition(":")
        if mode == "refused":
            return SimulatedReply(status=400, error=NO_PREFILL)
        if mode == "strict_whitespace" and sent != sent.rstrip():
            return SimulatedReply(status=400, error=TRAILING_SPACE)
        if flag == "continue_final_message" and payload.get(flag):
            if payload.get("add_generation_prompt", True):
                return SimulatedReply(status=400, error=BOTH_FLAGS)
        elif mode == "ignored" or (flag and not last.get(flag)):
            return self._finished(payload, turn, (afresh,))
        if mode == "as_continue":
            turn = replace(turn, prompt="continue")
            return self._finished(payload, turn, self.behaviour.traits)
        reply = self._finished(payload, turn, (rewording,) if mode == "sampled" else ())
        if mode == "native_echo" or (mode == "llama.cpp" and not payload.get("stream")):
            return replace(reply, text=sent + reply.text)
        return reply

    def _finished(self, payload: Payload, turn: Turn, traits: tuple[Trait, ...]) -> SimulatedReply:
        """What comes of the traits, counted."""
        part = self._first if self.cut is None and self.part is None else self.part
        limit = None if part is None else max(1, int(part * turn.growth))
        draft = Draft(body=turn.rest, limit=limit)
        for trait in (*traits, *self.behaviour.always):
            draft = trait(turn, draft)
        if draft.error:
            return SimulatedReply(status=400, error=draft.error)
        self._ended |= draft.whole and bool(draft.body)
        if draft.version is not None:
            self.versions.append(draft.version)
        finish = draft.finish if draft.whole else draft.cut_finish
        usage = _usage(payload, draft) if draft.counted else None
        return SimulatedReply(draft.text, finish, usage, draft.reasoning)


def _behaviour(name: str) -> Behaviour:
    if name not in BEHAVIOURS:
        near = get_close_matches(name, BEHAVIOURS, 3, 0) or BEHAVIOURS
        raise ValidationError(
            f"there is no behaviour {name!r}; near it: {', '.join(near)}. BEHAVIOURS has them all"
        )
    return BEHAVIOURS[name]


def _streamed(said: SimulatedReply, pieces: _Pieces, payload: Payload) -> Reply:
    thoughts = [{"reasoning_content": piece} for piece in pieces.of(said.reasoning)]
    options: Mapping[str, Any] = payload.get("stream_options") or {}
    return stream(
        *thoughts,
        *pieces.of(said.text),
        finish_reason=said.finish_reason,
        usage=(options.get("include_usage") and said.usage) or False,
    )


def _message(said: SimulatedReply, pieces: _Pieces | None) -> Reply:
    """The reply as Anthropic's API has it; a stream where there are pieces."""
    if said.status != 200:
        return refuse_message(said.status, "invalid_request_error", said.error)
    word = said.finish_reason
    reason = STOP_REASONS.get(word, word) if word else None
    usage = None
    if said.usage:
        names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
        usage = {name: said.usage[ours] for name, ours in names.items()}
    if pieces is None:
        return message(said.text, stop_reason=reason, usage=usage)
    return message_stream(pieces.of(said.text), stop_reason=reason, usage=usage)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Cuts texts into pieces of 1 to 12 characters."""

    chance: random.Random

    def of(self, text: str) -> list[str]:
        pieces: list[str] = []
        while text:
            size = self.chance.randint(1, 12)
            pieces.append(text[:size])
            text = text[size:]
        return pieces


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _growth(first: Payload, payload: Payload) -> float:
    """How many times the first request's limit this one's is; 1 where one of them has none."""
    before, now = _limit(first), _limit(payload)
    return now / before if before and now else 1.0


def _limit(payload: Payload) -> int | None:
    """The most tokens that a request asks for; None where it does not say."""
    limit: int | None = payload.get("max_tokens") or payload.get("max_completion_tokens")
    return limit


def _overlap(said: str, text: str) -> int:
    """How many characters of the end of `said` occur in `text`."""
    low, high = 0, len(said)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if said[-middle:] in text else (low, middle - 1)
    return low


def _value(text: str) -> object:
    """JSON as a value that keeps the order and the number of its keys; None where it is none."""
    try:
        return json.loads(text, object_pairs_hook=tuple)
    except ValueError:
        return None


def _usage(payload: Payload, draft: Draft) -> dict[str, Any]:
    prompt = sum(len(_text(message)) for message in payload["messages"])
    written = len(draft.text) + len(draft.reasoning)
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
    }
    if draft.reasoning:
        usage["completion_tokens_details"] = {"reasoning_tokens": len(draft.reasoning)}
    return usage
