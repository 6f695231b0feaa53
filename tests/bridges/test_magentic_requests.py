"""What a chat window's messages and settings are on the wire, through magentic."""

from __future__ import annotations

import base64
import json

import pytest
from through_magentic import HELLO, OwnModel, generated, magentic

from lexilux_like import ValidationError
from lexilux_like.providers import (
    ChatConfig,
    ChatMessage,
    ImagePart,
    MagenticProvider,
    ResourceLinkPart,
    TextPart,
    ToolCall,
    ToolCallFunction,
)
from lexilux_like.testing import ScriptedServer, stream

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
CALL = ToolCall(
    id="call_1",
    function=ToolCallFunction(name="get-weather", arguments='{"city": "Paris", "max-days": 2}'),
)
RESULT = ChatMessage(role="tool", content="sunny", tool_call_id="call_1")


def sent(server: ScriptedServer, *messages: ChatMessage, config: ChatConfig | None = None):
    """What goes out for these messages."""
    server.play(stream("ok"))
    generated(MagenticProvider("m", base_url=server.url, api_key="k"), messages, config)
    return server.requests[-1].json["messages"]


def test_the_roles_go_out_as_they_are(scripted_server):
    messages = sent(
        scripted_server,
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", content="Hi"),
        ChatMessage(role="assistant", content="Hello"),
        ChatMessage(role="user", content=[TextPart(text="And "), TextPart(text="now?")]),
        config=ChatConfig(system_prompt="You are a poet."),
    )
    assert messages == [
        {"role": "system", "content": "You are a poet."},
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "And now?"},
    ]


@pytest.mark.parametrize("text", ["", "Let me see."])
def test_tool_calls_and_their_results_fit_together(scripted_server, text: str):
    other = CALL.model_copy(update={"id": "call_2"})
    asked, first, second = sent(
        scripted_server,
        ChatMessage(role="assistant", content=text, tool_calls=[CALL, other]),
        RESULT.model_copy(update={"tool_call_id": "call_2", "content": "rain"}),
        RESULT,
    )
    one, two = asked["tool_calls"]
    assert asked.get("content", "") == text
    assert one["function"]["name"] == two["function"]["name"] == "get-weather"
    assert json.loads(one["function"]["arguments"]) == {"city": "Paris", "max-days": 2}
    assert (first["tool_call_id"], first["content"]) == (two["id"], "rain")
    assert (second["tool_call_id"], second["content"]) == (one["id"], "sunny")


def test_a_call_without_arguments_has_none(scripted_server):
    call = ToolCall(id="call_1", function=ToolCallFunction(name="now"))
    asked, _ = sent(scripted_server, ChatMessage(role="assistant", tool_calls=[call]), RESULT)
    assert asked["tool_calls"][0]["function"] == {"name": "now", "arguments": "{}"}


def test_a_result_keeps_its_id_where_its_call_is_not_there(scripted_server):
    (result,) = sent(scripted_server, RESULT)
    assert result == {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}


@pytest.mark.parametrize("prefix", ["", "data:image/jpeg;base64,"])
def test_an_image_goes_out_as_what_its_bytes_are(scripted_server, prefix: str):
    encoded = base64.b64encode(PNG).decode()
    image = ImagePart(data=prefix + encoded, mime_type="image/jpeg")
    (message,) = sent(
        scripted_server, ChatMessage(role="user", content=[TextPart(text="What is it?"), image])
    )
    assert message["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
    ]


