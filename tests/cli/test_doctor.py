"""`lexilux-like doctor`: a row for each check, and what each one is decided by."""

from __future__ import annotations

import json
import re

import pytest
from sockets import Model

from lexilux_like.testing import Reply, answer, json_reply, refuse, stream

NUMBERS = ", ".join(
    f"{ten}-{one}"
    for ten in ("twenty", "thirty", "forty", "fifty")
    for one in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
)
COLOURS = '{"colours": ["red", "green", "blue"]}'


class Provider:
    """A server that can do everything, unless a part of it is replaced."""

    def __init__(self, **parts) -> None:
        self.parts = {
            "models": json_reply({"data": [{"id": "m"}, {"id": "n"}]}),
            "call": answer("Hello"),
            "stream": stream("one ", "two"),
            "prefill": Model(NUMBERS, cut=200, part=200),
            "schema": stream(COLOURS),
            **parts,
        }

    def __call__(self, request) -> Reply:
        part = self.parts[self.kind(request)]
        return part if isinstance(part, Reply) else part(request)

    @staticmethod
    def kind(request) -> str:
        if request.method == "GET":
            return "models"
        asked = json.dumps(request.json)
        if "hundred" in asked:
            return "prefill"
        if "colours" in asked:
            return "schema"
        return "stream" if request.json.get("stream") else "call"


def rows(done) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads(done.out)}


def states(done) -> dict[str, str]:
    return {name: row["state"] for name, row in rows(done).items()}


def test_everything_works(cli, scripted_server):
    scripted_server.always(Provider())
    done = cli("doctor", "--json")
    assert (done.code, set(states(done).values())) == (0, {"ok"})
    assert list(rows(done)) == [
        *("base_url", "key", "models", "call", "stream", "prefill", "JSON schema")
    ]


def test_a_row_is_a_line_for_people(cli, scripted_server):
    scripted_server.always(Provider())
    done = cli("doctor")
    lines = done.out.splitlines()
    assert re.fullmatch(r"base_url    ok       \d+\.\d\d s  answered 200", lines[0])
    assert re.fullmatch(r"key         ok       \d+\.\d\d s  from LEXILUX_API_KEY", lines[1])
    assert re.fullmatch(r"models      ok       \d+\.\d\d s  2, 'm' among them", lines[2])


def test_it_says_beforehand_how_much_it_asks_and_keeps_to_it(cli, scripted_server):
    scripted_server.always(Provider())
    done = cli("doctor")
    most = int(re.search(r"at most (\d+) requests", done.err)[1])
    tokens = int(re.search(r"at most (\d+) tokens", done.err)[1])
    assert len(scripted_server.requests) <= most
    bodies = [each.json for each in scripted_server.requests if each.method == "POST"]
    assert all(0 < body["max_tokens"] <= tokens for body in bodies)


def test_the_list_is_asked_for_as_the_settings_say(cli, scripted_server):
    scripted_server.always(refuse(401, "no"))
    cli.config('[profiles.mine.headers]\nx-team = "blue"\n')
    base_url = scripted_server.url.removesuffix("/v1")
    cli("doctor", "--profile", "mine", "-p", "anthropic", "--base-url", base_url)
    asked = scripted_server.requests[0]
    assert asked.path.startswith("/v1/models")
    assert (asked.headers["x-api-key"], asked.headers["x-team"]) == (cli.key, "blue")


def test_the_list_has_no_longer_than_the_settings_say(cli, scripted_server):
    scripted_server.always(Reply(head_delay=0.3))
    row = rows(cli("doctor", "--json", "--timeout", "0.1"))["base_url"]
    assert (row["state"], row["found"]) == ("failed", "no whole answer came within 0.1 s")


def test_no_server_fails_at_once(cli, scripted_server):
    scripted_server.close()
    done = cli("doctor", "--json")
    assert (done.code, states(done)) == (1, {"base_url": "failed"})


def test_a_refused_key_fails_and_is_named_by_its_source_only(cli, scripted_server):
    scripted_server.always(refuse(401, f"wrong key {cli.key}"))
    done = cli("doctor", "--json")  # the fixture looks for the key
    assert done.code == 1
    assert states(done)["key"] == "failed"
    assert "LEXILUX_API_KEY" in rows(done)["key"]["found"]
    assert len(scripted_server.requests) == 2


def test_a_server_without_a_list_is_asked_all_the_same(cli, scripted_server):
    scripted_server.always(Provider(models=refuse(404, "no such page")))
    done = cli("doctor", "--json")
    assert (done.code, states(done)["models"], states(done)["call"]) == (0, "unknown", "ok")


def test_a_model_that_is_not_listed_brings_a_hint(cli, scripted_server):
    scripted_server.always(Provider())
    row = rows(cli("doctor", "--json", "--model", "other"))["models"]
    assert (row["state"], row["hint"]) == ("unknown", "there is: m, n")


def test_an_unknown_model_fails_with_a_hint_and_ends_it(cli, scripted_server):
    scripted_server.always(Provider(call=refuse(404, "no such model")))
    done = cli("doctor", "--json")
    assert (done.code, list(states(done))[-1]) == (1, "call")
    assert "is there such a model" in rows(done)["call"]["hint"]


def test_a_stream_that_is_cut_fails(cli, scripted_server):
    scripted_server.always(Provider(stream=stream("one", finish_reason=None, done=False)))
    done = cli("doctor", "--json")
    assert (done.code, states(done)["stream"]) == (1, "failed")


@pytest.mark.parametrize("mode", ["refused", "ignored", "needs_flag:prefix"])
def test_a_prefill_that_does_not_work_is_told_and_is_not_fatal(cli, scripted_server, mode):
    model = Model(NUMBERS, cut=200, part=200, prefill=mode)
    scripted_server.always(Provider(prefill=model))
    done = cli("doctor", "--json")
    assert (done.code, states(done)["prefill"]) == (0, "failed")


def test_a_prefill_that_is_echoed_works(cli, scripted_server):
    model = Model(NUMBERS, cut=200, part=400, prefill="native_echo")
    scripted_server.always(Provider(prefill=model))
    assert states(cli("doctor", "--json"))["prefill"] == "ok"


def test_an_answer_that_is_not_cut_leaves_prefill_unknown(cli, scripted_server):
    scripted_server.always(Provider(prefill=stream("one, two, three")))
    assert states(cli("doctor", "--json"))["prefill"] == "unknown"


def test_a_schema_that_is_not_kept_is_told_and_is_not_fatal(cli, scripted_server):
    scripted_server.always(Provider(schema=stream("Red, green and blue.")))
    done = cli("doctor", "--json")
    assert (done.code, states(done)["JSON schema"]) == (0, "failed")


def test_without_settings_it_exits_2(cli):
    del cli.environ["LEXILUX_MODEL"]
    assert cli("doctor").code == 2
