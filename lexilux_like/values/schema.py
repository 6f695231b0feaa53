"""JSON schemas as models are sent them: no word too many, and strict where the type allows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, TypeAlias

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from pydantic_core import core_schema

from .messages import is_mapping
from .results import Json

Schema: TypeAlias = Mapping[str, Any]

_DEFINITIONS = "#/$defs/"

_KINDS = {"type", "$ref", "anyOf", "oneOf", "enum", "const"}
"""Without one of these a schema allows anything."""

_KEPT = _KINDS - {"oneOf"} | {
    *("title", "description", "$defs"),
    *("properties", "items", "minItems", "maxItems", "pattern", "format"),
    *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
"""What the strict subset knows; of `pattern` and `format` not every value."""

_TOLD = {
    *("default", "examples", "minLength", "maxLength", "uniqueItems", "pattern", "format"),
    *("contentMediaType", "contentEncoding", "contentSchema"),
}
"""What the model is told in the description instead, where it cannot be held to it."""

_BEYOND = {
    *("allOf", "not", "if", "then", "else", "contains", "unevaluatedItems"),
    *("dependentRequired", "dependentSchemas", "dependencies", "minProperties", "maxProperties"),
    *("patternProperties", "propertyNames", "unevaluatedProperties"),
}
"""What has no strict equivalent. All other words are notes to other programs and left out."""

_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_TYPES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    NoneType: "null",
}


class NotStrictError(Exception):
    """The strict subset cannot say what this schema says."""


class Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat a name: each of them costs tokens.

    The names in a `NamedTuple` stay, as its JSON is an array and has them nowhere else.
    """

    # What is skipped is nothing that the caller of a model could mend.
    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012 - as pydantic has it
        "skipped-choice",
        "non-serializable-default",
    }

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002, D102 - pydantic's hook
        return False

    def named_tuple_schema(self, schema: core_schema.NamedTupleSchema) -> Json:  # noqa: D102
        made = super().named_tuple_schema(schema)
        return _with_titles(made, [field["name"] for field in schema["fields"]])

    def p_arguments_schema(  # noqa: D102 - before pydantic 2.14 a NamedTuple is a call
        self,
        arguments: list[core_schema.ArgumentsParameter],
        var_args_schema: core_schema.CoreSchema | None,
    ) -> Json:
        made = super().p_arguments_schema(arguments, var_args_schema)
        return _with_titles(made, map(self.get_argument_name, arguments))


def _with_titles(schema: Json, titles: Iterable[str]) -> Json:
    if "prefixItems" not in schema:
        return schema
    items = zip(schema["prefixItems"], titles, strict=True)
    return schema | {"prefixItems": [{"title": title, **item} for item, title in items]}


def word(text: str) -> str:
    """`text` in ASCII letters, digits, `-` and single `_`, which every provider takes as a name."""
    return re.sub("[^a-zA-Z0-9-]+", "_", text).strip("_")


def rooted(schema: Json) -> Json:
    """`schema` with a reference at its root replaced by what it refers to; `$defs` stay.

    Pydantic refers to a recursive type even at the root, where providers want an object.
    """
    while "$ref" in schema:
        target = schema["$defs"][schema["$ref"].removeprefix(_DEFINITIONS)]
        schema = target | {name: value for name, value in schema.items() if name != "$ref"}
    return schema


def untitled(schema: Json, name: str) -> Json:
    """`schema`, of the type `name`, without the titles that repeat its or a definition's name."""
    made = {k: v for k, v in schema.items() if k != "title" or word(str(v)) != word(name)}
    if "$defs" in made:
        made["$defs"] = {key: untitled(each, key) for key, each in made["$defs"].items()}
    return made


def strict(schema: Json) -> Json:
    """`schema` in the strict subset of structured outputs, as a new value.

    Every object names all its properties, requires all and allows no others. What the subset
    cannot enforce (a length, a default) is said in the description.

    Raises:
        NotStrictError: It allows keys that it does not name, or anything at all, or is put
            together in a way that the subset does not know; or its values would have no end,
            once all that was optional is required.
    """
    made = _strict(schema)
    definitions = made.get("$defs", {})
    finite: set[str] = set()
    while found := {name for name in definitions if _ends(definitions[name], finite)} - finite:
        finite |= found
    if endless := definitions.keys() - finite:
        raise NotStrictError(f"they require themselves without end: {endless}")
    return made


