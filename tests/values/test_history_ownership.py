"""The history owns its messages: copies are independent, and JSON loses nothing."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.history import ChatHistory

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
messages = st.builds(
    lambda role, content, more: {**more, "role": role, "content": content},
    st.sampled_from(["user", "assistant", "tool", "system", "developer"]),
    json_values,
    st.dictionaries(st.text(), json_values, max_size=2),
)


def history_of(given_messages: list, system: str | None) -> ChatHistory:
    made = ChatHistory(system=system)
    made.extend(given_messages)
    return made


histories = st.builds(
    history_of, st.lists(messages, max_size=6), st.none() | st.text(st.characters())
)


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


class TestOwnership:
    def test_the_caller_s_message_is_copied_in(self):
        message = user([{"type": "text", "text": "Hi"}])
        made = ChatHistory([message])
        message["content"][0]["text"] = "changed"
        message["role"] = "assistant"
        assert made[0] == user([{"type": "text", "text": "Hi"}])

    def test_one_message_in_two_histories_is_two_messages(self, history: ChatHistory):
        other, message = history.clone(), user([{"type": "text", "text": "Hi"}])
        history.append(message)
        other.append(message)
        history[-1]["content"][0]["text"] = "changed"
        assert other[-1]["content"][0]["text"] == "Hi"

    @pytest.mark.parametrize(
        "derive",
        [
            ChatHistory.clone,
            copy.copy,
            copy.deepcopy,
            ChatHistory,
            lambda h: h[:],
            lambda h: h.filter(),
            lambda h: h + ChatHistory(),
            lambda h: ChatHistory() + h,
            lambda h: h.truncate_by_rounds(99),
            lambda h: h.truncate_by_tokens(99, len),
            lambda h: h.get_last_n_rounds(99),
            lambda h: ChatHistory.from_dict(h.to_dict()),
            lambda h: pickle.loads(pickle.dumps(h)),
        ],
    )
    @pytest.mark.parametrize("way", ["forth", "back"])
    def test_what_is_made_from_a_history_is_independent_of_it(self, derive, way: str):
        first = ChatHistory([user([{"type": "text", "text": "Hi"}])], system="Be brief.")
        second = derive(first)
        assert second == first
        changed, kept = (first, second) if way == "forth" else (second, first)
        changed[0]["content"][0]["text"] = "changed"
        changed.add_user("more")
        changed.system = "Rhyme."
        assert kept == ChatHistory([user([{"type": "text", "text": "Hi"}])], system="Be brief.")

    @settings(deadline=None)
    @given(histories, messages)
    def test_a_clone_never_follows(self, original: ChatHistory, message: dict):
        clone, before = original.clone(), copy.deepcopy(original.to_dict())
        clone.append(message)
        clone[0] = message
        clone.reverse()
        clone.set_system("changed")
        assert original.to_dict() == before

    def test_the_lists_that_it_hands_out_are_new(self, history: ChatHistory):
        history.messages.clear()
        history.get_messages().clear()
        history.rounds.clear()
        history.to_dict()["messages"].clear()
        assert len(history) == 4

    def test_to_dict_is_the_caller_s_to_change(self, history: ChatHistory):
        history.to_dict()["messages"][0]["content"] = "changed"
        assert history[0] == user("one")

    def test_adding_does_not_change_what_is_added(self, history: ChatHistory):
        other = ChatHistory(["three"], system="Rhyme.")
        history.add_messages(other)
        _ = history + other
        assert other == ChatHistory(["three"], system="Rhyme.")


@settings(deadline=None)
@given(histories)
def test_rounds_put_together_are_the_history(made: ChatHistory):
    assert [message for each in made.rounds for message in each] == list(made)


class TestJson:
    @settings(deadline=None)
    @given(histories)
    def test_what_was_written_is_read(self, made: ChatHistory):
        assert ChatHistory.from_json(made.to_json()) == made
        assert ChatHistory.from_json(made.to_json(indent=2).encode()) == made
        assert ChatHistory.from_dict(made.to_dict()) == made

    def test_the_form_is_versioned_and_readable(self):
        made = ChatHistory(["Grüße 👋"], system="Kurz.")
        assert made.to_json() == (
            '{"version": 1, "system": "Kurz.",'
            ' "messages": [{"role": "user", "content": "Grüße 👋"}]}'
        )

    def test_a_lone_surrogate_can_be_written_to_a_file(self):
        made = ChatHistory(["\ud83d"])
        assert ChatHistory.from_json(made.to_json().encode("utf-8")) == made

    def test_a_leading_system_message_stays_where_it_was(self):
        made = ChatHistory()
        made.append({"role": "system", "content": "Be brief."})
        assert ChatHistory.from_json(made.to_json()) == made

    @pytest.mark.parametrize("content", [b"bytes", {1, 2}, float("nan"), object()])
    def test_what_json_cannot_say_is_refused(self, content):
        with pytest.raises(ValidationError, match="cannot be written as JSON"):
            ChatHistory([user(content)]).to_json()

    @pytest.mark.parametrize("text", ["", "nope", "[1", b"\xff", "[" * 100_000])
    def test_what_is_no_json_is_refused_with_the_cause(self, text):
        with pytest.raises(ValidationError, match="not a history") as caught:
            ChatHistory.from_json(text)
        assert caught.value.__cause__ is not None

    @pytest.mark.parametrize(
        "data",
        [
            None,
            [],
            "Hi",
            {},
            {"version": 2, "system": None, "messages": []},
            {"version": "1", "messages": []},
            {"version": 1},
            {"version": 1, "messages": "Hi"},
            {"version": 1, "messages": {}},
            {"version": 1, "messages": [], "system": 5},
            {"version": 1, "messages": ["Hi"]},
            {"version": 1, "messages": [{"content": "Hi"}]},
        ],
    )
    def test_what_is_no_history_is_refused(self, data):
        with pytest.raises(ValidationError):
            ChatHistory.from_dict(data)
        with pytest.raises(ValidationError):
            ChatHistory.from_json(json.dumps(data))
