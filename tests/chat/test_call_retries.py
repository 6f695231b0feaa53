"""`max_retries` of one call takes the place of the client's."""

from __future__ import annotations

from typing import Any

import pytest
from sockets import instantly  # noqa: F401 - a fixture for each test

from lexilux_like import Chat, ServerError, ValidationError
from lexilux_like.testing import ScriptedServer, refuse
from lexilux_like.testing.door import Doors

METHODS = ("call", "stream", "complete", "complete_stream", "parse", "run_tools")


def now() -> str:
    """The time of day."""
    return "noon"


BUSY = refuse(503, "busy", headers={"retry-after-ms": "1"})


def asked(door: Doors, method: str, *, client: dict[str, Any], **options: Any) -> None:
    options |= {"parse": {"kind": int}, "run_tools": {"tools": [now]}}.get(method, {})
    if method not in {"call", "stream"}:
        options["resume"] = "off"  # else there are two resumes
    with pytest.raises(ServerError):
        getattr(door(**client), method)("x", **options)


@pytest.mark.parametrize(("client", "call", "requests"), [(0, 2, 3), (3, 0, 1), (2, None, 3)])
@pytest.mark.parametrize("method", METHODS)
def test_it_wins_over_the_clients(
    door: Doors,
    scripted_server: ScriptedServer,
    method: str,
    client: int,
    call: int | None,
    requests: int,
):
    scripted_server.always(BUSY)
    asked(door, method, client={"max_retries": client}, max_retries=call)
    assert len(scripted_server.requests) == requests


def test_it_holds_for_the_fallbacks_too(door: Doors, scripted_server: ScriptedServer):
    scripted_server.always(BUSY)
    with ScriptedServer() as second:
        second.always(BUSY)
        with Chat(base_url=second.url, model="m", proxies={}, max_retries=5) as other:
            asked(door, "call", client={"fallbacks": [other]}, max_retries=1)
    assert (len(scripted_server.requests), len(second.requests)) == (2, 2)


def test_the_next_call_has_the_clients_again(door: Doors, scripted_server: ScriptedServer):
    scripted_server.always(BUSY)
    patient = door(max_retries=1)
    for options in ({"max_retries": 0}, {}):
        with pytest.raises(ServerError):
            patient.call("x", **options)
    assert len(scripted_server.requests) == 3


@pytest.mark.parametrize("retries", [-1, 1.5, True, "2"])
def test_what_is_no_count_is_refused(door: Doors, scripted_server: ScriptedServer, retries: Any):
    with pytest.raises(ValidationError, match="max_retries"):
        door().call("x", max_retries=retries)
    assert not scripted_server.requests
