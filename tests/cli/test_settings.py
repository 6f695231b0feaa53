"""Who is asked: options, environment, config file; and where the key comes from."""

from __future__ import annotations

import json

import pytest

from lexilux_like.testing import ScriptedServer, stream


@pytest.fixture(autouse=True)
def _always_an_answer(scripted_server):
    scripted_server.always(stream("x"))


def bare(cli) -> None:
    """Nothing in the environment says who is asked."""
    for name in ("LEXILUX_BASE_URL", "LEXILUX_MODEL", "LEXILUX_API_KEY"):
        del cli.environ[name]


def sent(server: ScriptedServer) -> tuple[str, str | None]:
    """The model and the key of the last request."""
    request = server.requests[-1]
    return request.json["model"], request.headers.get("authorization")


def profile(server: ScriptedServer, *lines: str) -> str:
    return "\n".join(["[profiles.work]", f'base_url = "{server.url}"', 'model = "works"', *lines])


def test_a_named_profile_says_everything(cli, scripted_server):
    bare(cli)
    cli.environ["WORK_KEY"] = cli.key
    cli.config(profile(scripted_server, 'key_env = "WORK_KEY"', 'system = "Be brief."'))
    assert cli("ask", "x", "--profile", "work").code == 0
    assert sent(scripted_server) == ("works", f"Bearer {cli.key}")
    first = scripted_server.requests[0].json["messages"][0]
    assert first == {"role": "system", "content": "Be brief."}


def test_a_default_profile_needs_no_naming(cli, scripted_server):
    bare(cli)
    cli.config('default_profile = "work"\n' + profile(scripted_server))
    assert cli("ask", "x").code == 0
    assert sent(scripted_server) == ("works", None)


def test_an_option_wins_over_environment_and_profile(cli, scripted_server):
    cli.config(profile(scripted_server))
    cli("ask", "x", "--profile", "work", "--model", "given")
    assert sent(scripted_server)[0] == "given"


def test_the_environment_wins_over_a_default_profile(cli, scripted_server):
    cli.config('default_profile = "work"\n' + profile(scripted_server))
    cli("ask", "x")
    assert sent(scripted_server)[0] == "m"


def test_a_profile_named_as_an_option_wins_over_the_environment(cli, scripted_server):
    cli.config(profile(scripted_server))
    cli.environ["LEXILUX_BASE_URL"] = "http://127.0.0.1:1/v1"
    assert cli("ask", "x", "--profile", "work").code == 0
    assert sent(scripted_server)[0] == "works"


def test_a_profile_named_in_the_environment_counts(cli, scripted_server):
    bare(cli)
    cli.config(profile(scripted_server))
    cli.environ["LEXILUX_PROFILE"] = "work"
    assert cli("ask", "x").code == 0


def test_an_endpoint_in_the_options_leaves_the_default_profile_out(cli, scripted_server):
    bare(cli)
    cli.config('default_profile = "work"\n' + profile(scripted_server, "temperature = 1.5"))
    cli("ask", "x", "--base-url", scripted_server.url, "-m", "m")
    assert "temperature" not in scripted_server.requests[0].json


def test_headers_and_limits_of_a_profile_are_used(cli, scripted_server):
    lines = ("max_tokens = 9", 'headers = { x-team = "blue" }', "timeout = 5")
    cli.config(profile(scripted_server, *lines))
    cli("ask", "x", "--profile", "work")
    request = scripted_server.requests[0]
    assert (request.json["max_tokens"], request.headers["x-team"]) == (9, "blue")


def test_without_an_endpoint_it_says_how_to_name_one(cli):
    bare(cli)
    done = cli("ask", "x")
    assert done.code == 2
    for word in ("--provider", "--base-url", "LEXILUX_BASE_URL", "config.toml"):
        assert word in done.err


def test_without_a_model_it_says_how_to_name_one(cli):
    del cli.environ["LEXILUX_MODEL"]
    done = cli("ask", "x")
    assert (done.code, "no model" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[profiles.work]\napi_key = 'sk-never-to-be-seen-4711'", "lexilux-like key set"),
        ("api_key = 'sk-never-to-be-seen-4711'", "lexilux-like key set"),
        ("[profiles.work.headers]\nauthorization = 'Bearer x'", "lexilux-like key set"),
        ("[profiles.work]\nmodell = 'm'", "'modell' is not known"),
        ("[profiles.work]\nmax_tokens = 'many'", "max_tokens = 'many': it must be int"),
        ("[profiles.work]\nretries = true", "retries = True: it must be int"),
        ("[profile.work]\n", "'profile' is not known"),
        ("profiles = 1", "profiles are tables"),
        ("[profiles]\nwork = 1", "is not a table"),
        ("[profiles.work", "cannot be read"),
    ],
)
def test_a_config_file_that_is_wrong_says_where(cli, scripted_server, text, words):
    path = cli.config(text)
    done = cli("ask", "x")
    assert done.code == 2
    assert words in done.err
    assert str(path) in done.err
    assert scripted_server.requests == []


