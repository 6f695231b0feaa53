"""Schemas in the strict subset, by its own rules: a walker that shares no code with the package."""

from __future__ import annotations

import copy
import datetime as dt
import enum
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NotRequired

import pydantic
import pytest
from pydantic import BaseModel, Field, Json, TypeAdapter, WithJsonSchema
from typing_extensions import TypedDict

from lexilux_like.values.schema import NotStrictError, Untitled, rooted, strict, untitled, word

WORDS = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"pattern", "format"},
    "number": {"multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "boolean": set(),
    "null": set(),
}
WORDS["integer"] = WORDS["number"]
ANYWHERE = {"type", "description", "title", "enum", "const", "anyOf", "$defs"}
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}


def check(schema, root=None) -> None:
    """Assert that the published rules of the strict subset hold everywhere in `schema`."""
    root = root or schema
    if "$ref" in schema:
        assert schema.keys() == {"$ref"}
        assert schema["$ref"].removeprefix("#/$defs/") in root["$defs"]
        return
    assert "type" in schema or "anyOf" in schema
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    assert schema.keys() <= ANYWHERE.union(*(WORDS[kind] for kind in kinds))
    if "object" in kinds:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    if "array" in kinds:
        check(schema["items"], root)
    assert schema.get("format", "date") in FORMATS
    assert "(?" not in schema.get("pattern", "")
    below = schema.get("properties", {}) | schema.get("$defs", {})
    for each in [*below.values(), *schema.get("anyOf", ())]:
        check(each, root)


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


class Pair(NamedTuple):
    lat: float
    lon: float = 0.0


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class Chain(BaseModel):
    """A link."""

    next: Annotated[Chain | None, Field(description="The one behind.")]
    all: list[Chain] = []
    some: Annotated[list[Chain], Field(min_length=1)] | None = None


class Endless(TypedDict):
    next: NotRequired[Endless]


class Growing(BaseModel):
    more: Annotated[list[Growing], Field(min_length=1)]


Price = Annotated[Decimal, Field(max_digits=5, decimal_places=2)]


def of(kind) -> dict[str, Any]:
    """The schema of an object with one field of `kind`, as pydantic writes it."""
    model = pydantic.create_model("Model", field=kind)
    return model.model_json_schema(schema_generator=Untitled)


def field(kind) -> dict[str, Any]:
    return strict(of(kind))["properties"]["field"]


