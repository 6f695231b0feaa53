"""The JSON scanner against `json.loads`, over random texts cut anywhere and over all short ones."""

from __future__ import annotations

import functools
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.turns.jsonscan import JSONScanner

SPACES = st.text(" \t\n\r", max_size=2)
STRINGS = st.builds(json.dumps, st.text(max_size=8), ensure_ascii=st.booleans()) | st.sampled_from(
    [r'"\/"', r'"\ud83d\ude00"', r'"\uD800"', r'"a\\\"b"', '"[{,:}]"', '"\x7f\u2028"']
)
NUMBERS = st.sampled_from(
    ["0", "-0", "7", "-120", "0.50", "1e5", "1E+07", "-3.25e-10", "0e0", "1" * 60, "0." + "01" * 30]
)
SCALARS = STRINGS | NUMBERS | st.sampled_from(["true", "false", "null"])


def spaced(*parts: Any) -> st.SearchStrategy[str]:
    """The parts, with white space before, between and behind them."""
    woven = itertools.chain.from_iterable((part, SPACES) for part in parts)
    return st.tuples(SPACES, *woven).map("".join)


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = spaced(STRINGS, st.just(":"), inner)
    return st.one_of(
        spaced(st.just(before), st.lists(items, max_size=4).map(",".join), st.just(behind))
        for before, items, behind in [("[", spaced(inner), "]"), ("{", members, "}")]
    )


TEXTS = spaced(st.recursive(SCALARS, containers, max_leaves=12))


@st.composite
def cut(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> list[str]:
    text = draw(texts)
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=len(text))))
    return [text[i:j] for i, j in itertools.pairwise([0, *places, len(text)])]


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """A text in which some characters were replaced, put in or taken out."""
    text = draw(TEXTS)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        put = draw(st.sampled_from([*'{}[]",:\\0159.-+eEutrflsn/ \n\x00\x1f\ufeff\u0661', ""]))
        text = text[:at] + put + text[at + draw(st.integers(0, 1)) :]
    return text


def scanned(*pieces: str) -> JSONScanner:
    scanner = JSONScanner()
    for piece in pieces:
        scanner.feed(piece)
    return scanner


def state(scanner: JSONScanner) -> dict[str, Any]:
    names = (name for name in dir(scanner) if not name.startswith("_"))
    facts = {name: getattr(scanner, name) for name in names}
    facts["at_end"] = scanner.at_end()
    return {name: fact for name, fact in facts.items() if not callable(fact)}


def loads(text: str) -> bool:
    """Whether it is JSON; `json.loads` takes NaN and Infinity too."""
    try:
        json.loads(text, parse_constant=int)
    except ValueError:
        return False
    return True


def whole(scanner: JSONScanner) -> bool:
    return scanner.at_end() and scanner.trailing is None


@given(cut(TEXTS | spoilt()))
def test_cuts_change_nothing(pieces):
    assert state(scanned(*pieces)) == state(scanned("".join(pieces)))


@given(TEXTS)
def test_every_prefix_is_whole_just_when_it_loads(text):
    scanner = JSONScanner()
    for i, char in enumerate(text, 1):
        scanner.feed(char)
        assert whole(scanner) == loads(text[:i])
        assert scanner.broken is None


@given(TEXTS, st.sampled_from(["", " ", "\n\n"]))
def test_the_value_begins_and_ends_at_its_own_characters(text, space):
    scanner = scanned(text, space)
    bare = text.strip()
    if space or text[-1].isspace() or bare[-1] not in "0123456789":
        assert text[scanner.begin : scanner.end] == bare
    else:
        assert (scanner.end, scanner.at_end()) == (None, True)


@given(spoilt())
def test_spoilt_text_is_whole_just_when_it_loads(text):
    assert whole(scanned(text)) == loads(text)


@functools.cache
def viable(alphabet: str, length: int) -> frozenset[str]:
    """Every beginning of every JSON text of up to `length` characters.

    That is right for beginnings that these characters can finish within that length.
    """
    texts = ("".join(t) for n in range(length + 1) for t in itertools.product(alphabet, repeat=n))
    valid = [text for text in texts if loads(text)]
    return frozenset(text[:i] for text in valid for i in range(len(text) + 1))


@pytest.mark.parametrize(
    ("alphabet", "short", "long"),
    [
        ("[]1,", 4, 8),
        ('{}":', 3, 8),
        ("-01.e", 5, 6),
        ('"\\u1', 3, 8),
        ('"\\b\n', 4, 6),
        ("true1", 4, 5),
        ("false", 5, 5),
        ("nul", 4, 4),
    ],
)
def test_text_breaks_just_where_nothing_can_make_it_valid(alphabet, short, long):
    beginnings = viable(alphabet, long)
    for text in map("".join, itertools.product(alphabet, repeat=short)):
        wrong = next((i for i in range(short) if text[: i + 1] not in beginnings), None)
        scanner = scanned(text)
        told = scanner.trailing if scanner.broken is None else scanner.broken
        assert (text, told) == (text, wrong)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("NaN", 0),
        ("[Infinity]", 1),
        ("-Infinity", 1),
        ("\ufeff1", 0),
        ("'a'", 0),
        ("[1,]", 3),
        ('{"a":1,}', 7),
        ("{,}", 1),
        ("{1:2}", 1),
        ('{"a" 1}', 5),
        ('{"a":}', 5),
        ("[1 2]", 3),
        ("[01]", 2),
        ("[1.]", 3),
        ("[1.e5]", 3),
        ("[-]", 2),
        ("[.5]", 1),
        ("[+5]", 1),
        ("[1e+]", 4),
        ("[1.5.2]", 4),
        ("[12x]", 3),
        ("[truE]", 4),
        ("[truex]", 5),
        ('["a\nb"]', 3),
        ('["a\tb"]', 3),
        (r'["\x"]', 3),
        (r'["\u12G4"]', 6),
        (r'["\u12', None),
        ("[1}", 2),
        ('{"a":1]', 6),
        ("\v1", 0),
        ("[\u0661]", 1),
        ("[1\xa0]", 2),
    ],
)
def test_what_the_grammar_forbids_breaks_there(text, broken):
    assert scanned(text).broken == scanned(*text).broken == broken


