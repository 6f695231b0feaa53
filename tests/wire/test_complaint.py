"""Error objects: the words, code and type in them, whatever their shape."""

from __future__ import annotations

import pytest
from refusals import inside, refused

from lexilux_like.values.errors import AuthenticationError, RateLimitError
from lexilux_like.wire.complaint import find_error

SHAPES = {
    "OpenAI": (
        {"error": {"message": "No", "type": "invalid_request_error", "param": "n", "code": "bad"}},
        ("No", "bad", "invalid_request_error", "n"),
    ),
    "error is a text": ({"error": "No"}, ("No", None, None, None)),
    "xAI": ({"code": "denied", "error": "No"}, ("No", "denied", None, None)),
    "TGI": ({"error": "No", "error_type": "validation"}, ("No", None, "validation", None)),
    "Spring": (
        {"timestamp": 1, "status": 404, "error": "Not Found", "message": "No", "path": "/"},
        ("No", None, None, None),
    ),
    "vLLM": (
        {"object": "error", "message": "No", "type": "BadRequestError", "param": None, "code": 400},
        ("No", 400, "BadRequestError", None),
    ),
    "Mistral": (
        {
            "object": "error",
            "message": "No",
            "type": "invalid_model",
            "param": None,
            "code": "1500",
        },
        ("No", "1500", "invalid_model", None),
    ),
    "message and code": ({"message": "No", "code": 7}, ("No", 7, None, None)),
    "detail": ({"detail": "No"}, ("No", None, None, None)),
    "FastAPI": (
        {"detail": [{"type": "missing", "loc": ["body", "messages", 0], "msg": "No"}]},
        ("body.messages.0: No", None, None, None),
    ),
    "FastAPI, two": (
        {"detail": [{"loc": ["body"], "msg": "No"}, {"loc": ["query"], "msg": "Nor"}]},
        ("body: No; query: Nor", None, None, None),
    ),
    "detail is an object": (
        {"detail": {"message": "No", "code": "x"}},
        ("No", "x", None, None),
    ),
    "Cloudflare": (
        {"success": False, "errors": [{"code": 7003, "message": "No"}], "result": None},
        ("No", 7003, None, None),
    ),
    "Cloudflare, two": (
        {"errors": [{"code": 1, "message": "No"}, {"code": 2, "message": "Nor"}]},
        ("No; Nor", None, None, None),
    ),
    "Google": (
        [{"error": {"code": 400, "message": "No", "status": "INVALID_ARGUMENT"}}],
        ("No", 400, None, None),
    ),
    "llama.cpp": (
        {"error": {"code": 500, "message": "No", "type": "server_error"}},
        ("No", 500, "server_error", None),
    ),
    "Anthropic": (
        {"type": "error", "error": {"type": "overloaded_error", "message": "No"}},
        ("No", None, "overloaded_error", None),
    ),
    "error in an error": (
        {"error": {"error": {"message": "No", "code": 3}}},
        ("No", 3, None, None),
    ),
    "Zhipu": ({"code": 1302, "msg": "No", "success": False}, ("No", 1302, None, None)),
}
every_shape = pytest.mark.parametrize("shape", SHAPES)


@every_shape
def test_words_of_each_shape(shape: str) -> None:
    body, words = SHAPES[shape]
    error = refused(body)
    assert (error.provider_message, error.code, error.type, error.param) == words


@every_shape
def test_each_shape_is_found_under_status_200(shape: str) -> None:
    body, words = SHAPES[shape]
    error = inside(find_error(body))
    assert (error.provider_message, error.code, error.type, error.param) == words


@pytest.mark.parametrize(
    "document",
    [
        {"choices": [], "error": None},
        {"choices": [{"delta": {}}], "message": "x", "code": 1},
        {"choices": [{"delta": {}}], "detail": "x"},
        {"type": "ping"},
        {"object": "chat.completion.chunk", "usage": {}},
        {"message": "x"},
        {"error": None},
        {},
        [],
        [1, 2],
        "error",
        3,
        None,
    ],
)
def test_what_is_no_error_is_not_taken_for_one(document: object) -> None:
    assert find_error(document) is None


def test_error_beside_choices_is_found() -> None:
    document = {"choices": [{"delta": {}}], "error": {"message": "No"}}
    assert find_error(document) is document


def test_openrouter_passes_on_what_its_provider_said() -> None:
    metadata = {"raw": "the model is cold", "provider_name": "X"}
    error = refused({"error": {"message": "Provider returned error", "metadata": metadata}}, 502)
    assert error.provider_message == "Provider returned error"
    assert "the model is cold" in error.message


def test_plain_text_is_the_message() -> None:
    error = refused(b"upstream is down\n", 502, "text/plain")
    assert error.provider_message == "upstream is down"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b"<html><head><title>502 Bad&nbsp;Gateway</title></head><p>x", "502 Bad Gateway"),
        (b"<!doctype html><style>p {}</style><h1>Not\n here</h1>", "Not here"),
        (b"<HTML><TITLE lang=en>No</TITLE>", "No"),
        (b"<" * 100_000, "<" * 8_192),
    ],
)
def test_web_page_is_read_by_its_title_or_text(page: bytes, words: str) -> None:
    assert refused(page, 502, "text/html").provider_message == words


def test_page_without_its_content_type_is_still_one() -> None:
    assert refused(b" <html><title>No</title>", 502, "").provider_message == "No"


def test_json_of_an_unknown_shape_is_shown_as_it_is() -> None:
    assert refused({"oops": 1}).provider_message == '{"oops": 1}'


def test_empty_body_gives_no_reason() -> None:
    error = refused(b"", 503)
    assert error.provider_message == ""
    assert "no reason given" in error.message


def test_status_that_minimax_names_counts_under_status_200() -> None:
    error = inside({"type": "error", "error": {"type": "odd", "message": "x", "http_code": "429"}})
    assert type(error) is RateLimitError


@pytest.mark.parametrize("code", [0, "0", None, "", True, -1, [], "x"])
def test_verdict_of_minimax_that_is_no_error_is_none(code: object) -> None:
    assert find_error({"base_resp": {"status_code": code, "status_msg": "x"}}) is None


@pytest.mark.parametrize("code", [1004, "1004"])
def test_verdict_of_minimax_is_found_beside_anything(code: object) -> None:
    document = {"choices": [{"delta": {}}], "base_resp": {"status_code": code, "status_msg": "No"}}
    assert find_error(document) is document
    error = inside(document)
    assert type(error) is AuthenticationError
    assert (error.code, error.provider_message) == (code, "No")


def test_error_beside_a_verdict_of_minimax_says_more() -> None:
    found = inside({"error": {"message": "No", "code": 429}, "base_resp": {"status_code": 1004}})
    assert type(found) is RateLimitError
