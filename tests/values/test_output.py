"""Types as JSON schemas, and answers as values of those types."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import json
import pickle
import re
import sys
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypeVar

import pydantic
import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, field_validator
from typing_extensions import TypeAliasType, TypedDict

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.output import (
    MAX_ERRORS,
    ErrorDetail,
    OutputFault,
    OutputType,
    output_type,
)

T = TypeVar("T")


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


class Person(BaseModel):
    """Somebody."""

    name: str = Field(description="Given name first.")
    age: int | None = None


class Place(BaseModel):
    city: str
    unit: Unit = Unit.CELSIUS


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = Field(default_factory=list)


class Node(BaseModel):
    value: int
    children: list[Node] = []
    parent: Node | None = Field(default=None, description="None at the top.")


class Box(BaseModel, Generic[T]):
    content: T


class Aliased(BaseModel):
    first_name: str = Field(alias="firstName")


class Unaliased(BaseModel):
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)
    first_name: str = Field(validation_alias="firstName")


class Event(BaseModel):
    at: dt.datetime
    price: Decimal
    tags: set[str]
    code: Annotated[str, Field(min_length=2, pattern="^[A-Z]+$")]
    span: tuple[int, int]
    link: pydantic.HttpUrl | None = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


class People(RootModel[list[Person]]):
    pass


class Point(NamedTuple):
    x: float
    y: float


class Same(NamedTuple, Generic[T]):
    one: T
    other: T


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


@dataclass
class Song:
    """A tune."""

    title: str
    notes: list[str] = field(default_factory=list)


@pydantic.dataclasses.dataclass
class Album:
    songs: list[Song]


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
Nested = TypeAliasType("Nested", "list[Nested] | int")
Persons = TypeAliasType("Persons", list[Person])

ANN, BOB = Person(name="Ann", age=3), Person(name="Bob")

# kind, a value of it, the name, strict, wrapped
KINDS = [
    (Person, ANN, "Person", True, False),
    (Place, Place(city="Ulm"), "Place", True, False),
    (Node, Node(value=1, children=[Node(value=2)]), "Node", True, False),
    (Box[list[int]], Box[list[int]](content=[1]), "Box_list_int", True, False),
    (Aliased, Aliased(firstName="Ann"), "Aliased", True, False),
    (Song, Song("Air"), "Song", True, False),
    (Album, Album([Song("Air", ["g"])]), "Album", True, False),
    (Movie, Movie(title="Alien", year=1979), "Movie", True, False),
    (Open, Open(name="Ann"), "Open", False, False),
    (
        Event,
        Event(
            at=dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
            price=Decimal("19.90"),
            tags={"a"},
            code="AB",
            span=(1, 2),
        ),
        "Event",
        True,
        False,
    ),
    (list[Person], [ANN, BOB], "list_Person", True, True),
    (Persons, [ANN], "Persons", True, True),
    (People, People([ANN]), "People", True, True),
    (list[Person | Place], [ANN, Place(city="Ulm")], "list_Person_or_Place", True, True),
    (list[Pet], [Cat(), Dog(kind="dog")], "list_Cat_or_Dog", True, True),
    (Sequence[int], [1, 2], "Sequence_int", True, True),
    (Person | Place, Place(city="Ulm"), "Person_or_Place", True, True),
    (Person | None, None, "Person_or_None", True, True),
    (typing.Optional[Person], ANN, "Person_or_None", True, True),  # noqa: UP045 - as written of old
    (Pet, Dog(kind="dog", tricks=["sit"]), "Cat_or_Dog", True, True),
    (Unit, Unit.FAHRENHEIT, "Unit", True, True),
    (Literal["a", 1], 1, "Literal_a_1", True, True),
    (Annotated[int, Field(ge=0)], 7, "int", True, True),
    (int, 7, "int", True, True),
    (str, "ä \"'", "str", True, True),
    (dt.date, dt.date(2024, 2, 29), "date", True, True),
    (Point, Point(1.5, 2), "Point", True, True),
    (tuple[int, ...], (1, 2), "tuple_int", True, True),
    (Nested, [1, [2, []]], "Nested", True, True),
    (tuple[int, str], (1, "a"), "tuple_int_str", False, True),
    (dict[str, int], {"a": 1}, "dict_str_int", False, True),
    (dict[str, Person], {"value": ANN}, "dict_str_Person", False, True),
    (list, [1, "a"], "list", False, True),
    (Any, {"a": [1]}, "Any", False, True),
]
EACH_KIND = pytest.mark.parametrize(
    ("kind", "value"), [row[:2] for row in KINDS], ids=[row[2] for row in KINDS]
)


def written(kind, value) -> str:
    """A perfect model's answer."""
    data = TypeAdapter(kind).dump_python(value, mode="json", by_alias=True)
    return json.dumps({"value": data} if output_type(kind).wrapped else data)