def _ends(schema: Schema, finite: set[str]) -> bool:
    """Whether there is a value for it, where the definitions in `finite` have one."""
    if "$ref" in schema:
        return schema["$ref"].removeprefix(_DEFINITIONS) in finite
    if "anyOf" in schema:
        return any(_ends(each, finite) for each in schema["anyOf"])
    if "items" in schema:
        return not schema.get("minItems") or _ends(schema["items"], finite)
    return all(_ends(each, finite) for each in schema.get("properties", {}).values())


def _strict(schema: Any) -> Json:
    if not is_mapping(schema) or schema.keys() & _BEYOND or not schema.keys() & _KINDS:
        raise NotStrictError(f"the subset has no words for {schema!r}")
    made = {name: value for name, value in schema.items() if _is_kept(name, value)}
    # Each of these finds its place taken above, so the order of words stays pydantic's.
    made |= _definitions(schema) | _choices(schema)
    if "properties" in schema or "object" in schema.get("type", ""):
        made |= _object(schema)
    if "array" in schema.get("type", ""):
        made |= _array(schema)
    if notes := ", ".join(_notes(schema)):
        made["description"] = f"{made['description']} ({notes})" if "description" in made else notes
    if "$ref" in made and len(made) > 1:
        made["anyOf"] = [{"$ref": made.pop("$ref")}]  # a reference must stand alone
    return made


def _is_kept(name: str, value: Any) -> bool:
    if name == "format":
        return value in _FORMATS
    if name == "pattern":
        return not _LOOK_AROUND.search(value)  # some providers fail on it with a bare 500
    return name in _KEPT


def _notes(schema: Schema) -> Iterator[str]:
    """What of `schema` is not enforced, in words: `minLength: 3`."""
    for name, value in schema.items():
        said = name == "default" and (value is None or "const" in schema)
        if name in _TOLD and not said and not _is_kept(name, value):
            yield f"{name}: {_compact(value)}"
    if titles := [each["title"] for each in schema.get("prefixItems", ()) if "title" in each]:
        yield f"items: {_compact(titles)}"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _definitions(schema: Schema) -> Json:
    if "$defs" not in schema:
        return {}
    return {"$defs": {name: _strict(each) for name, each in schema["$defs"].items()}}


def _choices(schema: Schema) -> Json:
    made: Json = {}
    if options := schema.get("anyOf", schema.get("oneOf")):
        made["anyOf"] = [_strict(each) for each in options]
    if schema.keys() & {"enum", "const"}:
        made["type"] = _type(schema.get("enum", [schema.get("const")]))
    return made


def _type(values: Sequence[object]) -> str | list[str]:
    """The types of constants, which pydantic leaves out where they differ."""
    found = list(dict.fromkeys(_TYPES.get(type(value), "") for value in values))
    if not all(found):
        raise NotStrictError(f"not all are plain values: {values!r}")
    return found if len(found) > 1 else found[0]


def _object(schema: Schema) -> Json:
    if "properties" not in schema or schema.get("additionalProperties", False) is not False:
        raise NotStrictError(f"its keys are open: {schema!r}")
    properties = {name: _strict(each) for name, each in schema["properties"].items()}
    return {"properties": properties, "required": [*properties], "additionalProperties": False}


def _array(schema: Schema) -> Json:
    """One schema for all items: the subset knows no other, so a tuple must be of one type."""
    if "prefixItems" not in schema:
        return {"items": _strict(schema.get("items"))}
    first, *others = (
        {name: value for name, value in each.items() if name not in {"title", "default"}}
        for each in schema["prefixItems"]
    )
    if "items" in schema or any(other != first for other in others):
        raise NotStrictError(f"its items differ: {schema!r}")
    return {"items": _strict(first)}
