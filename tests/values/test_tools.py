"""Tools and tool choices: made from functions, spelled for the wire, run."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import replace
from typing import Annotated

import pytest
from pydantic import Field

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.tools import (
    FunctionTool,
    Tool,
    ToolChoice,
    encode_tool_choice,
    encode_tools,
    tool,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SEARCH = {"type": "web_search"}


def get_weather(city: str, unit: str = "c") -> str:
    """The weather now.

    Args:
        city: Its English name.
        colour: There is no such parameter.
    """
    return f"{city}: 20 {unit}"


async def get_time(city: str) -> str:
    """The time now."""
    await asyncio.sleep(0)
    return f"{city}: noon"


def wire(name: str, **fields: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, **fields}}


class TestFunctionTool:
    def test_the_field_s_short_name_is_an_alias(self):
        assert Tool is FunctionTool

    def test_only_what_is_set_is_sent(self):
        assert FunctionTool("f").to_dict() == wire("f")

    def test_everything_that_is_set_is_sent(self):
        made = FunctionTool("f", "Does it.", SCHEMA, strict=False, function=get_weather)
        assert made.to_dict() == wire("f", description="Does it.", parameters=SCHEMA, strict=False)

    def test_a_tool_without_a_name_is_refused(self):
        with pytest.raises(ValidationError, match="needs a name"):
            FunctionTool("")

    def test_a_tool_cannot_be_changed(self):
        with pytest.raises(AttributeError):
            FunctionTool("f").name = "g"  # type: ignore[misc]

    def test_equal_tools_have_equal_hashes(self):
        assert hash(FunctionTool("f", "d", SCHEMA)) == hash(FunctionTool("f", "d", dict(SCHEMA)))

    def test_calling_a_tool_calls_its_function_unchecked(self):
        assert FunctionTool.from_function(get_weather)("Paris", unit=5) == "Paris: 20 5"


class TestFromFunction:
    def test_signature_and_docstring_become_the_tool(self):
        assert FunctionTool.from_function(get_weather).to_dict() == wire(
            "get_weather",
            description="The weather now.",
            parameters={
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Its English name."},
                    "unit": {"type": "string", "default": "c"},
                },
                "required": ["city"],
                "additionalProperties": False,
            },
        )

    def test_an_annotated_description_wins_over_the_docstring(self):
        def function(city):
            """Args:
            city: From the docstring.
            """

        function.__annotations__["city"] = Annotated[str, Field(description="From the type.")]
        schema = FunctionTool.from_function(function).parameters
        assert schema["properties"]["city"]["description"] == "From the type."

    def test_given_words_win_over_the_function_s(self):
        made = FunctionTool.from_function(get_weather, name="w", description="D.", strict=True)
        assert (made.name, made.description, made.strict) == ("w", "D.", True)

    def test_a_function_without_a_docstring_has_no_description(self):
        assert FunctionTool.from_function(lambda: None, name="f").description is None

    def test_a_function_without_parameters_takes_an_empty_object(self):
        assert FunctionTool.from_function(lambda: None, name="f").parameters == {
            "type": "object",
            "properties": {},
            "additionalProperties": False,
        }

    def test_a_lambda_needs_a_name(self):
        with pytest.raises(ValidationError, match="pass name="):
            FunctionTool.from_function(lambda: None)

    def test_subclasses_make_their_own_kind(self):
        class Mine(FunctionTool):
            pass

        assert type(Mine.from_function(get_weather)) is Mine


class TestDecorator:
    def test_it_makes_a_tool_of_the_function(self):
        assert tool(get_weather) == FunctionTool.from_function(get_weather)

    def test_it_takes_options(self):
        @tool(name="w", strict=True)
        def function() -> None:
            """Nothing."""

        assert function.to_dict()["function"]["name"] == "w"
        assert function.strict is True


class TestRun:
    def test_arguments_are_checked_and_converted(self):
        double = FunctionTool.from_function(lambda x: x * 2, name="double")
        assert double.run('{"x": 21}') == 42

    def test_arguments_that_do_not_fit_are_refused(self):
        with pytest.raises(ValidationError, match="do not fit get_weather: city: "):
            FunctionTool.from_function(get_weather).run("{}")

    def test_a_tool_with_a_schema_of_its_own_still_checks_the_signature(self):
        made = FunctionTool("w", parameters=SCHEMA, function=get_weather)
        assert made.run({"city": "Paris"}) == "Paris: 20 c"
        with pytest.raises(ValidationError):
            made.run({"town": "Paris"})

    def test_a_replaced_function_is_checked_by_its_own_signature(self):
        made = replace(FunctionTool.from_function(get_weather), function=lambda town: town)
        assert made.run({"town": "Paris"}) == "Paris"

    def test_what_the_function_raises_is_not_taken_for_a_bad_argument(self):
        def fail() -> None:
            FunctionTool.from_function(get_weather).run({})

        with pytest.raises(ValidationError, match="get_weather"):
            FunctionTool.from_function(fail).run({})

    @pytest.mark.parametrize("how", ["run", "__call__"])
    def test_a_tool_without_a_function_cannot_be_run(self, how: str):
        with pytest.raises(ValidationError, match="'f' has no function to run"):
            getattr(FunctionTool("f"), how)({})

    @pytest.mark.parametrize("function", [get_time, functools.partial(get_time)])
    def test_an_async_function_is_not_run_and_lost(self, function):
        with pytest.raises(ValidationError, match="'get_time' is async: use arun"):
            FunctionTool.from_function(function).run({"city": "Paris"})

    def test_arun_awaits_an_async_function(self):
        made = FunctionTool.from_function(get_time)
        assert asyncio.run(made.arun('{"city": "Paris"}')) == "Paris: noon"

    def test_arun_calls_any_other(self):
        made = FunctionTool.from_function(get_weather)
        assert asyncio.run(made.arun('{"city": "Paris"}')) == "Paris: 20 c"

    def test_arun_checks_arguments_too(self):
        with pytest.raises(ValidationError, match="do not fit"):
            asyncio.run(FunctionTool.from_function(get_time).arun("{}"))


class TestEncodeTools:
    def test_tools_functions_and_dicts_are_spelled_alike(self):
        assert encode_tools([FunctionTool("f"), get_weather, wire("g"), SEARCH]) == [
            wire("f"),
            FunctionTool.from_function(get_weather).to_dict(),
            wire("g"),
            SEARCH,
        ]

    @pytest.mark.parametrize(
        "tools",
        [
            [FunctionTool("f"), FunctionTool("f", "Another.")],
            [FunctionTool("f"), wire("f")],
            [wire("f"), {"type": "custom", "custom": {"name": "f"}}],
        ],
    )
    def test_two_tools_of_one_name_are_refused(self, tools):
        with pytest.raises(ValidationError, match="2 tools have the name 'f'"):
            encode_tools(tools)

    def test_tools_without_a_name_may_come_twice(self):
        assert encode_tools([SEARCH, SEARCH]) == [SEARCH, SEARCH]

    def test_a_dict_without_a_type_is_refused(self):
        with pytest.raises(ValidationError, match="needs a type"):
            encode_tools([{"name": "f"}])

    @pytest.mark.parametrize("tools", ["get_weather", [None], wire("f"), [5]])
    def test_what_is_no_tool_is_refused(self, tools):
        with pytest.raises(ValidationError, match="made from a function"):
            encode_tools(tools)

    def test_a_function_that_cannot_be_a_tool_is_refused(self):
        with pytest.raises(ValidationError, match="cannot be a tool"):
            encode_tools([len])


class TestToolChoice:
    @pytest.mark.parametrize(
        ("choice", "spelled"),
        [
            (ToolChoice.auto(), "auto"),
            (ToolChoice.none(), "none"),
            (ToolChoice.required(), "required"),
            (ToolChoice.tool("f"), wire("f")),
            (ToolChoice(), "auto"),
            (ToolChoice(type="function", name="f"), wire("f")),
        ],
    )
    def test_it_is_spelled_for_the_wire(self, choice: ToolChoice, spelled: object):
        assert choice.to_wire() == spelled

    @pytest.mark.parametrize(
        ("type_", "name"),
        [("any", None), ("function", None), ("function", ""), ("auto", "f"), ("f", "f")],
    )
    def test_what_cannot_be_meant_is_refused(self, type_: str, name: str | None):
        with pytest.raises(ValidationError, match=r"use ToolChoice\.auto"):
            ToolChoice(type_, name)  # type: ignore[arg-type]

    @pytest.mark.parametrize("word", ["auto", "none", "required"])
    def test_a_word_is_sent_as_it_is(self, word: str):
        assert encode_tool_choice(word) == word

    def test_another_word_is_the_name_of_a_tool(self):
        assert encode_tool_choice("f", [FunctionTool("f")]) == wire("f")

    def test_a_tool_named_like_a_word_can_be_chosen(self):
        assert encode_tool_choice(ToolChoice.tool("auto")) == wire("auto")

    @pytest.mark.parametrize("choice", ["wether", ToolChoice.tool("wether")])
    def test_a_name_that_is_none_of_the_tools_is_refused(self, choice):
        with pytest.raises(ValidationError, match=r"'wether' is none of the tools: \['f', 'get_w"):
            encode_tool_choice(choice, [FunctionTool("f"), get_weather])

    @pytest.mark.parametrize("tools", [None, [], [SEARCH]])
    def test_without_named_tools_a_name_is_not_checked(self, tools):
        assert encode_tool_choice("f", tools) == wire("f")

    def test_a_dict_is_not_looked_into(self):
        choice = {"type": "allowed_tools", "mode": "auto"}
        assert encode_tool_choice(choice, [get_weather]) == choice
