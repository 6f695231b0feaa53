"""The history: a sequence of messages with a system prompt, in rounds."""

from __future__ import annotations

import re
from collections.abc import MutableSequence
from types import MappingProxyType

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.history import ChatHistory
from lexilux_like.values.results import ChatResult, StreamingResult, ToolCall

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
CALL = ToolCall("c1", "f", '{"x": 1}')


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


def assistant(content: object) -> dict[str, object]:
    return {"role": "assistant", "content": content}


def system(content: object) -> dict[str, object]:
    return {"role": "system", "content": content}


def tool(call_id: str, content: str = "ok") -> dict[str, object]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


class TestMaking:
    def test_a_new_history_is_empty(self):
        made = ChatHistory()
        assert (list(made), made.system, made.get_messages()) == ([], None, [])

    @pytest.mark.parametrize(
        ("given_messages", "held"),
        [
            ("Hi", [user("Hi")]),
            (["Hi", "Ho"], [user("Hi"), user("Ho")]),
            ([user("Hi"), assistant("Ho")], [user("Hi"), assistant("Ho")]),
            (user("Hi"), [user("Hi")]),
            (["look", IMAGE], [user([{"type": "text", "text": "look"}, IMAGE])]),
            ([], []),
        ],
    )
    def test_it_takes_what_a_call_takes(self, given_messages, held):
        assert list(ChatHistory(given_messages)) == held
        assert list(ChatHistory.from_messages(given_messages)) == held

    def test_a_leading_system_message_becomes_the_system_prompt(self):
        made = ChatHistory.from_messages([system("Be brief."), user("Hi")])
        assert (made.system, list(made)) == ("Be brief.", [user("Hi")])

    def test_a_given_system_prompt_takes_its_place(self):
        made = ChatHistory.from_messages([system("Be brief."), user("Hi")], system="Rhyme.")
        assert (made.system, list(made)) == ("Rhyme.", [user("Hi")])

    @pytest.mark.parametrize(
        "first",
        [
            system([{"type": "text", "text": "Be brief."}]),
            {**system("Be brief."), "cache_control": {"type": "ephemeral"}},
            {"role": "developer", "content": "Be brief."},
            {"role": "system"},
        ],
    )
    def test_a_leading_message_that_is_more_than_a_text_stays(self, first):
        made = ChatHistory([first, user("Hi")])
        assert (made.system, made[0]) == (None, first)

    def test_a_second_system_message_stays(self):
        made = ChatHistory([system("a"), system("b")])
        assert (made.system, list(made)) == ("a", [system("b")])

    def test_a_history_can_be_made_from_another(self, history: ChatHistory):
        assert ChatHistory(history) == history

    def test_the_system_prompt_of_an_empty_history_is_kept(self):
        assert ChatHistory(ChatHistory(system="Be brief.")).system == "Be brief."

    def test_what_is_no_message_is_refused(self):
        with pytest.raises(ValidationError, match="a message needs a role"):
            ChatHistory([{"content": "Hi"}])

    def test_from_chat_result_holds_question_and_answer(self):
        made = ChatHistory.from_chat_result("Hi", ChatResult(text="Ho", status="complete"))
        assert list(made) == [user("Hi"), assistant("Ho")]


