"""What the plugin for `llm` sends and gets beside text: tools, attachments, reasoning, keys."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from asked_by_llm import LLMDoor, llm, llm_door

from lexilux_like import Profile, register_provider
from lexilux_like.testing import (
    answer,
    call_stream,
    chunk,
    events,
    refuse,
    stream,
    tool_call,
)
from lexilux_like.testing.messages import message_stream, thinking_block, tool_use_block
from lexilux_like.wire import registry

__all__ = ["llm_door"]  # pytest finds it here
PNG = b"\x89PNG\r\n\x1a\n"


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def run_chain(door: LLMDoor, model_id: str = "m", **options: Any) -> str:
    return door.text(door.model(model_id).chain("Add 1 and 2.", tools=[add], **options))


def sent(server) -> list[dict[str, Any]]:
    return server.requests[-1].json["messages"]


def test_a_chain_runs_the_tools_and_sends_what_they_returned(llm_door, scripted_server):
    scripted_server.play(call_stream(tool_call("add", {"a": 1, "b": 2}, id="one")), stream("3"))
    assert run_chain(llm_door) == "3"
    (offered,) = scripted_server.requests[0].json["tools"]
    assert offered["function"]["name"] == "add"
    assert offered["function"]["description"] == "Add two numbers."
    assert set(offered["function"]["parameters"]["properties"]) == {"a", "b"}
    _, call, result = sent(scripted_server)
    assert call["tool_calls"][0]["id"] == "one"
    assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == {"a": 1, "b": 2}
    assert result == {"role": "tool", "tool_call_id": "one", "content": "3"}


def test_several_calls_of_one_answer_are_all_answered(llm_door, scripted_server):
    calls = [tool_call("add", {"a": n, "b": n}, id=f"call-{n}") for n in (1, 2)]
    scripted_server.play(call_stream(*calls), stream("Done."))
    assert run_chain(llm_door, stream=False) == "Done."
    *_, first, second = sent(scripted_server)
    assert (first["tool_call_id"], first["content"]) == ("call-1", "2")
    assert (second["tool_call_id"], second["content"]) == ("call-2", "4")


def test_a_call_without_an_id_is_answered_under_one(llm_door, scripted_server):
    scripted_server.play(call_stream(tool_call("add", {"a": 1, "b": 2}, id="")), stream("3"))
    assert run_chain(llm_door) == "3"
    _, call, result = sent(scripted_server)
    (only,) = call["tool_calls"]
    assert only["id"] == result["tool_call_id"] != ""


def test_what_else_a_call_had_goes_back_with_it(llm_door, scripted_server):
    signature = {"google": {"thought_signature": "c2ln"}}
    call = {**tool_call("add", {"a": 1, "b": 2}), "extra_content": signature}
    scripted_server.play(answer(None, tool_calls=[call], finish_reason="tool_calls"), answer("3"))
    llm_door.add("plain", scripted_server.url, can_stream=False)
    assert run_chain(llm_door, "plain") == "3"
    assert sent(scripted_server)[1]["tool_calls"][0]["extra_content"] == signature


def test_a_tool_that_fails_is_told_to_the_model(llm_door, scripted_server):
    scripted_server.play(call_stream(tool_call("add", {"a": 1, "b": "x"})), stream("Sorry."))
    assert run_chain(llm_door) == "Sorry."
    assert sent(scripted_server)[-1]["content"].startswith("Error: ")


def test_a_tool_without_parameters_is_offered_without(llm_door, scripted_server):
    scripted_server.play(stream("Hello"))
    llm_door.prompt("Hi", tools=[llm.Tool("now", "What time it is.")])
    (offered,) = scripted_server.requests[0].json["tools"]
    assert offered["function"] == {"name": "now", "description": "What time it is."}


def test_reasoning_is_told_apart_and_sent_back_where_it_came(llm_door, scripted_server):
    reasoned = [chunk({"reasoning_content": "Two and one."}), chunk({"content": "Three."})]
    scripted_server.play(events(*reasoned, chunk({}, finish_reason="stop")), stream("Yes."))
    conversation = llm_door.model().conversation()
    first = llm_door.prompt("1 + 2?", on=conversation)
    assert llm_door.text(first) == "Three."
    assert llm_door.parts(first)[0].text == "Two and one."
    llm_door.prompt("Sure?", on=conversation)
    assert sent(scripted_server)[1]["reasoning_content"] == "Two and one."


def test_reasoning_of_another_model_is_not_sent(llm_door, scripted_server):
    reasoned = [chunk({"reasoning_content": "Two and one."}), chunk({"content": "Three."})]
    scripted_server.play(events(*reasoned, chunk({}, finish_reason="stop")), stream("Yes."))
    llm_door.add("other", scripted_server.url)
    first = llm_door.prompt("1 + 2?")
    messages = [*first.prompt.messages, *first._messages_now(), llm.user("Sure?")]
    llm_door.prompt(on=llm_door.model("other"), messages=messages)
    assert sent(scripted_server)[1] == {"role": "assistant", "content": "Three."}


@pytest.mark.parametrize("streams", [True, False])
def test_signed_thinking_of_anthropic_goes_back_with_the_results(
    llm_door, scripted_server, streams
):
    llm_door.add("claude", scripted_server.url, provider="anthropic", api_key_name=None)
    thought = thinking_block("Two and one.")
    call = tool_use_block("add", {"a": 1, "b": 2}, id="toolu_7")
    scripted_server.play(message_stream(thought, call, stop_reason="tool_use"))
    scripted_server.play(message_stream("3"))
    assert run_chain(llm_door, "claude", stream=streams, options={"max_tokens": 500}) == "3"
    _, assistant, result = sent(scripted_server)
    assert assistant["content"] == [thought, call]
    assert result["content"][0]["tool_use_id"] == "toolu_7"


@pytest.mark.parametrize(
    ("attachment", "part"),
    [
        (
            llm.Attachment(type="image/png", content=PNG),
            {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"},
            },
        ),
        (
            llm.Attachment(type="image/png", url="https://example.com/a.png"),
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ),
        (
            llm.Attachment(type="audio/wav", content=b"RIFF"),
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        ),
        (
            llm.Attachment(type="audio/mpeg", content=b"ID3"),
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        ),
    ],
)
def test_an_attachment_is_sent_beside_the_text(llm_door, scripted_server, attachment, part):
    llm_door.add("all", scripted_server.url, vision=True, audio=True)
    scripted_server.play(stream("Seen."))
    llm_door.prompt("Look.", on=llm_door.model("all"), attachments=[attachment])
    (message,) = sent(scripted_server)
    assert message["content"] == [{"type": "text", "text": "Look."}, part]


def test_a_pdf_is_sent_under_its_name(llm_door, scripted_server, tmp_path):
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7")
    llm_door.add("reader", scripted_server.url, pdf=True)
    scripted_server.play(stream("Read."))
    attachment = llm.Attachment(type="application/pdf", path=str(tmp_path / "report.pdf"))
    llm_door.prompt("Read.", on=llm_door.model("reader"), attachments=[attachment])
    file = sent(scripted_server)[0]["content"][1]["file"]
    assert file["filename"] == "report.pdf"
    assert file["file_data"].startswith("data:application/pdf;base64,")


@pytest.mark.parametrize("kind", ["image/png", "audio/wav", "application/pdf"])
def test_an_attachment_that_was_not_promised_is_refused(llm_door, scripted_server, kind):
    with pytest.raises(ValueError, match="does not support attachments"):
        llm_door.model().prompt("Look.", attachments=[llm.Attachment(type=kind, content=b"x")])
    assert scripted_server.requests == []


def test_a_file_that_is_gone_is_an_error_and_nothing_is_sent(llm_door, scripted_server, tmp_path):
    llm_door.add("reader", scripted_server.url, pdf=True)
    gone = llm.Attachment(type="application/pdf", path=str(tmp_path / "gone.pdf"))
    response = llm_door.model("reader").prompt("Read.", attachments=[gone])
    _, error = llm_door.run(response)
    assert isinstance(error, llm.ModelError)
    assert "gone.pdf" in str(error)
    assert scripted_server.requests == []


def authorization(server) -> str | None:
    return server.requests[-1].headers.get("authorization")


def test_a_local_server_gets_no_key(llm_door, scripted_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-you")
    scripted_server.play(stream("Hello"))
    llm_door.prompt("Hi")
    assert authorization(scripted_server) is None


def test_the_key_is_the_one_that_llm_keeps(llm_door, scripted_server, tmp_path):
    (tmp_path / "keys.json").write_text('{"mine": "sk-stored"}')
    llm_door.add("keyed", scripted_server.url, api_key_name="mine")
    scripted_server.play(stream("Hello"), stream("Hello"))
    llm_door.prompt("Hi", on=llm_door.model("keyed"))
    assert authorization(scripted_server) == "Bearer sk-stored"
    llm_door.prompt("Hi", on=llm_door.model("keyed"), key="sk-given")
    assert authorization(scripted_server) == "Bearer sk-given"


def test_a_key_of_one_call_is_not_the_next_ones(llm_door, scripted_server, tmp_path):
    (tmp_path / "keys.json").write_text('{"mine": "sk-stored"}')
    llm_door.add("keyed", scripted_server.url, api_key_name="mine")
    model = llm_door.model("keyed")
    scripted_server.play(stream("Hello"), stream("Hello"))
    llm_door.prompt("Hi", on=model, key="sk-given")
    llm_door.prompt("Hi", on=model)
    assert authorization(scripted_server) == "Bearer sk-stored"


def test_a_providers_key_comes_from_its_variable(llm_door, scripted_server, monkeypatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-from-env")
    llm_door.add("hosted", scripted_server.url, provider="deepseek")
    scripted_server.play(stream("Hello"))
    llm_door.prompt("Hi", on=llm_door.model("hosted"))
    assert authorization(scripted_server) == "Bearer sk-from-env"


def test_of_several_variables_the_one_that_is_set_counts(llm_door, scripted_server, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    register_provider(Profile(name="two", env=("FIRST_KEY", "SECOND_KEY")))
    monkeypatch.setenv("SECOND_KEY", "sk-second")
    llm_door.add("hosted", scripted_server.url, provider="two")
    scripted_server.play(stream("Hello"))
    llm_door.prompt("Hi", on=llm_door.model("hosted"))
    assert authorization(scripted_server) == "Bearer sk-second"


def test_a_missing_key_is_asked_for_by_name(llm_door, scripted_server, monkeypatch):
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    llm_door.add("hosted", scripted_server.url, provider="deepseek")
    _, error = llm_door.run(llm_door.model("hosted").prompt("Hi"))
    assert isinstance(error, llm.NeedsKeyException)
    assert "llm keys set deepseek" in str(error)
    assert scripted_server.requests == []


def test_headers_and_the_name_at_the_server_are_sent(llm_door, scripted_server):
    llm_door.add("short", scripted_server.url, model_name="org/Long-1B", headers={"x-team": "a"})
    scripted_server.play(stream("Hello"))
    llm_door.prompt("Hi", on=llm_door.model("short"))
    assert scripted_server.requests[-1].json["model"] == "org/Long-1B"
    assert scripted_server.requests[-1].headers["x-team"] == "a"


def test_no_key_is_shown_in_an_error(llm_door, scripted_server, tmp_path):
    (tmp_path / "keys.json").write_text('{"mine": "sk-very-secret"}')
    llm_door.add("keyed", scripted_server.url, api_key_name="mine")
    scripted_server.play(refuse(401, "the key sk-very-secret is wrong"))
    _, error = llm_door.run(llm_door.model("keyed").prompt("Hi"))
    assert "is wrong" in str(error)
    assert "sk-very-secret" not in str(error)
