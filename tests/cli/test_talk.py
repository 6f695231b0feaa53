"""`lexilux-like chat` with lines that are piped in, and the conversations that it saves."""

from __future__ import annotations

import json
import signal
import subprocess
import threading

import pytest

from lexilux_like import ChatHistory
from lexilux_like.testing import Cut, Wait, chunk, events, refuse, stream


def saved(cli, name: str = "talk"):
    return json.loads((cli.data / "conversations" / f"{name}.json").read_text())


def said(document) -> list[tuple[str, str]]:
    history = ChatHistory.from_dict(document["history"])
    return [(message["role"], message["content"]) for message in history]


def contents(request) -> list[str]:
    return [message["content"] for message in request.json["messages"]]


def test_each_line_is_a_turn_that_knows_the_ones_before(cli, scripted_server):
    scripted_server.play(stream("Hello, Alice!"), stream("Alice."))
    done = cli("chat", stdin="I am Alice.\nWho am I?\n")
    assert (done.code, done.out, done.err) == (0, "Hello, Alice!\nAlice.\n", "")
    asked = contents(scripted_server.requests[1])
    assert asked == ["I am Alice.", "Hello, Alice!", "Who am I?"]


def test_quotes_hold_several_lines_together(cli, scripted_server):
    scripted_server.play(stream("x"))
    cli("chat", stdin='"""\none\n\ntwo\n"""\n')
    assert contents(scripted_server.requests[0]) == ["one\n\ntwo"]


def test_empty_lines_are_no_turns(cli, scripted_server):
    scripted_server.play(stream("x"))
    assert cli("chat", stdin="\n  \nhi\n\n").code == 0
    assert len(scripted_server.requests) == 1


def test_a_conversation_is_saved_after_each_answer(cli, scripted_server):
    begun = threading.Event()
    scripted_server.play(stream("one"), events(Wait(begun)))
    with cli.start("chat", "talk", stdin=subprocess.PIPE) as child:
        child.stdin.write(b"first\nsecond\n")
        child.stdin.close()
        assert scripted_server.wait_for_requests(2, 5)
        assert said(saved(cli)) == [("user", "first"), ("assistant", "one")]
        child.kill()


def test_only_its_owner_may_read_a_conversation(cli, scripted_server):
    scripted_server.play(stream("one"))
    cli("chat", "talk", stdin="first\n")
    path = cli.data / "conversations" / "talk.json"
    assert path.stat().st_mode & 0o077 == 0
    assert cli.key not in path.read_text()


def test_a_conversation_is_gone_on_with(cli, scripted_server):
    scripted_server.always(stream("one"))
    cli("chat", "talk", "--system", "Be brief.", "--model", "other", stdin="first\n")
    done = cli("chat", "talk", "--resume", stdin="second\n")
    assert contents(scripted_server.requests[1]) == ["Be brief.", "first", "one", "second"]
    assert scripted_server.requests[1].json["model"] == "other"
    assert "talk: 2 messages, with other" in done.err
    assert len(said(saved(cli))) == 4


def test_resume_without_a_name_takes_the_newest(cli, scripted_server):
    scripted_server.always(stream("one"))
    cli("chat", "old", stdin="first\n")
    cli("chat", "new", stdin="last\n")
    cli("chat", "--resume", stdin="next\n")
    assert contents(scripted_server.requests[-1])[0] == "last"


def test_a_system_prompt_replaces_that_of_a_conversation(cli, scripted_server):
    scripted_server.always(stream("one"))
    cli("chat", "talk", "--system", "Be brief.", stdin="first\n")
    cli("chat", "talk", "-r", "--system", "Be long.", stdin="second\n")
    assert contents(scripted_server.requests[1])[0] == "Be long."


def test_list_names_the_conversations_the_newest_first(cli, scripted_server):
    scripted_server.always(stream("one"))
    cli("chat", "old", stdin="x\n")
    cli("chat", "new", stdin="x\n")
    assert cli("chat", "--list").out == "new\nold\n"


@pytest.mark.parametrize("name", ["../evil", ".hidden", "", "a/b"])
def test_a_name_that_is_no_file_s_exits_2(cli, scripted_server, name):
    done = cli("chat", name, stdin="x\n")
    assert (done.code, "is no name" in done.err) == (2, True)
    assert scripted_server.requests == []


def test_a_name_that_is_taken_is_not_overwritten(cli, scripted_server):
    scripted_server.always(stream("one"))
    cli("chat", "talk", stdin="first\n")
    done = cli("chat", "talk", stdin="second\n")
    assert (done.code, "--resume" in done.err) == (2, True)
    assert len(said(saved(cli))) == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1}', "\x00"])
def test_a_file_that_is_no_conversation_says_so(cli, scripted_server, text):
    path = cli.data / "conversations" / "talk.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    done = cli("chat", "talk", "--resume", stdin="x\n")
    assert done.code == 2
    assert done.err.startswith(f"error: {path} is no saved conversation: ")
    assert path.read_text() == text


def test_nothing_to_resume_exits_2(cli):
    assert cli("chat", "--resume").code == 2
    assert cli("chat", "none", "--resume").code == 2


def test_a_part_of_an_answer_is_kept_and_marked(cli, scripted_server):
    scripted_server.play(stream("Once upon", end=Cut()))
    done = cli("chat", "talk", stdin="Tell me.\n")
    assert (done.code, done.out) == (3, "Once upon\n")
    document = saved(cli)
    assert said(document) == [("user", "Tell me."), ("assistant", "Once upon")]
    assert document["endings"] == {"1": "interrupted"}


