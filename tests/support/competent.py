"""A server that answers as a competent model would, and refuses what OpenAI would refuse.

It reads all that it answers from the request: the tools, the schema, the question, the results.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from lexilux_like.testing import RecordedRequest, Reply, answer, chunk, events, refuse, tool_call

Json = dict[str, Any]

USAGE: Json = {
    "prompt_tokens": 40,
    "completion_tokens": 12,
    "total_tokens": 52,
    "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 2},
}
GREETING = "Hello! How are you today?"
JOKE = {"setup": "Why did the cat sit on the keyboard?", "punchline": "To watch the mouse."}

_KEYS: dict[str, set[str]] = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "refusal"},
    "tool": {"role", "content", "tool_call_id"},
}


class RefusalError(Exception):
    """The request is not one that OpenAI's API takes."""


def compete(request: RecordedRequest) -> Reply:
    """Answer the request, streamed or whole, or refuse it with 400 and the reason."""
    body = request.json
    try:
        check(body)
        message = reply_to(body)
    except RefusalError as refusal:
        return refuse(400, str(refusal))
    return (streamed if body.get("stream") else whole)(body, message)


def whole(body: Json, message: Json) -> Reply:
    fields = {name: message[name] for name in ("tool_calls", "reasoning") if name in message}
    reason = "tool_calls" if "tool_calls" in message else "stop"
    return answer(
        message["content"], model=body["model"], usage=USAGE, finish_reason=reason, **fields
    )


def streamed(body: Json, message: Json) -> Reply:
    """The message in pieces: words of its text, and halves of the arguments of its calls."""
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    if "reasoning" in message:
        deltas += [{"reasoning_content": piece} for piece in pieces(message["reasoning"])]
    deltas += [{"content": piece} for piece in pieces(message["content"] or "")]
    for place, call in enumerate(message.get("tool_calls", ())):
        text = call["function"]["arguments"]
        first = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
        half = len(text) // 2
        parts = [first, *({"function": {"arguments": x}} for x in (text[:half], text[half:]))]
        deltas += [{"tool_calls": [{"index": place, **part}]} for part in parts]
    reason = "tool_calls" if "tool_calls" in message else "stop"
    model = body["model"]
    items = [chunk(delta, model=model) for delta in deltas]
    items.append(chunk({}, finish_reason=reason, model=model))
    if body.get("stream_options", {}).get("include_usage"):
        items.append(chunk(usage=USAGE, model=model))
    return events(*items)


