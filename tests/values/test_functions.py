"""Functions as a model sees them: schema, description, checked arguments."""

from __future__ import annotations

import datetime as dt
import enum
import functools
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.functions import Signature, name_of, read_docstring


class City(BaseModel):
    """A place."""

    name: str
    country: str = "FR"


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclass
class Searcher:
    found: str = "nothing"

    def __call__(self, query: str) -> str:
        """Look it up."""
        return f"{query}: {self.found}"

    def search(self, query: str) -> str:
        return self(query)

    @staticmethod
    def still(query: str) -> str:
        return query

    @classmethod
    def classy(cls, query: str) -> str:
        return query


def forecast(
    city: City,
    unit: Unit = Unit.CELSIUS,
    *,
    days: Annotated[int, Field(description="How many.", ge=1)] = 1,
    start: dt.date | None = None,
    mode: Literal["short", "long"] = "short",
) -> str:
    """The weather to come."""
    return f"{city.name} {unit} {days} {start} {mode}"


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


async def later(query: str) -> str:
    return query


def anything(x, y=2):
    return x, y


def open_ended(**filters: int) -> None: ...


def positional(query: str, /) -> None: ...


def half_positional(query: str, /, *, limit: int) -> None: ...


def many(*queries: str) -> None: ...


def unresolved(query: Missing) -> None: ...  # noqa: F821 - that is the point


def worded(query: "what to look for") -> None:  # noqa: F722 - that is the point
    ...


def untypable(error: Exception) -> None: ...


QUERY = {
    "type": "object",
    "properties": {"query": {"type": "string"}},
    "required": ["query"],
    "additionalProperties": False,
}


class TestSchema:
    def test_models_enums_literals_defaults_and_bounds_are_spelled_out(self):
        schema = Signature(forecast).schema
        assert schema == {
            "type": "object",
            "properties": {
                "city": {"$ref": "#/$defs/City"},
                "unit": {"$ref": "#/$defs/Unit", "default": "c"},
                "days": {"type": "integer", "default": 1, "description": "How many.", "minimum": 1},
                "start": {
                    "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
                    "default": None,
                },
                "mode": {"type": "string", "enum": ["short", "long"], "default": "short"},
            },
            "required": ["city"],
            "additionalProperties": False,
            "$defs": {
                "City": {
                    "type": "object",
                    "title": "City",
                    "description": "A place.",
                    "properties": {
                        "name": {"type": "string"},
                        "country": {"type": "string", "default": "FR"},
                    },
                    "required": ["name"],
                },
                "Unit": {"type": "string", "title": "Unit", "enum": ["c", "f"]},
            },
        }

    @pytest.mark.parametrize(
        "function",
        [
            later,
            Searcher().search,
            Searcher.still,
            Searcher.classy,
            Searcher(),
            functools.partial(later),
            logged(later),
        ],
    )
    def test_any_kind_of_function_will_do(self, function):
        assert Signature(function).schema == QUERY

    def test_parameters_without_a_type_take_anything(self):
        assert Signature(anything).schema["properties"] == {"x": {}, "y": {"default": 2}}

    def test_arbitrary_keywords_allow_more_properties(self):
        assert Signature(open_ended).schema["additionalProperties"] == {"type": "integer"}

    def test_what_a_partial_fixes_by_name_becomes_the_default(self):
        schema = Signature(functools.partial(forecast, days=7)).schema
        assert schema["properties"]["days"]["default"] == 7

    def test_what_a_partial_fixes_by_position_is_gone(self):
        assert Signature(functools.partial(anything, 1)).schema["properties"] == {
            "y": {"default": 2}
        }

    @pytest.mark.parametrize(
        ("function", "reason"),
        [
            (positional, "by name, not by position"),
            (half_positional, "positional-only"),
            (many, "by name, not by position"),
            (unresolved, "'Missing' is not defined"),
            (worded, "orward reference"),
            (untypable, "Exception"),
            (len, "by name, not by position"),
            (max, "no signature found"),
        ],
    )
    def test_a_function_that_cannot_be_a_tool_is_refused_by_name(self, function, reason: str):
        with pytest.raises(
            ValidationError, match=f"^{function.__name__} cannot be a tool: .*{reason}"
        ):
            Signature(function)

    @pytest.mark.parametrize("thing", [City, 5, None, "forecast", {"name": "forecast"}])
    def test_what_is_no_function_is_refused(self, thing):
        with pytest.raises(ValidationError, match="made from a function"):
            Signature(thing)


