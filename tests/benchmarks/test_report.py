# ruff: noqa: RUF001 - signs of typography
"""The page: figures, ratios, tables and plots."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from plot import HEIGHT, Axis, Series, plotted, spread, ticks
from report import linear, measured, missed, promised, ratio, scaling, shown, targets
from tables import drawn
from trials import DEFAULT, FAST, OPENAI, Figure, Row, Target, rows

TITLES = {DEFAULT: "ours", FAST: "fast", OPENAI: "openai", "raw_floor": "raw"}
TARGETS = (Target(DEFAULT, 1 / 9, OPENAI), Target(FAST, 2, where="raw_floor"))
FIGURE = Figure("cpu_us", "sync, µs", TARGETS)
ROW = Row("row", "stream", "A chunk", "stream", (FIGURE,))


def results(ours: float) -> dict[str, dict[str, dict[str, float]]]:
    return {"row": {DEFAULT: {"cpu_us": ours}, OPENAI: {"cpu_us": 90.0}}}


def test_table_is_as_wide_as_its_widest_cells() -> None:
    assert drawn([("a", "bb"), ("ccc", "d")]) == "| a   | bb |\n| --- | -- |\n| ccc | d  |"


@pytest.mark.parametrize(
    ("value", "text"), [(0.125, "0.12"), (12.34, "12.3"), (1234.5, "1,234"), (100, "100")]
)
def test_figure_has_three_digits(value: float, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1 / 9, "1/9"), (0.1, "1/10"), (2 / 15, "1/7.5"), (0.85, "0.85 ×"), (0, "0.00 ×")],
)
def test_ratio_is_said_as_one_speaks(value: float, text: str) -> None:
    assert ratio(value) == text


def test_target_is_said_in_words() -> None:
    assert promised(TARGETS[0], TITLES) == "≤ 1/9 openai"
    assert promised(TARGETS[1], TITLES) == "≤ 2, where raw has it"
    assert promised(Target(FAST, 5, OPENAI, at_least=True), TITLES) == "≥ 5.00 × openai"


def test_verdict_has_the_ratio_and_the_figure() -> None:
    assert measured(TARGETS[0], ROW, FIGURE, results(9)) == "**yes**: 1/10, 9.00"
    assert measured(TARGETS[0], ROW, FIGURE, results(18)) == "no: 1/5, 18.0"


def test_verdict_is_a_dash_where_nothing_was_measured() -> None:
    assert measured(TARGETS[1], ROW, FIGURE, results(9)) == "–"


def test_engines_stand_side_by_side() -> None:
    head, line = targets(results(9), TITLES, [ROW])
    assert len(head) == len(line)
    assert line == (
        "A chunk, µs",
        "≤ 1/9 openai",
        "**yes**: 1/10, 9.00",
        "≤ 2, where raw has it",
        "–",
    )


def test_missed_targets_are_listed() -> None:
    assert missed(results(18), TITLES, [ROW]) == (
        "- ours, A chunk, µs: ≤ 1/9 openai is meant, 1/5, 18.0 is measured."
    )
    assert missed(results(9), TITLES, [ROW]).startswith("All targets")


def test_growth_is_the_cost_among_most_over_that_among_few() -> None:
    names = [name for name in rows() if name.startswith("tools-")]
    found = {
        name: {FAST: {"cpu_us": cost}} for name, cost in zip(names, (2.0, 2.0, 3.0), strict=True)
    }
    assert list(scaling(found)) == [("tools", FAST, {1000.0: 2.0, 3000.0: 2.0, 10000.0: 3.0})]
    assert linear(found, TITLES)[1][1:] == ("fast", "2.00", "2.00", "3.00", "1.50")


def test_plot_is_xml_with_a_line_and_a_name_for_each_series() -> None:
    text = plotted("A < B", "x", "y", [Series("one", {1: 5, 10: 50}), Series("none", {})])
    root = ET.fromstring(text)
    names = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "one" in names
    assert "none" not in names
    assert "A < B" in names
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == 2


def test_plot_without_figures_is_still_a_plot() -> None:
    assert ET.fromstring(plotted("t", "x", "y", [])).tag.endswith("svg")


def test_scale_is_logarithmic() -> None:
    assert Axis(1, 100, 0, 200).at(10) == pytest.approx(100)
    assert Axis(1, 100, HEIGHT, 0).at(100) == pytest.approx(0)


def test_ticks_are_fewer_where_the_range_is_wide() -> None:
    assert ticks(1, 20) == [1, 2, 5, 10, 20]
    assert ticks(1, 10_000) == [1, 10, 100, 1000, 10_000]


def test_labels_keep_apart_and_keep_their_order() -> None:
    moved = spread([10.0, 11.0, 100.0, 10.5], 16)
    assert moved[2] == 100
    assert moved[3] - moved[0] == moved[1] - moved[3] == 16
    assert sum((moved[0], moved[1], moved[3])) == pytest.approx(31.5)
