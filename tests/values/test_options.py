"""Options: declared once, checked against their bounds, kept only when given."""

from __future__ import annotations

import copy
import pickle

import pytest

from lexilux_like.values.errors import ValidationError
from lexilux_like.values.options import (
    BoundedOptions,
    CallOptions,
    ChatParams,
    SamplingOptions,
    StreamOptions,
    check_options,
    sampling,
    validated,
)

GOOD = {
    "temperature": [0, 1.5, 2],
    "top_p": [0, 1],
    "max_tokens": [1],
    "max_completion_tokens": [1],
    "stop": ["END", ["a", "b"]],
    "presence_penalty": [-2, 2],
    "frequency_penalty": [-2, 2],
    "logit_bias": [{50256: -100.0}],
    "seed": [0, -1],
    "logprobs": [True, False],
    "top_logprobs": [0, 20],
    "user": ["u1"],
    "metadata": [{"a": "b"}],
    "service_tier": ["flex"],
    "parallel_tool_calls": [False],
}
BAD = {
    "temperature": [-0.1, 2.1, "hot"],
    "top_p": [-0.1, 1.1],
    "max_tokens": [0, 1.5],
    "max_completion_tokens": [0],
    "stop": [5, [1]],
    "presence_penalty": [-2.1, 2.1],
    "frequency_penalty": [-2.1, 2.1],
    "logit_bias": [["x"], {"word": 1}],
    "seed": [1.5, "x"],
    "logprobs": ["perhaps"],
    "top_logprobs": [-1],
    "user": [5],
    "metadata": [{"a": 1}],
    "service_tier": [1],
    "parallel_tool_calls": ["perhaps"],
}


def cases(table: dict[str, list[object]]) -> list[tuple[str, object]]:
    return [(name, value) for name, values in table.items() for value in values]


def test_every_bounded_option_is_tried():
    assert GOOD.keys() == BAD.keys() == BoundedOptions.__optional_keys__


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_an_option_within_its_bounds_is_kept_as_it_is(name: str, value: object):
    assert validated({name: value}) == {name: value}


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_an_option_out_of_bounds_is_refused_by_name_and_value(name: str, value: object):
    with pytest.raises(ValidationError) as caught:
        validated({name: value})
    assert str(caught.value).startswith(f"{name}={value!r}: ")


@pytest.mark.parametrize("name", sorted(SamplingOptions.__optional_keys__))
def test_none_means_not_given(name: str):
    assert validated({name: None}) == {}


def test_tools_are_passed_on_unchecked():
    tools = [object()]
    assert validated({"tools": tools})["tools"] is tools


class TestParams:
    def test_an_option_that_was_given_is_an_attribute(self):
        assert ChatParams(temperature=0.5).temperature == 0.5

    def test_an_option_that_was_not_given_is_none(self):
        assert ChatParams().temperature is None

    def test_another_attribute_is_an_error(self):
        with pytest.raises(AttributeError, match="ChatParams has no 'temprature'"):
            _ = ChatParams().temprature

    def test_a_misspelt_option_is_a_type_error_that_names_the_nearest(self):
        with pytest.raises(TypeError, match="'temprature'; did you mean 'temperature'"):
            ChatParams(temprature=1)  # type: ignore[call-arg]

    def test_an_option_out_of_bounds_is_refused(self):
        with pytest.raises(ValidationError, match=r"^top_p=2: "):
            ChatParams(top_p=2)

    def test_only_what_was_given_is_in_the_dict(self):
        assert ChatParams(seed=1, stop=None).to_dict() == {"seed": 1}

    def test_the_dict_is_a_copy(self):
        params = ChatParams(seed=1)
        params.to_dict()["seed"] = 2
        assert params.seed == 1

    def test_iterating_gives_what_was_given(self):
        assert dict(ChatParams(seed=1, top_p=0.5)) == {"seed": 1, "top_p": 0.5}

    def test_replace_makes_a_changed_copy(self):
        params = ChatParams(seed=1, top_p=0.5)
        assert params.replace(seed=2) == ChatParams(seed=2, top_p=0.5)
        assert params.seed == 1

    def test_replacing_by_none_takes_an_option_out(self):
        assert ChatParams(seed=1).replace(seed=None) == ChatParams()

    def test_params_are_equal_when_the_same_was_given(self):
        assert ChatParams(seed=1) == ChatParams(seed=1) != ChatParams(seed=2)
        assert ChatParams(seed=1) != {"seed": 1}

    def test_params_are_not_hashable(self):
        with pytest.raises(TypeError):
            hash(ChatParams())

    def test_params_cannot_be_changed_by_a_new_attribute(self):
        with pytest.raises(AttributeError):
            ChatParams().seed = 1

    def test_the_repr_is_the_call_that_makes_it(self):
        assert repr(ChatParams(seed=1, stop="x")) == "ChatParams(seed=1, stop='x')"

    def test_params_survive_copying_and_pickling(self):
        params = ChatParams(seed=1)
        assert pickle.loads(pickle.dumps(params)) == copy.deepcopy(params) == params


class TestCheckOptions:
    @pytest.mark.parametrize("kind", [CallOptions, StreamOptions])
    def test_known_options_pass(self, kind: type):
        check_options(dict.fromkeys(kind.__optional_keys__), kind)

    def test_an_unknown_one_names_the_nearest(self):
        with pytest.raises(TypeError, match="'max_token'; did you mean 'max_tokens'"):
            check_options({"max_token": 1}, CallOptions)

    def test_one_like_none_lists_all(self):
        with pytest.raises(TypeError, match=r"'zzz'; it takes .*temperature, .*top_p"):
            check_options({"zzz": 1}, CallOptions)

    def test_an_option_of_streams_is_unknown_to_calls(self):
        with pytest.raises(TypeError, match="unexpected keyword 'include_usage'"):
            check_options({"include_usage": True}, CallOptions)


class TestSampling:
    def test_keywords_win_over_params(self):
        options = sampling({"seed": 2}, ChatParams(seed=1, top_p=0.5))
        assert options == {"seed": 2, "top_p": 0.5}

    def test_a_none_does_not_win(self):
        assert sampling({"seed": None}, ChatParams(seed=1)) == {"seed": 1}

    def test_what_is_no_sampling_option_is_left_out(self):
        assert sampling({"model": "m", "seed": 1}, None) == {"seed": 1}

    def test_keywords_are_checked(self):
        with pytest.raises(ValidationError, match=r"^seed='x': "):
            sampling({"seed": "x"}, None)