@pytest.mark.parametrize("text", ["12x", "12 x", "true,", '"a" "b"', "{}}", "[]\n```", "01"])
def test_text_behind_the_value_is_trailing_not_broken(text):
    scanner = scanned(text)
    end = json.JSONDecoder().raw_decode(text)[1]
    assert (scanner.end, scanner.broken) == (end, None)
    assert scanner.trailing == len(text) - len(text[end:].lstrip())


def test_only_the_first_trailing_character_is_reported():
    assert scanned("{}", " ", "a", "b", "{").trailing == 3


def test_nothing_is_taken_once_broken():
    scanner = scanned("[1,]")
    before = state(scanner)
    scanner.feed("2]")
    assert state(scanner) == before
    assert scanner.offset == scanner.broken


def test_lone_surrogate_escapes_are_let_pass():
    assert scanned(r'"\ud800"').end == 8


@pytest.mark.parametrize(
    ("text", "at_end"),
    [("12", True), ("-", False), ("1.", False), ("1e", False), ("1e-", False), ("0", True)],
)
def test_a_number_alone_is_whole_at_the_end_if_it_could_stop_there(text, at_end):
    scanner = scanned(text)
    assert (scanner.end, scanner.at_end()) == (None, at_end)


def test_an_escape_that_ends_in_a_digit_is_no_number():
    assert not scanned(r'"\u12').at_end()


def starts_of(text: str) -> list[tuple[int, int]]:
    """Where elements begin, by going down a valid text; `raw_decode` finds where scalars end."""
    found: list[tuple[int, int]] = []

    def past(at: int) -> int:
        return len(text) - len(text[at:].lstrip(" \t\n\r"))

    def value(at: int, depth: int) -> int:
        at = past(at)
        if text[at] not in "[{":
            return past(json.JSONDecoder().raw_decode(text, at)[1])
        keyed = text[at] == "{"
        at = past(at + 1)
        while text[at] not in "]}":
            at = past(at + 1) if text[at] == "," else at
            found.append((at, depth + 1))
            at = value(at, depth + 1) + 1 if keyed else at
            at = value(at, depth + 1)
        return past(at + 1)

    value(0, 0)
    return found


@given(TEXTS)
def test_starts_are_where_elements_and_members_begin(text):
    assert scanned(text).starts == starts_of(text)


def test_starts_tell_members_by_their_key_and_elements_by_their_value():
    assert scanned('[ 1, {"a" : [true]} ]').starts == [(2, 1), (5, 1), (6, 2), (13, 3)]


def test_a_start_is_known_at_its_first_character():
    assert scanned("[ ").starts == []
    assert scanned("[ -").starts == [(2, 1)]


def test_a_closing_bracket_or_a_wrong_character_starts_nothing():
    assert scanned("[]").starts == scanned("[x").starts == scanned("{}").starts == []


@pytest.mark.parametrize(
    ("text", "in_string"),
    [('"', True), ('"a\\', True), ('"a\\"', True), ('"a"', False), ('{"k', True), ('{"k"', False)],
)
def test_in_string_holds_between_the_quotes(text, in_string):
    assert scanned(text).in_string is scanned(*text).in_string is in_string


@pytest.mark.parametrize(
    ("pieces", "token"),
    [
        (["["], None),
        (["[12", "3" * 40, "4"], 1),
        (["[12", "3,"], None),
        (["[12, 3", "4"], 5),
        ([" tr"], 1),
        (['{"ke'], 1),
        (['{"key": "a', "b"], 8),
        (['{"key": "a\\', "u12"], 8),
        (['{"key": "ab"'], None),
        (["{", '"a', '": ', "1", "."], 6),
    ],
)
def test_token_is_where_the_unfinished_one_began(pieces, token):
    assert scanned(*pieces).token == token


def test_depth_counts_what_is_open():
    assert [scanned('{"a": [[]], "b"'[:i]).depth for i in (0, 1, 7, 8, 9, 10, 15)] == [
        *(0, 1, 2, 3, 2, 1, 1),
    ]


@given(cut(), st.data())
def test_a_copy_and_its_original_go_their_own_ways(pieces, data):
    middle = data.draw(st.integers(0, len(pieces)))
    original = scanned(*pieces[:middle])
    twin = original.copy()
    for piece in pieces[middle:]:
        twin.feed(piece)
    assert state(original) == state(scanned(*pieces[:middle]))
    assert state(twin) == state(scanned(*pieces))


def test_a_hundred_thousand_brackets_do_not_recurse():
    scanner = scanned("[" * 100_000)
    assert scanner.depth == 100_000
    scanner.feed("]" * 100_000)
    assert scanner.end == 200_000


def test_what_is_kept_of_a_number_does_not_grow():
    assert len(scanned("-1.", *["2345678"] * 1000, "e", *["12"] * 1000)._held) < 10
