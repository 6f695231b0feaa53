"""`lexilux-like complete`: a whole answer on stdout, or nothing there."""

from __future__ import annotations

import json
import signal
import threading

import pytest
from sockets import PART, STORY, Model

from lexilux_like.testing import Wait, events, refuse, stream

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"$ref": "#/$defs/age"}},
    "required": ["name", "age"],
    "additionalProperties": False,
    "$defs": {"age": {"type": "integer", "minimum": 0}},
}
ALICE = '{"name": "Alice", "age": 30}'


def schema(cli, document: object) -> str:
    (cli.home / "person.json").write_text(json.dumps(document))
    return "person.json"


def test_a_whole_answer_is_one_json_object(cli, scripted_server):
    scripted_server.play(stream("Hello, Alice!"))
    done = cli("complete", "x")
    found = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert (found["text"], found["status"], found["requests"]) == ("Hello, Alice!", "complete", 1)


def test_text_is_the_text_alone(cli, scripted_server):
    scripted_server.play(stream("Hello"))
    assert cli("complete", "x", "--text").out == "Hello\n"


def test_value_is_the_json_and_nothing_around_it(cli, scripted_server):
    scripted_server.play(stream('Here it is: {"a": 1}'))
    done = cli("complete", "x", "--value")
    assert (done.code, json.loads(done.out)) == (0, {"a": 1})


def test_a_cut_answer_is_gone_on_from(cli, scripted_server):
    scripted_server.always(Model(cut=PART, part=PART))
    done = cli("complete", "x")
    found = json.loads(done.out)
    assert (done.code, found["text"], found["status"]) == (0, STORY, "complete")
    assert found["requests"] == len(scripted_server.requests) > 2


def test_an_incomplete_answer_leaves_stdout_empty_and_exits_3(cli, scripted_server):
    scripted_server.always(stream("Once upon", finish_reason="length"))
    done = cli("complete", "x", "--max-continues", "0")
    assert (done.code, done.out) == (3, "")
    part, error = done.err.splitlines()
    assert part == "Once upon"
    assert error.startswith("error: ")


def test_partial_keeps_an_incomplete_answer_in_a_file(cli, scripted_server):
    scripted_server.always(stream("Once upon", finish_reason="length"))
    done = cli("complete", "x", "--max-continues", "0", "--partial", "part.txt")
    assert (done.code, done.out) == (3, "")
    assert (cli.home / "part.txt").read_text() == "Once upon"
    assert "Once upon" not in done.err


def test_a_partial_file_that_cannot_be_written_loses_nothing(cli, scripted_server):
    scripted_server.always(stream("Once upon", finish_reason="length"))
    (cli.home / "folder").mkdir()
    done = cli("complete", "x", "--max-continues", "0", "--partial", "folder")
    assert done.code == 3
    assert "folder cannot be written" in done.err
    assert "Once upon" in done.err


def test_an_answer_that_fits_its_schema_is_printed_alone(cli, scripted_server):
    scripted_server.play(stream(ALICE))
    done = cli("complete", "x", "--schema", schema(cli, PERSON))
    assert (done.code, done.out) == (0, ALICE + "\n")


def test_the_schema_is_sent_with_its_references_resolved(cli, scripted_server):
    scripted_server.play(stream(ALICE))
    cli("complete", "x", "--schema", schema(cli, PERSON))
    form = scripted_server.requests[0].json["response_format"]
    assert form["json_schema"]["name"] == "person"
    sent = form["json_schema"]["schema"]["properties"]["age"]
    assert (sent["type"], sent["minimum"]) == ("integer", 0)


def test_an_answer_that_does_not_fit_is_asked_again(cli, scripted_server):
    scripted_server.play(stream('{"name": "Alice", "age": -1}'), stream(ALICE))
    done = cli("complete", "x", "--schema", schema(cli, PERSON))
    assert (done.code, done.out) == (0, ALICE + "\n")
    complaint = scripted_server.requests[1].json["messages"][-1]["content"]
    assert "age: -1 is less than the minimum of 0" in complaint


def test_an_answer_that_never_fits_exits_3(cli, scripted_server):
    scripted_server.always(stream('{"name": 1}'))
    done = cli("complete", "x", "--schema", schema(cli, PERSON))
    assert (done.code, done.out) == (3, "")
    assert '{"name": 1}' in done.err


@pytest.mark.parametrize("name", ["definitions", "$ref", "$id", "default", "enum"])
def test_a_property_may_be_called_as_a_keyword_is(cli, scripted_server, name):
    scripted_server.play(stream(json.dumps({name: "x"})))
    wanted = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}
    done = cli("complete", "x", "--schema", schema(cli, wanted))
    assert json.loads(done.out) == {name: "x"}
    (request,) = scripted_server.requests
    sent = request.json["response_format"]["json_schema"]["schema"]
    assert sent["properties"] == {name: {"type": "string"}}


def test_values_in_a_schema_are_no_schemas(cli, scripted_server):
    scripted_server.play(stream('{"a": {"$id": 1}}'))
    wanted = {"type": "object", "properties": {"a": {"enum": [{"$id": 1}, 2]}}}
    done = cli("complete", "x", "--schema", schema(cli, wanted))
    assert (done.code, done.out) == (0, '{"a": {"$id": 1}}\n')


def test_a_schema_of_a_list_gives_the_list(cli, scripted_server):
    scripted_server.play(stream('{"value": [1, 2]}'))
    wanted = {"type": "array", "items": {"type": "integer"}}
    done = cli("complete", "x", "--schema", schema(cli, wanted))
    assert (done.code, done.out) == (0, "[1, 2]\n")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"type": "objekt"}, "is not a JSON schema"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "to itself"),
        ({"$ref": "https://example.org/a.json"}, "which is not in the file"),
        ({"$ref": "#/$defs/none"}, "which is not in it"),
        (True, "says nothing of an answer"),
    ],
    ids=["no schema", "recursive", "elsewhere", "nowhere", "anything"],
)
def test_a_schema_that_cannot_be_used_exits_2(cli, scripted_server, document, words):
    done = cli("complete", "x", "--schema", schema(cli, document))
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert scripted_server.requests == []


def test_a_schema_that_is_not_there_exits_2(cli):
    done = cli("complete", "x", "--schema", "none.json")
    assert done.code == 2
    assert "none.json cannot be read" in done.err


def test_two_ways_of_printing_exit_2(cli, scripted_server):
    assert cli("complete", "x", "--text", "--value").code == 2
    assert scripted_server.requests == []


def test_an_error_of_the_server_exits_1(cli, scripted_server):
    scripted_server.always(refuse(401, "wrong key"))
    done = cli("complete", "x")
    assert (done.code, done.out) == (1, "")


def test_ctrl_c_leaves_what_was_joined_so_far_on_stderr(cli, scripted_server):
    scripted_server.play(Model(cut=PART, part=PART), events(Wait(threading.Event())))
    with cli.start("complete", "x") as child:
        assert scripted_server.wait_for_requests(2, 5)
        child.send_signal(signal.SIGINT)
        assert child.wait(5) == 130
        assert child.stdout.read() == b""
        part, stopped = child.stderr.read().decode().rsplit("\n", 2)[:2]
    assert len(part) > PART // 2
    assert STORY.startswith(part)
    assert stopped == "stopped"
