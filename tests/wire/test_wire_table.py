"""What servers send and other clients were seen to get wrong: each row, as bytes."""

from __future__ import annotations

import pytest
from corpus import Cut, crlf, cut_inside_characters, one_byte_per_read, with_comments, without_space
from pieces import HI, STOP
from rows import Row, each_row, facts
from wire_errors import PROVIDER_ERRORS
from wire_providers import PROVIDERS
from wire_table import TABLE
from wire_traits import TRAITS

from lexilux_like.testing import DONE
from lexilux_like.values.errors import ResponseFormatError
from lexilux_like.values.request import ChatRequest
from lexilux_like.wire.http import Response
from lexilux_like.wire.openai import OpenAIDialect
from lexilux_like.wire.sse import SSEDecoder

ROWS = [each for each in (*TABLE, *TRAITS, *PROVIDERS, *PROVIDER_ERRORS) if each.timeless]
STREAMS = [each for each in ROWS if not each.whole and isinstance(each.sent, bytes)]


@each_row(*ROWS)
def test_row_is_heard_as_expected(row: Row, hear) -> None:
    assert facts(hear(row)) == row.expected


@pytest.mark.parametrize(
    "variant", [one_byte_per_read, cut_inside_characters, crlf, with_comments, without_space]
)
@each_row(*STREAMS)
def test_row_is_heard_alike_in_other_dress(row: Row, variant: Cut, hear) -> None:
    assert facts(hear(row, variant)) == row.expected


def test_html_on_a_stream_is_told_by_its_content_type() -> None:
    page = b"<!doctype html>\n<title>Log in</title>\n"
    decoder = SSEDecoder()
    assert decoder.feed(page) + decoder.flush() == []
    response = Response(200, {"content-type": "text/html"}, decoder.stray)
    with pytest.raises(ResponseFormatError, match="web page") as caught:
        OpenAIDialect().decode(response, ChatRequest("m", []))
    assert "text/html" in caught.value.message


def test_done_ends_the_answer_though_the_body_goes_on() -> None:
    answer = OpenAIDialect().answer(ChatRequest("m", []), Response(200, {}))
    for event in SSEDecoder().feed(HI + STOP + DONE):
        answer.feed(event)
    assert answer.done
