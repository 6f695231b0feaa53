"""`lexilux-like batch`: a JSON line for each item, and an exit code for all."""

from __future__ import annotations

import json
import signal
import threading
from decimal import Decimal

import pytest

from lexilux_like.batch import Outcome, Totals
from lexilux_like.cli import batch
from lexilux_like.testing import Reply, Wait, answer, refuse, stream


@pytest.fixture
def echo(scripted_server):
    """A server that answers with the question, and refuses the word "bad"."""

    def reply(request) -> Reply:
        asked = request.json["messages"][-1]["content"]
        if asked == "bad":
            return refuse(400, "not so")
        return stream(asked) if request.json.get("stream") else answer(asked)

    scripted_server.always(reply)
    return scripted_server


def outcomes(done) -> list[dict]:
    return [json.loads(line) for line in done.out.splitlines()]


def test_each_line_of_stdin_is_a_prompt(cli, echo):
    done = cli("batch", "-", stdin="one\n\ntwo\n")
    assert done.code == 0
    assert [each["text"] for each in outcomes(done)] == ["one", "two"]
    assert done.err == "2 answered, 0 failed, 2 tokens in, 4 out\n"


def test_items_of_a_file_have_their_ids(cli, echo):
    (cli.home / "in.jsonl").write_text('{"id": "a", "prompt": "one"}\n{"prompt": "two"}\n')
    done = cli("batch", "in.jsonl")
    found = [(each["index"], each["id"], each["line"], each["text"]) for each in outcomes(done)]
    assert found == [(0, "a", 1, "one"), (1, None, 2, "two")]


def test_a_column_of_a_table_is_put_into_a_template(cli, echo):
    (cli.home / "in.csv").write_text("word,tongue\nrain,French\n")
    done = cli("batch", "in.csv", "--template", "{word} in {tongue}")
    assert outcomes(done)[0]["text"] == "rain in French"
    assert outcomes(cli("batch", "in.csv", "--column", "word"))[0]["text"] == "rain"


def test_the_sum_says_what_it_cost_and_what_has_no_price(cli, echo):
    pytest.importorskip("genai_prices", reason="prices are in the extra prices")
    done = cli("batch", "-", "--cost", stdin="one\ntwo\n")
    assert "4 out, $0 (2 without a known price) by genai-prices " in done.err


def test_a_cost_is_written_out_in_digits():
    totals = Totals(ok=1, cost=Decimal("0.0000001"))
    assert batch._told(totals).startswith("1 answered, 0 failed, $0.0000001 by genai-prices ")
    outcome = Outcome(index=0, item="one", cost=Decimal("0.0000001"))
    assert json.loads(batch._line(outcome))["cost"] == "0.0000001"


def test_what_fails_is_a_line_too_and_exits_4(cli, echo):
    done = cli("batch", "-", stdin="one\nbad\ntwo\n")
    one, bad, two = outcomes(done)
    assert done.code == 4
    assert (one["ok"], bad["ok"], two["ok"]) == (True, False, True)
    assert bad["error"] == "InvalidRequestError"
    assert "not so" in bad["message"]
    assert done.err.startswith("2 answered, 1 failed")


def test_an_answer_that_is_not_whole_exits_4(cli, scripted_server):
    scripted_server.always(answer("Once", finish_reason="length"))
    done = cli("batch", "-", stdin="one\n")
    assert (done.code, outcomes(done)[0]["status"]) == (4, "truncated")
    assert done.err.startswith("1 answered (1 not whole), 0 failed")


def test_a_journal_saves_asking_again(cli, echo):
    first = cli("batch", "-", "--journal", "run.jsonl", stdin="one\nbad\n")
    again = cli("batch", "-", "--journal", "run.jsonl", stdin="one\nbad\n")
    assert (first.code, again.code) == (4, 4)
    assert [each["resumed"] for each in outcomes(again)] == [True, False]
    assert len(echo.requests) == 3
    assert "1 of them from the journal" in again.err
    assert cli.key not in (cli.home / "run.jsonl").read_text()


def test_keep_failed_leaves_failures_as_they_are(cli, echo):
    cli("batch", "-", "--journal", "run.jsonl", stdin="bad\n")
    again = cli("batch", "-", "--journal", "run.jsonl", "--keep-failed", stdin="bad\n")
    assert (again.code, outcomes(again)[0]["resumed"]) == (4, True)
    assert len(echo.requests) == 1


def test_a_schema_gives_a_value_for_each(cli, scripted_server):
    scripted_server.always(stream('{"n": 1}'))
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    (cli.home / "n.json").write_text(json.dumps(schema))
    done = cli("batch", "-", "--schema", "n.json", stdin="one\n")
    assert (done.code, outcomes(done)[0]["value"]) == (0, {"n": 1})


def test_complete_asks_as_complete_does(cli, echo):
    cli("batch", "-", "--complete", stdin="one\n")
    assert echo.requests[0].json["stream"] is True


def test_options_hold_for_every_item(cli, echo):
    cli("batch", "-", "--max-tokens", "5", "-t", "0", "-s", "Be brief.", stdin="one\ntwo\n")
    for request in echo.requests:
        assert (request.json["max_tokens"], request.json["temperature"]) == (5, 0)
        assert request.json["messages"][0]["content"] == "Be brief."


def test_no_more_than_concurrency_are_asked_at_once(cli, scripted_server):
    most, now, lock = [0], [0], threading.Lock()

    def reply(_request) -> Reply:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.02)
        with lock:
            now[0] -= 1
        return answer("x")

    scripted_server.always(reply)
    assert cli("batch", "-", "-c", "2", stdin="x\n" * 9).code == 0
    assert most[0] == 2


def test_what_no_item_can_pass_stops_the_batch_and_exits_1(cli, scripted_server):
    scripted_server.always(refuse(401, "wrong key"))
    done = cli("batch", "-", "-c", "1", stdin="x\n" * 500)
    assert done.code == 1
    assert len(scripted_server.requests) < 100
    assert "wrong key" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.jsonl",), "none.jsonl"),
        (("in.txt",), "its suffix must be one of"),
        (("-", "--column", "a"), "--column and --template are for files"),
        (("-", "--concurrency", "0"), "concurrency=0"),
    ],
)
def test_what_is_wrong_beforehand_exits_2(cli, scripted_server, words, said):
    (cli.home / "in.txt").write_text("x\n")
    done = cli("batch", *words, stdin="x\n")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert scripted_server.requests == []


def test_ctrl_c_keeps_what_was_answered(cli, scripted_server):
    scripted_server.play(answer("one"), Reply(steps=[Wait(threading.Event())]))
    (cli.home / "in.jsonl").write_text('{"prompt": "a"}\n{"prompt": "b"}\n')
    with cli.start("batch", "in.jsonl", "-c", "1", "--journal", "run.jsonl") as child:
        assert json.loads(child.stdout.readline())["text"] == "one"
        assert scripted_server.wait_for_requests(2, 5)
        child.send_signal(signal.SIGINT)
        assert child.wait(5) == 130
    scripted_server.play(answer("two"))
    done = cli("batch", "in.jsonl", "--journal", "run.jsonl")
    assert [each["text"] for each in outcomes(done)] == ["one", "two"]