@pytest.mark.parametrize(
    ("link", "part"),
    [
        (
            ResourceLinkPart(uri="https://x.test/a.png", mime_type="image/png"),
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        ),
        (
            ResourceLinkPart(uri="file:///a.png", name="a", mime_type="image/png"),
            {"type": "text", "text": "[a](file:///a.png)"},
        ),
        (ResourceLinkPart(uri="https://x.test"), {"type": "text", "text": "https://x.test"}),
    ],
)
def test_a_link_goes_out_as_image_or_text(scripted_server, link, part):
    image = ImagePart(data="https://x.test/b.png")
    (message,) = sent(scripted_server, ChatMessage(role="user", content=[image, link]))
    assert message["content"][1] == part


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (ChatMessage(role="tool", content="sunny"), "needs the tool_call_id of its call"),
        (ChatMessage(role="user", content=[ImagePart(data="no base64!")]), "not base64"),
        (ChatMessage(role="user", content=[ImagePart(data="PHN2Zz4=")]), "b'<svg>'"),
        (ChatMessage(role="assistant", content=[ImagePart(data="AAAA")]), "user messages only"),
        (
            RESULT.model_copy(update={"content": [ImagePart(data="AAAA")]}),
            "user messages only",
        ),
        *(
            (
                ChatMessage(
                    role="assistant",
                    tool_calls=[ToolCall(function=ToolCallFunction(name="add", arguments=text))],
                ),
                complaint,
            )
            for text, complaint in [('{"a": ', "no JSON: "), ("[1]", r"no JSON object: \[1\]")]
        ),
    ],
)
def test_what_magentic_cannot_say_is_refused(
    scripted_server, magentic_provider, message, complaint
):
    with pytest.raises(ValidationError, match=complaint) as caught:
        generated(magentic_provider, [*HELLO, message])
    assert str(caught.value).startswith(f"message 1 ({message.role}): ")
    assert scripted_server.requests == []


def test_texts_and_links_of_an_assistant_are_its_text(scripted_server):
    parts = [TextPart(text="See "), ResourceLinkPart(uri="https://x.test")]
    (message,) = sent(scripted_server, ChatMessage(role="assistant", content=parts))
    assert message == {"role": "assistant", "content": "See https://x.test"}


def test_messages_are_not_changed(scripted_server):
    call = ChatMessage(role="assistant", tool_calls=[CALL])
    before = call.model_copy(deep=True)
    sent(scripted_server, call, RESULT)
    assert call == before


def asked_with(server: ScriptedServer, config: ChatConfig, **kwargs) -> dict:
    """The settings that go out."""
    server.play(stream("ok"))
    generated(MagenticProvider("m", base_url=server.url, api_key="k", **kwargs), HELLO, config)
    names = ("model", "temperature", "max_tokens", "max_completion_tokens")
    return {name: value for name, value in server.requests[-1].json.items() if name in names}


def test_what_nobody_set_is_not_sent(scripted_server):
    assert asked_with(scripted_server, ChatConfig()) == {"model": "m"}


def test_the_providers_own_settings_are_sent(scripted_server):
    asked = asked_with(scripted_server, ChatConfig(), temperature=0.1, max_tokens=9)
    assert asked == {"model": "m", "temperature": 0.1, "max_tokens": 9}


def test_what_the_config_sets_wins(scripted_server):
    config = ChatConfig(model="n", temperature=0, max_tokens=5)
    asked = asked_with(scripted_server, config, temperature=0.1, max_tokens=9)
    assert asked == {"model": "n", "temperature": 0, "max_tokens": 5}


def test_none_is_the_servers_own(scripted_server):
    config = ChatConfig(temperature=None, max_tokens=None)
    asked = asked_with(scripted_server, config, temperature=0.1, max_completion_tokens=9)
    assert asked == {"model": "m"}


def test_a_limit_goes_by_the_name_that_the_model_uses(scripted_server):
    asked = asked_with(scripted_server, ChatConfig(max_tokens=5), max_completion_tokens=9)
    assert asked == {"model": "m", "max_completion_tokens": 5}


def test_a_setting_that_cannot_be_had_is_warned_of():
    provider = MagenticProvider(OwnModel("Hello", output_tokens=1))
    with pytest.warns(UserWarning, match="OwnModel takes no settings .* set temperature where"):
        generated(provider, HELLO, ChatConfig(model="own", temperature=0.3))


def test_a_name_makes_openais_model():
    provider = MagenticProvider("m", base_url="http://127.0.0.1:9/v1", api_key="k", temperature=0.1)
    assert isinstance(provider.model, magentic.OpenaiChatModel)
    assert (provider.model.model, provider.model.temperature) == ("m", 0.1)


def test_a_provider_shows_its_model():
    provider = MagenticProvider(OwnModel(output_tokens=0))
    assert repr(provider) == "MagenticProvider(OwnModel('own'))"


def test_a_model_is_taken_as_it_is():
    model = OwnModel(output_tokens=0)
    assert MagenticProvider(model).model is model


def test_keywords_beside_a_model_are_refused():
    with pytest.raises(TypeError, match=r"pass temperature to OwnModel\(\.\.\.\)"):
        MagenticProvider(OwnModel(output_tokens=0), temperature=0.1)


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="magentic ChatModel, or the name of a model, not 42"):
        MagenticProvider(42)