class TestSequence:
    def test_it_is_a_mutable_sequence(self, history: ChatHistory):
        assert isinstance(history, MutableSequence)

    def test_the_system_prompt_is_not_one_of_the_messages(self, history: ChatHistory):
        assert len(history) == 4
        assert history[0] == user("one")

    def test_a_slice_is_a_history_with_the_same_system_prompt(self, history: ChatHistory):
        part = history[1:3]
        assert part == ChatHistory([assistant("eins"), user("two")], system="Be brief.")

    def test_a_message_can_be_replaced(self, history: ChatHistory):
        history[-1] = assistant("deux")
        assert history[3] == assistant("deux")

    def test_a_slice_can_be_replaced(self, history: ChatHistory):
        history[:2] = [user("zero")]
        assert list(history) == [user("zero"), user("two"), assistant("zwei")]

    def test_a_slice_can_be_replaced_by_the_history_itself(self, history: ChatHistory):
        before = list(history)
        history[:0] = history
        assert list(history) == before + before

    def test_messages_can_be_deleted(self, history: ChatHistory):
        del history[0]
        del history[1:]
        assert list(history) == [assistant("eins")]

    def test_a_message_can_be_inserted(self, history: ChatHistory):
        history.insert(1, user("more"))
        assert history[1] == user("more")

    def test_messages_are_found(self, history: ChatHistory):
        assert user("two") in history
        assert history.index(user("two")) == 2

    def test_it_can_be_extended_in_place(self, history: ChatHistory):
        same = history
        same += [user("three")]
        assert history[-1] == user("three")

    def test_an_index_beyond_the_end_is_an_index_error(self, history: ChatHistory):
        with pytest.raises(IndexError):
            history[4]

    @pytest.mark.parametrize("bad", [None, "Hi", 5, {}, {"role": 5}, [user("Hi")]])
    @pytest.mark.parametrize(
        "put",
        [
            lambda h, m: h.append(m),
            lambda h, m: h.add_message(m),
            lambda h, m: h.insert(0, m),
            lambda h, m: h.__setitem__(0, m),
            lambda h, m: h.__setitem__(slice(0, 1), [m]),
            lambda h, m: h.extend([m]),
        ],
    )
    def test_what_is_no_message_cannot_be_put_in(self, history: ChatHistory, bad, put):
        before = history.clone()
        with pytest.raises(ValidationError):
            put(history, bad)
        assert history == before

    def test_clear_keeps_the_system_prompt(self, history: ChatHistory):
        history.clear()
        assert history == ChatHistory(system="Be brief.")

    def test_histories_are_equal_when_prompt_and_messages_are(self, history: ChatHistory):
        assert history == history.clone()
        assert history != ChatHistory(history.messages)
        assert history != history[:1]

    def test_a_history_is_no_list(self):
        assert ChatHistory(["Hi"]) != [user("Hi")]

    def test_a_history_is_not_hashable(self, history: ChatHistory):
        with pytest.raises(TypeError):
            hash(history)

    def test_the_repr_counts_and_does_not_quote_the_messages(self, history: ChatHistory):
        assert repr(history) == "<ChatHistory: 4 messages, system='Be brief.'>"
        assert repr(ChatHistory()) == "<ChatHistory: 0 messages>"

    def test_the_repr_is_bounded_and_printable(self):
        shown = repr(ChatHistory(["x" * 10_000], system="\x1b[2J" + "x" * 10_000))
        assert len(shown) < 100
        assert shown.isprintable()


class TestAdding:
    def test_a_user_may_say_text_or_parts(self):
        made = ChatHistory()
        made.add_user("Hi")
        made.add_user(IMAGE)
        made.add_user(["look", IMAGE])
        assert list(made) == [
            user("Hi"),
            user([IMAGE]),
            user([{"type": "text", "text": "look"}, IMAGE]),
        ]

    def test_an_answer_may_be_without_content(self):
        made = ChatHistory()
        made.add_assistant(None)
        assert made[0] == assistant(None)

    def test_a_tool_answers_a_call(self):
        made = ChatHistory()
        made.add_tool("c1", "42")
        assert made[0] == tool("c1", "42")

    def test_content_that_is_neither_text_nor_parts_is_refused(self):
        with pytest.raises(ValidationError):
            ChatHistory().add_user(b"Hi")  # type: ignore[arg-type]

    def test_a_message_is_added_with_all_its_fields(self):
        made, message = ChatHistory(), MappingProxyType({**user("Hi"), "name": "Ann"})
        made.add_message(message)
        assert made[0] == message

    def test_messages_come_in_many_shapes(self):
        made = ChatHistory()
        made.add_messages("Hi")
        made.add_messages([assistant("Ho"), "Hu"])
        assert list(made) == [user("Hi"), assistant("Ho"), user("Hu")]

    def test_of_another_history_the_messages_are_added_without_its_prompt(self):
        made = ChatHistory(system="Be brief.")
        made.add_messages(ChatHistory(["Hi"], system="Rhyme."))
        assert made == ChatHistory(["Hi"], system="Be brief.")

    def test_the_system_prompt_can_be_set_and_removed(self, history: ChatHistory):
        history.set_system("Rhyme.")
        assert history.get_messages()[0] == system("Rhyme.")
        history.set_system(None)
        assert history.get_messages() == history.messages

    def test_an_empty_system_prompt_is_one(self):
        assert ChatHistory(system="").get_messages() == [system("")]

    def test_the_system_prompt_can_be_left_out(self, history: ChatHistory):
        assert history.get_messages(include_system=False) == list(history)


