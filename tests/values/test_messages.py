"""What may be passed as messages, and what becomes of it."""

from __future__ import annotations

import re
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.history import ChatHistory
from lexilux_like.values.messages import as_content, normalize_messages, own

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
TEXT = {"type": "text", "text": "What is this?"}
SYSTEM = {"role": "system", "content": "Be brief."}


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("messages", "normal"),
    [
        ("Hi", [user("Hi")]),
        ("", [user("")]),
        (SYSTEM, [SYSTEM]),
        ([], []),
        (["Hi", "Ho"], [user("Hi"), user("Ho")]),
        ([SYSTEM, "Hi"], [SYSTEM, user("Hi")]),
        ((SYSTEM, "Hi"), [SYSTEM, user("Hi")]),
        (IMAGE, [user([IMAGE])]),
        ([TEXT, IMAGE], [user([TEXT, IMAGE])]),
        (["What is this?", IMAGE], [user([TEXT, IMAGE])]),
        ([{"type": "made_up"}], [user([{"type": "made_up"}])]),
        ([{"role": "user", "type": "message"}], [{"role": "user", "type": "message"}]),
        ([user([TEXT, IMAGE])], [user([TEXT, IMAGE])]),
        (ChatHistory(["Hi"], system="Be brief."), [SYSTEM, user("Hi")]),
        (ChatHistory(["Hi"]), [user("Hi")]),
    ],
)
def test_messages_come_in_many_shapes(messages, normal):
    assert normalize_messages(messages) == normal


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        (None, "None"),
        (b"Hi", "a bytes"),
        (bytearray(b"Hi"), "a bytearray"),
        (5, "a int"),
        ({"Hi"}, "a set"),
        (iter(["Hi"]), "a list_iterator"),
        ([None], "None"),
        ([5], "a int"),
        ([["Hi"]], "a list"),
        ([b"Hi"], "a bytes"),
        ({}, "a role"),
        ({"content": "Hi"}, "a role"),
        ([{"role": ""}], "a role, not ''"),
        ([{"role": None}], "a role, not None"),
        ([{"role": 5}], "a role, not 5"),
    ],
)
def test_what_is_no_message_is_refused_with_advice(messages, named):
    with pytest.raises(
        ValidationError, match=f"(cannot be|needs) {named}.*: pass a string, a message such"
    ):
        normalize_messages(messages)


@pytest.mark.parametrize("other", [SYSTEM, None, 5, {}])
def test_content_parts_cannot_be_mixed_with_anything_else(other):
    with pytest.raises(ValidationError, match=re.escape("put them into the 'content'")):
        normalize_messages([TEXT, other])


def test_dicts_are_taken_by_reference():
    message = user("Hi")
    assert normalize_messages([message])[0] is message


def test_parts_are_taken_by_reference():
    assert normalize_messages(["look", IMAGE])[0]["content"][1] is IMAGE


def test_the_list_itself_is_new():
    messages = [user("Hi")]
    assert normalize_messages(messages) is not messages


def test_any_mapping_is_a_message():
    message = MappingProxyType(user("Hi"))
    assert normalize_messages([message]) == [message]


def test_what_is_inside_a_message_is_not_checked():
    message = {"role": "martian", "content": 5, "more": object()}
    assert normalize_messages(message) == [message]


@given(st.lists(st.text() | st.builds(user, st.text())))
def test_normal_messages_stay_as_they_are(messages):
    normal = normalize_messages(messages)
    assert normalize_messages(normal) == normal


@pytest.mark.parametrize(
    ("content", "made"),
    [(None, None), ("Hi", "Hi"), (IMAGE, [IMAGE]), (["What is this?", IMAGE], [TEXT, IMAGE])],
)
def test_content_is_text_or_a_list_of_parts(content, made):
    assert as_content(content) == made


@pytest.mark.parametrize("content", [5, b"Hi", {"Hi"}, [SYSTEM], [None]])
def test_other_content_is_refused(content):
    with pytest.raises(ValidationError, match="content"):
        as_content(content)


def test_an_owned_copy_shares_no_dict_and_no_list():
    message = {"role": "user", "content": [{"type": "text", "nested": {"a": [1]}}]}
    copy = own(message)
    message["content"][0]["nested"]["a"].append(2)
    assert copy == {"role": "user", "content": [{"type": "text", "nested": {"a": [1]}}]}


def test_an_owned_copy_is_made_of_dicts_and_lists():
    copy = own(MappingProxyType({"role": "user", "content": (MappingProxyType(TEXT),)}))
    assert copy == {"role": "user", "content": [TEXT]}
    assert type(copy["content"][0]) is dict


def test_what_cannot_be_copied_is_shared():
    thing = object()
    assert own({"role": "user", "content": thing})["content"] is thing