def test_an_unknown_profile_names_those_that_are_there(cli, scripted_server):
    cli.config(profile(scripted_server))
    done = cli("ask", "x", "--profile", "wrok")
    assert (done.code, "there is: work" in done.err) == (2, True)


def test_another_config_file_can_be_named(cli, scripted_server):
    bare(cli)
    path = cli.home / "mine.toml"
    path.write_text(profile(scripted_server))
    cli.environ["LEXILUX_CONFIG"] = str(path)
    assert cli("ask", "x", "-P", "work").code == 0


def test_the_provider_s_own_variable_is_its_key(cli, scripted_server):
    del cli.environ["LEXILUX_API_KEY"]
    cli.environ["DEEPSEEK_API_KEY"] = cli.key
    cli("ask", "x", "--provider", "deepseek", "--base-url", scripted_server.url)
    assert sent(scripted_server) == ("m", f"Bearer {cli.key}")


def test_another_provider_s_variable_is_not_sent(cli, scripted_server):
    del cli.environ["LEXILUX_API_KEY"]
    cli.environ["OPENAI_API_KEY"] = cli.key
    cli("ask", "x")
    assert sent(scripted_server) == ("m", None)


def test_a_provider_without_its_key_says_where_to_put_one(cli, scripted_server):
    del cli.environ["LEXILUX_API_KEY"]
    done = cli("ask", "x", "--provider", "deepseek")
    assert done.code == 2
    assert "DEEPSEEK_API_KEY" in done.err
    assert "lexilux-like key set deepseek" in done.err


def test_a_key_of_the_profile_that_is_unset_is_not_replaced_by_another(cli, scripted_server):
    cli.config(profile(scripted_server, 'key_env = "WORK_KEY"'))
    done = cli("ask", "x", "-P", "work")
    assert (done.code, "WORK_KEY, which is unset" in done.err) == (2, True)
    assert scripted_server.requests == []


def test_a_stored_key_is_used_listed_and_deleted(cli, scripted_server):
    del cli.environ["LEXILUX_API_KEY"]
    asked = ("ask", "x", "-p", "deepseek", "--base-url", scripted_server.url)
    assert cli("key", "set", "deepseek", stdin=f"{cli.key}\n").code == 0
    assert cli("key", "list").out == "deepseek\n"
    assert cli(*asked).code == 0
    assert sent(scripted_server) == ("m", f"Bearer {cli.key}")
    assert cli("key", "delete", "deepseek").code == 0
    assert cli("key", "list").out == ""
    assert cli(*asked).code == 2


def test_a_profile_s_key_is_stored_under_its_name(cli, scripted_server):
    del cli.environ["LEXILUX_API_KEY"]
    cli.config(profile(scripted_server, 'key = "team"', 'provider = "openai"'))
    cli("key", "set", "team", stdin=cli.key)
    cli("ask", "x", "-P", "work")
    assert sent(scripted_server) == ("works", f"Bearer {cli.key}")


def test_the_names_of_keys_are_all_that_is_in_a_file(cli):
    cli("key", "set", "openai", stdin=cli.key)
    path = cli.data / "keys.json"
    assert json.loads(path.read_text()) == ["openai"]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("typed", ["", "schlüssel"], ids=["none", "umlaut"])
def test_what_is_no_key_is_not_stored(cli, typed):
    done = cli("key", "set", "openai", stdin=typed)
    assert (done.code, done.err) == (
        2,
        "error: a key is printable ASCII on one line; this one is not\n",
    )
    assert cli("key", "list").out == ""


def test_deleting_a_key_that_is_not_there_exits_2(cli):
    done = cli("key", "delete", "openai")
    assert (done.code, done.err) == (2, "error: there is no key 'openai' in the keyring\n")


def test_a_locked_keyring_says_so_and_where_else_a_key_may_be(cli):
    cli.environ["PYTHON_KEYRING_BACKEND"] = "filekeyring.LockedKeyring"
    done = cli("key", "set", "openai", stdin=cli.key)
    assert done.code == 2
    assert "the wallet is locked" in done.err
    assert "LEXILUX_API_KEY" in done.err


def test_a_locked_keyring_does_not_matter_where_a_variable_has_the_key(cli):
    cli.environ["PYTHON_KEYRING_BACKEND"] = "filekeyring.LockedKeyring"
    assert cli("ask", "x").code == 0


def test_a_key_cannot_be_an_argument(cli, scripted_server):
    assert cli("key", "set", "openai", "sk-x").code == 2
    assert cli("ask", "x", "--api-key", "sk-x").code == 2
    assert scripted_server.requests == []