def fault(kind, text) -> OutputFault:
    with pytest.raises(OutputFault) as caught:
        output_type(kind).validate(text)
    return caught.value


class TestSchema:
    @pytest.mark.parametrize(
        ("kind", "name", "strict", "wrapped"),
        [(kind, *facts) for kind, _, *facts in KINDS],
        ids=[row[2] for row in KINDS],
    )
    def test_each_kind_has_a_name_is_strict_where_it_can_be_and_wrapped_where_it_must(
        self, kind, name, strict, wrapped
    ):
        made = output_type(kind)
        assert (made.name, made.strict, made.wrapped) == (name, strict, wrapped)

    @EACH_KIND
    def test_a_value_written_as_json_fits_the_schema(self, kind, value):
        jsonschema = pytest.importorskip("jsonschema")
        schema = output_type(kind).schema
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(json.loads(written(kind, value)), schema)

    @EACH_KIND
    def test_the_root_is_an_object(self, kind, value):
        assert output_type(kind).schema["type"] == "object"

    @EACH_KIND
    def test_no_title_repeats_a_name(self, kind, value):
        assert '"title": "' not in json.dumps(output_type(kind).schema)

    def test_a_list_is_wrapped_with_its_definitions_at_the_root(self):
        assert OutputType(list[Person]).schema == {
            "type": "object",
            "properties": {"value": {"items": {"$ref": "#/$defs/Person"}, "type": "array"}},
            "required": ["value"],
            "additionalProperties": False,
            "$defs": {
                "Person": {
                    "description": "Somebody.",
                    "type": "object",
                    "properties": {
                        "name": {"type": "string", "description": "Given name first."},
                        "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                    },
                    "required": ["name", "age"],
                    "additionalProperties": False,
                }
            },
        }

    def test_what_cannot_be_strict_is_sent_as_pydantic_wrote_it(self):
        assert OutputType(Open).schema == {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": True,
        }

    def test_a_dict_is_wrapped_though_it_is_an_object(self):
        assert OutputType(dict[str, int]).schema == {
            "type": "object",
            "properties": {
                "value": {"type": "object", "additionalProperties": {"type": "integer"}}
            },
            "required": ["value"],
            "additionalProperties": False,
        }

    def test_fields_are_named_by_alias(self):
        assert list(OutputType(Aliased).schema["properties"]) == ["firstName"]

    def test_a_recursive_type_refers_to_its_definition_below_an_object_at_the_root(self):
        schema = OutputType(Node).schema
        assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
        assert schema["properties"] == schema["$defs"]["Node"]["properties"]

    def test_a_title_of_its_own_is_kept(self):
        class Titled(BaseModel):
            model_config = ConfigDict(title="A form of 1920")
            name: str

        assert OutputType(Titled).schema["title"] == "A form of 1920"

    def test_the_names_in_a_named_tuple_are_told(self):
        schema = OutputType(Point).schema
        assert schema["$defs"]["Point"]["description"] == 'items: ["x", "y"]'

    def test_names_are_cut_at_64_characters(self):
        assert len(OutputType(type("Long" * 30, (Person,), {})).name) == 64

    def test_names_without_a_letter_of_ascii_are_replaced(self):
        assert OutputType(type("名前", (Person,), {})).name == "answer"

    def test_the_response_format_of_a_strict_schema_says_so(self):
        made = OutputType(Person)
        assert made.json_schema_format == {
            "type": "json_schema",
            "json_schema": {"name": "Person", "schema": made.schema, "strict": True},
        }

    def test_the_response_format_of_another_does_not_mention_strictness(self):
        made = OutputType(Open)
        assert made.json_schema_format["json_schema"] == {"name": "Open", "schema": made.schema}

    def test_instructions_hold_the_schema_as_json(self):
        made = OutputType(Person)
        first, schema = made.instructions().split("\n")
        assert "JSON only" in first
        assert json.loads(schema) == made.schema


class TestImpossibleTypes:
    @pytest.mark.parametrize(
        "kind", [Exception, 3, "Missing", Iterable[int], typing.Callable[[], int]], ids=str
    )
    def test_are_refused(self, kind):
        with pytest.raises(ValidationError, match=r"^no answer can be of type .+: .+"):
            OutputType(kind)

    @pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic takes it from 3.12 on")
    def test_the_typed_dict_of_an_old_typing_is_refused_with_the_way_out(self):
        old = typing.TypedDict("Old", {"a": int})  # noqa: UP013 - where `import` cannot be wrong
        with pytest.raises(ValidationError, match=r"typing_extensions\.TypedDict"):
            OutputType(old)

    def test_what_the_type_itself_raises_is_the_cause(self):
        class Bad:
            @classmethod
            def __get_pydantic_core_schema__(cls, source, handler):
                raise ZeroDivisionError

        with pytest.raises(ValidationError) as caught:
            OutputType(Bad)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)

    def test_are_told_in_one_line(self):
        with pytest.raises(ValidationError) as caught:
            OutputType(Exception)
        assert "If you got this error" not in str(caught.value)