class TestBind:
    def test_json_becomes_the_annotated_types(self):
        args, kwargs = Signature(forecast).bind(
            '{"city": {"name": "Paris"}, "unit": "f", "days": 2, "start": "2024-02-29"}'
        )
        assert args == ()
        assert kwargs == {
            "city": City(name="Paris"),
            "unit": Unit.FAHRENHEIT,
            "days": 2,
            "start": dt.date(2024, 2, 29),
            "mode": "short",
        }

    def test_a_mapping_is_taken_like_json(self):
        signature = Signature(forecast)
        assert signature.bind({"city": {"name": "Paris"}}) == signature.bind(
            '{"city": {"name": "Paris"}}'
        )

    @pytest.mark.parametrize("text", ["", "  \n", "{}", " {} "])
    def test_an_empty_text_means_no_arguments(self, text: str):
        assert Signature(lambda x=1: x).bind(text) == ((), {"x": 1})

    @pytest.mark.parametrize("text", ["[]", '[{"name": "Paris"}]', '"Paris"', "null", "Paris"])
    def test_json_that_is_no_object_is_refused(self, text: str):
        with pytest.raises(ValidationError, match="forecast are not a JSON object"):
            Signature(forecast).bind(text)

    @pytest.mark.parametrize("text", ['{"city": {"na', "{]", '{"city": NaN}'])
    def test_broken_json_is_refused(self, text: str):
        with pytest.raises(ValidationError, match="do not fit forecast: "):
            Signature(forecast).bind(text)

    def test_every_fault_is_named_with_its_place(self):
        with pytest.raises(ValidationError) as caught:
            Signature(forecast).bind({"city": {}, "days": 0, "colour": "red"})
        assert str(caught.value) == (
            "the arguments do not fit forecast: city.name: Field required;"
            " days: Input should be greater than or equal to 1;"
            " colour: Unexpected keyword argument"
        )

    def test_the_function_is_not_called(self):
        def fail(x: int) -> None:
            raise AssertionError

        assert Signature(fail).bind({"x": 1}) == ((), {"x": 1})


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (forecast, "forecast"),
        (functools.partial(functools.partial(forecast)), "forecast"),
        (Searcher(), "Searcher"),
        (Searcher().search, "search"),
        (lambda: None, "<lambda>"),
    ],
)
def test_the_name_is_the_function_s_or_the_class_s(function, name: str):
    assert name_of(function) == name


class TestDocstring:
    def test_the_text_before_the_first_section_is_the_summary(self):
        def function():
            """Find it.

            It may take long: be patient.

            Returns:
                What was found.
            """

        assert read_docstring(function) == ("Find it.\n\nIt may take long: be patient.", {})

    def test_each_parameter_has_its_words_on_one_line(self):
        def function():
            """Find it.

            Args:
                query: What to look for,
                    in words: any.

                    Several paragraphs.
                limit (int, optional): How many.
                kind (Literal["a", "b"] (or so)): Which.
                *args: More.
                **options: Even more.

            Raises:
                ValueError: Not a parameter.
            """

        assert read_docstring(function)[1] == {
            "query": "What to look for, in words: any. Several paragraphs.",
            "limit": "How many.",
            "kind": "Which.",
            "args": "More.",
            "options": "Even more.",
        }

    def test_sections_may_come_in_any_order(self):
        def function():
            """Find it.

            Note:
                It is old.

            Returns:
                What was found.

            Args:
                query: Words.

            Raises:
                ValueError: Not found.
            """

        assert read_docstring(function) == ("Find it.", {"query": "Words."})

    @pytest.mark.parametrize("title", ["Args", "Arguments", "Parameters"])
    def test_the_section_has_several_names(self, title: str):
        def function(): ...

        function.__doc__ = f"Find it.\n\n{title}:\n    query: Words.\n"
        assert read_docstring(function) == ("Find it.", {"query": "Words."})

    def test_a_function_without_a_docstring_says_nothing(self):
        assert read_docstring(lambda: None) == ("", {})

    def test_a_callable_object_is_described_by_its_call(self):
        assert read_docstring(Searcher()) == ("Look it up.", {})

    def test_a_partial_is_described_by_its_function(self):
        assert read_docstring(functools.partial(forecast, days=2))[0] == "The weather to come."
