"""The event-stream decoder, against an executable specification."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.errors import ResponseFormatError
from lexilux_like.wire import sse
from lexilux_like.wire.sse import ServerSentEvent, SSEDecoder

BOM = b"\xef\xbb\xbf"


def specified(body: bytes) -> list[tuple[str, str, str]]:
    """Type, data and last id of each event, word for word as the WHATWG interprets a stream.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _unfinished = re.split("\r\n|\r|\n", text)
    events, data, kind, last_id = [], "", "", ""
    for line in lines:
        if line == "":
            if data != "":
                events.append((kind or "message", data.removesuffix("\n"), last_id))
            data, kind = "", ""
            continue
        if line.startswith(":"):
            continue
        name, value = line, ""
        if ":" in line:
            name, value = line.split(":", 1)
            value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            last_id = value
    return events


def decoded(*reads: bytes) -> list[tuple[str, str, str]]:
    decoder = SSEDecoder()
    events = [event for data in reads for event in decoder.feed(data)]
    return [(each.event, each.data.decode("utf-8", "replace"), each.id) for each in events]


def data_of(*reads: bytes) -> list[bytes]:
    decoder = SSEDecoder()
    return [event.data for data in reads for event in decoder.feed(data)]


WORDS = st.sampled_from(
    [
        "data", "data:", "data: ", "data:  x", "event", "event:", "event: error", "id", "id:",
        "id: 7", "id: a\0b", "retry: 10", "retry: x", ": comment", ":", "datax: no", " data: no",
        "data: {}", "data: [DONE]", "data: \u2028", "data:\u0085x", "data: \U0001f600",
        "\ufeffdata: x", "data: a:b", "",
    ]
)  # fmt: skip
FREE = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LINES = st.lists(st.tuples(WORDS | FREE, st.sampled_from(["\n", "\r", "\r\n"])), max_size=30)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    body = "".join(line + end for line, end in draw(LINES)).encode()
    body = draw(st.sampled_from([b"", BOM, BOM + BOM])) + body
    return body + draw(st.sampled_from([b"", b"data: unfinished", b"\xff\xfe\n\n"]))


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    body = draw(streams())
    places = sorted(draw(st.lists(st.integers(0, len(body)), max_size=20)))
    return body, [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]


@given(streams())
def test_events_are_those_of_the_specification(body: bytes) -> None:
    assert decoded(body) == specified(body)


@given(cut_streams())
def test_cuts_change_nothing(stream: tuple[bytes, list[bytes]]) -> None:
    body, reads = stream
    assert decoded(*reads) == specified(body)


@given(streams())
def test_one_byte_per_read_changes_nothing(body: bytes) -> None:
    assert decoded(*(body[i : i + 1] for i in range(len(body)))) == specified(body)


@given(st.lists(st.sampled_from(["{}", '{"a": 1}', "[DONE]", ""]), max_size=8), st.integers(0, 60))
def test_alone_or_together_events_are_the_same(datas: list[str], place: int) -> None:
    alone = [f"data: {data}\n\n".encode() for data in datas]
    body = b"".join(alone)
    assert decoded(*alone) == decoded(body[:place], body[place:]) == specified(body)


PIECES = st.sampled_from(
    [b"data: {}\n\n"] * 6
    + [b'data: {"a": 1}\n\n', b"data: \n\n", b"data:x\n\n", b"data: a\ndata: b\n\n"]
    + [b"data: a\r\n\r\n", b"data: a\rb\n\n", b"event: x\ndata: a\n\n", b"event: x\n", b"data: a\n"]
    + [b": on\n\n", b"\n", b"\r", b"id: 1\n\n", b"stray\n\n", BOM, b"\xef"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(0, 150), max_size=6))
def test_plain_messages_are_taken_as_any_event_is(pieces: list[bytes], cuts: list[int]) -> None:
    body = b"".join(pieces)
    decoder, found = SSEDecoder(), list[tuple[str, str]]()
    places = sorted(min(cut, len(body)) for cut in cuts)
    for start, end in zip([0, *places], [*places, len(body)], strict=True):
        messages = decoder.messages(body[start:end])
        events = [] if messages else decoder.feed(body[start:end])
        found += [("message", data.decode()) for data in messages]
        found += [(each.event, each.data.decode()) for each in events]
    assert found == [(kind, data) for kind, data, _ in specified(body)]