class TestValidate:
    @EACH_KIND
    def test_the_json_of_a_value_is_read_as_that_value(self, kind, value):
        assert output_type(kind).validate(written(kind, value)) == value

    def test_what_the_model_leaves_out_has_its_default(self):
        assert OutputType(Person).validate('{"name": "Bob"}') == BOB

    @pytest.mark.parametrize("kind", [Aliased, Unaliased])
    def test_fields_are_read_by_the_name_that_the_schema_gives_them(self, kind):
        made = OutputType(kind)
        (name,) = made.schema["properties"]
        assert made.validate(json.dumps({name: "Ann"})).first_name == "Ann"

    def test_white_space_around_is_no_fault(self):
        assert OutputType(list[int]).validate(' \n{"value": [1]}\n') == [1]

    def test_the_wrapper_may_be_missing_where_the_json_cannot_be_one(self):
        assert OutputType(list[int]).validate(" [1]") == [1]

    def test_the_wrapper_may_not_be_missing_from_an_object(self):
        assert fault(dict[str, int], '{"a": 1}').errors == (
            ErrorDetail("value", "Field required", '{"a": 1}'),
        )

    def test_keys_beside_the_wrapped_value_are_ignored_as_in_a_model(self):
        assert OutputType(list[int]).validate('{"why": "so", "value": [1]}') == [1]

    def test_a_strict_model_takes_strings_for_what_json_has_no_word_for(self):
        class Strict(BaseModel):
            model_config = ConfigDict(strict=True)
            day: dt.date

        assert OutputType(Strict).validate('{"day": "2024-02-29"}').day == dt.date(2024, 2, 29)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "Invalid JSON: Expecting value: line 1 column 1 (char 0)"),
            ('{"name": "A"', "Invalid JSON: Expecting ',' delimiter: line 1 column 13 (char 12)"),
            ('{"name": "A"} Done.', "Invalid JSON: Extra data: line 1 column 15 (char 14)"),
            ('{"name": NaN}', "Invalid JSON: there is no NaN in JSON"),
            ('{"name": -Infinity}', "Invalid JSON: there is no -Infinity in JSON"),
            ('{"a": {"b": 1, "b": 1}}', "Invalid JSON: the key 'b' comes twice in an object"),
        ],
    )
    def test_what_is_not_exactly_one_json_value_is_a_fault(self, text, message):
        assert [error.message for error in fault(Person, text).errors] == [message]

    @pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000, '"\\ud800"', '"\ud800"'])
    def test_json_that_no_parser_can_hold_is_a_fault(self, text):
        assert len(fault(list[str], text).errors) == 1

    def test_a_fault_of_syntax_shows_the_text_from_there_on(self):
        assert fault(Person, '{"name": "A"} Done.').errors[0].given == "Done."


class TestFault:
    def test_errors_say_where_what_and_instead_of_what(self):
        text = '{"value": [{"name": "Ann"}, {"name": 5, "age": "old"}]}'
        assert fault(list[Person], text).errors == (
            ErrorDetail("value.1.name", "Input should be a valid string", "5"),
            ErrorDetail(
                "value.1.age",
                "Input should be a valid integer, unable to parse string as an integer",
                '"old"',
            ),
        )

    def test_reads_as_one_line(self):
        text = '{"value": ["x", []]}'
        assert str(fault(list[Literal["a"]], text)) == (
            "value.0: Input should be 'a' (got \"x\"); value.1: Input should be 'a' (got [])"
        )

    def test_a_validator_of_the_type_s_own_is_heard(self):
        class Even(BaseModel):
            number: int

            @field_validator("number")
            @classmethod
            def check(cls, number: int) -> int:
                if number % 2:
                    raise ValueError("must be even\nand is not")
                return number

        assert str(fault(Even, '{"number": 3}')) == (
            "number: Value error, must be even\\nand is not (got 3)"
        )

    def test_only_the_first_errors_are_told(self):
        lines = fault(list[Literal["a"]], json.dumps({"value": ["x"] * 30})).lines()
        assert len(lines) == MAX_ERRORS + 1
        assert lines[-1] == "and 10 more"

    def test_long_inputs_paths_and_messages_are_cut(self):
        text = json.dumps({"value": {"k" * 5_000: "x" * 5_000}})
        (error,) = fault(dict[str, Literal[tuple("abc" * 1_000)]], text).errors
        assert [len(part) < 240 for part in error] == [True, True, True]

    def test_a_long_key_that_comes_twice_is_cut(self):
        key = "k" * 5_000
        (error,) = fault(dict[str, int], f'{{"{key}": 1, "{key}": 2}}').errors
        assert len(error.message) < 240

    def test_control_characters_of_the_answer_are_escaped(self):
        assert str(fault(int, '"\\u001b[2J"')).isprintable()

    def test_survives_pickling(self):
        before = fault(int, '"x"')
        after = pickle.loads(pickle.dumps(before))
        assert after.errors == before.errors
        assert str(after) == str(before)


