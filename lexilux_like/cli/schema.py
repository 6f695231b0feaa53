"""A JSON schema in a file as a type, so that an answer is checked, and asked again, as of any type.

The schema is one of JSON Schema's drafts; `jsonschema` checks it, and the answer against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from jsonschema import exceptions
from jsonschema.validators import validator_for
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ..values.errors import ValidationError
from ..values.messages import is_mapping, is_sequence
from ..values.schema import word
from .files import read_text

Schema = Mapping[str, Any]

_BY_NAME = ("properties", "patternProperties", "dependentSchemas", "dependentRequired")
_DATA = ("const", "default", "enum", "examples")


class _Checker(Protocol):
    """What we use of a validator of `jsonschema`."""

    def iter_errors(self, instance: Any) -> Any:
        """Every place where the value does not fit."""
        ...


def schema_type(path: Path) -> type[Any]:
    """The type of the answers that fit the schema in a file; values are JSON data.

    Raises:
        ValidationError: The file cannot be read, is no JSON schema, or refers to itself or to
            other files.
    """
    try:
        document: Any = json.loads(read_text(path))
        kind = validator_for(document)
        kind.check_schema(document)
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"{path} is not JSON: {error}") from error
    except exceptions.SchemaError as error:
        raise ValidationError(f"{path} is not a JSON schema: {error.message}") from error
    if not isinstance(document, dict):
        raise ValidationError(f"{path}: a schema that is {document!r} says nothing of an answer")
    schema = _inlined(document, cast("Schema", document), ())
    return _made(word(path.stem) or "answer", schema, cast("_Checker", kind(schema)))


def _made(name: str, schema: Schema, checker: _Checker) -> type[Any]:
    def check(value: Any) -> Any:
        for error in checker.iter_errors(value):
            place = error.json_path.removeprefix("$").lstrip(".")
            raise ValueError(f"{place}: {error.message}" if place else error.message)
        return value

    class Answer:
        """What pydantic takes for a type."""

        @classmethod
        def __get_pydantic_core_schema__(
            cls, source: Any, handler: GetCoreSchemaHandler
        ) -> CoreSchema:
            return core_schema.no_info_plain_validator_function(check)

        @classmethod
        def __get_pydantic_json_schema__(
            cls, core: CoreSchema, handler: GetJsonSchemaHandler
        ) -> dict[str, Any]:
            return {**schema}

    Answer.__name__ = name
    return Answer


def _inlined(node: Any, root: Schema, inside: tuple[str, ...]) -> Any:
    """The schema with what it refers to in place of each `$ref`.

    Raises:
        ValidationError: A reference leads out of the file, nowhere, or to itself.
    """
    if is_sequence(node):
        return [_inlined(each, root, inside) for each in node]
    if not is_mapping(node):
        return node
    rest = {
        name: _keyword(name, each, root, inside)
        for name, each in node.items()
        if name not in ("$ref", "$defs", "definitions", "$schema", "$id")
    }
    reference: object = node.get("$ref")
    if not isinstance(reference, str):
        return rest
    if reference in inside:
        raise ValidationError(f"the schema refers to itself ({reference!r}): say it without")
    target = _inlined(_target(reference, root), root, (*inside, reference))
    return {**target, **rest} if is_mapping(target) else target


def _keyword(name: str, value: Any, root: Schema, inside: tuple[str, ...]) -> Any:
    """The value of a keyword; where its keys are names of the user's own, they are kept."""
    if name in _DATA:
        return value
    if name in _BY_NAME and is_mapping(value):
        return {key: _inlined(each, root, inside) for key, each in value.items()}
    return _inlined(value, root, inside)


def _target(reference: str, root: Schema) -> Any:
    node: Any = root
    head, *steps = reference.split("/")
    if head != "#":
        raise ValidationError(f"the schema refers to {reference!r}, which is not in the file")
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        if not is_mapping(node) or name not in node:
            raise ValidationError(f"the schema refers to {reference!r}, which is not in it")
        node = node[name]
    return node