class TestStrict:
    @pytest.mark.parametrize(
        "kind",
        [
            str,
            Mode,
            Mixed,
            Pair,
            Chain,
            Price,
            Cat | Dog,
            Annotated[Cat | Dog, Field(discriminator="kind")],
            (Mode, Mode.FAST),
            Annotated[Mode, Field(description="How.")],
            list[Chain] | None,
            (int, Field(default=3, gt=0, le=10, multiple_of=3)),
            (str, Field(default="abc", min_length=2, max_length=9, examples=["abc"])),
            (list[int], Field(min_length=1, max_length=3, deprecated=True)),
            frozenset[int],
            bytes,
            pydantic.HttpUrl,
            pydantic.UUID4,
            Json[list[int]],
            Literal["a", 1, True] | None,
            type(None),
            tuple[str, str],
        ],
        ids=str,
    )
    def test_keeps_the_published_rules(self, kind):
        schema = strict(of(kind))
        assert schema["type"] == "object"
        check(schema)

    @pytest.mark.parametrize(
        "kind",
        [
            Any,
            object,
            list,
            dict,
            dict[str, int],
            list[dict[str, Mode]],
            tuple[int, str],
            tuple[()],
            Endless,
            Growing,
            (int, Field(json_schema_extra={"not": {"const": 3}})),
            (int, Field(json_schema_extra={"allOf": [{"minimum": 1}, {"maximum": 2}]})),
            Annotated[tuple, WithJsonSchema({"type": "array", "items": True})],
            Annotated[tuple, WithJsonSchema({"enum": [[1], [2]]})],
            Annotated[
                tuple,
                WithJsonSchema(
                    {"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "null"}}
                ),
            ],
            Annotated[dict, WithJsonSchema({"type": ["object", "null"]})],
        ],
        ids=str,
    )
    def test_refuses_what_the_subset_cannot_say(self, kind):
        with pytest.raises(NotStrictError):
            strict(of(kind))

    def test_changes_nothing_of_what_it_is_given(self):
        given = of((Mode, Field(default=Mode.FAST, description="How.")))
        before = copy.deepcopy(given)
        strict(given)
        assert given == before

    def test_a_field_with_a_default_is_required_and_the_default_is_told(self):
        assert field((str, "FR")) == {"type": "string", "description": 'default: "FR"'}

    def test_a_default_of_none_is_not_told(self):
        assert field((int | None, None)) == {"anyOf": [{"type": "integer"}, {"type": "null"}]}

    def test_a_default_is_not_told_where_there_is_no_choice(self):
        assert field((Literal["cat"], "cat")) == {"type": "string", "const": "cat"}

    def test_a_length_is_told_after_the_description(self):
        kind = Annotated[str, Field(min_length=2, max_length=9, description="A code.")]
        assert field(kind) == {
            "type": "string",
            "description": "A code. (maxLength: 9, minLength: 2)",
        }

    def test_bounds_of_numbers_and_lists_are_enforced(self):
        kind = Annotated[list[Annotated[int, Field(ge=1, lt=9)]], Field(min_length=1)]
        assert field(kind) == {
            "type": "array",
            "minItems": 1,
            "items": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9},
        }

    def test_an_unknown_format_is_told(self):
        assert field(bytes) == {"type": "string", "description": 'format: "binary"'}

    def test_a_known_format_is_enforced(self):
        assert field(dt.time) == {"type": "string", "format": "time"}

    def test_a_plain_pattern_is_enforced(self):
        assert field(Annotated[str, Field(pattern="^a$")]) == {"type": "string", "pattern": "^a$"}

    def test_a_pattern_that_looks_around_is_told(self):
        kind = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^(?!x)"})]
        assert field(kind) == {"type": "string", "description": 'pattern: "^(?!x)"'}

    def test_a_reference_with_a_description_is_wrapped(self):
        assert field(Annotated[Mode, Field(description="How.")]) == {
            "description": "How.",
            "anyOf": [{"$ref": "#/$defs/Mode"}],
        }

    def test_constants_of_several_types_name_them(self):
        assert field(Mixed | None)["anyOf"][0] == {"$ref": "#/$defs/Mixed"}
        assert strict(of(Mixed))["$defs"]["Mixed"]["type"] == ["integer", "string"]

    def test_a_discriminated_union_is_any_of_its_members(self):
        assert field(Annotated[Cat | Dog, Field(discriminator="kind")]) == {
            "anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]
        }

    def test_a_tuple_of_one_type_is_a_list_of_that_length(self):
        assert field(tuple[int, int]) == {
            "type": "array",
            "items": {"type": "integer"},
            "minItems": 2,
            "maxItems": 2,
        }

    def test_a_named_tuple_tells_the_names_of_its_items(self):
        schema = strict(of(Pair))
        place = schema["$defs"]["Pair"] if "$defs" in schema else schema["properties"]["field"]
        assert place == {
            "type": "array",
            "items": {"type": "number"},
            "minItems": 1,
            "maxItems": 2,
            "description": 'items: ["lat", "lon"]',
        }


class TestUntitled:
    def test_titles_given_by_hand_are_kept(self):
        assert of((int, Field(title="Years")))["properties"]["field"]["title"] == "Years"

    def test_arguments_by_position_have_their_names_nowhere_else(self):
        def call(x: int, y: int, /) -> None: ...

        items = TypeAdapter(call).json_schema(schema_generator=Untitled)["prefixItems"]
        assert [item["title"] for item in items] == ["x", "y"]

    def test_a_title_by_hand_stands_for_the_name_of_a_position(self):
        class Spot(NamedTuple):
            lat: Annotated[float, Field(title="Latitude")]

        items = TypeAdapter(Spot).json_schema(schema_generator=Untitled)["prefixItems"]
        assert items == [{"type": "number", "title": "Latitude"}]

    def test_where_no_position_has_a_name_nothing_is_added(self):
        class Empty(NamedTuple):
            pass

        assert "prefixItems" not in TypeAdapter(Empty).json_schema(schema_generator=Untitled)

    def test_defaults_without_a_json_form_are_left_out_in_silence(self):
        schema = of((Annotated[Any, Field()], object()))
        assert schema["properties"]["field"] == {}

    def test_titles_that_repeat_a_name_are_left_out_of_definitions(self):
        schema = TypeAdapter(list[Cat]).json_schema(schema_generator=Untitled)
        assert "title" not in untitled(schema, "list_Cat")["$defs"]["Cat"]

    def test_titles_that_tell_more_than_the_name_are_kept(self):
        assert untitled({"title": "A cat"}, "Cat") == {"title": "A cat"}


class TestRooted:
    def test_a_reference_at_the_root_is_replaced(self):
        schema = {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"type": "null"}}}
        assert rooted(schema) == {"type": "null", "$defs": schema["$defs"]}

    def test_what_stands_beside_it_is_kept(self):
        schema = {
            "$ref": "#/$defs/A",
            "description": "mine",
            "$defs": {"A": {"type": "null", "description": "its own"}},
        }
        assert rooted(schema)["description"] == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [("list[Person]", "list_Person"), ("_Private", "Private"), ("a-b.c", "a-b_c"), ("名", "")],
)
def test_a_word_is_of_ascii_letters(text, said):
    assert word(text) == said