class TestAppendResult:
    def test_an_answer_is_appended_as_its_message(self):
        result = ChatResult(
            text="4",
            reasoning="2+2",
            reasoning_field="reasoning_content",
            tool_calls=(CALL,),
            status="tool_calls",
        )
        made = ChatHistory()
        made.append_result(result)
        assert made[0] == result.to_message()
        assert made[0]["tool_calls"] == [CALL.to_dict()]
        assert made[0]["reasoning_content"] == "2+2"

    def test_a_streamed_answer_is_appended_too(self):
        made = ChatHistory()
        made.append_result(StreamingResult(text="Hi", done=True, status="complete"))
        assert made[0] == assistant("Hi")

    def test_a_truncated_text_is_appended_as_far_as_it_came(self):
        made = ChatHistory()
        made.append_result(ChatResult(text="Once upon", status="truncated"))
        assert made[0] == assistant("Once upon")

    def test_a_call_that_was_cut_off_is_refused(self):
        made = ChatHistory(["Hi"])
        cut = ChatResult(text="Let me", incomplete_tool_calls=(CALL,), status="truncated")
        with pytest.raises(ValidationError, match="cut off inside a tool call"):
            made.append_result(cut)
        assert list(made) == [user("Hi")]


class TestLooking:
    def test_the_last_message(self, history: ChatHistory):
        assert history.get_last_message() == assistant("zwei")
        assert ChatHistory().get_last_message() is None

    def test_what_the_user_said_last(self, history: ChatHistory):
        assert history.get_last_user_message() == "two"

    def test_parts_that_the_user_said_last(self):
        assert ChatHistory([user([IMAGE])]).get_last_user_message() == [IMAGE]

    @pytest.mark.parametrize("held", [[], [assistant("Hi")], [{"role": "user"}]])
    def test_a_user_who_said_nothing(self, held):
        assert ChatHistory(held).get_last_user_message() is None

    def test_messages_are_filtered_by_role(self, history: ChatHistory):
        assert history.filter(role="user") == ChatHistory(["one", "two"], system="Be brief.")

    def test_messages_are_filtered_by_a_predicate(self, history: ChatHistory):
        found = history.filter(lambda message: "w" in message["content"], role="assistant")
        assert list(found) == [assistant("zwei")]

    def test_a_text_is_found_in_upper_and_lower_case(self, history: ChatHistory):
        assert history.search("TWO") == [(2, user("two"))]

    def test_a_text_is_no_pattern(self, history: ChatHistory):
        assert history.search("t.o") == []

    def test_a_pattern_is_taken_as_it_is(self, history: ChatHistory):
        assert [i for i, _ in history.search(re.compile("^(t.o|e)"))] == [1, 2]
        assert history.search(re.compile("TWO")) == []

    def test_only_one_role_can_be_searched(self, history: ChatHistory):
        assert [i for i, _ in history.search("e", role="user")] == [0]

    def test_parts_and_calls_are_searched(self):
        made = ChatHistory([user(["needle in parts", IMAGE])])
        made.append_result(ChatResult(tool_calls=(ToolCall("c1", "f", '{"x": "needle"}'),)))
        assert [i for i, _ in made.search("needle")] == [0, 1]


class TestRounds:
    def test_a_round_is_a_user_message_and_all_up_to_the_next(self, history: ChatHistory):
        assert history.rounds == [
            [user("one"), assistant("eins")],
            [user("two"), assistant("zwei")],
        ]

    def test_what_precedes_the_first_user_message_is_a_round(self):
        made = ChatHistory([assistant("Hello!"), user("Hi")])
        assert made.rounds == [[assistant("Hello!")], [user("Hi")]]

    def test_an_empty_history_has_none(self):
        assert ChatHistory().rounds == []

    def test_the_last_message_can_be_removed(self, history: ChatHistory):
        assert history.remove_last() == assistant("zwei")
        assert len(history) == 3
        assert ChatHistory().remove_last() is None

    def test_the_last_round_can_be_removed(self, history: ChatHistory):
        assert history.remove_last_round() == [user("two"), assistant("zwei")]
        assert list(history) == [user("one"), assistant("eins")]

    def test_where_there_is_no_round_none_is_removed(self):
        assert ChatHistory(system="Be brief.").remove_last_round() == []


class TestMerging:
    def test_two_histories_make_a_third(self, history: ChatHistory):
        merged = history + ChatHistory(["three"], system="Rhyme.")
        assert list(merged) == [*history, user("three")]
        assert merged == history.merge(ChatHistory(["three"]))

    def test_the_first_system_prompt_wins(self, history: ChatHistory):
        assert (history + ChatHistory(system="Rhyme.")).system == "Be brief."

    def test_the_second_stands_in_where_the_first_has_none(self):
        assert (ChatHistory() + ChatHistory(system="Rhyme.")).system == "Rhyme."