class TestComplaint:
    def test_lists_the_errors_and_asks_again(self):
        found = fault(list[int], '{"value": [1, "x"]}')
        assert OutputType(list[int]).complaint(found) == (
            "This answer does not fit the JSON schema:\n"
            "- value.1: Input should be a valid integer, unable to parse string as an integer"
            ' (got "x")\n'
            "Answer again: the whole JSON, corrected, and nothing else."
        )

    def test_is_never_longer_than_2000_characters(self):
        kind = dict[str, Literal[tuple("abcdefgh" * 20)]]
        found = fault(kind, json.dumps({"value": {f"{i}" * 500: "x" * 500 for i in range(40)}}))
        told = OutputType(kind).complaint(found)
        assert 1_000 < len(told) <= 2_000
        assert re.search(r"\n- and \d+ more\n", told)


class TestItems:
    @pytest.mark.parametrize(
        "kind",
        [
            list[Person],
            set[Person],
            tuple[Person, ...],
            Sequence[Person],
            collections.deque[Person],
            Annotated[list[Person], Field(min_length=5)],
            Annotated[People, "documented"],
            Persons,
        ],
        ids=str,
    )
    def test_items_of_any_kind_of_list_are_values(self, kind):
        assert OutputType(kind).items([{"name": "Ann", "age": 3}]) == [ANN]

    def test_the_wrapper_is_taken_off(self):
        assert OutputType(list[int]).items({"value": [1, 2]}) == [1, 2]

    def test_the_first_misfit_ends_them(self):
        assert OutputType(list[int]).items([1, 2, "x", 4]) == [1, 2]

    def test_an_item_is_read_as_in_a_whole_answer(self):
        class Day(BaseModel):
            model_config = ConfigDict(strict=True)
            day: dt.date

        assert OutputType(list[Day]).items([{"day": "2024-02-29"}]) == [
            Day(day=dt.date(2024, 2, 29))
        ]

    @pytest.mark.parametrize("data", [{}, {"value": None}, None, "12", 1, {"value": "12"}])
    def test_where_no_list_has_begun_there_are_none(self, data):
        assert OutputType(list[int]).items(data) == []

    @pytest.mark.parametrize(
        "kind",
        [Person, list, tuple[int, int], dict[str, int], Point, str, int | list[int]],
        ids=str,
    )
    def test_other_types_have_none(self, kind):
        assert OutputType(kind).items([1, 2]) == []


class TestUnwrap:
    def test_takes_the_wrapper_off(self):
        assert OutputType(list[int]).unwrap({"value": [1]}) == [1]

    def test_an_empty_wrapper_gives_the_default(self):
        missing = object()
        assert OutputType(list[int]).unwrap({}, missing) is missing

    def test_data_without_the_wrapper_is_itself(self):
        assert OutputType(list[int]).unwrap([1]) == [1]

    def test_a_key_of_that_name_in_an_unwrapped_type_is_no_wrapper(self):
        assert OutputType(Node).unwrap({"value": 1}) == {"value": 1}


class TestCache:
    def test_a_type_is_made_once(self):
        assert output_type(list[Person]) is output_type(list[Person])

    def test_unions_of_another_order_are_other_types(self):
        assert output_type(int | str).name == "int_or_str"
        assert output_type(str | int).name == "str_or_int"

    def test_types_without_a_hash_are_made_each_time(self):
        kind = Annotated[int, Field(json_schema_extra={"examples": [1]}), {"a": 1}]
        assert output_type(kind).validate("1") == 1
        assert output_type(kind) is not output_type(kind)
