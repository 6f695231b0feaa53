"""Dialogues with tools: one call, two at once, answers from results, and tools left alone."""

from __future__ import annotations

from typing import Any

from dialogues import Chance, Dialogue, Message, answer, capital, fact, hello, to_json, user
from words import CITIES, FIRST_NAMES, SKIES

Tool = dict[str, Any]


def _tool(name: str, description: str, **properties: str) -> Tool:
    schema = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(properties),
    }
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


WEATHER = _tool("get_weather", "Get the weather for a city", city="string")
ADD = _tool("add", "Add two integers", a="integer", b="integer")
SEARCH = _tool("search", "Search the documents", query="string")
MAIL = _tool("send_mail", "Send a mail", to="string", subject="string")
ALL = (WEATHER, ADD, SEARCH, MAIL)


def tool_use(chance: Chance) -> Dialogue:
    """A question that one of the tools answers."""
    kinds = [_weather, _weather, _two_cities, _addition, _search, _mail]
    kind = chance.randrange(len(kinds))
    city = chance.choice(CITIES)
    messages, tool = kinds[kind](chance, city)
    return messages, _among_others(tool, chance)


def tools_unused(chance: Chance) -> Dialogue:
    """A question that needs none of the tools."""
    messages, _ = chance.choice([capital, fact, hello])(chance)
    return messages, _among_others(chance.choice([WEATHER, ADD, SEARCH]), chance)


def _among_others(tool: Tool, chance: Chance) -> list[Tool]:
    others = [other for other in ALL if other is not tool]
    tools = [tool, *chance.sample(others, chance.choice([0, 0, 1, 2]))]
    chance.shuffle(tools)
    return tools


def _calls(name: str, *arguments: dict[str, Any]) -> Message:
    functions = [{"name": name, "arguments": to_json(each)} for each in arguments]
    calls = [{"id": "c", "type": "function", "function": each} for each in functions]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _result(text: str) -> Message:
    return {"role": "tool", "content": text}


def _weather(chance: Chance, city: str) -> tuple[list[Message], Tool]:
    question = chance.choice(
        [
            "What is the weather in {}?",
            "Weather in {}?",
            "How is the weather in {} today?",
            "what is the weather like in {}",
        ]
    ).format(city)
    messages = [user(question), _calls("get_weather", {"city": city})]
    if chance.random() < 0.6:
        degrees, sky = chance.randint(-9, 39), chance.choice(SKIES)
        weather = {"temperature": degrees, "sky": sky}
        if chance.random() < 0.5:
            weather = {"city": city, **weather}
        text = f"It is {sky} in {city} with {degrees} degrees."
        messages += [_result(to_json(weather)), answer(text)]
    return messages, WEATHER


def _two_cities(chance: Chance, city: str) -> tuple[list[Message], Tool]:
    other = chance.choice([each for each in CITIES if each != city])
    question = chance.choice(
        [
            "Weather in {} and {}?",
            "What is the weather in {} and {}?",
            "Compare the weather in {} and {}.",
        ]
    ).format(city, other)
    return [user(question), _calls("get_weather", {"city": city}, {"city": other})], WEATHER


def _addition(chance: Chance, _city: str) -> tuple[list[Message], Tool]:
    x, y = chance.randint(1, 999), chance.randint(1, 999)
    question = chance.choice(
        [
            "Use the tool to add {} and {}.",
            "Add {} and {} with the tool",
            "What is {} + {}? Use a tool.",
        ]
    ).format(x, y)
    messages = [user(question), _calls("add", {"a": x, "b": y})]
    if chance.random() < 0.6:
        messages += [_result(str(x + y)), answer(f"{x} + {y} = {x + y}")]
    return messages, ADD


def _search(chance: Chance, _city: str) -> tuple[list[Message], Tool]:
    query = chance.choice(
        ["opening hours", "return policy", "price list", "retry limits", "install guide"]
    )
    form = chance.choice(["Search for {}.", "Find the {} in the documents", "Look up the {}"])
    return [user(form.format(query)), _calls("search", {"query": query})], SEARCH


def _mail(chance: Chance, _city: str) -> tuple[list[Message], Tool]:
    name = chance.choice(FIRST_NAMES)
    subject = chance.choice(["lunch", "meeting", "report", "invoice"])
    form = chance.choice(["Send a mail to {} about the {}.", "Write {} a mail about the {}"])
    call = _calls("send_mail", {"to": name, "subject": subject})
    return [user(form.format(name, subject)), call], MAIL