def pieces(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*?", text)


def reply_to(body: Json) -> Json:
    """What a competent model says."""
    last = body["messages"][-1]
    question = text_of(last["content"])
    thought = {"reasoning": "Let me think."} if body.get("reasoning_effort") else {}
    if (form := body.get("response_format")) is not None:
        return {"content": json.dumps(formed(form, question)), **thought}
    if last["role"] == "user" and (tool := chosen_tool(body, question)):
        schema = tool.get("parameters") or {"properties": {}}
        call = tool_call(tool["name"], arguments_for(schema, question), id="call_of_the_model")
        return {"content": None, "tool_calls": [call], **thought}
    said = f"The tool says: {question}" if last["role"] == "tool" else GREETING
    return {"content": before_stop(said, body.get("stop")), **thought}


def formed(form: Json, question: str) -> Json:
    if form["type"] == "json_object":
        if "json" not in question.lower():
            raise RefusalError("'messages' must contain the word 'json' to use json_object")
        return JOKE
    return arguments_for(form["json_schema"]["schema"], question)


def chosen_tool(body: Json, question: str) -> Json | None:
    """The tool that is forced, or that the question is about."""
    tools = {each["function"]["name"]: each["function"] for each in body.get("tools", ())}
    match body.get("tool_choice", "auto"):
        case {"type": "function", "function": {"name": name}}:
            return tools[name]
        case "required":
            return next(iter(tools.values()))
        case "none":
            return None
        case "auto":
            words = {each for each in re.findall(r"\w+", question.lower()) if len(each) > 4}
            about = (t for t in tools.values() if words & {*t["name"].split("_")})
            return next(about, None)
        case other:
            raise RefusalError(f"no such tool_choice: {other!r}")


def arguments_for(schema: Json, question: str) -> Json:
    """A value for each property: numbers of the question for integers, its words for texts."""
    numbers = iter(re.findall(r"-?\d+", question))
    return {
        name: int(next(numbers, 0)) if each.get("type") == "integer" else text_for(name, question)
        for name, each in schema["properties"].items()
    }


def text_for(name: str, question: str) -> str:
    if name in JOKE:
        return JOKE[name]
    quoted = re.search(r"'([^']+)'", question)
    return quoted[1] if quoted else question


def before_stop(text: str, stop: str | list[str] | None) -> str:
    for word in [stop] if isinstance(stop, str) else stop or ():
        text = text.split(word, maxsplit=1)[0]
    return text


def text_of(content: str | list[Json] | None) -> str:
    if isinstance(content, list):
        return " ".join(part["text"] for part in content if part["type"] == "text")
    return content or ""


def check(body: Json) -> None:
    """Raise a `RefusalError` where OpenAI's API would answer 400."""
    require(isinstance(body.get("model"), str), "no model")
    require(body.get("stop") != [], "stop must not be empty")
    for tool in body.get("tools", ()):
        require(tool["type"] == "function" and tool["function"]["name"], f"no tool: {tool}")
    open_calls: set[str] = set()
    for message in body["messages"]:
        role = message.get("role")
        require(role in _KEYS, f"no such role: {role!r}")
        unknown = message.keys() - _KEYS[role]
        require(not unknown, f"unknown fields of a {role} message: {unknown}")
        if role == "tool":
            require(message["tool_call_id"] in open_calls, "a result without its call")
            open_calls.remove(message["tool_call_id"])
        else:
            require(not open_calls, f"calls without results: {open_calls}")
        check_content(message)
        for call in message.get("tool_calls", ()):
            check_call(call)
            open_calls.add(call["id"])
    require(not open_calls, f"calls without results: {open_calls}")


def check_content(message: Json) -> None:
    content = message.get("content")
    if content is None:
        require(bool(message.get("tool_calls")), "content must not be null")
    elif isinstance(content, list):
        require(bool(content), "content must not be an empty array")
        for part in content:
            require(part.get("type") in PARTS, f"no such part: {part.get('type')!r}")
            PARTS[part["type"]](part)


def check_call(call: Json) -> None:
    require(call.keys() <= {"id", "type", "function"}, f"unknown fields of a call: {call}")
    require(bool(call["id"]), "a call needs an id")
    require(isinstance(call["function"]["arguments"], str), "arguments must be text")


def check_text(part: Json) -> None:
    require(part.keys() <= {"type", "text", "cache_control"}, f"unknown fields: {part}")
    require(isinstance(part["text"], str), "text must be text")


def check_image(part: Json) -> None:
    require(part.keys() == {"type", "image_url"}, f"unknown fields: {[*part]}")
    url = part["image_url"]["url"]
    require(url.startswith("https://") or is_data(url, "image/"), f"no image: {url[:60]}")


def check_audio(part: Json) -> None:
    audio = part["input_audio"]
    require(audio.keys() == {"data", "format"}, f"unknown fields: {[*audio]}")
    require(audio["format"] in ("wav", "mp3"), f"no such format: {audio['format']}")
    base64.b64decode(audio["data"], validate=True)


def check_file(part: Json) -> None:
    file = part["file"]
    known = {"file_data", "filename", "file_id"}
    require(part.keys() == {"type", "file"} and file.keys() <= known, f"unknown fields: {part}")
    require("file_id" in file or is_data(file["file_data"], "application/pdf"), "no file")


PARTS: Mapping[str, Callable[[Json], None]] = {
    "text": check_text,
    "image_url": check_image,
    "input_audio": check_audio,
    "file": check_file,
}


def is_data(url: str, media_type: str) -> bool:
    """Whether it is a data URL whose media type begins so, and whose base64 can be read."""
    head, _, data = url.partition(",")
    if not (head.startswith(f"data:{media_type}") and head.endswith(";base64")):
        return False
    return bool(base64.b64decode(data, validate=True))


def require(condition: object, problem: str) -> None:
    if not condition:
        raise RefusalError(problem)
