"""Traits of recorded responses that are about more than one answer's facts."""

from __future__ import annotations

import json

from pieces import HI, STOP, USAGE

from lexilux_like.testing import DONE, chunk, sse


def test_09_finish_reason_in_two_chunks_is_told_once(play) -> None:
    again = sse(chunk({"content": ""}, finish_reason="stop", usage=USAGE))
    played = play(HI + STOP + again + DONE)
    reasons = [each.finish_reason for each in played.chunks if each.finish_reason]
    assert reasons == ["stop", "stop"]  # once when it came, and once on the last chunk


def test_14_head_fields_come_from_the_first_chunk_that_has_them(play) -> None:
    first = {"choices": [], "id": "", "model": "", "object": "", "prompt_filter_results": []}
    result = play(sse(first) + HI + STOP + DONE).result
    assert (result.text, result.id, result.model) == ("Hi", "chatcmpl-1", "m")


def test_19_reasoning_details_of_several_chunks_are_joined(play) -> None:
    delta = {"reasoning": "why", "reasoning_details": [{"type": "reasoning.text", "text": "why"}]}
    result = play(sse(chunk(delta)) * 2 + HI + STOP).result
    assert result.reasoning == "whywhy"
    assert "".join(each["text"] for each in result.fields["reasoning_details"]) == "whywhy"


def test_22_chunks_of_several_choices_come_in_the_servers_order(play) -> None:
    texts = [("a", 1), ("b", 0), ("c", 1), ("d", 0)]
    body = b"".join(sse(chunk({"content": text}, index=i)) for text, i in texts)
    body += b"".join(sse(chunk({}, index=i, finish_reason="stop")) for i in (0, 1))
    played = play(body + DONE)
    assert [each.text for each in played.result.choices] == ["bd", "ac"]
    assert [(each.delta, each.index) for each in played.chunks if each.delta] == texts


def test_35_text_of_a_json_object_is_its_json(play) -> None:
    result = play(sse(chunk({"content": {"a": 1}})) + STOP).result
    assert json.loads(result.text) == {"a": 1}
