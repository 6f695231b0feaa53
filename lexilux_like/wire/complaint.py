"""What an error object says: the words, code and type in it, whatever its shape."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .document import is_array, is_object
from .http import Response

MESSAGE_FIELDS = ("message", "msg", "error", "detail", "errors", "status_msg", "title")
TEXT_READ = 8_192

MINIMAX: dict[int, int] = {
    1000: 500,  # unknown error
    1001: 504,  # timeout
    1002: 429,  # requests per minute
    1004: 401,
    1008: 402,  # no balance
    1013: 500,
    1024: 500,
    1026: 400,  # the prompt was filtered
    1027: 400,  # the answer was filtered
    1033: 500,
    1039: 429,  # tokens per minute
    1041: 429,  # connections
    1042: 400,  # invisible characters
    2013: 400,
    2045: 429,  # the rate grows too fast
    2049: 401,
    2056: 402,  # the plan's share of these hours
}
"""The numbers in `base_resp`, and the HTTP status that says the same.

https://platform.minimax.io/docs/api-reference/errorcode; 1013 and the meaning of 1039 are from
its Chinese edition.
"""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error object says, in whatever shape it came."""

    message: str = ""
    code: str | int | None = None
    type: str | None = None
    param: str | None = None
    status: int | None = None
    """The HTTP status that it names itself."""
    cause: str = ""
    """What a gateway passes on from the provider behind it."""


def find_error(document: object) -> object | None:
    """The error object that a document is or holds, in any known shape; None if there is none."""
    if is_array(document):  # Google
        return find_error(document[0]) if len(document) == 1 else None
    if not is_object(document):
        return None
    if document.get("error") or _minimax(document):
        return document
    if document.get("choices"):
        return None
    kinds = (document.get("object"), document.get("type"))  # vLLM, Anthropic
    if "error" in kinds or document.get("error") is not None:
        return document
    if document.get("detail") or document.get("errors"):  # FastAPI, Cloudflare
        return document
    says = document.get("message") or document.get("msg")
    coded = document.keys() & {"code", "status", "statusCode", "status_code"}
    return document if isinstance(says, str) and coded else None


def read_error(error: object) -> Complaint:
    """The words of an error object, or of a text that stands for one."""
    if is_array(error) and len(error) == 1:
        error = error[0]
    if not is_object(error):
        return Complaint(_words(error))
    outer = error
    inner = _inner(_inner(outer))
    refused = _minimax(outer) if inner is outer else None
    if refused is not None:
        return Complaint(
            _words(refused.get("status_msg")),
            code := refused["status_code"],
            status=MINIMAX.get(int(code)),
        )
    code = _first(inner, outer, "code", (str, int))
    kind = _first(inner, outer, "type", str) or _first(inner, outer, "error_type", str)
    metadata = inner.get("metadata")
    return Complaint(
        next((text for name in MESSAGE_FIELDS if (text := _words(inner.get(name)))), ""),
        code,
        kind,
        _first(inner, outer, "param", str),
        _status(
            code,
            inner.get("status"),
            inner.get("status_code"),
            inner.get("http_code"),  # MiniMax
            outer.get("status"),
        ),
        _words(metadata.get("raw")) if is_object(metadata) else "",
    )


def body_text(response: Response) -> str:
    """The words of a body that is not JSON: all of a plain text, the title of a page."""
    text = response.body.decode("utf-8-sig", "replace").strip()
    if "html" not in response.headers.get("content-type", "").lower() and text[:1] != "<":
        return text
    page = text[:TEXT_READ]
    title = re.search(r"<title[^<>]*>([^<]+)", page, re.IGNORECASE)
    words = (
        title[1]
        if title
        else re.sub(
            r"<(style|script)\b.*?</\1>|<[^<>]*>", " ", page, flags=re.IGNORECASE | re.DOTALL
        )
    )
    return " ".join(html.unescape(words).split())


def _minimax(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """MiniMax's verdict on a request, where it is not 0, which is success."""
    verdict = document.get("base_resp")
    if not is_object(verdict) or not re.fullmatch(
        r"[1-9][0-9]{0,8}", str(verdict.get("status_code"))
    ):
        return None
    return verdict


def _inner(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that holds the words: the error itself, or one inside it."""
    for name in ("error", "detail", "errors"):
        value = error.get(name)
        if is_array(value) and len(value) == 1 and name == "errors":
            value = value[0]
        if is_object(value):
            return value
    return error


def _first(
    inner: Mapping[str, Any], outer: Mapping[str, Any], name: str, kinds: type | tuple[type, ...]
) -> Any:
    for each in (inner.get(name), outer.get(name)):
        if isinstance(each, kinds) and not isinstance(each, bool):
            return each
    return None


def _status(*values: object) -> int | None:
    """The first that is an HTTP status of 4xx or 5xx, as a number or as text."""
    for value in values:
        if isinstance(value, (int, str)) and re.fullmatch(r"[45][0-9]{2}", str(value)):
            return int(value)
    return None


def _words(value: object, depth: int = 3) -> str:
    """The text in a JSON value of any shape; empty if it has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if not depth:
        return ""
    if is_array(value):
        return "; ".join(filter(None, (_words(each, depth - 1) for each in value[:20])))
    if is_object(value):
        place = value.get("loc")
        where = [_words(each, 0) for each in place] if is_array(place) else []
        texts = (_words(value.get(name), depth - 1) for name in MESSAGE_FIELDS)
        return ": ".join(filter(None, (".".join(where), next(filter(None, texts), ""))))
    return ""
