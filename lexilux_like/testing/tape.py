"""Recorded exchanges: what is kept of a request and its answer, and the file that holds them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

from ..values.errors import ValidationError
from .script import Pause, Send, Step

Scrub: TypeAlias = Callable[[Any], Any]
"""What is kept and compared of a request's JSON body; must not change what it is given."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, without its headers and without the query of its URL: keys stand there."""

    method: str
    path: str
    """Behind the base_url: `/chat/completions`."""
    body: Any
    """As JSON; a text where it is none, and None where there is none."""

    @classmethod
    def of(cls, method: str, path: str, body: bytes, scrub: Scrub | None) -> Self:
        """A request as it is kept.

        Args:
            method: Of the request.
            path: Behind the base_url; its query is dropped.
            body: As it came.
            scrub: Applied to the body where it is JSON.
        """
        value: Any = None
        if body:
            try:
                value = json.loads(body)
            except ValueError:
                value = body.decode(errors="backslashreplace")
            else:
                value = value if scrub is None else scrub(value)
        return cls(method, path.partition("?")[0], value)

    @property
    def key(self) -> str:
        """The same for requests that say the same, whatever the order of their members."""
        return json.dumps([self.method, self.path, self.body], sort_keys=True)

    @property
    def lines(self) -> list[str]:
        """For people, and to be compared line by line."""
        body = json.dumps(self.body, ensure_ascii=False, indent=1, sort_keys=True)
        return [f"{self.method} {self.path}", *body.splitlines()]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    asked: Asked
    status: int
    headers: Mapping[str, str]
    body: bytes
    """As it came, without its transfer and content encodings."""
    ended: bool = True
    """False where the connection broke, or the client hung up, before the body's end."""
    writes: Sequence[tuple[float, int]] | None = None
    """When each part of the body came, in seconds from the head on, and its bytes; None where
    the recorder was not to keep the time."""

    @property
    def steps(self) -> list[Step]:
        """The body as steps of a reply, with the pauses there were."""
        if self.writes is None:
            parts = self.body.split(b"\n\n")
            events = [part + b"\n\n" for part in parts[:-1]]
            return [Send(part) for part in (*events, parts[-1]) if part]
        steps: list[Step] = []
        begin, before = 0, 0.0
        for at, size in self.writes:
            steps += [Pause(max(0.0, at - before)), Send(self.body[begin : begin + size])]
            begin, before = begin + size, at
        return steps

    def line(self) -> str:
        """As a line of a file, without its end."""
        response: dict[str, Any] = {"status": self.status, "headers": dict(self.headers)}
        try:
            response["body"] = self.body.decode()
        except UnicodeDecodeError:
            response["body_base64"] = base64.b64encode(self.body).decode()
        if not self.ended:
            response["ended"] = False
        if self.writes is not None:
            response["writes"] = [[round(at, 4), size] for at, size in self.writes]
        request = {
            "method": self.asked.method,
            "path": self.asked.path,
            "body": self.asked.body,
        }
        return json.dumps({"request": request, "response": response}, ensure_ascii=False)

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Read a line back.

        Raises:
            KeyError, TypeError, ValueError: It is not such a line.
        """
        value = json.loads(line)
        request, response = value["request"], value["response"]
        coded = response.get("body_base64")
        writes = response.get("writes")
        return cls(
            Asked(request["method"], request["path"], request["body"]),
            int(response["status"]),
            {str(name): str(text) for name, text in response["headers"].items()},
            response["body"].encode() if coded is None else base64.b64decode(coded),
            response.get("ended", True),
            None if writes is None else [(float(at), int(size)) for at, size in writes],
        )


def read_exchanges(path: Path | str) -> list[Exchange]:
    """All exchanges of a file, in order.

    Raises:
        ValidationError: There is no such file, or a line of it is not a recorded exchange.
    """
    try:
        text = Path(path).read_text("utf-8")
    except FileNotFoundError:
        raise ValidationError(
            f"nothing is recorded in {str(path)!r}; a Recorder writes it"
        ) from None
    exchanges: list[Exchange] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            exchanges.append(Exchange.of_line(line))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValidationError(
                f"line {number} of {str(path)!r} is not a recorded exchange: {error!r}; record anew"
            ) from error
    return exchanges