def test_an_incomplete_answer_does_not_end_the_conversation(cli, scripted_server):
    scripted_server.play(stream("Once", finish_reason="length"), stream("more"))
    done = cli("chat", stdin="Tell me.\nGo on.\n")
    assert (done.code, done.out) == (3, "Once\nmore\n")


def test_a_failure_ends_a_piped_conversation_and_keeps_the_rest(cli, scripted_server):
    scripted_server.play(stream("one"), refuse(401, "wrong key"))
    done = cli("chat", "talk", stdin="first\nsecond\nthird\n")
    assert (done.code, done.out) == (1, "one\n")
    assert len(scripted_server.requests) == 2
    assert said(saved(cli)) == [("user", "first"), ("assistant", "one")]


def test_ctrl_c_keeps_what_had_come(cli, scripted_server):
    scripted_server.play(events(chunk({"content": "Once"}), Wait(threading.Event())))
    with cli.start("chat", "talk", stdin=subprocess.PIPE) as child:
        child.stdin.write(b"Tell me.\n")
        child.stdin.flush()
        assert child.stdout.read(4) == b"Once"
        child.send_signal(signal.SIGINT)
        assert child.wait(5) == 130
        assert child.stderr.read() == b"[stopped]\n"
    document = saved(cli)
    assert said(document) == [("user", "Tell me."), ("assistant", "Once")]
    assert document["endings"]["1"] == "unannounced"


def test_usage_adds_up(cli, scripted_server):
    scripted_server.always(stream("one"))
    done = cli("chat", stdin="a\nb\n/usage\n")
    assert done.err == "2 answers, 2 tokens in, 4 out\n"


def test_undo_takes_the_last_turn_away(cli, scripted_server):
    scripted_server.always(stream("one"))
    cli("chat", "talk", stdin="a\nb\n/undo\n")
    assert said(saved(cli)) == [("user", "a"), ("assistant", "one")]


def test_retry_asks_the_same_again_without_the_answer(cli, scripted_server):
    scripted_server.play(stream("one"), stream("two"))
    cli("chat", "talk", stdin="a\n/retry\n")
    assert contents(scripted_server.requests[1]) == ["a"]
    assert said(saved(cli)) == [("user", "a"), ("assistant", "two")]


def test_new_begins_another_conversation_with_the_same_system_prompt(cli, scripted_server):
    scripted_server.always(stream("one"))
    cli("chat", "talk", "-s", "Be brief.", stdin="a\n/new other\nb\n")
    assert contents(scripted_server.requests[1]) == ["Be brief.", "b"]
    assert said(saved(cli, "other")) == [("user", "b"), ("assistant", "one")]


def test_system_and_model_change_what_is_asked_next(cli, scripted_server):
    scripted_server.always(stream("one"))
    cli("chat", stdin="/system Be brief.\n/model other\na\n/system -\nb\n")
    first, second = scripted_server.requests
    assert (first.json["model"], contents(first)) == ("other", ["Be brief.", "a"])
    assert contents(second) == ["a", "one", "b"]


def test_save_takes_another_name_and_load_goes_back(cli, scripted_server):
    scripted_server.always(stream("one"))
    done = cli("chat", "talk", stdin="a\n/save copy\nb\n/load talk\n/history\n")
    assert len(said(saved(cli, "copy"))) == 4
    assert len(said(saved(cli))) == 2
    assert "talk: 2 messages" in done.err


@pytest.mark.parametrize(("file", "start"), [("a.md", "## user"), ("a.html", "<!DOCTYPE html>")])
def test_save_writes_pages_to_read(cli, scripted_server, file, start):
    scripted_server.always(stream("one"))
    cli("chat", stdin=f"a\n/save {file}\n")
    assert (cli.home / file).read_text().startswith(start)


def test_file_asks_about_a_file(cli, scripted_server):
    (cli.home / "notes.txt").write_text("Pears: 7\n")
    scripted_server.always(stream("7"))
    cli("chat", stdin="/file notes.txt How many?\n")
    assert contents(scripted_server.requests[0]) == ["Pears: 7\n\n\nHow many?"]


def test_two_slashes_are_a_turn_that_begins_with_one(cli, scripted_server):
    scripted_server.always(stream("x"))
    cli("chat", stdin="//etc/hosts is what?\n")
    assert contents(scripted_server.requests[0]) == ["/etc/hosts is what?"]


def test_quit_ends_it_before_the_rest(cli, scripted_server):
    scripted_server.always(stream("x"))
    assert cli("chat", stdin="/quit\nhi\n").code == 0
    assert scripted_server.requests == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/histroy", "did you mean /history?"),
        ("/nonsense", "/help lists them"),
        ("/retry", "nothing to ask again"),
        ("/undo", "nothing to take away"),
        ("/load", "which one?"),
        ("/load none", "no conversation 'none'"),
        ("/file", "which file?"),
        ("/file none.txt", "none.txt cannot be read"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(cli, scripted_server, line, words):
    done = cli("chat", stdin=f"{line}\nhi\n")
    assert done.code == 2
    assert words in done.err
    assert scripted_server.requests == []


def test_help_lists_every_command(cli):
    done = cli("chat", stdin="/help\n")
    for name in (
        "/new",
        "/retry",
        "/undo",
        "/system",
        "/model",
        "/save",
        "/load",
        "/usage",
        "/quit",
    ):
        assert f"  {name} " in done.err
