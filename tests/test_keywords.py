"""`spelled_out`: what `help()` and REPLs show of `**options`."""

from __future__ import annotations

import inspect
import pydoc
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import pytest

from lexilux_like._keywords import spelled_out

if TYPE_CHECKING:
    from lexilux_like.values.options import CallOptions


class Paint(TypedDict, total=False):
    color: str | None
    coats: int


class Painter:
    @spelled_out
    def paint(self, what: str, **options: Unpack[Paint]) -> dict[str, Any]:
        """Paint it."""
        return {"what": what, **options}

    @spelled_out
    async def apaint(self, what: str, **options: Unpack[Paint]) -> dict[str, Any]:
        """Paint it, async."""
        return {"what": what, **options}

    @spelled_out
    def __call__(self, **options: Unpack[Paint]) -> None:
        """Paint."""


@spelled_out
def ask(prompt: str, **options: Unpack[CallOptions]) -> str:
    """Ask with options that this module imports for type checkers only."""
    return f"{prompt} {options}"


def test_help_shows_every_keyword_with_its_type():
    assert "*, color: str | None = Ellipsis, coats: int = Ellipsis)" in pydoc.render_doc(
        Painter.paint, renderer=pydoc.plaintext
    )


def test_a_bound_method_has_no_self():
    assert list(inspect.signature(Painter().paint).parameters) == ["what", "color", "coats"]


def test_a_callable_object_shows_the_keywords_of_its_call():
    assert list(inspect.signature(Painter()).parameters) == ["color", "coats"]


def test_keywords_may_be_left_out():
    assert inspect.signature(Painter().paint).bind("wall").arguments == {"what": "wall"}


def test_an_unknown_keyword_does_not_bind():
    with pytest.raises(TypeError, match="colour"):
        inspect.signature(Painter().paint).bind("wall", colour="red")


def test_the_return_annotation_stays():
    assert inspect.signature(Painter.paint).return_annotation == "dict[str, Any]"


def test_an_async_method_stays_one_and_shows_the_same_keywords():
    assert inspect.iscoroutinefunction(Painter.apaint)
    sync, twin = inspect.signature(Painter.paint), inspect.signature(Painter.apaint)
    assert sync.parameters == twin.parameters


def test_calls_are_untouched():
    assert Painter().paint("wall", color="red") == {"what": "wall", "color": "red"}


def test_options_imported_for_type_checkers_only_are_found():
    shown = inspect.signature(ask).parameters
    assert "CallOptions" not in globals()
    assert {"temperature", "history", "n", "return_raw"} < shown.keys()
    assert next(iter(shown)) == "prompt"


def test_an_annotation_that_is_evaluated_already_works_too():
    def mix(**options: Any) -> None:
        """Mix."""

    mix.__annotations__["options"] = Unpack[Paint]
    assert list(inspect.signature(spelled_out(mix)).parameters) == ["color", "coats"]
