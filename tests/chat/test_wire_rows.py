"""Every row of the wire, over a real socket, through both doors."""

from __future__ import annotations

from rows import Row, check_chunks, each_row, facts
from wire_cases import CASES
from wire_errors import PROVIDER_ERRORS
from wire_providers import PROVIDERS
from wire_table import TABLE
from wire_traits import TRAITS

from lexilux_like.testing import ScriptedServer
from lexilux_like.testing.door import Door, Doors
from lexilux_like.values.errors import LexiluxError
from lexilux_like.values.results import ChatResult


def called(asked: Door, row: Row) -> ChatResult | LexiluxError:
    try:
        return asked.call("x", **row.options)
    except LexiluxError as error:
        return error


def streamed(asked: Door, row: Row) -> ChatResult | LexiluxError:
    """The answer to a stream; what its consumer was handed is checked on the way."""
    opened, chunks = asked.open_stream("x", **row.options), []
    try:
        while (piece := opened.next_chunk()) is not None:
            chunks.append(piece)
    except LexiluxError as error:
        if (part := error.partial) is None:  # the answer had not begun
            assert chunks == []
            return error
        assert opened.result.to_chat_result() == part
        handed = "".join(each.delta for each in chunks if each.index == part.index)
        assert part.text.startswith(handed)
        return error
    check_chunks(chunks, opened.result, shown=row.options.get("include_reasoning", False))
    assert opened.result.done
    return opened.result


@each_row(*TABLE, *CASES, *TRAITS, *PROVIDER_ERRORS, *PROVIDERS)
def test_row_of_the_wire(row: Row, door: Doors, scripted_server: ScriptedServer) -> None:
    scripted_server.play(row.reply)
    ask = called if row.whole else streamed
    assert facts(ask(door(**row.client), row)) == row.expected
