"""A value of a type as a flow: the schema's forms, the judgement, the re-asks. No server."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from lexilux_like.turns.flow import Flow
from lexilux_like.turns.rules import Learned, Server
from lexilux_like.turns.shape import with_schema
from lexilux_like.turns.structured import Snapshots, structured
from lexilux_like.turns.turn import Turn, streaming_result
from lexilux_like.values.errors import (
    ChatIncompleteResponseError,
    InvalidRequestError,
    LexiluxError,
    OutputValidationError,
    ServerError,
)
from lexilux_like.values.output import output_type
from lexilux_like.values.request import ChatRequest
from lexilux_like.values.results import (
    ChatResult,
    ChatStreamChunk,
    Segment,
    Timing,
    ToolCall,
    Usage,
)
from lexilux_like.wire.profile import Profile, SchemaForm

REQUEST = ChatRequest("m", [{"role": "user", "content": "Who?"}])
USAGE = Usage(1, 2, 3)


class Person(BaseModel):
    name: str
    age: int | None = None


PERSON = output_type(Person)
ANN = '{"name": "Ann", "age": 3}'
ODD = '{"name": "Ann", "age": "old"}'


def said(text: str, **fields: Any) -> ChatResult:
    return ChatResult(
        **{"text": text, "status": "complete", "finish_reason": "stop", "usage": USAGE} | fields
    )


def incomplete(text: str, reason: Any = "max_continues", **fields: Any) -> LexiluxError:
    result = said(text, status="truncated", **fields)
    return ChatIncompleteResponseError("cut", final_result=result, reason=reason)


class Model:
    """A turn that gives scripted answers and remembers what it was asked."""

    def __init__(self, *answers: str | ChatResult | LexiluxError, live: bool = False) -> None:
        self.answers = iter(answers)
        self.live = live
        self.asked: list[ChatRequest] = []

    def turn(self, request: ChatRequest) -> Flow[ChatResult]:
        self.asked.append(request)
        answer = next(self.answers)
        if isinstance(answer, LexiluxError):
            raise answer
        result = said(answer) if isinstance(answer, str) else answer
        if self.live:
            yield ChatStreamChunk(result.text)
            yield ChatStreamChunk(done=True)
        return result

    @property
    def formats(self) -> list[str | None]:
        """The `response_format` of each request, in a word."""
        given = [request.options.get("response_format") for request in self.asked]
        return [form and form["type"] for form in given]


class Played(NamedTuple):
    result: ChatResult
    chunks: list[ChatStreamChunk]


def play(
    turn: Turn, request: ChatRequest = REQUEST, chunks: list[ChatStreamChunk] | None = None
) -> Played:
    shown: list[ChatStreamChunk] = [] if chunks is None else chunks
    flow = turn(request)
    while True:
        try:
            effect = next(flow)
        except StopIteration as end:
            return Played(end.value, shown)
        if isinstance(effect, ChatStreamChunk):
            shown.append(effect)


def server(form: SchemaForm = "json_schema", learned: Learned | None = None) -> Server:
    return Server("http://x/v1", Profile(name="x", schema=form), learned or Learned())


def ask(
    model: Model,
    kind: Any = Person,
    *,
    max_reasks: int = 2,
    required: bool = False,
    at: Server | None = None,
) -> ChatResult:
    turn = structured(
        model.turn,
        output_type(kind),
        at or server(),
        max_reasks=max_reasks,
        required=required,
    )
    return play(turn).result


def failure(error: type[Any], model: Model, **given: Any) -> Any:
    with pytest.raises(error) as caught:
        ask(model, **given)
    return caught.value


class TestForms:
    def test_json_schema_is_sent_as_the_format_and_nowhere_else(self):
        shaped = with_schema(REQUEST, PERSON, "json_schema")
        assert shaped.options == {"response_format": PERSON.json_schema_format}
        assert shaped.messages == REQUEST.messages

    def test_json_object_comes_with_instructions(self):
        shaped = with_schema(REQUEST, PERSON, "json_object")
        assert shaped.options == {"response_format": {"type": "json_object"}}
        assert shaped.messages == [
            {"role": "system", "content": PERSON.instructions()},
            *REQUEST.messages,
        ]

    def test_the_prompt_alone_leaves_the_format_out(self):
        asked = ChatRequest("m", REQUEST.messages, {"response_format": {}, "seed": 1})
        shaped = with_schema(asked, PERSON, "prompt")
        assert shaped.options == {"seed": 1}
        assert shaped.messages[0]["content"] == PERSON.instructions()

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("Be brief.", f"Be brief.\n\n{PERSON.instructions()}"),
            ("", PERSON.instructions()),
            (
                [{"type": "text", "text": "Be brief."}],
                [
                    {"type": "text", "text": "Be brief."},
                    {"type": "text", "text": PERSON.instructions()},
                ],
            ),
        ],
        ids=["text", "empty", "parts"],
    )
    @pytest.mark.parametrize("role", ["system", "developer"])
    def test_instructions_stand_at_the_end_of_a_system_prompt(self, role, content, told):
        prompt = {"role": role, "content": content}
        asked = ChatRequest("m", [prompt, *REQUEST.messages])
        before = json.dumps(asked.messages)
        shaped = with_schema(asked, PERSON, "prompt")
        assert shaped.messages == [{"role": role, "content": told}, *REQUEST.messages]
        assert json.dumps(asked.messages) == before

    @pytest.mark.parametrize("form", ["json_schema", "json_object", "prompt"])
    def test_the_form_is_the_providers(self, form):
        model = Model(ANN)
        ask(model, at=server(form))
        assert model.formats == [None if form == "prompt" else form]


def refusal(words: str, **facts: Any) -> InvalidRequestError:
    return InvalidRequestError(words, status_code=400, provider_message=words, **facts)


class TestRefusedForms:
    @pytest.mark.parametrize(
        "words",
        [
            "This response_format type is unavailable now",
            "Invalid value: 'json_schema'. Supported values are: 'text' and 'json_object'.",
            "Structured outputs are not available for this model",
            "strict mode: unsupported",
        ],
    )
    def test_the_next_simpler_form_is_asked(self, words):
        model = Model(refusal(words), refusal(words), ANN)
        assert ask(model).parsed == Person(name="Ann", age=3)
        assert model.formats == ["json_schema", "json_object", None]

    def test_a_refusal_that_names_the_field_elsewhere_counts(self):
        model = Model(refusal("bad value", param="response_format"), ANN)
        ask(model)
        assert model.formats == ["json_schema", "json_object"]

    def test_is_remembered_for_the_server_and_the_model(self):
        learned = Learned()
        ask(Model(refusal("no response_format here"), ANN), at=server(learned=learned))
        again = Model(ANN)
        ask(again, at=server(learned=learned))
        assert again.formats == ["json_object"]
        assert learned.works("http://x/v1", "m", "schema:json_schema") is False
        assert learned.works("http://x/v1", "other", "schema:json_schema") is None

    @pytest.mark.parametrize(
        "words",
        [
            "Invalid schema for response_format 'Person': 'pattern' is not permitted.",
            "JSON schema conversion failed: Unrecognized schema",
            "parameter x is unsupported",
            "json_validate_failed: Failed to generate JSON.",
        ],
    )
    def test_is_not_remembered_where_it_may_be_this_schema_or_something_else(self, words):
        learned = Learned()
        ask(Model(refusal(words), ANN), at=server(learned=learned))
        again = Model(ANN)
        ask(again, at=server(learned=learned))
        assert again.formats == ["json_schema"]

    def test_is_not_remembered_where_tools_may_be_in_the_way(self):
        learned = Learned()
        asked = replace(REQUEST, options={"tools": [{"type": "function"}]})
        model = Model(refusal("response_format does not go with tools"), ANN)
        turn = structured(model.turn, PERSON, server(learned=learned), max_reasks=0, required=False)
        play(turn, asked)
        assert model.formats == ["json_schema", "json_object"]
        assert learned.works("http://x/v1", "m", "schema:json_schema") is None

    def test_another_refusal_is_raised_at_once(self):
        model = Model(refusal("max_tokens is too large"))
        failure(InvalidRequestError, model)
        assert len(model.asked) == 1

    def test_a_refusal_after_content_is_raised_at_once(self):
        model = Model(refusal("response_format", partial=said("{")))
        failure(InvalidRequestError, model)
        assert len(model.asked) == 1

    def test_a_refusal_of_the_simplest_form_is_raised(self):
        model = Model(*[refusal("unsupported")] * 3)
        failure(InvalidRequestError, model)
        assert len(model.asked) == 3


class TestReasks:
    def test_a_fitting_answer_is_not_asked_again(self):
        result = ask(Model(ANN))
        assert (result.parsed, result.segments) == (Person(name="Ann", age=3), ())

    def test_the_model_is_told_what_does_not_fit(self):
        model = Model(ODD, ANN)
        assert ask(model).parsed == Person(name="Ann", age=3)
        question, answer, complaint = model.asked[1].messages
        assert [question, answer] == [*REQUEST.messages, {"role": "assistant", "content": ODD}]
        assert complaint["role"] == "user"
        assert "- age: Input should be a valid integer" in complaint["content"]

    def test_the_model_is_told_of_its_last_answer_only(self):
        model = Model(ODD, "{}", ANN)
        ask(model)
        assert [each["content"] for each in model.asked[2].messages][:2] == ["Who?", "{}"]

    @pytest.mark.parametrize("max_reasks", [0, 1, 2])
    def test_are_so_many_at_most(self, max_reasks):
        model = Model(*[ODD] * 9)
        failure(OutputValidationError, model, max_reasks=max_reasks)
        assert len(model.asked) == 1 + max_reasks

    def test_usage_and_continuations_add_up(self):
        cut = said(ODD, continues=2, segments=(Segment("{"), Segment(ODD, asked="prefill")))
        result = ask(Model(cut, said(ANN, continues=1)))
        assert result.usage == Usage(2, 4, 6)
        assert result.continues == 3

    def test_segments_of_all_answers_are_kept_and_only_the_last_is_joined(self):
        cut = said(ODD, segments=(Segment("{"), Segment(ODD, asked="prefill", joined="prefill")))
        result = ask(Model(cut, ANN))
        facts = [(each.text, each.asked, each.joined) for each in result.segments]
        assert facts == [
            ("{", "first", "none"),
            (ODD, "prefill", "none"),
            (ANN, "again", "first"),
        ]

    def test_first_content_is_that_of_the_first_answer(self):
        early, late = Timing(first_content_s=1.0), Timing(first_content_s=9.0)
        result = ask(Model(said(ODD, timing=early), said(ANN, timing=late)))
        assert result.timing.first_content_s == 1.0

    def test_json_that_broke_is_asked_again(self):
        model = Model(incomplete('{"name": Ann', "invalid_json"), ANN)
        assert ask(model).parsed == Person(name="Ann", age=3)
        assert "Invalid JSON" in model.asked[1].messages[-1]["content"]

    def test_no_json_at_all_is_asked_again_with_what_was_said(self):
        words = (Segment("Her name is Ann."),)
        model = Model(incomplete("", "no_progress", segments=words), ANN)
        ask(model)
        assert model.asked[1].messages[1]["content"] == "Her name is Ann."
        assert "(got Her name is Ann.)" in model.asked[1].messages[2]["content"]

    @pytest.mark.parametrize("reason", ["no_progress", "reasoning_budget", "max_continues"])
    def test_nothing_at_all_is_asked_again_without_a_word(self, reason):
        model = Model(incomplete("", reason), ANN)
        ask(model)
        assert model.asked[1].messages == REQUEST.messages

    @pytest.mark.parametrize("reason", ["refused", "content_filter", "tool_arguments", "failed"])
    def test_what_is_given_up_for_another_reason_is_not_asked_again(self, reason):
        model = Model(incomplete("", reason))
        assert failure(ChatIncompleteResponseError, model).reason == reason
        assert len(model.asked) == 1

    def test_an_answer_that_stays_cut_is_not_asked_again(self):
        model = Model(incomplete('{"name": "A', finish_reason="length"))
        failure(ChatIncompleteResponseError, model)
        assert len(model.asked) == 1

    def test_a_bare_value_where_json_objects_are_usual_is_taken(self):
        model = Model(incomplete("", "no_progress", segments=(Segment("7"),)))
        result = ask(model, kind=int)
        assert (result.parsed, result.text, result.status) == (7, "7", "complete")
        assert result.choices[0].text == "7"

    def test_a_failure_on_the_way_carries_the_answer_before(self):
        error = failure(ServerError, Model(ODD, ServerError("down", status_code=500)))
        assert error.partial.text == ODD


class TestErrors:
    def test_a_misfit_says_what_where_and_after_how_many_requests(self):
        error = failure(OutputValidationError, Model(ODD, ODD), max_reasks=1)
        assert error.errors[0].startswith("age: Input should be a valid integer")
        assert str(error).startswith("the answer does not fit Person after 2 requests: age: ")
        assert error.parsed == {"name": "Ann", "age": "old"}
        assert (error.partial.text, error.partial.usage) == (ODD, Usage(2, 4, 6))

    def test_a_misfit_has_the_valid_items_of_a_list(self):
        text = f'{{"value": [{ANN}, {{"age": 1}}]}}'
        error = failure(OutputValidationError, Model(text), kind=list[Person], max_reasks=0)
        assert error.items == [Person(name="Ann", age=3)]
        assert error.parsed == [{"name": "Ann", "age": 3}, {"age": 1}]

    def test_what_is_no_json_has_no_data(self):
        text = f'{{"value": [{ANN}, oops'
        model = Model(incomplete(text, "invalid_json"))
        error = failure(OutputValidationError, model, kind=list[Person], max_reasks=0)
        assert (error.parsed, error.items) == (None, [Person(name="Ann", age=3)])

    def test_a_cut_answer_has_its_finished_parts(self):
        model = Model(incomplete('{"name": "Ann", "age": 3', finish_reason="length"))
        assert failure(ChatIncompleteResponseError, model).parsed == {"name": "Ann"}

    @pytest.mark.parametrize("begun", ["", ' {"name": "Bob"', ' {"name": "Bob", "age": 4'])
    def test_an_item_that_is_still_open_is_none_of_the_items(self, begun):
        model = Model(incomplete(f'{{"value": [{ANN},{begun}', finish_reason="length"))
        error = failure(ChatIncompleteResponseError, model, kind=list[Person])
        assert error.items == [Person(name="Ann", age=3)]

    def test_an_open_item_is_none_of_the_items_without_the_wrapper_either(self):
        model = Model(incomplete(f'[{ANN}, {{"name": "Bob"', finish_reason="length"))
        error = failure(ChatIncompleteResponseError, model, kind=list[Person])
        assert error.items == [Person(name="Ann", age=3)]

    @pytest.mark.parametrize("text", ["", '{"val', '{"value": '])
    def test_where_nothing_has_finished_there_are_no_data(self, text):
        model = Model(incomplete(text, finish_reason="length"))
        error = failure(ChatIncompleteResponseError, model, kind=list[Person])
        assert (error.parsed, error.items) == (None, [])

    def test_a_cut_answer_after_a_misfit_counts_both(self):
        model = Model(ODD, incomplete("{", finish_reason="length"))
        error = failure(ChatIncompleteResponseError, model)
        assert error.final_result is error.partial
        assert error.final_result.usage == Usage(2, 4, 6)


class TestAnswersWithoutAValue:
    CALL = said("", status="tool_calls", tool_calls=(ToolCall("1", "f", "{}"),))

    def test_a_tool_call_is_an_answer(self):
        result = ask(Model(self.CALL))
        assert (result.parsed, result.tool_calls) == (None, self.CALL.tool_calls)

    def test_a_tool_call_is_none_where_a_value_is_required(self):
        error = failure(OutputValidationError, Model(self.CALL), required=True)
        assert error.partial.tool_calls == self.CALL.tool_calls

    def test_a_partial_answer_is_none_where_a_value_is_required(self):
        cut = said('{"name"', status="interrupted")
        assert ask(Model(cut)).parsed is None
        error = failure(ChatIncompleteResponseError, Model(cut), required=True)
        assert error.final_result.text == '{"name"'


class TestLive:
    def shown(self, *answers: str | ChatResult | LexiluxError) -> tuple[Any, list[ChatStreamChunk]]:
        chunks: list[ChatStreamChunk] = []
        model = Model(*answers, live=True)
        turn = structured(model.turn, PERSON, server(), max_reasks=0, required=False)
        try:
            return play(turn, chunks=chunks).result, chunks
        except LexiluxError as error:
            return error, chunks

    def test_a_fitting_answer_ends_with_its_own_last_chunk(self):
        result, chunks = self.shown(streaming_result(said(ANN), done=True))
        assert result.parsed == Person(name="Ann", age=3)
        assert [(chunk.delta, chunk.done) for chunk in chunks] == [(ANN, False), ("", True)]

    def test_a_misfit_is_raised_in_place_of_the_last_chunk(self):
        error, chunks = self.shown(ODD)
        assert isinstance(error, OutputValidationError)
        assert [(chunk.delta, chunk.done) for chunk in chunks] == [(ODD, False)]

    def test_a_bare_value_of_which_nothing_was_shown_is_shown_at_the_end(self):
        model = Model(incomplete("", "no_progress", segments=(Segment("7"),)))
        turn = structured(model.turn, output_type(int), server(), max_reasks=0, required=False)
        result, chunks = play(turn)
        assert result.parsed == 7
        assert [(chunk.delta, chunk.done) for chunk in chunks] == [("7", True)]


def snapshots(kind: Any, pieces: Iterable[str]) -> list[Any]:
    taken = Snapshots(output_type(kind))
    return [taken.latest for piece in pieces if taken.take(piece)]


class TestSnapshots:
    def test_show_what_has_finished_without_the_wrapper(self):
        pieces = ['{"val', 'ue": ["a', 'b", "c', '", "d"', "]}"]
        assert snapshots(list[str], pieces) == [[], ["ab"], ["ab", "c", "d"], ["ab", "c", "d"]]

    def test_never_change_afterwards(self):
        text = f'{{"value": [{ANN}, {ANN}]}}'
        taken = Snapshots(output_type(list[Person]))
        kept = [(taken.latest, json.dumps(taken.latest)) for each in text if taken.take(each)]
        assert len(kept) > 6
        assert [json.dumps(latest) for latest, _ in kept] == [then for _, then in kept]

    def test_hold_all_that_came_before(self):
        text = f'{{"value": [{ANN}, {ANN}]}}'
        taken = [json.dumps(each).rstrip("]}") for each in snapshots(list[Person], text)]
        assert all(later.startswith(one) for one, later in itertools.pairwise(taken))

    def test_nothing_comes_for_a_piece_that_finishes_nothing(self):
        assert snapshots(Person, ["", '{"na', "me", '": "Ann']) == [{}]

    def test_ten_thousand_pieces_take_little_time(self):
        pieces = ['{"value": ["', *["x"] * 10_000, '", "y"', *[', "z"'] * 2_000, "]}"]
        began = time.perf_counter()
        assert len(snapshots(list[str], pieces)[-1]) == 2_002
        assert time.perf_counter() - began < 2
