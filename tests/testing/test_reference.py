"""The reference of the testing kit: every public name and every row of its catalogues."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from pages import ROOT

from lexilux_like import testing
from lexilux_like.testing import BEHAVIOURS, CALL_FORMS, ERROR_EVENTS

PAGE = (ROOT / "docs" / "reference" / "testing.md").read_text("utf-8")
SHOWN = set(re.findall(r"^::: (\S+)$", PAGE, re.MULTILINE))


def rows(section: str) -> list[tuple[str, ...]]:
    """The cells of the table of a section."""
    lines = PAGE.partition(f"{section}\n")[2].partition("\n#")[0].splitlines()
    table = [line for line in lines if line.startswith("| `")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table]


@pytest.mark.parametrize(
    ("section", "catalogue"),
    [
        ("## Error events", ERROR_EVENTS),
        ("## Forms of tool calls", CALL_FORMS),
    ],
    ids=["errors", "calls"],
)
def test_every_odd_thing_has_a_row(section: str, catalogue: dict) -> None:
    expected = [(f"`{name}`", each.says, each.seen_at) for name, each in catalogue.items()]
    assert rows(section) == expected


def test_every_behaviour_has_a_row() -> None:
    expected = [(f"`{name}`", each.says, each.evidence) for name, each in BEHAVIOURS.items()]
    assert rows("### Behaviours") == expected


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    room = f"{testing.__name__}{testing._HOME[name]}"
    assert any(
        shown == room or (shown.startswith(f"{room}.") and shown.endswith(f".{name}"))
        for shown in SHOWN
    )


@pytest.mark.parametrize("shown", sorted(SHOWN))
def test_everything_in_the_reference_is_there(shown: str) -> None:
    module, _, name = shown.rpartition(".")
    try:
        import_module(shown)
    except ModuleNotFoundError:
        assert hasattr(import_module(module), name)
