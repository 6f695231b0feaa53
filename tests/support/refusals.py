"""Errors made from what a server might send."""

from __future__ import annotations

import json

from lexilux_like.values.errors import APIError
from lexilux_like.wire.failure import event_error, status_error
from lexilux_like.wire.http import Response


def refused(
    body: object, status: int = 400, kind: str = "application/json", **headers: str
) -> APIError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status_error(Response(status, {"content-type": kind, **named}, data))


def inside(error: object, **headers: str) -> APIError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return event_error(error, data=b"{}", status=200, headers=named)
