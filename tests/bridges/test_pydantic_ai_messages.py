"""What pydantic-ai's messages and settings are on the wire."""

from __future__ import annotations

import asyncio
import base64

import httpx
import pytest
from pydantic_agents import ask, calls, claude_of, last_response, model_of, sent
from pydantic_ai import (
    Agent,
    AudioUrl,
    BinaryContent,
    CachePoint,
    DocumentUrl,
    ImageUrl,
    TextContent,
    UploadedFile,
    UserError,
    VideoUrl,
)
from pydantic_ai.direct import model_request
from pydantic_ai.messages import (
    CompactionPart,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolAvailabilityDeltaPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters

from lexilux_like.testing import Reply, ScriptedServer, stream
from lexilux_like.testing.messages import message_stream

PNG, WAV, PDF = b"\x89PNG\r\n\x1a\n", b"RIFF0000WAVE", b"%PDF-1.7"
CAT = "https://example.com/cat.png"


def data_url(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def parts_sent(server: ScriptedServer, *prompt, make=model_of) -> list:
    """The content of the user's message on the wire."""
    server.play((stream if make is model_of else message_stream)("Hello"))
    ask(Agent(make(server)), prompt)
    return sent(server)["messages"][-1]["content"]


def messages_sent(server: ScriptedServer, *history: ModelMessage, make=model_of) -> list:
    """All messages on the wire."""
    server.play((stream if make is model_of else message_stream)("Hello"))
    asyncio.run(model_request(make(server), list(history)))
    return sent(server)["messages"]


def binary(data: bytes, media_type: str, **options) -> BinaryContent:
    return BinaryContent(data, media_type=media_type, **options)


def test_text_may_come_in_several_kinds(scripted_server: ScriptedServer):
    assert parts_sent(scripted_server, "One", TextContent("Two", metadata={"x": 1})) == [
        {"type": "text", "text": "One"},
        {"type": "text", "text": "Two"},
    ]


def test_images_are_sent_by_url_and_by_their_bytes(scripted_server: ScriptedServer):
    fine = {"detail": "high"}
    assert parts_sent(
        scripted_server, ImageUrl(CAT, vendor_metadata=fine), binary(PNG, "image/png")
    ) == [
        {"type": "image_url", "image_url": {"url": CAT, "detail": "high"}},
        {"type": "image_url", "image_url": {"url": data_url(PNG, "image/png")}},
    ]


def test_images_for_claude_are_its_blocks(scripted_server: ScriptedServer):
    one, other = parts_sent(
        scripted_server,
        ImageUrl(CAT, vendor_metadata={"detail": "high"}),
        binary(PNG, "image/png"),
        make=claude_of,
    )
    assert one["source"] == {"type": "url", "url": CAT}
    assert other["source"]["media_type"] == "image/png"


def test_sounds_are_sent_by_their_bytes(scripted_server: ScriptedServer):
    (part,) = parts_sent(scripted_server, binary(WAV, "audio/wav"))
    assert part["input_audio"] == {"data": base64.b64encode(WAV).decode(), "format": "wav"}


def test_claude_hears_nothing(scripted_server: ScriptedServer):
    with pytest.raises(UserError, match="takes no audio"):
        ask(Agent(claude_of(scripted_server)), [binary(WAV, "audio/wav")])


def test_documents_are_files_with_a_name(scripted_server: ScriptedServer):
    (part,) = parts_sent(scripted_server, binary(PDF, "application/pdf", identifier="report"))
    assert part["file"] == {
        "filename": "report.pdf",
        "file_data": data_url(PDF, "application/pdf"),
    }


def test_a_text_file_is_text(scripted_server: ScriptedServer):
    (part,) = parts_sent(scripted_server, binary(b"a,b\n1,2", "text/csv", identifier="table"))
    assert part["type"] == "text"
    assert 'id="table"' in part["text"]
    assert "a,b\n1,2" in part["text"]


def test_claude_fetches_a_document_itself(scripted_server: ScriptedServer):
    url = "https://example.com/report.pdf"
    (part,) = parts_sent(scripted_server, DocumentUrl(url), make=claude_of)
    assert part["source"] == {"type": "url", "url": url}


@pytest.mark.parametrize(
    ("kind", "name", "body", "expected"),
    [
        (DocumentUrl, "a.pdf", PDF, ("file", data_url(PDF, "application/pdf"))),
        (DocumentUrl, "a.txt", b"Hello", ("text", "Hello")),
        (AudioUrl, "a.wav", WAV, ("input_audio", "wav")),
        (ImageUrl, "a.png", PNG, ("image_url", data_url(PNG, "image/png"))),
    ],
    ids=["document", "text", "audio", "image"],
)
def test_what_servers_do_not_fetch_is_fetched_for_them(
    scripted_server: ScriptedServer, kind, name: str, body: bytes, expected
):
    types = {"pdf": "application/pdf", "txt": "text/plain", "wav": "audio/wav", "png": "image/png"}
    with ScriptedServer(Reply(200, {"content-type": types[name[-3:]]}, body)) as files:
        item = kind(f"{files.url}/{name}", force_download="allow-local")
        (part,) = parts_sent(scripted_server, item)
    assert part["type"] == expected[0]
    assert expected[1] in str(part)


def test_an_uploaded_file_is_named_to_whom_it_was_uploaded_to(scripted_server: ScriptedServer):
    file = UploadedFile("file_1", provider_name="anthropic", media_type="application/pdf")
    (part,) = parts_sent(scripted_server, file, make=claude_of)
    assert part["source"] == {"type": "file", "file_id": "file_1"}
    with pytest.raises(UserError, match="upload it there"):
        ask(Agent(model_of(scripted_server)), [file])


def test_a_video_is_refused(scripted_server: ScriptedServer):
    with pytest.raises(UserError, match="VideoUrl has no form"):
        ask(Agent(model_of(scripted_server)), [VideoUrl("https://example.com/cat.mp4")])
    assert not scripted_server.requests


def test_a_cache_point_marks_what_stands_before_it(scripted_server: ScriptedServer):
    (part,) = parts_sent(scripted_server, "Long text", CachePoint(ttl="1h"), make=claude_of)
    assert part["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_a_cache_point_is_nothing_to_others(scripted_server: ScriptedServer):
    assert parts_sent(scripted_server, "Long text", CachePoint()) == [
        {"type": "text", "text": "Long text"}
    ]


def test_an_answer_that_says_nothing_is_left_out(scripted_server: ScriptedServer):
    history = [ModelRequest.user_text_prompt("Hi"), ModelResponse([TextPart("")])]
    messages = messages_sent(scripted_server, *history, ModelRequest.user_text_prompt("Well?"))
    assert [message["role"] for message in messages] == ["user", "user"]


def test_texts_of_another_model_stay_apart(scripted_server: ScriptedServer):
    said = ModelResponse([TextPart("One."), TextPart("Two.")], provider_name="somebody")
    messages = messages_sent(scripted_server, said, ModelRequest.user_text_prompt("Hi"))
    assert messages[0]["content"] == "One.\n\nTwo."


def test_reasoning_of_another_model_is_not_sent(scripted_server: ScriptedServer):
    said = ModelResponse(
        [ThinkingPart("Hm.", id="reasoning_content", provider_name="x"), TextPart("One.")]
    )
    messages = messages_sent(scripted_server, said, ModelRequest.user_text_prompt("Hi"))
    assert messages[0] == {"role": "assistant", "content": "One."}


def test_arguments_may_be_a_mapping(scripted_server: ScriptedServer):
    said = ModelResponse([ToolCallPart("add", {"a": 1}, tool_call_id="c")])
    messages = messages_sent(scripted_server, said, ModelRequest.user_text_prompt("Hi"))
    assert messages[0]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a":1}'}


def test_a_summary_is_said_to_be_one(scripted_server: ScriptedServer):
    request = ModelRequest([CompactionPart("They met."), UserPromptPart("And then?")])
    summary, _ = messages_sent(scripted_server, request)
    assert summary["role"] == "user"
    assert "ummary" in summary["content"]
    assert "They met." in summary["content"]


def test_a_later_system_prompt_keeps_its_place(scripted_server: ScriptedServer):
    request = ModelRequest([SystemPromptPart("A"), UserPromptPart("Hi"), SystemPromptPart("B")])
    messages = messages_sent(scripted_server, request)
    assert [message["content"] for message in messages] == ["A", "Hi", "B"]


def test_a_message_that_was_not_prepared_is_refused(scripted_server: ScriptedServer):
    request = ModelRequest([UserPromptPart("Hi"), ToolAvailabilityDeltaPart(tools_added=["x"])])
    with pytest.raises(UserError, match="prepare_messages"):
        asyncio.run(model_of(scripted_server).request([request], None, ModelRequestParameters()))


def test_blocks_that_parts_cannot_say_go_back_as_they_came(scripted_server: ScriptedServer):
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    scripted_server.play(message_stream(search, found, "Found."), message_stream("Yes."))
    agent = Agent(claude_of(scripted_server))
    first = ask(agent)
    assert last_response(first.all_messages()).parts == [TextPart("Found.")]
    ask(agent, "Sure?", message_history=first.all_messages())
    kinds = [block["type"] for block in sent(scripted_server)["messages"][1]["content"]]
    assert kinds == ["server_tool_use", "web_search_tool_result", "text"]


SETTINGS = {
    "max_tokens": (9, {"max_tokens": 9}),
    "temperature": (0.5, {"temperature": 0.5}),
    "top_p": (0.5, {"top_p": 0.5}),
    "seed": (7, {"seed": 7}),
    "presence_penalty": (0.5, {"presence_penalty": 0.5}),
    "frequency_penalty": (0.5, {"frequency_penalty": 0.5}),
    "logit_bias": ({"50": 10}, {"logit_bias": {"50": 10}}),
    "stop_sequences": (["END"], {"stop": ["END"]}),
    "service_tier": ("flex", {"service_tier": "flex"}),
    "extra_body": ({"user": "u"}, {"user": "u"}),
    "top_k": (5, {"top_k": None}),
    "thinking": ("low", {"reasoning_effort": "low"}),
}


@pytest.mark.parametrize(("name", "probe"), SETTINGS.items(), ids=SETTINGS)
def test_a_setting_moves_the_payload(scripted_server: ScriptedServer, name: str, probe):
    given, expected = probe
    scripted_server.play(stream("Hello"))
    ask(Agent(model_of(scripted_server), model_settings={name: given}))
    body = sent(scripted_server)
    assert {key: body.get(key) for key in expected} == expected


OF_CLAUDE = {
    "stop_sequences": (["END"], {"stop_sequences": ["END"]}),
    "top_k": (5, {"top_k": 5}),
    "service_tier": ("default", {"service_tier": "standard_only"}),
    "seed": (7, {"seed": None}),
    "presence_penalty": (0.5, {"presence_penalty": None}),
    "logit_bias": ({"50": 10}, {"logit_bias": None}),
}


@pytest.mark.parametrize(("name", "probe"), OF_CLAUDE.items(), ids=OF_CLAUDE)
def test_a_setting_is_spelled_for_claude_or_passed_over(
    scripted_server: ScriptedServer, name: str, probe
):
    given, expected = probe
    scripted_server.play(message_stream("Hello"))
    ask(Agent(claude_of(scripted_server), model_settings={name: given}))
    body = sent(scripted_server)
    assert {key: body.get(key) for key in expected} == expected


def test_headers_are_sent(scripted_server: ScriptedServer):
    scripted_server.play(stream("Hello"))
    ask(Agent(model_of(scripted_server), model_settings={"extra_headers": {"x-team": "pears"}}))
    assert scripted_server.requests[0].headers["x-team"] == "pears"


def test_parallel_calls_are_spoken_of_only_where_there_are_tools(scripted_server: ScriptedServer):
    scripted_server.play(stream("Hello"), calls(("final_result", {"response": 1})))
    settings = {"parallel_tool_calls": False}
    model = model_of(scripted_server)
    ask(Agent(model, model_settings=settings))
    ask(Agent(model, output_type=int, model_settings=settings))
    first, second = (request.json for request in scripted_server.requests)
    assert "parallel_tool_calls" not in first
    assert second["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("thinking", "provider", "model", "expected"),
    [
        (True, "openai", "gpt-5", {"reasoning_effort": "medium"}),
        ("high", "openai", "gpt-4.1", {"reasoning_effort": None}),
        (False, "llama.cpp", "m", {"chat_template_kwargs": {"enable_thinking": False}}),
        (True, "deepseek", "deepseek-chat", {"thinking": {"type": "enabled"}}),
    ],
)
def test_thinking_is_asked_for_as_far_as_the_provider_can(
    scripted_server: ScriptedServer, thinking, provider: str, model: str, expected
):
    scripted_server.play(stream("Hello"))
    made = model_of(scripted_server, client={"provider": provider}, model_name=model)
    ask(Agent(made, model_settings={"thinking": thinking}))
    body = sent(scripted_server)
    assert {key: body.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("name", "value"), [("extra_body", "text"), ("timeout", True), ("timeout", httpx.Timeout(None))]
)
def test_a_setting_of_no_use_is_refused(scripted_server: ScriptedServer, name: str, value):
    with pytest.raises(UserError, match=f"{name}="):
        ask(Agent(model_of(scripted_server), model_settings={name: value}))
    assert not scripted_server.requests
