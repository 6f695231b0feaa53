"""Tokens, statistics and truncation: what is counted, what goes, what stays together."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lexilux_like.values.analysis import TokenAnalysis, message_text
from lexilux_like.values.errors import ValidationError
from lexilux_like.values.history import ChatHistory
from lexilux_like.values.results import ToolCall


def words(text: str) -> int:
    return len(text.split())


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


def assistant(content: object = None, *ids: str) -> dict[str, object]:
    calls = [ToolCall(each, "f", "{}").to_dict() for each in ids]
    return {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {})}


def tool(call_id: str) -> dict[str, object]:
    return {"role": "tool", "tool_call_id": call_id, "content": "done"}


def history_of(*messages: dict[str, object], system: str | None = None) -> ChatHistory:
    made = ChatHistory(system=system)
    made.extend(messages)
    return made


TALK = history_of(
    user("one two"),
    assistant("three"),
    user("four"),
    assistant(None, "c1"),
    tool("c1"),
    assistant("five six"),
    system="be brief please",
)

ids = st.sampled_from(["c1", "c2", ""])
messages = st.one_of(
    st.builds(user, st.text("ab ", max_size=6)),
    st.builds(assistant, st.none() | st.text("ab ", max_size=6)),
    st.builds(lambda some: assistant(None, *some), st.lists(ids, min_size=1, max_size=2)),
    st.builds(tool, ids),
    st.builds(
        lambda role: {"role": role, "content": "x"}, st.sampled_from(["system", "developer"])
    ),
)
histories = st.builds(
    lambda held, system: history_of(*held, system=system),
    st.lists(messages, max_size=12),
    st.none() | st.just("be brief"),
)


def lost_answers(made: ChatHistory) -> int:
    """Tool messages with no call of their id before them."""
    called: set[str] = set()
    lost = 0
    for message in made:
        called.update(call["id"] for call in message.get("tool_calls", ()))
        lost += message["role"] == "tool" and message["tool_call_id"] not in called
    return lost


def is_tail(tail: list, whole: list) -> bool:
    return not tail or whole[-len(tail) :] == tail


class TestText:
    @pytest.mark.parametrize(
        ("message", "text"),
        [
            (user("Hi"), "Hi"),
            (user(None), ""),
            ({"role": "user"}, ""),
            (user(["a", {"type": "text", "text": "b"}, {"type": "image_url"}]), "a\nb"),
            (user({"type": "text", "text": "a"}), "a"),
            (user([{"type": "refusal", "refusal": "no"}]), "no"),
            ({"role": "assistant", "content": "", "refusal": "no"}, "no"),
            ({**assistant("b"), "reasoning_content": "a"}, "b\na"),
            ({**assistant("b"), "reasoning": "a"}, "b\na"),
            ({**assistant("b"), "thinking": "a"}, "b\na"),
            ({**assistant("b"), "<think>": "a"}, "b\na"),
            (assistant("a", "c1", "c2"), "a\nf\n{}\nf\n{}"),
        ],
    )
    def test_the_text_of_a_message_is_all_that_is_read(self, message, text: str):
        assert message_text(message) == text

    @pytest.mark.parametrize(
        "message",
        [
            user(5),
            user([5, None, [], b"x"]),
            user([{"type": "text", "text": 5}]),
            {"role": "assistant", "tool_calls": [None, {}, {"function": "f"}]},
            {"role": "assistant", "tool_calls": None, "refusal": 5},
        ],
    )
    def test_a_message_that_makes_no_sense_has_no_text(self, message):
        assert message_text(message) == ""


class TestTokens:
    def test_tokens_are_counted_by_role_message_and_round(self):
        assert TALK.analyze_tokens(words) == TokenAnalysis(
            total=12,
            by_role={"system": 3, "user": 3, "assistant": 5, "tool": 1},
            per_message=(2, 1, 1, 2, 1, 2),
            per_round=(3, 6),
        )

    def test_the_total_is_what_count_tokens_says(self):
        assert TALK.count_tokens(words) == 12

    def test_an_empty_history_has_no_tokens(self):
        assert ChatHistory().analyze_tokens(words) == TokenAnalysis(0, {}, (), ())

    def test_a_counter_that_adds_marks_is_not_asked_about_nothing(self):
        assert history_of(assistant(None), system="").count_tokens(lambda text: 1) == 0

    @settings(deadline=None)
    @given(histories)
    def test_every_way_of_counting_gives_the_same_sum(self, made: ChatHistory):
        tokens = made.analyze_tokens(words)
        system = words(made.system or "")
        assert tokens.total == sum(tokens.by_role.values())
        assert tokens.total == system + sum(tokens.per_message) == system + sum(tokens.per_round)
        assert len(tokens.per_message) == len(made)
        assert len(tokens.per_round) == len(made.rounds)


def test_statistics_are_counted():
    figures = TALK.statistics()
    assert (figures.messages, figures.rounds, figures.tool_calls) == (6, 2, 1)
    assert figures.by_role == {"user": 2, "assistant": 3, "tool": 1}
    assert figures.characters == sum(
        map(len, ["one two", "three", "four", "f", "{}", "done", "five six"])
    )


class TestByRounds:
    @pytest.mark.parametrize(("n", "left"), [(0, 0), (1, 4), (2, 6), (3, 6)])
    def test_the_newest_rounds_stay(self, n: int, left: int):
        cut = TALK.truncate_by_rounds(n)
        assert list(cut) == TALK.messages[6 - left :]
        assert cut.system == "be brief please"
        assert TALK.get_last_n_rounds(n) == cut

    def test_the_system_prompt_can_go(self):
        assert TALK.truncate_by_rounds(1, keep_system=False).system is None

    def test_a_negative_number_is_refused(self):
        with pytest.raises(ValidationError, match="n=-1"):
            TALK.truncate_by_rounds(-1)

    def test_instructions_that_come_first_stay(self):
        first = [{"role": role, "content": "be brief"} for role in ("developer", "system")]
        made = history_of(*first, user("one"), user("two"))
        assert list(made.truncate_by_rounds(1)) == [*first, user("two")]
        assert list(made.truncate_by_rounds(1, keep_system=False)) == [user("two")]
        assert list(made.truncate_by_rounds(9, keep_system=False)) == [user("one"), user("two")]

    def test_a_round_more_stays_where_an_answer_would_lose_its_call(self):
        made = history_of(user("one"), assistant(None, "c1"), user("wait"), tool("c1"))
        assert made.truncate_by_rounds(1) == made

    def test_an_answer_without_a_call_holds_nothing_back(self):
        made = history_of(user("one"), assistant("eins"), user("two"), tool("c9"))
        assert list(made.truncate_by_rounds(1)) == [user("two"), tool("c9")]

    def test_an_answer_belongs_to_the_latest_call_of_its_id(self):
        call = [user("x"), assistant(None, "c1"), tool("c1")]
        made = history_of(*call, *call)
        assert list(made.truncate_by_rounds(1)) == call

    @settings(deadline=None)
    @given(histories, st.integers(0, 5), st.booleans())
    def test_no_answer_ever_loses_its_call(self, made: ChatHistory, n: int, keep_system: bool):
        cut = made.truncate_by_rounds(n, keep_system)
        assert lost_answers(cut) <= lost_answers(made)


class TestByTokens:
    @pytest.mark.parametrize(("limit", "left"), [(100, 6), (12, 6), (11, 4), (9, 4)])
    def test_the_oldest_rounds_go_until_the_rest_fits(self, limit: int, left: int):
        cut = TALK.truncate_by_tokens(limit, words)
        assert list(cut) == TALK.messages[6 - left :]

    def test_a_newest_round_over_the_limit_is_refused(self):
        with pytest.raises(ValidationError, match="8 tokens, of which the system prompt takes 3"):
            TALK.truncate_by_tokens(8, words)

    def test_without_the_system_prompt_there_is_more_room(self):
        cut = TALK.truncate_by_tokens(6, words, keep_system=False)
        assert (len(cut), cut.system) == (4, None)

    def test_an_empty_history_fits(self):
        assert ChatHistory().truncate_by_tokens(0, words) == ChatHistory()

    def test_a_system_prompt_over_the_limit_is_refused(self):
        with pytest.raises(ValidationError, match="does not fit"):
            ChatHistory(system="be brief please").truncate_by_tokens(2, words)

    def test_a_round_goes_with_the_call_that_it_answers(self):
        made = history_of(user("one"), assistant(None, "c1"), user("a"), tool("c1"), user("b"))
        assert list(made.truncate_by_tokens(4, words)) == [user("b")]

    @settings(deadline=None)
    @given(histories, st.integers(0, 30), st.booleans())
    def test_what_is_left_fits_is_a_tail_and_loses_no_call(
        self, made: ChatHistory, limit: int, keep_system: bool
    ):
        try:
            cut = made.truncate_by_tokens(limit, words, keep_system)
        except ValidationError:
            assume(False)
        assert cut.count_tokens(words) <= limit
        assert lost_answers(cut) <= lost_answers(made)
        first = next((i for i, m in enumerate(cut) if m["role"] not in ("system", "developer")), 0)
        assert is_tail(cut.messages[first:], made.messages)

    @settings(deadline=None)
    @given(histories)
    def test_with_room_enough_all_stays(self, made: ChatHistory):
        assert made.truncate_by_tokens(made.count_tokens(words), words) == made

    @settings(deadline=None)
    @given(histories, st.integers(0, 30))
    def test_the_history_itself_is_never_changed(self, made: ChatHistory, limit: int):
        before = made.to_dict()
        with contextlib.suppress(ValidationError):
            made.truncate_by_tokens(limit, words)
        assert made.to_dict() == before

    def test_each_message_is_counted_a_few_times_at_most(self):
        asked = []
        made = history_of(*[user(f"message {i}") for i in range(300)])
        made.truncate_by_tokens(10, lambda text: asked.append(text) or words(text))
        assert len(asked) <= 2 * len(made)