def test_plain_messages_are_found_wherever_they_are_cut() -> None:
    body = b"data: 1\n\ndata: 2\n\ndata: 3\n\n"
    for place in (9, *range(10, 17), 18, *range(19, 26)):  # not between the two ends of lines
        decoder = SSEDecoder()
        assert decoder.messages(body[:place]) == [b"1", b"2"][: place // 9]
        assert decoder.messages(body[place:]) == [b"1", b"2", b"3"][place // 9 :]


def test_the_beginning_of_a_plain_message_is_used_once() -> None:
    decoder = SSEDecoder()
    reads = [b"data: 1\n\ndata: ", b"2\n\n", b"data: 3\n\n"]
    assert [decoder.messages(read) for read in reads] == [[b"1"], [b"2"], [b"3"]]


@pytest.mark.parametrize(
    ("before", "data"),
    [
        (b"", b"data: 1\n\n: comment\n\n"),
        (b"", b"data: 1\n\ndata: 2\n"),
        (b"event: x\n", b"data: 1\n\n"),
        (b"data: 0\n", b"data: 1\n\n"),
        (b"data: 0\r", b"data: 1\n\n"),
        (b"\xef", b"data: 1\n\n"),
    ],
)
def test_messages_that_are_not_plain_are_left_for_feed(before: bytes, data: bytes) -> None:
    decoder, other = SSEDecoder(), SSEDecoder()
    assert decoder.feed(before) == other.feed(before) == []
    assert decoder.messages(data) == []
    assert decoder.feed(data) == other.feed(data)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_end_in_lf_cr_or_crlf(end: bytes) -> None:
    assert data_of(b"data: 1" + end + end + b"data: 2" + end + end) == [b"1", b"2"]


@pytest.mark.parametrize("space", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_no_other_character_ends_a_line(space: str) -> None:
    assert data_of(f"data: a{space}b\n\n".encode()) == [f"a{space}b".encode()]


def test_cr_inside_a_read_that_looks_like_one_event_ends_a_line() -> None:
    assert data_of(b"data: 1\n\n", b"data: a\rdata: b\n\n") == [b"1", b"a\nb"]


def test_crlf_split_over_two_reads_is_one_line_end() -> None:
    assert data_of(b"data: 1\r", b"\ndata: 2\r", b"\n\r", b"\n") == [b"1\n2"]


def test_event_is_handed_on_at_its_last_cr() -> None:
    assert data_of(b"data: 1\r\r") == [b"1"]


@pytest.mark.parametrize("cut", range(6))
def test_bom_is_dropped_wherever_it_is_cut(cut: int) -> None:
    body = BOM + b"data: 1\n\n"
    assert data_of(body[:cut], body[cut:]) == [b"1"]


def test_second_bom_is_no_bom() -> None:
    assert data_of(BOM + BOM + b"data: 1\n\ndata: 2\n\n") == [b"2"]


def test_part_of_a_bom_is_no_bom() -> None:
    assert data_of(b"\xef\xbb", b"data: 1\n\ndata: 2\n\n") == [b"2"]


def test_one_space_after_the_colon_is_dropped() -> None:
    assert data_of(b"data:1\n\ndata: 1\n\ndata:  1\n\n") == [b"1", b"1", b" 1"]


def test_data_lines_are_joined_by_lf() -> None:
    assert data_of(b"data: a\ndata\ndata: b\n\n") == [b"a\n\nb"]


def test_field_without_colon_has_an_empty_value() -> None:
    assert data_of(b"data\n\ndata\ndata\n\n") == [b"", b"\n"]


def test_block_without_data_is_no_event() -> None:
    assert data_of(b"event: error\nid: 3\n\n: comment\n\n\n\n") == []


def test_event_type_holds_for_one_event_only() -> None:
    body = b"event: error\ndata: 1\n\ndata: 2\n\nevent: x\n\ndata: 3\n\n"
    assert [kind for kind, _, _ in decoded(body)] == ["error", "message", "message"]


def test_event_type_holds_over_reads() -> None:
    assert decoded(b"event: error\n", b"data: 1\n\n") == [("error", "1", "")]


def test_id_stays_until_the_next_one() -> None:
    body = b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"
    assert [last for _, _, last in decoded(body)] == ["1", "1", ""]


def test_id_with_nul_is_ignored() -> None:
    assert decoded(b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n")[1] == ("message", "b", "1")


@pytest.mark.parametrize(
    ("value", "retry"), [("250", 250), ("1.5", None), ("-1", None), ("", None), ("٣", None)]
)
def test_retry_is_digits_only(value: str, retry: int | None) -> None:
    [event] = SSEDecoder().feed(f"retry: {value}\ndata: a\n\n".encode())
    assert event.retry == retry


def test_retry_of_a_thousand_digits_is_ignored() -> None:
    [event] = SSEDecoder().feed(b"retry: " + b"9" * 5_000 + b"\ndata: a\n\n")
    assert event.retry is None


def test_invalid_utf8_stays_as_it_came() -> None:
    assert data_of(b"data: \xff\xfe\n\n") == [b"\xff\xfe"]


def test_end_of_the_body_finishes_no_event_by_itself() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: 1\n") == []


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n"])
def test_flush_hands_on_the_event_without_a_blank_line(end: bytes) -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: 1" + end)
    assert decoder.flush() == [ServerSentEvent(data=b"1", cut=True)]


def test_flush_after_a_whole_event_is_empty() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: 1\n\n")
    assert decoder.flush() == []


def test_flush_of_nothing_is_empty() -> None:
    assert SSEDecoder().flush() == []


def test_line_with_the_field_error_is_an_error_event() -> None:
    # The one departure from the specification, which drops such a line: GPUStack gives up so.
    assert decoded(b'data: 1\n\nerror: {"code": 500}\n\n')[1] == ("error", '{"code": 500}', "")


def test_stray_lines_are_kept() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"<html>\n<body>\n")
    decoder.feed(b"</html>")
    decoder.flush()
    assert decoder.stray == b"<html>\n<body>\n</html>"


def test_known_fields_and_comments_are_not_stray() -> None:
    decoder = SSEDecoder()
    decoder.feed(b": x\nid: 1\nevent: e\nretry: 5\ndata: 1\n\n")
    assert decoder.stray == b""


def test_beginning_of_a_bom_alone_is_stray() -> None:
    decoder = SSEDecoder()
    decoder.feed(BOM[:2])
    decoder.flush()
    assert decoder.stray == BOM[:2]


def test_stray_lines_beside_events_are_bounded() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: 1\n\n")
    for _ in range(1_000):
        decoder.feed(b"x" * 100 + b"\n")
    assert len(decoder.stray) <= sse.STRAY_BYTES


def test_whole_json_body_stays_whole_in_stray() -> None:
    body = b'{"text": "' + b"x" * 100_000 + b'"}'
    decoder = SSEDecoder()
    decoder.feed(body)
    decoder.flush()
    assert decoder.stray == body


@pytest.mark.parametrize(
    "line", [b"data: " + b"x" * 90, b"x" * 90, b":" + b"x" * 90], ids=["data", "stray", "comment"]
)
def test_endless_line_is_refused(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    with pytest.raises(ResponseFormatError, match="larger than 1000 bytes"):
        decoded(*[line] * 100)


def test_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    with pytest.raises(ResponseFormatError, match="larger than 1000 bytes"):
        decoded(*[b"data: " + b"x" * 90 + b"\n"] * 100)


def test_endless_body_of_stray_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    with pytest.raises(ResponseFormatError, match="larger than 1000 bytes"):
        decoded(*[b"x" * 90 + b"\n"] * 100)


def test_many_events_are_not_taken_for_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    decoder = SSEDecoder()
    body = (b"data: " + b"x" * 90 + b"\n\n") * 200
    count = sum(len(decoder.feed(body[i : i + 70])) for i in range(0, len(body), 70))
    assert count == 200


def test_events_cut_in_two_are_not_taken_for_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    decoder = SSEDecoder()
    halves = [b"data: " + b"x" * 90, b"x\n\n"]
    assert sum(len(decoder.feed(half)) for half in halves * 200) == 200


def test_the_size_of_an_event_counts_what_came_beside_plain_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    decoder = SSEDecoder()
    assert decoder.messages(b"data: 1\n\ndata: " + b"x" * 600) == [b"1"]
    assert decoder.messages(b"x\n\ndata: " + b"x" * 600) == [b"x" * 601]
    with pytest.raises(ResponseFormatError, match="larger than 1000 bytes"):
        decoder.feed(b"x" * 500)


def test_comments_without_end_are_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    decoder = SSEDecoder()
    assert not any(decoder.feed(b": keep-alive\n\n") for _ in range(1_000))


def test_event_of_ten_megabytes() -> None:
    data = b"x" * 10_000_000
    body = b"data: " + data + b"\n\n"
    decoder = SSEDecoder()
    parts = [decoder.feed(body[i : i + 16_384]) for i in range(0, len(body), 16_384)]
    assert [event.data for part in parts for event in part] == [data]


def seconds(size: int) -> float:
    body = b"data: " + b"x" * size + b"\n\n"
    decoder = SSEDecoder()
    began = time.process_time()
    for i in range(len(body)):
        decoder.feed(body[i : i + 1])
    return time.process_time() - began


def test_time_is_linear_in_the_size_of_an_event() -> None:
    # Quadratic time would be 64 times as long, linear time is 8 times.
    small, large = min(seconds(20_000) for _ in range(3)), seconds(160_000)
    assert large < 30 * small
