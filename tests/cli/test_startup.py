"""What the command loads, and what it says where its libraries are not there."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from interpreters import untraced

from lexilux_like import __version__
from lexilux_like.cli import EXTRA
from lexilux_like.cli.demo import SCRIPTS
from lexilux_like.testing import stream

ROOT = Path(__file__).parents[2]
RUN = (
    "import sys; sys.argv = ['lexilux-like', *{words!r}]; {first}\n"
    "from lexilux_like.cli import main; "
)
WITHOUT = "sys.modules[{name!r}] = None"
ASK = (
    "try:\n    main()\nexcept SystemExit:\n    print(*sorted({{*{names!r}}} & sys.modules.keys()))"
)


def run(cli, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env=untraced(cli.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("typer", ("--help",)),
        ("platformdirs", ("ask", "x")),
        ("jsonschema", ("complete", "x", "--schema", "s.json")),
    ],
)
def test_without_the_extra_one_line_says_how_to_get_it(cli, name, words):
    code = RUN.format(words=words, first=WITHOUT.format(name=name)) + "sys.exit(main())"
    done = run(cli, code)
    line = 'lexilux-like needs its extra: pip install "lexilux_like[cli]"\n'
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


def test_another_missing_module_is_not_taken_for_the_extra(cli):
    code = RUN.format(words=("ask", "x"), first=WITHOUT.format(name="httpcore")) + "main()"
    assert "lexilux_like[cli]" not in run(cli, code).stderr


def test_the_extra_is_what_pyproject_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = project["optional-dependencies"]["cli"]
    assert {each.partition(">")[0] for each in listed} == EXTRA


def test_ask_in_a_pipe_loads_nothing_that_only_terminals_need(cli, scripted_server):
    scripted_server.play(stream("x"))
    heavy = ("rich", "prompt_toolkit", "keyring", "jsonschema", "asyncio", "httpx")
    code = RUN.format(words=("ask", "x"), first="") + "\n" + ASK.format(names=heavy)
    assert run(cli, code).stdout == "x\n\n"


def test_help_loads_no_client(cli):
    names = ("httpcore", "lexilux_like.chat", "lexilux_like.transport.base", "rich")
    code = RUN.format(words=("ask", "--help"), first="") + "\n" + ASK.format(names=names)
    assert run(cli, code).stdout.endswith("\n\n")


def test_every_command_has_help(cli):
    for word in ("ask", "complete", "chat", "batch", "providers", "doctor", "demo", "key"):
        assert cli(word, "--help").code == 0


def test_the_version_is_the_package_s(cli):
    assert cli("--version").out == f"{__version__}\n"


def test_providers_in_a_pipe_are_lines_with_tabs(cli):
    cli.environ["DEEPSEEK_API_KEY"] = cli.key
    rows = [line.split("\t") for line in cli("providers").out.splitlines()]
    known = {row[0]: row for row in rows}
    assert known["deepseek"][2:] == ["https://api.deepseek.com", "DEEPSEEK_API_KEY", "yes"]
    assert known["openai"][4] == "no"
    assert {len(row) for row in rows} == {5}


def test_providers_as_json_say_all(cli):
    found = {row["name"]: row for row in json.loads(cli("providers", "--json").out)}
    assert found["anthropic"]["dialect"] == "anthropic"


def test_one_provider_is_told_in_full(cli):
    done = cli("providers", "deepseek")
    assert "DEEPSEEK_API_KEY" in done.out
    assert "\n- " in done.out


def test_an_unknown_provider_exits_2(cli):
    done = cli("providers", "depseek")
    assert (done.code, "did you mean 'deepseek'" in done.err) == (2, True)


def test_the_demo_runs(cli):
    pytest.importorskip("xllamacpp", reason="the demo needs a real engine, of the extra demo")
    done = cli("demo")
    assert done.code == 0
    assert "Everything went as it should." in done.out


def test_the_demo_without_its_engine_says_how_to_get_it(cli):
    code = RUN.format(
        words=("demo",),
        first="import importlib.util as u; find = u.find_spec; "
        "u.find_spec = lambda name, *p: None if name == 'xllamacpp' else find(name, *p)",
    )
    done = run(cli, code + "sys.exit(main())")
    assert done.returncode == 2
    assert 'pip install "lexilux_like[cli,demo]"' in done.stderr


def test_a_wheel_has_the_demo_where_it_is_looked_for():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    inside = build["targets"]["wheel"]["force-include"]["demo/run.py"]
    assert SCRIPTS[0] == ROOT / inside
    assert SCRIPTS[1] == (ROOT / "demo" / "run.py")
    assert SCRIPTS[1].exists()
