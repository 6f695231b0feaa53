"""What an item may be, and what it asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..turns.shape import as_json, wanted_type
from ..values.errors import ValidationError
from ..values.messages import Conversation, MessagesLike, is_mapping, is_sequence
from ..values.options import SamplingOptions, check_options
from ..values.request import AnyOptions, resolve
from ..values.results import Json
from ..values.tools import encode_tool_choice, encode_tools
from .options import Plan

_WIRE = SamplingOptions.__optional_keys__ | {"model", "n"}
"""The fields of a batch line's body that are options by the same name."""

_FORMS = (
    "an item is a prompt, a list of messages, or a mapping with 'prompt' or 'messages' (for rows of"
    " other columns pass column= or template=)"
)


@dataclass(frozen=True, slots=True)
class Question:
    """What an item asks."""

    messages: MessagesLike
    options: Mapping[str, Any]
    """Of the call: those of the batch, and the item's own over them."""
    id: str | None = None


def question(item: object, plan: Plan) -> Question:
    """What an item asks.

    Raises:
        ValidationError: It has none of the forms of an item, or an option that is not known.
    """
    if isinstance(item, str | Conversation) or is_sequence(item):
        if plan.column is not None or plan.template is not None:
            raise ValidationError(f"column= and template= are for rows, and this is {item!r}")
        return Question(cast("MessagesLike", item), plan.asking)
    if not is_mapping(item):
        raise ValidationError(f"{_FORMS}, not {item!r}")
    if plan.column is not None or plan.template is not None:
        return Question(_prompt(item, plan), plan.asking, identity(item))
    if "body" in item:
        return _batch_line(item, plan)
    if "role" in item or ("type" in item and not {"prompt", "messages"} & item.keys()):
        return Question([item], plan.asking)
    return _described(item, plan)


def identity(item: object) -> str | None:
    """The item's own id, a text; None where it has none.

    Raises:
        ValidationError: It is a mapping or a list.
    """
    if not is_mapping(item):
        return None
    name = "custom_id" if "custom_id" in item else "id"
    value = item.get(name)
    if value is None or value == "":
        return None
    if is_mapping(value) or is_sequence(value):
        raise ValidationError(f"{name!r} must be a text or a number, not {value!r}")
    return str(value)


def _prompt(row: Mapping[str, Any], plan: Plan) -> MessagesLike:
    """The prompt that a row stands for."""
    columns = ", ".join(map(repr, row))
    try:
        if plan.template is not None:
            return plan.template.format_map(row)
        value = row[str(plan.column)]
    except KeyError as error:
        raise ValidationError(f"there is no column {error}; the columns are {columns}") from None
    except (ValueError, IndexError, AttributeError) as error:
        raise ValidationError(f"template={plan.template!r}: {error}") from error
    if value is None:
        raise ValidationError(f"column {plan.column!r} is empty")
    return value if is_sequence(value) or is_mapping(value) else str(value)


def _described(item: Mapping[str, Any], plan: Plan) -> Question:
    if len({"prompt", "messages"} & item.keys()) != 1:
        raise ValidationError(f"{_FORMS}; this one has {', '.join(map(repr, item))}")
    own = {k: v for k, v in item.items() if k not in {"prompt", "messages", "id"}}
    _check(own, plan)
    messages = item["prompt"] if "prompt" in item else item["messages"]
    if messages is None:
        raise ValidationError("the prompt is None: pass a text or messages")
    return Question(messages, {**plan.asking, **own}, identity(item))


def _check(own: Mapping[str, Any], plan: Plan) -> None:
    """Refuse an option of an item that the method does not take."""
    try:
        check_options(own, plan.takes)
    except TypeError as error:
        raise ValidationError(f"this item: {error}") from None


def _batch_line(item: Mapping[str, Any], plan: Plan) -> Question:
    """A line of OpenAI's batch files: https://platform.openai.com/docs/guides/batch ."""
    body, url = item["body"], str(item.get("url", "/v1/chat/completions"))
    if not url.endswith("/chat/completions"):
        raise ValidationError(f"url={url!r}: only chat completions can be asked")
    if not is_mapping(body) or "messages" not in body:
        raise ValidationError("the body of a batch line is a mapping with 'messages'")
    own = {k: v for k, v in body.items() if k in _WIRE}
    rest = {k: v for k, v in body.items() if k not in _WIRE | {"messages", "stream"}}
    if rest:
        own["extra"] = {**(plan.asking.get("extra") or {}), **rest}
    _check(own, plan)
    return Question(body["messages"], {**plan.asking, **own}, identity(item))


def fingerprint(asked: Question, plan: Plan) -> bytes:
    """16 bytes that are the same where id, messages and what decides the answer are the same.

    Model, sampling, tools, reasoning, extra fields and the method decide it; address, key, headers
    and time limits do not.

    Raises:
        ValidationError: The request is not valid, or cannot be written as JSON.
    """
    options = cast("AnyOptions", asked.options)
    kind = wanted_type(options)
    request = resolve(
        asked.messages, options if kind is None else as_json(options), default_model=plan.model
    )
    fields = dict(request.options)
    if "tool_choice" in fields:
        fields["tool_choice"] = encode_tool_choice(fields["tool_choice"], fields.get("tools"))
    if "tools" in fields:
        fields["tools"] = encode_tools(fields["tools"])
    told: Json = {
        "id": asked.id,
        "method": plan.method,
        "model": request.model,
        "messages": request.messages,
        "options": fields,
        "extra": request.extra,
        "reasoning": request.reasoning,
        "expect": asked.options.get("expect"),
        "type": kind and kind.json_schema_format,
    }
    try:
        text = json.dumps(told, sort_keys=True, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationError(f"a message cannot be written as JSON: {error}") from error
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def numbered(key: bytes, count: int) -> bytes:
    """The key of the item that has `count` equal ones before it."""
    if not count:
        return key
    return hashlib.blake2b(key + count.to_bytes(8), digest_size=16).digest()


def _plain(value: object) -> Any:
    """Mappings and sequences that `json` does not know."""
    if is_mapping(value):
        return dict(value)
    if is_sequence(value):
        return list(value)
    raise TypeError(f"{value!r} is not JSON")
